"""Scenarios with all their versions, and jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from synapolis.records.migrations.refusals import refuse_changes, refuse_unless

revision = "0003"
down_revision = "0002"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _by() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("journal_seq", number, sa.ForeignKey("journal.seq"), nullable=False)


def upgrade() -> None:
    """Make the tables; versions of a scenario are never changed, and a job that ended stays as it ended."""
    _scenarios()
    _jobs()
    refuse_changes("scenario_versions", "a version of a scenario is never changed; save a new one")
    there = "EXISTS (SELECT 1 FROM scenario_versions WHERE scenario = NEW.scenario AND version = NEW.version)"
    refuse_unless(
        "scenario_versions",
        before="INSERT",
        sqlite=there,  # else INSERT OR REPLACE would go around the trigger on deletes
        postgresql=there,
        says="a version of a scenario is never changed; save a new one",
    )
    back = "NEW.version < OLD.version OR NEW.version > OLD.version + 1"
    refuse_unless(
        "scenarios",
        before="UPDATE",
        sqlite=back,
        postgresql=back,
        says="versions of a scenario are never changed but by one forward",
    )
    ended = "OLD.status IN ('done', 'failed', 'cancelled')"
    refuse_unless(
        "jobs", before="UPDATE", sqlite=ended, postgresql=ended, says="a job that ended is never changed; ask again"
    )


def _scenarios() -> None:
    op.create_table(
        "scenarios",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer),
        *_texts("title", "sentence", "planned", "author", "owner", "created", "updated"),
        sa.Column("deleted", sa.Integer, nullable=False),
        _by(),
    )
    op.create_index("scenarios_by_city", "scenarios", ["city", "journal_seq"])
    op.create_table(
        "scenario_versions",
        sa.Column("scenario", sa.Text, sa.ForeignKey("scenarios.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("content", "content_hash", "author", "at"),
        _by(),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("kind", "city", "title", "request"),
        sa.Column("scenario", sa.Text, sa.ForeignKey("scenarios.id")),
        sa.Column("scenario_version", sa.Integer),
        *_texts("actor", "owner"),
        sa.Column("once", sa.Text),
        *_texts("status"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("answer_status", sa.Text),
        *_texts("summary"),
        sa.Column("blocked", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        *_texts("created"),
        sa.Column("started", sa.Text),
        sa.Column("ended", sa.Text),
        _by(),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "journal_seq"])
    op.create_index("jobs_by_owner", "jobs", ["owner", "journal_seq"])
    op.create_index("jobs_by_scenario", "jobs", ["scenario", "scenario_version", "journal_seq"])
    op.create_index("jobs_once", "jobs", ["owner", "once"], unique=True)
