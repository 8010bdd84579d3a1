"""Figures of a city as it stands: those of any run, with ranges, and gates that wait for a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synapolis.indicators.gates import AFFORDABILITY
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.rehearse import Rehearsal, run_both
from synapolis.scenarios.today import PARTS, WORDS, member_today, today_of, with_ranges
from synapolis.scenarios.views import VIEWS
from synapolis.sources.generate import generate_city

QUICK = ("population", "runoff_volume", "residents_near_green", "lowest_group_rent_burden", "city_affordable_share")


@pytest.fixture(scope="module")
def place():
    return generate_city(people=600), Cache()


@pytest.fixture(scope="module")
def told(place):
    return today_of(*place, QUICK)


def test_every_figure_has_words_for_it():
    assert set(WORDS) <= set(VIEWS)
    assert 8 <= len(WORDS) == len({word for part in PARTS for word in part})


def test_figures_are_those_of_a_run_without_edits(place, told):
    outcome = run_both(place[0], (), Rehearsal(Scenario(), QUICK, members=0), place[1], pictures=False)
    assert {row["id"] for row in told["indicators"]} | told["not_computable"].keys() == set(QUICK)
    for row in told["indicators"]:
        assert row["value"] == pytest.approx(outcome.value(row["id"], 0) * VIEWS[row["id"]].scale)


def test_the_gates_stand_by_their_figures_and_wait_for_a_plan(told):
    assert [gate["indicator"] for gate in told["gates"]] == [gate.indicator for gate in AFFORDABILITY]
    rows = {row["id"]: row for row in told["indicators"]}
    for gate in told["gates"]:
        if gate["outcome"] == "watched":
            assert rows[gate["indicator"]]["gate"] == gate
        else:
            assert gate["indicator"] in told["not_computable"]


def test_a_city_that_lacks_a_layer_says_what_it_needs(place):
    city = place[0]
    poor = replace(city, layers={name: layer for name, layer in city.layers.items() if name != "income_groups"})
    found = today_of(poor, Cache(), QUICK[-2:])
    assert found["indicators"] == []
    assert all("income groups" in why for why in found["not_computable"].values())
    assert today_of(poor, place[1], QUICK)["gates"][0]["outcome"] == "not computable"


def test_ranges_hold_the_figure_and_most_members():
    rows = {"indicators": [{"id": "runoff_volume", "value": 10.0}, {"id": "flooded_building_count", "value": 3.0}]}
    members = [{"runoff_volume": value} for value in (11.0, 12.0, 13.0, 14.0)]
    runoff, flood = with_ranges(rows, members)["indicators"]
    assert runoff["low"] == 10.0
    assert 13.0 < runoff["high"] <= 14.0
    assert flood["low"] is None


@pytest.mark.slow
def test_members_differ_by_their_assumptions_and_are_the_same_again(place, monkeypatch):
    monkeypatch.setattr("synapolis.scenarios.today.WORDS", ("runoff_volume", "flooded_building_count"))
    one, two, again = (member_today(*place, number, 4) for number in (0, 1, 0))
    assert one == again != two
    assert one.keys() == {"runoff_volume"}  # the flood is told once
