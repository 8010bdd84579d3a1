"""What each edit that costs money saves in flood damage, told where yearly damage was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from synapolis.core.declare import registered
from synapolis.core.errors import SynapolisError
from synapolis.models.finance.costs import CURRENCY
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import BoundEdit, Planner
from synapolis.scenarios.run import Ran, run

if TYPE_CHECKING:
    from synapolis.scenarios.rehearse import Outcome

ASKED = ("expected_flood_damage", "flood_damage_over_life")
"""Whoever wants one of these is told what each edit saves; nobody else waits for it."""

MOST_ALONE = 8
"""Edits that are run alone at most: each takes the floods of several storms."""

TOLD = 1e-3
"""Change of the damage, as a share of it, below which none is told: a local re-run is no closer."""


@registered(
    kind="rule",
    version="1",
    name="flood_damage_saved_per_cost",
    decision="Which of several measures against floods goes furthest for the same money.",
    data=("flood damage over the life of measures, today and with the edit", "capital cost of the edit"),
    method="Flood damage avoided over the life of measures, at its worth today, over the capital cost.",
    source="A benefit-cost ratio: European Commission (2014), Guide to cost-benefit analysis of investment projects "
    "(assumed: not read).",
    limits="Building damage alone is a benefit, and upkeep no cost; as flood_damage_over_life and capital_cost.",
    risks="A measure for heat, air and people as well looks dear beside a pipe.",
    tests="tests/scenarios/test_worth.py",
    oversight="The ratio is told with both amounts behind it, and ranks nothing by itself.",
)
def saved_per_cost(before: float, after: float, cost: float) -> float:
    """Return the damage avoided per unit of money spent; below 0 where the damage grows.

    Raises
    ------
    ValueError
        A cost that is not above 0.
    """
    if cost <= 0:
        raise ValueError(f"what an edit saves per money spent needs a cost above 0, got {cost}")
    return (before - after) / cost


class Worth(NamedTuple):
    """Flood damage of a mean year [money/a] and over a life [money], today and with edits, and their cost [money]."""

    yearly: tuple[float, float]
    life: tuple[float, float]
    cost: float


def worth_notes(outcome: Outcome, edits: Sequence[BoundEdit], cache: Cache) -> list[str]:
    """Say what each edit that costs money saves per money spent: alone against today, and together where several do.

    Parameters
    ----------
    outcome : both stages of the scenario
    edits : as bound on the city
    cache : where the floods of today, and of edits told before, are found
    """
    whole = outcome.planner
    if not edits or not any(word in outcome.words for word in ASKED):
        return []
    if whole.why_not(ASKED[1]) is not None or whole.why_not("total_capital_cost") is not None:
        return []
    over = f"over {_value(whole, 'flood_measure_life'):g} years at {_value(whole, 'flood_discount_rate'):g} % a year"
    said = []
    if len(edits) > MOST_ALONE:
        said.append(f"Flood damage avoided is told for all {len(edits)} edits together: that is too many to run alone.")
    elif len(edits) > 1:
        for edit in edits:
            alone = Planner(
                whole.city, [edit], assumptions=whole.overrides, methods=whole.methods, excluded=whole.excluded
            )
            try:
                said += _note(f"{edit.says}, alone", _worth(alone, cache), over)
            except SynapolisError as error:
                said.append(f"What {edit.says} saves in flood damage cannot be told alone: {error}")
    name = edits[0].says if len(edits) == 1 else f"all {len(edits)} edits together"
    said += _note(name, _worth(whole, cache, outcome.ran), over)
    return said


def _worth(planner: Planner, cache: Cache, ran: Ran | None = None) -> Worth:
    pairs = [planner.want(word, stage) for word in ASKED for stage in (0, planner.last)]
    cost = planner.want("total_capital_cost")
    done = run([*pairs, cost], cache, ran=ran)
    yearly_before, yearly_after, life_before, life_after = (float(done.value(ref)) for ref in pairs)
    return Worth((yearly_before, yearly_after), (life_before, life_after), float(done.value(cost)))


def _note(name: str, worth: Worth, over: str) -> list[str]:
    """One sentence on edits that cost money; none on others."""
    if worth.cost <= 0:
        return []
    before, after = worth.yearly
    begin = f"Flood damage per {CURRENCY} spent: {name}"
    if abs(before - after) <= TOLD * before or before == after:
        return [f"{begin}: {_money(worth.cost)} to build, and no change of the yearly flood damage that can be told."]
    ratio = saved_per_cost(*worth.life, worth.cost)
    way, less = ("avoided", "less") if ratio > 0 else ("more", "more")
    told = f"{_two_digits(abs(ratio))} {CURRENCY} of damage {way} {over} for each {CURRENCY}"
    behind = f"{_money(worth.cost)} to build, {_money(abs(before - after))} a year {less} damage to buildings"
    return [f"{begin}: {told} ({behind}; against today; upkeep and all other benefits left out)."]


def _value(planner: Planner, name: str) -> float:
    return float(planner.overrides.get(name, planner.assumption(name).value))


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,}".removesuffix(".0")


def _money(value: float) -> str:
    return f"{_two_digits(value)} {CURRENCY}"
