"""Where to build: candidate sites, hard limits, the effect of each through the same models, and the Pareto front.

Candidates are connected patches of free ground, grouped with their neighbours until they hold a fair share of the
homes; free ground is never sea, water, rail, street or square. Each candidate is rehearsed like any scenario, so its
scores are the models' own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError, ScenarioError
from synapolis.indicators.gates import AFFORDABILITY, judge
from synapolis.layers.city import City
from synapolis.models.housing.sites import free_patches
from synapolis.scenarios.answer import Answer, Claim, Evidence, MapLayer, Site, answer_hash
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Area
from synapolis.scenarios.ensemble import influence, interval, sample
from synapolis.scenarios.pictures import district_areas
from synapolis.scenarios.plan import BoundEdit, Planner, ancestors
from synapolis.scenarios.provenance import assumptions_used, layers_used, steps_of, versions_of
from synapolis.scenarios.run import Progress, Ran, run
from synapolis.scenarios.sweep import Sweep, Task
from synapolis.scenarios.views import view_of

SEED = 20190421
GROUP_REACH = 120.0  # [m] patches closer than this are one candidate
MOST_CANDIDATES = 20
SITING_MEMBERS = 8

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
class Candidate:
    """A group of free patches that could take homes."""

    name: str
    geometry: Any
    free_ground: float


def choose_sites(
    city: City, siting: Siting, cache: Cache, *, sweep: Sweep | None = None, progress: Progress | None = None
) -> tuple[Answer, Evidence]:
    """Rank places for new homes.

    Raises
    ------
    NotComputableError
        When the city lacks what free ground or the aims are made from.
    ScenarioError
        When no candidate is left in the area.
    """
    start = time.perf_counter()
    aims = _aims(city, siting)
    candidates = find_candidates(city, siting, cache)
    share = max(1, int(np.ceil(siting.homes / max(1, min(len(candidates), 8)))))
    edits = [_edit(candidate, share, number) for number, candidate in enumerate(candidates, start=1)]
    sweep = sweep or Sweep()
    members = _members(city, edits, aims, siting)
    words = (*aims, "homes_placed")
    groups = [[Task((edit,), words, member) for edit in edits] for member in members]
    numbers = sweep.map(city, groups, cache, progress=progress)
    shape = len(members), len(candidates), len(aims)
    table, homes = np.full(shape, np.nan), np.zeros(shape[:2])  # change per home by member; homes by member
    for m, k in np.ndindex(*shape[:2]):
        found = numbers[m][k]
        if found is not None and found["homes_placed"][1] > 0:
            homes[m, k] = found["homes_placed"][1]
            table[m, k] = [(found[word][1] - found[word][0]) / homes[m, k] for word in aims]
    return _answer(city, siting, candidates, edits, aims, table, homes, members, sweep, cache, start)


def find_candidates(city: City, siting: Siting, cache: Cache) -> list[Candidate]:
    """Connected free ground, grouped with close neighbours, named after what is near; the largest come first."""
    planner = Planner(city)
    wanted = planner.want("free_ground")
    free = run([wanted], cache).value(wanted)
    if siting.area is not None:
        free = free & city.grid.mask([find_area(siting.area, city).geometry])
    least = float(planner.assumption("min_site_area").value)
    patches = free_patches(free, city.grid, min_area=least)
    if not patches:
        where = f" in {siting.area}" if siting.area is not None else ""
        raise ScenarioError(
            f"no free ground of at least {least:,.0f} m²{where}: every place is built on, green, water, street, rail or "
            "square; ask for another area, or for homes on roofs (`add homes in …`)"
        )
    groups = _grouped(patches)
    names = _names(city, [shapely.union_all(group) for group in groups])
    found = [
        Candidate(name, shapely.union_all(group), float(sum(patch.area for patch in group)))
        for name, group in zip(names, groups, strict=True)
    ]
    return sorted(found, key=lambda candidate: -candidate.free_ground)[:MOST_CANDIDATES]


def _grouped(patches: Sequence[Any]) -> list[list[Any]]:
    if len(patches) == 1:
        return [list(patches)]
    centres = shapely.get_coordinates(shapely.centroid(np.array(patches)))
    labels = fcluster(linkage(centres, "complete"), 2 * GROUP_REACH, "distance")
    return [[patches[i] for i in np.flatnonzero(labels == label)] for label in np.unique(labels)]


def _names(city: City, shapes: Sequence[Any]) -> list[str]:
    """Name sites by district and closest named street."""
    streets = city.layers["streets"].value if "streets" in city.layers else None
    named = streets[streets["name"].astype(str).str.len() > 0] if streets is not None else None
    districts = district_areas(city)
    smallest = sorted(districts.items(), key=lambda item: item[1].area)
    names: list[str] = []
    for shape in shapes:
        centre = shapely.centroid(shape)
        district = next((name for name, area in smallest if area.covers(centre)), "")
        street = ""
        if named is not None and len(named):
            street = str(named["name"].iloc[int(np.argmin(named.geometry.distance(shape).to_numpy()))])
        label = f"{street}, {district}" if street and district else street or district or "site"
        names.append(label if label not in names else f"{label} ({sum(n.startswith(label) for n in names) + 1})")
    return names


def _edit(candidate: Candidate, homes: int, number: int) -> BoundEdit:
    values = {"edit_id": f"site{number}", "edit_area": candidate.geometry, "edit_homes": float(homes)}
    return BoundEdit(f"site{number}", "add_homes", ("add_homes",), values, f"{homes:,} homes at {candidate.name}",
                     {"amount": float(homes), "unit": "home"})  # fmt: skip


def _aims(city: City, siting: Siting) -> list[str]:
    unknown = siting.weights.keys() - AIMS.keys()
    if unknown:
        raise ScenarioError(f"no aim is called {', '.join(sorted(unknown))}; aims are {', '.join(AIMS)}")
    planner = Planner(city)
    if planner.why_not("free_ground") or planner.why_not("buildings"):
        raise NotComputableError(
            f"not computable: {city.title} has no {planner.why_not('buildings') and 'buildings' or 'free ground'}, "
            "which siting needs"
        )
    small = (
        np.hypot(city.extent.bounds[2] - city.extent.bounds[0], city.extent.bounds[3] - city.extent.bounds[1]) < 4000
    )
    skip = {"mean_jobs_within_30_min"} if small else {"mean_jobs_within_10_min", "mean_jobs_within_15_min"}
    return [word for word in AIMS if word not in skip and planner.why_not(word) is None]


def _members(city: City, edits: Sequence[BoundEdit], aims: Sequence[str], siting: Siting) -> list[dict[str, float]]:
    planner = Planner(city, edits[:1])
    refs = [planner.want(word) for word in aims]
    names = sorted({node.name for node in ancestors(refs) if node.kind == "assumption"})
    drawn = sample([planner.assumption(name) for name in names], members=siting.members, seed=siting.seed)
    return [{}, *drawn]


def utilities(table: NDArray[np.float64], aims: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Weighted sum of the aims, each scaled to [0, 1] over the candidates of a member.

    Parameters
    ----------
    table : (member, candidate, aim) change per home; NaN where a candidate takes no home

    Returns
    -------
    (member, candidate)
        NaN where a candidate takes no home.
    """
    signed = table * np.array([AIMS[word] for word in aims])
    low, high = np.nanmin(signed, axis=1, keepdims=True), np.nanmax(signed, axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1.0)
    weight = np.array([weights.get(word, 1.0) for word in aims])
    return np.asarray(((signed - low) / spread) @ weight / max(weight.sum(), 1e-12))


def pareto_front(table: NDArray[np.float64], aims: Sequence[str]) -> NDArray[np.bool_]:
    """Candidates that no other one beats on every aim. `table` is (candidate, aim)."""
    signed = table * np.array([AIMS[word] for word in aims])
    usable = np.isfinite(signed).all(axis=1)
    front = usable.copy()
    for i in np.flatnonzero(usable):
        others = signed[usable]
        front[i] = not np.any((others >= signed[i]).all(axis=1) & (others > signed[i]).any(axis=1))
    return front


def _answer(
    city: City,
    siting: Siting,
    candidates: Sequence[Candidate],
    edits: Sequence[BoundEdit],
    aims: Sequence[str],
    table: NDArray[np.float64],
    homes: NDArray[np.float64],
    members: Sequence[Mapping[str, float]],
    sweep: Sweep,
    cache: Cache,
    start: float,
) -> tuple[Answer, Evidence]:
    able = np.flatnonzero(homes[0] > 0)
    if not len(able):
        raise ScenarioError("no candidate takes a single home under the massing rules; ask for another area")
    table, homes, candidates = table[:, able], homes[:, able], [candidates[i] for i in able]
    utility = utilities(table, aims, siting.weights)
    order = np.argsort(-utility[0], kind="stable")
    top = max(1, min(5, len(order)))
    best = [set(np.argsort(-np.nan_to_num(row, nan=-1))[:top]) for row in utility]
    stability = np.array([np.mean([k in chosen for chosen in best]) for k in range(len(candidates))])
    front = pareto_front(table[0], aims)
    sites = tuple(
        Site(
            name=candidates[k].name, rank=rank, homes=float(homes[0, k]), on_front=bool(front[k]),
            stability=float(stability[k]), scores={word: float(v) for word, v in zip(aims, table[0, k], strict=True)},
            reason=_reason(k, table[0], aims, homes[0], candidates[k]), geometry=candidates[k].geometry,
        )
        for rank, k in enumerate(order, start=1)
    )  # fmt: skip
    chosen, count = _enough(order, homes[0], siting.homes)
    return _told(city, siting, sites, chosen, count, aims, [edits[i] for i in able], members, sweep, cache, start)


def _enough(order: NDArray[np.intp], homes: NDArray[np.float64], wanted: int) -> tuple[int, float]:
    """How many of the best sites it takes to place the wanted homes, and how many homes they take."""
    sums = np.cumsum(homes[order])
    reached = np.flatnonzero(sums >= wanted)
    count = int(reached[0]) + 1 if len(reached) else len(order)
    return count, float(min(sums[count - 1], wanted))


def _reason(
    k: int, table: NDArray[np.float64], aims: Sequence[str], homes: NDArray[np.float64], candidate: Candidate
) -> str:
    """Say in one sentence where a candidate stands on each aim among the others."""
    said = []
    for j, word in enumerate(aims):
        signed = table[:, j] * AIMS[word]
        better = int(np.sum(signed > signed[k] + 1e-12))
        if np.ptp(signed) <= 1e-9 * max(1.0, float(np.abs(signed).max())):
            continue
        says = view_of(word, REGISTRY.quantities[word].unit).says.lower()
        if better < max(1, len(table) // 4):
            said.append(f"among the best for {says}")
        elif better >= len(table) - max(1, len(table) // 4):
            said.append(f"among the worst for {says}")
    ground = f"{candidate.free_ground / 10_000:.2f} ha of free ground, {homes[k]:,.0f} homes"
    return f"{ground}; {', '.join(said)}." if said else f"{ground}; middling on every aim."


def _told(
    city: City,
    siting: Siting,
    sites: tuple[Site, ...],
    chosen: int,
    count: float,
    aims: Sequence[str],
    edits: Sequence[BoundEdit],
    members: Sequence[Mapping[str, float]],
    sweep: Sweep,
    cache: Cache,
    start: float,
) -> tuple[Answer, Evidence]:
    """Rehearse the chosen sites together and put the answer into words."""
    by_name = {edit.says.split(" homes at ", 1)[1]: edit for edit in edits}
    together = [by_name[site.name] for site in sites[:chosen]]
    planner = Planner(city, together)
    words = [
        *aims,
        *(
            gate.indicator
            for gate in AFFORDABILITY
            if gate.indicator not in aims and not planner.why_not(gate.indicator)
        ),
    ]
    refs = [planner.want(word, stage) for word in (*words, "homes_placed") for stage in (0, planner.last)]
    ran = run(refs, cache)
    groups = [[Task(tuple(together), tuple(words), member)] for member in members[1:]]
    found = [numbers for (numbers,) in sweep.map(city, groups, cache) if numbers is not None]
    changes = {word: np.array([numbers[word][1] - numbers[word][0] for numbers in found]) for word in words}
    claims = tuple(_claim(city, word, planner, ran, changes[word]) for word in words)
    influences = {
        word: influence(list(members[1:]), values) if len(values) == len(members) - 1 else {}
        for word, values in changes.items()
    }
    gates = tuple(
        judge(
            gate,
            float(ran.value(planner.want(gate.indicator)) - ran.value(planner.want(gate.indicator, 0))),
            changes[gate.indicator],
        )
        if gate.indicator in words
        else judge(gate, None, np.array([]), planner.why_not(gate.indicator) or "")
        for gate in AFFORDABILITY
    )
    frame = gpd.GeoDataFrame(
        {"homes": [site.homes for site in sites], "name": [site.name for site in sites]},
        geometry=[site.geometry for site in sites], crs=city.crs, index=[f"site {site.rank}" for site in sites],
    )  # fmt: skip
    picture = MapLayer("Candidate sites", "homes", "homes", "sites", None, frame["homes"].to_numpy(dtype=float), frame)
    answer = Answer(
        status="answered", question=siting.question, city=city.title, city_hash=city.digest, actor=siting.actor,
        purpose=siting.purpose, summary=_summary(siting, sites, chosen, count, len(members) - 1),
        findings=tuple(f"{site.rank}. {site.name}: {site.reason}" for site in sites[:8]),
        scenario={"siting": {"homes": siting.homes, "weights": dict(siting.weights)}}, want=tuple(aims), claims=claims,
        gates=gates, assumptions=assumptions_used(planner, refs, influences), layers=layers_used(city, refs),
        steps=steps_of(ran, refs, planner.last), sites=sites, attribution=city.attribution,
        not_computable={word: f"needs {Planner(city).why_not(word)}" for word in AIMS if word not in aims and Planner(city).why_not(word)},
        statistics={
            "nodes": float(len(ran.entries)), "computed": float(len(ran.computed)), "cached": float(ran.cached),
            "members": float(len(members) - 1), "scenarios": float(len(members) * len(edits)), "seconds": time.perf_counter() - start,
        },
        hash=answer_hash(city_hash=city.digest, scenario={"siting": siting.homes, "area": str(siting.area)},
                         want=tuple(aims), versions=versions_of(refs), seed=siting.seed),
    )  # fmt: skip
    return answer, Evidence(city, (picture,), changes)


def _claim(city: City, word: str, planner: Planner, ran: Ran, changes: NDArray[np.float64]) -> Claim:
    view = view_of(word, REGISTRY.quantities[word].unit)
    before, after = (float(ran.value(planner.want(word, stage))) * view.scale for stage in (0, planner.last))
    low, high = interval(np.append(changes, (after - before) / view.scale))
    low, high = low * view.scale, high * view.scale
    grain = -int(np.floor(np.log10(view.grain)))
    return Claim(
        id=word, text=f"{view.says}, with the homes on the chosen sites", quantity=word,
        unit=view.unit.replace("money", city.currency or "money"), before=before, after=after, change=after - before,
        low=low, high=high, detectable=not low <= 0 <= high and abs(after - before) >= view.grain, digits=grain,
        origin=planner.want(word).node.origin, run_path=f"{planner.want(word).node.name}:{ran.keys[id(planner.want(word).node)][:12]}",
    )  # fmt: skip


def _summary(siting: Siting, sites: Sequence[Site], chosen: int, count: float, members: int) -> str:
    names = [site.name for site in sites[: min(chosen, 5)]]
    listed = "; ".join(names) + (f" and {chosen - 5} more" if chosen > 5 else "")
    steady = sum(site.stability >= 0.8 for site in sites[: min(5, len(sites))])
    full = count >= siting.homes
    lead = (
        f"{siting.homes:,} homes fit on the best {chosen} of {len(sites)} sites of free ground: {listed}."
        if full
        else f"Only {count:,.0f} of {siting.homes:,} homes fit on free ground, on {chosen} sites: {listed}. "
        "The rest needs roofs, greater height or ground now in other use."
    )
    return (
        f"{lead} {sum(site.on_front for site in sites)} sites are on the Pareto front: no other is better on every aim. "
        f"Of the first five, {steady} stay among the first five in at least 80 % of {members} runs with other assumptions. "
        "Sites are never sea, water, rail, street, square or park."
    )
