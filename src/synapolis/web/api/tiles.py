"""Vector tiles and the shading of the ground."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["tiles"])
