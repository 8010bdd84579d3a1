"""Published plans as citizens see them: where they lie, what they do in plain sentences, what they rest on.

What a page asks for often is held in memory: plans as they were at most `FRESH` seconds ago, answers and values by
place for as long as they are used. So many readers cost the records and the workers nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyproj
import shapely
from starlette.concurrency import run_in_threadpool

from synapolis.civic.twin import PREFIX
from synapolis.core.home import home
from synapolis.records.tables_desk import ScenarioRow
from synapolis.report.here import EffectHere, effects_at
from synapolis.report.plain import PlainEffect, UsedAlgorithm, UsedData, algorithms_of, data_of, plain_effects
from synapolis.scenarios.surveyed import Surveyed, load_surveyed
from synapolis.web.errors import Problem
from synapolis.web.kept import Keepers, Kept, key_of
from synapolis.web.state import Desk

FRESH = 1.0
"""[s] that a list of plans is told again without asking the records."""
MOST = 200
"""Plans of one city that are shown."""
DEMO = "Synapolis demo"
"""Who made the example plans."""
READER = "citizens' window"
"""In whose name the twin is run for readers."""
FOLDER = "plans"


@dataclass(frozen=True)
class Told:
    """What a kept answer says of a plan."""

    effects: tuple[PlainEffect, ...]
    algorithms: tuple[UsedAlgorithm, ...]
    data: tuple[UsedData, ...]
    summary: str
    not_computable: Mapping[str, str]
    attribution: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A published scenario: its head, what it holds, its newest answer, and where it lies, once that is known."""

    head: ScenarioRow
    scenario: Mapping[str, Any]
    key: str
    answer: str | None
    blocked: bool
    place: Kept

    @property
    def example(self) -> bool:
        """Whether it was made up to show how this works."""
        return self.head.owner == DEMO


@dataclass(frozen=True)
class _Listed:
    until: float
    plans: tuple[Plan, ...]


class Plans:
    """The published plans of the cities of a server."""

    def __init__(self, desk: Desk, keepers: Keepers) -> None:
        self._desk, self._kept = desk, keepers[FOLDER]
        self._listed: dict[str, _Listed] = {}
        self._listing = asyncio.Lock()

    async def of(self, city: str) -> tuple[Plan, ...]:
        """Plans of a city, newest first; where a plan was not run for all places yet, a worker begins to.

        Raises
        ------
        CityError
            When there is no such city.
        """
        known = self._listed.get(city)
        if known is None or known.until < time.monotonic():
            async with self._listing:
                known = self._listed.get(city)
                if known is None or known.until < time.monotonic():
                    plans = await self._read(city)
                    known = self._listed[city] = _Listed(time.monotonic() + FRESH, plans)
        return known.plans

    async def one(self, city: str, name: str) -> Plan:
        """A plan by its id; Problem 404 where there is none."""
        for plan in await self.of(city):
            if plan.head.id == name:
                return plan
        raise Problem(404, f"no plan of {city} has the id {name}; GET /api/v1/cities/{city}/plans lists them")

    async def _read(self, city: str) -> tuple[Plan, ...]:
        rows, answers, hash_ = await run_in_threadpool(self._rows, city)
        plans = []
        for head, content in rows:
            scenario = _scenario_of(content)
            key = key_of(hash_, scenario["edits"])
            place = await self._kept.get(
                key, "plan", {"city": city, "scenario": scenario, "folder": key, "actor": READER}
            )
            found = answers.get((head.id, head.published))
            plans.append(
                Plan(head, scenario, key, found.answer if found else None, bool(found and found.blocked), place)
            )
        return tuple(plans)

    def _rows(self, city: str) -> tuple[list[tuple[ScenarioRow, Mapping[str, Any]]], Mapping[Any, Any], str]:
        opened = self._desk.city(city)
        found = self._desk.scenarios.newest(city, shown="published", limit=MOST)
        answers = self._desk.scenarios.found([(head.id, at.version) for head, at in found])
        return [(head, at.content) for head, at in found], answers, opened.digest

    async def surveyed(self, plan: Plan) -> Surveyed:
        """Values of a plan whose place is ready, for all places; Problem 409 where they could not be had."""
        if plan.place.state != "ready":
            raise Problem(409, f"what this plan does here could not be computed: {plan.place.detail}")
        return await run_in_threadpool(_surveyed, str(values_of(plan.key)))


def _scenario_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario that is run: without edits that are switched off."""
    edits = [dict(edit) for edit in content["edits"] if not edit.get("off")]
    return {"title": content["title"], "city": content.get("city", ""), "edits": edits}


def values_of(key: str) -> Path:
    """File of a plan's values for all places."""
    return home() / FOLDER / key / "values.npz"


@lru_cache(maxsize=32)
def _surveyed(path: str) -> Surveyed:
    return load_surveyed(Path(path))


@lru_cache(maxsize=64)
def _told(path: str, changed: int) -> Told:
    _ = changed
    answer = json.loads(Path(path).read_text(encoding="utf-8"))
    return Told(
        plain_effects(answer), algorithms_of(answer, PREFIX), data_of(answer), str(answer.get("summary", "")),
        answer.get("not_computable", {}), tuple(answer.get("attribution", ())),
    )  # fmt: skip


def told_by(answer: str | None) -> Told | None:
    """What the answer of a plan says; None where there is none (yet)."""
    if not answer:
        return None
    path = home() / "answers" / f"{answer[:16]}.json"
    try:
        return _told(str(path), path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError):
        return None


@lru_cache(maxsize=16)
def _to_city(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


@lru_cache(maxsize=256)
def _outline(wkt: str) -> shapely.Geometry:
    return shapely.from_wkt(wkt)


def in_city(crs: str, lon: float, lat: float) -> tuple[float, float]:
    """A place in the city's CRS [m]; far outside it, infinite."""
    x, y = _to_city(crs).transform(lon, lat)
    return float(x), float(y)


def distance_to(plan: Plan, lon: float, lat: float) -> float | None:
    """Metres from a place to the nearest part of a plan; 0 for one that is everywhere, None where that is not known."""
    if plan.place.state != "ready":
        return None
    where = plan.place.value
    if where["everywhere"]:
        return 0.0
    x, y = in_city(where["crs"], lon, lat)
    found = float(shapely.distance(_outline(where["outline"]), shapely.Point(x, y)))
    return found if found < float("inf") else None


def effects_here(
    surveyed: Surveyed, crs: str, at: tuple[float, float], to: tuple[float, float] | None
) -> tuple[str, tuple[EffectHere, ...]]:
    """Name of the area at a place (lon, lat), and what a plan does there."""
    here = in_city(crs, *at)
    return surveyed.name_at(*here), effects_at(surveyed, here, in_city(crs, *to) if to is not None else None)
