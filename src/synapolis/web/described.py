"""The API as it describes itself (OpenAPI 3.1): errors in their media type, ways to be known, its nouns."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from synapolis.web.errors import MEDIA

NOUNS = {
    "me": "Who is asking, and signing in and out.",
    "accounts": "People and their roles.",
    "cities": "Cities and their layers.",
    "tiles": "The map: vector tiles and shaded ground.",
    "places": "Places, streets and lines by name.",
    "today": "The city as it stands, in a few figures.",
    "questions": "What a question is understood as, and whether edits fit. Nothing is run.",
    "scenarios": "Scenarios, kept in versions; published, they are plans.",
    "jobs": "Runs, with live progress. A job that was accepted outlives the server.",
    "answers": "Answers with their maps, pedigree and exports.",
    "plans": "What is planned near a place, in plain words.",
    "register": "The public algorithm register.",
    "baseline": "The city's baseline in plain words.",
    "ogc features": "OGC API - Features: the layers, for QGIS and other clients.",
    "ogc processes": "OGC API - Processes: questions and scenarios as jobs.",
}
ABOUT = """Lists are pages: `items` and `next`, which goes into `cursor`. Entities carry an ETag; with If-None-Match \
they come only when they changed, and scenarios are changed only with If-Match. Every error is \
`application/problem+json`, whose `detail` says what to do next. Methods that change something take the header \
X-CSRF-Token (its value is in `GET /api/v1/me`) or a personal token as bearer. Positions are longitude and latitude."""


def describe(app: FastAPI) -> None:
    """Let an application describe itself in full."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _description(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=ABOUT, routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in NOUNS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )  # fmt: skip
    for operations in whole["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status == "default" or status.startswith(("4", "5")):
                    _as_problem(response)
    whole["components"]["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "synapolis_session"},
        "token": {"type": "http", "scheme": "bearer", "description": "A personal token."},
    }
    whole["security"] = [{}, {"session": []}, {"token": []}]
    return whole


def _as_problem(response: dict[str, Any]) -> None:
    """Errors are written in a media type of their own, whatever the operation replies in."""
    content = response.get("content", {})
    for media in [media for media, told in content.items() if "/ProblemOut" in str(told)]:
        content[MEDIA] = content.pop(media)
