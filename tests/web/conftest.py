"""A small made-up town served two ways: an application in this process without workers, and a real server with one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from records.conftest import postgres_address, postgres_database, store, url  # noqa: F401 - both databases
from synapolis.layers.city import save_city
from synapolis.records.store import open_store
from synapolis.sources.generate import generate_city
from synapolis.web.app import create_app
from synapolis.web.settings import Settings
from web.server import Server


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to be copied: a complete made-up town of 1,000 people called `town`, and empty records."""
    folder = tmp_path_factory.mktemp("new") / "home"
    save_city(generate_city(people=1000, seed=3, name="town"), folder / "cities" / "town")
    open_store(f"sqlite:///{folder}/records.db").close()
    return folder


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application on the town; it opens the workspace of each test that starts it, and runs no jobs."""
    return create_app(Settings(city="town", workers=0, members=2))


@pytest.fixture
def home(new_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of the test's own that holds the town."""
    folder = tmp_path / "home"
    shutil.copytree(new_home, folder)
    monkeypatch.setenv("SYNAPOLIS_HOME", str(folder))
    monkeypatch.setenv("SYNAPOLIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SYNAPOLIS_RECORDS", raising=False)
    monkeypatch.delenv("SYNAPOLIS_ACTOR", raising=False)
    return folder


@pytest.fixture
def client(app: FastAPI, home: Path) -> Iterator[TestClient]:
    """The application on the town, in this process, with the token that pages send. Nothing runs its jobs."""
    _ = home
    with TestClient(app, base_url="http://127.0.0.1:8000/api/v1") as opened:
        opened.headers["X-CSRF-Token"] = opened.get("/me").json()["csrf"]
        yield opened


@pytest.fixture(scope="session")
def new_server(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Real servers on the town, each with a workspace of its own; they share the cache, and all end with the tests."""
    cache, made = tmp_path_factory.mktemp("cache"), []

    def server(*options: str) -> Server:
        folder = tmp_path_factory.mktemp("served") / "home"
        shutil.copytree(new_home, folder)
        made.append(Server(folder, cache, ("--members", "2", *options)))
        return made[-1].start()

    yield server
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def served(new_server: Callable[..., Server]) -> Server:
    """One real server with one worker, for tests that leave it as it was."""
    return new_server("--workers", "1")
