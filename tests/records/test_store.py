"""The store: where it lies, what it refuses, transactions, migrations."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text

import synapolis.records
import synapolis.records.tables_accounts
import synapolis.records.tables_desk
from records.postgres import emptied
from synapolis.core.errors import RecordsError
from synapolis.records import migrate
from synapolis.records import store as opened
from synapolis.records.canonical import content_hash
from synapolis.records.journal import Journal
from synapolis.records.migrate import STEPS, VERSION_TABLE
from synapolis.records.store import open_store, records_url
from synapolis.records.tables import (
    Contract,
    Observation,
    RegisterVersion,
    fetch,
    metadata,
    observations,
    put,
    register_versions,
)


def test_records_lie_in_the_workspace_and_are_for_their_owner_only(tmp_path, monkeypatch):
    monkeypatch.delenv("SYNAPOLIS_RECORDS", raising=False)
    monkeypatch.setenv("SYNAPOLIS_HOME", str(tmp_path / "home"))
    with open_store() as store:
        Journal(store).append("run", "planner", {})
    file = tmp_path / "home" / "records.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sqlite3.connect(file).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with open_store() as store:
        assert Journal(store).head().seq == 1


@pytest.mark.slow
def test_a_commit_on_postgresql_waits_for_the_disk_and_settings_in_the_address_are_kept(postgres_database):
    url = f"{emptied(postgres_database)}&options=-c%20statement_timeout%3D77s"
    with open_store(url) as store, store.write() as connection:
        names = ("synchronous_commit", "transaction_isolation", "lock_timeout", "statement_timeout")
        settings = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
    assert settings == ["on", "read committed", "1min", "77s"]


def test_a_commit_on_sqlite_waits_for_the_disk(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/r.db") as store, store.write() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                   ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")}  # fmt: skip
    assert pragmas == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 60_000}


def test_records_never_lie_in_a_city_folder(tmp_path):
    (tmp_path / "city.toml").touch()
    with pytest.raises(RecordsError, match="lies in the city folder"):
        open_store(f"sqlite:///{tmp_path}/deep/records.db")
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_one_setting_names_postgresql(monkeypatch, scheme):
    monkeypatch.setenv("SYNAPOLIS_RECORDS", f"{scheme}://me:secret@there/db")
    assert records_url().drivername == "postgresql+psycopg"


def test_settings_that_cannot_work_are_told(tmp_path, monkeypatch):
    (tmp_path / "no.db").write_text("these are no records, but some text long enough to be mistaken for a header " * 9)
    for url, says in (
        ("mysql://there/db", "names mysql; records are kept in SQLite or PostgreSQL"),
        ("what is this", "no database address"),
        ("sqlite://", "in memory would be lost"),
        (f"sqlite:///{tmp_path}/no.db", "damaged or no database"),
        (f"sqlite:///{tmp_path}/no.db/records.db", "cannot open the records"),
        ("postgresql://me:secret@127.0.0.1:1/db", r"me:\*\*\*@127.0.0.1:1/db\) cannot be reached"),
    ):
        with pytest.raises(RecordsError, match=says) as told:
            open_store(url)
        assert "secret" not in str(told.value)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RecordsError, match=r'pip install "synapolis\[postgres\]"'):
        open_store("postgresql://there/db")


def test_a_block_that_raises_leaves_nothing_and_reading_writes_nothing(store):
    entry = Journal(store).append("contract", "planner", {})
    contract = Contract("c", "town", {}, "", "planner", entry.at, entry.seq)
    with pytest.raises(TypeError), store.write() as connection:
        put(connection, contract, None)
    with pytest.raises(RecordsError, match="read.?only"), store.read() as connection:
        put(connection, contract)
    with store.read() as connection:
        assert not list(fetch(connection, Contract))
    with store.write() as connection:
        put(connection, contract)
    with pytest.raises(RecordsError, match="refuse this"), store.write() as connection:
        put(connection, contract)


def test_a_write_inside_a_write_is_told_instead_of_waiting_for_itself(store):
    journal = Journal(store)
    with pytest.raises(RecordsError, match="within=connection"), store.write():
        journal.append("run", "planner", {})
    assert journal.append("run", "planner", {}).seq == 1


def test_reading_may_stop_early(store):
    journal = Journal(store)
    for k in range(3):
        journal.append("run", "planner", {"k": k})
    assert next(journal.entries()).seq == 1
    assert journal.append("run", "planner", {}).seq == 4


def test_a_reader_sees_one_moment(store):
    journal = Journal(store)
    journal.append("run", "planner", {})
    with store.read() as connection:
        before = len(list(journal.written(connection)))
        journal.append("run", "planner", {})
        assert len(list(journal.written(connection))) == before == 1


def version(**facts) -> RegisterVersion:
    content = {"name": "Parking scanner", "limits": ["night"]}
    given = {"entry_id": "parking", "version": "1", "status": "in use", "content": content, "author": "planner",
             "content_hash": content_hash(content), "at": "2026-11-22T00:00:00.000000Z", "journal_seq": 1}  # fmt: skip
    return RegisterVersion(**(given | facts))


def test_rows_come_back_as_they_were_put(store):
    with store.write() as connection:
        entry = Journal(store).append("import", "planner", {}, within=connection)
        rows = [version(), version(version="2")]
        seen = Observation("o", "town", "iso 5.1", "all", "2025", 0.1, None, None, "1", "B", "census", 0.0, 1.0,
                           entry.at, entry.seq)  # fmt: skip
        put(connection, *rows, seen)
    with store.read() as connection:
        assert list(fetch(connection, RegisterVersion)) == rows
        assert list(fetch(connection, Observation, observations.c.indicator == "iso 5.1")) == [seen]


def test_a_row_needs_the_entry_that_tells_of_it(store):
    with pytest.raises(RecordsError, match=r"(?i)foreign key"), store.write() as connection:
        put(connection, version())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE register_versions SET status = 'withdrawn'",
        "DELETE FROM register_versions",
        "INSERT OR REPLACE INTO register_versions SELECT * FROM register_versions",
        "TRUNCATE register_versions",
        "TRUNCATE journal CASCADE",
    ],
)
def test_versions_of_the_register_are_never_changed(store, statement):
    with store.write() as connection:
        Journal(store).append("register", "planner", {}, within=connection)
        put(connection, version())
    with pytest.raises(RecordsError), store.write() as connection:  # TRUNCATE and OR REPLACE: each only in one dialect
        connection.execute(text(statement))
    with pytest.raises(RecordsError, match="never changed"), store.write() as connection:
        connection.execute(insert(register_versions).values(**vars(version(status="x"))))
    with store.read() as connection:
        assert list(fetch(connection, RegisterVersion)) == [version()]
    assert Journal(store).verify().whole


def test_the_steps_are_one_line_and_make_what_the_tables_say(store):
    config = Config()
    config.set_main_option("script_location", str(Path(synapolis.records.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    assert tuple(steps) == STEPS
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_behind_its_time_is_brought_up_with_all_it_holds(url, monkeypatch):
    monkeypatch.setattr(migrate, "STEPS", STEPS[:1])
    with open_store(url) as store:
        entry = Journal(store).append("run", "planner", {"k": 1})
        with pytest.raises(RecordsError, match="register_versions"), store.read() as connection:
            list(fetch(connection, RegisterVersion))
    monkeypatch.undo()
    with open_store(url) as store:
        assert list(Journal(store).entries()) == [entry]
        with store.read() as connection:
            assert list(fetch(connection, RegisterVersion)) == []


def test_a_newer_database_is_refused_and_left_as_it_is(url):
    with open_store(url) as store, store.write() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(RecordsError, match="step 9999, newer than this program.*update Synapolis"):
            open_store(url)


def test_a_step_that_fails_leaves_the_database_as_it_was(url, monkeypatch):
    monkeypatch.setattr(migrate, "STEPS", STEPS[:1])
    open_store(url).close()
    monkeypatch.undo()
    with open_store_at_first_step(url) as store, store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE contracts (id TEXT)")  # in the way of step 0002
    with pytest.raises(RecordsError, match="contracts"):
        open_store(url)
    with open_store_at_first_step(url) as store, store.write() as connection:
        assert Journal(store).append("run", "planner", {}, within=connection).seq == 1
        connection.exec_driver_sql("DROP TABLE contracts")
    with open_store(url) as store:
        assert Journal(store).verify().entries == 1


def open_store_at_first_step(url):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "STEPS", STEPS[:1])
        return open_store(url)


def test_a_file_copied_while_closed_is_a_backup(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/r.db") as store:
        for k in range(3):
            Journal(store).append("run", "planner", {"k": k})
    assert not (tmp_path / "r.db-wal").exists()
    shutil.copy(tmp_path / "r.db", tmp_path / "copy.db")
    with open_store(f"sqlite:///{tmp_path}/copy.db") as store:
        assert Journal(store).verify().entries == 3


def test_a_write_waits_for_another_and_tells_when_it_waited_in_vain(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "WAIT", 0.05)
    with open_store(f"sqlite:///{tmp_path}/r.db") as first, open_store(f"sqlite:///{tmp_path}/r.db") as second:
        with first.write(), pytest.raises(RecordsError, match="held by another process"):
            Journal(second).append("run", "planner", {})
        assert Journal(second).append("run", "planner", {}).seq == 1
