"""Trips fitted to counts: a closed case, trips that made the counts, bounds, and factors that edits keep."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synapolis.core.errors import LayerError
from synapolis.layers.city import Layer
from synapolis.models import load_models
from synapolis.models.traffic.calibration import (
    Counted,
    counted_links,
    fitted_factors,
    geh,
    route_means,
    step_towards,
)
from synapolis.models.traffic.equilibrium import frozen, user_equilibrium
from synapolis.models.traffic.network import road_network
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()


def lattice(side=4, capacity=400.0):
    """A square lattice of two-way streets, zones at its corners and middle."""
    number = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate([
        np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()]),
        np.column_stack([number[:-1].ravel(), number[1:].ravel()]),
    ])  # fmt: skip
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    zones = np.array([0, side - 1, side * side - side, side * side - 1, side + 1])
    return road_network(
        from_node=tail, to_node=head, free_flow_time=np.full(len(tail), 60.0), capacity=np.full(len(tail), capacity),
        node_count=side * side, zone_node=zones, alpha=0.15, power=4.0,
    )  # fmt: skip


def every_link(network, volume):
    links = np.arange(network.link_count)
    return Counted(links, links, volume)


@pytest.fixture(scope="module")
def made():
    """Trips, and the flows they make."""
    network = lattice()
    chance = np.random.default_rng(3)
    trips = chance.uniform(20, 200, (5, 5)) * (1 - np.eye(5))
    return network, trips, user_equilibrium(network, trips, relative_gap=1e-8)


def test_times_along_routes_in_use_are_those_of_the_equilibrium(made):
    """All used routes take the shortest time, so their mean does."""
    network, _, found = made
    means = route_means(frozen(network), found.bushes.flow, found.link_time)
    away = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(means[away], found.skim[away], rtol=1e-4)


def test_one_pair_of_zones_takes_the_count():
    network = road_network(
        from_node=[0, 1], to_node=[1, 0], free_flow_time=[60, 60], capacity=[900, 900], node_count=2, zone_node=[0, 1]
    )
    prior = np.array([[0.0, 100], [50, 0]])
    found, trips = user_equilibrium(network, prior), prior
    counted = Counted(np.array([0]), np.array([0]), np.array([180.0]))
    for _ in range(4):
        trips = step_towards(trips, prior, network, found.bushes, counted, most=3.0)
    np.testing.assert_allclose(trips, [[0, 180], [50, 0]], rtol=1e-3)
    bounded = step_towards(prior, prior, network, found.bushes, counted, most=1.2)
    assert bounded[0, 1] == pytest.approx(120)


def test_counts_on_every_link_are_met_from_trips_that_are_off(made):
    network, trips, found = made

    class Roads:
        pass

    roads = Roads()
    roads.network = network
    wrong = trips * np.random.default_rng(8).uniform(0.6, 1.5, trips.shape)
    counted = every_link(network, found.link_flow)
    factors = fitted_factors(lambda _: wrong, found.skim, roads, counted, gap=1e-5, most=3.0)
    before = user_equilibrium(network, wrong).link_flow
    after = user_equilibrium(network, wrong * factors).link_flow
    assert np.abs(after - found.link_flow).sum() < 0.35 * np.abs(before - found.link_flow).sum()
    assert (geh(after, found.link_flow) < 5).mean() > 0.95
    assert factors.min() >= 1 / 3 - 1e-9
    assert factors.max() <= 3 + 1e-9


def test_trips_that_already_meet_the_counts_stay(made):
    network, trips, found = made
    again = step_towards(trips, trips, network, found.bushes, every_link(network, found.link_flow), most=3.0)
    np.testing.assert_allclose(again, trips, rtol=1e-6)


def test_geh_is_its_formula():
    assert geh(np.array([100.0, 0]), np.array([140.0, 0])) == pytest.approx([np.sqrt(2 * 40**2 / 240), 0])


@pytest.fixture(scope="module")
def town():
    return generate_city(people=2000, seed=4)


def with_counts(town, factor, cache):
    """The town's own flows on a few primary streets, times a factor, as counts."""
    streets = town.layers["streets"].value
    planner = Planner(town)
    ref = planner.want("link_flow")
    flow = run([ref], cache).value(ref)
    order = np.argsort(-flow)[:6]
    counts = pd.DataFrame(
        {
            "street": streets.index[order],
            "direction": "both",
            "vehicles_per_hour": factor * flow[order],
            "screenline": ["north"] * 3 + [""] * 3,
        },
        index=[f"count{n}" for n in range(6)],
    )
    return town.with_layers(
        Layer(name="traffic_counts", value=counts, source="made up", licence="CC0-1.0", origin="assumed")
    )


def test_a_town_is_fitted_to_its_counts_and_edits_keep_the_fit(town):
    cache = Cache()
    counted = with_counts(town, 1.3, cache)

    def words(city, *wanted, edits=()):
        planner = Planner(city, edits)
        refs = [planner.want(word) for word in wanted]
        ran = run(refs, cache)
        return [ran.value(ref) for ref in refs]

    fit, misfit, factors = words(counted, "count_fit", "count_misfit", "count_factors")
    assert misfit == 0
    assert (fit["modelled"] / fit["counted"]).between(0.9, 1.1).all()
    assert set(fit["street"]) >= {"north"}
    name = town.layers["streets"].value["name"].value_counts().index[0]
    edits = bind(parse_scenario(f"edits: [{{kind: close_street, street: {name}}}]"), counted)
    (later,) = words(counted, "count_factors", edits=edits)
    np.testing.assert_array_equal(factors, later)


def test_counts_on_streets_that_are_not_there_are_refused(town):
    planner = Planner(town)
    refs = [planner.want("road_network"), planner.want("streets")]
    ran = run(refs, Cache())
    roads, streets = (ran.value(ref) for ref in refs)
    good = pd.DataFrame({"street": streets.index[:1], "direction": [""], "vehicles_per_hour": [10.0]})
    assert len(counted_links(good, streets, roads).link) >= 1
    with pytest.raises(LayerError, match="no street open to cars"):
        counted_links(good.assign(street="nowhere"), streets, roads)
    with pytest.raises(LayerError, match="direction of a count"):
        counted_links(good.assign(direction="up"), streets, roads)
    closed = replace(town.layers["streets"], value=streets.assign(drive=streets.index != streets.index[0]))
    ref = Planner(town.with_layers(closed)).want("road_network")
    with pytest.raises(LayerError, match="leave the count out"):
        counted_links(good, streets, run([ref], Cache()).value(ref))
