"""From who has arrived where to door-to-door times and what is within reach, for batches of origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from synapolis.models.transit.sweep import WIDTH, by_target, entry, label_type, network, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.sweep import Entry, Labels, Network, Numbers, Times

    Marks = NDArray[np.uint64]
    Rows = tuple[Numbers, Numbers]  # start (goal + 1,), and what each row holds
    from synapolis.models.transit.walk import Walks

FAR = np.int32(2**30)  # s; no walk


class Doors(NamedTuple):
    """Walks to destinations: from stops, and all the way."""

    start: Numbers  # (goal + 1,) walks from stops to a goal
    stop: Times
    seconds: Times
    direct_start: Numbers  # (goal + 1,) walks from origins to a goal
    direct_origin: Times
    direct_seconds: Times


class Ask(NamedTuple):
    """What is asked of the times between two places at all departures."""

    departures: Times  # (departure,) [s], ascending
    last: int  # [s] longest travel time
    thresholds: Times  # (threshold,) [s]


class Pairs(NamedTuple):
    """Times between origins and goals over all departures."""

    mean: NDArray[np.float32]  # (origin, goal) [s] what is not reached counting as the longest time
    within: NDArray[np.uint16]  # (threshold, origin, goal) departures that arrive within each threshold


class Earlier(NamedTuple):
    """An earlier answer, and which of its pairs must be looked at again.

    Pairs of a goal are as they were for an origin whose arrivals at the goal's unchanged stops (`same`) have the same
    marks, who never arrived at a stop the goal has lost (`lost`, a row of `before`) nor arrives at one it has gained
    (`gained`), and whose walk is the same (not in `walkers`). Each is a table of compressed rows by goal.
    """

    marks: Marks  # (stop, origin) earlier marks by today's numbers of stops
    before: Marks  # (earlier stop, origin)
    same: Rows
    lost: Rows
    gained: Rows
    walkers: Rows


def doors(egress: Walks, direct: Walks) -> Doors:
    """Arrange walks to destinations."""
    goals = direct.target_count
    return Doors(*by_target(egress, goals), *by_target(direct, goals))


def reach(
    connections: Connections,
    footpaths: Walks,
    access: Walks,
    to_goal: Doors,
    ask: Ask,
    *,
    earlier: Earlier | None = None,
    found: Pairs | None = None,
) -> tuple[Pairs, Marks]:
    """Times from every origin to every goal over all departures.

    Parameters
    ----------
    connections, footpaths
        As in `scan.earliest_arrival`.
    access : Walks (origin to stop)
    to_goal : Doors
    ask : Ask
    earlier, found : optional
        An earlier answer to the same question; only what differs is summed up again, into `found`.

    Returns
    -------
    Pairs
    Marks (stop, origin)
        A fingerprint of when each origin's departures arrive at each stop; 0 where none does.
    """
    net = network(connections, footpaths)
    origins, goals = len(access.start) - 1, len(to_goal.start) - 1
    if earlier is None or found is None:
        none = (np.zeros(goals + 1, dtype=np.int64), np.zeros(0, dtype=np.int64))
        nothing = np.zeros((0, 0), dtype=np.uint64)
        earlier = Earlier(nothing, nothing, none, none, none, none)
        found = Pairs(
            np.empty((origins, goals), dtype=np.float32),
            np.empty((len(ask.thresholds), origins, goals), dtype=np.uint16),
        )
    marks = np.zeros((connections.stop_count, origins), dtype=np.uint64)
    kind = np.zeros(1, label_type(len(ask.departures), rides_counted=False))
    _reach(net, entry(access, ask.departures), to_goal, ask, earlier, found, marks, kind)
    return found, marks


@numba.njit(cache=True, nogil=True)
def _reach(
    net: Network, entry: Entry, to_goal: Doors, ask: Ask, earlier: Earlier, found: Pairs, marks: Marks, kind: Labels
) -> None:
    """Fill `found` and `marks` batch by batch."""
    origins, goals = found.mean.shape
    aboard = np.zeros((len(net.departure), WIDTH), dtype=kind.dtype)
    there = np.empty((len(net.slot_time), WIDTH), dtype=kind.dtype)
    risen = np.empty(len(net.slot_time), dtype=np.int32)
    event_start, event_slot, event_time = without_stays(net, to_goal, *arrivals(net, to_goal, ask))
    leave = leave_of(ask.departures)
    wanted = np.ones(WIDTH, dtype=np.bool_)
    anew = len(earlier.marks) == 0
    differs = np.zeros((len(marks), WIDTH), dtype=np.bool_)
    for first in range(0, origins, WIDTH):
        sweep(net, entry, first, 0, aboard, there, risen)
        mark(net, there, risen, first, marks)
        if not anew:
            differences(earlier, marks, first, differs)
        for goal in range(goals):
            if not anew and not look_again(earlier, marks, differs, goal, first, wanted):
                continue
            events = slice(event_start[goal], event_start[goal + 1])
            summarise(
                event_slot[events], event_time[events], there, risen, to_goal, goal, first, wanted, ask, leave, found
            )


@numba.njit(cache=True, nogil=True)
def mark(net: Network, there: Labels, risen: Times, first: int, marks: Marks) -> None:
    """Fingerprint of the arrivals at each stop: folded over the seconds at which more departures have arrived."""
    count = min(WIDTH, marks.shape[1] - first)
    fold, last = np.empty(WIDTH, dtype=np.uint64), np.empty(WIDTH, dtype=there.dtype)
    for stop in range(len(net.slot_start) - 1):
        fold[:], last[:] = 0, 0
        for i in range(net.slot_start[stop], net.slot_start[stop + 1]):
            if risen[i] == i:
                second = np.uint64(net.slot_time[i]) << np.uint64(16)
                for j in range(WIDTH):
                    more = (fold[j] ^ (second | np.uint64(there[i, j]))) * np.uint64(0x9E3779B97F4A7C15)
                    fold[j] = more ^ (more >> np.uint64(29)) if there[i, j] > last[j] else fold[j]
                    last[j] = there[i, j]
        marks[stop, first : first + count] = fold[:count]


@numba.njit(cache=True, nogil=True)
def differences(earlier: Earlier, marks: Marks, first: int, differs: NDArray[np.bool_]) -> None:
    """(stop, WIDTH) whether arrivals of a batch of origins differ from the earlier ones."""
    count = min(WIDTH, marks.shape[1] - first)
    for stop in range(len(marks)):
        for j in range(count):
            differs[stop, j] = marks[stop, first + j] != earlier.marks[stop, first + j]


@numba.njit(cache=True, nogil=True)
def look_again(
    earlier: Earlier, marks: Marks, differs: NDArray[np.bool_], goal: int, first: int, wanted: NDArray[np.bool_]
) -> bool:
    """Fill `wanted`: which origins of a batch may have other times to a goal than before; tells whether any."""
    wanted[:] = False
    count = min(WIDTH, marks.shape[1] - first)
    start, stops = earlier.same
    for a in range(start[goal], start[goal + 1]):
        stop = stops[a]
        for j in range(WIDTH):
            wanted[j] |= differs[stop, j]
    start, stops = earlier.gained
    for a in range(start[goal], start[goal + 1]):
        for j in range(count):
            wanted[j] |= marks[stops[a], first + j] != 0
    start, stops = earlier.lost
    for a in range(start[goal], start[goal + 1]):
        for j in range(count):
            wanted[j] |= earlier.before[stops[a], first + j] != 0
    start, walkers = earlier.walkers
    for a in range(start[goal], start[goal + 1]):
        if first <= walkers[a] < first + count:
            wanted[walkers[a] - first] = True
    some = False
    for j in range(count):
        some |= wanted[j]
    return some


@numba.njit(cache=True, nogil=True)
def arrivals(net: Network, to_goal: Doors, ask: Ask) -> tuple[Numbers, Times, Times]:
    """Arrivals at each goal from the stops around it, in order of time: start (goal + 1,), slot and second."""
    goals = len(to_goal.start) - 1
    start = np.zeros(goals + 1, dtype=np.int64)
    for goal in range(goals):
        start[goal + 1] = start[goal] + arrival_count(net, to_goal, goal)
    slot, second = np.empty(start[-1], dtype=np.int32), np.empty(start[-1], dtype=np.int32)
    size = 0
    for goal in range(goals):
        start[goal] = size
        size += fill_arrivals(net, to_goal, goal, ask, slot[size:], second[size:])
    start[goals] = size
    return start, slot[:size], second[:size]


@numba.njit(cache=True, nogil=True)
def without_stays(
    net: Network, to_goal: Doors, start: Numbers, slot: Times, second: Times
) -> tuple[Numbers, Times, Times]:
    """Leave out arrivals whose riders are at the goal no later if they stay aboard: nobody's times change."""
    after = np.full(len(net.departure), -1, dtype=np.int32)
    for ride in range(len(after)):
        if net.before[ride] >= 0:
            after[net.before[ride]] = ride
    on_foot = np.full(len(net.slot_start) - 1, FAR, dtype=np.int32)
    kept_start = np.zeros_like(start)
    size = 0
    for goal in range(len(start) - 1):
        for a in range(to_goal.start[goal], to_goal.start[goal + 1]):
            on_foot[to_goal.stop[a]] = to_goal.seconds[a]
        for e in range(start[goal], start[goal + 1]):
            if not _worth_staying(net, after, on_foot, net.slot_ride[slot[e]], second[e]):
                slot[size], second[size] = slot[e], second[e]
                size += 1
        for a in range(to_goal.start[goal], to_goal.start[goal + 1]):
            on_foot[to_goal.stop[a]] = FAR
        kept_start[goal + 1] = size
    return kept_start, slot[:size].copy(), second[:size].copy()


@numba.njit(cache=True, nogil=True, inline="always")
def _worth_staying(net: Network, after: Times, on_foot: Times, ride: int, second: int) -> bool:
    """Whether a later stop of the run is no later at the goal."""
    ride = after[ride]
    while ride >= 0 and net.departure[ride] <= second:
        i = net.arrival_slot[ride]
        if i >= 0 and net.slot_time[i] + on_foot[net.slot_stop[i]] <= second:
            return True
        ride = after[ride]
    return False


@numba.njit(cache=True, nogil=True)
def arrival_count(net: Network, to_goal: Doors, goal: int) -> int:
    """How many arrivals there are at the stops around a goal."""
    count = 0
    for a in range(to_goal.start[goal], to_goal.start[goal + 1]):
        count += net.slot_start[to_goal.stop[a] + 1] - net.slot_start[to_goal.stop[a]]
    return count


@numba.njit(cache=True, nogil=True)
def fill_arrivals(net: Network, to_goal: Doors, goal: int, ask: Ask, slot: Times, second: Times) -> int:
    """Sort one goal's arrivals by second (a list for each), and within a second by stop and slot."""
    first, latest = ask.departures[0], ask.departures[-1] + ask.last
    head = np.full(latest - first + 1, -1, dtype=np.int32)
    room = arrival_count(net, to_goal, goal)
    following, place = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    count = 0
    for a in range(to_goal.start[goal + 1] - 1, to_goal.start[goal] - 1, -1):
        stop = to_goal.stop[a]
        for i in range(net.slot_start[stop + 1] - 1, net.slot_start[stop] - 1, -1):
            time = net.slot_time[i] + to_goal.seconds[a]
            if first <= time <= latest:
                following[count] = head[time - first]
                place[count] = i
                head[time - first] = count
                count += 1
    count = 0
    for time in range(latest - first + 1):
        here = head[time]
        while here >= 0:
            slot[count], second[count] = place[here], time + first
            count += 1
            here = following[here]
    return count


class Leave(NamedTuple):
    """Departures looked up by second, and summed."""

    first: int  # [s] the first departure
    earlier: Times  # (second,) departures before that second, counted from the first departure
    total: Numbers  # (departure + 1,) [s] sum of the departures before each


@numba.njit(cache=True, nogil=True)
def leave_of(departures: Times) -> Leave:
    """Arrange departures for `summarise`."""
    count = len(departures)
    earlier = np.empty(departures[-1] - departures[0] + 2, dtype=np.int32)
    k = 0
    for second in range(len(earlier)):
        while k < count and departures[k] < departures[0] + second:
            k += 1
        earlier[second] = k
    total = np.zeros(count + 1, dtype=np.int64)
    for k in range(count):
        total[k + 1] = total[k] + departures[k]
    return Leave(departures[0], earlier, total)


@numba.njit(cache=True, nogil=True, inline="always")
def _since(leave: Leave, second: int, low: np.int64, high: np.int64) -> np.int64:
    """The first of the departures low:high that leaves at a second or later; `high` where none does."""
    at = min(max(second - leave.first, 0), len(leave.earlier) - 1)
    found = np.int64(leave.earlier[at])
    return low if found < low else min(found, high)


@numba.njit(cache=True, nogil=True)
def summarise(
    slots: Times,
    seconds: Times,
    there: Labels,
    risen: Times,
    to_goal: Doors,
    goal: int,
    first_origin: int,
    wanted: NDArray[np.bool_],
    ask: Ask,
    leave: Leave,
    found: Pairs,
) -> None:
    """Times from the wanted of a batch of origins to one goal.

    Departures that arrive at the same second are summed in one step: those that leave too early to be quicker than the
    walk, or than the longest time, count as that.
    """
    lanes = len(ask.departures)
    origins = min(WIDTH, found.mean.shape[0] - first_origin)
    walk = np.full(WIDTH, FAR, dtype=np.int32)
    for a in range(to_goal.direct_start[goal], to_goal.direct_start[goal + 1]):
        j = to_goal.direct_origin[a] - first_origin
        if 0 <= j < WIDTH:
            walk[j] = to_goal.direct_seconds[a]
    done = np.full(WIDTH, lanes, dtype=there.dtype)  # who is not wanted has nothing left to do
    for j in range(origins):
        if wanted[j]:
            done[j] = 0
    total = np.zeros(WIDTH, dtype=np.int64)
    departures, limits = ask.departures, np.minimum(ask.thresholds, ask.last)
    counts = np.zeros((len(limits), WIDTH), dtype=np.int64)
    for e in range(len(slots)):
        i = slots[e]
        if risen[i] != i:
            continue
        higher = False
        for j in range(WIDTH):
            higher |= there[i, j] > done[j]
        if not higher:
            continue
        for j in range(WIDTH):
            if there[i, j] > done[j]:
                low, high, most = np.int64(done[j]), np.int64(there[i, j]), min(walk[j], ask.last)
                longest, shortest = seconds[e] - departures[low], seconds[e] - departures[high - 1]
                soon = low if longest <= most else high
                if shortest < most < longest:
                    soon = _since(leave, seconds[e] - most, low, high)
                total[j] += (soon - low) * most + (high - soon) * seconds[e] - leave.total[high] + leave.total[soon]
                for t in range(len(limits)):
                    if shortest <= limits[t]:
                        at = low if longest <= limits[t] else _since(leave, seconds[e] - limits[t], low, high)
                        counts[t, j] += high - at
                done[j] = there[i, j]
    for j in range(origins):
        if wanted[j]:
            found.mean[first_origin + j, goal] = (
                total[j] + min(walk[j], ask.last) * (lanes - np.int64(done[j]))
            ) / lanes
            for t in range(len(limits)):
                found.within[t, first_origin + j, goal] = lanes if walk[j] <= limits[t] else counts[t, j]
