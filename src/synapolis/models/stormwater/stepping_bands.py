"""The time loop of the surface flow on several threads, each with a band of rows; bit for bit as on one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from synapolis.models.stormwater.exchange import Points, at_points
from synapolis.models.stormwater.kernel import Desk, Ground, Water, from_bits, seam, sweep
from synapolis.models.stormwater.stepping import before_step, next_step


@njit(cache=True, error_model="numpy", parallel=True)
def _sweep_all(
    water: Water, ground: Ground, desk: Desk, blocks: Any, scales: tuple[float, float, float], step: float,
    deepest: Any,
) -> None:  # fmt: skip
    for band in prange(deepest.size):
        deepest[band] = sweep(band, water, ground, desk, blocks, scales, step)


@njit(cache=True, error_model="numpy")
def flow_in_bands(
    water: Water, ground: Ground, desk: Desk, points: Points, blocks: Any, scales: tuple[float, float, float],
    courant: float, deepest: float, left: float, given: Any, taken: Any, totals: Any,
) -> tuple[int, float, float]:  # fmt: skip
    """As `stepping.flow`, on as many threads as there are bands."""
    steps = 0
    each = np.zeros(desk.rows.size - 1, np.int32)
    while left > 0.0 and steps < taken.size:
        step = given[steps] if given.size else next_step(left, deepest, scales[0], courant)
        before_step(water, ground, desk, points, blocks, scales[0])
        _sweep_all(water, ground, desk, blocks, scales, step, each)
        seam(water, desk, blocks, step / scales[0])
        deepest = np.float64(from_bits(each.max()))
        at_points(water, points, blocks, step, totals)
        taken[steps] = step
        left = left - step if step < left else 0.0
        steps += 1
    return steps, left, deepest
