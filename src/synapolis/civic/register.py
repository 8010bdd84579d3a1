"""The public algorithm register: the twin's own entries, and those of the city's other systems, in versions kept.

A version is entered once and never changes. Who entered it is in the journal, in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from synapolis.civic.completeness import completeness
from synapolis.civic.entry import AlgorithmEntry
from synapolis.civic.evidence import KINDS, NOTES, Evidence, evidence
from synapolis.civic.twin import PREFIX, Profile, read_profile, twin_entries
from synapolis.core.errors import RegisterError
from synapolis.records.canonical import content_hash
from synapolis.records.entry import JournalEntry
from synapolis.records.journal import Journal
from synapolis.records.store import Store
from synapolis.records.tables import RegisterVersion, fetch, put, register_versions

Standing = Literal["published", "draft"]
KIND = "register"
"""Kind of the journal's entries that tell of versions entered."""


@dataclass(frozen=True)
class Version:
    """One version of an entry as it is kept: published where it lacks nothing that an entry needs, else a draft."""

    entry: AlgorithmEntry
    standing: Standing
    author: str
    at: str
    seq: int


@dataclass(frozen=True)
class Entered:
    """What became of an entry that was handed in."""

    entry: AlgorithmEntry
    standing: Standing
    new: bool
    lacks: tuple[str, ...]


class Register:
    """The register over a store of records.

    Parameters
    ----------
    store : Store
    profile : what the city says of the twin's entries; read from the workspace unless given
    journal : Journal, optional
    """

    def __init__(self, store: Store, *, profile: Profile | None = None, journal: Journal | None = None) -> None:
        self.store = store
        self.journal = journal or Journal(store)
        self.profile = profile if profile is not None else read_profile()

    def entries(self) -> tuple[AlgorithmEntry, ...]:
        """The twin's entries as declared now, then the last version of every other system."""
        with self.store.read() as connection:
            kept = [versions[-1].entry for versions in _by_entry(connection).values()]
        return (*self.twin(), *(entry for entry in kept if not entry.id.startswith(PREFIX)))

    def twin(self) -> tuple[AlgorithmEntry, ...]:
        """The twin's own entries, as declared now."""
        return twin_entries(self.profile)

    def entry(self, id_: str) -> AlgorithmEntry:
        """Find an entry by its id, or by the name of one of the twin's algorithms.

        Raises
        ------
        RegisterError
            When there is none.
        """
        known = {entry.id: entry for entry in self.entries()}
        found = known.get(id_) or known.get(PREFIX + id_)
        if found is None:
            raise RegisterError(f"the register has no entry {id_!r}; `synapolis register search` finds ids")
        return found

    def versions(self, id_: str) -> tuple[Version, ...]:
        """Return the kept versions of an entry, the oldest first."""
        with self.store.read() as connection:
            return tuple(_versions(connection, id_))

    def altered(self) -> tuple[tuple[str, str, str], ...]:
        """Kept versions that are not what the journal says was entered: id, version, and what is wrong.

        The database refuses to change a version; this finds what was done around it.
        """
        entered = {
            (entry.body["entry"], entry.body["version"]): (entry.body["content_hash"], entry.body["status"])
            for entry in self.journal.entries(kind=KIND)
        }
        with self.store.read() as connection:
            kept = {(row.entry_id, row.version): row for row in fetch(connection, RegisterVersion)}
        wrong = [(*key, "was entered, and is no longer there") for key in entered.keys() - kept.keys()]
        for key, row in kept.items():
            if key not in entered:
                wrong.append((*key, "is there, but the journal knows nothing of it"))
            elif (content_hash(row.content), row.status) != entered[key]:
                wrong.append((*key, "is not what the journal says was entered; restore a backup"))
        return tuple(sorted(wrong))

    def require(self, id_: str) -> Version:
        """Return the published version that a system runs under; what has none may not start.

        Raises
        ------
        RegisterError
            When there is no entry, or its last version is a draft.
        """
        versions = self.versions(id_)
        if not versions:
            raise RegisterError(f"{id_!r} has no entry in the register, so it may not start; enter it first")
        if versions[-1].standing != "published":
            lacks = ", ".join(completeness(versions[-1].entry).needed)
            raise RegisterError(f"the entry of {id_!r} is a draft: it lacks {lacks}; complete it before it starts")
        return versions[-1]

    def enter(self, entries: Iterable[AlgorithmEntry], *, actor: str, purpose: str = "") -> tuple[Entered, ...]:
        """Keep new versions of other systems' entries: all of them, or, where one is refused, none.

        An entry that states no version (foreign standards know none) is given the next.

        Raises
        ------
        RegisterError
            An entry of the twin, another owner's entry, a version that stands with other content, or one that is not
            later than the last.
        """
        entered = []
        with self.store.write() as connection:
            for entry in entries:
                if entry.id.startswith(PREFIX) or entry.kind != "system":
                    raise RegisterError(
                        f"{entry.id!r} ({entry.kind}) is the twin's own, made from its declaration; "
                        "enter other systems under an id of their own and the kind 'system'"
                    )
                entered.append(self._keep(connection, entry, actor, purpose))
        return tuple(entered)

    def publish(self, *, actor: str, purpose: str = "") -> tuple[Entered, ...]:
        """Keep the twin's entries as declared now, where they say anything new.

        A text that changed under a standing version (the city's profile, mostly) is kept as `1+2`, its second wording.
        """
        entered = []
        with self.store.write() as connection:
            known = _by_entry(connection)
            for entry in self.twin():
                kept = [version.entry for version in known.get(entry.id, ())]
                same = [old for old in kept if old.version.partition("+")[0] == entry.version]
                if same and same[-1] is kept[-1] and same[-1].model_copy(update={"version": entry.version}) == entry:
                    continue
                numbered = entry.model_copy(update={"version": f"{entry.version}+{len(same) + 1}"}) if same else entry
                entered.append(self._write(connection, numbered, actor, purpose))
        return tuple(entered)

    def note(self, id_: str, kind: str, text: str, *, actor: str) -> JournalEntry:
        """Write a complaint about an entry, or a decision of people against its result, into the journal."""
        if kind not in NOTES or not text.strip():
            raise RegisterError(f"a note is one of {', '.join(NOTES)} with a text; got {kind!r} and {text!r}")
        entry = self.entry(id_)
        return self.journal.append(kind, actor, {"entry": entry.id, "version": entry.version, "text": text})

    def evidence(self) -> dict[str, Evidence]:
        """Return what the journal holds on each entry, by its id."""
        return evidence(entry for entry in self.journal.entries() if entry.kind in KINDS)

    def _keep(self, connection: Connection, entry: AlgorithmEntry, actor: str, purpose: str) -> Entered:
        kept = tuple(_versions(connection, entry.id))
        if kept:
            entry = entry if "version" in entry.model_fields_set else _numbered(entry, kept)
            _must_follow(entry, kept)
            if any(version.entry == entry for version in kept):
                return Entered(entry, _standing(entry), new=False, lacks=completeness(entry).needed)
        return self._write(connection, entry, actor, purpose)

    def _write(self, connection: Connection, entry: AlgorithmEntry, actor: str, purpose: str) -> Entered:
        content, standing = entry.model_dump(mode="json"), _standing(entry)
        mark = content_hash(content)
        body = {"act": "enter", "entry": entry.id, "version": entry.version, "status": standing, "content_hash": mark}
        written = self.journal.append(KIND, actor, body, purpose, within=connection)
        row = RegisterVersion(entry.id, entry.version, standing, content, mark, actor, written.at, written.seq)
        put(connection, row)
        return Entered(entry, standing, new=True, lacks=completeness(entry).needed)


def _standing(entry: AlgorithmEntry) -> Standing:
    return "published" if completeness(entry).complete else "draft"


def _numbered(entry: AlgorithmEntry, kept: tuple[Version, ...]) -> AlgorithmEntry:
    """Give an entry that states no version the next one, or that of the version which says the same already."""
    for version in reversed(kept):
        same = entry.model_copy(update={"version": version.entry.version})
        if same == version.entry:
            return same
    first = re.match(r"\d+", kept[-1].entry.version)
    return entry.model_copy(update={"version": str(int(first[0] if first else 0) + 1)})


def _must_follow(entry: AlgorithmEntry, kept: tuple[Version, ...]) -> None:
    """Refuse what is no later version by the same owner."""
    last = kept[-1].entry
    if last.organisation and entry.organisation.strip().casefold() != last.organisation.strip().casefold():
        raise RegisterError(
            f"entry {entry.id!r} belongs to {last.organisation!r}; {entry.organisation or 'nobody named'!r} may not "
            "enter a version of it; hand it in under an id of its own"
        )
    same = next((version.entry for version in kept if version.entry.version == entry.version), None)
    if same == entry:
        return
    if same is not None:
        raise RegisterError(
            f"version {entry.version} of {entry.id!r} stands and never changes, but other content was handed in for "
            f"it; give the change a version after {last.version}"
        )
    if order(entry.version) <= order(last.version):
        raise RegisterError(
            f"version {entry.version} of {entry.id!r} is not later than its last, {last.version}; number it higher"
        )


def order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Key that sorts versions as people read them: 1.9 before 1.10, and 2 after both."""
    parts = re.findall(r"\d+|[a-z]+", version.casefold())
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def _versions(connection: Connection, id_: str) -> Iterator[Version]:
    table = register_versions.c
    for row in fetch(connection, RegisterVersion, table.entry_id == id_, order_by=(table.journal_seq,)):
        yield _version(row)


def _by_entry(connection: Connection) -> dict[str, list[Version]]:
    """Every version by its entry's id, the oldest first."""
    found: dict[str, list[Version]] = {}
    for row in fetch(connection, RegisterVersion, order_by=(register_versions.c.journal_seq,)):
        found.setdefault(row.entry_id, []).append(_version(row))
    return found


def _version(row: RegisterVersion) -> Version:
    if content_hash(row.content) != row.content_hash:
        raise RegisterError(
            f"version {row.version} of {row.entry_id!r} was changed in the database after it was entered: its content "
            "no longer gives its hash; restore a backup (`synapolis register check` lists all such)"
        )
    standing: Standing = "published" if row.status == "published" else "draft"
    return Version(AlgorithmEntry(**row.content), standing, row.author, row.at, row.journal_seq)
