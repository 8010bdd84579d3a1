"""Parts of the workers by themselves: what a worker tells of a task, how far a job is, how errors come across."""

from __future__ import annotations

import asyncio
from multiprocessing import Pipe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import ModelError, NotComputableError, ScenarioError
from synapolis.web.errors import problem_of
from synapolis.web.settings import Settings
from synapolis.web.work import workers as work
from synapolis.web.work.hands import Far, error_of
from synapolis.web.work.listening import Listeners
from synapolis.web.work.worker import Line, StoppedError, _do


@pytest.fixture
def line():
    theirs, ours = Pipe()
    made = Line(ours)
    made.number = 7
    return made, theirs


def broken(error):
    def act():
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: {"answer": "ab"}, ("done", 7, {"answer": "ab"})),
        (broken(ModelError("half-way it broke")), ("failed", 7, "ModelError", "half-way it broke")),
        (broken(StoppedError()), ("stopped", 7)),
        (broken(MemoryError()), ("failed", 7, "MemoryError", "")),
        (broken(ZeroDivisionError("secret")), ("failed", 7, "", "")),
    ],
)
def test_a_worker_tells_how_a_task_ended_and_lives_on(line, act, told):
    made, theirs = line
    _do(made, 7, act)
    assert theirs.recv() == told


def test_a_task_that_was_cancelled_ends_at_its_next_step_and_before_it_begins(line):
    made, theirs = line
    made._stop.add(7)
    with pytest.raises(StoppedError):
        made.tell("flood depth", 1, 9)
    _do(made, 7, broken(AssertionError("never called")))
    assert theirs.recv() == ("stopped", 7)


def test_a_worker_says_how_far_it_is_a_few_times_a_second(line):
    made, theirs = line
    for k in range(1000):
        made.tell("flood_depth", k, 1000)
    assert theirs.recv() == ("far", 7, "flood_depth", 0, 1000)
    count = 0
    while theirs.poll():
        theirs.recv()
        count += 1
    assert count < 20


@pytest.mark.parametrize(
    ("name", "status"),
    [("ScenarioError", 422), ("NotComputableError", 422), ("MemoryError", 507), ("Problem", 500), ("", 500)],
)
def test_an_error_comes_across_as_itself(name, status):
    error = error_of(name, "told")
    shape = problem_of(error)
    assert shape["status"] == status
    assert shape["detail"]
    if name in {"ScenarioError", "NotComputableError"}:
        assert type(error) in {ScenarioError, NotComputableError}
        assert shape["detail"] == "told"


steps = st.lists(st.tuples(st.sampled_from(["flood_depth", "ensemble"]), st.integers(0, 9), st.integers(0, 9)))


@given(steps)
def test_a_share_is_a_share_and_never_falls(told):
    far = Far()
    for step, done, of in told:
        after = far.on(step, min(done, of), of)
        assert far.share <= after.share <= 1
        far = after


def test_who_listens_is_woken_for_their_job_alone_and_forgotten_after():
    async def listen():
        listeners = Listeners()
        with listeners.listening("a") as first, listeners.listening("a") as second, listeners.listening("b") as other:
            listeners.changed("a", "c")
            assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
            listeners.close()
            assert other.is_set()
        assert not listeners._events

    asyncio.run(listen())


class CrowdedSystem:
    """Processes of a system that has room for one at the third try."""

    Pipe = staticmethod(Pipe)
    tries = 0

    def Process(self, **_):
        return self

    def start(self):
        self.tries += 1
        if self.tries < 3:
            raise BlockingIOError("Resource temporarily unavailable")


def test_a_worker_is_started_as_soon_as_there_is_room_for_a_process(monkeypatch):
    monkeypatch.setattr(work, "processes", system := CrowdedSystem())
    monkeypatch.setattr(work, "AGAIN", 0.001)

    async def start():
        workers = work.Workers(Settings(), None)
        workers._loop = asyncio.get_running_loop()
        await workers._start_again()
        return len(workers._hands)

    assert asyncio.run(start()) == 1
    assert system.tries == 3
