"""The loops of the surface flow: local-inertial steps, row by row, over the parts of the ground that are wet.

A step sweeps the rows once: the discharge of a row is renewed in place, and the row before it, whose four faces are
then known, is limited and moved, so that all stays in cache. Rows may be shared out in bands, one a thread; the rows
where two bands meet come last. Each loop runs over one row with unsigned indices, no branch and few arrays, because
only such loops vectorise; extremes of positive floats are taken over their bit patterns for the same reason. Their
arithmetic does not depend on where a loop starts, so a part stepped alone gives the same bits as the whole.

The depth is a float32 with a float32 remainder, together good to 48 bits. `surface.py` says what is solved.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

GRAVITY = 9.81
"""Standard acceleration of free fall near sea level [m/s²]."""

THIN = np.float32(1e-5)
"""Depth [m] over a face below which nothing flows: about a second of heavy rain."""

BLOCK = 32
"""Cells of a row that are stepped or left out together."""

DRY, DAMP, WET = 0, 1, 2
"""A block without water; with too little to flow; with water that can flow, or discharge."""

SAFE = {"nsz", "nnan", "ninf", "contract"}
"""Liberties that give vector and scalar arithmetic the same bits."""


class Ground(NamedTuple):
    """What does not change; every field is (row, column), float32, framed with walls."""

    drop_along: Any
    """Bed of each cell less that of the next in its row [m]."""
    drop_across: Any
    """Bed of each cell less that of the next in its column [m]."""
    friction: Any
    """Gravity times the square of Manning's roughness."""


class Water(NamedTuple):
    """What moves; every field is (row, column), float32, framed with walls."""

    depth: Any
    rest: Any
    """What the float32 depth leaves out [m]."""
    along: Any
    """Discharge from each cell to the next in its row [m²/s]."""
    across: Any


class Desk(NamedTuple):
    """Where a step writes down what it needs; the contents mean nothing from one step to the next."""

    rows: Any
    """(band + 1,) first row of each band, and the end."""
    sheets: Any
    """(band, 6, column) old discharge: across two rows, along one; then beside the band: across before it, across and
    along after it."""
    shares: Any
    """(band, 4, column) shares of two rows, then of the band's second and first."""
    least: Any
    """(row,) bits of the least share."""
    spans: Any
    """(row, 2 * run) columns to step: where each run begins, and where it has ended."""
    counts: Any
    """(row,) runs of a row."""


ALL = np.int32(0x3F800000)
"""The bits of the float32 1: a share that cuts nothing."""


def _bits_of(_context: Any, _value: Any) -> Any:
    """Read a float32 as the int32 of the same bits."""

    def generate(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _float_of(_context: Any, _value: Any) -> Any:
    """Read an int32 as the float32 of the same bits."""

    def generate(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), generate


def _start_of(_context: Any, array: Any) -> Any:
    """Give the address of an array's first value: one word to hand on, where an array is seven."""

    def generate(ctx: Any, builder: Any, sig: Any, args: Any) -> Any:
        return make_array(sig.args[0])(ctx, builder, args[0]).data  # type: ignore[no-untyped-call]

    return types.CPointer(array.dtype)(array), generate  # type: ignore[no-untyped-call]


start_of: Any = intrinsic(_start_of)
bits: Any = intrinsic(_bits_of)
from_bits: Any = intrinsic(_float_of)


@njit(cache=True, fastmath=SAFE, error_model="numpy", inline="always")
def _inverse_cube_root(value: Any) -> Any:
    """Inverse cube root of a positive float32, to about 6e-6: a guess on the exponent bits, then two Newton steps."""
    third = np.float32(1.0 / 3.0)
    four = np.float32(4.0)
    root = from_bits(np.int32(0x54A2FA8C) - np.int32(np.float32(bits(value)) * third))
    root *= (four - value * root * root * root) * third
    root *= (four - value * root * root * root) * third
    return root


@njit(cache=True, fastmath=SAFE, error_model="numpy", inline="always")
def _face(
    near: Any, far: Any, drop: Any, drag: Any, q: Any, behind: Any, ahead: Any, sideways: Any, push: Any, own: Any,
    other: Any, swift: Any,
) -> Any:  # fmt: skip
    """New discharge [m²/s] over one face, and the depth over it."""
    zero, one = np.float32(0.0), np.float32(1.0)
    fall = drop + (near - far)
    # Depth over the face: the higher water level less the higher bed.
    over = max(near + min(drop, zero), far - max(drop, zero))
    flow = max(over, THIN)
    root = _inverse_cube_root(flow)
    root2 = root * root
    brake = drag * np.sqrt(q * q + sideways * sideways) * (root * root2 * root2 * root2)
    # A dry or closed neighbour face says nothing of the flow: it is taken as equal, not as a brake.
    before = behind if behind != zero else q
    after = ahead if ahead != zero else q
    # Friction is linearised about the old discharge (Newton), not held at it: thin films then do not flicker.
    value = (own * q + other * (before + after) + push * flow * fall + brake * q) / (one + brake + brake)
    limit = swift * flow * np.sqrt(flow)
    value = min(max(value, -limit), limit)
    return value if over > THIN else zero, flow


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _faces_along(
    first: int, last: int, row: int, old: int, cross: int, before: int, depth: Any, drop: Any, friction: Any,
    sheets: Any, new: Any, step: Any, push: Any, own: Any, other: Any, swift: Any,
) -> Any:  # fmt: skip
    """Renew the discharge between the cells of one row; returns the bits of the deepest face.

    `row` is where the row begins in the flat fields; `old` (along), `cross` and `before` (across it and across the row
    before) where old discharge begins in the sheets.
    """
    i = np.uint64(1)
    r, o, c, b = np.uint64(row), np.uint64(old), np.uint64(cross), np.uint64(before)
    half, quarter = np.float32(0.5) * step, np.float32(0.25)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        sideways = quarter * (sheets[c + k] + sheets[c + k + i] + sheets[b + k] + sheets[b + k + i])
        drag = half * (friction[r + k] + friction[r + k + i])
        value, flow = _face(
            depth[r + k], depth[r + k + i], drop[r + k], drag, sheets[o + k], sheets[o + k - i], sheets[o + k + i],
            sideways, push, own, other, swift,
        )  # fmt: skip
        new[r + k] = value
        deepest = max(deepest, bits(flow))
    return deepest


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _faces_across(
    first: int, last: int, row: int, after: int, old: int, behind: int, cross: int, ahead: int, beside: int, depth: Any,
    drop: Any, friction: Any, sheets: Any, across: Any, along: Any, new: Any, step: Any, push: Any, own: Any,
    other: Any, swift: Any,
) -> Any:  # fmt: skip
    """Renew the discharge between one row and the next; returns the bits of the deepest face.

    `row` and `after` are where both begin in the flat fields; `old`, `behind` (across) and `cross` (along) where old
    discharge begins in the sheets; `ahead` and `beside` where that of the next row does, in `across` and `along`.
    """
    i = np.uint64(1)
    r, s, o, b = np.uint64(row), np.uint64(after), np.uint64(old), np.uint64(behind)
    c, a, n = np.uint64(cross), np.uint64(ahead), np.uint64(beside)
    half, quarter = np.float32(0.5) * step, np.float32(0.25)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        sideways = quarter * (sheets[c + k] + sheets[c + k - i] + along[n + k] + along[n + k - i])
        drag = half * (friction[r + k] + friction[s + k])
        value, flow = _face(
            depth[r + k], depth[s + k], drop[r + k], drag, sheets[o + k], sheets[b + k], across[a + k], sideways, push,
            own, other, swift,
        )  # fmt: skip
        new[r + k] = value
        deepest = max(deepest, bits(flow))
    return deepest


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _share(
    first: int, last: int, row: int, width: int, to: int, depth: Any, along: Any, across: Any, shares: Any, ratio: Any
) -> Any:
    """Share of its outflow that each cell can pay for from the water it holds; returns the bits of the least."""
    i = np.uint64(1)
    r, b, t = np.uint64(row), np.uint64(row - width), np.uint64(to)
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
    most = np.float32(0.999999)  # a millionth is kept back, so that float32 rounding never overdraws
    least = ALL
    for k in range(np.uint64(first), np.uint64(last)):
        out = (
            max(along[r + k], zero) - min(along[r + k - i], zero) + max(across[r + k], zero) - min(across[b + k], zero)
        )
        part = min(one, depth[r + k] * most / max(out * ratio, tiny))
        shares[t + k] = part
        least = min(least, bits(part))
    return least


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _limit_along(first: int, last: int, row: int, at: int, discharge: Any, shares: Any) -> None:
    """Cut each face's discharge to the share that the cell it leaves can pay."""
    i = np.uint64(1)
    r, t = np.uint64(row), np.uint64(at)
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[r + k]
        discharge[r + k] = max(q, zero) * shares[t + k] + min(q, zero) * shares[t + k + i]


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _limit_across(
    first: int, last: int, row: int, at: int, after: int, discharge: Any, shares: Any, shares_next: Any
) -> None:
    r, t, n = np.uint64(row), np.uint64(at), np.uint64(after)
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[r + k]
        discharge[r + k] = max(q, zero) * shares[t + k] + min(q, zero) * shares_next[n + k]


@njit(cache=True, fastmath={"nsz"}, error_model="numpy")
def _move(
    first: int, last: int, row: int, width: int, depth: Any, rest: Any, along: Any, across: Any, ratio: float
) -> None:
    i = np.uint64(1)
    r, b = np.uint64(row), np.uint64(row - width)
    for k in range(np.uint64(first), np.uint64(last)):
        gain = np.float64(along[r + k - i]) - np.float64(along[r + k])
        gain += np.float64(across[b + k]) - np.float64(across[r + k])
        now = np.float64(depth[r + k]) + np.float64(rest[r + k]) + ratio * gain
        shown = np.float32(now)
        depth[r + k] = shown
        rest[r + k] = np.float32(now - np.float64(shown))


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _most(first: int, last: int, row: int, depth: Any, along: Any, across: Any) -> Any:
    """Return above 0 where some depth passes THIN or some discharge is not 0."""
    r = np.uint64(row)
    most = np.int32(0)
    thin = bits(THIN)
    sign = np.int32(0x7FFFFFFF)
    for k in range(np.uint64(first), np.uint64(last)):
        most = max(most, bits(depth[r + k]) - thin, (bits(along[r + k]) | bits(across[r + k])) & sign)
    return most


@njit(cache=True, error_model="numpy")
def spans_of(blocks: Any, least: int, reach: int, width: int, spans: Any, counts: Any) -> None:
    """List the runs of columns whose blocks are at least `least`, or touch such a block where `reach` is 1.

    blocks : (row, 1 + block + 1), spans : (row, 2 * run) ends of each run, counts : (row,) runs
    """
    rows, framed = blocks.shape
    for r in range(2, rows - 2):
        count = 0
        running = False
        for b in range(1, framed - 1):
            on = blocks[r, b] >= least
            if reach and not on:
                on = max(blocks[r, b - 1], blocks[r, b + 1], blocks[r - 1, b], blocks[r + 1, b]) >= least
            if on != running:
                spans[r, count] = 1 + (b - 1) * BLOCK
                count += 1
            running = on
        if running:
            spans[r, count] = width - 1
            count += 1
        counts[r] = count // 2


@njit(cache=True, error_model="numpy")
def _slot(row: int, first: int) -> int:
    """Where a band keeps the shares of a row: of its first two rows until the step ends, of others for one turn."""
    return row & 1 if row > first + 1 else 3 - (row - first)


@njit(cache=True, error_model="numpy")
def _copy(row: int, width: int, along: Any, across: Any, sheets: Any, spans: Any, runs: int, counts: Any) -> None:
    """Copy the discharge of a row over all columns that its own faces or the next row's will ask for."""
    first, last = width, 0
    for near in range(row, row + 2):
        if counts[near]:
            first = min(first, spans[near * runs] - 1)
            last = max(last, spans[near * runs + 2 * counts[near] - 1] + 1)
    r, a, b = np.uint64(row * width), np.uint64((row & 1) * width), np.uint64(2 * width)
    for k in range(np.uint64(first), np.uint64(max(first, last))):
        sheets[a + k] = across[r + k]
        sheets[b + k] = along[r + k]


@njit(cache=True, error_model="numpy")
def _cover(
    row: int, width: int, slot: int, depth: Any, along: Any, across: Any, shares: Any, spans: Any, runs: int,
    counts: Any, least: Any, ratio: float,
) -> None:  # fmt: skip
    """Find the shares that the cells of one row can pay."""
    for n in range(row * runs, row * runs + 2 * counts[row], 2):
        cut = _share(
            spans[n], spans[n + 1], row * width, width, slot * width, depth, along, across, shares, np.float32(ratio)
        )
        least[row] = min(least[row], cut)


@njit(cache=True, error_model="numpy")
def _limit(
    row: int, width: int, slot: int, slot_next: int, along: Any, across: Any, shares: Any, shares_next: Any, spans: Any,
    runs: int, counts: Any, least: Any,
) -> None:  # fmt: skip
    here = least[row] < ALL
    if here or least[row + 1] < ALL:
        for n in range(row * runs, row * runs + 2 * counts[row], 2):
            a, b = spans[n], spans[n + 1]
            if here:
                _limit_along(a, b, row * width, slot * width, along, shares)
            _limit_across(a, b, row * width, slot * width, slot_next * width, across, shares, shares_next)


@njit(cache=True, error_model="numpy")
def _settle(
    row: int, width: int, depth: Any, rest: Any, along: Any, across: Any, spans: Any, runs: int, counts: Any,
    blocks: Any, ratio: float,
) -> None:  # fmt: skip
    """Move the water of one row, whose discharge is settled, and note which of its blocks are wet."""
    for n in range(row * runs, row * runs + 2 * counts[row], 2):
        a, b = spans[n], spans[n + 1]
        _move(a, b, row * width, width, depth, rest, along, across, ratio)
        block = row * (runs + 1) + (a - 1) // BLOCK + 1
        for start in range(a, b, BLOCK):
            wet = _most(start, min(start + BLOCK, b), row * width, depth, along, across) > 0
            blocks[block] = WET if wet else DAMP
            block += 1


@njit(cache=True, error_model="numpy")
def _renew(
    row: int, first: int, last: int, width: int, depth: Any, along: Any, across: Any, drop_along: Any,
    drop_across: Any, friction: Any, sheets: Any, spans: Any, runs: int, counts: Any, forces: Any,
) -> Any:  # fmt: skip
    """Renew the discharge of one row of a band in place; returns the bits of the deepest face."""
    step, push, own, other, swift = forces
    at, after = row * width, (row + 1) * width
    old, old_along = (row & 1) * width, 2 * width
    behind = 3 * width if row == first else (1 - (row & 1)) * width
    deepest = np.int32(0)
    if counts[row] or counts[row + 1]:
        _copy(row, width, along, across, sheets, spans, runs, counts)
    for n in range(row * runs, row * runs + 2 * counts[row], 2):
        a, b = spans[n], spans[n + 1]
        x = _faces_along(
            a, b, at, old_along, old, behind, depth, drop_along, friction, sheets, along, step, push, own, other, swift
        )
        if row < last - 1:
            y = _faces_across(
                a, b, at, after, old, behind, old_along, after, after, depth, drop_across, friction, sheets, across,
                along, across, step, push, own, other, swift,
            )  # fmt: skip
        else:
            y = _faces_across(
                a, b, at, after, old, behind, old_along, 4 * width, 5 * width, depth, drop_across, friction, sheets,
                sheets, sheets, across, step, push, own, other, swift,
            )  # fmt: skip
        deepest = max(deepest, x, y)
    return deepest


@njit(cache=True, error_model="numpy")
def sweep(
    band: int, water: Water, ground: Ground, desk: Desk, blocks: Any, scales: tuple[float, float, float], step: float
) -> Any:
    """Step the rows of one band, save those that touch another band; returns the bits of the deepest face."""
    cell_size, theta, froude = scales
    ratio = step / cell_size
    forces = (
        np.float32(step), np.float32(GRAVITY * ratio), np.float32(theta), np.float32(0.5 * (1.0 - theta)),
        np.float32(froude * np.sqrt(GRAVITY)),
    )  # fmt: skip
    depth, rest = start_of(water.depth), start_of(water.rest)
    along, across = start_of(water.along), start_of(water.across)
    drop_along, drop_across = start_of(ground.drop_along), start_of(ground.drop_across)
    friction = start_of(ground.friction)
    sheets, shares = start_of(desk.sheets[band]), start_of(desk.shares[band])
    spans, counts, least = start_of(desk.spans), start_of(desk.counts), start_of(desk.least)
    wet, width, runs = start_of(blocks), water.depth.shape[1], desk.spans.shape[1]
    first, last = desk.rows[band], desk.rows[band + 1]
    apart = first > 2  # another band lies before: its last row is not known yet
    deepest = np.int32(0)
    for row in range(first, last):
        least[row] = ALL
        if counts[row - 1] == 0 and counts[row] == 0 and counts[row + 1] == 0:
            continue
        deep = _renew(
            row, first, last, width, depth, along, across, drop_along, drop_across, friction, sheets, spans, runs,
            counts, forces,
        )  # fmt: skip
        deepest = max(deepest, deep)
        slot = _slot(row, first)
        if row > first or not apart:
            _cover(row, width, slot, depth, along, across, shares, spans, runs, counts, least, ratio)
        if row > first + apart:
            before = _slot(row - 1, first)
            _limit(row - 1, width, before, slot, along, across, shares, shares, spans, runs, counts, least)
        if row > first + 2 * apart:
            _settle(row - 1, width, depth, rest, along, across, spans, runs, counts, wet, ratio)
    if last == water.depth.shape[0] - 2:
        slot = _slot(last - 1, first)
        _limit(last - 1, width, slot, slot, along, across, shares, shares, spans, runs, counts, least)
        _settle(last - 1, width, depth, rest, along, across, spans, runs, counts, wet, ratio)
    return deepest


@njit(cache=True, error_model="numpy")
def look(water: Water, desk: Desk) -> None:
    """Keep for each band the old discharge of its neighbours, which they are about to renew."""
    for band in range(desk.rows.size - 1):
        first, last = desk.rows[band], desk.rows[band + 1]
        desk.sheets[band, 3, :] = water.across[first - 1]
        desk.sheets[band, 4, :] = water.across[last]
        desk.sheets[band, 5, :] = water.along[last]


@njit(cache=True, error_model="numpy")
def seam(water: Water, desk: Desk, blocks: Any, ratio: float) -> None:
    """Finish the rows where two bands meet."""
    depth, rest = start_of(water.depth), start_of(water.rest)
    along, across = start_of(water.along), start_of(water.across)
    spans, counts, least = start_of(desk.spans), start_of(desk.counts), start_of(desk.least)
    wet, width, runs = start_of(blocks), water.depth.shape[1], desk.spans.shape[1]
    for band in range(1, desk.rows.size - 1):
        row, before = desk.rows[band], desk.rows[band - 1]
        here, there = start_of(desk.shares[band]), start_of(desk.shares[band - 1])
        _cover(row, width, 3, depth, along, across, here, spans, runs, counts, least, ratio)
        _limit(row - 1, width, _slot(row - 1, before), 3, along, across, there, here, spans, runs, counts, least)
        _limit(row, width, 3, 2, along, across, here, here, spans, runs, counts, least)
        for touched in range(row - 1, row + 2):
            _settle(touched, width, depth, rest, along, across, spans, runs, counts, wet, ratio)
