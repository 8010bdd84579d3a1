"""Definition of the OGC API as OpenAPI 3.0, which its clients read, and what it says it keeps to.

The whole API is described in OpenAPI 3.1 at /api/v1/openapi.json; the standard's Part 1 knows 3.0 only.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from synapolis.layers.city import City
from synapolis.web.errors import MEDIA
from synapolis.web.ogc.collections import Collection
from synapolis.web.ogc.crs import references
from synapolis.web.ogc.query import LIMIT, MOST

_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMS = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    *(_FEATURES + name for name in ("core", "geojson", "oas30")),
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *(_PROCESSES + name for name in ("core", "ogc-process-description", "json", "job-list", "dismiss")),
)


def _parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": about,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


_FORMAT = _parameter("f", {"type": "string", "enum": ["json", "geojson"]}, "The only format there is.")
_CRS = _parameter("crs", {"type": "string", "format": "uri"}, "Reference system of the reply, one of the collection's.")
ONE_PARAMETERS = [_CRS, _FORMAT]
ITEM_PARAMETERS = [
    _parameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": LIMIT},
        f"Features a page. There are never more than {MOST:,}, also where more are asked for.",
    ),
    _parameter("offset", {"type": "integer", "minimum": 0, "default": 0}, "Features passed over."),
    _parameter(
        "bbox",
        {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "Features that meet this box: least and greatest of each axis, in longitude and latitude or in `bbox-crs`.",
    ),
    _parameter("bbox-crs", {"type": "string", "format": "uri"}, "Reference system of `bbox`, one of the collection's."),
    _parameter(
        "datetime",
        {"type": "string"},
        "Features that stood at a moment or in an interval (RFC 3339, `..` is open), where the layer knows their year.",
    ),
    *ONE_PARAMETERS,
]
_LINKS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["href", "rel", "type"],
        "properties": {name: {"type": "string"} for name in ("href", "rel", "type", "title")},
    },
}
_TEXT = {"type": "string"}
_FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": _TEXT,
        "geometry": {"type": "object", "required": ["type"], "properties": {"type": _TEXT}},
        "properties": {"type": "object"},
        "links": _LINKS,
    },
}
_COLLECTION = {
    "type": "object",
    "required": ["id", "title", "description", "links", "extent", "crs", "licence", "attribution"],
    "properties": {
        **dict.fromkeys(
            ("id", "title", "description", "attribution", "licence", "terms", "origin", "itemType", "storageCrs"), _TEXT
        ),
        "extent": {"type": "object"},
        "crs": {"type": "array", "items": _TEXT},
        "links": _LINKS,
    },
}
SHAPES: dict[str, dict[str, Any]] = {
    "anything": {"type": "object"},
    "landing": {
        "type": "object",
        "required": ["title", "links"],
        "properties": {"title": _TEXT, "description": _TEXT, "attribution": _TEXT, "links": _LINKS},
    },
    "conformance": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": _TEXT}},
    },
    "collection": _COLLECTION,
    "collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": _LINKS,
            "crs": {"type": "array", "items": _TEXT},
            "collections": {"type": "array", "items": _COLLECTION},
        },
    },
    "feature": _FEATURE,
    "features": {
        "type": "object",
        "required": ["type", "features", "links", "numberMatched", "numberReturned"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": _FEATURE},
            "links": _LINKS,
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
        },
    },
}
"""Shapes of replies, in the JSON Schema that OpenAPI 3.0 and 3.1 have in common."""
_KINDS = {"text": "string", "flag": "boolean", "number": "number", "whole": "integer"}


def definition(here: str, city: City, collections: Mapping[str, Collection]) -> dict[str, Any]:
    """Definition of the OGC API of a city: an operation for each collection, with its columns as parameters.

    Parameters
    ----------
    here : str
        Address of the OGC API.
    city : City
    collections : by name
    """
    paths = {
        "/": _get("ogc_landing", "Where the API begins", "landing"),
        "/conformance": _get("ogc_conformance", "What the API keeps to", "conformance"),
        "/collections": _get("ogc_collections", "Collections of the city", "collections"),
    }
    for name, collection in collections.items():
        at = f"/collections/{name}"
        paths[at] = _get(f"describe_{name}", collection.title, "collection")
        columns = [_column(key, collection) for key in collection.columns]
        crs = [reference.uri for reference in references(city.crs)]
        items = [_bounded(parameter, crs) for parameter in ITEM_PARAMETERS]
        paths[f"{at}/items"] = _get(f"list_{name}", collection.description, "features", [*items, *columns], geo=True)
        one = {"name": "feature", "in": "path", "required": True, "schema": _TEXT}
        bounded = [_bounded(parameter, crs) for parameter in ONE_PARAMETERS]
        paths[f"{at}/items/{{feature}}"] = _get(f"get_{name}", collection.title, "feature", [one, *bounded], geo=True)
    return {
        "openapi": "3.0.3",
        "info": {"title": f"{city.title}: OGC API", "version": version("synapolis"), "license": {"name": "Apache-2.0"}},
        "servers": [{"url": here}],
        "paths": paths,
        "components": {"schemas": SHAPES | {"problem": _problem()}},
    }


def _get(
    name: str, about: str, shape: str, parameters: list[dict[str, Any]] | None = None, *, geo: bool = False
) -> dict[str, Any]:
    media = "application/geo+json" if geo else "application/json"
    wrong = {"description": "What went wrong", "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/problem"}}}}
    right = {"description": "As asked", "content": {media: {"schema": {"$ref": f"#/components/schemas/{shape}"}}}}
    return {
        "get": {
            "operationId": name,
            "summary": about,
            "parameters": parameters or [],
            "responses": {"200": right, "default": wrong},
        }
    }


def _bounded(parameter: dict[str, Any], crs: list[str]) -> dict[str, Any]:
    if parameter["name"] == "limit":  # GDAL asks for pages of the greatest size that it reads here
        return parameter | {"schema": parameter["schema"] | {"maximum": MOST}}
    if parameter["name"] not in {"crs", "bbox-crs"}:
        return parameter
    return parameter | {"schema": {"type": "string", "format": "uri", "enum": crs, "default": crs[0]}}


def _column(name: str, collection: Collection) -> dict[str, Any]:
    column = collection.columns[name]
    about = column.meaning + (f" [{column.unit}]" if column.unit else "")
    return _parameter(name, {"type": _KINDS[column.kind]}, f"Only features with this {about or name}")


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
    }
