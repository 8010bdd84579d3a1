"""A city's public transport timetable: frozen tables, and the edits that yield another timetable.

Times are whole seconds after midnight of the service day and may pass 24 h (a night bus of yesterday's service day).
Decoding foreign bytes is for `synapolis.sources.gtfs`; turning the tables into connections is for
`synapolis.models.transit.connections`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.core.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

MODES = ("tram", "bus", "rail", "subway", "ferry", "cable")
DAY = 86_400  # s
COLUMNS: dict[str, tuple[str, ...]] = {
    "stops": ("name", "geometry"),
    "trips": ("route_id", "route_name", "mode", "service_id", "direction"),
    "stop_times": ("trip_id", "sequence", "stop_id", "arrival", "departure", "boarding", "alighting"),
    "frequencies": ("trip_id", "start", "end", "headway", "exact"),
    "services": ("service_id", "date"),
    "transfers": ("from_stop", "to_stop", "seconds"),
}
_INTEGERS = {
    "trips": ("direction",),
    "stop_times": ("sequence", "arrival", "departure"),
    "frequencies": ("start", "end", "headway"),
    "transfers": ("seconds",),
}
_BOOLEANS = {"stop_times": ("boarding", "alighting"), "frequencies": ("exact",)}


class Line(NamedTuple):
    """A line as its riders know it."""

    route_id: str
    name: str
    mode: str


@dataclass(frozen=True)
class Timetable:
    """Stops, trips and calendars of one or several feeds.

    Attributes
    ----------
    stops : GeoDataFrame
        Index: stop id (`FEED:stop`). Columns: name, geometry (points in the city's projected CRS).
    trips : DataFrame
        Index: trip id. Columns: route_id, route_name (the public number), mode, service_id, direction (0 or 1).
    stop_times : DataFrame
        trip_id, sequence, stop_id, arrival, departure [s], boarding, alighting (whether riders may). Ordered by trip
        and sequence, no blanks. For a trip in `frequencies` only the differences to its first departure count.
    frequencies : DataFrame
        trip_id, start, end, headway [s], exact. Departures at start, start + headway, … before end.
    services : DataFrame
        service_id, date (ISO): every day on which a service runs.
    transfers : DataFrame
        from_stop, to_stop, seconds. May be empty. A stop to itself states its minimum change time.
    """

    stops: gpd.GeoDataFrame
    trips: pd.DataFrame
    stop_times: pd.DataFrame
    frequencies: pd.DataFrame
    services: pd.DataFrame
    transfers: pd.DataFrame

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> Timetable:
        """Build from frames by table name; missing optional tables and columns are filled, then all is validated.

        Raises
        ------
        LayerError
            A table or column is missing, or `validate` finds a fault.
        """
        frames: dict[str, pd.DataFrame] = {}
        for name, columns in COLUMNS.items():
            frame = tables[name] if name in tables else _optional(name)
            if name == "stop_times":
                frame = frame.assign(**{c: True for c in ("boarding", "alighting") if c not in frame})
            _require_columns(name, frame)
            frames[name] = _typed(name, frame[list(columns)])
        times = frames["stop_times"].sort_values(["trip_id", "sequence"], kind="stable")
        frames["stop_times"] = times.reset_index(drop=True)
        timetable = cls(**frames)
        timetable.validate()
        return timetable

    @classmethod
    def empty(cls, crs: object) -> Timetable:
        """Return a timetable without stops or trips, on which lines can be added."""
        stops = gpd.GeoDataFrame({"name": pd.Series([], dtype=str)}, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
        stops.index.name = "stop_id"
        frames = {name: pd.DataFrame(columns=list(COLUMNS[name])) for name in COLUMNS if name != "stops"}
        return cls.from_tables({"stops": stops, **frames})

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the six tables by name, as `from_tables` takes them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def validate(self) -> None:
        """Check ids, references and times.

        Raises
        ------
        LayerError
            The first fault found, with the table, the number of rows and one of them.
        """
        for name, frame in self.tables().items():
            _require_columns(name, frame)
        _check_references(self)
        _check_values(self)
        _check_order(self.stop_times)

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line once, by name, then mode."""
        rows = self.trips[["route_id", "route_name", "mode"]].drop_duplicates()
        found = (Line(str(i), str(n), str(m)) for i, n, m in rows.itertuples(index=False))
        return tuple(sorted(found, key=lambda line: (line.name, line.mode, line.route_id)))

    @property
    def date_range(self) -> tuple[str, str] | None:
        """First and last day with service (ISO), or None without any."""
        if self.services.empty:
            return None
        return str(self.services["date"].min()), str(self.services["date"].max())

    @property
    def time_span(self) -> tuple[int, int] | None:
        """First departure and last arrival of any service day [s after midnight], or None without trips."""
        runs = trip_spans(self)
        return None if runs.empty else (int(runs["start"].min()), int(runs["end"].max()))

    @property
    def busiest_date(self) -> str | None:
        """The day with most departures (the first of equals): a date on which questions make sense."""
        if self.services.empty or self.trips.empty:
            return None
        runs = trip_spans(self).groupby("service_id")["departures"].sum()
        by_date = self.services.assign(departures=self.services["service_id"].map(runs).fillna(0))
        return str(by_date.groupby("date")["departures"].sum().idxmax())


def trip_spans(timetable: Timetable) -> pd.DataFrame:
    """Return for each trip its service_id, start of the first and end of the last run [s], and number of departures."""
    times = timetable.stop_times.groupby("trip_id", sort=False)
    spans = pd.DataFrame({"start": times["departure"].first(), "end": times["arrival"].last()})
    spans["departures"] = 1
    if not timetable.frequencies.empty:
        rows = timetable.frequencies
        runs = -((rows["start"] - rows["end"]) // rows["headway"])  # ceiling: `end` itself does not depart
        last = rows["start"] + (runs - 1) * rows["headway"]
        by_trip = pd.DataFrame({"trip_id": rows["trip_id"], "start": rows["start"], "last": last, "runs": runs})
        grouped = by_trip.groupby("trip_id").agg({"start": "min", "last": "max", "runs": "sum"})
        grouped = grouped[grouped.index.isin(spans.index)]
        duration = (spans["end"] - spans["start"]).loc[grouped.index]
        spans.loc[grouped.index, "start"] = grouped["start"]
        spans.loc[grouped.index, "end"] = grouped["last"] + duration
        spans.loc[grouped.index, "departures"] = grouped["runs"]
    spans["service_id"] = timetable.trips["service_id"].reindex(spans.index)
    return spans


def merge_timetables(timetables: Sequence[Timetable]) -> Timetable:
    """Join several timetables, e.g. the feeds of several operators.

    Raises
    ------
    LayerError
        None given, differing CRS, or an id in two of them.
    """
    if not timetables:
        raise LayerError("at least one timetable is wanted to merge, got none; read a feed first")
    first = timetables[0]
    for other in timetables[1:]:
        if other.stops.crs != first.stops.crs:
            raise LayerError(
                f"timetables must share one CRS, got {first.stops.crs} and {other.stops.crs}; reproject one"
            )
    tables: dict[str, pd.DataFrame] = {}
    for name in COLUMNS:
        keyed = name in ("stops", "trips")
        frames = [getattr(t, name) for t in timetables]
        kept = [f for f in frames if not f.empty] or frames[:1]
        tables[name] = pd.concat(kept, ignore_index=not keyed)
    return Timetable.from_tables(tables)


def check_headway(headway: float) -> int:
    """Return the headway in whole seconds.

    Raises
    ------
    ScenarioError
        Not above 0 and at most 24 h.
    """
    if not (np.isfinite(headway) and 0 < headway <= DAY) or round(headway) < 1:
        raise ScenarioError(
            f"a headway must be above 0 and at most 24 h (86400 s), got {headway} s; give the time between departures"
        )
    return round(headway)


def with_headway(
    timetable: Timetable,
    route_name: str,
    headway: float,
    window: tuple[int, int] | None = None,
    *,
    mode: str | None = None,
) -> Timetable:
    """Run a line at a regular headway in each direction, on every day it runs today.

    Each service and direction of the line runs from its first to its last departure of today (or within `window`, the
    rest staying as it is). Where a direction has several stop patterns they share the departures as they do today, so
    that together they leave every `headway` seconds. The running time of a pattern is that of its median trip.

    Parameters
    ----------
    timetable : Timetable
    route_name : str
        The public number, as in `Timetable.lines`.
    headway : float [s]
        Above 0, at most 24 h.
    window : (start, end) [s after midnight], optional
        Departures from the first stop in [start, end) change; others stay.
    mode : str, optional
        Needed only where two modes share the number.

    Raises
    ------
    ScenarioError
        A headway out of range, an unknown line, a number that two modes share, or a window without length.
    """
    seconds = check_headway(headway)
    if window is not None and not window[0] < window[1]:
        raise ScenarioError(f"a window must start before it ends, got {window} s; give (start, end) after midnight")
    trips = line_trips(timetable, route_name, mode)
    runs = _runs(timetable, trips.index)
    inside = runs if window is None else runs[(runs["start"] >= window[0]) & (runs["start"] < window[1])]
    if inside.empty and window is not None:
        inside = runs
    old_frequencies = timetable.frequencies[timetable.frequencies["trip_id"].isin(trips.index)]
    kept_frequencies = _cut_frequencies(old_frequencies, window)
    kept = _kept_trips(runs, window, set(old_frequencies["trip_id"]), set(kept_frequencies["trip_id"]))
    templates, frequencies = _regular(trips, inside, seconds, window)
    gone = trips.index[~trips.index.isin(list(kept))]
    base = without_trips(timetable, gone)
    other = base.frequencies[~base.frequencies["trip_id"].isin(trips.index)]
    new_times = [
        timetable.stop_times[timetable.stop_times["trip_id"] == old].assign(trip_id=new)
        for new, old in templates.items()
    ]
    new_trips = timetable.trips.loc[list(templates.values())].set_axis(list(templates), axis=0)
    return Timetable.from_tables(
        {
            **base.tables(),
            "trips": _stack([base.trips, new_trips], keyed=True),
            "stop_times": _stack([base.stop_times, *new_times]),
            "frequencies": _stack([other, kept_frequencies, frequencies]),
        }
    )


def with_line(
    timetable: Timetable,
    *,
    line_id: str,
    name: str,
    mode: str,
    stops: gpd.GeoDataFrame | gpd.GeoSeries | Sequence[shapely.Point],
    headway: float,
    speed: float,
    dwell: float,
    span: tuple[int, int],
    services: Iterable[str] | None = None,
    distances: Sequence[float] | None = None,
) -> Timetable:
    """Add a line that runs in both directions.

    Parameters
    ----------
    timetable : Timetable
    line_id : str
        New id; trips and stops of the line are named after it.
    name : str
        Public number.
    mode : str
        One of `MODES`.
    stops : points in the timetable's CRS, in travel order
        At least two. A GeoDataFrame may carry a `name` column; rows whose index is a known stop id reuse that stop.
    headway : float [s]
    speed : float [m/s]
        Between stops, acceleration included.
    dwell : float [s]
        At each stop between the ends.
    span : (first, last) [s after midnight]
        First departure from each end, and the time from which none leaves.
    services : ISO dates, optional
        Days on which it runs; by default every day on which anything runs.
    distances : metres between consecutive stops, optional
        Along streets; by default straight lines.

    Raises
    ------
    ScenarioError
        A value out of its range, fewer than two stops, an id in use, or no day to run on.
    """
    seconds = check_headway(headway)
    ids, stop_table, points = _line_stops(timetable, line_id, stops)
    legs = _leg_seconds(points, distances, speed, dwell)
    _check_line(timetable, line_id=line_id, mode=mode, span=span)
    every_day = sorted(set(timetable.services["date"] if services is None else services))
    if not every_day:
        raise ScenarioError(f"line {name} needs days to run on, got none; give services as ISO dates")
    rows, trip_rows, frequency_rows = [], [], []
    for direction, (order, leg) in enumerate(((ids, legs), (ids[::-1], legs[::-1]))):
        trip_id = f"{line_id}:{direction}"
        trip_rows.append((line_id, name, mode, f"{line_id}:days", direction))
        frequency_rows.append((trip_id, int(span[0]), int(span[1]), seconds, False))
        clock = 0
        for sequence, stop_id in enumerate(order):
            arrival = clock
            clock += round(dwell) if 0 < sequence < len(order) - 1 else 0
            rows.append((trip_id, sequence, stop_id, arrival, clock, True, True))
            clock += int(leg[sequence]) if sequence < len(leg) else 0
    new_trips = pd.DataFrame(trip_rows, columns=list(COLUMNS["trips"]), index=[f"{line_id}:0", f"{line_id}:1"])
    days = pd.DataFrame({"service_id": f"{line_id}:days", "date": every_day})
    return Timetable.from_tables(
        {
            "stops": _stack([timetable.stops, stop_table], keyed=True),
            "trips": _stack([timetable.trips, new_trips], keyed=True),
            "stop_times": _stack([timetable.stop_times, pd.DataFrame(rows, columns=list(COLUMNS["stop_times"]))]),
            "frequencies": _stack(
                [timetable.frequencies, pd.DataFrame(frequency_rows, columns=list(COLUMNS["frequencies"]))]
            ),
            "services": _stack([timetable.services, days]),
            "transfers": timetable.transfers,
        }
    )


def without_stop(timetable: Timetable, stop_id: str) -> Timetable:
    """Close a stop: vehicles pass it at the same times but nobody boards or alights.

    Raises
    ------
    ScenarioError
        No such stop.
    """
    _require_stop(timetable, stop_id)
    at_stop = timetable.stop_times["stop_id"] == stop_id
    times = timetable.stop_times[~at_stop]
    walks = timetable.transfers
    walks = walks[(walks["from_stop"] != stop_id) & (walks["to_stop"] != stop_id)]
    stops = timetable.stops.drop(index=stop_id)
    rebased = _keep_departures(timetable, times)
    edited = dataclasses.replace(timetable, stops=stops, transfers=walks, **rebased)
    return Timetable.from_tables(edited.tables())


def with_moved_stop(timetable: Timetable, stop_id: str, point: shapely.Point) -> Timetable:
    """Move a stop to another point of the timetable's CRS; times stay.

    Raises
    ------
    ScenarioError
        No such stop, or a point without finite coordinates.
    """
    _require_stop(timetable, stop_id)
    if point.is_empty or not np.isfinite([point.x, point.y]).all():
        raise ScenarioError(
            f"stop {stop_id} needs a point with finite coordinates, got {point.wkt}; give x and y in metres"
        )
    stops = timetable.stops.copy()
    stops.loc[stop_id, "geometry"] = point
    return dataclasses.replace(timetable, stops=stops)


def without_trips(timetable: Timetable, trip_ids: Iterable[str]) -> Timetable:
    """Return the timetable without these trips (unknown ids are ignored)."""
    gone = set(trip_ids)
    return dataclasses.replace(
        timetable,
        trips=timetable.trips[~timetable.trips.index.isin(gone)],
        stop_times=timetable.stop_times[~timetable.stop_times["trip_id"].isin(gone)].reset_index(drop=True),
        frequencies=timetable.frequencies[~timetable.frequencies["trip_id"].isin(gone)].reset_index(drop=True),
    )


def line_trips(timetable: Timetable, route_name: str, mode: str | None = None) -> pd.DataFrame:
    """Return the trips of a line by its public number.

    Raises
    ------
    ScenarioError
        No line of that number, or several modes share it and none was named.
    """
    trips = timetable.trips
    found = trips[trips["route_name"].str.casefold() == str(route_name).casefold()]
    if mode is not None:
        found = found[found["mode"] == mode]
    kind = mode or "line"
    if found.empty:
        names = ", ".join(dict.fromkeys(line.name for line in timetable.lines)) or "none"
        raise ScenarioError(f"no {kind} {route_name!r} in the timetable; its lines are: {_short(names)}")
    modes = sorted(found["mode"].unique())
    if len(modes) > 1:
        raise ScenarioError(f"line {route_name!r} is run as {' and '.join(modes)}; say which mode is meant")
    return found


# --- headway edits ----------------------------------------------------------------------------------------------------


def _runs(timetable: Timetable, trip_ids: pd.Index) -> pd.DataFrame:
    """One row per departure of the trips: trip_id, start [s], duration [s], pattern (the stops in order)."""
    times = timetable.stop_times[timetable.stop_times["trip_id"].isin(trip_ids)]
    grouped = times.groupby("trip_id", sort=False)
    trips = pd.DataFrame(
        {
            "start": grouped["departure"].first(),
            "end": grouped["arrival"].last(),
            "pattern": grouped["stop_id"].agg(tuple),
        }
    )
    trips["duration"] = trips["end"] - trips["start"]
    by_frequency = timetable.frequencies[timetable.frequencies["trip_id"].isin(trips.index)]
    scheduled = trips[~trips.index.isin(by_frequency["trip_id"])]
    starts = [(trip, int(start)) for trip, start in scheduled["start"].items()]
    for trip, first, last, step in by_frequency[["trip_id", "start", "end", "headway"]].itertuples(index=False):
        starts += [(trip, start) for start in range(first, last, step)]
    runs = pd.DataFrame(starts, columns=["trip_id", "start"])
    return runs.join(trips[["duration", "pattern"]], on="trip_id")


def _cut_frequencies(rows: pd.DataFrame, window: tuple[int, int] | None) -> pd.DataFrame:
    """Frequency rows with the window cut out: what leaves before and after it, at unchanged times."""
    if window is None or rows.empty:
        return rows.iloc[:0]
    before = rows.assign(end=np.minimum(rows["end"], window[0]))
    steps = np.maximum(0, -((rows["start"] - window[1]) // rows["headway"]))
    after = rows.assign(start=rows["start"] + steps * rows["headway"])
    both = pd.concat([before, after], ignore_index=True)
    return both[both["start"] < both["end"]]


def _kept_trips(
    runs: pd.DataFrame, window: tuple[int, int] | None, by_frequency: set[str], still_frequent: set[str]
) -> set[str]:
    """Trips of the line that still run beside the regular ones."""
    if window is None:
        return set()
    outside = runs[(runs["start"] < window[0]) | (runs["start"] >= window[1])]
    return (set(outside["trip_id"]) - by_frequency) | still_frequent


def _regular(
    trips: pd.DataFrame, runs: pd.DataFrame, headway: int, window: tuple[int, int] | None
) -> tuple[dict[str, str], pd.DataFrame]:
    """Template trips (new id -> old id) and frequency rows that run each service and direction every `headway`."""
    by = runs.join(trips[["route_id", "service_id", "direction"]], on="trip_id")
    templates: dict[str, str] = {}
    rows = []
    for (route, service, direction), group in by.groupby(["route_id", "service_id", "direction"]):
        start, end = window or (int(group["start"].min()), int(group["start"].max()) + 1)
        sizes = group.groupby("pattern").size()
        patterns = sorted(sizes.index, key=lambda pattern: (-sizes[pattern], pattern))
        for rank, pattern in enumerate(patterns):
            same = group[group["pattern"] == pattern].sort_values(["duration", "trip_id"])
            old = str(same["trip_id"].iloc[len(same) // 2])
            new = f"{route}:{service}:{direction}:{rank}:every{headway}:{start}"
            step = max(1, round(headway * len(group) / len(same)))
            first = start + rank * headway
            if first < end:
                templates[new] = old
                rows.append((new, first, end, step, False))
    return templates, pd.DataFrame(rows, columns=list(COLUMNS["frequencies"]))


def _keep_departures(timetable: Timetable, times: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """After rows of `stop_times` went: shift frequency windows so that the remaining stops keep their times."""
    before = timetable.stop_times.groupby("trip_id")["departure"].first()
    after = times.groupby("trip_id")["departure"].first()
    late = (after - before).reindex(timetable.frequencies["trip_id"]).to_numpy()
    alive = ~np.isnan(late)
    rows = timetable.frequencies[alive]
    shift = late[alive].astype(np.int64)
    return {
        "stop_times": times.reset_index(drop=True),
        "trips": timetable.trips[timetable.trips.index.isin(after.index)],
        "frequencies": rows.assign(start=rows["start"] + shift, end=rows["end"] + shift).reset_index(drop=True),
    }


# --- a new line -------------------------------------------------------------------------------------------------------


def _line_stops(
    timetable: Timetable, line_id: str, stops: gpd.GeoDataFrame | gpd.GeoSeries | Sequence[shapely.Point]
) -> tuple[list[str], gpd.GeoDataFrame, NDArray[np.float64]]:
    """Stop ids in order, the table of those that are new, and (stop, 2) coordinates."""
    crs = timetable.stops.crs
    if isinstance(stops, gpd.GeoDataFrame | gpd.GeoSeries):
        if stops.crs is not None and stops.crs != crs:
            raise ScenarioError(f"stops of line {line_id} must be in {crs}, got {stops.crs}; reproject them")
        points = list(stops.geometry)
        known = [str(i) if i in timetable.stops.index else None for i in stops.index]
    else:
        points, known = list(stops), [None] * len(stops)
    if len(points) < 2:
        raise ScenarioError(f"line {line_id} needs at least two stops, got {len(points)}; add stops along its street")
    names = list(stops["name"]) if isinstance(stops, gpd.GeoDataFrame) and "name" in stops else [None] * len(points)
    ids = [k if k is not None else f"{line_id}:{i + 1}" for i, k in enumerate(known)]
    new = [i for i, k in enumerate(known) if k is None]
    labels = [str(names[i]) if names[i] is not None else f"{line_id} stop {i + 1}" for i in new]
    table = gpd.GeoDataFrame({"name": labels}, geometry=[points[i] for i in new], index=[ids[i] for i in new], crs=crs)
    coordinates = shapely.get_coordinates(np.asarray(points, dtype=object))
    if coordinates.shape != (len(points), 2) or not np.isfinite(coordinates).all():
        raise ScenarioError(f"line {line_id} needs one finite point per stop; check the stops' geometry")
    return ids, table, coordinates


def _leg_seconds(
    points: NDArray[np.float64], distances: Sequence[float] | None, speed: float, dwell: float
) -> NDArray[np.int64]:
    """Running time between consecutive stops [s], at least 1."""
    if not (np.isfinite(speed) and 0 < speed <= 100):
        raise ScenarioError(f"a line's speed must be above 0 and at most 100 m/s, got {speed}; give metres per second")
    if not (np.isfinite(dwell) and 0 <= dwell <= 3600):
        raise ScenarioError(f"a line's dwell must lie between 0 and 3600 s, got {dwell}; give seconds at each stop")
    if distances is None:
        metres = np.hypot(*np.diff(points, axis=0).T)
    else:
        metres = np.asarray(distances, dtype=np.float64)
        if metres.shape != (len(points) - 1,) or not (np.isfinite(metres) & (metres >= 0)).all():
            raise ScenarioError(
                f"{len(points)} stops need {len(points) - 1} distances of at least 0 m, got {list(distances)}; "
                "measure along the street"
            )
    return np.asarray(np.maximum(1, np.ceil(metres / speed)), dtype=np.int64)


def _check_line(timetable: Timetable, *, line_id: str, mode: str, span: tuple[int, int]) -> None:
    if mode not in MODES:
        raise ScenarioError(f"a line's mode must be one of {', '.join(MODES)}, got {mode!r}; choose one")
    if not 0 <= span[0] < span[1] <= 2 * DAY:
        raise ScenarioError(f"a line's span must be (first, last) with 0 <= first < last <= 48 h, got {span} s")
    if (timetable.trips["route_id"] == line_id).any() or f"{line_id}:0" in timetable.trips.index:
        raise ScenarioError(f"the timetable already has a line with id {line_id!r}; choose another id")


# --- frames -----------------------------------------------------------------------------------------------------------


def _optional(name: str) -> pd.DataFrame:
    if name not in ("frequencies", "transfers"):
        raise LayerError(f"a timetable needs the table {name}, got none; give all of {', '.join(COLUMNS)}")
    return pd.DataFrame(columns=list(COLUMNS[name]))


def _require_columns(name: str, frame: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS[name] if column not in frame]
    if missing:
        raise LayerError(f"timetable table {name} lacks {', '.join(missing)}; it must have {', '.join(COLUMNS[name])}")


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns their one dtype: int64, bool, or Python-readable strings."""
    types: dict[str, object] = dict.fromkeys(_INTEGERS.get(name, ()), np.int64)
    types |= dict.fromkeys(_BOOLEANS.get(name, ()), np.bool_)
    types |= {c: "str" for c in frame.columns if c not in types and c != "geometry"}
    try:
        typed = frame.astype(types)
    except (ValueError, TypeError) as error:
        raise LayerError(
            f"timetable table {name} has a value of the wrong kind ({error}); fill or correct it"
        ) from error
    if name in ("stops", "trips"):
        typed.index = typed.index.astype("str")
        typed.index.name = "stop_id" if name == "stops" else "trip_id"
        return typed
    return typed.reset_index(drop=True)


def _stack(frames: Sequence[pd.DataFrame], *, keyed: bool = False) -> pd.DataFrame:
    kept = [frame for frame in frames if len(frame)] or [frames[0]]
    return pd.concat(kept, ignore_index=not keyed)


def _check_references(timetable: Timetable) -> None:
    for name in ("stops", "trips"):
        index = getattr(timetable, name).index
        if index.has_duplicates:
            raise LayerError(
                f"timetable {name} must have unique ids, got {index[index.duplicated()][0]!r} twice; rename one"
            )
    stops, trips = timetable.stops.index, timetable.trips.index
    links = [
        ("stop_times", "stop_id", stops, "stops"),
        ("stop_times", "trip_id", trips, "trips"),
        ("frequencies", "trip_id", trips, "trips"),
        ("transfers", "from_stop", stops, "stops"),
        ("transfers", "to_stop", stops, "stops"),
    ]
    for table, column, known, target in links:
        values = getattr(timetable, table)[column]
        strange = values[~values.isin(known)]
        if len(strange):
            raise LayerError(
                f"timetable {table}.{column} names {strange.iloc[0]!r} ({len(strange)} rows), "
                f"which is not in {target}; add it or drop the rows"
            )


def _check_values(timetable: Timetable) -> None:
    rules = [
        ("trips", ~timetable.trips["mode"].isin(MODES), f"mode must be one of {', '.join(MODES)}"),
        ("trips", ~timetable.trips["direction"].isin([0, 1]), "direction must be 0 or 1"),
        ("frequencies", timetable.frequencies["headway"] <= 0, "headway must be above 0 s"),
        ("frequencies", timetable.frequencies["start"] < 0, "start must be at least 0 s"),
        (
            "frequencies",
            timetable.frequencies["end"] < timetable.frequencies["start"],
            "end must not come before start",
        ),
        ("transfers", timetable.transfers["seconds"] < 0, "seconds must be at least 0"),
        ("stop_times", timetable.stop_times["arrival"] < 0, "arrival must be at least 0 s"),
        ("stop_times", timetable.stop_times["arrival"] > 10 * DAY, "arrival must lie within 10 days"),
    ]
    for table, wrong, rule in rules:
        if wrong.any():
            row = getattr(timetable, table)[wrong].iloc[0]
            raise LayerError(f"timetable {table}: {rule}; {int(wrong.sum())} rows differ, the first is {dict(row)}")
    geometry = timetable.stops.geometry
    if len(geometry) and not ((geometry.geom_type == "Point") & ~geometry.is_empty).all():
        raise LayerError("timetable stops must be points; drop the stops without a place")
    if len(geometry) and not np.isfinite(shapely.get_coordinates(geometry.to_numpy())).all():
        raise LayerError("timetable stops must have finite coordinates; check their CRS")


def _check_order(times: pd.DataFrame) -> None:
    """Within a trip sequences rise and times never go back."""
    trip = times["trip_id"].to_numpy()
    same = trip[1:] == trip[:-1]
    sequence, arrival, departure = (times[c].to_numpy() for c in ("sequence", "arrival", "departure"))
    changes = int(np.count_nonzero(~same)) + (1 if len(trip) else 0)
    if changes != times["trip_id"].nunique() or (same & (np.diff(sequence) <= 0)).any():
        raise LayerError("timetable stop_times must be ordered by trip and rising sequence; sort them with from_tables")
    back = np.flatnonzero(departure < arrival)
    if len(back):
        raise LayerError(
            f"timetable stop_times leave before they arrive on {len(back)} rows, first in trip {trip[back[0]]!r}"
        )
    jump = np.flatnonzero(same & (arrival[1:] < departure[:-1]))
    if len(jump):
        raise LayerError(f"timetable stop_times go back in time on {len(jump)} rows, first in trip {trip[jump[0]]!r}")


def _require_stop(timetable: Timetable, stop_id: str) -> None:
    if stop_id not in timetable.stops.index:
        raise ScenarioError(
            f"no stop {stop_id!r} in the timetable of {len(timetable.stops)} stops; use an id from stops"
        )


def _short(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[:limit] + " …"
