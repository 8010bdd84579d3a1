"""An entry as JSON, as CSV, and as what its page shows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from synapolis.civic.completeness import applicable, completeness, overall
from synapolis.civic.difference import difference, told
from synapolis.civic.entry import GROUPS, AlgorithmEntry, fields_of, filled
from synapolis.civic.evidence import NONE, Evidence
from synapolis.civic.register import Register, Version
from synapolis.civic.search import FACETS, search
from synapolis.report.entry import EntrySheet, EvidenceLine, FieldRow, RegisterRow, RegisterSheet, VersionNote

HEADINGS = {
    "identity": "What it is",
    "accountability": "Who answers for it",
    "purpose": "What it is for",
    "law": "Law",
    "data": "Data",
    "technique": "How it works",
    "oversight": "People's control",
    "metadata": "About this entry",
    "machine": "The running code",
}
SHOWN_APART = {"id", "version", "kind", "name", "summary", "status", "publication_category"}
NEWEST = 10


def entry_json(entry: AlgorithmEntry, found: Evidence = NONE) -> str:
    """Spell an entry with its completeness and live evidence as JSON."""
    count = completeness(entry)
    content = entry.model_dump(mode="json") | {
        "completeness": {
            "filled": count.filled, "applicable": count.applicable, "share": round(count.share, 4),
            "missing": list(count.missing),
        },
        "live_evidence": evidence_json(found),
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False)


def evidence_json(found: Evidence) -> dict[str, Any]:
    """Say in what JSON can say what the journal holds on an entry."""
    events = {name: [vars(event) for event in getattr(found, name)] for name in ("refusals", "overrides", "complaints")}
    plain = {name: getattr(found, name) for name in ("runs", "first_run", "last_run")}
    counts = {name: dict(getattr(found, name)) for name in ("actors", "versions", "purposes")}
    test = vars(found.last_test) if found.last_test is not None else None
    return {**plain, **counts, **events, "last_test": test}


def entry_csv(entry: AlgorithmEntry) -> str:
    """Write an entry as a table of group, field and value."""
    rows = [(group, name, told(getattr(entry, name))) for group in GROUPS for name in fields_of(group)]
    return _table(("group", "field", "value"), rows)


def register_csv(entries: Iterable[AlgorithmEntry]) -> str:
    """Write entries as a table, a row an entry and a column a field, and its completeness."""
    names = fields_of()
    rows = [(*(told(getattr(entry, name)) for name in names), f"{completeness(entry).share:.4f}") for entry in entries]
    return _table((*names, "completeness"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def entry_sheet(register: Register, entry: AlgorithmEntry) -> EntrySheet:
    """Gather what the page of an entry shows."""
    count, found = completeness(entry), register.evidence().get(entry.id, NONE)
    apply = set(applicable(entry))
    groups = []
    for group in GROUPS:
        shown = [name for name in fields_of(group) if name in apply or filled(entry, name)]
        rows = [_row(entry, name) for name in shown if name not in SHOWN_APART]
        if rows:
            groups.append((HEADINGS[group], tuple(rows)))
    return EntrySheet(
        title=entry.name,
        id=entry.id,
        version=entry.version,
        language=entry.language or "en",
        chips=(entry.kind, entry.status or "status not said", _category(entry)),
        lead=entry.summary or "The entry does not say what it does.",
        filled=count.filled,
        applicable=count.applicable,
        needed=tuple(name.replace("_", " ") for name in count.needed),
        groups=tuple(groups),
        evidence=evidence_lines(found),
        versions=_history(register.versions(entry.id)),
    )


def _category(entry: AlgorithmEntry) -> str:
    return {None: "category not said", "other": "other algorithm"}.get(
        entry.publication_category, entry.publication_category or ""
    )


def _row(entry: AlgorithmEntry, name: str) -> FieldRow:
    field = AlgorithmEntry.model_fields[name]
    value = getattr(entry, name)
    lines = tuple(told(item) for item in value) if isinstance(value, tuple) else tuple(told(value).split("\n"))
    return FieldRow(_label(name), field.description or "", lines if filled(entry, name) else ())


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize().replace(" url", ", address")


def evidence_lines(found: Evidence) -> tuple[EvidenceLine, ...]:
    """Say the evidence in lines: a heading, a figure or sentence, and the newest events behind it."""
    actors = ", ".join(f"{name} ({count})" for name, count in sorted(found.actors.items(), key=lambda one: -one[1]))
    test = found.last_test
    tested = f"{'passed' if test.passed else 'FAILED'}, version {test.version}, {_day(test.at)}" if test else "none yet"
    lines = [
        EvidenceLine("Runs", f"{found.runs:,}" + (f", the last on {_day(found.last_run)}" if found.runs else "")),
        EvidenceLine("By whom", actors or "nobody yet"),
        EvidenceLine("Last test", tested, (test.text,) if test and test.text else ()),
    ]
    for name in ("refusals", "overrides", "complaints"):
        events = getattr(found, name)
        newest = tuple(f"{_day(event.at)}, {event.actor}: {event.text}" for event in reversed(events[-NEWEST:]))
        lines.append(EvidenceLine(name.capitalize(), f"{len(events):,}", newest))
    return tuple(lines)


def _day(at: str) -> str:
    return at[:16].replace("T", " ")


def _history(versions: Sequence[Version]) -> tuple[VersionNote, ...]:
    """Kept versions, the newest first, each with what it changed."""
    notes = []
    for place, version in enumerate(versions):
        before = versions[place - 1].entry if place else None
        changes = difference(before, version.entry) if before is not None else ()
        changed = tuple(
            (change.field.replace("_", " "), change.pieces) for change in changes if change.field != "version"
        )
        notes.append(VersionNote(version.entry.version, _day(version.at), version.author, version.standing, changed))
    return tuple(reversed(notes))


def register_sheet(entries: Sequence[AlgorithmEntry], found: dict[str, Evidence], *, title: str) -> RegisterSheet:
    """Gather what the page of the whole register shows."""
    rows = []
    for entry in entries:
        known, count = found.get(entry.id, NONE), completeness(entry)
        rows.append(
            RegisterRow(
                id=entry.id,
                name=entry.name,
                kind=entry.kind,
                themes=entry.themes,
                summary=entry.summary,
                owner=entry.organisation,
                status=entry.status or "not said",
                category=entry.publication_category or "not said",
                version=entry.version,
                share=count.share,
                runs=known.runs,
                complaints=len(known.complaints),
                last_run=_day(known.last_run),
            )
        )
    facets = search(entries).facets
    shown = tuple((name, tuple(facets[name].items())) for name in FACETS)
    return RegisterSheet(title, tuple(rows), shown, overall(entries))
