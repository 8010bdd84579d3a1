"""Vector tiles and the shading of the ground."""

from __future__ import annotations

import gzip
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem
from synapolis.web.replies import tags
from synapolis.web.tiles.drawings import Drawn, drawings

router = APIRouter(tags=["tiles"], dependencies=[Depends(Needs("look"))])
MEDIA = "application/vnd.mapbox-vector-tile"
FOREVER = "public, max-age=31536000, immutable"
Version = Annotated[str | None, Query(max_length=64, description="Hash from the city: the reply may then be kept.")]
Zoom = Annotated[int, Path(ge=0, le=24)]
Number = Annotated[int, Path(ge=0, lt=2**24)]


@router.get(
    "/cities/{city}/tiles/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {MEDIA: {"schema": {"type": "string", "format": "binary"}}}},
        204: {"description": "Nothing is drawn there"},
        304: {"description": "As the asker has it"},
    },
)
async def tile(
    city: str, z: Zoom, x: Number, y: Number, request: Request, desk: DeskDep, v: Version = None
) -> Response:
    """One vector tile of a city (Mapbox Vector Tile 2): streets, buildings, water, green, transit, names."""
    shelf = drawings(request)
    drawn = shelf.ready(city) or await shelf.get(desk, city)
    squeezed = "gzip" in request.headers.get("accept-encoding", "")
    headers = _headers(drawn, f"{z}-{x}-{y}{'-gzip' if squeezed else ''}", v)
    if headers["etag"] in tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    body = drawn.tiles.get(z, x, y)
    if body is None:
        return Response(status_code=204, headers=headers)
    if squeezed:
        headers["content-encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=MEDIA, headers=headers)


@router.get(
    "/cities/{city}/hillshade.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, 304: {"description": "As the asker has it"}},
)
async def hillshade(city: str, request: Request, desk: DeskDep, v: Version = None) -> Response:
    """Shading of the ground, in Web Mercator between the corners that the city tells."""
    drawn = await drawings(request).get(desk, city)
    if drawn.about["hillshade"] is None:
        raise Problem(
            404, f"{city} has no heights of its ground to shade; a layer of terrain or spot heights gives it some"
        )
    headers = _headers(drawn, "hillshade", v)
    if headers["etag"] in tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(drawn.hillshade, media_type="image/png", headers=headers)


def _headers(drawn: Drawn, part: str, version: str | None) -> dict[str, str]:
    kept = FOREVER if version == drawn.hash else "no-cache"
    return {"etag": f'"{drawn.hash}-{part}"', "cache-control": kept, "vary": "accept-encoding"}
