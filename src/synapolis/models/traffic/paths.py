"""Kernels of shortest routes: from nothing (Dijkstra), and by mending yesterday's tree after costs changed.

A tree is kept for each origin as the entering link of each node (`tree`) and the nodes in an order in which
each comes after the tail of its entering link (`order`, unreached nodes last). Most links of a tree survive a
change of costs, so to relabel along it and to search only on from where a link undercuts a label is several
times quicker than to search anew.

References
----------
Dijkstra, A note on two problems in connexion with graphs, Numerische Mathematik 1 (1959). Ramalingam and Reps,
An incremental algorithm for a generalization of the shortest-path problem, J. Algorithms 21(2) (1996).
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

NO_LINK = -1


@nb.njit(cache=True)
def new_heap(node_count: int) -> Any:
    """Scratch of `shortest_tree` and `mend_tree`: keys and nodes in heap order, and each node's place (-1 outside)."""
    return (
        np.empty(node_count + 1),
        np.empty(node_count + 1, dtype=np.int32),
        np.full(node_count, -1, dtype=np.int32),
    )


@nb.njit(cache=True, inline="always")
def _push(heap: Any, size: int, node: int, key: float) -> int:
    """Put a node into the heap, or raise it there; returns the heap's new size."""
    keys, items, place = heap
    hole = place[node]
    if hole < 0:
        hole = size
        size += 1
    while hole > 0:
        parent = (hole - 1) // 2
        if keys[parent] <= key:
            break
        keys[hole], items[hole] = keys[parent], items[parent]
        place[items[hole]] = hole
        hole = parent
    keys[hole], items[hole], place[node] = key, node, hole
    return size


@nb.njit(cache=True, inline="always")
def _pop(heap: Any, size: int) -> int:
    """Take the first node out of a heap of this size and return it."""
    keys, items, place = heap
    first: int = items[0]
    size -= 1
    place[first] = -1
    if size > 0:
        key, moved, hole = keys[size], items[size], 0
        while True:
            child = 2 * hole + 1
            if child >= size:
                break
            if child + 1 < size and keys[child + 1] < keys[child]:
                child += 1
            if keys[child] >= key:
                break
            keys[hole], items[hole] = keys[child], items[child]
            place[items[hole]] = hole
            hole = child
        keys[hole], items[hole], place[moved] = key, moved, hole
    return first


@nb.njit(cache=True)
def _search_on(net: Any, cost: Any, origin: int, label: Any, tree: Any, heap: Any, size: int) -> None:
    """Settle the nodes in the heap and whatever they shorten."""
    while size > 0:
        node = _pop(heap, size)
        size -= 1
        if node != origin and not net.is_through[node]:
            continue
        here = label[node]
        for star in range(net.out_start[node], net.out_start[node + 1]):
            link = net.out_link[star]
            head = net.to_node[link]
            reached = here + cost[link]
            if reached < label[head]:
                label[head] = reached
                tree[head] = link
                size = _push(heap, size, head, reached)


@nb.njit(cache=True)
def shortest_tree(net: Any, cost: Any, origin: int, label: Any, tree: Any, order: Any, heap: Any) -> None:
    """Shortest routes from a node; `label`, `tree` and `order` are overwritten."""
    label[:] = np.inf
    tree[:] = NO_LINK
    label[origin] = 0.0
    _search_on(net, cost, origin, label, tree, heap, _push(heap, 0, origin, 0.0))
    sort_tree(net, origin, tree, order)


@nb.njit(cache=True)
def sort_tree(net: Any, origin: int, tree: Any, order: Any) -> None:
    """Write the nodes of a tree so that each comes after its parent, then the nodes outside."""
    nodes = tree.size
    child, sibling = np.full(nodes, -1, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    for node in range(nodes):
        if tree[node] >= 0:
            parent = net.from_node[tree[node]]
            sibling[node] = child[parent]
            child[parent] = node
    order[0] = origin
    count, done = 1, 0
    while done < count:
        node = child[order[done]]
        done += 1
        while node >= 0:
            order[count] = node
            count += 1
            node = sibling[node]
    for node in range(nodes):
        if tree[node] < 0 and node != origin:
            order[count] = node
            count += 1


@nb.njit(cache=True)
def relabel(net: Any, cost: Any, tree: Any, order: Any, label: Any) -> None:
    """Sum a quantity of links along a tree from its root (infinite outside)."""
    label[order[0]] = 0.0
    for k in range(1, order.size):
        node = order[k]
        link = tree[node]
        label[node] = label[net.from_node[link]] + cost[link] if link >= 0 else np.inf


@nb.njit(cache=True)
def mend_tree(net: Any, cost: Any, origin: int, label: Any, tree: Any, order: Any, heap: Any) -> None:
    """Make an older tree of this origin the shortest at these costs; `label` gets the least costs."""
    relabel(net, cost, tree, order, label)
    for node in range(label.size):
        if label[node] == np.inf:
            tree[node] = NO_LINK
    size = 0
    for k in range(order.size):
        node = order[k]
        here = label[node]
        if here == np.inf or (node != origin and not net.is_through[node]):
            continue
        for star in range(net.out_start[node], net.out_start[node + 1]):
            link = net.out_link[star]
            head = net.to_node[link]
            reached = here + cost[link]
            if reached < label[head]:
                label[head] = reached
                tree[head] = link
                size = _push(heap, size, head, reached)
    if size > 0:
        _search_on(net, cost, origin, label, tree, heap, size)
        sort_tree(net, origin, tree, order)


@nb.njit(cache=True)
def skim_row(net: Any, cost: Any, time: Any, tree: Any, order: Any, skim_cost: Any, skim_time: Any) -> None:
    """Cost and time from a tree's root to each zone, both along the tree."""
    label, along = np.empty(tree.size), np.empty(tree.size)
    relabel(net, cost, tree, order, label)
    relabel(net, time, tree, order, along)
    for zone in range(net.zone_node.size):
        skim_cost[zone] = label[net.zone_node[zone]]
        skim_time[zone] = along[net.zone_node[zone]]


@nb.njit(cache=True)
def skims(net: Any, cost: Any, time: Any, skim_cost: Any, skim_time: Any) -> None:
    """Least cost between all zones, and the travel time along one least-cost route."""
    nodes = net.is_through.size
    label, heap = np.empty(nodes), new_heap(nodes)
    tree, order = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    for zone in range(net.zone_node.size):
        shortest_tree(net, cost, net.zone_node[zone], label, tree, order, heap)
        skim_row(net, cost, time, tree, order, skim_cost[zone], skim_time[zone])
