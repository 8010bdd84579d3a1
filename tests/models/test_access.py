"""Access on a line that can be worked out by hand, and its laws on the made-up town."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.grid import Raster
from synapolis.layers.timetable import Timetable
from synapolis.models import load_models
from synapolis.models.transit.access import access, city_mean_time_to_jobs, mean_time_to_jobs
from synapolis.models.transit.travel import travel_times
from synapolis.models.transit.walking import level_metres, transit_walks, walk_network
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

CRS = "EPSG:32626"
load_models()


def points(*xs):
    return shapely.points([(x, 0.0) for x in xs])


def line_town(headway=600):
    """A street of 3 km with a stop every 1.5 km; a zone at each end; a tram of 200 s a leg, from 8:00 on."""
    junctions = gpd.GeoDataFrame(
        {"gateway": [False] * 4}, geometry=points(0, 1500, 3000, 3001), index=["j0", "j1", "j2", "j3"], crs=CRS
    )
    ends = [("j0", "j1"), ("j1", "j2"), ("j2", "j3")]
    streets = gpd.GeoDataFrame(
        {"from_junction": [a for a, _ in ends], "to_junction": [b for _, b in ends], "walk": True},
        geometry=[shapely.LineString([junctions.geometry[a], junctions.geometry[b]]) for a, b in ends],
        index=["s1", "s2", "s3"], crs=CRS,
    )  # fmt: skip
    zones = gpd.GeoDataFrame(geometry=shapely.box([-10, 2990], -10, [10, 3010], 10), index=["west", "east"], crs=CRS)
    stops = gpd.GeoDataFrame({"name": ["A", "B", "C"]}, geometry=points(0, 1500, 3000), index=["A", "B", "C"], crs=CRS)
    legs = {"out": ["A", "B", "C"], "back": ["C", "B", "A"]}
    timetable = Timetable.from_tables({
        "stops": stops,
        "trips": pd.DataFrame(
            {"route_id": "1", "route_name": "1", "mode": "tram", "service_id": "day", "direction": [0, 1]},
            index=list(legs),
        ),
        "stop_times": pd.DataFrame(
            [(trip, n, stop, 200 * n, 200 * n) for trip, calls in legs.items() for n, stop in enumerate(calls)],
            columns=["trip_id", "sequence", "stop_id", "arrival", "departure"],
        ),
        "frequencies": pd.DataFrame(
            [(trip, 7 * 3600, 10 * 3600, headway, True) for trip in legs],
            columns=["trip_id", "start", "end", "headway", "exact"],
        ),
        "services": pd.DataFrame({"service_id": ["day"], "date": ["2024-03-06"]}),
    })  # fmt: skip
    return streets, junctions, zones, timetable


class Reached(NamedTuple):
    jobs_within: np.ndarray
    mean_travel_time: np.ndarray


def reach(headway=600, *, walk_limit=4000.0, jobs=(10.0, 1000.0), count=10, hour=8.0, longest=60.0):
    streets, junctions, zones, timetable = line_town(headway)
    walks = transit_walks(walk_network(streets, junctions), zones, timetable.stops, 500.0, walk_limit)
    times = travel_times(timetable, walks, 1.0, hour, 60.0, count, longest)
    return Reached(access(times.departures_within, np.array(jobs), count), times.mean_travel_time)


def test_door_to_door_time_of_a_known_line():
    """Trams leave at 8:00, 8:10 ...; departures every 6 minutes wait 0, 4, 8, 2, 6 minutes; then 400 s of ride."""
    time = reach(600).mean_travel_time
    expected = 400 + np.mean([0, 4, 8, 2, 6]) * 60
    assert time[0, 1] == pytest.approx(expected, abs=1)
    assert time[1, 0] == pytest.approx(expected, abs=1)


def test_jobs_within_thresholds_are_means_over_departures():
    within = reach(600).jobs_within  # (threshold 5, 10, 15, 30, 45 min; zone); 6:40 of ride
    assert within[0].tolist() == [10.0, 1000.0]
    assert within[1, 0] == pytest.approx(10 + 1000 * 2 / 5)  # waits of 0 and 2 minutes make it within 10
    assert within[2, 0] == pytest.approx(10 + 1000 * 5 / 5)
    assert within[3, 0] == 1010


def test_walking_all_the_way_is_a_choice():
    """3,000 m at 1 m/s take 50 minutes: quicker than a tram every two hours for those who just missed it."""
    rare = reach(7200)
    assert rare.mean_travel_time[0, 1] <= 3000 + 1
    far = reach(7200, walk_limit=1000.0)
    assert far.mean_travel_time[0, 1] >= rare.mean_travel_time[0, 1]


def test_a_shorter_headway_never_lowers_what_is_reached():
    before = None
    for headway in (1200, 600, 300, 150):  # each timetable holds all departures of the one before
        now = reach(headway)
        if before is not None:
            assert (now.jobs_within >= before.jobs_within - 1e-9).all()
            assert (now.mean_travel_time <= before.mean_travel_time + 1e-3).all()
        before = now


def test_means_are_weighted_by_jobs_and_residents():
    times = np.array([[0.0, 600.0], [300.0, 0.0]], dtype=np.float32)
    by_zone = mean_time_to_jobs(times, np.array([100.0, 300.0]))
    assert by_zone.tolist() == [450.0, 75.0]
    assert city_mean_time_to_jobs(by_zone, np.array([10.0, 30.0])) == pytest.approx((4500 + 2250) / 40)


def test_what_has_nobody_or_nothing_is_not_computable():
    times = np.zeros((2, 2), dtype=np.float32)
    with pytest.raises(NotComputableError, match="jobs"):
        mean_time_to_jobs(times, np.zeros(2))
    with pytest.raises(NotComputableError, match="residents"):
        city_mean_time_to_jobs(np.zeros(2), np.zeros(2))


def test_departures_outside_the_timetable_are_refused():
    with pytest.raises(
        ModelError, match=r"departures from 20 to 21 h lie outside the timetable, which runs from 7.0 to"
    ):
        reach(hour=20.0)


def test_each_threshold_has_its_words():
    for minutes in (5, 10, 15, 30, 45):
        assert REGISTRY.makers(f"jobs_within_{minutes}_min")
        assert REGISTRY.makers(f"mean_jobs_within_{minutes}_min")
    resident = REGISTRY.models["mean_jobs_within_5_min"].function
    assert resident(zone_population=np.array([1.0, 3.0]), jobs_within_5_min=np.array([8.0, 4.0])) == 5.0


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3)


def town_reach(town, edits):
    planner = Planner(town, bind(parse_scenario(f"edits: [{edits}]"), town))
    refs = [planner.want(word, stage) for word in ("jobs_within", "mean_travel_time") for stage in (0, planner.last)]
    ran = run(refs, Cache())
    return [ran.value(ref) for ref in refs]


def test_a_new_line_never_worsens_access(town):
    before, after, slow, fast = town_reach(town, "{kind: add_line, street: Garden Street, stop_spacing: 100}")
    assert (after >= before - 1e-9).all()
    assert (after > before).any()
    assert (fast <= slow + 1e-3).all()


def test_no_line_is_lost_by_a_shorter_headway(town):
    before, after, _, _ = town_reach(town, '{kind: change_headway, route: "7", headway_minutes: 2}')
    assert after.sum() > before.sum()


def test_walking_uphill_takes_toblers_time_and_bridges_are_level():
    """6 exp(-3.5 |s + 0.05|) km/h: 6 exp(-0.175) on the level, 6 exp(-0.525) up 10 %, 6 down 5 %."""
    assert level_metres(np.array([0.0, 0.1, -0.05])) == pytest.approx([1, np.exp(0.35), np.exp(-0.175)])
    streets, junctions, _, _ = line_town()
    ramp = np.tile((np.arange(8) * 50.0).astype(np.float32), (2, 1))  # 10 % up to the east
    ground = Raster(ramp, (500.0, 0.0, -500.0, 0.0, -500.0, 500.0), CRS)
    flat = walk_network(streets, junctions)
    uphill = walk_network(streets.assign(bridge=[False, True, False]), junctions, ground)
    assert uphill.length[:2] == pytest.approx([1500 * np.exp(0.35), 1500.0])
    assert uphill.length[3:5] == pytest.approx([1500 * np.exp(0.05 * 3.5 - 0.05 * 3.5 * 2 + 0.175), 1500.0])
    assert flat.length[:2].tolist() == [1500.0, 1500.0]
