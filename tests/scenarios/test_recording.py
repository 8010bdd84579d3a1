"""One entry per run or sweep, before its effect; refusals with their reason."""

from __future__ import annotations

import pytest

from synapolis.core.errors import NotComputableError
from synapolis.indicators.gates import GateResult
from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.scenarios.answer import Answer, Step
from synapolis.scenarios.recording import failures_recorded, record_answers

FACTS = {"city": "Old Town", "city_hash": "c" * 64, "actor": "planner", "purpose": "planning"}


@pytest.fixture
def journal(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/records.db") as store:
        yield Journal(store)


def answer(**facts):
    steps = (
        Step("runoff:1", "model", "runoff", "today", "3", ("runoff",), (), 0.1, False, "derived"),
        Step("layer:roads", "layer", "roads", "today", "", ("roads",), (), 0.0, True, "observed"),
    )
    gate = GateResult("Affordability", "rule", "block", "block", 0.9, "because")
    return Answer(**{**FACTS, "status": "answered", "question": "What if?", "summary": "", "steps": steps,
                     "gates": (gate,), "hash": "a" * 64, **facts})  # fmt: skip


def test_a_run_is_one_entry_with_models_gates_and_hashes(journal):
    entry = record_answers(journal, [answer(), answer(hash="b" * 64)], command="compare")
    assert journal.head().seq == 1
    assert (entry.kind, entry.actor, entry.purpose) == ("run", "planner", "planning")
    assert entry.body["models"] == {"runoff": "3"}
    assert [result["answer_hash"][0] for result in entry.body["results"]] == ["a", "b"]
    assert entry.body["results"][0]["gates"] == {"Affordability": "block"}
    assert "reason" not in entry.body


@pytest.mark.parametrize("status", ["clarify", "refused"])
def test_what_gives_no_answer_is_a_refusal_with_its_reason(journal, status):
    entry = record_answers(
        journal, [answer(status=status, summary="which district?", steps=(), hash="")], command="ask"
    )
    assert entry.kind == "refusal"
    assert entry.body["reason"] == "which district?"


def test_a_failure_is_recorded_and_goes_on(journal):
    with (
        pytest.raises(NotComputableError, match="needs a timetable"),
        failures_recorded(journal, command="run", question="trams.yaml", **FACTS),
    ):
        raise NotComputableError("needs a timetable")
    (entry,) = journal.entries()
    assert (entry.kind, entry.body["reason"]) == ("refusal", "needs a timetable")
    assert entry.body["results"][0]["question"] == "trams.yaml"
