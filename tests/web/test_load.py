"""Many readers and a few planners at once: nothing fails. How fast it is, `python -m benchmarks web` says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from web.server import Server

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_readers_and_planners_at_once_meet_no_fault(new_server: Callable[..., Server]) -> None:
    server = new_server("--workers", "1", "--members", "0")
    command = [sys.executable, "-m", "benchmarks.web", server.url, "60", "3", "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=ROOT)
    seen = json.loads(done.stdout)
    assert seen["faults"] == []
    assert seen["runs"] == seen["asked"] >= 3
    assert seen["pages"] >= 20
    assert seen["tiles"] > 50, "far below what is promised, since other tests run beside this one"
