"""The city as it stands, in a few figures."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["today"])
