"""Who has access: small cases worked out by hand, and the made-up town from end to end."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.transit.equity import (
    gravity_access_to_jobs,
    jobs_by_income_group,
    mean_gravity_access_to_jobs,
    palma_ratio_of_access,
    share_with_poor_access,
)
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()


def zones(incomes):
    squares = [shapely.box(100 * i, 0, 100 * i + 100, 100) for i in range(len(incomes))]
    return gpd.GeoDataFrame(
        {"median_income": incomes}, geometry=squares, index=[f"z{i}" for i in range(len(incomes))], crs="EPSG:32626"
    )


def test_a_job_a_half_time_away_counts_half():
    times = np.array([[0.0, 1200.0], [2400.0, 0.0]], dtype=np.float32)
    access = gravity_access_to_jobs(times, np.array([100.0, 40.0]), 20.0)
    assert access.tolist() == [120.0, 65.0]
    assert mean_gravity_access_to_jobs(access, np.array([1.0, 3.0])) == pytest.approx((120 + 3 * 65) / 4)


def test_palma_ratio_takes_part_of_a_zone_on_the_limit():
    """Poorest 40 % of 100: all 30 of the first zone and 10 of the next; richest tenth: 10 of the last 20."""
    ratio = palma_ratio_of_access(
        np.array([900.0, 100.0, 300.0]), zones([50_000.0, 10_000.0, 20_000.0]), np.array([20.0, 30.0, 50.0])
    )
    assert ratio == pytest.approx(900 / ((30 * 100 + 10 * 300) / 40))


@given(st.floats(1, 1e6))
def test_equal_access_has_a_palma_ratio_of_one(jobs):
    ratio = palma_ratio_of_access(np.full(3, jobs), zones([3.0, 1.0, 2.0]), np.array([5.0, 1.0, 9.0]))
    assert ratio == pytest.approx(1)


def test_groups_and_the_share_of_poor_access():
    groups = pd.DataFrame(
        {"zone": ["z0", "z1", "z0"], "group": ["q1", "q1", "q2"], "households": [30.0, 10.0, 5.0], "income": 1.0}
    )
    table = jobs_by_income_group(np.array([100.0, 500.0]), groups, zones([1.0, 2.0]))
    assert table["jobs"].to_dict() == {"q1": 200.0, "q2": 100.0}
    assert (
        share_with_poor_access(np.array([100.0, 500.0]), np.array([400.0, 400.0]), np.array([1.0, 3.0]), 0.25) == 0.25
    )
    with pytest.raises(NotComputableError, match="poorest"):
        palma_ratio_of_access(np.array([0.0, 5.0]), zones([1.0, 2.0]), np.array([9.0, 1.0]))


def test_the_made_up_town_answers_every_question_of_access():
    planner = Planner(generate_city(people=2000, seed=4))
    words = ("mean_jobs_within_30_min", "mean_jobs_within_30_min_off_peak", "palma_ratio_of_access", "transfers",
             "share_with_poor_access", "fifteen_minute_city_share", "mean_gravity_access_to_jobs", "walk_network",
             "shops_within_15_min", "green_within_15_min", "median_travel_time", "mean_travel_time")  # fmt: skip
    refs = {word: planner.want(word, 0) for word in words}
    ran = run(list(refs.values()), Cache())
    found = {word: ran.value(ref) for word, ref in refs.items()}
    assert 0 <= found["share_with_poor_access"] <= 1
    assert 0 <= found["fifteen_minute_city_share"] <= 1
    assert found["palma_ratio_of_access"] > 0
    assert found["mean_jobs_within_30_min"] >= found["mean_jobs_within_30_min_off_peak"] * 0.5
    times = found["mean_travel_time"]
    assert np.diagonal(times).mean() < times.mean()
    assert found["shops_within_15_min"].max() > 0
    links = found["walk_network"]
    half = len(links.length) // 2
    assert (links.length[:half] != links.length[half:]).any()  # it has slopes
