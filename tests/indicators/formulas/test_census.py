"""Indicators of counts by zone: each by hand, and never of what was not counted."""

import geopandas as gpd
import numpy as np
import pytest

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.census import CENSUS_COLUMNS, RATIOS, ratio_of

PEOPLE = np.array([1000.0, 3000.0, 500.0])
HOMES = np.array([400.0, 1600.0, 200.0])
COUNTS = {  # the third zone has no counts
    "vacant_homes": [20, 80, np.nan],
    "rental_homes": [100, 900, np.nan],
    "inadequate_housing_residents": [100, 100, np.nan],
    "poor_residents": [50, 350, np.nan],
    "vulnerable_residents": [200, 400, np.nan],
    "commuters": [400, 600, np.nan],
    "commuters_not_by_car": [100, 500, np.nan],
    "transit_boardings": [100_000, 500_000, np.nan],
    "domestic_water_use": [73_000, 73_000, np.nan],
    "total_water_use": [73_000, 219_000, np.nan],
    "end_use_energy": [50_000, 150_000, np.nan],
    "renewable_energy": [10_000, 20_000, np.nan],
    "ev_chargers": [5, 15, np.nan],
    "electric_vehicles": [50, 150, np.nan],
}
BY_HAND = {
    "vacancy_rate": 100 / 2000 * 100,
    "rental_share": 1000 / 2000 * 100,
    "residents_in_inadequate_housing": 200 / 4000 * 100,
    "population_below_poverty_line_counted": 400 / 4000 * 100,
    "vulnerable_population": 600 / 4000 * 100,
    "commuters_not_by_car": 600 / 1000 * 100,
    "transit_trips_per_capita": 600_000 / 4000,
    "domestic_water_use_per_capita": 146_000 * 1000 / 365 / 4000,  # 100 L
    "total_water_use_per_capita": 292_000 * 1000 / 365 / 4000,  # 200 L
    "end_use_energy_per_capita": 200_000 / 4000,
    "renewable_energy_share": 30_000 / 200_000 * 100,
    "chargers_per_electric_vehicle": 20 / 200,
}


def zones(**columns):
    return gpd.GeoDataFrame(columns or COUNTS, index=["a", "b", "c"])


def given_to(name, table):
    inputs = {"zones": table, "zone_population": PEOPLE, "zone_homes": HOMES}
    return {word: inputs[word] for word in REGISTRY.models[name].inputs}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    assert REGISTRY.models[name].function(**given_to(name, zones())) == pytest.approx(BY_HAND[name], abs=1e-6)


def test_every_ratio_has_its_case():
    assert {ratio.name for ratio in RATIOS} == BY_HAND.keys()
    assert {ratio.column for ratio in RATIOS} <= CENSUS_COLUMNS.keys()


@pytest.mark.parametrize("ratio", RATIOS, ids=lambda ratio: ratio.name)
def test_what_nobody_counted_is_not_computable(ratio):
    function = REGISTRY.models[ratio.name].function
    others = {name: counts for name, counts in COUNTS.items() if name != ratio.column}
    with pytest.raises(NotComputableError, match=f"in its zones \\(column '{ratio.column}'\\)"):
        function(**given_to(ratio.name, zones(**others)))
    with pytest.raises(NotComputableError, match="none has a count"):
        function(**given_to(ratio.name, zones(**{**COUNTS, ratio.column: [np.nan] * 3})))


def test_twice_the_people_halve_what_each_uses():
    once = ratio_of(zones(), "domestic_water_use", PEOPLE, 1000 / 365)
    assert ratio_of(zones(), "domestic_water_use", 2 * PEOPLE, 1000 / 365) == pytest.approx(once / 2)


def test_counted_poverty_is_preferred_to_a_relative_line():
    assert [model.name for model in REGISTRY.makers("population_below_poverty_line")] == [
        "population_below_poverty_line_counted",
        "population_below_poverty_line",
    ]
