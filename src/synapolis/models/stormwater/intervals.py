"""A run cut into intervals, in each of which rain, ground and inlets act once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synapolis.core.errors import ModelError

MM_PER_HOUR = 1e-3 / 3600.0
"""One mm/h in m/s."""


def intervals(
    rain: NDArray[np.float64], rain_step: float, duration: float | None, source_step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut the run into source intervals: their lengths [s] and the rain that falls in each [m]."""
    end = rain.size * rain_step if duration is None else float(duration)
    if not 0.0 < end < np.inf:
        raise ModelError(f"duration must be above 0 s, got {end}")
    edges = np.append(np.arange(rain.size + 1) * rain_step, np.inf).clip(max=end)
    lengths: list[NDArray[np.float64]] = []
    fallen: list[NDArray[np.float64]] = []
    for length, intensity in zip(np.diff(edges), np.append(rain, 0.0), strict=True):
        if length > 0.0:
            parts = int(np.ceil(length / source_step - 1e-9))
            lengths.append(np.full(parts, length / parts))
            fallen.append(np.full(parts, intensity * MM_PER_HOUR * length / parts))
    return np.concatenate(lengths), np.concatenate(fallen)
