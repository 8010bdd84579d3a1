"""What a quantity, an assumption or a model says of itself.

A model's signature is its declaration: argument names are words of the vocabulary, the return annotation names what
it makes. The declaration is at once the plan's wiring, the glossary and the entry in the public algorithm register,
so an incomplete one is refused when it is declared.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from synapolis.core.errors import DeclarationError

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


@dataclass(frozen=True)
class Declaration:
    """A model as the public sees it: the entry in the algorithm register."""

    name: str
    version: str
    field: str
    function: Callable[..., Any] = dataclasses.field(repr=False)
    inputs: tuple[str, ...]
    optional: tuple[str, ...]
    outputs: tuple[str, ...]
    does: str
    decision: str
    method: str
    source: str
    limits: str
    risks: str
    owner: str
    oversight: str
    tests: str
    origin: str
    rank: int
    columns: tuple[str, ...] = ()
    update: Callable[..., Any] | None = dataclasses.field(default=None, repr=False)
    kind: Kind = "model"

    @property
    def is_edit(self) -> bool:
        """Whether it carries out an edit: it takes what only an edit brings."""
        return _carries_out_an_edit(self.inputs)

    @functools.cached_property
    def code_digest(self) -> str:
        """SHA-256 over the source of the function's module and the modules of its own field that it imports."""
        return code_digest(self.function)


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
    """Every model and assumption declared in this process, by name."""

    def __init__(self) -> None:
        self.models: dict[str, Declaration] = {}
        self.assumptions: dict[str, Assumption] = {}
        self.quantities: dict[str, Quantity] = {}
        self.fixed_points: dict[str, FixedPoint] = {}

    def makers(self, word: str) -> list[Declaration]:
        """Models that make a quantity, the preferred first."""
        return sorted((m for m in self.models.values() if word in m.outputs), key=lambda m: (m.rank, m.name))

    def add_model(self, declaration: Declaration) -> None:
        """Register a model; a name can be declared once."""
        known = self.models.get(declaration.name)
        if known is not None and known.function.__module__ != declaration.function.__module__:
            raise DeclarationError(f"two models are called {declaration.name!r}; rename one of them")
        self.models[declaration.name] = declaration

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
    entry = {
        "version": version,
        "decision": decision,
        "method": method,
        "limits": limits,
        "risks": risks,
        "tests": tests,
    }

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        label = name or function.__name__
        empty = [key for key, value in entry.items() if not value.strip()]
        if empty:
            raise DeclarationError(
                f"model {label!r} declares no {', '.join(empty)}; a model without a complete entry cannot run"
            )
        words = inputs or tuple(inspect.signature(function).parameters)
        _check_inputs(label, words)
        REGISTRY.add_model(
            Declaration(
                name=label,
                field=_field(function.__module__),
                function=function,
                inputs=words,
                optional=optional,
                outputs=_outputs(label, function),
                does=_summary(label, function),
                source=_references(label, function),
                owner=owner,
                oversight=oversight,
                origin=origin,
                rank=rank,
                columns=columns,
                update=update,
                kind="edit" if _carries_out_an_edit(words) else kind,
                **entry,
            )
        )
        return function

    return declare


def load_declared(*packages: str) -> None:
    """Import every module of packages, so that all they declare is known."""
    for package in packages:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.ispkg:
                import_module(module.name)


def _carries_out_an_edit(inputs: tuple[str, ...]) -> bool:
    """Whether a model takes what only an edit brings."""
    return any(name.startswith("edit_") and name != "edit_log" for name in inputs)


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


def code_digest(function: Callable[..., Any]) -> str:
    """SHA-256 over the source of a function's module and the modules of the same field that it imports."""
    return _modules_digest(function.__module__)


@functools.cache
def _modules_digest(module: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(_field_sources(module, set())):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _field_sources(module: str, seen: set[str]) -> set[Path]:
    """Source files of a module and of the sibling modules it imports, transitively."""
    seen.add(module)
    path, siblings = _source_and_siblings(module)
    if path is None:
        return set()
    found = {path}
    for sibling in siblings:
        if sibling not in seen:
            found |= _field_sources(sibling, seen)
    return found


@functools.cache
def _source_and_siblings(module: str) -> tuple[Path | None, tuple[str, ...]]:
    """Source file of a module, and the modules beside it that it imports."""
    loaded = sys.modules.get(module)
    spec = find_spec(module) if loaded is None else None
    origin = loaded.__file__ if loaded is not None else (spec.origin if spec else None)
    if origin is None:
        return None, ()
    path, parent = Path(origin), module.rpartition(".")[0]
    siblings: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            named = [node.module] if node.module != parent else [f"{parent}.{alias.name}" for alias in node.names]
            siblings.extend(name for name in named if name.startswith(parent + "."))
    return path, tuple(dict.fromkeys(siblings))


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
        raise DeclarationError(f"model {label!r} has no docstring; its first line tells the public what it does")
    return lines[0]


def _references(label: str, function: Callable[..., Any]) -> str:
    text = (inspect.getdoc(function) or "").partition("References\n----------\n")[2].strip()
    if not text:
        raise DeclarationError(f"model {label!r} cites nothing; add a References section to its docstring")
    return " ".join(text.split())
