"""Traffic equilibrium on one network: closed forms, independent oracles, laws, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from networks import grid, least_costs, net_outflow
from synapolis.core.errors import LayerError, ModelError
from synapolis.models.traffic.delay import beckmann_objective, link_cost, link_times
from synapolis.models.traffic.equilibrium import travel_times, user_equilibrium
from synapolis.models.traffic.network import edited, road_network


def frank_wolfe(network, demand, times, rounds):
    """Plain Frank-Wolfe with bisection: an oracle that shares no line with the kernel."""
    link_of = {(int(i), int(j)): k for k, (i, j) in enumerate(zip(network.from_node, network.to_node, strict=True))}

    def all_or_nothing(cost):
        _, before = least_costs(network, cost)
        flow = np.zeros(network.link_count)
        for zone, origin in enumerate(network.zone_node):
            for other, node in enumerate(network.zone_node):
                at = int(node)
                while at != origin:
                    flow[link_of[int(before[zone, at]), at]] += demand[zone, other]
                    at = int(before[zone, at])
        return flow

    flow = all_or_nothing(times(np.zeros(network.link_count)))
    for _ in range(rounds):
        direction = all_or_nothing(times(flow)) - flow
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            if direction @ times(flow + middle * direction) < 0:
                low = middle
            else:
                high = middle
        flow = flow + low * direction
    return flow


# closed forms


def test_two_parallel_roads_share_trips_so_that_their_times_are_equal():
    # 10 + v1 / 10 = 15 + v2 / 20 with v1 + v2 = 300 gives v1 = 400 / 3
    network = road_network(
        from_node=[0, 0],
        to_node=[1, 1],
        free_flow_time=[10, 15],
        capacity=[100, 300],
        alpha=[1, 1],
        power=1.0,
        node_count=2,
        zone_node=[0, 1],
    )
    answer = user_equilibrium(network, [[0, 300], [0, 0]], relative_gap=1e-12)
    np.testing.assert_allclose(answer.link_flow, [400 / 3, 500 / 3], rtol=1e-9)
    np.testing.assert_allclose(answer.link_time, [70 / 3, 70 / 3], rtol=1e-9)
    np.testing.assert_allclose(answer.skim, [[0, 70 / 3], [np.inf, 0]], rtol=1e-9)


def test_braess_paradox_has_its_known_flows_and_times():
    # Braess (1968): six cars, and the new road raises everybody's time from 83 to 92
    closed_form = {True: ([4, 2, 2, 2, 4], 92.0), False: ([3, 3, 3, 0, 3], 83.0)}
    for new_road, (flows, time) in closed_form.items():
        network = road_network(
            from_node=[0, 0, 2, 2, 3],
            to_node=[2, 3, 1, 3, 1],
            free_flow_time=[1e-8, 50, 50, 10, 1e-8],
            capacity=1.0,
            alpha=[1e9, 0.02, 0.02, 0.1, 1e9],
            power=1.0,
            is_open=[True, True, True, new_road, True],
            node_count=4,
            zone_node=[0, 1],
        )
        answer = user_equilibrium(network, [[0, 6], [0, 0]], relative_gap=1e-10)
        np.testing.assert_allclose(answer.link_flow, flows, atol=1e-6)
        assert answer.skim[0, 1] == pytest.approx(time, rel=1e-6)


def test_constant_cost_counts_for_the_route_but_not_for_the_time():
    network = road_network(
        from_node=[0, 0],
        to_node=[1, 1],
        free_flow_time=[10, 20],
        capacity=0.0,
        alpha=0.0,
        constant_cost=[15, 0],
        node_count=2,
        zone_node=[0, 1],
    )
    answer = user_equilibrium(network, [[0, 5], [0, 0]])
    np.testing.assert_array_equal(answer.link_flow, [0, 5])
    assert answer.skim[0, 1] == 20.0
    assert answer.skim_cost[0, 1] == 20.0
    assert answer.objective == 100.0


def test_centroids_are_not_passed_through():
    # the short way 0 -> 1 -> 2 leads through a centroid, so trips go round by node 3
    roads = {"from_node": [0, 1, 0, 3], "to_node": [1, 2, 3, 2], "free_flow_time": [1, 1, 5, 5]}
    through = [False, False, False, True]
    network = road_network(**roads, capacity=100, alpha=0.0, node_count=4, zone_node=[0, 1, 2], is_through=through)
    demand = np.array([[0, 7, 3], [0, 0, 2], [0, 0, 0]])
    answer = user_equilibrium(network, demand)
    np.testing.assert_array_equal(answer.link_flow, [7, 2, 3, 3])
    np.testing.assert_array_equal(travel_times(network, network.free_flow_time)[0], [0, 1, 10])


def test_links_that_take_no_time_are_used_without_going_in_circles():
    # a ring of free links joins both ends of two roads with delay: their times must become equal
    network = road_network(
        from_node=[0, 1, 2, 3, 4, 5, 0, 2],
        to_node=[1, 0, 3, 2, 5, 4, 4, 5],
        free_flow_time=[0, 0, 0, 0, 0, 0, 10, 10],
        capacity=[0, 0, 0, 0, 0, 0, 100, 100],
        alpha=[0, 0, 0, 0, 0, 0, 1, 1],
        power=1.0,
        node_count=6,
        zone_node=[1, 3, 5],
    )
    answer = user_equilibrium(network, [[0, 0, 50], [0, 0, 70], [0, 0, 0]], relative_gap=1e-9)
    np.testing.assert_allclose(answer.link_flow, [0, 50, 0, 70, 50, 0, 50, 70], atol=1e-6)
    np.testing.assert_allclose(answer.skim[:2, 2], [15, 17])


# oracles on a generated grid


@pytest.mark.parametrize("load", [0.3, 1.0, 2.5])
def test_flows_on_a_grid_are_those_of_frank_wolfe(load):
    network, demand = grid(load=load)
    answer = user_equilibrium(network, demand, relative_gap=1e-9)
    slow = frank_wolfe(network, demand, lambda flow: link_times(network, flow), rounds=400)
    best = beckmann_objective(network, slow)
    assert answer.objective <= best * (1 + 1e-12)
    assert answer.objective == pytest.approx(best, rel=1e-3)  # Frank-Wolfe's own tail is long
    np.testing.assert_allclose(answer.link_flow, slow, rtol=0.05, atol=0.03 * demand.sum())


def conical(flow, free, capacity, alpha):
    """Spiess (1990), equation by equation."""
    beta = (2 * alpha - 1) / (2 * alpha - 2)
    x = flow / capacity
    return free * (2 + np.sqrt(beta**2 * (1 - x) ** 2 + alpha**2) - beta * (1 - x) - alpha)


@pytest.mark.parametrize("load", [0.5, 2.0])
def test_conical_flows_are_those_of_frank_wolfe_on_the_published_formula(load):
    alpha = np.random.default_rng(1).uniform(2, 8, 48)
    network, demand = grid(load=load, alpha=alpha, is_conical=True)
    answer = user_equilibrium(network, demand, relative_gap=1e-9)
    slow = frank_wolfe(network, demand, lambda v: conical(v, network.free_flow_time, network.capacity, alpha), 400)
    assert answer.objective <= beckmann_objective(network, slow) * (1 + 1e-12)
    assert answer.objective == pytest.approx(beckmann_objective(network, slow), rel=1e-3)
    np.testing.assert_allclose(answer.link_flow, slow, rtol=0.05, atol=0.03 * demand.sum())


def test_conical_delay_is_free_when_empty_and_double_at_capacity_and_its_integral_is_right():
    network, _ = grid(alpha=np.linspace(1.5, 10, 48), is_conical=np.arange(48) % 3 > 0)
    bent = network.is_conical
    np.testing.assert_allclose(link_times(network, np.zeros(48)), network.free_flow_time)
    np.testing.assert_allclose(link_times(network, network.capacity)[bent], 2 * network.free_flow_time[bent])
    flow = 1.7 * network.capacity
    steps = (np.arange(4000) + 0.5) / 4000
    summed = sum(link_times(network, step * flow) @ flow for step in steps) / len(steps)
    assert beckmann_objective(network, flow) == pytest.approx(summed, rel=1e-6)
    for link in range(48):
        cost, slope = link_cost(network, network.constant_cost, link, flow[link])
        near, _ = link_cost(network, network.constant_cost, link, flow[link] + 1e-3)
        assert cost == pytest.approx(link_times(network, flow)[link])
        assert slope == pytest.approx((near - cost) / 1e-3, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_wardrop_no_used_link_leads_off_a_shortest_route(seed):
    network, demand = grid(5, seed=seed, zones=8, load=0.6)
    answer = user_equilibrium(network, demand, relative_gap=1e-10)
    label, _ = least_costs(network, answer.link_time)
    tail, head = network.from_node, network.to_node
    for zone in range(network.zone_count):
        flow = answer.bushes.flow[zone]
        detour = label[zone, tail] + answer.link_time - label[zone, head]
        used = flow > 1e-3
        assert (detour[used] <= 1e-4 * answer.skim[zone].max()).all()
    np.testing.assert_allclose(answer.skim, label[:, network.zone_node], rtol=1e-9)


def test_the_reported_gap_is_the_true_one():
    network, demand = grid(5, seed=2, zones=8, load=0.8)
    answer = user_equilibrium(network, demand, relative_gap=1e-3)
    label, _ = least_costs(network, answer.link_time)
    total = answer.link_flow @ answer.link_time
    true_gap = 1 - (demand * label[:, network.zone_node]).sum() / total
    assert answer.relative_gap == pytest.approx(true_gap, rel=1e-6, abs=1e-12)
    assert answer.converged
    assert answer.relative_gap <= 1e-3


def test_flow_is_conserved_at_every_node_and_for_every_origin():
    network, demand = grid(5, seed=3, zones=7)
    answer = user_equilibrium(network, demand)
    made = np.zeros(network.node_count)
    np.add.at(made, network.zone_node, demand.sum(axis=1) - demand.sum(axis=0))
    np.testing.assert_allclose(net_outflow(network, answer.link_flow), made, atol=1e-6)
    for zone in range(network.zone_count):
        own = np.maximum(answer.bushes.flow[zone], 0.0)
        expected = np.zeros(network.node_count)
        expected[network.zone_node] -= demand[zone]
        expected[network.zone_node[zone]] += demand[zone].sum()
        np.testing.assert_allclose(net_outflow(network, own), expected, atol=1e-6)


# laws


def test_the_same_problem_gives_the_same_bits_and_keeps_its_inputs():
    network, demand = grid(seed=4)
    kept = [array.copy() for array in network], demand.copy()
    first, second = user_equilibrium(network, demand), user_equilibrium(network, demand)
    warm = user_equilibrium(network, 1.1 * demand, start=first.bushes)
    np.testing.assert_array_equal(first.link_flow, second.link_flow)
    np.testing.assert_array_equal(first.bushes.flow, second.bushes.flow)
    assert warm.iterations > 0
    assert all((a == b).all() for a, b in zip(network, kept[0], strict=True))
    np.testing.assert_array_equal(demand, kept[1])


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_more_trips_on_proportionally_wider_roads_take_the_same_time(factor):
    network, demand = grid(seed=6)
    wide = edited(network, capacity=factor * network.capacity)
    base = user_equilibrium(network, demand, relative_gap=1e-9)
    scaled = user_equilibrium(wide, factor * demand, relative_gap=1e-9)
    np.testing.assert_allclose(scaled.link_flow, factor * base.link_flow, rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(scaled.skim, base.skim, rtol=1e-4)


def test_zones_without_trips_and_cities_without_trips_are_fine():
    network, demand = grid()
    demand[2] = 0.0
    assert user_equilibrium(network, demand).converged
    nothing = user_equilibrium(network, 0.0 * demand)
    assert nothing.converged
    assert not nothing.link_flow.any()
    np.testing.assert_allclose(nothing.skim, travel_times(network, network.free_flow_time))
    later = user_equilibrium(network, demand, start=nothing.bushes)
    assert later.objective == pytest.approx(user_equilibrium(network, demand).objective, rel=1e-4)


# refusals


def test_unreachable_demand_is_refused_by_name_or_dropped_and_counted():
    network, demand = grid()
    cut = network.to_node != network.zone_node[3]
    closed = edited(network, is_open=cut)
    with pytest.raises(ModelError, match=r"none for 4 pairs.*0->3.*drop_unreachable"):
        user_equilibrium(closed, demand)
    dropped = user_equilibrium(closed, demand, drop_unreachable=True)
    assert dropped.unserved == pytest.approx(demand[:, 3].sum())
    assert np.isinf(dropped.skim[0, 3])
    warm = user_equilibrium(closed, demand, drop_unreachable=True, start=user_equilibrium(network, demand).bushes)
    assert warm.unserved == pytest.approx(dropped.unserved)
    back = user_equilibrium(network, demand, start=warm.bushes)
    assert back.unserved == 0.0
    assert back.objective == pytest.approx(user_equilibrium(network, demand).objective, rel=1e-4)


def test_unconverged_flows_are_refused_or_marked():
    network, demand = grid(load=2.0)
    with pytest.raises(ModelError, match="relative gap"):
        user_equilibrium(network, demand, relative_gap=1e-12, max_iterations=1)
    marked = user_equilibrium(network, demand, relative_gap=1e-12, max_iterations=1, allow_unconverged=True)
    assert not marked.converged
    assert marked.relative_gap > 1e-12
    assert np.isfinite(marked.skim).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"capacity": [-1, 5]}, "capacity must not be negative"),
        ({"capacity": [0, 5]}, "close the link"),
        ({"capacity": [np.nan, 5]}, "finite"),
        ({"free_flow_time": [-1, 5]}, "free_flow_time must not be negative"),
        ({"free_flow_time": [1, 2, 3]}, "one value for each of 2 links"),
        ({"power": 0.5}, "power must be at least 1"),
        ({"is_conical": True}, "alpha must be above 1 on a conical link"),
        ({"constant_cost": [1, -1]}, "constant_cost must not be negative.*toll"),
        ({"from_node": [0, 9]}, r"from_node must lie in \[0, 2\)"),
        ({"from_node": [0, 0]}, "two different nodes"),
        ({"to_node": [1]}, "equally long"),
        ({"zone_node": [0, 2]}, "zone_node must lie"),
        ({"zone_node": [0.5, 1]}, "integers"),
    ],
)
def test_a_broken_network_is_refused(change, message):
    good = {
        "from_node": [0, 1],
        "to_node": [1, 0],
        "free_flow_time": [1, 1],
        "capacity": [5, 5],
        "node_count": 2,
        "zone_node": [0, 1],
    }
    road_network(**good)
    with pytest.raises(LayerError, match=message):
        road_network(**good | change)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_broken_demand_is_refused(wrong):
    network, demand = grid()
    demand[1, 2] = wrong
    with pytest.raises(ModelError, match="from zone 1 to zone 2"):
        user_equilibrium(network, demand)
    with pytest.raises(ModelError, match="5 by 5 zones"):
        user_equilibrium(network, demand[:2])
