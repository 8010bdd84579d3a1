"""Traffic equilibrium and demand: closed forms, independent oracles, published optima, laws."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from synapolis.core.errors import LayerError, ModelError
from synapolis.models.traffic.continuing import carried
from synapolis.models.traffic.delay import beckmann_objective, link_times
from synapolis.models.traffic.equilibrium import travel_times, user_equilibrium
from synapolis.models.traffic.network import edited, road_network
from synapolis.sources import tntp

PUBLISHED_OPTIMA = {  # TransportationNetworks, best known objectives
    "SiouxFalls": 42.31335287107440e5,
    "Barcelona": 1265654.92203176,
    "Winnipeg": 827911.494629963,
    "ChicagoSketch": 17313018.7387477,
}


def grid(side=4, *, seed=0, zones=5, load=1.0):
    """Streets both ways on a square grid with random times and capacities, and random trips."""
    chance = np.random.default_rng(seed)
    nodes = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [
            np.stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()], axis=1),
            np.stack([nodes[:-1].ravel(), nodes[1:].ravel()], axis=1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    network = road_network(
        from_node=pairs[:, 0],
        to_node=pairs[:, 1],
        free_flow_time=chance.uniform(30, 90, len(pairs)),
        capacity=chance.uniform(400, 1200, len(pairs)),
        node_count=side * side,
        zone_node=chance.choice(side * side, zones, replace=False),
    )
    demand = load * chance.uniform(50, 400, (zones, zones))
    np.fill_diagonal(demand, 0.0)
    return network, demand


def least_costs(network, cost):
    """Independent shortest routes (SciPy) between zone nodes; parallel links are not supported."""
    open_links = network.is_open
    ends = (network.from_node[open_links], network.to_node[open_links])
    graph = csr_matrix((cost[open_links], ends), shape=(network.node_count,) * 2)
    return dijkstra(graph, indices=network.zone_node, return_predecessors=True)


def frank_wolfe(network, demand, rounds):
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

    flow = all_or_nothing(network.free_flow_time)
    for _ in range(rounds):
        direction = all_or_nothing(link_times(network, flow)) - flow
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            if direction @ link_times(network, flow + middle * direction) < 0:
                low = middle
            else:
                high = middle
        flow = flow + low * direction
    return flow


def net_outflow(network, flow):
    balance = np.zeros(network.node_count)
    np.add.at(balance, network.from_node, flow)
    np.add.at(balance, network.to_node, -flow)
    return balance


def tntp_problem(folder, name):
    links = tntp.read_network(folder / f"{name}_net.tntp")
    trips = next(folder.glob(f"{name}_trips.tntp*"))
    toll, length = (0.02, 0.04) if name == "ChicagoSketch" else (0.0, 0.0)
    network = road_network(
        from_node=links.from_node,
        to_node=links.to_node,
        free_flow_time=links.free_flow_time,
        capacity=links.capacity,
        node_count=links.node_count,
        zone_node=np.arange(links.zone_count),
        alpha=links.b,
        power=links.power,
        constant_cost=toll * links.toll + length * links.length,
        is_through=np.arange(links.node_count) >= links.first_through_node,
    )
    return network, tntp.read_trips(trips)


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
    slow = frank_wolfe(network, demand, rounds=400)
    best = beckmann_objective(network, slow)
    assert answer.objective <= best * (1 + 1e-12)
    assert answer.objective == pytest.approx(best, rel=1e-3)  # Frank-Wolfe's own tail is long
    np.testing.assert_allclose(answer.link_flow, slow, rtol=0.05, atol=0.03 * demand.sum())


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


def sparse_town(seed):
    """One-way streets, dead ends, parallel and free links, shared zone nodes, closed centroids; and an edit."""
    chance = np.random.default_rng(seed)
    nodes = int(chance.integers(5, 60))
    links, zones = int(nodes * chance.uniform(1.5, 4)), int(chance.integers(2, min(nodes, 12)))
    tail, head = chance.integers(0, nodes, links), chance.integers(0, nodes, links)
    tail, head = tail[tail != head], head[tail != head]
    links = len(tail)
    free = chance.choice([0, 0, 1, 5, 30.0], links) * chance.random(links)
    time = free if seed % 2 else chance.uniform(1, 60, links)
    alpha, power = chance.choice([0, 0.15, 1.0], links), chance.choice([1, 2.5, 4, 8.0], links)
    capacity, cost = chance.uniform(20, 500, links), chance.choice([0, 0, 7.0], links)
    zone_node = chance.choice(nodes, zones, replace=seed % 5 == 0)
    through = np.ones(nodes, dtype=bool)
    through[zone_node] = seed % 3 != 0
    network = road_network(
        from_node=tail,
        to_node=head,
        free_flow_time=time,
        capacity=capacity,
        alpha=alpha,
        power=power,
        constant_cost=cost,
        node_count=nodes,
        zone_node=zone_node,
        is_through=through,
    )
    demand = chance.uniform(0, 120, (zones, zones)) * (chance.random((zones, zones)) < 0.6)
    is_open = chance.random(links) > 0.1
    after = edited(network, is_open=is_open, capacity=capacity * chance.choice([0.5, 1, 1, 2], links))
    return network, demand, after, demand * chance.choice([0, 1, 1, 1.5], (zones, zones))


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


def test_a_start_that_does_not_fit_is_refused():
    network, demand = grid()
    start = user_equilibrium(network, demand).bushes
    other, trips = grid(5)
    with pytest.raises(ModelError, match="carried"):
        user_equilibrium(other, trips, start=start)
    with pytest.raises(ModelError, match="at most once"):
        carried(start, network, old_link=[0] * network.link_count, old_node=range(network.node_count))


# published optima


@pytest.mark.parametrize(
    "name", ["SiouxFalls", "Barcelona", "Winnipeg", pytest.param("ChicagoSketch", marks=pytest.mark.slow)]
)
def test_published_optimum_is_reached(shared_data, name):
    network, demand = tntp_problem(shared_data / "benchmarks" / "traffic", name)
    answer = user_equilibrium(network, demand, relative_gap=1e-4)
    optimum = PUBLISHED_OPTIMA[name]
    assert answer.relative_gap <= 1e-4
    assert optimum * (1 - 1e-9) <= answer.objective <= optimum * (1 + 1e-4)
    # convexity: the objective is above the optimum by at most the gap times the total cost
    total = answer.link_flow @ (answer.link_time + network.constant_cost)
    assert answer.objective - optimum <= answer.relative_gap * total


def test_sioux_falls_optimum_to_nine_digits_and_its_flows(shared_data):
    folder = shared_data / "benchmarks" / "traffic"
    network, demand = tntp_problem(folder, "SiouxFalls")
    answer = user_equilibrium(network, demand, relative_gap=1e-9, max_iterations=1000)
    assert answer.objective == pytest.approx(PUBLISHED_OPTIMA["SiouxFalls"], rel=1e-9)
    published = tntp.read_flows(folder / "SiouxFalls_flow.tntp")[:, 2]
    np.testing.assert_allclose(answer.link_flow, published, rtol=1e-3)


def test_anaheim_reaches_the_objective_of_its_published_flows(shared_data):
    folder = shared_data / "benchmarks" / "traffic"
    network, demand = tntp_problem(folder, "Anaheim")
    published = tntp.read_flows(folder / "Anaheim_flow.tntp")[:, 2]
    optimum = beckmann_objective(network, published)
    loose = user_equilibrium(network, demand, relative_gap=1e-4)
    assert loose.objective == pytest.approx(optimum, rel=1e-4)
    tight = user_equilibrium(network, demand, relative_gap=1e-10)  # some links hardly delay: flows settle late
    assert tight.objective == pytest.approx(optimum, rel=1e-8)
    np.testing.assert_allclose(tight.link_flow, published, rtol=1e-2, atol=5.0)


@pytest.mark.parametrize("case", range(4))
def test_what_if_answers_are_those_of_an_independent_solver(shared_data, case):
    folder = shared_data / "benchmarks" / "traffic"
    reference = json.loads(gzip.decompress((folder / "whatif_reference.json.gz").read_bytes()))[case]
    network, demand = tntp_problem(folder, reference["network"])
    base = user_equilibrium(network, demand)
    if "link_row" in reference:
        capacity = network.capacity.copy()
        capacity[reference["link_row"]] *= reference["factor"]
        network = edited(network, capacity=capacity)
    else:
        zone = reference["zone"] - 1
        within = demand[zone, zone]
        demand[zone] *= reference["factor"]
        demand[:, zone] *= reference["factor"]
        demand[zone, zone] = within
    warm = user_equilibrium(network, demand, start=base.bushes, relative_gap=1e-8)
    assert warm.objective == pytest.approx(reference["beckmann"], rel=1e-8)
    assert warm.link_flow @ warm.link_time == pytest.approx(reference["total_travel_time"], rel=1e-4)
    np.testing.assert_allclose(warm.link_flow, reference["link_flow"], rtol=1e-2, atol=5.0)
