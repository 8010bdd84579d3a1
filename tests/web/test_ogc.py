"""OGC API - Features and Processes: laws of paging and boxes, GDAL as a client, and the standard's own tests."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import geopandas as gpd
import httpx
import jsonschema
import numpy as np
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from synapolis.layers.city import City, open_city
from synapolis.web.errors import Problem
from synapolis.web.ogc.collections import Collection, collections_of, feature_id
from synapolis.web.ogc.crs import CRS84, LAT_LON, find_reference, own_reference, references, written
from synapolis.web.ogc.definition import definition
from synapolis.web.ogc.pages import Selections, page_text, properties_of
from synapolis.web.ogc.query import matching, read_query
from web.server import Server

OGC_PYTHON = Path(__file__).resolve().parents[2] / ".ogc-venv" / "bin" / "python"


@pytest.fixture(scope="module")
def city(new_home: Path) -> City:
    return open_city(new_home / "cities" / "town")


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


@pytest.mark.slow
def test_the_standards_own_tests_pass(served: Server) -> None:
    """Abstract tests 1 to 29 of OGC 17-069r4 as ogctests has them, in an environment of their own."""
    if not OGC_PYTHON.is_file():
        pytest.skip("needs .ogc-venv, which `make .ogc-venv/.installed` (and `make test`) makes")
    command = [OGC_PYTHON, "-m", "ogctests", "features/core", "-i", f"{served.url}/ogc", "-v", "1"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    assert "29 passed" in told, told
    assert "failed" not in told, told


@pytest.mark.slow
def test_gdal_reads_each_collection_as_the_layer_is(served: Server, city: City) -> None:
    """What QGIS does: GDAL's driver for OGC API - Features, page by page, in the city's own reference system."""
    address = f"OAPIF:{served.url}/ogc"
    listed = {str(name) for name, _ in pyogrio.list_layers(address)}
    assert listed == set(collections_of(city))
    for name in ("buildings", "streets", "zones", "timetable_stops"):
        layer = collections_of(city)[name].table
        read = gpd.read_file(address, layer=name, PAGE_SIZE=50).set_index("source_id").loc[layer.index]
        assert read.crs == city.crs
        assert shapely.hausdorff_distance(np.array(read.geometry), np.array(layer.geometry)).max() < 0.001
    half = [*buildings_bounds(city)]
    half[2] = (half[0] + half[2]) / 2
    read = gpd.read_file(address, layer="buildings", bbox=tuple(half))
    expected = collections_of(city)["buildings"].table.intersects(shapely.box(*half))
    assert set(read["source_id"]) == set(expected.index[expected])


def buildings_bounds(city: City) -> tuple[float, ...]:
    return tuple(collections_of(city)["buildings"].bounds)


def execution(client: TestClient, process: str, **inputs: object) -> Response:
    return client.post(f"http://127.0.0.1:8000/ogc/processes/{process}/execution", json={"inputs": inputs})


def test_each_input_of_a_process_has_a_schema_that_its_examples_fit(client: TestClient) -> None:
    listed = client.get("http://127.0.0.1:8000/ogc/processes").json()["processes"]
    assert [process["id"] for process in listed] == ["ask", "rehearse"]
    described = client.get("http://127.0.0.1:8000/ogc/processes/rehearse").json()
    schemas = {name: told["schema"] for name, told in described["inputs"].items()}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schemas["scenario"])
    assert fits.is_valid({"edits": [{"kind": "close_street", "street": "Otter Road"}]})
    assert not fits.is_valid({"edits": [{"kind": "add_homes", "area": {"place": "Highfields"}}]})
    assert not fits.is_valid({"edits": [{"kind": "fly"}]})


def test_a_process_becomes_a_job_that_can_be_dismissed(client: TestClient) -> None:
    made = execution(client, "ask", question={"value": "What if we add 50 homes in Highfields?"}, members=0)
    assert made.status_code == 201
    status = made.json()
    assert made.headers["location"].endswith(f"/ogc/jobs/{status['jobID']}")
    assert (status["status"], status["processID"]) == ("accepted", "ask")
    at = f"http://127.0.0.1:8000/ogc/jobs/{status['jobID']}"
    waiting = client.get(f"{at}/results")
    assert (waiting.status_code, waiting.json()["type"].rsplit("/", 1)[1]) == (404, "result-not-ready")
    assert client.delete(at).json()["status"] == "dismissed"
    assert client.delete(at).status_code == 410
    jobs = "http://127.0.0.1:8000/ogc/jobs"
    assert [job["jobID"] for job in client.get(jobs, params={"status": "dismissed"}).json()["jobs"]] == [
        status["jobID"]
    ]
    for none in ({"status": "running"}, {"processID": "rehearse"}, {"datetime": "../1999-12-31"}, {"minDuration": 5}):
        assert client.get(jobs, params=none).json()["jobs"] == [], none


def test_a_page_is_not_sent_twice(client: TestClient) -> None:
    at = "http://127.0.0.1:8000/ogc/collections/buildings/items?limit=3"
    first = client.get(at)
    assert first.headers["content-type"] == "application/geo+json"
    assert first.headers["content-crs"] == f"<{CRS84}>"
    assert client.get(at, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    head = client.head(at)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert client.post(at).headers["allow"] == "GET, HEAD"
    next_page = next(link["href"] for link in first.json()["links"] if link["rel"] == "next")
    assert client.get(next_page).json()["features"][0]["id"] not in {f["id"] for f in first.json()["features"]}


@pytest.mark.slow
def test_a_scenario_is_rehearsed_by_the_standard(served: Server) -> None:
    scenario = {"edits": [{"kind": "add_homes", "area": {"place": "Highfields"}, "homes": 50}]}
    made = httpx.post(
        f"{served.url}/ogc/processes/rehearse/execution",
        json={"inputs": {"scenario": scenario, "want": ["homes_placed"], "members": 0}},
        headers=dict(served.client.headers),
        timeout=60,
    )
    job = made.json()["jobID"]
    served.until(job, "done", "failed")
    status = httpx.get(f"{served.url}/ogc/jobs/{job}").json()
    assert (status["status"], status["progress"]) == ("successful", 100), status
    results = next(link["href"] for link in status["links"] if link["rel"].endswith("/results"))
    reply = httpx.get(results)
    assert reply.status_code == 200, reply.text
    answer = reply.json()["answer"]
    assert "homes_placed" in {claim["quantity"] for claim in answer["claims"]}
