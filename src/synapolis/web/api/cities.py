"""Cities and their layers."""

from __future__ import annotations

import logging
import math
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter
from pyproj import Transformer
from pyproj.exceptions import ProjError
from starlette.concurrency import run_in_threadpool

from synapolis.agents.wording import example_questions
from synapolis.core.errors import CityError
from synapolis.layers.city import City
from synapolis.layers.grid import Raster
from synapolis.report.artefacts import WGS84, corners_of, mercator_grid
from synapolis.scenarios.edits import Edit
from synapolis.web.depends import CityDep, DeskDep, Needs
from synapolis.web.replies import entity
from synapolis.web.state import Desk
from synapolis.web.tiles.drawings import drawings, drawn_hash
from synapolis.web.tiles.features import LAYERS, MAXZOOM, MINZOOM

router = APIRouter(tags=["cities"], dependencies=[Depends(Needs("look"))])
log = logging.getLogger("synapolis.web")
API = "/api/v1"
Bounds = tuple[float, float, float, float]
Point = tuple[float, float]


class CityName(BaseModel):
    """A city that is served: west, south, east and north in degrees, and its middle."""

    name: str
    title: str
    bounds: Bounds
    centre: Point


class CityList(BaseModel):
    """Cities, the one that the first page opens first."""

    items: list[CityName]
    next: str | None = None


class LayerOut(BaseModel):
    """A layer with where it comes from and what may be done with it; `rows` of a raster are its cells."""

    name: str
    source: str
    licence: str
    origin: str
    owner: str
    terms: str
    rows: int


class TilesOut(BaseModel):
    """Where vector tiles are, and what is in them."""

    url: str
    minzoom: int
    maxzoom: int
    layers: list[str]


class ShadeOut(BaseModel):
    """The shaded ground: a picture, its corners from the upper left clockwise, and what its heights rest on."""

    url: str
    corners: list[Point]
    origin: str


class CityOut(CityName):
    """A city as a page needs it to begin. `edit_kinds` of the list hold a JSON schema each."""

    hash: str
    zoom: float
    attribution: list[str]
    timezone: str
    currency: str
    reference_year: int
    layers: list[LayerOut]
    tiles: TilesOut
    hillshade: ShadeOut | None
    examples: list[str]
    edit_kinds: list[dict[str, Any]]


def _entity_responses(shape: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": shape}, 304: {"description": "As the asker has it"}}


@router.get("/cities", responses=_entity_responses(CityList), response_class=Response)
def cities(request: Request, desk: DeskDep) -> Response:
    """Cities that this server knows; one whose folder is gone or damaged hides none of the others."""
    found = (_name(desk, name) for name in desk.names())
    return entity(request, CityList(items=[one for one in found if one is not None]))


@router.get("/cities/{city}", responses=_entity_responses(CityOut), response_class=Response)
async def city(city: str, place: CityDep, request: Request, desk: DeskDep) -> Response:
    """One city: its layers with origin and licence, where its tiles are, which edits it takes."""
    shelf = drawings(request)
    drawn = shelf.ready(city)
    if drawn is None:
        shelf.begin(desk, city)  # whoever opens a city asks for its tiles next
    key = (city, place.digest, drawn is not None)
    if key not in _TOLD:
        shade = drawn.about["hillshade"] if drawn is not None else terrain_shade(place)
        _TOLD[key] = (await run_in_threadpool(_city, city, place, shade)).model_dump_json().encode()
    return entity(request, _TOLD[key])


_TOLD: dict[tuple[str, str, bool], bytes] = {}
"""What was told of each city, before and after it was drawn: every page begins with it."""


def _city(name: str, place: City, shade: Mapping[str, Any] | None) -> CityOut:
    bounds = _degrees(place.crs, place.extent.bounds)
    mark = drawn_hash(place)
    return CityOut(
        name=name,
        title=place.title,
        bounds=bounds,
        centre=_centre(bounds),
        hash=place.digest,
        zoom=_zoom(bounds),
        attribution=list(place.attribution),
        timezone=place.timezone,
        currency=place.currency,
        reference_year=place.reference_year,
        layers=[_layer(place, layer) for layer in sorted(place.layers)],
        tiles=TilesOut(
            url=f"{API}/cities/{name}/tiles/{{z}}/{{x}}/{{y}}.mvt?v={mark}",
            minzoom=MINZOOM, maxzoom=MAXZOOM, layers=list(LAYERS),
        ),
        hillshade=ShadeOut(url=f"{API}/cities/{name}/hillshade.png?v={mark}", **shade) if shade else None,
        examples=example_questions(place),
        edit_kinds=edit_kinds(),
    )  # fmt: skip


def terrain_shade(place: City) -> dict[str, Any] | None:
    """Where the shading of a city with a layer of terrain will lie; of others it is known once they are drawn."""
    if "terrain" not in place.layers or not place.grid.rows:
        return None
    return {"corners": corners_of(*mercator_grid(place, finer=1.0)), "origin": place.layers["terrain"].origin}


@cache
def edit_kinds() -> list[dict[str, Any]]:
    """Kinds of edits, each with its JSON schema and what that refers to."""
    whole = TypeAdapter(Edit).json_schema()
    kinds = whole["discriminator"]["mapping"]
    shared = {name: shape for name, shape in whole["$defs"].items() if f"#/$defs/{name}" not in kinds.values()}
    return [
        {"kind": kind, "schema": {**whole["$defs"][reference.rpartition("/")[2]], "$defs": shared}}
        for kind, reference in kinds.items()
    ]


def _layer(place: City, name: str) -> LayerOut:
    layer = place.layers[name]
    value = layer.value
    parts = value.values if isinstance(value, Raster) else value.trips if name == "timetable" else value
    rows = parts.size if isinstance(value, Raster) else len(parts)
    return LayerOut(
        name=name, source=layer.source, licence=layer.licence, origin=layer.origin, owner=layer.owner,
        terms=layer.terms, rows=rows,
    )  # fmt: skip


def _name(desk: Desk, name: str) -> CityName | None:
    """Name and place of a city from the head of its folder, without opening its layers; None where it has none."""
    try:
        head = tomllib.loads((desk.folder(name) / "city.toml").read_text(encoding="utf-8"))
        bounds = _degrees(head["crs"], head["extent"])
    except (CityError, OSError, ValueError, LookupError, TypeError, ProjError) as error:
        log.warning("the city %s cannot be listed: %s", name, error)
        return None
    return CityName(name=name, title=head["title"], bounds=bounds, centre=_centre(bounds))


def _degrees(crs: str, bounds: Any) -> Bounds:
    left, bottom, right, top = map(float, bounds)
    return _kept_degrees(crs, (left, bottom, right, top))


@lru_cache(maxsize=64)
def _kept_degrees(crs: str, bounds: Bounds) -> Bounds:
    west, south, east, north = Transformer.from_crs(crs, WGS84, always_xy=True).transform_bounds(*bounds)
    return round(west, 6), round(south, 6), round(east, 6), round(north, 6)


def _centre(bounds: Bounds) -> Point:
    return round((bounds[0] + bounds[2]) / 2, 6), round((bounds[1] + bounds[3]) / 2, 6)


def _zoom(bounds: Bounds) -> float:
    """Zoom at which a city fills a window about 900 pixels wide (tiles of 512 pixels)."""
    wide = max(bounds[2] - bounds[0], 2 * (bounds[3] - bounds[1]), 1e-4)
    return round(min(max(math.log2(360 / wide * 900 / 512), MINZOOM), MAXZOOM), 1)
