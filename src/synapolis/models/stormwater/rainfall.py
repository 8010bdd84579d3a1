"""Other storms than the Chicago storm: one that was measured, and rain as steady as can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import RainSeries, StormIntensity
from synapolis.models.stormwater.storm import uniform_storm

MINUTE = 1.0
"""Step of a storm [min]."""

LONGEST = 2880.0
"""Longest measured storm [min]; runs of weeks are for other models."""


@model(
    version="1",
    decision="Replaying a storm that the city remembers, or a design storm of its own.",
    method="The series as measured, each figure standing until the next; spread over minutes, times the climate "
    "factor.",
    limits="One gauge stands for the whole area; a gauge misses some of what falls in wind.",
    risks="One storm is not a return period: the maps name it by its series, not by how rare it is.",
    tests="tests/models/test_rainfall.py",
    rank=-1,
)
def measured_storm_intensity(rain_series: RainSeries, climate_factor: float) -> StormIntensity:
    """Rain intensity of a measured storm, minute by minute.

    Raises
    ------
    NotComputableError
        A series without two moments, or longer than two days.

    References
    ----------
    A definition; World Meteorological Organization (2018), Guide to Instruments and Methods of Observation, WMO-No. 8,
    chapter 6, for what gauges measure.
    """
    series = rain_series.sort_values("minute")
    minute, rate = series["minute"].to_numpy(float), series["intensity"].to_numpy(float)
    if minute.size < 2 or minute[-1] - minute[0] > LONGEST or (np.diff(minute) <= 0).any():
        raise NotComputableError(
            f"rain_series needs at least two moments, each once, within {LONGEST:g} minutes; it has {minute.size} over "
            f"{np.ptp(minute) if minute.size else 0:g} minutes; cut one storm out of the record"
        )
    ends = np.append(minute, 2 * minute[-1] - minute[-2])  # the last figure stands as long as the one before
    fallen = np.append(0.0, np.cumsum(rate * np.diff(ends)))  # [mm/h · min]
    edges = np.append(np.arange(ends[0], ends[-1], MINUTE), ends[-1])
    edges = np.append(edges[:-1], edges[-2] + MINUTE)  # the storm's last minute may be part dry
    storm: NDArray[np.float64] = np.diff(np.interp(edges, ends, fallen)) / MINUTE * climate_factor
    return storm


@model(
    version="1",
    decision="Comparing plans under steady rain, as rational-method designs do.",
    method="The depth of the design storm, spread evenly over its length.",
    limits="Real storms peak: sewers and streets look better than they are.",
    risks="The peak is far below that of the Chicago storm: do not size drains by it.",
    tests="tests/models/test_rainfall.py",
    rank=1,
)
def uniform_storm_intensity(storm_depth: float, storm_duration: float, climate_factor: float) -> StormIntensity:
    """Rain intensity of a storm without a peak, minute by minute.

    References
    ----------
    Chow, V. T., Maidment, D. R., and Mays, L. W. (1988). Applied Hydrology, chapter 14. McGraw-Hill.
    """
    return uniform_storm(depth=storm_depth * climate_factor, duration=storm_duration, step=MINUTE)
