"""Live evidence on each entry: runs, by whom, refusals, overrides, tests, complaints; a fold over the journal.

Nothing is counted anywhere else. Entries of the journal that matter here are `run`, `build` and `refusal` (the body
names `models` and `rules` with their versions), and `override`, `complaint`, `test`, which name the register's `entry`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for written in journal:
        if written.kind in KINDS:
            for id_, version in _touched(written.kind, written.body):
                tallies[id_].count(written, version)
            for name, text in _judged(written.body):
                tallies[entry_id(name)].refusals.append(_event(written, text))
    return {id_: tally.told() for id_, tally in tallies.items()}


class _Tally:
    """Counts of one entry while the journal is read."""

    def __init__(self) -> None:
        self.span = ["", ""]
        self.actors: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.purposes: Counter[str] = Counter()
        self.refusals: list[Event] = []
        self.notes: dict[str, list[Event]] = {kind: [] for kind in NOTES}
        self.last_test: Checked | None = None
        self.runs = 0

    def count(self, written: JournalEntry, version: str) -> None:
        """Take in what a journal entry says of this one."""
        if written.kind in RUNS:
            self.runs += 1
            self.span = [self.span[0] or written.at, written.at]
            for counts, key in (
                (self.actors, written.actor),
                (self.versions, version),
                (self.purposes, written.purpose),
            ):
                if key:
                    counts[key] += 1
        elif written.kind == "test":
            passed, told = bool(written.body.get("passed")), str(written.body.get("text", ""))
            self.last_test = Checked(written.at, version, passed, told, written.seq)
        else:
            event = _event(written, str(written.body.get("text") or written.body.get("reason") or ""))
            (self.refusals if written.kind == "refusal" else self.notes[written.kind]).append(event)

    def told(self) -> Evidence:
        """Return what was counted."""
        return Evidence(
            runs=self.runs,
            first_run=self.span[0],
            last_run=self.span[1],
            actors=dict(self.actors),
            versions={version: count for version, count in self.versions.items() if version},
            purposes={purpose: count for purpose, count in self.purposes.items() if purpose},
            refusals=tuple(self.refusals),
            overrides=tuple(self.notes["override"]),
            complaints=tuple(self.notes["complaint"]),
            last_test=self.last_test,
        )


def _event(written: JournalEntry, text: str) -> Event:
    return Event(written.at, written.actor, text, written.seq)


def _touched(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Entries that a journal entry is about, with the version it names."""
    if isinstance(body.get("entry"), str):
        yield body["entry"], str(body.get("version", ""))
    named = [body.get("models")] + ([body.get("rules")] if kind in RUNS else [])
    for versions in named:
        for name, version in versions.items() if isinstance(versions, Mapping) else ():
            yield entry_id(name), str(version)


def _judged(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each block by a gate is a refusal by the rule; each question asked back is one by the reader of questions."""
    for result in body.get("results") or ():
        if not isinstance(result, Mapping):
            continue
        for name, outcome in dict(result.get("gates") or {}).items():
            if outcome == "block":
                yield GATE, f"{name}: blocked"
        if result.get("status") == "clarify":
            yield READER, str(result.get("question", ""))
