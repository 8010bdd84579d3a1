"""Promises over every declared thing: cites, declares, is documented, keeps its version when its code changes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import pytest

from synapolis.core.code import read_lock
from synapolis.core.declare import REGISTRY, Kind
from synapolis.layers.schemas import LAYERS
from synapolis.models import load_algorithms
from synapolis.models.lock import changed_without_version

load_algorithms()
ROOT = Path(__file__).resolve().parents[1]
ALGORITHMS = sorted(REGISTRY.algorithms.values(), key=lambda a: a.name)
MODELS = sorted(REGISTRY.models.values(), key=lambda m: m.name)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: a.name)
def test_everything_registered_declares_cites_and_is_tested(algorithm):
    assert not algorithm.lacks
    assert algorithm.kind in get_args(Kind)
    assert (ROOT / algorithm.tests.split("::")[0]).is_file(), (
        f"{algorithm.name} names a test file that does not exist: {algorithm.tests}"
    )


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_model_columns_and_inputs_are_words(model):
    words = REGISTRY.quantities.keys() | REGISTRY.assumptions.keys() | {"edit_log"}
    assert set(model.inputs) <= words
    assert set(model.optional) <= set(model.inputs)
    assert set(model.outputs) <= REGISTRY.quantities.keys()
    assert inspect.isfunction(model.function)


def test_every_quantity_is_a_layer_or_is_made():
    made = {word for model in MODELS for word in model.outputs}
    given = LAYERS.keys() | {"timetable", "grid", "extent", "edit_log"}
    orphans = {
        word for word in REGISTRY.quantities if word not in made and word not in given and not word.startswith("edit_")
    }
    assert not orphans, f"no model makes {', '.join(sorted(orphans))}"


def test_assumptions_are_used():
    used = {name for model in MODELS for name in model.inputs}
    told = {"storm_return_period"}  # named on maps, not computed with
    assert not REGISTRY.assumptions.keys() - used - told


@pytest.mark.parametrize(
    "assumption", sorted(REGISTRY.assumptions.values(), key=lambda a: a.name), ids=lambda a: a.name
)
def test_assumption_samples_stay_in_range(assumption):
    for quantile in (0.0, 0.1, 0.5, 0.9, 1.0):
        assert (
            assumption.low - 1e-12 <= assumption.at(quantile) <= assumption.high + 1e-12
            or assumption.distribution == "fixed"
        )


def test_no_code_changed_without_a_new_version():
    assert not changed_without_version(read_lock(), ALGORITHMS), (
        "code of these changed under the same version; give them a new version, then run "
        "`python -m synapolis.models.lock`"
    )


def test_lock_names_everything_registered():
    assert read_lock().keys() == {algorithm.name for algorithm in ALGORITHMS}
