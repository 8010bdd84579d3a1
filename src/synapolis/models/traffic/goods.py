"""Goods traffic: lorries and vans between places of work, shops and homes, a class of its own beside cars."""

from __future__ import annotations

import numpy as np

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import CarReachable, FreeFlowCarTime, GoodsTrips, RoadNetwork, ZoneJobs, ZonePopulation
from synapolis.models.traffic.distribution import distribute
from synapolis.models.traffic.mode_choice import DECISION, TESTS


@model(version="1", decision=DECISION,
       method="Stops of goods vehicles in proportion to jobs and residents, joined by a doubly constrained gravity "
       "model on times without traffic; at gateways a share of the traffic that enters.",
       limits="One kind of vehicle; stops a job and a resident are assumed, and what is delivered is not known.",
       risks="Where a port or a depot stands, far more lorries drive than its jobs tell.", tests=TESTS)  # fmt: skip
def goods_trips(
    zone_population: ZonePopulation,
    zone_jobs: ZoneJobs,
    road_network: RoadNetwork,
    free_flow_car_time: FreeFlowCarTime,
    car_reachable: CarReachable,
    goods_trips_per_job: float,
    goods_trips_per_person: float,
    goods_peak_share: float,
    goods_decay: float,
    goods_gateway_share: float,
    gateway_volume_per_lane: float,
    gateway_volume_per_activity: float,
) -> GoodsTrips:
    """Trips of goods vehicles between zones and gateways in the peak hour.

    References
    ----------
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 13. Wiley.
    """
    people, jobs = road_network.by_group(zone_population), road_network.by_group(zone_jobs)
    stops = goods_peak_share * (goods_trips_per_job * jobs + goods_trips_per_person * people)
    if not stops.sum() > 0:
        raise NotComputableError("jobs or residents")
    count, lanes = road_network.group_count, road_network.gateway_lanes
    near = np.exp(-goods_decay * free_flow_car_time[:count, :count] / 60)
    near *= car_reachable[:count, :count]
    np.fill_diagonal(near, 1.0)
    trips = np.zeros((count + len(lanes),) * 2)
    trips[:count, :count] = distribute(stops[None], stops, near[None]).trips[0]
    if lanes.sum() > 0:
        most = gateway_volume_per_activity * (people.sum() + jobs.sum()) / lanes.sum()
        volume = goods_gateway_share * min(gateway_volume_per_lane, most)
        pull = stops / stops.sum()
        trips[count:, :count] = volume * lanes[:, None] * pull
        trips[:count, count:] = volume * pull[:, None] * road_network.gateway_out
    return trips
