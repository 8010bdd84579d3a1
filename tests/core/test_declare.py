"""Declarations: an incomplete, unknown or doubled one is refused; a word has one name; a range has quantiles."""

import types
from typing import Annotated, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.code import code_digest
from synapolis.core.declare import (
    REGISTRY,
    Assumption,
    Quantity,
    declare_fixed_point,
    declare_vocabulary,
    model,
    on,
    snake_case,
)
from synapolis.core.errors import DeclarationError
from synapolis.layers import vocabulary  # noqa: F401 - its words must be there before a toy word joins them

ToyRain = Annotated[float, on("city", "mm", "Rain in a toy.")]
ToyRunoff = Annotated[float, on("city", "mm", "Runoff in a toy.")]
ToyLoss = Annotated[float, on("city", "mm", "Loss in a toy.")]

ENTRY = {
    "version": "1",
    "decision": "Testing.",
    "method": "Arithmetic.",
    "limits": "A toy.",
    "risks": "None.",
    "tests": "tests/core/test_declare.py",
}
WORDS = ("models", "assumptions", "quantities", "fixed_points")


@pytest.fixture(autouse=True)
def toys():
    """Toy words and an assumption, taken out of the one registry afterwards."""
    kept = {name: dict(getattr(REGISTRY, name)) for name in WORDS}
    declare_vocabulary({"ToyRain": ToyRain, "ToyRunoff": ToyRunoff, "ToyLoss": ToyLoss})
    REGISTRY.add_assumption(toy_assumption())
    yield
    for name, content in kept.items():
        getattr(REGISTRY, name).clear()
        getattr(REGISTRY, name).update(content)


def toy_assumption(**facts):
    return Assumption(
        **{"name": "toy_share", "value": 0.3, "low": 0.1, "high": 0.9, "unit": "1", "distribution": "triangular",
           "source": "made up", "read": False, "meaning": "Share in a toy."} | facts
    )  # fmt: skip


def toy_runoff(toy_rain: ToyRain, toy_share: float) -> ToyRunoff:
    """Shed a share of the rain.

    References
    ----------
    A definition of this test.
    """
    return toy_rain * toy_share


class ToySplit(NamedTuple):
    toy_runoff: ToyRunoff
    toy_loss: ToyLoss


def toy_split(toy_rain: ToyRain) -> ToySplit:
    """Split the rain in halves.

    References
    ----------
    A definition of this test.
    """
    return ToySplit(toy_rain / 2, toy_rain / 2)


def test_the_signature_is_the_declaration():
    declared = model(**ENTRY)(toy_runoff)
    entry = REGISTRY.models["toy_runoff"]
    assert entry.inputs == ("toy_rain", "toy_share")
    assert entry.outputs == ("toy_runoff",)
    assert entry.does == "Shed a share of the rain."
    assert entry.source == "A definition of this test."
    assert not entry.is_edit
    assert declared(10.0, 0.5) == 5.0  # still a plain function


def test_several_outputs_are_the_fields_of_a_named_tuple():
    model(**ENTRY)(toy_split)
    assert REGISTRY.models["toy_split"].outputs == ("toy_runoff", "toy_loss")


@pytest.mark.parametrize("missing", sorted(ENTRY))
@pytest.mark.parametrize("said", ["", "   "])
def test_an_incomplete_entry_is_refused_and_not_registered(missing, said):
    with pytest.raises(DeclarationError, match=missing):
        model(**ENTRY | {missing: said})(toy_runoff)
    assert "toy_runoff" not in REGISTRY.models


def test_an_unknown_argument_is_refused():
    def toy_stranger(toy_rain: ToyRain, nobody_knows: float) -> ToyRunoff:
        """Take a word that is nowhere.

        References
        ----------
        None.
        """

    with pytest.raises(DeclarationError, match="nobody_knows"):
        model(**ENTRY)(toy_stranger)


class ToyMixed(NamedTuple):
    toy_runoff: ToyRunoff
    plain: float


def returns_a_number(toy_rain: ToyRain) -> float:
    """Say nothing of its output.

    References
    ----------
    None.
    """


def returns_nothing_said(toy_rain: ToyRain):
    """Annotate no output.

    References
    ----------
    None.
    """


def returns_half(toy_rain: ToyRain) -> ToyMixed:
    """Name one output only.

    References
    ----------
    None.
    """


@pytest.mark.parametrize("function", [returns_a_number, returns_nothing_said, returns_half])
def test_an_output_outside_the_vocabulary_is_refused(function):
    with pytest.raises(DeclarationError, match="must return a quantity"):
        model(**ENTRY)(function)


def without_docstring(toy_rain: ToyRain) -> ToyRunoff:
    return toy_rain


def without_references(toy_rain: ToyRain) -> ToyRunoff:
    """Cite nothing."""
    return toy_rain


def test_a_model_must_say_what_it_does_and_cite():
    with pytest.raises(DeclarationError, match="no docstring"):
        model(**ENTRY)(without_docstring)
    with pytest.raises(DeclarationError, match="cites nothing"):
        model(**ENTRY)(without_references)


def test_one_name_belongs_to_one_module():
    model(**ENTRY)(toy_runoff)
    twin = types.FunctionType(toy_runoff.__code__, toy_runoff.__globals__ | {"__name__": "elsewhere.models"})
    twin.__doc__, twin.__annotations__, twin.__module__ = toy_runoff.__doc__, toy_runoff.__annotations__, "else.where"
    with pytest.raises(DeclarationError, match="two algorithms are called 'toy_runoff'"):
        model(**ENTRY)(twin)


def test_a_name_is_a_quantity_or_an_assumption_never_both():
    with pytest.raises(DeclarationError, match="toy_rain"):
        REGISTRY.add_assumption(toy_assumption(name="toy_rain"))


def test_a_quantity_lives_somewhere_known():
    with pytest.raises(DeclarationError, match="on the moon"):
        Quantity("on the moon", "m", "Nowhere.")


def test_makers_come_in_order_of_preference():
    model(**ENTRY, rank=2)(toy_runoff)
    model(**ENTRY, rank=1)(toy_split)
    assert [maker.name for maker in REGISTRY.makers("toy_runoff")] == ["toy_split", "toy_runoff"]
    assert REGISTRY.makers("toy_rain") == []


def test_a_fixed_point_is_declared_by_its_word():
    declare_fixed_point("toy_runoff", start="toy_rain", tolerance=0.1, max_iterations=3)
    assert REGISTRY.fixed_points["toy_runoff"].start == "toy_rain"


@pytest.mark.parametrize(
    ("alias", "word"),
    [
        ("RunoffDepth", "runoff_depth"),
        ("JobsWithin30Min", "jobs_within_30_min"),
        ("Grid", "grid"),
        ("MeanJobsWithin5Min", "mean_jobs_within_5_min"),
        ("EditId", "edit_id"),
    ],
)
def test_an_alias_gives_its_word(alias, word):
    assert snake_case(alias) == word


ranges = st.tuples(*[st.floats(-1e6, 1e6)] * 3).map(sorted)


@given(ranges, st.sampled_from(["fixed", "uniform", "triangular"]), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_and_stay_in_range(bounds, distribution, first, second):
    low, value, high = bounds
    assumption = toy_assumption(low=low, value=value, high=high, distribution=distribution)
    at = [assumption.at(q) for q in sorted((first, second))]
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    assert low - slack <= at[0] <= at[1] + slack <= high + 2 * slack


def test_quantiles_of_known_distributions():
    assert toy_assumption(distribution="fixed").at(0.9) == 0.3
    assert toy_assumption(distribution="uniform").at(0.25) == pytest.approx(0.3)
    triangle = toy_assumption(low=0.0, value=1.0, high=2.0)
    assert triangle.at(0.5) == pytest.approx(1.0)
    assert triangle.at(0.125) == pytest.approx(0.5)  # 0.5 * 0.5**2
    drawn = [triangle.at(q) for q in (np.arange(2000) + 0.5) / 2000]
    assert np.mean(drawn) == pytest.approx(1.0, abs=1e-3)
    assert np.var(drawn) == pytest.approx(1 / 6, rel=1e-2)


def test_what_nobody_read_is_assumed():
    assert toy_assumption().standing == "assumed"
    assert toy_assumption(read=True).standing == "cited"


def test_the_code_digest_is_that_of_the_module():
    assert code_digest(toy_runoff) == code_digest(toy_split)
    assert code_digest(toy_runoff) != code_digest(on)
