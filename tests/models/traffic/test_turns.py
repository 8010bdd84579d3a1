"""Turns that are banned or take time, against brute force over links instead of nodes."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import grid
from synapolis.core.errors import LayerError
from synapolis.models.traffic.equilibrium import travel_times, user_equilibrium
from synapolis.models.traffic.network import road_network
from synapolis.models.traffic.turns import BANNED, with_turns


def some_turns(network, chance, count):
    """Random turns: the links before and after, and a delay or a ban."""
    pairs = [
        (before, after)
        for before in range(network.link_count)
        for after in np.flatnonzero(network.from_node == network.to_node[before])
    ]
    picked = [pairs[k] for k in chance.choice(len(pairs), count, replace=False)]
    delay = np.where(chance.random(count) < 0.6, BANNED, chance.uniform(5, 200, count))
    return np.array(picked)[:, 0], np.array(picked)[:, 1], delay


def by_links(network, time, turns):
    """Times between zones by a search whose states are links driven last, so that turns are plain."""
    found = np.full((network.zone_count,) * 2, np.inf)
    for zone, origin in enumerate(network.zone_node):
        best = {int(k): time[k] for k in np.flatnonzero(network.from_node == origin)}
        heap = [(cost, link) for link, cost in best.items()]
        heapq.heapify(heap)
        while heap:
            cost, link = heapq.heappop(heap)
            if cost > best[link]:
                continue
            for after in np.flatnonzero(network.from_node == network.to_node[link]):
                reached = cost + turns.get((link, int(after)), 0.0) + time[after]
                if reached < best.get(int(after), np.inf):
                    best[int(after)] = reached
                    heapq.heappush(heap, (reached, int(after)))
        for other, node in enumerate(network.zone_node):
            into = [cost for link, cost in best.items() if network.to_node[link] == node]
            found[zone, other] = 0.0 if other == zone else min(into, default=np.inf)
    return found


def line_graph(network, turns):
    """Every link with two ends of its own and every turn a link: the expansion without any shortcut."""
    links, nodes = network.link_count, network.zone_count
    pairs = [
        (before, int(after))
        for before in range(links)
        for after in np.flatnonzero(network.from_node == network.to_node[before])
    ]
    pairs = [pair for pair in pairs if turns.get(pair, 0.0) < BANNED]
    start = [(z, k) for z, node in enumerate(network.zone_node) for k in np.flatnonzero(network.from_node == node)]
    stop = [(k, z) for z, node in enumerate(network.zone_node) for k in np.flatnonzero(network.to_node == node)]
    tail, head = nodes + 2 * np.arange(links), nodes + 2 * np.arange(links) + 1
    extra_tail = [*(head[a] for a, _ in pairs), *(z for z, _ in start), *(head[k] for k, _ in stop)]
    extra_head = [*(tail[b] for _, b in pairs), *(tail[k] for _, k in start), *(z for _, z in stop)]
    still = np.zeros(len(extra_tail))
    return road_network(
        from_node=np.concatenate([tail, extra_tail]).astype(int),
        to_node=np.concatenate([head, extra_head]).astype(int),
        free_flow_time=[*network.free_flow_time, *(turns.get(pair, 0.0) for pair in pairs), *still[len(pairs) :]],
        capacity=[*network.capacity, *still],
        alpha=[*network.alpha, *still],
        node_count=nodes + 2 * links,
        zone_node=np.arange(nodes),
        is_through=np.arange(nodes + 2 * links) >= nodes,
    )


@given(seed=st.integers(0, 10**6), count=st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_times_with_turns_are_those_of_a_search_over_links(seed, count):
    chance = np.random.default_rng(seed)
    network, _ = grid(seed=seed % 10)
    before, after, delay = some_turns(network, chance, count)
    turned = with_turns(network, before, after, delay).network
    wanted = dict(zip(zip(before.tolist(), after.tolist(), strict=True), delay, strict=True))
    expected = by_links(network, network.free_flow_time, wanted)
    np.testing.assert_allclose(travel_times(turned, turned.free_flow_time), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_equilibrium_with_turns_is_that_of_the_whole_line_graph(seed):
    network, demand = grid(seed=seed, load=0.7)
    before, after, delay = some_turns(network, np.random.default_rng(seed), 25)
    turns = dict(zip(zip(before.tolist(), after.tolist(), strict=True), delay, strict=True))
    options = {"relative_gap": 1e-8, "max_iterations": 2000, "drop_unreachable": True}
    ours = user_equilibrium(with_turns(network, before, after, delay).network, demand, **options)
    brute = user_equilibrium(line_graph(network, turns), demand, **options)
    assert ours.objective == pytest.approx(brute.objective, rel=1e-7)
    assert ours.unserved == pytest.approx(brute.unserved)
    links = slice(network.link_count)
    np.testing.assert_allclose(ours.link_time[links], brute.link_time[links], rtol=2e-3)
    np.testing.assert_allclose(ours.link_flow[links], brute.link_flow[links], atol=0.02 * demand.sum())


def test_a_banned_left_turn_sends_cars_round_the_block():
    # 0 -> 1 -> 2 is banned at 1; the block 1 -> 3 -> 4 -> 1 comes back from another side
    network = road_network(
        from_node=[0, 1, 1, 3, 4],
        to_node=[1, 2, 3, 4, 1],
        free_flow_time=[10, 10, 5, 5, 5],
        capacity=100,
        alpha=0.0,
        node_count=5,
        zone_node=[0, 2],
    )
    turned = with_turns(network, [0], [1])
    answer = user_equilibrium(turned.network, [[0, 7], [0, 0]])
    np.testing.assert_array_equal(answer.link_flow[:5], [7, 7, 7, 7, 7])
    assert answer.skim[0, 1] == 35.0
    assert (turned.node_of[5:] == 1).all()


def test_the_given_links_keep_their_numbers_and_nothing_else_changes():
    network, _ = grid()
    turned = with_turns(network, [0], [np.flatnonzero(network.from_node == network.to_node[0])[0]], 12.0).network
    for name in ("free_flow_time", "capacity", "alpha", "power", "constant_cost", "is_open"):
        np.testing.assert_array_equal(getattr(turned, name)[: network.link_count], getattr(network, name))
    same = with_turns(network, [], [])
    assert same.network.link_count == network.link_count


def test_turns_that_are_none_are_refused():
    network, _ = grid()
    after = int(np.flatnonzero(network.from_node == network.to_node[0])[0])
    apart = int(np.flatnonzero(network.from_node != network.to_node[0])[0])
    with pytest.raises(LayerError, match="starts at its end"):
        with_turns(network, [0], [apart])
    with pytest.raises(LayerError, match="given once"):
        with_turns(network, [0, 0], [after, after])
    with pytest.raises(LayerError, match="must not be negative"):
        with_turns(network, [0], [after], -1.0)
    with pytest.raises(LayerError, match="two of 48 links"):
        with_turns(network, [0], [48])
    centroid = network._replace(is_through=np.arange(network.node_count) != network.to_node[0])
    with pytest.raises(LayerError, match="centroid"):
        with_turns(centroid, [0], [after])
