"""What traffic in equilibrium emits: carbon dioxide and nitrogen oxides by street, from speed and vehicle class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    Homes,
    LinkCarbonDioxide,
    LinkFlow,
    LinkGoodsFlow,
    LinkNitrogenOxides,
    LinkSpeed,
    LinkTimeRatio,
    Streets,
    TrafficCarbonDioxide,
    TrafficNitrogenOxides,
    TravelCostPerHousehold,
    VehicleKilometres,
)
from synapolis.models.traffic.roads import free_speeds

TESTS = "tests/models/test_traffic_effects.py"
RISKS = "Traffic is modelled, not counted: read changes, not levels, until counts are given."
WORKDAYS = 300.0
"""Days of full traffic in a year: working days, and weekends at about half; assumed."""

# HBEFA 3.1 continuous fits by Krajzewicz et al. (DLR), read in eclipse-sumo/sumo HelpersHBEFA3.cpp: emission in
# mg/s = (f0 + f3 v + f4 v² + f5 v³) / 3.6 at steady speed v [m/s]; rows f0, f3, f4, f5.
Fit = tuple[float, float, float, float]
CO2: dict[str, Fit] = {
    "car": (9034.0, -394.3, 25.71, 0.0),
    "van": (7192.0, -161.0, 23.33, 0.0),
    "lorry": (26570.0, 1753.0, 0.0, 0.0),
}
NOX: dict[str, Fit] = {
    "petrol": (4.020, -0.2860, 0.01257, 0.0),  # Euro 5
    "diesel": (46.010, -3.872, 0.1567, 0.0),  # Euro 5
    "van": (38.60, -3.414, 0.2026, 0.0),  # diesel, Euro 5
    "lorry": (305.6, 9.505, 0.0, 0.0),
}
SLOWEST = 5 / 3.6
"""Speed [m/s] below which the fits are held: the grams of a kilometre rise without bound at a standstill."""


def grams_per_km(fit: Fit, speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Emission at steady speed.

    Parameters
    ----------
    fit : f0, f3, f4, f5
    speed : (...) [m/s]

    Returns
    -------
    (...) [g/km]
    """
    v = np.maximum(speed, SLOWEST)
    f0, f3, f4, f5 = fit
    return np.asarray(np.maximum(f0 + v * (f3 + v * (f4 + v * f5)), 0.0) / 3.6 / v)


def day_speed(streets: Any, link_speed: NDArray[np.float64], congested_traffic_share: float) -> NDArray[np.float64]:
    """Mean speed of the vehicles of a whole day: some drive at the peak hour's speeds, the others freely.

    Parameters
    ----------
    streets : the layer
    link_speed : (link,) [m/s]
        In the peak hour.
    congested_traffic_share : float

    Returns
    -------
    (link,) [m/s]
    """
    peak = np.maximum(link_speed, SLOWEST)
    return np.asarray(1 / (congested_traffic_share / peak + (1 - congested_traffic_share) / free_speeds(streets)))


@model(
    version="1",
    decision="Seeing where traffic crawls, and what that emits, sounds like and risks.",
    method="The speed of the empty street over the ratio of congested to free time.",
    limits="A mean over the street: stops and starts within it are not seen.",
    risks=RISKS,
    tests=TESTS,
)
def link_speed(streets: Streets, link_time_ratio: LinkTimeRatio) -> LinkSpeed:
    """Mean speed of cars on each street in the peak hour.

    References
    ----------
    A definition over the assignment's travel times.
    """
    return np.asarray(free_speeds(streets) / np.maximum(link_time_ratio, 1.0))


class Emitted(NamedTuple):
    """Emissions by street and in all."""

    link_carbon_dioxide: LinkCarbonDioxide
    link_nitrogen_oxides: LinkNitrogenOxides
    traffic_carbon_dioxide: TrafficCarbonDioxide
    traffic_nitrogen_oxides: TrafficNitrogenOxides


@model(
    version="1",
    decision="Comparing what plans do to the climate and to the air along streets.",
    method="Grams of a kilometre by vehicle class and speed, times the vehicles and the length of each street. In "
    "a year a share of the traffic meets the peak hour's speeds, the rest flows freely.",
    limits="Steady speed: stop and go and cold starts add to it, gradients are not seen. A fleet of Euro 5: a newer or "
    "electric one emits less. Emission, not concentration: how air dilutes it is not modelled.",
    risks=RISKS,
    tests=TESTS,
)
def traffic_emissions(
    streets: Streets,
    link_flow: LinkFlow,
    link_goods_flow: LinkGoodsFlow,
    link_speed: LinkSpeed,
    diesel_share: float,
    electric_share: float,
    van_share: float,
    peak_hour_share: float,
    congested_traffic_share: float,
) -> Emitted:
    """Carbon dioxide and nitrogen oxides that traffic emits.

    References
    ----------
    HBEFA 3.1 fits by Krajzewicz et al. (DLR), read in the source of Eclipse SUMO (HelpersHBEFA3.cpp).
    """
    fleet = (link_flow * (1.0 - electric_share), link_goods_flow, diesel_share, van_share)
    co2, nox = _emitted(*fleet, link_speed)
    free = _emitted(*fleet, free_speeds(streets))
    kilometres = streets.geometry.length.to_numpy() / 1000 * WORKDAYS / peak_hour_share
    year = [
        float((congested_traffic_share * jammed + (1 - congested_traffic_share) * flowing) @ kilometres)
        for jammed, flowing in zip((co2, nox), free, strict=True)
    ]
    return Emitted(co2, nox, year[0] / 1e6, year[1] / 1e3)


def _emitted(
    burning: NDArray[np.float64],
    goods: NDArray[np.float64],
    diesel_share: float,
    van_share: float,
    speed: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Carbon dioxide and nitrogen oxides of cars that burn fuel and of goods vehicles [g/(km·h)]."""
    by_fuel = diesel_share * grams_per_km(NOX["diesel"], speed) + (1 - diesel_share) * grams_per_km(
        NOX["petrol"], speed
    )
    co2, nox = burning * grams_per_km(CO2["car"], speed), burning * by_fuel
    for kind, share in (("van", van_share), ("lorry", 1 - van_share)):
        co2 = co2 + goods * share * grams_per_km(CO2[kind], speed)
        nox = nox + goods * share * grams_per_km(NOX[kind], speed)
    return co2, nox


@model(
    version="1",
    decision="Seeing what getting about costs a household, beside its rent.",
    method="Kilometres driven within the city in a year times the cost of a kilometre, shared over all homes.",
    limits="Driving only, within the city's extent, peak hour scaled to a year; fares and parking are not counted.",
    risks="A mean: households without a car pay nothing of it.",
    tests=TESTS,
)
def travel_cost_per_household(
    vehicle_kilometres: VehicleKilometres, homes: Homes, car_cost_per_km: float, peak_hour_share: float
) -> TravelCostPerHousehold:
    """What the households of the city pay for driving in it.

    References
    ----------
    A definition; the cost of a kilometre is an assumption with its source.
    """
    if homes <= 0:
        raise NotComputableError("the city has no homes to share the cost of driving")
    a_year = vehicle_kilometres / peak_hour_share * WORKDAYS
    return float(a_year * car_cost_per_km / homes)
