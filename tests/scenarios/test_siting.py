"""Siting: never on water, rail, streets or squares; fronts and ranks as plain loops find them; reasons and repeats."""

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synapolis.core.errors import NotComputableError, ScenarioError
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.candidates import find_candidates
from synapolis.scenarios.edits import Area
from synapolis.scenarios.siting import AIMS, Siting, choose_sites, pareto_front, utilities

AIM = tuple(AIMS)[:3]
SIGN = [AIMS[word] for word in AIM]
scores = st.integers(1, 7).flatmap(
    lambda count: arrays(float, (count, 3), elements=st.integers(-3, 3).map(float) | st.just(float("nan")))
)


@pytest.fixture(scope="module")
def sited(town, memory):
    return choose_sites(town, Siting(200, members=1), memory)[0]


# Fronts and ranks


@given(scores)
def test_the_front_is_what_a_plain_loop_finds(table):
    def beats(one, other):
        pairs = [(s * a, s * b) for s, a, b in zip(SIGN, one, other, strict=True)]
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    expected = [
        bool(np.isfinite(row).all()) and not any(beats(other, row) for other in table if np.isfinite(other).all())
        for row in table
    ]
    assert pareto_front(table, AIM).tolist() == expected


@given(scores, st.tuples(*[st.floats(0.1, 10)] * 3))
def test_utilities_are_what_a_plain_loop_finds(table, weights):
    weight = dict(zip(AIM, weights, strict=True))
    got = utilities(table[None], AIM, weight)[0]
    for k, row in enumerate(table):
        if not np.isfinite(row).all():
            assert np.isnan(got[k])
            continue
        total = 0.0
        for j, word in enumerate(AIM):
            column = [AIMS[word] * value for value in table[:, j] if np.isfinite(value)]
            low, high = min(column), max(column)
            total += weight[word] * ((AIMS[word] * row[j] - low) / (high - low) if high > low else 0.0)
        assert got[k] == pytest.approx(total / sum(weights), abs=1e-12)
        assert -1e-12 <= got[k] <= 1 + 1e-12


@given(scores, st.tuples(*[st.floats(0.1, 10)] * 3))
def test_the_best_by_any_weights_is_on_the_front(table, weights):
    utility = utilities(table[None], AIM, dict(zip(AIM, weights, strict=True)))[0]
    if np.isfinite(utility).any():
        tied = np.flatnonzero(utility >= np.nanmax(utility) - 1e-12)
        assert pareto_front(table, AIM)[tied].any()


def test_weights_change_the_order():
    table = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # less runoff and less access, or neither
    utility = [utilities(table[None], AIM, {AIM[0]: heavy, AIM[1]: light})[0] for heavy, light in [(9, 1), (1, 9)]]
    assert np.argmax(utility[0]) == 1
    assert np.argmax(utility[1]) == 0


# On the made-up town


def test_ground_is_never_water_rail_street_or_square(town, memory):
    layers = {name: town.layers[name].value for name in ("water", "rail", "streets", "buildings", "places", "land_use")}
    kept = [
        *layers["water"].geometry,
        *layers["rail"].geometry,
        *layers["streets"].geometry,
        *layers["buildings"].geometry,
        *layers["places"].geometry[layers["places"]["kind"].isin(["square", "park"])],
        *layers["land_use"].geometry[layers["land_use"]["use"].isin(["square", "park", "railway"])],
    ]
    never = shapely.union_all([g for g in kept if g.geom_type != "Point"])
    ground = [c for c in find_candidates(town, memory) if c.kind == "free ground"]
    assert ground
    for candidate in ground:
        assert shapely.intersection(candidate.geometry, never).area < 1e-6
        assert shapely.intersection(candidate.geometry, never).length < 1e-6
        assert town.extent.covers(candidate.geometry)


def test_roofs_stand_on_buildings(town, memory):
    built = shapely.union_all(town.layers["buildings"].value.geometry.to_numpy()).buffer(1e-6)
    roofs = [c for c in find_candidates(town, memory) if c.kind == "roofs"]
    assert all(built.covers(candidate.geometry) for candidate in roofs)


def test_candidates_have_names_of_their_own(town, memory):
    names = [candidate.name for candidate in find_candidates(town, memory)]
    assert len(set(names)) == len(names) > 2


def test_each_site_is_ranked_and_says_why(sited):
    assert [site.rank for site in sited.sites] == list(range(1, len(sited.sites) + 1))
    assert any(site.on_front for site in sited.sites)
    for site in sited.sites:
        assert 0 <= site.stability <= 1
        assert site.homes > 0
        assert site.reason.endswith(".")
        assert set(site.scores) == set(sited.want)
        assert np.isfinite(list(site.scores.values())).all()


def test_the_answer_is_the_models_own(sited):
    steps = {step.id: step for step in sited.steps}
    assert {"runoff", "assignment"} <= {step.name for step in sited.steps}
    assert all(claim.run_path in steps for claim in sited.claims)
    assert {verdict.outcome for verdict in sited.gates} <= {"pass", "block", "not computable"}
    assert len(sited.gates) == 2
    json.loads(sited.to_json(), parse_constant=pytest.fail)


def test_asked_again_it_is_the_same_answer(town, memory, sited):
    again = choose_sites(town, Siting(200, members=1), memory)[0]
    assert again.hash == sited.hash
    assert [(s.name, s.rank, s.scores) for s in again.sites] == [(s.name, s.rank, s.scores) for s in sited.sites]
    assert again.summary == sited.summary
    assert again.statistics["computed"] == 0


@pytest.mark.slow
def test_weights_reach_the_answer(town, memory, sited):
    weighted = choose_sites(town, Siting(200, weights={"total_capital_cost": 50.0}, members=1), memory)[0]
    cheapest = min(weighted.sites, key=lambda site: site.scores["total_capital_cost"])
    assert weighted.sites[0].scores["total_capital_cost"] == pytest.approx(
        cheapest.scores["total_capital_cost"], rel=0.05
    )
    assert weighted.hash != sited.hash


@pytest.mark.slow
def test_within_an_area_sites_lie_in_it(town, memory, sited):
    area = Area(place="Highfields")
    inside = choose_sites(town, Siting(20, area=area, members=1), memory)[0]
    around = find_area(area, town).geometry.buffer(town.grid.cell_size)
    assert all(around.covers(site.geometry) for site in inside.sites if not site.name.startswith("roofs"))
    assert inside.hash != sited.hash


@pytest.mark.slow
def test_two_drawn_areas_are_two_questions(town, memory):
    def drawn(west):
        ring = [[west, 45.154], [-26.9933, 45.154], [-26.9933, 45.1585], [west, 45.1585], [west, 45.154]]
        return Area(geojson={"type": "Polygon", "coordinates": [ring]})

    answers = [choose_sites(town, Siting(5, area=drawn(west), members=0), memory)[0] for west in (-27.0, -26.9999)]
    assert answers[0].hash != answers[1].hash


@pytest.mark.slow
def test_more_homes_than_fit_are_told(town, memory):
    answer = choose_sites(town, Siting(1_000_000, members=0), memory)[0]
    assert "Only" in answer.summary or "No recommendation" in answer.summary


def test_a_weight_for_nothing_is_refused(town, memory):
    for weights in ({"beauty": 1.0}, {"runoff_volume": -1.0}):
        with pytest.raises(ScenarioError, match="weights are at least 0 for runoff_volume"):
            choose_sites(town, Siting(10, weights=weights), memory)


def test_a_city_without_buildings_is_refused_with_the_reason(town):
    bare = replace(town, layers={k: v for k, v in town.layers.items() if k != "buildings"})
    with pytest.raises(NotComputableError, match=r"not computable: Generated city .* has no .*buildings"):
        choose_sites(bare, Siting(10), Cache())


def test_an_area_without_a_place_for_homes_is_refused(town, memory):
    with pytest.raises(ScenarioError, match=r"no place could take homes|takes a single home"):
        choose_sites(town, Siting(10, area=Area(place="Long Green"), members=0), memory)


def test_an_aim_whose_model_finds_nothing_to_compute_from_is_left_out_and_named(town, memory):
    streets = town.layers["streets"]
    carless = town.with_layers(replace(streets, value=streets.value.assign(drive=False)))
    answer, _ = choose_sites(carless, Siting(50, members=0), memory)
    assert "vehicle_kilometres" not in answer.want
    assert "open to cars" in answer.not_computable["vehicle_kilometres"]
