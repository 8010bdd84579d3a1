"""Bring a database to today's tables: one linear chain of steps, run by one process at a time, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from synapolis.core.errors import RecordsError

STEPS = ("0001", "0002", "0003", "0004")
"""The chain, oldest first; the last is what this program works with."""
VERSION_TABLE = "synapolis_schema"
_LOCK = 0x53594E41  # one number for PostgreSQL's advisory lock on migrations


def bring_up(engine: Engine, *, writes: Mapping[str, Any], name: str) -> None:
    """Run the steps that a database lacks.

    Parameters
    ----------
    writes : execution options that make a transaction a writing one
    name : the database, for people

    Raises
    ------
    RecordsError
        When the database is newer than this program, or is in another encoding than UTF-8.
    """
    with engine.connect() as connection, connection.begin():
        if _at(connection, name) == STEPS[-1]:
            return
    with engine.connect() as connection:
        connection.execution_options(**writes)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if _at(connection, name) != STEPS[-1]:  # else another process did it while we waited
                _upgrade(connection)


def _at(connection: Connection, name: str) -> str | None:
    """Step that a database stands at; none where it is empty."""
    if connection.dialect.name == "postgresql":
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise RecordsError(f"the database {name} is in {encoding}; make one with ENCODING 'UTF8'")
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    if found is not None and found not in STEPS:
        raise RecordsError(
            f"the records ({name}) are at step {found}, newer than this program, which knows steps up to {STEPS[-1]}; "
            "update Synapolis. Nothing was changed"
        )
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - half a second that only a database behind its time pays
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, STEPS[-1])
