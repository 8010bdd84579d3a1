"""Travel times by public transport and on foot, from many origins at many departures: connection scan.

One pass over the connections in order of departure serves all departures of an origin at once. Whoever leaves earlier
never arrives later, so of the departures the first so many may board a connection, and its arrival improves the last so
many of those: the work of a pass is one look per connection plus the improvements.

Rules: board if at the stop no later than the departure; one walk between rides (its time in `footpaths`, a stop's walk
to itself being its minimum change time), one to the first stop, one from the last; or one walk all the way. Walks are
never joined to each other. All times are whole seconds after midnight of the timetable's date.

Reference: Dibbelt, Pajor, Strasser, Wagner, Intriguingly simple and fast transit routing, SEA 2013; Connection scan
algorithm, ACM Journal of Experimental Algorithmics 23 (2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from synapolis.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.walk import Walks

    Times = NDArray[np.int32]

UNREACHED = np.int32(2**30)  # s; far beyond any timetable, and a walk can be added without overflow


class Blocks(NamedTuple):
    """Runs of connections that are scanned together."""

    end: NDArray[np.int64]  # (block,) one past the last connection
    repeats: NDArray[np.bool_]  # (block,) scan until nothing changes
    longest: int  # most connections in a block that repeats


class Labels(NamedTuple):
    """What a scan knows of one origin."""

    board: NDArray[np.int32]  # (stop, departure) earliest time at which one may board
    ride: NDArray[np.int32]  # (stop, departure) earliest arrival by a ride
    aboard: NDArray[np.int32]  # (run,) how many departures, from the first, are in the vehicle


def earliest_arrival(
    connections: Connections,
    footpaths: Walks,
    initial_times: ArrayLike,
    departure: int,
    max_duration: int,
) -> NDArray[np.int32]:
    """Earliest arrival at every stop from one start.

    Parameters
    ----------
    connections : Connections
    footpaths : Walks (stop to stop)
        As `connections.footpaths` gives them: each stop has a walk to itself.
    initial_times : (stop,) [s after midnight]
        When each stop is reached on foot from the start; `UNREACHED` where it is not.
    departure : int [s after midnight]
    max_duration : int [s]
        Arrivals later than departure + max_duration do not count.

    Returns
    -------
    (stop,) [s after midnight]
        `UNREACHED` where the stop is not reached in time.

    Raises
    ------
    ModelError
        Arrays that do not fit each other, or a duration below 0.
    """
    initial = np.asarray(initial_times, dtype=np.int32)
    check_tables(connections, footpaths)
    check_times([departure], max_duration)
    if initial.shape != (connections.stop_count,):
        raise ModelError(f"initial_times must be one per stop ({connections.stop_count},), got {initial.shape}")
    labels = labels_of(connections, 1)
    labels.board[: connections.stop_count, 0] = initial
    times = np.array([departure], dtype=np.int32)
    scan_all(connections, blocks_of(connections), padded(footpaths), labels, times, int(max_duration))
    arrival = np.minimum(labels.board, labels.ride)[: connections.stop_count, 0]
    return np.where(arrival <= np.int64(departure) + max_duration, arrival, UNREACHED).astype(np.int32)


def arrival_profile(
    connections: Connections, footpaths: Walks, access: Walks, departures: Sequence[int], max_duration: int
) -> NDArray[np.int32]:
    """Earliest arrival at every stop for every origin and departure.

    Parameters
    ----------
    connections, footpaths
        As in `earliest_arrival`.
    access : Walks (origin to stop)
    departures : (departure,) [s after midnight]
    max_duration : int [s]

    Returns
    -------
    (origin, departure, stop) [s after midnight]
        On foot or by a ride; `UNREACHED` where not reached within max_duration.

    Raises
    ------
    ModelError
        As `earliest_arrival`.
    """
    check_tables(connections, footpaths)
    times = check_times(departures, max_duration)
    order = np.argsort(times, kind="stable")
    sorted_arrivals = _profiles(
        connections,
        blocks_of(connections),
        padded(footpaths),
        labels_of(connections, len(times)),
        access,
        times[order],
        int(max_duration),
    )
    arrivals = np.empty_like(sorted_arrivals)
    arrivals[:, order] = sorted_arrivals
    return np.asarray(arrivals)


def check_tables(connections: Connections, footpaths: Walks) -> None:
    """Refuse walks between other stops than those of the connections."""
    if len(footpaths.start) != connections.stop_count + 1 or footpaths.target_count != connections.stop_count:
        raise ModelError(
            f"footpaths must join the {connections.stop_count} stops of the connections, "
            f"got {len(footpaths.start) - 1} by {footpaths.target_count}; build both from one timetable"
        )


def check_times(departures: Sequence[int], max_duration: int) -> NDArray[np.int32]:
    """Return departures as seconds, or refuse them."""
    times = np.asarray(departures)
    if times.ndim != 1 or not len(times) or times.min() < 0 or times.max() > 2**29:
        raise ModelError(
            f"departures must be one or more seconds after midnight, got {departures!r:.80}; give whole seconds"
        )
    if not 0 <= max_duration <= 2**29:
        raise ModelError(f"max_duration must be at least 0 s, got {max_duration}; give seconds")
    return times.astype(np.int32)


def blocks_of(connections: Connections) -> Blocks:
    """Ends of runs of connections, and whether a run must be scanned until nothing changes.

    Among connections of one departure time, those that take 0 s can lead to each other in any order.
    """
    departure, arrival = connections.departure_time, connections.arrival_time
    if not len(departure):
        return Blocks(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_), 0)
    ends = np.append(np.flatnonzero(np.diff(departure)) + 1, len(departure))
    starts = np.append(0, ends[:-1])
    repeats = np.logical_or.reduceat(arrival <= departure, starts) & (ends - starts > 1)
    kept = np.append((repeats[1:] | repeats[:-1]), True)
    longest = int((ends - starts)[repeats].max(initial=0))
    return Blocks(ends[kept].astype(np.int64), repeats[kept], longest)


def padded(footpaths: Walks) -> Walks:
    """Rows without walks for the two stops that stand for 'no boarding' and 'no alighting'."""
    end = footpaths.start[-1]
    return footpaths._replace(start=np.concatenate([footpaths.start, [end, end]]))


def labels_of(connections: Connections, lanes: int) -> Labels:
    """Return fresh labels for a number of departures."""
    stops = connections.stop_count + 2
    board, ride = (np.full((stops, lanes), UNREACHED, dtype=np.int32) for _ in range(2))
    return Labels(board, ride, np.zeros(len(connections.trip_row), dtype=np.int32))


@numba.njit(cache=True, nogil=True)
def scan_all(rides: Connections, blocks: Blocks, changes: Walks, labels: Labels, departures: Times, last: int) -> None:
    """One pass for all departures (lanes, ascending) of an origin; `last` is the longest travel time.

    `low` is the first lane whose time is not up, `k` one past the last lane aboard, `m` the first lane improved.
    Arrays are named and indexed one by one: views and calls in this loop cost half of the speed.
    """
    board, ride, aboard = labels
    from_stop, to_stop, runs = rides.departure_stop, rides.arrival_stop, rides.trip
    departure_time, arrival_time = rides.departure_time, rides.arrival_time
    walk_start, walk_stop, walk_seconds = changes.start, changes.target, changes.seconds
    boarded = np.empty(blocks.longest, dtype=np.int32)
    low = 0
    time_up = departures[0] + last
    begin = np.searchsorted(departure_time, departures[0])
    block = np.searchsorted(blocks.end, begin, side="right")
    while begin < len(runs):
        end = blocks.end[block]
        if blocks.repeats[block]:
            for i in range(begin, end):
                boarded[i - begin] = aboard[runs[i]]
        again = True
        while again:
            again = False
            for i in range(begin, end):
                now = departure_time[i]
                while now > time_up:
                    low += 1
                    if low == len(departures):
                        return
                    time_up = departures[low] + last
                run, stop = runs[i], from_stop[i]
                k = max(aboard[run], low)
                while k < len(departures) and board[stop, k] <= now:
                    k += 1
                if k == low:
                    continue
                aboard[run] = k
                there, stop = arrival_time[i], to_stop[i]
                m = k
                while m > low and ride[stop, m - 1] > there:
                    m -= 1
                    ride[stop, m] = there
                if m == k:
                    continue
                again = again or there <= now
                for f in range(walk_start[stop], walk_start[stop + 1]):
                    then, other = there + walk_seconds[f], walk_stop[f]
                    j = k
                    while j > m and board[other, j - 1] > then:
                        j -= 1
                        board[other, j] = then
            again = again and blocks.repeats[block]
            if again:  # who boarded on this pass was not in the vehicle before that stop
                for i in range(begin, end):
                    aboard[runs[i]] = boarded[i - begin]
        begin = end
        block += 1


@numba.njit(cache=True, nogil=True)
def start_labels(labels: Labels, access: Walks, origin: int, departures: Times) -> None:
    """Fresh labels: each stop in reach of the origin on foot, at each departure."""
    labels.board[:] = UNREACHED
    labels.ride[:] = UNREACHED
    labels.aboard[:] = 0
    for i in range(access.start[origin], access.start[origin + 1]):
        labels.board[access.target[i]] = departures + access.seconds[i]


@numba.njit(cache=True, nogil=True)
def _profiles(
    rides: Connections, blocks: Blocks, changes: Walks, labels: Labels, access: Walks, departures: Times, last: int
) -> Times:
    """(origin, lane, stop) arrivals by a ride or on foot."""
    arrivals = np.empty((len(access.start) - 1, len(departures), rides.stop_count), dtype=np.int32)
    for origin in range(len(arrivals)):
        start_labels(labels, access, origin, departures)
        scan_all(rides, blocks, changes, labels, departures, last)
        for k in range(len(departures)):
            for stop in range(rides.stop_count):
                there = min(labels.board[stop, k], labels.ride[stop, k])
                arrivals[origin, k, stop] = there if there <= departures[k] + last else UNREACHED
    return arrivals
