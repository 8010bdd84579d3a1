# ruff: noqa: F811 - fixtures come under their names
"""Today's figures over HTTP: told as far as they are computed, with ranges in the end, and why where they are not."""

from __future__ import annotations

import time

import pytest

from synapolis.core.errors import NotComputableError
from synapolis.scenarios.today import PARTS
from web.reading import client, home  # noqa: F401 - fixtures


@pytest.fixture
def worker(client, monkeypatch):
    """A worker that answers at once, and fails in the part that holds the flood."""
    asked: list[str] = []

    async def call(task, **arguments):
        asked.append(task)
        if task == "today_member":
            return {word: 10.0 + arguments["number"] for part in PARTS for word in part}
        if "flooded_building_count" in arguments["words"]:
            raise NotComputableError("the town has no streets that water could run along")
        rows = [
            {"id": word, "text": word, "short": word, "unit": "1", "value": 10.0, "digits": 0, "better": "",
             "varied": True, "origin": "derived", "illustrative": False, "gate": None}
            for word in arguments["words"]
        ]  # fmt: skip
        return {"indicators": rows, "gates": [], "not_computable": {}}

    monkeypatch.setattr(client.app.state.desk.workers, "call", call)
    return asked


def polled(client) -> list[dict]:
    """What a page that asks again and again is told, until all is there."""
    told = [client.get("/cities/town/today").json()]
    end = time.monotonic() + 20
    while told[-1]["status"] == "computing" and time.monotonic() < end:
        told.append(client.get("/cities/town/today").json())
    return told


def test_figures_come_in_parts_then_ranges(client, worker):
    told = polled(client)
    assert told[0]["status"] == "computing"  # the page does not wait
    done = [reply["done"] for reply in told]
    assert done == sorted(done)
    last = told[-1]
    assert (last["status"], last["done"]) == ("ready", last["of"])
    assert last["members"] == 2  # as the server was told
    runoff = next(row for row in last["indicators"] if row["id"] == "runoff_volume")
    assert (runoff["low"], runoff["value"]) == (10.0, 10.0)
    assert 10.0 < runoff["high"] <= 11.0
    assert last["not_computable"] == {"flooded_building_count": "the town has no streets that water could run along"}
    assert worker.count("today") == len(PARTS)


def test_what_is_known_is_not_computed_or_sent_again(client, worker):
    polled(client)
    worker.clear()
    first = client.get("/cities/town/today")
    again = client.get("/cities/town/today", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert worker == []
