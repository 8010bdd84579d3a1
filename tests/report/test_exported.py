"""Exports: every claim and value arrives as it is, with what it rests on; a GIS reads all of it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio

from synapolis.core.errors import StorageError
from synapolis.report.exported import answer_csv, write_gpkg


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer_csv(answer))))


def test_every_claim_and_effect_is_a_row_with_its_pedigree(items):
    answer, _ = items[0]
    rows = rows_of(answer)
    assert [row["id"] for row in rows if row["row"] == "claim"] == [claim.id for claim in answer.claims]
    assert sum(row["row"].startswith("effect") for row in rows) == len(answer.effects)
    first = rows[0]
    assert (first["algorithm"], first["version"]) == ("runoff_volume", "1")
    assert "buildings" in first["layers"]
    assert "ODbL-1.0" in first["licences"]
    assert all(row["answer_hash"] == answer.hash for row in rows)
    assert rows[5]["after"] == ""  # not a number: told as nothing, never as 0


def test_no_cell_is_run_as_a_formula(items):
    answer, _ = items[0]
    rude = replace(answer, question="=HYPERLINK(evil)", claims=(replace(answer.claims[0], text="@SUM(A1)"),))
    assert all(not value.startswith(("=", "@", "+")) for row in rows_of(rude) for value in row.values())
    assert rows_of(rude)[0]["question"] == "'=HYPERLINK(evil)"


def test_cells_are_rasters_with_their_values(items, tmp_path, town):
    answer, evidence = items[0]
    path = write_gpkg(answer, evidence, tmp_path / "answer.gpkg")
    for layer in evidence.maps:
        for stage in ("before", "after"):
            with rasterio.open(f"GPKG:{path}:{layer.quantity}_{stage}") as raster:
                np.testing.assert_allclose(raster.read(1), getattr(layer, stage), rtol=1e-6)
                assert raster.crs.to_epsg() == 3067
                assert raster.transform.almost_equals(town.grid.transform)


def test_places_are_features_with_before_after_and_change(items, tmp_path):
    answer, evidence = items[1]
    path = write_gpkg(answer, evidence, tmp_path / "answer.gpkg")
    for layer in evidence.maps:
        table = gpd.read_file(path, layer=layer.quantity)
        np.testing.assert_allclose(table["change"], layer.after - layer.before, rtol=1e-9)
        assert table.crs.to_epsg() == 3067
    about = dict(pyogrio.read_dataframe(path, layer="about").itertuples(index=False))
    assert about["answer_hash"] == answer.hash
    assert about["gate: Affordable rent"].startswith("block")
    assert len(pyogrio.read_dataframe(path, layer="sources")) == len(answer.layers)


def test_a_file_that_cannot_be_written_is_told(items, tmp_path):
    with pytest.raises(StorageError, match="was not written"):
        write_gpkg(*items[1], tmp_path / "no such folder" / "answer.gpkg")
