"""The workers of a server: processes that run the twin, what each does now, and who is told about it.

All of it lives in the server's event loop, which never computes and never waits for a worker. Jobs come from the queue
in the records. Calls are tasks of the pages: the quick ones go before jobs, the others take turns with them. A worker
that dies loses nothing: its job waits again at its old place, up to `ATTEMPTS` times, and what it had made by then is
found in the cache.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from starlette.concurrency import run_in_threadpool

from synapolis.core.errors import RecordsError, SynapolisError
from synapolis.records.tables_desk import JobRow
from synapolis.web.errors import Problem, problem_of
from synapolis.web.plans import DEMO
from synapolis.web.settings import Settings
from synapolis.web.work.alone import Alone
from synapolis.web.work.hands import Call, Far, Hand, error_of, lost_error
from synapolis.web.work.jobs import ENDED, Jobs, outcome_of
from synapolis.web.work.listening import Listeners
from synapolis.web.work.tasks import QUICK
from synapolis.web.work.turns import Waiting, in_turn
from synapolis.web.work.worker import main

ATTEMPTS = 3
"""Workers that a job may cost before it is given up."""
OWN = frozenset({DEMO})
"""Owners of what the server itself asks for: it waits for everybody, and gives its worker up to them."""
GRACE = 2.0
"""[s] a cancelled task has to end by itself before its worker is ended."""
AGAIN = 2.0
"""[s] until records that could not be had are asked again."""
REMEMBERED = 500
processes = multiprocessing.get_context("spawn")
log = logging.getLogger("synapolis.web.work")


@dataclass
class Workers:
    """The processes, and the loop that gives them work. Use as an async context manager.

    With no processes at all, jobs wait in the queue.
    """

    settings: Settings
    jobs: Jobs
    listeners: Listeners = field(default_factory=Listeners)

    def __post_init__(self) -> None:
        self._hands: list[Hand] = []
        self._quick: deque[Call] = deque()
        self._calls: deque[Call] = deque()
        self._calls_turn = True
        self._alone = Alone()
        self._dropped: deque[str] = deque(maxlen=REMEMBERED)
        self._far: dict[str, Far] = {}
        self._ended: OrderedDict[str, JobRow] = OrderedDict()
        self._order: list[Waiting] = []
        self._served: dict[str, int] = {}
        self._turn = self._number = self._failed_starts = 0
        self._closing = False

    async def __aenter__(self) -> Self:
        """Take up what the last server left, and start the processes; it does not wait until they are ready."""
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        if self._alone.take() and (taken := await run_in_threadpool(self.jobs.take_up)):
            log.warning("%d jobs that ran when the last server was lost run again", taken)
        for _ in range(self.settings.workers):
            await self._start()
        self._giving = asyncio.create_task(self._give())
        self._wake.set()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the processes; what they did not finish waits for the next server."""
        self._closing = True
        self._giving.cancel()
        self.listeners.close()
        for call in (*self._quick, *self._calls):
            call.result.cancel()
        await run_in_threadpool(self._end_all)
        self._alone.leave()

    def _end_all(self) -> None:
        for hand in self._hands:
            hand.process.kill()  # nothing of it is lost: what it keeps is kept whole, and its job waits again
        for hand in self._hands:
            hand.process.join()
            if isinstance(hand.doing, JobRow):
                self.jobs.put_back(hand.doing.id, unspent=True)

    # What handlers call

    def submit(self, name: str) -> None:
        """Say that a job was put into the queue, from any thread."""
        self._reorder()
        self._loop.call_soon_threadsafe(self._wake.set)
        _ = name

    async def call(self, name: str, **arguments: Any) -> Any:
        """Run a task of a page in a worker, a quick one before any job that waits, and return what it returns.

        Raises
        ------
        SynapolisError
            What the task raised, or that its worker was lost twice.
        """
        call = Call(name, arguments, self._loop.create_future())
        (self._quick if name in QUICK else self._calls).append(call)
        self._wake.set()
        return await call.result

    def cancelled(self, name: str) -> None:
        """Say that a job was cancelled: where it runs, it is told to end, and after a grace it is ended."""
        self._loop.call_soon_threadsafe(self._cancel, name)

    def far(self, name: str) -> Far | None:
        """How far a running job is."""
        return self._far.get(name)

    def position(self, name: str) -> int | None:
        """Place of a waiting job in the queue, from 1."""
        return next((place for place, job in enumerate(self._order, start=1) if job.id == name), None)

    def find(self, name: str) -> JobRow | None:
        """Row of a job as it is now, from memory where it has changed lately, else from the records."""
        return self._remembered(name) or self.jobs.get(name)

    async def look(self, name: str) -> JobRow:
        """Row of a job that is known to be there, for one who listens to it."""
        row = self._remembered(name) or await run_in_threadpool(self.jobs.get, name)
        assert row is not None
        return row

    def _remembered(self, name: str) -> JobRow | None:
        for hand in list(self._hands):
            if isinstance(hand.doing, JobRow) and hand.doing.id == name and name in self._far:
                return hand.doing
        return self._ended.get(name)

    # Giving out work

    async def _give(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._give_all()
                self._make_room()
            except SynapolisError as error:  # the records cannot be had just now
                log.warning("the queue cannot be read: %s", error)
                self._loop.call_later(AGAIN, self._wake.set)
            except Exception:  # whatever it is: nothing runs any more without this loop
                log.exception("giving out work broke")
                self._loop.call_later(AGAIN, self._wake.set)

    async def _give_all(self) -> None:
        while hand := next((hand for hand in self._hands if hand.ready and hand.doing is None), None):
            if self._quick:
                self._send_call(hand, self._quick.popleft())
                continue
            await run_in_threadpool(self._reorder)
            if self._calls and (self._calls_turn or not self._order):
                self._calls_turn = False
                self._send_call(hand, self._calls.popleft())
                continue
            if not self._order:
                return
            row = await run_in_threadpool(self.jobs.begin, self._order[0].id)
            if row is None:
                continue
            self._calls_turn = True
            if row.id in self._dropped:  # cancelled as it began
                continue
            if not hand.ready:  # it ended meanwhile
                await run_in_threadpool(self.jobs.put_back, row.id, unspent=True)
                continue
            self._turn += 1
            self._served[row.owner] = self._turn
            self._far[row.id] = Far()
            self._send(hand, row, row.kind, {"city": row.city, **row.request}, {"actor": row.actor})
            await run_in_threadpool(self._reorder)
            self.listeners.changed(row.id, *(job.id for job in self._order))

    def _reorder(self) -> None:
        running = Counter(hand.doing.owner for hand in list(self._hands) if isinstance(hand.doing, JobRow))
        self._order = in_turn(self.jobs.waiting(), running=running, served=dict(self._served), last=OWN)

    def _make_room(self) -> None:
        """Where somebody waits for a worker, let a job of the server's own give up the one that it has."""
        if not self._quick and (not self._order or self._order[0].owner in OWN):
            return
        busy = [hand for hand in self._hands if hand.doing is not None]
        if len(busy) == len(self._hands) and not any(hand.yields for hand in busy):
            own = (hand for hand in busy if isinstance(hand.doing, JobRow) and hand.doing.owner in OWN)
            if (hand := next(own, None)) is not None:
                hand.yields = True
                hand.stop()

    def _send_call(self, hand: Hand, call: Call) -> None:
        if not call.result.done():
            self._send(hand, call, call.name, call.arguments, {})

    def _send(self, hand: Hand, doing: JobRow | Call, name: str, arguments: Mapping[str, Any], who: Any) -> None:
        self._number += 1
        hand.number, hand.doing = self._number, doing
        with suppress(OSError):  # where it died, its thread tells
            hand.connection.send(("do", hand.number, name, dict(arguments), who))

    # What workers say

    async def _start(self) -> None:
        ours, theirs = processes.Pipe()
        process = processes.Process(target=main, args=(theirs, self.settings), daemon=True, name="synapolis worker")
        await run_in_threadpool(process.start)
        theirs.close()
        hand = Hand(process, ours)
        self._hands.append(hand)
        threading.Thread(target=self._listen, args=(hand,), daemon=True).start()

    def _listen(self, hand: Hand) -> None:
        """Pass on what a worker says to the event loop, until it ends."""
        while True:
            try:
                message = hand.connection.recv()
            except (EOFError, OSError, TypeError):  # TypeError: closed here meanwhile
                message = ("gone",)
            try:
                self._loop.call_soon_threadsafe(self._heard, hand, message)
            except RuntimeError:  # the loop is closed
                return
            if message[0] == "gone":
                return

    def _heard(self, hand: Hand, message: tuple[Any, ...]) -> None:
        kind, *rest = message
        if kind == "gone":
            self._keep(self._gone(hand))
        elif kind == "ready":
            hand.ready, self._failed_starts = True, 0
            self._wake.set()
        elif rest[0] == hand.number and hand.doing is not None:
            if kind == "far":
                self._is_far(hand, *rest[1:])
            else:
                self._keep(self._done(hand, kind, rest[1:]))

    def _is_far(self, hand: Hand, step: str, done: int, of: int) -> None:
        if isinstance(hand.doing, JobRow) and hand.doing.id in self._far:
            self._far[hand.doing.id] = self._far[hand.doing.id].on(step, done, of)
            self.listeners.changed(hand.doing.id)

    async def _done(self, hand: Hand, kind: str, rest: list[Any]) -> None:
        doing = hand.doing
        if isinstance(doing, Call):
            self._answer(doing, kind, rest)
        elif doing is not None:
            if kind == "done":
                await self._note(self.jobs.finish, doing.id, outcome_of(rest[0]))
            elif kind == "failed":
                await self._note(self.jobs.fail, doing.id, problem_of(error_of(*rest)))
            elif hand.yields:
                await self._note(self.jobs.put_back, doing.id, unspent=True)
            await self._ended_as(doing.id)
        self._free(hand)

    async def _note(self, change: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Change the records, again and again while they cannot be had: what a worker has done is not dropped."""
        while True:
            try:
                return await run_in_threadpool(change, *arguments, **more)
            except RecordsError as error:
                log.warning("a job cannot be noted, trying again: %s", error)
                await asyncio.sleep(AGAIN)

    def _answer(self, call: Call, kind: str, rest: list[Any]) -> None:
        if call.result.done():
            return
        if kind == "done":
            call.result.set_result(rest[0])
        else:
            call.result.set_exception(error_of(*rest) if kind == "failed" else Problem(503, "the task was stopped"))

    def _free(self, hand: Hand) -> None:
        hand.doing, hand.yields = None, False
        if hand.kill is not None:
            hand.kill.cancel()
            hand.kill = None
        self._wake.set()

    async def _ended_as(self, name: str) -> None:
        """Remember how a job ended (or that it waits again), and tell who listens."""
        self._far.pop(name, None)
        row = await self._note(self.jobs.get, name)
        if row is not None and row.status in ENDED:
            self._ended[name] = row
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        self.listeners.changed(name)

    async def _gone(self, hand: Hand) -> None:
        """A worker ended: another takes its place, and what it did is done again or given up."""
        if self._closing:
            return
        doing, was_ready = hand.doing, hand.ready
        hand.ready, hand.doing = False, None
        if hand.kill is not None:
            hand.kill.cancel()
        await run_in_threadpool(hand.process.join)
        log.warning("worker %s ended with exit code %s", hand.process.pid, hand.process.exitcode)
        self._hands.remove(hand)
        if isinstance(doing, JobRow):
            await self._lost(doing)
        elif doing is not None and not doing.result.done():
            self._lost_call(doing)
        if not was_ready:
            self._failed_starts += 1
            await asyncio.sleep(min(30.0, 0.5 * 2**self._failed_starts))
        await self._start_again()
        self._wake.set()

    async def _start_again(self) -> None:
        """Start a worker in place of one that ended, as soon as the system has room for a process."""
        while not self._closing:
            try:
                await self._start()
            except OSError as error:
                log.warning("no worker can be started, trying again: %s", error)
                await asyncio.sleep(AGAIN)
            else:
                return

    async def _lost(self, row: JobRow) -> None:
        if row.attempts < ATTEMPTS:
            await self._note(self.jobs.put_back, row.id)
        else:
            await self._note(self.jobs.fail, row.id, problem_of(lost_error(row.attempts)))
        await self._ended_as(row.id)

    def _lost_call(self, call: Call) -> None:
        call.lost += 1
        if call.lost < 2:
            (self._quick if call.name in QUICK else self._calls).appendleft(call)
        else:
            call.result.set_exception(lost_error(call.lost))

    def _cancel(self, name: str) -> None:
        for hand in self._hands:
            if isinstance(hand.doing, JobRow) and hand.doing.id == name:
                hand.stop()
                hand.kill = self._loop.call_later(GRACE, hand.process.kill)
                break
        else:
            self._dropped.append(name)
        self._keep(self._ended_as(name))
        self._wake.set()

    def _keep(self, coroutine: Any) -> None:
        """Run a coroutine to its end, whoever began it."""
        running = self._loop.create_task(coroutine)
        _RUNNING.add(running)
        running.add_done_callback(_RUNNING.discard)


_RUNNING: set[asyncio.Task[Any]] = set()
"""Held, because the event loop itself holds its tasks only weakly."""
