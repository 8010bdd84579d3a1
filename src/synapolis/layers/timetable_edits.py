"""Edits of a timetable: each yields another one; the one given stays as it is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.core.errors import ScenarioError
from synapolis.layers.timetable import COLUMNS, DAY, MODES, Timetable, line_trips, stacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


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
            "trips": stacked([base.trips, new_trips], keyed=True),
            "stop_times": stacked([base.stop_times, *new_times]),
            "frequencies": stacked([other, kept_frequencies, frequencies]),
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
            **timetable.tables(),
            "stops": stacked([timetable.stops, stop_table], keyed=True),
            "trips": stacked([timetable.trips, new_trips], keyed=True),
            "stop_times": stacked([timetable.stop_times, pd.DataFrame(rows, columns=list(COLUMNS["stop_times"]))]),
            "frequencies": stacked(
                [timetable.frequencies, pd.DataFrame(frequency_rows, columns=list(COLUMNS["frequencies"]))]
            ),
            "services": stacked([timetable.services, days]),
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
    zones = timetable.fare_zones[timetable.fare_zones["stop_id"] != stop_id]
    edited = dataclasses.replace(timetable, stops=stops, transfers=walks, fare_zones=zones, **rebased)
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


def with_fares(timetable: Timetable, *, factor: float = 1.0, price: float | None = None, usual: float) -> Timetable:
    """Change what riders pay: every fare by a factor, or one price for all of them.

    Parameters
    ----------
    timetable : Timetable
    factor : float
        At least 0.
    price : float, optional
        At least 0, in the fares' currency; the factor is left out.
    usual : float
        What a journey costs where the timetable states no fares.

    Raises
    ------
    ScenarioError
        A price or factor that is no number of at least 0.
    """
    amount = factor if price is None else price
    if not (np.isfinite(amount) and amount >= 0):
        raise ScenarioError(f"fares need a factor or price of at least 0, got {amount}; 0 makes rides free")
    fares = timetable.fares
    if fares.empty:
        row = ("usual", usual, usual, "EUR", -1, "", "", "")
        fares = pd.DataFrame([row], columns=list(COLUMNS["fares"]))
    paid = fares["price"] * factor if price is None else float(price)
    return dataclasses.replace(timetable, fares=fares.assign(price=paid))


def without_trips(timetable: Timetable, trip_ids: Iterable[str]) -> Timetable:
    """Return the timetable without these trips (unknown ids are ignored)."""
    gone = set(trip_ids)
    return dataclasses.replace(
        timetable,
        trips=timetable.trips[~timetable.trips.index.isin(gone)],
        stop_times=timetable.stop_times[~timetable.stop_times["trip_id"].isin(gone)].reset_index(drop=True),
        frequencies=timetable.frequencies[~timetable.frequencies["trip_id"].isin(gone)].reset_index(drop=True),
    )


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


def _require_stop(timetable: Timetable, stop_id: str) -> None:
    if stop_id not in timetable.stops.index:
        raise ScenarioError(
            f"no stop {stop_id!r} in the timetable of {len(timetable.stops)} stops; use an id from stops"
        )


# --- span of service and running times --------------------------------------------------------------------------------


def with_span(
    timetable: Timetable,
    route_name: str,
    *,
    first: int | None = None,
    last: int | None = None,
    mode: str | None = None,
) -> Timetable:
    """Run a line from an earlier or until a later time, as often as at the beginning or end of its service today.

    Parameters
    ----------
    timetable : Timetable
    route_name : str
        The public number.
    first, last : s after midnight, optional
        First and last departure from the end stops; within today's service they change nothing.
    mode : str, optional
        Needed only where two modes share the number.

    Raises
    ------
    ScenarioError
        Neither is given, a time outside 0 to 48 h, or an unknown line.
    """
    if first is None and last is None:
        raise ScenarioError(f"line {route_name} needs a first or a last departure to run until, got none; give one")
    for time in (first, last):
        if time is not None and not 0 <= time <= 2 * DAY:
            raise ScenarioError(
                f"a departure must lie between 0 and 48 h, got {time / 3600:g} h; give hours of the day"
            )
    trips = line_trips(timetable, route_name, mode)
    by = _runs(timetable, trips.index).join(trips[["route_id", "service_id", "direction"]], on="trip_id")
    templates: dict[str, str] = {}
    rows = []
    for (route, service, direction), group in by.groupby(["route_id", "service_id", "direction"]):
        runs = group.sort_values(["start", "trip_id"])
        starts = runs["start"].to_numpy()
        gaps = np.diff(np.unique(starts))
        gaps = gaps if len(gaps) else np.array([3600])
        early, late = int(np.median(gaps[:3])), int(np.median(gaps[-3:]))
        name = f"{route}:{service}:{direction}"
        if first is not None and first < starts[0]:
            count = (int(starts[0]) - first) // early
            templates[f"{name}:from{first}"] = str(runs["trip_id"].iloc[0])
            rows.append((f"{name}:from{first}", int(starts[0]) - count * early, int(starts[0]), early, False))
        if last is not None and last > starts[-1]:
            templates[f"{name}:until{last}"] = str(runs["trip_id"].iloc[-1])
            rows.append((f"{name}:until{last}", int(starts[-1]) + late, last + 1, late, False))
    rows = [row for row in rows if row[1] < row[2]]
    if not rows:
        return timetable
    return _with_copies(timetable, {row[0]: templates[row[0]] for row in rows}, rows)


def _with_copies(
    timetable: Timetable, templates: dict[str, str], rows: list[tuple[str, int, int, int, bool]]
) -> Timetable:
    """Add trips that run by frequency like others that there are (new id -> old id)."""
    times = [
        timetable.stop_times[timetable.stop_times["trip_id"] == old].assign(trip_id=new)
        for new, old in templates.items()
    ]
    trips = timetable.trips.loc[list(templates.values())].set_axis(list(templates), axis=0)
    frequencies = pd.DataFrame(rows, columns=list(COLUMNS["frequencies"]))
    return Timetable.from_tables(
        {
            **timetable.tables(),
            "trips": stacked([timetable.trips, trips], keyed=True),
            "stop_times": stacked([timetable.stop_times, *times]),
            "frequencies": stacked([timetable.frequencies, frequencies]),
        }
    )


def with_quicker_legs(timetable: Timetable, street: shapely.Geometry, *, within: float, saved: float) -> Timetable:
    """Shorten the running time of buses between stops that both lie along a street.

    Parameters
    ----------
    timetable : Timetable
    street : geometry in the timetable's CRS
    within : float [m]
        Stops up to this far from the street lie along it.
    saved : float
        Share of the running time between two such stops that is saved, from 0 to below 1; times at stops stay.

    Raises
    ------
    ScenarioError
        A share out of range, or no bus that runs between two stops along the street.
    """
    if not 0 <= saved < 1:
        raise ScenarioError(f"a share of time saved must be at least 0 and below 1, got {saved:g}")
    times = timetable.stop_times
    along = dict(zip(timetable.stops.index, timetable.stops.geometry.distance(street) <= within, strict=True))
    near = times["stop_id"].map(along).to_numpy(dtype=bool)
    bus = times["trip_id"].map(timetable.trips["mode"] == "bus").to_numpy(dtype=bool)
    trip = times["trip_id"].to_numpy()
    leg = np.zeros(len(times), dtype=bool)  # from the row before it
    leg[1:] = near[1:] & near[:-1] & bus[1:] & (trip[1:] == trip[:-1])
    if not leg.any():
        raise ScenarioError("no bus runs between two stops along the street, so a bus lane would quicken none")
    arrival, departure = times["arrival"].to_numpy(), times["departure"].to_numpy()
    gain = np.zeros(len(times), dtype=np.int64)
    gain[1:] = np.where(leg[1:], np.floor((arrival[1:] - departure[:-1]) * saved), 0).astype(np.int64)
    total = pd.Series(gain).groupby(trip, sort=False).cumsum().to_numpy()
    return Timetable.from_tables(
        {**timetable.tables(), "stop_times": times.assign(arrival=arrival - total, departure=departure - total)}
    )
