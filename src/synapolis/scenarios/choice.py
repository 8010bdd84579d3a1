"""The rule by which one of several models of a quantity is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from synapolis.core.declare import Declaration, registered
from synapolis.core.errors import ScenarioError


@registered(
    kind="rule",
    version="1",
    name="choice_of_model",
    decision="Which of several models makes a quantity of an answer.",
    data=("models that make the quantity, with their ranks", "the model that was asked for by name"),
    method="The model that was asked for; else the lowest rank whose inputs the city has, and among equals the first "
    "by name. The plan tries them in this order.",
    source="The project's own rule, stated in full in ARCHITECTURE.md.",
    limits="Ranks are fixed by who wrote the models; they do not look at how good the city's data are.",
    risks="A city that lacks one layer is answered by a coarser model; each answer names the models that made it.",
    tests="tests/scenarios/test_plan_run.py",
    oversight="Whoever asks may name another model (`methods`), and compare.",
)
def candidates(word: str, makers: Sequence[Declaration], chosen: str | None = None) -> list[Declaration]:
    """Put the models of a quantity in the order in which they are tried.

    Raises
    ------
    ScenarioError
        When the chosen one makes something else.
    """
    if chosen is None:
        return sorted(makers, key=lambda model: (model.rank, model.name))
    named = [model for model in makers if model.name == chosen]
    if not named:
        known = ", ".join(model.name for model in makers)
        raise ScenarioError(f"no model {chosen!r} makes {word}; those that do: {known}")
    return named
