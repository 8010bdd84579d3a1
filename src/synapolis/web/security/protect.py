"""Put the guards before an application."""

from __future__ import annotations

from fastapi import FastAPI

from synapolis.web.security.gate import Gate
from synapolis.web.security.headers import Headers
from synapolis.web.security.limits import Limits
from synapolis.web.settings import Settings


def protect(app: FastAPI, settings: Settings) -> None:
    """Add the middlewares: headers to every reply, then the gate, then limits.

    Headers stand around even the reply to an unexpected error, which is made outside of all other middlewares.
    """
    app.add_middleware(Limits, guard=settings.guard)
    app.add_middleware(Gate, settings=settings)
    inner = app.build_middleware_stack
    setattr(app, "build_middleware_stack", lambda: Headers(inner(), secure=settings.secure))  # noqa: B010 - a method
