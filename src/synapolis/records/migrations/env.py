"""Alembic's entry: runs the steps on the connection, and in the transaction, that `records.migrate` opened."""

from __future__ import annotations

from alembic import context

from synapolis.records.migrate import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
