"""An application of the guards alone, without city and workers: what the tests of accounts and security call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient

from synapolis.records.journal import Journal
from synapolis.records.store import Store, open_store
from synapolis.web.api import accounts, me, own
from synapolis.web.depends import Needs
from synapolis.web.errors import handle_errors
from synapolis.web.security.principal import Who
from synapolis.web.security.protect import protect
from synapolis.web.security.state import Security
from synapolis.web.settings import Settings

PASSWORD = "seven green trams at dawn"
HERE = "http://localhost:8000"


@dataclass
class Entrance:
    """The application, what it keeps, and who may be let in."""

    app: FastAPI
    store: Store
    journal: Journal
    security: Security
    settings: Settings

    def browser(self, base_url: str = HERE, **more: Any) -> Browser:
        return Browser(TestClient(self.app, base_url=base_url, follow_redirects=False, **more))

    def account(self, name: str, *roles: str, password: str | None = None):
        return self.security.accounts.add(name, roles, by="tests", password=password)

    def signed_in(self, name: str, *roles: str, password: str | None = None) -> Browser:
        """A browser with a session; the way in by a password takes its time, so that most tests go around it."""
        account, browser = self.account(name, *roles, password=password), self.browser()
        begun = self.security.sessions.begin(account, "password", "")
        browser.client.cookies.set("synapolis_session", begun.secret, domain="localhost.local")
        return browser

    def told(self, kind: str) -> list[dict[str, Any]]:
        """What the journal tells of a kind: its particulars, with who did it; accounts by their names of now."""
        names = {account.id: account.name for account in self.security.accounts.all()}
        told = [dict(entry.body) | {"actor": entry.actor} for entry in self.journal.entries(kind=kind)]
        return [one | {"account": names.get(one["account"], "gone")} if "account" in one else one for one in told]


@dataclass
class Browser:
    """A browser with our page open: it sends the token that the page has read."""

    client: TestClient

    def me(self) -> dict[str, Any]:
        return self.client.get("/api/v1/me").json()

    def call(self, method: str, path: str, **more: Any):
        headers = {"X-CSRF-Token": self.me()["csrf"]} | more.pop("headers", {})
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any):
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any):
        return self.call("POST", path, json=json, **more)

    def sign_in(self, name: str, password: str = PASSWORD):
        return self.post("/session", {"name": name, "password": password})


@cache
def empty_records() -> bytes:
    """Records at today's step, made once: half of a test's time otherwise."""
    with TemporaryDirectory() as folder:
        open_store(f"sqlite:///{folder}/records.db").close()
        return (Path(folder) / "records.db").read_bytes()


def entrance(folder: Path, **settings: Any) -> Entrance:
    """Build one, over records in a folder."""
    (folder / "records.db").write_bytes(empty_records())
    store = open_store(f"sqlite:///{folder}/records.db")
    journal, told = Journal(store), Settings(**settings)
    app = FastAPI()
    security = app.state.security = Security.of(told, journal)
    handle_errors(app)
    protect(app, told)
    for noun in (me, own, accounts):
        app.include_router(noun.router, prefix="/api/v1")
    for word in ("look", "comment", "run", "edit", "publish", "operate", "administer"):
        app.add_api_route(f"/api/v1/may/{word}", _acted, methods=["GET", "POST"], dependencies=[Depends(Needs(word))])
    app.add_api_route("/api/v1/long", _long, methods=["POST"], dependencies=[Depends(Needs("look"))])
    return Entrance(app, store, journal, security, told)


def _acted(who: Annotated[Who, Depends(Needs("look"))]) -> dict[str, str]:
    return {"actor": who.actor}


async def _long(request: Request) -> dict[str, int]:
    return {"bytes": len(await request.body())}
