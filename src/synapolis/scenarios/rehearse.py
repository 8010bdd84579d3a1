"""Rehearse a scenario: run the city as it stands and with the edits, over an ensemble, and answer with the pedigree."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process

from synapolis.core.declare import REGISTRY
from synapolis.core.digest import digest
from synapolis.core.errors import NotComputableError, ScenarioError
from synapolis.indicators.gates import AFFORDABILITY, Gate, GateResult, judge
from synapolis.layers.city import City
from synapolis.scenarios.answer import (
    Answer,
    Claim,
    Evidence,
    Step,
    answer_hash,
)
from synapolis.scenarios.bind import bind
from synapolis.scenarios.cache import WORTH_KEEPING, Cache, Entry
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.ensemble import detectable, influence, interval, sample
from synapolis.scenarios.pictures import edited_areas, effects_of, pictures_of
from synapolis.scenarios.plan import BoundEdit, Planner, Ref, ancestors
from synapolis.scenarios.provenance import assumptions_used, layers_used, step_id, steps_of, versions_of
from synapolis.scenarios.run import NodeFailedError, Progress, Ran, run
from synapolis.scenarios.sweep import Sweep, Task
from synapolis.scenarios.telling import by_zone, findings_of, summary_of
from synapolis.scenarios.views import view_of
from synapolis.scenarios.worth import worth_notes

SEED = 20190421
MEMBERS = 16


FITTING = ("homes_placed", "homes_unplaced")
"""Quantities that say whether homes fit: not told where homes have no site."""


@dataclass(frozen=True)
class Rehearsal:
    """What to rehearse and for whom."""

    scenario: Scenario
    want: tuple[str, ...]
    question: str = ""
    actor: str = "local user"
    purpose: str = "planning"
    members: int = MEMBERS
    seed: int = SEED
    assumptions: Mapping[str, float] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[Gate, ...] = AFFORDABILITY


@dataclass
class Outcome:
    """Both stages of one scenario, run: what claims, pictures and findings are drawn from."""

    planner: Planner
    ran: Ran
    words: tuple[str, ...]
    missing: dict[str, str]
    excluded: dict[str, str]

    def pair(self, word: str) -> tuple[Any, Any]:
        """Value of a word today and with the edits."""
        return self.value(word, 0), self.value(word, self.planner.last)

    def value(self, word: str, stage: int | None = None) -> Any:
        """Value of a word at a stage; NotComputableError when it cannot be had or was not run."""
        ref = self.planner.want(word, stage)
        if id(ref.node) not in self.ran.entries:
            raise NotComputableError(f"{word} was not part of this run")
        return self.ran.value(ref)

    def has(self, word: str) -> bool:
        """Whether a word was run at both stages."""
        refs = [self.planner.resolve(word, stage) for stage in (0, self.planner.last)]
        return all(isinstance(ref, Ref) and id(ref.node) in self.ran.entries for ref in refs)


def rehearse(
    city: City, rehearsal: Rehearsal, cache: Cache, *, sweep: Sweep | None = None, progress: Progress | None = None
) -> tuple[Answer, Evidence]:
    """Answer what a scenario does to the wanted quantities.

    Parameters
    ----------
    city : City
    rehearsal : Rehearsal
    cache : Cache
        Nothing found there is computed again.
    sweep : Sweep, optional
        Where the ensemble runs; by default in this process.
    progress : called with what is being done, how much is done, and how much there is

    Raises
    ------
    ScenarioError
        When an edit does not fit the city.
    NotComputableError
        When no wanted quantity can be had; the message names what the city lacks.
    """
    start = time.perf_counter()
    rehearsal = replace(rehearsal, scenario=rehearsal.scenario.running)
    _known(rehearsal.want)
    _stated(rehearsal.assumptions)
    edits = bind(rehearsal.scenario, city)
    swept = _mark(city, rehearsal)
    if sweep is not None and rehearsal.members and cache.get(swept) is None:
        sweep.begin(city)  # the workers start while this process runs the scenario itself
    outcome = run_both(city, edits, rehearsal, cache, progress=progress)
    if not outcome.words:
        raise NotComputableError("; ".join(outcome.missing.values()) or "nothing was asked for")
    members, changes = run_members(city, edits, rehearsal, outcome, cache, sweep=sweep, progress=progress)
    cache.put(swept, Entry({}, {}, WORTH_KEEPING, {}))
    changes = {word: np.append(values, _change(word, outcome)) for word, values in changes.items()}
    claims = tuple(
        claim_of(word, outcome.planner, outcome.ran, changes.get(word))
        for word in outcome.words
        if _is_number(outcome, word) and not (word in FITTING and by_zone(outcome))
    )
    whole, more_steps = _as_asked(city, rehearsal, outcome, cache)
    worth = worth_notes(outcome, edits, cache)
    influences = {word: influence(_own(members, word, outcome), values[:-1]) for word, values in changes.items()}
    evidence = Evidence(city, pictures_of(outcome), changes, edited_areas(city, edits))
    refs = [outcome.planner.want(word, stage) for word in outcome.words for stage in (0, outcome.planner.last)]
    steps = steps_of(outcome.ran, refs, outcome.planner.last, outcome.planner.city.grid)
    answer = Answer(
        status="answered",
        question=rehearsal.question,
        city=city.title,
        city_hash=city.digest,
        actor=rehearsal.actor,
        purpose=rehearsal.purpose,
        summary="",
        scenario=rehearsal.scenario.model_dump(mode="json", exclude_none=True),
        want=rehearsal.want,
        claims=claims + whole,
        effects=effects_of(outcome),
        gates=_gates(rehearsal.gates, outcome, changes),
        assumptions=assumptions_used(outcome.planner, refs, influences),
        layers=layers_used(city, refs),
        steps=tuple({step.id: step for step in (*more_steps, *steps)}.values()),
        not_computable=outcome.missing,
        attribution=city.attribution,
        statistics={
            "nodes": float(len(ancestors(refs))),
            "computed": float(len(outcome.ran.computed)),
            "cached": float(outcome.ran.cached),
            "members": float(len(members)),
            "seconds": time.perf_counter() - start,
        },
        hash=answer_hash(
            city_hash=city.digest,
            scenario=rehearsal.scenario.model_dump(mode="json", exclude={"title", "author", "city", "city_hash"}),
            want=rehearsal.want,
            versions=versions_of(refs) | _settings(rehearsal),
            seed=rehearsal.seed,
        ),
    )
    findings = (*findings_of(outcome, edits), *worth)
    return _told(answer, outcome, edits, findings), evidence


def _settings(rehearsal: Rehearsal) -> dict[str, str]:
    """What besides city, edits and code decides the figures: assumptions set, size of the ensemble, gates."""
    stated = {f"{name}=": f"{value!r}" for name, value in rehearsal.assumptions.items()}
    return stated | {"members=": str(rehearsal.members), "gates=": digest(list(rehearsal.gates))}


def _mark(city: City, rehearsal: Rehearsal) -> str:
    """Key under which it is kept that this very ensemble was run."""
    return digest(["swept", city.digest, vars(rehearsal) | {"scenario": rehearsal.scenario.model_dump(mode="json")}])


def _known(words: Sequence[str]) -> None:
    """Refuse a word that no vocabulary has, with the closest ones."""
    for word in words:
        if word not in REGISTRY.quantities:
            near = ", ".join(name for name, *_ in process.extract(word, list(REGISTRY.quantities), limit=3))
            raise ScenarioError(
                f"no quantity is called {word!r}; close ones are {near}; `synapolis vocabulary` lists all"
            )


def _stated(assumptions: Mapping[str, float]) -> None:
    """Refuse a value for an assumption that nobody declares, or one that is not a finite number."""
    for name, value in assumptions.items():
        if name not in REGISTRY.assumptions:
            near = ", ".join(close for close, *_ in process.extract(name, list(REGISTRY.assumptions), limit=3))
            raise ScenarioError(f"no assumption is called {name!r}; close ones are {near}")
        if not np.isfinite(value):
            raise ScenarioError(f"the assumption {name} needs a finite number, got {value}")


def run_both(
    city: City,
    edits: Sequence[BoundEdit],
    rehearsal: Rehearsal,
    cache: Cache,
    *,
    pictures: bool = True,
    progress: Progress | None = None,
) -> Outcome:
    """Run every wanted word that can be had, and for pictures the quantities by place behind it, at both stages.

    A model that finds at run time that it has nothing to compute from is left out and the plan made again.
    """
    excluded: dict[str, str] = {}
    ran = Ran()
    while True:
        planner = Planner(city, edits, assumptions=rehearsal.assumptions, methods=rehearsal.methods, excluded=excluded)
        words, missing = _available(planner, rehearsal)
        behind = [word for word in _behind(words, edits) if pictures and planner.why_not(word) is None]
        refs = [planner.want(word, stage) for word in (*words, *behind) for stage in (0, planner.last)]
        fresh = Ran()
        try:
            run(refs, cache, progress=progress, ran=fresh)
        except NodeFailedError as error:
            if error.model in excluded:
                raise
            excluded[error.model] = error.reason
            ran.absorb(fresh)
            continue
        fresh.absorb(ran)
        return Outcome(planner, fresh, words, missing, excluded)


def _available(planner: Planner, rehearsal: Rehearsal) -> tuple[tuple[str, ...], dict[str, str]]:
    words, missing = [], {}
    for word in dict.fromkeys(rehearsal.want):
        try:
            planner.want(word, 0)
            planner.want(word)
            words.append(word)
        except NotComputableError as error:
            missing[word] = str(error)
    gates = [gate.indicator for gate in rehearsal.gates if gate.indicator not in words]
    return tuple(words + [word for word in gates if planner.why_not(word) is None and words]), missing


def _behind(words: Sequence[str], edits: Sequence[BoundEdit]) -> list[str]:
    """Quantities by place that pictures, effects and findings need."""
    behind = [view_of(word, "").by for word in words]
    if any(word in ("runoff_volume", "flooded_building_count") for word in words):
        behind.append("flood_depth")
    if any("jobs" in word for word in words):
        behind += ["zones", "zone_population"]
    if any(edit.kind in ("change_headway", "add_line") for edit in edits):
        behind.append("vehicles_in_service")
    if any(edit.kind == "add_homes" for edit in edits):
        behind += ["housing_programme", *FITTING]
    return [word for word in dict.fromkeys(behind) if word]


def run_members(
    city: City,
    edits: Sequence[BoundEdit],
    rehearsal: Rehearsal,
    outcome: Outcome,
    cache: Cache,
    *,
    sweep: Sweep | None = None,
    progress: Progress | None = None,
) -> tuple[list[dict[str, float]], dict[str, NDArray[np.float64]]]:
    """Run the ensemble; return its members and, for each varied claim, the change in each of them."""
    words = tuple(word for word in outcome.words if _is_number(outcome, word) and view_of(word, "").varied)
    refs = [outcome.planner.want(word, stage) for word in words for stage in (0, outcome.planner.last)]
    names = sorted({node.name for node in ancestors(refs) if node.kind == "assumption"} - rehearsal.assumptions.keys())
    members = sample([outcome.planner.assumption(n) for n in names], members=rehearsal.members, seed=rehearsal.seed)
    groups = [
        [Task(tuple(edits), words, {**rehearsal.assumptions, **member}, rehearsal.methods, outcome.excluded)]
        for member in members
    ]
    numbers = (sweep or Sweep()).map(city, groups, cache, progress=progress) if words else []
    kept = [(member, found) for member, (found,) in zip(members, numbers, strict=True) if found is not None]
    changes = {word: np.array([found[word][1] - found[word][0] for _, found in kept]) for word in words}
    return [member for member, _ in kept], {word: values for word, values in changes.items() if len(values)}


def _own(members: Sequence[Mapping[str, float]], word: str, outcome: Outcome) -> list[dict[str, float]]:
    """Of each member, the assumptions that this word rests on."""
    refs = [outcome.planner.want(word, stage) for stage in (0, outcome.planner.last)]
    names = {node.name for node in ancestors(refs) if node.kind == "assumption"}
    return [{name: value for name, value in member.items() if name in names} for member in members]


def _change(word: str, outcome: Outcome) -> float:
    """The change with central assumptions: a member like any other."""
    before, after = outcome.pair(word)
    return float(after - before)


def _is_number(outcome: Outcome, word: str) -> bool:
    return REGISTRY.quantities[word].place == "city" and isinstance(outcome.value(word, 0), int | float | np.number)


def claim_of(word: str, planner: Planner, ran: Ran, changes: NDArray[np.float64] | None) -> Claim:
    """Put a city-wide number into a claim: today, with the edits, and the interval of the change."""
    view = view_of(word, REGISTRY.quantities[word].unit)
    before, after = (float(ran.value(planner.want(word, stage))) * view.scale for stage in (0, planner.last))
    node = planner.want(word).node
    low = high = detected = None
    if changes is not None and len(changes):
        low, high = (bound * view.scale for bound in interval(changes))
        low, high = min(low, after - before), max(high, after - before)  # few members may all lie to one side
        detected = detectable(after - before, low, high, grain=view.grain)
    return Claim(
        id=word,
        text=view.says,
        quantity=word,
        unit=view.unit.replace("money", planner.city.currency or "money"),
        before=before,
        after=after,
        change=after - before,
        low=low,
        high=high,
        detectable=detected,
        digits=-int(np.floor(np.log10(view.grain))),
        origin=node.origin,
        run_path=step_id(ran, node),
        illustrative=view.illustrative,
    )


WHOLE: Mapping[Literal["as_asked", "on_other_ground"], str] = {
    "as_asked": "with the rest stacked higher on the same ground, above the height limit",
    "on_other_ground": "with the rest on courts, squares and greens of the area, as far as they reach",
}


def _as_asked(city: City, rehearsal: Rehearsal, outcome: Outcome, cache: Cache) -> tuple[tuple[Claim, ...], list[Step]]:
    """Where homes did not fit, the claims for the whole as asked, with their steps: stacked higher, or elsewhere."""
    edits = rehearsal.scenario.edits
    asked = [edit for edit in edits if edit.kind == "add_homes" and edit.fit == "what_fits"]
    if not asked or not outcome.has("homes_unplaced") or outcome.value("homes_unplaced") < 1:
        return (), []
    kept = FITTING
    words = tuple(word for word in outcome.words if word not in kept and view_of(word, "").varied)
    claims: list[Claim] = []
    steps: list[Step] = []
    for fit, how in WHOLE.items():
        whole = tuple(edit.model_copy(update={"fit": fit}) if edit in asked else edit for edit in edits)
        scenario = rehearsal.scenario.model_copy(update={"edits": whole})
        wanted = Rehearsal(scenario, (*words, "homes_placed"), members=0, assumptions=rehearsal.assumptions,
                           methods=rehearsal.methods, gates=())  # fmt: skip
        result = run_both(city, bind(scenario, city), wanted, cache, pictures=False)
        outcome.ran.absorb(result.ran)
        homes = result.value("homes_placed")
        for word in words:
            if word in result.words and _is_number(result, word):
                claim = claim_of(word, result.planner, result.ran, None)
                note = f"{homes:,.0f} homes, {how}"
                claims.append(Claim(**{**vars(claim), "id": f"{word}_{fit}", "note": note}))
        refs = [result.planner.want(word) for word in result.words]
        steps += steps_of(result.ran, refs, result.planner.last, result.planner.city.grid)
    return tuple(claims), steps


def _gates(
    gates: Sequence[Gate], outcome: Outcome, changes: Mapping[str, NDArray[np.float64]]
) -> tuple[GateResult, ...]:
    results = []
    for gate in gates:
        if outcome.has(gate.indicator):
            before, after = outcome.pair(gate.indicator)
            results.append(judge(gate, float(after - before), changes.get(gate.indicator, np.array([]))))
        else:
            results.append(judge(gate, None, np.array([]), _why(outcome, gate.indicator)))
    return tuple(results)


def _why(outcome: Outcome, word: str) -> str:
    return outcome.planner.lacks(word) or f"{word} was not part of this run"


def _told(answer: Answer, outcome: Outcome, edits: Sequence[BoundEdit], findings: tuple[str, ...]) -> Answer:
    told = Answer(**{**vars(answer), "findings": findings})
    return Answer(**{**vars(told), "summary": summary_of(told, outcome, edits)})


def check_scenario(scenario: Scenario, city: City) -> list[str]:
    """Say which edits no longer fit a changed city: one sentence each, none when all fit."""
    problems = []
    for edit in scenario.edits:
        try:
            bind(scenario.model_copy(update={"edits": (edit,)}), city)
        except ScenarioError as error:
            problems.append(str(error))
    return problems
