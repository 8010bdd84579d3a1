"""Rehearsals on the made-up town: the same question gives the same answer, and each figure opens into its run."""

import json
from dataclasses import replace

import numpy as np
import pytest

from synapolis.core.errors import NotComputableError, ScenarioError, SynapolisError
from synapolis.indicators.gates import AFFORDABILITY, Gate
from synapolis.layers.city import open_city, save_city
from synapolis.scenarios.answer import read_answer
from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.rehearse import Rehearsal, check_scenario, rehearse
from synapolis.scenarios.telling import sentence

WANT = ("runoff_volume", "mean_jobs_within_5_min", "vehicle_kilometres", "total_capital_cost")
HOMES = "edits: [{kind: add_homes, area: {place: Old Town}, homes: 50}]"
TOO_MANY = "edits: [{kind: add_homes, area: {place: Old Town}, homes: 20000}]"
TREES = "edits: [{kind: change_cover, area: {place: Highfields}, cover: trees}]"
HEADWAY = 'edits: [{kind: change_headway, route: "7", headway_minutes: 3}]'
CLOSED = "edits: [{kind: close_street, street: Weaver Avenue}]"


def asked(text, want=WANT, **facts):
    return Rehearsal(parse_scenario(text), want, **{"members": 2} | facts)


@pytest.fixture(scope="module")
def homes(town, memory):
    return rehearse(town, asked(HOMES), memory)[0]


@pytest.fixture(scope="module")
def too_many(town, memory):
    return rehearse(town, asked(TOO_MANY), memory)[0]


def figures(answer):
    return {claim.id: (claim.before, claim.after, claim.low, claim.high, claim.detectable) for claim in answer.claims}


def claim(answer, name):
    return next(c for c in answer.claims if c.id == name)


def test_the_same_question_twice_is_the_same_answer(town):
    cache = Cache()
    first, second = (rehearse(town, asked(HOMES), cache)[0] for _ in range(2))
    assert second.hash == first.hash
    assert figures(second) == figures(first)
    assert second.summary == first.summary
    assert first.statistics["computed"] > 0
    assert second.statistics["computed"] == 0
    assert all(step.cached for step in second.steps)


@pytest.mark.slow
def test_nothing_of_it_hangs_on_the_cache(town, homes):
    fresh = rehearse(town, asked(HOMES), Cache())[0]
    assert fresh.hash == homes.hash
    assert figures(fresh) == figures(homes)


@pytest.mark.slow
def test_what_was_run_before_does_not_matter(town, homes):
    cache = Cache()
    for other in (TREES, CLOSED, TOO_MANY):
        rehearse(town, asked(other, members=0), cache)
    assert figures(rehearse(town, asked(HOMES), cache)[0]) == figures(homes)


def test_a_city_from_its_folder_gives_the_same_answer(town, homes, memory, tmp_path):
    answer = rehearse(open_city(save_city(town, tmp_path / "town")), asked(HOMES), memory)[0]
    assert answer.hash == homes.hash
    assert answer.statistics["computed"] == 0


def test_with_one_input_changed_only_what_stands_on_it_runs(town):
    cache = Cache()
    rehearse(town, asked(TREES, members=0), cache)
    table = town.layers["zones"].value
    more = replace(town.layers["zones"], value=table.assign(jobs=table["jobs"] + 10))
    answer = rehearse(town.with_layers(more), asked(TREES, members=0), cache)[0]
    ran = {step.name for step in answer.steps if not step.cached and step.kind not in ("layer", "assumption")}
    kept = {step.name for step in answer.steps if step.cached}
    assert {"access", "mean_jobs_within_5_min", "zone_jobs"} <= ran
    assert {"runoff", "land_cover", "change_cover", "storm_intensity", "walk_network"} <= kept
    assert 0 < answer.statistics["computed"] < answer.statistics["nodes"]


@pytest.mark.slow
def test_with_one_assumption_changed_only_what_stands_on_it_runs(town):
    cache = Cache()
    before = rehearse(town, asked(TREES, members=0), cache)[0]
    answer = rehearse(town, asked(TREES, members=0, assumptions={"storm_depth": 30.0}), cache)[0]
    assert answer.hash != before.hash
    ran = {step.name for step in answer.steps if not step.cached and step.kind not in ("layer", "assumption")}
    assert {"storm_intensity", "runoff"} <= ran
    assert not {"access", "assignment", "car_time", "land_cover", "change_cover"} & ran
    assert claim(answer, "runoff_volume").after > claim(before, "runoff_volume").after


@pytest.mark.parametrize("name", ["homes", "too_many"])
def test_every_claim_opens_into_its_run(name, request):
    answer = request.getfixturevalue(name)
    steps = {step.id: step for step in answer.steps}
    for c in answer.claims:
        assert c.run_path in steps, f"{c.id} points nowhere"
        assert c.quantity in steps[c.run_path].makes
    assert len(steps) == len(answer.steps)
    for step in answer.steps:
        assert set(step.parents) <= steps.keys(), f"{step.name} stands on steps that are not told"
        if step.kind in ("model", "edit"):
            assert step.version
            assert step.method
            assert step.source


def test_layers_carry_their_terms(homes, town):
    assert homes.layers
    for used in homes.layers:
        layer = town.layers[used.name]
        assert (used.digest, used.source, used.licence) == (layer.digest, layer.source, layer.licence)


@pytest.mark.slow
def test_the_interval_holds_the_central_change(town, memory):
    for text in (HOMES, TREES, HEADWAY, CLOSED):
        for c in rehearse(town, asked(text, members=10), memory)[0].claims:
            if c.low is not None:
                assert c.low <= c.high
                slack = 1e-9 * max(1.0, abs(c.change))
                assert c.before + c.change == pytest.approx(c.after)
                assert c.low - slack <= max(c.high, c.change)
                assert not c.detectable or c.low * c.high > 0  # an interval with 0 in it shows no difference


def test_too_small_to_tell_reads_no_detectable_difference(town, memory):
    answer = rehearse(town, asked("edits: [{kind: add_homes, area: {place: Old Town}, homes: 1}]"), memory)[0]
    assert claim(answer, "vehicle_kilometres").detectable is not True
    said = sentence(claim(answer, "vehicle_kilometres"))
    assert "no detectable difference" in said or "unchanged" in said


def test_what_nothing_touches_is_unchanged(town, memory):
    answer = rehearse(town, asked(HEADWAY), memory)[0]
    runoff = claim(answer, "runoff_volume")
    assert (runoff.change, runoff.low, runoff.high) == (0, 0, 0)
    assert "unchanged" in answer.summary


def test_no_edits_change_nothing(town, memory):
    answer = rehearse(town, asked("edits: []", members=2), memory)[0]
    assert all(c.change == 0 for c in answer.claims)


def test_homes_that_do_not_fit_are_answered_for_as_asked(too_many):
    whole = {c.id.removesuffix("_as_asked"): c for c in too_many.claims if c.id.endswith("_as_asked")}
    assert {"total_capital_cost", "runoff_volume"} <= whole.keys()
    assert whole["total_capital_cost"].after > claim(too_many, "total_capital_cost").after
    assert "do not" in too_many.summary
    assert all("20,000 homes" in c.note for c in whole.values())
    assert any("Room for the rest" in said for said in too_many.findings)


def test_homes_that_fit_are_told_once(homes):
    assert not any(c.id.endswith("_as_asked") for c in homes.claims)
    assert homes.summary.startswith("All 50 homes fit")


def test_who_gains_and_who_loses(town, memory):
    want = ("mean_jobs_within_5_min", "lowest_group_rent_burden", "city_affordable_share")
    answer = rehearse(town, asked(HOMES, want, members=0), memory)[0]
    places = [e for e in answer.effects if e.by == "place"]
    groups = [e for e in answer.effects if e.by == "group"]
    assert places
    assert groups
    assert {e.name for e in places} <= {*town.layers["zones"].value["name"], *town.layers["zones"].value.index,
                                        *town.layers["places"].value["name"]}  # fmt: skip
    assert all(np.isfinite([e.before, e.after]).all() for e in answer.effects)


# Gates


def gate(indicator, limit, action="block", direction="may not rise"):
    return Gate("A limit", indicator, direction, limit, action, "it may not")


def test_a_broken_gate_blocks_the_scenario_and_says_so(town, memory):
    blocked = rehearse(town, asked(HOMES, gates=(gate("total_capital_cost", 1000.0),)), memory)[0]
    assert blocked.blocked
    (verdict,) = blocked.gates
    assert verdict.outcome == "block"
    assert verdict.share == 1.0
    assert "This scenario is blocked: it may not." in blocked.summary
    assert json.loads(blocked.to_json())["gates"][0]["outcome"] == "block"


def test_a_broken_gate_that_warns_does_not_block(town, memory):
    answer = rehearse(town, asked(HOMES, gates=(gate("total_capital_cost", 1000.0, "warn"),)), memory)[0]
    assert answer.gates[0].outcome == "block"
    assert not answer.blocked


def test_a_gate_on_what_cannot_be_had_is_not_computable(town, memory):
    poor = replace(town, layers={k: v for k, v in town.layers.items() if k != "income_groups"})
    answer = rehearse(poor, asked(TREES, ("runoff_volume",)), memory)[0]
    assert {verdict.outcome for verdict in answer.gates} == {"not computable"}
    assert all("no" in verdict.reason for verdict in answer.gates)
    assert not answer.blocked


def test_affordability_is_judged_on_every_scenario(homes):
    assert len(homes.gates) == 2
    assert {verdict.outcome for verdict in homes.gates} == {"pass"}


# The hash and the file


@pytest.mark.parametrize(
    "same",
    [
        HOMES + "\ntitle: Homes\nauthor: a planner",
        HOMES + "\ncity: elsewhere",
        "{edits: [{homes: 50, area: {place: Old Town}, kind: add_homes, id: e1}]}",
    ],
)
def test_the_hash_is_of_what_was_asked_not_of_who_asked(town, homes, memory, same):
    assert rehearse(town, asked(same, actor="someone", purpose="research"), memory)[0].hash == homes.hash


OTHERS = {
    "another number": asked(HOMES.replace("50", "51"), members=0),
    "another place": asked(HOMES.replace("Old Town", "Highfields"), members=0),
    "another quantity": asked(HOMES, WANT[:3], members=0),
    "another seed": asked(HOMES, members=0, seed=7),
    "more members": asked(HOMES, members=1),
    "an assumption": asked(HOMES, members=0, assumptions={"storm_depth": 31.0}),
    "other gates": asked(HOMES, members=0, gates=AFFORDABILITY[:1]),
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_hash_differs_where_figures_may(town, memory, what):
    answers = [rehearse(town, question, memory)[0] for question in (asked(HOMES, members=0), OTHERS[what])]
    assert answers[0].hash != answers[1].hash


def test_the_hash_is_of_the_values_of_assumptions_too(town, registry):
    before = rehearse(town, asked(HOMES, WANT[:1], members=0), Cache())[0]
    known = registry.assumptions["storm_depth"]
    registry.assumptions["storm_depth"] = replace(known, value=known.value + 1)
    assert rehearse(town, asked(HOMES, WANT[:1], members=0), Cache())[0].hash != before.hash


@pytest.mark.parametrize(
    ("stated", "says"), [({"storm_deph": 30.0}, "storm_depth"), ({"storm_depth": float("nan")}, "finite")]
)
def test_a_stated_assumption_that_is_none_is_refused(town, memory, stated, says):
    with pytest.raises(ScenarioError, match=says):
        rehearse(town, asked(HOMES, members=0, assumptions=stated), memory)


def no_constants(name):
    raise AssertionError(f"{name} is not JSON")


def test_an_answer_file_comes_back_as_it_was(homes):
    data = json.loads(homes.to_json(), parse_constant=no_constants)
    assert data == read_answer(homes.to_json())
    assert data["hash"] == homes.hash
    assert [c["id"] for c in data["claims"]] == [c.id for c in homes.claims]
    assert [c["after"] for c in data["claims"]] == [c.after for c in homes.claims]
    assert parse_scenario(json.dumps(data["scenario"])).edits == parse_scenario(HOMES).edits


def test_what_is_not_a_number_is_null_in_the_file(homes):
    odd = replace(homes, statistics={"seconds": float("nan"), "nodes": float("inf")})
    assert json.loads(odd.to_json(), parse_constant=no_constants)["statistics"] == {"seconds": None, "nodes": None}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": 99}', "{", "null"])
def test_what_is_no_answer_file_is_refused(text):
    with pytest.raises(ValueError, match=r"answer file|Expecting"):
        read_answer(text)


# What cannot be answered


def test_what_cannot_be_had_is_named_beside_what_can(town, memory):
    without = replace(town, layers={k: v for k, v in town.layers.items() if k != "streets"})
    answer = rehearse(without, asked(TREES, ("runoff_volume", "vehicle_kilometres"), members=2), memory)[0]
    assert "runoff_volume" in {c.id for c in answer.claims}
    assert "vehicle_kilometres" not in {c.id for c in answer.claims}
    assert "street" in answer.not_computable["vehicle_kilometres"]


def test_nothing_to_be_had_is_refused_with_the_reason(town, memory):
    bare = replace(town, layers={k: v for k, v in town.layers.items() if k in ("places", "terrain", "land_cover_map")})
    with pytest.raises(NotComputableError, match=r"not computable: Generated city.* has no "):
        rehearse(bare, asked(TREES, ("vehicle_kilometres",)), memory)
    with pytest.raises(NotComputableError, match="nothing was asked for"):
        rehearse(town, asked(TREES, ()), memory)


def test_an_unknown_quantity_is_named(town, memory):
    with pytest.raises(SynapolisError, match="no quantity is called 'hapiness'"):
        rehearse(town, asked(TREES, ("hapiness",)), memory)


def test_on_a_changed_city_each_edit_says_what_no_longer_fits(town):
    scenario = parse_scenario("""
    edits:
      - {kind: close_street, street: Nowhere Street}
      - {kind: change_headway, route: "7", headway_minutes: 5}
      - {kind: add_homes, area: {place: Atlantis}, homes: 5}
    """)
    problems = check_scenario(scenario, town)
    assert [("e1" in p, "e3" in p) for p in problems] == [(True, False), (False, True)]
    with pytest.raises(ScenarioError, match=r"edit e1 \(close_street\)"):
        rehearse(town, Rehearsal(scenario, WANT), Cache())


@pytest.mark.slow
def test_stopped_in_the_ensemble_it_goes_on_where_it_stopped(town, homes):
    cache = Cache()

    def stop(name, done, of):
        if name == "ensemble" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(town, asked(HOMES), cache, progress=stop)
    after = rehearse(town, asked(HOMES), cache)[0]
    assert after.statistics["computed"] == 0
    assert figures(after) == figures(homes)
