"""Where edits lie: on the ground they name, in the city's CRS and in degrees."""

from __future__ import annotations

import pytest
import shapely

from synapolis.scenarios.bind import bind
from synapolis.scenarios.edits import (
    AddHomes,
    AddLine,
    Area,
    ChangeFares,
    ChangeHeadway,
    CloseStop,
    CloseStreet,
    Scenario,
)
from synapolis.scenarios.footprint import footprint, in_degrees
from synapolis.sources.generate import generate_city


@pytest.fixture(scope="module")
def town():
    return generate_city(people=600, seed=3)


def drawn(edit, town):
    (bound,) = bind(Scenario(edits=(edit,)), town)
    return footprint(bound, town)


def longest_street(town):
    streets = town.layers["streets"].value
    named = streets[streets["name"].astype(str).str.len().gt(0) & streets["drive"]]
    return str(named.geometry.length.groupby(named["name"]).sum().idxmax())


def test_each_kind_of_edit_lies_inside_the_city(town):
    timetable, street = town.layers["timetable"].value, longest_street(town)
    route = str(timetable.trips["route_name"].iloc[0])
    edits = {
        "Polygon": AddHomes(area=Area(place="Old Town"), homes=5),
        "LineString": CloseStreet(street=street),
        "Line": AddLine(street=street, stop_spacing=100),
        "Way": ChangeHeadway(route=route, headway_minutes=5),
        "Point": CloseStop(stop=str(timetable.stops.index[0])),
    }
    for kind, edit in edits.items():
        shape = drawn(edit, town)
        assert shape is not None, kind
        assert shapely.distance(shape, town.extent) < 1, kind
        assert shape.area > 0 or kind != "Polygon"
        west, south, east, north = shapely.geometry.shape(in_degrees(shape, town.crs)).bounds
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90


def test_a_closed_street_is_drawn_along_its_segments(town):
    street = longest_street(town)
    streets = town.layers["streets"].value
    length = streets[streets["name"] == street].geometry.length.sum()
    assert drawn(CloseStreet(street=street), town).length == pytest.approx(length, rel=0.02)


def test_what_is_everywhere_lies_nowhere(town):
    assert drawn(ChangeFares(factor=0.5), town) is None
    assert in_degrees(None, town.crs) is None
