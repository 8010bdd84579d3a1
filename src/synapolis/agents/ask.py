"""Ask a question in plain words: it is read, planned, run and answered; or asked back, or refused with the reason."""

from __future__ import annotations

from synapolis.agents.question import Clarify, Refused, Understood, parse_question
from synapolis.core.errors import NotComputableError, ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.answer import Answer, Evidence
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.rehearse import FITTING, MEMBERS, Rehearsal, rehearse
from synapolis.scenarios.run import Progress
from synapolis.scenarios.siting import SITING_MEMBERS, Siting, choose_sites
from synapolis.scenarios.sweep import Sweep


def ask(
    question: str,
    city: City,
    cache: Cache,
    *,
    actor: str = "local user",
    purpose: str = "planning",
    members: int = MEMBERS,
    sweep: Sweep | None = None,
    progress: Progress | None = None,
) -> tuple[Answer, Evidence]:
    """Answer a question about a city, offline and without a language model.

    A question that is not understood whole runs nothing: the answer's status is `clarify`, with what was not
    understood; one outside the city's data has status `refused`, with the reason.
    """
    planner = Planner(city)
    read = parse_question(question, city, computable=planner.why_not)
    if isinstance(read, Clarify):
        return _unanswered("clarify", question, city, actor, purpose, read.text, read.options), Evidence(city)
    if isinstance(read, Refused):
        return _unanswered("refused", question, city, actor, purpose, read.reason, read.options), Evidence(city)
    try:
        return _carry_out(
            read, city, cache, actor=actor, purpose=purpose, members=members, sweep=sweep, progress=progress
        )
    except (NotComputableError, ScenarioError) as error:
        return _unanswered("refused", question, city, actor, purpose, str(error), ()), Evidence(city)


def _carry_out(
    read: Understood,
    city: City,
    cache: Cache,
    *,
    actor: str,
    purpose: str,
    members: int,
    sweep: Sweep | None,
    progress: Progress | None,
) -> tuple[Answer, Evidence]:
    if read.siting is not None:
        siting = Siting(
            homes=read.siting.homes, area=read.siting.area, weights=read.siting.weights, question=read.question,
            actor=actor, purpose=purpose, members=min(members, SITING_MEMBERS),
        )  # fmt: skip
        return choose_sites(city, siting, cache, sweep=sweep, progress=progress)
    rehearsal = Rehearsal(
        read.scenario, read.want, question=read.question, actor=actor, purpose=purpose, members=members
    )
    answer, evidence = rehearse(city, rehearsal, cache, sweep=sweep, progress=progress)
    core = [word for word in read.want if word not in FITTING or "housing" in read.topics]
    if core and all(word in answer.not_computable for word in core):
        reasons = [answer.not_computable[word].replace(f" for {word}", "") for word in core]
        raise NotComputableError("; ".join(dict.fromkeys(reasons)))
    heard = f"Understood as: {read.reading}"
    told = {
        **vars(answer),
        "findings": (heard, *answer.findings),
        "not_computable": {**read.not_computable, **answer.not_computable},
    }
    return Answer(**told), evidence


def _unanswered(
    status: str, question: str, city: City, actor: str, purpose: str, text: str, options: tuple[str, ...]
) -> Answer:
    return Answer(
        status="clarify" if status == "clarify" else "refused",
        question=question,
        city=city.title,
        city_hash=city.digest,
        actor=actor,
        purpose=purpose,
        summary=text,
        options=options,
        attribution=city.attribution,
    )
