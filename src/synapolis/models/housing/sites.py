"""Geometry of massing: connected free ground, plots of a buildable size, and footprints that stay inside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage
from shapely.geometry import shape

from synapolis.layers.grid import Grid

SAFE_CELLS = 0.75
"""Distance from the edge of free cells [cells]. A cell is free by its centre, so an obstacle's edge may reach
0.71 of a cell past it; beyond this distance no straight obstacle can be met."""
MIN_FOOTPRINT = 60.0  # m²: smaller remnants of a plot carry no building with a stair


def free_patches(free: NDArray[np.bool_], grid: Grid, *, min_area: float) -> list[shapely.Polygon]:
    """Connected patches (by edges) of free cells, as polygons of whole cells, the largest first.

    Parameters
    ----------
    free : (row, column)
    grid : Grid
    min_area : float [m²]
        Smaller patches are left out.
    """
    labels, count = ndimage.label(free)
    areas = np.bincount(labels.ravel(), minlength=count + 1) * grid.cell_area
    areas[0] = 0
    if not (areas >= min_area).any():
        return []
    kept = (areas >= min_area)[labels]
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    window = labels[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.int32)
    transform = grid.transform @ Affine.translation(left, top)
    mask = kept[top : rows[-1] + 1, left : columns[-1] + 1]
    patches = [shape(geometry) for geometry, _ in shapes(window, mask=mask, connectivity=4, transform=transform)]
    return sorted(patches, key=lambda patch: (-patch.area, *patch.bounds))


def plots(patch: shapely.Polygon, *, max_area: float) -> list[shapely.Polygon]:
    """Divide a patch across its longer side until no part is larger than `max_area` [m²]."""
    if patch.area <= max_area:
        return [patch]
    parts = _cut(patch, _half_around(shapely.minimum_rotated_rectangle(patch)))
    if max(part.area for part in parts) > 0.99 * patch.area:  # a sliver at its edge pulled the rectangle askew
        parts = _cut(patch, _half_around(shapely.box(*patch.bounds)))
    return [plot for part in parts for plot in plots(part, max_area=max_area)]


def _half_around(rectangle: shapely.Polygon) -> shapely.Polygon:
    """One half of a rectangle, cut across its longer side."""
    corners = shapely.get_coordinates(rectangle)[:4]
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    first = int(np.argmax(sides[:2]))  # the longer side runs from corner `first` to the next
    a, b, c, d = np.roll(corners, -first, axis=0)
    return shapely.Polygon([a, (a + b) / 2, (c + d) / 2, d])


def _cut(patch: shapely.Polygon, half: shapely.Polygon) -> list[shapely.Polygon]:
    return [
        part
        for side in (shapely.intersection(patch, half), shapely.difference(patch, half))
        for part in _polygons(side)
    ]


def footprints(
    plot: shapely.Polygon, *, coverage: float, cell_size: float, obstacles: Any = None
) -> list[shapely.Polygon]:
    """Footprints inside a plot that together cover at most `coverage` of it.

    The plot is drawn in from its edge by the same distance all around (Newton's method on the area, whose slope is the
    perimeter), by at least 0.75 of a cell; what `obstacles` cover is left out.
    """
    target = coverage * plot.area
    safe = plot.buffer(-SAFE_CELLS * cell_size, join_style="mitre")
    if obstacles is not None:
        safe = shapely.difference(safe, obstacles)
    drawn, inset = safe, 0.0
    for _ in range(12):
        surplus = drawn.area - target
        if surplus <= 0.01 * target or drawn.length == 0:
            break
        inset += surplus / drawn.length
        drawn = safe.buffer(-inset, join_style="mitre")
    drawn = shapely.intersection(drawn.simplify(0.8 * cell_size), safe)
    return [part for part in _polygons(drawn) if part.area >= MIN_FOOTPRINT]


def _polygons(geometry: Any) -> Iterator[shapely.Polygon]:
    return (part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0)
