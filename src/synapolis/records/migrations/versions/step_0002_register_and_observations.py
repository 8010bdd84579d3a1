"""Versions of register entries, observations of indicators, outcome contracts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from synapolis.records.migrations.refusals import refuse_changes, refuse_unless

revision = "0002"
down_revision = "0001"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double) for name in names]


def _by() -> sa.Column[int]:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("journal_seq", number, sa.ForeignKey("journal.seq"), nullable=False)


def upgrade() -> None:
    """Make the tables; versions of the register are never changed."""
    op.create_table(
        "register_versions",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        *_texts("status", "content", "content_hash", "author", "at"),
        _by(),
    )
    op.create_table(
        "observations",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("city", "indicator", "area", "period"),
        *_numbers("value", "numerator", "denominator"),
        *_texts("unit", "quality", "source"),
        *_numbers("lower", "upper"),
        *_texts("at"),
        _by(),
    )
    op.create_index("observations_by_indicator", "observations", ["city", "indicator", "period"])
    op.create_table(
        "contracts",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("city", "content", "content_hash", "author", "at"),
        _by(),
    )
    refuse_changes("register_versions", "a version of the register is never changed; enter a new one")
    there = "EXISTS (SELECT 1 FROM register_versions WHERE entry_id = NEW.entry_id AND version = NEW.version)"
    refuse_unless(
        "register_versions",
        before="INSERT",
        sqlite=there,  # else INSERT OR REPLACE would go around the trigger on deletes
        postgresql=there,
        says="a version of the register is never changed; enter a new one",
    )
