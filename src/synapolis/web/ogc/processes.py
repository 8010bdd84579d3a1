"""OGC API - Processes: questions and scenarios run as jobs by any client that knows the standard.

OGC 18-062r2 (Part 1: Core, 1.0): core, OGC process description, JSON, job list, dismiss. The jobs of /api/v1/jobs.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from synapolis.layers.workspace import find_answer
from synapolis.records.tables_desk import JobRow
from synapolis.web.api.jobs import JobOut, create_job, job_out
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem
from synapolis.web.ogc.described import (
    PROCESSES,
    Process,
    description,
    find_process,
    missing_job,
    not_ready,
    read_inputs,
    summary,
)
from synapolis.web.ogc.query import read_moments
from synapolis.web.ogc.replies import JSON, known, link, reply, root, told, unchanged
from synapolis.web.security.principal import Who
from synapolis.web.state import Desk
from synapolis.web.work.jobs import owner_of

router = APIRouter(prefix="/ogc", tags=["ogc processes"], dependencies=[Depends(Needs("look"))])
STATES = {
    "queued": "accepted",
    "running": "running",
    "done": "successful",
    "failed": "failed",
    "cancelled": "dismissed",
}
"""Our words for the state of a job, and the standard's."""
KINDS = {process.kind: process.name for process in PROCESSES.values()}
SEARCHED = 1_000
"""How many of one's newest jobs a job list looks at."""
Look = Annotated[Who, Depends(Needs("look"))]
State = Literal["accepted", "running", "successful", "failed", "dismissed"]


class ExecuteIn(BaseModel):
    """A request to run a process: its inputs by name. `outputs` and `response` may be told; there is one of each."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": {"question": "What if we add 500 homes in Kamppi?", "members": 8}}]}
    )

    inputs: dict[str, Any] = Field(description="Inputs by name, as the process describes them.")
    outputs: dict[str, Any] | None = Field(default=None, description="Only `answer`; it is given in any case.")
    response: Literal["raw", "document"] = Field(default="document", description="Results always come as a document.")


class LinkOut(BaseModel):
    """A link, as all OGC APIs write them."""

    href: str
    rel: str
    type: str
    title: str = ""


class ProcessOut(BaseModel):
    """A process in the list, or as a whole with its inputs and outputs."""

    model_config = ConfigDict(extra="allow")

    id: str
    version: str
    title: str
    description: str
    jobControlOptions: list[str]  # noqa: N815 - the standard's names
    outputTransmission: list[str]  # noqa: N815
    links: list[LinkOut]


class ProcessesOut(BaseModel):
    """Every process."""

    processes: list[ProcessOut]
    links: list[LinkOut]


class StatusOut(BaseModel):
    """How a job stands, in the standard's words."""

    processID: str  # noqa: N815
    type: Literal["process"] = "process"
    jobID: str  # noqa: N815
    status: State
    message: str
    created: str
    started: str | None = None
    finished: str | None = None
    progress: int = Field(ge=0, le=100)
    links: list[LinkOut]


class StatusesOut(BaseModel):
    """One's jobs, newest first."""

    jobs: list[StatusOut]
    links: list[LinkOut]


class ResultsOut(BaseModel):
    """What a job found."""

    answer: dict[str, Any]


def status_of(here: str, job: JobOut) -> dict[str, Any]:
    """A job in the standard's words."""
    at = f"{here}/jobs/{job.id}"
    done = job.status == "done"
    share = 100 if done else round(100 * job.progress.share) if job.progress else 0
    links = [link(at, "self", title="This job"), link(here, "up", title="Start")]
    if done:
        links.append(link(f"{at}/results", "http://www.opengis.net/def/rel/ogc/1.0/results", title="What it found"))
    shape = {
        "processID": KINDS[job.kind],
        "jobID": job.id,
        "type": "process",
        "status": STATES[job.status],
        "message": job.summary or (job.progress.text if job.progress else job.title),
        "created": job.created,
        "started": job.started,
        "finished": job.ended,
        "progress": share,
        "links": links,
    }
    return {name: value for name, value in shape.items() if value is not None}


@router.get("/processes", response_model=ProcessesOut)
def ogc_processes(request: Request) -> Response:
    """What can be run: a question in words, and a scenario of edits."""
    here = root(request)
    body = {
        "processes": [summary(here, process) for process in PROCESSES.values()],
        "links": [link(f"{here}/processes", "self", title="This page")],
    }
    return told(request, body)


@router.get("/processes/{process}", response_model=ProcessOut)
def ogc_process(request: Request, process: str) -> Response:
    """One process with its inputs and outputs, each with a JSON Schema."""
    return told(request, description(root(request), find_process(process)))


@router.post("/processes/{process}/execution", status_code=201, response_model=StatusOut)
def ogc_execute(
    request: Request, process: str, body: ExecuteIn, desk: DeskDep, who: Annotated[Who, Depends(Needs("run"))]
) -> Response:
    """Run a process on the served city: as a job, always, since a run may take minutes."""
    found: Process = find_process(process)
    if body.outputs is not None and set(body.outputs) - {"answer"}:
        raise Problem(400, f"{found.name} has one output, answer; got {', '.join(sorted(body.outputs))[:200]}")
    job = create_job(desk.first, read_inputs(found, body.inputs), desk, who, Response())  # type: ignore[arg-type]
    here = root(request)
    headers = {"location": f"{here}/jobs/{job.id}", "preference-applied": "respond-async"}
    return JSONResponse(status_of(here, job), 201, headers=headers)


@router.get("/jobs", response_model=StatusesOut)
def ogc_jobs(
    request: Request,
    desk: DeskDep,
    who: Look,
    limit: Annotated[int, Query(ge=1, le=SEARCHED, description="How many at most.")] = 50,
    process_id: Annotated[list[str], Query(alias="processID", description="Only of these processes.")] = [],  # noqa: B006
    status: Annotated[list[State], Query(description="Only in these states.")] = [],  # noqa: B006
    type_: Annotated[list[Literal["process"]], Query(alias="type", description="All jobs are.")] = [],  # noqa: ARG001, B006
    made: Annotated[
        str | None, Query(alias="datetime", description="Only made at this moment or in this interval.")
    ] = None,
    min_duration: Annotated[
        float, Query(alias="minDuration", ge=0, description="Run for so many seconds or more.")
    ] = 0,
    max_duration: Annotated[
        float | None, Query(alias="maxDuration", ge=0, description="Run for so many seconds or fewer.")
    ] = None,
) -> Response:
    """One's jobs, newest first."""
    here = root(request)
    begin, end = read_moments(made) or (None, None)
    wanted = [
        row
        for row in desk.jobs.newest(owner=owner_of(who), limit=SEARCHED)
        if row.kind in KINDS
        and (not process_id or KINDS[row.kind] in process_id)
        and (not status or STATES[row.status] in status)
        and (begin is None or _moment(row.created) >= begin)
        and (end is None or _moment(row.created) <= end)
        and min_duration <= _seconds(row) <= (math.inf if max_duration is None else max_duration)
    ]
    body = {
        "jobs": [status_of(here, job_out(desk, row)) for row in wanted[:limit]],
        "links": [link(str(request.url), "self", title="This page")],
    }
    return told(request, body)


@router.get("/jobs/{job}", response_model=StatusOut)
def ogc_job(request: Request, job: str, desk: DeskDep, who: Look) -> Response:
    """How a job stands."""
    return told(request, status_of(root(request), _job(desk, job, who)))


@router.get("/jobs/{job}/results", response_model=ResultsOut)
def ogc_results(request: Request, job: str, desk: DeskDep, who: Look) -> Response:
    """What a job found: the answer file."""
    found = _job(desk, job, who)
    if found.status == "failed" and found.error is not None:
        raise Problem(found.error.status, found.error.detail)
    if found.status != "done":
        raise not_ready(f"the job is {STATES[found.status]}, so it has no results; ask for them when it is successful")
    etag = known(request, found.answer, found.summary)
    if found.answer is None:  # a question to ask back, or a refusal
        answer = {"status": found.answer_status, "summary": found.summary}
    else:
        answer = json.loads(find_answer(found.answer[:16]).read_text(encoding="utf-8"))
    return unchanged(request, etag) or reply(request, {"answer": answer}, etag, JSON)


@router.delete("/jobs/{job}", response_model=StatusOut)
def ogc_dismiss(request: Request, job: str, desk: DeskDep, who: Look) -> Response:
    """Dismiss a job that waits or runs. One that has ended stays as it ended: 410."""
    found = _job(desk, job, who)
    if not desk.jobs.cancel(found.id, who):
        raise Problem(410, "the job has ended, so it cannot be dismissed; its answer stays where it is")
    desk.workers.cancelled(found.id)
    return JSONResponse(status_of(root(request), _job(desk, job, who)))


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _seconds(row: JobRow) -> float:
    """How long a job has run; 0 for one that has not begun."""
    if row.started is None:
        return 0.0
    end = _moment(row.ended) if row.ended else dt.datetime.now(dt.UTC)
    return (end - _moment(row.started)).total_seconds()


def _job(desk: Desk, name: str, who: Who) -> JobOut:
    row = desk.jobs.get(name)
    if row is None or row.kind not in KINDS or not (row.owner == owner_of(who) or who.may("operate")):
        raise missing_job(name)
    return job_out(desk, row)
