"""The registry: every algorithm of this process with its public entry, and what it takes to be allowed to run."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from synapolis.core.code import Lock, code_digest, holds, read_lock
from synapolis.core.errors import DeclarationError, RegisterError
from synapolis.core.words import Assumption, FixedPoint, Quantity

Kind = Literal["model", "edit", "indicator", "parser", "rule"]
"""What a registered thing is: it makes a quantity, changes a layer, is an indicator, decodes bytes, or judges."""
TOLD = (
    "name", "version", "does", "decision", "method", "source", "limits", "risks", "owner", "oversight", "tests",
)  # fmt: skip
"""What a complete entry says in words, beside its data."""


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """What the public is told of a model, indicator, parser or rule: its entry in the algorithm register."""

    name: str
    version: str
    kind: Kind
    field: str
    function: Callable[..., Any] = dataclasses.field(repr=False)
    does: str
    decision: str
    data: tuple[str, ...]
    method: str
    source: str
    limits: str
    risks: str
    owner: str
    oversight: str
    tests: str

    @functools.cached_property
    def code_digest(self) -> str:
        """SHA-256 over the source of its module and the modules of its field that this imports; a rule's, alone.

        A rule is judged by what its module says: the engine around it may change without changing the rule.
        """
        return code_digest(self.function, alone=self.kind == "rule")

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the entry does not say; a complete one lacks nothing."""
        return tuple(name for name in TOLD if not getattr(self, name).strip()) + (() if self.data else ("data",))


@dataclass(frozen=True, kw_only=True)
class Declaration(Algorithm):
    """A model, an edit or an indicator: its data are words of the vocabulary, and it makes such words."""

    optional: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: str
    rank: int
    columns: tuple[str, ...] = ()
    update: Callable[..., Any] | None = dataclasses.field(default=None, repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Words and assumptions it takes."""
        return self.data

    @property
    def is_edit(self) -> bool:
        """Whether it carries out an edit."""
        return self.kind == "edit"


class Registry:
    """Every algorithm and assumption declared in this process, by name, and the lock that they must keep."""

    def __init__(self) -> None:
        self.models: dict[str, Declaration] = {}
        self.others: dict[str, Algorithm] = {}
        self.assumptions: dict[str, Assumption] = {}
        self.quantities: dict[str, Quantity] = {}
        self.fixed_points: dict[str, FixedPoint] = {}
        self._lock: Lock | None = None
        self._admitted: dict[str, Algorithm] = {}

    @property
    def algorithms(self) -> dict[str, Algorithm]:
        """Everything registered: models, edits and indicators, then parsers and rules."""
        return {**self.models, **self.others}

    @property
    def lock(self) -> Lock:
        """The committed versions and code digests; read when first asked for."""
        if self._lock is None:
            self._lock = read_lock()
        return self._lock

    @lock.setter
    def lock(self, lock: Lock) -> None:
        self._lock = lock
        self._admitted.clear()

    def makers(self, word: str) -> list[Declaration]:
        """Models that make a quantity, the preferred first."""
        return sorted((m for m in self.models.values() if word in m.outputs), key=lambda m: (m.rank, m.name))

    def add(self, algorithm: Algorithm) -> None:
        """Register a model, indicator, parser or rule; a name can be declared once.

        Raises
        ------
        DeclarationError
            When the entry is incomplete, or another module has declared the name.
        """
        name = algorithm.name
        if algorithm.lacks:
            raise DeclarationError(
                f"{algorithm.kind} {name!r} declares no {', '.join(algorithm.lacks)}; "
                "what has no complete entry in the register cannot run"
            )
        known = self.models.get(name) or self.others.get(name)
        if known is not None and known.function.__module__ != algorithm.function.__module__:
            raise DeclarationError(
                f"two algorithms are called {name!r}, in {known.function.__module__} and "
                f"{algorithm.function.__module__}; rename one of them"
            )
        if isinstance(algorithm, Declaration):
            self.models[name] = algorithm
        else:
            self.others[name] = algorithm

    def admit(self, algorithm: Algorithm) -> None:
        """Let a registered algorithm run, once its entry and its code were found in order; costs next to nothing then.

        Raises
        ------
        RegisterError
            When it is not registered, its entry is incomplete, its code is not that of the module it names, or its code
            changed under a version that is locked.
        DeclarationError
            When the lock is missing or damaged.
        """
        name = algorithm.name
        registered = self.models.get(name) or self.others.get(name)
        if registered is algorithm and self._admitted.get(name) is algorithm:
            return
        wrong = self._wrong_with(algorithm)
        if wrong:
            raise RegisterError(f"{algorithm.kind} {name!r} {wrong}", (name, algorithm.version))
        self._admitted[name] = algorithm

    def _wrong_with(self, algorithm: Algorithm) -> str:
        """Why an algorithm may not run; nothing where it may."""
        name = algorithm.name
        if (self.models.get(name) or self.others.get(name)) != algorithm:
            return "is not in the register, so it may not run; declare it first"
        if algorithm.lacks:
            return f"declares no {', '.join(algorithm.lacks)}, so it may not run; complete its declaration"
        try:
            digest = algorithm.code_digest
        except DeclarationError as error:
            return f"has code that nobody can check, so it may not run: {error}"
        if holds(self.lock, name, algorithm.version, digest):
            return ""
        return (
            f"may not run: its code changed, but its version is still {algorithm.version}, which models.lock ties to "
            "other code; give it a new version"
        )

    def add_assumption(self, assumption: Assumption) -> None:
        """Register an assumption; its name must not be a quantity's."""
        if assumption.name in self.quantities:
            raise DeclarationError(f"{assumption.name!r} is a quantity; an assumption needs a name of its own")
        self.assumptions[assumption.name] = assumption


REGISTRY = Registry()
