"""One journal entry per run or sweep, written before its effect: keeping and showing the answer.

A run's entry has the kind "run"; one that was asked back, refused, not computable or failed has the kind "refusal",
with the reason. The body names the city and its hash, the models that ran and the rules and parsers that were called,
with their versions (in a refusal by the register: what may not run), and for each answer its question, scenario, hash
and gates: what the public register counts as evidence of use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synapolis.core.errors import SynapolisError
from synapolis.core.noting import noted, noting
from synapolis.layers.city import City
from synapolis.records.entry import JournalEntry
from synapolis.records.journal import Journal
from synapolis.scenarios.answer import Answer

RUN, REFUSAL, BUILD = "run", "refusal", "build"


def record_answers(journal: Journal, answers: Sequence[Answer], *, command: str) -> JournalEntry:
    """Record what was answered, as one entry: one answer, or the several of one comparison.

    Parameters
    ----------
    answers : at least one, of one city, actor and purpose
    command : what was called: "ask", "run", "compare"

    Returns
    -------
    JournalEntry
        On disk; the answers may now be kept and shown.
    """
    first = answers[0]
    unanswered = [answer.summary for answer in answers if answer.status != "answered"]
    return record_run(
        journal,
        command=command,
        actor=first.actor,
        purpose=first.purpose,
        city=first.city,
        city_hash=first.city_hash,
        models={step.name: step.version for answer in answers for step in answer.steps if step.version},
        results=[_result(answer) for answer in answers],
        reason="; ".join(unanswered),
    )


def _result(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "question": answer.question,
        "answer_hash": answer.hash,
        "scenario": dict(answer.scenario),
        "want": list(answer.want),
        "gates": {gate.name: gate.outcome for gate in answer.gates},
        "not_computable": dict(answer.not_computable),
    }


def record_run(
    journal: Journal,
    *,
    command: str,
    actor: str,
    purpose: str,
    city: str,
    city_hash: str,
    models: Mapping[str, str],
    results: Sequence[Mapping[str, Any]],
    reason: str = "",
) -> JournalEntry:
    """Record a run of any kind; `reason` says why it gave no answer, and makes it a refusal.

    Parameters
    ----------
    models : name and version of each model that ran
    results : one mapping for each thing that came out, in what JSON can say
    """
    body = {
        "command": command,
        "city": city,
        "city_hash": city_hash,
        "models": dict(sorted(models.items())),
        "rules": dict(sorted(noted().items())),
        "results": [dict(result) for result in results],
    }
    if reason:
        body["reason"] = reason
    return journal.append(REFUSAL if reason else RUN, actor, body, purpose)


def record_build(journal: Journal, city: City, *, actor: str) -> JournalEntry:
    """Record that a city was built, by which parsers and rules: those called inside the `noting` block around this."""
    body = {"city": city.title, "city_hash": city.digest, "layers": sorted(city.layers), "rules": noted()}
    return journal.append(BUILD, actor, body, "building a city")


@contextmanager
def failures_recorded(
    journal: Journal, *, command: str, actor: str, purpose: str, city: str, city_hash: str, question: str
) -> Iterator[None]:
    """Record what fails inside the block as a refusal with its reason, and let the error go on.

    `question` is what was asked: the words, or the scenario's title or file name.
    """
    try:
        with noting():
            yield
    except SynapolisError as error:
        refused = getattr(error, "refused", None)
        result = {"status": "failed", "question": question}
        record_run(
            journal,
            command=command,
            actor=actor,
            purpose=purpose,
            city=city,
            city_hash=city_hash,
            models=dict([refused]) if refused else {},
            results=[result],
            reason=str(error),
        )
        raise
