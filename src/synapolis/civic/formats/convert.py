"""Documents in a standard to entries and back, without loss.

Whatever of a document an entry would not write back as it came is kept in the entry's `extras` under the standard, so
a document that was read is written again byte for byte, field by field.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from synapolis.civic.entry import AlgorithmEntry
from synapolis.civic.formats.codecs import codec
from synapolis.civic.formats.standard import Finding, Standard, check, standard
from synapolis.core.errors import SourceError

ABSENT = "(absent)"
"""In `extras`: the fields that the document did not have and an entry would write."""

SAYS_STANDARD = ("_standard", "standard_version", "schema")
"""Fields in which a document says its standard, the surest first."""
MARKS = {"Algoritmeregister 0.2": "nl-0.2", "0.3.1": "nl-0.3.1"}


@dataclass(frozen=True)
class Exported:
    """An entry in a standard: the document, and what could not be filled or had to be shortened."""

    standard: str
    document: dict[str, Any]
    unfilled: tuple[str, ...]
    shortened: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether the document keeps to the standard."""
        return not self.findings


def standard_of(document: Mapping[str, Any]) -> str:
    """Id of the standard that a document is written in, by what it says of itself, else by its fields.

    Raises
    ------
    SourceError
        When no standard fits.
    """
    said = next((str(document[name]) for name in SAYS_STANDARD if document.get(name)), "")
    if "risk_category" in document or "algorithm_type" in document:
        return "eurocities-0.3.1"
    if said in MARKS or f"nl-{said}" in _dutch():
        return MARKS.get(said, f"nl-{said}")
    if "organisation" in document and {"phase", "scope", "human_decisions"} & document.keys():
        return "uk-atrs-pilot"
    if any(name.startswith("A4_") for name in document):
        return "eu-ai-act-viii"
    if {"name", "organization"} <= document.keys():
        return "nl-1.0" if "publication_category" in document else "nl-0.2"
    raise SourceError(
        f"no known standard has the fields {', '.join(list(document)[:6]) or '(none)'}; "
        "say which one it is in `standard_version`, or give the entry in our own fields with `id` and `name`"
    )


def _dutch() -> set[str]:
    return {"nl-0.1", "nl-0.2", "nl-0.2.3", "nl-0.3.1", "nl-0.4", "nl-1.0"}


def read_document(document: Mapping[str, Any], id_: str = "") -> AlgorithmEntry:
    """Read a document of a standard into an entry; nothing of it is lost.

    Raises
    ------
    SourceError
        When it has no name, or is in no known standard.
    """
    kind = standard(id_ or standard_of(document))
    pieces = _pieces(document, kind)
    name = str(pieces.get("name") or "").strip()
    if not name:
        raise SourceError(f"an entry of {kind.title} needs a name; its fields are {', '.join(list(document)[:8])}")
    pieces |= {"name": name, "id": _id(document, pieces)}
    pieces.setdefault("language", "nl" if kind.id in _dutch() else "en")
    entry = _valid(pieces)
    again = _write(entry, kind)
    kept = {key: value for key, value in document.items() if key not in again or again[key] != value}
    absent = [key for key in again if key not in document]
    extras = kept | ({ABSENT: absent} if absent else {})
    return entry.model_copy(update={"extras": {kind.id: extras}})


def _pieces(document: Mapping[str, Any], kind: Standard) -> dict[str, Any]:
    """Gather what each field brings: lists grow, columns that run side by side become items."""
    pieces: dict[str, Any] = {}
    columns: dict[str, dict[str, list[str]]] = {}
    for rule in kind.fields:
        value, way = document.get(rule.name), codec(rule.maps)
        if way is None or value in (None, "", []):
            continue
        for field, piece in way.read(value).items():
            if "." in field:
                list_, attribute = field.split(".")
                columns.setdefault(list_, {})[attribute] = piece
            elif isinstance(piece, list):
                pieces[field] = [*pieces.get(field, []), *piece]
            else:
                pieces.setdefault(field, piece)
    for list_, column in columns.items():
        length = max(len(values) for values in column.values())
        pieces[list_] = [
            {name: values[place] for name, values in column.items() if place < len(values)} for place in range(length)
        ]
    return pieces


def _id(document: Mapping[str, Any], pieces: Mapping[str, Any]) -> str:
    """Return the document's own reference, else one made of organisation and name: never a row number."""
    own = next(
        (document[key] for key in ("uuid", "lars", "source_id", "id", "A4_reference") if document.get(key)), None
    )
    if own is not None and re.fullmatch(r"\S{1,200}", str(own)):
        return str(own)
    said = f"{pieces.get('organisation', '')}/{pieces['name']}".lower()
    words = "-".join(re.findall(r"[a-z0-9]+", said))[:80]
    return f"{words}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _valid(pieces: dict[str, Any]) -> AlgorithmEntry:
    """Make an entry; a value that does not fit its field is left to `extras`."""
    try:
        return AlgorithmEntry(**pieces)
    except ValidationError as error:
        odd = {str(problem["loc"][0]) for problem in error.errors()}
        if odd & {"id", "name"}:
            raise SourceError(f"an entry needs an id and a name; got {pieces.get('name')!r}: {error}") from error
        return AlgorithmEntry(**{key: value for key, value in pieces.items() if key not in odd})


def _write(entry: AlgorithmEntry, kind: Standard) -> dict[str, Any]:
    """Write what the entry's own fields say in the standard's."""
    found = {}
    for rule in kind.fields:
        way = codec(rule.maps)
        value = way.write(entry) if way is not None else None
        if rule.constant:
            value = rule.constant
        if value is not None:
            found[rule.name] = [value] if rule.type == "list" and not isinstance(value, list) else value
    return found


def export(entry: AlgorithmEntry, id_: str) -> Exported:
    """Write an entry in a standard.

    A document that was read in this standard comes out as it went in. From anywhere else, text that is too long for
    the standard is shortened at a word and named in `shortened`; each field of the standard that stays empty is named
    in `unfilled`.
    """
    kind = standard(id_)
    kept = entry.extras.get(kind.id)
    document = _write(entry, kind)
    shortened: list[str] = []
    if kept is None:
        document = {name: _fitting(name, value, kind, shortened) for name, value in document.items()}
    else:
        document = {name: value for name, value in document.items() if name not in kept.get(ABSENT, ())}
        document |= {name: value for name, value in kept.items() if name != ABSENT}
    unfilled = tuple(rule.name for rule in kind.fields if document.get(rule.name) in (None, "", []))
    return Exported(kind.id, document, unfilled, tuple(shortened), check(document, kind.id))


def _fitting(name: str, value: Any, kind: Standard, shortened: list[str]) -> Any:
    limit = kind[name].max_length
    if not isinstance(value, str) or limit is None or len(value) <= limit:
        return value
    shortened.append(f"{name}: {len(value):,} characters shortened to {limit:,}")
    return value[: limit - 1].rsplit(None, 1)[0].rstrip(",;:") + "…"


class _Words(yaml.SafeLoader):
    """YAML in which only yes/no and nothing are more than text: 1.10 is a version, 2027-01-01 a date as it stands."""


_Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in {"bool", "null", "merge"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_entries(path: Path) -> list[AlgorithmEntry]:
    """Read every entry of a JSON or YAML file: one document or a list of them, in any known standard or in our fields.

    Raises
    ------
    SourceError
        When the file cannot be read, naming the document and what is wrong with it. All entries are read or none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Words)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        says = " ".join(str(error).split()) or "it is nested too deeply"
        raise SourceError(f"{path.name} is no JSON or YAML: {says}") from error
    documents = data if isinstance(data, list) else [data]
    return [_entry_of(document, f"{path.name}, entry {place}") for place, document in enumerate(documents, start=1)]


def _entry_of(document: Any, where: str) -> AlgorithmEntry:
    if not isinstance(document, dict):
        raise SourceError(f"{where}: an entry is a mapping of fields to values, got {type(document).__name__}")
    known = AlgorithmEntry.model_fields.keys()
    strange = [str(name) for name in document if name not in known]
    try:
        ours = {"id", "name"} <= document.keys() and document.keys().isdisjoint(SAYS_STANDARD)
        if ours and len(strange) < len(document) / 2:
            _refuse_strange(strange)
            return AlgorithmEntry(**{name: value for name, value in document.items() if value is not None})
        return read_document(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise SourceError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from error


def _refuse_strange(names: list[str]) -> None:
    """Refuse fields that an entry in our own fields does not have."""
    if names:
        near = difflib.get_close_matches(names[0], AlgorithmEntry.model_fields, n=1)
        meant = f"; is {near[0]!r} meant?" if near else "; what goes beyond our fields belongs under `extras`"
        raise SourceError(f"an entry has no field {', '.join(map(repr, names))}{meant}")
