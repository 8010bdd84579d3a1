"""Local re-run of a flood: after an edit, only the part of the ground where the water can differ is run again.

The flood of today leaves behind its time steps and, now and then, its depths along every 31st row and column of the
grid. Tiles between such lines are then run twice, as they are today and as they are after the edit, with the same time
steps and with the depths on their outer border held at today's: the difference of the two is added to today's flood.
Where the difference comes near a tile that was left out, that tile is run up to that moment as it is today, and joins;
where most of the ground would be run, all of it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

FELT = 5e-4
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
    record: Record, before: Mapping[str, Any], after: Mapping[str, Any], intervals: Intervals, cell_size: float
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
    storm = Storm(record, intervals, cell_size)
    changed = differs(before, after)
    rain = sum(fallen for _, fallen in intervals) * float(after["rain_factor"].sum()) * cell_size**2
    most = min(PASSED * rain, SPREAD * changed.size * cell_size**2)
    tiles = _touched(changed)
    if _cells(tiles, changed.shape).mean() > MOST:
        return None
    patch = Patch(storm, (before, after), tiles)
    for number in range(len(intervals)):
        patch.advance(number)
        if number % LOOK == LOOK - 1:
            felt = _felt(patch, most)
            if _cells(tiles | felt, changed.shape).mean() > MOST:
                return None
            if felt.any():
                tiles = tiles | felt
                patch = _joined(patch, felt, (before, after), number)
    one, other = patch.surfaces
    return Rerun(patch.window, one.result(), other.result(), (patch.frames[0], patch.frames[1]))


@dataclass(frozen=True)
class Storm:
    """What drives a local run: the record of the whole, and the intervals [s], [m]."""

    record: Record
    intervals: Intervals
    cell_size: float

    def steps(self, number: int) -> Floats:
        """Lengths of the flow steps of an interval [s]."""
        first, last = np.searchsorted(self.record.steps[:, 0], (number, number + 1))
        return self.record.steps[first:last, 1]


class Patch:
    """Tiles that are run, in the smallest window that holds them: as they are today, and perhaps after the edit."""

    def __init__(self, storm: Storm, fields: Sequence[Mapping[str, Any]], tiles: Flags) -> None:
        shape = fields[0]["elevation"].shape
        cells = _cells(tiles, shape)
        rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
        self.storm, self.tiles = storm, tiles
        self.window = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        cut: list[dict[str, Any]]
        cut = [
            {name: np.ascontiguousarray(_cut(values, self.window)) for name, values in each.items()} for each in fields
        ]
        covered = _cut(cells, self.window)
        self.surfaces = [
            Surface(**given | {"active": given["active"] & covered}, cell_size=storm.cell_size) for given in cut
        ]
        self.frames = [Frames.of(storm.intervals) for _ in fields]
        self.rim = _cut(cells & _cells(~tiles, shape), self.window) & self.surfaces[0].domain.free
        number = np.full(shape, -1)
        on = lines(shape)
        number[on] = np.arange(np.count_nonzero(on))
        self._which = _cut(number, self.window)[self.rim]
        self._places = self.surfaces[0].places(self.rim)
        self._hold(0)

    def _hold(self, done: int) -> None:
        known = _between(self.storm.record.depths, done, len(self.storm.intervals), self._which)
        for surface in self.surfaces:
            surface.hold(self._places, known)

    def advance(self, number: int) -> None:
        """Run one interval, with the depths on the border held at those of the record."""
        self._hold(number + 1)
        steps = self.storm.steps(number)
        for surface, frames in zip(self.surfaces, self.frames, strict=True):
            surface.advance(*self.storm.intervals[number], steps)
            frames.note(number + 1, surface)

    def passed(self) -> list[Floats]:
        """What has passed out by each cell of the border [m³], as (row, column), of each surface."""
        grids = [np.zeros(self.rim.shape) for _ in self.surfaces]
        for grid, surface in zip(grids, self.surfaces, strict=True):
            grid[self.rim] = surface.passed
        return grids

    def take_over(self, other: Patch) -> None:
        """Go on from where another patch within this one stands; of one surface, for both."""
        at = other.window[0] - self.window[0], other.window[2] - self.window[2]
        both = len(other.surfaces) == len(self.surfaces)
        for n, surface in enumerate(self.surfaces):
            surface.take_over(other.surfaces[n if both else 0], at, account=both)
            taken = other.frames[n if both else 0].depths
            while len(self.frames[n].depths) < len(taken):
                self.frames[n].depths.append(np.zeros(self.rim.shape, np.float32))
            if both:  # where they are the same, frames need not be told
                for mine, given in zip(self.frames[n].depths, taken, strict=True):
                    mine[at[0] : at[0] + given.shape[0], at[1] : at[1] + given.shape[1]] = given

    def settle(self, earlier: Patch) -> None:
        """Carry on what passed the border of an earlier patch; where that is no border any more, give it back."""
        first, left = earlier.window[0] - self.window[0], earlier.window[2] - self.window[2]
        before, after = (np.zeros(self.rim.shape) for _ in range(2))
        for grid, old in zip((before, after), earlier.passed(), strict=True):
            grid[first : first + old.shape[0], left : left + old.shape[1]] = old
        for surface, grid in zip(self.surfaces, (before, after), strict=True):
            surface.passed = grid[self.rim]
        inner = self.surfaces[1].domain.free & ~self.rim & (before != after)
        self.surfaces[1].give_back(self.surfaces[1].places(inner), (after - before)[inner] / self.storm.cell_size**2)


def _joined(patch: Patch, felt: Flags, fields: tuple[Mapping[str, Any], Mapping[str, Any]], number: int) -> Patch:
    """Return a patch with more tiles, which nothing had reached up to an interval: there both are as today."""
    beside = Patch(patch.storm, fields[:1], felt)
    for earlier in range(number + 1):
        beside.advance(earlier)
    wider = Patch(patch.storm, fields, patch.tiles | felt)
    wider.take_over(beside)
    wider.take_over(patch)
    wider.settle(patch)
    return wider


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


def _felt(patch: Patch, most: float) -> Flags:
    """Mark the tiles beside those run on which the edit is felt: by depth near them, or by water that passed to them.

    `most` [m³] is what may pass all of the border; where more does, it is felt by the tiles that take a third of it.
    """
    window, tiles = patch.window, patch.tiles
    deep, through = np.zeros((2, window[1] + BESIDE, window[3] + BESIDE))
    here = np.s_[window[0] : window[1], window[2] : window[3]]
    deep[here] = np.abs(patch.surfaces[1].depth - patch.surfaces[0].depth)
    one, other = patch.passed()
    through[here] = np.abs(other - one)
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
