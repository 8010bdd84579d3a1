"""Gates from a file: read with clear faults, judged on values and on changes, of the city and of its zones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import SourceError
from synapolis.indicators.gate_file import judge_rule, read_gates
from synapolis.models import load_models

load_models()
RENT = {"name": "Rents", "indicator": "lowest_group_rent_burden", "operator": "<=", "relative_to_baseline": 0.0,
        "tolerance": 0.01}  # fmt: skip


def rule(**changed):
    facts = {**RENT, **changed}
    return read_gates({"gates": [{name: value for name, value in facts.items() if value is not None}]})[0]


def one(*values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize(("after", "outcome"), [(0.40, "pass"), (0.41, "pass"), (0.411, "block"), (0.3, "pass")])
def test_a_limit_on_the_change(after, outcome):
    assert judge_rule(rule(), one(0.40), one(after)).outcome == outcome


@pytest.mark.parametrize(("after", "outcome"), [(0.31, "pass"), (0.32, "block")])
def test_a_limit_on_the_value(after, outcome):
    found = rule(limit=0.3, relative_to_baseline=None)
    assert judge_rule(found, one(0.9), one(after)).outcome == outcome


def test_limits_are_in_the_unit_of_the_catalogue():
    found = rule(indicator="iso37120:12.2", operator=">=", relative_to_baseline=None, limit=60, tolerance=1)
    assert found.quantity == "residents_in_affordable_housing"
    assert [judge_rule(found, one(70), one(value)).outcome for value in (60, 59, 58.9)] == ["pass", "pass", "block"]


def test_of_every_zone_the_worst_decides_and_is_named():
    found = rule(indicator="rent_burden", zone="every", limit=0.5, relative_to_baseline=None, tolerance=0)
    verdict = judge_rule(found, one(0.4, 0.4, np.nan), one(0.45, 0.7, np.nan), places=["a", "b", "c"])
    assert verdict.outcome == "block"
    assert "in b: 0.4 today, 0.7 with the scenario (1 of 2 zones break it)" in verdict.reason
    assert judge_rule(found, one(0.4, 0.4), one(0.45, 0.5), places=["a", "b"]).outcome == "pass"


def test_what_is_not_known_is_neither_passed_nor_blocked():
    assert judge_rule(rule(), None, None, reason="the city has no rents").outcome == "not computable"
    assert judge_rule(rule(), one(np.nan), one(np.nan)).outcome == "not computable"


def test_the_share_of_the_ensemble_is_told_for_changes_of_the_city():
    found = judge_rule(rule(), one(0.4), one(0.45), changes=one(0.05, 0.02, 0.0, 0.05))
    assert found.share == pytest.approx(0.75)
    assert judge_rule(rule(limit=0.3, relative_to_baseline=None), one(0.4), one(0.45), changes=one(0.05)).share is None


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e3))
def test_at_most_and_at_least_mirror_each_other(before, after, tolerance):
    most = rule(tolerance=tolerance)
    least = rule(tolerance=tolerance, operator=">=")
    assert most.breaks(before, after) == least.breaks(-before, -after)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"indicator": "lowest_group_rent"}, "close ones are lowest_group_rent_burden"),
        ({"indicator": "iso37120:12.22"}, "no indicator is called 'iso37120:12.22'"),
        ({"indicator": "iso37120:5.1"}, "the twin does not compute iso37120:5.1"),
        ({"indicator": "flood_depth"}, "no quantity of the city or its zones"),
        ({"operator": "<"}, "operator: "),
        ({"limit": 3}, "exactly one of limit"),
        ({"relative_to_baseline": None}, "exactly one of limit"),
        ({"tolerance": -1}, "tolerance: "),
        ({"tolerance": float("nan")}, "tolerance: "),
        ({"zone": "every"}, "zone: lowest_group_rent_burden is one number for the city"),
        ({"indicator": "rent_burden"}, "zone: rent_burden is by zone; say which zone, or zone: every"),
        ({"group": "the rich"}, "group: lowest_group_rent_burden is not of the group 'the rich'"),
        ({"action": "shout"}, "action: "),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_each_fault_is_named(changed, says):
    with pytest.raises(SourceError, match=says):
        rule(**changed)


@pytest.mark.parametrize("facts", [None, [], "gates", {}, {"gates": []}, {"gates": [RENT, RENT]}, {"gates": ["a"]}])
def test_what_is_no_list_of_gates_is_refused(facts):
    with pytest.raises(SourceError, match="gates"):
        read_gates(facts, where="gates.yaml")


def test_a_group_that_is_the_quantity_own_is_taken():
    assert rule(group="lowest income group").says == (
        "lowest group rent burden may not rise against today, give or take 0.01"
    )


def test_a_value_known_at_one_stage_only_gives_no_verdict():
    verdict = judge_rule(rule(), one(np.nan), one(0.4))
    assert (verdict.outcome, verdict.reason) == ("not computable", "no value at both stages")
