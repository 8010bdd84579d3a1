"""The loops of the surface flow: rain, infiltration, inlets, and local-inertial steps over flat cells.

Each loop runs over flat cells with unsigned indices, no branch and few arrays, because only such loops vectorise;
extremes of positive floats are taken over their bit patterns for the same reason. The state is the water level
(float64); the depth is its float32 shadow, kept in step. `surface.py` says what they solve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from synapolis.models.stormwater.infiltration import green_ampt_step

GRAVITY = 9.81
"""Standard acceleration of free fall near sea level [m/s²]."""

THIN = np.float32(1e-5)
"""Depth [m] over a face below which nothing flows: about a second of heavy rain."""

SPEED_DEPTH = 1e-3
"""Depth [m] below which no speed is reported: there it would be a ratio of two roundings."""

_CHUNK = 4096  # cells whose arrays stay in the second-level cache between the parts of one step


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


_bits: Any = intrinsic(_bits_of)
_float: Any = intrinsic(_float_of)


@njit(cache=True, fastmath=True, error_model="numpy", inline="always")
def _inverse_cube_root(value: Any) -> Any:
    """Inverse cube root of a positive float32, to about 6e-6: a guess on the exponent bits, then two Newton steps."""
    third = np.float32(1.0 / 3.0)
    four = np.float32(4.0)
    root = _float(np.int32(0x54A2FA8C) - np.int32(np.float32(_bits(value)) * third))
    root *= (four - value * root * root * root) * third
    root *= (four - value * root * root * root) * third
    return root


@njit(cache=True, fastmath=True, error_model="numpy")
def _discharge(
    first: int, last: int, along: int, across: int, level: Any, depth: Any, drop: Any, friction: Any, now: Any,
    cross: Any, new: Any, step: Any, push: Any, own: Any, other: Any, swift: Any,
) -> Any:  # fmt: skip
    """New discharge [m²/s] over the faces between cells k and k + along; returns the bits of the deepest face."""
    s = np.uint64(along)
    t = np.uint64(across)
    half = np.float32(0.5) * step
    quarter = np.float32(0.25)
    one = np.float32(1.0)
    zero = np.float32(0.0)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        fall = np.float32(level[k] - level[k + s])
        # Depth over the face: the higher water level less the higher bed.
        over = max(depth[k] + min(drop[k], zero), depth[k + s] - max(drop[k], zero))
        flow = max(over, THIN)
        sideways = quarter * (cross[k] + cross[k + s] + cross[k - t] + cross[k + s - t])
        q = now[k]
        size = np.sqrt(q * q + sideways * sideways)
        root = _inverse_cube_root(flow)
        root2 = root * root
        brake = half * (friction[k] + friction[k + s]) * size * (root * root2 * root2 * root2)
        # A dry or closed neighbour face says nothing of the flow: it is taken as equal, not as a brake.
        behind = now[k - s] if now[k - s] != zero else q
        ahead = now[k + s] if now[k + s] != zero else q
        # Friction is linearised about the old discharge (Newton), not held at it: thin films then do not flicker.
        pushed = own * q + other * (behind + ahead) + push * flow * fall
        value = (pushed + brake * q) / (one + brake + brake)
        limit = swift * flow * np.sqrt(flow)
        value = min(max(value, -limit), limit)
        new[k] = value if over > THIN else zero
        deepest = max(deepest, _bits(flow))
    return deepest


@njit(cache=True, fastmath=True, error_model="numpy")
def _share(first: int, last: int, width: int, depth: Any, qx: Any, qy: Any, share: Any, ratio: Any) -> None:
    """Share of its outflow that each cell can pay for from the water it holds."""
    w = np.uint64(width)
    i = np.uint64(1)
    one = np.float32(1.0)
    zero = np.float32(0.0)
    tiny = np.float32(1e-30)
    most = np.float32(0.999999)  # a millionth is kept back, so that float32 rounding never overdraws
    for k in range(np.uint64(first), np.uint64(last)):
        out = max(qx[k], zero) - min(qx[k - i], zero) + max(qy[k], zero) - min(qy[k - w], zero)
        share[k] = min(one, depth[k] * most / max(out * ratio, tiny))


@njit(cache=True, fastmath=True, error_model="numpy")
def _limit(first: int, last: int, along: int, discharge: Any, share: Any) -> None:
    """Cut each face's discharge to the share that the cell it leaves can pay."""
    s = np.uint64(along)
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[k]
        near = share[k]
        far = share[k + s]
        discharge[k] = max(q, zero) * near + min(q, zero) * far


@njit(cache=True, fastmath=True, error_model="numpy")
def _move(first: int, last: int, width: int, level: Any, bed: Any, depth: Any, qx: Any, qy: Any, ratio: float) -> None:
    w = np.uint64(width)
    i = np.uint64(1)
    for k in range(np.uint64(first), np.uint64(last)):
        along = np.float64(qx[k - i]) - np.float64(qx[k])
        now = level[k] + ratio * (along + (np.float64(qy[k - w]) - np.float64(qy[k])))
        level[k] = now
        depth[k] = np.float32(now - bed[k])


@njit(cache=True, fastmath=True, error_model="numpy")
def _flow_step(
    width: int, level: Any, bed: Any, depth: Any, drop_x: Any, drop_y: Any, friction: Any, qx: Any, qy: Any,
    new_qx: Any, new_qy: Any, share: Any, cell_size: float, step: float, theta: float, froude: float,
) -> float:  # fmt: skip
    """One flow step; returns the deepest face. Limit and move trail the discharge by a row, so all stays in cache."""
    push = np.float32(GRAVITY * step / cell_size)
    ratio = step / cell_size
    dt = np.float32(step)
    own = np.float32(theta)
    other = np.float32(0.5 * (1.0 - theta))
    swift = np.float32(froude * np.sqrt(GRAVITY))
    deepest = np.int32(0)
    end = level.size - 2 * width
    done = 2 * width
    for a in range(2 * width, end, _CHUNK):
        b = min(a + _CHUNK, end)
        x = _discharge(a, b, 1, width, level, depth, drop_x, friction, qx, qy, new_qx, dt, push, own, other, swift)
        y = _discharge(a, b, width, 1, level, depth, drop_y, friction, qy, qx, new_qy, dt, push, own, other, swift)
        deepest = max(deepest, x, y)
        _share(a, b, width, depth, new_qx, new_qy, share, np.float32(ratio))
        ready = b - width if b < end else end
        if ready > done:
            _limit(done, ready, 1, new_qx, share)
            _limit(done, ready, width, new_qy, share)
            _move(done, ready, width, level, bed, depth, new_qx, new_qy, ratio)
            done = ready
    return np.float64(_float(deepest))


@njit(cache=True, fastmath=True, error_model="numpy")
def _rain(first: int, last: int, level: Any, factor: Any, fallen: float) -> None:
    for k in range(np.uint64(first), np.uint64(last)):
        level[k] += factor[k] * fallen


@njit(cache=True, fastmath=True, error_model="numpy")
def _infiltrate(
    first: int, last: int, level: Any, bed: Any, taken: Any, soil: Any, pull: Any, soft: Any, step: float
) -> float:
    """Green-Ampt on the pervious part of each cell, from the water standing on that part."""
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        gain = min(green_ampt_step(taken[k], soil[k], pull[k], step), max(level[k] - bed[k], 0.0))
        taken[k] += gain
        gain *= soft[k]
        level[k] -= gain
        total += gain
    return total


@njit(cache=True, fastmath=True, error_model="numpy")
def _drain(first: int, last: int, level: Any, bed: Any, inlets: Any, step: float) -> float:
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        gone = min(inlets[k] * step, max(level[k] - bed[k], 0.0))
        level[k] -= gone
        total += gone
    return total


@njit(cache=True, fastmath=True, error_model="numpy")
def _shadow(first: int, last: int, level: Any, bed: Any, depth: Any) -> float:
    """Bring the depth in step with the level; returns the deepest."""
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        depth[k] = np.float32(max(level[k] - bed[k], 0.0))
        deepest = max(deepest, _bits(depth[k]))
    return np.float64(_float(deepest))


@njit(cache=True, error_model="numpy")
def _feed(level: Any, bed: Any, depth: Any, fed: Any, feed: Any, step: float) -> None:
    for n in range(fed.size):
        level[fed[n]] += feed[n] * step
        depth[fed[n]] = np.float32(level[fed[n]] - bed[fed[n]])


@njit(cache=True, error_model="numpy")
def _leave(depth: Any, friction: Any, rim: Any, normal: Any, faces: Any, out: Any, cell_size: float) -> None:
    """Rate [m/s] at which each rim cell loses depth over its open faces: normal depth, at most critical."""
    for n in range(rim.size):
        water = max(np.float64(depth[rim[n]]), 0.0)
        manning = np.cbrt(water) ** 5 * normal[n] * np.sqrt(GRAVITY / friction[rim[n]])
        critical = faces[n] * water * np.sqrt(GRAVITY * water)
        out[n] = min(manning, critical) / cell_size


@njit(cache=True, error_model="numpy")
def _shed(level: Any, bed: Any, depth: Any, rim: Any, out: Any, step: float) -> float:
    """Take from the rim what leaves in one step, at most what the cell holds."""
    total = 0.0
    for n in range(rim.size):
        k = rim[n]
        gone = min(out[n] * step, max(level[k] - bed[k], 0.0))
        level[k] -= gone
        depth[k] = np.float32(level[k] - bed[k])
        total += gone
    return total


@njit(cache=True, error_model="numpy")
def _hold(level: Any, bed: Any, depth: Any, held: Any, held_level: Any) -> float:
    total = 0.0
    for n in range(held.size):
        k = held[n]
        total += level[k] - held_level[n]
        level[k] = held_level[n]
        depth[k] = np.float32(level[k] - bed[k])
    return total


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _record(
    first: int, last: int, width: int, depth: Any, qx: Any, qy: Any, max_depth: Any, max_speed: Any, max_hazard: Any
) -> None:
    """Raise the maxima of depth, speed and depth times speed to what they are now."""
    w = np.uint64(width)
    i = np.uint64(1)
    half = np.float32(0.5)
    zero = np.float32(0.0)
    least = np.float32(SPEED_DEPTH)
    for k in range(np.uint64(first), np.uint64(last)):
        x = half * (qx[k] + qx[k - i])
        y = half * (qy[k] + qy[k - w])
        hazard = np.sqrt(x * x + y * y)
        hazard = hazard if depth[k] > least else zero
        max_depth[k] = max(max_depth[k], depth[k])
        max_hazard[k] = max(max_hazard[k], hazard)
        max_speed[k] = max(max_speed[k], hazard / max(depth[k], least))


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _arrive(first: int, last: int, depth: Any, arrival: Any, threshold: float, time: float) -> None:
    now = np.float32(time)
    enough = np.float32(threshold)
    never = np.float32(np.inf)
    for k in range(np.uint64(first), np.uint64(last)):
        reached = now if depth[k] >= enough else never
        arrival[k] = min(arrival[k], reached)


@njit(cache=True, error_model="numpy")
def observe(width: int, depth: Any, qx: Any, qy: Any, peaks: Any, arrival_depth: float, time: float) -> None:
    """Raise the maxima, and note where the water arrived, at one moment."""
    first = 2 * width
    end = depth.size - first
    for a in range(first, end, _CHUNK):
        b = min(a + _CHUNK, end)
        _record(a, b, width, depth, qx, qy, peaks[0], peaks[1], peaks[2])
        _arrive(a, b, depth, peaks[3], arrival_depth, time)


@njit(cache=True, error_model="numpy")
def sources(
    width: int, level: Any, bed: Any, depth: Any, factor: Any, fallen: float, taken: Any, soil: Any, pull: Any,
    soft: Any, inlets: Any, soaks: bool, drains: bool, length: float, totals: Any,
) -> float:  # fmt: skip
    """Rain, infiltration and inlets of one interval; returns the deepest cell."""
    first = 2 * width
    end = level.size - first
    deepest = 0.0
    for a in range(first, end, _CHUNK):
        b = min(a + _CHUNK, end)
        if fallen > 0.0:
            _rain(a, b, level, factor, fallen)
        if soaks:
            totals[0] += _infiltrate(a, b, level, bed, taken, soil, pull, soft, length)
        if drains:
            totals[1] += _drain(a, b, level, bed, inlets, length)
        deepest = max(deepest, _shadow(a, b, level, bed, depth))
    return deepest


@njit(cache=True, error_model="numpy")
def flow(
    width: int, level: Any, bed: Any, depth: Any, drop_x: Any, drop_y: Any, friction: Any, qx: Any, qy: Any,
    new_qx: Any, new_qy: Any, share: Any, fed: Any, feed: Any, rim: Any, normal: Any, faces: Any, out: Any, held: Any,
    held_level: Any, cell_size: float, theta: float, courant: float, froude: float, deepest: float, length: float,
    totals: Any,
) -> int:  # fmt: skip
    """Let the water flow for one interval, in steps that its depth allows; returns their number.

    The discharge is in `qx`, `qy` after an even number of steps, else in `new_qx`, `new_qy`.
    """
    left = length
    steps = 0
    while left > 0.0:
        longest = courant * cell_size / np.sqrt(GRAVITY * np.maximum(deepest, THIN))
        parts = np.ceil(left / longest)
        step = left / parts
        _leave(depth, friction, rim, normal, faces, out, cell_size)
        deepest = _flow_step(
            width, level, bed, depth, drop_x, drop_y, friction, qx, qy, new_qx, new_qy, share, cell_size, step,
            theta, froude,
        )  # fmt: skip
        qx, new_qx = new_qx, qx
        qy, new_qy = new_qy, qy
        _feed(level, bed, depth, fed, feed, step)
        totals[2] += _shed(level, bed, depth, rim, out, step)
        totals[3] += _hold(level, bed, depth, held, held_level)
        left = left - step if parts > 1.0 else 0.0
        steps += 1
    return steps
