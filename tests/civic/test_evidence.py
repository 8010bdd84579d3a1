"""Live evidence is a fold over the journal: what is there is counted, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from synapolis.civic.evidence import evidence
from synapolis.records.entry import NO_HASH, JournalEntry


def entry(seq, kind, body, actor="planner"):
    return JournalEntry(
        seq, f"2026-03-01T12:{seq % 60:02d}:00.000000Z", kind, actor, "planning", body, NO_HASH, NO_HASH
    )


def test_runs_refusals_overrides_tests_and_complaints_of_a_model():
    journal = [
        entry(1, "run", {"models": {"flood": "1", "runoff": "3"}, "results": [{"gates": {}}]}),
        entry(2, "run", {"models": {"flood": "2"}, "results": []}, actor="alderman"),
        entry(3, "refusal", {"models": {"flood": "2"}, "reason": "no terrain"}),
        entry(4, "override", {"entry": "synapolis:flood", "version": "2", "text": "We know this street floods."}),
        entry(5, "test", {"entry": "synapolis:flood", "version": "2", "passed": False, "text": "1 failed"}),
        entry(6, "test", {"entry": "synapolis:flood", "version": "2", "passed": True, "text": "12 passed"}),
        entry(7, "complaint", {"entry": "synapolis:flood", "version": "2", "text": "My cellar."}, actor="resident"),
        entry(8, "register", {"entry": "synapolis:flood", "act": "enter"}),
    ]
    found = evidence(journal)
    flood = found["synapolis:flood"]
    assert (flood.runs, flood.first_run[:16], flood.last_run[:16]) == (2, "2026-03-01T12:01", "2026-03-01T12:02")
    assert flood.actors == {"planner": 1, "alderman": 1}
    assert flood.versions == {"1": 1, "2": 1}
    assert [event.text for event in flood.refusals] == ["no terrain"]
    assert [event.text for event in flood.overrides] == ["We know this street floods."]
    assert [(event.actor, event.text) for event in flood.complaints] == [("resident", "My cellar.")]
    assert (flood.last_test.passed, flood.last_test.version, flood.last_test.seq) == (True, "2", 6)
    assert found["synapolis:runoff"].runs == 1
    assert found.keys() == {"synapolis:flood", "synapolis:runoff"}


def test_a_rule_that_was_called_ran_and_a_block_by_a_gate_is_its_refusal():
    gates = [{"status": "answered", "gates": {"Rent": "block", "Flood": "pass"}}]
    judged = {"models": {"rents": "1"}, "rules": {"gate": "3"}, "results": gates}
    found = evidence([entry(1, "run", judged)])
    assert found["synapolis:gate"].versions == {"3": 1}
    assert [event.text for event in found["synapolis:gate"].refusals] == ["Rent: blocked"]


def test_a_question_that_is_asked_back_is_a_refusal_by_its_reader_alone():
    result = {"status": "clarify", "question": "More homes?"}
    found = evidence(
        [entry(1, "refusal", {"models": {}, "rules": {"parse_question": "1", "gate": "1"}, "results": [result]})]
    )
    assert [event.text for event in found["synapolis:parse_question"].refusals] == ["More homes?"]
    assert found.keys() == {"synapolis:parse_question"}


def test_building_a_city_is_a_run_of_its_parsers():
    found = evidence([entry(1, "build", {"city": "Town", "rules": {"read_osm": "1", "read_gtfs": "2"}})])
    assert {id_: one.runs for id_, one in found.items()} == {"synapolis:read_osm": 1, "synapolis:read_gtfs": 1}


def test_another_system_has_evidence_too():
    found = evidence([entry(1, "run", {"entry": "example:scanner", "version": "4"})])
    assert found["example:scanner"].versions == {"4": 1}


bodies = [{}, {"a": "1"}, {"a": "2", "b": "1"}, {"b": "1", "c": "1"}, {"d": "3"}]
runs = st.lists(st.sampled_from(bodies), max_size=20)


@given(runs)
def test_every_run_of_a_model_is_counted_once(ran):
    found = evidence(entry(seq, "run", {"models": models}) for seq, models in enumerate(ran))
    for name in "abcd":
        expected = sum(name in models for models in ran)
        known = found.get(f"synapolis:{name}")
        assert (known.runs if known else 0) == expected
        assert known is None or sum(known.versions.values()) == sum(known.actors.values()) == expected


def test_a_body_of_another_shape_breaks_nothing():
    odd = [{}, {"models": ["flood"]}, {"models": None, "results": [3, {"gates": None}]}, {"entry": 7}]
    assert evidence(entry(seq, "run", body) for seq, body in enumerate(odd)) == {}
