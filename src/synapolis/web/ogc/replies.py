"""Links and replies of the OGC API: absolute addresses, one kind of ETag, squeezed where the client takes that."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from synapolis.core.digest import digest
from synapolis.web.ogc.pages import compact
from synapolis.web.replies import tags

JSON = "application/json"
GEOJSON = "application/geo+json"
OPENAPI_30 = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_31 = "application/vnd.oai.openapi+json;version=3.1"
WORTH_SQUEEZING = 2_000  # bytes


class GeoJson(Response):
    """A reply in GeoJSON."""

    media_type = GEOJSON


def root(request: Request) -> str:
    """Address of the OGC API as this client reached it."""
    return f"{str(request.base_url).rstrip('/')}/ogc"


def link(href: str, rel: str, media: str = JSON, title: str = "") -> dict[str, str]:
    """One link, as all OGC APIs write them."""
    return {"href": href, "rel": rel, "type": media} | ({"title": title} if title else {})


def known(request: Request, *parts: Any) -> str:
    """ETag of what these parts and the address asked for make."""
    return f'"{digest([str(request.url), *parts])[:24]}"'


def unchanged(request: Request, etag: str) -> Response | None:
    """A reply 304 where the client has this very thing already."""
    held = tags(request.headers.get("if-none-match", ""))
    if etag in held or "*" in held:
        return Response(status_code=304, headers=_kept(etag))
    return None


def reply(
    request: Request, body: Any, etag: str, media: str = JSON, headers: Mapping[str, str] | None = None
) -> Response:
    """Reply with text or a value as JSON."""
    content = (body if isinstance(body, str) else compact(body)).encode()
    more = _kept(etag) | dict(headers or {})
    if len(content) > WORTH_SQUEEZING and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, 4, mtime=0)
        more["content-encoding"] = "gzip"
    return Response(content, headers=more | {"content-type": media})


def told(request: Request, body: Any, media: str = JSON) -> Response:
    """Reply with a small value as JSON, or with 304 where the client has it already."""
    etag = known(request, body)
    return unchanged(request, etag) or reply(request, body, etag, media)


def _kept(etag: str) -> dict[str, str]:
    return {"etag": etag, "cache-control": "no-cache", "vary": "accept-encoding"}
