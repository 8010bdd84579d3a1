"""Fixtures shared by every room's tests.

Property tests try the same examples at every run, so that a failure is the fault of the change at hand;
`pytest --hypothesis-profile=search` tries new ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("search", deadline=None, database=None, print_blob=True)
settings.load_profile("same")
os.environ.pop("COLUMNS", None)  # readline in pytest sets it for its workers; a console keeps the width it began with
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data beside the checkout; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data (development data kept beside the checkout, never inside it)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def playwright_driver():
    """The one driver of browsers: a second in the same process is refused."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright; install the extra [dev]")
    with sync_api.sync_playwright() as driver:
        yield driver
