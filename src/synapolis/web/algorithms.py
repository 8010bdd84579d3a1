"""The register as a server tells it: the twin's entries as a worker declared them, without a model in this process.

Evidence is folded from the journal again whenever the journal has grown, at most once in `FRESH` seconds. What people
typed (questions, complaints) and who ran what is for those who work with the register; everybody sees how often, when
and for what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from synapolis.civic.entry import AlgorithmEntry
from synapolis.civic.evidence import Evidence
from synapolis.civic.register import Register
from synapolis.civic.twin import Profile, entry_id, read_profile
from synapolis.records.journal import Journal
from synapolis.records.store import Store
from synapolis.web.state import Desk

FRESH = 2.0
"""[s] that evidence is told again without looking at the journal."""
TYPED = entry_id("parse_question")
"""Its refusals are questions that people typed."""


class ServedRegister(Register):
    """A register whose twin entries were declared in a worker.

    Parameters
    ----------
    declared : the twin's entries as the task "algorithms" gives them: without what the city says of all at once
    """

    def __init__(self, store: Store, journal: Journal, declared: Sequence[Mapping[str, Any]], profile: Profile) -> None:
        super().__init__(store, profile=profile, journal=journal)
        self._twin = tuple(_said(AlgorithmEntry.model_validate(each), self.profile) for each in declared)

    def twin(self) -> tuple[AlgorithmEntry, ...]:
        """The twin's own entries."""
        return self._twin


def _said(entry: AlgorithmEntry, profile: Profile) -> AlgorithmEntry:
    """An entry with what the city says of all of them."""
    return entry.model_copy(update={name: said for name, said in profile if said})


class Served:
    """The register of a server, made again when the twin's entries or the city's profile change."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: tuple[Sequence[Mapping[str, Any]], Profile, ServedRegister] | None = None

    def with_twin(self, declared: Sequence[Mapping[str, Any]]) -> ServedRegister:
        """The register with these entries of the twin, as the task "algorithms" gives them."""
        profile, made = read_profile(), self._made
        if made is None or made[0] is not declared or made[1] != profile:
            made = declared, profile, ServedRegister(self._desk.store, self._desk.journal, declared, profile)
            self._made = made
        return made[2]


class Evidences:
    """Live evidence by entry, held between two changes of the journal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until, self._seq = 0.0, -1
        self._found: dict[str, Evidence] = {}

    def renew(self) -> None:
        """Look at the journal again when evidence is next asked for."""
        self._until = 0.0

    def of(self, register: Register) -> dict[str, Evidence]:
        """Evidence on every entry that has any, as of at most `FRESH` seconds ago."""
        with self._lock:
            if time.monotonic() >= self._until:
                seq = register.journal.head().seq
                if seq != self._seq:
                    self._found, self._seq = register.evidence(), seq
                self._until = time.monotonic() + FRESH
            return self._found


def public(entry: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """What everybody may see of the evidence on an entry: no names, and no texts that people typed."""
    hidden = {"complaints"} | ({"refusals"} if entry == TYPED else set())
    shown = {name: value for name, value in said.items() if name != "actors"}
    shown["actors"] = {}
    for name in ("refusals", "overrides", "complaints"):
        shown[name] = [
            {"at": event["at"], "actor": "", "text": "" if name in hidden else event["text"], "seq": event["seq"]}
            for event in said[name]
        ]
    return shown
