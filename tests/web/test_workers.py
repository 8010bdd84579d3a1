"""Runs in worker processes, over HTTP: progress, cancelling, and what happens when a process is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from synapolis.core.errors import CityError
from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.web.plans import DEMO
from synapolis.web.security.principal import Who
from synapolis.web.settings import Settings
from synapolis.web.state import Desk
from synapolis.web.work.workers import Workers

pytestmark = pytest.mark.slow
QUESTION = "What happens to stormwater if we add {} homes in Old Town?"
LONG = {"members": 200}
SCENARIO = {"title": "Homes", "edits": [{"kind": "add_homes", "area": {"place": "Old Town"}, "homes": 40}]}


def entries(server, kind):
    with open_store(f"sqlite:///{server.home}/records.db") as store:
        assert Journal(store).verify().whole
        return list(Journal(store).entries(kind=kind))


def test_a_question_is_answered_with_progress_and_its_answer_is_kept_and_journalled(served):
    job = served.ask(QUESTION.format(30))
    told = list(served.events(job))
    states = [item["status"] for _, item in told]
    assert states == sorted(states, key=["queued", "running", "done"].index)
    shares = [item["progress"]["share"] for _, item in told if item["progress"]]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    last_mark, last = told[-1]
    assert (last["status"], last["answer_status"], last["attempts"]) == ("done", "answered", 1), last
    assert "Old Town" in last["title"]
    assert last["summary"]
    assert (served.home / "answers" / f"{last['answer'][:16]}.json").is_file()
    assert (served.home / "answers" / last["answer"][:16] / "maps.json").is_file()
    assert list(served.events(job, last_mark)) == []
    (entry,) = [e for e in entries(served, "run") if e.body["results"][0]["question"] == QUESTION.format(30)]
    assert (entry.actor, entry.body["command"]) == ("local user", "web")
    assert entry.body["results"][0]["answer_hash"] == last["answer"]


def test_a_kept_scenario_knows_the_answer_of_its_very_version(served):
    kept = served.post("/cities/town/scenarios", SCENARIO)
    name, tag = kept.json()["id"], kept.headers["etag"]
    run = served.post("/cities/town/jobs", {"kind": "run", "scenario_id": name, "want": ["homes_placed"], "members": 0})
    job = served.until(run.json()["id"])
    assert (job["status"], job["scenario"]) == ("done", {"id": name, "version": 1}), job
    first = served.client.get(f"/scenarios/{name}").json()
    assert (first["answer"], first["summary"]) == (job["answer"], job["summary"])
    saved = served.client.put(f"/scenarios/{name}", json=SCENARIO | {"title": "More"}, headers={"If-Match": tag})
    assert (saved.status_code, saved.json()["answer"]) == (200, None)
    assert served.client.get(f"/scenarios/{name}", params={"version": 1}).json()["answer"] == job["answer"]


def test_a_scenario_without_wants_is_asked_what_suits_it_with_its_gates(served):
    run = served.post("/cities/town/jobs", {"kind": "run", "scenario": SCENARIO, "members": 0})
    job = served.until(run.json()["id"])
    assert job["status"] == "done", job
    answer = (served.home / "answers" / f"{job['answer'][:16]}.json").read_text()
    for word in ("runoff_volume", "homes_placed", "Affordability for the lowest incomes", "total_capital_cost"):
        assert word in answer


def test_where_to_build_is_answered_too(served):
    job = served.until(served.ask("Where should we build 60 homes?", members=2))
    assert (job["status"], job["answer_status"]) == ("done", "answered"), job


def test_what_cannot_be_answered_is_told_and_is_in_the_journal(served):
    job = served.until(served.ask("What happens to stormwater if we add 50 homes in Atlantis?"))
    assert (job["status"], job["answer_status"], job["answer"]) == ("done", "clarify", None)
    assert "Atlantis" in job["summary"]
    lost = {"title": "Lost", "edits": [{"kind": "close_street", "street": "Nowhere Lane"}]}
    failed = served.until(served.post("/cities/town/jobs", {"kind": "run", "scenario": lost}).json()["id"])
    assert failed["status"] == "failed"
    assert failed["error"]["status"] == 422
    assert "Nowhere Lane" in failed["error"]["detail"]
    assert [e.body["reason"] for e in entries(served, "refusal")][-1] == failed["error"]["detail"]


def test_a_running_job_is_cancelled_and_the_next_one_runs(served):
    running = served.ask(QUESTION.format(31), **LONG)
    waiting = served.ask(QUESTION.format(32), members=0)
    assert served.job(waiting)["status"] == "queued"
    served.until(running, "running")
    start = time.monotonic()
    assert served.client.delete(f"/jobs/{running}").json()["status"] == "cancelled"
    done = served.until(waiting)
    assert (done["status"], time.monotonic() - start < 20) == ("done", True)
    assert (served.job(running)["status"], served.job(running)["answer"]) == ("cancelled", None)


def test_a_worker_that_is_killed_costs_an_attempt_and_nothing_else(served):
    job = served.ask(QUESTION.format(33), members=20)
    served.until(job, "running")
    (worker,) = served.workers()
    os.kill(worker, signal.SIGKILL)
    ended = served.until(job)
    assert (ended["status"], ended["answer_status"], ended["attempts"]) == ("done", "answered", 2), ended


def test_a_job_that_ends_every_worker_is_given_up_with_a_clear_problem(served):
    job = served.ask(QUESTION.format(34), **LONG)
    for attempt in (1, 2, 3):
        for _, state in served.events(job):
            if state["status"] == "running" and state["attempts"] == attempt:
                break
        (worker,) = served.workers()
        os.kill(worker, signal.SIGKILL)
    ended = served.until(job)
    assert (ended["status"], ended["attempts"]) == ("failed", 3)
    assert "3 times, perhaps for want of memory" in ended["error"]["detail"]
    assert served.until(served.ask(QUESTION.format(30)))["status"] == "done"


def test_a_server_that_ends_during_a_run_finishes_it_when_it_is_back(new_server):
    server = new_server("--workers", "1")
    running = server.ask(QUESTION.format(35), members=20)
    waiting = server.ask(QUESTION.format(36), members=0)
    for signal_ in (signal.SIGKILL, signal.SIGTERM):
        server.until(running, "running")
        workers = server.workers()
        os.kill(server.process.pid, signal_)
        server.process.wait(timeout=20)
        server.start()
    for name in (running, waiting):
        ended = server.until(name)
        assert (ended["status"], ended["answer_status"]) == ("done", "answered"), ended
    assert server.job(running)["attempts"] == 2  # a server that is asked to end gives its jobs back
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert len(entries(server, "job")) == 2
    server.stop()


def test_what_the_server_asks_for_itself_gives_its_worker_up_to_a_person_and_goes_on_after(home):
    """Also: a call of a page comes back with its value, and one that fails with its error."""
    settings = Settings(city="town", workers=1, members=2)
    store = open_store(f"sqlite:///{home}/records.db")
    desk = Desk(settings, store, Journal(store))
    own, anna = Who(DEMO, ("officer",)), Who("Anna", ("analyst",), "a")

    def put(who, homes, members):
        request = {"question": QUESTION.format(homes), "members": members}
        return desk.jobs.add(kind="ask", city="town", request=request, principal=who, title="?").id

    async def until(workers, name, *states):
        with workers.listeners.listening(name) as event:
            while (row := await workers.look(name)).status not in states:
                await event.wait()
                event.clear()
            return row

    async def play():
        async with Workers(settings, desk.jobs) as workers:
            long = put(own, 37, 40)
            workers.submit(long)
            await until(workers, long, "running")
            short = put(anna, 38, 0)
            workers.submit(short)
            done = await until(workers, short, "done")
            assert desk.jobs.get(long).status in {"queued", "running"}
            with pytest.raises(CityError, match="no city is called 'atlantis'"):
                await workers.call("today", city="atlantis", words=[])
            return done, await until(workers, long, "done")

    short, long = asyncio.run(play())
    store.close()
    assert (short.attempts, long.attempts) == (1, 1)
    assert short.ended < long.ended
