"""What edits cost to build, item by item, and who would pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from synapolis.core.declare import REGISTRY, Assumption, model
from synapolis.core.errors import ModelError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import CapitalCost, EditLog, GroundWorks, HousingProgramme, TotalCapitalCost

COLUMNS = ("edit", "item", "payer", "amount", "unit", "unit_cost", "cost", "currency", "price_year")
CURRENCY, PRICE_YEAR = "EUR", 2023
ON_ROOFS = ("roof storeys", "beyond the rules")
NOWHERE = ("unplaced",)

_PRICE_BOOK = "national cost indices and price books, rounded"
_JRC = (
    "JRC (2017) base construction cost by country over the mean of Finland, Spain, Germany and Portugal (1,348 EUR/m²)"
)
BUILD_COST = MappingProxyType(
    {
        # country: value, low, high [EUR/m²], source, read
        "FI": (3600, 3000, 4500, f"apartment block, Helsinki: {_PRICE_BOOK}", False),
        "ES": (1700, 1300, 2200, f"apartment block, Bilbao: {_PRICE_BOOK}", False),
        "BR": (520, 420, 650, f"apartment block, Porto Alegre (CUB R8-N): {_PRICE_BOOK}", False),
        "DE": (2057 * 1450 / 1348, 1500, 3100, f"European mean times {_JRC}", True),
        "PT": (2057 * 1144 / 1348, 1150, 2450, f"European mean times {_JRC}", True),
        "US": (2057 * 1535 / 1348, 1550, 3300, f"European mean times {_JRC}", True),
        "CL": (2057 * 917 / 1348, 900, 1950, f"European mean times {_JRC}", True),
    }
)
"""Building cost of flats where a country's is known; elsewhere the European mean of the assumption stands."""


class Item(NamedTuple):
    """One line of a bill."""

    edit: str
    item: str
    payer: str
    amount: float
    unit: str
    unit_cost: float


def cost_assumptions(country: str) -> Mapping[str, Assumption]:
    """The assumptions on costs that a country's own figures replace, by name.

    Parameters
    ----------
    country : str
        ISO 3166 alpha-2, as in `City.country`; an unknown one replaces nothing.
    """
    known = BUILD_COST.get(country.upper())
    if known is None:
        return {}
    value, low, high, source, read = known
    europe = REGISTRY.assumptions["home_build_cost"]
    return {"home_build_cost": replace(europe, value=value, low=low, high=high, source=source, read=read)}


@model(
    version="2",
    decision="What a plan would cost to build, and who would have to find the money.",
    method="Amounts as carried out (floor area, ground, storage) or asked for (kilometres of line or lane) times unit "
    "costs; design and fees on homes.",
    limits="No land, demolition, upkeep, finance or vehicles (see fleet_value); European unit prices in EUR of about "
    "2023 unless the country's own are known; a factor of two either way is normal at this stage.",
    risks="Used as a budget; costs left out fall on someone.",
    tests="tests/models/test_finance.py",
)
def capital_cost(
    housing_programme: HousingProgramme,
    ground_works: GroundWorks,
    edit_log: EditLog,
    home_build_cost: float,
    roof_storey_cost_factor: float,
    soft_cost_share: float,
    tram_line_cost: float,
    bus_line_cost: float,
    lane_taking_cost: float,
    lane_building_cost: float,
    street_closure_cost: float,
    green_roof_cost: float,
    basin_cost: float,
    infiltration_strip_cost: float,
    rain_garden_cost: float,
    permeable_paving_cost: float,
    paving_cost: float,
    planting_cost: float,
    clearing_cost: float,
    tree_cost: float,
    tree_ground: float,
) -> CapitalCost:
    """List what each edit costs to build.

    Parameters
    ----------
    housing_programme : new homes by site
    ground_works : edit, item, amount, unit
    edit_log : edit, kind, amount, unit
        Read for lines (`add_line:tram`, `add_line:bus`, in km), lanes (`change_lanes` in lane-km, negative where taken)
        and closed streets (`close_street` in km); other kinds are priced from what they did.

    Returns
    -------
    DataFrame
        edit, item, payer, amount, unit, unit_cost, cost, currency, price_year; ordered by edit.

    Raises
    ------
    ModelError
        A work or a line that has no price here: nothing is left out in silence.

    References
    ----------
    SCSI and Trinity College Dublin (2024), apartment costs in ten cities; Transit Costs Project (NYU Marron); CIRIA and
    Environment Agency (2015), sustainable drainage; European municipal unit prices.
    """
    ground = {
        "green_roof": ("green roof", "owners", green_roof_cost, 1.0),
        "basin": ("detention basin", "city", basin_cost, 1.0),
        "infiltration_strip": ("infiltration strip", "city", infiltration_strip_cost, 1.0),
        "rain_garden": ("rain garden", "city", rain_garden_cost, 1.0),
        "permeable_paving": ("permeable paving", "city", permeable_paving_cost, 1.0),
        "paved": ("paving", "city", paving_cost, 1.0),
        "grass": ("lawn or park", "city", planting_cost, 1.0),
        "bare": ("cleared ground", "city", clearing_cost, 1.0),
        "street_trees": ("planted street trees", "city", tree_cost, 1.0),
        "trees": ("planted trees", "city", tree_cost, 1 / tree_ground),
    }
    per_km = {
        "add_line:tram": ("tram line, street running", "city", tram_line_cost),
        "add_line:bus": ("bus line, stops", "city", bus_line_cost),
        "close_street": ("street closed to cars", "city", street_closure_cost),
        "change_lanes:take": ("lanes taken from cars", "city", lane_taking_cost),
        "change_lanes:give": ("lanes built", "city", lane_building_cost),
    }
    items = [
        *_homes(housing_programme, home_build_cost, roof_storey_cost_factor, soft_cost_share),
        *_ground(ground_works, ground),
        *_lines(edit_log, per_km),
    ]
    bill = pd.DataFrame(items, columns=list(Item._fields))
    bill["cost"] = bill["amount"].astype(float) * bill["unit_cost"].astype(float)
    bill = bill.assign(currency=CURRENCY, price_year=PRICE_YEAR)[list(COLUMNS)]
    order = {edit: n for n, edit in enumerate(edit_log["edit"])}
    return bill.sort_values("edit", key=lambda edits: edits.map(order).fillna(len(order)), kind="stable").reset_index(
        drop=True
    )


@model(
    version="2",
    decision="Whether a plan is within reach.",
    method="Sum of the costs of all edits.",
    limits="As capital_cost; private and public money together.",
    risks="Set against a public budget although most of it may be private.",
    tests="tests/models/test_finance.py",
)
def total_capital_cost(capital_cost: CapitalCost) -> TotalCapitalCost:
    """Add up what all edits cost to build.

    References
    ----------
    None: a sum.
    """
    return float(capital_cost["cost"].sum())


def cost_by_payer(bill: pd.DataFrame) -> dict[str, float]:
    """Cost by who would pay, the largest first."""
    return {str(who): float(cost) for who, cost in bill.groupby("payer")["cost"].sum().sort_values().iloc[::-1].items()}


def _homes(programme: Any, build: float, roof_factor: float, soft: float) -> Iterator[Item]:
    """Flats in new buildings and on roofs, and the design of both."""
    standing = programme[~programme["kind"].isin(NOWHERE)]
    raised = ~standing["site"].astype(str).str.startswith("edit:")  # storeys on a house that stands today
    on_roof = standing["kind"].isin(ON_ROOFS) & raised
    for edit in dict.fromkeys(standing["edit"]):
        own = standing["edit"] == edit
        spent = 0.0
        for label, rows, price in (
            ("homes in new buildings", own & ~on_roof, build),
            ("homes on roofs", own & on_roof, build * roof_factor),
        ):
            floor = float(standing.loc[rows, "floor_area"].sum())
            if floor > 0:
                spent += floor * price
                yield Item(str(edit), label, "developers", floor, "m²", price)
        if spent > 0 and soft > 0:
            yield Item(str(edit), "design and fees", "developers", spent, "EUR", soft)


def _ground(works: pd.DataFrame, prices: Mapping[str, tuple[str, str, float, float]]) -> Iterator[Item]:
    for row in works.itertuples():
        if row.item not in prices:
            raise ModelError(
                f"no unit cost for the work {row.item!r} of edit {row.edit}; priced are {', '.join(prices)}"
            )
        label, payer, price, per_unit = prices[str(row.item)]
        unit = "tree" if row.item == "trees" else str(row.unit)
        yield Item(str(row.edit), label, payer, float(row.amount) * per_unit, unit, price)


def _lines(log: pd.DataFrame, prices: Mapping[str, tuple[str, str, float]]) -> Iterator[Item]:
    for row in log.itertuples():
        kind, amount = str(row.kind), float(row.amount)
        if kind == "change_lanes":
            kind = f"change_lanes:{'take' if amount < 0 else 'give'}"
        if not kind.startswith(("add_line", "change_lanes", "close_street")):
            continue
        if kind not in prices or not np.isfinite(amount):
            raise ModelError(f"no unit cost for {kind!r} of edit {row.edit} ({amount:g} {row.unit}); add one")
        label, payer, price = prices[kind]
        yield Item(str(row.edit), label, payer, abs(amount), str(row.unit), price)
