"""Processes that write to the journal, for tests that race or kill them."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from synapolis.core.errors import RecordsError
from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.records.tables import Contract, put

processes = multiprocessing.get_context("forkserver")  # begins in milliseconds, and shares nothing with the tests
processes.set_forkserver_preload(
    ["synapolis.records.journal", "synapolis.records.tables", "sqlalchemy.dialects.sqlite.pysqlite", "psycopg",
     "sqlalchemy.dialects.postgresql.psycopg"]
)  # fmt: skip


def append_many(url: str, actor: str, many: int) -> None:
    """Append entries as fast as they go."""
    with open_store(url) as store:
        journal = Journal(store)
        for k in range(many):
            journal.append("run", actor, {"k": k, "question": "What happens to stormwater?"}, "planning")


def append_and_acknowledge(url: str, actor: str, pipe: Connection) -> None:
    """Append entries, each with an effect in the same transaction, and tell each one's number and hash once kept."""
    with open_store(url) as store:
        journal = Journal(store)
        k = 0
        while True:
            k += 1
            try:
                with store.write() as connection:
                    entry = journal.append("contract", actor, {"id": f"{actor} {k}"}, within=connection)
                    content = {"text": "x" * 2000}
                    put(connection, Contract(f"{actor} {k}", "town", content, "", actor, entry.at, entry.seq))
            except RecordsError:  # the server was killed
                return
            pipe.send((entry.seq, entry.hash))


def open_and_append(url: str, actor: str, begin: Any) -> None:
    """Wait for the others, then open the store at the same moment."""
    begin.wait()
    append_many(url, actor, 3)
