# ruff: noqa: F811 - fixtures come under their names
"""Questions read and edits checked: what would be run and where it lies, without a run."""

from __future__ import annotations

import json

import pyproj
import pytest
import shapely

from synapolis.layers.city import open_city
from web.reading import client, home  # noqa: F401 - fixtures


def read(client, question):
    reply = client.post("/cities/town/read", json={"question": question})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_question_that_is_understood_gives_its_scenario(client):
    told = read(client, "What happens to stormwater if we add 50 homes in Old Town?")
    assert (told["status"], told["siting"]) == ("understood", False)
    (edit,) = told["scenario"]["edits"]
    assert (edit["kind"], edit["homes"], edit["area"]["place"]) == ("add_homes", 50, "Old Town")
    assert "runoff_volume" in told["want"]
    kept = client.post("/cities/town/scenarios", json=told["scenario"] | {"want": told["want"]})
    assert kept.status_code == 201


def test_what_is_not_understood_is_asked_back_and_what_cannot_be_had_is_refused(client):
    asked = read(client, "What happens to stormwater if we add 50 homes in Atlantis?")
    assert (asked["status"], asked["scenario"]) == ("clarify", None)
    assert "Atlantis" in asked["text"]
    refused = read(client, "What happens to crime if we add 50 homes in Old Town?")
    assert refused["status"] == "refused"
    assert refused["options"]
    assert read(client, "Where should we build 100 homes?")["siting"]


def test_reading_runs_nothing(client):
    read(client, "What happens to stormwater if we add 50 homes in Old Town?")
    assert client.get("/jobs").json()["items"] == []


@pytest.fixture(scope="module")
def town(home):
    return open_city(home / "cities" / "town")


def check(client, *edits):
    reply = client.post("/cities/town/check", json={"edits": edits})
    assert reply.status_code == 200, reply.text
    return reply.json()["edits"]


def test_each_edit_is_checked_by_itself_and_drawn_where_it_lies(client, town):
    west, south, east, north = town.extent.bounds
    turn = pyproj.Transformer.from_crs(town.crs, "EPSG:4326", always_xy=True)
    line = [turn.transform(west + share * (east - west), (south + north) / 2) for share in (0.3, 0.7)]
    found = check(
        client,
        {"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50},
        {"kind": "close_street", "street": "Nowhere Lane"},
        {"kind": "add_line", "line": {"type": "LineString", "coordinates": line}, "stop_spacing": 100, "off": True},
        {"kind": "change_fares", "factor": 0.5},
    )
    assert [(edit["id"], edit["fits"], edit["off"]) for edit in found] == [
        ("e1", True, False), ("e2", False, False), ("e3", True, True), ("e4", True, False),
    ]  # fmt: skip
    assert "adding 50 homes in Old Town" in found[0]["says"]
    assert "Nowhere Lane" in found[1]["problem"]
    assert found[3]["geometry"] is None
    window = shapely.box(*turn.transform_bounds(*town.extent.bounds)).buffer(1e-3)
    for edit, kind in ((found[0], "Polygon"), (found[2], "LineString")):
        shape = shapely.from_geojson(json.dumps(edit["geometry"]))
        assert kind in shape.geom_type
        assert window.contains(shape)


def test_a_lane_for_buses_is_two_changes_and_one_place(client, town):
    street = town.layers["streets"].value
    name = street[street["drive"] & (street["name"] != "")]["name"].iloc[0]
    (found,) = check(client, {"kind": "bus_lane", "street": name, "lanes": 1})
    assert found["fits"]
    assert "; " in found["says"]
    assert "LineString" in found["geometry"]["type"]
