"""OGC API - Features and Processes: laws of paging and boxes, GDAL as a client, and the standard's own tests."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from synapolis.layers.city import City
from synapolis.sources.generate import generate_city
from synapolis.web.errors import Problem
from synapolis.web.ogc.collections import Collection, collections_of, feature_id
from synapolis.web.ogc.crs import CRS84, LAT_LON, find_reference, own_reference, references, written
from synapolis.web.ogc.definition import definition
from synapolis.web.ogc.pages import Selections, page_text, properties_of
from synapolis.web.ogc.query import matching, read_query


@pytest.fixture(scope="module")
def city() -> City:
    return generate_city(people=500, seed=3, name="small")


@pytest.fixture(scope="module")
def buildings(city: City) -> Collection:
    return collections_of(city)["buildings"]


def ask(collection: Collection, **given: object) -> dict:
    query = read_query(QueryParams({name.replace("_crs", "-crs"): str(v) for name, v in given.items()}), collection)
    return json.loads(page_text(collection, query, Selections().rows(collection, query), []))


def test_every_layer_with_geometry_is_a_collection(city: City) -> None:
    spatial = {name for name, layer in city.layers.items() if isinstance(layer.value, gpd.GeoDataFrame)}
    assert set(collections_of(city)) == spatial | {"timetable_stops"}


def test_a_layer_that_came_under_an_agreement_is_not_listed(city: City) -> None:
    kept = replace(city.layers["trees"], agreement="urn:agreement:7")
    assert "trees" not in collections_of(city.with_layers(kept))


@settings(max_examples=25)
@given(limit=st.integers(1, 400))
def test_pages_are_the_layer_in_its_order(buildings: Collection, limit: int) -> None:
    got, offset = [], 0
    while True:
        page = ask(buildings, limit=limit, offset=offset)
        got += [feature["properties"]["source_id"] for feature in page["features"]]
        offset += limit
        if offset >= page["numberMatched"]:
            break
    assert got == buildings.table.index.tolist()


def test_features_are_those_of_the_layer(city: City) -> None:
    """In the city's own system to the millimetre, with every column."""
    own = own_reference(city.crs)
    assert own is not None
    for name, collection in collections_of(city).items():
        page = ask(collection, limit=10_000, crs=own.uri)
        shapes = np.array([shapely.from_geojson(json.dumps(x["geometry"])) for x in page["features"]])
        assert shapely.hausdorff_distance(shapes, np.array(collection.table.geometry)).max() < 0.001, name
        for column in collection.columns:
            had = collection.table[column]
            got = [feature["properties"][column] for feature in page["features"]]
            assert got == had.astype(object).where(had.notna(), None).tolist(), (name, column)


@settings(max_examples=60)
@given(corners=st.tuples(*[st.floats(0, 1)] * 4))
def test_a_box_finds_what_a_plain_loop_finds(buildings: Collection, corners: tuple[float, ...]) -> None:
    west, south, east, north = buildings.extent["spatial"]["bbox"][0]
    xs, ys = (
        sorted(west + (east - west) * c for c in corners[:2]),
        sorted(south + (north - south) * c for c in corners[2:]),
    )
    if min(xs[1] - xs[0], ys[1] - ys[0]) < 1e-6:
        return
    found = matching(buildings, read_query(QueryParams({"bbox": f"{xs[0]},{ys[0]},{xs[1]},{ys[1]}"}), buildings))
    box, near = shapely.box(xs[0], ys[0], xs[1], ys[1]), 2e-7
    shapes = np.array(
        [
            shapely.from_geojson(x)
            for x in written(np.array(buildings.table.geometry), buildings.crs, references(buildings.crs)[0])
        ]
    )
    surely = set(np.flatnonzero(shapely.intersects(shapes, box.buffer(-near))))
    perhaps = set(np.flatnonzero(shapely.intersects(shapes, box.buffer(near))))
    assert surely <= set(found.tolist()) <= perhaps


def test_a_box_in_other_systems_and_over_the_whole_world(buildings: Collection) -> None:
    own = own_reference(buildings.crs)
    assert own is not None
    total = len(buildings.table)
    assert ask(buildings, bbox="-180,-90,180,90")["numberMatched"] == total
    assert ask(buildings, bbox="-180,-90,-1e3,180,90,1e4")["numberMatched"] == total
    left, bottom, right, top = buildings.bounds
    half = f"{left},{bottom},{(left + right) / 2},{top}"
    expected = int(buildings.table.intersects(shapely.box(left, bottom, (left + right) / 2, top)).sum())
    assert ask(buildings, bbox=half, bbox_crs=own.uri)["numberMatched"] == expected
    west, south, east, north = buildings.extent["spatial"]["bbox"][0]
    assert ask(buildings, bbox=f"{south},{west},{north},{east}", bbox_crs=LAT_LON)["numberMatched"] == total
    assert ask(buildings, bbox=f"170,-90,{east + 1},90")["numberMatched"] == total, "over the antimeridian"
    assert ask(buildings, bbox="100,10,120,20")["numberMatched"] == 0


def test_axes_stand_as_their_system_has_them(city: City, buildings: Collection) -> None:
    lon_lat = ask(buildings, limit=1)["features"][0]["geometry"]["coordinates"]
    lat_lon = ask(buildings, limit=1, crs=LAT_LON)["features"][0]["geometry"]["coordinates"]
    swap = lambda x: [swap(part) for part in x] if isinstance(x[0], list) else x[::-1]  # noqa: E731
    assert lat_lon == swap(lon_lat)
    north_first = own_reference("EPSG:3879")  # ETRS-GK25: northing first, as Helsinki has it
    assert north_first is not None
    assert north_first.swapped
    assert written(np.array([shapely.Point(25_496_000, 6_672_000)]), "EPSG:3879", north_first)[0].endswith(
        "[6672000.0,25496000.0]}"
    )
    with pytest.raises(Problem, match="crs must be one of"):
        find_reference("http://www.opengis.net/def/crs/EPSG/0/2056", city.crs, "crs")


def test_outer_rings_run_anticlockwise(buildings: Collection) -> None:
    for feature in ask(buildings, limit=50)["features"]:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert all(part.exterior.is_ccw for part in getattr(shape, "geoms", [shape]))


def test_columns_and_years_select(buildings: Collection) -> None:
    table = buildings.table
    assert ask(buildings, use="office")["numberMatched"] == int((table["use"] == "office").sum())
    assert ask(buildings, levels="3.0")["numberMatched"] == int((table["levels"] == 3).sum())
    year = int(table["start_year"].median())
    stood = int((~(table["start_year"] > year)).sum())
    for moment in (f"{year}-06-01T00:00:00Z", f"../{year}-06-01T00:00:00Z", f"1800-01-01/{year}-12-31"):
        assert ask(buildings, datetime=moment)["numberMatched"] == stood
    assert ask(buildings, datetime=f"{year}-06-01T00:00:00Z/..")["numberMatched"] == len(table)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "many"), ("limit", "1.5"), ("offset", "-1"),
        ("bbox", "1,2,3"), ("bbox", "1,2,3,nan"), ("bbox", "1,2,3,inf"), ("bbox", "10,60,20,50"), ("bbox", "a,b,c,d"),
        ("crs", "EPSG:4326"), ("bbox-crs", "x"), ("datetime", "yesterday"), ("datetime", "2020-01-01/2019-01-01"),
        ("datetime", ".."), ("datetime", ""), ("f", "html"), ("homes", "three"), ("nothing", "1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_400(buildings: Collection, name: str, value: str) -> None:
    with pytest.raises(Problem) as caught:
        read_query(QueryParams({name: value}), buildings)
    assert caught.value.status == 400
    assert caught.value.errors[0][0] == name


@given(st.text(min_size=1))
def test_ids_are_told_apart_and_found_again(name: str) -> None:
    written_id = feature_id(name)
    assert set(written_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/-~")
    assert unquote(written_id.replace("~", "%")) == name


def test_a_feature_is_found_by_either_id(city: City) -> None:
    streets = collections_of(city)["streets"]
    for row in (0, len(streets.table) - 1):
        source_id = streets.table.index[row]
        assert streets.row(source_id) == streets.row(feature_id(source_id)) == row
    with pytest.raises(Problem, match="no feature of streets has the id"):
        streets.row("nobody")


def test_missing_is_null_and_never_nan(city: City) -> None:
    for collection in collections_of(city).values():
        text = json.dumps(properties_of(collection, np.arange(min(50, len(collection.table)))), default=str)
        assert "NaN" not in text
        assert "Infinity" not in text


def test_the_definition_lists_each_collection_with_its_columns(city: City) -> None:
    paths = definition("http://127.0.0.1/ogc", city, collections_of(city))["paths"]
    for name, collection in collections_of(city).items():
        parameters = {x["name"] for x in paths[f"/collections/{name}/items"]["get"]["parameters"]}
        assert {"limit", "bbox", "datetime", "crs", *collection.columns} <= parameters
    assert CRS84 in json.dumps(paths)
