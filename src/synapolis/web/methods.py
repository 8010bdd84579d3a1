"""Methods at each address of the API: HEAD wherever GET is, OPTIONS that lists them, and 405 for the others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapolis.web.errors import MEDIA, Problem, problem_of

PREFIXES = ("/api/", "/ogc")
Declared = tuple[re.Pattern[str], frozenset[str]]


class Methods:
    """Middleware over the addresses of the API; those of pages and files pass, except that HEAD works there too."""

    def __init__(self, app: ASGIApp, declared: Sequence[Declared]) -> None:
        self._app, self._declared = app, declared

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
        found = [(pattern.pattern, known) for pattern, known in self._declared if pattern.fullmatch(path)]
        nearest = max((address for address, _ in found), key=len, default="")  # it spells out most of the path
        methods = {m for address, known in found if address == nearest for m in known}
        return tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set()))) if methods else ()


def declared(router: APIRouter, prefix: str = "") -> list[Declared]:
    """Addresses of a router, with their methods; a router within it is to be told apart."""
    return [
        (compile_path(prefix + route.path)[0], frozenset(route.methods or ()))
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


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
