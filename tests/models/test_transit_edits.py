"""Edits of the timetable, as a scenario asks for them, on the made-up town."""

import dataclasses

import numpy as np
import pytest
import shapely

from models.test_transit_kernels import regular_line, starts
from synapolis.core.errors import ScenarioError
from synapolis.layers.timetable_edits import with_quicker_legs, with_span
from synapolis.models import load_models
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
HOUR = 3600


@pytest.fixture(scope="module")
def town():
    """The made-up town with its trams turned into buses."""
    city = generate_city(people=1500, seed=5)
    layer = city.layers["timetable"]
    buses = dataclasses.replace(layer.value, trips=layer.value.trips.assign(mode="bus"))
    return dataclasses.replace(city, layers={**city.layers, "timetable": dataclasses.replace(layer, value=buses)})


def edited(town, edit, *words):
    planner = Planner(town, bind(parse_scenario(f"edits: [{edit}]"), town))
    refs = [planner.want(word) for word in words]
    ran = run(refs, Cache())
    found = [ran.value(ref) for ref in refs]
    return found if len(found) > 1 else found[0]


def line_of(town):
    timetable = town.layers["timetable"].value
    return next(line.name for line in timetable.lines if line.mode == "bus"), timetable


def test_a_line_runs_later_as_often_as_at_its_end():
    later = with_span(regular_line(), "7", last=8 * HOUR)
    assert starts(later) == list(range(6 * HOUR, 8 * HOUR + 1, 600))
    assert starts(with_span(regular_line(), "7", first=5 * HOUR))[0] == 5 * HOUR
    assert starts(with_span(regular_line(), "7", first=6 * HOUR + 1, last=6 * HOUR)) == starts(regular_line())
    for wrong in ({}, {"last": 49 * HOUR}):
        with pytest.raises(ScenarioError):
            with_span(regular_line(), "7", **wrong)


def test_buses_save_their_share_between_stops_along_the_street():
    """Legs of 100 s; s0 and s1 lie along it: a fifth of the first leg is saved, and all after it is 20 s earlier."""
    street = shapely.LineString([(0, 0), (1000, 0)])
    quicker = with_quicker_legs(regular_line(), street, within=10, saved=0.2)
    first = quicker.stop_times[quicker.stop_times["trip_id"] == "t0"]
    assert (first["arrival"] - 6 * HOUR).tolist() == [0, 80, 180]
    assert (first["departure"] - 6 * HOUR).tolist() == [0, 90, 180]
    with pytest.raises(ScenarioError, match="no bus"):
        with_quicker_legs(regular_line(), shapely.Point(0, 9000), within=10, saved=0.2)


def test_a_headway_for_a_period_leaves_the_rest_of_the_day(town):
    line, timetable = line_of(town)
    after = edited(town, f'{{kind: change_headway, route: "{line}", headway_minutes: 2, from_hour: 7, to_hour: 9}}',
                   "timetable")  # fmt: skip
    windows = after.frequencies[after.frequencies["headway"] == 120]
    assert (windows["start"] >= 7 * HOUR).all()
    assert (windows["end"] <= 9 * HOUR).all()
    assert after.time_span == timetable.time_span


def test_a_closed_stop_is_gone_and_a_moved_one_stands_elsewhere(town):
    _, timetable = line_of(town)
    name = timetable.stops["name"].iloc[0]
    closed = edited(town, f'{{kind: close_stop, stop: "{name}"}}', "timetable")
    assert name not in set(closed.stops["name"])
    place = town.layers["places"].value
    place = str(place[place["name"] != ""]["name"].iloc[0])
    moved = edited(town, f'{{kind: move_stop, stop: "{name}", to: {{place: "{place}"}}}}', "timetable")
    kept = timetable.stops.index[timetable.stops["name"] == name]
    assert not moved.stops.geometry[kept].geom_equals(timetable.stops.geometry[kept]).any()
    with pytest.raises(ScenarioError, match="no stop"):
        edited(town, "{kind: close_stop, stop: Nowhere at all}", "timetable")


def test_a_bus_lane_quickens_buses_and_takes_lanes_from_cars(town):
    timetable = town.layers["timetable"].value
    streets = town.layers["streets"].value
    for street in dict.fromkeys(streets["name"][streets["drive"]]):
        try:
            after, roads = edited(town, f"{{kind: bus_lane, street: {street}, lanes: 1}}", "timetable", "streets")
        except ScenarioError:
            continue
        break
    else:
        pytest.fail("no street has a bus")
    assert after.stop_times["arrival"].sum() < timetable.stop_times["arrival"].sum()
    own = streets["name"] == street
    assert (roads["lanes"][own] != streets["lanes"][own]).any()
    assert roads["lanes"][~own].equals(streets["lanes"][~own])


def test_service_until_later_in_a_scenario(town):
    line, timetable = line_of(town)
    after = edited(town, f'{{kind: extend_service, route: "{line}", last_hour: 26}}', "timetable")
    assert after.time_span[1] > timetable.time_span[1]
    assert np.isin(timetable.trips.index, after.trips.index).all()
    with pytest.raises(ScenarioError, match="first_hour"):
        parse_scenario(f'edits: [{{kind: extend_service, route: "{line}"}}]')
