"""Traffic assignment: time to a relative gap of 1e-4, cold and warm, against pytraf and AequilibraE.

Each problem is solved as it stands, and after 20 random edits from the flows before the edit: a link's capacity
changed by up to a half, a link closed, a link built, the trips of one zone changed by up to a fifth. Peers have no
warm start: pytraf solves each edited problem from nothing. Only the solve is timed; with ours, so is the carrying of
routes to other links. Public problems lie in ``../shared/data``. A grid of streets shows how time grows with size.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType

import numpy as np
import pandas as pd

from benchmarks import DATA, Row, absent, growth_chart, peer_named, quickest, silence
from synapolis.models.traffic.continuing import Bushes, carried
from synapolis.models.traffic.delay import beckmann_objective
from synapolis.models.traffic.equilibrium import Equilibrium, travel_times, user_equilibrium
from synapolis.models.traffic.network import RoadNetwork, edited, road_network
from synapolis.sources import tntp

GAP = 1e-4
EDITS = 20
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
    return [*table, growth(quick=quick)]


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


def random_edit(
    network: RoadNetwork, demand: np.ndarray, kind: int, chance: np.random.Generator
) -> tuple[RoadNetwork, np.ndarray, np.ndarray]:
    """One edit: the network and trips after it, and the old number of each link."""
    same = np.arange(network.link_count)
    link = int(chance.choice(np.flatnonzero(network.alpha > 0)))
    if kind == 0:
        capacity = network.capacity.copy()
        capacity[link] *= chance.uniform(0.5, 1.5)
        return edited(network, capacity=capacity), demand, same
    if kind == 1:
        closed = edited(network, is_open=same != link)
        if np.isfinite(travel_times(closed, closed.free_flow_time)[demand > 0]).all():
            return closed, demand, same
        return random_edit(network, demand, kind, chance)
    if kind == 2:
        return with_twin(network, link), demand, np.append(same, -1)
    trips = demand.copy()
    trips[chance.integers(len(trips))] *= chance.uniform(0.8, 1.2)
    return network, trips, same


def with_twin(network: RoadNetwork, link: int) -> RoadNetwork:
    """Build a second road beside a link."""
    of_links = (part for part in network._fields[: network._fields.index("is_open") + 1])
    return road_network(
        **{part: np.append(getattr(network, part), getattr(network, part)[link]) for part in of_links},
        node_count=network.node_count,
        zone_node=network.zone_node,
        is_through=network.is_through,
    )


def compared(case: str, network: RoadNetwork, demand: np.ndarray, *, quick: bool) -> Iterator[Row]:
    """Rows of a problem as it stands (cold) against every peer, and after edits (warm) against pytraf."""
    spent, base = quickest(lambda: user_equilibrium(network, demand, relative_gap=GAP), seconds=0.0 if quick else 1.0)
    yield from against_peers(f"{case}, cold", spent, network, demand, base.objective)
    chance, ours, theirs = np.random.default_rng(20261122), [], []
    pytraf, name = peer_named("pytraf")
    for number in range(4 if quick else EDITS):
        other, trips, old_link = random_edit(network, demand, number % 4, chance)
        again = partial(continued, base.bushes, other, trips, old_link)
        ours.append(quickest(again, seconds=0.0 if quick else 0.1)[0])
        if pytraf is not None:
            theirs.append(with_pytraf(pytraf, other, trips)[0])
    note = absent(name)
    if theirs:
        ratio = np.array(theirs) / ours
        note = f"median of {len(ours)} edits; ratio in the median {np.median(ratio):.3g}, at least {ratio.min():.2g}"
    warm, cold = float(np.median(ours)), float(np.median(theirs)) if theirs else None
    yield Row(f"{case}, warm", 1e3 * warm, "ms", name, cold and 1e3 * cold, note)


def continued(bushes: Bushes, network: RoadNetwork, demand: np.ndarray, old_link: np.ndarray) -> Equilibrium:
    """Solve from earlier routes, carried to the links there are now."""
    if len(old_link) != bushes.flow.shape[1]:
        bushes = carried(bushes, network, old_link=old_link, old_node=np.arange(network.node_count))
    return user_equilibrium(network, demand, relative_gap=GAP, start=bushes)


def growth(*, quick: bool) -> Row:
    """Time on ever larger grids, ours cold, ours after one edit (the median), and pytraf's; drawn as a chart."""
    pytraf, name = peer_named("pytraf")
    curves: dict[str, list[tuple[float, float]]] = {"ours, cold": [], "ours, one street changed": []}
    for side in (6, 8) if quick else (10, 14, 20, 28, 40, 52):
        network, demand = grid(side, 2 * side)
        spent, base = quickest(partial(user_equilibrium, network, demand, relative_gap=GAP), seconds=0.0)
        chance, again = np.random.default_rng(side), []
        for number in range(2 if quick else 9):
            other, trips, old_link = random_edit(network, demand, number % 3, chance)
            turn = partial(continued, base.bushes, other, trips, old_link)
            again.append(quickest(turn, seconds=0.0 if quick else 0.05)[0])
        curves["ours, cold"].append((network.link_count, 1e3 * spent))
        curves["ours, one street changed"].append((network.link_count, 1e3 * float(np.median(again))))
        if pytraf is not None:
            theirs, _ = with_pytraf(pytraf, network, demand)
            curves.setdefault(f"{name}, cold", []).append((network.link_count, 1e3 * theirs))
    title = f"Time to a relative gap of {GAP:g} on a grid of streets"
    picture = growth_chart("assignment", title, "links", "CPU time [ms]", curves)
    links, spent = curves["ours, cold"][-1]
    return Row("assignment growth", spent, "ms", note=f"{links} links, cold; chart: build/benchmarks/{picture.name}")


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
    if network.is_conical.any():
        raise ValueError("peers are compared on BPR delay, got conical links; leave them out")
    slope = network.alpha * np.divide(network.free_flow_time, still, out=np.zeros_like(still), where=still > 0)
    return still, slope, np.where(slope > 0, network.capacity, 1.0)


def with_pytraf(pytraf: ModuleType, network: RoadNetwork, demand: np.ndarray) -> tuple[float, np.ndarray]:
    """CPU seconds of the quickest solve, and the flows; a closed link is left out."""
    still, slope, capacity = at_rest(network)
    there = network.is_open
    graph = pytraf.Network(
        network.node_count,
        network.from_node[there].astype(np.int64),
        network.to_node[there].astype(np.int64),
        still[there],
        capacity[there],
        slope[there],
        network.power[there],
        ~network.is_through,
    )
    origin, destination = np.nonzero(demand)
    trips = pytraf.Demand(
        network.node_count, origin.astype(np.int64), destination.astype(np.int64), demand[origin, destination]
    )
    best, spent = float("inf"), 0.0
    while spent < 0.2:  # nothing to compile: each turn counts
        begun = time.process_time()
        answer = pytraf.assign(graph, trips, gap=GAP, threads=1)
        took = time.process_time() - begun
        best, spent = min(best, took), spent + took
    flow = np.zeros(network.link_count)
    flow[there] = next(getattr(answer, key) for key in ("link_volume", "link_flow", "volume") if hasattr(answer, key))
    return best, flow


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
