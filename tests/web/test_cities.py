# ruff: noqa: F811 - fixtures come under their names
"""Cities over HTTP: their layers with licence and origin, the edits they take, places and lines."""

from __future__ import annotations

import io
import shutil

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from synapolis.layers.city import open_city
from web.reading import client, home  # noqa: F401 - fixtures


def test_the_served_city_comes_first_and_each_is_where_it_lies(client):
    listed = client.get("/cities").json()
    assert [item["name"] for item in listed["items"]] == ["town"]
    whole = client.get("/cities/town").json()
    assert whole["bounds"] == listed["items"][0]["bounds"]
    west, south, east, north = whole["bounds"]
    assert west < whole["centre"][0] < east
    assert south < whole["centre"][1] < north
    assert 10 <= whole["zoom"] <= 15


def test_a_city_that_is_damaged_or_gone_hides_no_other_and_no_path_is_told(client, home):
    for name, head in (
        ("blank", ""),
        ("broken", "title = ["),
        ("odd", 'title = "Odd"\ncrs = "MOON"\nextent = [0, 0, 1, 1]\n'),
    ):
        folder = home / "cities" / name
        folder.mkdir()
        (folder / "city.toml").write_text(head)
    assert [item["name"] for item in client.get("/cities").json()["items"]] == ["town"]
    (home / "cities" / "town").rename(home / "away")
    try:
        assert client.get("/cities").json()["items"] == []
        reply = client.post("/cities/town/scenarios", json={"title": "Later"})
        assert (reply.status_code, str(home) in reply.text) == (404, False)
        assert client.get("/cities/town").status_code == 200  # as it was opened
    finally:
        (home / "away").rename(home / "cities" / "town")
        for name in ("blank", "broken", "odd"):
            shutil.rmtree(home / "cities" / name)


def test_every_layer_says_whose_it_is(client, home):
    city = open_city(home / "cities" / "town")
    told = {layer["name"]: layer for layer in client.get("/cities/town").json()["layers"]}
    assert told.keys() == city.layers.keys()
    for name, layer in city.layers.items():
        assert (told[name]["licence"], told[name]["origin"]) == (layer.licence, layer.origin)
    assert told["buildings"]["rows"] == len(city.layers["buildings"].value)


def test_every_kind_of_edit_has_a_schema(client):
    kinds = {kind["kind"]: kind["schema"] for kind in client.get("/cities/town").json()["edit_kinds"]}
    for schema in kinds.values():
        Draft202012Validator.check_schema(schema)
    homes = Draft202012Validator(kinds["add_homes"])
    assert homes.is_valid({"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 20})
    assert not homes.is_valid({"kind": "add_homes", "homes": -1})


def test_example_questions_are_understood(client):
    examples = client.get("/cities/town").json()["examples"]
    assert examples
    for question in examples:
        read = client.post("/cities/town/read", json={"question": question})
        assert read.json()["status"] == "understood", question


def test_the_same_city_is_not_sent_twice(client):
    for path in ("/cities", "/cities/town", "/cities/town/search?q=old"):
        first = client.get(path)
        again = client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.slow
def test_places_and_lines(client):
    assert client.get("/cities/town/search", params={"q": "Old To"}).json()["items"][0]["name"] == "Old Town"
    assert client.get("/cities/town/search", params={"q": ""}).status_code == 422
    lines = client.get("/cities/town/lines").json()["items"]
    assert lines
    assert all(line["geometry"]["type"].endswith("LineString") for line in lines)
    assert any(line["headway_minutes"] for line in lines)


@pytest.mark.slow
def test_the_shaded_ground_lies_between_its_corners(client):
    client.get("/cities/town/lines")  # waits until the town is drawn
    city = client.get("/cities/town").json()
    corners = city["hillshade"]["corners"]
    west, south, east, north = city["bounds"]
    assert corners[0] == pytest.approx([west, north], abs=1e-3)
    assert corners[2] == pytest.approx([east, south], abs=1e-3)
    picture = client.get(city["hillshade"]["url"].removeprefix("/api/v1"))
    assert Image.open(io.BytesIO(picture.content)).mode == "LA"


def test_a_city_that_is_not_here_is_told_with_those_that_are(client):
    for path in ("", "/search?q=x", "/lines", "/today", "/hillshade.png"):
        reply = client.get(f"/cities/elsewhere{path}")
        assert reply.status_code == 404
        assert "town" in reply.json()["detail"]
