"""A journal as a file of JSON Lines: written, verified, and held against another journal.

The first line says what the file is and what the last entry must be; each further line is one entry in canonical JSON.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical
from synapolis.records.chain import Head, Verdict, verify_chain
from synapolis.records.entry import JournalEntry, Written
from synapolis.records.journal import Journal

FORMAT = "synapolis journal 1"


@dataclass(frozen=True)
class Comparison:
    """How two journals stand to each other: the last entry both have, and where they part."""

    how: Literal["the same", "the other is older", "the other is newer", "diverged", "strangers"]
    last_common: int
    diverged_at: int | None
    says: str

    @property
    def agree(self) -> bool:
        """Whether everything the other journal tells is told here too."""
        return self.how in {"the same", "the other is older"}


def export_journal(journal: Journal, file: Path) -> Head:
    """Write the whole journal, as of one moment, into a file; whole or not at all.

    Raises
    ------
    RecordsError
        When the journal is damaged (nothing is written: an export must be true), or the file cannot be written.
    """
    with journal.store.read() as connection:
        verdict = verify_chain(journal.written(connection), journal.head_within(connection))
        if not verdict.whole:
            raise RecordsError(f"the journal is damaged, so it is not exported: {verdict.says}")
        first = canonical({"format": FORMAT, "entries": verdict.head.seq, "head": verdict.head.hash})
        lines = (entry.read().to_json() for entry in journal.written(connection))
        _write_lines(file, first, lines)
    return verdict.head


def _write_lines(file: Path, first: str, lines: Iterable[str]) -> None:
    try:
        handle, scratch = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                out.write(first + "\n")
                out.writelines(line + "\n" for line in lines)
                out.flush()
                os.fsync(out.fileno())
            Path(scratch).replace(file)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecordsError(f"cannot write {file}: {error.strerror}; choose another place") from error


def verify_export(file: Path) -> Verdict:
    """Verify an exported journal like a journal: every line, every hash, and that its end is there.

    Raises
    ------
    RecordsError
        When the file is missing or no export.
    """
    return verify_chain(read_export(file), head_of_export(file))


def require_whole(file: Path) -> None:
    """Refuse an export that is damaged itself: nothing can be held against it."""
    verdict = verify_export(file)
    if not verdict.whole:
        raise RecordsError(f"{file} is damaged itself and proves nothing: {verdict.says}")


def head_of_export(file: Path) -> Head:
    """Return the last entry that a file says it holds."""
    try:
        with file.open("rb") as lines:
            first = json.loads(lines.readline())
        if first["format"] != FORMAT:
            raise RecordsError(f"{file} is of the format {first['format']!r}; this program reads {FORMAT!r}")
        return Head(int(first["entries"]), str(first["head"]))
    except OSError as error:
        raise RecordsError(f"cannot read {file}: {error.strerror}; make it with `synapolis journal export`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecordsError(
            f"{file} is no exported journal: its first line must say format, entries and head"
        ) from error


def read_export(file: Path) -> Iterator[Written]:
    """Read the entries of an exported file, byte for byte.

    Raises
    ------
    RecordsError
        At a line that is no entry in canonical JSON.
    """
    with file.open("rb") as lines:
        next(lines, None)
        for number, line in enumerate(lines, start=2):
            yield _read_line(line.removesuffix(b"\n"), f"line {number} of {file.name}")


def _read_line(line: bytes, where: str) -> Written:
    try:
        fields = json.loads(line.decode())
        entry = JournalEntry(**fields)
        found = Written(
            entry.seq, entry.at.encode(), entry.kind.encode(), entry.actor.encode(), entry.purpose.encode(),
            canonical(entry.body).encode(), entry.prev_hash.encode(), entry.hash.encode(),
        )  # fmt: skip
    except (ValueError, TypeError, AttributeError) as error:
        raise RecordsError(f"{where} is no entry: {error}") from error
    if entry.to_json().encode() != line:
        raise RecordsError(f"{where} says an entry, but not in the one form that an export writes")
    return found


def compare_with_export(journal: Journal, file: Path) -> Comparison:
    """Hold the journal against an exported file of it, or of another copy. Nothing is changed or merged."""
    require_whole(file)
    with journal.store.read() as connection:
        return compare(journal.written(connection), read_export(file), file.name)


def compare_journals(journal: Journal, other: Journal) -> Comparison:
    """Hold two journals, each in its own database, against each other. Nothing is changed or merged."""
    with journal.store.read() as mine, other.store.read() as theirs:
        return compare(journal.written(mine), other.written(theirs), other.store.name)


def compare(mine: Iterable[Written], theirs: Iterable[Written], other: str) -> Comparison:
    """Walk two journals side by side to the first entry in which they differ.

    Parameters
    ----------
    mine, theirs : entries in their order
    other : name of the second journal, for people
    """
    common = 0
    for ours, other_one in zip_longest(mine, theirs):
        if ours is None:
            says = (
                f"{other} goes on after entry {common}, which is the last here: this journal was cut short, or is older"
            )
            return Comparison("the other is newer", common, None, says)
        if other_one is None:
            says = f"{other} ends with entry {common}, and all of it is in this journal, which has gone on since"
            return Comparison("the other is older", common, None, says)
        if ours != other_one:
            return _diverged(ours, other_one, common, other)
        common += 1
    return Comparison("the same", common, None, f"the same {common:,} entries as {other}")


def _diverged(ours: Written, theirs: Written, common: int, other: str) -> Comparison:
    names = [name for name in vars(ours) if getattr(ours, name) != getattr(theirs, name)]
    told = "; ".join(
        f"{name}: {_told(getattr(ours, name))} here, {_told(getattr(theirs, name))} there" for name in names
    )
    if common == 0:
        says = f"this journal and {other} have no entry in common: they are of different databases ({told})"
        return Comparison("strangers", 0, 1, says)
    says = (
        f"this journal and {other} are the same up to entry {common} and diverged from entry {common + 1} on ({told}). "
        "Each may be whole in itself; nothing was merged and nothing lost. Decide which one goes on, and keep "
        "an export of the other"
    )
    return Comparison("diverged", common, common + 1, says)


def _told(value: int | bytes) -> str:
    text = str(value) if isinstance(value, int) else value.decode("utf-8", "replace")
    return text if len(text) <= 40 else f"{text[:39]}…"
