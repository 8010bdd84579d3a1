"""What homes cost to rent, and who can afford them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import (
    AffordableShare,
    CityAffordableShare,
    HousingProgramme,
    IncomeGroups,
    LowestGroupRentBurden,
    MonthlyRent,
    RentBurden,
    Zones,
)
from synapolis.models.housing.programme import homes_placed

MONTHS = 12
MOST_GROWTH = 0.25
"""Growth of the stock beyond which rents fall no further: nobody has observed more, and people move in to fill it."""


@model(
    version="1",
    decision="Whether new homes change what renting costs.",
    method="Rents as observed, times (homes after / homes before) to the power of an assumed elasticity, alike in all "
    "zones; growth counts up to a quarter of the stock.",
    limits="No market is cleared: who moves, which homes are let to whom and how rents differ by place after the edit "
    "are not modelled; the elasticity is assumed and its range includes no effect.",
    risks="A small fall of rents read as certain; new homes can raise rents next door.",
    tests="tests/models/test_affordability.py",
    columns=("zones.monthly_rent", "zones.homes"),
)
def monthly_rent(zones: Zones, housing_programme: HousingProgramme, rent_supply_elasticity: float) -> MonthlyRent:
    """Rent of a typical home by zone, after new homes have come on the market.

    Returns
    -------
    (zone,) [money/month]
        NaN where the zone has no rent.

    Raises
    ------
    NotComputableError
        No zone has a rent, or none has homes to compare the new ones with.

    References
    ----------
    Constant-elasticity response; the elasticity is an assumption.
    """
    rents = zones["monthly_rent"].to_numpy(dtype=np.float64)
    homes = float(np.nansum(zones["homes"].to_numpy(dtype=np.float64)))
    if not np.isfinite(rents).any() or homes <= 0:
        raise NotComputableError("not computable: rents need zones with monthly_rent and homes; map those columns")
    new = homes_placed(housing_programme)
    return np.asarray(rents * (1 + min(new / homes, MOST_GROWTH)) ** rent_supply_elasticity)


@model(
    version="1",
    decision="Where the poorest could not pay the typical rent.",
    method="Yearly rent of a typical home over the mean income of the zone's lowest income group.",
    limits="A typical home, not the homes the poorest live in; subsidies and social housing are not known.",
    risks="Zones with few poor households look as heavy as those with many.",
    tests="tests/models/test_affordability.py",
)
def rent_burden(zones: Zones, income_groups: IncomeGroups, monthly_rent: MonthlyRent) -> RentBurden:
    """Compare the typical rent with the income of the lowest income group.

    Returns
    -------
    (zone,) [1]
        NaN where the zone has no rent or no household of that group.

    References
    ----------
    Rent-to-income ratio, as in ISO 37120 and Eurostat's housing cost burden.
    """
    lowest = _lowest_group(income_groups)
    income = pd.Series(lowest["income"].to_numpy(), index=lowest["zone"]).reindex(zones.index)
    return np.asarray(monthly_rent * MONTHS / income.to_numpy(dtype=np.float64))


@model(
    version="1",
    decision="Where households could not pay the typical rent.",
    method="Share of the zone's households whose income is at least rent over the limit; inside a group, incomes are "
    "spread evenly between the midpoints to the neighbouring groups.",
    limits="Rent alone, without heating or travel; owners and protected tenants count like anyone.",
    risks="Read as the share that must move away.",
    tests="tests/models/test_affordability.py",
)
def affordable_share(
    zones: Zones, income_groups: IncomeGroups, monthly_rent: MonthlyRent, rent_share_limit: float
) -> AffordableShare:
    """Count the households of each zone that can afford its typical rent.

    Returns
    -------
    (zone,) [1]
        NaN where the zone has no rent or no households.

    References
    ----------
    The 30 per cent standard of the United States Department of Housing and Urban Development.
    """
    needed = pd.Series(monthly_rent * MONTHS / rent_share_limit, index=zones.index)
    groups = _with_bounds(income_groups)
    threshold = groups["zone"].map(needed).to_numpy(dtype=np.float64)
    width = np.maximum(groups["top"] - groups["bottom"], 1e-9).to_numpy()
    able = np.clip((groups["top"].to_numpy() - threshold) / width, 0, 1)
    sums = pd.DataFrame(
        {"zone": groups["zone"], "able": able * groups["households"], "all": groups["households"]}
    ).groupby("zone")
    able_by_zone, all_by_zone = sums["able"].sum(min_count=1), sums["all"].sum()
    share = (able_by_zone / all_by_zone.where(all_by_zone > 0)).reindex(zones.index)
    return np.asarray(np.where(np.isfinite(needed), share, np.nan), dtype=np.float64)


@model(
    version="1",
    decision="Whether a plan makes the city more or less affordable.",
    method="Mean of the zones' shares over their households.",
    limits="As affordable_share; zones without rents or incomes are left out.",
    risks="A mean hides the zones where nobody can pay.",
    tests="tests/models/test_affordability.py",
)
def city_affordable_share(
    zones: Zones, income_groups: IncomeGroups, affordable_share: AffordableShare
) -> CityAffordableShare:
    """Count the households of the city that can afford the typical rent where they live.

    Raises
    ------
    NotComputableError
        No zone has both a rent and households by income.

    References
    ----------
    A weighted mean.
    """
    households = income_groups.groupby("zone")["households"].sum().reindex(zones.index)
    return _mean_over(affordable_share, households.to_numpy(dtype=np.float64))


@model(
    version="1",
    decision="Whether a plan makes the city dearer for its poorest.",
    method="Mean of the zones' rent burdens over their households of the lowest group.",
    limits="As rent_burden; zones without rents or incomes are left out.",
    risks="A mean hides the zones that are worst.",
    tests="tests/models/test_affordability.py",
)
def lowest_group_rent_burden(
    zones: Zones, income_groups: IncomeGroups, rent_burden: RentBurden
) -> LowestGroupRentBurden:
    """Compare rent and income for the lowest income group of the whole city.

    Raises
    ------
    NotComputableError
        No zone has both a rent and households of that group.

    References
    ----------
    A weighted mean.
    """
    lowest = _lowest_group(income_groups)
    households = pd.Series(lowest["households"].to_numpy(), index=lowest["zone"]).reindex(zones.index)
    return _mean_over(rent_burden, households.to_numpy(dtype=np.float64))


def _lowest_group(groups: pd.DataFrame) -> pd.DataFrame:
    """Rows of the group with the lowest mean income in the city."""
    total = (groups["income"] * groups["households"]).groupby(groups["group"]).sum()
    count = groups["households"].groupby(groups["group"]).sum()
    mean = total / count.where(count > 0)
    if mean.isna().all():
        raise NotComputableError("not computable: rent burden needs households by income group; none has any")
    return groups[(groups["group"] == mean.idxmin()) & (groups["households"] > 0)]


def _with_bounds(groups: pd.DataFrame) -> pd.DataFrame:
    """Groups with the lowest and highest income of each: midpoints between means, alike on both sides at the ends."""
    ordered = groups.sort_values(["zone", "income"], kind="stable")
    income = ordered["income"]
    before, after = (income.groupby(ordered["zone"]).shift(n) for n in (1, -1))
    below, above = (income - before) / 2, (after - income) / 2
    return ordered.assign(
        bottom=np.maximum(0.0, income - below.fillna(above).fillna(income / 2)),
        top=income + above.fillna(below).fillna(income / 2),
    )


def _mean_over(values: Any, weights: NDArray[np.float64]) -> float:
    known = np.isfinite(values) & (np.nan_to_num(weights) > 0)
    if not known.any():
        raise NotComputableError("not computable: no zone has both a rent and households by income group")
    return float(np.average(np.asarray(values)[known], weights=weights[known]))
