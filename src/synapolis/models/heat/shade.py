"""Where the sun reaches the ground: one line of columns followed towards the sun from each cell."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from synapolis.models.heat.horizon import NO_CANOPY, TILE, Field, Obstacles, Window, rays, whole

LOWEST_SUN = math.radians(3.0)
"""Altitude below which no direct sun is counted: shadows are longer than any reach and the beam is weak."""


class Shadow(NamedTuple):
    """Shadow in one moment: (row, column) each."""

    leaves: NDArray[np.bool_]
    """The beam passes through canopy."""
    height: Field
    """Height of the buildings' shadow above the surface [m]; 0 in the sun."""


def shadow(
    scene: Obstacles,
    cell_size: float,
    *,
    altitude: float,
    azimuth: float,
    reach: float,
    window: Window | None = None,
) -> Shadow:
    """Shadow of buildings, ground and canopy at one position of the sun.

    Parameters
    ----------
    scene : Obstacles
    cell_size, reach : m
        What stands farther away than the reach throws no shadow.
    altitude, azimuth : rad
        Sun above the horizon, and clockwise from north.
    window : cells to work out, all by default

    Returns
    -------
    Shadow of the window
        Everything is in shadow (infinitely high) with the sun below `LOWEST_SUN`.
    """
    area = window or whole(scene.surface.shape)
    shape = (area[1] - area[0], area[3] - area[2])
    if altitude < LOWEST_SUN:
        return Shadow(np.zeros(shape, dtype=bool), np.full(shape, np.inf, dtype=np.float32))
    path = rays(np.array([azimuth]), reach, cell_size)
    slope = math.tan(altitude)
    room = float(max(scene.surface.max(), scene.canopy_top.max()) - scene.surface.min())
    steps = min(len(path.distance[0]), int(np.searchsorted(path.distance[0] * slope, room)) + 2)
    leafy = np.zeros((scene.surface.shape[0], scene.surface.shape[1] + 1), dtype=np.int32)
    np.cumsum(scene.canopy_top > NO_CANOPY, axis=1, out=leafy[:, 1:])
    leaves, height = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.float32)
    _march(
        scene.surface,
        scene.canopy_top,
        scene.canopy_base,
        leafy,
        path.rows[0, :steps],
        path.columns[0, :steps],
        path.distance[0, :steps] * np.float32(slope),
        np.float32(slope * cell_size / 2),
        np.array(area),
        leaves,
        height,
    )
    return Shadow(leaves.view(np.bool_), height)


@numba.njit(cache=True, error_model="numpy")
def _march(
    surface: Field,
    top: Field,
    base: Field,
    leafy: NDArray[np.int32],
    row_steps: NDArray[np.int64],
    column_steps: NDArray[np.int64],
    rise: Field,
    half: np.float32,
    area: NDArray[np.int64],
    leaves: NDArray[np.uint8],
    height: Field,
) -> None:
    """Follow the beam: `rise` is its height over the cell at each step, `half` what it rises in half a cell."""
    rows, columns = surface.shape
    first_row, end_row, first, end = area
    for row in range(first_row, end_row):
        for start in range(first, end, TILE):
            stop = min(start + TILE, end)
            high_own = height[row - first_row, start - first : stop - first]
            hit_own = leaves[row - first_row, start - first : stop - first]
            if leafy[row, stop] > leafy[row, start]:
                _under_leaves(surface[row, start:stop], base[row, start:stop], half, hit_own)
            for k in range(len(rise)):
                there = row + row_steps[k]
                if there < 0 or there >= rows:
                    break
                shift = column_steps[k]
                low, high = max(start, -shift), min(stop, columns - shift)
                if low >= high:
                    break
                own = surface[row, low:high]
                _cast(surface[there, low + shift : high + shift], own, rise[k], high_own[low - start : high - start])
                if leafy[there, high + shift] > leafy[there, low + shift]:
                    _filter(
                        top[there, low + shift : high + shift],
                        base[there, low + shift : high + shift],
                        own,
                        rise[k],
                        half,
                        hit_own[low - start : high - start],
                    )


@numba.njit(cache=True, error_model="numpy")
def _cast(there: Field, own: Field, rise: np.float32, height: Field) -> None:
    for i in range(len(height)):
        above = there[i] - rise - own[i]
        height[i] = max(height[i], above)


@numba.njit(cache=True, error_model="numpy")
def _under_leaves(own: Field, base: Field, half: np.float32, hit: NDArray[np.uint8]) -> None:
    for i in range(len(hit)):
        if base[i] > NO_CANOPY and base[i] - own[i] < half:
            hit[i] = 1


@numba.njit(cache=True, error_model="numpy")
def _filter(top: Field, base: Field, own: Field, rise: np.float32, half: np.float32, hit: NDArray[np.uint8]) -> None:
    """The beam passes through the columns of a cell's leaves: above their base at its far edge, below their top."""
    for i in range(len(hit)):
        beam = own[i] + rise
        through = (beam < top[i]) & (beam + half > base[i])
        hit[i] |= np.uint8(through)
