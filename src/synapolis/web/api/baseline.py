"""The baseline in plain words."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["baseline"])
