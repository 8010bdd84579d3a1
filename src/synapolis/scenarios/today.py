"""The city as it stands, in a few headline figures, each with its range over the ensemble and its gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synapolis.core.errors import NotComputableError
from synapolis.indicators.gates import AFFORDABILITY
from synapolis.layers.city import City
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.ensemble import interval, sample
from synapolis.scenarios.plan import ancestors
from synapolis.scenarios.rehearse import SEED, Outcome, Rehearsal, claim_of, run_both
from synapolis.scenarios.run import Progress
from synapolis.scenarios.views import view_of

PARTS = (
    ("population", "runoff_volume", "residents_near_green", "mean_jobs_within_30_min", "fifteen_minute_city_share"),
    ("vehicle_kilometres", "traffic_carbon_dioxide", "residents_in_road_noise"),
    ("residents_in_strong_heat", "lowest_group_rent_burden", "city_affordable_share"),
    ("flooded_building_count",),
)
"""What is told of every city where it can be computed, in parts: what takes seconds, cars, heat and rent, the flood."""
WORDS = tuple(word for part in PARTS for word in part)


def today_of(
    city: City, cache: Cache, words: Sequence[str] = WORDS, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Headline figures of a city with central assumptions, what cannot be computed and why, and their gates.

    Returns
    -------
    dict
        `indicators`, each with id, text, short, unit, value, digits, better, origin, illustrative, note and gate;
        `gates`; `not_computable`, the reason by word.
    """
    try:
        outcome = _run(city, words, cache, progress=progress)
    except NotComputableError as error:
        return {"indicators": [], "gates": [], "not_computable": dict.fromkeys(words, str(error))}
    gates = [_gate(gate.name, gate.says, gate.indicator, outcome) for gate in AFFORDABILITY if gate.indicator in words]
    by_word = {gate["indicator"]: gate for gate in gates}
    told = [word for word in words if word in outcome.words]
    indicators = [_indicator(word, outcome) | {"gate": by_word.get(word)} for word in told]
    return {"indicators": indicators, "gates": gates, "not_computable": dict(outcome.missing)}


def member_today(
    city: City, cache: Cache, number: int, members: int, *, progress: Progress | None = None
) -> dict[str, float]:
    """Headline figures of one member of the ensemble, by word; those that are told once only are left out.

    Parameters
    ----------
    number : from 0 below `members`
    """
    words = tuple(word for word in WORDS if view_of(word, "").varied)
    outcome = _run(city, words, cache)  # as it stands: from the cache, once the figures are told
    refs = [outcome.planner.want(word, 0) for word in outcome.words]
    names = sorted({node.name for node in ancestors(refs) if node.kind == "assumption"})
    drawn = sample([outcome.planner.assumption(name) for name in names], members=members, seed=SEED)
    if not drawn:
        return {}
    ran = _run(city, outcome.words, cache, assumptions=drawn[number], progress=progress)
    return {word: float(ran.value(word, 0)) * view_of(word, "").scale for word in ran.words}


def with_ranges(told: Mapping[str, Any], members: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Figures of a city with the 5th and 95th percentile over what its members tell; the figure itself is one more."""
    indicators = []
    for row in told["indicators"]:
        values = [member[row["id"]] for member in members if row["id"] in member]
        low, high = interval(np.array([*values, row["value"]])) if values else (None, None)
        if low is not None and high is not None:  # few members may all lie to one side
            low, high = min(low, row["value"]), max(high, row["value"])
        indicators.append({**row, "low": low, "high": high})
    return {**told, "indicators": indicators}


def _run(
    city: City,
    words: Sequence[str],
    cache: Cache,
    *,
    assumptions: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Outcome:
    rehearsal = Rehearsal(Scenario(), tuple(words), members=0, gates=(), assumptions=assumptions or {})
    outcome = run_both(city, (), rehearsal, cache, pictures=False, progress=progress)
    if not outcome.words:
        raise NotComputableError("; ".join(outcome.missing.values()))
    return outcome


def _indicator(word: str, outcome: Outcome) -> dict[str, Any]:
    claim = claim_of(word, outcome.planner, outcome.ran, None)
    view = view_of(word, claim.unit)
    return {
        "id": word, "text": claim.text, "short": view.short, "unit": claim.unit, "value": claim.before, "low": None,
        "high": None, "digits": claim.digits, "better": view.better, "origin": claim.origin,
        "illustrative": claim.illustrative, "varied": view.varied,
    }  # fmt: skip


def _gate(name: str, says: str, indicator: str, outcome: Outcome) -> dict[str, Any]:
    """A gate before any scenario: it watches its figure, or says what it lacks to."""
    if indicator in outcome.words:
        return {
            "name": name,
            "indicator": indicator,
            "outcome": "watched",
            "says": f"A plan is blocked if broken: {says}",
        }
    why = outcome.missing.get(indicator) or outcome.planner.lacks(indicator) or "it cannot be computed here"
    return {"name": name, "indicator": indicator, "outcome": "not computable", "says": why}
