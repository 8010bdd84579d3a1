"""Turns a timetable into the arrays that the connection scan reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import ModelError
from synapolis.layers.timetable import DAY, FORBIDDEN
from synapolis.models.transit.walk import Walks, walks_from_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synapolis.layers.timetable import Timetable

    Integers = NDArray[np.int64]


class Connections(NamedTuple):
    """Rides from one stop to the next without a halt between, by departure time.

    Stops are rows of `Timetable.stops`. A connection on which nobody may board departs from stop `stop_count` (a stop
    that nobody reaches); one on which nobody may alight arrives at `stop_count + 1` (a stop from which nothing leaves).
    Connections of equal departure are ordered by trip, then along the trip.
    """

    departure_stop: NDArray[np.int32]  # (connection,)
    arrival_stop: NDArray[np.int32]  # (connection,)
    departure_time: NDArray[np.int32]  # (connection,) [s after midnight of the date]
    arrival_time: NDArray[np.int32]  # (connection,) [s]
    trip: NDArray[np.int32]  # (connection,) run of a vehicle, numbered by trip, then start
    trip_row: NDArray[np.int32]  # (run,) row in `Timetable.trips`
    stop_count: int


def connections(timetable: Timetable, *, date: str, start: int, end: int) -> Connections:
    """Expand a timetable to the rides that depart within a window of one day.

    Frequencies become runs at start, start + headway, … before their end. Runs of the day before that are still under
    way after midnight are included.

    Parameters
    ----------
    timetable : Timetable
    date : str
        ISO date.
    start, end : int [s after midnight]
        Departures in [start, end].

    Returns
    -------
    Connections

    Raises
    ------
    ModelError
        A date outside the timetable's dates, or a window without length.
    """
    day = _checked_date(timetable, date)
    if not 0 <= start < end:
        raise ModelError(f"a window must be 0 <= start < end, got {start} to {end} s; give seconds after midnight")
    first_row, rows = _trip_rows(timetable)
    trip, shift = _runs(timetable, first_row, rows, day)
    times = timetable.stop_times
    leave, arrive = times["departure"].to_numpy(), times["arrival"].to_numpy()
    last_row = first_row + np.maximum(rows, 1) - 1
    under_way = (rows[trip] > 1) & (leave[first_row[trip]] + shift <= end) & (arrive[last_row[trip]] + shift >= start)
    trip, shift = trip[under_way], shift[under_way]
    rides = rows[trip] - 1
    run = np.repeat(np.arange(len(trip)), rides)
    step = np.arange(rides.sum()) - np.repeat(np.cumsum(rides) - rides, rides)
    row = first_row[trip[run]] + step
    departure = leave[row] + shift[run]
    inside = (departure >= start) & (departure <= end)
    run, row, departure = run[inside], row[inside], departure[inside]
    used, number = np.unique(run, return_inverse=True)
    order = np.lexsort((row, number, departure))
    row, run, departure = row[order], run[order], departure[order]
    stop = timetable.stops.index.get_indexer(times["stop_id"])
    nowhere, count = len(timetable.stops), len(timetable.stops)
    board, alight = times["boarding"].to_numpy(), times["alighting"].to_numpy()
    return Connections(
        departure_stop=np.where(board[row], stop[row], nowhere).astype(np.int32),
        arrival_stop=np.where(alight[row + 1], stop[row + 1], nowhere + 1).astype(np.int32),
        departure_time=departure.astype(np.int32),
        arrival_time=(arrive[row + 1] + shift[run]).astype(np.int32),
        trip=number[order].astype(np.int32),
        trip_row=trip[used].astype(np.int32),
        stop_count=count,
    )


def footpaths(timetable: Timetable, walks: Walks | None = None) -> Walks:
    """Walks between stops for changing: by street where given, the timetable's own transfers where it states them.

    Every stop has a walk to itself: its stated minimum change time, else 0 s. What the timetable forbids is left out.

    Parameters
    ----------
    timetable : Timetable
    walks : Walks (stop to stop), optional
        By street, e.g. of `walk.point_to_point`.

    Returns
    -------
    Walks (stop to stop)
    """
    count = len(timetable.stops)
    index = timetable.stops.index
    here = np.arange(count)
    stated_from = index.get_indexer(timetable.transfers["from_stop"])
    stated_to = index.get_indexer(timetable.transfers["to_stop"])
    origins, targets, seconds = [here], [here], [np.zeros(count, dtype=np.int64)]
    if walks is not None:
        by_street = np.repeat(np.arange(len(walks.start) - 1), np.diff(walks.start))
        other = by_street != walks.target
        origins, targets = [*origins, by_street[other]], [*targets, walks.target[other]]
        seconds = [*seconds, walks.seconds[other]]
    origin, target, second = np.concatenate(origins), np.concatenate(targets), np.concatenate(seconds)
    overruled = np.isin(origin * count + target, stated_from * count + stated_to)
    stated = timetable.transfers["seconds"].to_numpy()
    possible = stated < FORBIDDEN
    return walks_from_pairs(
        np.concatenate([origin[~overruled], stated_from[possible]]),
        np.concatenate([target[~overruled], stated_to[possible]]),
        np.concatenate([second[~overruled], stated[possible]]),
        origin_count=count,
        target_count=count,
    )


def _checked_date(timetable: Timetable, date: str) -> np.datetime64:
    try:
        day = np.datetime64(date, "D")
    except ValueError as error:
        raise ModelError(f"a date must be ISO such as 2019-05-13, got {date!r}; give year-month-day") from error
    dates = timetable.date_range
    if dates is None or not dates[0] <= str(day) <= dates[1]:
        span = "has no service days" if dates is None else f"runs from {dates[0]} to {dates[1]}"
        raise ModelError(f"the timetable {span}, got {day}; choose a date within, e.g. {timetable.busiest_date}")
    return day


def _trip_rows(timetable: Timetable) -> tuple[Integers, Integers]:
    """For each row of trips: its first row in stop_times and how many it has (0 where none)."""
    count = len(timetable.trips)
    of = timetable.trips.index.get_indexer(timetable.stop_times["trip_id"])
    rows = np.bincount(of, minlength=count)
    first = np.zeros(count, dtype=np.int64)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    first[of[starts]] = starts
    return first, rows


def _runs(timetable: Timetable, first_row: Integers, rows: Integers, day: np.datetime64) -> tuple[Integers, Integers]:
    """Every run of the day and of the day before: row in trips and seconds to add to its stop times; in order."""
    services = timetable.trips["service_id"]
    by_frequency = timetable.trips.index.get_indexer(timetable.frequencies["trip_id"])
    scheduled = np.ones(len(services), dtype=bool)
    scheduled[by_frequency] = False
    leave = timetable.stop_times["departure"].to_numpy()
    trips, shifts = [], []
    for date, midnight in ((day, 0), (day - 1, -DAY)):
        running = set(timetable.services["service_id"][timetable.services["date"] == str(date)])
        active = services.isin(running).to_numpy() & (rows > 0)
        plain = np.flatnonzero(active & scheduled)
        trips.append(plain)
        shifts.append(np.full(len(plain), midnight))
        kept = active[by_frequency]
        trip = by_frequency[kept]
        start, end, headway = (timetable.frequencies[c].to_numpy()[kept] for c in ("start", "end", "headway"))
        counts = np.maximum(0, -((start - end) // headway))  # ceiling: `end` itself does not depart
        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        begin = np.repeat(start, counts) + number * np.repeat(headway, counts)
        trip = np.repeat(trip, counts)
        trips.append(trip)
        shifts.append(begin - leave[first_row[trip]] + midnight)
    trip, shift = np.concatenate(trips), np.concatenate(shifts)
    order = np.lexsort((shift, trip))
    return trip[order], shift[order]
