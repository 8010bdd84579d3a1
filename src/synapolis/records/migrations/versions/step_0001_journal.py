"""The journal and its head."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from synapolis.records.migrations.refusals import refuse_changes, refuse_unless

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_NEXT = "NEW.seq <> (SELECT seq FROM journal_head) + 1 OR NEW.prev_hash <> (SELECT hash FROM journal_head)"
NOT_FORWARD = "NEW.id <> 1 OR NEW.seq <> OLD.seq + 1"


def upgrade() -> None:
    """Make the tables, and let the database refuse whatever is not the next entry."""
    op.create_table(
        "journal",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("at", "kind", "actor", "purpose", "body", "prev_hash", "hash")
        ),
    )
    op.create_index("journal_by_kind", "journal", ["kind", "seq"])
    op.create_index("journal_by_actor", "journal", ["actor", "seq"])
    head = op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name="one_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    refuse_changes("journal", "the journal is append-only")
    refuse_unless(
        "journal",
        before="INSERT",
        sqlite=NOT_NEXT,
        postgresql=NOT_NEXT,
        says="the journal is append-only: this is not the next entry",
    )
    refuse_unless(
        "journal_head",
        before="UPDATE",
        sqlite=NOT_FORWARD,
        postgresql=NOT_FORWARD,
        says="the head of the journal is never changed but by one entry forward",
    )
    refuse_unless(
        "journal_head", before="DELETE", sqlite="1", postgresql="true", says="the head of the journal is never deleted"
    )
