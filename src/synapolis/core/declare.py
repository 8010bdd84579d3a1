"""What a quantity, an assumption, a model, a parser or a rule says of itself.

A model's signature is its declaration: argument names are words of the vocabulary, the return annotation names what
it makes. The declaration is at once the plan's wiring, the glossary and the entry in the public algorithm register,
so an incomplete one is refused when it is declared.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from synapolis.core.code import Lock, code_digest, holds, read_lock
from synapolis.core.errors import DeclarationError, RegisterError
from synapolis.core.noting import note

P = ParamSpec("P")
R = TypeVar("R")

PLACES = (
    "cell",
    "link",
    "junction",
    "stop",
    "zone",
    "building",
    "parcel",
    "origin-destination",
    "time",
    "city",
    "layer",
)
"""Where a quantity lives. `layer` is a whole table, raster or network of the city."""

Kind = Literal["model", "edit", "indicator", "parser", "rule"]
"""What a registered thing is: it makes a quantity, changes a layer, is an indicator, decodes bytes, or judges."""
TOLD = (
    "name", "version", "does", "decision", "method", "source", "limits", "risks", "owner", "oversight", "tests",
)  # fmt: skip
"""What a complete entry says in words, beside its data."""


@dataclass(eq=False)
class Quantity:
    """One word of the vocabulary: what it is, where it lives and in which unit. Its name is that of its alias."""

    place: str
    unit: str
    meaning: str
    axes: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse a place nobody knows."""
        if self.place not in PLACES:
            raise DeclarationError(f"a quantity's place must be one of {', '.join(PLACES)}; got {self.place!r}")


def on(place: str, unit: str, meaning: str, *, axes: tuple[str, ...] = ()) -> Quantity:
    """Declare a quantity on a place, in a unit, in one sentence; used inside `Annotated`."""
    return Quantity(place, unit, meaning, axes)


@dataclass(frozen=True)
class Assumption:
    """A named value that models take as an argument and ensembles vary.

    `read` tells whether anyone on the project read the figure in its source: what nobody read is *assumed*, not cited.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    distribution: str
    source: str
    read: bool
    meaning: str

    @property
    def standing(self) -> Literal["cited", "assumed"]:
        """`cited` when the source was read, else `assumed`."""
        return "cited" if self.read else "assumed"

    def at(self, quantile: float) -> float:
        """Return the value at a quantile in [0, 1] of the assumption's distribution."""
        if self.distribution == "fixed" or self.low == self.high:
            return self.value
        if self.distribution == "uniform":
            return self.low + quantile * (self.high - self.low)
        mode = (self.value - self.low) / (self.high - self.low)  # triangular
        if quantile < mode:
            return self.low + (self.high - self.low) * math.sqrt(quantile * mode)
        return self.high - (self.high - self.low) * math.sqrt((1 - quantile) * (1 - mode))


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


@dataclass(frozen=True)
class FixedPoint:
    """A coupled field: `word` feeds back into its own making until it no longer changes.

    `start` is the word it begins with; it stops when the largest change relative to the mean is below `tolerance`.
    `carries` are the other words made inside the loop: they are taken from its last round.
    """

    word: str
    start: str
    tolerance: float
    max_iterations: int
    carries: tuple[str, ...] = ()


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
            When it is not registered, its entry is incomplete, or its code changed under a version that is locked.
        """
        name = algorithm.name
        registered = self.models.get(name) or self.others.get(name)
        if registered is algorithm and self._admitted.get(name) is algorithm:
            return
        wrong = ""
        if registered != algorithm:
            wrong = f"{algorithm.kind} {name!r} is not in the register, so it may not run; declare it first"
        elif algorithm.lacks:
            lacks = ", ".join(algorithm.lacks)
            wrong = f"{algorithm.kind} {name!r} declares no {lacks}, so it may not run; complete its declaration"
        elif not holds(self.lock, name, algorithm.version, algorithm.code_digest):
            wrong = (
                f"the code of {algorithm.kind} {name!r} changed, but its version is still {algorithm.version}, which "
                "models.lock ties to other code; it may not run until it gets a new version"
            )
        if wrong:
            raise RegisterError(wrong, (name, algorithm.version))
        self._admitted[name] = algorithm

    def add_assumption(self, assumption: Assumption) -> None:
        """Register an assumption; its name must not be a quantity's."""
        if assumption.name in self.quantities:
            raise DeclarationError(f"{assumption.name!r} is a quantity; an assumption needs a name of its own")
        self.assumptions[assumption.name] = assumption


REGISTRY = Registry()

OVERSIGHT = "An analyst reads the answer and its pedigree before it is used; the model decides nothing by itself."
OWNER = "Synapolis maintainers; the city that runs it answers for its use"


def model(
    *,
    version: str,
    decision: str,
    method: str,
    limits: str,
    risks: str,
    tests: str,
    optional: tuple[str, ...] = (),
    origin: str = "derived",
    rank: int = 0,
    name: str = "",
    columns: tuple[str, ...] = (),
    update: Callable[..., Any] | None = None,
    inputs: tuple[str, ...] = (),
    owner: str = OWNER,
    oversight: str = OVERSIGHT,
    kind: Kind = "model",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a pure function as a model and enter it in the register.

    Parameters
    ----------
    version : a new one for each change of behaviour
    decision : for which decision the model is meant
    method, limits, risks : one plain sentence each
    tests : the test module that checks it against a reference
    optional : arguments that are None where the city has no such layer
    origin : `derived`; `assumed` where the result rests on assumption alone; `observed` where it hands on counts
    rank : among several models of one quantity, the lowest whose inputs can be had is picked
    columns : `layer.column` that must hold a value somewhere, or the model is passed over
    update : `update(baseline outputs, baseline inputs, inputs)` for small edits, equal to the full run within the
        model's stated tolerance
    inputs : the words it takes, where one function serves several declarations; else the signature says
    kind : `indicator` where the quantity is a published indicator; an edit is known by what it takes

    Raises
    ------
    DeclarationError
        When a field is empty, an argument or output is not in the vocabulary, or the docstring has no References.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        label = name or function.__name__
        words = inputs or tuple(inspect.signature(function).parameters)
        _check_inputs(label, words)
        edits = any(word.startswith("edit_") and word != "edit_log" for word in words)
        REGISTRY.add(
            Declaration(
                name=label,
                version=version,
                kind="edit" if edits else kind,
                field=_field(function.__module__),
                function=function,
                does=_summary(label, function),
                decision=decision,
                data=words,
                method=method,
                source=_references(label, function),
                limits=limits,
                risks=risks,
                owner=owner,
                oversight=oversight,
                tests=tests,
                optional=optional,
                outputs=_outputs(label, function),
                origin=origin,
                rank=rank,
                columns=columns,
                update=update,
            )
        )
        return function

    return declare


def registered(
    *,
    kind: Literal["parser", "rule"],
    version: str,
    decision: str,
    data: tuple[str, ...],
    method: str,
    limits: str,
    risks: str,
    tests: str,
    name: str = "",
    source: str = "",
    owner: str = OWNER,
    oversight: str = OVERSIGHT,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enter a parser or a rule in the register: it runs only as it is registered.

    Parameters
    ----------
    kind : a parser decodes foreign bytes or words, a rule judges, chooses or estimates
    version : a new one for each change of behaviour
    decision : for which decision it is meant
    data : what it reads or judges on, in words
    method, limits, risks : one plain sentence each
    tests : the test module that checks it
    name : where the function's own name says too little
    source : the standard or publication it follows; else the References of its docstring

    Raises
    ------
    DeclarationError
        When a field is empty, or the docstring is missing or cites nothing while no source is given.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        label = name or function.__name__
        algorithm = Algorithm(
            name=label,
            version=version,
            kind=kind,
            field=_field(function.__module__),
            function=function,
            does=_summary(label, function),
            decision=decision,
            data=data,
            method=method,
            source=source or _references(label, function),
            limits=limits,
            risks=risks,
            owner=owner,
            oversight=oversight,
            tests=tests,
        )
        REGISTRY.add(algorithm)

        @functools.wraps(function)
        def admitted(*args: P.args, **kwargs: P.kwargs) -> R:
            REGISTRY.admit(algorithm)
            note(label, version)
            return function(*args, **kwargs)

        return admitted

    return declare


def load_declared(*packages: str) -> None:
    """Import every module of packages, so that all they declare is known."""
    for package in packages:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.ispkg:
                import_module(module.name)


def _field(module: str) -> str:
    """Field of a model: its folder in models/; else its room, or the package it comes from."""
    package, _, rest = module.partition(".")
    room, _, inside = rest.partition(".")
    if package != __name__.partition(".")[0]:
        return module.rpartition(".")[0].rpartition(".")[2] or module
    return inside.partition(".")[0] if room == "models" else room


def declare_fixed_point(
    word: str, *, start: str, tolerance: float, max_iterations: int, carries: tuple[str, ...] = ()
) -> None:
    """Declare that a quantity feeds back into its own making."""
    point = FixedPoint(word, start, tolerance, max_iterations, carries)
    REGISTRY.fixed_points |= dict.fromkeys((word, *carries), point)


def declare_vocabulary(namespace: Mapping[str, Any]) -> None:
    """Name and register every quantity alias of a vocabulary module: `RunoffDepth` becomes `runoff_depth`."""
    for alias, annotation in namespace.items():
        quantity = _quantity(annotation)
        if quantity is not None:
            quantity.name = snake_case(alias)
            REGISTRY.quantities[quantity.name] = quantity


def snake_case(alias: str) -> str:
    """Turn an alias into its word: `JobsWithin30Min` to `jobs_within_30_min`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", alias).lower()


def _quantity(annotation: Any) -> Quantity | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Quantity)), None)


def _check_inputs(label: str, inputs: tuple[str, ...]) -> None:
    known = REGISTRY.quantities.keys() | REGISTRY.assumptions.keys()
    strangers = [name for name in inputs if name not in known]
    if strangers:
        raise DeclarationError(
            f"model {label!r} takes {', '.join(strangers)}, which are neither quantities (layers/vocabulary.py) "
            "nor assumptions (layers/assumptions.csv); add the word there or use one that exists"
        )


def _outputs(label: str, function: Callable[..., Any]) -> tuple[str, ...]:
    returned = get_type_hints(function, include_extras=True).get("return")
    quantity = _quantity(returned)
    if quantity is not None:
        return (quantity.name,)
    fields = get_type_hints(returned, include_extras=True) if hasattr(returned, "_fields") else {}
    words = tuple(name for name, hint in fields.items() if _quantity(hint) is not None)
    if not words or len(words) != len(fields) or any(w not in REGISTRY.quantities for w in words):
        raise DeclarationError(
            f"model {label!r} must return a quantity of the vocabulary, or a NamedTuple whose fields are such; "
            f"got {returned!r}"
        )
    return words


def _summary(label: str, function: Callable[..., Any]) -> str:
    lines = (inspect.getdoc(function) or "").strip().splitlines()
    if not lines:
        raise DeclarationError(f"{label!r} has no docstring; its first line tells the public what it does")
    return lines[0]


def _references(label: str, function: Callable[..., Any]) -> str:
    text = (inspect.getdoc(function) or "").partition("References\n----------\n")[2].strip()
    if not text:
        raise DeclarationError(f"{label!r} cites nothing; add a References section to its docstring")
    return " ".join(text.split())
