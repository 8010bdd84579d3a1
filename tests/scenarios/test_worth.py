"""What edits save in flood damage for their price: the ratio by hand, and the sentences of a town."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.models import load_models
from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.rehearse import Rehearsal, rehearse
from synapolis.scenarios.worth import Worth, _note, saved_per_cost
from synapolis.sources.generate import generate_city

load_models()
OVER = "over 40 years at 4 % a year"


def test_the_ratio_by_hand():
    assert saved_per_cost(1_000_000.0, 400_000.0, 300_000.0) == pytest.approx(2.0)
    assert saved_per_cost(400_000.0, 1_000_000.0, 300_000.0) == pytest.approx(-2.0)
    with pytest.raises(ValueError, match="a cost above 0, got 0"):
        saved_per_cost(1.0, 0.0, 0.0)


@given(before=st.floats(0, 1e9), after=st.floats(0, 1e9), cost=st.floats(1, 1e9))
def test_what_is_saved_is_the_ratio_times_the_cost(before, after, cost):
    assert saved_per_cost(before, after, cost) * cost == pytest.approx(before - after, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("worth", "says"),
    [
        (Worth((10_000, 4_000), (200_000, 80_000), 60_000), "2 EUR of damage avoided over 40 years at 4 % a year"),
        (Worth((4_000, 10_000), (80_000, 200_000), 60_000), "2 EUR of damage more over 40 years at 4 % a year"),
        (Worth((10_000, 9_999), (200_000, 199_990), 60_000), "no change of the yearly flood damage that can be told"),
        (Worth((0, 0), (0, 0), 60_000), "60,000 EUR to build, and no change"),
    ],
)
def test_each_case_in_words(worth, says):
    (said,) = _note("green roofs", worth, OVER)
    assert says in said


def test_what_costs_nothing_is_not_weighed():
    assert _note("a bus less often", Worth((10, 5), (200, 100), 0.0), OVER) == []


@pytest.mark.slow
def test_each_edit_of_a_town_is_told_alone_and_then_together():
    """Two edits and the pair; the ratios are those of the claims, and who asks for less is told nothing."""
    town, cache = generate_city(people=600, seed=3), Cache()
    storage = "kind: build_storage, area: {place: Highfields}, storage"
    scenario = parse_scenario(
        f"edits: [{{{storage}: green_roof, depth_mm: 60}}, {{{storage}: rain_garden, depth_mm: 200}}]"
    )
    words = ("expected_flood_damage", "flood_damage_over_life", "total_capital_cost")
    answer, _ = rehearse(town, Rehearsal(scenario, words, members=0), cache)
    told = [line for line in answer.findings if line.startswith("Flood damage per EUR spent")]
    assert len(told) == 3
    assert "green roof holding 60 mm" in told[0]
    assert "alone" in told[0]
    assert "all 2 edits together" in told[2]
    claims = {claim.quantity: claim for claim in answer.claims}
    cost, life = claims["total_capital_cost"].after, claims["flood_damage_over_life"]
    ratio = (life.before - life.after) / cost
    assert ratio > 0
    assert f"{float(f'{ratio:.2g}'):,}".removesuffix(".0") + " EUR of damage avoided" in told[2]
    quiet, _ = rehearse(town, Rehearsal(scenario, ("total_capital_cost",), members=0), cache)
    assert not any("Flood damage" in line for line in quiet.findings)
