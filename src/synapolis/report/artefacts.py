"""The maps of an answer as files that any page, program or GIS can read without running anything.

A folder holds `maps.json` (what each map is, its legends, its sentence), and for each map either `map-N.tif` (before
and after on the city's grid) with three pictures in Web Mercator, or `map-N.geojson` (WGS84), and `map-N-table.json`.
`members.json` holds each claim's change by member of the ensemble, `places.geojson` what the scenario edits. So a
report can be drawn again years later, whatever became of code and cache.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer
from rasterio.transform import Affine, array_bounds
from rasterio.warp import Resampling, calculate_default_transform, reproject

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import CityError, StorageError
from synapolis.layers.city import City
from synapolis.report.map_tables import ids_of_rows, map_digits, map_table, names_of_rows
from synapolis.report.maps import change_ramp, difference_of, map_sentence, map_unit, ramp_of, shapes_of
from synapolis.report.ramps import Ramp
from synapolis.scenarios.answer import Answer, Evidence, MapLayer

FORMAT = 1
TOLD = {"hash", "city", "city_hash", "crs", "places", "fields", "maps"}
TOLD_OF_MAP = {
    "n", "title", "quantity", "unit", "kind", "note", "illustrative", "stages", "sentence", "digits", "legends",
    "files", "corners", "table", "raw_unit", "times",
}  # fmt: skip
"""What `maps.json` tells of all maps, and of each."""
WGS84, MERCATOR = "EPSG:4326", "EPSG:3857"
LONG_SIDE = 2048  # pixels: no picture of cells is larger
FINER = 1.5  # pixels of a picture for each cell: sharp edges survive the turn into Web Mercator
_told = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write_artefacts(answer: Answer, evidence: Evidence, folder: Path) -> Path:
    """Write the maps of an answer into a folder, whole or not at all.

    Parameters
    ----------
    answer : Answer
        Its hash is kept beside the maps.
    evidence : Evidence
    folder : Path
        What stood there is replaced once all is written.

    Raises
    ------
    StorageError
        When the folder cannot be written; what stood there before is left as it was.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _write(answer, evidence, scratch)
            _put(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"the maps of answer {answer.hash[:16]} were not written: {error.strerror or error} at {folder}; "
            "free some space and run it again"
        ) from error
    return folder


def maps_of(folder: Path) -> Mapping[str, Any]:
    """Read `maps.json` of a folder of artefacts.

    Raises
    ------
    CityError
        When the folder holds none, or one of another format, or one that lacks what it should tell.
    """
    try:
        found = json.loads((Path(folder) / "maps.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CityError(f"answer {Path(folder).name} has no maps here; run it again to draw them") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CityError(f"the maps of answer {Path(folder).name} are of another format; run it again to draw them")
    if not (found.keys() >= TOLD and all(entry.keys() >= TOLD_OF_MAP for entry in found["maps"])):
        raise CityError(f"the maps of answer {Path(folder).name} are damaged; run it again to draw them")
    return found


def read_artefacts(folder: Path, city: City) -> Evidence:
    """Evidence of an answer from its files: what reports, stills and exports are drawn from.

    Raises
    ------
    CityError
        When the folder holds no maps, or files of them are gone or damaged.
    """
    folder = Path(folder)
    about = maps_of(folder)
    try:
        layers = tuple(_read_layer(entry, folder, city) for entry in about["maps"])
        members = json.loads((folder / "members.json").read_text(encoding="utf-8"))
        places = _table(folder / about["places"], city) if about["places"] else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CityError(f"maps of answer {folder.name} are gone or damaged; run it again to draw them") from error
    numbers = {claim: np.array([math.nan if v is None else v for v in values]) for claim, values in members.items()}
    return Evidence(city, layers, numbers, places)


@dataclass
class _Ground:
    """What all maps of one answer share: how the city's grid and points lie on the globe."""

    city: City
    _shapes: dict[int, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare both projections."""
        self.to_globe = Transformer.from_crs(self.city.crs, WGS84, always_xy=True)
        grid = self.city.grid
        if grid.rows and grid.columns:
            self.transform, self.shape = mercator_grid(self.city)
            self.corners = corners_of(self.transform, self.shape)

    def warped(self, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Classes (map, row, column) in Web Mercator; 0 outside the grid."""
        target = np.zeros((len(classes), *self.shape), np.uint8)
        reproject(
            classes,
            target,
            src_transform=self.city.grid.transform,
            src_crs=self.city.crs,
            dst_transform=self.transform,
            dst_crs=MERCATOR,
            init_dest_nodata=False,  # what lies outside the grid stays class 0
            resampling=Resampling.nearest,
        )
        return target

    def on_globe(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Geometries in degrees, six digits."""
        return np.asarray(
            shapely.transform(shapes, lambda points: np.round(np.column_stack(self.to_globe.transform(*points.T)), 6))
        )

    def places_of(self, layer: MapLayer) -> NDArray[Any]:
        """Geometries of a map in degrees, made once where several maps share a table."""
        key = id(layer.geometry)  # the evidence holds the table as long as this lives
        if key not in self._shapes:
            self._shapes[key] = self.on_globe(shapes_of(layer))
        return self._shapes[key]


@dataclass(frozen=True)
class _Sheet:
    """One map ready to be written: values, classes and ramps by stage."""

    name: str
    layer: MapLayer
    values: Mapping[str, Any]
    classes: Mapping[str, NDArray[np.uint8]]
    ramps: Mapping[str, Ramp]


def fields_of(answer: Answer) -> dict[str, str]:
    """Field of the model that made each claim (traffic, stormwater ...); empty where a layer tells it."""
    steps = {step.id: step.name for step in answer.steps}
    found = {}
    for claim in answer.claims:
        made = REGISTRY.models.get(steps.get(claim.run_path, "")) or next(iter(REGISTRY.makers(claim.quantity)), None)
        found[claim.id] = made.field if made is not None else ""
    return found


def mercator_grid(city: City, finer: float = FINER) -> tuple[Affine, tuple[int, int]]:
    """Transform and shape (row, column) of a Web Mercator picture that covers a city's grid."""
    grid = city.grid
    transform, width, height = calculate_default_transform(city.crs, MERCATOR, grid.columns, grid.rows, *grid.bounds)
    scale = min(finer, LONG_SIDE / max(width, height))
    shape = max(round(height * scale), 1), max(round(width * scale), 1)
    return transform @ Affine.scale(width / shape[1], height / shape[0]), shape


def corners_of(transform: Affine, shape: tuple[int, int]) -> list[list[float]]:
    """Corners of a Web Mercator picture in degrees: upper left, upper right, lower right, lower left."""
    left, bottom, right, top = array_bounds(*shape, transform)
    to_globe = Transformer.from_crs(MERCATOR, WGS84, always_xy=True)
    points = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [[round(x, 7), round(y, 7)] for x, y in (to_globe.transform(*point) for point in points)]


def legend_of(ramp: Ramp, unit: str, values: NDArray[Any]) -> dict[str, Any]:
    """A ramp for any page: colour i (null: not painted) holds values from `breaks[i - 1]` up to `breaks[i]`.

    `used` names the colours that some value has: only these need a row in a legend.
    """
    said = {colour: label for colour, label in ramp.legend if colour}
    none = next((label for colour, label in ramp.legend if not colour), "")
    edges, half = ramp.edges, len(ramp.edges) // 2
    colours: list[str | None] = list(ramp.colours)
    if ramp.open_below:
        edges = edges[1:]
    else:
        colours.insert(half if ramp.centred else 0, None)
    found = bands_of(ramp, values)
    kind = "diverging" if ramp.centred else "sequential"
    return {
        "kind": kind if len(said) == len(ramp.colours) else "classes",
        "breaks": list(edges),
        "colours": colours,
        "labels": [none if colour is None else said.get(colour, "") for colour in colours],
        "used": [band for band in range(len(colours)) if bool((found == band).any())],
        "unit": unit,
    }


def bands_of(ramp: Ramp, values: NDArray[Any]) -> NDArray[np.int16]:
    """Place of each value among the colours of a ramp's legend; -1 where there is no value."""
    classes = ramp.classes(values).astype(np.int16)
    if ramp.open_below:
        bands = classes - 1
    elif ramp.centred:
        half = len(ramp.edges) // 2
        bands = np.where(classes == 0, half, np.where(classes <= half, classes - 1, classes))
    else:
        bands = classes
    return np.where(np.isfinite(np.asarray(values, dtype=float)), bands, -1).astype(np.int16)


def write_picture(classes: NDArray[np.uint8], ramp: Ramp, path: Path) -> None:
    """Write classes as a PNG with a palette; class 0 is transparent."""
    picture = Image.fromarray(classes, mode="P")
    picture.putpalette([int(colour[i : i + 2], 16) for colour in ("#ffffff", *ramp.colours) for i in (1, 3, 5)])
    picture.save(path, "PNG", transparency=0, compress_level=4)


def _write(answer: Answer, evidence: Evidence, folder: Path) -> None:
    ground = _Ground(evidence.city)
    maps = [_write_map(n, layer, evidence, ground, folder) for n, layer in enumerate(evidence.maps, start=1)]
    places = ""
    if getattr(evidence.places, "geometry", None) is not None and len(evidence.places):
        places = "places.geojson"
        names = [{"name": str(name)} for name in evidence.places["name"]]
        shapes = np.asarray(evidence.places.geometry, dtype=object)
        _write_features(ground.on_globe(shapes), names, folder / places)
    _dump({claim: _numbers(values) for claim, values in evidence.members.items()}, folder / "members.json")
    about = {
        "format": FORMAT, "hash": answer.hash, "city": evidence.city.name,
        "city_hash": evidence.city.digest, "crs": evidence.city.crs,
        "places": places, "fields": fields_of(answer), "maps": maps,
    }  # fmt: skip
    _dump(about, folder / "maps.json")


def _write_map(n: int, layer: MapLayer, evidence: Evidence, ground: _Ground, folder: Path) -> dict[str, Any]:
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    difference = difference_of(before, after)
    shown = [values for values in (before, after) if values is not None]
    unit = map_unit(layer, evidence.city)
    ramp = ramp_of(layer, np.concatenate([values.ravel() for values in shown]))
    classes = {s: ramp.classes(v) for s, v in (("before", before), ("after", after)) if v is not None}
    legends: dict[str, Any] = {"value": legend_of(ramp, unit, np.concatenate([values.ravel() for values in shown]))}
    legends["change"] = None
    ramps = {"before": ramp, "after": ramp}
    if difference is not None and after is not None:
        ramps["change"], told = change_ramp(layer, difference, after)
        classes["change"] = ramps["change"].classes(told)
        legends["change"] = legend_of(ramps["change"], unit, told)
    sheet = _Sheet(f"map-{n}", layer, {"before": before, "after": after, "change": difference}, classes, ramps)
    files = (_write_cells if layer.kind == "cells" else _write_places)(sheet, ground, folder)
    sentence = map_sentence(layer, evidence)
    _dump(map_table(layer, evidence) | {"sentence": sentence}, folder / f"map-{n}-table.json")
    return {
        "n": n, "title": layer.title, "quantity": layer.quantity, "unit": unit, "kind": layer.kind, "note": layer.note,
        "illustrative": layer.illustrative, "stages": list(classes), "sentence": sentence,
        "digits": map_digits(layer.quantity, before, after, difference), "legends": legends, "files": files,
        "corners": ground.corners if layer.kind == "cells" else None, "table": f"map-{n}-table.json",
        "raw_unit": layer.unit, "times": _write_frames(sheet, ground, folder),
    }  # fmt: skip


def _write_cells(sheet: _Sheet, ground: _Ground, folder: Path) -> dict[str, str]:
    warped = ground.warped(np.stack(list(sheet.classes.values())))
    files = {}
    for stage, picture in zip(sheet.classes, warped, strict=True):
        files[stage] = f"{sheet.name}-{stage}.png"
        write_picture(picture, sheet.ramps[stage], folder / files[stage])
    bands = {stage: sheet.values[stage] for stage in ("before", "after") if sheet.values[stage] is not None}
    grid = ground.city.grid
    with rasterio.open(
        folder / f"{sheet.name}.tif", "w", driver="GTiff", height=grid.rows, width=grid.columns, count=len(bands),
        dtype="float32", crs=ground.city.crs, transform=grid.transform, compress="deflate", predictor=3, nodata=np.nan,
    ) as target:  # fmt: skip
        for band, (stage, value) in enumerate(bands.items(), start=1):
            target.write(value.astype(np.float32), band)
            target.set_band_description(band, stage)
    return files | {"raster": f"{sheet.name}.tif"}


def _write_frames(sheet: _Sheet, ground: _Ground, folder: Path) -> dict[str, Any] | None:
    """Pictures of a map over time, under the map's own legend."""
    frames = sheet.layer.frames
    if frames is None:
        return None
    names: dict[str, list[str]] = {}
    for stage, values in (("before", frames.before), ("after", frames.after)):
        names[stage] = [f"{sheet.name}-{stage}-{k:02d}.png" for k in range(len(frames.moments))]
        classes = np.stack([sheet.ramps[stage].classes(frame) for frame in values])
        for name, picture in zip(names[stage], ground.warped(classes), strict=True):
            write_picture(picture, sheet.ramps[stage], folder / name)
    moments = [round(float(moment)) for moment in frames.moments]
    return {"moments": moments, "labels": [clock(moment) for moment in moments], "files": names}


def clock(seconds: float) -> str:
    """Write a time since the start as hours and minutes."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"


def _write_places(sheet: _Sheet, ground: _Ground, folder: Path) -> dict[str, str]:
    shapes = ground.places_of(sheet.layer)
    known = [column for column in sheet.values.values() if column is not None]
    kept = np.flatnonzero(np.any([np.isfinite(column) for column in known], axis=0))
    table, own = sheet.layer.geometry, names_of_rows(sheet.layer.geometry, len(shapes))
    ids = np.asarray(ids_of_rows(table, len(shapes)), dtype=object)
    columns: dict[str, list[Any]] = {"id": ids[kept].tolist(), "name": own[kept].tolist()}
    columns |= {stage: [None] * len(kept) if v is None else _numbers(v[kept]) for stage, v in sheet.values.items()}
    idle = _idle(sheet)[kept]
    for stage in ("before", "after"):
        columns[stage] = [None if nothing else value for value, nothing in zip(columns[stage], idle, strict=True)]
    for stage in sheet.classes:
        values = sheet.values[stage][kept]
        bands = bands_of(sheet.ramps[stage], np.where(idle, np.nan, values)).tolist()
        columns[f"class_{stage}"] = [None if band < 0 else band for band in bands]
    if sheet.layer.kind == "sites":
        columns |= {extra: _numbers(np.asarray(table[extra])[kept]) for extra in ("homes", "levels") if extra in table}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    _write_features(shapes[kept], rows, folder / f"{sheet.name}.geojson")
    return dict.fromkeys(sheet.classes, f"{sheet.name}.geojson") | {"features": f"{sheet.name}.geojson"}


def _idle(sheet: _Sheet) -> NDArray[np.bool_]:
    """Links that carry nothing in either state, footpaths on a map of cars: told by a change of 0 without values."""
    before, after = sheet.values["before"], sheet.values["after"]
    if sheet.layer.kind != "links" or before is None or after is None:
        return np.zeros(len(shapes_of(sheet.layer)), dtype=bool)
    return np.asarray((before == 0) & (after == 0))


def _write_features(shapes: NDArray[Any], rows: list[dict[str, Any]], path: Path) -> None:
    """Write GeoJSON, one feature a line, numbered in order."""
    drawn = shapely.to_geojson(shapes)
    lines = [
        f'{{"type":"Feature","id":{i},"properties":{_told(row)},"geometry":{shape}}}'
        for i, (row, shape) in enumerate(zip(rows, drawn, strict=True))
    ]
    path.write_text('{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def _read_layer(entry: Mapping[str, Any], folder: Path, city: City) -> MapLayer:
    facts = {key: entry[key] for key in ("title", "quantity", "kind", "note", "illustrative")}
    if entry["kind"] == "cells":
        with rasterio.open(folder / entry["files"]["raster"]) as source:
            bands = dict(zip(source.descriptions, source.read(), strict=True))
        return MapLayer(unit=entry["raw_unit"], before=bands.get("before"), after=bands.get("after"), **facts)
    table = _table(folder / entry["files"]["features"], city)
    values = {s: table[s].to_numpy(dtype=float) if s in entry["stages"] else None for s in ("before", "after")}
    if entry["kind"] == "links":  # those that carry nothing have a change of 0 alone
        idle = table["change"].to_numpy(dtype=float) == 0
        values = {s: v if v is None else np.where(idle & np.isnan(v), 0.0, v) for s, v in values.items()}
    return MapLayer(unit=entry["raw_unit"], before=values["before"], after=values["after"], geometry=table, **facts)


def _table(path: Path, city: City) -> gpd.GeoDataFrame:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    table = gpd.GeoDataFrame.from_features(features, crs=WGS84).to_crs(city.crs)
    if "id" in table:
        table.index = table.pop("id")
    return table


def _put(scratch: Path, folder: Path) -> None:
    """Rename a finished folder into place, an older one aside first."""
    scratch.chmod(0o755)
    if folder.exists():
        old = scratch.with_name(scratch.name + "-old")
        folder.rename(old)
        scratch.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        scratch.rename(folder)


def _dump(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _numbers(values: Any) -> list[float | None]:
    """Six figures each; what is not finite is null."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in np.asarray(values, dtype=float)]
