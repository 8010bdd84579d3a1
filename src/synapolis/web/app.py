"""The application: routers, error shape and state put together. `synapolis serve` runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.web.api import (
    accounts,
    answers,
    baseline,
    cities,
    jobs,
    me,
    own,
    places,
    plans,
    questions,
    register,
    scenarios,
    tiles,
    today,
)
from synapolis.web.described import describe
from synapolis.web.errors import ProblemOut, handle_errors
from synapolis.web.examples import ensure_examples
from synapolis.web.methods import Methods, declared
from synapolis.web.ogc import routes as ogc
from synapolis.web.security.protect import protect
from synapolis.web.security.state import Security
from synapolis.web.settings import Settings
from synapolis.web.site import Site, site_router
from synapolis.web.state import Desk
from synapolis.web.tiles.drawings import drawings_of
from synapolis.web.work.workers import Workers

API = "/api/v1"
NOUNS = (
    me, own, accounts, cities, tiles, places, today, questions, scenarios, jobs, answers, plans, register, baseline,
)  # fmt: skip


def create_app(settings: Settings) -> FastAPI:
    """Application for one server.

    Raises
    ------
    RecordsError, CityError
        When it starts, if the records cannot be opened or the city is not there.
    """

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        store = await run_in_threadpool(open_store)
        try:
            desk = Desk(settings, store, Journal(store))
            app.state.desk = desk
            app.state.security = Security.of(settings, desk.journal)
            await run_in_threadpool(desk.city, desk.first)
            async with Workers(settings, desk.jobs) as desk.workers:
                if settings.workers:
                    drawings_of(app.state).begin(desk, desk.first)  # before any job: the first page shows it
                await ensure_examples(desk)
                yield
        finally:
            store.close()

    app = FastAPI(
        title="Synapolis",
        version=version("synapolis"),
        summary="Ask what would happen in a city, and get an answer that can be trusted.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # their pages fetch scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=_name,
        responses={"default": {"model": ProblemOut, "description": "What went wrong, and what to do next"}},
        lifespan=alive,
    )
    handle_errors(app)
    describe(app)
    addresses = [at for noun in NOUNS for at in declared(noun.router, API)]
    app.add_middleware(Methods, declared=[*addresses, *(at for part in ogc.ROUTERS for at in declared(part))])
    protect(app, settings)
    for noun in NOUNS:
        app.include_router(noun.router, prefix=API)
    app.include_router(ogc.router)
    app.include_router(site_router(Site()))
    return app


def _name(route: APIRoute) -> str:
    """Name of an operation: its function's, which stays as it is."""
    return route.name
