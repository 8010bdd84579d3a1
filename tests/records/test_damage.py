"""One changed byte of the database file is found and named, wherever it lies in an entry."""

from __future__ import annotations

import pytest

from synapolis.records.entry import Written
from synapolis.records.journal import Journal
from synapolis.records.store import open_store

MANY = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Bytes of a database file, and the bytes of its seventh entry."""
    file = tmp_path_factory.mktemp("whole") / "records.db"
    with open_store(f"sqlite:///{file}") as store:
        journal = Journal(store)
        for k in range(MANY):
            journal.append("register", f"Office of parking {k}", {"k": k, "text": "Käpylä " * 3}, "night rules")
        with store.read() as connection:
            entry = list(journal.written(connection))[6]
    return file.read_bytes(), entry


def verdict_of(tmp_path, content: bytes):
    file = tmp_path / "records.db"
    file.write_bytes(content)
    with open_store(f"sqlite:///{file}") as store:
        return Journal(store).verify()


def row_of(content: bytes, entry: Written) -> int:
    """Where the entry's texts lie in the table's page, one after another."""
    texts = entry.at + entry.kind + entry.actor + entry.purpose + entry.body + entry.prev_hash + entry.hash
    assert content.count(texts) == 1
    return content.index(texts)


def test_a_changed_byte_of_any_field_is_named(whole, tmp_path):
    content, entry = whole
    begin = row_of(content, entry)
    for field in ("at", "kind", "actor", "purpose", "body", "prev_hash", "hash"):
        text = getattr(entry, field)
        place = begin + len(text) // 2
        changed = content[:place] + bytes((content[place] ^ 4,)) + content[place + 1 :]
        verdict = verdict_of(tmp_path, changed)
        assert (verdict.whole, verdict.seq, verdict.field, verdict.damage) == (False, 7, field, "changed")
        assert f"at byte {len(text) // 2 + 1}: it is" in verdict.says
        begin += len(text)


def test_a_byte_that_is_no_text_any_more_is_named(whole, tmp_path):
    content, entry = whole
    place = row_of(content, entry) + len(entry.at + entry.kind) + 2
    verdict = verdict_of(tmp_path, content[:place] + b"\xff" + content[place + 1 :])
    assert (verdict.seq, verdict.field) == (7, "actor")
    assert "it is 0xff, it was 'f'" in verdict.says


@pytest.mark.slow
def test_any_changed_byte_of_the_row_is_found_or_changes_no_entry(whole, tmp_path):
    content, entry = whole
    begin, texts = row_of(content, entry), sum(len(value) for name, value in vars(entry).items() if name != "seq")
    header = range(begin - 12, begin)  # the row's size and number, and the sizes of its fields
    harmless = 0
    for place in (*header, *range(begin, begin + texts, 5)):
        changed = content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]
        verdict = verdict_of(tmp_path, changed)
        if verdict.whole:  # such as a row that claims a byte more than it uses
            harmless += 1
            assert place in header
            assert verdict.head == verdict_of(tmp_path, content).head
        else:
            assert place in header or verdict.seq == 7
    assert harmless <= 2
