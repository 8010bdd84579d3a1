"""Car trips in the peak hour and the equilibrium they settle into; trips and times feed back until they stand still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import declare_fixed_point, model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    AssignmentReport,
    CarTime,
    CarTrips,
    FreeFlowCarTime,
    LinkFlow,
    LinkTimeRatio,
    MeanCarDelay,
    RoadNetwork,
    RouteSets,
    Streets,
    VehicleHours,
    VehicleKilometres,
    ZoneJobs,
    ZonePopulation,
)
from synapolis.models.traffic.demand import (
    gravity_trips,
    origin_destination,
    trip_attraction,
    trip_production,
    vehicle_trips,
)
from synapolis.models.traffic.equilibrium import Bushes, Equilibrium, user_equilibrium
from synapolis.models.traffic.roads import CityRoads

DECISION = "Comparing what lanes, closures and new homes do to traffic."
TESTS = "tests/models/test_traffic_models.py"
RISKS = "Demand is modelled, not counted: read changes, not levels, until counts are given."


@model(version="1", decision=DECISION, method="Shortest times without any traffic.", limits="No signals or turns.",
       risks=RISKS, tests=TESTS)  # fmt: skip
def free_flow_car_time(road_network: RoadNetwork) -> FreeFlowCarTime:
    """Car travel time between zones and gateways on empty streets.

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    zones = len(road_network.network.zone_node)
    return _finite(user_equilibrium(road_network.network, np.zeros((zones, zones))).skim)


def _finite(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs that no route joins take twice the longest time: nobody is sent there, and averages stay numbers."""
    reached = times[np.isfinite(times)]
    return np.where(np.isfinite(times), times, 2 * reached.max() if reached.size else 0.0)


@model(
    version="1",
    decision=DECISION,
    method="Trips within the city by a doubly constrained gravity model on congested times and a fixed car share; "
    "traffic entering at gateways at an assumed volume a lane, part of it passing through, the rest going to jobs and "
    "homes.",
    limits="One car share for all: no mode choice. Gateway volumes are assumed where nothing was counted; traffic of a "
    "gateway that an edit closes is left out, not sent elsewhere.",
    risks=RISKS,
    tests=TESTS,
)
def car_trips(
    zone_population: ZonePopulation,
    zone_jobs: ZoneJobs,
    car_time: CarTime,
    road_network: RoadNetwork,
    trips_per_person: float,
    attraction_per_person: float,
    attraction_per_job: float,
    gravity_decay: float,
    car_share: float,
    persons_per_car: float,
    peak_hour_share: float,
    outbound_share_in_peak: float,
    through_share: float,
    gateway_volume_per_lane: float,
    intrazonal_time: float,
) -> CarTrips:
    """Car trips between zones and gateways in the peak hour.

    References
    ----------
    Wilson, A. G. (1967). A statistical theory of spatial distribution models. Transportation Research, 1(3).
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 5. Wiley.
    """
    count = road_network.group_count
    population, jobs = road_network.by_group(zone_population), road_network.by_group(zone_jobs)
    production = trip_production(population, trips_per_person=trips_per_person)
    if not production.sum() > 0:
        raise NotComputableError("residents")
    attraction = trip_attraction(
        population, jobs, weight_per_person=attraction_per_person, weight_per_job=attraction_per_job,
        total=float(production.sum()),
    )  # fmt: skip
    cost = car_time[:count, :count].copy()
    np.fill_diagonal(cost, intrazonal_time)
    person = origin_destination(
        gravity_trips(production, attraction, cost, decay=gravity_decay), outbound_share=outbound_share_in_peak
    )
    trips = np.zeros((count + len(road_network.gateway_lanes),) * 2)
    trips[:count, :count] = vehicle_trips(
        person, car_share=car_share, persons_per_car=persons_per_car, hour_share=peak_hour_share
    )
    _add_gateways(trips, road_network, attraction, gateway_volume_per_lane, through_share, outbound_share_in_peak)
    return trips


def _add_gateways(
    trips: NDArray[np.float64],
    roads: CityRoads,
    attraction: NDArray[np.float64],
    volume: float,
    through_share: float,
    inbound_share: float,
) -> None:
    """Add traffic that enters, leaves or passes through; in the morning more comes in than goes out."""
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


class Assigned(NamedTuple):
    """Traffic in equilibrium."""

    car_time: CarTime
    link_flow: LinkFlow
    link_time_ratio: LinkTimeRatio
    vehicle_kilometres: VehicleKilometres
    vehicle_hours: VehicleHours
    mean_car_delay: MeanCarDelay
    assignment_report: AssignmentReport
    route_sets: RouteSets


class Routes(NamedTuple):
    """Flow by origin and link, with the links it belongs to."""

    bushes: Bushes
    from_node: NDArray[np.int32]
    to_node: NDArray[np.int32]


def assignment_from(before: Mapping[str, Any], _: Mapping[str, Any], inputs: Mapping[str, Any]) -> Assigned:
    """Continue from an earlier equilibrium on the same links; the same gap holds as from a cold start."""
    routes: Routes | None = before.get("route_sets")
    network = inputs["road_network"].network
    same = (
        routes is not None
        and np.array_equal(routes.from_node, network.from_node)
        and np.array_equal(routes.to_node, network.to_node)
    )
    return _assigned(**inputs, start=routes.bushes if same and routes is not None else None)


@model(
    version="1",
    decision=DECISION,
    method="Bush-based user equilibrium to a stated relative gap: no driver can save time by another route.",
    limits="Static: no queues spilling back, one average hour; trips that no route serves are left out and reported.",
    risks=RISKS,
    tests=TESTS,
    update=assignment_from,
)
def assignment(car_trips: CarTrips, road_network: RoadNetwork, streets: Streets, assignment_gap: float) -> Assigned:
    """Cars on each street, congested times, driving and delay in the peak hour.

    References
    ----------
    Wardrop, J. G. (1952). Some theoretical aspects of road traffic research. Proceedings of the Institution of Civil
    Engineers, 1(3).
    Beckmann, M., McGuire, C. B., and Winsten, C. B. (1956). Studies in the Economics of Transportation. Yale.
    """
    return _assigned(car_trips, road_network, streets, assignment_gap)


def _assigned(
    car_trips: NDArray[np.float64],
    road_network: CityRoads,
    streets: Any,
    assignment_gap: float,
    start: Bushes | None = None,
) -> Assigned:
    found = user_equilibrium(
        road_network.network, car_trips, relative_gap=assignment_gap, drop_unreachable=True, start=start
    )
    return _told(found, road_network, car_trips, len(streets))


def _told(found: Equilibrium, roads: CityRoads, trips: NDArray[np.float64], street_count: int) -> Assigned:
    real = roads.link_street >= 0
    street = roads.link_street[real]
    flow, time, free = found.link_flow[real], found.link_time[real], roads.network.free_flow_time[real]
    per_street = np.bincount(street, weights=flow, minlength=street_count).astype(np.float64)
    slow = np.ones(street_count)
    np.maximum.at(slow, street, time / free)
    served = float(trips.sum() - np.trace(trips) - found.unserved)
    report = pd.DataFrame(
        {
            "figure": ["relative gap", "iterations", "trips in the hour", "trips no route serves"],
            "value": [found.relative_gap, float(found.iterations), served, found.unserved],
        }
    )
    return Assigned(
        car_time=_finite(found.skim),
        link_flow=per_street,
        link_time_ratio=slow,
        vehicle_kilometres=float(flow @ roads.length[real] / 1000),
        vehicle_hours=float(flow @ time / 3600),
        mean_car_delay=float(flow @ (time - free) / served) if served > 0 else 0.0,
        assignment_report=report,
        route_sets=Routes(found.bushes, roads.network.from_node, roads.network.to_node),
    )


CARRIED = (
    "car_trips", "link_flow", "link_time_ratio", "vehicle_kilometres", "vehicle_hours", "mean_car_delay",
    "assignment_report", "route_sets",
)  # fmt: skip

declare_fixed_point("car_time", start="free_flow_car_time", tolerance=0.02, max_iterations=12, carries=CARRIED)
