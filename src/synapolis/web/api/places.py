"""Places, streets and lines by name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from synapolis.web.depends import CityDep, DeskDep, Needs
from synapolis.web.replies import Words, entity
from synapolis.web.tiles.drawings import drawings
from synapolis.web.tiles.search import search

router = APIRouter(tags=["places"], dependencies=[Depends(Needs("look"))])
SAME: dict[int | str, dict[str, Any]] = {304: {"description": "As the asker has it"}}


class PlaceOut(BaseModel):
    """A named place: a point of it, and its bounds west, south, east, north in degrees."""

    name: str
    kind: str
    lon: float
    lat: float
    bounds: tuple[float, float, float, float]


class PlaceList(BaseModel):
    """Places, the best fit first."""

    items: list[PlaceOut]
    next: str | None = None


class LineOut(BaseModel):
    """A transit line with where it runs (GeoJSON), and the minutes between departures in the morning if known."""

    route: str
    mode: str
    name: str
    colour: str
    headway_minutes: float | None
    geometry: dict[str, Any]


class LineList(BaseModel):
    """Lines, rails first."""

    items: list[LineOut]
    next: str | None = None


@router.get("/cities/{city}/search", responses=SAME | {200: {"model": PlaceList}}, response_class=Response)  # noqa: FAST003 - taken by CityDep
def find_places(
    place: CityDep,
    request: Request,
    q: Annotated[Words, Query(min_length=1, max_length=120, description="A name, or how it begins.")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Response:
    """Districts, squares, parks, streets, stops and other named places, also where the name is slightly misspelled."""
    found = [PlaceOut.model_validate(vars(one), extra="ignore") for one in search(q, place, limit=limit)]
    return entity(request, PlaceList(items=found))


@router.get("/cities/{city}/lines", responses=SAME | {200: {"model": LineList}}, response_class=Response)
async def lines(city: str, request: Request, desk: DeskDep) -> Response:
    """Transit lines of a city, with how often they run today."""
    drawn = await drawings(request).get(desk, city)
    return entity(request, {"items": drawn.about["lines"], "next": None})
