"""Runs as jobs, with live progress."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["jobs"])
