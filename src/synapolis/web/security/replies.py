"""A problem as a reply, for what stands before the routes."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from synapolis.web.errors import MEDIA, Problem, problem_of


def reply(problem: Problem) -> Response:
    """The one shape of an error, with its status and headers."""
    return JSONResponse(problem_of(problem), problem.status, media_type=MEDIA, headers=problem.headers)
