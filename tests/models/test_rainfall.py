"""Measured and uniform storms: what fell is what falls."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.stormwater.rainfall import measured_storm_intensity, uniform_storm_intensity
from synapolis.scenarios.plan import Planner
from synapolis.sources.generate import generate_city

load_models()


def series(minutes, rates):
    return pd.DataFrame({"minute": minutes, "intensity": rates}, index=[f"r{n}" for n in range(len(minutes))])


@given(
    steps=st.lists(st.floats(0.5, 60), min_size=2, max_size=30),
    seed=st.integers(0, 1000),
    start=st.floats(0, 600),
    factor=st.floats(0.5, 2),
)
def test_what_was_measured_falls(steps, seed, start, factor):
    rates = np.random.default_rng(seed).uniform(0, 200, len(steps))
    storm = measured_storm_intensity(series(start + np.cumsum(steps) - steps[0], rates), factor)
    lasts = np.append(steps[1:], steps[-1])
    assert storm.sum() / 60 == pytest.approx(factor * (rates * lasts).sum() / 60, rel=1e-9, abs=1e-9)
    assert (storm >= 0).all()


def test_five_minute_readings_stand_for_five_minutes():
    storm = measured_storm_intensity(series([0, 5, 10], [12.0, 60.0, 6.0]), 1.0)
    assert storm.tolist() == pytest.approx([12.0] * 5 + [60.0] * 5 + [6.0] * 5)


@pytest.mark.parametrize("minutes", [[0], [0, 0], [0, 5000]])
def test_a_series_that_is_no_storm_is_refused(minutes):
    with pytest.raises(NotComputableError, match="rain_series needs at least two moments"):
        measured_storm_intensity(series(minutes, [1.0] * len(minutes)), 1.0)


def test_a_uniform_storm_has_the_depth_and_no_peak():
    storm = uniform_storm_intensity(25.0, 60.0, 1.2)
    assert storm.sum() / 60 == pytest.approx(30.0)
    assert np.ptp(storm) < 1e-9


def test_the_plan_takes_the_chicago_storm_unless_told_otherwise():
    town = generate_city(people=500, seed=1)
    assert Planner(town, []).want("storm_intensity", 0).node.name == "storm_intensity"
    other = Planner(town, [], methods={"storm_intensity": "uniform_storm_intensity"})
    assert other.want("storm_intensity", 0).node.name == "uniform_storm_intensity"
