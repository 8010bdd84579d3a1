"""Questions in plain words read, and edits held against the city: both run nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, JsonValue

from synapolis.agents.question import LONGEST, Clarify, Refused, Understood, parse_question
from synapolis.agents.subjects import lacking
from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.bind import bind
from synapolis.scenarios.edits import EditBase, Scenario
from synapolis.scenarios.footprint import footprint, in_degrees
from synapolis.scenarios.plan import BoundEdit
from synapolis.web.api.scenarios import EditsIn, ScenarioIn, kept_content
from synapolis.web.depends import CityDep, Needs
from synapolis.web.replies import KEPT
from synapolis.web.security.principal import Who

router = APIRouter(tags=["questions"])
Look = Annotated[Who, Depends(Needs("look"))]


class QuestionIn(BaseModel):
    """A question in plain words."""

    question: Annotated[str, Field(min_length=1, max_length=LONGEST), KEPT]


class ProposedOut(BaseModel):
    """A scenario that a question asks for: to be looked at, changed, kept or run."""

    title: str
    edits: list[dict[str, JsonValue]]


class ReadingOut(BaseModel):
    """How a question was read. `text` is what is unclear, or why it cannot be answered, or the reading itself."""

    status: Literal["understood", "clarify", "refused"]
    text: str
    options: list[str]
    reading: str
    scenario: ProposedOut | None
    want: list[str]
    siting: bool
    not_computable: dict[str, str]


class CheckedOut(BaseModel):
    """One edit held against the city: what it would do in words, where it lies, or why it does not fit."""

    id: str
    kind: str
    off: bool
    fits: bool
    says: str
    problem: str | None
    geometry: dict[str, Any] | None


class ChecksOut(BaseModel):
    """Every edit that was sent, in its order."""

    edits: list[CheckedOut]


@router.post("/cities/{city}/read")
def read_question(city: CityDep, body: QuestionIn, who: Look) -> ReadingOut:
    """Read a question and say what would be run for it. Nothing is run."""
    _ = who
    return reading_out(parse_question(body.question, city, computable=lambda word: lacking(word, city)))


def reading_out(read: Understood | Clarify | Refused) -> ReadingOut:
    """Shape of what was read."""
    if isinstance(read, Understood):
        data = read.scenario.model_dump(mode="json", exclude_none=True)
        proposed = ProposedOut(title=data["title"], edits=data["edits"])
        return ReadingOut(
            status="understood", text=read.reading, options=[], reading=read.reading,
            scenario=None if read.siting else proposed, want=list(read.want), siting=read.siting is not None,
            not_computable=dict(read.not_computable),
        )  # fmt: skip
    refused = isinstance(read, Refused)
    return ReadingOut(
        status="refused" if refused else "clarify", text=read.reason if isinstance(read, Refused) else read.text,
        options=list(read.options), reading="" if isinstance(read, Refused) else read.reading, scenario=None, want=[],
        siting=False, not_computable={},
    )  # fmt: skip


@router.post("/cities/{city}/check")
def check_edits(city: CityDep, body: EditsIn, who: Look) -> ChecksOut:
    """Hold edits against the city one by one, those that are switched off too. Nothing is run."""
    _ = who
    kept_content(ScenarioIn(edits=body.edits), city.name)
    numbered = Scenario(edits=tuple(body.edits)).edits
    return ChecksOut(edits=[checked(edit, city) for edit in numbered])


def checked(edit: EditBase, city: City) -> CheckedOut:
    """One edit held against the city."""
    told: dict[str, Any] = {"id": edit.id, "kind": getattr(edit, "kind", ""), "off": edit.off}
    on = edit.model_copy(update={"off": False})
    try:
        found = bind(Scenario.model_construct(edits=(on,)), city)
    except ScenarioError as error:
        return CheckedOut(**told, fits=False, says="", problem=str(error), geometry=None)
    return CheckedOut(**told, fits=True, says="; ".join(b.says for b in found), problem=None,
                      geometry=_where(found, city))  # fmt: skip


def _where(found: tuple[BoundEdit, ...], city: City) -> dict[str, Any] | None:
    shapes = (in_degrees(footprint(edit, city), city.crs) for edit in found)
    return next((shape for shape in shapes if shape is not None), None)
