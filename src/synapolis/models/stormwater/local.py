"""Local re-run of a flood: after an edit, only the part of the ground where the water can differ is run again.

The flood of today leaves behind its time steps and, now and then, its depths along every 31st row and column of the
grid. Tiles between such lines are then run twice, as they are today and as they are after the edit, with the same time
steps and with the depths on their outer border held at today's: the difference of the two is added to today's flood.
Where the difference comes near a tile that was left out, that tile joins; where most of the ground would be run, all of
it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.models.stormwater.account import SurfaceFlow
from synapolis.models.stormwater.frames import Frames, halved
from synapolis.models.stormwater.surface import Surface

LINE = 31
"""Rows or columns between the lines on which depths are kept: with both lines, what the loops take at once."""

MARGIN = 15
"""Cells around an edit whose tiles are run from the first."""

EVERY = 3
"""Intervals of the storm between two records of the depths."""

FELT = 3e-4
"""Difference of depth [m] beside a tile that is left out from which it joins."""

PASSED = 5e-5
"""Share of the rain on the whole ground that may pass the border of what is run more, or less, than before."""

SPREAD = 1e-6
"""Depth [m] that this water may have if it is spread over the whole grid: a thousandth of the cells, 1 mm deep."""

LOOK = 12
"""Intervals between two looks at the border."""

MOST = 0.35
"""Share of the grid that the tiles may cover."""

BESIDE = 3
"""Cells beside a tile that is left out where a difference counts."""

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
    places = np.flatnonzero(surface.domain.framed(lines(surface.domain.shape)))
    frames = Frames.of(intervals)
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
    """What was run again, today and after the edit, in the smallest window that holds its tiles."""

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
    stream: NDArray[np.float32],
) -> Rerun | None:
    """Run again where an edit changes the flood.

    Parameters
    ----------
    record : of the run on `before`
    before, after : what the water meets by cell, as `Surface` takes it; not everywhere the same
    intervals : length [s] and rain [m] of each, as in the run on `before`
    stream : (row, column) how much water passes in the run on `before`: it tells where more would go

    Returns
    -------
    Rerun or None
        None where the water that differs would cover most of the grid.
    """
    changed = differs(before, after)
    rain = sum(fallen for _, fallen in intervals) * float(after["rain_factor"].sum()) * cell_size**2
    most = min(PASSED * rain, SPREAD * changed.size * cell_size**2)
    tiles, turns = _touched(changed), 0
    while _cells(tiles, changed.shape).mean() <= MOST:
        found = _run(record, (before, after), tiles, intervals, cell_size, most)
        if isinstance(found, Rerun):
            return found
        turns += 1
        tiles |= found | _onward(tiles | found, found, stream, turns)
    return None


def _onward(known: Flags, felt: Flags, stream: NDArray[np.float32], count: int) -> Flags:
    """Mark the tiles into which the water of felt tiles runs on: so many, each where most passes."""
    onward = np.zeros_like(known)
    for at in np.argwhere(felt).tolist():
        row, column = at
        for _ in range(count):
            box = _box(row, column)
            edges = {
                (row - 1, column): stream[box][:1],
                (row + 1, column): stream[box][LINE:],
                (row, column - 1): stream[box][:, :1],
                (row, column + 1): stream[box][:, LINE:],
            }
            passes = {
                tile: float(edge.sum())
                for tile, edge in edges.items()
                if 0 <= tile[0] < known.shape[0] and 0 <= tile[1] < known.shape[1] and not (known | onward)[tile]
            }
            if not passes or max(passes.values()) <= 0:
                break
            row, column = max(passes, key=lambda tile: passes[tile])
            onward[row, column] = True
    return onward


def _box(row: int, column: int, more: int = 0, wide: int = 0) -> tuple[slice, slice]:
    """Cells of a tile with the lines around it, and so many more rows and columns."""
    first, left = row * LINE, column * LINE
    return (
        slice(max(first - more, 0), first + LINE + 1 + more),
        slice(max(left - wide, 0), left + LINE + 1 + wide),
    )


def _touched(changed: Flags, margin: int = MARGIN) -> Flags:
    """Mark the tiles (row, column) within a margin of changed cells."""
    rows, columns = (max(-(-(size - 1) // LINE), 1) for size in changed.shape)
    touched = [[changed[_box(row, column, margin, margin)].any() for column in range(columns)] for row in range(rows)]
    return np.array(touched)


def _cells(tiles: Flags, shape: tuple[int, ...]) -> Flags:
    """Mark the cells of tiles."""
    cells = np.zeros(shape, dtype=bool)
    for row, column in np.argwhere(tiles).tolist():
        cells[_box(row, column)] = True
    return cells


def _run(
    record: Record,
    fields: tuple[Mapping[str, Any], Mapping[str, Any]],
    tiles: Flags,
    intervals: Intervals,
    cell_size: float,
    most: float,
) -> Rerun | Flags:
    """Run tiles side by side, with the depths on their border held at those of the record.

    Returns the tiles on which the edit is felt as soon as there are any.
    """
    shape = fields[0]["elevation"].shape
    cells = _cells(tiles, shape)
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    window = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut: list[dict[str, Any]]
    cut = [{name: np.ascontiguousarray(_cut(values, window)) for name, values in given.items()} for given in fields]
    surfaces = [
        Surface(**given | {"active": given["active"] & _cut(cells, window)}, cell_size=cell_size) for given in cut
    ]
    border = cells & _cells(~tiles, shape)
    rim = _cut(border, window) & surfaces[0].domain.free
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
            felt = _felt(surfaces, tiles, rim, window, most)
            if felt.any():
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


def _felt(surfaces: list[Surface], tiles: Flags, rim: Flags, window: Window, most: float) -> Flags:
    """Mark the tiles beside those run on which the edit is felt: by depth near them, or by water that passed to them.

    `most` [m³] is what may pass all of the border; where more does, it is felt by the tiles that take a third of it.
    """
    deep, through = np.zeros((2, window[1] + BESIDE, window[3] + BESIDE))
    here = np.s_[window[0] : window[1], window[2] : window[3]]
    deep[here] = np.abs(surfaces[1].depth - surfaces[0].depth)
    through[here][rim] = np.abs(surfaces[1].passed - surfaces[0].passed)
    felt, taken = np.zeros_like(tiles), np.zeros(tiles.shape)
    for row, column in np.argwhere(ndimage.binary_dilation(tiles) & ~tiles).tolist():
        near = (deep[_box(row, column, *beside)] > FELT for beside in ((BESIDE, 0), (0, BESIDE)))
        felt[row, column] = any(each.any() for each in near)
        taken[row, column] = through[_box(row, column)].sum()
    if through.sum() > most:
        felt |= taken >= min(through.sum() / 3, taken.max())
    return felt & ~tiles


def _cut(values: NDArray[Any], window: Window) -> NDArray[Any]:
    return values[window[0] : window[1], window[2] : window[3]]
