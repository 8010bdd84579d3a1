"""Traffic on a city's streets: what the network keeps, groups of zones, trips that add up, and edits."""

from __future__ import annotations

from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import GOODS
from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.traffic.assignment import assignment as assigned_by
from synapolis.models.traffic.assignment import assignment_from, free_flow_car_time
from synapolis.models.traffic.demand import add_gateways
from synapolis.models.traffic.edits import change_lanes, close_street
from synapolis.models.traffic.roads import MOST_GROUPS, MOST_ZONES, ROAD_CLASSES, URBAN_LIMIT, road_network, zone_groups

load_models()
assignment = partial(assigned_by, **GOODS)
CRS = "EPSG:32635"
SPACING = 200.0  # m
CARS_PER_PERSON = 0.06  # in the peak hour, of residents


def town(side=5, *, zone_side=2, gateway=True):
    """Streets on a square lattice with `zone_side` x `zone_side` zones over them; the first junction is a gateway."""
    number = np.arange(side * side).reshape(side, side)
    points = [shapely.Point(SPACING * (n % side), SPACING * (n // side)) for n in range(side * side)]
    junctions = gpd.GeoDataFrame(
        {"gateway": [gateway and n == 0 for n in range(side * side)]},
        geometry=points, index=[f"j{n}" for n in range(side * side)], crs=CRS,
    )  # fmt: skip
    pairs = [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True)]
    pairs += [*zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]
    streets = gpd.GeoDataFrame(
        {
            "from_junction": [f"j{a}" for a, _ in pairs], "to_junction": [f"j{b}" for _, b in pairs],
            "road_class": "residential", "lanes": np.nan, "max_speed": np.nan, "one_way": False, "drive": True,
        },
        geometry=[shapely.LineString([points[a], points[b]]) for a, b in pairs],
        index=[f"s{n}" for n in range(len(pairs))], crs=CRS,
    )  # fmt: skip
    edge = SPACING * (side - 1) / zone_side
    boxes = [
        shapely.box(edge * x, edge * y, edge * (x + 1), edge * (y + 1))
        for y in range(zone_side)
        for x in range(zone_side)
    ]
    zones = gpd.GeoDataFrame(geometry=boxes, index=[f"z{n}" for n in range(len(boxes))], crs=CRS)
    return streets, junctions, zones


def roads(streets, junctions, zones):
    return road_network(streets, junctions, zones, 0.15, 4.0)


def trips_on(net, people, jobs):
    """Cars from homes to jobs in proportion to both, fewer the longer the drive; and traffic at the gateways."""
    count = net.group_count
    home, work = net.by_group(people), net.by_group(jobs)
    near = np.exp(-free_flow_car_time(net)[:count, :count] / 500)
    pairs = home[:, None] * work[None, :] * near
    trips = np.zeros((count + len(net.gateway_lanes),) * 2)
    trips[:count, :count] = pairs * (CARS_PER_PERSON * home.sum() / pairs.sum())
    add_gateways(trips, net, work, volume=450.0, through_share=0.3, inbound_share=0.58)
    return trips


def test_each_street_is_a_link_each_way_with_its_class_capacity():
    streets, junctions, zones = town()
    streets = streets.assign(one_way=streets.index == "s0", lanes=np.where(streets.index == "s1", 4.0, np.nan))
    net = roads(streets, junctions, zones)
    real = net.link_street >= 0
    assert real.sum() == 2 * len(streets) - 1
    assert (np.bincount(net.link_street[real]) == [1, *[2] * (len(streets) - 1)]).all()
    capacity, lanes, speed = ROAD_CLASSES["residential"]
    plain = real & (net.link_street > 1)
    assert net.network.capacity[plain] == pytest.approx(capacity * lanes)
    assert net.network.capacity[net.link_street == 1] == pytest.approx(2 * capacity)  # four lanes, two each way
    assert net.network.free_flow_time[plain] == pytest.approx(SPACING / min(speed / 3.6, URBAN_LIMIT))


def test_a_city_closed_to_cars_has_no_road_network():
    streets, junctions, zones = town()
    with pytest.raises(NotComputableError, match="open to cars"):
        roads(streets.assign(drive=False), junctions, zones)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 900), st.integers(0, 2**31), st.floats(0.01, 100))
def test_groups_of_zones_are_few_whole_and_compact(count, seed, stretch):
    middles = np.random.default_rng(seed).uniform(0, 10_000, (count, 2)) * [1, stretch]
    group = zone_groups(middles)
    assert group.shape == (count,)
    if count <= MOST_ZONES:
        assert (group == np.arange(count)).all()
    else:
        assert (np.unique(group) == np.arange(group.max() + 1)).all()
        assert group.max() < MOST_GROUPS


@pytest.fixture(scope="module")
def many():
    """A town of 324 zones: more than traffic keeps apart."""
    return town(12, zone_side=18)


def test_many_zones_run_in_groups_and_no_trip_is_lost(many):
    net = roads(*many)
    count = len(many[2])
    assert net.group_count <= MOST_GROUPS < count
    people, jobs = np.linspace(0, 40, count), np.linspace(60, 0, count)
    assert net.by_group(people).sum() == pytest.approx(people.sum())
    trips = trips_on(net, people, jobs)
    assert trips.shape == (net.group_count + 1,) * 2
    inside = trips[: net.group_count, : net.group_count].sum()
    assert inside == pytest.approx(people.sum() * CARS_PER_PERSON)


def test_groups_join_the_streets_where_their_zones_lie(many):
    net = roads(*many)
    nodes = len(many[1])
    ends = net.network.from_node[net.network.from_node >= nodes] - nodes
    assert set(ends) == set(range(net.group_count))
    assert np.isfinite(free_flow_car_time(net)).all()


def test_few_zones_are_groups_of_their_own():
    net = roads(*town())
    assert net.group_count == 4
    assert (net.zone_group == np.arange(4)).all()
    assert len(net.gateway_lanes) == 1


def test_traffic_of_groups_comes_near_that_of_zones(monkeypatch, many):
    people, jobs = np.full(len(many[2]), 12.0), np.full(len(many[2]), 6.0)
    found = {}
    for most in (MOST_ZONES, 10_000):
        monkeypatch.setattr("synapolis.models.traffic.roads.MOST_ZONES", most)
        net = roads(*many)
        found[most] = assignment(trips_on(net, people, jobs), net, many[0], 1e-4).vehicle_kilometres
    assert found[MOST_ZONES] == pytest.approx(found[10_000], rel=0.1)


def test_every_trip_arrives_and_flow_is_told_by_street():
    streets, junctions, zones = town()
    net = roads(streets, junctions, zones)
    trips = trips_on(net, np.array([800.0, 0, 0, 200]), np.array([0.0, 300, 300, 0]))
    found = assignment(trips, net, streets, 1e-5)
    assert found.link_flow.shape == (len(streets),)
    assert found.vehicle_kilometres == pytest.approx(found.link_flow @ streets.length.to_numpy() / 1000)
    report = found.assignment_report.set_index("figure")["value"]
    assert report["relative gap"] <= 1e-5
    assert report["trips no route serves"] == 0
    assert (found.link_time_ratio >= 1).all()
    assert found.mean_car_delay >= 0


def test_a_warm_start_ends_where_a_cold_one_does():
    streets, junctions, zones = town()
    net = roads(streets, junctions, zones)
    people, jobs = np.array([4000.0, 0, 0, 2000]), np.array([0.0, 3000, 3000, 0])
    before = assignment(trips_on(net, people, jobs), net, streets, 1e-6)
    more = {"car_trips": trips_on(net, 1.2 * people, jobs), "road_network": net, "streets": streets}
    warm = assignment_from(before._asdict(), {}, more | {"assignment_gap": 1e-6} | GOODS)
    cold = assignment(**more, assignment_gap=1e-6)
    assert warm.vehicle_hours == pytest.approx(cold.vehicle_hours, rel=1e-4)


def lattice_edits():
    """Streets after an edit, and the junctions then: lanes, a closure, a new street, a street cut at a new junction."""
    streets, junctions, zones = town()
    s3 = streets.loc["s3"]
    middle = s3.geometry.interpolate(0.5, normalized=True)
    cut = pd.concat([streets.drop("s3"), gpd.GeoDataFrame([s3, s3], index=["s3#1", "s3#2"], crs=CRS)])
    cut.loc["s3#1", "to_junction"] = cut.loc["s3#2", "from_junction"] = "new"
    halves = [shapely.LineString([s3.geometry.coords[0], middle]), shapely.LineString([middle, s3.geometry.coords[-1]])]
    cut.loc[["s3#1", "s3#2"], "geometry"] = halves
    junction = gpd.GeoDataFrame({"gateway": [False]}, geometry=[middle], index=["new"], crs=CRS)
    short = gpd.GeoDataFrame([s3], index=["a new street"], crs=CRS).assign(from_junction="j0", to_junction="j24")
    short["geometry"] = [shapely.LineString([junctions.geometry["j0"], junctions.geometry["j24"]])]
    return {
        "lanes": (streets.assign(lanes=np.where(streets.index == "s1", 4.0, np.nan)), junctions, zones),
        "closure": (streets.assign(drive=streets.index != "s3"), junctions, zones),
        "new street": (pd.concat([short, streets]), junctions, zones),
        "new junction": (cut, pd.concat([junction, junctions]), zones),
        "no gateway": (streets, junctions.assign(gateway=False), zones),
    }


@pytest.mark.parametrize("edit", lattice_edits())
def test_after_an_edit_traffic_goes_on_from_before_and_ends_where_a_cold_start_does(edit):
    streets, junctions, zones = town()
    net = roads(streets, junctions, zones)
    people, jobs = np.array([4000.0, 0, 0, 2000]), np.array([0.0, 3000, 3000, 0])
    before = assignment(trips_on(net, people, jobs), net, streets, 1e-6)
    now = lattice_edits()[edit]
    other = roads(*now)
    inputs = {"car_trips": trips_on(other, people, jobs), "road_network": other, "streets": now[0]}
    warm = assignment_from(before._asdict(), {}, inputs | {"assignment_gap": 1e-6} | GOODS)
    cold = assignment(**inputs, assignment_gap=1e-6)
    assert warm.vehicle_hours == pytest.approx(cold.vehicle_hours, rel=1e-4)
    assert warm.link_time_ratio == pytest.approx(cold.link_time_ratio, rel=1e-2)
    assert figure(warm, "trips in the hour") == pytest.approx(figure(cold, "trips in the hour"))
    if edit == "closure":
        assert warm.link_flow[streets.index.get_loc("s3")] == 0


@pytest.fixture(scope="module")
def with_goods():
    """A lattice, its roads, and trips of cars and of goods vehicles."""
    streets, junctions, zones = town()
    net = roads(streets, junctions, zones)
    cars = trips_on(net, np.array([4000.0, 0, 0, 2000]), np.array([0.0, 3000, 3000, 0]))
    return streets, net, cars, 0.1 * cars + 3.0


def test_without_rules_of_their_own_goods_vehicles_spread_as_cars_do(with_goods):
    streets, net, cars, goods = with_goods
    found = assignment(cars, net, streets, 1e-6, goods_trips=goods)
    alone = assignment(cars + GOODS["goods_passenger_cars"] * goods, net, streets, 1e-6)
    total = found.link_flow + GOODS["goods_passenger_cars"] * found.link_goods_flow
    assert total == pytest.approx(alone.link_flow, rel=1e-6, abs=1e-6)
    assert found.link_time_ratio == pytest.approx(alone.link_time_ratio, rel=1e-9)
    assert not assignment(cars, net, streets, 1e-6).link_goods_flow.any()
    apart = assignment(cars, net, streets.assign(toll=1e-9), 1e-7, goods_trips=goods)  # a toll that weighs nothing
    assert apart.link_time_ratio == pytest.approx(found.link_time_ratio, rel=1e-3)
    assert apart.vehicle_kilometres == pytest.approx(found.vehicle_kilometres, rel=1e-3)
    driven = goods.sum() - np.trace(goods) + cars.sum() - np.trace(cars)
    assert figure(found, "trips in the hour") == pytest.approx(driven)
    assert figure(apart, "trips in the hour") == pytest.approx(driven)


def test_a_street_closed_to_goods_vehicles_has_none_and_cars_still_drive_there(with_goods):
    streets, net, cars, goods = with_goods
    before = assignment(cars, net, streets, 1e-6, goods_trips=goods)
    busy = streets.index[int(np.argmax(before.link_goods_flow))]
    rules = streets.assign(goods=np.where(streets.index == busy, "no", ""))
    inputs = {"car_trips": cars, "road_network": net, "streets": rules, "assignment_gap": 1e-6, "goods_trips": goods}
    after = assignment(**inputs)
    at = streets.index.get_loc(busy)
    assert after.link_goods_flow[at] == 0 < before.link_goods_flow[at]
    assert after.link_flow[at] > 0
    first = assignment_from(before._asdict(), {}, inputs | GOODS)  # one class before, two now
    again = assignment_from(after._asdict(), {}, inputs | GOODS)
    for other in (first, again):
        assert other.vehicle_hours == pytest.approx(after.vehicle_hours, rel=1e-4)
        assert other.link_goods_flow[at] == 0


def test_a_toll_moves_those_whose_time_is_cheaper(with_goods):
    streets, net, cars, _ = with_goods
    before = assignment(cars, net, streets, 1e-6, goods_trips=cars)
    at = int(np.argmax(before.link_flow))
    tolled = streets.assign(toll=np.where(np.arange(len(streets)) == at, 0.25, np.nan))
    after = assignment(cars, net, tolled, 1e-6, goods_trips=cars)
    assert after.link_flow[at] < after.link_goods_flow[at] < before.link_goods_flow[at] * 1.2
    assert after.link_flow[at] < before.link_flow[at]
    assert assignment(cars, net, tolled, 1e-6).link_flow[at] < assignment(cars, net, streets, 1e-6).link_flow[at]


def bans_of(*rows):
    return pd.DataFrame(rows, columns=["from_street", "junction", "to_street", "only"])


def test_a_banned_turn_is_not_driven_and_other_turns_are():
    streets, junctions, zones = town(gateway=False)
    start, end = streets.loc["s0", ["from_junction", "to_junction"]]  # j0 to j1; s1 goes on from j1 to j2
    plain, banned = roads(streets, junctions, zones), bans_of(("s0", end, "s1", False))
    only = bans_of(("s0", end, "s1", True))
    assert (start, streets.loc["s1", "from_junction"]) == ("j0", end)
    for bans, gone in ((banned, {"s1>"}), (only, {"s0<", "s21>"})):
        net = road_network(streets, junctions, zones, 0.15, 4.0, bans)
        assert (net.link_id[: len(plain.link_id)] == plain.link_id).all()
        before = np.flatnonzero(net.link_id == "s0>")[0]
        could, can = ({of.link_id[k] for k in links_after(of.network, before)} for of in (plain, net))
        assert could - can == gone
        assert (net.link_street[len(plain.link_id) :] == -1).all()
        assert len(set(net.link_id)) == len(net.link_id)
        assert len(set(net.node_id)) == net.network.node_count


def links_after(network, link):
    """Links with a delay that can follow a link, turns without delay in between."""
    found, nodes = set(), [network.to_node[link]]
    while nodes:
        for after in np.flatnonzero(network.from_node == nodes.pop()):
            if network.alpha[after] > 0:
                found.add(after)
            elif network.free_flow_time[after] == 0:
                nodes.append(network.to_node[after])
    return found


def test_a_ban_is_void_where_its_streets_are_closed_and_traffic_goes_on_after_a_new_one():
    streets, junctions, zones = town()
    bans = bans_of(("s0", "j1", "s1", True), ("nowhere", "j1", "s1", False), ("s5", "j0", "s1", False))
    closed = streets.assign(drive=streets.index != "s1")
    plain = roads(closed, junctions, zones)
    assert road_network(closed, junctions, zones, 0.15, 4.0, bans).network.link_count == plain.network.link_count
    net = roads(streets, junctions, zones)
    trips = trips_on(net, np.full(4, 3000.0), np.array([0.0, 3000, 3000, 0]))
    before = assignment(trips, net, streets, 1e-6)
    turned = road_network(streets, junctions, zones, 0.15, 4.0, bans)
    inputs = {"car_trips": trips, "road_network": turned, "streets": streets, "assignment_gap": 1e-6}
    warm, cold = assignment_from(before._asdict(), {}, inputs | GOODS), assignment(**inputs)
    assert warm.vehicle_hours == pytest.approx(cold.vehicle_hours, rel=1e-4)
    assert warm.vehicle_hours >= before.vehicle_hours * (1 - 1e-4)


def figure(assigned, name):
    return assigned.assignment_report.set_index("figure")["value"][name]


def test_a_closed_street_carries_no_cars():
    streets, junctions, zones = town()
    closed = close_street(streets, ("s3",))
    assert not closed.loc["s3", "drive"]
    assert streets.loc["s3", "drive"]  # the input is as it was
    net = roads(closed, junctions, zones)
    trips = trips_on(net, np.full(4, 500.0), np.full(4, 200.0))
    assert assignment(trips, net, closed, 1e-3).link_flow[3] == 0


def test_a_street_left_without_a_lane_is_closed_and_others_keep_theirs():
    streets = town()[0].assign(lanes=3.0)
    fewer = change_lanes(streets, ("s1", "s2"), -2.0)
    assert list(fewer.loc[["s0", "s1", "s2"], "lanes"]) == [3, 1, 1]
    assert fewer["drive"].all()
    none = change_lanes(streets, ("s1",), -5.0)
    assert list(none.loc[["s0", "s1"], "drive"]) == [True, False]


def test_unmapped_lanes_change_from_those_of_the_class():
    """A one-way street without mapped lanes has one: one more doubles it, one less closes it."""
    streets = town()[0].assign(one_way=lambda t: t.index == "s1")
    more = change_lanes(streets, ("s1", "s2"), 1.0)
    assert list(more.loc[["s1", "s2"], "lanes"]) == [2, 3]
    fewer = change_lanes(streets, ("s1", "s2"), -1.0)
    assert list(fewer.loc[["s1", "s2"], "drive"]) == [False, True]
