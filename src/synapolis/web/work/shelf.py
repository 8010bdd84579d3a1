"""Scenarios that are kept: every version of each, who changed it, and which version is published.

A change names the version it was made on. Of two people who change one scenario at once the second is told, with what
the first left, so no change is lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, select, tuple_

from synapolis.records.canonical import content_hash
from synapolis.records.journal import Journal
from synapolis.records.store import Store
from synapolis.records.tables import fetch, put
from synapolis.records.tables_desk import (
    JobRow,
    ScenarioRow,
    ScenarioVersion,
    change,
    jobs,
    scenario_versions,
    scenarios,
)
from synapolis.web.errors import Problem
from synapolis.web.security.principal import Who
from synapolis.web.work.jobs import owner_of

ENTRY = "scenario"
Shown = Literal["draft", "published", "all"]


class StaleError(Problem):
    """Somebody else changed the scenario meanwhile; `head` is what it is now."""

    def __init__(self, head: ScenarioRow, version: int) -> None:
        super().__init__(
            412,
            f"this change was made on version {version} of “{head.title}”, but {head.author} has saved version "
            f"{head.version} meanwhile; look at `current`, put the change in there and save again",
        )
        self.head = head


@dataclass(frozen=True)
class Found:
    """The newest answer of one version of a scenario."""

    answer: str | None = None
    summary: str = ""
    blocked: bool = False


class Shelf:
    """The scenarios of a store."""

    def __init__(self, store: Store, journal: Journal) -> None:
        self._store, self._journal = store, journal

    def add(self, city: str, content: Mapping[str, Any], who: Who) -> ScenarioRow:
        """Keep a new scenario, as its version 1."""
        with self._store.write() as connection:
            name = secrets.token_hex(8)
            entry = self._enter(connection, who, act="created", scenario=name, version=1, content=content, city=city)
            head = ScenarioRow(
                id=name, city=city, version=1, published=None, title=content["title"], sentence="", planned="",
                author=who.actor, owner=owner_of(who), created=entry.at, updated=entry.at, deleted=0,
                journal_seq=entry.seq,
            )  # fmt: skip
            put(connection, head, _version(head, content, who.actor, entry))
        return head

    def save(self, name: str, version: int | None, content: Mapping[str, Any], who: Who) -> ScenarioRow:
        """Keep a changed scenario as its next version; one that says what it says already stays as it is.

        Raises
        ------
        StaleError
            Where `version` is no longer the newest; None takes whatever is there.
        """
        with self._store.write() as connection:
            head = self._newest(connection, name, version)
            now = next(fetch(connection, ScenarioVersion, *_at(name, head.version)))
            if now.content_hash == content_hash(dict(content)):
                return head
            entry = self._enter(
                connection, who, act="saved", scenario=name, version=head.version + 1, content=content, city=head.city
            )
            saved = replace(
                head, version=head.version + 1, title=content["title"], author=who.actor, updated=entry.at
            )  # fmt: skip
            self._move(connection, head, saved)
            put(connection, _version(saved, content, who.actor, entry))
        return saved

    def publish(self, name: str, version: int | None, *, sentence: str, planned: str, who: Who) -> ScenarioRow:
        """Show the newest version to everybody as a plan, with a sentence for citizens."""
        with self._store.write() as connection:
            head = self._newest(connection, name, version)
            entry = self._enter(
                connection, who, act="published", scenario=name, version=head.version, sentence=sentence,
                planned=planned, title=head.title,
            )  # fmt: skip
            shown = replace(head, published=head.version, sentence=sentence, planned=planned, updated=entry.at)
            self._move(connection, head, shown)
        return shown

    def withdraw(self, name: str, who: Who) -> ScenarioRow:
        """Take a plan back: it is a draft again."""
        with self._store.write() as connection:
            head = self._newest(connection, name, None)
            if head.published is None:
                raise Problem(409, f"“{head.title}” is not published, so there is nothing to withdraw")
            entry = self._enter(connection, who, act="withdrawn", scenario=name, version=head.version)
            hidden = replace(head, published=None, updated=entry.at)
            self._move(connection, head, hidden)
        return hidden

    def delete(self, name: str, version: int | None, who: Who) -> None:
        """Take a draft off the shelf. Its versions stay in the records, since answers point at them."""
        with self._store.write() as connection:
            head = self._newest(connection, name, version)
            if head.published is not None:
                raise Problem(409, f"“{head.title}” is published; withdraw it first, then delete it")
            self._enter(connection, who, act="deleted", scenario=name, version=head.version)
            self._move(connection, head, replace(head, deleted=1))

    def at(self, name: str, version: int | None = None) -> tuple[ScenarioRow, ScenarioVersion]:
        """Find a scenario at a version, by default the newest; Problem 404 where there is none."""
        with self._store.read() as connection:
            head = self._newest(connection, name, None)
            found = next(fetch(connection, ScenarioVersion, *_at(name, version or head.version)), None)
        if found is None:
            raise Problem(404, f"“{head.title}” has versions 1 to {head.version}, not {version}")
        return head, found

    def versions(self, name: str) -> list[ScenarioVersion]:
        """Every version of a scenario, newest first."""
        with self._store.read() as connection:
            self._newest(connection, name, None)
            newest = scenario_versions.c.version.desc()
            return list(
                fetch(connection, ScenarioVersion, scenario_versions.c.scenario == name, order_by=(newest,))
            )  # fmt: skip

    def newest(
        self, city: str, *, shown: Shown = "all", owner: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[tuple[ScenarioRow, ScenarioVersion]]:
        """Scenarios of a city, newest first, each at its newest version, or with `published` at the published one."""
        at = scenarios.c.published if shown == "published" else scenarios.c.version
        where = [scenarios.c.city == city, scenarios.c.deleted == 0]
        where += [scenarios.c.published.is_not(None)] if shown == "published" else []
        where += [scenarios.c.published.is_(None)] if shown == "draft" else []
        where += [scenarios.c.owner == owner] if owner is not None else []
        where += [scenarios.c.journal_seq < before] if before is not None else []
        query = select(scenarios.c.id, at).where(*where).order_by(scenarios.c.journal_seq.desc()).limit(limit)
        with self._store.read() as connection:
            keys = [tuple(row) for row in connection.execute(query)]
            heads = {
                row.id: row for row in fetch(connection, ScenarioRow, scenarios.c.id.in_([name for name, _ in keys]))
            }
            key = tuple_(scenario_versions.c.scenario, scenario_versions.c.version)
            versions = {row.scenario: row for row in fetch(connection, ScenarioVersion, key.in_(keys))}
        return [(heads[name], versions[name]) for name, _ in keys]

    def found(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Found]:
        """Newest answer of each of these versions, for those that have one."""
        if not keys:
            return {}
        where = tuple_(jobs.c.scenario, jobs.c.scenario_version).in_(keys)
        done = (jobs.c.status == "done", jobs.c.answer.is_not(None))
        with self._store.read() as connection:
            rows = list(fetch(connection, JobRow, where, *done, order_by=(jobs.c.ended,)))
        return {
            (row.scenario, row.scenario_version): Found(row.answer, row.summary, bool(row.blocked))
            for row in rows if row.scenario is not None and row.scenario_version is not None
        }  # fmt: skip

    def _newest(self, connection: Connection, name: str, version: int | None) -> ScenarioRow:
        head = next(fetch(connection, ScenarioRow, scenarios.c.id == name, scenarios.c.deleted == 0), None)
        if head is None:
            raise Problem(404, f"no scenario has the id {name}; GET /api/v1/cities/CITY/scenarios lists them")
        if version is not None and version != head.version:
            raise StaleError(head, version)
        return head

    def _enter(self, connection: Connection, who: Who, *, content: Any = None, **body: Any) -> Any:
        told = {} if content is None else {"title": content["title"], "content_hash": content_hash(dict(content))}
        return self._journal.append(ENTRY, who.actor, {**body, **told}, within=connection)

    def _move(self, connection: Connection, head: ScenarioRow, to: ScenarioRow) -> None:
        """Move a head on, unless somebody did meanwhile (PostgreSQL lets two read one head at once)."""
        where = (scenarios.c.id == head.id, scenarios.c.version == head.version, scenarios.c.updated == head.updated)
        moved = {name: value for name, value in vars(to).items() if value != getattr(head, name)}
        if not change(connection, ScenarioRow, *where, **moved):
            raise StaleError(next(fetch(connection, ScenarioRow, scenarios.c.id == head.id)), head.version)


def _at(name: str, version: int) -> tuple[Any, Any]:
    return scenario_versions.c.scenario == name, scenario_versions.c.version == version


def _version(head: ScenarioRow, content: Mapping[str, Any], author: str, entry: Any) -> ScenarioVersion:
    return ScenarioVersion(
        scenario=head.id, version=head.version, content=dict(content), content_hash=content_hash(dict(content)),
        author=author, at=entry.at, journal_seq=entry.seq,
    )  # fmt: skip
