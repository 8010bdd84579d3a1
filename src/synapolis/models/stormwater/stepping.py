"""The time loop of the surface flow: as many steps as the depth asks for, or those that another run took."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from synapolis.models.stormwater.exchange import Points, at_points, leave
from synapolis.models.stormwater.kernel import (
    GRAVITY,
    THIN,
    WET,
    Desk,
    Ground,
    Water,
    from_bits,
    look,
    spans_of,
    sweep,
)


@njit(cache=True, error_model="numpy")
def next_step(left: float, deepest: float, cell_size: float, courant: float) -> float:
    """Length [s] of the next step: an equal part of what is left, short enough for the fastest wave."""
    longest = courant * cell_size / np.sqrt(GRAVITY * np.maximum(deepest, THIN))
    step: float = left / np.ceil(left / longest)
    return step


@njit(cache=True, error_model="numpy")
def before_step(water: Water, ground: Ground, desk: Desk, points: Points, blocks: Any, cell_size: float) -> None:
    """Find what leaves over the rim, which blocks to step, and what bands ask of each other."""
    leave(water, ground.friction, points, cell_size)
    spans_of(blocks, WET, 1, water.depth.shape[1], desk.spans, desk.counts)
    look(water, desk)


@njit(cache=True, error_model="numpy")
def flow(
    water: Water, ground: Ground, desk: Desk, points: Points, blocks: Any, scales: tuple[float, float, float],
    courant: float, deepest: float, left: float, given: Any, taken: Any, totals: Any,
) -> tuple[int, float, float]:  # fmt: skip
    """Let the water flow, by the steps `given` or, where there are none, as its depth allows.

    Returns how many steps were taken (their lengths are in `taken`), the time left [s] when that was full, and the
    deepest face.
    """
    steps = 0
    only = desk.rows[0] - 2  # band 0, which the compiler must not know: what it makes of a known one is half as fast
    while left > 0.0 and steps < taken.size:
        step = given[steps] if given.size else next_step(left, deepest, scales[0], courant)
        before_step(water, ground, desk, points, blocks, scales[0])
        deepest = np.float64(from_bits(sweep(only, water, ground, desk, blocks, scales, step)))
        at_points(water, points, blocks, step, totals)
        taken[steps] = step
        left = left - step if step < left else 0.0
        steps += 1
    return steps, left, deepest
