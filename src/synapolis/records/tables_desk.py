"""Tables of the desk: scenarios with every version of them, and jobs; a frozen row for each.

Versions are never changed; the head of a scenario and a job move on (`change`), each by its own rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, ForeignKey, Index, Integer, Table, Text, update

from synapolis.records.tables import TABLES, Json, by, metadata

scenarios = Table(
    "scenarios", metadata,
    Column("id", Text, primary_key=True),
    Column("city", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("published", Integer),
    Column("title", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("planned", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("deleted", Integer, nullable=False),
    by(),
    Index("scenarios_by_city", "city", "journal_seq"),
)  # fmt: skip

scenario_versions = Table(
    "scenario_versions", metadata,
    Column("scenario", Text, ForeignKey("scenarios.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Json, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Text, nullable=False),
    by(),
)  # fmt: skip

jobs = Table(
    "jobs", metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("request", Json, nullable=False),
    Column("scenario", Text, ForeignKey("scenarios.id")),
    Column("scenario_version", Integer),
    Column("actor", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("once", Text),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", Text),
    Column("answer_status", Text),
    Column("summary", Text, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("error", Json),
    Column("created", Text, nullable=False),
    Column("started", Text),
    Column("ended", Text),
    by(),
    Index("jobs_by_status", "status", "journal_seq"),
    Index("jobs_by_owner", "owner", "journal_seq"),
    Index("jobs_by_scenario", "scenario", "scenario_version", "journal_seq"),
    Index("jobs_once", "owner", "once", unique=True),
)  # fmt: skip


@dataclass(frozen=True)
class ScenarioRow:
    """The head of a scenario: its newest version, and the one that is published, if any.

    `owner` is the account (or, without accounts, the name) that made it; `planned` says when it is to come, in words.
    """

    id: str
    city: str
    version: int
    published: int | None
    title: str
    sentence: str
    planned: str
    author: str
    owner: str
    created: str
    updated: str
    deleted: int
    journal_seq: int


@dataclass(frozen=True)
class ScenarioVersion:
    """What a scenario held at one version. The database refuses to change or delete it."""

    scenario: str
    version: int
    content: Mapping[str, Any]
    content_hash: str
    author: str
    at: str
    journal_seq: int


@dataclass(frozen=True)
class JobRow:
    """A piece of work that somebody asked for: what, by whom, how far it is, and what came of it.

    `status` is queued, running, done, failed or cancelled. `once` is the caller's own key, by which asking twice makes
    one job. `blocked` is 1 where a gate blocks what the job rehearsed.
    """

    id: str
    kind: str
    city: str
    title: str
    request: Mapping[str, Any]
    scenario: str | None
    scenario_version: int | None
    actor: str
    owner: str
    once: str | None
    status: str
    attempts: int
    answer: str | None
    answer_status: str | None
    summary: str
    blocked: int
    error: Mapping[str, Any] | None
    created: str
    started: str | None
    ended: str | None
    journal_seq: int


TABLES.update({ScenarioRow: scenarios, ScenarioVersion: scenario_versions, JobRow: jobs})


def change(connection: Connection, kind: type[Any], *where: ColumnElement[bool], **values: Any) -> int:
    """Change rows of a kind that moves on (a scenario's head, a job), and return how many there were.

    With the state that is expected among the conditions, of two who change a row at once only one does.
    """
    done = connection.execute(update(TABLES[kind]).where(*where).values(values))
    return int(done.rowcount)
