"""The pedigree of an answer: the steps, layers, assumptions and versions below its figures, read from the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synapolis.core.declare import Assumption
from synapolis.layers.change import Change, change_between
from synapolis.layers.city import City
from synapolis.layers.grid import Grid
from synapolis.scenarios.answer import AssumptionUse, LayerUse, Step
from synapolis.scenarios.plan import Node, Planner, Ref, ancestors
from synapolis.scenarios.run import Ran
from synapolis.scenarios.views import view_of


def assumptions_used(
    planner: Planner, refs: Sequence[Ref], influences: Mapping[str, Mapping[str, float]]
) -> tuple[AssumptionUse, ...]:
    """Every assumption below the outputs, the most influential first."""
    used = {node.name: node.value for node in ancestors(refs) if node.kind == "assumption"}
    rows = [_assumption_use(planner.assumption(name), value, influences) for name, value in sorted(used.items())]
    return tuple(sorted(rows, key=lambda row: (-(row.influence or 0), row.name)))


def _assumption_use(known: Assumption, value: float, influences: Mapping[str, Mapping[str, float]]) -> AssumptionUse:
    shares = {word: found[known.name] for word, found in influences.items() if known.name in found}
    most = max(shares, key=lambda word: shares[word], default="")
    return AssumptionUse(
        known.name, value, known.low, known.high, known.unit, known.standing, known.source, known.meaning,
        shares[most] if most else None, view_of(most, "").says if most and shares[most] > 0 else "",
    )  # fmt: skip


def layers_used(city: City, refs: Sequence[Ref]) -> tuple[LayerUse, ...]:
    """Every layer below the outputs, with its terms."""
    names = sorted({node.name for node in ancestors(refs) if node.kind == "layer"})
    layers = [city.layers[name] for name in names]
    return tuple(
        LayerUse(x.name, x.source, x.licence, x.origin, x.owner, x.terms, x.agreement, x.digest) for x in layers
    )


def step_id(ran: Ran, node: Any) -> str:
    """Short name of a node in the run: its key, or its name where it was given."""
    key = ran.keys.get(id(node))
    if key:
        return f"{node.name}:{key[:12]}"
    return f"{node.kind}:{node.name}" + (f"@{node.stage}" if node.declaration is not None else "")


def steps_of(ran: Ran, refs: Sequence[Ref], last: int, grid: Grid) -> tuple[Step, ...]:
    """Every step below the outputs, parents first; those inside a fixed point are told without a time of their own."""
    steps, fresh = [], set(ran.computed)
    for node in ancestors(refs):
        entry, declaration = ran.entries.get(id(node)), node.declaration
        if node.kind in ("value", "feedback") or (entry is None and declaration is None):
            continue
        facts = (
            {k: getattr(declaration, k) for k in ("does", "method", "source", "limits", "owner")} if declaration else {}
        )
        if entry is not None and entry.notes:
            facts["does"] = f"Fixed point of {node.name}: " + ", ".join(f"{k} {v}" for k, v in entry.notes.items())
        given = [ref.node for _, ref in node.inputs if ref.node.kind not in ("value", "feedback")]
        steps.append(
            Step(
                id=step_id(ran, node), kind=node.kind, name=node.name,
                stage="today" if not node.stage else f"after edit {node.stage} of {last}",
                version=declaration.version if declaration else "", makes=node.outputs,
                parents=tuple(dict.fromkeys(step_id(ran, parent) for parent in given)),
                seconds=entry.seconds if entry is not None else 0.0, cached=node.name not in fresh, origin=node.origin,
                touches=tuple(str(change) for change in changes_of(ran, node, grid)), **facts,
            )
        )  # fmt: skip
    return tuple({step.id: step for step in steps}.values())


def changes_of(ran: Ran, node: Node, grid: Grid) -> list[Change]:
    """What an edit changed of each word it touches: its output against what it was given."""
    if node.kind != "edit" or id(node) not in ran.entries:
        return []
    given = {word: ran.value(ref) for word, ref in node.inputs}
    made = ran.entries[id(node)].outputs
    return [change for word in made if word in given if (change := change_between(word, given[word], made[word], grid))]


def versions_of(refs: Sequence[Ref]) -> dict[str, str]:
    """Version and code digest of every model below the outputs, and the value of every assumption."""
    nodes = ancestors(refs)
    models = {node.declaration for node in nodes if node.declaration is not None}
    values = {f"{node.name}=": repr(node.value) for node in nodes if node.kind == "assumption"}
    return values | {model.name: f"{model.version}:{model.code_digest}" for model in models}
