"""Access: what people reach by transit and on foot, door to door, averaged over departures."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.timetable import Timetable as TimetableValue
from synapolis.layers.vocabulary import (
    CityMeanTimeToJobs,
    HealthCareWithin15Min,
    JobsWithin,
    JobsWithin5Min,
    JobsWithin10Min,
    JobsWithin15Min,
    JobsWithin30Min,
    JobsWithin45Min,
    Junctions,
    MeanJobsWithin5Min,
    MeanJobsWithin10Min,
    MeanJobsWithin15Min,
    MeanJobsWithin30Min,
    MeanJobsWithin45Min,
    MeanTimeToJobs,
    MeanTravelTime,
    SchoolsWithin15Min,
    Streets,
    Timetable,
    TransitStops,
    TransitWalks,
    WalkNetwork,
    ZoneJobs,
    ZonePopulation,
    Zones,
)
from synapolis.models.transit.connections import connections, footpaths
from synapolis.models.transit.scan import accessibility
from synapolis.models.transit.walk import Walks, attach, largest_part, point_to_point, walk_graph

THRESHOLDS = (5, 10, 15, 30, 45)  # [min]
METRES = 1.0  # [m/s]: with it, the walking kernels' seconds are metres
ATTACH_LIMIT = 400.0  # [m] from a door or stop to the street network; beyond it a place is unreachable on foot

DECISION = "Comparing what a transit or housing plan does to access, by neighbourhood."
TESTS = "tests/models/test_access.py"
LIMITS = "Walking ignores slopes, stairs and waits at crossings; vehicles keep the timetable and have room."
RISKS = "An average over residents hides those without access; read the map and the losers' table too."


class WalkLinks(NamedTuple):
    """Walkable links: junction numbers at both ends, length [m], and the junctions' coordinates [m]."""

    from_node: NDArray[np.int64]
    to_node: NDArray[np.int64]
    length: NDArray[np.float64]
    nodes: NDArray[np.float64]  # (node, 2)


@model(
    version="1",
    decision=DECISION,
    method="Keeps the street segments open to walkers, in both directions.",
    limits=LIMITS,
    risks="Paths missing from the map make detours that people do not walk.",
    tests=TESTS,
)
def walk_network(streets: Streets, junctions: Junctions) -> WalkNetwork:
    """Walkable links between junctions.

    References
    ----------
    Own definition over the streets layer.
    """
    walkable = streets[streets["walk"]]
    ends = [junctions.index.get_indexer(walkable[name]) for name in ("from_junction", "to_junction")]
    nodes = shapely.get_coordinates(junctions.geometry.to_numpy())
    return WalkLinks(ends[0].astype(np.int64), ends[1].astype(np.int64), walkable.geometry.length.to_numpy(), nodes)


@model(version="1", decision=DECISION, method="The stops of the timetable.", limits="As the timetable.",
       risks="A stop placed wrongly moves everybody who uses it.", tests=TESTS)  # fmt: skip
def transit_stops(timetable: Timetable) -> TransitStops:
    """Stops of the timetable, with their places.

    References
    ----------
    Own definition over the timetable layer.
    """
    return timetable.stops


class Distances(NamedTuple):
    """Walking distances in whole metres (rounded up)."""

    access: Walks
    egress: Walks
    between_stops: Walks
    direct: Walks


@model(version="1", decision=DECISION,
       method="Shortest paths on the walkable street network, from the middle of each zone.",
       limits=LIMITS + " Everyone in a zone starts from its middle.", risks=RISKS, tests=TESTS)  # fmt: skip
def transit_walks(
    walk_network: WalkNetwork, zones: Zones, transit_stops: TransitStops, stop_walk_limit: float, walk_limit: float
) -> TransitWalks:
    """Walking distances from zones to stops, between stops, and from zone to zone.

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    graph = walk_graph(
        walk_network.from_node, walk_network.to_node, walk_network.length, node_count=len(walk_network.nodes)
    )
    usable = largest_part(graph)

    def joined(points: Any) -> Any:
        places = shapely.get_coordinates(shapely.point_on_surface(points.geometry.to_numpy()))
        return attach(places, walk_network.nodes, speed=METRES, limit=ATTACH_LIMIT, usable=usable)

    doors, stops = joined(zones), joined(transit_stops)
    return Distances(
        access=point_to_point(graph, doors, stops, stop_walk_limit),
        egress=point_to_point(graph, stops, doors, stop_walk_limit),
        between_stops=point_to_point(graph, stops, stops, stop_walk_limit),
        direct=point_to_point(graph, doors, doors, walk_limit),
    )


class Reached(NamedTuple):
    """What is reached, and how long it takes."""

    jobs_within: JobsWithin
    mean_travel_time: MeanTravelTime


@model(version="1", decision=DECISION,
       method="Connection scan from every zone at departures spread evenly over the window, walking to, between and "
       "from stops.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def access(
    timetable: Timetable,
    transit_walks: TransitWalks,
    zone_jobs: ZoneJobs,
    walking_speed: float,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> Reached:
    """Jobs in reach of each zone by transit and on foot, and door-to-door times between zones.

    References
    ----------
    Dibbelt, J., Pajor, T., Strasser, B., and Wagner, D. (2018). Connection scan algorithm. ACM Journal of Experimental
    Algorithmics, 23.
    """
    start, end = departure_hour * 3600, departure_hour * 3600 + departure_window * 60
    departures = np.linspace(start, end, int(departure_count), endpoint=False).astype(int).tolist()
    _check_span(timetable, start, end)
    walks = [_seconds(walk, walking_speed) for walk in transit_walks]
    scanned = accessibility(
        connections(timetable, date=str(timetable.busiest_date), start=int(start), end=int(end + longest_trip * 60)),
        footpaths(timetable, walks[2]),
        walks[0],
        walks[1],
        walks[3],
        departures,
        int(longest_trip * 60),
        statistic="capped",
        thresholds=[minutes * 60 for minutes in THRESHOLDS],
        opportunities=zone_jobs,
    )
    return Reached(np.ascontiguousarray(scanned.opportunities.T), scanned.travel_time)


def _check_span(timetable: TimetableValue, start: float, end: float) -> None:
    span = timetable.time_span
    if span is None:
        raise NotComputableError("a timetable with trips")
    if span[0] > end or span[1] < start:
        raise ModelError(
            f"departures from {start / 3600:g} to {end / 3600:g} h lie outside the timetable, which runs from "
            f"{span[0] / 3600:.1f} to {span[1] / 3600:.1f} h; set the assumption departure_hour within it"
        )


def _seconds(walks: Walks, speed: float) -> Walks:
    """Turn metres into whole seconds, rounded up."""
    if not speed > 0:
        raise ModelError(f"walking_speed must be above 0 m/s, got {speed:g}")
    return walks._replace(seconds=np.ceil(walks.seconds / speed - 1e-6).astype(np.int32))


@model(version="1", decision=DECISION, method="Door-to-door times weighted by the jobs at the other end.",
       limits=LIMITS + " Jobs outside the city's data do not count.", risks=RISKS, tests=TESTS)  # fmt: skip
def mean_time_to_jobs(mean_travel_time: MeanTravelTime, zone_jobs: ZoneJobs) -> MeanTimeToJobs:
    """Mean door-to-door time from each zone to the city's jobs.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    total = zone_jobs.sum()
    if not total > 0:
        raise NotComputableError("jobs")
    return np.asarray(mean_travel_time.astype(float) @ zone_jobs / total)


@model(version="1", decision=DECISION, method="The zones' mean times weighted by residents.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def city_mean_time_to_jobs(mean_time_to_jobs: MeanTimeToJobs, zone_population: ZonePopulation) -> CityMeanTimeToJobs:
    """Mean door-to-door time from the average resident to the city's jobs.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return _resident_mean(mean_time_to_jobs, zone_population)


def _resident_mean(values: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    total = people.sum()
    if not total > 0:
        raise NotComputableError("residents")
    return float(values @ people / total)


def _services_within(mean_travel_time: NDArray[np.float32], count: Any, minutes: int) -> NDArray[np.float64]:
    if not count.notna().any():
        raise NotComputableError(f"counted {count.name.replace('_', ' ')} in its zones")
    return np.asarray((mean_travel_time <= minutes * 60).astype(float) @ np.nan_to_num(count.to_numpy(dtype=float)))


@model(version="1", decision=DECISION, method="Counts schools whose zone is within 15 minutes on average.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def schools_within_15_min(mean_travel_time: MeanTravelTime, zones: Zones) -> SchoolsWithin15Min:
    """Schools in reach of each zone within 15 minutes door to door.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return _services_within(mean_travel_time, zones["schools"], 15)


@model(version="1", decision=DECISION, method="Counts health-care sites whose zone is within 15 minutes on average.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def health_care_within_15_min(mean_travel_time: MeanTravelTime, zones: Zones) -> HealthCareWithin15Min:
    """Health-care sites in reach of each zone within 15 minutes door to door.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return _services_within(mean_travel_time, zones["health_care"], 15)


def _declare_thresholds() -> None:
    """One word a threshold, by zone and for the average resident: the same two functions, five times."""
    words = {
        5: (JobsWithin5Min, MeanJobsWithin5Min),
        10: (JobsWithin10Min, MeanJobsWithin10Min),
        15: (JobsWithin15Min, MeanJobsWithin15Min),
        30: (JobsWithin30Min, MeanJobsWithin30Min),
        45: (JobsWithin45Min, MeanJobsWithin45Min),
    }
    for row, minutes in enumerate(THRESHOLDS):
        _declare_threshold(row, minutes, *words[minutes])


def _declare_threshold(row: int, minutes: int, by_zone: Any, by_resident: Any) -> None:
    references = (
        "\n\nReferences\n----------\nGeurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and "
        "transport strategies. Journal of Transport Geography, 12(2).\n"
    )
    shared: dict[str, Any] = {"version": "1", "decision": DECISION, "limits": LIMITS, "risks": RISKS, "tests": TESTS}

    def zone(jobs_within: JobsWithin) -> Any:
        return jobs_within[row]

    zone.__doc__ = f"Jobs in reach of each zone within {minutes} minutes door to door.{references}"
    zone.__annotations__["return"] = by_zone
    model(**shared, method="The row of jobs_within at this threshold.", name=f"jobs_within_{minutes}_min")(zone)

    def resident(zone_population: ZonePopulation, **jobs: NDArray[np.float64]) -> Any:
        return _resident_mean(jobs[f"jobs_within_{minutes}_min"], zone_population)

    resident.__doc__ = f"Jobs within {minutes} minutes of the average resident.{references}"
    resident.__annotations__["return"] = by_resident
    model(**shared, method="Jobs in reach of each zone, weighted by residents.", name=f"mean_jobs_within_{minutes}_min",
          inputs=(f"jobs_within_{minutes}_min", "zone_population"))(resident)  # fmt: skip


_declare_thresholds()
