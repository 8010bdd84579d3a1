"""City folders: written whole or not at all, read back to the last bit, and never read when changed or half-written."""

import os
import pickle
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.core.declare import Assumption
from synapolis.core.errors import CityError, LayerError, StorageError
from synapolis.layers.city import City, Layer, open_city, save_city
from synapolis.layers.grid import Grid, Raster
from synapolis.layers.schemas import LAYERS
from synapolis.layers.workspace import find_answer, find_city, keep_answer, list_cities
from synapolis.sources.generate import generate_city


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3, name="town")


@pytest.fixture
def folder(town, tmp_path):
    return save_city(town, tmp_path / "town")


def facts(layer):
    return {k: getattr(layer, k) for k in ("source", "licence", "origin", "owner", "terms", "agreement", "note")}


def test_a_city_comes_back_whole(town, folder):
    back = open_city(folder)
    assert back.digest == town.digest
    for name in ("name", "title", "crs", "timezone", "reference_year", "grid", "country", "currency", "notes"):
        assert getattr(back, name) == getattr(town, name), name
    assert shapely.equals_exact(back.extent, town.extent)
    assert back.layers.keys() == town.layers.keys()
    assert {n: x.digest for n, x in back.layers.items()} == {n: x.digest for n, x in town.layers.items()}
    assert {n: facts(x) for n, x in back.layers.items()} == {n: facts(x) for n, x in town.layers.items()}


def one_of_each(town):
    """The town, with every kind of layer that it lacks."""
    square, grid = shapely.box(500100, 5000100, 500200, 5000200), town.grid
    line = shapely.LineString([(500100, 5000100), (500200, 5000200)])
    shapes = {"Polygon": square, "LineString": line, "Point": square.centroid}

    def made(schema):
        if schema.raster:
            values = np.full((grid.rows // 2, grid.columns // 2), 3.0, dtype="float32")
            values[0, 0] = np.nan
            return Raster(values, (8.0, 0.0, grid.left, 0.0, -8.0, grid.top), town.crs)
        blank = {"text": "x", "number": 1.5, "whole": 2, "flag": True}
        row = pd.DataFrame({name: [blank[c.kind]] for name, c in schema.columns.items()}, index=["own:1"])
        return gpd.GeoDataFrame(row, geometry=[shapes[schema.geometry[0]]], crs=town.crs) if schema.geometry else row

    missing = [schema for name, schema in LAYERS.items() if name not in town.layers]
    layers = [Layer(schema.name, made(schema), "a test", "CC0-1.0", "assumed", terms="none") for schema in missing]
    return town.with_layers(*layers)


def test_every_kind_of_layer_comes_back(town, tmp_path):
    full = one_of_each(town)
    assert full.layers.keys() == LAYERS.keys() | {"timetable"}
    back = open_city(save_city(full, tmp_path / "full"))
    assert {n: x.digest for n, x in back.layers.items()} == {n: x.digest for n, x in full.layers.items()}
    assert back.digest == full.digest


def test_stated_assumptions_come_back(town, tmp_path):
    own = Assumption("storm_depth", 60.0, 50.0, 70.0, "mm", "uniform", "the city's own rain gauge", True, "Rain.")
    stated = replace(town, assumptions={"storm_depth": own})
    back = open_city(save_city(stated, tmp_path / "stated"))
    assert back.assumptions["storm_depth"] == own
    assert back.digest == stated.digest != town.digest


def test_files_are_open_formats(folder):
    head = tomllib.loads((folder / "city.toml").read_text())
    files = [file for layer in head["layers"].values() for file in layer["files"]]
    assert {file.rpartition(".")[2] for file in files} == {"parquet", "tif"}
    assert len(gpd.read_parquet(folder / "layers/buildings.parquet")) > 0
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == {*files, "city.toml"}


@pytest.mark.slow
def test_every_changed_byte_is_found_and_named(folder):
    for path in sorted((folder / "layers").iterdir()):
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(CityError, match=f"{path.name} is not the file that city.toml names"):
            open_city(folder)
        path.write_bytes(whole)
    open_city(folder)


def test_a_truncated_or_lost_file_is_named(folder):
    path = folder / "layers/zones.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(CityError, match="zones"):
        open_city(folder)
    path.unlink()
    with pytest.raises(CityError, match="'zones' has lost its file"):
        open_city(folder)


def test_without_its_head_a_folder_is_no_city(folder, tmp_path):
    (folder / "city.toml").unlink()
    for place in (folder, tmp_path / "nowhere"):
        with pytest.raises(CityError, match=r"is not a city: it has no city.toml"):
            open_city(place)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("format_version = 99", "format version 99"),
        ("", "format version None"),
        ("= broken", "not readable TOML"),
        ("format_version = 1", "lacks"),
        ('format_version = 1\nlayers = "none"', "city.toml"),
        ("format_version = 1\nlayers = {zones = {}}", "city.toml"),
    ],
)
def test_a_broken_head_is_a_clear_error(folder, text, says):
    (folder / "city.toml").write_text(text)
    with pytest.raises(CityError, match=says):
        open_city(folder)


def test_an_older_city_stays_when_writing_fails(town, folder, monkeypatch):
    """The disk fills up while the head is written: the last file, after all layers."""
    before = open_city(folder).digest
    write = type(folder).write_bytes

    def full_disk(path, data):
        if path.name == "city.toml":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(type(folder), "write_bytes", full_disk)
    with pytest.raises(StorageError, match="No space left on device"):
        save_city(town.with_layers(thinned(town)), folder)
    monkeypatch.undo()
    assert open_city(folder).digest == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def thinned(town):
    return replace(town.layers["trees"], value=town.layers["trees"].value.iloc[:3])


def test_writing_over_an_older_city_replaces_it_whole(town, folder):
    newer = town.with_layers(thinned(town))
    save_city(newer, folder)
    assert open_city(folder).digest == newer.digest
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_folder_of_other_things_is_not_replaced(town, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/love.txt").write_text("dear")
    with pytest.raises(CityError, match="is not a city"):
        save_city(town, tmp_path / "letters")
    assert (tmp_path / "letters/love.txt").read_text() == "dear"
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_place_that_cannot_be_written_is_a_clear_error(town, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write beside"):
        save_city(town, tmp_path / "file/town")


WRITER = """
import sys
from synapolis.layers.city import open_city, save_city
city = open_city(sys.argv[1])
print("ready", flush=True)
while True:
    save_city(city, sys.argv[2])
"""


@pytest.mark.slow
def test_killed_in_mid_write_nothing_half_written_is_read(town, folder, tmp_path):
    """Kill -9 at some moment of writing over another city: the folder holds one of the two, whole, or none at all."""
    other = save_city(town.with_layers(thinned(town)), tmp_path / "other")
    known, target = {town.digest, open_city(other).digest}, tmp_path / "target"
    for wait in (0.0, 0.003, 0.01, 0.02, 0.05, 0.11):
        save_city(town, target)
        command = [sys.executable, "-c", WRITER, str(other), str(target)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(wait + 1e-4)
            os.kill(writer.pid, signal.SIGKILL)
        if target.exists():
            assert open_city(target).digest in known
        else:  # between the two renames; the older city stands beside it
            old = [path for path in tmp_path.iterdir() if path.name.endswith("-old")]
            assert any(open_city(path).digest in known for path in old)


def test_a_city_is_frozen(town):
    with pytest.raises(TypeError):
        town.layers["zones"] = None
    with pytest.raises(AttributeError):
        town.name = "other"
    changed = town.with_layers(thinned(town))
    assert changed.layers["zones"] is town.layers["zones"]
    assert len(town.layers["trees"].value) > 3


def test_a_city_travels_to_workers(town):
    assert pickle.loads(pickle.dumps(town)).digest == town.digest


def layer_of(value, name="zones"):
    return Layer(name, value, "a test", "CC0-1.0", "assumed")


def test_a_layer_keeps_its_promise(town):
    zones = town.layers["zones"].value
    column = zones["population"]
    for value, says in [
        (zones.assign(population=column.where(column != column.iloc[0], -5)), "population must be at least 0"),
        (zones.assign(population=column.astype(str)), "must be numeric"),
        (zones.drop(columns="jobs"), "needs column jobs"),
        (zones.set_axis(["same"] * len(zones)), "unique ids"),
        (zones.to_crs("EPSG:4326"), "projected CRS"),
        (zones.set_geometry(zones.centroid), "holds Polygon"),
        (zones.set_geometry([None] * len(zones), crs=zones.crs), "without geometry"),
    ]:
        with pytest.raises(LayerError, match=says):
            layer_of(value)


def test_a_layer_needs_a_known_name_and_origin(town):
    with pytest.raises(LayerError, match="no layer is called 'moods'"):
        layer_of(town.layers["zones"].value, "moods")
    with pytest.raises(LayerError, match="origin must be one of"):
        Layer("zones", town.layers["zones"].value, "a test", "CC0-1.0", "guessed")


def test_a_raster_needs_two_axes_and_something_in_it(town):
    place = town.layers["terrain"].value
    with pytest.raises(LayerError, match="two axes"):
        layer_of(replace(place, values=place.values[None]), "terrain")
    with pytest.raises(LayerError, match="no valid cell"):
        layer_of(replace(place, values=np.full_like(place.values, np.nan)), "terrain")


def test_equal_content_is_an_equal_city():
    bare = City("a", "A", "EPSG:32626", "UTC", 2020, shapely.box(0, 0, 10, 10), Grid(0, 10, 1, 10, 10))
    assert bare.digest == replace(bare, name="b", title="B", notes=("said",)).digest
    assert bare.digest != replace(bare, grid=Grid(0, 10, 2, 5, 5)).digest


def test_the_workspace_finds_cities_and_answers(town, tmp_path, monkeypatch):
    monkeypatch.setenv("SYNAPOLIS_HOME", str(tmp_path))
    with pytest.raises(CityError, match="cities here: none yet"):
        find_city("town")
    save_city(town, tmp_path / "cities/town")
    assert list_cities() == ["town"]
    assert find_city("town") == find_city(str(tmp_path / "cities/town")) == tmp_path / "cities/town"
    with pytest.raises(CityError, match="cities here: town"):
        find_city("twon")
    keep_answer("abc" + "0" * 61, "{}")
    keep_answer("abd" + "0" * 61, "{}")
    assert find_answer("abc").read_text() == "{}"
    with pytest.raises(CityError, match="several"):
        find_answer("ab")
    for wrong in ("f00", "../x", "*", ""):
        with pytest.raises(CityError, match="no answer"):
            find_answer(wrong)
