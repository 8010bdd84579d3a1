"""Indicators of counts that zones may carry: one column over another, or over residents or dwellings.

A city maps its statistics to these columns of `zones` (`--zones FILE --map vacant_homes=...`); the layer takes any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import indicator
from synapolis.layers import vocabulary as word
from synapolis.layers.vocabulary import ZoneHomes, ZonePopulation, Zones

TESTS = "tests/indicators/formulas/test_census.py"
LITRES = 1000.0  # in a cubic metre
DAYS = 365.0

CENSUS_COLUMNS = {
    "vacant_homes": "dwellings that stand empty",
    "rental_homes": "dwellings that are rented out",
    "inadequate_housing_residents": "residents in inadequate housing",
    "poor_residents": "residents below the national poverty line",
    "vulnerable_residents": "residents who are vulnerable, by the city's definition",
    "commuters": "residents who travel to work",
    "commuters_not_by_car": "commuters who do not go by personal vehicle",
    "transit_boardings": "boardings of public transport in a year",
    "domestic_water_use": "water that households use in a year [m³]",
    "total_water_use": "water that all users take in a year [m³]",
    "end_use_energy": "end-use energy in a year [GJ]",
    "renewable_energy": "end-use energy from renewable sources in a year [GJ]",
    "ev_chargers": "public charging points for electric vehicles",
    "electric_vehicles": "registered electric vehicles",
}
"""Columns of `zones` that these indicators read, beside those of its schema."""


class Ratio(NamedTuple):
    """One indicator: a column over `population`, `homes` or another column, times a factor."""

    makes: Any
    name: str
    does: str
    over: str
    column: str
    standard: str
    factor: float = 100.0


RATIOS = (
    Ratio(word.ResidentsInInadequateHousing, "residents_in_inadequate_housing",
          "Share of residents in inadequate housing.", "population", "inadequate_housing_residents",
          "ISO 37120:2018, 12.1"),
    Ratio(word.VacancyRate, "vacancy_rate", "Share of dwellings that stand empty.", "homes", "vacant_homes",
          "ISO 37120:2018, 12.7"),
    Ratio(word.RentalShare, "rental_share", "Share of dwellings that are rented out.", "homes", "rental_homes",
          "ISO 37120:2018, 12.10"),
    Ratio(word.PopulationBelowPovertyLine, "population_below_poverty_line_counted",
          "Share of residents below the national poverty line.", "population", "poor_residents",
          "ISO 37120:2018, 13.2"),
    Ratio(word.VulnerablePopulation, "vulnerable_population", "Share of residents who are vulnerable.", "population",
          "vulnerable_residents", "ISO 37123:2019, 13.1"),
    Ratio(word.CommutersNotByCar, "commuters_not_by_car", "Share of commuters who do not go by personal vehicle.",
          "commuters", "commuters_not_by_car", "ISO 37120:2018, 19.3"),
    Ratio(word.TransitTripsPerCapita, "transit_trips_per_capita", "Boardings of public transport by each resident.",
          "population", "transit_boardings", "ISO 37120:2018, 19.2", 1.0),
    Ratio(word.DomesticWaterUsePerCapita, "domestic_water_use_per_capita",
          "Water that households use for each resident and day.", "population", "domestic_water_use",
          "ISO 37120:2018, 23.3", LITRES / DAYS),
    Ratio(word.TotalWaterUsePerCapita, "total_water_use_per_capita", "Water use for each resident and day.",
          "population", "total_water_use", "ISO 37120:2018, 23.5", LITRES / DAYS),
    Ratio(word.EndUseEnergyPerCapita, "end_use_energy_per_capita", "End-use energy for each resident.", "population",
          "end_use_energy", "ISO 37120:2018, 7.1", 1.0),
    Ratio(word.RenewableEnergyShare, "renewable_energy_share", "Share of end-use energy from renewable sources.",
          "end_use_energy", "renewable_energy", "ISO 37120:2018, 7.2"),
    Ratio(word.ChargersPerElectricVehicle, "chargers_per_electric_vehicle",
          "Charging points for each registered electric vehicle.", "electric_vehicles", "ev_chargers",
          "ISO 37122:2019, 7.10", 1.0),
)  # fmt: skip
"""Every indicator of this module."""

COUNTED = frozenset(ratio.name for ratio in RATIOS) | {
    "households", "gini_coefficient", "population_below_poverty_line", "median_multiple", "price_to_rent",
}  # fmt: skip
"""Models that tell counts, incomes or prices which no model changes: with more residents or homes below the line, or as
weights, the figure would move by itself, and mean nothing. A scenario gets no answer from them."""
NO_ANSWER = "rests on what was counted, and no model changes the count: a scenario says nothing of it"


def ratio_of(zones: gpd.GeoDataFrame, column: str, over: NDArray[np.float64] | str, factor: float) -> float:
    """Sum a counted column over a denominator, in the zones where both are known, times a factor.

    Parameters
    ----------
    zones : GeoDataFrame
    column : str
        One of `CENSUS_COLUMNS`.
    over : (zone,) or str
        Values by zone, or another column.
    factor : float

    Raises
    ------
    NotComputableError
        The zones have no such column, no zone has a count, or the denominator is nothing.
    """
    above = _counted(zones, column)
    below = _counted(zones, over) if isinstance(over, str) else np.asarray(over, dtype=np.float64)
    known = np.isfinite(above) & np.isfinite(below)
    total = float(below[known].sum())
    if not known.any() or not total > 0:
        raise NotComputableError(f"needs {CENSUS_COLUMNS[column]} in its zones; none has a count")
    return factor * float(above[known].sum()) / total


def _counted(zones: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    if column not in zones:
        raise NotComputableError(f"needs {CENSUS_COLUMNS[column]} in its zones (column {column!r})")
    return np.asarray(zones[column], dtype=np.float64)


def _formula(ratio: Ratio) -> Callable[..., float]:
    if ratio.over == "population":

        def over_residents(zones: Zones, zone_population: ZonePopulation) -> float:
            return ratio_of(zones, ratio.column, zone_population, ratio.factor)

        return over_residents
    if ratio.over == "homes":

        def over_homes(zones: Zones, zone_homes: ZoneHomes) -> float:
            return ratio_of(zones, ratio.column, zone_homes, ratio.factor)

        return over_homes

    def over_counted(zones: Zones) -> float:
        return ratio_of(zones, ratio.column, ratio.over, ratio.factor)

    return over_counted


def _declare() -> None:
    for ratio in RATIOS:
        formula = _formula(ratio)
        formula.__doc__ = (
            f"{ratio.does}\n\nReferences\n----------\nDefinition as summarised publicly for {ratio.standard} (standard "
            "not read). The count is the source's.\n"
        )
        formula.__annotations__["return"] = ratio.makes
        formula.__name__ = ratio.name
        below = {"population": "residents", "homes": "dwellings"}.get(ratio.over) or CENSUS_COLUMNS[ratio.over]
        indicator(
            method=f"Sum over zones of {CENSUS_COLUMNS[ratio.column]}, over {below} of the same zones.",
            limits="As old as the count; a plan changes only what it is divided by.",
            tests=TESTS,
            name=ratio.name,
            origin="observed",
        )(formula)


_declare()
