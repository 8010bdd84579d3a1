"""The application on the town for a module whose tests change nothing: started once, where `client` starts for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def home(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace that holds the town."""
    folder = tmp_path_factory.mktemp("reading")
    shutil.copytree(new_home, folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNAPOLIS_HOME", str(folder / "home"))
        patch.setenv("SYNAPOLIS_CACHE", str(folder / "cache"))
        patch.delenv("SYNAPOLIS_RECORDS", raising=False)
        yield folder / "home"


@pytest.fixture(scope="module")
def client(app: FastAPI, home: Path) -> Iterator[TestClient]:
    """The application on the town, in this process."""
    _ = home
    with TestClient(app, base_url="http://127.0.0.1:8000/api/v1") as opened:
        opened.headers["X-CSRF-Token"] = opened.get("/me").json()["csrf"]
        yield opened
