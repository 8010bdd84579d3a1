"""What a city can answer: for each quantity, whether it can be computed, on what origin, or what it needs."""

from __future__ import annotations

from synapolis.core.declare import REGISTRY
from synapolis.layers.city import City
from synapolis.scenarios.plan import Planner, Ref


def survey(city: City) -> dict[str, dict[str, str]]:
    """Each quantity of the vocabulary with `origin` (observed, derived, assumed), or `needs` where it cannot be had."""
    planner = Planner(city)
    found: dict[str, dict[str, str]] = {}
    for word in sorted(REGISTRY.quantities):
        if word.startswith("edit_") or word in ("grid", "extent"):
            continue
        made = planner.resolve(word, 0)
        if isinstance(made, Ref):
            found[word] = {"origin": made.node.origin, "by": made.node.name if made.node.kind == "model" else ""}
        else:
            found[word] = {"needs": ", ".join(made.needs)}
    return found
