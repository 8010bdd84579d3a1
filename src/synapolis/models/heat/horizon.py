"""What a person sees around each cell: sky, walls and leaves, from horizons in 32 directions.

From each cell a line is followed in each direction, one cell at a time, out to a reach. Ground and buildings are
opaque columns: their highest elevation angle is the horizon. Canopy is a layer of columns from its base to its top: it
fills the elevation angles between them, kept as one bit for each of 32 bins. The loop over columns is innermost and
runs along contiguous rows, which is what makes it fast.

Angles enter as tangents t. The bins are equal steps of t / (1 + t), 1.8° wide at the ends and 3.6° at 45°.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Window = tuple[int, int, int, int]
"""First row, end row, first column, end column of the cells to be worked out."""

AZIMUTHS = 32
BINS = 32
TILE = 128  # columns worked on together: their heights stay in the first cache
SIDE, TOP = np.float32(0.22), np.float32(0.06)
"""Share of a standing person's surface that faces each of four sides, and up (or down): Fanger's factors as SOLWEIG
has them (Lindberg et al. 2008, not read)."""
NO_CANOPY = np.float32(-1e6)

VIEWS = (
    "sky_from_ground",
    "canopy_from_ground",
    "sky_from_person",
    "canopy_from_person",
    "walls",
    "walls_east",
    "walls_north",
    "walls_east_west",
    "walls_diagonal",
)
"""What `sky_views` holds, in order: the share of the view of flat ground that no building hides, and the part of that
which leaves hide; the same of a standing person; walls in a person's view, and their first two harmonics by azimuth."""


class Obstacles(NamedTuple):
    """What stands on the ground, as elevations [m]: (row, column) each."""

    surface: Field
    canopy_top: Field
    canopy_base: Field


class Rays(NamedTuple):
    """Cells met on the way in each direction: (azimuth, step)."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    distance: Field


def obstacles(ground: Field, built: Field, canopy: Field, trunk_share: float) -> Obstacles:
    """Columns of the scene: the ground with its buildings, and the canopy above it.

    Parameters
    ----------
    ground : (row, column) [m]
    built, canopy : (row, column) [m above ground]
        Canopy that does not rise above a building in its cell is left out; where it does, leaves begin at the roof.
    trunk_share : share of the canopy's height below which there are no leaves
    """
    surface = (ground + built).astype(np.float32)
    leaves = canopy > built
    top = np.where(leaves, ground + canopy, NO_CANOPY).astype(np.float32)
    base = np.where(leaves, ground + np.maximum(np.float32(trunk_share) * canopy, built), NO_CANOPY)
    return Obstacles(np.ascontiguousarray(surface), top, base.astype(np.float32))


def rays(azimuths: NDArray[np.float64], reach: float, cell_size: float) -> Rays:
    """Cells met towards each azimuth [rad, clockwise from north], each major step one cell, out to a reach [m]."""
    steps = max(1, int(reach / cell_size))
    number = np.arange(1, steps + 1, dtype=np.float64)
    north, east = np.cos(azimuths)[:, None], np.sin(azimuths)[:, None]
    longest = np.maximum(np.abs(north), np.abs(east))
    rows = np.rint(-north / longest * number).astype(np.int64)
    columns = np.rint(east / longest * number).astype(np.int64)
    distance = (np.hypot(rows, columns) * cell_size).astype(np.float32)
    return Rays(rows, columns, distance)


def whole(shape: tuple[int, int]) -> Window:
    """The window of all cells."""
    return 0, shape[0], 0, shape[1]


def sky_views_of(scene: Obstacles, cell_size: float, reach: float, window: Window | None = None) -> Field:
    """View factors of each cell in a window: what they are called is in `VIEWS`.

    Parameters
    ----------
    scene : Obstacles
    cell_size, reach : m
        What is farther away than the reach is not seen.
    window : cells to work out, all by default

    Returns
    -------
    (view, row, column) of the window [1]
        A person stands on the surface of the cell: on a building, on its roof.
    """
    azimuths = 2 * np.pi * (np.arange(AZIMUTHS) + 0.5) / AZIMUTHS
    path = rays(azimuths, reach, cell_size)
    area = window or whole(scene.surface.shape)
    leafy = np.zeros((scene.surface.shape[0], scene.surface.shape[1] + 1), dtype=np.int32)
    np.cumsum(scene.canopy_top > NO_CANOPY, axis=1, out=leafy[:, 1:])
    views = np.zeros((len(VIEWS), area[1] - area[0], area[3] - area[2]), dtype=np.float32)
    ground_weight, side_weight = _bin_weights()
    for number, azimuth in enumerate(azimuths):
        _look(
            scene.surface,
            scene.canopy_top,
            scene.canopy_base,
            leafy,
            path.rows[number],
            path.columns[number],
            path.distance[number],
            np.float32(cell_size),
            np.array(area),
            _direction(float(azimuth)),
            ground_weight,
            side_weight,
            views,
        )
    return views


def _bin_weights() -> tuple[Field, Field]:
    """View factor of each elevation bin over the full circle, from flat ground, and the integral of cos² over it."""
    edges = np.arange(BINS + 1) / BINS
    angle = np.arctan2(edges, 1 - edges)
    up = np.sin(angle) ** 2
    side = angle / 2 + np.sin(2 * angle) / 4
    return np.diff(up).astype(np.float32), np.diff(side).astype(np.float32)


def _direction(azimuth: float) -> Field:
    """Weights of one direction: flat ground, four sides of a person, and four harmonics."""
    step = 2 * math.pi / AZIMUTHS
    sides = (abs(math.cos(azimuth)) + abs(math.sin(azimuth))) * step / math.pi / _side_sum()
    return np.array(
        [
            1 / AZIMUTHS,
            4 * sides,
            math.sin(azimuth),
            math.cos(azimuth),
            math.cos(2 * azimuth),
            math.sin(2 * azimuth),
        ],
        dtype=np.float32,
    )


def _side_sum() -> float:
    """Sum over the directions that makes the four half-views of the sky exactly 2; 8 / 2 in the limit."""
    azimuths = 2 * np.pi * (np.arange(AZIMUTHS) + 0.5) / AZIMUTHS
    total = float((np.abs(np.cos(azimuths)) + np.abs(np.sin(azimuths))).sum() * 2 / AZIMUTHS)
    return total / (2 * 4 / math.pi) * 4


@numba.njit(cache=True, error_model="numpy")
def _look(
    surface: Field,
    top: Field,
    base: Field,
    leafy: NDArray[np.int32],
    row_steps: NDArray[np.int64],
    column_steps: NDArray[np.int64],
    distance: Field,
    cell: np.float32,
    area: NDArray[np.int64],
    direction: Field,
    ground_weight: Field,
    side_weight: Field,
    views: Field,
) -> None:
    """Add what is seen in one direction to the views of every cell of the area."""
    rows, columns = surface.shape
    first_row, end_row, first, end = area
    steps = len(distance)
    horizon = np.empty(TILE, dtype=np.float32)
    bits = np.empty(TILE, dtype=np.uint32)
    half = np.float32(0.5) * cell
    for row in range(first_row, end_row):
        for start in range(first, end, TILE):
            stop = min(start + TILE, end)
            width = stop - start
            horizon[:] = 0
            bits[:] = 0
            any_leaves = False
            own = surface[row, start:stop]
            if leafy[row, stop] > leafy[row, start]:
                any_leaves = True
                _own_canopy(own, base[row, start:stop], half, bits)
            for k in range(steps):
                there = row + row_steps[k]
                if there < 0 or there >= rows:
                    break
                shift = column_steps[k]
                low, high = max(start, -shift), min(stop, columns - shift)
                if low >= high:
                    break
                _raise_horizon(
                    surface[there, low + shift : high + shift],
                    surface[row, low:high],
                    np.float32(1) / distance[k],
                    horizon[low - start : high - start],
                )
                if leafy[there, high + shift] > leafy[there, low + shift]:
                    any_leaves = True
                    _see_canopy(
                        top[there, low + shift : high + shift],
                        base[there, low + shift : high + shift],
                        surface[row, low:high],
                        distance[k],
                        distance[k] + half,
                        bits[low - start : high - start],
                    )
            _add_views(
                horizon,
                bits,
                width,
                any_leaves,
                direction,
                ground_weight,
                side_weight,
                views[:, row - first_row, start - first : stop - first],
            )


@numba.njit(cache=True, error_model="numpy")
def _raise_horizon(there: Field, own: Field, per_metre: np.float32, horizon: Field) -> None:
    for i in range(len(horizon)):
        tangent = (there[i] - own[i]) * per_metre
        horizon[i] = max(horizon[i], tangent)


@numba.njit(cache=True, error_model="numpy")
def _own_canopy(own: Field, base: Field, half: np.float32, bits: NDArray[np.uint32]) -> None:
    """Leaves of the cell's own canopy hide the sky from the angle at which a line leaves the cell below them."""
    for i in range(len(own)):
        if base[i] > NO_CANOPY:
            up = max(base[i] - own[i], np.float32(0))
            lower = np.int32(np.float32(BINS) * up / (up + half) + np.float32(0.5))
            if lower < BINS:
                bits[i] |= np.uint32(0xFFFFFFFF) << np.uint32(lower)


@numba.njit(cache=True, error_model="numpy")
def _see_canopy(
    top: Field, base: Field, own: Field, near: np.float32, far: np.float32, bits: NDArray[np.uint32]
) -> None:
    """Set the bins between base and top of a cell's canopy; a base is seen at the cell's far edge."""
    for i in range(len(bits)):
        upper = max(top[i] - own[i], np.float32(0))
        lower = max(base[i] - own[i], np.float32(0))
        last = np.int32(np.float32(BINS) * upper / (upper + near) + np.float32(0.5))
        begin = np.int32(np.float32(BINS) * lower / (lower + far) + np.float32(0.5))
        last = min(last, np.int32(BINS - 1))
        below_top = (np.uint32(1) << np.uint32(last)) - np.uint32(1)
        below_base = (np.uint32(1) << np.uint32(min(begin, last))) - np.uint32(1)
        bits[i] |= below_top ^ below_base


@numba.njit(cache=True, error_model="numpy")
def _add_views(
    horizon: Field,
    bits: NDArray[np.uint32],
    width: int,
    any_leaves: bool,
    direction: Field,
    ground_weight: Field,
    side_weight: Field,
    views: Field,
) -> None:
    """Weigh one direction's horizon and leaves into the views of a tile."""
    quarter = np.float32(math.pi / 4)
    for i in range(width):
        tangent = horizon[i]
        cos2 = np.float32(1) / (np.float32(1) + tangent * tangent)
        angle = np.arctan(tangent)
        open_side = quarter - np.float32(0.5) * (angle + tangent * cos2)  # integral of cos² above the horizon
        seen = SIDE * direction[1] * open_side + TOP * direction[0] * cos2
        wall = SIDE * direction[1] * (quarter - open_side) + TOP * direction[0] * (np.float32(1) - cos2)
        views[0, i] += direction[0] * cos2
        views[2, i] += seen
        views[4, i] += wall
        views[5, i] += wall * direction[2]
        views[6, i] += wall * direction[3]
        views[7, i] += wall * direction[4]
        views[8, i] += wall * direction[5]
    if not any_leaves:
        return
    for i in range(width):
        if bits[i] == 0:
            continue
        share = np.float32(BINS) * horizon[i] / (np.float32(1) + horizon[i])
        first = min(np.int32(share + np.float32(0.5)), np.int32(BINS))
        ground, side = np.float32(0), np.float32(0)
        left = bits[i]
        for b in range(first, BINS):
            if (left >> np.uint32(b)) & np.uint32(1):
                ground += ground_weight[b]
                side += side_weight[b]
        tangent = horizon[i]
        cos2 = np.float32(1) / (np.float32(1) + tangent * tangent)
        ground = min(ground, cos2)  # the bin that the horizon cuts may stick out below it
        side = min(side, quarter - np.float32(0.5) * (np.arctan(tangent) + tangent * cos2))
        views[1, i] += direction[0] * ground
        views[3, i] += SIDE * direction[1] * side + TOP * direction[0] * ground
