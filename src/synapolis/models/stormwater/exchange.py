"""The loops beside the surface flow: what rain, ground, inlets, rims and seas give and take, and what is recorded.

All work on the depth of `kernel.py`: a float32 and its float32 remainder.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from synapolis.models.stormwater.infiltration import green_ampt_step
from synapolis.models.stormwater.kernel import BLOCK, DAMP, DRY, GRAVITY, SAFE, THIN, WET, Desk, Water, bits, from_bits

SPEED_DEPTH = 1e-3
"""Depth [m] below which no speed is reported: there it would be a ratio of two roundings."""


class Soil(NamedTuple):
    """What takes water where it stands; every field is (row, column), float32."""

    factor: Any
    """Share of the rain that reaches each cell [1]."""
    conductivity: Any
    """[m/s]"""
    pull: Any
    """Suction times moisture deficit [m]."""
    soft: Any
    """Pervious share [1]."""
    inlets: Any
    """[m/s]"""
    taken: Any
    """What the pervious part has taken so far [m]."""


class Points(NamedTuple):
    """Cells, by flat place, that water enters or leaves by."""

    fed: Any
    feed: Any
    """[m/s]"""
    rim: Any
    normal: Any
    """Sum over the open faces of the root of the bed's slope [1]."""
    faces: Any
    """Open faces."""
    out: Any
    """Rate at which each rim cell loses depth in this step [m/s]."""
    held: Any
    held_block: Any
    """Flat place of the block of each."""
    held_depth: Any
    """[m]"""
    passed: Any
    """What each held cell has taken so far, net [m]."""


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _rain(first: int, last: int, depth: Any, rest: Any, factor: Any, fallen: float, water: Any) -> None:
    for k in range(np.uint64(first), np.uint64(last)):
        water[k] = np.float64(depth[k]) + np.float64(rest[k]) + np.float64(factor[k]) * fallen


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _infiltrate(
    first: int, last: int, water: Any, taken: Any, conductivity: Any, pull: Any, soft: Any, step: float
) -> float:
    """Green-Ampt on the pervious part of each cell, from the water standing on that part."""
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        had = np.float64(taken[k])
        able = green_ampt_step(had, np.float64(conductivity[k]), np.float64(pull[k]), step)
        gain = min(able, max(water[k], 0.0))
        taken[k] = np.float32(had + gain)
        gain *= np.float64(soft[k])
        water[k] -= gain
        total += gain
    return total


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _drain(first: int, last: int, water: Any, inlets: Any, step: float) -> float:
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        gone = min(np.float64(inlets[k]) * step, max(water[k], 0.0))
        water[k] -= gone
        total += gone
    return total


@njit(cache=True, fastmath={"nsz"}, error_model="numpy")
def _write(first: int, last: int, water: Any, depth: Any, rest: Any) -> Any:
    """Write the water back; returns the bits of the deepest."""
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        shown = np.float32(water[k])
        depth[k] = shown
        rest[k] = np.float32(water[k] - np.float64(shown))
        deepest = max(deepest, bits(shown))
    return deepest


@njit(cache=True, error_model="numpy")
def sources(
    water: Water, soil: Soil, desk: Desk, blocks: Any, row: Any, fallen: float, soaks: bool, drains: bool,
    length: float, totals: Any,
) -> float:  # fmt: skip
    """Rain, infiltration and inlets of one interval; returns the deepest cell, and notes which blocks are wet."""
    deepest, thin = np.int32(0), bits(THIN)
    for r in range(2, water.depth.shape[0] - 2):
        for n in range(desk.counts[r]):
            a, b = desk.spans[r, 2 * n], desk.spans[r, 2 * n + 1]
            _rain(a, b, water.depth[r], water.rest[r], soil.factor[r], fallen, row)
            if soaks:
                totals[0] += _infiltrate(
                    a, b, row, soil.taken[r], soil.conductivity[r], soil.pull[r], soil.soft[r], length
                )
            if drains:
                totals[1] += _drain(a, b, row, soil.inlets[r], length)
            for start in range(a, b, BLOCK):
                most = _write(start, min(start + BLOCK, b), row, water.depth[r], water.rest[r])
                block = (start - 1) // BLOCK + 1
                carries = blocks[r, block] == WET  # perhaps a discharge, which the next step will bring to rest
                blocks[r, block] = WET if most > thin or carries else (DAMP if most > 0 else DRY)
                deepest = max(deepest, most)
    return np.float64(from_bits(deepest))


@njit(cache=True, error_model="numpy")
def _set(depth: Any, rest: Any, k: int, water: float) -> None:
    shown = np.float32(water)
    depth[k] = shown
    rest[k] = np.float32(water - np.float64(shown))


@njit(cache=True, error_model="numpy")
def leave(water: Water, friction: Any, points: Points, cell_size: float) -> None:
    """Rate [m/s] at which each rim cell loses depth over its open faces: normal depth, at most critical."""
    depth, rough = water.depth.reshape(-1), friction.reshape(-1)
    for n in range(points.rim.size):
        k = points.rim[n]
        stands = max(np.float64(depth[k]), 0.0)
        manning = np.cbrt(stands) ** 5 * points.normal[n] * np.sqrt(GRAVITY / rough[k])
        critical = points.faces[n] * stands * np.sqrt(GRAVITY * stands)
        points.out[n] = min(manning, critical) / cell_size


@njit(cache=True, error_model="numpy")
def at_points(water: Water, points: Points, blocks: Any, step: float, totals: Any) -> None:
    """Feed cells, shed over the rim at most what each cell holds, and bring held cells to their level."""
    depth, rest, width = water.depth.reshape(-1), water.rest.reshape(-1), water.depth.shape[1]
    flags = blocks.reshape(-1)
    for n in range(points.fed.size):
        k = points.fed[n]
        _set(depth, rest, k, np.float64(depth[k]) + np.float64(rest[k]) + points.feed[n] * step)
        blocks[k // width, (k % width - 1) // BLOCK + 1] = WET
    for n in range(points.rim.size):
        k = points.rim[n]
        stands = np.float64(depth[k]) + np.float64(rest[k])
        gone = min(points.out[n] * step, max(stands, 0.0))
        _set(depth, rest, k, stands - gone)
        totals[2] += gone
    over_shore = 0.0
    for n in range(points.held.size):
        k = points.held[n]
        gone = np.float64(depth[k]) + np.float64(rest[k]) - points.held_depth[n]
        points.passed[n] += gone
        over_shore += gone
        _set(depth, rest, k, points.held_depth[n])
        flags[points.held_block[n]] = WET
    totals[3] += over_shore


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _record(
    first: int, last: int, depth: Any, along: Any, across: Any, before: Any, max_depth: Any, max_speed: Any,
    max_hazard: Any,
) -> None:  # fmt: skip
    """Raise the maxima of depth, speed and depth times speed to what they are now."""
    i = np.uint64(1)
    half, zero, least = np.float32(0.5), np.float32(0.0), np.float32(SPEED_DEPTH)
    for k in range(np.uint64(first), np.uint64(last)):
        x = half * (along[k] + along[k - i])
        y = half * (across[k] + before[k])
        hazard = np.sqrt(x * x + y * y)
        hazard = hazard if depth[k] > least else zero
        max_depth[k] = max(max_depth[k], depth[k])
        max_hazard[k] = max(max_hazard[k], hazard)
        max_speed[k] = max(max_speed[k], hazard / max(depth[k], least))


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _arrive(first: int, last: int, depth: Any, arrival: Any, threshold: float, time: float) -> None:
    now, enough, never = np.float32(time), np.float32(threshold), np.float32(np.inf)
    for k in range(np.uint64(first), np.uint64(last)):
        reached = now if depth[k] >= enough else never
        arrival[k] = min(arrival[k], reached)


@njit(cache=True, error_model="numpy")
def observe(water: Water, peaks: Any, desk: Desk, arrival_depth: float, time: float) -> None:
    """Raise the maxima, and note where the water arrived, at one moment."""
    for r in range(2, water.depth.shape[0] - 2):
        for n in range(desk.counts[r]):
            a, b = desk.spans[r, 2 * n], desk.spans[r, 2 * n + 1]
            depth, across, before = water.depth[r], water.across[r], water.across[r - 1]
            _record(a, b, depth, water.along[r], across, before, peaks[0, r], peaks[1, r], peaks[2, r])
            _arrive(a, b, depth, peaks[3, r], arrival_depth, time)
