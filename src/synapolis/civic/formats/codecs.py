"""How a field of a standard is read into an entry and written from one: one codec a way of mapping.

The table of a standard names the codec of each field: `text goal_and_impact`, `choice status nl_status`,
`links lawful_basis title url`. Reading yields pieces of an entry; writing yields the standard's value, or None.
"""

from __future__ import annotations

import datetime as dt
import functools
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synapolis.civic.entry import AlgorithmEntry
from synapolis.civic.formats.standard import table

Pieces = dict[str, Any]
"""Fields of an entry; a list value is added to what other fields of the standard bring."""


@dataclass(frozen=True)
class Codec:
    """How one field is read and written."""

    read: Callable[[Any], Pieces]
    write: Callable[[AlgorithmEntry], Any]


@functools.cache
def choices(name: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return theirs to ours, and ours to theirs, of a table of corresponding values."""
    rows = [row for row in table("choices.csv") if row["table"] == name]
    ours: dict[str, str] = {}
    for row in rows:
        ours.setdefault(row["ours"], row["theirs"])
    theirs: dict[str, str] = {}
    for row in rows:
        theirs.setdefault(row["theirs"], row["ours"])
    return theirs, ours


def plain(value: Any) -> str:
    """Text without markup; paragraphs and list items become lines."""
    text = re.sub(r"(?i)</(p|div|li|ul|ol)>|<br\s*/?>", "\n", str(value))
    text = html.unescape(re.sub(r"</?(?:p|div|li|ul|ol|b|i|u|em|strong|span|a)\b[^>]*>", "", text))
    return re.sub(r"[ \t]*\n\s*", "\n", text.replace("\xa0", " ")).strip()


def _text(field: str) -> Codec:
    return Codec(lambda value: {field: plain(value)}, lambda entry: getattr(entry, field) or None)


def _choice(field: str, name: str) -> Codec:
    theirs, ours = choices(name)

    def read(value: Any) -> Pieces:
        return {field: theirs[str(value)]} if str(value) in theirs else {}

    return Codec(read, lambda entry: ours.get(getattr(entry, field) or ""))


def _words(field: str) -> Codec:
    return Codec(
        lambda value: {field: [word.strip() for word in plain(value).split(",") if word.strip()]},
        lambda entry: ", ".join(getattr(entry, field)) or None,
    )


def _themes(field: str, name: str) -> Codec:
    theirs, ours = choices(name)

    def write(entry: AlgorithmEntry) -> Any:
        return [ours[theme] for theme in getattr(entry, field) if theme in ours] or None

    return Codec(lambda value: {field: [theirs.get(str(item), str(item)) for item in value]}, write)


def _theme(field: str, name: str) -> Codec:
    """One theme where the standard holds but one: the first that it knows."""
    many = _themes(field, name)
    return Codec(lambda value: many.read([value]), lambda entry: (many.write(entry) or [None])[0])


def _prose(field: str, attribute: str) -> Codec:
    """Whole list as one text: each item's parts that say something, but for links."""

    def write(entry: AlgorithmEntry) -> Any:
        return "\n".join(filter(None, (_sentence(part) for part in getattr(entry, field)))) or None

    return Codec(lambda value: {field: [{attribute: plain(value)}]}, write)


def _sentence(part: Any) -> str:
    said = [
        str(value) for name, value in part if isinstance(value, str) and value and "url" not in name
    ]  # fmt: skip
    return ": ".join(said)


def _each(field: str, attribute: str) -> Codec:
    """One value, or a list of values, of one attribute of the list's items."""

    def read(value: Any) -> Pieces:
        values = value if isinstance(value, list) else [value]
        return {field: [{attribute: plain(item)} for item in values]}

    def write(entry: AlgorithmEntry) -> Any:
        found = [getattr(part, attribute) for part in getattr(entry, field) if getattr(part, attribute)]
        return ", ".join(found) or None

    return Codec(read, write)


def _column(field: str, attribute: str) -> Codec:
    """A list that runs beside others: the same place in each is the same item."""

    def read(value: Any) -> Pieces:
        values = value if isinstance(value, list) else [value]
        return {f"{field}.{attribute}": [str(item or "") for item in values]}

    def write(entry: AlgorithmEntry) -> Any:
        found = [str(getattr(part, attribute)) for part in getattr(entry, field)]
        return found if any(found) else None

    return Codec(read, write)


def _links(field: str, title: str, url: str) -> Codec:
    """List of {title, link}."""

    def read(value: Any) -> Pieces:
        items = [item for item in value or () if isinstance(item, Mapping)]
        return {field: [{title: plain(i.get("title") or ""), url: str(i.get("link") or "").strip()} for i in items]}

    def write(entry: AlgorithmEntry) -> Any:
        parts = [part for part in getattr(entry, field) if getattr(part, url)]
        return [{"title": getattr(part, title), "link": getattr(part, url)} for part in parts] or None

    return Codec(read, write)


EXCEL_DAYS = (20_000, 80_000)  # 1954 to 2119: a number in this range is a day counted by a spreadsheet
EXCEL_EPOCH = dt.date(1899, 12, 30)


def _date(field: str) -> Codec:
    """Read a date; what a spreadsheet turned into a number of days is read as the day it means."""

    def read(value: Any) -> Pieces:
        text = plain(value)
        if text.isdigit() and EXCEL_DAYS[0] < int(text) < EXCEL_DAYS[1]:
            text = (EXCEL_EPOCH + dt.timedelta(days=int(text))).isoformat()
        return {field: text}

    return Codec(read, lambda entry: getattr(entry, field) or None)


UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _uuid(field: str) -> Codec:
    """Write an id where it is a UUID: the standard takes no other."""

    def write(entry: AlgorithmEntry) -> Any:
        value = getattr(entry, field)
        return value if UUID.fullmatch(value) else None

    return Codec(lambda value: {field: str(value)}, write)


def _provider() -> Codec:
    """Who provides it: a supplier, else the organisation itself."""
    supplied = _each("suppliers", "name")
    return Codec(supplied.read, lambda entry: supplied.write(entry) or entry.organisation or None)


def _provider_contact() -> Codec:
    """Contact of who provides it: known only where the organisation made it itself."""
    return Codec(lambda _: {}, lambda entry: None if entry.suppliers else entry.contact or None)


UNTRAINED = {
    "en": "None: it is made of rules, not trained on data.",
    "nl": "Geen: gemaakt van regels, niet getraind op gegevens.",
}


def _untrained() -> Codec:
    """Data it was trained on: known to be none where rules made it."""
    return Codec(lambda _: {}, lambda entry: UNTRAINED.get(entry.language) if entry.type == "rule-based" else None)


MAKERS: Mapping[str, Callable[..., Codec]] = {
    "text": _text, "choice": _choice, "words": _words, "themes": _themes, "theme": _theme, "prose": _prose,
    "each": _each, "column": _column, "links": _links, "uuid": _uuid, "date": _date,
    "provider": _provider, "provider_contact": _provider_contact, "untrained": _untrained,
}  # fmt: skip


@functools.cache
def codec(maps: tuple[str, ...]) -> Codec | None:
    """Return the codec that a table's cell names; None where the field has no counterpart in an entry."""
    return MAKERS[maps[0]](*maps[1:]) if maps else None
