"""Transit lines as people see them: where they run, and how often in the morning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from synapolis.layers.city import City
from synapolis.layers.timetable import Timetable

COLOURS: Mapping[str, str] = {
    "tram": "#00785a", "bus": "#0063a0", "rail": "#8c4799", "subway": "#c24e00", "ferry": "#2b7c9e", "cable": "#7a5c00",
}  # fmt: skip
"""One a mode, after the palette of Okabe and Ito for colour-blind readers, dark enough for white letters."""
OTHER = "#5b5b5b"
MORNING = 7 * 3600, 9 * 3600
"""[s after midnight] when headways are told."""


@dataclass(frozen=True)
class LineOfCity:
    """A line: its public number, mode, name, headway in the morning [min] or None, and where it runs (city's CRS)."""

    route: str
    mode: str
    name: str
    colour: str
    headway_minutes: float | None
    geometry: Any


def lines_of(city: City, timetable: Timetable | None) -> tuple[LineOfCity, ...]:
    """Every line of a city once, by number and mode: as mapped where it is, else from stop to stop."""
    paths = _mapped(city)
    names = {key: name for key, (name, _) in paths.items()}
    headways: Mapping[tuple[str, str], float] = {}
    shapes = {key: shape for key, (_, shape) in paths.items()}
    if timetable is not None:
        headways = morning_headways(timetable)
        shapes = _from_stops(timetable) | shapes
    found = [
        LineOfCity(
            route, mode, names.get((route, mode), ""), COLOURS.get(mode, OTHER), headways.get((route, mode)), shape
        )
        for (route, mode), shape in shapes.items()
    ]
    return tuple(sorted(found, key=lambda line: (_rank(line.mode), len(line.route), line.route)))


def _rank(mode: str) -> int:
    """Rails first: they are fewer, and most asked about."""
    order = ("tram", "subway", "rail", "ferry", "cable", "bus")
    return order.index(mode) if mode in order else len(order)


def morning_headways(timetable: Timetable) -> dict[tuple[str, str], float]:
    """Minutes between departures of each line (number, mode), 7 to 9 h of the busiest day, in its busier direction."""
    date = timetable.busiest_date
    if date is None:
        return {}
    services = set(timetable.services.loc[timetable.services["date"] == date, "service_id"])
    trips = timetable.trips[timetable.trips["service_id"].isin(services)]
    begin, end = MORNING
    starts = timetable.stop_times.groupby("trip_id", sort=False)["departure"].first()
    inside = starts.between(begin, end - 1).astype(float)
    rows = timetable.frequencies
    if len(rows):
        overlap = np.clip(np.minimum(rows["end"], end) - np.maximum(rows["start"], begin), 0, None)
        runs = (overlap / rows["headway"]).groupby(rows["trip_id"]).sum()
        inside.loc[runs.index.intersection(inside.index)] = runs
    counts = (
        inside.reindex(trips.index).fillna(0).groupby([trips["route_name"], trips["mode"], trips["direction"]]).sum()
    )
    most = counts.groupby(level=[0, 1]).max()
    return {
        (str(route), str(mode)): round((end - begin) / 60 / number, 1)
        for (route, mode), number in most.items()
        if number > 0
    }


def _mapped(city: City) -> dict[tuple[str, str], tuple[str, Any]]:
    """Name and path of each mapped line; of several variants the longest."""
    layer = city.layers.get("transit_lines")
    if layer is None or not len(layer.value):
        return {}
    table = layer.value
    order = np.argsort(shapely.length(np.asarray(table.geometry)), kind="stable")
    return {
        (str(row.route_name), str(row.mode)): (str(row.name_ or ""), row.geometry)
        for row in table.iloc[order].rename(columns={"name": "name_"}).itertuples()
        if row.route_name
    }


def _from_stops(timetable: Timetable) -> dict[tuple[str, str], Any]:
    """Path of each line from stop to stop, by its trip with most stops."""
    times = timetable.stop_times
    count = times.groupby("trip_id", sort=False).size().reindex(timetable.trips.index).fillna(0)
    trips = timetable.trips.assign(count=count)
    chosen = trips.sort_values("count", kind="stable").groupby(["route_name", "mode"], sort=False).tail(1)
    points = timetable.stops.geometry
    on_way = times[times["trip_id"].isin(chosen.index)].groupby("trip_id", sort=False)["stop_id"].agg(list)
    return {
        (str(trip.route_name), str(trip.mode)): shapely.LineString([points[stop] for stop in on_way[trip.Index]])
        for trip in chosen.itertuples()
        if len(on_way.get(trip.Index, ())) > 1
    }
