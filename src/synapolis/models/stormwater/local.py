"""Local re-run of a flood: after an edit, only the part of the ground where the water can differ is run again.

The flood of today leaves behind its time steps and, now and then, its depths along every 32nd row and column of the
grid. A window between such lines is then run twice, as it is today and as it is after the edit, with the same time
steps and with the depths on its border held at today's: the difference of the two is added to today's flood. Where
the difference comes near the border the window grows; where it would cover most of the ground, all of it is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synapolis.models.stormwater.domain import FRAME
from synapolis.models.stormwater.frames import Frames, halved
from synapolis.models.stormwater.surface import Surface, SurfaceFlow

LINE = 32
"""Rows or columns between the lines on which depths are kept."""

EVERY = 3
"""Intervals of the storm between two records of the depths."""

FELT = 2e-4
"""Difference of depth [m] beside a window's border from which the window is too small."""

PASSED = 1e-5
"""Share of the rain on the whole ground that may pass one side of a window more, or less, than before."""

LOOK = 12
"""Intervals between two looks at the border."""

MOST = 0.35
"""Share of the grid that a window may cover."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Window = tuple[int, int, int, int]
Intervals = list[tuple[float, float]]


@dataclass(frozen=True)
class Record:
    """What a re-run needs of the run before.

    Attributes
    ----------
    steps : (step, 2)
        The interval and the length [s] of each flow step.
    depths : (record, place) [m]
        Depths on the lines, at the start and after every third interval.
    """

    steps: Floats
    depths: NDArray[np.float32]


def lines(shape: tuple[int, int]) -> Flags:
    """Mark the rows and columns on which depths are kept."""
    on = np.zeros(shape, dtype=bool)
    on[::LINE] = on[:, ::LINE] = True
    return on


def run_recorded(surface: Surface, intervals: Intervals) -> tuple[Record, Frames]:
    """Run a storm and keep what a local re-run will need, and its frames."""
    places, frames = _places(lines(surface.domain.shape)), Frames.of(intervals)
    steps, depths = [], [surface.depths(places)]
    for number, (length, fallen) in enumerate(intervals):
        taken = surface.advance(length, fallen)
        frames.note(number + 1, surface)
        steps.append(np.column_stack([np.full(taken.size, float(number)), taken]))
        if number % EVERY == EVERY - 1 or number == len(intervals) - 1:
            depths.append(surface.depths(places))
    return Record(np.concatenate(steps), np.array(depths)), frames


@dataclass(frozen=True)
class Rerun:
    """The window that was run again, today and after the edit."""

    window: Window
    before: SurfaceFlow
    after: SurfaceFlow
    frames: tuple[Frames, Frames]
    """Of both."""

    def put(self, whole: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        """Add the difference that the edit makes to a field of the whole; where there is none, no bit changes."""
        old, new = getattr(self.before, name), getattr(self.after, name)
        changed = whole.copy()
        part = _cut(changed, self.window)
        both = np.isfinite(old) & np.isfinite(new) & np.isfinite(part)
        more = np.subtract(new, old, out=np.zeros_like(new), where=both)
        moved = np.where(both, np.maximum(part + more, 0.0), new)
        np.copyto(part, moved.astype(np.float32), where=old != new)
        return changed

    def put_frames(self, whole: NDArray[np.float16], most: NDArray[np.float32]) -> NDArray[np.float16]:
        """Add the difference to the frames of the whole, which nowhere pass `most` after it [m]."""
        old, new = (np.array(each.depths) for each in self.frames)
        changed = whole.copy()
        part = changed[:, self.window[0] : self.window[1], self.window[2] : self.window[3]]
        moved = np.where(old != new, part.astype(np.float32) + (new - old), part)
        part[:] = halved(np.minimum(moved, _cut(most, self.window)))
        return changed


def differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Flags:
    """Mark the cells on which the water meets something else."""
    changed = np.zeros(before["elevation"].shape, dtype=bool)
    for name, old in before.items():
        new = after[name]
        changed |= (old != new) & ~(np.isnan(old) & np.isnan(new))
    return changed


def rerun(
    record: Record,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    intervals: Intervals,
    cell_size: float,
) -> Rerun | None:
    """Run again where an edit changes the flood.

    Parameters
    ----------
    record : of the run on `before`
    before, after : what the water meets by cell, as `Surface` takes it; not everywhere the same
    intervals : length [s] and rain [m] of each, as in the run on `before`

    Returns
    -------
    Rerun or None
        None where the water that differs would cover most of the grid.
    """
    shape = before["elevation"].shape
    changed = differs(before, after)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    box = (int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1]))
    window = _snapped((box[0] - LINE // 2, box[1] + LINE // 2, box[2] - LINE // 2, box[3] + LINE // 2), shape)
    rain = sum(fallen for _, fallen in intervals) * float(after["rain_factor"].sum()) * cell_size**2
    while (window[1] - window[0]) * (window[3] - window[2]) <= MOST * shape[0] * shape[1]:
        found = _run(record, (before, after), window, intervals, cell_size, rain)
        if isinstance(found, Rerun):
            return found
        first, last, left, right = window
        up, down, west, east = (LINE * side for side in found)
        window = _snapped((first - up, last - 1 + down, left - west, right - 1 + east), shape)
    return None


def _snapped(box: Window, shape: tuple[int, int]) -> Window:
    """The smallest window between lines, or to the grid's edge, that holds the box of cells (both ends within it)."""
    ends = []
    for low, high, size in ((box[0], box[1], shape[0]), (box[2], box[3], shape[1])):
        ends += [max(low // LINE * LINE, 0), min(-(-high // LINE) * LINE + 1, size)]
    return ends[0], ends[1], ends[2], ends[3]


def _run(
    record: Record,
    fields: tuple[Mapping[str, Any], Mapping[str, Any]],
    window: Window,
    intervals: Intervals,
    cell_size: float,
    rain: float,
) -> Rerun | tuple[bool, ...]:
    """Run a window side by side, with the depths on its border held at those of the record.

    Returns the sides on which the edit is felt as soon as there are any.
    """
    shape = fields[0]["elevation"].shape
    cut: list[dict[str, Any]]
    cut = [{name: np.ascontiguousarray(_cut(values, window)) for name, values in each.items()} for each in fields]
    surfaces = [Surface(**each, cell_size=cell_size) for each in cut]
    rim = _border(window, shape) & surfaces[0].domain.free
    number = np.full(shape, -1)
    on = lines(shape)
    number[on] = np.arange(np.count_nonzero(on))
    which, places = _cut(number, window)[rim], surfaces[0].places(rim)
    bounds = np.searchsorted(record.steps[:, 0], np.arange(len(intervals) + 1))
    frames = Frames.of(intervals), Frames.of(intervals)
    for n, (length, fallen) in enumerate(intervals):
        for surface, each in zip(surfaces, frames, strict=True):
            surface.hold(places, _between(record.depths, n + 1, len(intervals), which))
            surface.advance(length, fallen, record.steps[bounds[n] : bounds[n + 1], 1])
            each.note(n + 1, surface)
        if n % LOOK == LOOK - 1 or n == len(intervals) - 1:
            felt = _felt(surfaces, np.argwhere(rim), window, shape, rain)
            if any(felt):
                return felt
    return Rerun(window, surfaces[0].result(), surfaces[1].result(), frames)


def _between(depths: NDArray[np.float32], done: int, count: int, which: NDArray[np.int64]) -> NDArray[np.float32]:
    """Depths after so many intervals of `count`, in a straight line between two records."""
    at = done // EVERY
    last = min((at + 1) * EVERY, count)
    if done == at * EVERY or at + 1 >= len(depths):
        known: NDArray[np.float32] = depths[min(at, len(depths) - 1), which]
        return known
    part = np.float32((done - at * EVERY) / (last - at * EVERY))
    drawn: NDArray[np.float32] = depths[at, which] * (1 - part) + depths[at + 1, which] * part
    return drawn


def _border(window: Window, shape: tuple[int, int]) -> Flags:
    """Cells of a window that lie on its border and not on the grid's."""
    first, last, left, right = window
    rim = np.zeros((last - first, right - left), dtype=bool)
    rim[0] |= first > 0
    rim[-1] |= last < shape[0]
    rim[:, 0] |= left > 0
    rim[:, -1] |= right < shape[1]
    return rim


def _felt(
    surfaces: list[Surface], rim: NDArray[np.int64], window: Window, shape: tuple[int, int], rain: float
) -> tuple[bool, ...]:
    """Say whether the edit is felt at the window's upper, lower, left and right border: by depth, or water passed."""
    differs = np.abs(surfaces[1].depth - surfaces[0].depth) > FELT
    passed = np.abs(surfaces[1].passed - surfaces[0].passed)
    rows, columns = rim[:, 0], rim[:, 1]
    first, last, left, right = window
    sides = (
        (first > 0, differs[:3], rows == 0),
        (last < shape[0], differs[-3:], rows == last - first - 1),
        (left > 0, differs[:, :3], columns == 0),
        (right < shape[1], differs[:, -3:], columns == right - left - 1),
    )
    return tuple(inner and bool(near.any() or passed[on].sum() > PASSED * rain) for inner, near, on in sides)


def _cut(values: NDArray[Any], window: Window) -> NDArray[Any]:
    return values[window[0] : window[1], window[2] : window[3]]


def _places(cells: Flags) -> NDArray[np.int64]:
    """Flat places of cells in a framed domain."""
    return np.flatnonzero(np.pad(cells, FRAME))
