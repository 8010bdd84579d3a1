"""Several classes on one network: Wardrop's conditions for each, checked by independent shortest routes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import grid, least_costs, net_outflow
from synapolis.core.errors import LayerError, ModelError
from synapolis.models.traffic.classes import CARS, VehicleClass, fixed_costs
from synapolis.models.traffic.delay import link_times
from synapolis.models.traffic.equilibrium import user_equilibrium
from synapolis.models.traffic.network import edited


def mixed(seed, *, load=0.6):
    """Grid with tolls on some links and a lorry ban on others, conical on odd seeds; cars, lorries, their trips."""
    chance = np.random.default_rng(seed)
    bent = seed % 2 == 1
    network, cars = grid(seed=seed, load=load, alpha=4.0 if bent else 0.15, is_conical=bent)
    toll = np.where(chance.random(network.link_count) < 0.3, 0.2, 0.0)
    classes = (
        VehicleClass("car", toll=toll, value_of_time=15 / 3600),
        VehicleClass(
            "lorry",
            passenger_cars=2.5,
            toll=3 * toll,
            value_of_time=45 / 3600,
            allowed=chance.random(network.link_count) > 0.08,
        ),
    )
    return network, classes, np.stack([cars, 0.15 * cars.T])


@given(seed=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None)
def test_each_class_uses_only_its_own_cheapest_routes(seed):
    network, classes, demand = mixed(seed)
    answer = user_equilibrium(
        network, demand, classes=classes, relative_gap=1e-8, max_iterations=2000, drop_unreachable=True
    )
    np.testing.assert_allclose(answer.link_flow, np.array([1.0, 2.5]) @ answer.class_flow, rtol=1e-9)
    np.testing.assert_allclose(answer.link_time, link_times(network, answer.link_flow), rtol=1e-12)
    for number, kind in enumerate(classes):
        may = np.broadcast_to(kind.allowed, network.link_count)
        cost = answer.link_time + np.asarray(kind.toll) / kind.value_of_time
        label, _ = least_costs(edited(network, is_open=may), cost)
        least = label[:, network.zone_node]
        served = np.isfinite(least)
        paid = answer.class_flow[number] @ cost
        cheapest = (demand[number][served] * least[served]).sum()
        assert paid == pytest.approx(cheapest, rel=1e-6)  # nobody pays more than the cheapest route
        assert not answer.class_flow[number][~may].any()
        np.testing.assert_allclose(answer.skim_cost[number][served], least[served], rtol=1e-6)
        arriving = np.zeros(network.node_count)
        kept = np.where(served, demand[number], 0.0)
        np.add.at(arriving, network.zone_node, kept.sum(axis=1) - kept.sum(axis=0))
        np.testing.assert_allclose(net_outflow(network, answer.class_flow[number]), arriving, atol=1e-6)


def test_one_class_cut_in_two_is_one_class():
    network, demand = grid(seed=5)
    whole = user_equilibrium(network, demand, relative_gap=1e-9)
    halves = np.stack([0.3 * demand, 0.7 * demand])
    twins = (VehicleClass("early"), VehicleClass("late"))
    cut = user_equilibrium(network, halves, classes=twins, relative_gap=1e-9)
    assert cut.objective == pytest.approx(whole.objective, rel=1e-8)
    np.testing.assert_allclose(cut.link_time, whole.link_time, rtol=1e-4)
    np.testing.assert_allclose(cut.skim[0], cut.skim[1], rtol=1e-12)


def test_one_lorry_of_two_cars_counts_as_two_cars():
    network, demand = grid(seed=6)
    cars = user_equilibrium(network, demand, relative_gap=1e-9)
    lorries = user_equilibrium(
        network, demand / 2, classes=[VehicleClass("lorry", passenger_cars=2.0)], relative_gap=1e-9
    )
    np.testing.assert_allclose(lorries.link_flow, cars.link_flow, rtol=1e-9)
    np.testing.assert_allclose(lorries.class_flow[0], cars.link_flow / 2, rtol=1e-9)


def test_a_toll_drives_only_those_away_whose_time_is_cheap():
    # a ring of four streets: one way round is tolled
    network, _ = grid(2, zones=2)
    network = edited(network, capacity=np.full(network.link_count, 1e6))
    toll = np.zeros(network.link_count)
    first, second = network.zone_node
    direct = np.flatnonzero((network.from_node == first) & (network.to_node == second))
    if not len(direct):
        direct = np.flatnonzero(network.from_node == first)[:1]
    toll[direct] = 50.0
    demand = np.zeros((2, 2, 2))
    demand[:, 0, 1] = 10.0
    classes = (VehicleClass("poor", toll=toll, value_of_time=0.01), VehicleClass("rich", toll=toll, value_of_time=1e9))
    answer = user_equilibrium(network, demand, classes=classes)
    assert answer.class_flow[0, direct[0]] == 0.0
    free = user_equilibrium(network, demand[0])
    assert answer.class_flow[1] == pytest.approx(free.link_flow, abs=1e-6)


@pytest.mark.parametrize("seed", [2, 3])
def test_classes_continue_after_a_closure_and_a_new_ban(seed):
    network, classes, demand = mixed(seed)
    options = {"relative_gap": 1e-7, "max_iterations": 2000, "drop_unreachable": True}
    before = user_equilibrium(network, demand, classes=classes, **options)
    chance = np.random.default_rng(seed)
    closed = edited(network, is_open=chance.random(network.link_count) > 0.05)
    stricter = (classes[0], classes[1]._replace(allowed=chance.random(network.link_count) > 0.12))
    warm = user_equilibrium(closed, demand, classes=stricter, start=before.bushes, **options)
    cold = user_equilibrium(closed, demand, classes=stricter, **options)
    assert warm.objective == pytest.approx(cold.objective, rel=1e-6)
    assert warm.unserved == pytest.approx(cold.unserved)
    np.testing.assert_allclose(warm.link_time, cold.link_time, rtol=5e-3)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (VehicleClass("car", toll=-1.0), "tolls of class 'car' must not be negative, got -1.0 on link 0"),
        (VehicleClass("car", passenger_cars=0.0), "passenger_cars and value_of_time above 0"),
        (VehicleClass("car", value_of_time=np.inf), "passenger_cars and value_of_time above 0"),
        (VehicleClass("car", toll=[1.0, 2.0]), "one value for each of 48 links"),
    ],
)
def test_classes_that_mean_nothing_are_refused(kind, message):
    network, demand = grid()
    with pytest.raises(LayerError, match=message):
        user_equilibrium(network, demand, classes=[kind])


def test_as_many_tables_as_classes_are_wanted():
    network, demand = grid()
    with pytest.raises(ModelError, match="for each of 2 classes"):
        user_equilibrium(network, demand, classes=[*CARS, VehicleClass("lorry")])


def test_a_discount_within_the_network_s_own_cost_is_allowed():
    network, _ = grid(constant_cost=10.0)
    fixed = fixed_costs(network, [VehicleClass("bus", toll=-10.0), *CARS])
    assert (fixed[0] == 0).all()
    assert (fixed[1] == 10).all()
