"""Gates: three outcomes, never a guess where the indicator is not known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.indicators.gates import AFFORDABILITY, Gate, breaks, judge

changes = st.floats(-1e6, 1e6)
limits = st.floats(0, 1e3)


def gate(direction="may not rise", limit=0.01, action="block"):
    return Gate("Rents", "lowest_group_rent_burden", direction, limit, action, "rents may not rise")


@given(changes, limits)
def test_rising_and_falling_mirror_each_other(change, limit):
    assert breaks(gate("may not rise", limit), change) == breaks(gate("may not fall", limit), -change)


@given(changes, limits)
def test_a_change_up_to_the_limit_passes(change, limit):
    verdict = judge(gate(limit=limit), change, np.array([]))
    assert verdict.outcome == ("block" if change > limit else "pass")
    assert verdict.share is None  # no member was run: nothing is said of how sure it is


@pytest.mark.parametrize("change", [None, float("nan"), float("inf"), -float("inf")])
def test_what_is_not_known_is_neither_passed_nor_blocked(change):
    verdict = judge(gate(), change, np.array([0.0]), "the city has no rents")
    assert verdict.outcome == "not computable"
    assert verdict.reason == "the city has no rents"
    assert verdict.share is None
    assert judge(gate(), change, np.array([])).reason


@given(st.lists(changes, min_size=1, max_size=20), changes)
def test_the_share_counts_the_members_of_the_same_verdict(members, change):
    verdict = judge(gate(), change, np.array(members))
    agree = [(member > 0.01) == (change > 0.01) for member in members]
    assert verdict.share == pytest.approx(sum(agree) / len(agree))


def test_a_verdict_carries_its_rule_action_and_reason():
    verdict = judge(gate(action="warn"), 0.05, np.array([0.04, 0.06]))
    assert (verdict.name, verdict.rule, verdict.action) == ("Rents", "rents may not rise", "warn")
    assert verdict.reason == "lowest group rent burden changes by +5.0 percentage points"


def test_the_gates_of_every_scenario_are_about_affordability_and_block():
    assert {g.indicator for g in AFFORDABILITY} == {"lowest_group_rent_burden", "city_affordable_share"}
    assert all(g.action == "block" and g.limit >= 0 and g.says for g in AFFORDABILITY)
