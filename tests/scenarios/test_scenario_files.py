"""Scenario files: what is written plainly is read, and everything else is one clear error, whatever the bytes."""

import json
from dataclasses import replace

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synapolis.core.errors import ScenarioError
from synapolis.scenarios.bind import bind, parse_scenario, read_scenario
from synapolis.scenarios.edits import Scenario

ALL_KINDS = """
format_version: 1
title: A bit of everything
author: a planner
edits:
  - {kind: add_homes, area: {place: Old Town}, homes: 50, when: 2030}
  - {kind: change_cover, area: {street: Robin Road, width: 20}, cover: trees}
  - {kind: build_storage, area: {place: Highfields}, storage: basin, depth_mm: 300, id: pond}
  - {kind: change_lanes, street: Weaver Avenue, lanes: -1}
  - {kind: close_street, street: Otter Road}
  - {kind: change_headway, route: "7", headway_minutes: 5}
  - {kind: add_line, street: Lantern Boulevard, mode: bus, headway_minutes: 12, stop_spacing: 150}
"""


def test_every_kind_of_edit_is_read_and_bound(town):
    scenario = parse_scenario(ALL_KINDS)
    assert [edit.id for edit in scenario.edits] == ["e1", "e2", "pond", "e4", "e5", "e6", "e7"]
    bound = bind(scenario, town)
    assert [edit.kind for edit in bound] == [edit.kind for edit in scenario.edits]
    assert all(edit.says and edit.models for edit in bound)


def test_yaml_and_json_are_the_same_scenario():
    data = yaml.safe_load(ALL_KINDS)
    assert parse_scenario(json.dumps(data)) == parse_scenario(ALL_KINDS)


def test_a_scenario_is_a_value_that_survives_writing():
    scenario = parse_scenario(ALL_KINDS)
    assert parse_scenario(scenario.model_dump_json()) == scenario
    assert parse_scenario(json.dumps(scenario.model_dump(mode="json", exclude_none=True))) == scenario
    with pytest.raises(ValueError, match="frozen"):
        scenario.title = "other"


def edit(**fields):
    return json.dumps({"edits": [fields]})


HOMES = {"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 10}
LINE = {"kind": "add_line", "street": "Robin Road"}

WRONG = {
    "a billion homes": (edit(**HOMES | {"homes": 10**9}), "homes.*less than or equal to 1000000"),
    "no homes": (edit(**HOMES | {"homes": 0}), "homes.*greater than 0"),
    "homes that are missing": (edit(kind="add_homes", area={"place": "Old Town"}), "homes: Field required"),
    "half a home": (edit(**HOMES | {"homes": 0.5}), "homes"),
    "homes in words": (edit(**HOMES | {"homes": "many"}), "homes"),
    "homes that are no number": ("edits: [{kind: add_homes, area: {place: A}, homes: .nan}]", "homes"),
    "a headway of 0": (edit(kind="change_headway", route="7", headway_minutes=0), "headway_minutes.*greater than 0"),
    "a headway below 0": (edit(kind="change_headway", route="7", headway_minutes=-5), "headway_minutes"),
    "a headway of NaN": ('edits: [{kind: change_headway, route: "7", headway_minutes: .nan}]', "headway_minutes"),
    "a headway of infinity": ('edits: [{kind: change_headway, route: "7", headway_minutes: .inf}]', "headway_minutes"),
    "a depth of NaN": ("edits: [{kind: build_storage, area: {place: A}, storage: basin, depth_mm: .nan}]", "depth_mm"),
    "an unknown field": (edit(**HOMES | {"colour": "red"}), "colour: Extra inputs are not permitted"),
    "an unknown field at the top": ("edits: []\nbudget: 3", "budget: Extra inputs"),
    "an unknown kind": (edit(kind="build_moon"), "build_moon"),
    "no kind": (edit(homes=3), "kind|discriminator"),
    "no area": (edit(kind="add_homes", homes=3), "area: Field required"),
    "two areas": (edit(**HOMES | {"area": {"place": "A", "street": "B"}}), "exactly one of place, street"),
    "an empty area": (edit(**HOMES | {"area": {}}), "exactly one of place, street.*got none"),
    "no lanes": (edit(kind="change_lanes", street="A", lanes=0), "nothing would change"),
    "a street without a name": (edit(kind="close_street"), "either a street or ids"),
    "a tiny spacing": (edit(**LINE | {"stop_spacing": 1}), "stop_spacing"),
    "a strange mode": (edit(**LINE | {"mode": "airship"}), "mode"),
    "one id twice": (json.dumps({"edits": [HOMES | {"id": "x"}] * 2}), "an id of its own"),
    "a wild id": (edit(**HOMES | {"id": "../../etc"}), "id"),
    "another format": ("format_version: 2\nedits: []", "format_version"),
    "edits that are no list": ("edits: {a: 1}", "edits"),
    "an edit that is no mapping": ("edits: [3]", "edits"),
    "a list": ("[1, 2]", "must hold fields such as `edits:`, got list"),
    "a text": ("add homes please", "got str"),
    "nothing": ("", "got NoneType"),
    "broken YAML": ("edits: [", "is not YAML or JSON"),
    "a tag": ("edits: !!python/object/apply:os.system ['true']", "is not YAML or JSON"),
    "a far year": (edit(**HOMES | {"when": 99999}), "when"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(what):
    text, says = WRONG[what]
    with pytest.raises(ScenarioError, match=says):
        parse_scenario(text)


def square(*corners):
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in (*corners, corners[0])]]}


UNBOUND = {
    "an unknown street": (edit(kind="close_street", street="Robbin Road"), r"edit e1 \(close_street\).*Robin Road"),
    "an unknown place": (edit(**HOMES | {"area": {"place": "Old Twon"}}), "Old Town"),
    "an unknown line": (edit(kind="change_headway", route="77", headway_minutes=5), "77.*7"),
    "an unknown segment": (edit(kind="close_street", ids=["osm:way/1#1"]), "no street segment has the id"),
    "unknown features": (edit(**HOMES | {"area": {"ids": ["osm:way/1"]}}), "no feature"),
    "a polygon that crosses itself": (
        edit(**HOMES | {"area": {"geojson": square((-27, 45.15), (-26.9, 45.2), (-26.9, 45.15), (-27, 45.2))}}),
        "crosses itself",
    ),
    "a polygon elsewhere": (
        edit(**HOMES | {"area": {"geojson": square((10, 50), (10, 51), (11, 51))}}),
        "outside the data of Generated city",
    ),
    "a polygon in metres": (
        edit(**HOMES | {"area": {"geojson": square((500100, 5000100), (500200, 5000100), (500200, 5000200))}}),
        "longitude, latitude",
    ),
    "no geometry": (edit(**HOMES | {"area": {"geojson": {"type": "Hexagon"}}}), "must be GeoJSON of type"),
    "a street too short for the line": (edit(**LINE | {"stop_spacing": 5000}), "too short for stops"),
}


@pytest.mark.parametrize("what", UNBOUND)
def test_what_does_not_fit_the_city_is_named(town, what):
    text, says = UNBOUND[what]
    with pytest.raises(ScenarioError, match=says):
        bind(parse_scenario(text), town)


@pytest.mark.parametrize("what", [{"kind": "close_street"}, {"kind": "change_lanes", "lanes": 1}])
def test_a_street_that_no_car_uses_is_not_closed_or_widened_in_words_only(town, what):
    streets = town.layers["streets"]
    no_cars = streets.value.assign(drive=streets.value["drive"] & (streets.value["name"] != "Robin Road"))
    walkers = town.with_layers(replace(streets, value=no_cars))
    with pytest.raises(ScenarioError, match="Robin Road is not open to cars"):
        bind(parse_scenario(edit(street="Robin Road", **what)), walkers)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"cannot read the scenario .*nowhere.yaml"):
        read_scenario(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match=r"bytes.yaml"):
        read_scenario(tmp_path / "bytes.yaml")
    (tmp_path / "wrong.yaml").write_text("edits: 3")
    with pytest.raises(ScenarioError, match=r"wrong.yaml"):
        read_scenario(tmp_path / "wrong.yaml")


def only_scenario_errors(text):
    try:
        assert isinstance(parse_scenario(text), Scenario)
    except ScenarioError as error:
        assert str(error)


@given(st.text(max_size=200))
def test_any_text_is_a_scenario_or_a_clear_error(text):
    only_scenario_errors(text)


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "a: &a [*a]", "? " * 2000, "- " * 5000, "1" * 10_000])
def test_deep_circular_and_endless_text_is_a_clear_error(text):
    only_scenario_errors(text)


keys = st.sampled_from(
    ["edits", "kind", "area", "place", "street", "geojson", "ids", "homes", "cover", "storage", "depth_mm", "lanes",
     "route", "headway_minutes", "mode", "stop_spacing", "id", "when", "title", "radius", "width", "fit", "type",
     "coordinates", "format_version", "city_hash"]
)  # fmt: skip
words = st.sampled_from(
    ["add_homes", "change_cover", "close_street", "change_headway", "add_line", "build_storage", "change_lanes",
     "Old Town", "Robin Road", "7", "trees", "basin", "Polygon", "", "\x00"]
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8)
nested = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=4), inner, max_size=5)
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, nested, max_size=6))
def test_any_nested_data_is_a_scenario_or_a_clear_error(data):
    only_scenario_errors(json.dumps(data))
    only_scenario_errors(yaml.safe_dump(data))


@st.composite
def likely(draw):
    """An edit with its own fields, some of them replaced by anything."""
    fields = dict(draw(st.sampled_from(yaml.safe_load(ALL_KINDS)["edits"])))
    for name in draw(st.sets(st.sampled_from(sorted(fields)), max_size=2)):
        fields[name] = draw(nested)
    return {"edits": [fields]}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(likely())
def test_an_edit_with_anything_in_it_is_bound_or_a_clear_error(town, data):
    try:
        bind(parse_scenario(json.dumps(data)), town)
    except ScenarioError as error:
        assert str(error)


def test_yes_is_not_taken_for_one() -> None:
    with pytest.raises(ValidationError, match="homes must not be true"):
        Scenario.model_validate({"edits": [{"kind": "add_homes", "area": {"place": "Kamppi"}, "homes": True}]})
    kept = {"kind": "add_homes", "area": {"place": "Kamppi"}, "homes": 1, "off": True}
    assert Scenario.model_validate({"edits": [kept]}).edits[0].off
