"""What differs between two values of a layer or field: ids, or the cells' bounding box.

A Change is read off the two values, never stated by an edit, so it cannot be wrong about what the edit did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synapolis.layers.grid import Grid
from synapolis.layers.timetable import Timetable


@dataclass(frozen=True)
class Change:
    """Difference of one word: ids added, removed and changed, or the bounds [m] of cells that differ."""

    word: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    cells: int = 0
    bounds: tuple[float, float, float, float] | None = None

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.cells)

    def __str__(self) -> str:
        """Say it in a few words."""
        word = self.word.replace("_", " ")
        if self.cells:
            return f"{word}: {self.cells:,} cells changed"
        parts = [f"{len(ids):,} {how}" for ids, how in
                 ((self.added, "added"), (self.removed, "removed"), (self.changed, "changed")) if ids]  # fmt: skip
        return f"{word}: {', '.join(parts) or 'unchanged'}"


def change_between(word: str, before: Any, after: Any, grid: Grid) -> Change:
    """Read the difference between two values of a word.

    Parameters
    ----------
    before, after : two tables, two timetables (compared by trip), or two fields (row, column) on the grid

    Raises
    ------
    TypeError
        For values of any other kind.
    """
    if isinstance(before, Timetable):
        return _of_timetables(word, before, after)
    if hasattr(before, "columns") and hasattr(before, "index"):
        return _of_tables(word, before, after)
    if isinstance(before, np.ndarray) and before.shape == grid.shape:
        return _of_cells(word, before, after, grid)
    raise TypeError(f"cannot tell what changed in {word}, a {type(before).__name__}; give tables, timetables or fields")


def _of_tables(word: str, before: Any, after: Any) -> Change:
    old, new = before.index.astype(str), after.index.astype(str)
    kept = old.intersection(new)
    was, now = before.set_axis(old), after.set_axis(new)
    different = np.zeros(len(kept), dtype=bool)
    for name in now.columns.intersection(was.columns):
        a, b = was[name].loc[kept].to_numpy(dtype=object), now[name].loc[kept].to_numpy(dtype=object)
        different |= np.array([not _same(x, y) for x, y in zip(a, b, strict=True)], dtype=bool)
    return Change(word, tuple(new.difference(old)), tuple(old.difference(new)), tuple(kept[different]))


def _same(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if hasattr(first, "equals"):
        return bool(first.equals(second))
    if _missing(first) or _missing(second):
        return _missing(first) and _missing(second)
    return bool(first == second)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _of_timetables(word: str, before: Timetable, after: Timetable) -> Change:
    """Compare trip by trip: a trip differs when its frequencies or times do."""
    found = _of_tables(word, before.trips, after.trips)
    rows = [_by_trip(timetable) for timetable in (before, after)]
    both = rows[0].keys() & rows[1].keys()
    moved = {trip for trip in both if rows[0][trip] != rows[1][trip]}
    return Change(word, found.added, found.removed, tuple(sorted({*found.changed, *moved})))


def _by_trip(timetable: Timetable) -> dict[str, tuple[Any, ...]]:
    """Frequencies of each trip, and how often and when it stops."""
    runs = timetable.frequencies.groupby("trip_id")[["start", "end", "headway"]].apply(
        lambda t: tuple(map(tuple, t.to_numpy()))
    )
    times = timetable.stop_times.groupby("trip_id")[["arrival", "departure"]].sum()
    return {
        str(trip): (runs.get(trip, ()), tuple(row)) for trip, row in zip(times.index, times.to_numpy(), strict=True)
    }


def _of_cells(word: str, before: Any, after: Any, grid: Grid) -> Change:
    differs = before != after
    if np.issubdtype(before.dtype, np.floating):
        differs &= ~(np.isnan(before) & np.isnan(after))
    rows, columns = np.nonzero(differs)
    if not len(rows):
        return Change(word)
    size = grid.cell_size
    left, right = grid.left + int(columns.min()) * size, grid.left + (int(columns.max()) + 1) * size
    bottom, top = grid.top - (int(rows.max()) + 1) * size, grid.top - int(rows.min()) * size
    return Change(word, cells=len(rows), bounds=(left, bottom, right, top))
