"""Walking times on a street network: bounded shortest paths from many places at once.

Times are exact sums of the links' seconds; only a table between points is rounded up, to the whole seconds that the
connection scan reads. Nothing but sums of costs is used: links in metres and a speed of 1 give distances.

References: Dijkstra, A note on two problems in connexion with graphs, Numerische Mathematik 1 (1959); Dial, Algorithm
360: shortest-path forest with topological ordering, Communications of the ACM 12 (1969).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from synapolis.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_ROUNDING = 1e-6  # s, so that a sum of exact seconds does not round up to the next second


class WalkGraph(NamedTuple):
    """Links of a street network by their first node (compressed rows)."""

    start: NDArray[np.int64]  # (node + 1,) links of node i are start[i]:start[i + 1]
    head: NDArray[np.int32]  # (link,) node at the other end
    seconds: NDArray[np.float64]  # (link,) [s]


class Walks(NamedTuple):
    """Walking times from origins to what they reach (compressed rows, targets ascending)."""

    start: NDArray[np.int64]  # (origin + 1,) walks of origin i are start[i]:start[i + 1]
    target: NDArray[np.int32]  # (walk,)
    seconds: NDArray[np.int32]  # (walk,) [s]
    target_count: int


class Attachment(NamedTuple):
    """Where points meet the network: one or more nodes for each point, with the walk to them (compressed rows)."""

    start: NDArray[np.int64]  # (point + 1,)
    node: NDArray[np.int32]
    seconds: NDArray[np.float64]  # [s]


def walk_graph(
    from_node: ArrayLike, to_node: ArrayLike, seconds: ArrayLike, *, node_count: int, both_ways: bool = True
) -> WalkGraph:
    """Build the graph from links.

    Parameters
    ----------
    from_node, to_node : (link,)
        Node numbers from 0.
    seconds : (link,) [s]
        Walking time, finite and at least 0.
    node_count : int
    both_ways : bool
        Whether each link may be walked against its direction too.

    Raises
    ------
    ModelError
        Arrays of unequal length, a node out of range, or a time that is negative or not finite.
    """
    tail, head = np.asarray(from_node, dtype=np.int64), np.asarray(to_node, dtype=np.int64)
    time = np.asarray(seconds, dtype=np.float64)
    if not tail.shape == head.shape == time.shape or tail.ndim != 1:
        raise ModelError(
            f"links need one value each, got {tail.shape}, {head.shape}, {time.shape}; give three equal arrays"
        )
    if len(tail) and (min(tail.min(), head.min()) < 0 or max(tail.max(), head.max()) >= node_count):
        raise ModelError(f"nodes must lie in 0 to {node_count - 1}, got {tail.min()} to {head.max()}; check node_count")
    if not (np.isfinite(time) & (time >= 0)).all():
        raise ModelError("walking times must be finite and at least 0 s; divide length by a speed above 0")
    if both_ways:
        tail, head, time = np.concatenate([tail, head]), np.concatenate([head, tail]), np.concatenate([time, time])
    order = np.lexsort((head, tail))
    start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=node_count))]).astype(np.int64)
    return WalkGraph(start, head[order].astype(np.int32), time[order])


def walks_from_pairs(
    origin: ArrayLike, target: ArrayLike, seconds: ArrayLike, *, origin_count: int, target_count: int
) -> Walks:
    """Build a table of walks from (origin, target, seconds); of equal pairs the shortest stays.

    Raises
    ------
    ModelError
        A number out of range or a negative time.
    """
    rows, columns = np.asarray(origin, dtype=np.int64), np.asarray(target, dtype=np.int64)
    time = np.ceil(np.asarray(seconds, dtype=np.float64) - _ROUNDING)
    if len(rows) and (
        rows.min() < 0 or rows.max() >= origin_count or columns.min() < 0 or columns.max() >= target_count
    ):
        raise ModelError(f"walks must join {origin_count} origins with {target_count} targets; a number lies outside")
    if not (np.isfinite(time) & (time >= 0)).all():
        raise ModelError("walking times must be finite and at least 0 s; leave out pairs without a walk")
    order = np.lexsort((time, columns, rows))
    rows, columns, time = rows[order], columns[order], time[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0)
    start = np.concatenate([[0], np.cumsum(np.bincount(rows[first], minlength=origin_count))]).astype(np.int64)
    return Walks(start, columns[first].astype(np.int32), time[first].astype(np.int32), target_count)


def largest_part(graph: WalkGraph) -> NDArray[np.bool_]:
    """Which nodes belong to the largest connected part of the network: (node,)."""
    count = len(graph.start) - 1
    tail = np.repeat(np.arange(count), np.diff(graph.start))
    links = coo_array((np.ones(len(tail), dtype=np.int8), (tail, graph.head)), shape=(count, count))
    _, part = connected_components(links.tocsr(), directed=False)
    return np.asarray(part == np.argmax(np.bincount(part))) if count else np.zeros(0, dtype=bool)


def attach(
    points: ArrayLike, nodes: ArrayLike, *, speed: float, limit: float, usable: NDArray[np.bool_] | None = None
) -> Attachment:
    """Join each point to the nearest node, walking straight to it.

    Parameters
    ----------
    points : (point, 2) [m]
    nodes : (node, 2) [m]
    speed : float [m/s]
    limit : float [m]
        A point farther than this from every node is left unattached.
    usable : (node,), optional
        Nodes that may be used, e.g. `largest_part`.

    Raises
    ------
    ModelError
        A speed or limit that is not above 0, or no usable node.
    """
    if not (0 < speed < np.inf and limit > 0):
        raise ModelError(f"walking needs a speed and a limit above 0, got {speed} m/s and {limit} m; give both")
    places = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    allowed = np.arange(len(np.asarray(nodes))) if usable is None else np.flatnonzero(usable)
    if not len(allowed):
        raise ModelError("walking needs at least one street node, got none; build the city's streets first")
    metres, nearest = cKDTree(np.asarray(nodes, dtype=np.float64)[allowed]).query(places, distance_upper_bound=limit)
    reached = np.isfinite(metres)
    start = np.concatenate([[0], np.cumsum(reached)]).astype(np.int64)
    return Attachment(start, allowed[nearest[reached]].astype(np.int32), metres[reached] / speed)


def walk_times(graph: WalkGraph, sources: ArrayLike, limit: float) -> tuple[Integers, NDArray[np.int32], Floats]:
    """Shortest walking time from each source node to every node within the limit.

    Parameters
    ----------
    graph : WalkGraph
    sources : (source,)
        Node numbers.
    limit : float [s]

    Returns
    -------
    start : (source + 1,)
        Rows of source i are start[i]:start[i + 1].
    node : (row,)
        In no order within a source.
    seconds : (row,) [s]

    Raises
    ------
    ModelError
        A source that is no node, or a negative limit.
    """
    nodes = np.asarray(sources, dtype=np.int32)
    count = len(graph.start) - 1
    if len(nodes) and (nodes.min() < 0 or nodes.max() >= count):
        raise ModelError(
            f"sources must be nodes 0 to {count - 1}, got {nodes.min()} to {nodes.max()}; attach points first"
        )
    _check_limit(limit)
    here = Attachment(np.arange(len(nodes) + 1, dtype=np.int64), nodes, np.zeros(len(nodes)))
    itself = Attachment(np.arange(count + 1, dtype=np.int64), np.arange(count, dtype=np.int32), np.zeros(count))
    return _walk_table(graph, here, _by_node(itself, count), count, limit, order=False)


def point_to_point(graph: WalkGraph, from_points: Attachment, to_points: Attachment, limit: float) -> Walks:
    """Walking times between attached points, whole walk within the limit, rounded up to whole seconds.

    Parameters
    ----------
    graph : WalkGraph
    from_points, to_points : Attachment
        As `attach` gives them.
    limit : float [s]

    Returns
    -------
    Walks (from point to point)

    Raises
    ------
    ModelError
        A negative limit.
    """
    _check_limit(limit)
    count = len(to_points.start) - 1
    start, target, seconds = _walk_table(
        graph, from_points, _by_node(to_points, len(graph.start) - 1), count, limit, order=True
    )
    return Walks(start, target, np.ceil(seconds - _ROUNDING).astype(np.int32), count)


def _check_limit(limit: float) -> None:
    if not 0 <= limit < np.inf:
        raise ModelError(f"a walking limit must be finite and at least 0 s, got {limit}; give seconds")


def _by_node(points: Attachment, node_count: int) -> Attachment:
    """Turn point -> nodes into node -> points."""
    point = np.repeat(np.arange(len(points.start) - 1), np.diff(points.start))
    order = np.lexsort((point, points.node))
    start = np.concatenate([[0], np.cumsum(np.bincount(points.node, minlength=node_count))]).astype(np.int64)
    return Attachment(start, point[order].astype(np.int32), points.seconds[order])


def _walk_table(
    graph: WalkGraph, origins: Attachment, at_node: Attachment, target_count: int, limit: float, *, order: bool
) -> tuple[Integers, NDArray[np.int32], Floats]:
    width = float(np.mean(graph.seconds)) if len(graph.seconds) else 0.0
    width = max(width, limit / 100_000, 1e-6)  # near a link's length no bucket is crowded and few are empty
    start, target, seconds = _walk(graph, origins, at_node, target_count, float(limit), width, order)
    return start, target, seconds


@numba.njit(cache=True, nogil=True)
def _walk(
    graph: WalkGraph,
    origins: Attachment,
    at_node: Attachment,
    target_count: int,
    limit: float,
    width: float,
    order: bool,
) -> tuple[Integers, NDArray[np.int32], Floats]:
    """Bounded shortest paths from every origin; the walk to a target is the least over the nodes it is attached to.

    Nodes wait in buckets of `width` seconds, each emptied until nothing improves: the sums are those of Dijkstra's
    algorithm, without a heap (Dial's buckets; Meyer and Sanders' delta-stepping without its parallel part).
    """
    start, head, seconds = graph
    node_count = len(start) - 1
    time = np.full(node_count, np.inf)
    done = np.full(node_count, np.inf)  # the time with which a node's links were last followed
    touched = np.empty(node_count, dtype=np.int32)
    bucket = np.full(int(limit / width) + 2, -1, dtype=np.int32)  # its first entry in the queue
    entry_node = np.empty(1024, dtype=np.int32)
    entry_next = np.empty(1024, dtype=np.int32)
    best = np.full(target_count, np.inf)
    found = np.empty(target_count, dtype=np.int32)
    row_start = np.zeros(len(origins.start), dtype=np.int64)
    target = np.empty(1024, dtype=np.int32)
    value = np.empty(1024)
    rows = 0
    for origin in range(len(origins.start) - 1):
        reached = 0
        queued = 0
        for i in range(origins.start[origin], origins.start[origin + 1]):
            node = origins.node[i]
            now = origins.seconds[i]
            if now <= limit and now < time[node]:
                if time[node] == np.inf:
                    touched[reached] = node
                    reached += 1
                time[node] = now
        for i in range(reached):
            if queued == len(entry_node):
                entry_node = np.append(entry_node, np.empty_like(entry_node))
                entry_next = np.append(entry_next, np.empty_like(entry_next))
            b = int(time[touched[i]] / width)
            entry_node[queued], entry_next[queued], bucket[b] = touched[i], bucket[b], queued
            queued += 1
        for b in range(len(bucket)):
            while bucket[b] >= 0:
                node = entry_node[bucket[b]]
                bucket[b] = entry_next[bucket[b]]
                now = time[node]
                if now == done[node]:
                    continue
                done[node] = now
                for i in range(start[node], start[node + 1]):
                    then = now + seconds[i]
                    other = head[i]
                    if then < time[other] and then <= limit:
                        if time[other] == np.inf:
                            touched[reached] = other
                            reached += 1
                        time[other] = then
                        if queued == len(entry_node):
                            entry_node = np.append(entry_node, np.empty_like(entry_node))
                            entry_next = np.append(entry_next, np.empty_like(entry_next))
                        into = int(then / width)
                        entry_node[queued], entry_next[queued], bucket[into] = other, bucket[into], queued
                        queued += 1
        targets = 0
        for i in range(reached):
            node = touched[i]
            for j in range(at_node.start[node], at_node.start[node + 1]):
                there = time[node] + at_node.seconds[j]
                goal = at_node.node[j]
                if there <= limit and there < best[goal]:
                    if best[goal] == np.inf:
                        found[targets] = goal
                        targets += 1
                    best[goal] = there
            time[node] = np.inf
            done[node] = np.inf
        if rows + targets > len(target):
            more = np.empty(rows + 2 * targets, dtype=np.int32)
            target, value = np.append(target[:rows], more), np.append(value[:rows], more.astype(np.float64))
        if order:
            found[:targets].sort()
        for i in range(targets):
            target[rows], value[rows] = found[i], best[found[i]]
            best[found[i]] = np.inf
            rows += 1
        row_start[origin + 1] = rows
    return row_start, target[:rows].copy(), value[:rows].copy()
