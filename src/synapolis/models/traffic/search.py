"""Kernel of the search for equilibrium: where cost could still be saved, and visits to the origins where most could.

Before each round the shortest routes of every origin are mended, so the relative gap is the true one, and the
excess cost of each origin is known: what its drivers pay above their shortest routes. Origins are visited only
as far down the list as the wanted gap asks for; after a small edit these are few.

References
----------
Boyce, Ralevic-Dekic and Bar-Gera, Convergence of traffic assignments: how much is enough?, J. Transportation
Engineering 130(1) (2004), for the relative gap.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from synapolis.models.traffic.bushes import new_scratch, total_flow, visit
from synapolis.models.traffic.delay import set_costs
from synapolis.models.traffic.paths import mend_tree, new_heap, skim_row

TURNS = 2  # visits to an origin between two looks at the shortest routes
PASSES = 1  # flow shifts on one bush before the next origin's turn
LEFT = 0.3  # origins stay unvisited while their excess together is below this share of what the gap allows
SHARE = 0.1  # passes end once a bush's excess is below this share of its part of what the gap allows
STALLED = 0.9  # a round that leaves more than this of the excess: visit all origins, to the last trickle


@nb.njit(cache=True)
def gauge(
    net: Any, fixed: Any, bush: Any, tree: Any, order: Any, flow: Any, cost: Any, slope: Any, excess: Any
) -> float:
    """Mend all trees at the costs of the bushes' flow; writes each row's excess cost, returns the total cost."""
    nodes, links, zones = net.is_through.size, flow.size, net.zone_node.size
    label, heap = np.empty(nodes), new_heap(nodes)
    total_flow(bush, flow)
    total = 0.0
    for r in range(bush.shape[0]):
        if r % zones == 0:
            set_costs(net, fixed[r // zones], flow, cost, slope)
        mend_tree(net, cost, net.zone_node[r % zones], label, tree[r], order[r], heap)
        above, paid = 0.0, 0.0
        for link in range(links):
            carried = bush[r, link]
            if carried > 0.0:
                here = label[net.from_node[link]]
                above += carried * (here + cost[link] - label[net.to_node[link]])
                paid += carried * cost[link]
        excess[r] = max(above, 0.0)
        total += paid
    return total


@nb.njit(cache=True)
def solve(
    net: Any, fixed: Any, bush: Any, tree: Any, order: Any, flow: Any, wanted: float, most: int
) -> tuple[int, float]:
    """Visit origins until the relative gap is the wanted one, or `most` rounds; returns the rounds and the gap."""
    rows, links, zones = bush.shape[0], flow.size, net.zone_node.size
    cost, slope, excess = np.empty(links), np.empty(links), np.empty(rows)
    scratch = new_scratch(net.is_through.size, links)
    total = gauge(net, fixed, bush, tree, order, flow, cost, slope, excess)
    before, rounds = np.inf, 0
    while excess.sum() > wanted * total and rounds < most:
        allowed = wanted * total
        thorough = excess.sum() > STALLED * before
        least = 0.0 if thorough else _cut_off(excess, LEFT * allowed)
        precision = 0.0 if thorough else SHARE * allowed / rows
        before = excess.sum()
        for _ in range(TURNS):
            for r in range(rows):
                if r % zones == 0 and (r > 0 or rows > zones):
                    set_costs(net, fixed[r // zones], flow, cost, slope)
                if excess[r] > least:
                    origin = net.zone_node[r % zones]
                    visit(net, fixed[r // zones], origin, bush[r], flow, cost, slope, PASSES, precision, scratch)
        total = gauge(net, fixed, bush, tree, order, flow, cost, slope, excess)
        rounds += 1
    return rounds, excess.sum() / total if total > 0.0 else 0.0


@nb.njit(cache=True)
def _cut_off(excess: Any, spared: float) -> float:
    """Largest excess such that all rows at or below it together stay within `spared`."""
    ranked = np.sort(excess)
    taken, least = 0.0, 0.0
    for value in ranked:
        taken += value
        if taken > spared:
            break
        least = value
    return least


@nb.njit(cache=True)
def write_skims(
    net: Any, fixed: Any, tree: Any, order: Any, flow: Any, time: Any, skim_cost: Any, skim_time: Any
) -> None:
    """Cost and time between zones along trees that are shortest at this flow."""
    cost, slope = np.empty(flow.size), np.empty(flow.size)
    zones = net.zone_node.size
    for r in range(tree.shape[0]):
        if r % zones == 0:
            set_costs(net, fixed[r // zones], flow, cost, slope)
        skim_row(net, cost, time, tree[r], order[r], skim_cost[r], skim_time[r])
