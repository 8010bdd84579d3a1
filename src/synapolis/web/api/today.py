"""The city as it stands, in a few figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from synapolis.scenarios.today import PARTS, with_ranges
from synapolis.web.depends import CityDep, DeskDep, Needs
from synapolis.web.kept import Keeper, KeepersDep, Kept, key_of
from synapolis.web.replies import entity

router = APIRouter(tags=["today"], dependencies=[Depends(Needs("look"))])
MEMBERS = 8
"""Runs of the ensemble behind the ranges, at most."""


class GateOut(BaseModel):
    """A gate before any plan: it is watched, or cannot be computed and says why."""

    name: str
    indicator: str
    outcome: Literal["watched", "not computable"]
    says: str


class IndicatorOut(BaseModel):
    """A figure of today, with its 5th and 95th percentile over the ensemble once that is computed."""

    id: str
    text: str
    short: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    digits: int
    better: Literal["more", "less", ""]
    origin: str
    illustrative: bool
    varied: bool
    note: str
    gate: GateOut | None


class TodayOut(BaseModel):
    """Figures as far as they are computed. While `status` is computing, ask again: asking keeps it going."""

    status: Literal["ready", "computing"]
    job: None = None
    hash: str
    done: int
    of: int
    members: int
    indicators: list[IndicatorOut]
    gates: list[GateOut]
    not_computable: dict[str, str]


@router.get(
    "/cities/{city}/today",
    response_class=Response,
    responses={200: {"model": TodayOut}, 304: {"description": "As the asker has it"}},
)
async def today(city: str, place: CityDep, request: Request, desk: DeskDep, keepers: KeepersDep) -> Response:
    """Headline figures of the city as it stands, with ranges and gates; computed once, the quick ones first."""
    keeper, count = keepers["today"], min(desk.settings.members, MEMBERS)
    steps: list[tuple[str, dict[str, Any]]] = [("today", {"city": city, "words": part}) for part in PARTS]
    steps += [("today_member", {"city": city, "number": n, "members": count}) for n in range(count)]
    told: dict[str, Any] = {"indicators": [], "gates": [], "not_computable": {}}
    members: list[Mapping[str, float]] = []
    done = 0
    for task, arguments in steps:
        kept = await _kept(keeper, place.digest, task, arguments)
        if kept.state == "computing":
            break
        done += 1
        if task == "today":
            told = _joined(told, kept, arguments["words"])
        elif kept.state == "ready":
            members.append(kept.value)
    whole = with_ranges(told, members if done == len(steps) else [])  # a range of few runs would move as one looks
    status = "ready" if done == len(steps) else "computing"
    facts = {"status": status, "hash": place.digest, "done": done, "of": len(steps), "members": len(members)}
    return entity(request, TodayOut.model_validate(facts | whole))


async def _kept(keeper: Keeper, city: str, task: str, arguments: Mapping[str, Any]) -> Kept:
    return await keeper.get(key_of(city, task, dict(arguments)), task, arguments)


def _joined(told: Mapping[str, Any], kept: Kept, words: tuple[str, ...]) -> dict[str, Any]:
    """Figures of one part more; where it failed, why."""
    part: dict[str, Any] = (
        kept.value if kept.state == "ready" else {"not_computable": dict.fromkeys(words, kept.detail)}
    )
    return {
        "indicators": [*told["indicators"], *({"note": "", **row} for row in part.get("indicators", ()))],
        "gates": [*told["gates"], *part.get("gates", ())],
        "not_computable": {**told["not_computable"], **part["not_computable"]},
    }
