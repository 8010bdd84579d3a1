"""Incomes and housing costs, by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import society


def groups(*rows):
    return pd.DataFrame(rows, columns=["zone", "group", "households", "income"])


ONE_ZONE = groups(("a", "q1", 10, 10.0), ("a", "q2", 10, 20.0), ("a", "q3", 10, 30.0), ("a", "q4", 10, 40.0))


def test_residents_in_affordable_housing():
    found = society.residents_in_affordable_housing(np.array([100.0, 300.0, 50.0]), np.array([0.5, 0.9, np.nan]))
    assert found == pytest.approx((50 + 270) / 400 * 100)
    with pytest.raises(NotComputableError, match="zones with rents and incomes"):
        society.residents_in_affordable_housing(np.array([100.0]), np.array([np.nan]))


def test_housing_expenditure():
    zones = gpd.GeoDataFrame(index=["a", "b", "c"])
    table = groups(("a", "q1", 10, 10_000.0), ("a", "q2", 10, 30_000.0), ("b", "q1", 20, 20_000.0))
    rent = np.array([500.0, 1000.0, 700.0])  # nobody's income is known in c
    assert society.housing_expenditure(zones, table, rent) == pytest.approx((6000 * 20 + 12_000 * 20) / 800_000 * 100)


def test_cost_burdened_households_are_those_who_cannot_afford_the_rent():
    assert society.cost_burdened_households(0.85) == pytest.approx(15)


def test_median_multiple_and_price_to_rent():
    zones = gpd.GeoDataFrame(
        {
            "median_home_price": [200_000.0, 300_000, 500_000, np.nan],
            "median_income": [50_000.0, 40_000, 80_000, 90_000],
        },
        index=["a", "b", "c", "d"],
    )
    homes = np.array([40.0, 30, 20, 500])
    # medians over 90 dwellings: 300 000, and 50 000 (b 30, a 70 of 90)
    assert society.median_multiple(zones, homes) == pytest.approx(6)
    rent = np.array([1000.0, 1250, 2000, 3000])
    assert society.price_to_rent(zones, homes, rent) == pytest.approx(300_000 / 15_000)
    with pytest.raises(NotComputableError, match="needs median home price in its zones"):
        society.median_multiple(zones.drop(columns="median_home_price"), homes)
    with pytest.raises(NotComputableError, match="zones with dwellings whose prices"):
        society.price_to_rent(zones, homes * 0, rent)


def test_households():
    assert society.households(ONE_ZONE) == 40
    with pytest.raises(NotComputableError, match="needs households"):
        society.households(ONE_ZONE.assign(households=0))


def test_relative_poverty_between_group_means():
    # cumulative middles: 12.5 % at 10, 37.5 % at 20, 62.5 % at 30; so the median is 25, and a line at 60 % of it 15
    assert society.population_below_poverty_line(ONE_ZONE, 0.6) == pytest.approx(25)  # half way from 12.5 to 37.5
    assert society.population_below_poverty_line(ONE_ZONE, 0.2) == pytest.approx(6.25)  # 5: half way from 0 to 12.5


def test_gini():
    # shares of income 0.1, 0.2, 0.3, 0.4 of four equal groups: 1 - (0.1 + 0.4 + 0.9 + 1.6) / 4
    assert society.gini_coefficient(ONE_ZONE) == pytest.approx(0.25)
    spread = groups(("a", "q1", 5, 10.0), ("b", "q1", 5, 10.0), *ONE_ZONE.iloc[1:].itertuples(index=False))
    assert society.gini_coefficient(spread) == pytest.approx(0.25)  # where they live does not matter


@pytest.mark.parametrize("formula", [society.gini_coefficient, lambda g: society.population_below_poverty_line(g, 0.6)])
def test_one_income_tells_no_distribution(formula):
    with pytest.raises(NotComputableError, match="at least two income groups"):
        formula(ONE_ZONE.iloc[:1])


@given(st.lists(st.tuples(st.floats(1, 1e3), st.floats(1, 1e6)), min_size=2, max_size=8, unique_by=lambda row: row[1]),
       st.floats(0.1, 10))  # fmt: skip
def test_gini_lies_between_0_and_1_and_knows_no_currency(rows, rate):
    table = groups(*(("a", f"q{n}", count, income) for n, (count, income) in enumerate(rows)))
    found = society.gini_coefficient(table)
    assert -1e-9 <= found < 1
    assert society.gini_coefficient(table.assign(income=table["income"] * rate)) == pytest.approx(found, abs=1e-9)
    assert society.gini_coefficient(table.assign(households=3 * table["households"])) == pytest.approx(found, abs=1e-9)
