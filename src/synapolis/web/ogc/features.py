"""OGC API - Features: the layers of the served city, for QGIS, GDAL and other clients.

OGC 17-069r4 (Part 1: Core, 1.0.1) and OGC 18-058r1 (Part 2: Coordinate Reference Systems by Reference, 1.0.1).
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from synapolis.layers.city import City
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem, ProblemOut
from synapolis.web.ogc.collections import Collection, collections_of, feature_id
from synapolis.web.ogc.crs import Reference, references
from synapolis.web.ogc.definition import CONFORMS, ITEM_PARAMETERS, ONE_PARAMETERS, SHAPES, definition
from synapolis.web.ogc.pages import Selections, features_text, page_text
from synapolis.web.ogc.query import Query, read_query, read_reference
from synapolis.web.ogc.replies import (
    GEOJSON,
    JSON,
    OPENAPI_30,
    OPENAPI_31,
    GeoJson,
    known,
    link,
    reply,
    root,
    told,
    unchanged,
)

router = APIRouter(prefix="/ogc", tags=["ogc features"], dependencies=[Depends(Needs("look"))])
LICENCES = {
    "ODbL 1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
}
"""Addresses of licences that layers name."""


class Shelf:
    """Collections of one city, and the selections of late."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.collections = collections_of(city)
        self.selections = Selections()

    def collection(self, name: str) -> Collection:
        """Collection by name; a problem 404 for others."""
        if name not in self.collections:
            raise Problem(404, f"no collection is called {name[:100]!r}; there are {', '.join(self.collections)}")
        return self.collections[name]


def _shelf(request: Request, desk: DeskDep) -> Shelf:
    city = desk.city(desk.first)
    shelf: Shelf | None = getattr(request.app.state, "ogc_shelf", None)
    if shelf is None or shelf.city is not city:
        shelf = request.app.state.ogc_shelf = Shelf(city)
    return shelf


ShelfDep = Annotated[Shelf, Depends(_shelf)]
_WRONG: dict[int | str, dict[str, Any]] = {400: {"model": ProblemOut, "description": "A parameter that does not fit"}}
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": ProblemOut, "description": "Nothing of that name"}}
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already (If-None-Match)"}}


def _shape(name: str, media: str = JSON) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "As asked", "content": {media: {"schema": SHAPES[name]}}}}


@router.get("/", include_in_schema=False, response_model=None)
@router.get("", response_class=JSONResponse, responses=_shape("landing") | _SAME)
def ogc_landing(request: Request, shelf: ShelfDep) -> Response:
    """Where the OGC API begins: links to all else."""
    here, city = root(request), shelf.city
    body = {
        "title": city.title,
        "description": "Layers of the city as features, and what would happen in it as processes.",
        "attribution": "; ".join(city.attribution),
        "links": [
            link(here, "self", title="This page"),
            link(f"{here}/api", "service-desc", OPENAPI_30, "The OGC API in OpenAPI 3.0"),
            link(f"{here[:-4]}/api/v1/openapi.json", "service-desc", OPENAPI_31, "The whole API in OpenAPI 3.1"),
            link(f"{here}/conformance", "conformance", title="What it keeps to"),
            link(f"{here}/conformance", "http://www.opengis.net/def/rel/ogc/1.0/conformance"),
            link(f"{here}/collections", "data", title="Collections of features"),
            link(f"{here}/processes", "http://www.opengis.net/def/rel/ogc/1.0/processes", title="Processes"),
            link(f"{here}/jobs", "http://www.opengis.net/def/rel/ogc/1.0/job-list", title="Jobs"),
        ],
    }
    return told(request, body)


@router.get("/conformance", response_class=JSONResponse, responses=_shape("conformance") | _SAME)
def ogc_conformance(request: Request) -> Response:
    """What the OGC API keeps to."""
    return told(request, {"conformsTo": list(CONFORMS)})


@router.get("/api", response_class=Response, responses=_shape("anything", OPENAPI_30) | _SAME)
def ogc_definition(request: Request, shelf: ShelfDep) -> Response:
    """Definition of the OGC API in OpenAPI 3.0, each collection with the columns it can be searched by."""
    return told(request, definition(root(request), shelf.city, shelf.collections), OPENAPI_30)


@router.get("/collections", response_class=JSONResponse, responses=_shape("collections") | _SAME)
def ogc_collections(request: Request, shelf: ShelfDep) -> Response:
    """Collections of the served city: its layers that have geometry."""
    here = root(request)
    body = {
        "links": [link(f"{here}/collections", "self", title="This page"), link(here, "root", title="Start")],
        "crs": [reference.uri for reference in references(shelf.city.crs)],
        "collections": [_described(here, collection) for collection in shelf.collections.values()],
    }
    return told(request, body)


@router.get("/collections/{collection}", response_class=JSONResponse, responses=_shape("collection") | _SAME | _MISSING)
def ogc_collection(request: Request, collection: str, shelf: ShelfDep) -> Response:
    """One collection: what it holds, where it comes from, what may be done with it."""
    return told(request, _described(root(request), shelf.collection(collection)))


@router.get(
    "/collections/{collection}/items",
    response_class=GeoJson,
    responses=_shape("features", GEOJSON) | _SAME | _WRONG | _MISSING,
    openapi_extra={"parameters": ITEM_PARAMETERS},
)
def ogc_features(request: Request, collection: str, shelf: ShelfDep) -> Response:
    """Features of a collection, a page at a time: follow the links `next`. Columns are parameters too: `use=office`."""
    found = shelf.collection(collection)
    query = read_query(request.query_params, found)
    etag = known(request, found.etag)
    if same := unchanged(request, etag):
        return same
    rows = shelf.selections.rows(found, query)
    text = page_text(found, query, rows, _page_links(request, found, query, len(rows)))
    return reply(request, text, etag, GEOJSON, _crs_header(query.crs))


@router.get(
    "/collections/{collection}/items/{feature:path}",
    response_class=GeoJson,
    responses=_shape("feature", GEOJSON) | _SAME | _WRONG | _MISSING,
    openapi_extra={"parameters": ONE_PARAMETERS},
)
def ogc_feature(request: Request, collection: str, feature: str, shelf: ShelfDep) -> Response:
    """One feature by its id."""
    found = shelf.collection(collection)
    reference = read_reference(request.query_params, found)
    row = np.array([found.row(feature)])
    etag = known(request, found.etag)
    if same := unchanged(request, etag):
        return same
    here = f"{root(request)}/collections/{found.name}"

    def links(name: str) -> list[dict[str, str]]:
        return [link(f"{here}/items/{name}", "self", GEOJSON), link(here, "collection", title=found.title)]

    return reply(request, features_text(found, row, reference, links)[0], etag, GEOJSON, _crs_header(reference))


def _crs_header(reference: Reference) -> dict[str, str]:
    return {"content-crs": f"<{reference.uri}>"}


def _described(here: str, collection: Collection) -> dict[str, Any]:
    at, layer = f"{here}/collections/{collection.name}", collection.layer
    licence = (
        [link(LICENCES[layer.licence], "license", "text/html", layer.licence)] if layer.licence in LICENCES else []
    )
    crs = [reference.uri for reference in references(collection.crs)]
    return {
        "id": collection.name,
        "title": collection.title,
        "description": collection.description,
        "attribution": collection.attribution,
        "licence": layer.licence,
        "terms": layer.terms,
        "origin": layer.origin,
        "itemType": "feature",
        "extent": collection.extent,
        "crs": crs,
        "storageCrs": crs[1] if len(crs) == 3 else crs[0],
        "links": [
            link(at, "self", title=collection.title),
            link(f"{at}/items", "items", GEOJSON, collection.title),
            *licence,
        ],
    }


def _page_links(request: Request, collection: Collection, query: Query, matched: int) -> list[dict[str, str]]:
    at = f"{root(request)}/collections/{collection.name}"
    links = [link(_page(request, at, query.offset, query), "self", GEOJSON, "This page")]
    if query.offset + query.limit < matched:
        links.append(link(_page(request, at, query.offset + query.limit, query), "next", GEOJSON, "Next page"))
    if query.offset:
        links.append(
            link(_page(request, at, max(0, query.offset - query.limit), query), "prev", GEOJSON, "Page before")
        )
    return [*links, link(at, "collection", title=collection.title)]


def _page(request: Request, at: str, offset: int, query: Query) -> str:
    asked = {name: value for name, value in request.query_params.items() if name not in {"limit", "offset"}}
    asked |= {"limit": str(query.limit)} | ({"offset": str(offset)} if offset else {})
    return f"{at}/items?{urlencode(asked)}"


__all__ = ["Shelf", "ShelfDep", "feature_id", "router"]
