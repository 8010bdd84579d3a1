"""Continuing after an edit: the same answer as from nothing, whatever changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import grid, net_outflow, sparse_town
from synapolis.core.errors import ModelError
from synapolis.models.traffic.continuing import carried, carried_by_name
from synapolis.models.traffic.equilibrium import user_equilibrium
from synapolis.models.traffic.network import edited, road_network


@given(seed=st.integers(0, 50), edits=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_continuing_after_an_edit_gives_the_cold_answer(seed, edits):
    chance = np.random.default_rng(edits)
    network, demand = grid(seed=seed, load=0.7)
    before = user_equilibrium(network, demand)
    capacity = network.capacity * np.where(chance.random(network.link_count) < 0.2, 0.5, 1.0)
    is_open = chance.random(network.link_count) > 0.06 * (chance.random() < 0.7)
    trips = demand * np.where(chance.random(demand.shape) < 0.3, chance.uniform(0, 2, demand.shape), 1.0)
    after = edited(network, capacity=capacity, is_open=is_open)
    options = {"relative_gap": 1e-7, "max_iterations": 2000, "drop_unreachable": True}
    warm = user_equilibrium(after, trips, start=before.bushes, **options)
    cold = user_equilibrium(after, trips, **options)
    assert warm.unserved == pytest.approx(cold.unserved)
    assert warm.objective == pytest.approx(cold.objective, rel=2e-7)
    np.testing.assert_allclose(warm.link_time, cold.link_time, rtol=5e-3)
    assert (warm.link_flow[~is_open] == 0.0).all()


def test_a_new_street_is_found_from_a_carried_start():
    network, demand = grid(4, seed=1)
    before = user_equilibrium(network, demand)
    # a fast road over two new nodes from the first zone to the second, put before the old links
    first, second = network.zone_node[:2]
    roads = {"from_node": [first, 16, 17], "to_node": [16, 17, second]}
    longer = road_network(
        from_node=[*roads["from_node"], *network.from_node],
        to_node=[*roads["to_node"], *network.to_node],
        free_flow_time=[5, 5, 5, *network.free_flow_time],
        capacity=[2000, 2000, 2000, *network.capacity],
        node_count=18,
        zone_node=network.zone_node,
    )
    links, nodes = [-1, -1, -1, *range(network.link_count)], [*range(16), -1, -1]
    start = carried(before.bushes, longer, old_link=links, old_node=nodes)
    warm = user_equilibrium(longer, demand, start=start, relative_gap=1e-7)
    cold = user_equilibrium(longer, demand, relative_gap=1e-7)
    assert warm.objective == pytest.approx(cold.objective, rel=2e-7)
    assert warm.link_flow[0] == pytest.approx(cold.link_flow[0], rel=1e-2)
    assert warm.link_flow[0] > 0


@pytest.mark.parametrize("seed", [*range(20), 119])  # 119: a trickle once kept a better link out of its bush
def test_there_and_back_again_on_sparse_towns_equals_the_cold_answers(seed):
    network, demand, after, trips = sparse_town(seed)
    options = {"relative_gap": 1e-6, "max_iterations": 2000, "drop_unreachable": True}
    before = user_equilibrium(network, demand, **options)
    cold = user_equilibrium(after, trips, **options)
    warm = user_equilibrium(after, trips, start=before.bushes, **options)
    back = user_equilibrium(network, demand, start=warm.bushes, **options)
    for one, other in ((warm, cold), (back, before)):
        total = one.link_flow @ (one.link_time + network.constant_cost)
        assert one.objective == pytest.approx(other.objective, abs=2e-6 * total + 1e-9)
        assert one.unserved == pytest.approx(other.unserved)
    np.testing.assert_allclose(net_outflow(network, warm.link_flow), net_outflow(network, cold.link_flow), atol=1e-6)


def test_an_unchanged_problem_is_not_solved_again():
    network, demand = grid()
    before = user_equilibrium(network, demand)
    again = user_equilibrium(network, demand, start=before.bushes)
    assert again.iterations == 0
    np.testing.assert_array_equal(again.link_flow, before.link_flow)


def test_a_start_that_does_not_fit_is_refused():
    network, demand = grid()
    start = user_equilibrium(network, demand).bushes
    other, trips = grid(5)
    with pytest.raises(ModelError, match="carried"):
        user_equilibrium(other, trips, start=start)
    with pytest.raises(ModelError, match="at most once"):
        carried(start, network, old_link=[0] * network.link_count, old_node=range(network.node_count))


def renamed(network, *, drop, chance):
    """The same streets in another order, without those of `drop`, and with one new street; and their names."""
    keep = chance.permutation(np.setdiff1d(np.arange(network.link_count), drop))
    node = chance.permutation(network.node_count)  # old node: its new number
    ends = chance.choice(network.node_count, 2, replace=False)
    tail, head = np.append(node[network.from_node[keep]], ends[0]), np.append(node[network.to_node[keep]], ends[1])
    zones = chance.permutation(network.zone_count)
    other = road_network(
        from_node=tail,
        to_node=head,
        free_flow_time=np.append(network.free_flow_time[keep], 20.0),
        capacity=np.append(network.capacity[keep] * chance.choice([0.6, 1, 1, 1.5], len(keep)), 600.0),
        node_count=network.node_count,
        zone_node=node[network.zone_node[zones]],
    )
    node_names = np.empty(network.node_count, dtype="<U9")
    node_names[node] = names(network.node_count)
    return other, np.append(names(network.link_count)[keep], "new"), node_names, zones


def names(count):
    return np.array([f"id {number}" for number in range(count)])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_closures_new_streets_and_other_numbers_continue_to_the_cold_answer(seed):
    chance = np.random.default_rng(seed)
    network, demand = grid(seed=seed % 20, load=0.7)
    before = user_equilibrium(network, demand)
    drop = chance.choice(network.link_count, chance.integers(0, 4), replace=False)
    other, link_names, node_names, zones = renamed(network, drop=drop, chance=chance)
    trips = demand[np.ix_(zones, zones)] * chance.choice([0.8, 1, 1], (5, 1))
    old = (network, names(network.link_count), names(network.node_count))
    start = carried_by_name(before.bushes, old, (other, link_names, node_names))
    options = {"relative_gap": 1e-7, "max_iterations": 2000, "drop_unreachable": True}
    warm = user_equilibrium(other, trips, start=start, **options)
    cold = user_equilibrium(other, trips, **options)
    assert warm.unserved == pytest.approx(cold.unserved)
    assert warm.objective == pytest.approx(cold.objective, rel=2e-7)
    np.testing.assert_allclose(warm.link_time, cold.link_time, rtol=5e-3)
    np.testing.assert_allclose(net_outflow(other, warm.link_flow), net_outflow(other, cold.link_flow), atol=1e-6)


def test_zones_come_and_go():
    network, demand = grid(seed=9, zones=6)
    fewer, some = network._replace(zone_node=network.zone_node[[0, 2, 5]]), demand[np.ix_([0, 2, 5], [0, 2, 5])]
    before = user_equilibrium(network, demand, relative_gap=1e-7)
    nodes = names(network.node_count)
    link = names(network.link_count)
    there = carried_by_name(before.bushes, (network, link, nodes), (fewer, link, nodes))
    less = user_equilibrium(fewer, some, start=there, relative_gap=1e-7)
    assert less.objective == pytest.approx(user_equilibrium(fewer, some, relative_gap=1e-7).objective, rel=2e-7)
    back = carried_by_name(less.bushes, (fewer, link, nodes), (network, link, nodes))
    again = user_equilibrium(network, demand, start=back, relative_gap=1e-7)
    assert again.objective == pytest.approx(before.objective, rel=2e-7)


def test_nothing_is_carried_between_two_cities():
    network, demand = grid()
    bushes = user_equilibrium(network, demand).bushes
    old = (network, names(network.link_count), names(network.node_count))
    assert carried_by_name(bushes, old, (network, old[1], np.char.add("other ", old[2]))) is None
    assert carried_by_name(bushes, old, old) is bushes


def test_a_start_from_other_roots_or_through_new_centroids_is_refused():
    network, demand = grid()
    start = user_equilibrium(network, demand).bushes
    with pytest.raises(ModelError, match="zones at the same nodes"):
        user_equilibrium(network._replace(zone_node=network.zone_node[::-1].copy()), demand, start=start)
    passing = (start.flow > 0) & (network.from_node != network.zone_node[:, None])
    through = np.arange(network.node_count) != network.from_node[passing.any(axis=0).argmax()]
    with pytest.raises(ModelError, match="may still be passed"):
        user_equilibrium(network._replace(is_through=through), demand, start=start)
