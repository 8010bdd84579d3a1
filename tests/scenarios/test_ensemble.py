"""Ensembles: seeded, within their ranges, and able to find what matters, and only that."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.declare import Assumption
from synapolis.scenarios.ensemble import detectable, influence, interval, sample
from synapolis.scenarios.sweep import Task


def assumption(name, low=0.0, value=1.0, high=3.0, distribution="uniform"):
    return Assumption(name, value, low, high, "1", distribution, "made up", False, "A test's.")


THREE = [assumption("a"), assumption("b", -1, 0, 2, "triangular"), assumption("c", 5, 6, 7)]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_same_seed_draws_the_same_members_within_range(seed, members):
    drawn = sample(THREE, members=members, seed=seed)
    assert drawn == sample(THREE, members=members, seed=seed)
    assert len(drawn) == members
    assert all(a.low <= member[a.name] <= a.high for a in THREE for member in drawn)


def test_another_seed_draws_others():
    assert sample(THREE, members=4, seed=1) != sample(THREE, members=4, seed=2)


def test_each_stripe_of_a_range_is_drawn_once():
    drawn = sample(THREE, members=20, seed=5)
    stripes = sorted(int(member["a"] / 3 * 20) for member in drawn)
    assert stripes == list(range(20))


def test_fixed_and_pointlike_assumptions_are_not_varied():
    still = [assumption("f", distribution="fixed"), assumption("p", 1.0, 1.0, 1.0)]
    assert sample(still, members=5, seed=1) == []
    assert set(sample([*still, assumption("a")], members=5, seed=1)[0]) == {"a"}
    assert sample(THREE, members=0, seed=1) == []


def test_the_interval_of_a_known_spread():
    low, high = interval(np.arange(101.0))
    assert (low, high) == (5.0, 95.0)


def test_the_only_influential_assumption_is_found():
    drawn = sample(THREE, members=40, seed=3)
    values = np.array([np.exp(member["b"]) for member in drawn])  # any rising function of it
    found = influence(drawn, values)
    assert max(found, key=found.get) == "b"
    assert found["b"] > 0.8
    assert sum(found.values()) <= 1 + 1e-9


@given(st.integers(0, 10_000))
def test_shares_never_exceed_the_whole(seed):
    drawn = sample(THREE, members=12, seed=seed)
    values = np.array([member["a"] - 2 * member["c"] for member in drawn])
    found = influence(drawn, values)
    assert all(0 <= share <= 1 for share in found.values())
    assert sum(found.values()) <= 1 + 1e-9


def test_of_two_the_stronger_comes_first():
    drawn = sample(THREE, members=60, seed=7)
    found = influence(drawn, np.array([5 * member["a"] + member["c"] for member in drawn]))
    assert found["a"] > found.get("c", 0.0)


@pytest.mark.parametrize("values", [np.zeros(8), np.full(8, 1e9) + np.linspace(0, 1e-6, 8)])
def test_no_spread_has_no_cause(values):
    assert influence(sample(THREE, members=8, seed=1), values) == {}


def test_too_few_members_say_nothing():
    assert influence(sample(THREE, members=3, seed=1), np.array([1.0, 2.0, 3.0])) == {}


def test_what_plays_no_part_is_rarely_named():
    """Of forty assumptions two matter; the rest must not be told as causes because they happened to go along."""
    many = [assumption(f"x{number}") for number in range(40)]
    named = []
    for seed in range(20):
        drawn = sample(many, members=20, seed=seed)
        found = influence(drawn, np.array([3 * member["x0"] + 2 * member["x1"] for member in drawn]))
        assert max(found, key=found.get) == "x0"
        named.append(sum(share >= 0.05 for name, share in found.items() if name not in ("x0", "x1")))
    assert np.mean(named) <= 1.0


def test_a_kept_task_is_of_its_country_its_values_and_its_methods(town, registry):
    """What a task says nothing of is the city's own value: numbers kept under another are another task's."""
    task = Task((), ("total_capital_cost",))
    key = task.key(town)
    assert task.key(replace(town, country="BR")) != key
    assert replace(task, excluded={"runoff": "tried"}).key(town) != key
    known = registry.assumptions["soft_cost_share"]
    registry.assumptions["soft_cost_share"] = replace(known, value=known.value + 0.01)
    assert task.key(town) != key


@pytest.mark.parametrize(
    ("change", "low", "high", "said"),
    [
        (3.0, 1.0, 5.0, True),
        (-3.0, -5.0, -1.0, True),
        (3.0, -1.0, 5.0, False),
        (0.0, 0.0, 0.0, None),  # stays the same
        (0.2, 0.1, 0.4, None),  # all of it rounds to nothing
        (0.2, -3.0, 0.4, False),
        (3.0, 0.0, 5.0, False),
    ],
)
def test_a_change_is_detected_where_all_of_its_interval_lies_to_one_side(change, low, high, said):
    assert detectable(change, low, high, grain=1.0) is said
