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
    _move_head()
    refuse_unless(
        "journal_head", before="DELETE", sqlite="1", postgresql="true", says="the head of the journal is never deleted"
    )


def _move_head() -> None:
    """Let each entry move the head; on PostgreSQL, take one's turn and read the head in a single call.

    What a writer asks the server for while it holds its turn, all others wait for. (Each statement of the function sees
    the database anew, so it reads the head as the last writer left it.)
    """
    move = "UPDATE journal_head SET seq = NEW.seq, hash = NEW.hash"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER journal_moves_head AFTER INSERT ON journal BEGIN {move}; END")
        return
    op.execute(
        f"CREATE FUNCTION journal_moves_head() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {move}; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER journal_moves_head AFTER INSERT ON journal FOR EACH ROW EXECUTE FUNCTION journal_moves_head()"
    )
    op.execute(
        "CREATE FUNCTION journal_turn() RETURNS TABLE (seq bigint, hash text) LANGUAGE plpgsql VOLATILE AS $$ BEGIN "
        "PERFORM pg_advisory_xact_lock(1398361674); "  # one number for the journal, of no meaning
        "RETURN QUERY SELECT journal_head.seq, journal_head.hash FROM journal_head; END $$"
    )
