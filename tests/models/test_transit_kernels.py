"""Connection scan and walking: against slow oracles, published answers, and laws."""

from __future__ import annotations

import dataclasses
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from synapolis.core.errors import LayerError, ModelError, ScenarioError
from synapolis.layers.timetable import DAY, Timetable, merge_timetables
from synapolis.layers.timetable_edits import with_headway, with_line, with_moved_stop, without_stop
from synapolis.models.transit.connections import connections, footpaths
from synapolis.models.transit.door_to_door import accessibility, opportunities_within, travel_times
from synapolis.models.transit.scan import UNREACHED, arrival_profile, earliest_arrival
from synapolis.models.transit.walk import (
    attach,
    largest_part,
    point_to_point,
    walk_graph,
    walk_times,
    walks_from_pairs,
)
from synapolis.sources.gtfs import read_gtfs

CRS = "EPSG:3067"
DATE = "2026-03-03"
FAR = 10**9


# --- small timetables ------------------------------------------------------------------------------------------------


def timetable_of(
    runs, *, stop_count=6, frequencies=(), transfers=(), dates=(DATE,), service="S", rules=None, names=None
) -> Timetable:
    """Trips as lists of (stop, arrival, departure)."""
    stops = gpd.GeoDataFrame(
        {"name": [f"s{i}" for i in range(stop_count)]},
        geometry=[shapely.Point(1000.0 * i, 0.0) for i in range(stop_count)],
        index=[f"s{i}" for i in range(stop_count)],
        crs=CRS,
    )
    rules = rules or {}
    rows = [
        (f"t{t}", i, f"s{stop}", arrival, departure, *rules.get((t, i), (True, True)))
        for t, run in enumerate(runs)
        for i, (stop, arrival, departure) in enumerate(run)
    ]
    names = names or [f"r{t}" for t in range(len(runs))]
    trips = pd.DataFrame(
        {"route_id": names, "route_name": names, "mode": "bus", "service_id": service, "direction": 0},
        index=[f"t{t}" for t in range(len(runs))],
    )
    columns = ["trip_id", "sequence", "stop_id", "arrival", "departure", "boarding", "alighting"]
    return Timetable.from_tables(
        {
            "stops": stops,
            "trips": trips,
            "stop_times": pd.DataFrame(rows, columns=columns),
            "frequencies": pd.DataFrame(frequencies, columns=["trip_id", "start", "end", "headway", "exact"]),
            "services": pd.DataFrame({"service_id": service, "date": list(dates)}),
            "transfers": pd.DataFrame(transfers, columns=["from_stop", "to_stop", "seconds"]),
        }
    )


@st.composite
def small_runs(draw, stop_count=6, max_runs=7):
    """Trips with short and zero rides and dwells, so that ties and instant changes are common."""
    runs = []
    for _ in range(draw(st.integers(1, max_runs))):
        clock = draw(st.integers(0, 12))
        run = []
        for stop in draw(st.lists(st.integers(0, stop_count - 1), min_size=2, max_size=5)):
            arrival = clock
            clock += draw(st.integers(0, 2))
            run.append((stop, arrival, clock))
            clock += draw(st.integers(0, 4))
        runs.append(run)
    return runs


small_walks = st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), st.integers(0, 5), max_size=8)


def relaxed_arrivals(timetable, walks, initial, limit, *, boarding=None):
    """Oracle: whole trips ridden again and again until nothing improves. Returns arrival by ride or first walk."""
    count = len(initial)
    board, ride = list(initial), [FAR] * count
    place = {stop: i for i, stop in enumerate(timetable.stops.index)}
    trips = [list(rows.itertuples(index=False)) for _, rows in timetable.stop_times.groupby("trip_id", sort=False)]
    improved = True
    while improved:
        improved = False
        for trip in trips:
            riding = False
            for row in trip:
                stop = place[row.stop_id]
                if riding and row.alighting and row.arrival < ride[stop]:
                    ride[stop] = row.arrival
                    improved = True
                    for (a, b), seconds in walks.items():
                        if a == stop:
                            board[b] = min(board[b], row.arrival + seconds)
                if row.boarding and board[stop] <= row.departure:
                    riding = True
    best = [min(b, r) for b, r in zip(board, ride, strict=True)]
    return [b if b <= limit else int(UNREACHED) for b in best]


def pairs_table(pairs, origins, targets):
    rows = list(pairs.items())
    return walks_from_pairs(
        [a for (a, _), _ in rows],
        [b for (_, b), _ in rows],
        [s for _, s in rows],
        origin_count=origins,
        target_count=targets,
    )


def with_self(walks, count=6):
    return {(i, i): 0 for i in range(count)} | {pair: s for pair, s in walks.items() if pair[0] != pair[1]}


# --- the scan against oracles ----------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(
    small_runs(),
    small_walks,
    st.dictionaries(st.integers(0, 5), st.integers(0, 6), min_size=1, max_size=3),
    st.integers(5, 60),
)
@example([[(1, 0, 2), (1, 2, 2), (0, 2, 2), (0, 2, 2)]], {}, {0: 0}, 5)  # boarding late on rides of 0 s
def test_scan_equals_repeated_relaxation_of_whole_trips(runs, walks, access, duration):
    timetable = timetable_of(runs)
    found = connections(timetable, date=DATE, start=0, end=200)
    walks = with_self(walks)
    departure = 2
    initial = [departure + access[i] if i in access else int(UNREACHED) for i in range(6)]
    got = earliest_arrival(found, pairs_table(walks, 6, 6), initial, departure, duration)
    assert list(got) == relaxed_arrivals(timetable, walks, initial, departure + duration)


@settings(max_examples=15, deadline=None)
@given(
    small_runs(),
    small_walks,
    st.dictionaries(st.integers(0, 5), st.integers(0, 6), min_size=1, max_size=3),
    st.lists(st.integers(0, 25), min_size=1, max_size=6),
    st.integers(0, 40),
)
def test_one_pass_for_many_departures_equals_a_pass_for_each(runs, walks, access, departures, duration):
    found = connections(timetable_of(runs), date=DATE, start=0, end=200)
    changes = pairs_table(with_self(walks), 6, 6)
    entry = pairs_table({(0, stop): s for stop, s in access.items()}, 1, 6)
    together = arrival_profile(found, changes, entry, departures, duration)[0]
    for departure, got in zip(departures, together, strict=True):
        initial = [departure + access[i] if i in access else int(UNREACHED) for i in range(6)]
        assert list(got) == list(earliest_arrival(found, changes, initial, departure, duration))


@settings(max_examples=15, deadline=None)
@given(small_runs(max_runs=5), st.integers(0, 5), st.integers(0, 10))
def test_scan_equals_dijkstra_on_the_time_expanded_graph(runs, source, departure):
    """Every (stop, second) is a node; waiting costs 1 s, a trip is a chain of its own nodes."""
    timetable = timetable_of(runs)
    horizon = 90
    node = {(stop, t): stop * horizon + t for stop in range(6) for t in range(horizon)}
    size = len(node)
    links = [(node[s, t], node[s, t + 1]) for s in range(6) for t in range(horizon - 1)]
    for run in runs:
        for i, (stop, arrival, leave) in enumerate(run):
            here, size = size, size + 1
            links.append((node[stop, leave], here))
            if i:
                links += [(here - 1, here), (here - 1, node[stop, arrival])]
    tail, head = np.array(links).T
    graph = coo_array((np.ones(len(links)), (tail, head)), shape=(size, size)).tocsr()
    reached = np.isfinite(dijkstra(graph, indices=node[source, departure], unweighted=True))
    wanted = []
    for stop in range(6):
        times = [t for t in range(horizon) if reached[node[stop, t]]]
        wanted.append(times[0] if times else int(UNREACHED))
    found = connections(timetable, date=DATE, start=0, end=200)
    initial = [departure if i == source else int(UNREACHED) for i in range(6)]
    assert list(earliest_arrival(found, footpaths(timetable), initial, departure, 80)) == wanted


@settings(max_examples=15, deadline=None)
@given(small_runs(), small_walks, st.integers(0, 5))
def test_leaving_later_never_arrives_earlier(runs, walks, source):
    found = connections(timetable_of(runs), date=DATE, start=0, end=200)
    entry = pairs_table({(0, source): 0}, 1, 6)
    arrivals = arrival_profile(found, pairs_table(with_self(walks), 6, 6), entry, range(20), 100)[0]
    assert (np.diff(arrivals, axis=0) >= 0).all()


@settings(max_examples=15, deadline=None)
@given(small_runs(), small_walks, st.integers(0, 5))
def test_another_trip_never_worsens_an_arrival(runs, walks, source):
    entry = pairs_table({(0, source): 0}, 1, 6)
    changes = pairs_table(with_self(walks), 6, 6)

    def arrivals(some):
        return arrival_profile(
            connections(timetable_of(some), date=DATE, start=0, end=200), changes, entry, [0, 5], 100
        )

    assert (arrivals(runs) <= arrivals(runs[:-1] or [[(0, 150, 150), (1, 160, 160)]])).all() or len(runs) == 1


@settings(max_examples=15, deadline=None)
@given(small_runs(), small_walks, st.integers(0, 5), st.integers(0, 30))
def test_doors_and_opportunities_equal_a_loop_over_arrivals(runs, walks, seed, duration):
    timetable = timetable_of(runs)
    found = connections(timetable, date=DATE, start=0, end=200)
    changes = with_self(walks)
    chance = np.random.default_rng(seed)
    access, egress, direct = (
        {
            (int(a), int(b)): int(s)
            for a, b, s in zip(*chance.integers(0, n, (2, 6)), chance.integers(0, 20, 6), strict=True)
        }
        for n in (3, 3, 3)
    )
    departures, jobs, limits = [7, 0, 3], np.array([3.0, 5.0, 11.0]), [2, 8, duration]
    got = accessibility(
        found, pairs_table(changes, 6, 6),
        pairs_table(access, 3, 6), pairs_table(egress, 6, 3), pairs_table(direct, 3, 3), departures, duration,
        thresholds=limits, opportunities=jobs, statistic="capped",
    )  # fmt: skip
    for origin in range(3):
        times = np.full((3, 3), FAR)  # (departure, destination)
        for k, departure in enumerate(departures):
            initial = [departure + access[origin, s] if (origin, s) in access else FAR for s in range(6)]
            rides = ride_arrivals(timetable, changes, initial)
            for goal in range(3):
                options = [direct.get((origin, goal), FAR)]
                options += [rides[s] + seconds - departure for (s, g), seconds in egress.items() if g == goal]
                times[k, goal] = min(options)
        for t, limit in enumerate(limits):
            wanted = (jobs * (times <= min(limit, duration))).sum(axis=1).mean()
            assert got.opportunities[origin, t] == pytest.approx(wanted)
        np.testing.assert_allclose(got.travel_time[origin], np.minimum(times, duration).mean(axis=0), rtol=1e-6)


def ride_arrivals(timetable, walks, initial):
    """Oracle: arrivals by a ride only (a walk to the destination may follow)."""
    board, ride = list(initial), [FAR] * 6
    place = {stop: i for i, stop in enumerate(timetable.stops.index)}
    trips = [list(rows.itertuples(index=False)) for _, rows in timetable.stop_times.groupby("trip_id", sort=False)]
    for _ in range(20):
        for trip in trips:
            riding = False
            for row in trip:
                stop = place[row.stop_id]
                if riding:
                    ride[stop] = min(ride[stop], row.arrival)
                riding = riding or board[stop] <= row.departure
        for (a, b), seconds in walks.items():
            board[b] = min(board[b], ride[a] + seconds)
    return ride


def test_published_table_is_equal_in_every_cell(shared_data):
    folder = shared_data / "benchmarks" / "transit"
    timetable = read_gtfs(folder / "gtfs.zip", feed="b", crs=CRS)
    answer = np.load(folder / "earliest_arrival.npz")
    found = connections(timetable, date=DATE, start=0, end=DAY)
    changes = footpaths(timetable)
    stop = timetable.stops.index.get_indexer([f"b:S{i}" for i in range(len(timetable.stops))])
    # from a stop one may ride at once or walk first
    rows = [
        (i, changes.target[j], changes.seconds[j])
        for i, s in enumerate(stop[answer["sources"]])
        for j in range(*changes.start[s : s + 2])
    ]
    entry = walks_from_pairs(*np.array(rows).T, origin_count=len(answer["sources"]), target_count=len(stop))
    got = arrival_profile(found, changes, entry, answer["departures_s"], DAY)[:, :, stop]
    assert np.array_equal(np.where(got == UNREACHED, -1, got), answer["arrival_s"])


def test_a_walk_is_never_joined_to_another():
    timetable = timetable_of([[(0, 0, 10), (1, 20, 20)]], transfers=[("s1", "s2", 5), ("s2", "s3", 5)])
    found = connections(timetable, date=DATE, start=0, end=100)
    initial = np.full(6, UNREACHED)
    initial[0] = 0
    got = earliest_arrival(found, footpaths(timetable), initial, 0, 100)
    assert list(got[:4]) == [0, 20, 25, UNREACHED]


def test_a_stop_reached_first_on_foot_can_still_be_left_on_foot_after_a_ride():
    """Walk to s1 by 12, ride to s1 by 20: only the rider may walk on from s1 (to s2 by 25)."""
    timetable = timetable_of([[(0, 0, 10), (1, 20, 20)]], transfers=[("s1", "s2", 5)])
    found = connections(timetable, date=DATE, start=0, end=100)
    initial = np.full(6, UNREACHED)
    initial[[0, 1]] = 0, 12
    assert list(earliest_arrival(found, footpaths(timetable), initial, 0, 100)[:3]) == [0, 12, 25]


def test_a_stated_change_time_holds_at_the_same_stop():
    runs = [[(0, 0, 10), (1, 20, 20)], [(1, 22, 22), (2, 30, 30)], [(1, 40, 40), (2, 50, 50)]]
    initial = np.full(6, UNREACHED)
    initial[0] = 0
    for seconds, wanted in ((0, 30), (2, 30), (3, 50)):
        timetable = timetable_of(runs, transfers=[("s1", "s1", seconds)])
        found = connections(timetable, date=DATE, start=0, end=100)
        assert earliest_arrival(found, footpaths(timetable), initial, 0, 100)[2] == wanted


def test_where_boarding_or_alighting_is_barred_nobody_does():
    run = [(0, 0, 10), (1, 20, 20), (2, 30, 30)]
    initial = np.full(6, UNREACHED)
    initial[0] = 0
    for rules, wanted in (
        ({}, [20, 30]),
        ({(0, 1): (True, False)}, [UNREACHED, 30]),
        ({(0, 0): (False, True)}, [UNREACHED] * 2),
    ):
        timetable = timetable_of([run], rules=rules)
        found = connections(timetable, date=DATE, start=0, end=100)
        assert list(earliest_arrival(found, footpaths(timetable), initial, 0, 100)[1:3]) == wanted


def test_mean_and_median_count_what_is_not_reached_as_infinite():
    timetable = timetable_of([[(0, 0, 10), (1, 20, 20)]])
    found = connections(timetable, date=DATE, start=0, end=100)
    here, there = pairs_table({(0, 0): 0}, 1, 6), pairs_table({(1, 0): 1}, 6, 1)
    tables = (found, footpaths(timetable), here, there, pairs_table({}, 1, 1))
    assert travel_times(*tables, [9, 10], 50)[0, 0] == 11.5
    assert travel_times(*tables, [9, 10, 11], 50)[0, 0] == np.inf
    assert travel_times(*tables, [9, 10, 11], 50, statistic="median")[0, 0] == 12
    assert travel_times(*tables, [9, 10, 11], 50, statistic="capped")[0, 0] == pytest.approx(73 / 3)
    assert list(opportunities_within(*tables, [9, 10, 11], [11, 12], [6.0])[0]) == pytest.approx([2.0, 4.0])


# --- expansion -------------------------------------------------------------------------------------------------------


def slow_connections(timetable, date, start, end):
    """Oracle: (departure, trip, shift, sequence, from, to, arrival) of every ride in the window."""
    found = []
    yesterday = str(np.datetime64(date) - 1)
    for day, midnight in ((date, 0), (yesterday, -DAY)):
        running = set(timetable.services.loc[timetable.services["date"] == day, "service_id"])
        for row, (trip_id, trip) in enumerate(timetable.trips.iterrows()):
            if trip["service_id"] not in running:
                continue
            times = timetable.stop_times[timetable.stop_times["trip_id"] == trip_id].sort_values("sequence")
            windows = timetable.frequencies[timetable.frequencies["trip_id"] == trip_id]
            shifts = [midnight] if windows.empty else []
            for window in windows.itertuples(index=False):
                clock = window.start
                while clock < window.end:
                    shifts.append(clock - times["departure"].iloc[0] + midnight)
                    clock += window.headway
            rides = list(itertools.pairwise(times.itertuples(index=False)))
            for shift in shifts:
                found += [
                    (a.departure + shift, row, shift, i, a.stop_id, b.stop_id, b.arrival + shift)
                    for i, (a, b) in enumerate(rides)
                    if start <= a.departure + shift <= end
                ]
    return sorted(found)


@settings(max_examples=15, deadline=None)
@given(
    small_runs(),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 60), st.integers(0, 40), st.integers(1, 15)), max_size=4),
    st.booleans(),
    st.integers(0, 30),
)
def test_expansion_equals_a_plain_loop(runs, windows, yesterday, start):
    late = [[(s, a + DAY, d + DAY) for s, a, d in run] for run in runs[:2]]
    windows = [(f"t{t}", a, a + length, h, False) for t, a, length, h in windows if t < len(runs)]
    dates = [DATE, "2026-03-02"] if yesterday else [DATE]
    timetable = timetable_of([*runs, *late], frequencies=windows, dates=dates)
    got = connections(timetable, date=DATE, start=start, end=start + 50)
    wanted = slow_connections(timetable, DATE, start, start + 50)
    stops = list(timetable.stops.index)
    ordered = sorted(
        (t, trip_row, stops[a], stops[b], arrival)
        for t, trip_row, a, b, arrival in zip(
            got.departure_time.tolist(),
            got.trip_row[got.trip].tolist(),
            got.departure_stop,
            got.arrival_stop,
            got.arrival_time.tolist(),
            strict=True,
        )
    )
    assert ordered == sorted((w[0], w[1], w[4], w[5], w[6]) for w in wanted)
    assert (np.diff(got.departure_time) >= 0).all()
    assert len({(w[1], w[2]) for w in wanted}) <= len(got.trip_row)
    for run in range(len(got.trip_row)):
        own = np.flatnonzero(got.trip == run)
        assert (got.arrival_stop[own][:-1] == got.departure_stop[own][1:]).all()  # a run's rides follow each other


def test_yesterdays_night_run_is_under_way_after_midnight():
    run = [(0, DAY - 60, DAY - 60), (1, DAY + 60, DAY + 90), (2, DAY + 200, DAY + 200)]
    timetable = timetable_of([run], dates=["2026-03-02", "2026-03-04"])
    found = connections(timetable, date=DATE, start=0, end=1000)
    assert list(found.departure_time) == [90]
    assert list(found.arrival_time) == [200]


def test_a_date_outside_the_calendar_is_refused_with_one_inside():
    timetable = timetable_of([[(0, 0, 0), (1, 5, 5)]])
    with pytest.raises(ModelError, match=DATE):
        connections(timetable, date="2031-01-01", start=0, end=10)
    with pytest.raises(ModelError, match="ISO"):
        connections(timetable, date="next Tuesday", start=0, end=10)


# --- the timetable and its edits -------------------------------------------------------------------------------------


def regular_line(step=600, count=7, start=6 * 3600):
    """Line 7 to and fro: s0-s1-s2 and back."""
    out = [[(0, t, t), (1, t + 100, t + 110), (2, t + 200, t + 200)] for t in range(start, start + step * count, step)]
    back = [[(2, t, t), (1, t + 100, t + 110), (0, t + 200, t + 200)] for t in range(start, start + step * count, step)]
    timetable = timetable_of([*out, *back], names=["7"] * (2 * count))
    trips = timetable.trips.assign(direction=[0] * count + [1] * count)
    return dataclasses.replace(timetable, trips=trips)


def starts(timetable, stop="s0", end=30 * 3600):
    found = connections(timetable, date=DATE, start=0, end=end)
    at = list(timetable.stops.index).index(stop)
    return sorted(found.departure_time[found.departure_stop == at].tolist())


def test_a_headway_runs_the_line_from_its_first_to_its_last_departure():
    edited = with_headway(regular_line(), "7", 300)
    assert starts(edited, "s0") == list(range(6 * 3600, 7 * 3600 + 1, 300))
    assert starts(edited, "s2") == list(range(6 * 3600, 7 * 3600 + 1, 300))
    again = with_headway(edited, "7", 1200)
    assert starts(again, "s0") == list(range(6 * 3600, 7 * 3600 + 1, 1200))


def test_a_headway_within_a_window_leaves_the_rest_as_it_is():
    edited = with_headway(regular_line(), "7", 200, (6 * 3600 + 1200, 6 * 3600 + 2400))
    wanted = [0, 600, *range(1200, 2400, 200), 2400, 3000, 3600]
    assert [t - 6 * 3600 for t in starts(edited)] == wanted
    twice = with_headway(edited, "7", 400, (6 * 3600 + 1200, 6 * 3600 + 2400))
    assert [t - 6 * 3600 for t in starts(twice)] == [0, 600, 1200, 1600, 2000, 2400, 3000, 3600]


def test_patterns_of_one_direction_share_the_headway():
    long, short = [(0, 0, 0), (1, 100, 100), (2, 200, 200)], [(0, 0, 0), (1, 100, 100)]
    runs = [[(s, a + 600 * i, d + 600 * i) for s, a, d in (long if i % 2 else short)] for i in range(12)]
    edited = with_headway(timetable_of(runs, names=["7"] * 12), "7", 300)
    assert starts(edited, "s0") == list(range(0, 6601, 300))


@pytest.mark.parametrize("headway", [0, -5, float("nan"), 86_401, float("inf"), 0.2])
def test_a_headway_out_of_range_is_refused(headway):
    with pytest.raises(ScenarioError, match="headway"):
        with_headway(regular_line(), "7", headway)


def test_an_unknown_line_is_refused_with_the_lines_there_are():
    with pytest.raises(ScenarioError, match=r"no line '9'.*7"):
        with_headway(regular_line(), "9", 300)


def test_a_new_line_runs_both_ways_at_its_speed():
    base = regular_line()
    points = [shapely.Point(0, 500), shapely.Point(600, 500), shapely.Point(1500, 500)]
    edited = with_line(
        base, line_id="new:T", name="T", mode="tram", stops=points, headway=600, speed=6.0, dwell=20, span=(0, 3600)
    )
    found = connections(edited, date=DATE, start=0, end=3599)
    first = list(edited.stops.index).index("new:T:1")
    rides = found.departure_stop == first
    assert found.departure_time[rides].tolist() == list(range(0, 3600, 600))
    assert found.arrival_time[rides].tolist() == [t + 100 for t in range(0, 3600, 600)]
    times = edited.stop_times[edited.stop_times["trip_id"] == "new:T:1"]
    assert times["stop_id"].tolist() == ["new:T:3", "new:T:2", "new:T:1"]
    assert times["arrival"].tolist() == [0, 150, 270]
    assert ("T", "tram") in [(line.name, line.mode) for line in edited.lines]
    assert len(base.stops) == 6  # the input is as it was


@pytest.mark.parametrize(
    "change",
    [
        {"headway": 0},
        {"speed": 0},
        {"dwell": -1},
        {"mode": "rocket"},
        {"stops": [shapely.Point(0, 0)]},
        {"span": (5, 5)},
        {"services": []},
    ],
)
def test_a_line_that_cannot_run_is_refused(change):
    points = [shapely.Point(0, 500), shapely.Point(600, 500)]
    line = {
        "line_id": "n",
        "name": "N",
        "mode": "bus",
        "stops": points,
        "headway": 600,
        "speed": 5,
        "dwell": 0,
        "span": (0, 9),
    }
    with pytest.raises(ScenarioError):
        with_line(regular_line(), **(line | change))


def test_closing_and_moving_a_stop():
    closed = without_stop(with_headway(regular_line(), "7", 300), "s0")
    assert "s0" not in closed.stops.index
    assert starts(closed, "s1")[0] == 6 * 3600 + 110
    moved = with_moved_stop(regular_line(), "s0", shapely.Point(1, 2))
    assert moved.stops.geometry["s0"].y == 2
    with pytest.raises(ScenarioError):
        without_stop(closed, "s0")


def test_a_faulty_timetable_is_refused():
    good = regular_line()
    times = good.stop_times.assign(stop_id="nowhere")
    for faulty in (
        {"stop_times": times},
        {"stop_times": good.stop_times.assign(arrival=-1)},
        {"trips": good.trips.iloc[1:]},
    ):
        with pytest.raises(LayerError):
            Timetable.from_tables({**good.tables(), **faulty})
    with pytest.raises(LayerError):
        merge_timetables([good, good])


def test_a_timetable_can_start_empty():
    empty = Timetable.empty(CRS)
    assert empty.lines == ()
    assert empty.date_range is None
    points = [shapely.Point(0, 0), shapely.Point(500, 0)]
    with_one = with_line(
        empty,
        line_id="a",
        name="A",
        mode="bus",
        stops=points,
        headway=60,
        speed=5,
        dwell=0,
        span=(0, 600),
        services=[DATE],
    )
    assert with_one.time_span == (0, 640)
    assert with_one.busiest_date == DATE


# --- walking ---------------------------------------------------------------------------------------------------------


@st.composite
def networks(draw):
    count = draw(st.integers(2, 12))
    nodes = st.integers(0, count - 1)
    links = draw(st.lists(st.tuples(nodes, nodes, st.floats(0.5, 50)), min_size=1, max_size=30))
    return count, links


@settings(max_examples=50, deadline=None)
@given(networks(), st.floats(0, 120), st.booleans())
def test_walking_equals_dijkstra_of_scipy(network, limit, both_ways):
    count, links = network
    tail, head, seconds = (np.array(column) for column in zip(*links, strict=True))
    graph = walk_graph(tail, head, seconds, node_count=count, both_ways=both_ways)
    matrix = np.full((count, count), np.inf)
    np.minimum.at(matrix, (tail, head), seconds)
    wanted = dijkstra(np.where(np.isinf(matrix), 0, matrix), directed=both_ways is False)
    start, node, got = walk_times(graph, range(count), limit)
    dense = np.full((count, count), np.inf)
    dense[np.repeat(np.arange(count), np.diff(start)), node] = got
    np.testing.assert_allclose(dense, np.where(wanted <= limit, wanted, np.inf), rtol=1e-12)


def grid_walk(side=9, step=100.0):
    y, x = np.divmod(np.arange(side * side), side)
    right, up = np.flatnonzero(x < side - 1), np.flatnonzero(y < side - 1)
    tail, head = np.concatenate([right, up]), np.concatenate([right + 1, up + side])
    return np.column_stack([x, y]) * step, tail, head, np.full(len(tail), step)


def points_walk(speed, limit=900.0):
    nodes, tail, head, length = grid_walk()
    graph = walk_graph(tail, head, length / speed, node_count=len(nodes))
    places = np.random.default_rng(4).uniform(0, 800, (30, 2))
    joined = attach(places, nodes, speed=speed, limit=500)
    return places, nodes, point_to_point(graph, joined, joined, limit)


def dense(walks):
    table = np.full((len(walks.start) - 1, walks.target_count), np.inf)
    table[np.repeat(np.arange(len(walks.start) - 1), np.diff(walks.start)), walks.target] = walks.seconds
    return table


def test_point_to_point_on_a_grid_is_the_manhattan_way():
    places, _, walks = points_walk(speed=1.0)
    nearest = np.rint(places / 100) * 100
    to_node = np.hypot(*(places - nearest).T)
    metres = np.abs(nearest[:, None] - nearest[None]).sum(axis=2) + to_node[:, None] + to_node[None]
    np.testing.assert_array_equal(dense(walks), np.where(metres <= 900, np.ceil(metres - 1e-6), np.inf))


def test_walking_faster_never_worsens_anything():
    assert (dense(points_walk(speed=1.5)[2]) <= dense(points_walk(speed=1.2)[2])).all()


def test_points_far_from_streets_stay_unattached_and_islands_can_be_left_out():
    nodes = np.array([[0, 0], [100, 0], [200, 0], [0, 5000], [100, 5000]], dtype=float)
    graph = walk_graph([0, 1, 3], [1, 2, 4], [80, 80, 80], node_count=5)
    part = largest_part(graph)
    assert part.tolist() == [True, True, True, False, False]
    joined = attach([[10, 0], [0, 4990], [0, 9000]], nodes, speed=1.25, limit=500, usable=part)
    assert np.diff(joined.start).tolist() == [1, 0, 0]
    assert joined.seconds.tolist() == [8.0]


def test_bad_walking_input_is_refused():
    with pytest.raises(ModelError):
        walk_graph([0], [1], [-1.0], node_count=2)
    with pytest.raises(ModelError):
        walk_graph([0], [5], [1.0], node_count=2)
    graph = walk_graph([0], [1], [1.0], node_count=2)
    with pytest.raises(ModelError):
        walk_times(graph, [7], 10)
    with pytest.raises(ModelError):
        attach([[0, 0]], [[0, 0]], speed=0, limit=10)


def test_tables_that_do_not_fit_are_refused():
    timetable = timetable_of([[(0, 0, 10), (1, 20, 20)]])
    found = connections(timetable, date=DATE, start=0, end=100)
    changes = footpaths(timetable)
    with pytest.raises(ModelError):
        earliest_arrival(found, pairs_table({}, 3, 3), np.zeros(6), 0, 10)
    with pytest.raises(ModelError):
        travel_times(found, changes, pairs_table({}, 2, 6), pairs_table({}, 6, 2), pairs_table({}, 1, 2), [0], 10)
    fitting = (found, changes, pairs_table({}, 2, 6), pairs_table({}, 6, 2), pairs_table({}, 2, 2))
    with pytest.raises(ModelError):
        travel_times(*fitting, [], 10)
    with pytest.raises(ModelError):
        opportunities_within(*fitting, [0], [10], [1.0])
    with pytest.raises(ModelError):
        opportunities_within(*fitting, [0], [10], [1.0, np.nan])
