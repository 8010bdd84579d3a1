"""Local re-runs: the cells that a change can reach, so that only they are worked out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synapolis.models.heat.horizon import Window


def changed_window(before: Mapping[str, Any], now: Mapping[str, Any], reaches: Mapping[str, int]) -> Window | None:
    """Cells whose result can differ between two sets of inputs.

    Parameters
    ----------
    before, now : inputs by word
    reaches : by word on cells, how far [cells] a change of it is felt; any other input must be the same

    Returns
    -------
    Window or None
        The smallest window that holds every cell that can differ; all cells where an input without a reach differs;
        None where nothing differs.
    """
    shape = next(np.shape(now[word])[-2:] for word in reaches if now.get(word) is not None)
    window: Window | None = None
    for word in now.keys() | before.keys():
        old, new = before.get(word), now.get(word)
        if word not in reaches or old is None or new is None or np.shape(old) != np.shape(new):
            if not _same(old, new):
                return 0, shape[0], 0, shape[1]
            continue
        if old is new:
            continue
        differs = old != new
        cells = differs.any(axis=tuple(range(differs.ndim - 2))) if differs.ndim > 2 else differs
        rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
        if len(rows):
            box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
            window = _around(window, grown(box, reaches[word], shape))
    return window


def grown(window: Window, by: int, shape: tuple[int, ...]) -> Window:
    """A window with a rim, within the grid."""
    first_row, end_row, first, end = window
    return max(first_row - by, 0), min(end_row + by, shape[-2]), max(first - by, 0), min(end + by, shape[-1])


def cut(values: Any, window: Window) -> Any:
    """The part of an array (..., row, column) in a window."""
    return values[..., window[0] : window[1], window[2] : window[3]]


def put(values: Any, window: Window, part: Any) -> Any:
    """A copy of an array (..., row, column) with a window replaced."""
    changed = values.copy()
    cut(changed, window)[...] = part
    return changed


def _around(first: Window | None, second: Window) -> Window:
    if first is None:
        return second
    return (
        min(first[0], second[0]),
        max(first[1], second[1]),
        min(first[2], second[2]),
        max(first[3], second[3]),
    )


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    if isinstance(old, pd.DataFrame) and isinstance(new, pd.DataFrame):
        return bool(old.equals(new))
    if (old is None) != (new is None):
        return False
    return bool(old == new)
