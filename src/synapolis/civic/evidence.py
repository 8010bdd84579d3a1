"""Live evidence on each entry: runs, by whom, refusals, overrides, tests, complaints; a fold over the journal.

Nothing is counted anywhere else. Entries of the journal that matter here are `run`, `build` and `refusal` (the body
names `models` and `rules` with their versions), and `override`, `complaint`, `test`, which name the register's `entry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from synapolis.civic.twin import entry_id
from synapolis.records.entry import JournalEntry

NOTES = ("override", "complaint")
RUNS = ("run", "build")
KINDS = (*RUNS, "refusal", "test", *NOTES)
GATE, READER = "gate", "parse_question"


@dataclass(frozen=True)
class Event:
    """One thing that happened: when, by whom, in words, and where it stands in the journal."""

    at: str
    actor: str
    text: str
    seq: int


@dataclass(frozen=True)
class Checked:
    """A time the declared tests were run on an entry."""

    at: str
    version: str
    passed: bool
    text: str
    seq: int


@dataclass(frozen=True)
class Evidence:
    """What the journal holds on one entry."""

    runs: int = 0
    first_run: str = ""
    last_run: str = ""
    actors: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    purposes: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Event, ...] = ()
    overrides: tuple[Event, ...] = ()
    complaints: tuple[Event, ...] = ()
    last_test: Checked | None = None


NONE = Evidence()


def evidence(journal: Iterable[JournalEntry]) -> dict[str, Evidence]:
    """Fold journal entries, oldest first, into the evidence on each entry of the register."""
    found: dict[str, Evidence] = {}
    for written in journal:
        if written.kind in KINDS:
            for id_, version in _touched(written.kind, written.body):
                found[id_] = _with(found.get(id_, NONE), written, version)
            _judged(found, written)
    return found


def _touched(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Entries that a journal entry is about, with the version it names."""
    if isinstance(body.get("entry"), str):
        yield body["entry"], str(body.get("version", ""))
    named = [body.get("models")] + ([body.get("rules")] if kind in RUNS else [])
    for versions in named:
        for name, version in versions.items() if isinstance(versions, Mapping) else ():
            yield entry_id(name), str(version)


def _with(known: Evidence, written: JournalEntry, version: str) -> Evidence:
    if written.kind in RUNS:
        return replace(
            known,
            runs=known.runs + 1,
            first_run=known.first_run or written.at,
            last_run=written.at,
            actors=_counted(known.actors, written.actor),
            versions=_counted(known.versions, version),
            purposes=_counted(known.purposes, written.purpose),
        )
    if written.kind == "test":
        passed, told = bool(written.body.get("passed")), str(written.body.get("text", ""))
        return replace(known, last_test=Checked(written.at, version, passed, told, written.seq))
    told = str(written.body.get("text") or written.body.get("reason") or "")
    event = Event(written.at, written.actor, told, written.seq)
    if written.kind == "refusal":
        return replace(known, refusals=(*known.refusals, event))
    if written.kind == "override":
        return replace(known, overrides=(*known.overrides, event))
    return replace(known, complaints=(*known.complaints, event))


def _judged(found: dict[str, Evidence], written: JournalEntry) -> None:
    """Each block by a gate is a refusal by the rule; each question asked back is one by the reader of questions."""
    for result in written.body.get("results") or ():
        if not isinstance(result, Mapping):
            continue
        refusals = [
            (GATE, f"{name}: blocked") for name, said in dict(result.get("gates") or {}).items() if said == "block"
        ]
        if result.get("status") == "clarify":
            refusals.append((READER, str(result.get("question", ""))))
        for name, text in refusals:
            known = found.get(entry_id(name), NONE)
            event = Event(written.at, written.actor, text, written.seq)
            found[entry_id(name)] = replace(known, refusals=(*known.refusals, event))


def _counted(counts: Mapping[str, int], key: str) -> Mapping[str, int]:
    return {**counts, key: counts.get(key, 0) + 1} if key else counts
