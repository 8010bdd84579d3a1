"""The one table from error to status, and the one shape of an error: RFC 9457 problem details.

{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "one sentence with the next step", "errors": []}
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from synapolis.core.errors import (
    CityError,
    LayerError,
    ModelError,
    NotComputableError,
    RecordsError,
    RegisterError,
    ScenarioError,
    SourceError,
    StorageError,
    SynapolisError,
)
from synapolis.core.home import home

MEDIA = "application/problem+json"
UNREAD = "There was an error parsing the body"
"""What FastAPI says of a body that is no JSON."""
log = logging.getLogger("synapolis.web")

STATUS: tuple[tuple[type[SynapolisError], int], ...] = (
    (CityError, 404),
    (ScenarioError, 422),
    (LayerError, 422),
    (SourceError, 422),
    (ModelError, 422),
    (NotComputableError, 422),
    (RegisterError, 409),
    (RecordsError, 503),
    (StorageError, 507),
    (SynapolisError, 500),
)


class Fault(BaseModel):
    """One thing wrong with a request, and where."""

    where: str
    message: str


class ProblemOut(BaseModel):
    """What went wrong, for programs and people: `detail` says what was wanted, what came and what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


class Problem(SynapolisError):  # noqa: N818 - the standard's word
    """An error with its own status, raised where HTTP is known; `extra` are further fields of the shape."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def problem_of(error: SynapolisError) -> dict[str, Any]:
    """Shape of an error: the same whether a request meets it or a job ends with it."""
    if isinstance(error, Problem):
        return _shape(error.status, str(error), error.errors) | error.extra
    told = str(error).replace(f"{home()}{os.sep}", "")  # where the workspace lies is nobody's business
    return _shape(next(status for kind, status in STATUS if isinstance(error, kind)), told)


def _shape(status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    faults = [Fault(where=where, message=message) for where, message in errors]
    return ProblemOut(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=faults).model_dump()


def _reply(shape: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(dict(shape), shape["status"], media_type=MEDIA, headers=dict(headers or {}))


async def _known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SynapolisError)
    return _reply(problem_of(error), error.headers if isinstance(error, Problem) else None)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [(".".join(map(str, fault["loc"])), str(fault["msg"])) for fault in error.errors()[:20]]
    told = "; ".join(f"{where}: {message}" for where, message in faults[:3])
    return _reply(_shape(422, f"The request does not fit: {told}. See /api/v1/openapi.json", faults))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = f"{request.method} {request.url.path}: {detail.lower()}; /api/v1/openapi.json lists what there is"
    if detail == UNREAD:
        detail = "the body cannot be read as JSON: it must be whole, in UTF-8, and not nested hundreds of levels deep"
    return _reply(_shape(error.status_code, detail), error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    mark = secrets.token_hex(4)
    log.error("unexpected error %s at %s %s", mark, request.method, request.url.path, exc_info=error)
    return _reply(_shape(500, f"Something broke that should not have; the server's log tells more under {mark}"))


def handle_errors(app: FastAPI) -> None:
    """Make every error of an application leave it in the one shape."""
    app.add_exception_handler(SynapolisError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
