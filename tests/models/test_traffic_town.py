"""Traffic of the made-up town: trips add up, gateways carry their volume, closed streets are empty."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from networks import GOODS
from synapolis.models import load_models
from synapolis.models.traffic.assignment import assignment as assigned_by
from synapolis.models.traffic.assignment import free_flow_car_time
from synapolis.models.traffic.delay import beckmann_objective
from synapolis.models.traffic.demand import add_gateways
from synapolis.models.traffic.edits import change_lanes, close_street
from synapolis.models.traffic.equilibrium import user_equilibrium
from synapolis.models.traffic.roads import road_network
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
assignment = partial(assigned_by, **GOODS)
GAP = 1e-6
CARS_PER_PERSON = 0.1  # in the peak hour, of residents


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3)


@pytest.fixture(scope="module")
def parts(town):
    return tuple(town.layers[name].value for name in ("streets", "junctions", "zones"))


def roads(parts, streets=None):
    own, junctions, zones = parts
    return road_network(own if streets is None else streets, junctions, zones, 0.15, 4.0)


def demand(network, parts, volume=500.0):
    """Cars from homes to jobs in proportion to both, and traffic at the gateways."""
    people, jobs = (parts[2][name].to_numpy(dtype=float) for name in ("population", "jobs"))
    count = len(people)
    trips = np.zeros((count + len(network.gateway_lanes),) * 2)
    trips[:count, :count] = CARS_PER_PERSON * people[:, None] * jobs[None, :] / jobs.sum()
    add_gateways(trips, network, jobs, volume=volume, through_share=0.3, inbound_share=0.7)
    return trips


@pytest.fixture(scope="module")
def base(parts):
    network = roads(parts)
    trips = demand(network, parts)
    return network, trips, assignment(trips, network, parts[0], GAP)


def figure(assigned, name):
    return assigned.assignment_report.set_index("figure")["value"][name]


def test_gateways_carry_the_assumed_volume(base, parts):
    network, trips, _ = base
    count = len(parts[2])
    entering = trips[count:].sum(axis=1)
    assert entering == pytest.approx(500.0 * network.gateway_lanes)
    assert trips[count:, count:].sum(axis=1) == pytest.approx(0.3 * entering)
    assert np.diag(trips)[count:] == pytest.approx(0)


def test_without_gateway_traffic_only_residents_drive(base, parts):
    network, trips, _ = base
    alone = demand(network, parts, volume=0.0)
    count = len(parts[2])
    assert not alone[count:].any()
    assert not alone[:, count:].any()
    assert np.allclose(alone[:count, :count], trips[:count, :count])


def test_every_trip_is_served_and_figures_are_possible(base):
    network, trips, assigned = base
    assert figure(assigned, "trips no route serves") == 0
    assert figure(assigned, "trips in the hour") == pytest.approx(trips.sum() - np.trace(trips))
    assert figure(assigned, "relative gap") <= GAP
    assert assigned.mean_car_delay >= 0
    assert (assigned.link_time_ratio >= 1 - 1e-9).all()
    assert (assigned.link_flow >= 0).all()
    assert (assigned.car_time >= free_flow_car_time(network) - 1e-6).all()


def test_a_closed_street_is_empty_and_the_rest_carries_its_cars(base, parts):
    _, trips, before = base
    streets = parts[0]
    busiest = streets.index[int(np.argmax(before.link_flow))]
    closed = close_street(streets, (busiest,))
    after = assignment(trips, roads(parts, closed), closed, GAP)
    assert after.link_flow[streets.index.get_loc(busiest)] == 0
    assert after.vehicle_hours >= before.vehicle_hours * (1 - 1e-4)
    assert streets["drive"].all()  # the edit made a new table


@pytest.mark.parametrize("volume", [1.0, 5.0])
def test_taking_a_lane_never_lowers_what_the_equilibrium_minimises(base, parts, volume):
    """A law of Beckmann's objective, at fixed demand; total time may fall by it (Braess), and on this town it does."""
    network, trips, _ = base
    streets = parts[0]

    def objective(city_roads):
        found = user_equilibrium(city_roads.network, volume * trips, relative_gap=GAP, drop_unreachable=True)
        return beckmann_objective(city_roads.network, found.link_flow)

    wide = streets.index[streets["lanes"].fillna(2) > 1]
    before = objective(network)
    after = [objective(roads(parts, change_lanes(streets, (name,), -1.0))) for name in wide]
    assert len(after) > 20
    assert min(after) >= before * (1 - 1e-5)
    assert max(after) > before


def test_wider_and_slower_streets_are_read_as_such(parts):
    streets, network = parts[0], roads(parts)
    real = network.link_street >= 0
    slow = roads(parts, streets.assign(max_speed=5.0))
    assert slow.network.free_flow_time[real] == pytest.approx(network.length[real] / 5.0)
    wide = roads(parts, streets.assign(lanes=streets["lanes"].fillna(2) * 2))
    assert wide.network.capacity[real] == pytest.approx(2 * network.network.capacity[real])


def test_the_fixed_point_of_demand_and_times_is_reached(town):
    ref = Planner(town).want("car_time")
    notes = run([ref], Cache()).entries[id(ref.node)].notes
    assert notes["converged"]
    assert notes["residual"] <= notes["tolerance"]


def test_an_edit_ends_where_the_edited_streets_do_by_themselves(town):
    """An edit starts from the city's equilibrium; the same streets as a city of their own start cold."""
    edits = bind(parse_scenario("edits: [{kind: change_lanes, street: Weaver Avenue, lanes: -2}]"), town)
    warm = Planner(town, edits)
    streets = warm.want("streets")
    narrowed = replace(town.layers["streets"], value=run([streets], Cache()).value(streets))
    found = []
    for planner in (warm, Planner(town.with_layers(narrowed))):
        refs = [planner.want(word) for word in ("vehicle_hours", "vehicle_kilometres")]
        ran = run(refs, Cache())
        found.append([ran.value(ref) for ref in refs])
    assert found[0] == pytest.approx(found[1], rel=5e-3)


def test_what_crosses_a_screen_line_is_what_travels_across_it(base, parts):
    """Net flow over any line equals net trips over it: nobody is lost or made on the way."""
    network, trips, _ = base
    found = user_equilibrium(network.network, trips, relative_gap=GAP, drop_unreachable=True)
    junctions, zones = parts[1], parts[2]
    east = np.concatenate([junctions.geometry.x.to_numpy(), zones.geometry.representative_point().x.to_numpy()])
    for line in np.quantile(east, [0.25, 0.5, 0.75]):
        beyond = east > line
        tail, head = beyond[network.network.from_node], beyond[network.network.to_node]
        net = found.link_flow[~tail & head].sum() - found.link_flow[tail & ~head].sum()
        start = beyond[network.network.zone_node]
        wanted = trips[np.ix_(~start, start)].sum() - trips[np.ix_(start, ~start)].sum()
        assert net == pytest.approx(wanted, abs=1e-6 * trips.sum())


def test_trips_get_rarer_with_distance_and_feet_give_way_to_wheels(town):
    """Trip length distribution: modes in their order, and most trips short in a small town."""
    planner = Planner(town)
    ref = planner.want("trips_by_mode")
    table = run([ref], Cache()).value(ref).set_index(["purpose", "mode"])
    for purpose in ("work", "school", "shopping", "other"):
        length = table.loc[purpose, "mean_length"]
        assert length["walk"] < length["bicycle"]
        assert length["walk"] < length["car"]
    assert 0 < table["mean_length"].max() < 2000


def test_effects_follow_traffic(town):
    """A street closed to cars carries, emits and risks nothing, and its houses hear no more than before."""
    street = "Weaver Avenue"
    edits = bind(parse_scenario(f"edits: [{{kind: close_street, street: {street}}}]"), town)
    words = ("link_flow", "link_carbon_dioxide", "link_crashes", "facade_noise")
    planner, cache = Planner(town, edits), Cache()
    refs = [planner.want(word, stage) for word in words for stage in (0, planner.last)]
    ran = run(refs, cache)
    before, after = (dict(zip(words, [ran.value(ref) for ref in refs[stage::2]], strict=True)) for stage in (0, 1))
    closed = (town.layers["streets"].value["name"] == street).to_numpy()
    assert before["link_flow"][closed].sum() > 0
    for word in words[:3]:
        assert not after[word][closed].any()
    lines = town.layers["streets"].value.geometry[closed].union_all()
    near = town.layers["buildings"].value.distance(lines).to_numpy() < 20
    assert after["facade_noise"][near].mean() < before["facade_noise"][near].mean()
