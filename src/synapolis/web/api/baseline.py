"""Where a city stands: published indicators in plain words, computed once for each state of the city."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from synapolis.scenarios.measured import observations_of
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem
from synapolis.web.kept import KeepersDep, Kept, key_of
from synapolis.web.plans import READER
from synapolis.web.replies import entity
from synapolis.web.state import Desk

router = APIRouter(tags=["baseline"], dependencies=[Depends(Needs("look"))])
FOLDER = "baselines"


class KnownOut(BaseModel):
    """One figure that is known: several indicators with one value are one figure."""

    id: str
    name: str
    theme: str
    counts: str
    value: float | None
    shown: str
    unit: str
    span: str
    better: Literal["more", "less", ""]
    standing: Literal["severe", "problem", "good", "not judged"]
    rule: str
    basis: str
    origin: str
    source: str
    period: str
    algorithm: str
    note: str
    uneven: str
    beside: str
    targets: list[str]
    codes: list[str]


class MissingOut(BaseModel):
    """One indicator that is not known, and what it would take."""

    id: str
    name: str
    theme: str
    unit: str
    needs: str
    could_come_from: str
    kind: str


class SourceOut(BaseModel):
    """Somebody who could give what is missing, and how many indicators that would open."""

    name: str
    count: int


class LayerOut(BaseModel):
    """Data that the figures rest on."""

    name: str
    source: str
    licence: str
    origin: str


class CountsOut(BaseModel):
    """How many indicators there are, how many are known and by how many figures."""

    all: int
    known: int
    figures: int
    missing: int


class BaselineOut(BaseModel):
    """Where a city stands. While `status` is computing there are no figures yet; ask again."""

    status: Literal["ready", "computing"]
    city: str
    title: str
    year: int
    date: str | None = None
    hash: str | None = None
    summary: str = ""
    counts: CountsOut | None = None
    known: list[KnownOut] = []
    missing: list[MissingOut] = []
    sources: list[SourceOut] = []
    layers: list[LayerOut] = []
    attribution: list[str] = []


@router.get("/cities/{city}/baseline", response_model=BaselineOut)
async def get_baseline(city: str, request: Request, desk: DeskDep, keepers: KeepersDep) -> Response:
    """Every indicator of the catalogue: its value and how it is judged, or what it would take to know it."""
    found, facts = await _found(city, desk, keepers)
    if found.state == "computing":
        return entity(request, BaselineOut(status="computing", **facts), headers={"retry-after": "2"})
    told = {name: value for name, value in found.value.items() if name in BaselineOut.model_fields}
    return entity(request, BaselineOut(**{"status": "ready", **facts, **told}))


@router.get("/cities/{city}/baseline.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def export_baseline(city: str, desk: DeskDep, keepers: KeepersDep) -> Response:
    """The same as CSV, one row an indicator, unrounded."""
    found, _ = await _found(city, desk, keepers)
    if found.state == "computing":
        raise Problem(409, "the baseline is being computed; ask again in some seconds", headers={"retry-after": "2"})
    name = f'attachment; filename="baseline-{city}.csv"'
    return Response(found.value["csv"], media_type="text/csv; charset=utf-8", headers={"content-disposition": name})


async def _found(city: str, desk: Desk, keepers: KeepersDep) -> tuple[Kept, dict[str, Any]]:
    """The kept baseline of a city, and what is known of the city without it."""
    opened, stated = await run_in_threadpool(_stated, desk, city)
    key = key_of(opened.digest, stated)
    found = await keepers[FOLDER].get(key, "baseline", {"city": city, "actor": READER})
    if found.state == "failed":
        raise Problem(409, f"the baseline could not be computed: {found.detail}")
    return found, {"city": city, "title": opened.title, "year": opened.reference_year}


def _stated(desk: Desk, city: str) -> tuple[Any, list[str]]:
    opened = desk.city(city)
    return opened, [repr(each) for each in observations_of(desk.store, opened.name)]
