"""Kernels that give a solve its first flows: from nothing, or from an earlier solve on another network or demand.

A row is one class and origin: row = class * zones + zone. `fixed` (class, link) [s] is what a class pays
beside the time, infinite on links that are closed to it.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from synapolis.models.traffic.bushes import FLOW, IDLE, NO_LINK, OUTSIDE, sort_bush, total_flow
from synapolis.models.traffic.delay import link_cost, set_costs
from synapolis.models.traffic.paths import mend_tree, new_heap, shortest_tree


@nb.njit(cache=True)
def start_cold(net: Any, fixed: Any, trips: Any, bush: Any, tree: Any, order: Any, unreached: Any) -> None:
    """Load each origin on its shortest tree at the costs the origins before it left."""
    nodes, zones = net.is_through.size, net.zone_node.size
    flow = np.zeros(bush.shape[1])
    cost, slope = np.empty(flow.size), np.empty(flow.size)
    label, node_flow, heap = np.empty(nodes), np.empty(nodes), new_heap(nodes)
    for r in range(bush.shape[0]):
        row, origin, own = bush[r], net.zone_node[r % zones], fixed[r // zones]
        row[:] = OUTSIDE
        if r % zones == 0:
            set_costs(net, own, flow, cost, slope)
        shortest_tree(net, cost, origin, label, tree[r], order[r], heap)
        if not _load_zones(net, trips[r], label, node_flow, unreached[r], origin):
            continue
        for k in range(nodes - 1, 0, -1):
            node = order[r, k]
            link = tree[r, node]
            if link >= 0:
                row[link] = node_flow[node]
                if node_flow[node] > 0.0:
                    flow[link] += node_flow[node]
                    cost[link], slope[link] = link_cost(net, own, link, flow[link])
                    node_flow[net.from_node[link]] += node_flow[node]


@nb.njit(cache=True)
def start_warm(
    net: Any,
    fixed: Any,
    trips: Any,
    old_trips: Any,
    lost: Any,
    has_new_nodes: bool,
    bush: Any,
    tree: Any,
    order: Any,
    unreached: Any,
) -> None:
    """Fit earlier bushes to another demand or network: drop closed links, graft what they cut off, reload.

    `lost` (row,) tells which rows had links that are no more (`IDLE`), and which had flow there (`FLOW`). Rows are
    reloaded one after another, each at the costs that the rows before it left.
    """
    nodes, links, zones = net.is_through.size, bush.shape[1], net.zone_node.size
    flow, cost, slope = np.empty(links), np.empty(links), np.empty(links)
    label, node_flow, heap = np.empty(nodes), np.empty(nodes), new_heap(nodes)
    places = np.empty((4, nodes), dtype=np.int32)
    before, entered = np.empty(links), np.empty(nodes, dtype=np.bool_)
    for r in range(bush.shape[0]):
        for link in range(links):
            if bush[r, link] >= 0.0 and fixed[r // zones, link] == np.inf:
                lost[r] = max(lost[r], FLOW if bush[r, link] > 0.0 else IDLE)
                bush[r, link] = OUTSIDE
    total_flow(bush, flow)
    for r in range(bush.shape[0]):
        row, origin, own = bush[r], net.zone_node[r % zones], fixed[r // zones]
        if r % zones == 0:
            set_costs(net, own, flow, cost, slope)
        same = np.array_equal(trips[r], old_trips[r])
        if same and not lost[r] and not has_new_nodes:
            continue
        whole = not lost[r] and not has_new_nodes and _reaches(net, trips[r], row, entered)
        if whole:  # the bush reaches all that it did and all that it shall: nothing to graft
            label[:] = 0.0
        else:
            mend_tree(net, cost, origin, label, tree[r], order[r], heap)
        if not _load_zones(net, trips[r], label, node_flow, unreached[r], origin):
            for link in range(links):
                flow[link] -= max(row[link], 0.0)
            row[:] = OUTSIDE
            continue
        if not whole:
            _cut_orphans(net, origin, row, places[0], places[1])
            for node in range(nodes):  # only nodes without an entering link get one: no cycle can close
                if places[0, node] == 0 and tree[r, node] >= 0:
                    row[tree[r, node]] = 0.0
        if same and lost[r] < FLOW:
            continue
        before[:] = row
        count = sort_bush(net, origin, row, places[1], places[2], places[3])
        _reload(net, cost, row, places[1], count, node_flow, label)
        for link in range(links):
            if row[link] > 0.0 or before[link] > 0.0:
                moved = max(row[link], 0.0) - max(before[link], 0.0)
                if moved != 0.0:
                    flow[link] = max(flow[link] + moved, 0.0)
                    cost[link], slope[link] = link_cost(net, own, link, flow[link])


@nb.njit(cache=True)
def _reaches(net: Any, trips: Any, row: Any, entered: Any) -> bool:
    """Whether a bush enters every node at which one of these trips ends."""
    entered[:] = False
    for link in range(row.size):
        if row[link] >= 0.0:
            entered[net.to_node[link]] = True
    for zone in range(trips.size):  # noqa: SIM110 - compiled
        if trips[zone] > 0.0 and not entered[net.zone_node[zone]]:
            return False
    return True


@nb.njit(cache=True)
def _load_zones(net: Any, trips: Any, label: Any, node_flow: Any, unreached: Any, origin: int) -> bool:
    """Write the trips that end at each node, and mark those that no route serves; False if there are none at all."""
    node_flow[:] = 0.0
    any_trip = False
    for zone in range(trips.size):
        node = net.zone_node[zone]
        if trips[zone] <= 0.0 or node == origin:
            continue
        any_trip = True
        if label[node] < np.inf:
            node_flow[node] += trips[zone]
        else:
            unreached[zone] = True
    return any_trip


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
def load_along(net: Any, bush: Any, trips: Any, flow: Any) -> None:
    """Put other trips between the same zones on the routes of a solve, at each node in its proportions.

    `bush` (zone, link) is one class's; trips whose origin has no route in use, or that end where none leads, are
    left out.
    """
    nodes = net.is_through.size
    node_flow, places = np.empty(nodes), np.empty((3, nodes), dtype=np.int32)
    flow[:] = 0.0
    for r in range(bush.shape[0]):
        row, origin = bush[r], net.zone_node[r]
        node_flow[:] = 0.0
        for zone in range(trips.shape[1]):
            node_flow[net.zone_node[zone]] += trips[r, zone]
        count = sort_bush(net, origin, row, places[0], places[1], places[2])
        for k in range(count - 1, 0, -1):
            node = places[0, k]
            entering = 0.0
            for star in range(net.in_start[node], net.in_start[node + 1]):
                entering += max(row[net.in_link[star]], 0.0)
            if entering <= 0.0 or node_flow[node] <= 0.0:
                continue
            for star in range(net.in_start[node], net.in_start[node + 1]):
                link = net.in_link[star]
                if row[link] > 0.0:
                    part = node_flow[node] * (row[link] / entering)
                    flow[link] += part
                    node_flow[net.from_node[link]] += part
