"""The equilibrium that car trips settle into: no driver can save time by another route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
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
)
from synapolis.models.traffic import network
from synapolis.models.traffic.continuing import Bushes, carried_by_name
from synapolis.models.traffic.equilibrium import Equilibrium, user_equilibrium
from synapolis.models.traffic.roads import CityRoads

DECISION = "Comparing what lanes, closures and new homes do to traffic."
TESTS = "tests/models/test_traffic_models.py"
RISKS = "Demand is modelled, not counted: read changes, not levels, until counts are given."


@model(version="2", decision=DECISION, method="Shortest times without any traffic.", limits="No signals or turns.",
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
    """Flow by origin and link, with the network it belongs to and the names of its links and nodes."""

    bushes: Bushes
    network: network.RoadNetwork
    link_id: NDArray[np.str_]
    node_id: NDArray[np.str_]


def assignment_from(before: Mapping[str, Any], _: Mapping[str, Any], inputs: Mapping[str, Any]) -> Assigned:
    """Continue from an earlier equilibrium; streets that are the same keep their cars, and the same gap holds."""
    routes: Routes | None = before.get("route_sets")
    roads = inputs["road_network"]
    start = None
    if routes is not None:
        was = (routes.network, routes.link_id, routes.node_id)
        start = carried_by_name(routes.bushes, was, (roads.network, roads.link_id, roads.node_id))
    return _assigned(**inputs, start=start)


@model(
    version="2",
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
        route_sets=Routes(found.bushes, roads.network, roads.link_id, roads.node_id),
    )
