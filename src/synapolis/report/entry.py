"""Pages of the algorithm register: one entry, and the whole register, each one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from markupsafe import Markup

from synapolis.report.page import asset, template


@dataclass(frozen=True)
class FieldRow:
    """A field of an entry: its label, what it holds, and what is said there; nothing if it is not filled."""

    label: str
    holds: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class EvidenceLine:
    """A kind of evidence: a figure or sentence, and the newest events behind it."""

    label: str
    said: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionNote:
    """A kept version: when and by whom it was entered, and by field the words that were kept, gone and new."""

    version: str
    at: str
    author: str
    standing: str
    changes: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class EntrySheet:
    """What the page of one entry shows."""

    title: str
    id: str
    version: str
    language: str
    chips: tuple[str, ...]
    lead: str
    filled: int
    applicable: int
    needed: tuple[str, ...]
    groups: tuple[tuple[str, tuple[FieldRow, ...]], ...]
    evidence: tuple[EvidenceLine, ...]
    versions: tuple[VersionNote, ...]


@dataclass(frozen=True)
class RegisterRow:
    """An entry as a line of the register."""

    id: str
    name: str
    kind: str
    themes: tuple[str, ...]
    summary: str
    owner: str
    status: str
    category: str
    version: str
    share: float
    runs: int
    complaints: int
    last_run: str


@dataclass(frozen=True)
class RegisterSheet:
    """What the page of the register shows: its entries, how many there are of each kind, and how complete all are."""

    title: str
    rows: tuple[RegisterRow, ...]
    facets: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    share: float


def render_entry(sheet: EntrySheet) -> str:
    """Render one entry as one HTML page that asks nothing of any server."""
    return template("entry.html.j2").render(sheet=sheet, style=_style())


def render_register(sheet: RegisterSheet) -> str:
    """Render the register as one HTML page with a field to search in; without scripts it shows all."""
    script = asset("register.js")
    return template("register.html.j2").render(
        sheet=sheet,
        style=_style(),
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _style() -> Markup:
    return Markup(asset("report.css") + asset("register.css"))  # noqa: S704 - our own files
