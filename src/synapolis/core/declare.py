"""Declaring: what a model, a parser or a rule says of itself becomes its entry in the register.

A model's signature is its declaration: argument names are words of the vocabulary, the return annotation names what
it makes. The declaration is at once the plan's wiring, the glossary and the entry in the public algorithm register,
so an incomplete one is refused when it is declared.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, Literal, ParamSpec, TypeVar, get_type_hints

from synapolis.core.errors import DeclarationError
from synapolis.core.noting import note
from synapolis.core.registry import REGISTRY, Algorithm, Declaration, Kind, Registry
from synapolis.core.words import PLACES, Assumption, FixedPoint, Quantity, on, quantity_in, snake_case

__all__ = [
    "PLACES",
    "REGISTRY",
    "Algorithm",
    "Assumption",
    "Declaration",
    "FixedPoint",
    "Kind",
    "Quantity",
    "Registry",
    "declare_fixed_point",
    "declare_vocabulary",
    "load_declared",
    "model",
    "on",
    "registered",
    "snake_case",
]

P = ParamSpec("P")
R = TypeVar("R")

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
        quantity = quantity_in(annotation)
        if quantity is not None:
            quantity.name = snake_case(alias)
            REGISTRY.quantities[quantity.name] = quantity


def _check_inputs(label: str, inputs: tuple[str, ...]) -> None:
    known = REGISTRY.quantities.keys() | REGISTRY.assumptions.keys()
    strangers = [name for name in inputs if name not in known]
    if strangers:
        raise DeclarationError(
            f"model {label!r} takes {', '.join(strangers)}, which are neither quantities (layers/vocabulary.py) "
            "nor assumptions (layers/assumptions/); add the word there or use one that exists"
        )


def _outputs(label: str, function: Callable[..., Any]) -> tuple[str, ...]:
    returned = get_type_hints(function, include_extras=True).get("return")
    quantity = quantity_in(returned)
    if quantity is not None:
        return (quantity.name,)
    fields = get_type_hints(returned, include_extras=True) if hasattr(returned, "_fields") else {}
    words = tuple(name for name, hint in fields.items() if quantity_in(hint) is not None)
    if not words or len(words) != len(fields) or any(w not in REGISTRY.quantities for w in words):
        raise DeclarationError(
            f"model {label!r} must return a quantity of the vocabulary, or a NamedTuple whose fields are such; "
            f"got {returned!r}"
        )
    return words


def _summary(label: str, function: Callable[..., Any]) -> str:
    lines = (inspect.getdoc(function) or "").strip().splitlines()
    if not lines:
        stripped = " (python -OO strips docstrings; run without it)" if sys.flags.optimize > 1 else ""
        raise DeclarationError(f"{label!r} has no docstring; its first line tells the public what it does{stripped}")
    return lines[0]


def _references(label: str, function: Callable[..., Any]) -> str:
    text = (inspect.getdoc(function) or "").partition("References\n----------\n")[2].strip()
    if not text:
        raise DeclarationError(f"{label!r} cites nothing; add a References section to its docstring")
    return " ".join(text.split())
