"""Addresses of the OGC API."""

from __future__ import annotations

from fastapi import APIRouter

from synapolis.web.ogc import features, processes

router = APIRouter()
router.include_router(features.router)
router.include_router(processes.router)
