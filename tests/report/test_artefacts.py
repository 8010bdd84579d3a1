"""Maps of an answer as files: what they show is where and what the evidence says, and they can be read back."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import shapely
from PIL import Image
from pyproj import Transformer

from synapolis.core.errors import CityError, StorageError
from synapolis.report.artefacts import maps_of, read_artefacts, write_artefacts
from synapolis.scenarios.answer import Frames


@pytest.fixture(scope="session")
def written(items, tmp_path_factory):
    """Each answer of the small town with its folder of maps and its evidence."""
    place = tmp_path_factory.mktemp("answers")
    return [
        (write_artefacts(answer, evidence, place / str(i)), answer, evidence)
        for i, (answer, evidence) in enumerate(items)
    ]


def test_every_map_has_its_files_legend_sentence_and_table(written):
    for folder, answer, evidence in written:
        about = maps_of(folder)
        assert about["hash"] == answer.hash
        assert [entry["quantity"] for entry in about["maps"]] == [layer.quantity for layer in evidence.maps]
        for entry in about["maps"]:
            assert all((folder / name).is_file() for name in entry["files"].values())
            assert entry["sentence"].endswith(".")
            value = entry["legends"]["value"]
            assert len(value["colours"]) == len(value["labels"])
            table = json.loads((folder / entry["table"]).read_text())
            keys = [column["key"] for column in table["columns"]]
            assert all(list(row) == keys for row in table["rows"])


def test_a_picture_shows_each_cell_where_it_lies_on_the_globe(written, town):
    """Oracle: the class of a cell by the legend's limits, looked up by longitude and latitude between the corners."""
    folder, _, evidence = written[0]
    entry, layer = maps_of(folder)["maps"][0], evidence.maps[0]
    picture = Image.open(folder / entry["files"]["before"])
    classes = np.asarray(picture)
    assert picture.info["transparency"] == 0
    to_mercator = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    left, top = to_mercator.transform(*entry["corners"][0])
    right, bottom = to_mercator.transform(*entry["corners"][2])
    x, y = town.grid.centres()
    from_city = Transformer.from_crs(town.crs, "EPSG:3857", always_xy=True)
    legend = entry["legends"]["value"]
    found = expected = 0
    for row, column in np.random.default_rng(1).integers((0, 0), layer.before.shape, (400, 2)):
        u, v = from_city.transform(x[column], y[row])
        shown = classes[
            int((top - v) / (top - bottom) * classes.shape[0]), int((u - left) / (right - left) * classes.shape[1])
        ]
        value = layer.before[row, column]
        wanted = 0 if np.isnan(value) else 1 + np.searchsorted(legend["breaks"], value, side="right")  # open below
        found, expected = found + int(shown == wanted), expected + 1
    assert found == expected


def test_nothing_is_painted_outside_the_grid(written, town):
    """The grid lies askew in Web Mercator: the corners of its picture are outside it."""
    to_city = Transformer.from_crs("EPSG:3857", town.crs, always_xy=True)
    to_mercator = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    folder, _, _ = written[0]
    entry = maps_of(folder)["maps"][0]
    classes = np.asarray(Image.open(folder / entry["files"]["after"]))
    (left, top), (right, bottom) = (to_mercator.transform(*entry["corners"][corner]) for corner in (0, 2))
    rows, columns = classes.shape
    u = left + (np.arange(columns) + 0.5) / columns * (right - left)
    v = top - (np.arange(rows) + 0.5) / rows * (top - bottom)
    x, y = to_city.transform(*np.meshgrid(u, v))
    west, south, east, north = town.grid.bounds
    cell = town.grid.cell_size  # at the border itself either is right
    outside = (x < west - cell) | (x > east + cell) | (y < south - cell) | (y > north + cell)
    assert outside.sum() > 100
    assert (classes[outside] == 0).all()
    assert classes.max() <= len(entry["legends"]["value"]["colours"])


def test_features_carry_the_class_that_the_legend_names(written):
    """Oracle: the class of each value by the legend's own limits."""
    folder, _, evidence = written[1]
    for entry, layer in zip(maps_of(folder)["maps"], evidence.maps, strict=True):
        features = json.loads((folder / entry["files"]["features"]).read_text())["features"]
        for feature, before, after in zip(features, layer.before, layer.after, strict=True):
            told = feature["properties"]
            assert told["change"] == pytest.approx(after - before, rel=1e-4, abs=1e-9)
            for stage, legend in (("before", "value"), ("after", "value"), ("change", "change")):
                shown = entry["legends"][legend]
                band = np.searchsorted(shown["breaks"], told[stage], side="right")
                assert told[f"class_{stage}"] == band
                assert band in shown["used"]


def test_a_legend_has_a_colour_for_every_part_between_its_limits(written):
    for folder, _, _ in written:
        for entry in maps_of(folder)["maps"]:
            for legend in filter(None, entry["legends"].values()):
                assert len(legend["colours"]) == len(legend["labels"]) == len(legend["breaks"]) + 1
                assert legend["breaks"] == sorted(legend["breaks"])
                assert set(legend["used"]) <= set(range(len(legend["colours"])))


def test_evidence_read_back_is_the_evidence_that_was_written(written, town):
    for folder, _, evidence in written:
        again = read_artefacts(folder, town)
        assert again.members.keys() == evidence.members.keys()
        for one, two in zip(evidence.maps, again.maps, strict=True):
            assert (one.title, one.quantity, one.unit, one.kind, one.note) == (
                two.title,
                two.quantity,
                two.unit,
                two.kind,
                two.note,
            )
            np.testing.assert_allclose(two.after, one.after, rtol=1e-5)
            if one.kind != "cells":
                apart = shapely.hausdorff_distance(np.asarray(two.geometry.geometry), np.asarray(one.geometry))
                assert apart.max() < 0.2


def test_the_largest_change_leads_the_table(written):
    folder, _, evidence = written[1]
    table = json.loads((folder / "map-1-table.json").read_text())
    changes = [abs(row["change"]) for row in table["rows"]]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] == pytest.approx(np.abs(evidence.maps[0].after - evidence.maps[0].before).max(), abs=0.1)


def test_streets_of_one_name_are_one_row_weighted_by_length(written):
    folder, _, evidence = written[1]
    table = json.loads((folder / "map-2-table.json").read_text())
    assert table["columns"][0]["title"].startswith("Street")
    assert [row["name"] for row in table["rows"]] == ["streets without a name"]  # the map came without names
    length = shapely.length(np.asarray(evidence.maps[1].geometry))
    assert table["rows"][0]["before"] == pytest.approx(np.average(evidence.maps[1].before, weights=length), abs=0.1)


def test_what_stood_there_stays_when_writing_fails(items, tmp_path, monkeypatch):
    folder = write_artefacts(*items[0], tmp_path / "answer")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synapolis.report.artefacts.write_picture", full)
    with pytest.raises(StorageError, match="free some space"):
        write_artefacts(*items[0], folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["answer"]


def test_a_folder_without_maps_says_what_to_do(tmp_path):
    with pytest.raises(CityError, match="run it again"):
        maps_of(tmp_path)
    (tmp_path / "maps.json").write_text('{"format": 99}')
    with pytest.raises(CityError, match="another format"):
        maps_of(tmp_path)


def test_a_map_over_time_has_a_picture_for_each_moment_under_one_legend(items, tmp_path):
    """At the last moment the frames hold the maxima, so their pictures equal those of the map."""
    answer, evidence = items[0]
    flood = evidence.maps[1]
    share = np.array([0.25, 0.5, 1.0])[:, None, None]
    frames = Frames(np.array([600.0, 3600.0, 5400.0]), share * flood.before, share * flood.after)
    layer = dataclasses.replace(flood, frames=frames)
    folder = write_artefacts(answer, dataclasses.replace(evidence, maps=(layer,)), tmp_path / "answer")
    entry = maps_of(folder)["maps"][0]
    assert entry["times"]["moments"] == [600, 3600, 5400]
    assert entry["times"]["labels"] == ["10 min", "1 h", "1 h 30 min"]
    for stage in ("before", "after"):
        names = entry["times"]["files"][stage]
        wet = [int((np.asarray(Image.open(folder / name)) > 0).sum()) for name in names]
        assert wet == sorted(wet)
        assert (folder / names[-1]).read_bytes() == (folder / entry["files"][stage]).read_bytes()


def test_links_that_carry_nothing_are_not_painted_and_read_back_as_nothing(items, tmp_path):
    answer, evidence = items[1]
    links = evidence.maps[1]
    carried = np.arange(len(links.before)) > 2
    layer = dataclasses.replace(links, before=links.before * carried, after=links.after * carried)
    again_evidence = dataclasses.replace(evidence, maps=(layer,))
    folder = write_artefacts(answer, again_evidence, tmp_path / "answer")
    features = json.loads((folder / "map-1.geojson").read_text())["features"]
    assert [feature["properties"]["before"] for feature in features[:3]] == [None] * 3
    assert [feature["properties"]["class_after"] for feature in features[:3]] == [None] * 3
    again = read_artefacts(folder, evidence.city).maps[0]
    np.testing.assert_allclose(again.before, layer.before, rtol=1e-5)
    np.testing.assert_allclose(again.after, layer.after, rtol=1e-5)
