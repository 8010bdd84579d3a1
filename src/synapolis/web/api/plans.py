"""What is planned near a place, what each plan does, and what it does there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from synapolis.web.depends import Needs
from synapolis.web.errors import Problem
from synapolis.web.kept import KeepersDep, per_desk
from synapolis.web.plans import Plan, Plans, Told, distance_to, effects_here, told_by
from synapolis.web.replies import entity

router = APIRouter(tags=["plans"], dependencies=[Depends(Needs("look"))])
Longitude = Annotated[float, Query(ge=-180, le=180, description="Degrees east (WGS84).")]
Latitude = Annotated[float, Query(ge=-90, le=90, description="Degrees north (WGS84).")]
MaybeLongitude = Annotated[float | None, Query(ge=-180, le=180)]
MaybeLatitude = Annotated[float | None, Query(ge=-90, le=90)]
PlanId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Id of a published scenario.")]


class EffectOut(BaseModel):
    """What a plan does to one figure of the whole city, in one sentence and as numbers."""

    topic: str
    text: str
    name: str
    quantity: str
    before: float | None
    after: float | None
    unit: str
    digits: int
    verdict: Literal["better", "worse", "changed", "same", "unclear"]
    illustrative: bool


class PlanOut(BaseModel):
    """A plan in a list. `place_state` says whether its place, and what it does at each place, are known yet."""

    id: str
    city: str
    version: int
    title: str
    sentence: str
    status: Literal["published"] = "published"
    when: str
    author: str
    updated: str
    example: bool
    distance_m: float | None
    everywhere: bool
    centre: list[float] | None
    bounds: list[float] | None
    shape: dict[str, Any] | None
    place_state: Literal["ready", "computing", "failed"]
    place_detail: str
    answer: str | None
    blocked: bool
    effects: list[EffectOut]


class PlansOut(BaseModel):
    """Plans near a place, the nearest first; without a place, the newest first."""

    items: list[PlanOut]
    next: None = None


class EditOut(BaseModel):
    """One change of a plan: in words, and where."""

    kind: str
    says: str
    geometry: dict[str, Any] | None


class AlgorithmOut(BaseModel):
    """An algorithm that was used, and the id of its register entry."""

    name: str
    version: str
    does: str
    entry: str


class DataOut(BaseModel):
    """Data that were used."""

    name: str
    source: str
    licence: str
    origin: str


class PlanDetailOut(PlanOut):
    """A plan whole."""

    summary: str
    edits: list[EditOut]
    algorithms: list[AlgorithmOut]
    data: list[DataOut]
    not_computable: dict[str, str]
    attribution: list[str]


class TopicOut(BaseModel):
    """What a plan does at a place, for one topic. Where `not_computable` says what is needed, the values are null."""

    topic: Literal["trip", "rent", "heat", "flood"]
    quantity: str
    by: str
    text: str
    before: float | None
    after: float | None
    change: float | None
    unit: str
    digits: int
    not_computable: str
    note: str
    illustrative: bool


class PlaceOut(BaseModel):
    """A place: the name of its area, empty outside the city's data."""

    name: str
    lon: float
    lat: float


class HereOut(BaseModel):
    """What a plan does at one place. While `status` is computing there are no topics yet; ask again."""

    status: Literal["ready", "computing"]
    place: PlaceOut
    to: PlaceOut | None
    topics: list[TopicOut]


async def _plans(request: Request, keepers: KeepersDep) -> Plans:
    return per_desk(request.app.state, "plans", lambda desk: Plans(desk, keepers))


PlansDep = Annotated[Plans, Depends(_plans)]


@router.get("/cities/{city}/plans", response_model=PlansOut)
async def list_plans(
    city: str,
    request: Request,
    plans: PlansDep,
    lon: MaybeLongitude = None,
    lat: MaybeLatitude = None,
    radius: Annotated[float | None, Query(gt=0, le=1_000_000, description="Metres around the place.")] = None,
) -> Response:
    """Published plans of a city, those near a place first, each with what it does in plain sentences."""
    if (lon is None) != (lat is None) or (radius is not None and lon is None):
        raise Problem(422, "a place needs both lon and lat; a radius needs a place")
    items = [_item(plan, lon, lat) for plan in await plans.of(city)]
    if lon is not None:
        items.sort(key=lambda item: (item["distance_m"] is None, item["distance_m"] or 0.0))
    if radius is not None:
        items = [item for item in items if item["distance_m"] is None or item["distance_m"] <= radius]
    return entity(request, {"items": items, "next": None})


@router.get("/cities/{city}/plans/{plan}", response_model=PlanDetailOut)
async def get_plan(city: str, plan: PlanId, request: Request, plans: PlansDep) -> Response:
    """One plan: what it changes, what it does to the city, which algorithms and data say so."""
    found = await plans.one(city, plan)
    told = told_by(found.answer)
    where = found.place.value or {}
    more = {
        "summary": told.summary if told else "",
        "edits": where.get("edits", []),
        "algorithms": [asdict(one) for one in told.algorithms] if told else [],
        "data": [asdict(one) for one in told.data] if told else [],
        "not_computable": dict(told.not_computable) if told else {},
        "attribution": list(told.attribution) if told else [],
    }
    return entity(request, _item(found, None, None, told) | more)


@router.get("/cities/{city}/plans/{plan}/here", response_model=HereOut)
async def plan_here(
    city: str,
    plan: PlanId,
    request: Request,
    plans: PlansDep,
    lon: Longitude,
    lat: Latitude,
    to_lon: MaybeLongitude = None,
    to_lat: MaybeLatitude = None,
) -> Response:
    """What a plan does at a place: the trip to a destination (or to the city's jobs), rent, heat and flood."""
    if (to_lon is None) != (to_lat is None):
        raise Problem(422, "a destination needs both to_lon and to_lat")
    found = await plans.one(city, plan)
    to = (to_lon, to_lat) if to_lon is not None and to_lat is not None else None
    if found.place.state == "computing":
        waiting: dict[str, Any] = {"status": "computing", "place": _place("", (lon, lat)), "to": None, "topics": []}
        return entity(request, waiting, headers={"retry-after": "2"})
    surveyed = await plans.surveyed(found)
    crs = found.place.value["crs"]
    name, effects = effects_here(surveyed, crs, (lon, lat), to)
    there = None if to is None else _place(effects_here(surveyed, crs, to, None)[0], to)
    topics = [asdict(effect) | {"change": effect.change} for effect in effects]
    told = {"status": "ready", "place": _place(name, (lon, lat)), "to": there, "topics": topics}
    return entity(request, told)


def _place(name: str, at: tuple[float, float]) -> dict[str, Any]:
    return {"name": name, "lon": at[0], "lat": at[1]}


def _item(plan: Plan, lon: float | None, lat: float | None, told: Told | None = None) -> dict[str, Any]:
    told = told or told_by(plan.answer)
    head, where = plan.head, plan.place.value or {}
    away = distance_to(plan, lon, lat) if lon is not None and lat is not None else None
    effects = [asdict(effect) for effect in told.effects] if told else []
    return {
        "id": head.id, "city": head.city, "version": head.published or head.version, "title": plan.scenario["title"],
        "sentence": head.sentence, "status": "published", "when": head.planned, "author": head.author,
        "updated": head.updated, "example": plan.example, "distance_m": None if away is None else round(away),
        "everywhere": bool(where.get("everywhere")), "centre": where.get("centre"), "bounds": where.get("bounds"),
        "shape": where.get("shape"),
        "place_state": plan.place.state, "place_detail": plan.place.detail, "answer": plan.answer if told else None,
        "blocked": plan.blocked, "effects": [{k: v for k, v in one.items() if k != "better"} for one in effects],
    }  # fmt: skip
