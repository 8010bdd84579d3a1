"""The hour of departure that a city's own timetable settles."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from synapolis.layers.timetable import Timetable
from synapolis.sources.service_hours import departure_hour, timetable_notes, trips_by_hour

HOUR = 3600


def timetable(starts, headways=()):
    """One line of two stops with trips of 40 minutes; `headways` are (start, end, seconds between)."""
    count = len(starts) + len(headways)
    ids = [f"t{number}" for number in range(count)]
    begin = [*starts, *(start for start, _, _ in headways)]
    stops = gpd.GeoDataFrame(
        {"name": ["A", "B"]}, geometry=[shapely.Point(0, 0), shapely.Point(900, 0)], index=["A", "B"], crs="EPSG:32635"
    )
    trips = pd.DataFrame(
        {"route_id": "r", "route_name": "1", "mode": "bus", "service_id": "s", "direction": 0}, index=ids
    )
    rows = [
        (trip, sequence, stop, start + sequence * 2400, start + sequence * 2400)
        for trip, start in zip(ids, begin, strict=True)
        for sequence, stop in enumerate("AB")
    ]
    times = pd.DataFrame(rows, columns=["trip_id", "sequence", "stop_id", "arrival", "departure"])
    regular = pd.DataFrame(
        [(trip, *each, True) for trip, each in zip(ids[len(starts) :], headways, strict=True)],
        columns=["trip_id", "start", "end", "headway", "exact"],
    )
    services = pd.DataFrame({"service_id": ["s"], "date": ["2019-04-15"]})
    tables = {"stops": stops, "trips": trips, "stop_times": times, "services": services, "frequencies": regular}
    return Timetable.from_tables(tables)


def test_a_day_that_covers_the_usual_hour_states_nothing():
    assert departure_hour(timetable([hour * HOUR for hour in range(5, 24)])) is None
    assert departure_hour(timetable([], [(5 * HOUR, 23 * HOUR, 600)])) is None


def test_an_afternoon_feed_states_an_hour_in_the_middle_of_its_span():
    stated = departure_hour(timetable([int((11.4 + number * 0.1) * HOUR) for number in range(55)]))
    assert (stated.name, stated.value, stated.low, stated.high) == ("departure_hour", 13, 13, 13)
    assert "the feed's own span" in stated.source
    assert "2019-04-15" in stated.source


def test_one_early_train_does_not_make_a_morning_service():
    trips = [7 * HOUR, *(int((12 + number * 0.1) * HOUR) for number in range(50))]
    assert departure_hour(timetable(trips)).value == 14  # of 12 to 18 h


def test_frequencies_count_by_their_departures():
    by_hour = trips_by_hour(timetable([], [(12 * HOUR, 16 * HOUR, 600)]))
    assert by_hour[12:16].sum() == pytest.approx(24, rel=0.2)
    assert not by_hour[:12].any()


def test_a_timetable_says_its_own_dates_and_which_stops_no_street_reaches():
    street = gpd.GeoDataFrame(
        {"walk": [True, False]},
        geometry=[shapely.LineString([(-100, 100), (100, 100)]), shapely.LineString([(900, -5), (900, 5)])],
        crs="EPSG:32635",
    )
    dates, far = timetable_notes(timetable([8 * HOUR]), street)
    assert "2019-04-15 to 2019-04-15" in dates
    assert far.startswith("1 stops lie more than 400 m")
    assert len(timetable_notes(timetable([8 * HOUR]), None)) == 1
