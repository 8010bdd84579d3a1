"""Traffic assignment: time to a relative gap of 1e-4, cold and warm, against pytraf and AequilibraE.

Each problem is solved as it stands, and after two edits (20 % less capacity on the link with most delay; 10 % more
trips from one zone) from the flows before the edit. Peers have no warm start: they solve the edited problem from
nothing. Only the solve is timed. Public problems lie in ``../shared/data``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import numpy as np
import pandas as pd

from benchmarks import DATA, Row, absent, peer_named, quickest, silence
from synapolis.models.traffic.delay import beckmann_objective
from synapolis.models.traffic.equilibrium import user_equilibrium
from synapolis.models.traffic.network import RoadNetwork, edited, road_network
from synapolis.sources import tntp

GAP = 1e-4
PUBLIC = ("SiouxFalls", "Anaheim", "Barcelona", "Winnipeg", "ChicagoSketch")
FOLDER = DATA / "benchmarks" / "traffic"


def rows(*, quick: bool = False) -> list[Row]:
    """Times in milliseconds for each problem, edit and peer."""
    table: list[Row] = []
    for name in ("grid", "SiouxFalls") if quick else ("grid", *PUBLIC):
        if name != "grid" and not FOLDER.is_dir():
            table.append(Row(f"assignment {name}", note="left out: ../shared/data is not there"))
            continue
        network, demand = grid(12 if quick else 24, 20 if quick else 60) if name == "grid" else public(name)
        table.extend(compared(f"assignment {name}", network, demand, quick=quick))
    return table


def public(name: str) -> tuple[RoadNetwork, np.ndarray]:
    """A problem of the Transportation Networks collection, with its through rule and tolls."""
    links = tntp.read_network(FOLDER / f"{name}_net.tntp")
    trips = tntp.read_trips(next(FOLDER.glob(f"{name}_trips.tntp*")))
    np.fill_diagonal(trips, 0.0)
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
    return network, trips


def grid(side: int, zones: int) -> tuple[RoadNetwork, np.ndarray]:
    """Square street grid with random times and capacities; the first nodes are the zones."""
    chance = np.random.default_rng(7)
    nodes = chance.permutation(side * side).reshape(side, side)
    across = [nodes[:, :-1].ravel(), nodes[:-1].ravel()]
    beyond = [nodes[:, 1:].ravel(), nodes[1:].ravel()]
    tail, head = np.concatenate(across + beyond), np.concatenate(beyond + across)
    network = road_network(
        from_node=tail,
        to_node=head,
        free_flow_time=chance.uniform(20, 60, len(tail)),
        capacity=chance.uniform(500, 1500, len(tail)),
        node_count=side * side,
        zone_node=np.arange(zones),
    )
    trips = chance.uniform(0, 2 * 300 * side / zones**1.5, (zones, zones))
    np.fill_diagonal(trips, 0.0)
    return network, trips


def edits_of(network: RoadNetwork, demand: np.ndarray, delay: np.ndarray) -> dict[str, tuple[RoadNetwork, np.ndarray]]:
    capacity, trips = network.capacity.copy(), demand.copy()
    capacity[np.argmax(delay)] *= 0.8
    trips[np.argmax(demand.sum(axis=1))] *= 1.1
    return {
        "one link -20 % capacity": (edited(network, capacity=capacity), demand),
        "one zone +10 % trips": (network, trips),
    }


def compared(case: str, network: RoadNetwork, demand: np.ndarray, *, quick: bool) -> Iterator[Row]:
    """Rows of a problem as it stands (cold) and after each edit (warm), against every peer."""
    turn = 0.0 if quick else 1.0
    spent, base = quickest(lambda: user_equilibrium(network, demand, relative_gap=GAP), seconds=turn)
    yield from against_peers(f"{case}, cold", spent, network, demand, base.objective)
    delay = base.link_flow * (base.link_time - network.free_flow_time)
    for edit, (net, trips) in edits_of(network, demand, delay).items():
        again = partial(user_equilibrium, net, trips, relative_gap=GAP, start=base.bushes)
        spent, warm = quickest(again, seconds=turn)
        yield from against_peers(f"{case}, {edit}, warm", spent, net, trips, warm.objective)


def against_peers(case: str, seconds: float, network: RoadNetwork, demand: np.ndarray, best: float) -> Iterator[Row]:
    for package, solve in PEERS.items():
        peer, name = peer_named(package)
        if peer is None:
            yield Row(case, 1e3 * seconds, "ms", name, note=absent(name))
            continue
        with silence():
            theirs, flow = solve(peer, network, demand)
        # at a gap of 1e-4 two right objectives differ by less than the gap times the total cost
        note = f"objective {beckmann_objective(network, flow) / best - 1:+.0e}"
        yield Row(case, 1e3 * seconds, "ms", name, 1e3 * theirs, note)


def at_rest(network: RoadNetwork) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time without traffic, slope and capacity of each link, with constant costs folded into the time."""
    still = network.free_flow_time + network.constant_cost
    slope = network.alpha * np.divide(network.free_flow_time, still, out=np.zeros_like(still), where=still > 0)
    return still, slope, np.where(slope > 0, network.capacity, 1.0)


def with_pytraf(pytraf: ModuleType, network: RoadNetwork, demand: np.ndarray) -> tuple[float, np.ndarray]:
    still, slope, capacity = at_rest(network)
    graph = pytraf.Network(
        network.node_count,
        network.from_node.astype(np.int64),
        network.to_node.astype(np.int64),
        still,
        capacity,
        slope,
        network.power,
        ~network.is_through,
    )
    origin, destination = np.nonzero(demand)
    trips = pytraf.Demand(
        network.node_count, origin.astype(np.int64), destination.astype(np.int64), demand[origin, destination]
    )
    seconds, answer = quickest(lambda: pytraf.assign(graph, trips, gap=GAP, threads=1))
    flow = next(getattr(answer, key) for key in ("link_volume", "link_flow", "volume") if hasattr(answer, key))
    return seconds, np.asarray(flow)


def with_aequilibrae(_: ModuleType, network: RoadNetwork, demand: np.ndarray) -> tuple[float, np.ndarray]:
    """Best of two solves by biconjugate Frank-Wolfe; making the graph is not timed."""
    from aequilibrae.matrix import AequilibraeMatrix  # noqa: PLC0415  # a peer: it may not be installed
    from aequilibrae.paths import Graph, TrafficAssignment, TrafficClass  # noqa: PLC0415

    zones = len(demand)
    still, slope, capacity = at_rest(network)
    graph = Graph()
    graph.network = pd.DataFrame(
        {
            "link_id": np.arange(1, len(still) + 1),
            "a_node": network.from_node + 1,
            "b_node": network.to_node + 1,
            "direction": 1,
            "time": still,
            "capacity": capacity,
            "b": slope,
            "power": network.power,
        }
    )
    graph.prepare_graph(np.arange(1, zones + 1))
    graph.set_graph("time")
    graph.set_blocked_centroid_flows(bool((~network.is_through).any()))
    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=zones, matrix_names=["car"], memory_only=True)
    matrix.index[:] = np.arange(1, zones + 1)
    matrix.matrix["car"][:, :] = demand
    matrix.computational_view(["car"])

    def solve() -> tuple[float, TrafficAssignment]:
        assignment = TrafficAssignment()
        assignment.set_classes([TrafficClass("car", graph, matrix)])
        assignment.set_vdf("BPR")
        assignment.set_vdf_parameters({"alpha": "b", "beta": "power"})
        assignment.set_capacity_field("capacity")
        assignment.set_time_field("time")
        assignment.set_algorithm("bfw")
        assignment.set_cores(1)
        assignment.max_iter = 2000
        assignment.rgap_target = GAP
        begun = time.process_time()
        assignment.execute()
        return time.process_time() - begun, assignment

    seconds, assignment = min((solve() for _ in range(2)), key=lambda pair: pair[0])
    return seconds, assignment.results().sort_index()["PCE_tot"].to_numpy()


Solve = Callable[[ModuleType, RoadNetwork, np.ndarray], tuple[float, np.ndarray]]
PEERS: dict[str, Solve] = {"pytraf": with_pytraf, "aequilibrae": with_aequilibrae}
