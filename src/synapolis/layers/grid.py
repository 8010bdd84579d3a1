"""The city's one declared grid, and rasters on it or on grids of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.warp import Resampling, reproject


@dataclass(frozen=True)
class Grid:
    """Square cells, row 0 in the north. `left` and `top` are the outer corner in the city's CRS, in metres."""

    left: float
    top: float
    cell_size: float
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def cell_area(self) -> float:
        """Area of one cell [m²]."""
        return self.cell_size**2

    @property
    def transform(self) -> Affine:
        """Affine transform from (column, row) to (x, y)."""
        return Affine(self.cell_size, 0, self.left, 0, -self.cell_size, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) [m]."""
        return (
            self.left,
            self.top - self.rows * self.cell_size,
            self.left + self.columns * self.cell_size,
            self.top,
        )

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x (column,) and y (row,) of the cell centres [m]."""
        across = np.arange(self.columns, dtype=np.float64) + 0.5
        down = np.arange(self.rows, dtype=np.float64) + 0.5
        return self.left + across * self.cell_size, self.top - down * self.cell_size

    def cells_of(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of each point, clipped to the grid."""
        row = np.clip(((self.top - np.asarray(y)) / self.cell_size).astype(np.intp), 0, self.rows - 1)
        column = np.clip(((np.asarray(x) - self.left) / self.cell_size).astype(np.intp), 0, self.columns - 1)
        return row, column

    def mask(self, geometries: Any, *, all_touched: bool = False) -> NDArray[np.bool_]:
        """Cells whose centre (or, if asked, any part) lies in the geometries. Shape (row, column)."""
        shapes = [
            g for g in np.atleast_1d(np.asarray(geometries, dtype=object)) if g is not None and not shapely.is_empty(g)
        ]
        if not shapes:
            return np.zeros(self.shape, dtype=bool)
        burnt = rasterize(_plain(shapes), self.shape, transform=self.transform, all_touched=all_touched, dtype="uint8")
        return np.asarray(burnt, dtype=bool)

    def burn(self, geometries: Any, values: Any, *, fill: float = 0, dtype: str = "float32") -> NDArray[Any]:
        """Raster of the values of the geometries that hold each cell's centre; a later one covers an earlier one."""
        pairs = [(g, v) for g, v in zip(geometries, values, strict=True) if g is not None and not shapely.is_empty(g)]
        if not pairs:
            return np.full(self.shape, fill, dtype=dtype)
        drawn = zip(_plain([shape for shape, _ in pairs]), [value for _, value in pairs], strict=True)
        return np.asarray(rasterize(drawn, self.shape, transform=self.transform, fill=fill, dtype=dtype))


@dataclass(frozen=True)
class Raster:
    """Values on a grid of their own; a missing value is NaN (or 0 for class codes)."""

    values: NDArray[Any]  # (row, column)
    transform: tuple[float, float, float, float, float, float]
    crs: str

    def on_grid(self, grid: Grid, *, nearest: bool = False) -> NDArray[Any]:
        """Resample to a grid in the same CRS: by area average or bilinear, or nearest for classes.

        Outside is NaN (0 for classes).
        """
        source_cell = abs(self.transform[0])
        smooth = Resampling.average if source_cell < 0.75 * grid.cell_size else Resampling.bilinear
        floating = np.issubdtype(self.values.dtype, np.floating)
        target = np.full(grid.shape, np.nan if floating else 0, dtype=self.values.dtype)
        reproject(
            self.values,
            target,
            src_transform=Affine(*self.transform),
            src_crs=self.crs,
            dst_transform=grid.transform,
            dst_crs=self.crs,
            src_nodata=np.nan if floating else None,
            dst_nodata=np.nan if floating else None,
            resampling=Resampling.nearest if nearest else smooth,
        )
        return target


def _plain(shapes: Sequence[Any]) -> list[Any]:
    """Lines and polygons as GeoJSON mappings, read all at once; what is neither stays as it is."""
    plain = np.empty(len(shapes), dtype=object)
    plain[:] = shapes
    kinds = shapely.get_type_id(plain)
    lines = np.flatnonzero(kinds == shapely.GeometryType.LINESTRING)
    for place, points in zip(lines, _points(plain[lines]), strict=True):
        plain[place] = {"type": "LineString", "coordinates": points}
    areas = np.flatnonzero(kinds == shapely.GeometryType.POLYGON)
    rings, owner = shapely.get_rings(plain[areas], return_index=True)
    for place in areas:
        plain[place] = {"type": "Polygon", "coordinates": []}
    for place, points in zip(areas[owner], _points(rings), strict=True):
        plain[place]["coordinates"].append(points)
    return list(plain)


def _points(lines: NDArray[Any]) -> list[list[list[float]]]:
    """Coordinates of each line."""
    points = shapely.get_coordinates(lines).tolist()
    ends = np.cumsum(shapely.get_num_points(lines)).tolist()
    return [points[start:end] for start, end in zip([0, *ends], ends, strict=False)]
