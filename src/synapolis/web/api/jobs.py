"""Runs as jobs, with live progress: asked for here, done by the workers, watched as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from synapolis.agents.question import LONGEST
from synapolis.core.digest import digest
from synapolis.records.tables_desk import JobRow
from synapolis.scenarios.edits import Scenario
from synapolis.web.api.questions import checked
from synapolis.web.api.scenarios import ScenarioIn, kept_content
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem, ProblemOut
from synapolis.web.replies import KEPT, Cursor, Limit, cursor_of, entity, place_of
from synapolis.web.security.principal import Who
from synapolis.web.state import Desk
from synapolis.web.work.jobs import ENDED, owner_of

router = APIRouter(tags=["jobs"])
MOST_MEMBERS = 200
OFTEN = 0.2  # [s] between two events of one stream
BEAT = 10.0  # [s] between two comments that keep a quiet stream open; then the records are looked at, too
JobId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Id of a job.")]
Members = Annotated[
    int | None, Field(strict=True, ge=0, le=MOST_MEMBERS, description="Runs of the ensemble; by default the server's.")
]


class AskIn(BaseModel):
    """A question in plain words."""

    kind: Literal["ask"]
    question: Annotated[str, Field(min_length=1, max_length=LONGEST), KEPT]
    members: Members = None


class RunIn(BaseModel):
    """A scenario to run: its edits, or the id of a kept one (and the version; by default the newest)."""

    kind: Literal["run"]
    scenario: ScenarioIn | None = None
    scenario_id: Annotated[str | None, Field(pattern="^[0-9a-f]{16}$")] = None
    version: Annotated[int | None, Field(strict=True, ge=1, le=2**31 - 1)] = None
    want: Annotated[list[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,79}$")]], Field(max_length=60)] = []
    members: Members = None


class ProgressOut(BaseModel):
    """How far a running job is: what it makes now, in words and by its name; `share` is 0 to 1 and never falls."""

    text: str
    step: str
    done: int
    of: int
    share: float


class OfScenario(BaseModel):
    """The kept scenario that a job ran, and the very version."""

    id: str
    version: int


class JobOut(BaseModel):
    """A job. `answer` is the hash of what it found; `position` its place while it waits."""

    id: str
    kind: str
    city: str
    title: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    position: int | None
    progress: ProgressOut | None
    created: str
    started: str | None
    ended: str | None
    by: str
    answer: str | None
    answer_status: str | None
    summary: str
    blocked: bool
    scenario: OfScenario | None
    error: ProblemOut | None
    attempts: int


class JobsOut(BaseModel):
    """Jobs, newest first."""

    items: list[JobOut]
    next: str | None


def job_out(desk: Desk, row: JobRow) -> JobOut:
    """Shape of a job as it is now."""
    far = desk.workers.far(row.id) if row.status == "running" else None
    of = OfScenario(id=row.scenario, version=row.scenario_version or 1) if row.scenario else None
    return JobOut.model_validate(
        {**vars(row), "by": row.actor, "blocked": bool(row.blocked), "scenario": of,
         "position": desk.workers.position(row.id) if row.status == "queued" else None,
         "progress": vars(far) if far else None}
    )  # fmt: skip


def _owned(desk: Desk, name: str, who: Who) -> JobRow:
    row: JobRow | None = desk.workers.find(name)
    if row is None or not (row.owner == owner_of(who) or who.may("operate")):
        raise Problem(404, f"no job of yours has the id {name}; GET /api/v1/jobs lists them")
    return row


@router.post("/cities/{city}/jobs", status_code=202)
def create_job(
    city: str,
    body: Annotated[AskIn | RunIn, Field(discriminator="kind")],
    desk: DeskDep,
    who: Annotated[Who, Depends(Needs("run"))],
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200, pattern=r"^[!-~]+$")] = None,
) -> JobOut:
    """Ask for a run. It is on disk when this replies, and is done even where the server ends meanwhile.

    The same Idempotency-Key again gives the same job.
    """
    desk.folder(city)
    request, title, scenario = _asked(desk, city, body)
    row = desk.jobs.add(
        kind=body.kind, city=city, request=request, principal=who, title=title, scenario=scenario, once=idempotency_key
    )
    desk.workers.submit(row.id)
    response.headers["location"] = f"/api/v1/jobs/{row.id}"
    return job_out(desk, row)


def _asked(desk: Desk, city: str, body: AskIn | RunIn) -> tuple[dict[str, Any], str, tuple[str, int] | None]:
    """Arguments of the task, its title, and the kept scenario that it runs."""
    more: dict[str, Any] = {} if body.members is None else {"members": body.members}
    if isinstance(body, AskIn):
        return {"question": body.question, **more}, body.question[:200], None
    if (body.scenario is None) == (body.scenario_id is None):
        raise Problem(422, "a run needs either `scenario` with its edits, or `scenario_id` of a kept one")
    if body.scenario is not None:
        content, kept = kept_content(body.scenario, city), None
    else:
        content, kept = _of_version(desk, city, body.scenario_id or "", body.version)
    want = body.want or content.pop("want", [])
    content.pop("want", None)
    if not any(not edit.get("off") for edit in content["edits"]):
        raise Problem(
            422, "the scenario changes nothing: it has no edit that is switched on; add one, or switch one on"
        )
    request = {"scenario": content, **more} | ({"want": want} if want else {})
    return request, content["title"] or _in_words(desk, city, content), kept


def _in_words(desk: Desk, city: str, content: dict[str, Any]) -> str:
    """What a scenario without a title does, as far as its edits fit the city."""
    found = [checked(edit, desk.city(city)) for edit in Scenario.model_validate(content).active]
    said = "; ".join(edit.says for edit in found if edit.fits) or f"{len(found)} edits"
    return said[:1].upper() + said[1:200]


def _of_version(desk: Desk, city: str, name: str, version: int | None) -> tuple[dict[str, Any], tuple[str, int]]:
    head, found = desk.scenarios.at(name, version)
    if head.city != city:
        raise Problem(422, f"the scenario {name} is of the city {head.city}, not of {city}; run it there")
    return {**found.content}, (head.id, found.version)


@router.get("/jobs", response_model=JobsOut)
def list_jobs(
    request: Request,
    desk: DeskDep,
    who: Annotated[Who, Depends(Needs("look"))],
    city: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Jobs, newest first: one's own, and everybody's for those who may operate."""
    owner = owner_of(who) if mine or not who.may("operate") else None
    rows = desk.jobs.newest(city=city, owner=owner, before=place_of(cursor), limit=limit + 1)
    items = [job_out(desk, row) for row in rows[:limit]]
    more = cursor_of(rows[limit - 1].journal_seq) if len(rows) > limit else None
    return entity(request, JobsOut(items=items, next=more))


@router.get("/jobs/{job}", response_model=JobOut)
def get_job(
    job: JobId, request: Request, desk: DeskDep, who: Annotated[Who, Depends(Needs("look"))]
) -> Response:  # fmt: skip
    """One job, as it is now."""
    return entity(request, job_out(desk, _owned(desk, job, who)))


@router.delete("/jobs/{job}")
def cancel_job(job: JobId, desk: DeskDep, who: Annotated[Who, Depends(Needs("look"))]) -> JobOut:
    """Cancel a job that waits or runs. One that has ended stays as it ended: 409."""
    row = _owned(desk, job, who)
    if not desk.jobs.cancel(row.id, who):
        raise Problem(409, "the job has ended before it could be cancelled; its answer stays")
    desk.workers.cancelled(row.id)
    found = desk.jobs.get(row.id)
    assert found is not None
    return job_out(desk, found)


@router.get(
    "/jobs/{job}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {}}}}},
)
async def watch_job(
    job: JobId,
    request: Request,
    desk: DeskDep,
    who: Annotated[Who, Depends(Needs("look"))],
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> StreamingResponse:
    """Server-sent events: `job` with the job as it is whenever it changes, a few times a second at most, to its end."""
    await run_in_threadpool(_owned, desk, job, who)
    stream = _events(desk, job, request, last_event_id or "")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _events(desk: Desk, name: str, request: Request, last: str) -> AsyncIterator[str]:
    with desk.workers.listeners.listening(name) as event:
        yield "retry: 1000\n\n"
        while True:
            event.clear()
            row = await desk.workers.look(name)
            shape = job_out(desk, row).model_dump_json()
            mark = digest(shape)[:16]
            if mark != last:
                last = mark
                yield f"event: job\nid: {mark}\ndata: {shape}\n\n"
            if row.status in ENDED or desk.workers.listeners.closed or await request.is_disconnected():
                return
            await asyncio.sleep(OFTEN)
            try:
                await asyncio.wait_for(event.wait(), BEAT)
            except TimeoutError:
                yield ": still here\n\n"
