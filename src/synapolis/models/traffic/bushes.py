"""Kernels of bush-based assignment: one acyclic subnetwork (bush) of flow per origin zone.

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

OUTSIDE = -1.0
NO_LINK = -1
TINY = 1e-13  # relative to a label: cost differences below this are rounding


@nb.njit(cache=True, inline="always")
def _link_cost(net: Any, link: int, flow: float) -> tuple[float, float]:
    """Cost of a link and its slope at a flow."""
    base = net.free_flow_time[link]
    alpha = net.alpha[link]
    if alpha == 0.0:
        return base + net.constant_cost[link], 0.0
    power = net.power[link]
    ratio = flow / net.capacity[link]
    if power == 4.0:  # the classic exponent, without a call to pow
        square = ratio * ratio
        delay = base * alpha * square * square
    else:
        delay = base * alpha * ratio**power
    at_rest = base * alpha / net.capacity[link] if power == 1.0 else 0.0
    slope = power * delay / flow if flow > 0.0 else at_rest
    return base + delay + net.constant_cost[link], slope


@nb.njit(cache=True)
def set_costs(net: Any, flow: Any, cost: Any, slope: Any) -> None:
    """Write the cost and slope of every open link at the given flow (closed: infinite)."""
    for link in range(flow.size):
        if net.is_open[link]:
            cost[link], slope[link] = _link_cost(net, link, flow[link])
        else:
            cost[link], slope[link] = np.inf, 0.0


@nb.njit(cache=True)
def shortest_tree(net: Any, cost: Any, origin: int, label: Any, tree: Any, heap: Any) -> None:
    """Dijkstra from a node with a binary heap; `label` and `tree` (entering link) are overwritten."""
    keys, items, place = heap  # keys and nodes in heap order; place of a node, -1 outside
    label[:] = np.inf
    tree[:] = NO_LINK
    place[:] = -1
    label[origin] = 0.0
    keys[0], items[0], place[origin] = 0.0, origin, 0
    size = 1
    while size > 0:
        node = items[0]
        size -= 1
        place[node] = -1
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
                hole = place[head]
                if hole < 0:
                    hole = size
                    size += 1
                while hole > 0:
                    parent = (hole - 1) // 2
                    if keys[parent] <= reached:
                        break
                    keys[hole], items[hole] = keys[parent], items[parent]
                    place[items[hole]] = hole
                    hole = parent
                keys[hole], items[hole], place[head] = reached, head, hole


@nb.njit(cache=True)
def new_heap(node_count: int) -> Any:
    """Scratch of `shortest_tree`."""
    return (
        np.empty(node_count + 1),
        np.empty(node_count + 1, dtype=np.int32),
        np.empty(node_count, dtype=np.int32),
    )


@nb.njit(cache=True)
def skim_costs(net: Any, cost: Any, time: Any, skim_cost: Any, skim_time: Any) -> None:
    """Least cost between zones, and the travel time along one least-cost route."""
    label = np.empty(net.is_through.size)
    tree = np.empty(net.is_through.size, dtype=np.int32)
    heap = new_heap(net.is_through.size)
    along = np.empty(net.is_through.size)
    stack = np.empty(net.is_through.size, dtype=np.int32)
    zones = net.zone_node.size
    for zone in range(zones):
        origin = net.zone_node[zone]
        shortest_tree(net, cost, origin, label, tree, heap)
        along[:] = -1.0
        along[origin] = 0.0
        for other in range(zones):
            node = net.zone_node[other]
            skim_cost[zone, other] = label[node]
            if not np.isfinite(label[node]):
                skim_time[zone, other] = np.inf
                continue
            depth = 0
            while along[node] < 0.0:
                stack[depth] = node
                depth += 1
                node = net.from_node[tree[node]]
            for step in range(depth - 1, -1, -1):
                link = tree[stack[step]]
                along[stack[step]] = along[net.from_node[link]] + time[link]
            skim_time[zone, other] = along[net.zone_node[other]]


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
            if row[link] < 0.0 and net.is_open[link] and head != origin:
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
    net: Any, flow: Any, cost: Any, slope: Any, count: int, packed: Any, labels: Any, low_path: Any, high_path: Any
) -> None:
    """Move flow, node by node from the far end, from the longest used segment to the shortest."""
    _, links, tails, flows = packed
    low, high, low_entry, high_entry = labels
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
            cost[link], slope[link] = _link_cost(net, link, flow[link])
        for i in range(n_low):
            entry = low_path[i]
            link = links[entry]
            flows[entry] += moved
            flow[link] += moved
            cost[link], slope[link] = _link_cost(net, link, flow[link])


@nb.njit(cache=True)
def start_cold(net: Any, trips: Any, bush: Any, flow: Any, unreached: Any) -> None:
    """Load each origin on its shortest tree at the costs the origins before it left."""
    nodes = net.is_through.size
    cost, slope = np.empty(flow.size), np.empty(flow.size)
    label, tree, node_flow = np.empty(nodes), np.empty(nodes, dtype=np.int32), np.empty(nodes)
    heap = new_heap(nodes)
    flow[:] = 0.0
    for zone in range(trips.shape[0]):
        row, origin = bush[zone], net.zone_node[zone]
        row[:] = OUTSIDE
        if not trips[zone].any():
            continue
        set_costs(net, flow, cost, slope)
        shortest_tree(net, cost, origin, label, tree, heap)
        node_flow[:] = 0.0
        for other in range(trips.shape[1]):
            node = net.zone_node[other]
            if trips[zone, other] <= 0.0:
                continue
            if not np.isfinite(label[node]):
                unreached[zone, other] = True
                continue
            while node != origin:
                node_flow[node] += trips[zone, other]
                node = net.from_node[tree[node]]
        for node in range(nodes):
            if tree[node] >= 0:
                row[tree[node]] = node_flow[node]
                flow[tree[node]] += node_flow[node]


@nb.njit(cache=True)
def start_warm(net: Any, trips: Any, old_trips: Any, has_new_nodes: bool, bush: Any, unreached: Any) -> None:
    """Fit bushes of another demand or network: lose closed links, graft what they cut off, reload."""
    nodes, links = net.is_through.size, bush.shape[1]
    flow, cost, slope = np.empty(links), np.empty(links), np.empty(links)
    total_flow(bush, flow)
    set_costs(net, flow, cost, slope)
    label, tree, node_flow = np.empty(nodes), np.empty(nodes, dtype=np.int32), np.empty(nodes)
    heap = new_heap(nodes)
    order, position = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    degree, queue = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    for zone in range(trips.shape[0]):
        row, origin = bush[zone], net.zone_node[zone]
        if not trips[zone].any():
            row[:] = OUTSIDE
            continue
        lost = False
        for link in range(links):
            if row[link] >= 0.0 and not net.is_open[link]:
                row[link] = OUTSIDE
                lost = True
        same = True
        for other in range(trips.shape[1]):
            same = same and trips[zone, other] == old_trips[zone, other]
        if same and not lost and not has_new_nodes:
            continue
        _cut_orphans(net, origin, row, degree, queue)
        shortest_tree(net, cost, origin, label, tree, heap)
        for node in range(nodes):  # only nodes without an entering link get one: no cycle can close
            if degree[node] == 0 and tree[node] >= 0:
                row[tree[node]] = 0.0
        if same and not lost:
            continue
        node_flow[:] = 0.0
        for other in range(trips.shape[1]):
            node = net.zone_node[other]
            if trips[zone, other] > 0.0 and not np.isfinite(label[node]):
                unreached[zone, other] = True
            elif trips[zone, other] > 0.0 and node != origin:
                node_flow[node] += trips[zone, other]
        count = sort_bush(net, origin, row, order, position, degree)
        _reload(net, cost, row, order, count, node_flow, label)


@nb.njit(cache=True)
def _cut_orphans(net: Any, origin: int, row: Any, degree: Any, queue: Any) -> None:
    """Take from a bush the links that leave nodes no longer reached; `degree` gets the entering links left."""
    degree[:] = 0
    for link in range(row.size):
        if row[link] >= 0.0:
            degree[net.to_node[link]] += 1
    waiting = 0
    for node in range(degree.size):
        if degree[node] == 0 and node != origin:
            queue[waiting] = node
            waiting += 1
    done = 0
    while done < waiting:
        node = queue[done]
        done += 1
        for star in range(net.out_start[node], net.out_start[node + 1]):
            link = net.out_link[star]
            if row[link] >= 0.0:
                row[link] = OUTSIDE
                head = net.to_node[link]
                degree[head] -= 1
                if degree[head] == 0 and head != origin:
                    queue[waiting] = head
                    waiting += 1


@nb.njit(cache=True)
def _reload(net: Any, cost: Any, row: Any, order: Any, count: int, node_flow: Any, low: Any) -> None:
    """Put node demands on a bush in the old proportions at each node (all on the best link where idle)."""
    low[order[0]] = 0.0
    for k in range(1, count):
        node = order[k]
        low[node] = np.inf
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] >= 0.0:
                low[node] = min(low[node], low[net.from_node[link]] + cost[link])
    for k in range(count - 1, 0, -1):
        node = order[k]
        entering, best, best_link = 0.0, np.inf, NO_LINK
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] >= 0.0:
                entering += row[link]
                if best_link == NO_LINK or low[net.from_node[link]] + cost[link] < best:
                    best, best_link = low[net.from_node[link]] + cost[link], link
        for star in range(net.in_start[node], net.in_start[node + 1]):
            link = net.in_link[star]
            if row[link] >= 0.0:
                if entering > 0.0:
                    row[link] = node_flow[node] * (row[link] / entering)
                else:
                    row[link] = node_flow[node] if link == best_link else 0.0
                node_flow[net.from_node[link]] += row[link]


@nb.njit(cache=True)
def sweep(net: Any, served: Any, bush: Any, flow: Any, cost: Any, slope: Any, passes: int, precision: float) -> float:
    """Visit every origin once; returns the sum of the bushes' excess cost on arrival."""
    nodes, links = net.is_through.size, flow.size
    order, position = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    degree = np.empty(nodes, dtype=np.int32)
    low_node, high_node = np.empty(nodes), np.empty(nodes)
    packed = (
        np.empty(nodes + 1, dtype=np.int32),
        np.empty(links, dtype=np.int32),
        np.empty(links, dtype=np.int32),
        np.empty(links),
    )
    labels = (
        np.empty(nodes),
        np.empty(nodes),
        np.empty(nodes, dtype=np.int32),
        np.empty(nodes, dtype=np.int32),
    )
    low_path, high_path = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    total = 0.0
    for zone in range(bush.shape[0]):
        row = bush[zone]
        origin = net.zone_node[zone]
        if not served[zone]:
            continue
        count = sort_bush(net, origin, row, order, position, degree)
        if improve_bush(net, cost, origin, row, order, count, low_node, high_node) > 0:
            count = sort_bush(net, origin, row, order, position, degree)
        pack_bush(net, row, order, position, count, packed)
        for turn in range(passes):
            excess = label_bush(cost, count, packed, labels)
            if turn == 0:
                total += excess
            if excess <= precision:
                break
            shift_bush(net, flow, cost, slope, count, packed, labels, low_path, high_path)
        for entry in range(packed[0][count]):
            row[packed[1][entry]] = packed[3][entry]
    return total


@nb.njit(cache=True)
def total_flow(bush: Any, flow: Any) -> None:
    """Sum the origins' flows anew, so that rounding does not build up."""
    flow[:] = 0.0
    for zone in range(bush.shape[0]):
        for link in range(flow.size):
            if bush[zone, link] > 0.0:
                flow[link] += bush[zone, link]
