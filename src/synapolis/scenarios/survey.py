"""What a city can answer: for each quantity, whether it can be computed, on what origin, or what it needs."""

from __future__ import annotations

from synapolis.core.declare import REGISTRY
from synapolis.layers.city import City
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Node, Planner, Ref, ancestors
from synapolis.scenarios.run import NodeFailedError, Progress, run


def survey(city: City, cache: Cache | None = None, *, progress: Progress | None = None) -> dict[str, dict[str, str]]:
    """Each quantity of the vocabulary with its `origin` (observed, derived, assumed) and model (`by`).

    One that cannot be had has `needs`, the layers or columns any one of which would do, and `found`, why those that
    are there do not.

    Parameters
    ----------
    city : City
    cache : Cache, optional
        With it, layers that the city lacks are derived, for only then is it known whether its data suffice (terrain
        that covers too little, buildings mapped here and there). Without it, layers count as good where they are there.
    progress : called with what is being done
    """
    planner = Planner(city) if cache is None else _tried(city, cache, progress)
    found: dict[str, dict[str, str]] = {}
    for word in _words():
        made = planner.resolve(word, 0)
        if isinstance(made, Ref):
            found[word] = {"origin": made.node.origin, "by": _maker(made.node, word)}
        else:
            reasons = set(planner.excluded.values())
            absent = " or ".join(need for need in made.needs if need not in reasons)
            found[word] = {"needs": absent, "found": "; ".join(need for need in made.needs if need in reasons)}
    return found


def _words() -> list[str]:
    return [
        word for word in sorted(REGISTRY.quantities) if not word.startswith("edit_") and word not in ("grid", "extent")
    ]


def _tried(city: City, cache: Cache, progress: Progress | None) -> Planner:
    """Plan without the models that find, when run, that the city's data do not suffice."""
    refused: dict[str, str] = {}
    while True:
        planner = Planner(city, excluded=refused)
        refs = [made for word in _words() if isinstance(made := planner.resolve(word, 0), Ref)]
        derived = [
            Ref(node, node.outputs[0])
            for node in ancestors(refs)
            if node.declaration is not None and node.declaration.field == "derive"
        ]
        try:
            run(derived, cache, progress=progress)
        except NodeFailedError as error:
            if error.model in refused:
                raise
            refused[error.model] = error.reason
            continue
        return planner


def _maker(node: Node, word: str) -> str:
    """Model that makes a word; inside a loop the one that makes it there."""
    if node.fixed_point is not None:
        inside = dict(node.inputs)["next" if word == node.fixed_point.word else word].node
        return f"{inside.name}, repeated until {node.fixed_point.word} stands still"
    return node.name if node.kind == "model" else ""
