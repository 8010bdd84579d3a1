"""Numbers and meanings read out of OpenStreetMap tags."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.sources import osm_tags as meaning


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("12.13 m", 12.13), ("~5", 5), ("40 ft", 12.192), ("6'4\"", 1.9304), ("7,5", 7.5)],
)
def test_metres(text, value):
    assert meaning.metres(text) == pytest.approx(value)


@pytest.mark.parametrize("text", [None, "", "high", "3 storeys", "1;2"])
def test_no_metres(text):
    assert math.isnan(meaning.metres(text))


@pytest.mark.parametrize(("text", "value"), [("50", 50 / 3.6), ("30 mph", 13.4112), ("20 km/h", 20 / 3.6)])
def test_speed(text, value):
    assert meaning.speed(text) == pytest.approx(value)


@pytest.mark.parametrize("text", [None, "none", "walk", "FI:urban", "0", "900"])
def test_no_speed(text):
    assert math.isnan(meaning.speed(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1936", 1936),
        ("after 1905..1908", 1905),
        ("before 1939", 1939),
        ("1890s", 1890),
        ("2012?", 2012),
        ("1938-10", 1938),
    ],
)
def test_year(text, value):
    assert meaning.year(text) == value


@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(text):
    for read in (meaning.number, meaning.metres, meaning.speed, meaning.year):
        assert isinstance(read(text), float)
    assert not meaning.positive(meaning.number(text)) <= 0


@pytest.mark.parametrize(
    ("tags", "drive", "walk"),
    [
        ({"highway": "residential"}, True, True),
        ({"highway": "residential", "access": "private"}, False, False),
        ({"highway": "residential", "motor_vehicle": "destination", "access": "no", "foot": "yes"}, True, True),
        ({"highway": "unclassified", "motor_vehicle": "psv"}, False, True),
        ({"highway": "motorway"}, True, False),
        ({"highway": "trunk", "sidewalk": "both"}, True, True),
        ({"highway": "cycleway", "foot": "no"}, False, False),
        ({"highway": "footway"}, False, True),
        ({"highway": "primary", "foot": "use_sidepath"}, True, False),
        ({"highway": "construction", "foot": "yes"}, False, False),
        ({"highway": "pedestrian", "area": "yes"}, False, True),
        ({"highway": "service", "area": "yes"}, False, True),
        ({"railway": "tram"}, False, False),
    ],
)
def test_who_may_use_a_street(tags, drive, walk):
    assert (meaning.drivable(tags), meaning.walkable(tags)) == (drive, walk)


@pytest.mark.parametrize(
    ("tags", "way"),
    [
        ({"highway": "primary"}, 0),
        ({"highway": "primary", "oneway": "yes"}, 1),
        ({"highway": "primary", "oneway": "-1"}, -1),
        ({"highway": "primary", "junction": "roundabout"}, 1),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
    ],
)
def test_direction(tags, way):
    assert meaning.direction(tags) == way


@pytest.mark.parametrize(
    ("tags", "use"),
    [
        ({"building": "apartments"}, "residential"),
        ({"building": "yes"}, "unknown"),
        ({"building": "yes", "amenity": "school"}, "public"),
        ({"building": "yes", "shop": "clothes"}, "retail"),
        ({"building": "roof"}, "utility"),
    ],
)
def test_building_use(tags, use):
    assert meaning.building_use(tags) == use


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "cycleway"}, "path"),
        ({"highway": "footway", "bicycle": "designated"}, "path"),
        ({"highway": "footway", "bicycle": "yes"}, ""),
        ({"highway": "primary", "cycleway:right": "lane"}, "lane"),
        ({"highway": "primary", "cycleway": "track"}, "lane"),
        ({"highway": "primary", "cycleway": "separate"}, ""),
        ({"highway": "primary"}, ""),
    ],
)
def test_cycle(tags, kind):
    assert meaning.cycle(tags) == kind


@pytest.mark.parametrize(
    ("tags", "kind", "what"),
    [
        ({"shop": "supermarket"}, "shop", "supermarket"),
        ({"amenity": "fire_station", "office": "government"}, "public", "fire_station"),
        ({"amenity": "bench", "leisure": "sports_centre"}, "other", "sports_centre"),
        ({"healthcare": "midwife"}, "health", "midwife"),
        ({"shop": "vacant"}, "", ""),
    ],
)
def test_points_keep_what_they_are(tags, kind, what):
    assert (meaning.point_kind(tags), meaning.point_type(tags)) == (kind, what)


def test_a_passage_through_a_building_is_at_ground_level():
    assert not meaning.off_ground({"tunnel": "building_passage", "layer": "-1"})
    assert meaning.off_ground({"tunnel": "yes"})
    assert meaning.off_ground({"layer": "1"})
    assert not meaning.off_ground({"bridge": "no", "layer": "0"})


def test_other_names_come_once():
    tags = {
        "name": "Kamppi",
        "name:sv": "Kampen",
        "name:fi": "Kamppi",
        "alt_name": "Kampen;Kampin alue",
        "name:etymology": "x",
    }
    assert meaning.other_names(tags) == "Kampen;Kampin alue"
