"""Reads GTFS schedule feeds (zip or folder) into a `Timetable`.

Ours because the libraries that read GTFS bring far more than the tables wanted here. Read are: stops, routes, trips,
stop_times, calendar, calendar_dates, frequencies, transfers, shapes, fare_attributes and fare_rules. Blank times are
interpolated by distance: along `shape_dist_traveled`, else along the trip's shape, else straight between stops.
Transfers that are not possible (type 3) stay as such. Left out: fares of version 2 (fare_products and kin), pathways,
flexible stops, transfers bound to single routes or trips, and in-seat transfers.

Reference: General Transit Feed Specification, schedule reference, gtfs.org.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from synapolis.core.declare import registered
from synapolis.core.errors import LayerError, SourceError
from synapolis.layers.timetable import DAY, FORBIDDEN, Timetable, merge_timetables
from synapolis.sources.gtfs_fares import fare_tables
from synapolis.sources.gtfs_feed import Feed, number
from synapolis.sources.gtfs_shapes import distances_along, interpolated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["merge_timetables", "read_gtfs"]

_ROUTE_MODES = {
    0: "tram",
    1: "subway",
    2: "rail",
    3: "bus",
    4: "ferry",
    5: "cable",
    6: "cable",
    7: "cable",
    11: "bus",
    12: "rail",
}
_EXTENDED_MODES = {
    1: "rail",
    2: "bus",
    4: "subway",
    7: "bus",
    8: "bus",
    9: "tram",
    10: "ferry",
    12: "ferry",
    13: "cable",
    14: "cable",
}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MAX_SERVICE_DAYS = 366 * 20
NOT_POSSIBLE = 3  # transfer_type


@registered(
    kind="parser",
    version="2",
    decision="Building a city: which trips its public transport runs.",
    data=("GTFS schedule feed (zip or folder)",),
    method="Tables are checked against the specification; blank times are interpolated by distance, frequencies "
    "unrolled, calendars expanded to days.",
    source="General Transit Feed Specification, Schedule Reference.",
    limits="Planned service only; fares of version 2, pathways, flexible stops and in-seat transfers are left out.",
    risks="A feed that covers one operator makes the others' riders look unserved.",
    tests="tests/sources/test_gtfs.py",
)
def read_gtfs(path: str | Path, *, feed: str, crs: object) -> Timetable:
    """Read one feed.

    Parameters
    ----------
    path : str or Path
        A zip, or a folder with the feed's text files.
    feed : str
        Short name of the feed; ids become `feed:id`.
    crs : anything pyproj reads
        The city's projected CRS.

    Returns
    -------
    Timetable
        Stops without location_type (platforms), all trips, calendars expanded to days.

    Raises
    ------
    SourceError
        A file is missing, damaged, or holds a value the specification forbids: the message names file and line.
    """
    files = Feed(Path(path))
    try:
        return _read(files, feed, CRS.from_user_input(crs))
    except LayerError as error:
        raise SourceError(f"{files.path}: {error}") from error


def _read(files: Feed, feed: str, crs: CRS) -> Timetable:
    stops, parents = _stops(files, crs)
    routes = _routes(files)
    trips = _trips(files, routes)
    services = _services(files)
    named = _service_names(files)  # a service may be named and never run
    files.known("trips.txt", trips["service_id"], named, "calendar.txt or calendar_dates.txt", trips["line"])
    times = _stop_times(files, trips, stops)
    trips["direction"] = _directions(trips, times, stops)
    tables = {
        "stops": stops,
        "trips": trips.set_index("trip_id"),
        "stop_times": times,
        "frequencies": _frequencies(files, trips),
        "services": services,
        "transfers": _transfers(files, stops, parents),
    }
    return Timetable.from_tables({**_prefixed(tables, f"{feed}:"), **fare_tables(files, feed, set(stops.index))})


def _prefixed(tables: dict[str, pd.DataFrame], prefix: str) -> dict[str, pd.DataFrame]:
    """Put the feed's name before every id."""
    named = {}
    for name, frame in tables.items():
        ids = [c for c in ("trip_id", "stop_id", "route_id", "service_id", "from_stop", "to_stop") if c in frame]
        changed = frame.assign(**{c: prefix + frame[c].astype("str") for c in ids})
        named[name] = (
            changed.set_axis(prefix + changed.index.astype("str"), axis=0) if name in ("stops", "trips") else changed
        )
    return named


def _stops(files: Feed, crs: CRS) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Platforms in the city's CRS, and for all places their id and parent station."""
    name = "stops.txt"
    rows = files.table(name, ("stop_id", "stop_lat", "stop_lon"), ("stop_name", "location_type", "parent_station"))
    files.unique(name, rows, "stop_id")
    kind = files.integers(name, rows, "location_type", blank=0, high=4)
    platform = rows[kind == 0]
    latitude = files.parsed(name, platform, "stop_lat", number(-90, 90), "degrees from -90 to 90")
    longitude = files.parsed(name, platform, "stop_lon", number(-180, 180), "degrees from -180 to 180")
    try:
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    except ProjError as error:
        raise SourceError(
            f"{files.path}: stops cannot be projected to {crs.name} ({error}); check the city's CRS"
        ) from error
    outside = ~(np.isfinite(x) & np.isfinite(y))
    if outside.any():
        row = platform.iloc[int(np.argmax(outside))]
        raise files.error(
            name, int(row["line"]), f"a place inside {crs.name}", f"{row['stop_lat']}, {row['stop_lon']}", "correct it"
        )
    table = gpd.GeoDataFrame(
        {"name": platform["stop_name"].to_numpy()},
        geometry=gpd.points_from_xy(x, y, crs=crs),
        index=pd.Index(platform["stop_id"].to_numpy(), name="stop_id"),
        crs=crs,
    )
    return table, rows[["stop_id", "parent_station"]].assign(platform=kind == 0)


def _routes(files: Feed) -> pd.DataFrame:
    name = "routes.txt"
    rows = files.table(name, ("route_id", "route_type"), ("route_short_name", "route_long_name"))
    files.unique(name, rows, "route_id")

    def parse(text: str) -> float | None:
        if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
            return None
        return int(text) if _mode(int(text)) else None

    kind = files.parsed(name, rows, "route_type", parse, "a GTFS route type (0 to 7, 11, 12 or an extended one)")
    short = rows["route_short_name"].where(rows["route_short_name"] != "", rows["route_long_name"])
    public = short.where(short != "", rows["route_id"])
    modes = [_mode(int(k)) for k in kind]
    return pd.DataFrame({"route_name": public.to_numpy(), "mode": modes}, index=rows["route_id"].to_numpy())


def _mode(kind: int) -> str:
    return _ROUTE_MODES.get(kind, "") if kind < 100 else "rail" if kind == 405 else _EXTENDED_MODES.get(kind // 100, "")


def _trips(files: Feed, routes: pd.DataFrame) -> pd.DataFrame:
    name = "trips.txt"
    rows = files.table(name, ("route_id", "service_id", "trip_id"), ("direction_id", "shape_id"))
    if rows.empty:
        raise SourceError(f"{files.path}: trips.txt holds no trips; fetch a feed with service")
    files.unique(name, rows, "trip_id")
    files.known(name, rows["route_id"], set(routes.index), "routes.txt", rows["line"])
    direction = files.integers(name, rows, "direction_id", blank=-1, high=1)
    rows = rows.assign(direction=direction).reset_index(drop=True)
    return rows.join(routes, on="route_id")


def _directions(trips: pd.DataFrame, times: pd.DataFrame, stops: gpd.GeoDataFrame) -> Integers:
    """Fill blank directions: 1 where a trip heads against the most usual trip of its route, else 0."""
    direction = np.array(trips["direction"], dtype=np.int64)
    if (direction >= 0).all():
        return direction
    ends = times.groupby("trip_id", sort=False)["stop_id"].agg(["first", "last"]).reindex(trips["trip_id"])
    x = stops.geometry.x.reindex(ends["last"]).to_numpy() - stops.geometry.x.reindex(ends["first"]).to_numpy()
    y = stops.geometry.y.reindex(ends["last"]).to_numpy() - stops.geometry.y.reindex(ends["first"]).to_numpy()
    first, last = ends["first"].fillna("").to_numpy(dtype=object), ends["last"].fillna("").to_numpy(dtype=object)
    for rows in trips.groupby("route_id", sort=False).indices.values():
        pairs = list(zip(first[rows], last[rows], strict=True))
        usual = rows[pairs.index(max(sorted(set(pairs)), key=pairs.count))]
        against = x[rows] * x[usual] + y[rows] * y[usual] < 0
        blank = direction[rows] < 0
        direction[rows[blank]] = against[blank]
    return direction


def _services(files: Feed) -> pd.DataFrame:
    """Days of each service: the calendar's weekdays, plus and minus the exceptions."""
    if not files.has("calendar.txt") and not files.has("calendar_dates.txt"):
        raise SourceError(
            f"{files.path} lacks calendar.txt and calendar_dates.txt, a feed must have one; fetch a complete feed"
        )
    days: set[tuple[str, np.datetime64]] = set()
    if files.has("calendar.txt"):
        days |= _calendar(files)
    if files.has("calendar_dates.txt"):
        name = "calendar_dates.txt"
        rows = files.table(name, ("service_id", "date", "exception_type"))
        kinds = files.integers(name, rows, "exception_type", blank=None, low=1, high=2)
        dates = _dates(files, name, rows, "date")
        keys = list(zip(rows["service_id"].astype(str), dates, strict=True))
        days |= {key for key, kind in zip(keys, kinds, strict=True) if kind == 1}
        days -= {key for key, kind in zip(keys, kinds, strict=True) if kind == 2}
    ordered = sorted(days)
    return pd.DataFrame({"service_id": [s for s, _ in ordered], "date": [str(d) for _, d in ordered]})


def _service_names(files: Feed) -> set[str]:
    names: set[str] = set()
    for name in ("calendar.txt", "calendar_dates.txt"):
        if files.has(name):
            names |= set(files.table(name, ("service_id",))["service_id"].astype(str))
    return names


def _calendar(files: Feed) -> set[tuple[str, np.datetime64]]:
    name = "calendar.txt"
    rows = files.table(name, ("service_id", *_WEEKDAYS, "start_date", "end_date"))
    files.unique(name, rows, "service_id")
    runs = np.column_stack([files.integers(name, rows, day, blank=None, high=1) for day in _WEEKDAYS]).astype(bool)
    starts, ends = _dates(files, name, rows, "start_date"), _dates(files, name, rows, "end_date")
    days: set[tuple[str, np.datetime64]] = set()
    for service, line, week, start, end in zip(
        rows["service_id"].astype(str), rows["line"], runs, starts, ends, strict=True
    ):
        length = int((end - start).astype(int)) + 1
        if not 1 <= length <= _MAX_SERVICE_DAYS:
            raise files.error(
                name, int(line), "end_date within 20 years after start_date", f"{start} to {end}", "correct them"
            )
        span = start + np.arange(length)
        weekday = (span.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        days |= {(service, day) for day in span[week[weekday]]}
    return days


def _dates(files: Feed, name: str, rows: pd.DataFrame, column: str) -> NDArray[np.datetime64]:
    def parse(text: str) -> float | None:
        if not re.fullmatch(r"[12]\d{7}", text, re.ASCII):
            return None
        try:
            return float(np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}", "D").astype(np.int64))
        except ValueError:
            return None

    return files.parsed(name, rows, column, parse, "YYYYMMDD").astype(np.int64).astype("datetime64[D]")


def _frequencies(files: Feed, trips: pd.DataFrame) -> pd.DataFrame:
    name = "frequencies.txt"
    if not files.has(name):
        return pd.DataFrame(columns=["trip_id", "start", "end", "headway", "exact"])
    rows = files.table(name, ("trip_id", "start_time", "end_time", "headway_secs"), ("exact_times",))
    files.known(name, rows["trip_id"], set(trips["trip_id"]), "trips.txt", rows["line"])
    start = files.times(name, rows, "start_time", blank=False).astype(np.int64)
    end = files.times(name, rows, "end_time", blank=False).astype(np.int64)
    if (end < start).any():
        row = rows.iloc[int(np.argmax(end < start))]
        raise files.error(
            name,
            int(row["line"]),
            "end_time after start_time",
            f"{row['start_time']} to {row['end_time']}",
            "correct them",
        )
    return pd.DataFrame(
        {
            "trip_id": rows["trip_id"].to_numpy(),
            "start": start,
            "end": end,
            "headway": files.integers(name, rows, "headway_secs", blank=None, low=1, high=DAY),
            "exact": files.integers(name, rows, "exact_times", blank=0, high=1) == 1,
        }
    )


def _transfers(files: Feed, stops: gpd.GeoDataFrame, parents: pd.DataFrame) -> pd.DataFrame:
    """Walks between platforms with a stated time, or that are not possible; a station stands for all its platforms."""
    name = "transfers.txt"
    empty = pd.DataFrame(columns=["from_stop", "to_stop", "seconds"])
    if not files.has(name):
        return empty
    bound = ("from_route_id", "to_route_id", "from_trip_id", "to_trip_id")
    rows = files.table(name, ("from_stop_id", "to_stop_id"), ("transfer_type", "min_transfer_time", *bound))
    kind = files.integers(name, rows, "transfer_type", blank=0, high=5)
    seconds = files.integers(name, rows, "min_transfer_time", blank=-1, high=DAY)
    general = (rows[list(bound)] == "").all(axis=1).to_numpy()
    seconds = np.where(kind == NOT_POSSIBLE, FORBIDDEN, seconds)
    stated = general & (kind <= NOT_POSSIBLE) & (seconds >= 0)
    used = rows[stated].assign(seconds=seconds[stated])
    for column in ("from_stop_id", "to_stop_id"):
        files.known(name, used[column], set(parents["stop_id"]), "stops.txt", used["line"])
    children = parents[parents["platform"]].groupby("parent_station")["stop_id"].agg(list).to_dict()
    platforms = set(stops.index)
    pairs: dict[tuple[str, str], int] = {}
    for origin, target, walk in used[["from_stop_id", "to_stop_id", "seconds"]].itertuples(index=False):
        starts = [origin] if origin in platforms else children.get(origin, [])
        targets = [target] if target in platforms else children.get(target, [])
        pairs |= {(a, b): int(walk) for a in starts for b in targets if (a, b) not in pairs or a == origin}
    if not pairs:
        return empty
    return pd.DataFrame([(a, b, walk) for (a, b), walk in pairs.items()], columns=list(empty.columns))


def _stop_times(files: Feed, trips: pd.DataFrame, stops: gpd.GeoDataFrame) -> pd.DataFrame:
    name = "stop_times.txt"
    rows = files.table(
        name,
        ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
        ("shape_dist_traveled", "pickup_type", "drop_off_type"),
    )
    files.known(name, rows["trip_id"], set(trips["trip_id"]), "trips.txt", rows["line"])
    files.known(name, rows["stop_id"], set(stops.index), "stops.txt (as a platform)", rows["line"])
    sequence = files.integers(name, rows, "stop_sequence", blank=None)
    order = np.lexsort((sequence, pd.factorize(rows["trip_id"])[0]))
    rows, sequence = rows.iloc[order].reset_index(drop=True), sequence[order]
    trip = pd.factorize(rows["trip_id"])[0]
    same = trip[1:] == trip[:-1]
    twice = np.flatnonzero(same & (np.diff(sequence) == 0))
    if len(twice):
        row = rows.iloc[int(twice[0]) + 1]
        raise files.error(
            name,
            int(row["line"]),
            "each stop_sequence once in a trip",
            row["stop_sequence"],
            "number the stops in order",
        )
    arrival = files.times(name, rows, "arrival_time", blank=True)
    departure = files.times(name, rows, "departure_time", blank=True)
    arrival, departure = (
        np.where(np.isnan(arrival), departure, arrival),
        np.where(np.isnan(departure), arrival, departure),
    )
    _check_known_times(files, rows, trip, arrival, departure)
    if np.isnan(arrival).any():
        distance = distances_along(files, rows, trips, stops)
        arrival, departure = interpolated(distance, arrival, departure)
    return pd.DataFrame(
        {
            "trip_id": rows["trip_id"].to_numpy(),
            "sequence": sequence,
            "stop_id": rows["stop_id"].to_numpy(),
            "arrival": np.rint(arrival).astype(np.int64),
            "departure": np.rint(departure).astype(np.int64),
            "boarding": files.integers(name, rows, "pickup_type", blank=0, high=3) != 1,
            "alighting": files.integers(name, rows, "drop_off_type", blank=0, high=3) != 1,
        }
    )


def _check_known_times(files: Feed, rows: pd.DataFrame, trip: Integers, arrival: Floats, departure: Floats) -> None:
    """The first and last stop of a trip have times, and times never go back."""
    if not len(rows):
        raise SourceError(f"{files.path}: stop_times.txt holds no rows; fetch a complete feed")
    known = np.flatnonzero(~np.isnan(arrival))
    end = np.flatnonzero(np.append(trip[1:] != trip[:-1], True) | np.append(True, trip[1:] != trip[:-1]))
    blank = end[np.isnan(arrival[end])]
    if len(blank):
        row = rows.iloc[int(blank[0])]
        raise files.error(
            "stop_times.txt",
            int(row["line"]),
            "times at the first and last stop of a trip",
            f"none for trip {row['trip_id']!r}",
            "give both or drop the trip",
        )
    back = np.flatnonzero(departure[known] < arrival[known])
    jump = 1 + np.flatnonzero((np.diff(trip[known]) == 0) & (arrival[known][1:] < departure[known][:-1]))
    for wrong in (back, jump):
        if len(wrong):
            row = rows.iloc[int(known[wrong[0]])]
            raise files.error(
                "stop_times.txt",
                int(row["line"]),
                "times that do not go back within a trip",
                f"{row['arrival_time']} to {row['departure_time']} in trip {row['trip_id']!r}",
                "correct the order or the times (past midnight is 24:00:00 and later)",
            )
