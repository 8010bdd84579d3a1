"""Jobs in the records: asked for, begun, ended. A job that was acknowledged outlives the server.

Each change names the state that it expects, so of two who change a job at once (a worker that ends it, a person who
cancels it) only the first does.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from synapolis.records.canonical import canonical
from synapolis.records.journal import Journal, stamp, utc_now
from synapolis.records.store import Store
from synapolis.records.tables import fetch, put
from synapolis.records.tables_desk import JobRow, change, jobs
from synapolis.web.errors import Problem
from synapolis.web.security.principal import Who
from synapolis.web.work.turns import Waiting

MOST_WAITING = 20
"""Jobs that one person may have in the queue."""
ENDED = ("done", "failed", "cancelled")
ENTRY = "job"


@dataclass(frozen=True)
class Outcome:
    """What a job came to: the answer it kept, if it kept one, and that in a sentence."""

    answer: str | None = None
    answer_status: str | None = None
    summary: str = ""
    blocked: bool = False


def outcome_of(value: Any) -> Outcome:
    """What a task returned, as far as a job tells it."""
    told = value if isinstance(value, Mapping) else {}
    return Outcome(**{name: told[name] for name in Outcome.__dataclass_fields__ if name in told})


def owner_of(who: Who) -> str:
    """By what a person's jobs and scenarios are told apart from others': the account, or without accounts the name."""
    return who.account_id or who.actor


def _now() -> str:
    return stamp(utc_now())


class Jobs:
    """The jobs of a store."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    def add(
        self,
        *,
        kind: str,
        city: str,
        request: Mapping[str, Any],
        principal: Who,
        title: str,
        scenario: tuple[str, int] | None = None,
        once: str | None = None,
    ) -> JobRow:
        """Put a job into the queue; when this returns, it is on disk and will be done whatever happens to the server.

        Parameters
        ----------
        kind : a name in `tasks.TASKS`
        city : name by which it is served
        request : the task's arguments, in what JSON can say
        title : what it is, for people
        scenario : id and version that it runs, where it runs a kept one
        once : the caller's own key: the same one again gives the job it made

        Raises
        ------
        Problem
            429 when the person has too many jobs waiting; 422 when `once` was used for another request.
        """
        owner = owner_of(principal)
        with self._store.write() as connection:
            if once is not None and (known := self._made(connection, owner, once)) is not None:
                return _same(known, kind, city, request)
            _room(connection, owner)
            name = secrets.token_hex(8)
            body: dict[str, Any] = {"act": "queued", "job": name, "kind": kind, "city": city, "title": title}
            body |= {"scenario": scenario[0], "scenario_version": scenario[1]} if scenario else {}
            entry = self._journal.append(ENTRY, principal.actor, body, within=connection)
            row = JobRow(
                id=name, kind=kind, city=city, title=title, request=request,
                scenario=scenario[0] if scenario else None, scenario_version=scenario[1] if scenario else None,
                actor=principal.actor, owner=owner, once=once, status="queued", attempts=0, answer=None,
                answer_status=None, summary="", blocked=0, error=None, created=entry.at, started=None, ended=None,
                journal_seq=entry.seq,
            )  # fmt: skip
            put(connection, row)
        return row

    def _made(self, connection: Connection, owner: str, once: str) -> JobRow | None:
        return next(fetch(connection, JobRow, jobs.c.owner == owner, jobs.c.once == once), None)

    def get(self, name: str) -> JobRow | None:
        """Find a job by its id."""
        with self._store.read() as connection:
            return next(fetch(connection, JobRow, jobs.c.id == name), None)

    def newest(
        self, *, city: str | None = None, owner: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[JobRow]:
        """Jobs, newest first; `before` is the number of the last one already read."""
        where = [jobs.c.city == city] if city is not None else []
        where += [jobs.c.owner == owner] if owner is not None else []
        where += [jobs.c.journal_seq < before] if before is not None else []
        query = select(jobs).where(*where).order_by(jobs.c.journal_seq.desc()).limit(limit)
        with self._store.read() as connection:
            return [JobRow(**found) for found in connection.execute(query).mappings()]

    def waiting(self) -> list[Waiting]:
        """The queue, in the order of asking."""
        query = select(jobs.c.id, jobs.c.owner, jobs.c.journal_seq).where(jobs.c.status == "queued")
        with self._store.read() as connection:
            return [Waiting(*row) for row in connection.execute(query.order_by(jobs.c.journal_seq))]

    def begin(self, name: str) -> JobRow | None:
        """Take a job from the queue; None where it no longer waits."""
        with self._store.write() as connection:
            first = func.coalesce(jobs.c.started, _now())
            begun = change(
                connection, JobRow, jobs.c.id == name, jobs.c.status == "queued",
                status="running", started=first, attempts=jobs.c.attempts + 1,
            )  # fmt: skip
            return next(fetch(connection, JobRow, jobs.c.id == name)) if begun else None

    def finish(self, name: str, outcome: Outcome) -> bool:
        """End a running job with what came of it; False where it was cancelled meanwhile."""
        return self._end(name, status="done", **(vars(outcome) | {"blocked": int(outcome.blocked)}))

    def fail(self, name: str, problem: Mapping[str, Any]) -> bool:
        """End a running job with what went wrong, in the shape of an error."""
        return self._end(name, status="failed", error=dict(problem), summary=str(problem.get("detail", "")))

    def _end(self, name: str, **values: Any) -> bool:
        with self._store.write() as connection:
            running = (jobs.c.id == name, jobs.c.status == "running")
            return bool(change(connection, JobRow, *running, ended=_now(), **values))

    def put_back(self, name: str, *, unspent: bool = False) -> bool:
        """Let a job that was begun wait again, at its old place; `unspent` does not count the attempt."""
        with self._store.write() as connection:
            running = (jobs.c.id == name, jobs.c.status == "running")
            return bool(change(connection, JobRow, *running, status="queued", attempts=jobs.c.attempts - int(unspent)))

    def take_up(self) -> int:
        """Let every job that ran when a server was lost wait again; how many there were."""
        with self._store.write() as connection:
            return change(connection, JobRow, jobs.c.status == "running", status="queued")

    def cancel(self, name: str, who: Who) -> bool:
        """End a job that waits or runs; False where it ended before."""
        with self._store.write() as connection:
            where = (jobs.c.id == name, jobs.c.status.not_in(ENDED))
            if not list(fetch(connection, JobRow, *where)):
                return False
            self._journal.append(ENTRY, who.actor, {"act": "cancelled", "job": name}, within=connection)
            return bool(change(connection, JobRow, *where, status="cancelled", ended=_now()))


def _room(connection: Connection, owner: str) -> None:
    query = select(func.count()).select_from(jobs).where(jobs.c.owner == owner, jobs.c.status == "queued")
    if connection.execute(query).scalar_one() >= MOST_WAITING:
        raise Problem(
            429,
            f"at most {MOST_WAITING} of your jobs may wait at once, and that many do; wait for one, or cancel one",
            headers={"retry-after": "10"},
        )


def _same(known: JobRow, kind: str, city: str, request: Mapping[str, Any]) -> JobRow:
    if (known.kind, known.city, canonical(known.request)) != (kind, city, canonical(request)):
        raise Problem(
            422, "this Idempotency-Key was used for another request before; give each request a key of its own"
        )
    return known
