"""Design storms and point runoff: depths that add up, curves that hold, and the laws of shedding."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import ModelError
from synapolis.models.stormwater.infiltration import green_ampt_runoff
from synapolis.models.stormwater.storm import chicago_storm, idf_depth, idf_intensity, idf_scale, uniform_storm

CURVE = {"offset": 10.0, "exponent": 0.8}


# Storms


@given(
    depth=st.floats(0, 500),
    duration=st.floats(1, 3000),
    offset=st.floats(0.1, 60),
    exponent=st.floats(0, 1),
    peak_position=st.floats(0, 1),
    step=st.floats(0.5, 60),
)
def test_a_chicago_storm_sums_to_its_depth(depth, duration, offset, exponent, peak_position, step):
    storm = chicago_storm(
        depth=depth, duration=duration, offset=offset, exponent=exponent, peak_position=peak_position, step=step
    )
    assert storm.sum() * step / 60 == pytest.approx(depth, rel=1e-12, abs=1e-12)
    assert (storm >= 0).all()
    assert storm.size == int(np.ceil(duration / step - 1e-9))


@given(depth=st.floats(0, 500), duration=st.floats(0.1, 3000), step=st.floats(0.1, 60))
def test_a_uniform_storm_sums_to_its_depth(depth, duration, step):
    storm = uniform_storm(depth=depth, duration=duration, step=step)
    assert storm.sum() * step / 60 == pytest.approx(depth, rel=1e-12, abs=1e-12)
    assert np.ptp(storm[:-1]) <= 1e-9 * max(depth * 60 / step, 1) if storm.size > 1 else True


def test_every_duration_around_the_peak_lies_on_the_curve():
    """With the peak in the middle, the wettest t minutes of the storm have the curve's depth."""
    scale = 900.0
    depth = float(idf_depth(60.0, scale=scale, **CURVE))
    storm = chicago_storm(depth=depth, duration=60, peak_position=0.5, step=1.0, **CURVE)
    for duration in (2, 10, 20, 40, 60):
        wettest = np.convolve(storm, np.ones(duration), "valid").max() / 60
        assert wettest == pytest.approx(float(idf_depth(duration, scale=scale, **CURVE)), rel=1e-9)


@pytest.mark.parametrize("peak_position", [0.0, 0.25, 0.4, 0.5, 1.0])
def test_the_peak_is_where_it_was_asked(peak_position):
    storm = chicago_storm(depth=25, duration=60, peak_position=peak_position, step=1.0, **CURVE)
    assert abs(storm.argmax() + 0.5 - 60 * peak_position) <= 1.0


def test_the_printed_intensities_agree():
    """Keifer and Chu: i = a ((1 - n) s + b) / (s + b)^(1 + n), s the time from the peak over its side's share."""
    scale = idf_scale(25.0, 60.0, **CURVE)
    storm = chicago_storm(depth=25, duration=60, peak_position=0.4, step=0.01, **CURVE)
    time = (np.arange(storm.size) + 0.5) * 0.01 - 24.0
    s = np.where(time > 0, time / 0.6, -time / 0.4)
    printed = scale * ((1 - 0.8) * s + 10) / (s + 10) ** 1.8
    assert np.abs(storm / printed - 1).max() < 1e-4


def test_idf_there_and_back():
    scale = idf_scale(25.0, 60.0, **CURVE)
    assert float(idf_depth(60.0, scale=scale, **CURVE)) == pytest.approx(25.0, rel=1e-14)
    assert float(idf_intensity(60.0, scale=scale, **CURVE)) == pytest.approx(25.0, rel=1e-14)
    assert np.all(np.diff(idf_depth(np.arange(1, 200.0), scale=scale, **CURVE)) > 0)
    assert np.all(np.diff(idf_intensity(np.arange(1, 200.0), scale=scale, **CURVE)) < 0)


def test_storms_of_the_shared_table(shared_data):
    """Every design depth of up to a day in the table makes a storm that sums to it."""
    with (shared_data / "parameters/idf_rainfall.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["name"] == "design_depth"]
    minutes = {"min": 1.0, "h": 60.0}
    assert len(rows) > 10
    for row in rows:
        number, unit = row["subject"].split()
        duration = float(number) * minutes[unit]
        storm = chicago_storm(depth=float(row["value"]), duration=duration, step=5.0, **CURVE)
        assert storm.sum() * 5 / 60 == pytest.approx(float(row["value"]), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": -1.0}, "depth must be"),
        ({"depth": np.nan}, "depth must be"),
        ({"duration": 0.0}, "duration must be finite, above 0, got 0"),
        ({"step": 0.0}, "step must be"),
        ({"step": 1e-9}, "at most 1,000,000 steps"),
        ({"offset": 0.0}, "the peak would have no bound"),
        ({"exponent": 1.1}, "exponent must be finite, at least 0 and at most 1"),
        ({"peak_position": 1.5}, "peak_position must be"),
    ],
)
def test_bad_storms_are_named(change, words):
    with pytest.raises(ModelError, match=words):
        chicago_storm(**({"depth": 25.0, "duration": 60.0, **CURVE} | change))


def test_bad_curves_are_named():
    with pytest.raises(ModelError, match="above 0 where offset is 0"):
        idf_intensity([0.0, 5.0], scale=100.0, offset=0.0, exponent=0.8)
    with pytest.raises(ModelError, match="scale must be"):
        idf_depth(5.0, scale=-1.0, offset=1.0, exponent=0.8)


# Runoff where it falls

cells = {
    "conductivity": st.floats(0, 120),
    "suction": st.floats(0, 320),
    "moisture_deficit": st.floats(0, 0.45),
    "depression_storage": st.floats(0, 20),
    "impervious_fraction": st.floats(0, 1),
}
rains = st.lists(st.floats(0, 300), min_size=1, max_size=40)


@settings(deadline=None)  # the first call may compile
@given(rain=rains, step=st.floats(1, 900), soil=st.fixed_dictionaries(cells))
def test_rain_is_runoff_infiltration_and_storage(rain, step, soil):
    split = green_ampt_runoff(rain, step=step, **soil)
    fallen = sum(rain) * step / 3600
    assert float(split.runoff + split.infiltrated + split.stored) == pytest.approx(fallen, abs=1e-9)
    assert min(split.runoff, split.infiltrated, split.stored) >= -1e-12
    assert split.stored <= soil["depression_storage"] + 1e-12
    assert split.runoff_rate.sum() * step / 3600 == pytest.approx(float(split.runoff), abs=1e-9)


@settings(deadline=None)
@given(
    rain=rains, step=st.floats(1, 900), soil=st.fixed_dictionaries(cells),
    fractions=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)  # fmt: skip
def test_harder_ground_never_sheds_less(rain, step, soil, fractions):
    soft, hard = sorted(fractions)
    softer = green_ampt_runoff(rain, step=step, **(soil | {"impervious_fraction": soft}))
    harder = green_ampt_runoff(rain, step=step, **(soil | {"impervious_fraction": hard}))
    assert harder.runoff >= softer.runoff - 1e-9


@settings(deadline=None)
@given(
    rain=rains, step=st.floats(1, 900), soil=st.fixed_dictionaries(cells), more=st.floats(1, 3),
    name=st.sampled_from(["conductivity", "depression_storage"]),
)  # fmt: skip
def test_thirstier_ground_never_sheds_more(rain, step, soil, more, name):
    before = green_ampt_runoff(rain, step=step, **soil)
    after = green_ampt_runoff(rain, step=step, **(soil | {name: soil[name] * more}))
    assert after.runoff <= before.runoff + 1e-6


def test_sealed_ground_sheds_all_but_its_depressions():
    split = green_ampt_runoff(
        [60.0], step=3600, conductivity=50, suction=100, moisture_deficit=0.3, depression_storage=2,
        impervious_fraction=1,
    )  # fmt: skip
    assert (float(split.runoff), float(split.infiltrated), float(split.stored)) == (58.0, 0.0, 2.0)


def test_ponding_time_under_steady_rain():
    """Mein and Larson (1973): ground ponds when F = S K / (i - K), S suction times deficit; here at 12 min."""
    rain, conductivity, pull = 60.0, 20.0, 24.0
    ponding = pull * conductivity / (rain - conductivity)  # [mm]
    split = green_ampt_runoff(
        np.full(600, rain), step=6.0, conductivity=conductivity, suction=80.0, moisture_deficit=0.3,
        depression_storage=0.0, impervious_fraction=0.0,
    )  # fmt: skip
    first = np.flatnonzero(split.runoff_rate > 0)[0] * 6.0
    assert first == pytest.approx(ponding / rain * 3600, abs=12.0)
    # After ponding, with the clock moved: K (t - t0) = F - S ln(1 + F / S).
    before = (ponding - pull * np.log1p(ponding / pull)) / conductivity
    taken = float(split.infiltrated)
    span = 1.0 - ponding / rain + before
    assert taken - pull * np.log1p(taken / pull) == pytest.approx(conductivity * span, rel=0.01)


def plain_runoff(rain, step, soil):
    """One cell of pervious ground by a plain loop with a hundred parts to each step."""
    taken = ponded = shed = 0.0
    for fall in np.repeat(rain, 100) * step / 100 / 3600:
        ponded += fall
        hours, pull = step / 100 / 3600, soil["suction"] * soil["moisture_deficit"]
        able = soil["conductivity"] * (1 + pull / max(taken, 1e-6)) * hours
        gain = min(able, ponded)
        taken, ponded = taken + gain, ponded - gain
        shed += max(ponded - soil["depression_storage"], 0.0)
        ponded = min(ponded, soil["depression_storage"])
    return shed


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_close_to_a_plain_loop_in_small_steps(seed):
    random = np.random.default_rng(seed)
    rain = random.uniform(0, 120, 30)
    soil = {
        "conductivity": random.uniform(1, 60),
        "suction": random.uniform(50, 300),
        "moisture_deficit": random.uniform(0.05, 0.4),
        "depression_storage": random.uniform(0, 5),
    }
    split = green_ampt_runoff(rain, step=60.0, impervious_fraction=0.0, **soil)
    assert abs(float(split.runoff) - plain_runoff(rain, 60.0, soil)) < 0.02 * rain.sum() / 60


def test_equal_cells_get_equal_answers_and_shapes_hold():
    soil = dict.fromkeys(("conductivity", "suction", "depression_storage"), np.full((3, 5), 7.0))
    split = green_ampt_runoff(np.full(9, 40.0), step=60, moisture_deficit=0.3, impervious_fraction=0.4, **soil)
    assert split.runoff.shape == (3, 5)
    assert split.runoff_rate.shape == (9, 3, 5)
    assert np.ptp(split.runoff) < 1e-12


def test_no_cells_are_no_runoff():
    split = green_ampt_runoff(
        [10.0], step=60, conductivity=[], suction=1, moisture_deficit=0.1, depression_storage=1, impervious_fraction=0
    )
    assert split.runoff.shape == (0,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rain": [-1.0]}, "rain must be finite and at least 0 mm/h, got 1 steps"),
        ({"rain": [[1.0]]}, "rain must be one series"),
        ({"step": 0.0}, "the rain step must be above 0"),
        ({"conductivity": np.nan}, "conductivity must be finite and at least 0"),
        ({"impervious_fraction": [0.2, 1.2]}, "impervious_fraction must be between 0 and 1, got 1 cells"),
        ({"suction": [1.0, 2.0], "conductivity": [1.0, 2.0, 3.0]}, "must broadcast"),
    ],
)
def test_bad_ground_is_named(change, words):
    good = {
        "rain": [10.0], "step": 60.0, "conductivity": 10.0, "suction": 100.0, "moisture_deficit": 0.2,
        "depression_storage": 1.0, "impervious_fraction": 0.5,
    }  # fmt: skip
    given = good | change
    with pytest.raises(ModelError, match=words):
        green_ampt_runoff(given.pop("rain"), **given)
