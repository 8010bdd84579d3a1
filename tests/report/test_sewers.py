"""Sewers written as a SWMM project: the mapped ones, or made-up ones that say so."""

from dataclasses import replace

import pytest

from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.stormwater.sewer_run import SewerRun
from synapolis.report.sewers import sewer_project
from synapolis.scenarios.cache import Cache
from synapolis.sources.generate import generate_city
from synapolis.sources.swmm import read_swmm

load_models()


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000)


def without(city, *names):
    return replace(city, layers={name: layer for name, layer in city.layers.items() if name not in names})


def test_mapped_sewers_are_written_as_they_are_and_run(town, tmp_path):
    text = sewer_project(town, Cache())
    assert "ASSUMED" not in text
    path = tmp_path / "town.inp"
    path.write_text(text, encoding="utf-8")
    back = read_swmm(path, town.crs)
    pipes = town.layers["sewer_pipes"].value
    assert len(back.pipes) == len(pipes)
    assert sorted(back.pipes["diameter"]) == pytest.approx(sorted(pipes["diameter"]))
    with SewerRun(text) as run:
        assert run.nodes == len(town.layers["sewer_nodes"].value)


def test_made_up_sewers_say_in_the_title_that_they_are_assumed(town):
    bare = without(town, "sewer_nodes", "sewer_pipes")
    text = sewer_project(bare, Cache())
    assert "ASSUMED: made up along streets, not surveyed" in text.partition("[OPTIONS]")[0]
    assert sewer_project(town, Cache(), synthetic=True) == text


def test_a_city_without_streets_cannot_have_sewers_made_up(town):
    bare = without(town, "sewer_nodes", "sewer_pipes", "streets", "junctions")
    with pytest.raises(NotComputableError, match="has no streets for synthetic_sewer_nodes"):
        sewer_project(bare, Cache())
