"""Parsers and rules are registered by their own declarations; what is not in order in the register may not run."""

import timeit
import types
from dataclasses import replace

import pytest

from synapolis.core.code import MARK, holds, read_lock
from synapolis.core.declare import REGISTRY, registered
from synapolis.core.errors import DeclarationError, RegisterError
from synapolis.core.noting import noted, noting

ENTRY = {
    "kind": "rule",
    "version": "1",
    "decision": "Testing.",
    "data": ("a number",),
    "method": "Comparison.",
    "limits": "A toy.",
    "risks": "None.",
    "tests": "tests/core/test_declare_registered.py",
    "source": "A definition of this test.",
}


@pytest.fixture(autouse=True)
def kept():
    """The one registry and its lock, as they were, after each test."""
    others, lock = dict(REGISTRY.others), REGISTRY.lock
    yield
    REGISTRY.others.clear()
    REGISTRY.others.update(others)
    REGISTRY.lock = lock


def toy_limit(value: float, *, most: float = 1.0) -> bool:
    """Judge a number by a limit."""
    return value <= most


def test_a_rule_says_of_itself_what_a_model_does_and_still_is_a_function():
    rule = registered(**ENTRY)(toy_limit)
    assert (rule(0.5), rule(2.0), rule(2.0, most=3.0)) == (True, False, True)
    assert rule.__doc__ == "Judge a number by a limit."
    entry = REGISTRY.algorithms["toy_limit"]
    assert (entry.kind, entry.does, entry.data) == ("rule", "Judge a number by a limit.", ("a number",))
    assert entry.lacks == ()


@pytest.mark.parametrize("name", sorted(ENTRY.keys() - {"kind", "source", "data"}))
def test_an_incomplete_rule_is_refused_and_not_registered(name):
    with pytest.raises(DeclarationError, match=f"rule 'toy_limit' declares no {name}"):
        registered(**ENTRY | {name: " "})(toy_limit)
    assert "toy_limit" not in REGISTRY.algorithms


def test_a_rule_without_data_or_source_is_refused():
    with pytest.raises(DeclarationError, match="declares no data"):
        registered(**ENTRY | {"data": ()})(toy_limit)
    with pytest.raises(DeclarationError, match="cites nothing"):
        registered(**ENTRY | {"source": ""})(toy_limit)


def test_a_name_is_one_algorithm_of_whatever_kind():
    registered(**ENTRY)(toy_limit)
    twin = types.FunctionType(toy_limit.__code__, toy_limit.__globals__, "toy_limit")
    twin.__doc__, twin.__module__ = toy_limit.__doc__, "else.where"
    with pytest.raises(DeclarationError, match="two algorithms are called 'toy_limit'"):
        registered(**ENTRY)(twin)


def test_what_is_taken_out_of_the_register_no_longer_runs():
    rule = registered(**ENTRY)(toy_limit)
    assert rule(0.5)
    del REGISTRY.others["toy_limit"]
    with pytest.raises(RegisterError, match="'toy_limit' is not in the register"):
        rule(0.5)


def test_an_entry_that_was_emptied_no_longer_runs():
    registered(**ENTRY)(toy_limit)
    emptied = replace(REGISTRY.others["toy_limit"], risks="")
    REGISTRY.others["toy_limit"] = emptied
    with pytest.raises(RegisterError, match="declares no risks, so it may not run"):
        REGISTRY.admit(emptied)


def test_code_changed_under_a_locked_version_does_not_run_and_a_new_version_does():
    rule = registered(**ENTRY)(toy_limit)
    digest = REGISTRY.others["toy_limit"].code_digest
    REGISTRY.lock = {"toy_limit": ("1", digest[:MARK])}
    assert rule(0.5)
    REGISTRY.lock = {"toy_limit": ("1", "0" * MARK)}
    with pytest.raises(RegisterError, match="rule 'toy_limit' may not run: its code changed"):
        rule(0.5)
    assert registered(**ENTRY | {"version": "2"})(toy_limit)(0.5)
    assert holds(REGISTRY.lock, "toy_limit", "2", digest)


def test_a_rule_is_locked_by_its_own_module_and_a_parser_by_its_siblings_too(tmp_path, monkeypatch):
    folder = tmp_path / "toyroom"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rules.py").write_text("from toyroom.engine import add\ndef judge(): return add(1, 2)\n")
    (folder / "engine.py").write_text("def add(a, b): return a + b\n")
    monkeypatch.syspath_prepend(tmp_path)
    rules = __import__("toyroom.rules").rules
    one, both = (
        registered(**ENTRY | {"kind": kind, "name": f"toy_{kind}"})(documented(rules.judge))
        for kind in ("rule", "parser")
    )
    assert one() == both() == 3
    assert REGISTRY.others["toy_rule"].code_digest != REGISTRY.others["toy_parser"].code_digest


def documented(function):
    function.__doc__ = "Judge in a toy."
    return function


def test_asking_costs_next_to_nothing():
    rule = registered(**ENTRY)(toy_limit)
    rule(0.5)
    loops = 20_000
    spent = min(timeit.repeat(lambda: rule(0.5), number=loops, repeat=5)) / loops
    plain = min(timeit.repeat(lambda: toy_limit(0.5), number=loops, repeat=5)) / loops
    assert spent - plain < 20e-6  # [s] a call; about half a microsecond on an idle machine


def test_a_lock_that_is_missing_or_no_lock_is_told(tmp_path):
    with pytest.raises(DeclarationError, match="models.lock is not where it should be"):
        read_lock(tmp_path / "models.lock")
    (tmp_path / "models.lock").write_text("# head\ntoy 1\n")
    with pytest.raises(DeclarationError, match="a name, a version and 16 characters of a digest; got 'toy 1'"):
        read_lock(tmp_path / "models.lock")


def test_what_is_called_is_noted_for_whoever_listens():
    rule = registered(**ENTRY)(toy_limit)
    rule(0.5)
    assert noted() == {}
    with noting() as outer:
        with noting() as inner:
            rule(0.5)
            assert noted() == {"toy_limit": "1"}
        assert inner == {"toy_limit": "1"}
    assert outer == inner
    assert noted() == {}


def test_a_refusal_names_what_may_not_run():
    rule = registered(**ENTRY)(toy_limit)
    del REGISTRY.others["toy_limit"]
    with pytest.raises(RegisterError) as told:
        rule(0.5)
    assert told.value.refused == ("toy_limit", "1")
