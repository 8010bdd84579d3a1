"""The register over HTTP: entries without a model in the server, live evidence, what is not for everybody."""

from __future__ import annotations

import time

import pytest

from synapolis.civic.evidence import Event, Evidence
from synapolis.civic.formats import STANDARDS, read_entries
from synapolis.civic.register import Register
from synapolis.civic.writing import evidence_json
from synapolis.web.algorithms import TYPED, public

SYSTEM = """
id: example:parking-scanner
version: "1"
name: Parking scanner
summary: A car with cameras reads number plates.
status: in use
publication_category: impactful algorithm
contact: parking@example.org
"""


def test_what_people_typed_and_who_they_are_is_not_for_everybody():
    event = Event("2026-01-01T00:00:00Z", "Anna", "My street floods.", 7)
    known = Evidence(runs=3, actors={"Anna": 3}, refusals=(event,), overrides=(event,), complaints=(event,))
    told = public("synapolis:flood", evidence_json(known))
    assert "Anna" not in str(told)
    assert (told["runs"], len(told["complaints"]), told["complaints"][0]["text"]) == (3, 1, "")
    assert told["refusals"][0]["text"] == "My street floods.", "a gate's block is public"
    assert public(TYPED, evidence_json(known))["refusals"][0]["text"] == "", "a question that was asked back is not"


def test_a_register_without_workers_still_tells_the_systems_of_the_city(client, app, tmp_path):
    file = tmp_path / "scanner.yaml"
    file.write_text(SYSTEM)
    desk = app.state.desk
    Register(desk.store, journal=desk.journal).enter(read_entries(file), actor="Anna")
    found = client.get("/register", params={"q": "plates"}).json()
    assert (found["status"], [row["id"] for row in found["items"]]) == ("computing", ["example:parking-scanner"])
    entry = client.get("/register/example:parking-scanner").json()
    assert entry["contact"] == "parking@example.org"
    assert "organisation" in entry["needed"]
    assert entry["kept"][0]["standing"] == "draft"


def until(read, count, of="runs"):
    """An entry, once so much of something is counted: evidence is told again for two seconds."""
    end = time.monotonic() + 15
    while True:
        entry = read()
        counts = entry["evidence"]["counts"] | {"runs": entry["evidence"]["runs"]}
        if counts[of] >= count:
            return entry
        assert time.monotonic() < end, counts
        time.sleep(0.2)


@pytest.mark.slow
class TestServed:
    """On a real server, whose worker declares the twin's entries."""

    def get(self, served, address, **query):
        reply = served.client.get(address, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def test_every_algorithm_of_the_twin_is_found(self, served):
        self.get(served, "/register/synapolis:flood")  # whoever asks for one of the twin's own waits until it is there
        first = self.get(served, "/register", limit=50)
        assert first["status"] == "ready"
        ids, page = [], first
        while True:
            ids += [row["id"] for row in page["items"]]
            if page["next"] is None:
                break
            page = self.get(served, "/register", limit=50, cursor=page["next"])
        assert len(ids) == len(set(ids)) == first["total"] > 100
        assert {"synapolis:flood", "synapolis:gate", "synapolis:parse_question"} <= set(ids)

    def test_search_and_filters_say_how_many_they_leave(self, served):
        found = self.get(served, "/register", q="surface water", kind="model")
        assert "synapolis:flood" in [row["id"] for row in found["items"]]
        assert all(row["kind"] == "model" for row in found["items"])
        assert found["facets"]["kind"]["model"] == found["total"]

    def test_an_entry_is_whole_and_its_evidence_counts_runs(self, served):
        before = self.get(served, "/register/synapolis:parse_question")
        served.until(served.ask("What happens to stormwater if we add 20 homes in Old Town?", members=0))
        after = until(lambda: self.get(served, "/register/parse_question"), before["evidence"]["runs"] + 1)
        assert after["id"] == before["id"], "a name is enough"
        assert {group["group"] for group in after["groups"]} >= {"purpose", "technique", "oversight", "machine"}
        assert after["filled"] <= after["applicable"]

    def test_an_entry_goes_out_in_every_standard(self, served):
        entry = self.get(served, "/register/synapolis:flood")
        assert [one["standard"] for one in entry["exports"]] == ["csv", *STANDARDS]
        for one in entry["exports"]:
            reply = served.client.get(one["url"].removeprefix("/api/v1"))
            assert reply.status_code == 200
            assert "attachment" in reply.headers["content-disposition"]
        assert served.client.get("/register/synapolis:flood/export/none").status_code == 404

    def test_a_complaint_is_kept_and_counted(self, served):
        reply = served.post("/register/flood/complaints", {"text": "The map shows my cellar dry; it was not."})
        assert reply.status_code == 201, reply.text
        assert served.post("/register/flood/complaints", {"text": "short"}).status_code == 422
        until(lambda: self.get(served, "/register/synapolis:flood"), 1, "complaints")

    def test_what_is_not_there_is_404(self, served):
        reply = served.client.get("/register/no_such_algorithm")
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
