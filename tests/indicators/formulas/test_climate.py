"""Degree days of years that can be summed in the head."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.climate import cooling_degree_days, heating_degree_days

HOURS = pd.date_range("2025-01-01", periods=8760, freq="h")


def year(daily):
    """Weather whose days have these means, swinging by 5 degrees round them."""
    swing = 5 * np.sin(2 * np.pi * np.arange(24) / 24)
    return pd.DataFrame(
        {"temperature": (np.asarray(daily)[:, None] + swing).ravel()}, index=HOURS.strftime("%Y-%m-%dT%H:%M")
    )


def test_a_cold_day_and_a_warm_day():
    means = np.full(365, 18.0)
    means[0], means[1], means[200] = 8.0, 17.5, 21.0
    assert heating_degree_days(year(means), 18.0) == pytest.approx(10.5)
    assert cooling_degree_days(year(means), 18.0) == pytest.approx(3)
    assert cooling_degree_days(year(means), 24.0) == 0  # a true zero: no day is that warm


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-30, 40), min_size=365, max_size=365))
def test_on_one_base_heating_less_cooling_is_the_distance_of_the_mean(means):
    weather = year(means)
    difference = heating_degree_days(weather, 18.0) - cooling_degree_days(weather, 18.0)
    assert difference == pytest.approx(365 * 18 - sum(means), abs=1e-6)


def test_missing_hours_are_not_computable():
    with pytest.raises(NotComputableError, match="every hour of a year; 364 days are complete"):
        heating_degree_days(year(np.zeros(365)).iloc[:-1], 18.0)
    gap = year(np.zeros(365))
    gap.iloc[30, 0] = np.nan
    with pytest.raises(NotComputableError, match="364 days"):
        cooling_degree_days(gap, 18.0)
