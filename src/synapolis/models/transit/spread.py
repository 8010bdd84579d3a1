"""How travel times vary with the minute of departure, and how often one changes: median, percentiles, transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from synapolis.models.transit.reach import FAR, arrivals
from synapolis.models.transit.sweep import RIDE_BITS, WIDTH, entry, label_type, network, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.reach import Ask, Doors
    from synapolis.models.transit.sweep import Entry, Labels, Network, Numbers, Times
    from synapolis.models.transit.walk import Walks


class Spread(NamedTuple):
    """Times and changes between origins and goals over all departures."""

    percentiles: NDArray[np.float32]  # (share, origin, goal) [s], inf where too few departures arrive
    transfers: NDArray[np.float32]  # (origin, goal) mean over departures that arrive, NaN where none does


def spread(
    connections: Connections, footpaths: Walks, access: Walks, to_goal: Doors, ask: Ask, shares: tuple[float, ...]
) -> Spread:
    """Percentiles of travel time over departures, and changes of vehicle.

    A departure that does not arrive within the longest travel time counts as infinite. Of what arrives at the same
    second the departure that leaves last counts, then the fewest rides; seven rides and more count as seven.

    Parameters
    ----------
    connections, footpaths, access, to_goal, ask
        As in `reach.reach`.
    shares : share of departures, from 0 to 1
        The percentile is the smallest time that at least this share of departures keep to.

    Returns
    -------
    Spread
    """
    net = network(connections, footpaths)
    origins, goals = len(access.start) - 1, len(to_goal.start) - 1
    found = Spread(
        np.empty((len(shares), origins, goals), dtype=np.float32), np.empty((origins, goals), dtype=np.float32)
    )
    lanes = len(ask.departures)
    ranks = np.array([max(0, int(np.ceil(share * lanes - 1e-9)) - 1) for share in shares], dtype=np.int64)
    kind = np.zeros(1, label_type(lanes, rides_counted=True))
    _spread(net, entry(access, ask.departures), to_goal, ask, ranks, kind, found)
    return found


@numba.njit(cache=True, nogil=True)
def _spread(
    net: Network,
    entry: Entry,
    to_goal: Doors,
    ask: Ask,
    ranks: NDArray[np.int64],
    kind: Labels,
    found: Spread,
) -> None:
    origins, goals = found.transfers.shape
    aboard = np.zeros((len(net.departure), WIDTH), dtype=kind.dtype)
    there = np.empty((len(net.slot_time), WIDTH), dtype=kind.dtype)
    risen = np.empty(len(net.slot_time), dtype=np.int32)
    start, slots, seconds = arrivals(net, to_goal, ask)
    time = np.empty((WIDTH, len(ask.departures)), dtype=np.int32)
    rides = np.empty((WIDTH, len(ask.departures)), dtype=np.int32)
    walk = np.empty(WIDTH, dtype=np.int32)
    for first in range(0, origins, WIDTH):
        sweep(net, entry, first, RIDE_BITS, aboard, there, risen)
        for goal in range(goals):
            time[:] = FAR
            done = np.zeros(WIDTH, dtype=np.int64)
            for e in range(start[goal], start[goal + 1]):
                if risen[slots[e]] == slots[e]:
                    _arrive(there[slots[e]], seconds[e], done, time, rides)
            walk[:] = FAR
            for a in range(to_goal.direct_start[goal], to_goal.direct_start[goal + 1]):
                if first <= to_goal.direct_origin[a] < first + WIDTH:
                    walk[to_goal.direct_origin[a] - first] = to_goal.direct_seconds[a]
            for j in range(min(WIDTH, origins - first)):
                _sum_up(time[j], rides[j], walk[j], ask.departures, ask.last, ranks, found, first + j, goal)


@numba.njit(cache=True, nogil=True)
def _arrive(
    labels: Labels,
    second: int,
    done: Numbers,
    time: Times,
    rides: Times,
) -> None:
    """Departures that arrive now, sooner than before or with fewer rides."""
    most = (1 << RIDE_BITS) - 1
    for j in range(WIDTH):
        label = np.int64(labels[j])
        lanes, used = label >> RIDE_BITS, most - (label & most)
        for k in range(done[j], lanes):
            time[j, k], rides[j, k] = second, used
        k = min(lanes, done[j]) - 1
        while k >= 0 and time[j, k] == second and rides[j, k] > used:
            rides[j, k] = used
            k -= 1
        done[j] = max(done[j], lanes)


@numba.njit(cache=True, nogil=True)
def _sum_up(
    time: Times,
    rides: Times,
    walk: int,
    departures: Times,
    last: int,
    ranks: Numbers,
    found: Spread,
    origin: int,
    goal: int,
) -> None:
    """Percentiles and mean changes of one pair; `time` is overwritten."""
    changes, arrived = 0, 0
    for k in range(len(departures)):
        own = time[k] - departures[k]
        if walk <= own:
            arrived += walk <= last
            time[k] = walk
        else:
            if own <= last:
                arrived += 1
                changes += max(0, rides[k] - 1)
            time[k] = own
    time.sort()
    for r in range(len(ranks)):
        found.percentiles[r, origin, goal] = time[ranks[r]] if time[ranks[r]] <= last else np.inf
    found.transfers[origin, goal] = changes / arrived if arrived else np.nan
