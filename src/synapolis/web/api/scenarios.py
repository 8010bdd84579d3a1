"""Scenarios that are kept: read, changed without losing anybody's change, published as plans, checked on the map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, JsonValue

from synapolis.records.tables_desk import ScenarioRow, ScenarioVersion
from synapolis.scenarios.edits import Edit, Scenario
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem
from synapolis.web.replies import KEPT, Cursor, Limit, cursor_of, entity, place_of, readable, storable, tags
from synapolis.web.security.principal import Who
from synapolis.web.state import Desk
from synapolis.web.work.jobs import owner_of
from synapolis.web.work.shelf import Found, StaleError

router = APIRouter(tags=["scenarios"])
MOST_EDITS = 100
MOST_VERTICES = 5_000
MOST_IN_ALL = 10_000
LONGEST_WORD = 300
ScenarioId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Id of a scenario.")]
IfMatch = Annotated[str | None, Header(max_length=500, description="ETag of the scenario as it was when read.")]
Look = Annotated[Who, Depends(Needs("look"))]
Editor = Annotated[Who, Depends(Needs("edit"))]
Publisher = Annotated[Who, Depends(Needs("publish"))]


class ScenarioIn(BaseModel):
    """A scenario as it is sent: a title, edits in their order, what to compute (by default what suits the edits)."""

    title: Annotated[str, Field(max_length=200), KEPT] = ""
    edits: Annotated[list[Edit], Field(max_length=MOST_EDITS)] = []
    want: Annotated[list[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,79}$")]], Field(max_length=60)] = []


class EditsIn(BaseModel):
    """Edits to be checked, in their order."""

    edits: Annotated[list[Edit], Field(max_length=MOST_EDITS)]


class ScenarioOut(BaseModel):
    """A kept scenario at one version. `answer` is the newest answer of this very version."""

    id: str
    city: str
    version: int
    newest: int
    title: str
    edits: list[dict[str, JsonValue]]
    want: list[str]
    status: Literal["draft", "published"]
    published_version: int | None
    sentence: str
    when: str
    author: str
    created: str
    updated: str
    answer: str | None
    summary: str
    blocked: bool


class ScenariosOut(BaseModel):
    """Scenarios of a city, newest first."""

    items: list[ScenarioOut]
    next: str | None


class VersionOut(BaseModel):
    """One version in the history of a scenario."""

    version: int
    title: str
    author: str
    at: str
    edits: int
    answer: str | None
    published: bool


class VersionsOut(BaseModel):
    """Every version, newest first."""

    items: list[VersionOut]
    next: None = None


class PublishIn(BaseModel):
    """What citizens read of a plan: one plain sentence, and when it is to come."""

    sentence: Annotated[str, Field(min_length=10, max_length=300), KEPT]
    when: Annotated[str, Field(max_length=80), KEPT] = ""


def kept_content(body: ScenarioIn, city: str) -> dict[str, Any]:
    """A scenario as it is kept and run: edits with their ids, checked for size and for what the records can hold.

    Raises
    ------
    Problem
        422 naming the edit that has too many corners or a text that is no name, or what cannot be kept.
    """
    corners = 0
    for number, edit in enumerate(body.edits):
        sent = storable(edit.model_dump(exclude_none=True), where := f"edits.{number}")
        corners += _drawn_small(sent, edit.id or f"e{number + 1}", where)
    if corners > MOST_IN_ALL:
        told = f"the edits are drawn with {corners:,} corners and names in all; at most {MOST_IN_ALL:,} are taken"
        raise Problem(422, f"{told}: simplify the shapes, or make two scenarios", errors=[("edits", told)])
    try:
        read = Scenario(title=body.title, city=city[:200], edits=tuple(body.edits))
    except ValueError as error:
        raise Problem(422, f"edits: {error}") from None
    edits = [edit.model_dump(mode="json", exclude_none=True) for edit in read.edits]
    return {"title": body.title, "city": city, "edits": edits, "want": body.want}


def _drawn_small(sent: Any, name: str, where: str) -> int:
    """Number of corners and names in an edit; Problem 422 where they are too many, or one is no name."""
    corners = sum(isinstance(leaf, list) or _is_name(leaf, name, where) for leaf in _leaves(sent))
    if corners > MOST_VERTICES:
        told = f"edit {name} is drawn with {corners:,} corners and names; at most {MOST_VERTICES:,} are taken"
        raise Problem(422, f"{told}: simplify the shape, or name a place", errors=[(where, told)])
    return corners


def _is_name(leaf: Any, name: str, where: str) -> bool:
    """Whether a value is text; Problem 422 for text that is no name of anything in a city."""
    if isinstance(leaf, str) and (len(leaf) > LONGEST_WORD or not readable(leaf)):
        told = f"edit {name} has a text of {len(leaf):,} characters that is no name of a place, street or feature"
        raise Problem(
            422, f"{told}; names are readable, of at most {LONGEST_WORD} characters", errors=[(where, told)]
        )  # fmt: skip
    return isinstance(leaf, str)


def _leaves(value: Any) -> Iterator[Any]:
    """Texts, numbers and positions (lists of numbers) in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, list | tuple) or (value and all(isinstance(item, int | float) for item in value)):
        yield list(value) if isinstance(value, list | tuple) else value
        return
    for item in value:
        yield from _leaves(item)


def scenario_out(head: ScenarioRow, at: ScenarioVersion, found: Found) -> ScenarioOut:
    """Shape of a scenario at a version."""
    shown = head.published == at.version
    return ScenarioOut.model_validate(
        {**vars(head), **at.content, "id": head.id, "version": at.version, "newest": head.version,
         "status": "published" if head.published is not None else "draft", "published_version": head.published,
         "sentence": head.sentence if head.published is not None else "", "when": head.planned, "author": at.author,
         "updated": at.at if not shown else head.updated, **vars(found)}
    )  # fmt: skip


def _out(desk: Desk, head: ScenarioRow, at: ScenarioVersion) -> ScenarioOut:
    key = (head.id, at.version)
    return scenario_out(head, at, desk.scenarios.found([key]).get(key, Found()))


def _reply(request: Request, desk: Desk, head: ScenarioRow, at: ScenarioVersion, **more: Any) -> Response:
    return entity(request, _out(desk, head, at), mark=f"{head.version}-", **more)


def _expected(if_match: str | None) -> int | None:
    """Version that a change was made on: the number that begins its ETag."""
    if if_match is None:
        raise Problem(
            428, "a change needs the header If-Match with the ETag of the scenario it was made on; GET it first"
        )
    if if_match.strip() == "*":
        return None
    begins = [tag.strip('"').partition("-")[0] for tag in tags(if_match)]
    return next((int(begin) for begin in begins if begin.isascii() and begin.isdigit() and len(begin) < 10), 0)


def _current(desk: Desk, stale: StaleError) -> Problem:
    head, at = desk.scenarios.at(stale.head.id)
    stale.extra["current"] = _out(desk, head, at).model_dump(mode="json")
    stale.headers["etag"] = f'"{head.version}-current"'
    return stale


@router.post("/cities/{city}/scenarios", status_code=201, response_model=ScenarioOut)
def create_scenario(city: str, body: ScenarioIn, request: Request, desk: DeskDep, who: Editor) -> Response:
    """Keep a new scenario."""
    desk.folder(city)
    head = desk.scenarios.add(city, kept_content(body, city), who)
    where = {"location": f"/api/v1/scenarios/{head.id}"}
    return _reply(request, desk, *desk.scenarios.at(head.id), status=201, headers=where)


@router.get("/cities/{city}/scenarios", response_model=ScenariosOut)
def list_scenarios(
    city: str,
    request: Request,
    desk: DeskDep,
    who: Look,
    status: Annotated[Literal["draft", "published"] | None, Query()] = None,
    mine: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Scenarios of a city, newest first; to those who may not edit, the published ones as they are published."""
    desk.folder(city)
    if not who.may("edit"):
        if status == "draft":
            raise Problem(403, "drafts are shown to those who may edit; sign in as an analyst or officer")
        status = "published"
    owner = owner_of(who) if mine else None
    found = desk.scenarios.newest(
        city, shown=status or "all", owner=owner, before=place_of(cursor), limit=limit + 1
    )  # fmt: skip
    answers = desk.scenarios.found([(head.id, at.version) for head, at in found[:limit]])
    items = [scenario_out(head, at, answers.get((head.id, at.version), Found())) for head, at in found[:limit]]
    more = cursor_of(found[limit - 1][0].journal_seq) if len(found) > limit else None
    return entity(request, ScenariosOut(items=items, next=more))


def _seen(desk: Desk, name: str, version: int | None, who: Who) -> tuple[ScenarioRow, ScenarioVersion]:
    """A scenario as this person may see it: drafts only who may edit, others the published version."""
    head, at = desk.scenarios.at(name, version)
    if who.may("edit"):
        return head, at
    if head.published is None or version not in (None, head.published):
        raise Problem(404, f"no published plan has the id {name}; drafts are shown to those who may edit")
    return desk.scenarios.at(name, head.published)


@router.get("/scenarios/{scenario}", response_model=ScenarioOut)
def get_scenario(
    scenario: ScenarioId,
    request: Request,
    desk: DeskDep,
    who: Look,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """One scenario, at its newest version or at the one asked for."""
    return _reply(request, desk, *_seen(desk, scenario, version, who))


@router.put(
    "/scenarios/{scenario}",
    response_model=ScenarioOut,
    responses={412: {"description": "Somebody changed it meanwhile; `current` is what it is now."}},
)
def save_scenario(
    scenario: ScenarioId, body: ScenarioIn, request: Request, desk: DeskDep, who: Editor, if_match: IfMatch = None
) -> Response:
    """Save a scenario as its next version. Needs If-Match; where somebody else saved meanwhile, nothing is changed."""
    expected = _expected(if_match)
    head, _ = desk.scenarios.at(scenario)
    try:
        desk.scenarios.save(scenario, expected, kept_content(body, head.city), who)
    except StaleError as stale:
        raise _current(desk, stale) from None
    return _reply(request, desk, *desk.scenarios.at(scenario))


@router.delete("/scenarios/{scenario}", status_code=204)
def delete_scenario(scenario: ScenarioId, desk: DeskDep, who: Editor, if_match: IfMatch = None) -> None:
    """Delete a draft. Needs If-Match. A published plan has to be withdrawn first."""
    expected = _expected(if_match)
    try:
        desk.scenarios.delete(scenario, expected, who)
    except StaleError as stale:
        raise _current(desk, stale) from None


@router.get("/scenarios/{scenario}/versions", response_model=VersionsOut)
def list_versions(scenario: ScenarioId, request: Request, desk: DeskDep, who: Editor) -> Response:
    """Every version of a scenario, newest first: who saved it and when, and its answer."""
    head, _ = desk.scenarios.at(scenario)
    found = desk.scenarios.versions(scenario)
    answers = desk.scenarios.found([(row.scenario, row.version) for row in found])
    items = [
        VersionOut(
            version=row.version, title=row.content["title"], author=row.author, at=row.at,
            edits=len(row.content["edits"]), answer=answers.get((row.scenario, row.version), Found()).answer,
            published=row.version == head.published,
        )
        for row in found
    ]  # fmt: skip
    _ = who
    return entity(request, VersionsOut(items=items))


@router.post("/scenarios/{scenario}/publish", response_model=ScenarioOut)
def publish_scenario(
    scenario: ScenarioId, body: PublishIn, request: Request, desk: DeskDep, who: Publisher, if_match: IfMatch = None
) -> Response:
    """Show the newest version to everybody as a plan. With If-Match, only where it is still the one that was read."""
    expected = _expected(if_match) if if_match is not None else None
    try:
        desk.scenarios.publish(scenario, expected, sentence=body.sentence, planned=body.when, who=who)
    except StaleError as stale:
        raise _current(desk, stale) from None
    return _reply(request, desk, *desk.scenarios.at(scenario))


@router.post("/scenarios/{scenario}/withdraw", response_model=ScenarioOut)
def withdraw_scenario(scenario: ScenarioId, request: Request, desk: DeskDep, who: Publisher) -> Response:
    """Take a plan back: it is a draft again."""
    desk.scenarios.withdraw(scenario, who)
    return _reply(request, desk, *desk.scenarios.at(scenario))
