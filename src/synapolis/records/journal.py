"""The journal: append-only, each entry chained to the last by SHA-256, written before the effect it records.

An effect in the same database commits together with its entry (`within=connection`, entry first). For an effect
elsewhere, `append` returns once the entry is on disk; only then is the effect carried out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    LargeBinary,
    Select,
    case,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical, plain_text
from synapolis.records.chain import Head, Verdict, verify_chain
from synapolis.records.entry import NO_HASH, JournalEntry, Written, written
from synapolis.records.store import Store
from synapolis.records.tables import journal as table
from synapolis.records.tables import journal_head

ACTOR = "SYNAPOLIS_ACTOR"
_TEXTS = tuple(column for column in table.columns if column.name != "seq")
_AT_ONCE = 500

_HEAD = select(journal_head.c.seq, journal_head.c.hash)
_TURN = text("SELECT seq, hash FROM journal_turn()")  # waits for this writer's turn; see step 0001
_INSERT = insert(table)


def local_actor() -> str:
    """Who acts in this shell: SYNAPOLIS_ACTOR, else "local user". The system's user name is nobody's business."""
    return os.environ.get(ACTOR, "").strip() or "local user"


def utc_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


class Journal:
    """The journal of a store.

    Parameters
    ----------
    store : Store
    clock : called for the time of each entry; must give an aware time
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self._clock = clock

    def append(
        self, kind: str, actor: str, body: Mapping[str, Any], purpose: str = "", *, within: Connection | None = None
    ) -> JournalEntry:
        """Write an entry; when this returns, it is on disk.

        Parameters
        ----------
        kind : one word or two, such as "run" or "register"
        actor : who did it
        body : the particulars, in what JSON can say
        purpose : what for
        within : Connection, optional
            Of `store.write()`. The entry is then kept with that transaction, and is on disk when it ends. Append
            first, then write the effect: everyone takes the journal's lock first, so nobody waits in a circle.

        Raises
        ------
        RecordsError
            When the entry cannot be written as given; nothing is kept.
        """
        texts = {"kind": kind, "actor": actor, "purpose": purpose}
        for name, value in texts.items():
            if "\0" in plain_text(value, name) or (name != "purpose" and not value.strip()):
                raise RecordsError(f"a journal entry needs its {name} in words, got {value!r}")
        content = canonical(dict(body))
        if within is not None:
            return self._append(within, texts, content)
        with self.store.write() as connection:
            return self._append(connection, texts, content)

    def _append(self, connection: Connection, texts: Mapping[str, str], body: str) -> JournalEntry:
        turn = _TURN if self.store.dialect == "postgresql" else _HEAD  # SQLite's write lock is held already
        head = _there(_head(connection, turn))
        entry = written(head.seq + 1, at=self._now(), body=body, prev_hash=head.hash, **texts)
        read = entry.read()
        connection.execute(_INSERT, vars(read) | {"body": body})
        return read

    def _now(self) -> str:
        now = self._clock()
        if now.tzinfo is None:
            raise RecordsError("the journal's clock gave a time without its zone; use datetime.now(UTC)")
        return stamp(now)

    def entries(
        self,
        *,
        kind: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[JournalEntry]:
        """Read entries one after another, oldest first unless told otherwise; all as of one moment.

        Parameters
        ----------
        since : datetime, optional
            Aware; entries at or after it.
        limit : int, optional
            At most so many, from the side where reading begins.
        """
        order = table.c.seq.desc() if newest_first else table.c.seq
        query = self._query().order_by(order).limit(limit)
        if kind is not None:
            query = query.where(table.c.kind == kind)
        if actor is not None:
            query = query.where(table.c.actor == actor)
        if since is not None:
            query = query.where(table.c.at >= stamp(since))
        with self.store.read() as connection:
            for entry in _rows(connection, query):
                yield _read(entry)

    def head(self) -> Head:
        """Return number and hash of the last entry."""
        with self.store.read() as connection:
            return _there(self.head_within(connection))

    def head_within(self, connection: Connection) -> Head | None:
        """Return the last entry as a transaction sees it; None where the row that names it is missing."""
        return _head(connection, _HEAD)

    def verify(self) -> Verdict:
        """Walk the whole chain and say whether it is whole, or what is damaged first."""
        try:
            return self._verify()
        except RecordsError as error:  # not even the head can be read
            return Verdict(False, 0, Head(0, NO_HASH), str(error), "unreadable")

    def _verify(self) -> Verdict:
        with self.store.read() as connection:
            verdict = verify_chain(self.written(connection), self.head_within(connection))
            if not verdict.whole or self.store.dialect != "sqlite":
                return verdict
            found = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
        if found == ["ok"]:
            return verdict
        says = f"the journal's chain is whole, but its file is damaged: {'; '.join(found)}; restore a backup"
        return Verdict(False, verdict.entries, verdict.head, says, "unreadable")

    def written(self, connection: Connection) -> Iterator[Written]:
        """Read all entries byte for byte, oldest first, inside a transaction of `store.read()`."""
        return _rows(connection, self._query().order_by(table.c.seq))

    def _query(self) -> Select[Any]:
        """Texts as their bytes: damaged bytes need not be text. What SQLite no longer takes for text is NULL."""
        texts: list[ColumnElement[Any]]
        if self.store.dialect == "sqlite":
            texts = [case((func.typeof(column) == "text", cast(column, LargeBinary))) for column in _TEXTS]
        else:
            texts = [func.convert_to(column, "UTF8", type_=LargeBinary) for column in _TEXTS]
        return select(table.c.seq, *texts)


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Written]:
    try:
        for seq, *texts in connection.execution_options(yield_per=_AT_ONCE).execute(query):
            if None in texts:
                name = _TEXTS[texts.index(None)].name
                raise RecordsError(f"entry {seq}: its {name} is no longer marked as text")
            yield Written(seq, *texts)
    except SQLAlchemyError as error:
        raise RecordsError(f"the database says: {getattr(error, 'orig', None) or error}") from error


def _read(entry: Written) -> JournalEntry:
    try:
        return entry.read()
    except ValueError as error:
        raise RecordsError(f"entry {entry.seq} of the journal cannot be read: {error}; verify it") from error


def stamp(time: datetime) -> str:
    """Spell a time as the journal does: UTC, microseconds, Z; so that text order is time order."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _head(connection: Connection, query: Executable) -> Head | None:
    row = connection.execute(query).first()
    return Head(row[0], row[1]) if row is not None else None


def _there(head: Head | None) -> Head:
    if head is None:
        raise RecordsError("the journal has lost its head; `synapolis journal verify` tells what is left")
    return head
