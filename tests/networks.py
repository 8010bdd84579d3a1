"""Road networks for tests: grids, sparse made-up towns, public problems; and independent shortest routes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from synapolis.models.traffic.network import edited, road_network
from synapolis.sources import tntp

GOODS = {"goods_passenger_cars": 2.0, "car_value_of_time": 17.5, "goods_value_of_time": 40.0}


def grid(side=4, *, seed=0, zones=5, load=1.0, **delay):
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
        **delay,
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


def net_outflow(network, flow):
    """What leaves each node above what enters it."""
    balance = np.zeros(network.node_count)
    np.add.at(balance, network.from_node, flow)
    np.add.at(balance, network.to_node, -flow)
    return balance


def tntp_problem(folder, name):
    """Network and trips of one of the Transportation Networks, in its own units."""
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
