"""Kernels of bush-based assignment: one acyclic subnetwork (bush) of flow per class and origin zone.

Each visit to an origin drops the links that carry nothing, adds the links that shorten a route without
closing a cycle, and moves flow from the longest used to the shortest segment that meet at each node, by a
Newton step on their cost difference. A row of bush flow holds `OUTSIDE` on links that are not in the bush.

References
----------
Dial, A path-based user-equilibrium traffic assignment algorithm that obviates path storage and enumeration,
Transportation Research B 40(10) (2006). Nie, A class of bush-based algorithms for the traffic assignment
problem, Transportation Research B 44(1) (2010).
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from synapolis.models.traffic.delay import link_cost

OUTSIDE = -1.0
NO_LINK = -1
IDLE, FLOW = 1, 2  # what a row lost with links that are no more: nothing but the links, or traffic
TINY = 1e-13  # relative to a label: cost differences below this are rounding


@nb.njit(cache=True)
def sort_bush(net: Any, origin: int, row: Any, order: Any, position: Any, degree: Any) -> int:
    """Topological order of the nodes a bush reaches; returns their number (Kahn's algorithm)."""
    degree[:] = 0
    position[:] = -1
    for link in range(row.size):
        if row[link] >= 0.0:
            degree[net.to_node[link]] += 1
    order[0] = origin
    position[origin] = 0
    count, done = 1, 0
    while done < count:
        node = order[done]
        done += 1
        for star in range(net.out_start[node], net.out_start[node + 1]):
            link = net.out_link[star]
            if row[link] >= 0.0:
                head = net.to_node[link]
                degree[head] -= 1
                if degree[head] == 0:
                    order[count] = head
                    position[head] = count
                    count += 1
    return count


@nb.njit(cache=True)
def improve_bush(net: Any, cost: Any, origin: int, row: Any, order: Any, count: int, low: Any, high: Any) -> int:
    """Drop idle links and add those that shorten routes; returns the number of links added."""
    low[:] = np.inf
    high[:] = np.inf
    low[origin] = 0.0
    high[origin] = 0.0
    for k in range(1, count):
        node = order[k]
        best, best_link = np.inf, NO_LINK
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] >= 0.0:
                reached = low[net.from_node[link]] + cost[link]
                if reached < best:
                    best, best_link = reached, link
        low[node] = best
        longest = 0.0
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] == 0.0 and link != best_link:
                row[link] = OUTSIDE
            elif row[link] >= 0.0:
                longest = max(longest, high[net.from_node[link]] + cost[link])
        high[node] = longest
    added = 0
    for k in range(count):
        node = order[k]
        if node != origin and not net.is_through[node]:
            continue
        for star in range(net.out_start[node], net.out_start[node + 1]):
            link = net.out_link[star]
            head = net.to_node[link]
            if row[link] < 0.0 and head != origin:
                edge = cost[link]
                # high never falls along a link of the bush, so one that climbs it cannot close a cycle
                if high[node] < high[head] and low[node] + edge < low[head] * (1.0 - TINY):
                    row[link] = 0.0
                    added += 1
    return added


@nb.njit(cache=True)
def pack_bush(net: Any, row: Any, order: Any, position: Any, count: int, packed: Any) -> None:
    """Gather the bush in topological order: entering links, their tails' positions and flows."""
    start, links, tails, flows = packed
    filled = 0
    for k in range(count):
        start[k] = filled
        node = order[k]
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] >= 0.0:
                links[filled] = link
                tails[filled] = position[net.from_node[link]]
                flows[filled] = row[link]
                filled += 1
    start[count] = filled


@nb.njit(cache=True)
def label_bush(cost: Any, count: int, packed: Any, labels: Any) -> float:
    """Shortest and longest used labels with the entries that set them; returns the bush's excess cost."""
    start, links, tails, flows = packed
    low, high, low_entry, high_entry = labels
    low[0] = 0.0
    high[0] = 0.0
    low_entry[0] = NO_LINK
    high_entry[0] = NO_LINK
    excess = 0.0
    for k in range(1, count):
        best, best_entry, worst, worst_entry, used, paid = np.inf, NO_LINK, -1.0, NO_LINK, 0.0, 0.0
        for entry in range(start[k], start[k + 1]):
            edge = cost[links[entry]]
            reached = low[tails[entry]] + edge
            if reached < best:
                best, best_entry = reached, entry
            carried = flows[entry]
            if carried > 0.0 and tails[entry] > 0 and high_entry[tails[entry]] == NO_LINK:
                flows[entry] = 0.0  # rounding left here after the last vehicle upstream was moved away
            elif carried > 0.0:
                used += carried
                paid += carried * reached
                longest = high[tails[entry]] + edge
                if longest > worst:
                    worst, worst_entry = longest, entry
        low[k], low_entry[k] = best, best_entry
        high[k], high_entry[k] = worst, worst_entry
        excess += paid - used * best
    return excess


@nb.njit(cache=True)
def shift_bush(
    net: Any, fixed: Any, flow: Any, cost: Any, slope: Any, count: int, packed: Any, labels: Any, paths: Any
) -> None:
    """Move flow, node by node from the far end, from the longest used segment to the shortest."""
    _, links, tails, flows = packed
    low, high, low_entry, high_entry = labels
    low_path, high_path = paths
    for k in range(count - 1, 0, -1):
        if high_entry[k] == NO_LINK or high_entry[k] == low_entry[k]:
            continue
        if high[k] - low[k] <= TINY * high[k]:
            continue
        gain, curvature, movable = 0.0, 0.0, np.inf
        n_low, n_high = 0, 0
        entry_low, entry_high = low_entry[k], high_entry[k]
        at_low, at_high = tails[entry_low], tails[entry_high]
        low_path[0], high_path[0] = entry_low, entry_high
        n_low, n_high = 1, 1
        while at_low != at_high:
            if at_low > at_high:
                entry_low = low_entry[at_low]
                low_path[n_low] = entry_low
                n_low += 1
                at_low = tails[entry_low]
            else:
                entry_high = high_entry[at_high]
                if entry_high == NO_LINK:
                    break
                high_path[n_high] = entry_high
                n_high += 1
                at_high = tails[entry_high]
        if at_low != at_high:
            continue
        for i in range(n_high):
            entry = high_path[i]
            gain += cost[links[entry]]
            curvature += slope[links[entry]]
            movable = min(movable, flows[entry])
        for i in range(n_low):
            link = links[low_path[i]]
            gain -= cost[link]
            curvature += slope[link]
        if gain <= 0.0 or movable <= 0.0:
            continue
        moved = movable if curvature * movable <= gain else gain / curvature
        for i in range(n_high):
            entry = high_path[i]
            link = links[entry]
            flows[entry] = 0.0 if moved >= flows[entry] else flows[entry] - moved
            flow[link] = max(flow[link] - moved, 0.0)
            cost[link], slope[link] = link_cost(net, fixed, link, flow[link])
        for i in range(n_low):
            entry = low_path[i]
            link = links[entry]
            flows[entry] += moved
            flow[link] += moved
            cost[link], slope[link] = link_cost(net, fixed, link, flow[link])


@nb.njit(cache=True)
def new_scratch(nodes: int, links: int) -> Any:
    """Arrays that `visit` writes over."""
    return (
        np.empty((3, nodes), dtype=np.int32),
        np.empty((2, nodes)),
        (
            np.empty(nodes + 1, dtype=np.int32),
            np.empty(links, dtype=np.int32),
            np.empty(links, dtype=np.int32),
            np.empty(links),
        ),
        (
            np.empty(nodes),
            np.empty(nodes),
            np.empty(nodes, dtype=np.int32),
            np.empty(nodes, dtype=np.int32),
        ),
        (np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)),
    )


@nb.njit(cache=True)
def visit(
    net: Any,
    fixed: Any,
    origin: int,
    row: Any,
    flow: Any,
    cost: Any,
    slope: Any,
    passes: int,
    precision: float,
    scratch: Any,
) -> None:
    """Fit one bush to the costs and shift its flow; `flow`, `cost` and `slope` follow."""
    (order, position, degree), (low, high), packed, labels, paths = scratch
    count = sort_bush(net, origin, row, order, position, degree)
    if improve_bush(net, cost, origin, row, order, count, low, high) > 0:
        count = sort_bush(net, origin, row, order, position, degree)
    pack_bush(net, row, order, position, count, packed)
    for _ in range(passes):
        if label_bush(cost, count, packed, labels) <= precision:
            break
        shift_bush(net, fixed, flow, cost, slope, count, packed, labels, paths)
    for entry in range(packed[0][count]):
        row[packed[1][entry]] = packed[3][entry]


@nb.njit(cache=True)
def total_flow(bush: Any, flow: Any) -> None:
    """Sum the origins' flows anew, so that rounding does not build up."""
    flow[:] = 0.0
    for zone in range(bush.shape[0]):
        for link in range(flow.size):
            if bush[zone, link] > 0.0:
                flow[link] += bush[zone, link]
