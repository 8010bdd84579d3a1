"""Where the city stands: every indicator by the twin, else by an observation, else what it would take to know it.

One plan computes all words that indicators need, through the same run and cache as any question. With a scenario, the
same indicators are computed at both stages, so today and tomorrow are judged alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from synapolis.core.declare import REGISTRY
from synapolis.core.digest import digest
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.indicators.catalogue import TWIN, Indicator, bands, framework_key, frameworks, scopes, select
from synapolis.indicators.formulas.census import COUNTED
from synapolis.indicators.formulas.measure import SQUARE_KILOMETRE
from synapolis.indicators.gate_file import GateRule
from synapolis.indicators.gates import AFFORDABILITY, GateResult
from synapolis.indicators.observations import CITY, Benchmark, Observation, Target, latest
from synapolis.indicators.standing import NOT_JUDGED, Standing, stand
from synapolis.layers.city import City
from synapolis.scenarios.answer import Answer, Claim, answer_hash
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.ensemble import interval, sample
from synapolis.scenarios.gating import judge_rules
from synapolis.scenarios.pictures import zone_names
from synapolis.scenarios.plan import ancestors
from synapolis.scenarios.provenance import assumptions_used, layers_used, step_id, steps_of, versions_of
from synapolis.scenarios.rehearse import SEED, Outcome, Rehearsal, rehearse, run_both
from synapolis.scenarios.run import Progress
from synapolis.scenarios.sweep import Sweep, Task
from synapolis.scenarios.telling import WHOLE_TOLD
from synapolis.scenarios.views import VIEWS, view_of

SPREADS: Mapping[str, tuple[str, str]] = {
    "residents_in_affordable_housing": ("affordable_share", "higher"),
    "housing_expenditure": ("rent_burden", "lower"),
    "average_commute_time": ("mean_time_to_jobs", "lower"),
    "jobs_per_home": ("jobs_within_30_min", "higher"),
}
"""Indicators with a quantity by zone beside them that tells how unequal the city is, and which way is better."""
WORST_OFF = 0.1
"""The worst-off residents whose mean is told: a tenth."""


STILL = 1e-3
"""A change below this share of today's value is told as unchanged: figures are shown no finer."""


@dataclass(frozen=True)
class Spread:
    """How unequal a quantity is over zones, weighted by residents: the worst-off tenth, all, and the worst zone."""

    quantity: str
    unit: str
    worst: float
    mean: float
    zone: str

    @property
    def ratio(self) -> float:
        """How many times worse off the worst-off tenth is than the mean; 1 is equal."""
        pair = sorted((abs(self.worst), abs(self.mean)))
        return float("inf") if pair[0] == 0 < pair[1] else (pair[1] / pair[0] if pair[0] else 1.0)


@dataclass(frozen=True)
class Reading:
    """One indicator as the city stands.

    `basis` says whether the value is the twin's or an observation's; an observation beside a computed value is kept in
    `observation`, and never replaces it, so that scenarios compare like with like; those of areas of the city are in
    `parts`. `missing` says what it would take where there is neither.
    """

    indicator: Indicator
    value: float | None = None
    low: float | None = None
    high: float | None = None
    basis: Literal["twin", "observation", ""] = ""
    origin: str = ""
    observation: Observation | None = None
    parts: tuple[Observation, ...] = ()
    target: Target | None = None
    benchmarks: tuple[Benchmark, ...] = ()
    standing: Standing = NOT_JUDGED
    spread: Spread | None = None
    claim: Claim | None = None
    missing: str = ""

    @property
    def made_by(self) -> str:
        """Name of the model that computed it; empty where none did."""
        return self.claim.run_path.partition(":")[0] if self.claim is not None else ""

    @property
    def scope(self) -> str:
        """What the twin counts, where that is less than the indicator's name says."""
        return scopes().get(self.made_by, "")


@dataclass(frozen=True)
class Change:
    """One indicator with a scenario against the baseline."""

    indicator: Indicator
    before: float
    after: float
    low: float | None
    high: float | None
    verdict: Literal["better", "worse", "unchanged", "changed", "no detectable difference", "does not answer"]
    claim: Claim
    before_standing: Standing = NOT_JUDGED
    after_standing: Standing = NOT_JUDGED

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True)
class Judgement:
    """What a scenario does to the indicators, and what the gates say of it."""

    answer: Answer
    changes: tuple[Change, ...]
    gates: tuple[GateResult, ...]

    @property
    def blocked(self) -> bool:
        """Whether a gate blocks the scenario."""
        return self.answer.blocked


@dataclass(frozen=True)
class Baseline:
    """Every indicator of the chosen frameworks, with the run that the computed ones came from."""

    readings: tuple[Reading, ...]
    answer: Answer
    date: dt.date | None
    frameworks: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    observations: tuple[Observation, ...] = ()
    judgement: Judgement | None = None
    square_kilometres: float = 0.0
    currency: str = ""

    def reading(self, indicator: str) -> Reading:
        """The reading of an indicator by its id."""
        for reading in self.readings:
            if reading.indicator.id == indicator:
                return reading
        raise NotComputableError(f"{indicator} is not part of this baseline, which has {', '.join(self.frameworks)}")

    def problems(self) -> list[Reading]:
        """Readings that stand badly, the severe first."""
        bad = [each for each in self.readings if each.standing.level in ("severe", "problem")]
        return sorted(bad, key=lambda each: each.standing.order)

    def uneven(self) -> list[Reading]:
        """Readings whose quantity by zone is known, the most unequal first."""
        return sorted((each for each in self.readings if each.spread), key=lambda each: -_ratio(each))


@dataclass(frozen=True)
class Measuring:
    """What a baseline is made from besides the city."""

    frameworks: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()
    targets: tuple[Target, ...] = ()
    benchmarks: tuple[Benchmark, ...] = ()
    members: int = 0
    today: dt.date | None = None
    assumptions: Mapping[str, float] = field(default_factory=dict)
    actor: str = "local user"
    purpose: str = "baseline"


def measure(
    city: City,
    measuring: Measuring,
    cache: Cache,
    *,
    scenario: Scenario | None = None,
    gates: tuple[GateRule, ...] | None = None,
    sweep: Sweep | None = None,
    progress: Progress | None = None,
) -> Baseline:
    """Measure where a city stands, and with a scenario where it would stand.

    Parameters
    ----------
    city : City
    measuring : Measuring
        Which frameworks, which observations and targets, and how large an ensemble (none by default).
    cache : Cache
    scenario : Scenario, optional
        Judged by the same indicators, and by the gates.
    gates : gates that the city states, instead of those on affordability
    sweep : Sweep, optional
        Where the ensemble runs; by default in this process.

    Raises
    ------
    SourceError
        When a framework is not in the catalogue.
    ScenarioError
        When an edit does not fit the city.
    """
    chosen = tuple(dict.fromkeys(map(framework_key, measuring.frameworks))) or tuple(frameworks())
    rows = select(framework=chosen)
    words = tuple(dict.fromkeys(row.quantity for row in rows if row.quantity))
    outcome, failed = _run(city, (*words, *_by_zone(words)), measuring, cache, progress)
    numbers = _numbers(outcome, words)
    spans = _spans(city, numbers, measuring, outcome, cache, sweep, progress)
    answer = _answer(city, measuring, outcome, numbers, spans, chosen)
    claims = {claim.quantity: claim for claim in answer.claims}
    missing = {word: _lacking(outcome, word, failed) for word in words if word not in numbers}
    readings = tuple(_reading(row, claims, missing, measuring, outcome) for row in rows)
    baseline = Baseline(
        readings, answer, measuring.today, tuple(chosen), measuring.targets, measuring.observations,
        square_kilometres=float(city.extent.area) / SQUARE_KILOMETRE, currency=city.currency,
    )  # fmt: skip
    if scenario is None:
        return baseline
    tomorrow = _rehearsed(city, scenario, tuple(numbers), measuring, cache, gates, sweep, progress)
    return replace(baseline, judgement=judge_by_indicators(baseline, tomorrow, today=measuring.today))


def _rehearsed(
    city: City, scenario: Scenario, words: tuple[str, ...], measuring: Measuring, cache: Cache,
    gates: tuple[GateRule, ...] | None, sweep: Sweep | None, progress: Progress | None,
) -> Answer:  # fmt: skip
    """The answer for a scenario: judged by the gates of the city, or by those of every scenario."""
    if not words:
        asked = ", ".join(measuring.frameworks) or "any framework"
        raise NotComputableError(f"the twin computes none of the indicators of {asked} for {city.title}: no scenario "
                                 "can be judged by them; ask for more frameworks")  # fmt: skip
    words = tuple(sorted(words, key=lambda word: word not in VIEWS))  # the summary tells the first: headlines
    wanted = Rehearsal(
        scenario, words, members=measuring.members, assumptions=measuring.assumptions, actor=measuring.actor,
        purpose=measuring.purpose, question=scenario.title or "Scenario", gates=AFFORDABILITY if gates is None else (),
    )  # fmt: skip
    answer, evidence = rehearse(city, wanted, cache, sweep=sweep, progress=progress)
    answer = replace(answer, summary=answer.summary.replace(f" {WHOLE_TOLD}", ""))  # no table here tells it
    if gates is None:
        return answer
    return replace(answer, gates=judge_rules(city, scenario, gates, cache, assumptions=measuring.assumptions,
                                             changes=evidence.members))  # fmt: skip


def judge_by_indicators(baseline: Baseline, answer: Answer, *, today: dt.date | None = None) -> Judgement:
    """Judge a scenario's answer by the indicators of a baseline, and by the gates of the answer.

    Each computable indicator that the answer has a claim for: today, with the scenario, and whether that is better or
    worse by the indicator's own direction. A change that the ensemble does not tell from nothing is not called either;
    a ratio of counts that no model changes does not answer, though residents below it may.
    """
    claims = {claim.quantity: claim for claim in answer.claims if not claim.note}
    targets = {target.indicator: target for target in baseline.targets if target.area == CITY}
    changes = []
    for reading in baseline.readings:
        claim = claims.get(reading.indicator.quantity)
        if reading.claim is not None and reading.made_by in COUNTED:
            changes.append(_still(reading, reading.claim))
        elif claim is not None and claim.before is not None and claim.after is not None:
            changes.append(_change(reading, claim, targets.get(reading.indicator.id), today))
    return Judgement(answer, tuple(changes), answer.gates)


def _change(reading: Reading, claim: Claim, target: Target | None, today: dt.date | None) -> Change:
    row = reading.indicator
    scale = _scale(row)
    before, after = (float(value or 0.0) * scale for value in (claim.before, claim.after))
    low, high = (None if end is None else end * scale for end in (claim.low, claim.high))
    if _same(before, after):
        verdict: Any = "unchanged"
    elif claim.detectable is False:
        verdict = "no detectable difference"
    elif row.better == "neither":
        verdict = "changed"
    else:
        verdict = "better" if (after > before) == (row.better == "higher") else "worse"
    then, now = (stand(row, v, target=target, bands=bands().get(row.id, ()), today=today) for v in (before, after))
    return Change(row, before, after, low, high, verdict, claim, then, now)


def _still(reading: Reading, claim: Claim) -> Change:
    """A count that no model changes: a scenario says nothing of it."""
    value = float(reading.value or 0.0)
    standing = reading.standing
    return Change(reading.indicator, value, value, None, None, "does not answer", claim, standing, standing)


def _same(before: float, after: float) -> bool:
    return abs(after - before) <= STILL * abs(before)


def _scale(row: Indicator) -> float:
    """From a claim's unit to the indicator's: claims are told in the unit of their view."""
    return row.factor / view_of(row.quantity, "").scale


def _by_zone(words: Sequence[str]) -> tuple[str, ...]:
    """Quantities by zone that tell how unequal the city is, and what weighs them."""
    zoned = [SPREADS[word][0] for word in words if word in SPREADS]
    return tuple(dict.fromkeys([*zoned, "zone_population", "zones"])) if zoned else ()


def _run(
    city: City, words: Sequence[str], measuring: Measuring, cache: Cache, progress: Progress | None
) -> tuple[Outcome, dict[str, str]]:
    """Run all words as one plan; where a model fails, find which words need it, and run the others."""
    whole = Rehearsal(Scenario(), tuple(words), members=0, assumptions=measuring.assumptions, gates=())
    try:
        return run_both(city, (), whole, cache, pictures=False, progress=progress), {}
    except ModelError:
        failed: dict[str, str] = {}
    for word in words:
        one = Rehearsal(Scenario(), (word,), members=0, assumptions=measuring.assumptions, gates=())
        try:
            run_both(city, (), one, cache, pictures=False)
        except ModelError as error:
            failed[word] = str(error)
    rest = tuple(word for word in words if word not in failed)
    left = Rehearsal(Scenario(), rest, members=0, assumptions=measuring.assumptions, gates=())
    return run_both(city, (), left, cache, pictures=False, progress=progress), failed


def _numbers(outcome: Outcome, words: Sequence[str]) -> dict[str, float]:
    """Value of each word that was had and is a finite number."""
    found = {}
    for word in words:
        if word in outcome.words and outcome.has(word):
            value = outcome.value(word, 0)
            if isinstance(value, int | float | np.number) and np.isfinite(value):
                found[word] = float(value)
    return found


def _lacking(outcome: Outcome, word: str, failed: Mapping[str, str]) -> str:
    """What a word needs that this city does not have."""
    if word in failed:
        return f"a model that does not fail: {failed[word]}"
    if word in outcome.words:
        return "data that hold a finite number; what there is does not"
    needs = outcome.planner.why_not(word) or "needs more than this city has"
    while needs.startswith("needs "):
        needs = needs.removeprefix("needs ")
    return needs


def _spans(
    city: City, numbers: Mapping[str, float], measuring: Measuring, outcome: Outcome, cache: Cache,
    sweep: Sweep | None, progress: Progress | None,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Interval of each word over an ensemble of the assumptions below it; none without members."""
    words = tuple(word for word in numbers if view_of(word, "").varied)
    if not measuring.members or not words:
        return {}
    refs = [outcome.planner.want(word, 0) for word in words]
    names = sorted({node.name for node in ancestors(refs) if node.kind == "assumption"} - set(measuring.assumptions))
    members = sample([outcome.planner.assumption(n) for n in names], members=measuring.members, seed=SEED)
    groups = [[Task((), words, {**measuring.assumptions, **member}, {}, outcome.excluded)] for member in members]
    found = [task for (task,) in (sweep or Sweep()).map(city, groups, cache, progress=progress) if task is not None]
    spans = {}
    for word in words:
        values = np.array([pair[word][0] for pair in found if np.isfinite(pair[word][0])] + [numbers[word]])
        if len(values) > 1:
            low, high = interval(values)
            spans[word] = min(low, numbers[word]), max(high, numbers[word])
    return spans


def _answer(
    city: City, measuring: Measuring, outcome: Outcome, numbers: Mapping[str, float],
    spans: Mapping[str, tuple[float, float]], chosen: Sequence[str],
) -> Answer:  # fmt: skip
    """The run as an answer: its claims are today's values, and each opens into the steps below it."""
    refs = [outcome.planner.want(word, 0) for word in numbers]
    settings = {f"{name}=": repr(value) for name, value in measuring.assumptions.items()}
    given = (*measuring.observations, *measuring.targets, *measuring.benchmarks)
    stated = digest([repr(each) for each in given])
    return Answer(
        status="answered",
        question=f"Baseline of {city.title}",
        city=city.title,
        city_hash=city.digest,
        actor=measuring.actor,
        purpose=measuring.purpose,
        summary="",
        want=tuple(numbers),
        claims=tuple(_claim(word, value, spans.get(word), outcome) for word, value in numbers.items()),
        assumptions=assumptions_used(outcome.planner, refs, {}),
        layers=layers_used(city, refs),
        steps=steps_of(outcome.ran, refs, outcome.planner.last, city.grid),
        attribution=city.attribution,
        statistics={
            "nodes": float(len(ancestors(refs))),
            "computed": float(len(outcome.ran.computed)),
            "cached": float(outcome.ran.cached),
            "members": float(measuring.members),
            "seconds": outcome.ran.seconds,
        },
        hash=answer_hash(
            city_hash=city.digest,
            scenario={"baseline": list(chosen), "stated": stated, "date": str(measuring.today)},
            want=tuple(numbers),
            versions=versions_of(refs) | settings | {"members=": str(measuring.members)},
            seed=SEED,
        ),
    )


def _claim(word: str, value: float, span: tuple[float, float] | None, outcome: Outcome) -> Claim:
    node = outcome.planner.want(word, 0).node
    view = view_of(word, REGISTRY.quantities[word].unit)
    low, high = (end * view.scale for end in span) if span is not None else (None, None)
    return Claim(
        id=word, text=view.says, quantity=word, unit=view.unit, before=value * view.scale, after=None, change=None,
        low=low, high=high, origin=node.origin, run_path=step_id(outcome.ran, node), illustrative=view.illustrative,
    )  # fmt: skip


def _reading(
    row: Indicator, claims: Mapping[str, Claim], missing: Mapping[str, str], measuring: Measuring, outcome: Outcome
) -> Reading:
    observation = latest(measuring.observations, row.id)
    target = next((each for each in measuring.targets if each.indicator == row.id and each.area == CITY), None)
    marks = tuple(each for each in measuring.benchmarks if each.indicator == row.id and each.area == CITY)
    reading = Reading(row, observation=observation, parts=_parts(measuring, row.id), target=target, benchmarks=marks)
    claim = claims.get(row.quantity)
    if claim is not None and claim.before is not None:
        scale = _scale(row)
        low, high = (None if end is None else end * scale for end in (claim.low, claim.high))
        reading = replace(reading, value=claim.before * scale, low=low, high=high, basis="twin", origin=claim.origin,
                          claim=claim, spread=_spread(row, outcome))  # fmt: skip
    elif observation is not None:
        reading = replace(reading, value=observation.value, low=observation.lower, high=observation.upper,
                          basis="observation", origin="observed")  # fmt: skip
    if reading.value is None:
        return replace(reading, missing=_needs(row, missing))
    span = None if reading.low is None or reading.high is None else (reading.low, reading.high)
    found = stand(
        row, reading.value, target=target, bands=bands().get(row.id, ()), interval=span, today=measuring.today
    )
    if reading.claim is not None and reading.claim.illustrative:
        found = replace(found, sure=False)  # a point estimate that no ensemble varies
    return replace(reading, standing=found)


def _parts(measuring: Measuring, indicator: str) -> tuple[Observation, ...]:
    """The latest observation of each area of the city."""
    mine = tuple(each for each in measuring.observations if each.indicator == indicator and each.area != CITY)
    found = (latest(mine, indicator, area) for area in sorted({each.area for each in mine}))
    return tuple(each for each in found if each is not None)


def _needs(row: Indicator, missing: Mapping[str, str]) -> str:
    """Why an indicator has no value, and where it could come from."""
    if not row.is_number:
        return "is told as a table, not as one number" if row.kind != "band" else "is a band of HA-07: see there"
    if row.quantity in missing:
        return f"not computable: needs {missing[row.quantity]}; it could come from {row.needs}"
    said = f"not computable: {row.lacking}"
    return f"{said}; no model of the twin computes it yet" if row.computable_from in TWIN else said


def _spread(row: Indicator, outcome: Outcome) -> Spread | None:
    """The worst-off tenth of residents by zone, where a quantity by zone stands beside the indicator and was run."""
    word, better = SPREADS.get(row.quantity, ("", ""))
    if not word or not all(outcome.has(each) for each in (word, "zone_population", "zones")):
        return None
    values = np.asarray(outcome.value(word, 0), dtype=float)
    people = np.asarray(outcome.value("zone_population", 0), dtype=float)
    known = np.isfinite(values) & (people > 0)
    if known.sum() < 2:
        return None
    order = np.flatnonzero(known)[np.argsort(values[known])]
    order = order if better == "higher" else order[::-1]  # the worst-off first
    share = np.cumsum(people[order]) / people[order].sum()
    taken = np.diff(np.minimum(share, WORST_OFF), prepend=0.0)
    names = zone_names(outcome.planner.city, outcome.value("zones", 0))
    return Spread(
        word, REGISTRY.quantities[word].unit, float(values[order] @ taken / taken.sum()),
        float(np.average(values[known], weights=people[known])), names[order[0]],
    )  # fmt: skip


def _ratio(reading: Reading) -> float:
    return reading.spread.ratio if reading.spread is not None else 1.0
