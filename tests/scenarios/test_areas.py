"""Places, streets and drawn shapes found in a city: exact names, stated radii, clipped at the data's edge."""

from __future__ import annotations

import contextlib
import itertools

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Grid
from synapolis.scenarios.areas import find_area, find_route, find_street, known_names, street_line
from synapolis.scenarios.edits import Area
from synapolis.scenarios.names import normalise

CRS, X, Y = "EPSG:3067", 385_000.0, 6_671_000.0


def box(west, south, east, north):
    return shapely.box(X + west, Y + south, X + east, Y + north)


def line(*points):
    return shapely.LineString([(X + x, Y + y) for x, y in points])


def lonlat(shape):
    to_degrees = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    shape = shapely.transform(shape, lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])))
    return shapely.geometry.mapping(shape)


PLACES = [
    ("Kamppi", "Kampen", "district", box(0, 0, 400, 400), True),
    ("Kamppi", "", "building", box(10, 10, 20, 20), False),
    ("Töölönlahden puisto", "Tölöviksparken", "park", box(0, 600, 100, 700), False),
    ("Töölönlahden puisto", "", "park", box(200, 600, 300, 700), False),
    ("Hakaniemi", "Hagnäs", "place", shapely.Point(X + 500, Y + 500), False),
    ("Edge", "", "place", shapely.Point(X, Y + 800), False),
    ("Old Wall", "", "place", line((600, 600), (700, 600)), False),
]
STREETS = [
    ("Long Street", line((100, 0), (100, 300))),
    ("Long Street", line((100, 600), (100, 300))),  # drawn the other way round
    ("Long Street", line((100, 300), (150, 300))),  # a short arm
    ("Long Street", line((100, 630), (100, 900))),  # beyond a square, 30 m on
    ("Long Street", line((800, 0), (800, 100))),  # far away
    ("Avenida Júlio", line((0, 950), (900, 950))),
    ("Ring", line((500, 100), (600, 100), (600, 200), (500, 100))),
]


@pytest.fixture(scope="module")
def town() -> City:
    places = gpd.GeoDataFrame(
        PLACES,
        columns=["name", "other_names", "kind", "geometry", "closed"],
        index=[f"osm:way/{n}" for n in range(len(PLACES))],
        crs=CRS,
    )
    n = len(STREETS)
    streets = gpd.GeoDataFrame(
        {
            "name": [name for name, _ in STREETS],
            "from_junction": ["a"] * n,
            "to_junction": ["b"] * n,
            "road_class": ["residential"] * n,
            "lanes": [2.0] * n,
            "max_speed": [10.0] * n,
            "one_way": [False] * n,
            "drive": [True] * n,
            "walk": [True] * n,
            "bridge": [False] * n,
            "geometry": [shape for _, shape in STREETS],
        },
        index=[f"street{i}" for i in range(n)],
        crs=CRS,
    )
    lines = gpd.GeoDataFrame(
        {"route_name": ["7", "T1-2"], "mode": ["tram", "bus"], "name": ["", ""], "geometry": [STREETS[0][1]] * 2},
        index=["r1", "r2"],
        crs=CRS,
    )
    layers = {"places": places, "streets": streets, "transit_lines": lines}
    return City(
        name="town",
        title="Town",
        crs=CRS,
        timezone="Europe/Helsinki",
        reference_year=2019,
        extent=box(0, 0, 1000, 1000),
        grid=Grid(X, Y + 1000, 10.0, 100, 100),
        layers={name: Layer(name, value, "made up", "CC0-1.0", "assumed") for name, value in layers.items()},
    )


@pytest.mark.parametrize("name", ["Kamppi", "KAMPPI", " kamppi ", "Kampen"])
def test_a_district_is_found_by_any_of_its_names_before_the_building_that_bears_it(town, name):
    found = find_area(Area(place=name), town)
    assert found.geometry.area == pytest.approx(160_000)
    assert found.description == "Kamppi, cut at the edge of the data"


@pytest.mark.parametrize("name", ["Töölönlahden puisto", "toolonlahden-puisto", "tölöviksparken"])
def test_features_of_one_name_are_taken_together(town, name):
    parts = 1 if name.startswith("tölö") else 2
    assert find_area(Area(place=name), town).geometry.area == pytest.approx(parts * 10_000)


def test_a_point_is_taken_with_a_stated_radius(town):
    found = find_area(Area(place="Hakaniemi", radius=100), town)
    assert found.geometry.area == pytest.approx(3.14159 * 100**2, rel=0.01)
    assert found.description == "within 100 m of Hakaniemi (only a point in the data)"


def test_a_circle_over_the_edge_is_cut_and_says_so(town):
    found = find_area(Area(place="Edge", radius=100), town)
    assert found.geometry.area == pytest.approx(3.14159 * 100**2 / 2, rel=0.01)
    assert found.description.endswith("cut at the edge of the data")


def test_a_line_is_taken_with_a_strip(town):
    assert "only a line" in find_area(Area(place="Old Wall"), town).description


def test_a_street_is_a_strip_along_all_its_segments(town):
    found = find_area(Area(street="avenida julio", width=20), town)
    assert found.geometry.area == pytest.approx(900 * 20, rel=0.02)
    assert found.description == "along Avenida Júlio (a strip 20 m wide)"


def test_a_street_named_as_a_place_is_taken_as_a_street(town):
    assert find_area(Area(place="Avenida Júlio"), town).description.startswith("along Avenida Júlio")


@pytest.mark.parametrize(
    ("area", "says"),
    [
        (Area(place="Kampi"), "Did you mean Kamppi"),
        (Area(place="Xyzzy"), "no place of Town is called 'Xyzzy'"),
        (Area(street="Longstreet"), "Did you mean Long Street"),
        (Area(place="!?"), "no place"),
        (Area(ids=("nothing",)), "no feature of Town has the id 'nothing'"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_closest(town, area, says):
    with pytest.raises(ScenarioError, match="Town") as error:
        find_area(area, town)
    assert says in str(error.value)


def test_a_drawn_polygon_is_brought_to_the_citys_crs(town):
    found = find_area(Area(geojson=lonlat(box(100, 100, 200, 200))), town)
    assert found.geometry.area == pytest.approx(10_000, rel=1e-3)
    assert found.description == "the drawn area"


def test_a_feature_may_bear_a_name(town):
    feature = {"type": "Feature", "properties": {"name": "my yard"}, "geometry": lonlat(box(0, 0, 50, 50))}
    assert find_area(Area(geojson=feature), town).description.startswith("my yard")


def test_a_polygon_over_the_edge_is_cut_and_says_so(town):
    found = find_area(Area(geojson=lonlat(box(-100, 0, 100, 100))), town)
    assert found.geometry.area == pytest.approx(10_000, rel=0.01)
    assert found.description == "the drawn area, cut at the edge of the data"


BOW = {
    "type": "Polygon",
    "coordinates": [[[24.93, 60.16], [24.94, 60.17], [24.94, 60.16], [24.93, 60.17], [24.93, 60.16]]],
}


@pytest.mark.parametrize(
    ("geojson", "says"),
    [
        (BOW, "crosses itself"),
        (lonlat(box(5000, 5000, 5100, 5100)), "outside the data of Town"),
        ({"type": "Polygon", "coordinates": [[[385000, 6671000], [385100, 6671000], [385100, 6671100]]]}, "longitude"),
        ({"type": "Polygon", "coordinates": [[[24.9, 60.1]]]}, "cannot be read"),
        ({"type": "Polygon", "coordinates": "here"}, "cannot be read"),
        ({"type": "Polygon"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Circle"}, "must be GeoJSON"),
        ({"type": "FeatureCollection", "features": []}, "empty"),
        ({"type": "FeatureCollection", "features": [3]}, "FeatureCollection"),
        ({"type": "FeatureCollection", "features": 5}, "FeatureCollection"),
        ({"type": "Feature", "geometry": None}, "must be GeoJSON"),
        ({"type": "Point", "coordinates": [float("nan"), 60.1]}, "not numbers"),
    ],
)
def test_a_drawn_area_that_cannot_be_used_says_why(town, geojson, says):
    with pytest.raises(ScenarioError, match=says):
        find_area(Area.model_construct(place=None, street=None, geojson=geojson, ids=None, radius=250, width=40), town)


def test_ids_of_any_layer_make_an_area(town):
    found = find_area(Area(ids=("osm:way/2", "osm:way/3")), town)
    assert found.geometry.area == pytest.approx(20_000)
    assert found.description == "2 named features"


def test_a_streets_segments_and_lines_are_found(town):
    assert find_street("ring", town) == ["street6"]
    assert find_route("tram 7", town) == "7"
    assert find_route("t1 2", town) == "T1-2"
    with pytest.raises(ScenarioError, match="lines near that name"):
        find_route("77", town)


def test_a_streets_longest_way_runs_end_to_end_over_a_short_gap(town):
    pieces = street_line("Long Street", town)
    assert sum(piece.length for piece in pieces) == pytest.approx(900)
    assert all(one.coords[-1] == two.coords[0] for one, two in itertools.pairwise(pieces))


def test_a_street_that_is_one_loop_is_given_whole(town):
    (piece,) = street_line("Ring", town)
    assert piece.is_closed


def test_known_names_are_each_given_once_with_their_kind(town):
    names = known_names(town)
    assert len({(name.key, name.kind) for name in names}) == len(names)
    assert {"Kampen", "Long Street"} <= {name.name for name in names}


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_an_error(town, name):
    if normalise(name):
        with contextlib.suppress(ScenarioError):
            find_area(Area(place=name), town)


@given(st.text(max_size=40))
def test_a_key_is_its_own_key(name):
    assert normalise(normalise(name)) == normalise(name)
