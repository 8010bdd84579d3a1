"""The standards as tables of facts: each field's type, length, allowed values, and whether it must be there.

`standards.csv` was written from the publication configurations of the Dutch Algoritmeregister (0.1 to 1.0), the
Algorithmic Transparency Standard 0.3.1 of Eurocities, the field list of the UK standard's pilot and Annex VIII of the
EU AI Act; `read` says whether the source of the row was read. From the table comes a JSON Schema (2020-12), which
checks documents.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from synapolis.core.errors import SourceError

TITLES = {
    "nl-0.1": "Dutch Algoritmeregister 0.1",
    "nl-0.2": "Dutch Algoritmeregister 0.2",
    "nl-0.2.3": "Dutch Algoritmeregister 0.2.3",
    "nl-0.3.1": "Dutch Algoritmeregister 0.3.1",
    "nl-0.4": "Dutch Algoritmeregister 0.4",
    "nl-1.0": "Dutch Algoritmeregister 1.0",
    "eurocities-0.3.1": "Algorithmic Transparency Standard 0.3.1 (Eurocities)",
    "uk-atrs-pilot": "UK Algorithmic Transparency Recording Standard (field list of the pilot)",
    "eu-ai-act-viii": "EU AI Act, Annex VIII, sections A and C",
}


@dataclass(frozen=True)
class FieldRule:
    """What a standard asks of one field."""

    name: str
    type: str
    max_length: int | None
    required: bool
    allowed: tuple[str, ...]
    constant: str
    maps: tuple[str, ...]
    read: bool
    within: tuple[FieldRule, ...] = ()


@dataclass(frozen=True)
class Standard:
    """A standard: its fields in their order."""

    id: str
    title: str
    fields: tuple[FieldRule, ...]

    def __getitem__(self, name: str) -> FieldRule:
        """Return the rule of a field."""
        return next(rule for rule in self.fields if rule.name == name)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one field of a document."""

    field: str
    kind: str
    says: str


def table(name: str) -> list[dict[str, str]]:
    """Rows of a table of facts beside this module."""
    text = files("synapolis.civic.formats").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _rule(row: dict[str, str], within: tuple[FieldRule, ...]) -> FieldRule:
    return FieldRule(
        name=row["field"].rpartition(".")[2],
        type=row["type"],
        max_length=int(row["max_length"]) if row["max_length"] else None,
        required=row["required"] == "yes",
        allowed=tuple(row["allowed"].split("|")) if row["allowed"] else (),
        constant=row["constant"],
        maps=tuple(row["maps"].split()),
        read=row["read"] == "yes",
        within=within,
    )


@functools.cache
def standards() -> dict[str, Standard]:
    """Every standard, by its id."""
    rows = table("standards.csv")
    found = {}
    for id_, title in TITLES.items():
        own = [row for row in rows if row["standard"] == id_]
        inner = [row for row in own if "." in row["field"]]
        fields = [
            _rule(row, tuple(_rule(sub, ()) for sub in inner if sub["field"].startswith(row["field"] + ".")))
            for row in own
            if "." not in row["field"]
        ]
        found[id_] = Standard(id_, title, tuple(fields))
    return found


STANDARDS = tuple(TITLES)
"""Ids of the standards that entries are read from and written to."""


def standard(id_: str) -> Standard:
    """Return a standard by its id.

    Raises
    ------
    SourceError
        Naming the standards there are.
    """
    if id_ not in STANDARDS:
        raise SourceError(f"no standard is called {id_!r}; known are {', '.join(STANDARDS)}")
    return standards()[id_]


FORMATS = {
    "url": r"^https?://\S+$",
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "uuid": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
}


def _schema_of(rule: FieldRule) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    if rule.required and rule.type != "list":
        text["minLength"] = 1
    if rule.max_length is not None:
        text["maxLength"] = rule.max_length
    if rule.type in FORMATS:
        text["pattern"] = FORMATS[rule.type]
    if rule.allowed:
        text["enum"] = list(rule.allowed)
    if rule.type == "boolean":
        return {"type": "boolean"}
    if rule.type == "list":
        return {"type": "array", "items": text, **({"minItems": 1} if rule.required else {})}
    if rule.type == "links":
        return {"type": "array", "items": _object_of(rule.within)}
    return text


def _object_of(rules: tuple[FieldRule, ...]) -> dict[str, Any]:
    schemas = {rule.name: _schema_of(rule) for rule in rules}
    optional = {
        name: {"anyOf": [schema, {"type": "null"}, {"const": ""}]} if "required" not in schema else schema
        for name, schema in schemas.items()
    }
    required = [rule.name for rule in rules if rule.required]
    return {
        "type": "object",
        "properties": {name: schemas[name] if name in required else optional[name] for name in schemas},
        "required": required,
    }


def json_schema(id_: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a document in a standard."""
    kind = standard(id_)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.title, **_object_of(kind.fields)}


SAYS = {
    "required": "must be filled and is missing",
    "minLength": "must be filled and is empty",
    "minItems": "must hold at least one and is empty",
    "maxLength": "is too long",
    "enum": "is not one of the allowed values",
    "pattern": "has not the form it needs",
    "type": "is of another type than it must be",
}


@functools.cache
def _validator(id_: str) -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - it takes a tenth of a second

    return Draft202012Validator(json_schema(id_))


def check(document: dict[str, Any], id_: str) -> tuple[Finding, ...]:
    """Say what in a document does not keep to a standard; nothing when it does."""
    return tuple(
        sorted({_finding(_deepest(error)) for error in _validator(id_).iter_errors(document)}, key=lambda f: f.field)
    )


def _deepest(error: Any) -> Any:
    """Of "this, or nothing", the reason why it is not this."""
    return error.context[0] if error.validator == "anyOf" else error


def _finding(error: Any) -> Finding:
    path = [str(part) for part in error.absolute_path]
    kind = str(error.validator)
    if kind == "required":
        path.append(str(error.message).split("'")[1])  # one error names one missing field
    more = {
        "maxLength": lambda: f": {len(error.instance):,} characters, at most {error.validator_value:,}",
        "enum": lambda: f": {str(error.instance)[:60]!r}; allowed are {', '.join(map(str, error.validator_value))}",
        "pattern": lambda: f": {str(error.instance)[:60]!r}",
        "type": lambda: f": {type(error.instance).__name__}, not {error.validator_value}",
    }.get(kind, str)()
    field = ".".join(path)
    return Finding(field, kind, f"{field} {SAYS.get(kind, kind)}{more}")
