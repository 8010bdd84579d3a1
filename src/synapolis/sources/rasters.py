"""Reads GeoTIFFs in any CRS into rasters in the city's CRS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.transform import array_bounds
from rasterio.warp import Resampling, calculate_default_transform, reproject, transform_geom

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError
from synapolis.layers.grid import Raster

SENTINELS = (-9999.0, -99999.0, -32768.0, -32767.0)
"""Values that stand for no data in files that declare none; so does anything beyond `HUGE`."""
HUGE = 1e19
RANGES = {"terrain": (-450.0, 9000.0), "heights": (0.0, 900.0), "canopy": (0.0, 130.0), "land_cover_map": (0.0, 255.0)}
"""What a layer's values can be [m, class]: from the Dead Sea's shore to Everest; the tallest building and tree."""
CLASSES = frozenset({"land_cover_map"})


@dataclass(frozen=True)
class RasterFile:
    """A raster in the city's CRS, the area it covers, the share of it that has values, and notes."""

    raster: Raster
    extent: shapely.Polygon
    coverage: float
    notes: tuple[str, ...] = ()


@registered(
    kind="parser",
    version="1",
    decision="Building a city: its terrain, heights, canopy and land cover.",
    data=("GeoTIFF or any raster that GDAL reads",),
    method="The first band is reprojected to the city's CRS, holes become NaN, and values outside what the layer can "
    "hold are refused.",
    source="GeoTIFF, OGC 19-008r4; GDAL raster data model.",
    limits="One band; reprojection smooths by one cell at most.",
    risks="A nodata value that the file does not name would be taken for ground: the range check catches most.",
    tests="tests/sources/test_rasters.py",
)
def read_raster(
    path: Path | str, *, layer: str, crs: str | None = None, extent: shapely.Polygon | None = None
) -> RasterFile:
    """Read the first band of a GeoTIFF.

    Parameters
    ----------
    path : Path or str
        Any raster that GDAL reads.
    layer : str
        `terrain`, `heights`, `canopy` or `land_cover_map`: decides the range that values may have.
    crs : str, optional
        The city's projected CRS; the file's own if not given, or the UTM zone where its own is in degrees.
    extent : Polygon, optional
        The city's extent in `crs`; the raster is cut to it.

    Returns
    -------
    RasterFile
        float32 with NaN for holes; classes are uint8 with 0 for holes.

    Raises
    ------
    SourceError
        No raster, no CRS, values outside the layer's range, nothing but holes, or no overlap with the extent.
    """
    values, transform, source_crs, notes = _open(Path(path), layer)
    target = crs or _own_crs(source_crs, transform, values.shape)
    if extent is not None:
        _require_overlap(path, layer, (transform, values.shape), source_crs, (target, extent))
    values, transform = _reprojected(values, transform, source_crs, target, classes=layer in CLASSES)
    if extent is not None:
        values, transform = _cropped(values, transform, extent)
    valid = values != 0 if layer in CLASSES else np.isfinite(values)
    if not valid.any():
        raise SourceError(f"{path}: {layer} has no valid cell within the city; check its nodata value and extent")
    left, bottom, right, top = array_bounds(*values.shape, transform)
    area = shapely.box(left, bottom, right, top)
    within = _mask(extent if extent is not None else area, values.shape, transform)
    coverage = float(valid[within].mean()) if within.any() else 0.0
    if extent is not None:
        coverage *= float(min(1.0, area.intersection(extent).area / extent.area))
    return RasterFile(Raster(values, tuple(transform)[:6], target), area, coverage, tuple(notes))


def _open(path: Path, layer: str) -> tuple[NDArray[Any], Any, CRS, list[str]]:
    if not path.is_file():
        raise SourceError(f"no raster at {path}; name an existing GeoTIFF for {layer}")
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise SourceError(f"{path} states no CRS; give it one (gdal_edit.py -a_srs EPSG:…) and build again")
            values = source.read(1)
            scale, offset = source.scales[0], source.offsets[0]
            declared, transform, crs = source.nodata, source.transform, CRS.from_wkt(source.crs.to_wkt())
            notes = _unit_notes(source, layer)
            if source.count > 1:
                notes.append(f"the first of {source.count} bands is read")
    except RasterioError as error:
        raise SourceError(f"{path} is not a whole raster: {error}; it is cut short or of another format") from error
    return _without_holes(values, declared, (scale, offset), layer, path, notes), transform, crs, notes


def _unit_notes(source: Any, layer: str) -> list[str]:
    unit = (source.units or [None])[0]
    if layer != "land_cover_map" and unit and unit.lower() not in {"m", "metre", "meter", "metres", "meters"}:
        raise SourceError(f"{source.name}: {layer} must be in metres, its unit says {unit!r}; convert it first")
    return [] if unit or layer == "land_cover_map" else ["the file states no vertical unit: taken as metres"]


def _without_holes(
    values: NDArray[Any],
    declared: float | None,
    unpack: tuple[float, float],
    layer: str,
    path: Path,
    notes: list[str],
) -> NDArray[Any]:
    """Turn no-data values to NaN (0 for classes), unpack by scale and offset, check the range."""
    whole = np.issubdtype(values.dtype, np.integer)
    full = float(np.iinfo(values.dtype).max) if whole else np.inf
    saturated = int((values == full).sum()) if whole and full <= 255 and layer != "land_cover_map" else 0
    numbers = values.astype(np.float32)
    hole = ~np.isfinite(numbers) | (np.abs(numbers) > HUGE)
    for value in (*SENTINELS, *(() if declared is None else (declared,))):
        hole |= numbers == np.float32(value)
    if saturated:
        notes.append(f"{saturated} cells stand at {full:.0f}, the most the file can hold: the true value may be higher")
    if whole and layer == "terrain" and unpack[0] == 1:
        notes.append("elevations are whole metres: terraces, to be smoothed before water is routed")
    if hole.any():
        notes.append(f"{int(hole.sum())} of {hole.size} cells are holes (no data)")
    if unpack != (1.0, 0.0):
        numbers = (numbers * np.float32(unpack[0]) + np.float32(unpack[1])).astype(np.float32)
    numbers[hole] = np.nan
    _check_range(numbers, layer, path)
    return np.nan_to_num(numbers, nan=0).astype(np.uint8) if layer in CLASSES else numbers


def _check_range(values: NDArray[np.float32], layer: str, path: Path) -> None:
    low, high = RANGES.get(layer, (-np.inf, np.inf))
    wrong = (values < low) | (values > high)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise SourceError(
            f"{path}: {layer} must lie from {low:g} to {high:g}, got {values[row, column]:g} on "
            f"{int(wrong.sum())} cells (first: row {row}, column {column}); "
            "set the file's nodata value or convert its unit"
        )


def _own_crs(source: CRS, transform: Any, shape: tuple[int, ...]) -> str:
    if source.is_projected:
        code = source.to_epsg()
        return f"EPSG:{code}" if code else str(source.to_wkt())
    from synapolis.sources.osm_elements import utm_crs  # noqa: PLC0415 - needs osmium, which few rasters do

    left, bottom, right, top = array_bounds(shape[0], shape[1], transform)
    return utm_crs((left + right) / 2, (bottom + top) / 2)


def _require_overlap(
    path: Path | str, layer: str, grid: tuple[Any, tuple[int, ...]], source: CRS, city: tuple[str, shapely.Polygon]
) -> None:
    transform, shape = grid
    target, extent = city
    corners = shapely.box(*array_bounds(shape[0], shape[1], transform))
    moved = shapely.geometry.shape(transform_geom(source.to_wkt(), target, shapely.geometry.mapping(corners)))
    if not moved.intersects(extent):
        metres = moved.distance(extent)
        raise SourceError(
            f"{path}: {layer} does not overlap the city, it lies {metres / 1000:.1f} km beside it; "
            "give a raster of this place, or leave it out"
        )


def _reprojected(
    values: NDArray[Any], transform: Any, source: CRS, target: str, *, classes: bool
) -> tuple[NDArray[Any], Any]:
    if CRS.from_user_input(target) == source and transform.b == 0 and transform.d == 0:
        return values, transform
    rows, columns = values.shape
    new, width, height = calculate_default_transform(
        source.to_wkt(), target, columns, rows, *array_bounds(rows, columns, transform)
    )
    out = np.zeros((height, width), np.uint8) if classes else np.full((height, width), np.nan, np.float32)
    reproject(
        values,
        out,
        src_transform=transform,
        src_crs=source.to_wkt(),
        dst_transform=new,
        dst_crs=target,
        src_nodata=0 if classes else np.nan,
        dst_nodata=0 if classes else np.nan,
        resampling=Resampling.nearest if classes else Resampling.bilinear,
    )
    return out, new


def _cropped(values: NDArray[Any], transform: Any, extent: shapely.Polygon) -> tuple[NDArray[Any], Any]:
    """Cut to the extent with a margin of two cells, so that later interpolation has its neighbours."""
    left, bottom, right, top = extent.bounds
    width, height = transform.a, transform.e  # the height of a cell is negative
    rows = _cells(top - transform.f, bottom - transform.f, height)
    columns = _cells(left - transform.c, right - transform.c, width)
    part = np.ascontiguousarray(values[rows, columns])
    corner = (transform.c + columns.start * width, transform.f + rows.start * height)
    return part, rasterio.Affine(width, 0, corner[0], 0, height, corner[1])


def _cells(start: float, stop: float, size: float) -> slice:
    return slice(max(int(start / size) - 2, 0), max(int(stop / size) + 3, 0))


def _mask(area: shapely.Polygon, shape: tuple[int, ...], transform: Any) -> NDArray[np.bool_]:
    burnt = rasterio.features.rasterize([area], shape, transform=transform, dtype="uint8")
    return np.asarray(burnt, dtype=bool)
