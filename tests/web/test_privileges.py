"""Every route says what it takes, and gives it to nobody else: all routes of the application, all roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.web.app import create_app
from synapolis.web.security.principal import ROLES, Needs
from synapolis.web.security.state import Security
from synapolis.web.settings import Settings
from synapolis.web.state import Desk
from web.entrance import HERE, Browser

SAFE = {"GET", "HEAD"}
OPEN_TO_ALL = {
    ("POST", "/api/v1/session"), ("POST", "/api/v1/passkeys/authenticate/options"),
    ("POST", "/api/v1/passkeys/authenticate/verify"), ("POST", "/api/v1/cities/{city}/read"),
    ("POST", "/api/v1/cities/{city}/check"), ("DELETE", "/api/v1/jobs/{job}"), ("DELETE", "/ogc/jobs/{job}"),
}  # fmt: skip
"""Changes that anyone may ask for: ways to sign in, what runs nothing, and jobs, which look at whose they are."""


def words(dependant: Any) -> Iterator[str]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Needs):
            yield inner.call.word
        yield from words(inner)


def routes() -> list[tuple[str, str, set[str]]]:
    """Method, path and needed words of every route that is not a built page."""
    found = []
    for route in iter_route_contexts(create_app(Settings()).routes):
        if getattr(route, "include_in_schema", True) and (dependant := getattr(route, "dependant", None)):
            found += [(method, route.path, set(words(dependant))) for method in sorted(route.methods)]
    return found


ROUTES = routes()


def test_every_route_says_what_it_takes():
    assert len(ROUTES) > 50
    assert not [f"{method} {path}" for method, path, needed in ROUTES if not needed]


def test_whatever_changes_something_takes_more_than_looking():
    assert {(method, path) for method, path, needed in ROUTES
            if method not in SAFE and needed == {"look"}} <= OPEN_TO_ALL  # fmt: skip


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """The whole application without its workers, and a browser of each role."""
    settings = Settings()
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('records')}/records.db") as store:
        app, journal = create_app(settings), Journal(store)
        app.state.desk, security = Desk(settings, store, journal), Security.of(settings, journal)
        app.state.security = security
        security.accounts.add("first", ["admin"], by="tests")
        browsers = {"visitor": Browser(TestClient(app, base_url=HERE, raise_server_exceptions=False))}
        for role in list(ROLES)[1:]:
            account = security.accounts.add(f"the {role}", [role], by="tests")
            begun = security.sessions.begin(account, "password", "")
            client = TestClient(app, base_url=HERE, raise_server_exceptions=False)
            client.cookies.set("synapolis_session", begun.secret)
            browsers[role] = Browser(client)
        yield browsers


@pytest.mark.parametrize("role", ROLES)
def test_no_route_gives_a_role_what_it_may_not(hall, role):
    browser = hall[role]
    csrf = browser.me()["csrf"]
    for method, path, needed in ROUTES:
        may = all(word in ROLES[role] or (word == "own" and role != "visitor") for word in needed)
        if may:
            continue
        address = re.sub(r"\{[^}]+\}", "x", path)
        reply = browser.client.request(method, address, headers={"X-CSRF-Token": csrf}, json={})
        assert reply.status_code == (401 if role == "visitor" else 403), f"{role}: {method} {path}: {reply.text}"
        assert reply.headers["content-type"] == "application/problem+json"


def test_no_change_is_made_without_the_token_of_our_own_pages(hall):
    client = hall["admin"].client
    for method, path, _ in ROUTES:
        if method not in SAFE:
            address = re.sub(r"\{[^}]+\}", "x", path)
            assert client.request(method, address, json={}).status_code == 403, f"{method} {path}"
