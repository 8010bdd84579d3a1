"""Fares: what a feed states, by line and by zone, and what an edit makes of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from models.test_transit_edits import edited
from models.test_transit_kernels import pairs_table, regular_line
from sources.test_gtfs import CRS, FEED
from synapolis.core.errors import NotComputableError, ScenarioError, SourceError
from synapolis.layers.timetable import Timetable, merge_timetables
from synapolis.layers.timetable_edits import with_fares, with_headway, without_stop
from synapolis.models import load_models
from synapolis.models.transit.fares import fares, mean_fare_to_jobs, relative_fares
from synapolis.models.transit.walking import Distances
from synapolis.scenarios.edits import ChangeFares
from synapolis.sources.generate import generate_city
from synapolis.sources.gtfs import read_gtfs

load_models()
USUAL, RIDES = 1.2, 1.5
PRICES = "fare_id,price,currency_type,payment_method,transfers\nin,2.0,EUR,0,\nout,3.5,EUR,0,\nride,1.0,EUR,0,0\n"
STOPS = (
    "stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,zone_id\na,A,60.170,24.930,,st,1\n"
    "b,B,60.171,24.930,,,1\nc,C,60.174,24.930,,,2\nd,D,60.175,24.930,,,\nst,Station,60.17,24.93,1,,1\n"
)


def feed_with(folder, rules, prices=PRICES, name="g"):
    tables = FEED | {"stops.txt": STOPS, "fare_attributes.txt": prices}
    tables |= {"fare_rules.txt": rules} if rules else {}
    for file, text in tables.items():
        (folder / file).write_text(text)
    return read_gtfs(folder, feed=name, crs=CRS)


def walks_of(timetable, near):
    """Zones that each have one stop near by."""
    stops = list(timetable.stops.index)
    to = {(zone, stops.index(f"g:{stop}")): 10 for zone, stop in enumerate(near)}
    count = len(near)
    turned = {(stop, zone): 10 for zone, stop in to}
    return Distances(
        pairs_table(to, count, len(stops)), pairs_table(turned, len(stops), count),
        pairs_table({}, len(stops), len(stops)), pairs_table({}, count, count),
    )  # fmt: skip


def test_the_fare_between_zones_is_the_least_that_holds(tmp_path):
    rules = (
        "fare_id,route_id,origin_id,destination_id,contains_id\nin,,1,1,\nout,,1,2,\nout,,2,1,\nin,,2,2,\nride,,,,\n"
    )
    timetable = feed_with(tmp_path, rules)
    assert timetable.fare_zones.to_numpy().tolist() == [["g:a", "g:1"], ["g:b", "g:1"], ["g:c", "g:2"]]
    found = fares(timetable, walks_of(timetable, "acd"), USUAL, RIDES)
    ride = 1.0 * RIDES  # no change allowed; it holds everywhere, but a fare of the zones comes first
    np.testing.assert_allclose(found, [[2, 3.5, ride], [3.5, 2, ride], [ride, ride, ride]])


def test_fares_of_lines_are_averaged_over_their_trips(tmp_path):
    timetable = feed_with(tmp_path, "fare_id,route_id\nin,r7\nout,x\n", PRICES.replace("ride,1.0,EUR,0,0\n", ""))
    assert np.unique(fares(timetable, walks_of(timetable, "ab"), USUAL, RIDES)) == pytest.approx((2 + 2 + 3.5) / 3)


def test_one_fare_without_rules_holds_everywhere_and_rules_of_zones_passed_are_left_out(tmp_path):
    one = feed_with(tmp_path, None, "fare_id,price,currency_type,payment_method,transfers\nall,4.7,BRL,0,2\n")
    assert (fares(one, walks_of(one, "ab"), USUAL, RIDES) == 4.7).all()
    passing = feed_with(tmp_path, "fare_id,contains_id\nin,1\n")
    assert set(passing.fares["fare_id"]) == {"g:out", "g:ride"}


@pytest.mark.parametrize(
    ("prices", "rules", "says"),
    [(PRICES.replace("2.0", "-2"), None, "a price from 0"), (PRICES, "fare_id\nnone\n", "none")],
    ids=["price", "rule"],
)
def test_a_faulty_fare_names_its_file(tmp_path, prices, rules, says):
    with pytest.raises(SourceError, match=says):
        feed_with(tmp_path, rules, prices)


def test_fares_go_with_their_feeds_and_survive_edits(tmp_path):
    timetable = feed_with(tmp_path, "fare_id,origin_id,destination_id\nin,1,1\n")
    other = regular_line()
    other = dataclasses.replace(other, stops=other.stops.set_crs(CRS, allow_override=True))
    joined = merge_timetables([timetable, other])
    assert joined.fares.equals(timetable.fares)
    again = Timetable.from_tables(joined.tables())
    pd.testing.assert_frame_equal(again.fares, joined.fares)
    assert len(without_stop(joined, "g:a").fare_zones) == len(joined.fare_zones) - 1
    assert len(with_headway(joined, "Express", 300).fares) == len(joined.fares)


def test_half_the_fare_is_half_of_what_the_feed_lists(tmp_path):
    timetable = feed_with(tmp_path, None)
    walks = walks_of(timetable, "acd")
    for cheaper, ratio in ((with_fares(timetable, factor=0.5, usual=USUAL), 0.5),
                           (with_fares(with_fares(timetable, factor=0.5, usual=USUAL), factor=0.5, usual=USUAL), 0.25),
                           (with_fares(timetable, price=0.0, usual=USUAL), 0.0), (timetable, 1.0)):  # fmt: skip
        price = fares(cheaper, walks, USUAL, RIDES)
        np.testing.assert_allclose(relative_fares(cheaper, walks, price, USUAL, RIDES), ratio)
    bare = dataclasses.replace(timetable, fares=timetable.fares[:0])
    assert (fares(with_fares(bare, factor=2, usual=USUAL), walks, USUAL, RIDES) == 2 * USUAL).all()
    for wrong in ({"factor": -1.0}, {"price": float("nan")}):
        with pytest.raises(ScenarioError):
            with_fares(timetable, **wrong, usual=USUAL)


def test_the_mean_fare_weighs_residents_and_jobs():
    people, jobs = np.array([1.0, 3.0]), np.array([0.0, 2.0])
    assert mean_fare_to_jobs(np.array([[1.0, 2.0], [3.0, 4.0]]), people, jobs) == 3.5
    with pytest.raises(NotComputableError):
        mean_fare_to_jobs(np.ones((2, 2)), people, jobs * 0)


def test_an_edit_of_fares_says_how_much():
    for wrong in ({}, {"factor": 0.5, "price": 1.0}, {"factor": -1}):
        with pytest.raises(ValueError, match="change_fares|factor"):
            ChangeFares(**wrong)


@pytest.mark.slow
def test_free_rides_move_people_from_cars_to_transit():
    town = generate_city(people=1500, seed=5)
    words = ("mean_fare_to_jobs", "mode_share_transit", "mode_share_car")
    today, free = (edited(town, f"{{kind: change_fares, factor: {factor}}}", *words) for factor in (1, 0))
    assert today[0] > 0
    assert free[0] == 0
    assert free[1] > today[1]
    assert free[2] < today[2]
