"""The one SQL store: SQLite in the workspace, or PostgreSQL by one setting; opened at today's tables.

SYNAPOLIS_RECORDS=postgresql+psycopg://user@host/database puts the records into PostgreSQL.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from synapolis.core.errors import RecordsError
from synapolis.core.home import home
from synapolis.records.migrate import bring_up

SETTING = "SYNAPOLIS_RECORDS"
WAIT = 60.0  # [s] how long a write waits for another process's write
ROUND = 8  # [ms] SQLite then looks for the lock after 1, 2 and 5 ms, and begins again
_WRITES = "synapolis_writes"
_writing: ContextVar[tuple[int, ...]] = ContextVar("writing", default=())


class Store:
    """An open store: `write()` and `read()` give a connection inside one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.dialect = engine.dialect.name
        self.name = _told(engine.url)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that writes: kept whole when the block ends, undone whole when it raises.

        On SQLite it holds the one write lock from the start, so what is read in it stays true until it ends.

        Raises
        ------
        RecordsError
            When the database refuses or cannot be reached; nothing of the block is kept.
        """
        if id(self) in (open_here := _writing.get()):
            raise RecordsError(
                "a write inside a write of the same store would wait for itself; pass on the connection "
                "(`within=connection`)"
            )
        token = _writing.set((*open_here, id(self)))
        try:
            with self._telling(), self._engine.connect() as connection:
                connection.execution_options(**{_WRITES: True})
                with connection.begin():
                    yield connection
        finally:
            _writing.reset(token)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one moment of the database throughout."""
        with self._telling(), self._engine.connect() as connection, connection.begin():
            if self.dialect == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield connection
                return
            connection.exec_driver_sql("PRAGMA query_only = ON")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("PRAGMA query_only = OFF")

    def close(self) -> None:
        """Let go of every connection; on SQLite this folds the write-ahead log into the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what the database says into one clear error."""
        try:
            yield
        except SQLAlchemyError as error:
            raise RecordsError(f"the records ({self.name}) {_reason(error)}") from error


def open_store(url: str | None = None) -> Store:
    """Open the records, bringing the database to today's tables where it is behind.

    Parameters
    ----------
    url : str, optional
        By default what SYNAPOLIS_RECORDS says, else `records.db` in the workspace.

    Raises
    ------
    RecordsError
        When the setting names no database we know, its driver is missing, it cannot be reached, it is newer than this
        program, or it would lie in a city folder.
    """
    where = records_url(url)
    engine = _sqlite(where) if where.get_backend_name() == "sqlite" else _postgresql(where)
    store = Store(engine)
    try:
        with store._telling():  # noqa: SLF001 - same module
            bring_up(engine, writes={_WRITES: True}, name=store.name)
    except BaseException:
        store.close()
        raise
    return store


def records_url(url: str | None = None) -> URL:
    """Address of the records: what is given, else the setting, else the workspace's own file."""
    text = url or os.environ.get(SETTING) or ""
    if not text:
        return URL.create("sqlite", database=str(home() / "records.db"))
    try:
        found = make_url(text)
    except ArgumentError:
        raise RecordsError(f"{SETTING} is no database address; give postgresql+psycopg://user@host/database") from None
    backend = {"postgres": "postgresql"}.get(name := found.drivername.partition("+")[0], name)
    if backend not in {"sqlite", "postgresql"}:
        raise RecordsError(f"{SETTING} names {backend}; records are kept in SQLite or PostgreSQL")
    return found.set(drivername="sqlite" if backend == "sqlite" else "postgresql+psycopg")


def _told(url: URL) -> str:
    """Address for people: no password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RecordsError("records in memory would be lost; give a file, or leave the setting empty")
    path = Path(url.database).expanduser().absolute()
    for folder in path.resolve().parents:
        if (folder / "city.toml").is_file():
            raise RecordsError(
                f"{path} lies in the city folder {folder}, which may be given away; set SYNAPOLIS_HOME elsewhere"
            )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # who did what is nobody else's business
    except OSError as error:
        raise RecordsError(
            f"cannot open the records at {path}: {error.strerror}; give another place by SYNAPOLIS_HOME or {SETTING}"
        ) from None
    engine = create_engine(url.set(database=str(path)), connect_args={"timeout": WAIT})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    deadline = time.monotonic() + WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # another process is changing over just now, and SQLite does not wait for that by itself
    for pragma in ("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction; a writing one takes the write lock at once.

    SQLite's own waiting looks ever more rarely, up to ten times a second, so that the lock lies idle between eight
    busy writers. Waiting in short rounds takes it over within milliseconds.
    """
    if not connection.get_execution_options().get(_WRITES):
        connection.exec_driver_sql("BEGIN")
        return
    sqlite: Any = connection.connection.driver_connection  # asked directly: asking is done often
    sqlite.execute(f"PRAGMA busy_timeout = {ROUND}")
    try:
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            try:
                sqlite.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    break
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # the last try, whose error is told
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {WAIT * 1000:.0f}")


def _postgresql(url: URL) -> Engine:
    try:
        importlib.import_module("psycopg")
    except ImportError as error:
        raise RecordsError(
            f'records in PostgreSQL need the driver psycopg ({error}); pip install "synapolis[postgres]", '
            f"or unset {SETTING} to keep them in the workspace"
        ) from None
    settings = {
        "synchronous_commit": "on",  # a commit waits for the disk, whatever the server's own setting
        "default_transaction_isolation": r"read\ committed",
        "lock_timeout": f"{WAIT:.0f}s",
        "client_encoding": "UTF8",
    }
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in settings.items()]
    arguments = {"options": " ".join(options), "connect_timeout": 10}
    return create_engine(url, pool_pre_ping=True, pool_size=4, connect_args=arguments)


REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("database is locked", "lock timeout"),
        f"have been held by another process for {WAIT:.0f} s; wait for it to end, then try again",
    ),
    (
        ("file is not a database", "malformed"),
        "are damaged or no database: {}; restore a backup, or move the file away to begin anew",
    ),
    (("append-only", "never changed", "UNIQUE", "duplicate key"), "refuse this: {}; nothing was changed"),
    (("is full", "No space"), "cannot grow: {}; free some space, nothing was changed"),
    (
        ("disk I/O", "readonly"),
        "cannot be written: {}; is the disk full, or the place read-only? Nothing was changed",
    ),
    (
        ("connection", "Connection"),
        "cannot be reached: {}; does the server run, and is the address in " + SETTING + " right?",
    ),
    (("",), "answered: {}; nothing was changed"),
)
"""Signs in what a database says, and what it means with the next step; the first that fits."""


def _reason(error: SQLAlchemyError) -> str:
    """What went wrong, in words, with the next step."""
    said = str(error.orig if isinstance(error, DBAPIError) and error.orig else error).strip().splitlines()
    text = said[0] if said else type(error).__name__
    told = next(told for signs, told in REASONS if any(sign in text for sign in signs))
    return told.replace("{}", text)
