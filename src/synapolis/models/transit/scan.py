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

from typing import TYPE_CHECKING, Literal, NamedTuple

import numba
import numpy as np

from synapolis.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.walk import Walks

UNREACHED = np.int32(2**30)  # s; far beyond any timetable, and a walk can be added without overflow
Statistic = Literal["mean", "median", "capped"]
_STATISTICS = {"mean": 0, "median": 1, "capped": 2}


class Access(NamedTuple):
    """What `accessibility` finds for each origin."""

    opportunities: NDArray[np.float64]  # (origin, threshold) mean over departures
    travel_time: NDArray[np.float32]  # (origin, destination) [s], inf where not reached


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
    _check_tables(connections, footpaths)
    _check_times([departure], max_duration)
    if initial.shape != (connections.stop_count,):
        raise ModelError(f"initial_times must be one per stop ({connections.stop_count},), got {initial.shape}")
    block_end, repeats = _blocks(connections)
    board, ride, aboard = _room(connections, 1)
    board[: connections.stop_count, 0] = initial
    first = int(np.searchsorted(connections.departure_time, departure))
    _scan(
        *connections[:5], block_end, repeats, first, *_padded(footpaths),
        board, ride, aboard, np.array([departure], dtype=np.int32), int(max_duration),
    )  # fmt: skip
    arrival = np.minimum(board[: connections.stop_count, 0], ride[: connections.stop_count, 0])
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
    _check_tables(connections, footpaths)
    times = _check_times(departures, max_duration)
    order = np.argsort(times, kind="stable")
    sorted_arrivals = _profiles(
        *connections[:5], *_blocks(connections), *_padded(footpaths),
        access.start, access.target, access.seconds, times[order], int(max_duration),
        connections.stop_count, len(connections.trip_row),
    )  # fmt: skip
    arrivals = np.empty_like(sorted_arrivals)
    arrivals[:, order] = sorted_arrivals
    return np.asarray(arrivals)


def travel_times(
    connections: Connections,
    footpaths: Walks,
    access: Walks,
    egress: Walks,
    direct_walk: Walks,
    departures: Sequence[int],
    max_duration: int,
    *,
    statistic: Statistic = "mean",
) -> NDArray[np.float32]:
    """Door-to-door time from every origin to every destination, summarised over departures.

    Parameters
    ----------
    connections, footpaths
        As in `earliest_arrival`.
    access : Walks (origin to stop)
    egress : Walks (stop to destination)
    direct_walk : Walks (origin to destination)
    departures : (departure,) [s after midnight]
        Leaving the origin.
    max_duration : int [s]
        A destination farther than this counts as not reached at that departure.
    statistic : str
        "mean": inf unless reached at every departure; "median": not reached counts as inf; "capped": mean where not reached
        counts as max_duration.

    Returns
    -------
    (origin, destination) [s]

    Raises
    ------
    ModelError
        Tables that do not fit each other, no departures, or an unknown statistic.
    """
    found = accessibility(
        connections, footpaths, access, egress, direct_walk, departures, max_duration, statistic=statistic
    )
    return found.travel_time


def opportunities_within(
    connections: Connections,
    footpaths: Walks,
    access: Walks,
    egress: Walks,
    direct_walk: Walks,
    departures: Sequence[int],
    thresholds: Sequence[int],
    opportunities: ArrayLike,
) -> NDArray[np.float64]:
    """Opportunities reachable from every origin within each threshold, mean over departures.

    Parameters
    ----------
    connections, footpaths, access, egress, direct_walk, departures
        As in `travel_times`.
    thresholds : (threshold,) [s]
    opportunities : (destination,)
        E.g. jobs.

    Returns
    -------
    (origin, threshold)
        In the unit of `opportunities`.

    Raises
    ------
    ModelError
        As `travel_times`; no threshold; opportunities that are not one finite value per destination.
    """
    if not len(thresholds):
        raise ModelError("at least one threshold is wanted, got none; give seconds")
    found = accessibility(
        connections, footpaths, access, egress, direct_walk, departures, max(thresholds),
        statistic=None, thresholds=thresholds, opportunities=opportunities,
    )  # fmt: skip
    return found.opportunities


def accessibility(
    connections: Connections,
    footpaths: Walks,
    access: Walks,
    egress: Walks,
    direct_walk: Walks,
    departures: Sequence[int],
    max_duration: int,
    *,
    statistic: Statistic | None = "mean",
    thresholds: Sequence[int] = (),
    opportunities: ArrayLike | None = None,
) -> Access:
    """Both of `travel_times` and `opportunities_within` from one scan.

    Parameters
    ----------
    connections, footpaths, access, egress, direct_walk, departures, max_duration, statistic
        As in `travel_times`; without a statistic its result is (origin, 0).
    thresholds, opportunities
        As in `opportunities_within`; thresholds above max_duration count as max_duration.

    Returns
    -------
    Access

    Raises
    ------
    ModelError
        As `travel_times` and `opportunities_within`.
    """
    _check_tables(connections, footpaths)
    times = np.sort(_check_times(departures, max_duration))
    origins, destinations = len(access.start) - 1, direct_walk.target_count
    _check_walks(access, egress, direct_walk, connections.stop_count)
    weight = _checked_opportunities(opportunities, thresholds, destinations)
    if statistic is not None and statistic not in _STATISTICS:
        raise ModelError(f"a statistic must be one of {', '.join(_STATISTICS)}, got {statistic!r}; choose one")
    result = Access(
        np.zeros((origins, len(thresholds))),
        np.empty((origins, destinations if statistic is not None else 0), dtype=np.float32),
    )
    _accessibility(
        *connections[:5], *_blocks(connections), *_padded(footpaths), *access[:3], *egress[:3], *direct_walk[:3],
        times, int(max_duration), connections.stop_count, len(connections.trip_row), destinations,
        _STATISTICS.get(statistic or "", -1), np.asarray(thresholds, dtype=np.int64), weight, *result,
    )  # fmt: skip
    return result


def _check_tables(connections: Connections, footpaths: Walks) -> None:
    if len(footpaths.start) != connections.stop_count + 1 or footpaths.target_count != connections.stop_count:
        raise ModelError(
            f"footpaths must join the {connections.stop_count} stops of the connections, "
            f"got {len(footpaths.start) - 1} by {footpaths.target_count}; build both from one timetable"
        )


def _check_times(departures: Sequence[int], max_duration: int) -> NDArray[np.int32]:
    times = np.asarray(departures)
    if times.ndim != 1 or not len(times) or times.min() < 0 or times.max() > 2**29:
        raise ModelError(
            f"departures must be one or more seconds after midnight, got {departures!r:.80}; give whole seconds"
        )
    if not 0 <= max_duration <= 2**29:
        raise ModelError(f"max_duration must be at least 0 s, got {max_duration}; give seconds")
    return times.astype(np.int32)


def _check_walks(access: Walks, egress: Walks, direct_walk: Walks, stop_count: int) -> None:
    got = [(len(walks.start) - 1, walks.target_count) for walks in (access, egress, direct_walk)]
    origins, destinations = got[2]
    wanted = [(origins, stop_count), (stop_count, destinations), (origins, destinations)]
    if got != wanted:
        raise ModelError(
            f"access, egress and direct_walk must be (origin, stop), (stop, destination), (origin, destination): "
            f"wanted {wanted}, got {got}; build all from the same points"
        )


def _checked_opportunities(
    opportunities: ArrayLike | None, thresholds: Sequence[int], destinations: int
) -> NDArray[np.float64]:
    if not len(thresholds):
        return np.zeros(destinations)
    if opportunities is None:
        raise ModelError("thresholds need opportunities to count, got none; give one value per destination")
    if min(thresholds) < 0:
        raise ModelError(f"thresholds must be at least 0 s, got {min(thresholds)}; give seconds")
    weight = np.asarray(opportunities, dtype=np.float64)
    if weight.shape != (destinations,) or not np.isfinite(weight).all():
        raise ModelError(
            f"opportunities must be one finite value per destination ({destinations},), got {weight.shape}; "
            "fill blanks first"
        )
    return weight


def _blocks(connections: Connections) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ends of runs of connections, and whether a run must be scanned until nothing changes.

    Among connections of one departure time, those that take 0 s can lead to each other in any order.
    """
    departure, arrival = connections.departure_time, connections.arrival_time
    if not len(departure):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    ends = np.append(np.flatnonzero(np.diff(departure)) + 1, len(departure))
    starts = np.append(0, ends[:-1])
    repeats = np.logical_or.reduceat(arrival <= departure, starts) & (ends - starts > 1)
    kept = np.append((repeats[1:] | repeats[:-1]), True)
    return ends[kept].astype(np.int64), repeats[kept]


def _padded(footpaths: Walks) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Rows without walks for the two stops that stand for 'no boarding' and 'no alighting'."""
    end = footpaths.start[-1]
    return np.concatenate([footpaths.start, [end, end]]), footpaths.target, footpaths.seconds


def _room(connections: Connections, lanes: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    stops = connections.stop_count + 2
    board, ride = (np.full((stops, lanes), UNREACHED, dtype=np.int32) for _ in range(2))
    return board, ride, np.zeros(len(connections.trip_row), dtype=np.int32)


@numba.njit(cache=True, nogil=True)
def _scan(
    departure_stop: NDArray[np.int32],
    arrival_stop: NDArray[np.int32],
    departure_time: NDArray[np.int32],
    arrival_time: NDArray[np.int32],
    trip: NDArray[np.int32],
    block_end: NDArray[np.int64],
    repeats: NDArray[np.bool_],
    first: int,
    walk_start: NDArray[np.int64],
    walk_stop: NDArray[np.int32],
    walk_seconds: NDArray[np.int32],
    board: NDArray[np.int32],
    ride: NDArray[np.int32],
    aboard: NDArray[np.int32],
    departures: NDArray[np.int32],
    max_duration: int,
) -> None:
    """One pass for all departures (lanes, ascending) of an origin.

    board (stop, lane): earliest time one may board; ride (stop, lane): earliest arrival by a ride; aboard (run): how many
    lanes, from the first, are in the vehicle. `low` is the first lane whose time is not up.
    """
    lanes = len(departures)
    low = 0
    begin = first
    block = np.searchsorted(block_end, first, side="right")
    while begin < len(trip):
        end = block_end[block]
        changed = True
        while changed:
            changed = False
            for i in range(begin, end):
                now = departure_time[i]
                while now > departures[low] + max_duration:
                    low += 1
                    if low == lanes:
                        return
                run = trip[i]
                k = max(aboard[run], low)
                stop = departure_stop[i]
                while k < lanes and board[stop, k] <= now:
                    k += 1
                if k == low:
                    continue
                aboard[run] = k
                there = arrival_time[i]
                stop = arrival_stop[i]
                m = k
                while m > low and ride[stop, m - 1] > there:
                    m -= 1
                    ride[stop, m] = there
                if m == k:
                    continue
                changed = changed or there <= now
                for f in range(walk_start[stop], walk_start[stop + 1]):
                    then = there + walk_seconds[f]
                    other = walk_stop[f]
                    j = k
                    while j > m and board[other, j - 1] > then:
                        j -= 1
                        board[other, j] = then
            changed = changed and repeats[block]
        begin = end
        block += 1


@numba.njit(cache=True, nogil=True)
def _start(
    board: NDArray[np.int32],
    ride: NDArray[np.int32],
    aboard: NDArray[np.int32],
    stops: NDArray[np.int32],
    seconds: NDArray[np.int32],
    departures: NDArray[np.int32],
) -> None:
    """Fresh labels: each stop in reach of the origin on foot, at each departure."""
    board[:] = UNREACHED
    ride[:] = UNREACHED
    aboard[:] = 0
    for i in range(len(stops)):
        for k in range(len(departures)):
            board[stops[i], k] = min(board[stops[i], k], departures[k] + seconds[i])


@numba.njit(cache=True, nogil=True)
def _profiles(
    departure_stop: NDArray[np.int32],
    arrival_stop: NDArray[np.int32],
    departure_time: NDArray[np.int32],
    arrival_time: NDArray[np.int32],
    trip: NDArray[np.int32],
    block_end: NDArray[np.int64],
    repeats: NDArray[np.bool_],
    walk_start: NDArray[np.int64],
    walk_stop: NDArray[np.int32],
    walk_seconds: NDArray[np.int32],
    access_start: NDArray[np.int64],
    access_stop: NDArray[np.int32],
    access_seconds: NDArray[np.int32],
    departures: NDArray[np.int32],
    max_duration: int,
    stop_count: int,
    runs: int,
) -> NDArray[np.int32]:
    lanes = len(departures)
    board = np.empty((stop_count + 2, lanes), dtype=np.int32)
    ride = np.empty((stop_count + 2, lanes), dtype=np.int32)
    aboard = np.empty(runs, dtype=np.int32)
    first = np.searchsorted(departure_time, departures[0])
    arrivals = np.empty((len(access_start) - 1, lanes, stop_count), dtype=np.int32)
    for origin in range(len(access_start) - 1):
        near = slice(access_start[origin], access_start[origin + 1])
        _start(board, ride, aboard, access_stop[near], access_seconds[near], departures)
        _scan(
            departure_stop, arrival_stop, departure_time, arrival_time, trip, block_end, repeats, first,
            walk_start, walk_stop, walk_seconds, board, ride, aboard, departures, max_duration,
        )  # fmt: skip
        for k in range(lanes):
            for stop in range(stop_count):
                there = min(board[stop, k], ride[stop, k])
                arrivals[origin, k, stop] = there if there <= departures[k] + max_duration else UNREACHED
    return arrivals


@numba.njit(cache=True, nogil=True)
def _doors(
    total: NDArray[np.int32],
    ride: NDArray[np.int32],
    egress_start: NDArray[np.int64],
    egress_target: NDArray[np.int32],
    egress_seconds: NDArray[np.int32],
    direct_target: NDArray[np.int32],
    direct_seconds: NDArray[np.int32],
    departures: NDArray[np.int32],
    stop_count: int,
) -> None:
    """Arrival at each destination (destination, lane): on foot all the way, or from the last stop of a ride."""
    lanes = len(departures)
    total[:] = UNREACHED
    for i in range(len(direct_target)):
        for k in range(lanes):
            total[direct_target[i], k] = departures[k] + direct_seconds[i]
    for stop in range(stop_count):
        here = ride[stop]
        soonest = here[0]
        for k in range(lanes):
            soonest = min(soonest, here[k])
        if soonest == UNREACHED:
            continue
        for i in range(egress_start[stop], egress_start[stop + 1]):
            door = total[egress_target[i]]
            walk = egress_seconds[i]
            for k in range(lanes):
                door[k] = min(door[k], here[k] + walk)


@numba.njit(cache=True, nogil=True)
def _summary(time: NDArray[np.int64], statistic: int, cap: int) -> float:
    """Of the travel times by lane (above `cap`: not reached): 0 mean, 1 median, 2 mean with the cap for not reached."""
    lanes = len(time)
    if statistic == 1:
        time.sort()
        low = time[(lanes - 1) // 2]
        high = time[lanes // 2]
        return (low + high) / 2 if high <= cap else np.inf
    total = 0.0
    for k in range(lanes):
        if time[k] <= cap:
            total += time[k]
        elif statistic == 2:
            total += cap
        else:
            return np.inf
    return total / lanes


@numba.njit(cache=True, nogil=True)
def _accessibility(
    departure_stop: NDArray[np.int32],
    arrival_stop: NDArray[np.int32],
    departure_time: NDArray[np.int32],
    arrival_time: NDArray[np.int32],
    trip: NDArray[np.int32],
    block_end: NDArray[np.int64],
    repeats: NDArray[np.bool_],
    walk_start: NDArray[np.int64],
    walk_stop: NDArray[np.int32],
    walk_seconds: NDArray[np.int32],
    access_start: NDArray[np.int64],
    access_stop: NDArray[np.int32],
    access_seconds: NDArray[np.int32],
    egress_start: NDArray[np.int64],
    egress_target: NDArray[np.int32],
    egress_seconds: NDArray[np.int32],
    direct_start: NDArray[np.int64],
    direct_target: NDArray[np.int32],
    direct_seconds: NDArray[np.int32],
    departures: NDArray[np.int32],
    max_duration: int,
    stop_count: int,
    runs: int,
    destinations: int,
    statistic: int,
    thresholds: NDArray[np.int64],
    weight: NDArray[np.float64],
    opportunities: NDArray[np.float64],
    travel_time: NDArray[np.float32],
) -> None:
    lanes = len(departures)
    board = np.empty((stop_count + 2, lanes), dtype=np.int32)
    ride = np.empty((stop_count + 2, lanes), dtype=np.int32)
    aboard = np.empty(runs, dtype=np.int32)
    total = np.empty((destinations, lanes), dtype=np.int32)
    time = np.empty(lanes, dtype=np.int64)
    first = np.searchsorted(departure_time, departures[0])
    for origin in range(len(access_start) - 1):
        near = slice(access_start[origin], access_start[origin + 1])
        _start(board, ride, aboard, access_stop[near], access_seconds[near], departures)
        _scan(
            departure_stop, arrival_stop, departure_time, arrival_time, trip, block_end, repeats, first,
            walk_start, walk_stop, walk_seconds, board, ride, aboard, departures, max_duration,
        )  # fmt: skip
        direct = slice(direct_start[origin], direct_start[origin + 1])
        _doors(
            total, ride, egress_start, egress_target, egress_seconds,
            direct_target[direct], direct_seconds[direct], departures, stop_count,
        )  # fmt: skip
        for goal in range(destinations):
            for k in range(lanes):
                time[k] = total[goal, k] - departures[k]
            for t in range(len(thresholds)):
                limit = min(thresholds[t], max_duration)
                reached = 0
                for k in range(lanes):
                    reached += time[k] <= limit
                opportunities[origin, t] += weight[goal] * reached / lanes
            if statistic >= 0:
                travel_time[origin, goal] = _summary(time, statistic, max_duration)
