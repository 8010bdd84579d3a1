"""Nothing of the twin runs but as it is registered: a model in a run, a parser or a rule where it is called."""

from dataclasses import replace
from typing import Annotated

import numpy as np
import pytest
import shapely

from synapolis.core.code import MARK, read_lock
from synapolis.core.declare import REGISTRY, Declaration, declare_vocabulary, model, on
from synapolis.core.errors import DeclarationError, RegisterError
from synapolis.indicators.gates import AFFORDABILITY, judge
from synapolis.layers.city import City
from synapolis.layers.grid import Grid
from synapolis.models.lock import changed_without_version, write_lock
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.weather import read_weather

ToyFlag = Annotated[float, on("city", "1", "Waves in a toy.")]
ToyMast = Annotated[float, on("city", "m", "Height of a flag in a toy.")]


def toy_flag(household_size: float) -> ToyFlag:
    """Count people in a toy.

    References
    ----------
    A definition of this test.
    """
    return household_size


def toy_mast(toy_flag: ToyFlag) -> ToyMast:
    """Raise a flag in a toy.

    References
    ----------
    A definition of this test.
    """
    return 2 * toy_flag


ENTRY = {
    "version": "1",
    "decision": "Testing.",
    "method": "Arithmetic.",
    "limits": "A toy.",
    "risks": "None.",
    "tests": "tests/civic/test_enforcement.py",
}


@pytest.fixture
def toys(declared):
    """Two toy models in the one register; register and lock are afterwards as they were."""
    lock, models, words = REGISTRY.lock, dict(REGISTRY.models), dict(REGISTRY.quantities)
    declare_vocabulary({"ToyFlag": ToyFlag, "ToyMast": ToyMast})
    model(**ENTRY)(toy_flag)
    model(**ENTRY)(toy_mast)
    yield REGISTRY.models
    REGISTRY.models.clear()
    REGISTRY.models.update(models)
    REGISTRY.quantities.clear()
    REGISTRY.quantities.update(words)
    REGISTRY.lock = lock


@pytest.fixture(scope="module")
def town():
    """A city of nothing: the toys need no layer."""
    return City("town", "Town", "EPSG:32626", "UTC", 2020, shapely.box(0, 0, 10, 10), Grid(0, 10, 1, 10, 10))


def wanted(town):
    return [Planner(town).want("toy_mast", 0)]


def test_a_registered_model_runs_without_a_row_in_the_lock(town, toys):
    refs = wanted(town)
    people = REGISTRY.assumptions["household_size"].value
    assert run(refs, Cache()).value(refs[0]) == 2 * people
    assert "toy_flag" not in REGISTRY.lock


def test_a_model_that_left_the_register_does_not_run(town, toys):
    refs = wanted(town)
    del toys["toy_flag"]
    with pytest.raises(RegisterError, match="model 'toy_flag' is not in the register, so it may not run"):
        run(refs, Cache())


def test_a_model_that_nobody_registered_does_not_run_even_under_a_known_name(town, toys):
    refs = wanted(town)
    toys["toy_flag"] = replace(toys["toy_flag"], version="7")
    with pytest.raises(RegisterError, match="'toy_flag' is not in the register"):
        run(refs, Cache())


def test_a_model_with_an_incomplete_entry_does_not_run(town, toys):
    toys["toy_flag"] = replace(toys["toy_flag"], risks=" ", limits="")
    with pytest.raises(RegisterError, match="model 'toy_flag' declares no limits, risks, so it may not run"):
        run(wanted(town), Cache())


@pytest.mark.parametrize("cached", [False, True])
def test_a_model_whose_code_changed_under_a_locked_version_does_not_run_not_even_from_the_cache(town, toys, cached):
    cache = Cache()
    if cached:
        run(wanted(town), cache)
    REGISTRY.lock = {"toy_flag": ("1", "0" * MARK)}
    with pytest.raises(
        RegisterError, match="model 'toy_flag' may not run: its code changed, but its version is still 1"
    ):
        run(wanted(town), cache)
    model(**ENTRY | {"version": "2"})(toy_flag)
    refs = wanted(town)
    assert run(refs, cache).value(refs[0]) > 0


def test_code_of_another_file_does_not_run_under_the_name_of_a_known_model(town, toys):
    def toy_flag(household_size: float) -> ToyFlag:
        """Count nobody.

        References
        ----------
        None: it pretends to be a model of the twin.
        """
        return 0.0

    toy_flag.__module__ = "synapolis.models.stormwater.scs"
    del toys["toy_flag"]
    model(**ENTRY)(toy_flag)
    with pytest.raises(RegisterError, match="code that nobody can check, .* its code is in test_enforcement.py"):
        run(wanted(town), Cache())


def test_what_was_typed_at_a_prompt_has_no_file_and_does_not_run(town, toys):
    words = {"__name__": "prompt", "ToyFlag": ToyFlag}
    typed = ("def toy_flag(household_size: float) -> ToyFlag:", '"""Flag.', "", "References", "----------", 'Me."""')
    exec("\n    ".join(typed), words)
    del toys["toy_flag"]
    model(**ENTRY)(words["toy_flag"])
    with pytest.raises(RegisterError, match="its code is in <string>; write it in the file of a module"):
        run(wanted(town), Cache())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds nothing"),
        (b"flood 2 7\n", "got 'flood 2 7'"),
        (b"flood 2\n", "got 'flood 2'"),
        (b"flood 1 0123456789abcdef\nflood 2 0123456789abcdef\n", "got 'flood 2 0123456789abcdef'"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_damaged_lock_lets_nothing_run(tmp_path, content, said):
    path = tmp_path / "models.lock"
    path.write_bytes(content)
    with pytest.raises(DeclarationError, match=f"models.lock .*{said}.*restore the committed one"):
        read_lock(path)


def test_parsers_and_rules_do_not_run_when_the_lock_says_otherwise(toys, tmp_path):
    members = np.zeros(3)
    assert judge(AFFORDABILITY[0], 0.0, members).outcome == "pass"
    REGISTRY.lock = {name: (REGISTRY.others[name].version, "f" * 64) for name in ("gate", "read_weather")}
    with pytest.raises(RegisterError, match="rule 'gate' may not run: its code changed"):
        judge(AFFORDABILITY[0], 0.0, members)
    with pytest.raises(RegisterError, match="parser 'read_weather' may not run: its code changed"):
        read_weather(tmp_path / "weather.epw")


def test_the_lock_is_written_for_all_kinds_and_never_over_a_changed_one(toys, tmp_path):
    path = tmp_path / "models.lock"
    everything = list(REGISTRY.algorithms.values())
    write_lock(path, everything)
    rows = dict(line.split()[:2] for line in path.read_text().splitlines()[1:])
    assert rows == {algorithm.name: algorithm.version for algorithm in everything}
    written = path.read_text().replace(toys["toy_flag"].code_digest[:MARK], "0" * MARK)
    path.write_text(written)
    with pytest.raises(DeclarationError, match="code changed under a standing version: toy_flag, toy_mast"):
        write_lock(path, everything)
    assert path.read_text() == written
    bumped = [replace(one, version="2") if one.name.startswith("toy_") else one for one in everything]
    assert changed_without_version({"toy_flag": ("1", "0" * MARK)}, bumped) == []


def test_every_kind_is_registered(toys):
    kinds = {algorithm.kind for algorithm in REGISTRY.algorithms.values()}
    assert kinds == {"model", "edit", "indicator", "parser", "rule"}
    assert all(isinstance(one, Declaration) for one in REGISTRY.models.values())
