"""Runs a plan once for all that is told at a place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synapolis.layers.city import City
from synapolis.scenarios.bind import bind
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.pictures import flood_note, zone_names
from synapolis.scenarios.rehearse import Outcome, Rehearsal, run_both
from synapolis.scenarios.run import Progress
from synapolis.scenarios.surveyed import Surveyed
from synapolis.scenarios.telling import hot_day_note

SEEN = ("median_travel_time", "mean_time_to_jobs", "car_time", "monthly_rent", "utci", "flood_depth")
"""Words that are told at a place."""
BESIDE = ("zones", "road_network", "built_height")
"""Words that say where values belong: areas, groups of zones in traffic, roofs."""


def survey_plan(
    city: City, scenario: Scenario, cache: Cache, *, progress: Progress | None = None
) -> tuple[Surveyed, Outcome]:
    """Run a plan for all that is told at a place, at both stages; nothing found in the cache is computed again.

    Raises
    ------
    ScenarioError
        When an edit does not fit the city.
    """
    edits = bind(scenario, city)
    words = (*SEEN, *BESIDE)
    wanted = Rehearsal(scenario, words, members=0, gates=())
    outcome = run_both(city, edits, wanted, cache, pictures=False, progress=progress)
    return _surveyed(city, outcome), outcome


def _surveyed(city: City, outcome: Outcome) -> Surveyed:
    zones = outcome.value("zones", 0) if outcome.has("zones") else None
    group = np.asarray(outcome.value("road_network", 0).zone_group) if outcome.has("road_network") else np.arange(0)
    groups = int(group.max(initial=-1)) + 1
    values, notes = {}, {}
    for word in SEEN:
        if not outcome.has(word):
            continue
        before, after = (np.asarray(value, dtype=np.float32) for value in outcome.pair(word))
        if word == "car_time":
            before, after = (times[:groups, :groups] for times in (before, after))  # gateways come and go
        if before.shape == after.shape:
            values[word] = _on_ground(outcome, before, after) if word == "utci" else (before, after)
    if "utci" in values:
        notes["utci"] = hot_day_note(outcome)
    if "flood_depth" in values:
        notes["flood_depth"] = flood_note(outcome)
    missing = {word: _needs(outcome, word) for word in SEEN if word not in values}
    return Surveyed(
        title=city.title,
        currency=city.currency,
        grid=city.grid,
        zones=np.array([], dtype=object) if zones is None else zones.geometry.to_numpy(),
        names=() if zones is None else tuple(zone_names(city, zones)),
        group=group,
        values=values,
        missing=missing,
        notes=notes,
        illustrative=("flood_depth",) if "terrain" not in city.layers else (),
    )  # fmt: skip


def _on_ground(
    outcome: Outcome, before: NDArray[np.float32], after: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Felt temperature where people walk: not on roofs, of today or of the plan."""
    if not outcome.has("built_height"):
        return before, after
    roofs = np.zeros(before.shape, dtype=bool)
    for height in outcome.pair("built_height"):
        roofs |= np.asarray(height) > 0
    return np.where(roofs, np.nan, before), np.where(roofs, np.nan, after)


def _needs(outcome: Outcome, word: str) -> str:
    lacks = outcome.planner.lacks(word) or outcome.missing.get(word) or "its values before and after do not line up"
    return f"not computable: {lacks.removeprefix('not computable: ')}"
