"""Exports: verified like a journal, and held against one; diverged journals are told, and nothing is merged."""

from __future__ import annotations

import json
import shutil

import pytest

from synapolis.core.errors import RecordsError
from synapolis.records.exported import compare_journals, compare_with_export, export_journal, verify_export
from synapolis.records.journal import Journal
from synapolis.records.store import open_store


def fill(journal, many, *, text="Käpylä"):
    for k in range(many):
        journal.append("run", "planner", {"k": k, "text": text, "share": 0.1, "none": None}, "planning")


@pytest.fixture
def export(journal, tmp_path):
    fill(journal, 6)
    file = tmp_path / "journal.jsonl"
    export_journal(journal, file)
    return file


def test_an_export_is_the_journal_line_by_line(journal, export):
    first, *lines = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]
    assert first == {"format": "synapolis journal 1", "entries": 6, "head": journal.head().hash}
    assert lines == [vars(entry) for entry in journal.entries()]
    assert verify_export(export).whole
    assert compare_with_export(journal, export).how == "the same"


@pytest.mark.slow
def test_any_changed_byte_of_an_export_is_found(export):
    whole = export.read_bytes()
    for place in range(0, len(whole), 17):
        export.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        try:
            verdict = verify_export(export)
        except RecordsError as error:
            assert "first line" in str(error) or "of the format" in str(error)
        else:
            assert not verdict.whole
            assert abs(verdict.seq - whole[:place].count(b"\n")) <= 1 or place < whole.index(b"\n")


def test_a_damaged_export_is_told_by_kind(export):
    lines = export.read_bytes().splitlines(keepends=True)
    for changed, damage, seq, says in (
        (lines[:-2], "cut short", 5, "2 entries are missing"),
        ([*lines[:3], *lines[5:]], "gap", 3, "entries 3 to 4 are missing"),
        ([*lines[:3], lines[3].replace(b"planner", b"plammer"), *lines[4:]], "changed", 3, "at, kind, actor"),
        (
            [*lines[:3], lines[3].replace(b"planner", b"plbnner"), *lines[4:]],
            "changed",
            3,
            "actor was changed at byte 3",
        ),
        ([*lines[:3], lines[3].replace(b'"k"', b' "k"'), *lines[4:]], "unreadable", 3, "not in the one form"),
        ([*lines[:3], lines[3][:40]], "unreadable", 3, "is no entry"),
        ([*lines, lines[-1]], "replaced", 6, "there twice"),
    ):
        export.write_bytes(b"".join(changed))
        verdict = verify_export(export)
        assert (verdict.damage, verdict.seq) == (damage, seq)
        assert says in verdict.says


def test_what_is_no_export_is_told(tmp_path):
    for text, says in (("", "no exported journal"), ('{"format": "other"}', "of the format"), ("[1]", "no exported")):
        (tmp_path / "file").write_text(text)
        with pytest.raises(RecordsError, match=says):
            verify_export(tmp_path / "file")
    with pytest.raises(RecordsError, match="cannot read"):
        verify_export(tmp_path / "none")


def test_a_damaged_journal_is_not_exported(journal, tamper, export):
    before = export.read_bytes()
    tamper("DELETE FROM journal WHERE seq = 3")
    with pytest.raises(RecordsError, match="it is not exported: entry 3 is missing"):
        export_journal(journal, export)
    assert export.read_bytes() == before


def test_a_journal_that_went_on_agrees_with_its_export(journal, export):
    fill(journal, 2)
    found = compare_with_export(journal, export)
    assert (found.how, found.last_common, found.agree) == ("the other is older", 6, True)


def test_a_journal_cut_short_with_its_head_is_found_by_an_export(journal, tamper, export):
    tamper(
        "DELETE FROM journal WHERE seq > 4",
        "UPDATE journal_head SET seq = 4, hash = (SELECT hash FROM journal WHERE seq = 4)",
    )
    assert journal.verify().whole
    found = compare_with_export(journal, export)
    assert (found.how, found.last_common, found.agree) == ("the other is newer", 4, False)


def test_diverged_journals_are_told_and_neither_is_changed(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/a.db") as first:
        fill(Journal(first), 4)
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    with open_store(f"sqlite:///{tmp_path}/a.db") as first, open_store(f"sqlite:///{tmp_path}/b.db") as second:
        one, other = Journal(first), Journal(second)
        assert compare_journals(one, other).how == "the same"
        fill(one, 2, text="here")
        fill(other, 3, text="there")
        heads = one.head(), other.head()
        found = compare_journals(one, other)
        assert (found.how, found.last_common, found.diverged_at, found.agree) == ("diverged", 4, 5, False)
        assert "the same up to entry 4 and diverged from entry 5 on" in found.says
        assert "nothing was merged and nothing lost" in found.says
        assert "here" in found.says
        assert (one.head(), other.head()) == heads
        assert one.verify().whole
        assert other.verify().whole
    with open_store(f"sqlite:///{tmp_path}/c.db") as third, open_store(f"sqlite:///{tmp_path}/a.db") as first:
        fill(Journal(third), 1)
        assert compare_journals(Journal(first), Journal(third)).how == "strangers"
