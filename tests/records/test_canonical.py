"""Canonical JSON: one value, one spelling, the same after any round trip."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical, content_hash
from synapolis.records.entry import JournalEntry, written

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=8
)


def turned(value):
    """The same value with every mapping in the opposite order, and lists as tuples."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return tuple(turned(item) for item in value) if isinstance(value, list) else value


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_a_value_comes_back_the_same_and_is_spelled_the_same(value):
    text = canonical(value)
    back = json.loads(text)
    assert repr(back) == repr(json.loads(canonical(back)))  # repr tells 1 from 1.0 and 0.0 from -0.0
    assert back == value
    assert canonical(back) == canonical(turned(value)) == text
    assert content_hash(back) == content_hash(value)


@settings(max_examples=30, deadline=None)
@given(VALUES, VALUES)
def test_different_values_are_spelled_differently(first, second):
    assert (canonical(first) == canonical(second)) == (repr(turned_sorted(first)) == repr(turned_sorted(second)))


def turned_sorted(value):
    if isinstance(value, dict):
        return {key: turned_sorted(value[key]) for key in sorted(value)}
    return [turned_sorted(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=30, deadline=None)
@given(TEXT, TEXT, st.dictionaries(TEXT, VALUES, max_size=3))
def test_an_entrys_hash_is_of_every_field_and_survives_a_round_trip(actor, purpose, body):
    facts = {"at": "t", "kind": "run", "actor": actor, "purpose": purpose, "prev_hash": "0" * 64}
    entry = written(1, body=canonical(body), **facts)
    assert JournalEntry(**json.loads(entry.read().to_json())) == entry.read()
    assert entry.computed() == entry.read().hash
    others = [facts | {name: value + "x"} for name, value in facts.items()]
    hashes = {written(1, body=canonical(body), **other).computed() for other in (facts, *others)}
    hashes |= {written(2, body=canonical(body), **facts).computed()}
    hashes |= {written(1, body=canonical({**body, "and": "more"}), **facts).computed()}
    assert len(hashes) == 8 - (body.get("and") == "more")


def test_the_spelling_is_the_documented_one():
    assert canonical({"ü": [1, 1.0, -0.0, 1e300, None, True], "a": {"c": "\n\0", "b": {}}}) == (
        '{"a":{"b":{},"c":"\\n\\u0000"},"ü":[1,1.0,-0.0,1e+300,null,true]}'
    )


def test_what_json_cannot_say_is_refused_by_place():
    deep = value = {}
    for _ in range(80):
        value["in"] = {}
        value = value["in"]
    for wrong, says in (
        ({"a": [0, float("nan")]}, r"body.a\[1\] is nan, which JSON cannot say"),
        ({"a": float("-inf")}, "body.a is -inf"),
        ({"a": {None: 1}}, "body.a has the key None"),
        ({"a": b"bytes"}, "body.a is a bytes"),
        (deep, "deeper than 64 levels"),
        ("\udfff", "half a character"),
    ):
        with pytest.raises(RecordsError, match=says):
            canonical(wrong)
