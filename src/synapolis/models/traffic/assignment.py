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
    GoodsTrips,
    LinkFlow,
    LinkGoodsFlow,
    LinkTimeRatio,
    MeanCarDelay,
    RoadNetwork,
    RouteSets,
    Streets,
    VehicleHours,
    VehicleKilometres,
)
from synapolis.models.traffic import network
from synapolis.models.traffic.classes import VehicleClass
from synapolis.models.traffic.continuing import Bushes, carried_by_name
from synapolis.models.traffic.equilibrium import Equilibrium, loaded, user_equilibrium
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
    link_goods_flow: LinkGoodsFlow
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
    return _assigned(**inputs, routes=before.get("route_sets"))


@model(
    version="2",
    decision=DECISION,
    method="Bush-based user equilibrium of cars and goods vehicles to a stated relative gap: no driver can save cost "
    "by another route. Goods vehicles count as several cars; where streets have tolls or bans for them they choose "
    "routes of their own, else they spread as the cars between the same places do.",
    limits="Static: no queues spilling back, one average hour; trips that no route serves are left out and reported.",
    risks=RISKS,
    tests=TESTS,
    optional=("goods_trips",),
    update=assignment_from,
)
def assignment(
    car_trips: CarTrips,
    road_network: RoadNetwork,
    streets: Streets,
    assignment_gap: float,
    goods_passenger_cars: float,
    car_value_of_time: float,
    goods_value_of_time: float,
    goods_trips: GoodsTrips | None = None,
) -> Assigned:
    """Cars and goods vehicles on each street, congested times, driving and delay in the peak hour.

    References
    ----------
    Wardrop, J. G. (1952). Some theoretical aspects of road traffic research. Proceedings of the Institution of Civil
    Engineers, 1(3).
    Beckmann, M., McGuire, C. B., and Winsten, C. B. (1956). Studies in the Economics of Transportation. Yale.
    """
    return _assigned(
        car_trips, road_network, streets, assignment_gap, goods_passenger_cars, car_value_of_time,
        goods_value_of_time, goods_trips,
    )  # fmt: skip


def _assigned(
    car_trips: NDArray[np.float64],
    road_network: CityRoads,
    streets: Any,
    assignment_gap: float,
    goods_passenger_cars: float,
    car_value_of_time: float,
    goods_value_of_time: float,
    goods_trips: NDArray[np.float64] | None = None,
    routes: Routes | None = None,
) -> Assigned:
    goods = np.zeros_like(car_trips) if goods_trips is None else goods_trips
    toll, allowed = street_rules(road_network, streets)
    cars = VehicleClass("car", toll=toll, value_of_time=car_value_of_time / 3600)
    lorries = VehicleClass("goods", goods_passenger_cars, toll, goods_value_of_time / 3600, allowed)
    apart = bool(goods.any() and (toll.any() or not allowed.all()))
    found = user_equilibrium(
        road_network.network,
        np.stack([car_trips, goods]) if apart else car_trips + goods_passenger_cars * goods,
        classes=(cars, lorries) if apart else (cars,),
        relative_gap=assignment_gap,
        drop_unreachable=True,
        start=_carried(routes, road_network, rows=(1 + apart) * len(car_trips)),
    )
    trips = np.stack([car_trips, goods])
    if apart:
        by_class = found.class_flow
    else:
        goods_flow = loaded(road_network.network, found.bushes.flow, goods)
        by_class = np.stack([np.maximum(found.link_flow - goods_passenger_cars * goods_flow, 0.0), goods_flow])
    return _told(found, by_class, road_network, trips, len(streets))


def _carried(routes: Routes | None, roads: CityRoads, *, rows: int) -> Bushes | None:
    """Earlier routes on the roads of now; None without any, or where classes were apart then or are now only."""
    if routes is None:
        return None
    was = (routes.network, routes.link_id, routes.node_id)
    start = carried_by_name(routes.bushes, was, (roads.network, roads.link_id, roads.node_id))
    return start if start is not None and len(start.demand) == rows else None


def street_rules(roads: CityRoads, streets: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Toll of each link, and whether goods vehicles may drive it; where the streets do not say: none, and yes."""
    toll, allowed = np.zeros(roads.network.link_count), np.ones(roads.network.link_count, dtype=np.bool_)
    real = roads.link_street >= 0
    if "toll" in streets:
        toll[real] = np.nan_to_num(streets["toll"].to_numpy(dtype=float))[roads.link_street[real]]
    if "goods" in streets:
        allowed[real] = (streets["goods"] != "no").to_numpy()[roads.link_street[real]]
    return toll, allowed


def _told(
    found: Equilibrium,
    by_class: NDArray[np.float64],
    roads: CityRoads,
    trips: NDArray[np.float64],
    street_count: int,
) -> Assigned:
    real = roads.link_street >= 0
    street = roads.link_street[real]
    cars, goods = by_class[:, real]
    time, free = found.link_time[real], roads.network.free_flow_time[real]

    def by_street(flow: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(street, weights=flow, minlength=street_count).astype(np.float64)

    slow = np.ones(street_count)
    np.maximum.at(slow, street, time / free)
    skim = np.broadcast_to(found.skim, trips.shape)
    driven = np.where(np.eye(len(skim[0]), dtype=np.bool_) | ~np.isfinite(skim), 0.0, trips)
    unserved = float(np.where(np.isfinite(skim), 0.0, trips).sum())
    drivers = float(driven[0].sum())
    report = pd.DataFrame(
        {
            "figure": ["relative gap", "iterations", "trips in the hour", "trips no route serves"],
            "value": [found.relative_gap, float(found.iterations), float(driven.sum()), unserved],
        }
    )
    return Assigned(
        car_time=_finite(skim[0]),
        link_flow=by_street(cars),
        link_goods_flow=by_street(goods),
        link_time_ratio=slow,
        vehicle_kilometres=float((cars + goods) @ roads.length[real] / 1000),
        vehicle_hours=float((cars + goods) @ time / 3600),
        mean_car_delay=float(cars @ (time - free) / drivers) if drivers > 0 else 0.0,
        assignment_report=report,
        route_sets=Routes(found.bushes, roads.network, roads.link_id, roads.node_id),
    )
