"""The built pages: hashed files that a browser keeps for good, and the one document that every page address gets."""

from __future__ import annotations

import gzip
import mimetypes
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from synapolis.core.digest import digest
from synapolis.web.errors import Problem

PAGES = Path(__file__).parent / "pages"
ADDRESSES = ("/", "/near", "/near/{rest:path}", "/register", "/register/{rest:path}", "/baseline", "/account",
             "/account/{rest:path}", "/scenario/{rest:path}", "/answer/{rest:path}")  # fmt: skip
"""Addresses of pages; any other is a plain 404."""
SQUEEZED = {".js", ".mjs", ".css", ".html", ".json", ".svg", ".txt", ".map"}
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("font/woff2", ".woff2")


class File:
    """One built file, as it goes out."""

    def __init__(self, path: Path) -> None:
        self.body = path.read_bytes()
        self.media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.etag = f'"{digest(self.body)[:20]}"'
        self._squeezes = path.suffix in SQUEEZED

    @cached_property
    def squeezed(self) -> bytes | None:
        """The body, gzipped where that helps; done when it is first asked for."""
        return gzip.compress(self.body, 9, mtime=0) if self._squeezes else None


class Site:
    """The built pages, read once: a build under a running server changes nothing of what it hands out."""

    def __init__(self, folder: Path = PAGES) -> None:
        self._files = {path.relative_to(folder).as_posix(): File(path) for path in folder.rglob("*") if path.is_file()}

    def reply(self, name: str, request: Request) -> Response:
        """One file, squeezed where the browser takes that; 304 where it has it already."""
        if name not in self._files:
            if name == "index.html":
                raise Problem(
                    503, "the pages are not built; `make pages` builds them from a checkout, and every wheel holds them"
                )
            raise Problem(404, f"no page or file is called /{name}")
        file = self._files[name]
        kept = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
        headers = {"etag": file.etag, "cache-control": kept, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", "") and file.squeezed is not None:
            headers["content-encoding"] = "gzip"
            return Response(file.squeezed, media_type=file.media, headers=headers)
        return Response(file.body, media_type=file.media, headers=headers)


def site_router(site: Site) -> APIRouter:
    """Routes of the pages: to be included last."""
    router = APIRouter(include_in_schema=False)

    async def page(request: Request) -> Response:
        return site.reply("index.html", request)

    async def file(name: str, request: Request) -> Response:
        return site.reply(name, request)

    for address in ADDRESSES:
        router.add_api_route(address, page, methods=["GET", "HEAD"], response_model=None)
    router.add_api_route("/{name:path}", file, methods=["GET", "HEAD"], response_model=None)
    return router
