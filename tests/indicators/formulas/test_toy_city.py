"""The toy city, through the plan: every figure counted by hand, and what a new line changes and what it does not."""

import pytest

from synapolis.core.declare import REGISTRY
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run

BY_HAND = {
    # A 4 x 200 m, B 2 x 200 m, C 900 m; detour 1.15; 200 people
    "transit_network_per_100000": (0.8 + 0.4 + 0.9) * 1.15 / 200 * 100_000,
    # zones within 5 zones of A: 5 columns of 6 and 5 of 5; of B beyond them: 3 + 6 + 5 + 5 + 5; C is too rare
    "residents_near_frequent_transit": 55 + 24,
    "residents_with_convenient_transit": 100.0,  # the 21 others are within 1 km of the rail stop in the corner
    "bicycle_paths_per_100000": (0.3 + 0.5) / 200 * 100_000,
    "green_area_per_100000": (1 + 2 + 0.5) / 200 * 100_000,
    "public_green_per_100000": (1 + 2 + 0.5) / 200 * 100_000,
    "outdoor_recreation_space": 40_000 / 200,
    "outdoor_recreation_per_100000": 40_000 / 200 * 100_000,
    "population_density": 200 / 0.99,
    "built_up_density": 100 * 200 / 1_000_000,
    "living_space_per_person": 100 * 200 * 0.8 / 200,
    "persons_per_home": 2.0,
    "jobs_per_home": 1.0,
    # all four services and the park are where the circle of 4 zones around zone 44 has 49 zones
    "residents_near_basic_services": 49.0,
    "residents_near_grocery": 100.0,  # the farthest corner is 707 m away
    "public_space_share": (4 + 1 + 1) / 99 * 100,  # parks, square, street over land
    "tree_canopy_share": 1 / 99 * 100,
    "pervious_land_share": 4 / 99 * 100,
    "residents_in_dense_areas": 0.0,  # 200 a km² everywhere
    "structurally_vulnerable_buildings": 100.0,  # all of 1960
    "cultural_institutions_per_100000": 1 / 200 * 100_000,
    "evacuation_routes_per_100000": 1 / 200 * 100_000,
    "pedestrian_area_share": (10_000 + 500 * 2.5) / 1_000_000 * 100,
}
ASSUMED = {"basic_service_distance": 400.0}
NEW_LINE = """
edits:
- {kind: add_line, street: High Street, mode: bus, headway_minutes: 10, stop_spacing: 500}
"""


def values(city, words, edits=(), cache=None):
    planner = Planner(city, edits, assumptions=ASSUMED)
    refs = [planner.want(word) for word in words]
    ran = run(refs, cache or Cache())
    return {word: ran.value(ref) for word, ref in zip(words, refs, strict=True)}, dict(zip(words, refs, strict=True))


def test_every_figure_is_the_one_counted_by_hand(toy):
    found, _ = values(toy, list(BY_HAND))
    assert found == pytest.approx(BY_HAND, abs=1e-6, rel=1e-9)


def test_a_new_line_changes_the_transit_indicators_and_not_the_green_ones(toy):
    edits = bind(parse_scenario(NEW_LINE), toy)
    words = ["residents_near_frequent_transit", "transit_network_per_100000", "green_area_per_100000",
             "outdoor_recreation_space"]  # fmt: skip
    planner = Planner(toy, edits, assumptions=ASSUMED)
    today, then = ([planner.want(word, stage) for word in words] for stage in (0, 1))
    ran = run([*today, *then], Cache())
    change = [ran.value(b) - ran.value(a) for a, b in zip(today, then, strict=True)]
    assert change[0] > 0
    assert change[1] == pytest.approx(1.0 * 1.15 / 200 * 100_000)  # 1 km of street, in two pieces of 500 m
    assert change[2:] == [0, 0]
    assert [a.node is b.node for a, b in zip(today, then, strict=True)] == [False, False, True, True]


def test_a_missing_layer_is_not_computable_and_never_zero(toy):
    without = type(toy)(**{**vars_of(toy), "layers": {k: v for k, v in toy.layers.items() if k != "timetable"}})
    reason = Planner(without).why_not("residents_near_frequent_transit")
    assert reason is not None
    assert "timetable" in reason


def vars_of(city):
    return {name: getattr(city, name) for name in type(city).__dataclass_fields__}


def test_every_formula_is_an_indicator_of_the_city_with_its_standard_cited():
    formulas = [
        m for m in REGISTRY.models.values() if m.function.__module__.startswith("synapolis.indicators.formulas")
    ]
    published = [m for m in formulas if m.kind == "indicator"]
    assert len(published) >= 44
    for formula in published:
        assert [REGISTRY.quantities[word].place for word in formula.outputs] == ["city"]
        assert "standard not read" in formula.source or "metadata" in formula.source, formula.name
