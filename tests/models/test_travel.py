"""Many origins and all departures in one pass: against the scan of one origin, and an update against the full run."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.test_transit_kernels import DATE, pairs_table, small_runs, small_walks, timetable_of, with_self
from synapolis.layers.timetable_edits import with_fares, with_headway, with_line, with_moved_stop, without_stop
from synapolis.models import load_models
from synapolis.models.transit.connections import connections
from synapolis.models.transit.door_to_door import accessibility
from synapolis.models.transit.reach import FAR, Ask, doors, reach
from synapolis.models.transit.spread import spread
from synapolis.models.transit.travel import travel_time_spread, travel_times, update_travel_times
from synapolis.models.transit.walking import transit_walks, walk_network
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
WINDOW = {"walking_speed": 1.34, "departure_hour": 8.0, "departure_window": 30.0, "departure_count": 10.0,
          "longest_trip": 45.0}  # fmt: skip


def some_pairs(chance, rows, columns, count=6, most=20):
    return {
        (int(a), int(b)): int(s)
        for a, b, s in zip(
            chance.integers(0, rows, count), chance.integers(0, columns, count), chance.integers(0, most, count),
            strict=True,
        )
    }  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(small_runs(), small_walks, st.integers(0, 99), st.integers(0, 40))
@example([[(1, 0, 2), (1, 2, 2), (0, 2, 2), (0, 2, 2)]], {}, 0, 5)  # rides of 0 s
def test_a_batch_equals_one_origin_after_another(runs, walks, seed, duration):
    found = connections(timetable_of(runs), date=DATE, start=0, end=200)
    changes = pairs_table(with_self(walks), 6, 6)
    chance = np.random.default_rng(seed)
    access, egress, direct = some_pairs(chance, 70, 6, 90), some_pairs(chance, 6, 4), some_pairs(chance, 70, 4)
    tables = pairs_table(access, 70, 6), pairs_table(egress, 6, 4), pairs_table(direct, 70, 4)
    departures, limits = [0, 1, 3, 7, 8, 15], [2, 8, duration]
    slow = accessibility(found, changes, *tables, departures, duration, statistic="capped", thresholds=limits,
                         opportunities=np.array([1.0, 3.0, 5.0, 11.0]))  # fmt: skip
    ask = Ask(np.array(departures, np.int32), duration, np.array(limits, np.int32))
    pairs, _ = reach(found, changes, tables[0], doors(*tables[1:]), ask)
    np.testing.assert_array_equal(pairs.mean, slow.travel_time)
    got = np.einsum("tog,g->ot", pairs.within, [1.0, 3.0, 5.0, 11.0]) / len(departures)
    np.testing.assert_allclose(got, slow.opportunities, rtol=1e-12)
    median = accessibility(found, changes, *tables, departures[:5], duration, statistic="median")
    varied = spread(found, changes, tables[0], doors(*tables[1:]), ask._replace(departures=ask.departures[:5]), (0.5,))
    np.testing.assert_array_equal(varied.percentiles[0], median.travel_time)


@settings(max_examples=15, deadline=None)
@given(small_runs(), small_walks, st.integers(0, 5))
def test_as_many_changes_as_rides_are_enough_and_fewer_are_not(runs, walks, source):
    """For one departure the rides counted are the least with which the earliest arrival is reached."""
    timetable = timetable_of(runs)
    found = connections(timetable, date=DATE, start=0, end=200)
    changes = with_self(walks)
    at_stop = pairs_table({(i, i): 0 for i in range(6)}, 6, 6)
    ask = Ask(np.array([2], np.int32), 100, np.array([100], np.int32))
    got = spread(found, pairs_table(changes, 6, 6), pairs_table({(0, source): 0}, 1, 6),
                 doors(at_stop, pairs_table({}, 1, 6)), ask, (0.5,))  # fmt: skip
    by_rides = rounds(timetable, changes, source, 2)
    for stop in range(6):
        best = min(row[stop] for row in by_rides)
        if best > 102:
            assert np.isnan(got.transfers[0, stop])
        else:
            assert got.percentiles[0, 0, stop] == best - 2
            assert got.transfers[0, stop] == next(r for r, row in enumerate(by_rides) if row[stop] == best)


def rounds(timetable, walks, source, departure):
    """Oracle: earliest arrival by a ride with at most 1, 2, … rides."""
    place = {stop: i for i, stop in enumerate(timetable.stops.index)}
    trips = [list(rows.itertuples(index=False)) for _, rows in timetable.stop_times.groupby("trip_id", sort=False)]
    board = [departure if i == source else FAR for i in range(6)]
    arrivals = []
    for _ in range(7):
        ride = [FAR] * 6
        for trip in trips:
            riding = False
            for row in trip:
                stop = place[row.stop_id]
                if riding:
                    ride[stop] = min(ride[stop], row.arrival)
                riding = riding or board[stop] <= row.departure
        for (a, b), seconds in walks.items():
            board[b] = min(board[b], ride[a] + seconds)
        arrivals.append(ride)
    return arrivals


@pytest.fixture(scope="module")
def town():
    city = generate_city(people=1500, seed=5)
    layers = {name: city.layers[name].value for name in ("streets", "junctions", "zones", "timetable")}
    network = walk_network(layers["streets"], layers["junctions"])

    def inputs(timetable, **window):
        walks = transit_walks(network, layers["zones"], timetable.stops, 800.0, 3000.0)
        return {"timetable": timetable, "transit_walks": walks, **WINDOW, **window}

    before = inputs(layers["timetable"])
    return layers["timetable"], before, travel_times(**before)._asdict(), inputs


def assert_equal(got, wanted):
    for name, value in wanted._asdict().items():
        np.testing.assert_array_equal(getattr(got, name), value, err_msg=name)


edits = st.lists(
    st.tuples(st.sampled_from(["headway", "period", "close", "move", "line"]), st.integers(0, 999), st.integers(2, 40)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=12, deadline=None)
@given(edits)
def test_an_update_equals_the_full_run_to_the_last_bit(town, steps):
    timetable, before, outputs, inputs = town
    edited = timetable
    for number, (kind, pick, amount) in enumerate(steps):
        line, stop = edited.lines[pick % len(edited.lines)], edited.stops.index[pick % len(edited.stops)]
        if kind == "headway":
            edited = with_headway(edited, line.name, amount * 60, mode=line.mode)
        elif kind == "period":
            edited = with_headway(edited, line.name, amount * 60, (8 * 3600, 9 * 3600), mode=line.mode)
        elif kind == "close" and len(edited.stops) > 4:
            edited = without_stop(edited, stop)
        elif kind == "move":
            point = edited.stops.geometry.iloc[(pick + 3) % len(edited.stops)]
            edited = with_moved_stop(edited, stop, point)
        else:
            ends = [edited.stops.geometry.iloc[i % len(edited.stops)] for i in (pick, pick + 2)]
            edited = with_line(edited, line_id=f"n{number}", name=f"N{number}", mode="bus", stops=ends,
                               headway=amount * 60, speed=6.0, dwell=10, span=(7 * 3600, 10 * 3600))  # fmt: skip
    now = inputs(edited)
    assert_equal(update_travel_times(outputs, before, now), travel_times(**now))


def test_an_update_to_another_window_or_speed_is_a_full_run_too(town):
    timetable, before, outputs, inputs = town
    for window in ({"departure_count": 7.0}, {"walking_speed": 1.1}, {"departure_hour": 9.0}):
        now = inputs(timetable, **window)
        assert_equal(update_travel_times(outputs, before, now), travel_times(**now))


def test_an_edit_of_another_hour_or_of_fares_scans_nothing(town):
    timetable, before, outputs, inputs = town
    line = timetable.lines[0]
    later = with_headway(timetable, line.name, 300, (13 * 3600, 15 * 3600), mode=line.mode)
    for edited in (later, with_fares(timetable, factor=0.5, usual=1.2)):
        got = update_travel_times(outputs, before, inputs(edited))
        assert got.arrival_marks is outputs["arrival_marks"]
        assert_equal(got, travel_times(**inputs(edited)))


def test_the_plan_takes_the_update_and_finds_what_a_full_run_finds():
    city = generate_city(people=1000, seed=3)
    scenario = parse_scenario('edits: [{kind: change_headway, route: "7", headway_minutes: 4}]')
    planner = Planner(city, bind(scenario, city))
    ref = planner.want("mean_travel_time")
    assert ref.node.baseline is not None
    ran = run([ref], Cache())
    given_inputs = {name: ran.value(source) for name, source in ref.node.inputs}
    np.testing.assert_array_equal(ran.value(ref), travel_times(**given_inputs).mean_travel_time)


def test_percentiles_stand_in_order_and_hold_the_mean(town):
    _, before, outputs, _ = town
    found = travel_time_spread(**before)
    assert (found.travel_time_p10 <= found.median_travel_time).all()
    assert (found.median_travel_time <= found.travel_time_p90).all()
    arrive = np.isfinite(found.travel_time_p90)
    assert arrive.any()
    assert (outputs["mean_travel_time"][arrive] >= found.travel_time_p10[arrive] - 1e-3).all()
    assert np.nanmax(found.transfers) <= 6
