"""Connection scan for many origins and all departures at once: one pass over the connections in order of departure.

A label says for one origin and stop how many of its departures (in order, from the first) can be there by now. Whoever
leaves later never arrives earlier, so that one number holds the whole profile; a connection hands the labels of a batch
of origins on with a few vector instructions, whatever the number of departures. Rules are those of `scan`.

With `changes` counted, a label holds the departure and, below it, how few rides were used: of what arrives at once the
latest departure counts, then the fewest rides.

References: Dibbelt, Pajor, Strasser, Wagner, Connection scan algorithm, ACM Journal of Experimental Algorithmics 23
(2018), profile scan; Delling, Katz, Pajor, Parallel computation of best connections in public transportation networks,
same journal 17 (2012), for labels shared by departures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from synapolis.models.transit.scan import Blocks, blocks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.walk import Walks

    Times = NDArray[np.int32]
    Numbers = NDArray[np.int64]
    Labels = NDArray[np.uint8 | np.uint16]

WIDTH = 64  # origins in a batch: one cache line of labels
NEVER = 2**31 - 1
RIDE_BITS = 3  # where rides are counted: 0 to 7


class Network(NamedTuple):
    """Connections with what a sweep looks up: arrivals by stop in order of time, walks by the stop they lead to."""

    from_stop: Times  # (connection,)
    departure: Times  # (connection,) [s]
    before: Times  # (connection,) the run's connection before it, -1 for the first
    arrival_slot: Times  # (connection,) its place among the arrivals, -1 where nobody may alight
    slot_start: Numbers  # (stop + 1,) arrivals at stop i are slots slot_start[i]:slot_start[i + 1]
    slot_time: Times  # (slot,) [s]
    slot_stop: Times  # (slot,)
    slot_ride: Times  # (slot,) connection
    slot_order: Numbers  # slots by time
    pull_start: Numbers  # (connection + 1,) what has reached a connection's stop since the connection there before it
    pull_slot: Times  # (pull,) the last such arrival at a stop within a walk; or -1 - connection, of this very second
    pull_after: Times  # (pull,) the first such arrival
    instant: NDArray[np.bool_]  # (connection,) whether it takes no time
    block_end: Numbers  # as in `scan.Blocks`
    block_repeats: NDArray[np.bool_]


class Entry(NamedTuple):
    """Walks from origins, by the stop they lead to; and how many departures there are by each second."""

    start: Numbers  # (stop + 1,)
    origin: Times
    seconds: Times
    first: int  # [s] the first departure
    by_second: NDArray[np.uint16]  # (second,) departures from `first` to then


def network(connections: Connections, footpaths: Walks | None) -> Network:
    """Arrange connections and walks between stops for sweeps.

    Parameters
    ----------
    connections : Connections
    footpaths : Walks (stop to stop), optional
        As `connections.footpaths` gives them; None leaves out the pulls, which only `sweep` reads.

    Returns
    -------
    Network
    """
    stops, rides = connections.stop_count, len(connections.trip)
    order = np.lexsort((np.arange(rides), connections.trip))  # a run's rides, in order
    before = np.full(rides, -1, dtype=np.int32)
    follows = connections.trip[order][1:] == connections.trip[order][:-1]
    before[order[1:][follows]] = order[:-1][follows]
    alight = np.flatnonzero(connections.arrival_stop < stops)
    alight = alight[np.lexsort((alight, connections.arrival_time[alight], connections.arrival_stop[alight]))]
    slot = np.full(rides, -1, dtype=np.int32)
    slot[alight] = np.arange(len(alight))
    blocks: Blocks = blocks_of(connections)
    slot_start = _starts(connections.arrival_stop[alight], stops)
    slot_time = connections.arrival_time[alight]
    repeats = np.repeat(blocks.repeats, np.diff(blocks.end, prepend=0))
    none = np.zeros(0, dtype=np.int32)
    pulls = (np.zeros(rides + 1, dtype=np.int64), none, none) if footpaths is None else _pulls(
        connections.departure_stop, connections.departure_time, repeats, slot_start, slot_time,
        alight.astype(np.int32), *by_target(footpaths, stops),
    )  # fmt: skip
    return Network(
        connections.departure_stop,
        connections.departure_time,
        before,
        slot,
        slot_start,
        slot_time,
        connections.arrival_stop[alight],
        alight.astype(np.int32),
        np.argsort(slot_time, kind="stable"),
        *pulls,
        connections.arrival_time <= connections.departure_time,
        blocks.end,
        blocks.repeats,
    )


@numba.njit(cache=True, nogil=True)
def _pulls(
    from_stop: Times,
    departure: Times,
    repeats: NDArray[np.bool_],
    slot_start: Numbers,
    slot_time: Times,
    slot_ride: Times,
    walk_start: Numbers,
    walk_from: Times,
    walk_seconds: Times,
) -> tuple[Numbers, Times, Times]:
    """Which arrivals reach the stop of each connection in time, and have not reached it for an earlier connection."""
    stops, rides = len(walk_start) - 1, len(departure)
    seen = np.empty(len(walk_from), dtype=np.int64)  # arrivals before it are told to an earlier connection
    due = np.empty(len(walk_from), dtype=np.int32)  # when the next one has walked here
    for f in range(len(seen)):
        seen[f] = slot_start[walk_from[f]]
        last = slot_start[walk_from[f] + 1]
        due[f] = slot_time[seen[f]] + walk_seconds[f] if seen[f] < last else NEVER
    start = np.zeros(rides + 1, dtype=np.int64)
    slot, after = np.empty(4 * rides + 16, dtype=np.int32), np.empty(4 * rides + 16, dtype=np.int32)
    size = 0
    for c in range(rides):
        now, stop = departure[c], from_stop[c]
        for f in range(walk_start[stop], walk_start[stop + 1]) if stop < stops else range(0):
            if due[f] > now:
                continue
            i, last = seen[f], slot_start[walk_from[f] + 1]
            until = now - walk_seconds[f]
            while i < last and slot_time[i] <= until and slot_time[i] < now:
                i += 1
            end = i
            while end < last and slot_time[end] <= until:  # arrivals of this very second
                end += 1
            if size + 1 + end - i > len(slot):
                slot, after = np.append(slot, np.empty_like(slot)), np.append(after, np.empty_like(after))
            if i > seen[f]:
                slot[size], after[size] = i - 1, seen[f]
                size += 1
                seen[f] = i
                due[f] = slot_time[i] + walk_seconds[f] if i < last else NEVER
            for k in range(i, end):
                if slot_ride[k] < c or repeats[c]:
                    slot[size] = -1 - slot_ride[k]
                    size += 1
        start[c + 1] = size
    return start, slot[:size].copy(), after[:size].copy()


def by_target(walks: Walks, target_count: int) -> tuple[Numbers, Times, Times]:
    """Walks by the place they lead to: start (target + 1,), origin and seconds of each."""
    origin = np.repeat(np.arange(len(walks.start) - 1, dtype=np.int32), np.diff(walks.start))
    order = np.argsort(walks.target, kind="stable")
    return _starts(walks.target, target_count), origin[order], walks.seconds[order]


def _starts(of: NDArray[np.int32], count: int) -> Numbers:
    return np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))]).astype(np.int64)


def entry(access: Walks, departures: Times) -> Entry:
    """Arrange walks from origins to stops.

    Parameters
    ----------
    access : Walks (origin to stop)
    departures : (departure,) [s after midnight]
        Ascending.
    """
    start, origin, seconds = by_target(access, access.target_count)
    first = int(departures[0])
    span = np.arange(first, int(departures[-1]) + 1)
    return Entry(start, origin, seconds, first, np.searchsorted(departures, span, side="right").astype(np.uint16))


def label_type(departures: int, *, rides_counted: bool) -> type[np.uint8 | np.uint16]:
    """Return the smallest type that holds a label."""
    return np.uint8 if not rides_counted and departures < 256 else np.uint16


@numba.njit(cache=True, nogil=True)
def sweep(
    net: Network, entry: Entry, first_origin: int, bits: int, aboard: Labels, there: Labels, risen: Times
) -> NDArray[np.bool_]:
    """Labels of one batch of origins: (connection, WIDTH) aboard each connection, (slot, WIDTH) arrived by each slot.

    `bits` are those in which a label counts rides (0: none). `risen` (slot,) is the last arrival, up to each, with
    which anybody was there sooner than before; -1 where nobody is. Returns (connection,) whether anybody is aboard:
    rows of `aboard` without are not written.
    """
    stops = len(net.slot_start) - 1
    board = np.zeros((stops + 1, WIDTH), dtype=aboard.dtype)  # the last row is where nobody may board
    anyone = np.zeros(stops + 1, dtype=np.bool_)  # at the stop
    riders = np.zeros(len(net.departure), dtype=np.bool_)  # aboard the connection; rows without stay unwritten
    settled = 0
    begin = 0
    for b in range(len(net.block_end)):
        end = net.block_end[b]
        repeats = net.block_repeats[b]
        if repeats:
            aboard[begin:end] = 0
        again = True
        while again:
            again = False
            for c in range(begin, end):
                now, stop = net.departure[c], net.from_stop[c]
                while settled < len(net.slot_order) and net.slot_time[net.slot_order[settled]] < now:
                    _settle(net, aboard, riders, there, risen, net.slot_order[settled])
                    settled += 1
                if stop < stops:
                    _arrive(net, aboard, riders, there, risen, board, anyone, c, stop)
                    _walk_in(entry, board, anyone, first_origin, bits, now, stop)
                before = net.before[c]
                on = before >= 0 and riders[before]
                if on or anyone[stop]:
                    more = _ride(aboard, board, bits, c, stop, before if on else -1, repeats)
                    again |= more and net.instant[c]
                    riders[c] = True
            again &= repeats
        begin = end
    for i in range(settled, len(net.slot_order)):
        _settle(net, aboard, riders, there, risen, net.slot_order[i])
    return riders


@numba.njit(cache=True, nogil=True, inline="always")
def _settle(
    net: Network,
    aboard: Labels,
    riders: NDArray[np.bool_],
    there: Labels,
    risen: Times,
    i: int,
) -> None:
    """Make `there` final at a slot: the most departures that any arrival so far has brought."""
    ride = net.slot_ride[i]
    last = risen[i - 1] if i > net.slot_start[net.slot_stop[i]] else -1
    higher = False
    if not riders[ride]:
        if last >= 0:
            for j in range(WIDTH):
                there[i, j] = there[i - 1, j]
    elif last < 0:
        for j in range(WIDTH):
            there[i, j] = aboard[ride, j]
            higher |= aboard[ride, j] > 0
    else:
        for j in range(WIDTH):
            higher |= aboard[ride, j] > there[i - 1, j]
            there[i, j] = max(there[i - 1, j], aboard[ride, j])
    risen[i] = i if higher else last


@numba.njit(cache=True, nogil=True, inline="always")
def _arrive(
    net: Network,
    aboard: Labels,
    riders: NDArray[np.bool_],
    there: Labels,
    risen: Times,
    board: Labels,
    anyone: NDArray[np.bool_],
    c: int,
    stop: int,
) -> None:
    """Bring to a stop whoever has walked there from an arrival by now."""
    for p in range(net.pull_start[c], net.pull_start[c + 1]):
        i = net.pull_slot[p]
        if i >= 0:
            if risen[i] >= net.pull_after[p]:
                anyone[stop] = True
                for j in range(WIDTH):
                    board[stop, j] = max(board[stop, j], there[i, j])
        elif riders[-1 - i]:
            anyone[stop] = True
            for j in range(WIDTH):
                board[stop, j] = max(board[stop, j], aboard[-1 - i, j])


@numba.njit(cache=True, nogil=True, inline="always")
def _walk_in(
    entry: Entry,
    board: Labels,
    anyone: NDArray[np.bool_],
    first_origin: int,
    bits: int,
    now: int,
    stop: int,
) -> None:
    """Bring to a stop whoever has walked there from the door by now."""
    for a in range(entry.start[stop], entry.start[stop + 1]):
        j = entry.origin[a] - first_origin
        if 0 <= j < WIDTH:
            second = now - entry.seconds[a] - entry.first
            if second >= 0:
                label = (entry.by_second[min(second, len(entry.by_second) - 1)] << bits) + (1 << bits) - 1
                board[stop, j] = max(board[stop, j], label)
                anyone[stop] = True


@numba.njit(cache=True, nogil=True, inline="always")
def _ride(
    aboard: Labels,
    board: Labels,
    bits: int,
    c: int,
    stop: int,
    before: int,
    repeats: bool,
) -> bool:
    """Who is aboard a connection: who was, and who boards. Tells whether a repeated scan found more."""
    more = False
    if bits:
        low, one = aboard.dtype.type((1 << bits) - 1), aboard.dtype.type(1)
        for j in range(WIDTH):
            label = board[stop, j]
            label = label - one if label & low else label
            if before >= 0:
                label = max(label, aboard[before, j])
            more |= repeats and label > aboard[c, j]
            aboard[c, j] = label
    elif repeats:
        for j in range(WIDTH):
            label = max(board[stop, j], aboard[before, j]) if before >= 0 else board[stop, j]
            more |= label > aboard[c, j]
            aboard[c, j] = label
    elif before >= 0:
        for j in range(WIDTH):
            aboard[c, j] = max(board[stop, j], aboard[before, j])
    else:
        for j in range(WIDTH):
            aboard[c, j] = board[stop, j]
    return more
