"""Both databases for every test of the records: SQLite in a folder, and a real PostgreSQL (see `postgres.py`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from records.postgres import SETTING, emptied, own_server
from synapolis.records.journal import Journal
from synapolis.records.store import Store, open_store


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """Address of a PostgreSQL server: the one that is named, else one of our own."""
    named = os.environ.get(SETTING)
    if named:
        yield named
        return
    with own_server() as server:
        yield server.address


@pytest.fixture(scope="session")
def postgres_database(postgres_address: str) -> Iterator[str]:
    """A database of our own on that server; dropped at the end."""
    engine = create_engine(
        make_url(postgres_address).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    name = f"synapolis_test_{os.getpid()}"
    with closing(engine.connect()) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        try:
            yield engine.url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    return emptied(request.getfixturevalue("postgres_database"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store)


@pytest.fixture
def tamper(store: Store) -> Callable[..., None]:
    """Run statements on the database behind the store's back, with its refusals switched off."""

    def do(*statements: str) -> None:
        with store.write() as connection:
            if store.dialect == "sqlite":
                found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
                for name, _ in found:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            else:
                found = []
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                connection.exec_driver_sql(statement)
            for _, sql in found:
                connection.exec_driver_sql(sql)

    return do
