"""What a plan does at one place: read from arrays, never 0 where it cannot be had."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import StorageError
from synapolis.layers.grid import Grid
from synapolis.models import load_models
from synapolis.report.here import SIGHTS, effects_at
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import AddHomes, Area, ChangeHeadway, Scenario
from synapolis.scenarios.surveyed import Surveyed, load_surveyed, save_surveyed
from synapolis.scenarios.surveying import survey_plan
from synapolis.sources.generate import generate_city

GRID = Grid(left=0.0, top=200.0, cell_size=10.0, rows=20, columns=20)
ZONES = np.array([shapely.box(0, 0, 100, 200), shapely.box(100, 0, 200, 200)], dtype=object)


def surveyed(**values):
    """Two zones side by side; whatever is not given is missing."""
    pairs = {word: tuple(np.asarray(value, dtype=np.float32) for value in pair) for word, pair in values.items()}
    missing = {word: f"not computable: Test city has no {word}" for word in SIGHTS if word not in values}
    return Surveyed("Test city", "EUR", GRID, ZONES, ("West", "East"), np.arange(2), pairs, missing, {})


def by_quantity(effects):
    return {effect.quantity: effect for effect in effects}


def test_a_trip_is_read_between_the_zones_of_both_places():
    times = np.array([[0, 600], [900, 0]]), np.array([[0, 480], [900, 0]])
    found = by_quantity(effects_at(surveyed(median_travel_time=times), (50, 50), (150, 50)))["median_travel_time"]
    assert (found.before, found.after, found.change) == (10.0, 8.0, -2.0)
    assert "from West to East: 8.0 min with the plan, 10.0 min today (2.0 min less)" in found.text
    back = by_quantity(effects_at(surveyed(median_travel_time=times), (150, 50), (50, 50)))["median_travel_time"]
    assert back.change == 0
    assert "unchanged at 15.0 min" in back.text


def test_without_a_destination_the_trip_is_to_the_jobs():
    found = effects_at(surveyed(mean_time_to_jobs=([600, 700], [660, 700])), (50, 50))
    assert [effect.quantity for effect in found if effect.topic == "trip"] == ["mean_time_to_jobs"]
    assert found[0].change == pytest.approx(1.0)


def test_what_cannot_be_had_says_what_it_needs_and_is_never_zero():
    for effect in effects_at(surveyed(), (50, 50), (150, 50)):
        assert effect.not_computable.startswith("not computable: ")
        assert effect.before is effect.after is effect.change is None


@pytest.mark.parametrize(
    ("at", "to", "says"),
    [
        ((5000, 50), (150, 50), "needs the place within the areas of Test city"),
        ((50, 50), (150, 9000), "needs the destination within the areas of Test city"),
        ((50, 50), (60, 60), "needs a destination in another area"),
    ],
)
def test_a_trip_that_has_no_two_zones_says_so(at, to, says):
    times = np.full((2, 2), 600.0)
    found = by_quantity(effects_at(surveyed(median_travel_time=(times, times)), at, to))
    assert says in found["median_travel_time"].not_computable


def test_a_trip_that_does_not_arrive_is_no_number():
    times = np.full((2, 2), np.inf)
    found = by_quantity(effects_at(surveyed(median_travel_time=(times, np.full((2, 2), 60.0))), (50, 50), (150, 50)))
    assert "finds none today, though the plan makes one" in found["median_travel_time"].not_computable


def test_zones_that_are_one_group_in_traffic_have_no_car_time_between_them():
    times = np.zeros((1, 1))
    one = surveyed(car_time=(times, times))
    grouped = Surveyed(**{**vars(one), "group": np.zeros(2, dtype=int)})
    found = by_quantity(effects_at(grouped, (50, 50), (150, 50)))
    assert "needs a destination farther off" in found["car_time"].not_computable


def test_heat_is_the_mean_and_flood_the_deepest_around_a_place():
    heat, water = np.full(GRID.shape, np.nan), np.zeros(GRID.shape)
    heat[9, 10], heat[10, 10] = 30.0, 32.0  # all else is roofs
    water[10, 11] = 0.4
    data = surveyed(utci=(heat, heat + 1), flood_depth=(water, water / 2))
    found = by_quantity(effects_at(data, (105, 100)))
    assert found["utci"].before == pytest.approx(31.0)
    assert found["utci"].change == pytest.approx(1.0)
    assert found["flood_depth"].before == pytest.approx(40.0)
    assert found["flood_depth"].change == pytest.approx(-20.0)
    assert "needs open ground" in by_quantity(effects_at(data, (15, 15)))["utci"].not_computable
    assert "none, today and with the plan" in by_quantity(effects_at(data, (15, 15)))["flood_depth"].text


@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_any_place_gives_finite_numbers_or_a_reason(x, y):
    rng = np.random.default_rng(7)
    times = rng.uniform(60, 900, (2, 2))
    data = surveyed(
        median_travel_time=(times, times),
        monthly_rent=([900, 1000], [910, 1000]),
        utci=(rng.uniform(20, 40, GRID.shape), rng.uniform(20, 40, GRID.shape)),
    )
    for effect in effects_at(data, (x, y), (y, x)):
        if effect.not_computable:
            assert effect.before is None
        else:
            assert math.isfinite(effect.before)
            assert math.isfinite(effect.after)
        assert effect.text.endswith(".")


@pytest.fixture(scope="module")
def town():
    load_models()
    return generate_city(people=600, seed=3)


@pytest.fixture(scope="module")
def plan(town):
    edits = (AddHomes(area=Area(place="Old Town"), homes=40),)
    return survey_plan(town, Scenario(edits=edits), Cache())


def test_a_plan_on_a_whole_city_tells_every_topic(town, plan):
    data, _ = plan
    middles = shapely.centroid(data.zones)
    at, to = ((middles[i].x, middles[i].y) for i in (0, len(middles) - 1))
    told = [effect for effect in effects_at(data, at, to) if not effect.not_computable]
    assert {effect.topic for effect in told} == {"trip", "rent", "heat", "flood"}
    assert by_quantity(told)["monthly_rent"].unit == "EUR/month"
    assert by_quantity(told)["utci"].note.startswith("Heat is that of")


def test_values_at_a_place_are_those_of_the_run(plan):
    data, outcome = plan
    rents = outcome.pair("monthly_rent")
    for row in range(0, len(data.zones), 3):
        point = shapely.point_on_surface(data.zones[row])
        found = by_quantity(effects_at(data, (point.x, point.y)))["monthly_rent"]
        assert (found.before, found.after) == pytest.approx((rents[0][row], rents[1][row]), rel=1e-5)


def test_what_was_surveyed_is_read_back_as_it_was(plan, tmp_path):
    data, _ = plan
    back = load_surveyed(save_surveyed(data, tmp_path / "plan.npz"))
    point = shapely.point_on_surface(data.zones[1])
    assert effects_at(back, (point.x, point.y)) == effects_at(data, (point.x, point.y))
    assert (back.names, back.missing, back.grid) == (data.names, dict(data.missing), data.grid)


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "plan.npz").write_bytes(b"not an archive")
    with pytest.raises(StorageError, match="does not hold a surveyed plan"):
        load_surveyed(tmp_path / "plan.npz")


def test_a_line_that_runs_more_often_shortens_a_trip_somewhere(town):
    route = str(town.layers["timetable"].value.trips["route_name"].iloc[0])
    edits = (ChangeHeadway(route=route, headway_minutes=3),)
    data, _ = survey_plan(town, Scenario(edits=edits), Cache())
    before, after = data.values["median_travel_time"]
    both = np.isfinite(before) & np.isfinite(after)
    assert (after[both] < before[both]).any()
