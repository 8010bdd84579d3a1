"""Reads tables and features (any OGR format, CSV, SQLite) into a layer through a column mapping.

A mapping is `city_column=source_column,…`. Source columns may be added up: `homes=SFDU+MFDU`. Besides the layer's own
columns it may name

- `id`: the column of ids (else an id is made from the geometry),
- `lon`, `lat`: the columns of a point's coordinates, `h3`: the column of H3 cell ids (found where it is `id`),
- `layer`: the table to read in a file that holds several,
- `geometry`, `geometry_id`: another file that has the shapes, and its column that matches `id`,
- `crs`: the CRS the coordinates are really in, where the file's own statement is wrong or absent,
- `scale`: a factor on the coordinates (1000 where a file has thousands of feet).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyogrio
import shapely

from synapolis.core.declare import registered
from synapolis.core.digest import digest
from synapolis.core.errors import LayerError, SourceError
from synapolis.layers.schemas import LAYERS, POLYGON, Column, Schema
from synapolis.sources.osm_elements import polygonal, utm_crs

SPECIAL = ("id", "lon", "lat", "h3", "layer", "geometry", "geometry_id", "crs", "scale")
AREA_CHANGE = 0.05
"""Mending a self-crossing polygon may change its area by this share; beyond it, nobody knows what was meant."""
SQLITE_SUFFIXES = (".sqlite", ".db", ".sqlite3")
CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt")


@dataclass(frozen=True)
class TableFile:
    """A table that fits its layer, and notes on what was missing or mended."""

    table: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnMapping:
    """A parsed column mapping: the layer's columns, and the special words."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    special: Mapping[str, str] = field(default_factory=dict)


def split_mapping(text: str) -> tuple[str, str]:
    """Split `FILE[:mapping]` into the file and the mapping (empty where there is none)."""
    file, colon, mapping = text.rpartition(":")
    return (file, mapping) if colon and "=" in mapping else (text, "")


def parse_mapping(text: str, layer: str) -> ColumnMapping:
    """Parse `population=POP,id=ID` for a layer.

    Raises
    ------
    SourceError
        A part without `=`, or a column that the layer has not.
    """
    schema = _schema(layer)
    columns: dict[str, tuple[str, ...]] = {}
    special: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, source = (word.strip() for word in part.partition("="))
        if not equals or not name or not source:
            raise SourceError(f"mapping of layer {layer!r}: wanted city_column=source_column, got {part!r}; mend it")
        if name in SPECIAL:
            special[name] = source
        elif name in schema.columns or schema.open_columns:
            columns[name] = tuple(word.strip() for word in source.split("+"))
        else:
            known = ", ".join([*schema.columns, *SPECIAL])
            raise SourceError(f"layer {layer!r} has no column {name!r}; map one of {known}")
    return ColumnMapping(columns, special)


@registered(
    kind="parser",
    version="1",
    decision="Building a city: any layer from a table or features the city has.",
    data=("CSV, GeoPackage, GeoJSON, Shapefile, SQLite or any format OGR reads, and a column mapping",),
    method="Columns are mapped by name, summed where the mapping says so, and checked against the layer's schema.",
    source="GDAL/OGR vector data model; column mapping as written in docs/cities.md.",
    limits="Takes the file's word for what a column means; the mapping is the user's.",
    risks="A wrong column gives plausible wrong figures: notes name what was mapped.",
    tests="tests/sources/test_tables.py",
)
def read_table(
    path: Path | str,
    *,
    layer: str,
    mapping: str = "",
    crs: str | None = None,
    extent: shapely.Polygon | None = None,
) -> TableFile:
    """Read a file into a layer's table.

    Parameters
    ----------
    path : Path or str
        CSV, or any file that OGR reads (GeoPackage, GeoJSON, Shapefile, SQLite …), gzipped or not.
    layer : str
        Name of the layer.
    mapping : str
        See the module; without one, columns of the layer's own names are taken.
    crs : str, optional
        The city's projected CRS; the UTM zone of the features if not given.
    extent : Polygon, optional
        The city's extent in `crs`: features that do not touch it are left out and counted.

    Returns
    -------
    TableFile
        A column that is mapped to nothing, or to an empty one, is NaN (text: empty), with a note.

    Raises
    ------
    SourceError
        The file, a column or its coordinates cannot be read, or nothing overlaps the extent.
    LayerError
        Values the layer does not allow (negative people), or polygons whose meaning is lost (a bow tie).
    """
    path, schema = Path(path), _schema(layer)
    plan = parse_mapping(mapping, layer)
    frame = _read_frame(path, plan)
    plan = plan if plan.columns else _same_names(plan, schema, frame)
    notes: list[str] = []
    columns = _columns(frame, plan, schema, path, notes)
    ids = _ids(frame, plan, path)
    if not schema.geometry:
        table: Any = pd.DataFrame(columns)
        table.index = (
            ids if ids is not None else pd.Index([digest(list(row))[:12] for row in table.astype(str).to_numpy()])
        )
    else:
        table = _spatial(frame, columns, ids, plan=plan, schema=schema, path=path, crs=crs, notes=notes)
        if extent is not None:
            table = _within(table, extent, layer, path, notes)
    table = table.rename_axis("id")
    schema.check(table)
    return TableFile(table, tuple(notes))


def _schema(layer: str) -> Schema:
    schema = LAYERS.get(layer)
    if schema is None or schema.raster:
        tables = ", ".join(sorted(name for name, each in LAYERS.items() if not each.raster))
        raise SourceError(f"no table layer is called {layer!r}; layers are {tables}")
    return schema


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_frame(path: Path, plan: ColumnMapping) -> pd.DataFrame:
    if not path.is_file():
        raise SourceError(f"no file at {path}; name an existing one")
    try:
        if path.name.lower().endswith(CSV_SUFFIXES):
            frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype_backend="numpy_nullable")
        else:
            frame = _read_ogr(path, plan)
    except (
        OSError,
        EOFError,
        ValueError,
        sqlite3.DatabaseError,
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
    ) as error:
        raise SourceError(f"{path} cannot be read: {error}; it is cut short or of another format") from error
    if "geometry" in plan.special:
        return _joined(frame, path, plan)
    return frame


def _read_ogr(path: Path, plan: ColumnMapping) -> Any:
    """Only the mapped columns are read: others may hold what their declared type cannot."""
    wanted = {source for sources in plan.columns.values() for source in sources} | {
        plan.special[key] for key in ("id", "lon", "lat", "h3") if key in plan.special
    }
    options: dict[str, Any] = {"layer": plan.special["layer"]} if "layer" in plan.special else {}
    if plan.columns:
        present = set(pyogrio.read_info(_plain(path), **options)["fields"])
        _require(wanted, present, path)
        options["columns"] = sorted(wanted)
    frame = gpd.read_file(_plain(path), fid_as_index=True, **options)
    if path.suffix in SQLITE_SUFFIXES and plan.columns and "layer" in plan.special:
        frame = _true_values(frame, path, plan.special["layer"], options["columns"])
    return frame.set_crs(plan.special["crs"], allow_override=True) if "crs" in plan.special else frame


def _true_values(frame: Any, path: Path, layer: str, columns: list[str]) -> Any:
    """Read columns as SQLite holds them: OGR cuts fractions and long numbers off in a column declared INTEGER."""
    names = ", ".join(f'"{name}"' for name in columns)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        values = pd.read_sql(f'select rowid as _row, {names} from "{layer}"', connection, index_col="_row")  # noqa: S608 - quoted names
    return frame.assign(**{name: values[name].reindex(frame.index) for name in columns})


def _plain(path: Path) -> str:
    """Return a path that OGR reads, also where the file is gzipped."""
    return f"/vsigzip/{path}" if path.suffix == ".gz" else str(path)


def _require(wanted: set[str], present: set[str], path: Path) -> None:
    missing = sorted(wanted - present)
    if missing:
        raise SourceError(f"{path} has no column {', '.join(missing)}; it has {', '.join(sorted(map(str, present)))}")


def _joined(frame: pd.DataFrame, path: Path, plan: ColumnMapping) -> Any:
    """Give rows the shapes of another file, by id."""
    other = path.parent / plan.special["geometry"]
    key = plan.special.get("geometry_id", plan.special.get("id", ""))
    if "id" not in plan.special:
        raise SourceError(f"{path}: shapes from {other.name} are joined by id; map id=column")
    shapes = _read_frame(other, ColumnMapping({"id": (key,)}, {k: v for k, v in plan.special.items() if k == "crs"}))
    _require({plan.special["id"]}, set(frame.columns), path)
    shapes = shapes.assign(_key=_as_text(shapes[key]))[["_key", "geometry"]].dissolve("_key")
    keys = _as_text(frame[plan.special["id"]])
    lost = keys[~keys.isin(shapes.index)]
    if len(lost):
        raise SourceError(f"{other}: no shape with {key} = {lost.iloc[0]} ({len(lost)} rows of {path.name} have none)")
    geometry = gpd.GeoSeries(shapes.geometry.loc[keys].to_numpy(), index=frame.index, crs=shapes.crs)
    return gpd.GeoDataFrame(frame, geometry=geometry)


def _same_names(plan: ColumnMapping, schema: Schema, frame: pd.DataFrame) -> ColumnMapping:
    lower = {str(name).lower(): str(name) for name in frame.columns}
    columns = {name: (lower[name],) for name in schema.columns if name in lower}
    special = dict(plan.special)
    for name in ("id", "lon", "lat"):
        if name in lower:
            special.setdefault(name, lower[name])
    return ColumnMapping(columns, special)


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns(
    frame: pd.DataFrame, plan: ColumnMapping, schema: Schema, path: Path, notes: list[str]
) -> dict[str, np.ndarray[Any, Any]]:
    out: dict[str, np.ndarray[Any, Any]] = {}
    empty, absent = [], []
    for name, column in schema.columns.items():
        sources = plan.columns.get(name)
        if sources is None:
            absent.append(name)
            out[name] = _nothing(column, len(frame))
            continue
        _require(set(sources), set(map(str, frame.columns)), path)
        if all(frame[source].isna().all() for source in sources) and len(frame):
            empty.append("+".join(sources))
        out[name] = _values(frame, sources, column, path, name)
    for name, sources in plan.columns.items():
        if name not in out:
            _require(set(sources), set(map(str, frame.columns)), path)
            out[name] = _values(frame, sources, Column("number", ""), path, name)
    if empty:
        notes.append(f"column {', '.join(empty)} is there but empty: not known, never 0")
    numbers = [name for name in absent if schema.columns[name].kind == "number" and schema.columns[name].nullable]
    if numbers:
        notes.append(f"no source for {', '.join(numbers)}")
    return out


def _nothing(column: Column, count: int) -> np.ndarray[Any, Any]:
    if column.kind in {"number", "whole"}:
        return np.full(count, np.nan)
    return np.zeros(count, dtype=bool) if column.kind == "flag" else np.full(count, "", dtype=object)


def _values(
    frame: pd.DataFrame, sources: tuple[str, ...], column: Column, path: Path, name: str
) -> np.ndarray[Any, Any]:
    if column.kind == "text":
        parts = [_as_text(frame[source]) for source in sources]
        return np.array([" ".join(filter(None, row)) for row in zip(*parts, strict=True)], dtype=object)
    try:
        numbers = [pd.to_numeric(frame[source]).to_numpy(dtype=np.float64, na_value=np.nan) for source in sources]
    except (ValueError, TypeError) as error:
        raise LayerError(
            f"{path}: {name} must be a number, column {'+'.join(sources)} is not ({error}); map another"
        ) from error
    total: np.ndarray[Any, Any] = np.sum(numbers, axis=0)
    if column.kind == "flag":
        return total > 0
    return total.astype(np.int64) if column.kind == "whole" and np.isfinite(total).all() else total


def _as_text(values: pd.Series) -> pd.Series:
    """Text of ids and names; 7.0 is 7, missing is empty."""
    if values.dtype.kind == "f":
        values = values.map(lambda v: "" if v != v else str(int(v)) if v == int(v) else str(v))  # noqa: PLR0124 - NaN
    return values.astype(object).where(values.notna(), "").astype(str).str.strip()


def _ids(frame: pd.DataFrame, plan: ColumnMapping, path: Path) -> pd.Index | None:
    name = plan.special.get("id", plan.special.get("h3"))
    if name is None:
        return None
    _require({name}, set(map(str, frame.columns)), path)
    ids = _as_text(frame[name])
    if (ids == "").any():
        raise LayerError(f"{path}: {int((ids == '').sum())} rows have no id in column {name!r}; fill it or map another")
    return pd.Index(ids.to_numpy(), dtype=object)


# --- geometry ---------------------------------------------------------------------------------------------------------


def _spatial(
    frame: Any,
    columns: dict[str, Any],
    ids: pd.Index | None,
    *,
    plan: ColumnMapping,
    schema: Schema,
    path: Path,
    crs: str | None,
    notes: list[str],
) -> gpd.GeoDataFrame:
    shapes = _shapes(frame, plan, schema, ids, path)
    if "scale" in plan.special:
        factor = float(plan.special["scale"])
        shapes = gpd.GeoSeries(shapely.transform(shapes.to_numpy(), lambda xy: xy * factor), crs=shapes.crs)
    _check_degrees(shapes, path)
    known = shapes.notna() & ~shapes.is_empty
    if not known.all():
        notes.append(f"{int((~known).sum())} rows without geometry are left out")
    if not known.any():
        raise SourceError(f"{path}: no row has a geometry; map lon and lat, h3 or geometry")
    moved = shapes[known].to_crs(crs or _utm_of(shapes[known]))
    if ids is None:
        ids = pd.Index([digest(shapely.set_precision(shape, 0.1))[:12] for shape in shapes], dtype=object)
    table = gpd.GeoDataFrame(columns, geometry=shapes.to_numpy(), index=ids, crs=shapes.crs)[known.to_numpy()]
    table = table.set_geometry(gpd.GeoSeries(moved.to_numpy(), index=table.index, crs=moved.crs))
    if set(schema.geometry) == set(POLYGON):
        table = table.set_geometry(gpd.GeoSeries(_mended(table, path, notes), index=table.index, crs=table.crs))
    elif schema.geometry == ("LineString",) and (table.geom_type == "MultiLineString").any():
        table = table.set_geometry(table.geometry.line_merge())
    return table


def _shapes(frame: Any, plan: ColumnMapping, schema: Schema, ids: pd.Index | None, path: Path) -> gpd.GeoSeries:
    if isinstance(frame, gpd.GeoDataFrame) and "geometry" in frame.columns:
        if frame.crs is None:
            raise SourceError(f"{path} states no CRS; add crs=EPSG:… to its mapping")
        return gpd.GeoSeries(frame.geometry.to_numpy(), crs=frame.crs)
    cells = _as_text(frame[plan.special["h3"]]) if "h3" in plan.special else ids
    if cells is not None and "Polygon" in schema.geometry and len(cells) and all(map(h3.is_valid_cell, cells)):
        rings = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells]
        return gpd.GeoSeries([shapely.Polygon(ring) for ring in rings], crs="EPSG:4326")
    if "lon" in plan.special and "lat" in plan.special and "Point" in schema.geometry:
        lon, lat = (pd.to_numeric(frame[plan.special[key]], errors="coerce") for key in ("lon", "lat"))
        x, y = (values.to_numpy(dtype=np.float64, na_value=np.nan) for values in (lon, lat))
        points = [shapely.Point(place) if np.isfinite(place).all() else None for place in zip(x, y, strict=True)]
        return gpd.GeoSeries(points, crs=plan.special.get("crs", "EPSG:4326"))
    raise SourceError(
        f"{path}: layer {schema.name!r} needs {' or '.join(schema.geometry)}; map lon and lat (points), "
        "H3 ids as id or h3, or geometry=FILE with geometry_id"
    )


def _check_degrees(shapes: gpd.GeoSeries, path: Path) -> None:
    if not shapes.crs.is_geographic:
        return
    left, bottom, right, top = shapes.total_bounds
    if left < -180.001 or right > 180.001 or bottom < -90.001 or top > 90.001:
        raise SourceError(
            f"{path} says its coordinates are degrees ({shapes.crs.to_string()}), but they run from "
            f"({left:g}, {bottom:g}) to ({right:g}, {top:g}); add the true crs=EPSG:… (and scale=…) to its mapping"
        )


def _utm_of(shapes: gpd.GeoSeries) -> str:
    if shapes.crs.is_projected:
        return str(shapes.crs.to_string())
    left, bottom, right, top = shapes.total_bounds
    return utm_crs((left + right) / 2, (bottom + top) / 2)


def _mended(table: gpd.GeoDataFrame, path: Path, notes: list[str]) -> list[Any]:
    """Mend polygons that cross themselves, unless that changes their area much."""
    wrong = ~table.geometry.is_valid
    shapes = list(table.geometry)
    for at in np.flatnonzero(wrong.to_numpy()):
        mended = polygonal(shapes[at])
        before, after = shapes[at].area, mended.area
        if after <= 0 or abs(after - before) > AREA_CHANGE * after:
            raise LayerError(
                f"{path}: polygon {table.index[at]!r} crosses itself and mending it would change its area "
                f"from {before:.0f} to {after:.0f} m²; correct the drawing"
            )
        shapes[at] = mended
    if wrong.any():
        notes.append(f"{int(wrong.sum())} self-crossing polygons were mended (area changed by less than 5 %)")
    return shapes


def _within(
    table: gpd.GeoDataFrame, extent: shapely.Polygon, layer: str, path: Path, notes: list[str]
) -> gpd.GeoDataFrame:
    inside = table[table.intersects(extent).to_numpy()]
    if inside.empty:
        metres = float(table.distance(extent).min())
        raise SourceError(
            f"{path}: {layer} does not overlap the city, its nearest feature is {metres / 1000:.1f} km away; "
            "give data of this place, or leave it out"
        )
    if len(inside) < len(table):
        notes.append(f"{len(table) - len(inside)} of {len(table)} features lie outside the extent and are left out")
    return inside
