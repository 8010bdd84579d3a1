"""The gate: finds out who asks, and refuses requests that another site made a browser send."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from synapolis.web.errors import Problem
from synapolis.web.security.limits import SAFE
from synapolis.web.security.names import LOOPBACK, host_of, is_address
from synapolis.web.security.principal import VISITOR, Who
from synapolis.web.security.replies import reply
from synapolis.web.security.state import Security
from synapolis.web.settings import Settings

COOKIE = "synapolis_session"
PROXIED = {"forwarded", "x-forwarded-for", "x-forwarded-host", "via"}


def cookie_name(*, secure: bool) -> str:
    """Name of the session's cookie; the prefix lets no other host of the domain set it."""
    return f"__Host-{COOKIE}" if secure else COOKIE


class Gate:
    """Middleware that every request passes first: `request.scope["state"]["who"]` is who asks."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self._cookie = cookie_name(secure=settings.secure)
        self._hosts = LOOPBACK | {host.casefold() for host in (*settings.hosts, settings.host)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        security: Security = scope["app"].state.security
        try:
            self._refuse_other_names(headers)
            who = await self._found(security, scope, headers)
            if who.way == "local":
                _refuse_proxied(headers)
            if scope["method"] not in SAFE and who.way != "token":
                self._refuse_foreign(scope, headers, who)
        except Problem as problem:
            await reply(problem)(scope, receive, send)
            return
        scope.setdefault("state", {})["who"] = who
        await self.app(scope, receive, send)

    def _refuse_other_names(self, headers: Mapping[str, str]) -> None:
        """Refuse to be called by names that are not ours: another site's name may lead here (DNS rebinding)."""
        name = host_of(headers.get("host", ""))
        if name in self._hosts or (not self.settings.loopback and is_address(name)):
            return
        raise Problem(
            421, f"this server is not called {name!r}; `synapolis serve --name {name or 'NAME'}` lets it answer to that"
        )

    async def _found(self, security: Security, scope: Scope, headers: Mapping[str, str]) -> Who:
        """Who asks; the records are asked only where it matters and is not known."""
        if not scope["path"].startswith(("/api/", "/ogc")):
            return VISITOR
        if "authorization" not in headers and self._cookie not in headers.get("cookie", "") and security.accounts.known:
            return security.nobody()
        return await run_in_threadpool(self._who, security, headers)

    def _who(self, security: Security, headers: Mapping[str, str]) -> Who:
        if said := headers.get("authorization"):
            scheme, _, secret = said.partition(" ")
            who = security.sessions.whose(secret.strip()) if scheme.casefold() == "bearer" else None
            if who is None:
                raise Problem(
                    401, "this token is unknown, removed or over; make a new one at /account",
                    headers={"www-authenticate": 'Bearer realm="synapolis", error="invalid_token"'},
                )  # fmt: skip
            return who
        kept = cookie_parser(headers.get("cookie", "")).get(self._cookie)
        if not kept:
            return security.nobody()
        return security.sessions.who(kept) or security.nobody(ended=True)

    def _refuse_foreign(self, scope: Scope, headers: Mapping[str, str], who: Who) -> None:
        """Refuse what another site made a browser send: of another origin, or without what only our pages can read."""
        scheme = "https" if self.settings.secure else scope["scheme"]
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        ours = f"{scheme}://{headers.get('host', '')}".casefold()
        if (origin is not None and origin.casefold() != ours) or site not in {"same-origin", "none"}:
            raise Problem(
                403,
                f"this request came from {origin or 'another site'}, not from a page of {ours}; open the page there",
            )
        if not secrets.compare_digest(headers.get("x-csrf-token", "").encode(), who.csrf.encode()):
            if who.ended:
                raise Problem(401, "your session has ended; sign in again at /account")
            raise Problem(
                403, "the header X-CSRF-Token is missing or old; take it from GET /api/v1/me and send this again",
                extra={"csrf": "renew"},
            )  # fmt: skip


def _refuse_proxied(headers: Mapping[str, str]) -> None:
    """Refuse what a proxy passed on to a server without accounts: everyone would be its only person."""
    if found := PROXIED & headers.keys():
        raise Problem(
            403,
            f"this server has no accounts and is for this machine only, but a proxy passed this on "
            f"({', '.join(sorted(found))}); make an account first: synapolis account add NAME",
        )
