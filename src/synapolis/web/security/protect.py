"""Put the guards before an application."""

from __future__ import annotations

from fastapi import FastAPI

from synapolis.web.security.gate import Gate
from synapolis.web.security.headers import Headers
from synapolis.web.security.limits import Limits
from synapolis.web.settings import Settings


def protect(app: FastAPI, settings: Settings) -> None:
    """Add the middlewares; a request passes them from the last added to the first."""
    app.add_middleware(Limits, guard=settings.guard)
    app.add_middleware(Gate, settings=settings)
    app.add_middleware(Headers, secure=settings.secure)
