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
    event_start, event_slot, event_time = arrivals(net, to_goal, ask)
    work = np.empty((WIDTH, len(ask.departures)), dtype=np.int32)
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
                event_slot[events], event_time[events], there, risen, to_goal, goal, first, wanted, ask, work, found
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
    work: Times,
    found: Pairs,
) -> None:
    """Times from the wanted of a batch of origins to one goal."""
    lanes = len(ask.departures)
    origins = min(WIDTH, found.mean.shape[0] - first_origin)
    done = np.zeros(WIDTH, dtype=there.dtype)
    for e in range(len(slots)):
        i = slots[e]
        if risen[i] != i:
            continue
        higher = False
        for j in range(WIDTH):
            higher |= there[i, j] > done[j]
        if higher:
            for j in range(WIDTH):
                if wanted[j]:
                    for k in range(done[j], there[i, j]):
                        work[j, k] = seconds[e]
                done[j] = max(done[j], there[i, j])
    walk = np.full(WIDTH, FAR, dtype=np.int32)
    for a in range(to_goal.direct_start[goal], to_goal.direct_start[goal + 1]):
        j = to_goal.direct_origin[a] - first_origin
        if 0 <= j < WIDTH:
            walk[j] = to_goal.direct_seconds[a]
    for j in range(origins):
        if not wanted[j]:
            continue
        reached = np.int64(done[j])
        total = min(walk[j], ask.last) * (lanes - reached)
        for k in range(reached):
            work[j, k] = min(work[j, k] - ask.departures[k], walk[j])
        for k in range(reached):
            total += min(work[j, k], ask.last)
        found.mean[first_origin + j, goal] = total / lanes
        for t in range(len(ask.thresholds)):
            limit = min(ask.thresholds[t], ask.last)
            count = (lanes - reached) * (walk[j] <= limit)
            for k in range(reached):
                count += work[j, k] <= limit
            found.within[t, first_origin + j, goal] = count
