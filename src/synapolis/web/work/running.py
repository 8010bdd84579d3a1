"""Tasks that run the twin: a question in words, and a scenario. Each is journalled and kept before it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synapolis.agents.ask import ask
from synapolis.core.errors import CityError
from synapolis.core.home import home
from synapolis.layers.city import City
from synapolis.layers.workspace import keep_answer
from synapolis.report.artefacts import write_artefacts
from synapolis.scenarios.answer import SCENARIO, Answer, Evidence
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.recording import failures_recorded, record_answers
from synapolis.scenarios.rehearse import Rehearsal, rehearse
from synapolis.web.answers import find_answer
from synapolis.web.work.tasks import Context, task
from synapolis.web.work.wanted import wanted_by

COMMAND = "web"
PURPOSE = "planning"


@task("ask")
def ask_question(context: Context, *, city: str, question: str, members: int | None = None) -> dict[str, Any]:
    """Answer a question in plain words."""
    place = context.city(city)
    with failures_recorded(context.journal, question=question, **_told(context, place)):
        answer, evidence = ask(
            question, place, context.cache, actor=context.actor, purpose=PURPOSE,
            members=context.members if members is None else members, progress=context.tell,
        )  # fmt: skip
        record_answers(context.journal, [answer], command=COMMAND)
    return _kept(answer, evidence)


@task("run")
def run_scenario(
    context: Context, *, city: str, scenario: dict[str, Any], want: Sequence[str] = (), members: int | None = None
) -> dict[str, Any]:
    """Rehearse a scenario; where nothing is named to compute, what its edits are usually asked about."""
    place = context.city(city)
    read = Scenario.model_validate(scenario)
    rehearsal = Rehearsal(
        read,
        tuple(want) or wanted_by(read, place),
        question=f"{SCENARIO}{read.title or 'without a title'}",
        actor=context.actor,
        purpose=PURPOSE,
        members=context.members if members is None else members,
    )
    with failures_recorded(context.journal, question=rehearsal.question, **_told(context, place)):
        answer, evidence = rehearse(place, rehearsal, context.cache, progress=context.tell)
        record_answers(context.journal, [answer], command=COMMAND)
    return _kept(answer, evidence)


def _told(context: Context, city: City) -> dict[str, str]:
    return {
        "command": COMMAND, "actor": context.actor, "purpose": PURPOSE, "city": city.title, "city_hash": city.digest,
    }  # fmt: skip


def _kept(answer: Answer, evidence: Evidence) -> dict[str, Any]:
    """Keep an answer and draw its maps; return what the job says of it.

    The maps come first: whoever finds the answer finds them too. A hash does not cover the words of a question or
    title, so whoever runs the same again does not reword what another was answered, and may have published.
    """
    if answer.hash and not _anothers(answer):
        write_artefacts(answer, evidence, home() / "answers" / answer.hash[:16])
        keep_answer(answer.hash, answer.to_json())
    return {
        "answer": answer.hash or None, "answer_status": answer.status, "summary": answer.summary,
        "blocked": answer.blocked,
    }  # fmt: skip


def _anothers(answer: Answer) -> bool:
    """Whether the same is kept already, whole, as somebody else was answered it."""
    try:
        kept = find_answer(answer.hash)
    except CityError:
        return False
    return kept.maps is not None and kept.data.get("actor") != answer.actor
