"""Gates that a city states in a file, judged on a scenario: of the whole city, of one zone, or of every zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synapolis.core.errors import ScenarioError
from synapolis.indicators.gate_file import EVERY, GateRule, judge_rule
from synapolis.indicators.gates import GateResult
from synapolis.layers.city import City
from synapolis.scenarios.bind import bind
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.rehearse import Outcome, Rehearsal, run_both


def judge_rules(
    city: City,
    scenario: Scenario,
    rules: Sequence[GateRule],
    cache: Cache,
    *,
    assumptions: Mapping[str, float] | None = None,
    changes: Mapping[str, NDArray[np.float64]] | None = None,
) -> tuple[GateResult, ...]:
    """Judge gates on a scenario; what was computed before is taken from the cache.

    Parameters
    ----------
    changes : change of each quantity in each member of an ensemble, as evidence holds it

    Raises
    ------
    ScenarioError
        When a gate names a zone that the city does not have.
    """
    words = tuple(dict.fromkeys([rule.quantity for rule in rules] + (["zones"] if _zoned(rules) else [])))
    wanted = Rehearsal(scenario, words, members=0, assumptions=assumptions or {}, gates=())
    outcome = run_both(city, bind(scenario, city), wanted, cache, pictures=False)
    return tuple(_judged(rule, outcome, (changes or {}).get(rule.quantity)) for rule in rules)


def _zoned(rules: Sequence[GateRule]) -> bool:
    return any(rule.zone for rule in rules)


def _judged(rule: GateRule, outcome: Outcome, changes: NDArray[np.float64] | None) -> GateResult:
    if not outcome.has(rule.quantity) or (rule.zone and not outcome.has("zones")):
        reason = outcome.planner.lacks(rule.quantity) or outcome.missing.get(rule.quantity)
        return judge_rule(rule, None, None, reason=reason or f"{rule.quantity} was not part of this run")
    before, after = (np.atleast_1d(np.asarray(value, dtype=float)) for value in outcome.pair(rule.quantity))
    if not rule.zone:
        return judge_rule(rule, before, after, changes=changes)
    zones = [str(name) for name in outcome.value("zones", 0).index]
    if rule.zone == EVERY:
        return judge_rule(rule, before, after, places=zones)
    if rule.zone not in zones:
        some = ", ".join(zones[:5])
        raise ScenarioError(f"the gate {rule.name!r} names the zone {rule.zone!r}, which the city does not have; its "
                            f"zones are {some}{' and so on' if len(zones) > 5 else ''}")  # fmt: skip
    place = zones.index(rule.zone)
    return judge_rule(rule, before[[place]], after[[place]], places=[rule.zone])
