"""A timetable for mapped transit lines: stops and order as mapped, headways and speeds assumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.timetable import Timetable as TimetableValue
from synapolis.layers.vocabulary import Timetable, TransitLines, TransitLineStops

SERVICE_DAY = "2019-05-13"
"""A Monday: the one day on which assumed services run. Any working day would do; a fixed one keeps answers equal."""
SERVICE_ID = "assumed:working-day"
FIRST_DEPARTURE, LAST_DEPARTURE = 5 * 3600, 24 * 3600  # s after midnight


@model(
    version="1",
    decision="Transit access where the lines are mapped but no timetable exists.",
    method="For each line and direction the mapped variant with most stops runs at an assumed headway of its mode "
    "from 5:00 to 24:00; times between stops from distance, an assumed detour and speed, and a dwell at each stop. A "
    "line mapped in one direction runs back the same way.",
    limits="Headways, speeds and hours are assumed, transfers are not coordinated; only stops inside the data are "
    "served, so trips end at the extent's border. Short variants of a line are left out.",
    risks="A line that runs once an hour is shown as frequent: vary the headway before comparing lines.",
    tests="tests/models/test_derive_lines.py",
    origin="assumed",
    rank=1,
)
def timetable_from_lines(
    transit_lines: TransitLines,
    transit_line_stops: TransitLineStops,
    tram_headway: float,
    bus_headway: float,
    rail_headway: float,
    subway_headway: float,
    ferry_headway: float,
    tram_speed: float,
    bus_speed: float,
    rail_speed: float,
    subway_speed: float,
    ferry_speed: float,
    stop_dwell: float,
    line_detour: float,
) -> Timetable:
    """Make a timetable of regular headways for mapped lines.

    Parameters
    ----------
    transit_lines : GeoDataFrame with route_name, mode
    transit_line_stops : GeoDataFrame with line, sequence, stop, name
    *_headway, stop_dwell : s
    *_speed : m/s

    Returns
    -------
    Timetable
        One trip for each line and direction, repeated by `frequencies` on `SERVICE_DAY`.

    Raises
    ------
    NotComputableError
        No mapped line has two stops.

    References
    ----------
    OpenStreetMap public transport schema (route relations and their stops, in order).
    """
    headway = {
        "tram": tram_headway,
        "bus": bus_headway,
        "rail": rail_headway,
        "subway": subway_headway,
        "ferry": ferry_headway,
    }
    speed = {"tram": tram_speed, "bus": bus_speed, "rail": rail_speed, "subway": subway_speed, "ferry": ferry_speed}
    trips, times, frequencies = [], [], []
    for name, mode, direction, calls in _directions(transit_lines, transit_line_stops):
        if mode not in headway:
            continue
        route = f"{mode}:{name}"
        trip = f"{route}:{direction}"
        trips.append((trip, route, name, mode, SERVICE_ID, direction))
        arrival, departure = _clock(calls.xy, speed[mode] / line_detour, stop_dwell)
        times += [
            (trip, i, stop, int(a), int(d))
            for i, (stop, a, d) in enumerate(zip(calls.stops, arrival, departure, strict=True))
        ]
        frequencies.append((trip, FIRST_DEPARTURE, LAST_DEPARTURE, max(1, round(headway[mode])), False))
    if not trips:
        raise NotComputableError("a timetable needs mapped transit lines with at least two stops each; none has two")
    return _timetable(transit_line_stops, trips, times, frequencies)


class _Variant(NamedTuple):
    """One mapped run of a line: its relation, the ids of its stops in order, and where they are (stop, 2)."""

    line: str
    stops: tuple[str, ...]
    xy: NDArray[np.float64]


def _variants(stops: gpd.GeoDataFrame) -> dict[str, _Variant]:
    """Variants by line id; a stop that follows itself (mapped as platform and as position) counts once."""
    order = stops.sort_values(["line", "sequence"], kind="stable")
    line, stop = order["line"].to_numpy(dtype=object), order["stop"].to_numpy(dtype=object)
    xy = shapely.get_coordinates(order.geometry.to_numpy())
    new = np.ones(len(line), dtype=bool)
    new[1:] = (line[1:] != line[:-1]) | (stop[1:] != stop[:-1])
    line, stop, xy = line[new], stop[new], xy[new]
    starts = np.flatnonzero(np.r_[True, line[1:] != line[:-1]][: len(line)])
    return {
        str(line[i]): _Variant(str(line[i]), tuple(stop[i:j]), xy[i:j])
        for i, j in zip(starts, [*starts[1:], len(line)], strict=True)
    }


def _directions(lines: gpd.GeoDataFrame, stops: gpd.GeoDataFrame) -> Iterator[tuple[str, str, int, _Variant]]:
    """Route name, mode, direction and longest variant of each line."""
    variants = _variants(stops)
    groups: dict[tuple[str, str], list[_Variant]] = {}
    for line, mode, name in zip(lines.index, lines["mode"], lines["route_name"], strict=True):
        if name and len(variants[line].stops if line in variants else ()) >= 2:
            groups.setdefault((str(mode), str(name)), []).append(variants[line])
    for (mode, name), group in sorted(groups.items()):
        forward, *others = sorted(group, key=lambda v: (-len(v.stops), v.line))
        mirrored = _Variant(forward.line, forward.stops[::-1], forward.xy[::-1])
        yield name, mode, 0, forward
        yield name, mode, 1, next((v for v in others if _opposite(forward, v)), mirrored)


def _opposite(one: _Variant, other: _Variant) -> bool:
    """Whether two variants run in opposite directions, by the way from first to last stop."""
    return bool(np.dot(one.xy[-1] - one.xy[0], other.xy[-1] - other.xy[0]) < 0)


def _clock(xy: NDArray[np.float64], speed: float, dwell: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Arrival and departure at each stop (stop, 2) [s after the first departure]; a second or more between stops."""
    legs = np.maximum(1.0, np.hypot(*np.diff(xy, axis=0).T) / speed)
    stands = np.full(len(xy), dwell)
    stands[[0, -1]] = 0.0
    arrival = np.concatenate([[0.0], np.cumsum(legs + stands[:-1])])
    return np.round(arrival).astype(np.int64), np.round(arrival + stands).astype(np.int64)


def _timetable(stops: gpd.GeoDataFrame, trips: list[Any], times: list[Any], frequencies: list[Any]) -> TimetableValue:
    stop_times = pd.DataFrame(times, columns=["trip_id", "sequence", "stop_id", "arrival", "departure"])
    served = stops.drop_duplicates("stop").set_index("stop").loc[list(dict.fromkeys(stop_times["stop_id"]))]
    columns = ["trip_id", "route_id", "route_name", "mode", "service_id", "direction"]
    return TimetableValue.from_tables(
        {
            "stops": served[["name", "geometry"]],
            "trips": pd.DataFrame(trips, columns=columns).set_index("trip_id"),
            "stop_times": stop_times,
            "frequencies": pd.DataFrame(frequencies, columns=["trip_id", "start", "end", "headway", "exact"]),
            "services": pd.DataFrame({"service_id": [SERVICE_ID], "date": [SERVICE_DAY]}),
        }
    )
