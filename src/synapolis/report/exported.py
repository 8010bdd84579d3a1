"""An answer in the formats of other tools: a table (CSV) with its pedigree, and a GeoPackage for a GIS."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio

from synapolis.core.errors import StorageError
from synapolis.report.map_tables import ids_of_rows, names_of_rows
from synapolis.report.maps import difference_of, map_unit, shapes_of
from synapolis.report.pedigree import trace
from synapolis.scenarios.answer import Answer, Claim, Effect, Evidence, MapLayer
from synapolis.scenarios.views import view_of

COLUMNS = (
    "row", "id", "text", "name", "quantity", "unit", "before", "after", "change", "low", "high", "detectable", "people",
    "origin", "illustrative", "note", "algorithm", "version", "layers", "licences", "assumptions", "question", "city",
    "city_hash", "answer_hash", "attribution",
)  # fmt: skip


def answer_csv(answer: Answer) -> str:
    """Claims and effects of an answer as CSV (UTF-8), each row with what it rests on.

    No cell begins with a sign that a spreadsheet would run as a formula.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    whole = {
        "question": answer.question, "city": answer.city, "city_hash": answer.city_hash, "answer_hash": answer.hash,
        "attribution": "; ".join(answer.attribution),
    }  # fmt: skip
    for row in (*(_claim_row(answer, claim) for claim in answer.claims), *map(_effect_row, answer.effects)):
        writer.writerow({key: _cell(value) for key, value in {**row, **whole}.items()})
    return stream.getvalue()


def write_gpkg(answer: Answer, evidence: Evidence, path: Path) -> Path:
    """Write an answer as a GeoPackage in the city's own system of coordinates.

    Maps of zones, links, buildings and sites are vector layers with before, after and change. Maps of cells are raster
    layers, one for each of before, after and change: values are kept as they are (32-bit floats), which polygons of
    classes would not. The tables `claims`, `effects`, `sources` and `about` say what the layers rest on.

    Raises
    ------
    StorageError
        When the file cannot be written.
    """
    path = Path(path)
    try:
        path.unlink(missing_ok=True)
        _write_tables(answer, path)
        if getattr(evidence.places, "geometry", None) is not None and len(evidence.places):
            _write_vector(evidence.places[["name", "geometry"]], path, "edited_areas")
        rasters: list[tuple[str, Any]] = []
        for name, layer in zip(_layer_names(evidence.maps), evidence.maps, strict=True):
            if layer.kind == "cells":
                rasters += _bands(name, layer)
            else:
                _write_vector(_table(layer, evidence), path, name)
        for name, values in rasters:
            _write_raster(values, evidence, path, name)
    except (OSError, rasterio.errors.RasterioError, pyogrio.errors.DataSourceError) as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"the GeoPackage was not written at {path}: {error}; free some space") from error
    return path


def _claim_row(answer: Answer, claim: Claim) -> dict[str, Any]:
    found = trace(answer, claim)
    made = next((step for step in found.steps if step.version), None)
    numbers = {key: getattr(claim, key) for key in ("before", "after", "change", "low", "high")}
    return {
        "row": "claim", "id": claim.id, "text": claim.text, "name": answer.city, "quantity": claim.quantity,
        "unit": claim.unit, **numbers, "detectable": claim.detectable, "origin": claim.origin,
        "illustrative": claim.illustrative, "note": claim.note, "algorithm": made.name if made else "",
        "version": made.version if made else "", "layers": "; ".join(layer.name for layer in found.layers),
        "licences": "; ".join(dict.fromkeys(layer.licence for layer in found.layers)),
        "assumptions": "; ".join(f"{use.name}={use.value:g} {use.unit}".strip() for use in found.assumptions),
    }  # fmt: skip


def _effect_row(effect: Effect) -> dict[str, Any]:
    numbers = {key: getattr(effect, key) for key in ("before", "after", "people")}
    known = None not in (effect.before, effect.after)
    return {
        "row": f"effect by {effect.by}", "text": view_of(effect.quantity, effect.unit).says, "name": effect.name,
        "quantity": effect.quantity, "unit": effect.unit, **numbers, "change": effect.change if known else None,
    }  # fmt: skip


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _write_tables(answer: Answer, path: Path) -> None:
    about = {
        "question": answer.question, "summary": answer.summary, "status": answer.status, "city": answer.city,
        "city_hash": answer.city_hash, "answer_hash": answer.hash, "actor": answer.actor, "purpose": answer.purpose,
        "attribution": "; ".join(answer.attribution),
        **{f"gate: {gate.name}": f"{gate.outcome}: {gate.reason}" for gate in answer.gates},
        **{f"not computable: {word}": why for word, why in answer.not_computable.items()},
    }  # fmt: skip
    _write_rows([{"key": key, "value": value} for key, value in about.items()], path, "about", ("key", "value"))
    claims = [_claim_row(answer, claim) for claim in answer.claims]
    _write_rows(claims, path, "claims", COLUMNS[1:21])
    _write_rows([_effect_row(effect) for effect in answer.effects], path, "effects", COLUMNS[0:13])
    sources = [vars(layer) for layer in answer.layers]
    _write_rows(sources, path, "sources", ("name", "source", "licence", "origin", "owner", "terms", "digest"))


def _write_rows(rows: Iterable[Mapping[str, Any]], path: Path, name: str, columns: Iterable[str]) -> None:
    numbers = {"before", "after", "change", "low", "high", "people"}
    kept = [column for column in columns if column not in ("detectable", "illustrative")]
    table = pd.DataFrame(list(rows), columns=kept)
    for column in kept:
        text = column not in numbers
        table[column] = table[column].map(_text).astype(str) if text else table[column].astype(float)
    pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=path.exists())


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN is not itself


def _write_vector(table: Any, path: Path, name: str) -> None:
    pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=path.exists(), promote_to_multi=False)


def _layer_names(layers: Iterable[MapLayer]) -> list[str]:
    """A layer's name by its quantity, once each."""
    names: list[str] = []
    for layer in layers:
        name = re.sub(r"\W+", "_", layer.quantity)
        names.append(name if name not in names else f"{name}_{sum(other.startswith(name) for other in names) + 1}")
    return names


def _table(layer: MapLayer, evidence: Evidence) -> gpd.GeoDataFrame:
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    shapes = shapes_of(layer)
    columns: dict[str, Any] = {
        "source_id": ids_of_rows(layer.geometry, len(shapes)), "name": names_of_rows(layer.geometry, len(shapes)),
    }  # fmt: skip
    told = {"before": before, "after": after, "change": difference_of(before, after)}
    columns |= {stage: values for stage, values in told.items() if values is not None}
    table = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=evidence.city.crs)
    table["unit"] = map_unit(layer, evidence.city)
    return table


def _bands(name: str, layer: MapLayer) -> list[tuple[str, Any]]:
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    told = {"before": before, "after": after, "change": difference_of(before, after)}
    return [(f"{name}_{stage}", values) for stage, values in told.items() if values is not None]


def _write_raster(values: Any, evidence: Evidence, path: Path, name: str) -> None:
    grid = evidence.city.grid
    with rasterio.open(
        path, "w", driver="GPKG", height=grid.rows, width=grid.columns, count=1, dtype="float32",
        crs=evidence.city.crs, transform=grid.transform, nodata=np.nan, RASTER_TABLE=name, APPEND_SUBDATASET="YES",
        TILE_FORMAT="TIFF",
    ) as target:  # fmt: skip
        target.write(np.asarray(values, dtype=np.float32), 1)
