"""Where to build: the effect of homes on each candidate through the same models, the Pareto front, and a choice.

Each candidate is rehearsed like any scenario, so its scores are the models' own. Gates are judged on the chosen
places together; what a gate blocks is never recommended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import REGISTRY, registered
from synapolis.core.errors import NotComputableError, ScenarioError
from synapolis.indicators.gates import AFFORDABILITY, GateResult, judge
from synapolis.layers.city import City
from synapolis.scenarios.answer import Answer, Claim, Evidence, MapLayer, Site, answer_hash
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.candidates import Candidate, find_candidates
from synapolis.scenarios.edits import Area
from synapolis.scenarios.ensemble import influence, sample
from synapolis.scenarios.plan import BoundEdit, Planner, ancestors
from synapolis.scenarios.provenance import assumptions_used, layers_used, steps_of, versions_of
from synapolis.scenarios.rehearse import SEED, claim_of
from synapolis.scenarios.run import NodeFailedError, Progress, Ran, run
from synapolis.scenarios.sweep import Sweep, Task
from synapolis.scenarios.views import view_of

SITING_MEMBERS = 5
SMALL_CITY = 4000.0  # [m] corner to corner: below it nearly everything is within 30 minutes on foot
WORTH_A_SITE = 0.01
"""Places that take less than this share of the homes that fit are left out."""
FIRST = 5
"""A site is steady when it stays among this many best."""

AIMS: Mapping[str, float] = {
    "runoff_volume": -1.0,
    "mean_jobs_within_10_min": 1.0,
    "mean_jobs_within_15_min": 1.0,
    "mean_jobs_within_30_min": 1.0,
    "vehicle_kilometres": -1.0,
    "total_capital_cost": -1.0,
    "lowest_group_rent_burden": -1.0,
}
"""What is better: more (+1) or less (-1). Those that cannot be had for a city are left out and named."""


@dataclass(frozen=True)
class Siting:
    """A request: how many homes, within which area, and how aims weigh against each other (default: equally)."""

    homes: int
    area: Area | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    question: str = ""
    actor: str = "local user"
    purpose: str = "planning"
    members: int = SITING_MEMBERS
    seed: int = SEED


@dataclass(frozen=True)
class Scores:
    """Change per home of each aim, and homes taken, by member (the first has central assumptions) and candidate."""

    aims: tuple[str, ...]
    table: NDArray[np.float64]  # (member, candidate, aim)
    homes: NDArray[np.float64]  # (member, candidate)


def choose_sites(
    city: City, siting: Siting, cache: Cache, *, sweep: Sweep | None = None, progress: Progress | None = None
) -> tuple[Answer, Evidence]:
    """Rank places for new homes and choose the best that hold them.

    Raises
    ------
    NotComputableError
        When the city lacks what free ground or the aims are made from.
    ScenarioError
        When no candidate takes a home, or a weight names no aim.
    """
    start, sweep = time.perf_counter(), sweep or Sweep()
    aims, excluded = _tried(city, siting.weights, cache)
    area = find_area(siting.area, city).geometry if siting.area is not None else None
    candidates = find_candidates(city, cache, area=area)
    members = _members(Planner(city, [candidates[0].edit(siting.homes, 1)], excluded=excluded), aims, siting)
    scores = _score(city, candidates, aims, members, siting, excluded, cache, sweep, progress)
    fit = min(float(siting.homes), float(scores.homes[0].sum()))
    able = np.flatnonzero(scores.homes[0] >= max(1.0, WORTH_A_SITE * fit))
    if not len(able):
        raise ScenarioError("no candidate takes a single home under the massing rules; ask for another area")
    candidates = [candidates[k] for k in able]
    scores = Scores(scores.aims, scores.table[:, able], scores.homes[:, able])
    sites = rank_sites(candidates, scores, siting.weights)
    chosen = _choose(candidates, sites, siting.homes)
    return _answer(siting, sites, Planner(city, chosen, excluded=excluded), members, cache, sweep, start)


def _tried(city: City, weights: Mapping[str, float], cache: Cache) -> tuple[tuple[str, ...], dict[str, str]]:
    """Aims that can be had once run, and the models that found nothing to compute from, each with its reason."""
    excluded: dict[str, str] = {}
    while True:
        aims = aims_of(city, weights, excluded)
        planner = Planner(city, excluded=excluded)
        gates = [gate.indicator for gate in AFFORDABILITY if planner.why_not(gate.indicator) is None]
        try:
            run([planner.want(word, 0) for word in (*aims, *gates)], cache)
        except NodeFailedError as error:
            if error.model in excluded:
                raise
            excluded[error.model] = error.reason
            continue
        return aims, excluded


def aims_of(city: City, weights: Mapping[str, float], excluded: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Aims that can be had for a city without the excluded models; in a small one, access within shorter times.

    Raises
    ------
    ScenarioError
        A weight that names no aim, or is below 0.
    NotComputableError
        The city has no buildings or no free ground.
    """
    unknown = [name for name, weight in weights.items() if name not in AIMS or weight < 0]
    if unknown:
        raise ScenarioError(f"weights are at least 0 for {', '.join(AIMS)}; got {', '.join(sorted(unknown))}")
    planner = Planner(city, excluded=excluded)
    for word in ("buildings", "free_ground"):
        planner.want(word, 0)
    left, bottom, right, top = city.extent.bounds
    small = np.hypot(right - left, top - bottom) < SMALL_CITY
    skip = {"mean_jobs_within_30_min"} if small else {"mean_jobs_within_10_min", "mean_jobs_within_15_min"}
    aims = tuple(word for word in AIMS if word not in skip and planner.why_not(word) is None)
    if not aims:
        raise NotComputableError(f"not computable: {city.title} has nothing that sites could be compared by")
    return aims


def _members(planner: Planner, aims: Sequence[str], siting: Siting) -> list[dict[str, float]]:
    """Central assumptions first, then seeded samples of everything the aims rest on."""
    nodes = ancestors([planner.want(word) for word in aims])
    names = sorted({node.name for node in nodes if node.kind == "assumption"})
    known = [planner.assumption(name) for name in names]
    return [{}, *sample(known, members=siting.members, seed=siting.seed)]


def _score(
    city: City,
    candidates: Sequence[Candidate],
    aims: tuple[str, ...],
    members: Sequence[Mapping[str, float]],
    siting: Siting,
    excluded: Mapping[str, str],
    cache: Cache,
    sweep: Sweep,
    progress: Progress | None,
) -> Scores:
    """Rehearse every candidate in every member; each is asked for all homes and takes what it can."""
    words = (*aims, "homes_placed")
    edits = [candidate.edit(siting.homes, number) for number, candidate in enumerate(candidates, start=1)]
    groups = [[Task((edit,), words, member, excluded=excluded) for edit in edits] for member in members]
    numbers = sweep.map(city, groups, cache, progress=progress)
    table = np.full((len(members), len(candidates), len(aims)), np.nan)
    homes = np.zeros(table.shape[:2])
    for m, k in np.ndindex(*homes.shape):
        found = numbers[m][k]
        if found is not None and found["homes_placed"][1] > 0:
            homes[m, k] = found["homes_placed"][1]
            table[m, k] = [(found[word][1] - found[word][0]) / homes[m, k] for word in aims]
    return Scores(aims, table, homes)


def utilities(table: NDArray[np.float64], aims: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Weighted mean of the aims, each scaled to [0, 1] over the candidates of a member.

    Parameters
    ----------
    table : (member, candidate, aim) change per home; NaN where a candidate takes no home

    Returns
    -------
    (member, candidate)
        NaN where a candidate takes no home.
    """
    signed = table * np.array([AIMS[word] for word in aims])
    usable = np.isfinite(signed)
    low = np.where(usable, signed, np.inf).min(axis=1, keepdims=True)
    high = np.where(usable, signed, -np.inf).max(axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1.0)
    weight = np.array([weights.get(word, 1.0) for word in aims])
    low = np.where(np.isfinite(low), low, 0.0)
    return np.asarray(((signed - low) / np.where(np.isfinite(spread), spread, 1.0)) @ weight / max(weight.sum(), 1e-12))


def pareto_front(table: NDArray[np.float64], aims: Sequence[str]) -> NDArray[np.bool_]:
    """Candidates that no other one beats on every aim. `table` is (candidate, aim)."""
    signed = table * np.array([AIMS[word] for word in aims])
    usable = np.isfinite(signed).all(axis=1)
    front: NDArray[np.bool_] = usable.copy()
    for i in np.flatnonzero(usable):
        others = signed[usable]
        front[i] = not bool(np.any((others >= signed[i]).all(axis=1) & (others > signed[i]).any(axis=1)))
    return front


@registered(
    kind="rule",
    version="1",
    name="siting",
    decision="Where homes are suggested first.",
    data=("change per home of each aim at each candidate", "weights of the aims", "ensemble"),
    method="Each aim is scaled over the candidates and weighted; the Pareto front and how often a site stays among "
    "the first five are stated.",
    source="Keeney, R. L., and Raiffa, H. (1976). Decisions with Multiple Objectives (additive value function); "
    "Pareto dominance.",
    limits="Weights are the asker's; scaling makes a score depend on the other candidates.",
    risks="A single number hides who loses: scores per aim, gates and the front stand beside it.",
    tests="tests/scenarios/test_siting.py",
)
def rank_sites(candidates: Sequence[Candidate], scores: Scores, weights: Mapping[str, float]) -> tuple[Site, ...]:
    """Sites from best to worst, with their front, their reason, and how often they stay among the first five."""
    utility = utilities(scores.table, scores.aims, weights)
    order = np.argsort(-utility[0], kind="stable")
    best = [set(np.argsort(-np.nan_to_num(row, nan=-1.0), kind="stable")[:FIRST].tolist()) for row in utility]
    front = pareto_front(scores.table[0], scores.aims)
    return tuple(
        Site(
            name=candidates[k].name,
            rank=rank,
            homes=float(scores.homes[0, k]),
            on_front=bool(front[k]),
            stability=float(np.mean([int(k) in chosen for chosen in best])),
            scores={word: float(v) for word, v in zip(scores.aims, scores.table[0, k], strict=True)},
            reason=_reason(int(k), scores, candidates[k]),
            geometry=candidates[k].geometry,
        )
        for rank, k in enumerate(order, start=1)
    )


def _reason(k: int, scores: Scores, candidate: Candidate) -> str:
    """Say in one sentence where a candidate stands on each aim among the others."""
    ends: dict[str, list[str]] = {"among the best for": [], "among the worst for": []}
    table = scores.table[0]
    few = max(1, len(table) // 4)
    for j, word in enumerate(scores.aims):
        signed = table[:, j] * AIMS[word]
        if np.ptp(signed) <= 1e-9 * max(1.0, float(np.abs(signed).max())):
            continue
        better = int(np.sum(signed > signed[k] + 1e-12))
        if better < few:
            ends["among the best for"].append(view_of(word, "").short)
        elif better >= len(table) - few:
            ends["among the worst for"].append(view_of(word, "").short)
    said = [f"{end} {', '.join(words)}" for end, words in ends.items() if words] or ["in the middle on every aim"]
    place = "of free ground" if candidate.kind == "free ground" else "of footprint to build on top of"
    return f"{candidate.size / 10_000:.2f} ha {place}, room for {scores.homes[0, k]:,.0f} homes; {'; '.join(said)}."


def _choose(candidates: Sequence[Candidate], sites: Sequence[Site], homes: int) -> list[BoundEdit]:
    """Take sites in order until the homes are placed; the last takes the rest."""
    by_name = {candidate.name: candidate for candidate in candidates}
    left, edits = float(homes), []
    for site in sites:
        if left < 1:
            break
        edits.append(by_name[site.name].edit(min(left, site.homes), site.rank))
        left -= min(left, site.homes)
    return edits


def _answer(
    siting: Siting,
    sites: tuple[Site, ...],
    planner: Planner,
    members: Sequence[Mapping[str, float]],
    cache: Cache,
    sweep: Sweep,
    start: float,
) -> tuple[Answer, Evidence]:
    """Rehearse the chosen sites together, judge the gates on them, and put the answer into words."""
    city, chosen, aims = planner.city, planner.edits, tuple(sites[0].scores)
    extra = [gate.indicator for gate in AFFORDABILITY if gate.indicator not in aims]
    words = (*aims, *(word for word in extra if planner.why_not(word) is None))
    refs = [planner.want(word, stage) for word in (*words, "homes_placed") for stage in (0, planner.last)]
    ran = run(refs, cache)
    groups = [[Task(chosen, words, member, excluded=planner.excluded)] for member in members[1:]]
    kept = [(m, found) for m, (found,) in zip(members[1:], sweep.map(city, groups, cache), strict=True) if found]
    changes = {word: np.array([found[word][1] - found[word][0] for _, found in kept]) for word in words}
    influences = {word: influence([m for m, _ in kept], values) for word, values in changes.items()}
    gates = _gates(planner, ran, words, changes)
    placed = float(ran.value(planner.want("homes_placed")))
    blocked = any(gate.outcome == "block" and gate.action == "block" for gate in gates)
    answer = Answer(
        status="answered", question=siting.question, city=city.title, city_hash=city.digest, actor=siting.actor,
        purpose=siting.purpose, want=aims, sites=sites, gates=gates, attribution=city.attribution,
        summary=_summary(siting, sites, len(chosen), placed, len(kept), blocked=blocked),
        findings=tuple(f"{site.rank}. {site.name}: {site.reason}" for site in sites[:8]),
        scenario={"siting": _asked(siting, city)},
        claims=tuple(_claim(word, planner, ran, changes[word]) for word in words),
        assumptions=assumptions_used(planner, refs, influences), layers=layers_used(city, refs),
        steps=steps_of(ran, refs, planner.last, city.grid),
        not_computable={w: why for w in AIMS if w not in aims and (why := planner.why_not(w))},
        statistics={
            "nodes": float(len(ran.entries)), "computed": float(len(ran.computed)), "cached": float(ran.cached),
            "members": float(len(kept)), "scenarios": float(len(members) * len(sites)),
            "seconds": time.perf_counter() - start,
        },
        hash=answer_hash(
            city_hash=city.digest,
            scenario={
                "homes": siting.homes, "area": siting.area and siting.area.model_dump(mode="json"),
                "weights": dict(siting.weights), "members": siting.members,
            },
            want=aims, versions=versions_of(refs), seed=siting.seed,
        ),
    )  # fmt: skip
    return answer, Evidence(
        city, (_picture(city, sites),), {w: _with_central(w, planner, ran, v) for w, v in changes.items()}
    )


def _asked(siting: Siting, city: City) -> dict[str, object]:
    """Return the request as it can be put again."""
    area = siting.area.model_dump(mode="json", exclude_none=True) if siting.area is not None else city.title
    return {"homes": siting.homes, "area": area, "weights": dict(siting.weights)}


def _with_central(word: str, planner: Planner, ran: Ran, changes: NDArray[np.float64]) -> NDArray[np.float64]:
    before, after = (float(ran.value(planner.want(word, stage))) for stage in (0, planner.last))
    return np.append(changes, after - before)


def _claim(word: str, planner: Planner, ran: Ran, changes: NDArray[np.float64]) -> Claim:
    claim = claim_of(word, planner, ran, _with_central(word, planner, ran, changes))
    return Claim(**{**vars(claim), "text": f"{claim.text}, with homes on the chosen places"})


def _gates(
    planner: Planner, ran: Ran, words: Sequence[str], changes: Mapping[str, NDArray[np.float64]]
) -> tuple[GateResult, ...]:
    results = []
    for gate in AFFORDABILITY:
        if gate.indicator in words:
            before, after = (float(ran.value(planner.want(gate.indicator, stage))) for stage in (0, planner.last))
            results.append(judge(gate, after - before, changes[gate.indicator]))
        else:
            results.append(judge(gate, None, np.array([]), planner.lacks(gate.indicator)))
    return tuple(results)


def _picture(city: City, sites: Sequence[Site]) -> MapLayer:
    frame = gpd.GeoDataFrame(
        {"homes": [site.homes for site in sites], "name": [site.name for site in sites]},
        geometry=[site.geometry for site in sites],
        crs=city.crs,
        index=[f"site {site.rank}" for site in sites],
    )
    homes = frame["homes"].to_numpy(dtype=float)
    return MapLayer(f"Candidate places for homes ({REGISTRY.quantities['homes_placed'].meaning.lower().rstrip('.')})",
                    "homes", "homes", "sites", None, homes, frame)  # fmt: skip


def _summary(siting: Siting, sites: Sequence[Site], chosen: int, placed: float, members: int, *, blocked: bool) -> str:
    names = [site.name for site in sites[: min(chosen, FIRST)]]
    listed = "; ".join(names) + (f"; and {chosen - FIRST} more" if chosen > FIRST else "")
    if blocked:
        return (
            f"No recommendation: homes on the best places ({listed}) are blocked by a gate, which is named below. "
            "Ask for fewer homes, another area, or measures that keep rents within reach."
        )
    lead = (
        f"{siting.homes:,} homes fit on the best {chosen} of {len(sites)} places: {listed}."
        if placed >= siting.homes
        else f"Only {placed:,.0f} of {siting.homes:,} homes fit, on {chosen} places: {listed}. "
        "The rest needs greater height or ground now in other use."
    )
    steady = sum(site.stability >= 0.8 for site in sites[:FIRST])
    front = sum(site.on_front for site in sites)
    return (
        f"{lead} {front} of the places are on the Pareto front: no other is better on every aim. Of the first "
        f"{min(FIRST, len(sites))}, {steady} stay among the first {FIRST} in at least 80 % of {members + 1} runs with "
        "other assumptions. No place is sea, water, rail, street, square or park."
    )
