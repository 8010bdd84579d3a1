"""Incomes and housing costs: who is poor, how unequal incomes are, who can afford their home."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import indicator, percent
from synapolis.layers.vocabulary import (
    AffordableShare,
    CityAffordableShare,
    CostBurdenedHouseholds,
    GiniCoefficient,
    Households,
    HousingExpenditure,
    IncomeGroups,
    MedianMultiple,
    MonthlyRent,
    PopulationBelowPovertyLine,
    PriceToRent,
    ResidentsInAffordableHousing,
    ZoneHomes,
    ZonePopulation,
    Zones,
)

TESTS = "tests/indicators/formulas/test_society.py"
MONTHS = 12


@indicator(
    method="Residents of each zone times the share of its households that can afford its typical rent, over the "
    "residents of zones where that share is known.",
    limits="Rent alone; owners count as if they rented; residents are spread over households alike.",
    tests=TESTS,
)
def residents_in_affordable_housing(
    zone_population: ZonePopulation, affordable_share: AffordableShare
) -> ResidentsInAffordableHousing:
    """Share of residents whose household can afford its home.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 12.2 (standard not read).
    """
    known = np.isfinite(affordable_share)
    able = float((zone_population[known] * affordable_share[known]).sum())
    return percent(able, float(zone_population[known].sum()), "residents in zones with rents and incomes")


@indicator(
    method="Yearly rent of the zone's typical home over the mean income of its households, both summed over the "
    "households of zones where they are known.",
    limits="Rent alone, of a typical home, for every household alike.",
    tests=TESTS,
)
def housing_expenditure(zones: Zones, income_groups: IncomeGroups, monthly_rent: MonthlyRent) -> HousingExpenditure:
    """Share of household income that rent takes.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, SC: SH: HO: 2A (standard not read).
    """
    groups = income_groups.assign(earned=income_groups["households"] * income_groups["income"]).groupby("zone")
    households, earned = (groups[column].sum().reindex(zones.index).to_numpy() for column in ("households", "earned"))
    known = np.isfinite(monthly_rent) & np.isfinite(households)
    rent = float((MONTHS * monthly_rent[known] * households[known]).sum())
    return percent(rent, float(earned[known].sum()), "zones with rents and incomes")


@indicator(
    method="Households that cannot afford the typical rent where they live at the assumed limit (30 % of income unless "
    "stated otherwise), over all.",
    limits="Rent alone, of a typical home; owners count as if they rented. Another limit than 30 % makes it another "
    "measure.",
    tests=TESTS,
)
def cost_burdened_households(city_affordable_share: CityAffordableShare) -> CostBurdenedHouseholds:
    """Share of households that would pay more than the limit for the typical home.

    References
    ----------
    US HUD cost-burden convention, as summarised publicly (standard not read).
    """
    return 100 * (1 - city_affordable_share)


@indicator(
    method="Median over dwellings of the zones' prices (`zones.median_home_price`), over the median over dwellings "
    "of their median household incomes, of zones where both are known.",
    limits="Every dwelling of a zone is taken at the zone's median.",
    tests=TESTS,
    columns=("zones.median_income",),
)
def median_multiple(zones: Zones, zone_homes: ZoneHomes) -> MedianMultiple:
    """Median price of a dwelling over the median household income of a year.

    Raises
    ------
    NotComputableError
        No zone with dwellings has both a price and an income.

    References
    ----------
    Demographia International Housing Affordability 2024, as summarised publicly (standard not read).
    """
    price, income = _of_zones(zones, "median_home_price"), _of_zones(zones, "median_income")
    known = np.isfinite(price) & np.isfinite(income) & (zone_homes > 0)
    return _median(price[known], zone_homes[known]) / _median(income[known], zone_homes[known])


@indicator(
    method="Median over dwellings of the zones' prices (`zones.median_home_price`), over the median over dwellings "
    "of the yearly rent of their typical homes, of zones where both are known.",
    limits="Homes for sale and for rent differ; every dwelling of a zone is taken at the zone's figure.",
    tests=TESTS,
)
def price_to_rent(zones: Zones, zone_homes: ZoneHomes, monthly_rent: MonthlyRent) -> PriceToRent:
    """Median price of a dwelling over the median rent of a year.

    Raises
    ------
    NotComputableError
        No zone with dwellings has both a price and a rent.

    References
    ----------
    OECD price-to-rent ratio, as summarised publicly (standard not read).
    """
    price = _of_zones(zones, "median_home_price")
    known = np.isfinite(price) & np.isfinite(monthly_rent) & (zone_homes > 0)
    return _median(price[known], zone_homes[known]) / _median(MONTHS * monthly_rent[known], zone_homes[known])


@indicator(
    method="Households of all income groups and zones.",
    limits="As old as the count of incomes; homes added by a plan bring no households to it.",
    tests=TESTS,
    origin="observed",
)
def households(income_groups: IncomeGroups) -> Households:
    """Count households.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 12.5 (standard not read).
    """
    total = float(income_groups["households"].sum())
    if not total > 0:
        raise NotComputableError("needs households by income group; none has any")
    return total


@indicator(
    method="Households whose income is below an assumed share of the median, by interpolation between the groups' "
    "means, in place of residents below the national poverty line.",
    limits="A relative line inside the city, not the national one; households are not weighted by their members.",
    tests=TESTS,
    rank=1,
)
def population_below_poverty_line(income_groups: IncomeGroups, poverty_line_share: float) -> PopulationBelowPovertyLine:
    """Share of people below a relative poverty line.

    Parameters
    ----------
    poverty_line_share : share of the median income

    Raises
    ------
    NotComputableError
        Fewer than two groups of different income have households.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 13.2 (standard not read).
    """
    income, share = _distribution(income_groups)
    middle = np.concatenate([[0.0], np.cumsum(share) - share / 2])
    bounds = np.concatenate([[0.0], income])
    median = float(np.interp(0.5, middle, bounds))
    return 100 * float(np.interp(poverty_line_share * median, bounds, middle))


@indicator(
    method="Twice the area between the Lorenz curve of the groups and the line of equality.",
    limits="Groups hide the differences inside them: a lower bound.",
    tests=TESTS,
)
def gini_coefficient(income_groups: IncomeGroups) -> GiniCoefficient:
    """Gini coefficient of household incomes, 0 equal to 1 unequal.

    Raises
    ------
    NotComputableError
        Fewer than two groups of different income have households.

    References
    ----------
    Gini, C. (1912), Variabilità e mutabilità. Definition as summarised publicly for ISO 37120:2018, 13.3 (standard not
    read).
    """
    income, share = _distribution(income_groups)
    earned = np.cumsum(income * share) / (income * share).sum()
    before = np.concatenate([[0.0], earned[:-1]])
    return float(1 - (share * (earned + before)).sum())


def _of_zones(zones: Any, column: str) -> NDArray[np.float64]:
    if column not in zones:
        raise NotComputableError(f"needs {column.replace('_', ' ')} in its zones (column {column!r})")
    return np.asarray(zones[column], dtype=np.float64)


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Lowest value that at least half of the weight does not pass."""
    if not len(values):
        raise NotComputableError("needs zones with dwellings whose prices, incomes or rents are known; none is")
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def _distribution(groups: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Incomes in ascending order and the share of households that has each. (income,)."""
    by_income = groups[groups["households"] > 0].groupby("income")["households"].sum()
    if len(by_income) < 2:
        raise NotComputableError("needs at least two income groups with households")
    counts = by_income.to_numpy(dtype=np.float64)
    return by_income.index.to_numpy(dtype=np.float64), counts / counts.sum()
