"""What is planned near a place."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["plans"])
