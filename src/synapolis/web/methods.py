"""Methods at each address of the API: HEAD wherever GET is, OPTIONS that lists them, and 405 for the others."""

from __future__ import annotations

import re
from functools import cached_property

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapolis.web.errors import MEDIA, Problem, problem_of

PREFIXES = ("/api/", "/ogc")


class Methods:
    """Middleware over the addresses of the API; those of pages and files pass, except that HEAD works there too."""

    def __init__(self, app: ASGIApp, described: FastAPI) -> None:
        self._app, self._described = app, described

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse its method."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = self._known(scope["path"]) if scope["path"].startswith(PREFIXES) else ()
        if known and scope["method"] not in known:
            await _other(scope["method"], scope["path"], known)(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _headers_only(send))
        else:
            await self._app(scope, receive, send)

    def _known(self, path: str) -> tuple[str, ...]:
        """Methods at an address; none where nothing is declared there."""
        methods = {m for pattern, declared in self._declared if pattern.fullmatch(path) for m in declared}
        return tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set()))) if methods else ()

    @cached_property
    def _declared(self) -> list[tuple[re.Pattern[str], list[str]]]:
        paths = self._described.openapi()["paths"]
        return [(_pattern(path), [method.upper() for method in at]) for path, at in paths.items()]


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", path)
    return re.compile(
        "".join(
            re.escape(part) if not part.startswith("{") else ".+" if part == "{feature}" else "[^/]+" for part in parts
        )
    )


def _other(method: str, path: str, known: tuple[str, ...]) -> Response:
    headers = {"allow": ", ".join(known)}
    if method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    problem = Problem(405, f"{path} knows {', '.join(known)}, not {method}; /api/v1/openapi.json lists what there is")
    return JSONResponse(problem_of(problem), 405, headers=headers, media_type=MEDIA)


def _headers_only(send: Send) -> Send:
    """End a reply after its headers, also that of a stream."""

    async def head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head
