"""`synapolis journal`: shows, verifies and exports; exit 0 whole, 1 damaged, 2 misused. The guide's examples run."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from synapolis import cli
from synapolis.records.journal import Journal
from synapolis.records.store import open_store

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "records.md"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workspace with three entries."""
    monkeypatch.setenv("SYNAPOLIS_HOME", str(tmp_path))
    monkeypatch.delenv("SYNAPOLIS_RECORDS", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    with open_store() as store:
        journal = Journal(store)
        for question in ("Is it [bold]?", "Where?"):
            journal.append("run", "planner", {"command": "ask", "results": [{"question": question}]}, "planning")
        body = {"command": "ask", "results": [{"question": "Who?"}], "reason": "not understood: who"}
        journal.append("refusal", "citizen", body)
    return tmp_path


@pytest.fixture
def call(home, monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["synapolis", "journal", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        return done.value.code or 0, told.out, told.err

    return run


def damage(home):
    with sqlite3.connect(home / "records.db") as connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("UPDATE journal SET actor = 'plbnner' WHERE seq = 2")


def test_show_is_a_table_for_people(call):
    code, out, _ = call("show")
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == ["no", "1", "2", "3"]
    assert "ask: Is it [bold]? (planning)" in lines[1]
    assert "citizen" in lines[3]
    assert "ask: Who?; not understood: who" in lines[3]


def test_show_finds_and_prints_json(call):
    assert [entry["seq"] for entry in json.loads(call("show", "--json", "--kind", "run")[1])] == [1, 2]
    assert [entry["seq"] for entry in json.loads(call("show", "--json", "--actor", "citizen")[1])] == [3]
    assert [entry["seq"] for entry in json.loads(call("show", "--json", "--limit", "2")[1])] == [2, 3]
    assert len(json.loads(call("show", "--json", "--limit", "0", "--since", "1h")[1])) == 3
    code, out, err = call("show", "--since", "2999-01-01")
    assert (code, out) == (0, "")
    assert "No such entries" in err
    code, _, err = call("show", "--since", "soon")
    assert code == 2
    assert "2026-11-22T14:00" in err


def test_verify_tells_and_exits(call, home):
    code, out, _ = call("verify")
    assert code == 0
    assert out.startswith("whole: 3 entries")
    damage(home)
    code, out, _ = call("verify")
    assert code == 1
    assert "entry 2: actor was changed at byte 3: it is 'b' (0x62), it was 'a' (0x61)" in out
    found = json.loads(call("verify", "--json")[1])
    assert (found["whole"], found["seq"], found["field"], found["against"]) == (False, 2, "actor", None)


def test_an_export_is_verified_and_held_against_the_journal(call, home):
    code, out, err = call("export", "journal.jsonl")
    assert (code, out) == (0, "")
    assert "3 entries in journal.jsonl" in err
    assert call("verify", "--file", "journal.jsonl")[0] == 0
    assert call("verify", "--against", "journal.jsonl")[0] == 0
    assert call("verify", "--file", "journal.jsonl", "--against", "journal.jsonl")[0] == 0
    damage(home)
    code, out, _ = call("verify", "--against", "journal.jsonl")
    assert code == 1
    assert "diverged from entry 2 on (actor: plbnner here, planner there)" in out
    code, _, err = call("export", "again.jsonl")
    assert code == 1
    assert "it is not exported" in err
    assert not (home / "again.jsonl").exists()
    code, _, err = call("verify", "--file", "none.jsonl")
    assert code == 1
    assert "cannot read none.jsonl" in err


def test_the_examples_of_the_guide_run(home, capsys):
    first, second = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    exec(compile(first, "first", "exec"), {})
    assert re.fullmatch(r"[0-9a-f]{64}\n", capsys.readouterr().out)
    exec(compile(second, "second", "exec"), {})
    assert capsys.readouterr().out == "['trees']\n"
    with open_store() as store:
        assert [entry.kind for entry in Journal(store).entries()] == ["run", "run", "refusal", "contract"]
