"""The baseline over HTTP: computed once by a worker, in plain words, nothing unknown told as 0."""

from __future__ import annotations

import csv
import io
import time

import pytest


def ready(served, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reply = served.client.get("/cities/town/baseline").raise_for_status()
        if reply.json()["status"] == "ready":
            return reply
        time.sleep(0.3)  # the page asks again, too
    raise AssertionError(f"no baseline within {seconds} s\n{served.log[-2000:]}")


def test_nobody_waits_for_a_baseline(client):
    reply = client.get("/cities/town/baseline")
    assert (reply.status_code, reply.json()["status"], reply.json()["known"]) == (200, "computing", [])
    assert reply.headers["retry-after"]
    assert client.get("/cities/town/baseline.csv").status_code == 409
    assert client.get("/cities/nowhere/baseline").status_code == 404


@pytest.mark.slow
def test_a_baseline_says_what_is_known_and_what_it_would_take(served):
    reply = ready(served)
    found = reply.json()
    counts = found["counts"]
    assert counts["all"] == counts["known"] + counts["missing"] == len(found["missing"]) + counts["known"]
    assert counts["figures"] == len(found["known"]) > 20
    for figure in found["known"]:
        assert figure["value"] is not None
        assert figure["shown"]
        assert figure["standing"] in {"severe", "problem", "good", "not judged"}
        assert figure["algorithm"] or figure["source"]
    assert all(one["needs"] for one in found["missing"])
    assert not {one["id"] for one in found["known"]} & {one["id"] for one in found["missing"]}
    again = served.client.get("/cities/town/baseline", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.slow
def test_the_csv_has_a_row_for_each_indicator(served):
    counts = ready(served).json()["counts"]
    reply = served.client.get("/cities/town/baseline.csv")
    assert reply.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert len(rows) == counts["all"]
    assert sum(row["value"] != "" for row in rows) == counts["known"]
