"""The journal: gapless, chained, append-only in the database itself, and true about what is damaged."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, text, update

from synapolis.core.errors import RecordsError
from synapolis.records.entry import written
from synapolis.records.journal import Journal, local_actor
from synapolis.records.tables import Contract, contracts, fetch, put
from synapolis.records.tables import journal as table

BEGIN = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def fill(journal: Journal, many: int) -> None:
    for k in range(1, many + 1):
        journal.append("run", f"planner {k % 2}", {"k": k, "text": "Käpylä"}, "planning")


def test_an_entry_is_as_documented(store):
    journal = Journal(store, clock=lambda: BEGIN.astimezone().replace(microsecond=5))
    first = journal.append("run", "planner", {"z": None, "a": [1, 2.5, "ü"]}, "planning")
    second = journal.append("refusal", "planner", {})
    assert (first.seq, first.at, first.prev_hash) == (1, "2026-11-22T09:30:00.000005Z", "0" * 64)
    assert (second.seq, second.prev_hash, second.purpose) == (2, first.hash, "")
    spelled = {name: value for name, value in vars(first).items() if name != "hash"}
    line = json.dumps(spelled, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert first.hash == hashlib.sha256(line.encode()).hexdigest()
    assert list(journal.entries()) == [first, second]
    assert journal.head().hash == second.hash
    assert journal.verify().whole


def test_an_empty_journal_is_whole(journal):
    assert journal.verify().whole
    assert (journal.head().seq, list(journal.entries())) == (0, [])


def test_entries_are_found_by_kind_actor_and_time(store):
    times = iter(BEGIN + timedelta(minutes=k) for k in range(10))
    journal = Journal(store, clock=lambda: next(times))
    fill(journal, 10)
    assert [entry.seq for entry in journal.entries(actor="planner 1")] == [1, 3, 5, 7, 9]
    assert [entry.seq for entry in journal.entries(since=BEGIN + timedelta(minutes=8))] == [9, 10]
    assert [entry.seq for entry in journal.entries(limit=2, newest_first=True)] == [10, 9]
    assert not list(journal.entries(kind="refusal"))


def test_an_effect_and_its_entry_are_kept_together_or_not_at_all(store, journal):
    def effect(connection, fails):
        entry = journal.append("contract", "planner", {"id": "c"}, within=connection)
        put(connection, Contract("c", "porto", {"pays": 0.1}, "h", "planner", entry.at, entry.seq))
        if fails:
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError), store.write() as connection:
        effect(connection, True)
    assert journal.head().seq == 0
    with store.write() as connection:
        effect(connection, False)
    assert journal.head().seq == 1
    with store.read() as connection:
        (found,) = fetch(connection, Contract, contracts.c.city == "porto")
    assert found.content == {"pays": 0.1}
    assert found.journal_seq == 1


def test_appending_while_reading_waits_for_nobody(journal):
    fill(journal, 3)
    for entry in journal.entries():
        journal.append("again", "planner", {"of": entry.seq})
    assert journal.head().seq == 6


@pytest.mark.parametrize(
    "act",
    [
        update(table).where(table.c.seq == 2).values(actor="nobody"),
        delete(table).where(table.c.seq == 3),
        text("UPDATE journal_head SET hash = 'x'"),
        text("DELETE FROM journal_head"),
        insert(table).values(seq=9, at="", kind="", actor="", purpose="", body="{}", prev_hash="", hash=""),
    ],
    ids=["update", "delete", "head back", "head away", "insert out of turn"],
)
def test_the_database_itself_refuses(store, journal, act):
    fill(journal, 3)
    with pytest.raises(RecordsError, match="append-only|never"), store.write() as connection:
        connection.execute(act)
    assert journal.verify().whole


def test_what_cannot_be_written_down_is_refused_and_nothing_kept(journal):
    for body, says in (
        ({"a": {"b": float("nan")}}, "body.a.b is nan"),
        ({"a": [float("inf")]}, r"body.a\[0\] is inf"),
        ({1: 2}, "keys must be text"),
        ({"a": {1, 2}}, "body.a is a set"),
        ({"a": "\ud800"}, "half a character"),
        ({"a": 2**63}, "beyond 64 bits"),
    ):
        with pytest.raises(RecordsError, match=says):
            journal.append("run", "planner", body)
    for texts in (("", "planner"), ("run", " "), ("run", "nul\0")):
        with pytest.raises(RecordsError, match="needs its"):
            journal.append(*texts, {})
    with pytest.raises(RecordsError, match="without its zone"):
        Journal(journal.store, clock=lambda: BEGIN.replace(tzinfo=None)).append("run", "planner", {})
    assert journal.head().seq == 0


def test_the_actor_is_what_the_setting_says_and_never_the_systems_user(monkeypatch):
    monkeypatch.delenv("SYNAPOLIS_ACTOR", raising=False)
    monkeypatch.setenv("USER", "a.name")
    assert local_actor() == "local user"
    monkeypatch.setenv("SYNAPOLIS_ACTOR", "Transport department")
    assert local_actor() == "Transport department"


DAMAGES = {
    "content": ("UPDATE journal SET actor = 'plbnner 1' WHERE seq = 3", "changed", 3, "actor", "byte 3: it is 'b'"),
    "body": ("UPDATE journal SET body = replace(body, ':3,', ':7,') WHERE seq = 3", "changed", 3, "body", "was '3'"),
    "accent": ("UPDATE journal SET body = replace(body, 'lä', 'lö') WHERE seq = 4", "changed", 4, "body", "it is 0xb6"),
    "time": ("UPDATE journal SET at = replace(at, 'Z', 'z') WHERE seq = 2", "changed", 2, "at", "was 'Z'"),
    "hash": ("UPDATE journal SET hash = 'x' || substr(hash, 2) WHERE seq = 3", "changed", 3, "hash", "it is 'x'"),
    "last hash": ("UPDATE journal SET hash = 'x' || substr(hash, 2) WHERE seq = 6", "changed", 6, "hash", "it is 'x'"),
    "link": ("UPDATE journal SET prev_hash = 'x' || substr(prev_hash, 2) WHERE seq = 3", "changed", 3, "prev_hash",
             "byte 1: it is 'x'"),
    "number": ("UPDATE journal SET seq = 77 WHERE seq = 6", "changed", 6, "seq", "it is 77, it was 6"),
    "much": ("UPDATE journal SET actor = 'someone else' WHERE seq = 3", "changed", 3, "", "at, kind, actor"),
    "gap": ("DELETE FROM journal WHERE seq IN (2, 3)", "gap", 2, "seq", "entries 2 to 3 are missing"),
    "tail": ("DELETE FROM journal WHERE seq > 4", "cut short", 5, "", "2 entries are missing"),
    "head": ("DELETE FROM journal_head", "cut short", 7, "", "the row that names the last entry is missing"),
    "head back": ("UPDATE journal_head SET seq = 5", "beyond the head", 6, "", "entries up to 6 are here"),
    "head hash": ("UPDATE journal_head SET hash = 'x'", "replaced", 6, "", "one of them was replaced"),
    "beginning": ("DELETE FROM journal WHERE seq = 1", "gap", 1, "seq", "entry 1 is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_told_apart_and_named(journal, tamper, name):
    statement, damage, seq, field, says = DAMAGES[name]
    fill(journal, 6)
    tamper(statement.replace("%", "%%"))
    verdict = journal.verify()
    assert not verdict.whole
    assert (verdict.damage, verdict.seq, verdict.field) == (damage, seq, field)
    assert says in verdict.says


def test_an_entry_rewritten_with_a_fitting_hash_is_found_by_the_next(journal, tamper):
    fill(journal, 6)
    old = list(journal.entries())[2]
    new = written(3, at=old.at, kind=old.kind, actor="forger", purpose="", body="{}", prev_hash=old.prev_hash).read()
    tamper(f"UPDATE journal SET actor = 'forger', purpose = '', body = '{{}}', hash = '{new.hash}' WHERE seq = 3")
    verdict = journal.verify()
    assert (verdict.damage, verdict.seq) == ("replaced", 3)
    assert "entry 4 was chained to another entry 3" in verdict.says
