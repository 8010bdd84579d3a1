"""Degree days of the city's weather."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import indicator
from synapolis.layers.vocabulary import CoolingDegreeDays, HeatingDegreeDays, Weather

TESTS = "tests/indicators/formulas/test_climate.py"
LIMITS = "The base temperature is an assumption: compare only figures of one base. A typical year is no real one."
HOURS_OF_A_DAY = 24
DAYS_OF_A_YEAR = 365


@indicator(
    method="Sum, over the days of the year, of how far the mean of the day's hours stays below the base.",
    limits=LIMITS,
    tests=TESTS,
)
def heating_degree_days(weather: Weather, heating_base_temperature: float) -> HeatingDegreeDays:
    """Heating degree days in a year.

    Parameters
    ----------
    weather : DataFrame by local hour (`2025-01-01T00:00`) with temperature [°C]
    heating_base_temperature : °C

    Raises
    ------
    NotComputableError
        Hours are missing: a sum over part of a year is not a year's.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 7.8 (standard not read).
    """
    return float(np.maximum(heating_base_temperature - _daily_means(weather), 0).sum())


@indicator(
    method="Sum, over the days of the year, of how far the mean of the day's hours rises above the base.",
    limits=LIMITS,
    tests=TESTS,
)
def cooling_degree_days(weather: Weather, cooling_base_temperature: float) -> CoolingDegreeDays:
    """Cooling degree days in a year.

    Parameters
    ----------
    weather : DataFrame by local hour (`2025-01-01T00:00`) with temperature [°C]
    cooling_base_temperature : °C

    Raises
    ------
    NotComputableError
        Hours are missing: a sum over part of a year is not a year's.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 7.9 (standard not read).
    """
    return float(np.maximum(_daily_means(weather) - cooling_base_temperature, 0).sum())


def _daily_means(weather: pd.DataFrame) -> NDArray[np.float64]:
    """Mean temperature of each day of the year. (day,) [°C]."""
    day = weather.index.astype(str).str[:10]
    hours = weather["temperature"].groupby(day.to_numpy())
    count = hours.count()
    if (count < HOURS_OF_A_DAY).any() or len(count) < DAYS_OF_A_YEAR:
        whole = int((count >= HOURS_OF_A_DAY).sum())
        raise NotComputableError(f"needs temperature in every hour of a year; {whole} days are complete")
    return np.asarray(hours.mean(), dtype=np.float64)
