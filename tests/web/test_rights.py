"""Who sees and changes which job and scenario, once there are accounts."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

ASK = {"kind": "ask", "question": "What happens to stormwater if we add 50 homes in Old Town?"}
BODY = {"title": "Homes", "edits": [{"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50}]}


@pytest.fixture
def people(app, client):
    """A program of each of some people, by name; `visitor` is nobody."""
    security = app.state.security
    security.accounts.add("first", ("admin",), by="tests")

    def browser(name, *roles):
        opened = TestClient(app, base_url=client.base_url)
        if roles:
            account = security.accounts.add(name, roles, by="tests")
            secret, _ = security.sessions.add_token(account, "tests", roles, 1, by="tests")
            opened.headers["Authorization"] = f"Bearer {secret}"
        else:
            opened.headers["X-CSRF-Token"] = opened.get("/me").json()["csrf"]
        return opened

    return {
        "anna": browser("anna", "analyst"), "ben": browser("ben", "analyst"), "olga": browser("olga", "operator"),
        "otto": browser("otto", "officer"), "cilla": browser("cilla", "citizen"), "visitor": browser("visitor"),
    }  # fmt: skip


def test_a_job_is_its_askers_and_the_operators(people):
    job = people["anna"].post("/cities/town/jobs", json=ASK).json()
    assert job["by"] == "anna"
    address = f"/jobs/{job['id']}"
    for name, sees in (("anna", True), ("olga", True), ("ben", False), ("visitor", False)):
        assert (people[name].get(address).status_code == 200) == sees
        assert len(people[name].get("/jobs").json()["items"]) == int(sees)
    assert people["ben"].delete(address).status_code == 404
    assert people["olga"].get("/jobs", params={"mine": True}).json()["items"] == []
    assert people["olga"].delete(address).json()["status"] == "cancelled"


def test_who_may_not_run_or_edit_is_told_what_it_takes(people):
    for name, status in (("visitor", 401), ("cilla", 403), ("olga", 403)):
        assert people[name].post("/cities/town/jobs", json=ASK).status_code == status
        reply = people[name].post("/cities/town/scenarios", json=BODY)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert people["visitor"].post("/cities/town/read", json={"question": ASK["question"]}).status_code == 200


def test_drafts_are_for_those_who_edit_and_plans_for_all_as_they_were_published(people):
    made = people["anna"].post("/cities/town/scenarios", json=BODY)
    address = f"/scenarios/{made.json()['id']}"
    assert people["visitor"].get(address).status_code == 404
    assert people["visitor"].get("/cities/town/scenarios").json()["items"] == []
    assert people["visitor"].get("/cities/town/scenarios", params={"status": "draft"}).status_code == 403
    assert people["ben"].get(address).json()["author"] == "anna"
    assert people["anna"].post(f"{address}/publish", json={"sentence": "Fifty homes."}).status_code == 403
    plan = people["otto"].post(f"{address}/publish", json={"sentence": "Fifty homes in Old Town."})
    assert plan.status_code == 200
    changed = people["ben"].put(address, json=BODY | {"title": "More"}, headers={"If-Match": plan.headers["etag"]})
    assert (changed.json()["author"], changed.json()["version"]) == ("ben", 2)
    seen = people["visitor"].get(address).json()
    assert (seen["title"], seen["version"], seen["sentence"]) == ("Homes", 1, "Fifty homes in Old Town.")
    assert people["visitor"].get(address, params={"version": 2}).status_code == 404
    assert people["cilla"].get(f"{address}/versions").status_code == 403
    assert people["cilla"].delete(address, headers={"If-Match": "*"}).status_code == 403
