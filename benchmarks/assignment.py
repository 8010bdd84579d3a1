# ruff: noqa: PLC0415  # this file also runs in the peers' environment, which has no synapolis
"""Traffic assignment: time to a relative gap of 1e-4, cold and warm, against pytraf and AequilibraE.

Each problem is solved as it stands and after two edits (20 % less capacity on the link with most delay; 10 %
more trips from one zone). Ours is timed cold, and warm from the flows before the edit; peers have no warm
start and are timed cold on the same edited problem. Only the solve is timed, on one thread, best of a few.

Run ``python benchmarks/assignment.py [--quick]``. Peers are looked for in this interpreter and in `.bench-venv`
beside the checkout's `.venv`; public problems in `../shared/data` (for academic research only, never shipped).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUIET = {  # waiting threads that spin cost AequilibraE a factor of 40 on shared cores
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
os.environ.update(QUIET)

import numpy as np  # noqa: E402  # after the thread counts, which are read at import

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "benchmarks" / "traffic"
GAP = 1e-4
PUBLIC = ("SiouxFalls", "Anaheim", "Barcelona", "Winnipeg", "ChicagoSketch")
PEERS = {"pytraf": "0.3.1", "aequilibrae": "1.7.2"}


def rows(*, quick: bool = False) -> list[dict[str, object]]:
    """One row per problem, edit and method: CPU milliseconds, iterations, gap, and the peers' times over ours."""
    table: list[dict[str, object]] = []
    for name in ("grid", "SiouxFalls") if quick else ("grid", *PUBLIC):
        problem = problem_of(name, quick=quick)
        if problem is None:
            table.append({"problem": name, "note": "left out: ../shared/data is not there"})
            continue
        table.extend(own_and_peer_rows(name, *problem, quick=quick))
    return table


def problem_of(name: str, *, quick: bool):
    if name == "grid":
        return grid(12 if quick else 24, 20 if quick else 60)
    return public(name) if DATA.is_dir() else None


def public(name: str):
    from synapolis.models.traffic.network import road_network
    from synapolis.sources import tntp

    links = tntp.read_network(DATA / f"{name}_net.tntp")
    trips = tntp.read_trips(next(DATA.glob(f"{name}_trips.tntp*")))
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


def grid(side: int, zones: int):
    """Square street grid with random times and capacities; the first nodes are the zones."""
    from synapolis.models.traffic.network import road_network

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


def edits_of(network, demand, solved):
    from synapolis.models.traffic.network import edited

    delay = solved.link_flow * (solved.link_time - network.free_flow_time)
    capacity, trips = network.capacity.copy(), demand.copy()
    capacity[np.argmax(delay)] *= 0.8
    trips[np.argmax(demand.sum(axis=1))] *= 1.1
    return {
        "as it stands": (network, demand),
        "one link -20 % capacity": (edited(network, capacity=capacity), demand),
        "one zone +10 % trips": (network, trips),
    }


def own_and_peer_rows(name, network, demand, *, quick: bool):
    from synapolis.models.traffic.equilibrium import user_equilibrium

    base = user_equilibrium(network, demand, relative_gap=GAP)
    found = []
    seconds_each = 0.1 if quick else 1.0
    for edit, (net, trips) in edits_of(network, demand, base).items():
        seconds, cold = best_of(
            lambda net=net, trips=trips: user_equilibrium(net, trips, relative_gap=GAP), seconds_each
        )
        row = {"problem": name, "edit": edit, "cold_ms": 1e3 * seconds, "cold_iterations": cold.iterations}
        if net is not network or trips is not demand:
            seconds, warm = best_of(
                lambda net=net, trips=trips: user_equilibrium(net, trips, relative_gap=GAP, start=base.bushes)
            )
            row |= {"warm_ms": 1e3 * seconds, "warm_iterations": warm.iterations}
        for peer in () if quick and "warm_ms" in row else PEERS:  # a peer takes seconds to import
            answer = ask_peer(peer, net, trips)
            if "ms" in answer:
                row |= {f"{peer}_ms": answer["ms"], f"{peer}_iterations": answer["iterations"]}
                row[f"{peer}_over_cold"] = answer["ms"] / row["cold_ms"]
                if "warm_ms" in row:
                    row[f"{peer}_over_warm"] = answer["ms"] / row["warm_ms"]
                # at a gap of 1e-4 two right objectives differ by less than the gap times the total cost
                row[f"{peer}_objective"] = objective(net, answer["flow"]) / cold.objective - 1
            else:
                row[f"{peer}_note"] = answer["note"]
        found.append(row)
    return found


def objective(network, flow):
    from synapolis.models.traffic.network import beckmann_objective

    return beckmann_objective(network, np.asarray(flow))


def best_of(solve, seconds: float = 1.0):
    answer = solve()
    best, spent = np.inf, 0.0
    while spent < seconds:
        begin = time.process_time()
        answer = solve()
        took = time.process_time() - begin
        best, spent = min(best, took), spent + took
    return best, answer


# peers, in a process of their own


def ask_peer(peer: str, network, demand) -> dict:
    interpreter = interpreter_with(peer)
    if interpreter is None:
        return {"note": f"{peer} {PEERS[peer]} is not installed (pip install 'synapolis[bench]')"}
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "problem.npz", Path(folder) / "answer.json"
        time_at_rest = network.free_flow_time + network.constant_cost
        slope = network.alpha * np.divide(
            network.free_flow_time, time_at_rest, out=np.zeros_like(time_at_rest), where=time_at_rest > 0
        )
        np.savez(
            given,
            tail=network.from_node,
            head=network.to_node,
            time=time_at_rest,
            capacity=np.where(slope > 0, network.capacity, 1.0),
            alpha=slope,
            power=network.power,
            through=network.is_through,
            nodes=network.node_count,
            demand=demand,
        )
        run = subprocess.run(
            [str(interpreter), __file__, "--peer", peer, str(given), str(told)],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            env=os.environ | QUIET,
        )
        if run.returncode:
            return {"note": f"{peer} failed: {(run.stderr.strip().splitlines() or ['?'])[-1][:120]}"}
        return json.loads(told.read_text())


def interpreter_with(peer: str) -> Path | None:
    for candidate in (Path(sys.executable), ROOT / ".bench-venv" / "bin" / "python"):
        if candidate.exists():
            probe = [
                str(candidate),
                "-c",
                f"import importlib.util as u, sys; sys.exit(u.find_spec({peer!r}) is None)",
            ]
            if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
                return candidate
    return None


def solve_with_peer(peer: str, given: str, told: str) -> None:
    answer = {"pytraf": with_pytraf, "aequilibrae": with_aequilibrae}[peer](np.load(given))
    Path(told).write_text(json.dumps(answer))


def with_pytraf(problem) -> dict:
    import pytraf

    nodes = int(problem["nodes"])
    network = pytraf.Network(
        nodes,
        problem["tail"].astype(np.int64),
        problem["head"].astype(np.int64),
        problem["time"],
        problem["capacity"],
        problem["alpha"],
        problem["power"],
        ~problem["through"],
    )
    origin, destination = np.nonzero(problem["demand"])
    demand = pytraf.Demand(
        nodes,
        origin.astype(np.int64),
        destination.astype(np.int64),
        problem["demand"][origin, destination],
    )
    seconds, answer = best_of(lambda: pytraf.assign(network, demand, gap=GAP, threads=1))
    flow = next(getattr(answer, key) for key in ("link_volume", "link_flow", "volume") if hasattr(answer, key))
    return {"ms": 1e3 * seconds, "iterations": int(answer.iterations), "flow": np.asarray(flow).tolist()}


def with_aequilibrae(problem) -> dict:
    import pandas as pd
    from aequilibrae.matrix import AequilibraeMatrix
    from aequilibrae.paths import Graph, TrafficAssignment, TrafficClass

    zones = len(problem["demand"])
    graph = Graph()
    graph.network = pd.DataFrame(
        {
            "link_id": np.arange(1, len(problem["tail"]) + 1),
            "a_node": problem["tail"] + 1,
            "b_node": problem["head"] + 1,
            "direction": 1,
            "time": problem["time"],
            "capacity": problem["capacity"],
            "b": problem["alpha"],
            "power": problem["power"],
        }
    )
    graph.prepare_graph(np.arange(1, zones + 1))
    graph.set_graph("time")
    graph.set_blocked_centroid_flows(bool((~problem["through"]).any()))
    matrix = AequilibraeMatrix()
    matrix.create_empty(zones=zones, matrix_names=["car"], memory_only=True)
    matrix.index[:] = np.arange(1, zones + 1)
    matrix.matrix["car"][:, :] = problem["demand"]
    matrix.computational_view(["car"])

    def solve():
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
        begin = time.process_time()
        assignment.execute()
        return time.process_time() - begin, assignment

    seconds, assignment = min((solve() for _ in range(2)), key=lambda pair: pair[0])
    flow = assignment.results().sort_index()["PCE_tot"].to_numpy()
    return {"ms": 1e3 * seconds, "iterations": int(assignment.assignment.iter), "flow": flow.tolist()}


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--peer"]:
        solve_with_peer(*arguments[1:])
        return
    for row in rows(quick="--quick" in arguments):
        shown = {k: (f"{v:.3g}" if isinstance(v, float) else v) for k, v in row.items()}
        print("  ".join(f"{k}={v}" for k, v in shown.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
