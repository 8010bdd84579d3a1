"""Mode choice: nested logit over car, transit, bicycle and foot, and what each mode takes and costs.

References
----------
McFadden, Conditional logit analysis of qualitative choice behavior (1974). Ben-Akiva and Lerman, Discrete Choice
Analysis, ch. 5 and 10 (1985).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from synapolis.core.declare import model
from synapolis.core.errors import ModelError
from synapolis.layers.vocabulary import (
    CarReachable,
    MeanTravelTime,
    RelativeFares,
    RoadNetwork,
    StreetDistance,
    TransitWalks,
    TravelChoices,
    TripEnds,
    WalkNetwork,
    ZoneJobs,
    ZonePopulation,
    Zones,
)
from synapolis.models.traffic.equilibrium import travel_times
from synapolis.models.traffic.roads import zone_groups
from synapolis.models.traffic.trip_generation import by_group

Floats = NDArray[np.float64]

MODES = ("car", "transit", "bicycle", "walk")
CAR, TRANSIT, BICYCLE, WALK = range(4)
ACTIVE = (BICYCLE, WALK)  # one nest
DISC_MEAN = 128 / (45 * np.pi)  # mean distance of two points of a disc over its radius
DETOUR = 1.3  # assumed: way on streets over the straight line, within a zone
INSIDE_CAR_SPEED = 5.5  # [m/s] assumed, 20 km/h: cars within a zone
SHORTEST_COST = 1000.0  # [m] an euro weighs no more on trips shorter than this
COST_REFERENCE = 40_000.0  # [m] of the cited cost terms
WORTH_BOARDING = 0.25  # assumed: transit is a full choice once it saves a quarter of the walk; less, in proportion
TOO_FAR = 2000.0  # [m] a middle of zones farther than this from every path is not joined to it

DECISION = "Comparing what transport and housing plans do to travel: how much, where to and by which mode."
TESTS = "tests/models/traffic/test_demand.py"
RISKS = "Coefficients of other cities: read changes, not levels, until a survey or counts are given."


class Choices(NamedTuple):
    """What each mode takes and costs between groups of zones, apart from the car's time.

    `utility` is minus infinity where a mode cannot be used; `cost_utility` is for the mean income.
    """

    utility: Floats  # (mode, group, group)
    cost_utility: Floats  # (mode, group, group)
    car_time_utility: float  # [1/s]
    inside_car_time: Floats  # (group,) [s]
    distance: Floats  # (group, group) [m]
    minutes: Floats  # (mode, group, group) [min], NaN for the car
    nest: float
    cost_income_exponent: float
    notes: tuple[str, ...]


def nested_logit(utility: ArrayLike, *, nest: tuple[int, ...] = (), coefficient: float = 1.0) -> tuple[Floats, Floats]:
    """Shares of modes and the logsum, one nest of modes being alike; with coefficient 1 the multinomial logit.

    Parameters
    ----------
    utility : (mode, ...)
        Minus infinity where a mode cannot be used.
    nest : indices of the modes of the nest
    coefficient : float
        In (0, 1]: utility of the nest is coefficient ln(sum exp(utility / coefficient)).

    Returns
    -------
    shares : (mode, ...)
        Sums to 1, or to 0 where no mode can be used.
    logsum : (...)
        Expected best utility; minus infinity where no mode can be used.

    Raises
    ------
    ModelError
        An undefined or infinitely good utility, or a coefficient outside (0, 1].
    """
    values = np.array(utility, dtype=np.float64)
    if np.isnan(values).any() or np.isposinf(values).any():
        raise ModelError("utility must be a number or minus infinity, got an undefined or infinite one")
    if not 0.0 < coefficient <= 1.0:
        raise ModelError(f"a nest's coefficient must lie in (0, 1], got {coefficient:g}; 1 is the multinomial logit")
    best = values.max(axis=0)
    usable = np.isfinite(best)
    values -= np.where(usable, best, 0.0)
    weight = np.exp(values)
    if nest and coefficient < 1.0:
        inside = np.exp(values[list(nest)] / coefficient)
        together = inside.sum(axis=0)
        # its weight together ** coefficient, split as inside / together
        spread = np.divide(together**coefficient, together, out=np.zeros_like(together), where=together > 0)
        weight[list(nest)] = inside * spread
    total = weight.sum(axis=0)
    shares = np.divide(weight, total, out=weight, where=total > 0)
    with np.errstate(divide="ignore"):
        return shares, np.where(usable, best + np.log(total), -np.inf)


@model(version="1", decision=DECISION, method="Shortest paths on walkable streets and paths between zones, mean of "
       "there and back; within a zone, the mean distance in a disc of its area times a detour of 1.3.",
       limits="Cyclists take the streets that walkers may; slopes count for them as for walkers.",
       risks="Paths missing from the map make detours that nobody takes.", tests=TESTS)  # fmt: skip
def street_distance(walk_network: WalkNetwork, zones: Zones) -> StreetDistance:
    """Shortest way on streets and paths between zones (or groups of them).

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(zones.geometry.to_numpy()))
    group = zone_groups(points)
    members = np.bincount(group)
    middle = np.column_stack([np.bincount(group, weights=axis) / members for axis in points.T])
    distance = _ways(walk_network, middle)
    radius = np.sqrt(by_group(shapely.area(zones.geometry.to_numpy()), group) / np.pi)
    np.fill_diagonal(distance, DISC_MEAN * DETOUR * radius)
    return distance


def _ways(network: Any, places: Floats) -> Floats:
    """Shortest ways between places, mean of there and back, over the network's main part; infinite where none."""
    count = len(network.nodes)
    length = np.maximum(network.length, 1e-3)
    order = np.lexsort((length, network.to_node, network.from_node))  # of parallel links, the shortest comes first
    tail, head, length = network.from_node[order], network.to_node[order], length[order]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    graph = coo_array((length[first], (tail[first], head[first])), shape=(count, count)).tocsr()
    _, part = connected_components(graph, directed=False)
    walked = np.flatnonzero(part == np.argmax(np.bincount(part)))
    away, near = cKDTree(network.nodes[walked]).query(places)
    node = walked[near]
    there = dijkstra(graph, indices=node)[:, node]
    apart = (there + there.T) / 2 + away[:, None] + away[None, :]
    apart[(away > TOO_FAR)[:, None] | (away > TOO_FAR)[None, :]] = np.inf
    return np.asarray(apart)


@model(version="1", decision=DECISION, method="Pairs of zones between which open streets lead.",
       limits="As the road network.", risks="A wrong one-way street cuts off a zone.", tests=TESTS)  # fmt: skip
def car_reachable(road_network: RoadNetwork) -> CarReachable:
    """Pairs of zones and gateways that open streets join.

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    return np.isfinite(travel_times(road_network.network, road_network.network.free_flow_time))


@model(
    version="1",
    decision=DECISION,
    method="Utility of time and money of each mode between zones, with the coefficients of a published logit model; "
    "transit by its door-to-door time, the walks to the nearest stops apart; bicycle and foot by the way on streets.",
    limits="Times of the morning peak stand for the day. Slopes count for cyclists as for walkers. Where the city has "
    "no timetable there is no transit, and the answer says so.",
    risks=RISKS,
    tests=TESTS,
    optional=("mean_travel_time", "transit_walks", "relative_fares"),
)
def travel_choices(
    street_distance: StreetDistance,
    trip_ends: TripEnds,
    zone_population: ZonePopulation,
    zone_jobs: ZoneJobs,
    walking_speed: float,
    cycling_speed: float,
    longest_trip: float,
    car_constant: float,
    transit_constant: float,
    bicycle_constant: float,
    walk_constant: float,
    car_time_utility: float,
    transit_ride_utility: float,
    transit_walk_utility: float,
    bicycle_time_utility: float,
    walk_time_utility: float,
    cost_utility: float,
    cost_distance_exponent: float,
    cost_income_exponent: float,
    car_cost_per_km: float,
    transit_fare: float,
    car_terminal_time: float,
    persons_per_car: float,
    active_nest: float,
    mean_travel_time: MeanTravelTime | None = None,
    transit_walks: TransitWalks | None = None,
    relative_fares: RelativeFares | None = None,
) -> TravelChoices:
    """What each mode takes and costs between zones, apart from the time that cars take.

    References
    ----------
    Hörl, S., and Balac, M. (2021). Synthetic population and travel demand for Paris and Île-de-France based on open
    and publicly available data. Transportation Research Part C, 130 (eqasim; coefficients read in eqasim-java).
    """
    distance = street_distance
    active = np.stack([distance / cycling_speed, distance / walking_speed]) / 60.0
    transit, walks, choice, notes = _transit(
        mean_travel_time, transit_walks, trip_ends.zone_group, zone_population, zone_jobs, walking_speed, longest_trip
    )
    with np.errstate(divide="ignore"):
        utility = np.stack([
            np.full(distance.shape, car_constant + car_time_utility * car_terminal_time),
            transit_constant + np.log(choice) + transit_walk_utility * walks + transit_ride_utility * (transit - walks),
            bicycle_constant + bicycle_time_utility * active[0],
            walk_constant + walk_time_utility * active[1],
        ])  # fmt: skip
    weight = cost_utility * (np.maximum(distance, SHORTEST_COST) / COST_REFERENCE) ** cost_distance_exponent
    weight = np.where(np.isfinite(distance), weight, 0.0)
    cost = np.zeros_like(utility)
    cost[CAR] = weight * np.where(np.isfinite(distance), distance, 0.0) * (car_cost_per_km / 1000 / persons_per_car)
    cost[TRANSIT] = weight * transit_fare * _paid(relative_fares, trip_ends.zone_group, zone_population, zone_jobs)
    minutes = np.concatenate([np.full((1, *distance.shape), np.nan), transit[None], active])
    return Choices(
        utility, cost, car_time_utility / 60, np.diag(distance) / INSIDE_CAR_SPEED, distance, minutes, active_nest,
        cost_income_exponent, notes,
    )  # fmt: skip


def _transit(
    time: Any, walks: Any, group: NDArray[np.int64], people: Floats, jobs: Floats, speed: float, longest: float
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """Transit between groups: door-to-door and walking minutes, and the share of pairs of zones that it serves."""
    count = int(group.max()) + 1
    if time is None or walks is None:
        none = np.zeros((count, count))
        return none, none, none, ("no timetable: transit is no choice",)
    ride = np.asarray(time, dtype=np.float64)
    on_foot = np.full(ride.shape, np.inf)
    rows = np.repeat(np.arange(len(walks.direct.start) - 1), np.diff(walks.direct.start))
    on_foot[rows, walks.direct.target] = walks.direct.seconds / speed
    with np.errstate(invalid="ignore"):
        saved = np.where(np.isfinite(on_foot), 1 - ride / np.maximum(on_foot, 1.0), 1.0)
    served = np.clip(saved / WORTH_BOARDING, 0.0, 1.0) * (ride < longest * 60 - 0.5)
    to_stop = _nearest(walks.access, len(group)) / speed
    from_stop = _nearest(_turned(walks.egress, len(group)), len(group)) / speed
    afoot = np.minimum(to_stop[:, None] + from_stop[None, :], ride)
    here, there = _weights(people, group), _weights(people + jobs, group)
    choice = here.T @ served @ there
    share = np.maximum(choice, 1e-300)
    minutes = (here.T @ (served * ride) @ there) / share / 60
    walked = (here.T @ (served * afoot) @ there) / share / 60
    np.fill_diagonal(choice, 0.0)  # within a zone nobody rides
    return minutes, walked, choice, ()


def _paid(fares: Floats | None, group: NDArray[np.int64], people: Floats, jobs: Floats) -> Floats:
    """Fares between groups, as a share of the mean fare before any edit; 1 where none are stated."""
    if fares is None:
        return np.ones(1)
    return np.asarray(_weights(people, group).T @ fares @ _weights(people + jobs, group))


def _weights(values: Floats, group: NDArray[np.int64]) -> Floats:
    """Share of each zone in its group; alike in a group that holds nothing. (zone, group)."""
    amount = values + 1e-9 * max(float(values.sum()), 1.0) / len(values)
    joins = np.zeros((len(group), int(group.max()) + 1))
    joins[np.arange(len(group)), group] = amount
    return np.asarray(joins / joins.sum(axis=0))


def _nearest(walks: Any, zone_count: int) -> Floats:
    """Least metres of each origin's walks; infinite where it has none. (origin,)."""
    least = np.full(zone_count, np.inf)
    np.minimum.at(least, np.repeat(np.arange(zone_count), np.diff(walks.start)), walks.seconds)
    return least


def _turned(walks: Any, zone_count: int) -> Any:
    """Walks from stops to zones as walks of the zones."""
    order = np.argsort(walks.target, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(walks.target, minlength=zone_count))])
    return walks._replace(start=start, seconds=walks.seconds[order])
