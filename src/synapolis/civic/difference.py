"""What changed between two versions of an entry, field by field, in words that people read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from synapolis.civic.entry import AlgorithmEntry

LEADING = ("name", "title", "metric", "service", "description")
"""Parts of an item that are said without a label, before the others."""
Piece = tuple[Literal["kept", "gone", "new"], str]
AROUND = 6
"""Words shown beside a change in a long text."""


@dataclass(frozen=True)
class FieldChange:
    """A field that changed: what it said, what it says, and the words that went and came."""

    field: str
    before: str
    after: str
    pieces: tuple[Piece, ...]

    def said(self) -> str:
        """One line: `[-gone-]` and `{+new+}` among the words kept, long stretches left out."""
        marks = {"gone": "[-{}-]", "new": "{{+{}+}}", "kept": "{}"}
        shown = [marks[act].format(_short(text) if act == "kept" else text) for act, text in self.pieces]
        return f"{self.field.replace('_', ' ')}: {' '.join(shown)}"


def difference(before: AlgorithmEntry, after: AlgorithmEntry) -> tuple[FieldChange, ...]:
    """Fields of an entry that differ between two versions, in the order of the register.

    Of what foreign standards say beyond our fields, each field counts by itself: `nl-1.0: tags`.
    """
    old, new = _texts(before), _texts(after)
    names = [*old, *(name for name in new if name not in old)]
    pairs = ((name, old.get(name, ""), new.get(name, "")) for name in names)
    return tuple(FieldChange(name, was, now, tuple(_pieces(was, now))) for name, was, now in pairs if was != now)


def _texts(entry: AlgorithmEntry) -> dict[str, str]:
    own = {name: told(getattr(entry, name)) for name in AlgorithmEntry.model_fields if name != "extras"}
    beyond = {f"{kind}: {name}": told(value) for kind, fields in entry.extras.items() for name, value in fields.items()}
    return own | beyond


def told(value: Any) -> str:
    """Spell a field's value in words: items on lines of their own, parts of an item joined."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, BaseModel):
        said = {name: told(getattr(value, name)) for name in type(value).model_fields}
        first = ": ".join(said[name] for name in LEADING if said.get(name))
        rest = [f"{name.replace('_', ' ')}: {text}" for name, text in said.items() if text and name not in LEADING]
        return "; ".join(filter(None, (first, *rest)))
    if isinstance(value, dict):
        return "\n".join(f"{key}: {told(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(told(item) for item in value)
    return str(value)


def _pieces(before: str, after: str) -> Iterator[Piece]:
    """Words kept, gone and new, in reading order."""
    old, new = (re.findall(r"\S+", text) for text in (before, after))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for act, i, j, k, m in matcher.get_opcodes():
        if act == "equal":
            yield "kept", " ".join(old[i:j])
            continue
        if j > i:
            yield "gone", " ".join(old[i:j])
        if m > k:
            yield "new", " ".join(new[k:m])


def _short(text: str) -> str:
    words = text.split()
    return text if len(words) <= 2 * AROUND + 1 else f"{' '.join(words[:AROUND])} … {' '.join(words[-AROUND:])}"
