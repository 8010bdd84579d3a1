"""What a question is understood as, and whether edits fit."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["questions"])
