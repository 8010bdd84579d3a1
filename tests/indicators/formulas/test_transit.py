"""Transit indicators on timetables that can be counted on fingers."""

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import per_100_000
from synapolis.indicators.formulas.transit import (
    residents_near_frequent_transit,
    residents_with_convenient_transit,
    stop_headway,
    transit_network_per_100000,
)
from synapolis.layers.timetable import Timetable

PEAK = {"departure_hour": 8.0, "departure_window": 60.0}


def of_times(departures, *, mode="bus", stops=((0, 0), (1000, 0))):
    """One line with a trip at each departure [s], a minute between stops."""
    names = [f"s{n}" for n in range(len(stops))]
    times = [(f"t{at}", n, names[n], at + 60 * n, at + 60 * n) for at in departures for n in range(len(stops))]
    return Timetable.from_tables(
        {
            "stops": gpd.GeoDataFrame(
                {"name": names}, geometry=[shapely.Point(*xy) for xy in stops], index=names, crs="EPSG:32635"
            ),
            "trips": pd.DataFrame(
                [(f"t{at}", "r", "1", mode, "day", 0) for at in departures],
                columns=["id", "route_id", "route_name", "mode", "service_id", "direction"],
            ).set_index("id"),
            "stop_times": pd.DataFrame(times, columns=["trip_id", "sequence", "stop_id", "arrival", "departure"]),
            "services": pd.DataFrame({"service_id": ["day"], "date": ["2025-05-05"]}),
        }
    )


def test_headway_is_the_window_over_the_departures_in_it():
    at = [7 * 3600 + 3599, 8 * 3600, 8 * 3600 + 900, 8 * 3600 + 3599, 9 * 3600]
    assert stop_headway(of_times(at), **PEAK).tolist() == [1200, np.inf]  # three inside; nothing leaves the last stop


def test_repeated_trips_count_by_their_departures_at_each_stop(toy):
    found = pd.Series(stop_headway(toy.layers["timetable"].value, **PEAK), toy.layers["timetable"].value.stops.index)
    assert found[["A0", "A2", "A4"]].tolist() == [600] * 3
    assert found[["B0", "B2"]].tolist() == [1200] * 2
    assert found[["C0", "C1"]].tolist() == [1800] * 2


@settings(max_examples=10, deadline=None)
@given(st.integers(60, 5400), st.integers(0, 3600), st.integers(1, 7200))
def test_repeated_trips_are_counted_as_if_written_out(headway, offset, length):
    start, end = 7 * 3600 + offset, 7 * 3600 + offset + length
    written = list(range(start, end, headway))
    spread = of_times(written)
    repeated = Timetable.from_tables(
        {**of_times([start]).tables(),
         "frequencies": pd.DataFrame({"trip_id": [f"t{start}"], "start": [start], "end": [end], "headway": [headway],
                                      "exact": [True]})}
    )  # fmt: skip
    inside = [at for at in written if 8 * 3600 <= at < 9 * 3600]
    if inside:
        assert stop_headway(repeated, **PEAK)[0] == stop_headway(spread, **PEAK)[0] == 3600 / len(inside)
    else:
        with pytest.raises(NotComputableError, match="departures between 8 h"):
            stop_headway(repeated, **PEAK)


def test_network_counts_each_link_of_a_line_once():
    there = of_times([8 * 3600, 8 * 3600 + 600], stops=((0, 0), (300, 400), (300, 1400)))
    assert transit_network_per_100000(there, 3000.0, 1.2) == pytest.approx(1.5 * 1.2 / 3000 * 100_000)


def test_of_two_directions_with_stops_of_their_own_the_longer_counts():
    one_way = of_times([8 * 3600], stops=((0, 0), (0, 1000), (30, 1000), (30, 0)))  # there 1000 m, back 1000 m
    tables = one_way.tables()
    there, back = tables["stop_times"].iloc[:2], tables["stop_times"].iloc[2:].assign(trip_id="back")
    trips = pd.concat([tables["trips"], tables["trips"].set_axis(["back"]).assign(direction=1)])
    both = Timetable.from_tables({**tables, "trips": trips, "stop_times": pd.concat([there, back])})
    assert transit_network_per_100000(both, 1000.0, 1.0) == pytest.approx(100)
    assert transit_network_per_100000(one_way, 1000.0, 1.0) == pytest.approx(203)


def test_near_a_frequent_stop(people):
    timetable = of_times(range(8 * 3600, 9 * 3600, 1200), stops=((600, 0), (5000, 0)))  # 500 m from the second point
    headway = stop_headway(timetable, **PEAK)
    assert headway[0] == 1200
    assert residents_near_frequent_transit(people, timetable, headway) == pytest.approx(90)
    assert residents_near_frequent_transit(people, timetable, headway + 1) == 0


def test_convenient_transit_reaches_further_to_stations(people):
    stops = ((1200, 0), (9000, 0))  # 1000 m from the third point
    at = [8 * 3600]
    for mode, share in (("rail", 70), ("subway", 70), ("bus", 0), ("tram", 0)):
        timetable = of_times(at, mode=mode, stops=stops)
        assert residents_with_convenient_transit(people, timetable, stop_headway(timetable, **PEAK)) == share


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=2, max_size=8, unique=True))
def test_one_stop_more_never_leaves_fewer_people_near(places):
    points = pd.DataFrame({"x": np.arange(0, 3001, 100.0), "y": 1500.0, "people": np.arange(1.0, 32.0)})
    shares = []
    for stops in (places[:-1], places):
        served = SimpleNamespace(stops=gpd.GeoDataFrame(geometry=[shapely.Point(*xy) for xy in stops]))
        shares.append(residents_near_frequent_transit(points, served, np.full(len(stops), 1200.0)))
        near = sum(
            people for x, y, people in points.to_numpy() if any((x - a) ** 2 + (y - b) ** 2 <= 500**2 for a, b in stops)
        )
        assert shares[-1] == pytest.approx(100 * near / points["people"].sum())
    assert shares[1] >= shares[0]


def test_nothing_in_the_peak_is_not_computable():
    with pytest.raises(NotComputableError, match="needs departures between 8 h and 60 min later"):
        stop_headway(of_times([3600]), **PEAK)


def test_nobody_is_not_computable(people):
    timetable = of_times([8 * 3600])
    with pytest.raises(NotComputableError, match="needs residents"):
        residents_near_frequent_transit(people.assign(people=0.0), timetable, stop_headway(timetable, **PEAK))
    with pytest.raises(NotComputableError, match="needs residents"):
        transit_network_per_100000(timetable, 0.0, 1.0)


@given(st.floats(0, 1e9), st.floats(1, 1e8))
def test_twice_the_people_halve_what_is_told_for_each(amount, population):
    assert per_100_000(amount, 2 * population) == pytest.approx(per_100_000(amount, population) / 2)
