"""Everyday services in reach: schools, health care, shops and green, by transit and on foot; the 15-minute city."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers import vocabulary as words
from synapolis.layers.vocabulary import (
    BasicServicesNearby,
    FifteenMinuteCityShare,
    LandUse,
    MeanTravelTime,
    PointsOfInterest,
    TransitWalks,
    ZoneGreen,
    ZonePopulation,
    Zones,
    ZoneShops,
)
from synapolis.models.transit.access import DECISION, LIMITS, RISKS, resident_mean
from synapolis.models.transit.travel import in_seconds

TESTS = "tests/models/test_services.py"
SHOP_KINDS = ("shop", "food")
GREEN_USES = ("park", "forest", "wood", "recreation_ground", "village_green", "garden", "nature_reserve", "heath")
SERVICE_MINUTES = (15, 30, 45)


@model(version="2", decision=DECISION, method="Counts mapped shops and eating places by zone.",
       limits="As complete as the map.", risks="Where few shops are mapped, few are seen.", tests=TESTS)  # fmt: skip
def zone_shops(zones: Zones, points_of_interest: PointsOfInterest) -> ZoneShops:
    """Shops and eating places in each zone.

    References
    ----------
    Own definition over the points of interest: shops and places that sell food.
    """
    shops = points_of_interest[points_of_interest["kind"].isin(SHOP_KINDS)]
    if shops.empty:
        raise NotComputableError("mapped shops")
    points, areas = (table[["geometry"]].reset_index(drop=True) for table in (shops, zones))
    inside = gpd.sjoin(points, areas, predicate="within")["index_right"]
    return np.bincount(inside, minlength=len(zones)).astype(float)


@model(version="2", decision=DECISION, method="Area of parks, woods and gardens within each zone.",
       limits="Areas without public access are not told apart.", risks="A large park counts where it lies, not at its "
       "gates.", tests=TESTS)  # fmt: skip
def zone_green(zones: Zones, land_use: LandUse) -> ZoneGreen:
    """Public green in each zone.

    References
    ----------
    OpenStreetMap, tags leisure=park, garden, nature_reserve; landuse=forest, recreation_ground, village_green;
    natural=wood, heath.
    """
    green = land_use[land_use["use"].isin(GREEN_USES)]
    if green.empty:
        raise NotComputableError("mapped parks or woods")
    return np.asarray(zones.geometry.intersection(green.geometry.union_all()).area, dtype=float)


def _declare_services() -> None:
    """One word a service and time: the same function, eleven times."""
    for minutes in SERVICE_MINUTES:
        for service, unit in (("schools", "schools"), ("health_care", "health-care sites")):
            _declare_counted(service, unit, minutes)
        for service, says in (("shops", "Shops"), ("green", "Public green")):
            _declare_made(service, says, minutes)


def _annotated(service: str, minutes: int) -> Any:
    return getattr(words, "".join(part.title() for part in service.split("_")) + f"Within{minutes}Min")


_REFERENCES = (
    "\n\nReferences\n----------\nGeurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and "
    "transport strategies. Journal of Transport Geography, 12(2).\n"
)


def _declare_counted(service: str, says: str, minutes: int) -> None:
    def within(mean_travel_time: MeanTravelTime, zones: Zones) -> Any:
        count = zones[service]
        if not count.notna().any():
            raise NotComputableError(f"counted {service.replace('_', ' ')} in its zones")
        return _reached(mean_travel_time, np.nan_to_num(count.to_numpy(dtype=float)), minutes)

    says = f"{says[0].upper()}{says[1:]} in reach of each zone within {minutes} minutes door to door."
    _declare(within, service, minutes, says)


def _declare_made(service: str, says: str, minutes: int) -> None:
    def within(mean_travel_time: MeanTravelTime, **made: NDArray[np.float64]) -> Any:
        return _reached(mean_travel_time, made[f"zone_{service}"], minutes)

    says = f"{says} in reach of each zone within {minutes} minutes door to door."
    _declare(within, service, minutes, says, inputs=("mean_travel_time", f"zone_{service}"))


def _declare(function: Any, service: str, minutes: int, says: str, **more: Any) -> None:
    function.__doc__ = says + _REFERENCES
    function.__annotations__["return"] = _annotated(service, minutes)
    model(version="3", decision=DECISION, method=f"Sums over zones within {minutes} minutes on average.", limits=LIMITS,
          risks=RISKS, tests=TESTS, name=f"{service}_within_{minutes}_min", **more)(function)  # fmt: skip


def _reached(times: NDArray[np.float32], amount: NDArray[np.float64], minutes: int) -> NDArray[np.float64]:
    return np.asarray((times <= minutes * 60).astype(float) @ amount)


_declare_services()


@model(version="2", decision="Telling where everyday life is possible on foot, and where what is missing.",
       method="Counts the kinds of service (school, health care, shop, green of some size) that a zone within the walk "
       "holds; only walking on streets counts.",
       limits="From the middle of a zone to the middle of another; opening hours and quality are not known.",
       risks="One clinic counts as health care for any number of residents.", tests=TESTS)  # fmt: skip
def basic_services_nearby(
    transit_walks: TransitWalks,
    zones: Zones,
    zone_shops: ZoneShops,
    zone_green: ZoneGreen,
    walking_speed: float,
    service_walk_time: float,
    least_green: float,
) -> BasicServicesNearby:
    """Of school, health care, shop and green, how many kinds are within a short walk of each zone.

    References
    ----------
    Moreno, C., Allam, Z., Chabaud, D., Gall, C., and Pratlong, F. (2021). Introducing the "15-minute city":
    sustainability, resilience and place identity in future post-pandemic cities. Smart Cities, 4(1).
    """
    walk = in_seconds(transit_walks.direct, walking_speed)
    origin = np.repeat(np.arange(len(zones)), np.diff(walk.start))
    near = walk.seconds <= service_walk_time * 60
    found = np.zeros(len(zones))
    for amount, least in _offers(zones, zone_shops, zone_green, least_green):
        there = np.bincount(origin[near], weights=amount[walk.target[near]], minlength=len(zones))
        found += there >= least
    return found


def _offers(
    zones: Any, shops: NDArray[np.float64], green: NDArray[np.float64], least_green: float
) -> list[tuple[NDArray[np.float64], float]]:
    counted = []
    for service in ("schools", "health_care"):
        if not zones[service].notna().any():
            raise NotComputableError(f"counted {service.replace('_', ' ')} in its zones")
        counted.append((np.nan_to_num(zones[service].to_numpy(dtype=float)), 1.0))
    return [*counted, (shops, 1.0), (green, least_green)]


@model(version="2", decision="Telling where everyday life is possible on foot, and where what is missing.",
       method="Residents of zones with all four kinds of service, over all residents.",
       limits="As basic_services_nearby.", risks="A share hides who lacks what; read the map.",
       tests=TESTS)  # fmt: skip
def fifteen_minute_city_share(
    basic_services_nearby: BasicServicesNearby, zone_population: ZonePopulation
) -> FifteenMinuteCityShare:
    """Share of residents with school, health care, shop and green within a short walk.

    References
    ----------
    Moreno, C., Allam, Z., Chabaud, D., Gall, C., and Pratlong, F. (2021). Introducing the "15-minute city":
    sustainability, resilience and place identity in future post-pandemic cities. Smart Cities, 4(1).
    """
    return resident_mean((basic_services_nearby >= 4).astype(float), zone_population)
