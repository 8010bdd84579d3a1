"""Door-to-door times and what is within reach, one origin after another: any statistic over departures.

`reach` gives means and counts for many origins at once, sooner; this is its check, and serves single questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numba
import numpy as np

from synapolis.core.errors import ModelError
from synapolis.models.transit.scan import (
    UNREACHED,
    Blocks,
    Labels,
    blocks_of,
    check_tables,
    check_times,
    labels_of,
    padded,
    scan_all,
    start_labels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.transit.connections import Connections
    from synapolis.models.transit.walk import Walks

    Times = NDArray[np.int32]

Statistic = Literal["mean", "median", "capped"]
_STATISTICS = {"mean": 0, "median": 1, "capped": 2}


class Access(NamedTuple):
    """What `accessibility` finds for each origin."""

    opportunities: NDArray[np.float64]  # (origin, threshold) mean over departures
    travel_time: NDArray[np.float32]  # (origin, destination) [s], inf where not reached


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
        "mean": inf unless reached at every departure; "median": not reached counts as inf; "capped": mean where not
        reached counts as max_duration.

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
    check_tables(connections, footpaths)
    times = np.sort(check_times(departures, max_duration))
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
        connections,
        blocks_of(connections),
        padded(footpaths),
        labels_of(connections, len(times)),
        access,
        egress,
        direct_walk,
        times,
        int(max_duration),
        _STATISTICS.get(statistic or "", -1),
        np.asarray(thresholds, dtype=np.int32),
        weight,
        result,
    )
    return result


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


@numba.njit(cache=True, nogil=True)
def _doors(total: Times, ride: Times, egress: Walks, direct: Walks, origin: int, departures: Times) -> None:
    """Arrival at each destination (destination, lane): on foot all the way, or from the last stop of a ride."""
    total[:] = UNREACHED
    lanes = len(departures)
    for i in range(direct.start[origin], direct.start[origin + 1]):
        total[direct.target[i]] = departures + direct.seconds[i]
    for stop in range(len(egress.start) - 1):
        soonest = UNREACHED
        for k in range(lanes):
            soonest = min(soonest, ride[stop, k])
        if soonest == UNREACHED:
            continue
        for i in range(egress.start[stop], egress.start[stop + 1]):
            goal, walk = egress.target[i], egress.seconds[i]
            for k in range(lanes):
                total[goal, k] = min(total[goal, k], ride[stop, k] + walk)


@numba.njit(cache=True, nogil=True)
def _summary(time: Times, statistic: int, last: int) -> float:
    """Of the times by lane (above `last`: not reached): 0 mean, 1 median, 2 mean with `last` where not reached."""
    lanes = len(time)
    if statistic == 1:
        time.sort()
        middle = time[(lanes - 1) // 2], time[lanes // 2]
        return (middle[0] + middle[1]) / 2 if middle[1] <= last else np.inf
    total = 0.0
    for k in range(lanes):
        if time[k] > last and statistic == 0:
            return np.inf
        total += min(time[k], last)
    return total / lanes


@numba.njit(cache=True, nogil=True)
def _accessibility(
    rides: Connections,
    blocks: Blocks,
    changes: Walks,
    labels: Labels,
    access: Walks,
    egress: Walks,
    direct: Walks,
    departures: Times,
    last: int,
    statistic: int,
    thresholds: Times,
    weight: NDArray[np.float64],
    found: Access,
) -> None:
    """Fill `found` origin by origin."""
    lanes = len(departures)
    total = np.empty((direct.target_count, lanes), dtype=np.int32)
    time = np.empty(lanes, dtype=np.int32)
    for origin in range(len(access.start) - 1):
        start_labels(labels, access, origin, departures)
        scan_all(rides, blocks, changes, labels, departures, last)
        _doors(total, labels.ride, egress, direct, origin, departures)
        for goal in range(direct.target_count):
            time[:] = total[goal] - departures
            for t in range(len(thresholds)):
                limit = min(thresholds[t], last)
                reached = 0
                for k in range(lanes):
                    reached += time[k] <= limit
                found.opportunities[origin, t] += weight[goal] * reached / lanes
            if statistic >= 0:
                found.travel_time[origin, goal] = _summary(time, statistic, last)
