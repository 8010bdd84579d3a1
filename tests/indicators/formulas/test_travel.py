"""Travel indicators on a table of trips that can be added up by hand."""

import numpy as np
import pandas as pd
import pytest

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import travel

TRIPS = pd.DataFrame(
    [
        ("work", "car", 200.0, 10.0),
        ("work", "transit", 500.0, 30.0),
        ("work", "bicycle", 200.0, 15.0),
        ("work", "walk", 100.0, 20.0),
        ("other", "car", 900.0, 5.0),
        ("other", "transit", 100.0, 99.0),
    ],
    columns=["purpose", "mode", "trips_per_day", "mean_minutes"],
)


def test_commute_over_all_modes():
    assert travel.average_commute_time(TRIPS) == pytest.approx((2000 + 15_000 + 3000 + 2000) / 1000)


def test_commuters_without_a_car():
    assert travel.commuters_not_by_car_modelled(TRIPS) == pytest.approx(80)


def test_transit_trips_of_a_year():
    assert travel.transit_trips_per_capita_modelled(TRIPS, 1200.0, 300.0) == pytest.approx(600 * 300 / 1200)


@pytest.mark.parametrize("formula", [travel.average_commute_time, travel.commuters_not_by_car_modelled])
def test_no_work_trips_are_not_computable(formula):
    with pytest.raises(NotComputableError, match="needs trips to work"):
        formula(TRIPS.assign(trips_per_day=0.0))


def test_no_transit_or_nobody_is_not_computable():
    with pytest.raises(NotComputableError, match="needs transit"):
        travel.transit_trips_per_capita_modelled(TRIPS[TRIPS["mode"] != "transit"], 1200.0, 300.0)
    with pytest.raises(NotComputableError, match="needs residents"):
        travel.transit_trips_per_capita_modelled(TRIPS, 0.0, 300.0)


def test_counts_are_preferred_to_the_model():
    for word in ("commuters_not_by_car", "transit_trips_per_capita"):
        assert [model.name for model in REGISTRY.makers(word)] == [word, f"{word}_modelled"]


def test_travel_time_index():
    trips = np.array([[0.0, 30], [10, 0]])
    free = np.array([[0.0, 100], [100, 0]])
    slow = free * np.array([[1, 1.5], [1.1, 1]])
    assert travel.travel_time_index(trips, slow, free) == pytest.approx((30 * 150 + 10 * 110) / (40 * 100))
    assert travel.travel_time_index(trips, free, free) == 1
    with pytest.raises(NotComputableError, match="needs car trips"):
        travel.travel_time_index(np.zeros((2, 2)), free, free)
