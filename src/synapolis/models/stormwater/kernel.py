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

GRAVITY = 9.81
"""Standard acceleration of free fall near sea level [m/s²]."""

THIN = np.float32(1e-5)
"""Depth [m] over a face below which nothing flows: about a second of heavy rain."""

BLOCK = 64
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
    """(band, 3, column) old discharge: across two rows, along one."""
    shares: Any
    """(band, 4, column) shares of two rows, then of the band's second and first."""
    edges: Any
    """(band, 3, column) old discharge beside the band: across before it, across after it, along after it."""
    least: Any
    """(row,) bits of the least share."""
    spans: Any
    """(row, run, 2) columns to step."""
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
    first: int, last: int, depth: Any, drop: Any, friction: Any, old: Any, cross: Any, cross_before: Any, new: Any,
    step: Any, push: Any, own: Any, other: Any, swift: Any,
) -> Any:  # fmt: skip
    """Renew the discharge between the cells of one row; returns the bits of the deepest face."""
    i = np.uint64(1)
    half, quarter = np.float32(0.5) * step, np.float32(0.25)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        sideways = quarter * (cross[k] + cross[k + i] + cross_before[k] + cross_before[k + i])
        drag = half * (friction[k] + friction[k + i])
        value, flow = _face(
            depth[k], depth[k + i], drop[k], drag, old[k], old[k - i], old[k + i], sideways, push, own, other, swift
        )
        new[k] = value
        deepest = max(deepest, bits(flow))
    return deepest


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _faces_across(
    first: int, last: int, depth: Any, depth_next: Any, drop: Any, friction: Any, friction_next: Any, old: Any,
    behind: Any, ahead: Any, cross: Any, cross_next: Any, new: Any, step: Any, push: Any, own: Any, other: Any,
    swift: Any,
) -> Any:  # fmt: skip
    """Renew the discharge between one row and the next; returns the bits of the deepest face."""
    i = np.uint64(1)
    half, quarter = np.float32(0.5) * step, np.float32(0.25)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        sideways = quarter * (cross[k] + cross[k - i] + cross_next[k] + cross_next[k - i])
        drag = half * (friction[k] + friction_next[k])
        value, flow = _face(
            depth[k], depth_next[k], drop[k], drag, old[k], behind[k], ahead[k], sideways, push, own, other, swift
        )
        new[k] = value
        deepest = max(deepest, bits(flow))
    return deepest


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _share(first: int, last: int, depth: Any, along: Any, across: Any, before: Any, share: Any, ratio: Any) -> Any:
    """Share of its outflow that each cell can pay for from the water it holds; returns the bits of the least."""
    i = np.uint64(1)
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
    most = np.float32(0.999999)  # a millionth is kept back, so that float32 rounding never overdraws
    least = ALL
    for k in range(np.uint64(first), np.uint64(last)):
        out = max(along[k], zero) - min(along[k - i], zero) + max(across[k], zero) - min(before[k], zero)
        part = min(one, depth[k] * most / max(out * ratio, tiny))
        share[k] = part
        least = min(least, bits(part))
    return least


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _limit_along(first: int, last: int, discharge: Any, share: Any) -> None:
    """Cut each face's discharge to the share that the cell it leaves can pay."""
    i = np.uint64(1)
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[k]
        discharge[k] = max(q, zero) * share[k] + min(q, zero) * share[k + i]


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _limit_across(first: int, last: int, discharge: Any, share: Any, share_next: Any) -> None:
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[k]
        discharge[k] = max(q, zero) * share[k] + min(q, zero) * share_next[k]


@njit(cache=True, fastmath={"nsz"}, error_model="numpy")
def _move(first: int, last: int, depth: Any, rest: Any, along: Any, across: Any, before: Any, ratio: float) -> None:
    i = np.uint64(1)
    for k in range(np.uint64(first), np.uint64(last)):
        gain = np.float64(along[k - i]) - np.float64(along[k])
        gain += np.float64(before[k]) - np.float64(across[k])
        now = np.float64(depth[k]) + np.float64(rest[k]) + ratio * gain
        shown = np.float32(now)
        depth[k] = shown
        rest[k] = np.float32(now - np.float64(shown))


@njit(cache=True, fastmath=SAFE, error_model="numpy")
def _most(first: int, last: int, depth: Any, along: Any, across: Any) -> Any:
    """Return above 0 where some depth passes THIN or some discharge is not 0."""
    most = np.int32(0)
    thin = bits(THIN)
    sign = np.int32(0x7FFFFFFF)
    for k in range(np.uint64(first), np.uint64(last)):
        most = max(most, bits(depth[k]) - thin, (bits(along[k]) | bits(across[k])) & sign)
    return most


@njit(cache=True, error_model="numpy")
def spans_of(blocks: Any, least: int, reach: int, width: int, spans: Any, counts: Any) -> None:
    """List the runs of columns whose blocks are at least `least`, or touch such a block where `reach` is 1.

    blocks : (row, 1 + block + 1), spans : (row, run, 2), counts : (row,)
    """
    rows, framed = blocks.shape
    for r in range(2, rows - 2):
        count = 0
        running = False
        for b in range(1, framed - 1):
            on = blocks[r, b] >= least
            if reach and not on:
                on = max(blocks[r, b - 1], blocks[r, b + 1], blocks[r - 1, b], blocks[r + 1, b]) >= least
            if on and not running:
                spans[r, count, 0] = 1 + (b - 1) * BLOCK
            if running and not on:
                spans[r, count, 1] = 1 + (b - 1) * BLOCK
                count += 1
            running = on
        if running:
            spans[r, count, 1] = width - 1
            count += 1
        counts[r] = count


@njit(cache=True, error_model="numpy")
def _slot(row: int, first: int) -> int:
    """Where a band keeps the shares of a row: of its first two rows until the step ends, of others for one turn."""
    return row & 1 if row > first + 1 else 3 - (row - first)


@njit(cache=True, error_model="numpy")
def _copy(to: Any, values: Any, row: int, desk: Desk) -> None:
    """Copy the discharge of a row over all columns that its own faces or the next row's will ask for."""
    first, last = to.size, 0
    for r in range(row, row + 2):
        if desk.counts[r]:
            first = min(first, desk.spans[r, 0, 0] - 1)
            last = max(last, desk.spans[r, desk.counts[r] - 1, 1] + 1)
    for k in range(np.uint64(first), np.uint64(max(first, last))):
        to[k] = values[k]


@njit(cache=True, error_model="numpy")
def _cover(row: int, water: Water, desk: Desk, part: Any, ratio: float) -> None:
    """Find the shares that the cells of one row can pay."""
    for n in range(desk.counts[row]):
        a, b = desk.spans[row, n]
        across, before = water.across[row], water.across[row - 1]
        cut = _share(a, b, water.depth[row], water.along[row], across, before, part, np.float32(ratio))
        desk.least[row] = min(desk.least[row], cut)


@njit(cache=True, error_model="numpy")
def _limit(row: int, water: Water, desk: Desk, share: Any, share_next: Any) -> None:
    here = desk.least[row] < ALL
    for n in range(desk.counts[row]):
        a, b = desk.spans[row, n]
        if here:
            _limit_along(a, b, water.along[row], share)
        if here or desk.least[row + 1] < ALL:
            _limit_across(a, b, water.across[row], share, share_next)


@njit(cache=True, error_model="numpy")
def _settle(row: int, water: Water, desk: Desk, blocks: Any, ratio: float) -> None:
    """Move the water of one row, whose discharge is settled, and note which of its blocks are wet."""
    depth, along, across = water.depth[row], water.along[row], water.across[row]
    for n in range(desk.counts[row]):
        a, b = desk.spans[row, n]
        _move(a, b, depth, water.rest[row], along, across, water.across[row - 1], ratio)
        for start in range(a, b, BLOCK):
            wet = _most(start, min(start + BLOCK, b), depth, along, across) > 0
            blocks[row, (start - 1) // BLOCK + 1] = WET if wet else DAMP


@njit(cache=True, error_model="numpy")
def _renew(row: int, band: int, water: Water, ground: Ground, desk: Desk, forces: Any) -> Any:
    """Renew the discharge of one row in place; returns the bits of the deepest face."""
    step, push, own, other, swift = forces
    sheets, edges = desk.sheets[band], desk.edges[band]
    first, last = desk.rows[band], desk.rows[band + 1]
    old, old_along = sheets[row & 1], sheets[2]
    behind = edges[0] if row == first else sheets[(row - 1) & 1]
    ahead = edges[1] if row == last - 1 else water.across[row + 1]
    cross = edges[2] if row == last - 1 else water.along[row + 1]
    deepest = np.int32(0)
    if desk.counts[row] or desk.counts[row + 1]:
        _copy(old, water.across[row], row, desk)
        _copy(old_along, water.along[row], row, desk)
    for n in range(desk.counts[row]):
        a, b = desk.spans[row, n]
        x = _faces_along(
            a, b, water.depth[row], ground.drop_along[row], ground.friction[row], old_along, old, behind,
            water.along[row], step, push, own, other, swift,
        )  # fmt: skip
        y = _faces_across(
            a, b, water.depth[row], water.depth[row + 1], ground.drop_across[row], ground.friction[row],
            ground.friction[row + 1], old, behind, ahead, old_along, cross, water.across[row], step, push, own,
            other, swift,
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
    first, last = desk.rows[band], desk.rows[band + 1]
    apart = first > 2  # another band lies before: its last row is not known yet
    shares = desk.shares[band]
    deepest = np.int32(0)
    for row in range(first, last):
        deepest = max(deepest, _renew(row, band, water, ground, desk, forces))
        desk.least[row] = ALL
        if row > first or not apart:
            _cover(row, water, desk, shares[_slot(row, first)], ratio)
        if row > first + apart:
            _limit(row - 1, water, desk, shares[_slot(row - 1, first)], shares[_slot(row, first)])
        if row > first + 2 * apart:
            _settle(row - 1, water, desk, blocks, ratio)
    if last == water.depth.shape[0] - 2:
        part = shares[_slot(last - 1, first)]
        _limit(last - 1, water, desk, part, part)
        _settle(last - 1, water, desk, blocks, ratio)
    return deepest


@njit(cache=True, error_model="numpy")
def look(water: Water, desk: Desk) -> None:
    """Keep for each band the old discharge of its neighbours, which they are about to renew."""
    for band in range(desk.rows.size - 1):
        first, last = desk.rows[band], desk.rows[band + 1]
        desk.edges[band, 0, :] = water.across[first - 1]
        desk.edges[band, 1, :] = water.across[last]
        desk.edges[band, 2, :] = water.along[last]


@njit(cache=True, error_model="numpy")
def seam(water: Water, desk: Desk, blocks: Any, ratio: float) -> None:
    """Finish the rows where two bands meet."""
    for band in range(1, desk.rows.size - 1):
        row, before = desk.rows[band], desk.rows[band - 1]
        here, last = desk.shares[band, 3], desk.shares[band - 1, _slot(row - 1, before)]
        _cover(row, water, desk, here, ratio)
        _limit(row - 1, water, desk, last, here)
        _limit(row, water, desk, here, desk.shares[band, 2])
        for touched in range(row - 1, row + 2):
            _settle(touched, water, desk, blocks, ratio)
