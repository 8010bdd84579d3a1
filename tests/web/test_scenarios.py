"""Kept scenarios: two people at one of them lose nothing, versions stay, plans are published and taken back."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import RecordsError
from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.records.tables_desk import ScenarioVersion, change, scenario_versions
from synapolis.web.errors import Problem
from synapolis.web.security.principal import Who
from synapolis.web.work.shelf import Shelf, StaleError

HOMES = {"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50}
CLOSED = {"kind": "close_street", "street": "Otter Road", "off": True}
BODY = {"title": "Homes in Old Town", "edits": [HOMES, CLOSED]}
ANNA, BEN = Who("Anna", ("analyst",), "a"), Who("Ben", ("analyst", "officer"), "b")


def made(client, **more):
    reply = client.post("/cities/town/scenarios", json=BODY | more)
    assert reply.status_code == 201, reply.text
    return reply


def test_a_scenario_is_kept_as_it_was_sent(client):
    reply = made(client)
    kept = reply.json()
    assert (kept["version"], kept["status"], kept["author"], kept["answer"]) == (1, "draft", "local user", None)
    assert [edit.get("off", False) for edit in kept["edits"]] == [False, True]
    assert [edit["id"] for edit in kept["edits"]] == ["e1", "e2"]
    got = client.get(reply.headers["location"].removeprefix("/api/v1"))
    assert got.json() == kept
    assert got.headers["etag"] == reply.headers["etag"]
    seen = client.get(f"/scenarios/{kept['id']}", headers={"If-None-Match": f'W/"x", {got.headers["etag"]}'})
    assert seen.status_code == 304


def test_of_two_people_who_change_one_scenario_the_second_is_told_and_nothing_is_lost(client):
    first = made(client)
    address, tag = f"/scenarios/{first.json()['id']}", first.headers["etag"]
    anna = client.put(address, json=BODY | {"title": "By Anna"}, headers={"If-Match": tag})
    assert (anna.status_code, anna.json()["version"]) == (200, 2)
    ben = client.put(address, json=BODY | {"title": "By Ben"}, headers={"If-Match": tag})
    assert (ben.status_code, ben.headers["content-type"]) == (412, "application/problem+json")
    told = ben.json()
    assert told["current"]["title"] == "By Anna"
    assert "has saved version 2 meanwhile" in told["detail"]
    after = client.put(address, json=BODY | {"title": "By both"}, headers={"If-Match": anna.headers["etag"]})
    assert after.json()["version"] == 3
    titles = [item["title"] for item in client.get(f"{address}/versions").json()["items"]]
    assert titles == ["By both", "By Anna", "Homes in Old Town"]
    assert client.get(address, params={"version": 1}).json()["title"] == "Homes in Old Town"


def test_a_change_says_what_it_was_made_on(client):
    address = f"/scenarios/{made(client).json()['id']}"
    for reply in (client.put(address, json=BODY), client.delete(address)):
        assert reply.status_code == 428
        assert "If-Match" in reply.json()["detail"]
    assert client.put(address, json=BODY, headers={"If-Match": '"nonsense"'}).status_code == 412
    assert client.put(address, json=BODY, headers={"If-Match": "*"}).status_code == 200


def test_saving_what_is_there_makes_no_version(client):
    first = made(client)
    again = client.put(f"/scenarios/{first.json()['id']}", json=BODY, headers={"If-Match": first.headers["etag"]})
    assert again.json() == first.json()


def test_a_plan_is_published_edited_behind_the_public_and_withdrawn(client, home):
    first = made(client)
    name, tag = first.json()["id"], first.headers["etag"]
    plan = client.post(f"/scenarios/{name}/publish", json={"sentence": "Fifty homes in Old Town.", "when": "2030"})
    assert (plan.json()["status"], plan.json()["published_version"], plan.json()["when"]) == ("published", 1, "2030")
    assert client.delete(f"/scenarios/{name}", headers={"If-Match": tag}).status_code == 409
    client.put(f"/scenarios/{name}", json=BODY | {"title": "Next"}, headers={"If-Match": plan.headers["etag"]})
    (shown,) = client.get("/cities/town/scenarios", params={"status": "published"}).json()["items"]
    assert (shown["title"], shown["version"], shown["newest"]) == ("Homes in Old Town", 1, 2)
    stale = client.post(f"/scenarios/{name}/publish", json={"sentence": "Fifty homes."}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert client.post(f"/scenarios/{name}/withdraw").json()["status"] == "draft"
    assert client.post(f"/scenarios/{name}/withdraw").status_code == 409
    assert client.delete(f"/scenarios/{name}", headers={"If-Match": "*"}).status_code == 204
    assert client.get(f"/scenarios/{name}").status_code == 404
    with open_store(f"sqlite:///{home}/records.db") as store:
        told = [entry.body["act"] for entry in Journal(store).entries(kind="scenario")]
    assert told == ["created", "published", "saved", "withdrawn", "deleted"]


def test_scenarios_are_listed_by_pages(client):
    names = [made(client, title=f"Scenario {k}").json()["id"] for k in range(5)]
    first = client.get("/cities/town/scenarios", params={"limit": 3, "mine": True}).json()
    rest = client.get("/cities/town/scenarios", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == names[::-1]
    assert rest["next"] is None
    assert client.get("/cities/town/scenarios", params={"status": "published"}).json()["items"] == []


@pytest.fixture
def shelf(store):
    return Shelf(store, Journal(store))


def content(title):
    return {"title": title, "edits": [], "want": []}


def test_many_who_save_at_once_make_one_version_each_or_are_told(shelf):
    head = shelf.add("town", content("0"), ANNA)
    told, saved = [], []

    def save(k):
        try:
            saved.append(shelf.save(head.id, 1, content(str(k)), ANNA).version)
        except StaleError as stale:
            told.append(stale.head.version)

    threads = [threading.Thread(target=save, args=(k,)) for k in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (saved, told) == ([2], [2] * 7)
    assert len(shelf.versions(head.id)) == 2


def test_a_version_is_never_changed(shelf):
    head = shelf.add("town", content("0"), ANNA)
    with pytest.raises(RecordsError, match="never changed"), shelf._store.write() as connection:
        change(connection, ScenarioVersion, scenario_versions.c.scenario == head.id, author="Eve")
    assert shelf.at(head.id)[1].author == "Anna"


acts = st.lists(st.sampled_from(["save", "save old", "publish", "withdraw"]), max_size=8)


@pytest.fixture(scope="module")
def long_store(tmp_path_factory):
    """Records that all examples of a law share: opening them takes longer than using them."""
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('shelf')}/records.db") as store:
        yield store


@settings(max_examples=12)
@given(acts)
def test_whatever_is_done_versions_count_up_and_what_is_public_stays_as_it_was_published(long_store, acts):
    shelf = Shelf(long_store, Journal(long_store))
    head = shelf.add("town", content("0"), ANNA)
    titles, public = ["0"], None
    for number, act in enumerate(acts, start=1):
        if act == "save":
            shelf.save(head.id, len(titles), content(str(number)), BEN)
            titles.append(str(number))
        elif act == "save old":
            with pytest.raises(StaleError):
                shelf.save(head.id, len(titles) + 1, content("lost"), BEN)
        elif act == "publish":
            shelf.publish(head.id, None, sentence="A plan for all.", planned="", who=BEN)
            public = len(titles)
        elif public is None:
            with pytest.raises(Problem, match="nothing to withdraw"):
                shelf.withdraw(head.id, BEN)
        else:
            shelf.withdraw(head.id, BEN)
            public = None
    assert [row.content["title"] for row in shelf.versions(head.id)] == titles[::-1]
    shown = [at for kept, at in shelf.newest("town", shown="published") if kept.id == head.id]
    assert [at.content["title"] for at in shown] == ([titles[public - 1]] if public else [])
    assert Journal(long_store).verify().whole
