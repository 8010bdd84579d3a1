"""Answers, their maps, pedigree and exports."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["answers"])
