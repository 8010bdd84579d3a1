"""Jobs: asked for once, taken in turn, cancelled, listed; what the queue keeps and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.web.errors import Problem
from synapolis.web.security.principal import Who
from synapolis.web.work.jobs import MOST_WAITING, Jobs, Outcome
from synapolis.web.work.turns import Waiting, in_turn

ASK = {"kind": "ask", "question": "What happens to stormwater if we add 50 homes in Old Town?"}
ANNA, BEN = Who("Anna", ("analyst",), "a"), Who("Ben", ("analyst",), "b")


def ask(client, **headers):
    return client.post("/cities/town/jobs", json=ASK, headers=headers)


def test_a_question_becomes_a_job_that_waits(client):
    reply = ask(client)
    assert reply.status_code == 202
    job = reply.json()
    assert reply.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["status"], job["position"], job["by"], job["attempts"]) == ("queued", 1, "local user", 0)
    assert job["title"] == ASK["question"]
    got = client.get(f"/jobs/{job['id']}")
    assert got.json() == job
    again = client.get(f"/jobs/{job['id']}", headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_same_key_makes_one_job_and_another_request_under_it_is_refused(client):
    first = ask(client, **{"Idempotency-Key": "once"}).json()
    assert ask(client, **{"Idempotency-Key": "once"}).json()["id"] == first["id"]
    other = client.post("/cities/town/jobs", json=ASK | {"members": 3}, headers={"Idempotency-Key": "once"})
    assert other.status_code == 422
    assert "key of its own" in other.json()["detail"]
    assert len(client.get("/jobs").json()["items"]) == 1


def test_jobs_are_listed_by_pages_newest_first(client):
    made = [ask(client).json()["id"] for _ in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = client.get("/jobs", params={"limit": 2, "city": "town"} | ({"cursor": cursor} if cursor else {})).json()
        found += [job["id"] for job in page["items"]]
        cursor = page["next"]
    assert found == made[::-1]
    assert client.get("/jobs", params={"cursor": "moon"}).status_code == 422


def test_a_job_that_waits_is_cancelled_once_and_the_journal_tells(client, home):
    job = ask(client).json()["id"]
    assert client.delete(f"/jobs/{job}").json()["status"] == "cancelled"
    again = client.delete(f"/jobs/{job}")
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    with open_store(f"sqlite:///{home}/records.db") as store:
        told = [entry.body["act"] for entry in Journal(store).entries(kind="job")]
    assert told == ["queued", "cancelled"]


def test_the_stream_of_a_job_that_ended_tells_it_and_ends(client):
    job = ask(client).json()["id"]
    client.delete(f"/jobs/{job}")
    text = client.get(f"/jobs/{job}/events").text
    assert text.count("event: job") == 1
    assert '"status":"cancelled"' in text
    mark = text.partition("id: ")[2].partition("\n")[0]
    assert "event: job" not in client.get(f"/jobs/{job}/events", headers={"Last-Event-ID": mark}).text


def test_one_person_fills_only_their_own_part_of_the_queue(client):
    for _ in range(MOST_WAITING):
        assert ask(client).status_code == 202
    full = ask(client)
    assert (full.status_code, full.headers["retry-after"]) == (429, "10")
    assert "wait for one, or cancel one" in full.json()["detail"]


def test_a_city_that_is_not_served_is_told(client):
    reply = client.post("/cities/atlantis/jobs", json=ASK)
    assert reply.status_code == 404
    assert "there are town" in reply.json()["detail"]
    assert client.get("/jobs/ffffffffffffffff").status_code == 404


@pytest.fixture
def jobs(store):
    return Jobs(store, Journal(store))


def put(jobs, who=ANNA, **more):
    return jobs.add(kind="ask", city="town", request={"question": "?"}, principal=who, title="?", **more)


def test_a_job_begins_once_and_ends_once(jobs):
    row = put(jobs)
    begun = jobs.begin(row.id)
    assert (begun.status, begun.attempts) == ("running", 1)
    assert jobs.begin(row.id) is None
    assert jobs.finish(row.id, Outcome(answer="ab", answer_status="answered", summary="s"))
    assert not jobs.finish(row.id, Outcome())
    assert not jobs.fail(row.id, {"detail": "late"})
    assert not jobs.put_back(row.id)
    assert not jobs.cancel(row.id, ANNA)
    ended = jobs.get(row.id)
    assert (ended.status, ended.answer, ended.summary) == ("done", "ab", "s")


def test_what_is_cancelled_while_it_runs_stays_cancelled(jobs):
    row = put(jobs)
    jobs.begin(row.id)
    assert jobs.cancel(row.id, ANNA)
    assert not jobs.finish(row.id, Outcome(answer="ab"))
    assert jobs.get(row.id).answer is None


def test_what_ran_when_a_server_was_lost_waits_again_at_its_place(jobs):
    first, second = put(jobs), put(jobs)
    jobs.begin(first.id)
    assert jobs.take_up() == 1
    assert [job.id for job in jobs.waiting()] == [first.id, second.id]
    assert jobs.begin(first.id).attempts == 2


def test_a_key_is_a_persons_own(jobs):
    assert put(jobs, once="k").id != put(jobs, BEN, once="k").id
    with pytest.raises(Problem, match="key of its own"):
        jobs.add(kind="run", city="town", request={}, principal=ANNA, title="?", once="k")


owners = st.sampled_from(["Anna", "Ben", "Cleo"])
queues = st.lists(owners, max_size=12).map(
    lambda names: [Waiting(f"{name}-{number}", name, number) for number, name in enumerate(names)]
)


@given(queues, st.dictionaries(owners, st.integers(0, 2)), st.dictionaries(owners, st.integers(0, 9)))
def test_everybody_keeps_their_own_order_and_nobody_is_forgotten(queue, running, served):
    order = in_turn(queue, running=running, served=served)
    assert sorted(order, key=lambda job: job.number) == queue
    for owner in {job.owner for job in queue}:
        numbers = [job.number for job in order if job.owner == owner]
        assert numbers == sorted(numbers)


@given(queues)
def test_between_two_turns_of_one_person_everybody_who_waits_has_one(queue):
    """With one worker, whatever the queue: nobody has two turns while another waits for a first."""
    waiting, served, turns = list(queue), {}, []
    while waiting:
        job = in_turn(waiting, running={}, served=served)[0]
        others = {other.owner for other in waiting} - {job.owner}
        since = turns[turns.index(job.owner) + 1 :] if job.owner in turns else None
        if since is not None:
            last = len(turns) - 1 - turns[::-1].index(job.owner)
            assert others <= set(turns[last + 1 :])
        turns.append(job.owner)
        served[job.owner] = len(turns)
        waiting.remove(job)


@given(queues, owners)
def test_what_the_server_asks_for_itself_comes_last(queue, own):
    order = in_turn(queue, running={}, served={}, last={own})
    rest = [job.owner for job in order]
    assert own not in rest[: len(rest) - rest.count(own)]


@given(queues, owners)
def test_who_has_a_job_running_waits_behind_who_has_none(queue, busy):
    order = in_turn(queue, running={busy: 1}, served={})
    firsts = {owner: next(k for k, job in enumerate(order) if job.owner == owner) for owner in {j.owner for j in queue}}
    if busy in firsts:
        assert all(place < firsts[busy] for owner, place in firsts.items() if owner != busy)


def test_a_run_without_a_title_is_called_by_what_it_does(client):
    edits = [{"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 50},
             {"kind": "close_street", "street": "Nowhere Lane"}]  # fmt: skip
    reply = client.post("/cities/town/jobs", json={"kind": "run", "scenario": {"edits": edits}})
    assert reply.json()["title"] == "Adding 50 homes in Old Town"
