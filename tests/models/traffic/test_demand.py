"""Demand of a whole town: trips add up and react the right way to time, money and edits; nothing is made of nothing."""

from dataclasses import replace

import numpy as np
import pytest

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError
from synapolis.layers.schemas import LAYERS
from synapolis.models import load_models
from synapolis.models.traffic.demand import PEAK, travel_demand
from synapolis.models.traffic.demand_figures import mode_shares, zone_mode_shares
from synapolis.models.traffic.goods import goods_trips
from synapolis.models.traffic.mode_choice import street_distance, travel_choices
from synapolis.models.traffic.trip_generation import (
    PURPOSES,
    attractions,
    income_segments,
    purpose_shares,
    trip_ends,
)
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
CROWDED = {"gateway_volume_per_lane": 1300.0, "gateway_volume_per_activity": 9.0}


@pytest.fixture(scope="module")
def town():
    return generate_city(people=8000, seed=2)


@pytest.fixture(scope="module")
def cache():
    return Cache()


def words(city, cache, *wanted, edits=(), **assumptions):
    planner = Planner(city, edits, assumptions=assumptions)
    refs = [planner.want(word) for word in wanted]
    ran = run(refs, cache)
    return [ran.value(ref) for ref in refs]


@pytest.fixture(scope="module")
def call(town, cache):
    """Call a demand model on the town's words, some of them changed."""

    def of(function, by=None, **changes):
        declared = REGISTRY.models[function.__name__]
        given = {}
        for name in declared.inputs:
            if name in changes:
                given[name] = changes[name]
            elif name in REGISTRY.assumptions:
                given[name] = REGISTRY.assumptions[name].value
            elif name in town.layers or name not in LAYERS:
                (given[name],) = words(town, cache, name)
        return (by or function)(**given)

    return of


@pytest.fixture(scope="module")
def base(call):
    return call(travel_demand)


def share(demand, mode):
    trips = demand.trips_by_mode.groupby("mode")["trips_per_day"].sum()
    return trips[mode] / trips.sum()


def test_trips_are_those_that_residents_make(base, town):
    people = town.layers["zones"].value["population"].sum()
    made = REGISTRY.assumptions["trips_per_person"].value * people
    assert base.trips_by_mode["trips_per_day"].sum() == pytest.approx(made, rel=1e-9)
    by_purpose = base.trips_by_mode.groupby("purpose", sort=False)["trips_per_day"].sum() / made
    shares = purpose_shares(*(REGISTRY.assumptions[f"{p}_trip_share"].value for p in PURPOSES[:3]))
    assert by_purpose.to_numpy() == pytest.approx(shares)
    peak = base.trips_by_mode["trips_in_peak_hour"].sum()
    assert peak == pytest.approx(REGISTRY.assumptions["peak_hour_share"].value * made)
    assert set(PEAK) == set(PURPOSES)


def test_trip_ends_are_met_zone_by_zone(base, call):
    ends = call(trip_ends)
    home = base.home_mode_trips.sum(axis=0)
    np.testing.assert_allclose(home, ends.production.sum(axis=(0, 1)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ends.production.sum(axis=(1, 2)), ends.attraction.sum(axis=1), rtol=1e-9)
    report = base.demand_report.set_index("figure")["value"]
    assert report["largest misfit of a trip end"] <= 1e-6
    assert report["trips a day that no mode serves"] == 0


def test_shares_sum_to_one_in_the_city_and_in_every_zone(base):
    city = mode_shares(base.trips_by_mode)
    assert sum(city[:4]) == pytest.approx(1)
    zones = np.stack(zone_mode_shares(base.home_mode_trips))
    lived_in = base.home_mode_trips.sum(axis=0) > 0
    np.testing.assert_allclose(zones[:, lived_in].sum(axis=0), 1)
    assert np.isnan(zones[:, ~lived_in]).all()


def test_the_figures_a_modeller_looks_at_first(base, town):
    """Lengths below the city's width, walks short, transit longer than walks, work longer than school."""
    table = base.trips_by_mode.set_index(["purpose", "mode"])
    west, south, east, north = town.extent.bounds
    assert 0.1 * (east - west) < mode_shares(base.trips_by_mode).mean_trip_length < (east - west) + (north - south)
    for purpose in PURPOSES:
        length = table.loc[purpose, "mean_length"]
        assert length["walk"] < length["bicycle"]
        assert length["walk"] < length["transit"]
        assert (table.loc[purpose, "mean_minutes"].to_numpy() > 0).all()
    assert 0.05 < share(base, "car") < 0.8
    assert 0.05 < share(base, "walk") < 0.9


def test_trips_of_the_poor_are_driven_less(call):
    ends = call(trip_ends)
    poor, rich = ends.income.argmin(), ends.income.argmax()
    made = ends.production.sum(axis=(0, 2))
    with_car = [made[ends.has_car & (ends.income == ends.income[g])].sum() for g in (poor, rich)]
    everyone = [made[ends.income == ends.income[g]].sum() for g in (poor, rich)]
    assert with_car[0] / everyone[0] < with_car[1] / everyone[1]


@pytest.mark.parametrize(
    ("name", "mode", "sign"),
    [
        ("car_cost_per_km", "car", -1), ("transit_fare", "transit", -1), ("transit_fare", "car", 1),
        ("car_terminal_time", "car", -1), ("cycling_speed", "bicycle", 1), ("walking_speed", "walk", 1),
    ],
)  # fmt: skip
def test_modes_react_to_time_and_money_the_right_way(call, base, name, mode, sign):
    usual = REGISTRY.assumptions[name].value
    changed = call(travel_demand, travel_choices=call(travel_choices, **{name: 1.5 * usual}))
    assert sign * (share(changed, mode) - share(base, mode)) > 1e-4


@pytest.mark.parametrize(
    ("name", "mode", "low", "high"),
    [("car_cost_per_km", "car", -0.35, -0.01), ("transit_fare", "transit", -1.5, -0.1)],
)
def test_elasticities_to_money_are_of_the_size_that_is_observed(call, base, name, mode, low, high):
    """Of person-kilometres; published (TAG, TCRP 95): fuel -0.35 to -0.15 where trips are longer, fares -0.9 to -0.12.

    In a small town a fare weighs more on its short trips, and fewer kilometres are driven.
    """

    def kilometres(demand):
        table = demand.trips_by_mode[demand.trips_by_mode["mode"] == mode]
        return table["trips_per_day"] @ table["mean_length"]

    usual = REGISTRY.assumptions[name].value
    dearer = call(travel_demand, travel_choices=call(travel_choices, **{name: 1.1 * usual}))
    assert low < np.log(kilometres(dearer) / kilometres(base)) / np.log(1.1) < high


def test_slower_cars_drive_people_to_other_modes_and_nearer_places(call, base, town, cache):
    (time,) = words(town, cache, "car_time")
    slow = call(travel_demand, car_time=time + 600)
    assert slow.car_trips.sum() < base.car_trips.sum()
    assert slow.transit_trips.sum() > base.transit_trips.sum()
    assert share(slow, "walk") > share(base, "walk")
    lived_in = base.home_mode_trips.sum(axis=0) > 0
    assert (slow.travel_ease[lived_in] < base.travel_ease[lived_in]).all()


def test_better_transit_is_worth_something_to_everyone(call, base, town, cache):
    """The logsum's benefit is never negative."""
    (time,) = words(town, cache, "mean_travel_time")
    better = call(travel_demand, travel_choices=call(travel_choices, mean_travel_time=(0.6 * time).astype(np.float32)))
    lived_in = base.home_mode_trips.sum(axis=0) > 0
    assert (better.travel_ease[lived_in] >= base.travel_ease[lived_in] - 1e-6).all()
    assert better.travel_ease[lived_in].sum() > base.travel_ease[lived_in].sum()
    assert share(better, "transit") > share(base, "transit")
    assert better.car_trips.sum() < base.car_trips.sum()


def test_without_a_timetable_nobody_rides_and_the_report_says_so(call):
    bare = call(travel_demand, travel_choices=call(travel_choices, mean_travel_time=None))
    assert bare.transit_trips.sum() == 0
    assert share(bare, "transit") == 0
    assert "no timetable: transit is no choice" in set(bare.demand_report["figure"])
    assert np.isfinite(bare.car_trips).all()


def test_zones_that_no_street_joins_get_no_cars(call, base, town, cache):
    (joined,) = words(town, cache, "car_reachable")
    cut = joined.copy()
    cut[3], cut[:, 3], cut[3, 3] = False, False, True
    apart = call(travel_demand, car_reachable=cut)
    count = len(base.transit_trips)
    inside = apart.car_trips[:count, :count]
    assert np.delete(inside[3], 3).sum() == np.delete(inside[:, 3], 3).sum() == 0
    assert np.isfinite(inside).all()
    assert share(apart, "car") < share(base, "car")


def test_an_island_without_paths_keeps_to_itself(call, town, cache):
    (way,) = words(town, cache, "street_distance")
    within = way[5, 5]
    way = way.copy()
    way[5], way[:, 5] = np.inf, np.inf
    way[5, 5] = within
    (joined,) = words(town, cache, "car_reachable")
    cut = joined.copy()
    cut[5], cut[:, 5] = False, False
    choices = call(travel_choices, street_distance=way, mean_travel_time=None)
    apart = call(travel_demand, travel_choices=choices, car_reachable=cut)
    assert np.isfinite(apart.trips_by_mode.drop(columns=["purpose", "mode"]).to_numpy()).all()
    count = len(way)
    assert np.delete(apart.car_trips[5, :count], 5).sum() == 0


def test_a_zone_of_nobody_makes_no_trips(call, base, town):
    people = town.layers["zones"].value["population"].to_numpy(dtype=float).copy()
    people[0] = 0.0
    ends = call(trip_ends, zone_population=people)
    empty = call(travel_demand, trip_ends=ends)
    assert empty.home_mode_trips[:, 0].sum() == 0
    assert np.isfinite(empty.car_trips).all()
    assert np.isfinite(empty.travel_ease).all()
    with pytest.raises(NotComputableError, match="residents"):
        call(trip_ends, zone_population=np.zeros_like(people))
    with pytest.raises(NotComputableError, match="jobs"):
        call(trip_ends, zone_jobs=np.zeros_like(people))


def test_what_the_data_lack_is_told(call, town):
    zones = town.layers["zones"].value
    people = zones["population"].to_numpy(dtype=float)
    drawn, notes = attractions(zones.drop(columns="schools"), people, people, 0.15, None)
    assert any("schools" in note for note in notes)
    assert any("shops" in note for note in notes)
    assert np.isfinite(drawn).all()
    assert "no incomes: everyone weighs money alike" in call(trip_ends, income_groups=None).notes


def test_goods_follow_jobs_and_residents_and_keep_to_streets(call, town, cache):
    trips = call(goods_trips)
    (roads,) = words(town, cache, "road_network")
    count = roads.group_count
    zones = town.layers["zones"].value
    stops = 0.09 * (0.25 * zones["jobs"] + 0.05 * zones["population"]).to_numpy()
    np.testing.assert_allclose(trips[:count, :count].sum(axis=1), stops, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(trips[:count, :count].sum(axis=0), stops, rtol=1e-5, atol=1e-6)
    assert trips[count:, count:].sum() == 0
    more = call(goods_trips, zone_jobs=2 * zones["jobs"].to_numpy())
    assert more.sum() > trips.sum()
    (joined,) = words(town, cache, "car_reachable")
    cut = joined.copy()
    cut[2], cut[:, 2] = False, False
    apart = call(goods_trips, car_reachable=cut)[:count, :count]
    assert np.delete(apart[2], 2).sum() == np.delete(apart[:, 2], 2).sum() == 0


def test_incomes_of_single_households_are_joined_to_fifths(town):
    zones = town.layers["zones"].value
    chance = np.random.default_rng(0)
    incomes = town.layers["income_groups"].value.drop(columns="group")
    incomes = incomes.assign(income=chance.uniform(1e4, 1e5, len(incomes)))
    share_of, income, rank = income_segments(zones, incomes)
    assert len(income) == 5
    assert (np.diff(income) > 0).all()
    assert (np.diff(rank) > 0).all()
    np.testing.assert_allclose(share_of.sum(axis=0), 1)
    alone, mean, middle = income_segments(zones, None)
    assert (alone == 1).all()
    assert (mean[0], middle[0]) == (1, 0.5)


def test_ways_are_symmetric_and_no_shorter_than_the_straight_line(call, town):
    way = call(street_distance)
    assert (np.diag(way) > 0).all()
    np.testing.assert_allclose(way, way.T, rtol=1e-9)
    middle = town.layers["zones"].value.geometry.representative_point()
    straight = middle.apply(middle.distance).to_numpy()
    away = ~np.eye(len(way), dtype=bool)
    assert (way[away] >= straight[away] - 1e-6).all()
    assert np.median(way[away] / straight[away]) < 2


def test_a_second_run_started_from_the_first_is_the_same(call, base):
    declared = REGISTRY.models["travel_demand"]
    again = call(travel_demand, by=lambda **given: declared.update(base._asdict(), {}, given))
    np.testing.assert_allclose(again.car_trips, base.car_trips, rtol=1e-6, atol=1e-9)


def test_taking_lanes_from_crowded_streets_takes_cars_off_the_road(town, cache):
    streets = town.layers["streets"].value
    busy = streets.loc[streets["lanes"] == 4, "name"].value_counts().index[0]
    edits = bind(parse_scenario(f"edits: [{{kind: change_lanes, street: {busy}, lanes: -3}}]"), town)
    wanted = ("car_trips", "mode_share_car", "mode_share_walk", "mode_share_transit", "mean_car_delay")
    before = words(town, cache, *wanted, **CROWDED)
    after = words(town, cache, *wanted, edits=edits, **CROWDED)
    assert after[4] > before[4]
    assert after[0].sum() < before[0].sum()
    assert after[1] < before[1]
    assert after[2] + after[3] > before[2] + before[3]


def test_a_new_tram_line_takes_cars_off_the_road(town, cache):
    streets = town.layers["streets"].value
    busy = streets.loc[streets["lanes"] == 2, "name"].value_counts().index[0]
    edits = bind(parse_scenario(f"edits: [{{kind: add_line, street: {busy}, mode: tram, headway_minutes: 4}}]"), town)
    wanted = ("car_trips", "mode_share_car", "mode_share_transit", "mean_travel_ease")
    before, after = words(town, cache, *wanted), words(town, cache, *wanted, edits=edits)
    assert after[0].sum() < before[0].sum()
    assert after[1] < before[1]
    assert after[2] > before[2]
    assert after[3] > before[3]


def test_a_city_without_a_timetable_still_knows_its_mode_shares(town, cache):
    bare = replace(town, layers={name: layer for name, layer in town.layers.items() if name != "timetable"})
    car, transit = words(bare, cache, "mode_share_car", "mode_share_transit")
    assert transit == 0
    assert 0 < car < 1
