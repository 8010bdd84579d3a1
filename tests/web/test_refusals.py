# ruff: noqa: F811 - fixtures come under their names
"""What the API refuses, and what it says then: nothing of it is kept or run."""

from __future__ import annotations

import json

import pytest

from synapolis.web.api.scenarios import MOST_EDITS, MOST_VERTICES
from web.reading import client, home  # noqa: F401 - fixtures
from web.test_scenarios import BODY, CLOSED, HOMES


def ring(corners):
    west = [[24.0 + k * 1e-6, 60.0] for k in range(corners - 2)]
    return {"type": "Polygon", "coordinates": [[*west, [24.0, 60.1], [24.0, 60.0]]]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"edits": [HOMES | {"area": {"geojson": ring(MOST_VERTICES + 5)}}]}, "at most 5,000 are taken"),
        ({"edits": [HOMES | {"area": {"geojson": ring(MOST_VERTICES - 10)}}] * 3}, "at most 10,000 are taken"),
        ({"edits": [HOMES | {"area": {"ids": ["x"] * (MOST_VERTICES + 1)}}]}, "at most 5,000 are taken"),
        ({"edits": [HOMES | {"area": {"place": "x" * 301}}]}, "no name of a place"),
        ({"edits": [HOMES | {"area": {"place": "Old\x00Town"}}]}, "no name of a place"),
        ({"edits": [HOMES] * (MOST_EDITS + 1)}, "at most 100"),
        ({"edits": [HOMES | {"id": "a"}, CLOSED | {"id": "a"}]}, "each edit needs an id of its own"),
        ({"edits": [HOMES | {"homes": 0}]}, "greater than 0"),
        ({"title": "x" * 201}, "at most 200"),
        ({"title": "\ud83d"}, "without control characters"),
        ({"colour": "red", "edits": [HOMES | {"colour": "red"}]}, "Extra inputs"),
        ({"want": ["Runoff; DROP TABLE"]}, "pattern"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_what_is_allowed(client, body, says):
    sent = json.dumps(BODY | body).encode()
    reply = client.post("/cities/town/scenarios", content=sent, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert says in reply.text
    assert client.get("/cities/town/scenarios").json()["items"] == []


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("drawn", [f'{{"type": "Polygon", "coordinates": {deep(80)}}}',
                                   '{"type": "Point", "coordinates": [NaN, 1]}',
                                   '{"type": "Point", "coordinates": [1e999, 1]}',
                                   f'{{"type": "Point", "coordinates": [{"9" * 30}, 1]}}'])  # fmt: skip
def test_shapes_that_json_or_the_records_cannot_hold_are_refused(client, drawn):
    text = f'{{"edits": [{{"kind": "add_homes", "homes": 3, "area": {{"geojson": {drawn}}}}}]}}'
    reply = client.post("/cities/town/scenarios", content=text, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422, reply.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "ask", "question": ""}, "at least 1 character"),
        ({"kind": "ask", "question": "bell \u0007"}, "without control characters"),
        ({"kind": "ask", "question": "x" * 1001}, "at most 1000 characters"),
        ({"kind": "ask", "question": "What?", "members": 10**6}, "less than or equal to 200"),
        ({"kind": "dance"}, "kind"),
        ({"kind": "run"}, "either `scenario` with its edits, or `scenario_id`"),
        ({"kind": "run", "scenario": {"edits": []}}, "changes nothing"),
        ({"kind": "run", "scenario": {"edits": [{"kind": "close_street", "street": "A", "off": True}]}}, "switched on"),
        ({"kind": "run", "scenario_id": "0" * 16}, "no scenario has the id"),
        ({"kind": "run", "scenario": {"edits": [{"kind": "build_moon"}]}}, "build_moon"),
    ],
)
def test_what_cannot_run_is_refused_with_the_next_step(client, body, says):
    reply = client.post("/cities/town/jobs", json=body)
    assert reply.status_code in {404, 422}
    assert reply.headers["content-type"] == "application/problem+json"
    assert says in reply.text


@pytest.mark.parametrize(
    ("process", "inputs", "status", "says"),
    [
        ("fly", {}, 404, "no process is called 'fly'"),
        ("ask", {}, 400, "question: Field required"),
        ("ask", {"question": "Why?", "mood": 1}, 400, "no input 'mood'"),
        ("ask", {"question": {"href": "http://127.0.0.1/q.txt"}}, 400, "fetches nothing by reference"),
        ("rehearse", {"scenario": {"edits": [{"kind": "fly"}]}}, 400, "scenario.edits.0"),
        ("rehearse", {"scenario": {"edits": []}}, 422, "changes nothing"),
    ],
)
def test_what_a_process_cannot_take_is_told(client, process, inputs, status, says):
    reply = client.post(f"http://127.0.0.1:8000/ogc/processes/{process}/execution", json={"inputs": inputs})
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert says in reply.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"lon": 1}, 422),
        ({"radius": 5}, 422),
        ({"lon": 999, "lat": 0}, 422),
        ({"lon": "nan", "lat": 0}, 422),
        ({"lon": 0, "lat": 0, "radius": -1}, 422),
    ],
)
def test_a_place_that_is_none_is_refused(client, query, status):
    reply = client.get("/cities/town/plans", params=query)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("body", [b'{"title":"\xff"}', b"[" * 100_000, b'{"homes":' + b"9" * 5_000 + b"}"])
def test_a_body_that_is_no_json_is_told_what_it_should_be(client, body):
    reply = client.post("/cities/town/scenarios", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert "in UTF-8" in reply.json()["detail"]
