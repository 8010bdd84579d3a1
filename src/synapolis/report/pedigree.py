"""From one figure back through the run: steps, layers and assumptions it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from synapolis.scenarios.answer import Answer, AssumptionUse, Claim, LayerUse, Step


@dataclass(frozen=True)
class Pedigree:
    """What one claim rests on, the last step first."""

    steps: tuple[Step, ...]
    layers: tuple[LayerUse, ...]
    assumptions: tuple[AssumptionUse, ...]


def trace(answer: Answer, claim: Claim) -> Pedigree:
    """Follow a claim's run path through the parents of each step.

    Layers and assumptions are those that the steps name among their ids, names, outputs and parents; where the run
    names none, all of the answer's are given rather than none.
    """
    steps = _ancestors(answer, find_step(answer, claim))
    named = {
        part for step in steps for text in (step.id, step.name, *step.makes, *step.parents) for part in _parts(text)
    }
    layers = tuple(layer for layer in answer.layers if layer.name in named)
    assumptions = tuple(use for use in answer.assumptions if use.name in named)
    return Pedigree(steps, layers or answer.layers, by_influence(assumptions or answer.assumptions))


def by_influence(uses: tuple[AssumptionUse, ...]) -> tuple[AssumptionUse, ...]:
    """Assumptions, the most influential first; those whose influence is not known come last."""
    return tuple(sorted(uses, key=lambda use: (-(use.influence if use.influence is not None else -1.0), use.name)))


def find_step(answer: Answer, claim: Claim) -> Step | None:
    """Return the step that a claim's run path names, or the last one that makes its quantity."""
    parts = {claim.run_path, *_parts(claim.run_path)}
    for step in answer.steps:
        if step.id == claim.run_path:
            return step
    inside = [step for step in answer.steps if step.id in parts or (step.id and claim.run_path.startswith(step.id))]
    makers = [step for step in answer.steps if claim.quantity in step.makes]
    found = inside or makers
    return max(found, key=lambda step: len(step.id)) if inside else (found[-1] if found else None)


def _ancestors(answer: Answer, last: Step | None) -> tuple[Step, ...]:
    if last is None:
        return ()
    by_id = {step.id: step for step in answer.steps}
    makers = {word: step for step in answer.steps for word in step.makes}
    found: dict[str, Step] = {}
    queue = [last]
    while queue:
        step = queue.pop(0)
        if step.id in found:
            continue
        found[step.id] = step
        parents = (by_id.get(parent) or makers.get(parent) for parent in step.parents)
        queue.extend(parent for parent in parents if parent is not None)
    return tuple(found.values())


def _parts(text: str) -> list[str]:
    return [text, *re.split(r"[/#:@|]", text)]
