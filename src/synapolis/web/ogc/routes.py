"""Addresses of the OGC API."""

from __future__ import annotations

from fastapi import APIRouter

from synapolis.web.ogc import features, processes

ROUTERS = (features.router, processes.router)
router = APIRouter()
for part in ROUTERS:
    router.include_router(part)
