"""The built pages: hashed files that a browser keeps for good, and the one document that every page address gets."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
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


@dataclass(frozen=True)
class File:
    """One built file, as it goes out."""

    body: bytes
    squeezed: bytes | None
    media: str
    etag: str


def _read(path: Path) -> File:
    body = path.read_bytes()
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    squeezed = gzip.compress(body, 9, mtime=0) if path.suffix in SQUEEZED else None
    return File(body, squeezed, media, f'"{digest(body)[:20]}"')


class Site:
    """The built pages, read when they are first asked for and kept."""

    def __init__(self, folder: Path = PAGES) -> None:
        self._folder = folder
        self._files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        self._read: dict[str, File] = {}

    def reply(self, name: str, request: Request) -> Response:
        """One file, squeezed where the browser takes that; 304 where it has it already."""
        if name not in self._files:
            if name == "index.html":
                raise Problem(
                    503, "the pages are not built; `make pages` builds them from a checkout, and every wheel holds them"
                )
            raise Problem(404, f"no page or file is called /{name}")
        if name not in self._read:
            self._read[name] = _read(self._files[name])
        file = self._read[name]
        kept = "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
        headers = {"etag": file.etag, "cache-control": kept, "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if file.squeezed is not None and "gzip" in request.headers.get("accept-encoding", ""):
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
