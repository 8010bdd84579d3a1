"""A city is a folder of open formats; in memory it is a frozen value that shares whatever did not change.

`city.toml` is written last, so a folder without it is a build that did not finish and is never read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
import tomli_w

from synapolis.core.declare import Assumption
from synapolis.core.digest import digest
from synapolis.core.errors import CityError, LayerError, StorageError
from synapolis.layers.grid import Grid, Raster
from synapolis.layers.schemas import LAYERS, ORIGINS
from synapolis.layers.timetable import Timetable

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Layer:
    """A frozen table, raster or network with where it comes from and what may be done with it."""

    name: str
    value: Any
    source: str
    licence: str
    origin: str
    owner: str = ""
    terms: str = ""
    agreement: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Check origin and schema; a layer that exists keeps its promise."""
        if self.origin not in ORIGINS:
            raise LayerError(f"layer {self.name!r}: origin must be one of {', '.join(ORIGINS)}; got {self.origin!r}")
        if self.name == "timetable":
            self.value.validate()
        elif self.name not in LAYERS:
            raise LayerError(f"no layer is called {self.name!r}; layers are {', '.join(sorted(LAYERS))} and timetable")
        elif LAYERS[self.name].raster:
            _check_raster(self.name, self.value)
        else:
            LAYERS[self.name].check(self.value)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return digest(self.value)


def _check_raster(name: str, value: Any) -> None:
    if not isinstance(value, Raster) or value.values.ndim != 2:
        raise LayerError(f"layer {name!r} must be a raster with two axes (row, column)")
    if not np.isfinite(value.values).any():
        raise LayerError(f"layer {name!r} has no valid cell; check its nodata value")


@dataclass(frozen=True)
class City:
    """A city: frozen layers in one projected CRS, one grid, and the values it states for assumptions."""

    name: str
    title: str
    crs: str
    timezone: str
    reference_year: int
    extent: shapely.Polygon
    grid: Grid
    country: str = ""
    vertical_datum: str = "unknown"
    currency: str = ""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    assumptions: Mapping[str, Assumption] = field(default_factory=dict)
    attribution: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the mappings."""
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))
        object.__setattr__(self, "assumptions", MappingProxyType(dict(self.assumptions)))

    def __reduce__(self) -> Any:
        """Pickle through plain mappings (spawned workers receive cities)."""
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        state["layers"], state["assumptions"] = dict(self.layers), dict(self.assumptions)
        return _rebuild, (state,)

    def with_layers(self, *layers: Layer) -> City:
        """Return a city in which these layers stand in place of those of the same name."""
        return replace(self, layers={**self.layers, **{layer.name: layer for layer in layers}})

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the layers' content, the grid and the stated assumptions."""
        parts = {name: layer.digest for name, layer in self.layers.items()}
        return digest([self.crs, self.extent, self.grid, parts, dict(self.assumptions)])


def _rebuild(state: dict[str, Any]) -> City:
    return City(**state)


def save_city(city: City, folder: Path) -> Path:
    """Write a city folder whole: into a temporary sibling first, then renamed into place.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written; an older city at the same place is left as it was.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StorageError(f"cannot write beside {folder}: {error.strerror or error}; choose another place") from error
    try:
        scratch.chmod(0o755)  # a city may be read and copied by others, unlike other temporary folders
        (scratch / "layers").mkdir()
        entries = {name: _save_layer(layer, scratch) for name, layer in sorted(city.layers.items())}
        (scratch / "city.toml").write_bytes(tomli_w.dumps(_header(city) | {"layers": entries}).encode())
        _replace_folder(scratch, folder)
    except OSError as error:
        raise StorageError(
            f"city {city.name!r} was not written: {error.strerror or error} at {folder}; free some space or choose "
            "another folder"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def open_city(folder: Path | str) -> City:
    """Read a city folder and check each file against its stated hash.

    Raises
    ------
    CityError
        When the folder has no city.toml (a build that did not finish), another format version, or a changed file.
    """
    folder = Path(folder)
    path = folder / "city.toml"
    if not path.is_file():
        _restore(folder)
    if not path.is_file():
        raise CityError(
            f"{folder} is not a city: it has no city.toml (a build that did not finish leaves none); build it again"
        )
    try:
        head = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CityError(f"{path} is not readable TOML: {error}; restore it or build the city again") from error
    if head.get("format_version") != FORMAT_VERSION:
        raise CityError(
            f"{path} has format version {head.get('format_version')!r}, this program reads {FORMAT_VERSION}; "
            "build it again"
        )
    try:
        return _city(head, folder)
    except KeyError as error:
        raise CityError(f"{path} lacks {error}; restore it or build the city again") from error
    except (AttributeError, TypeError) as error:
        raise CityError(f"{path} is not laid out as a city ({error}); restore it or build the city again") from error


def _header(city: City) -> dict[str, Any]:
    minx, miny, maxx, maxy = city.extent.bounds
    grid = city.grid
    return {
        "format_version": FORMAT_VERSION,
        "name": city.name,
        "title": city.title,
        "crs": city.crs,
        "timezone": city.timezone,
        "reference_year": city.reference_year,
        "country": city.country,
        "vertical_datum": city.vertical_datum,
        "currency": city.currency,
        "extent": [minx, miny, maxx, maxy],
        "extent_wkt": city.extent.wkt,
        "attribution": list(city.attribution),
        "notes": list(city.notes),
        "grid": {
            "left": grid.left,
            "top": grid.top,
            "cell_size": grid.cell_size,
            "rows": grid.rows,
            "columns": grid.columns,
        },
        "assumptions": {
            name: {k: v for k, v in vars(a).items() if k != "name"} for name, a in sorted(city.assumptions.items())
        },
    }


def _save_layer(layer: Layer, folder: Path) -> dict[str, Any]:
    if isinstance(layer.value, Raster):
        files = [_save_raster(layer, folder)]
    elif isinstance(layer.value, Timetable):
        files = [_save_table(f"timetable.{part}", table, folder) for part, table in layer.value.tables().items()]
    else:
        files = [_save_table(layer.name, layer.value, folder)]
    facts = {k: getattr(layer, k) for k in ("source", "licence", "origin", "owner", "terms", "agreement", "note")}
    return {"files": files, "sha256": [file_digest(folder / name) for name in files], **facts}


def _save_table(name: str, table: Any, folder: Path) -> str:
    path = f"layers/{name}.parquet"
    table.rename_axis("id").to_parquet(folder / path)
    return path


def _save_raster(layer: Layer, folder: Path) -> str:
    path, raster = f"layers/{layer.name}.tif", layer.value
    rows, columns = raster.values.shape
    with rasterio.open(
        folder / path,
        "w",
        driver="COG",
        height=rows,
        width=columns,
        count=1,
        dtype=raster.values.dtype,
        crs=raster.crs,
        transform=rasterio.Affine(*raster.transform),
        compress="deflate",
        nodata=np.nan if np.issubdtype(raster.values.dtype, np.floating) else None,
    ) as target:
        target.write(raster.values, 1)
    return path


def _replace_folder(scratch: Path, folder: Path) -> None:
    """Put a finished folder in place of an older one, once its files are on the disk."""
    for path in (*scratch.rglob("*"), scratch):
        _to_disk(path)
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "city.toml").is_file():
            raise CityError(f"{folder} exists and is not a city; name an empty or new folder")
        old = scratch.with_name(scratch.name + "-old")
        folder.rename(old)
        scratch.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        scratch.rename(folder)
    _to_disk(folder.parent)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _restore(folder: Path) -> None:
    """Put back the city that was being replaced when a save was killed between its two renames."""
    kept = [old for old in folder.parent.glob(f".{folder.name}-*-old") if (old / "city.toml").is_file()]
    if kept and not folder.exists():
        max(kept, key=lambda old: old.stat().st_mtime).rename(folder)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _city(head: dict[str, Any], folder: Path) -> City:
    layers = {name: _open_layer(name, entry, folder) for name, entry in head["layers"].items()}
    return City(
        name=head["name"],
        title=head["title"],
        crs=head["crs"],
        timezone=head["timezone"],
        reference_year=head["reference_year"],
        extent=shapely.from_wkt(head["extent_wkt"]),
        grid=Grid(**head["grid"]),
        country=head["country"],
        vertical_datum=head["vertical_datum"],
        currency=head["currency"],
        layers=layers,
        assumptions={name: Assumption(name=name, **entry) for name, entry in head.get("assumptions", {}).items()},
        attribution=tuple(head["attribution"]),
        notes=tuple(head["notes"]),
    )


def _open_layer(name: str, entry: dict[str, Any], folder: Path) -> Layer:
    for file, wanted in zip(entry["files"], entry["sha256"], strict=True):
        path = folder / file
        if not path.is_file():
            raise CityError(f"{folder}: layer {name!r} has lost its file {file}; restore it or build the city again")
        if file_digest(path) != wanted:
            raise CityError(
                f"{folder}: {file} is not the file that city.toml names (its hash differs); restore it or build again"
            )
    facts = {k: v for k, v in entry.items() if k not in {"files", "sha256"}}
    return Layer(name=name, value=_read_value(name, [folder / file for file in entry["files"]]), **facts)


def _read_value(name: str, paths: list[Path]) -> Any:
    if name == "timetable":
        return Timetable.from_tables({path.stem.partition(".")[2]: _read_table(path) for path in paths})
    if paths[0].suffix == ".tif":
        with rasterio.open(paths[0]) as source:
            return Raster(source.read(1), tuple(source.transform)[:6], source.crs.to_string())
    return _read_table(paths[0])


def _read_table(path: Path) -> Any:
    schema = LAYERS.get(path.stem)
    spatial = bool(schema.geometry) if schema is not None else path.stem == "timetable.stops"
    return gpd.read_parquet(path) if spatial else pd.read_parquet(path)
