"""How complete an entry is: filled fields over those that apply to it, and what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from synapolis.civic.entry import AlgorithmEntry, fields_of, filled


def _personal(entry: AlgorithmEntry) -> bool:
    """Whether personal data are used, as far as is known: of the twin's own, only where it says so."""
    said = [dataset.personal_data for dataset in entry.datasets]
    return True in said or (entry.kind == "system" and not (said and all(one is False for one in said)))


def _learns(entry: AlgorithmEntry) -> bool:
    return entry.type in {"self-learning", "hybrid", "generative"}


def _system(entry: AlgorithmEntry) -> bool:
    return entry.kind == "system"


APPLIES: Mapping[str, Callable[[AlgorithmEntry], bool]] = MappingProxyType({
    "begin": _system,
    "end": lambda entry: entry.status == "out of use",
    "area": _system,
    "department": _system,
    "decision_process": _system,
    "auditors": _system,
    "website": _system,
    "registration_url": _system,
    "published": _system,
    "proportionality": _personal,
    "affected_persons_and_rights": _personal,
    "lawful_basis": _personal,
    "impact_assessments": _personal,
    "processing_register_url": _personal,
    "consent_purposes": lambda entry: any(dataset.personal_data for dataset in entry.datasets),
    "data_bias": lambda entry: _learns(entry) or _personal(entry),
    "performance": _learns,
    "source_code_url": _system,
    "bindings": lambda entry: not _system(entry),
})  # fmt: skip
"""Fields that do not apply to every entry, and when they do; all others always apply."""


@dataclass(frozen=True)
class Completeness:
    """Fields that say something, fields that apply, and those that say nothing yet."""

    filled: int
    applicable: int
    missing: tuple[str, ...]
    needed: tuple[str, ...]

    @property
    def share(self) -> float:
        """Filled over applicable."""
        return self.filled / self.applicable

    @property
    def complete(self) -> bool:
        """Whether nothing that an entry needs is missing: only then it may be published."""
        return not self.needed


def applicable(entry: AlgorithmEntry) -> tuple[str, ...]:
    """Names of the fields that apply to an entry."""
    return tuple(name for name in fields_of() if name not in APPLIES or APPLIES[name](entry))


def completeness(entry: AlgorithmEntry) -> Completeness:
    """Count what an entry says of what applies to it."""
    apply = applicable(entry)
    missing = tuple(name for name in apply if not filled(entry, name))
    needed = frozenset(fields_of(needed=True))
    return Completeness(
        len(apply) - len(missing), len(apply), missing, tuple(name for name in missing if name in needed)
    )


def overall(entries: Iterable[AlgorithmEntry]) -> float:
    """Filled over applicable fields of a whole register; NaN of an empty one."""
    counts = [completeness(entry) for entry in entries]
    total = sum(count.applicable for count in counts)
    return sum(count.filled for count in counts) / total if total else float("nan")
