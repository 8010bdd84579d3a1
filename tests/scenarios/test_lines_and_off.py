"""Lines drawn on the map, and edits that are switched off."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import ScenarioError
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.edits import AddLine, Scenario
from synapolis.scenarios.footprint import footprint
from synapolis.scenarios.lines import APART, BESIDE, place_line
from synapolis.scenarios.rehearse import Rehearsal, rehearse


def degrees(town, *points):
    turn = pyproj.Transformer.from_crs(town.crs, "EPSG:4326", always_xy=True)
    return [list(turn.transform(*point)) for point in points]


@pytest.fixture(scope="module")
def across(town):
    """Three points across the town, in its metres: a line with one bend."""
    west, south, east, north = town.extent.bounds
    x, y = np.array([0.25, 0.5, 0.75]) * (east - west) + west, np.array([0.4, 0.5, 0.45]) * (north - south) + south
    return list(zip(x.tolist(), y.tolist(), strict=True))


def drawn(town, across, **more):
    fields = {"id": "e1", "line": {"type": "LineString", "coordinates": degrees(town, *across)}, "name": "31"}
    return AddLine.model_validate(fields | more)


def test_stops_of_a_drawn_line_are_spaced_along_it(town, across):
    line = place_line(drawn(town, across, stop_spacing=200), town)
    way = shapely.LineString(across)
    assert line.way.length == pytest.approx(way.length, abs=0.1)
    assert sum(line.distances) == pytest.approx(way.length, abs=0.1)
    assert len(line.stops) == round(way.length / 200) + 1
    assert np.ptp(line.distances) < 1e-6
    assert line.stops.geometry.distance(way).max() < 0.1
    assert line.stops["name"].tolist()[0] == "31 1"


def test_drawn_stops_are_put_on_the_line_in_its_order(town, across):
    way = shapely.LineString(across)
    wanted = [0.9, 0.1, 0.5]
    points = [way.interpolate(share, normalized=True) for share in wanted]
    beside = [(point.x + 20, point.y + 20) for point in points]
    line = place_line(drawn(town, across, stops=degrees(town, *beside)), town)
    assert len(line.stops) == 3
    along = [way.project(point) / way.length for point in line.stops.geometry]
    assert along == sorted(along)
    assert along == pytest.approx(sorted(wanted), abs=30 / way.length)
    assert line.stops.geometry.distance(way).max() < 0.1


def test_what_is_drawn_wrongly_is_told(town, across):
    far = degrees(town, (across[0][0], across[0][1] + BESIDE + 300), across[2])
    with pytest.raises(ScenarioError, match=r"stop 1 lies .* m from the drawn line"):
        place_line(drawn(town, across, stops=far), town)
    close = degrees(town, across[0], (across[0][0] + APART / 3, across[0][1]))
    with pytest.raises(ScenarioError, match="less than 50 m apart"):
        place_line(drawn(town, across, stops=close), town)
    with pytest.raises(ScenarioError, match="the drawn line lies outside the data"):
        place_line(drawn(town, [across[0], (across[0][0] + 1e5, across[0][1])]), town)
    with pytest.raises(ScenarioError, match="too short for stops every 5,?000 m; draw a longer line"):
        place_line(drawn(town, across, stop_spacing=5000), town)
    point = {"type": "Point", "coordinates": degrees(town, across[0])[0]}
    with pytest.raises(ScenarioError, match="as one GeoJSON LineString, got a Point"):
        place_line(drawn(town, across, line=point), town)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either a street or a drawn line"),
        ({"street": "Robin Road", "line": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, "either a street"),
        ({"street": "Robin Road", "stops": [[0, 0], [1, 1]]}, "stops are drawn on a drawn line"),
    ],
)
def test_a_line_is_said_in_one_way(fields, says):
    with pytest.raises(ValueError, match=says):
        AddLine.model_validate(fields)


def test_a_drawn_line_runs_and_is_drawn_where_it_was(town, across, memory):
    scenario = Scenario(edits=(drawn(town, across, mode="bus", headway_minutes=6, stop_spacing=200),))
    (bound,) = bind(scenario, town)
    assert "along the drawn line every 6 minutes" in bound.says
    assert footprint(bound, town).hausdorff_distance(shapely.LineString(across)) < 0.1
    wanted = Rehearsal(scenario, ("city_mean_time_to_jobs", "total_capital_cost"), members=0, gates=())
    answer, _ = rehearse(town, wanted, memory)
    by_word = {claim.quantity: claim for claim in answer.claims}
    assert by_word["city_mean_time_to_jobs"].change <= 1e-9
    assert by_word["total_capital_cost"].change > 0


HOMES = {"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50}
CLOSED = {"kind": "close_street", "street": "Otter Road"}


def test_off_is_read_from_yaml_and_stays_in_the_list():
    scenario = parse_scenario(
        "edits:\n- {kind: close_street, street: A, off: true}\n- {kind: close_street, street: B, off: false}"
    )
    assert [edit.off for edit in scenario.edits] == [True, False]
    assert [edit.id for edit in scenario.active] == ["e2"]
    assert parse_scenario(scenario.model_dump_json()) == scenario


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_what_runs_is_the_list_without_what_is_off(offs):
    edits = [CLOSED | {"id": f"x{k}", "street": f"Street {k}", "off": off} for k, off in enumerate(offs)]
    scenario = Scenario.model_validate({"title": "t", "edits": edits})
    without = Scenario.model_validate({"title": "t", "edits": [edit for edit in edits if not edit["off"]]})
    assert scenario.running == without
    assert scenario.running.model_dump(mode="json") == without.model_dump(mode="json")
    assert "off" not in str(without.model_dump(mode="json"))


def test_an_edit_that_is_off_is_not_run_and_the_answer_is_that_of_the_list_without_it(town, memory):
    def answer_of(*edits):
        scenario = Scenario.model_validate({"edits": edits})
        return rehearse(town, Rehearsal(scenario, ("homes_placed", "runoff_volume"), members=0), memory)[0]

    off = answer_of({**HOMES, "id": "homes"}, {**CLOSED, "id": "shut", "street": "No such street", "off": True})
    plain = answer_of({**HOMES, "id": "homes"})
    assert off.hash == plain.hash
    assert off.claims == plain.claims
    assert off.scenario["edits"] == plain.scenario["edits"]
