"""Public problems: published optima, and what-if answers of an independent solver."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from networks import tntp_problem
from synapolis.models.traffic.delay import beckmann_objective, link_times
from synapolis.models.traffic.equilibrium import user_equilibrium
from synapolis.models.traffic.network import edited
from synapolis.sources import tntp

PUBLISHED_OPTIMA = {  # TransportationNetworks, best known objectives
    "SiouxFalls": 42.31335287107440e5,
    "Barcelona": 1265654.92203176,
    "Winnipeg": 827911.494629963,
    "ChicagoSketch": 17313018.7387477,
}


@pytest.mark.parametrize(
    "name",
    [
        "SiouxFalls",
        pytest.param("Barcelona", marks=pytest.mark.slow),
        pytest.param("Winnipeg", marks=pytest.mark.slow),
        pytest.param("ChicagoSketch", marks=pytest.mark.slow),
    ],
)
def test_published_optimum_is_reached_to_a_millionth(shared_data, name):
    network, demand = tntp_problem(shared_data / "benchmarks" / "traffic", name)
    answer = user_equilibrium(network, demand, relative_gap=1e-7)
    optimum = PUBLISHED_OPTIMA[name]
    assert answer.relative_gap <= 1e-7
    assert optimum * (1 - 1e-9) <= answer.objective <= optimum * (1 + 1e-6)
    # convexity: the objective is above the optimum by at most the gap times the total cost
    total = answer.link_flow @ (answer.link_time + network.constant_cost)
    assert answer.objective - optimum <= answer.relative_gap * total + 1e-9 * optimum


@pytest.mark.parametrize("name", ["Barcelona", "Winnipeg"])
def test_at_a_loose_gap_the_objective_is_as_near_as_the_gap_promises(shared_data, name):
    network, demand = tntp_problem(shared_data / "benchmarks" / "traffic", name)
    answer = user_equilibrium(network, demand, relative_gap=1e-4)
    total = answer.link_flow @ (answer.link_time + network.constant_cost)
    assert 0 <= answer.objective - PUBLISHED_OPTIMA[name] + 1e-9 * total <= answer.relative_gap * total + 1e-9 * total


def test_braess_of_the_collection_reaches_its_known_optimum(shared_data):
    folder = shared_data / "benchmarks" / "traffic"
    network, demand = tntp_problem(folder, "Braess")
    answer = user_equilibrium(network, demand, relative_gap=1e-10)
    # four cars on 10 v, two on 50 + v, two on 10 + v: 2 (5 x 16) + 2 (100 + 2) + 20 + 2
    assert answer.objective == pytest.approx(386.0, rel=1e-6)
    np.testing.assert_allclose(np.sort(answer.link_flow), [2, 2, 2, 4, 4], atol=1e-4)


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
    warm = user_equilibrium(network, demand, start=base.bushes, relative_gap=1e-10, max_iterations=1000)
    assert warm.objective == pytest.approx(reference["beckmann"], rel=1e-9)
    assert warm.link_flow @ warm.link_time == pytest.approx(reference["total_travel_time"], rel=1e-6)
    np.testing.assert_allclose(warm.link_time, link_times(network, reference["link_flow"]), rtol=1e-5)
    np.testing.assert_allclose(warm.link_flow, reference["link_flow"], rtol=1e-3, atol=1.0)
