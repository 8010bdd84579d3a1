"""A plan's values for all places at once, today and with it: run once, kept as plain arrays, read without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.errors import StorageError
from synapolis.layers.city import City
from synapolis.layers.grid import Grid
from synapolis.scenarios.bind import bind
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.pictures import flood_note, zone_names
from synapolis.scenarios.rehearse import Outcome, Rehearsal, run_both
from synapolis.scenarios.run import Progress
from synapolis.scenarios.telling import hot_day_note

SEEN = ("median_travel_time", "mean_time_to_jobs", "car_time", "monthly_rent", "utci", "flood_depth")
"""Words that are told at a place."""
BESIDE = ("zones", "road_network", "built_height")
"""Words that say where values belong: areas, groups of zones in traffic, roofs."""


@dataclass(frozen=True)
class Surveyed:
    """A plan's values by place at both stages, as plain arrays.

    `values` holds (before, after) by word: (zone, zone) or (zone,) or (row, column), all float32; `group` the row of
    `car_time` of each zone; `missing` why a word is not there; `notes` what stands beside it.
    """

    title: str
    currency: str
    grid: Grid
    zones: NDArray[Any]
    names: tuple[str, ...]
    group: NDArray[np.int64]
    values: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    missing: Mapping[str, str]
    notes: Mapping[str, str]
    illustrative: tuple[str, ...] = ()

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The zones, to be found by place."""
        return shapely.STRtree(self.zones)

    def zone_at(self, x: float, y: float) -> int | None:
        """Row of the zone at a place, or of the nearest within 300 m; None where there is none."""
        if not len(self.zones):
            return None
        point = shapely.Point(x, y)
        inside = self.tree.query(point, predicate="intersects")
        if len(inside):
            return int(inside.min())
        near = self.tree.query_nearest(point, max_distance=300.0)
        return int(near.min()) if len(near) else None

    def name_at(self, x: float, y: float) -> str:
        """Name of the zone at a place; empty where there is none."""
        row = self.zone_at(x, y)
        return "" if row is None else self.names[row]


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


def save_surveyed(surveyed: Surveyed, path: Path) -> Path:
    """Write what was surveyed whole into one file, or not at all.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    arrays: dict[str, Any] = {"group": surveyed.group}
    pieces = [shapely.to_wkb(shape) for shape in surveyed.zones]
    arrays["zones"] = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    arrays["zone_ends"] = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    for word, (before, after) in surveyed.values.items():
        arrays[f"before_{word}"] = before
        if not np.array_equal(before, after, equal_nan=True):
            arrays[f"after_{word}"] = after
    facts = {
        "title": surveyed.title, "currency": surveyed.currency, "grid": vars(surveyed.grid),
        "names": surveyed.names, "missing": dict(surveyed.missing), "notes": dict(surveyed.notes),
        "illustrative": surveyed.illustrative,
    }  # fmt: skip
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    scratch = path.with_name(f".{path.name}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(scratch, **arrays)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}; free some space") from error
    return path


def load_surveyed(path: Path) -> Surveyed:
    """Read what `save_surveyed` wrote.

    Raises
    ------
    StorageError
        When there is no such file, or it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        facts = json.loads(arrays["facts"].tobytes())
        words = [name.removeprefix("before_") for name in arrays if name.startswith("before_")]
        return Surveyed(
            title=facts["title"],
            currency=facts["currency"],
            grid=Grid(**facts["grid"]),
            zones=_shapes(arrays["zones"].tobytes(), arrays["zone_ends"].tolist()),
            names=tuple(facts["names"]),
            group=arrays["group"],
            values={word: _pair(arrays, word) for word in words},
            missing=facts["missing"],
            notes=facts["notes"],
            illustrative=tuple(facts["illustrative"]),
        )  # fmt: skip
    except (OSError, KeyError, ValueError, TypeError, EOFError) as error:
        raise StorageError(
            f"{path} does not hold a surveyed plan ({error}); delete it, and it is made again"
        ) from error


def _shapes(whole: bytes, ends: Sequence[int]) -> NDArray[Any]:
    starts = [0, *ends][: len(ends)]
    pieces = [whole[start:end] for start, end in zip(starts, ends, strict=True)]
    return np.asarray(shapely.from_wkb(np.array(pieces, dtype=object))) if pieces else np.array([], dtype=object)


def _pair(arrays: Mapping[str, NDArray[Any]], word: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values today and with the plan; kept once where they are the same."""
    before = arrays[f"before_{word}"]
    return before, arrays.get(f"after_{word}", before)
