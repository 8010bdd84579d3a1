"""Rents and incomes: a town of three zones worked by hand, and laws."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.models.housing.affordability import (
    affordable_share,
    city_affordable_share,
    lowest_group_rent_burden,
    monthly_rent,
    rent_burden,
)
from synapolis.models.housing.homes import add_homes_to_zones
from synapolis.models.housing.programme import empty_programme

ZONES = gpd.GeoDataFrame(
    {"name": ["a", "b", "c"], "homes": [400.0, 600.0, np.nan], "monthly_rent": [500.0, 1000.0, np.nan]},
    geometry=[shapely.box(x, 0, x + 100, 100) for x in (0, 100, 200)],
    crs="EPSG:32635",
    index=["z1", "z2", "z3"],
)
GROUPS = pd.DataFrame(
    {
        "zone": ["z1", "z1", "z2", "z2", "z3"],
        "group": ["q1", "q2", "q1", "q2", "q1"],
        "households": [100.0, 300.0, 200.0, 400.0, 50.0],
        "income": [12_000.0, 36_000.0, 12_000.0, 36_000.0, 12_000.0],
    },
    index=list("vwxyz"),
)
RENT = np.array([500.0, 1000.0, np.nan])


def test_rent_stays_without_new_homes_and_follows_the_elasticity_with_them():
    assert np.allclose(monthly_rent(ZONES, empty_programme(), -0.5)[:2], [500, 1000])
    programme = add_homes_to_zones(ZONES, empty_programme(ZONES.crs), "e1", shapely.box(0, 0, 50, 50), 100, 80)
    after = monthly_rent(ZONES, programme, -0.5)
    assert np.allclose(after[:2], np.array([500, 1000]) * 1.1**-0.5)
    assert np.isnan(after[2])
    assert np.allclose(monthly_rent(ZONES, programme, 0.0)[:2], [500, 1000])
    flood = add_homes_to_zones(ZONES, empty_programme(ZONES.crs), "e1", shapely.box(0, 0, 50, 50), 9_000, 80)
    assert np.allclose(monthly_rent(ZONES, flood, -0.5)[:2], np.array([500, 1000]) * 1.25**-0.5)


def test_burden_is_yearly_rent_over_the_lowest_income():
    burden = rent_burden(ZONES, GROUPS, RENT)
    assert np.allclose(burden[:2], [0.5, 1.0])
    assert np.isnan(burden[2])
    assert lowest_group_rent_burden(ZONES, GROUPS, burden) == pytest.approx((100 * 0.5 + 200 * 1.0) / 300)


def test_share_that_can_pay_worked_by_hand():
    # q1 spread over 0 ... 24,000, q2 over 24,000 ... 48,000; z1 needs 20,000 a year, z2 40,000
    share = affordable_share(ZONES, GROUPS, RENT, 0.3)
    assert share[0] == pytest.approx((100 * 4 / 24 + 300) / 400)
    assert share[1] == pytest.approx(400 * (8 / 24) / 600)
    assert np.isnan(share[2])
    assert city_affordable_share(ZONES, GROUPS, share) == pytest.approx((400 * share[0] + 600 * share[1]) / 1000)


@given(rent=st.floats(1, 5_000), more=st.floats(0, 1_000), limit=st.floats(0.1, 0.9))
@settings(max_examples=40, deadline=None)
def test_a_higher_rent_never_makes_a_home_more_affordable(rent, more, limit):
    low = affordable_share(ZONES, GROUPS, np.array([rent, rent, np.nan]), limit)
    high = affordable_share(ZONES, GROUPS, np.array([rent + more, rent + more, np.nan]), limit)
    assert (high[:2] <= low[:2] + 1e-12).all()
    assert ((low[:2] >= 0) & (low[:2] <= 1)).all()


def test_without_rents_homes_or_households_it_says_so():
    with pytest.raises(NotComputableError, match="monthly_rent"):
        monthly_rent(ZONES.assign(monthly_rent=np.nan), empty_programme(), -0.5)
    with pytest.raises(NotComputableError, match="no zone"):
        city_affordable_share(ZONES, GROUPS, np.full(3, np.nan))
    with pytest.raises(NotComputableError, match="households"):
        rent_burden(ZONES, GROUPS.assign(households=0.0), RENT)
