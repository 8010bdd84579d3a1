"""Frames of a flood: how deep the water stands at a dozen evenly spaced moments, for a bar of time below a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from synapolis.models.stormwater.surface import Surface

MOMENTS = 12
"""Frames of a flood; its beginning, when all is dry, is not among them."""


@dataclass
class Frames:
    """Depths at evenly spaced moments, taken as a run passes them.

    Attributes
    ----------
    after : (frame,)
        Intervals that have passed.
    seconds : (frame,) [s]
    depths : (row, column) [m] each, as far as the run has come
    """

    after: NDArray[np.int64]
    seconds: NDArray[np.float64]
    depths: list[NDArray[np.float32]] = field(default_factory=list)

    @classmethod
    def of(cls, intervals: Sequence[tuple[float, float]]) -> Self:
        """Choose the moments: ends of intervals, evenly spaced up to the end of the last."""
        ends = np.cumsum([length for length, _ in intervals])
        wanted = ends[-1] * np.arange(1, MOMENTS + 1) / MOMENTS
        after = np.unique(np.searchsorted(ends, wanted - 1e-6 * ends[-1]).clip(max=ends.size - 1))
        return cls(after + 1, ends[after])

    def note(self, passed: int, surface: Surface) -> None:
        """Keep the depths if so many intervals passed make a moment; before sewers give and take, as maxima do."""
        if len(self.depths) < len(self.after) and passed == self.after[len(self.depths)]:
            self.depths.append(surface.depth)

    def on(self, land: NDArray[np.bool_]) -> NDArray[np.float16]:
        """Return the depths on land as (frame, row, column) [m], never above what they were."""
        return halved(np.where(land, np.array(self.depths), 0))


def halved(values: NDArray[np.floating]) -> NDArray[np.float16]:
    """Round depths down to float16: to half a millimetre below 1 m."""
    near: NDArray[np.float16] = np.maximum(values, 0).astype(np.float16)
    down: NDArray[np.float16] = np.where(near > values, np.nextafter(near, np.float16(0)), near)
    return down
