"""A timetable of mapped lines: both directions, assumed headway, times that follow distance and speed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.models.derive.lines import FIRST_DEPARTURE, LAST_DEPARTURE, SERVICE_DAY, timetable_from_lines

CRS = "EPSG:32635"
ASSUMED = {
    **{f"{mode}_headway": 600.0 for mode in ("tram", "bus", "rail", "subway", "ferry")},
    **{f"{mode}_speed": 5.0 for mode in ("tram", "bus", "rail", "subway", "ferry")},
    "stop_dwell": 20.0,
    "line_detour": 1.0,
}


def mapped(*lines):
    """Lines as (id, number, mode, stop names): stops named A, B, C ... lie 500 m apart on a straight street."""
    table = gpd.GeoDataFrame(
        {"route_name": [x[1] for x in lines], "mode": [x[2] for x in lines], "name": ""},
        geometry=[shapely.LineString([(0, 0), (1, 1)]) for _ in lines],
        crs=CRS,
        index=[x[0] for x in lines],
    )
    calls = [(line[0], i, stop) for line in lines for i, stop in enumerate(line[3])]
    stops = gpd.GeoDataFrame(
        {
            "line": [c[0] for c in calls],
            "sequence": [c[1] for c in calls],
            "stop": [c[2] for c in calls],
            "name": [c[2] for c in calls],
        },
        geometry=[shapely.Point(500 * (ord(c[2]) - ord("A")), 0) for c in calls],
        crs=CRS,
    )
    return table, stops


def order(timetable, trip):
    rows = timetable.stop_times[timetable.stop_times["trip_id"] == trip]
    return "".join(rows["stop_id"]), rows


def test_a_line_mapped_one_way_runs_both_ways():
    timetable = timetable_from_lines(*mapped(("r1", "7", "tram", "ABCD")), **ASSUMED)
    assert order(timetable, "tram:7:0")[0] == "ABCD"
    assert order(timetable, "tram:7:1")[0] == "DCBA"
    rows = order(timetable, "tram:7:0")[1]
    assert rows["arrival"].tolist() == [0, 100, 220, 340]
    assert rows["departure"].tolist() == [0, 120, 240, 340]
    assert timetable.frequencies["headway"].tolist() == [600, 600]
    assert set(timetable.frequencies["start"]) == {FIRST_DEPARTURE}
    assert set(timetable.frequencies["end"]) == {LAST_DEPARTURE}
    assert timetable.date_range == (SERVICE_DAY, SERVICE_DAY)


def test_the_mapped_way_back_is_used_and_short_variants_are_left_out():
    lines = mapped(
        ("r1", "7", "tram", "ABCD"), ("r2", "7", "tram", "DBA"), ("r3", "7", "tram", "AB"), ("r4", "8", "bus", "AC")
    )
    timetable = timetable_from_lines(*lines, **ASSUMED)
    assert order(timetable, "tram:7:1")[0] == "DBA"
    assert sorted(timetable.trips.index) == ["bus:8:0", "bus:8:1", "tram:7:0", "tram:7:1"]


def test_a_stop_mapped_twice_in_a_row_counts_once():
    assert order(timetable_from_lines(*mapped(("r1", "7", "tram", "AABBC")), **ASSUMED), "tram:7:0")[0] == "ABC"


def test_lines_without_number_stops_or_known_mode_do_not_run():
    lines = mapped(("r1", "", "tram", "AB"), ("r2", "9", "tram", "A"), ("r3", "5", "funicular", "AB"))
    with pytest.raises(NotComputableError, match="two stops"):
        timetable_from_lines(*lines, **ASSUMED)


def test_the_order_of_rows_does_not_matter():
    lines, stops = mapped(("r1", "7", "tram", "ABCD"), ("r2", "3", "bus", "CBA"))
    one = timetable_from_lines(lines, stops, **ASSUMED)
    other = timetable_from_lines(lines.iloc[::-1], stops.sample(frac=1, random_state=1), **ASSUMED)
    assert one.stop_times.equals(other.stop_times)
    assert one.frequencies.equals(other.frequencies)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.sampled_from("ABCDEF"), min_size=2, max_size=9), st.floats(1, 30), st.floats(0, 60), st.floats(1, 5000)
)
def test_times_never_go_back_and_speed_only_shortens_them(stops, speed, dwell, headway):
    if len({*stops}) < 2:
        return
    line = mapped(("r1", "7", "tram", stops))
    words = ASSUMED | {"stop_dwell": dwell, "tram_headway": headway}
    slow = timetable_from_lines(*line, **words | {"tram_speed": speed}).stop_times
    fast = timetable_from_lines(*line, **words | {"tram_speed": 2 * speed}).stop_times
    assert (slow["departure"] >= slow["arrival"]).all()
    assert (fast["arrival"].to_numpy() <= slow["arrival"].to_numpy()).all()
    assert np.isfinite(slow["arrival"]).all()
