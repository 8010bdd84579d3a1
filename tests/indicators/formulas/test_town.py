"""Every formula on a whole made-up town, through the plan: plausible, or not computable for a reason that is told."""

import math

import pytest

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError
from synapolis.indicators.catalogue import indicators
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import NodeFailedError, run
from synapolis.sources.generate import generate_city

pytestmark = pytest.mark.slow
NOT_THERE = {  # what the made-up town has none of
    "natural_protection_share": "nature reserve",
    "urban_agriculture_per_100000": "allotments",
    "indoor_recreation_space": "sports halls",
    "risk_reduced_land_share": "built storage",
}


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3, name="town")


@pytest.fixture(scope="module")
def cache():
    return Cache()


def value(city, word, cache):
    """Value of a word, or why there is none; a model that finds nothing makes way for the next."""
    excluded = {}
    while True:
        planner = Planner(city, excluded=excluded)
        try:
            ref = planner.want(word)
            return run([ref], cache).value(ref)
        except NodeFailedError as failed:
            excluded[failed.model] = failed.reason
        except NotComputableError as missing:
            return str(missing)


def test_every_formula_is_plausible_or_says_what_it_needs(town, cache):
    formulas = [
        m for m in REGISTRY.models.values()
        if m.function.__module__.startswith("synapolis.indicators.formulas") and m.kind == "indicator"
    ]  # fmt: skip
    ranges = {row.quantity: (row.low / row.factor, row.high / row.factor) for row in indicators().values()}
    for word in sorted({word for formula in formulas for word in formula.outputs}):
        found = value(town, word, cache)
        if word in NOT_THERE:
            assert isinstance(found, str), (word, found)
            assert NOT_THERE[word] in found
        else:
            low, high = ranges.get(word, (-math.inf, math.inf))
            assert isinstance(found, float), (word, found)
            assert low <= found <= high, (word, found)


def test_new_homes_leave_less_green_for_each_and_more_residents_on_the_land(town, cache):
    edits = bind(parse_scenario("edits: [{kind: add_homes, area: {place: Old Town}, homes: 40}]"), town)
    words = ["green_area_per_100000", "outdoor_recreation_space", "population_density", "population"]
    planner = Planner(town, edits)
    refs = [planner.want(word, stage) for stage in (0, 1) for word in words]
    ran = run(refs, cache)
    before, after = [ran.value(ref) for ref in refs[:4]], [ran.value(ref) for ref in refs[4:]]
    grown = after[3] / before[3]
    assert grown > 1
    assert after[1] == pytest.approx(before[1] / grown)
    assert after[2] == pytest.approx(before[2] * grown)
    assert after[0] <= before[0] / grown + 1e-9  # and some of the green may be built on
