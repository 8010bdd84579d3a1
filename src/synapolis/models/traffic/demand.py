"""Travel demand: trips by purpose, destination and mode at the times that traffic takes, until both stand still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import declare_fixed_point, model
from synapolis.core.errors import ModelError
from synapolis.layers.vocabulary import (
    CarReachable,
    CarTime,
    CarTrips,
    CountFactors,
    DemandBalance,
    DemandReport,
    HomeModeTrips,
    RoadNetwork,
    Streets,
    TrafficCounts,
    TransitTrips,
    TravelChoices,
    TravelEase,
    TripEnds,
    TripsByMode,
)
from synapolis.models.traffic.assignment import Assigned
from synapolis.models.traffic.calibration import counted_links, fitted_factors
from synapolis.models.traffic.distribution import DESTINATION, distance_utility, distribute
from synapolis.models.traffic.mode_choice import (
    ACTIVE,
    BICYCLE,
    CAR,
    DECISION,
    MODES,
    RISKS,
    TESTS,
    TRANSIT,
    Choices,
    nested_logit,
)
from synapolis.models.traffic.roads import CityRoads
from synapolis.models.traffic.trip_generation import PURPOSES, Ends

Floats = NDArray[np.float64]

# Morning peak by purpose: its share of the purpose's day over that of all trips, and the share on the way out.
# Assumed: usual in travel surveys. The first is scaled so that all trips together have `peak_hour_share`.
PEAK: dict[str, tuple[float, float]] = {
    "work": (1.8, 0.95),
    "school": (2.2, 0.97),
    "shopping": (0.4, 0.7),
    "other": (0.6, 0.6),
}


ONLY_TODAY = ("streets", "assignment_gap", "count_factor_limit", "traffic_counts")  # what calibration alone takes


class Demand(NamedTuple):
    """Trips by mode and purpose at the times that traffic takes."""

    car_trips: CarTrips
    transit_trips: TransitTrips
    trips_by_mode: TripsByMode
    home_mode_trips: HomeModeTrips
    travel_ease: TravelEase
    demand_balance: DemandBalance
    demand_report: DemandReport
    count_factors: CountFactors


def demand_from(before: Mapping[str, Any], _: Mapping[str, Any], inputs: Mapping[str, Any]) -> Demand:
    """Balance trip tables from earlier factors, to the same tolerance; what counts changed today stays changed."""
    inputs = {name: value for name, value in inputs.items() if name not in ONLY_TODAY}
    return _demand(**inputs, start=before.get("demand_balance"), factors=before.get("count_factors"))


@model(
    version="1",
    decision=DECISION,
    method="For each purpose a doubly constrained distribution of residents' trips, by income and car at hand, over "
    "the logsum of a logit model of modes and published terms of distance; repeated with congested car times until "
    "both stand still. Traffic enters at gateways at an assumed volume a lane, in all no more than a share of "
    "residents and jobs; part of it passes through.",
    limits="Trips a day are fixed by residents: where and how they go changes, not whether. One peak hour stands for "
    "the day's times. Gateway volumes are assumed where nothing was counted, and do not react; traffic of a gateway "
    "that an edit closes is left out, not sent elsewhere.",
    risks=RISKS,
    tests=TESTS,
    update=demand_from,
    optional=("traffic_counts",),
)
def travel_demand(
    trip_ends: TripEnds,
    travel_choices: TravelChoices,
    car_time: CarTime,
    car_reachable: CarReachable,
    road_network: RoadNetwork,
    distance_sensitivity: float,
    persons_per_car: float,
    peak_hour_share: float,
    outbound_share_in_peak: float,
    through_share: float,
    gateway_volume_per_lane: float,
    gateway_volume_per_activity: float,
    streets: Streets,
    assignment_gap: float,
    count_factor_limit: float,
    traffic_counts: TrafficCounts | None = None,
) -> Demand:
    """Trips by car, transit, bicycle and foot between zones, at congested times.

    References
    ----------
    Wilson, A. G. (1967). A statistical theory of spatial distribution models. Transportation Research, 1(3).
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. Frontiers in Econometrics.
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 5, 6 and 11. Wiley.
    """

    def at(time: Floats, factors: Floats | None = None) -> Demand:
        return _demand(
            trip_ends, travel_choices, time, car_reachable, road_network, distance_sensitivity, persons_per_car,
            peak_hour_share, outbound_share_in_peak, through_share, gateway_volume_per_lane,
            gateway_volume_per_activity, factors=factors,
        )  # fmt: skip

    if traffic_counts is None or not len(traffic_counts):
        return at(car_time)
    counted = counted_links(traffic_counts, streets, road_network)
    return at(
        car_time,
        fitted_factors(
            lambda time: at(time).car_trips,
            car_time,
            road_network,
            counted,
            gap=assignment_gap,
            most=count_factor_limit,
        ),
    )


def _demand(
    trip_ends: Ends,
    travel_choices: Choices,
    car_time: Floats,
    car_reachable: NDArray[np.bool_],
    road_network: CityRoads,
    distance_sensitivity: float,
    persons_per_car: float,
    peak_hour_share: float,
    outbound_share_in_peak: float,
    through_share: float,
    gateway_volume_per_lane: float,
    gateway_volume_per_activity: float,
    start: Any = None,
    factors: Any = None,
) -> Demand:
    count = road_network.group_count
    if travel_choices.distance.shape != (count, count):
        raise ModelError(
            f"travel choices join {len(travel_choices.distance)} groups of zones but the road network {count}; "
            "please report it with the scenario"
        )
    minutes = car_minutes(car_time[:count, :count], travel_choices.inside_car_time)
    shares, logsum = choose(trip_ends, travel_choices, minutes, car_reachable[:count, :count])
    spread = spread_trips(trip_ends, travel_choices.distance, shares, logsum, distance_sensitivity, start)
    peak = peak_trips(spread.daily, trip_ends, peak_hour_share)
    trips = np.zeros((count + len(road_network.gateway_lanes),) * 2)
    trips[:count, :count] = peak[:, CAR].sum(axis=0) / persons_per_car
    attraction = trip_ends.attraction.sum(axis=0)
    lanes = float(road_network.gateway_lanes.sum())
    most = gateway_volume_per_activity * trip_ends.activity / lanes if lanes > 0 else 0.0
    volume = min(gateway_volume_per_lane, most)
    add_gateways(trips, road_network, attraction, volume, through_share, outbound_share_in_peak)
    if factors is not None and np.shape(factors) == trips.shape:
        trips *= factors
    taken = np.concatenate([minutes[None], travel_choices.minutes[1:]])
    ease = spread.ease / -(travel_choices.car_time_utility)
    return Demand(
        car_trips=trips,
        transit_trips=peak[:, TRANSIT].sum(axis=0),
        trips_by_mode=mode_table(spread.daily, peak, travel_choices.distance, taken),
        home_mode_trips=spread.daily.sum(axis=(0, 3))[:, trip_ends.zone_group],
        travel_ease=ease[trip_ends.zone_group],
        demand_balance=spread.factors,
        count_factors=np.ones(0) if factors is None else factors,
        demand_report=_report(spread, (*trip_ends.notes, *travel_choices.notes)),
    )


def _report(spread: Spread, notes: tuple[str, ...]) -> pd.DataFrame:
    """What was balanced, what could not be served, and what was taken for lack of data."""
    figures = {
        "trips a day": float(spread.daily.sum()),
        "trips a day that no mode serves": spread.unserved,
        "largest misfit of a trip end": spread.misfit,
    } | dict.fromkeys(notes, np.nan)
    return pd.DataFrame({"figure": list(figures), "value": list(figures.values())})


class Spread(NamedTuple):
    """Trips from home to activity, all of a day."""

    daily: Floats  # (purpose, mode, group, group) [1/d]
    ease: Floats  # (group,) utility of the choices that residents have
    factors: Floats  # (purpose, group)
    unserved: float  # [1/d]
    misfit: float


def car_minutes(car_time: Floats, inside: Floats) -> Floats:
    """Minutes in the car between groups, with the time within a zone on the diagonal. (group, group)."""
    time = car_time / 60.0
    np.fill_diagonal(time, inside / 60.0)
    return time


def choose(
    ends: Ends, choices: Choices, car_minutes_between: Floats, reachable: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Shares of modes and logsum for every segment.

    Parameters
    ----------
    ends : Ends
    choices : Choices
    car_minutes_between : (group, group) [min]
    reachable : (group, group)
        Pairs that cars can drive; within a zone they always can.

    Returns
    -------
    shares : (segment, mode, group, group)
    logsum : (segment, group, group)
    """
    base = choices.utility.copy()
    base[CAR] += choices.car_time_utility * 60.0 * car_minutes_between
    base[CAR][~(reachable | np.eye(len(base[CAR]), dtype=bool))] = -np.inf
    dear = ends.income**choices.cost_income_exponent  # (segment,)
    utility = base + dear[:, None, None, None] * choices.cost_utility
    utility[~ends.has_car, CAR] = -np.inf
    utility[~ends.has_bicycle, BICYCLE] = -np.inf
    shares, logsum = nested_logit(np.moveaxis(utility, 1, 0), nest=ACTIVE, coefficient=choices.nest)
    return np.moveaxis(shares, 0, 1), logsum


def spread_trips(
    ends: Ends, distance: Floats, shares: Floats, logsum: Floats, sensitivity: float, start: Any = None
) -> Spread:
    """Distribute every purpose over destinations and modes.

    Parameters
    ----------
    ends : Ends
    distance : (group, group) [m]
    shares : (segment, mode, group, group)
    logsum : (segment, group, group)
    sensitivity : float
        Scale of the terms of distance.
    start : (purpose, group), optional
        Column factors of a like run.
    """
    count = len(distance)
    daily = np.zeros((len(PURPOSES), len(MODES), count, count))
    factors = np.ones((len(PURPOSES), count))
    ease = np.zeros(count)
    unserved, misfit = 0.0, 0.0
    warm = start if start is not None and np.shape(start) == factors.shape else [None] * len(PURPOSES)
    weights = ends.production / np.maximum(ends.production.sum(axis=(0, 1)), 1e-300)
    usual = ends.production.sum(axis=2) / ends.production.sum()
    weights = np.where(ends.production.sum(axis=(0, 1)) > 0, weights, usual[:, :, None])
    for row, purpose in enumerate(PURPOSES):
        scale = DESTINATION[purpose][0]
        far = sensitivity * distance_utility(purpose, np.where(np.isfinite(distance), distance, 0.0))
        utility = scale * logsum + far
        most = utility.max(axis=2, keepdims=True)
        most = np.where(np.isfinite(most), most, 0.0)
        willing = np.exp(utility - most)
        found = distribute(ends.production[row], ends.attraction[row], willing, start=warm[row])
        daily[row] = np.einsum("sij,smij->mij", found.trips, shares)
        factors[row] = found.column_factor
        drawn = ends.attraction[row] / max(ends.attraction[row].sum(), 1e-300)
        with np.errstate(divide="ignore"):
            reach = (np.log(willing @ drawn) + most[:, :, 0]) / scale  # (segment, group)
        ease += np.where(weights[row] > 0, weights[row] * reach, 0.0).sum(axis=0)
        unserved, misfit = unserved + found.unserved, max(misfit, found.error)
    return Spread(daily, ease, factors, unserved, misfit)


def peak_trips(daily: Floats, ends: Ends, peak_hour_share: float) -> Floats:
    """Trips in the peak hour from origin to destination. (purpose, mode, group, group) [1/h]."""
    crowd, out = np.array([PEAK[purpose] for purpose in PURPOSES]).T
    made = ends.production.sum(axis=(1, 2))
    hour = peak_hour_share * crowd * made.sum() / (crowd @ made)
    there = (hour * out)[:, None, None, None] * daily
    back = (hour * (1 - out))[:, None, None, None] * np.swapaxes(daily, 2, 3)
    return np.asarray(there + back)


def add_gateways(
    trips: Floats, roads: CityRoads, attraction: Floats, volume: float, through_share: float, inbound_share: float
) -> None:
    """Add traffic that enters, leaves or passes through; in the morning more comes in than goes out.

    Parameters
    ----------
    trips : (group + gateway, group + gateway) [veh/h]
        Filled in place.
    roads : CityRoads
    attraction : (group,)
        What draws the traffic that stops in the city.
    volume : float [veh/h]
        Of each lane that leads in.
    through_share, inbound_share : float [1]
    """
    count = roads.group_count
    enter, leave = volume * roads.gateway_lanes, volume * roads.gateway_out
    pull = attraction / attraction.sum()
    outbound = (1 - inbound_share) / inbound_share
    trips[count:, :count] = (1 - through_share) * enter[:, None] * pull[None, :]
    trips[:count, count:] = (1 - through_share) * outbound * pull[:, None] * leave[None, :]
    across = through_share * enter[:, None] * leave[None, :]
    np.fill_diagonal(across, 0.0)
    total = across.sum(axis=1, keepdims=True)
    wanted = through_share * enter[:, None]
    trips[count:, count:] = np.divide(across * wanted, total, out=np.zeros_like(across), where=total > 0)


def mode_table(daily: Floats, peak: Floats, distance: Floats, minutes: Floats) -> pd.DataFrame:
    """Trips by purpose and mode: a day, in the peak hour, mean length and mean time.

    Parameters
    ----------
    daily, peak : (purpose, mode, group, group)
    distance : (group, group) [m]
    minutes : (mode, group, group) [min]
    """
    far = np.where(np.isfinite(distance), distance, 0.0)
    long = np.where(np.isfinite(minutes), minutes, 0.0)
    trips = daily.sum(axis=(2, 3))
    some = np.maximum(trips, 1e-300)
    return pd.DataFrame(
        {
            "purpose": np.repeat(PURPOSES, len(MODES)),
            "mode": np.tile(MODES, len(PURPOSES)),
            "trips_per_day": trips.ravel(),
            "trips_in_peak_hour": peak.sum(axis=(2, 3)).ravel(),
            "mean_length": (np.einsum("pmij,ij->pm", daily, far) / some).ravel(),
            "mean_minutes": (np.einsum("pmij,mij->pm", daily, long) / some).ravel(),
        }
    )


declare_fixed_point(
    "car_time", start="free_flow_car_time", tolerance=0.002, max_iterations=16,
    carries=(*Demand._fields, *(word for word in Assigned._fields if word != "car_time")),
)  # fmt: skip
