"""Local re-runs equal full runs; the hot day of a made-up city from end to end."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from models.heat.scenes import DAY, MODELS, SIDE, given, quarter, radiant, with_views
from synapolis.core.declare import REGISTRY
from synapolis.layers.land_cover import Cover
from synapolis.models import load_models
from synapolis.models.heat.climate import heat_stress_hours, utci
from synapolis.models.heat.local import changed_window
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
SETTINGS = settings(max_examples=8, deadline=None)


def edited(scene, row, column, size, height, kind):
    """The quarter with one block built, raised or taken away, trees planted, or ground repaved."""
    changed = {name: values.copy() for name, values in scene.items() if name != "sky_views"}
    place = np.s_[row : row + size, column : column + size]
    if kind == "block":
        changed["built_height"][place] = height
        changed["land_cover"][place] = Cover.ROOF
    elif kind == "clear":
        changed["built_height"][place] = 0
        changed["land_cover"][place] = Cover.PAVED
    elif kind == "trees":
        changed["tree_height"][place] = height
    else:
        changed["land_cover"][place] = Cover.GRASS
    return with_views(changed)


@pytest.mark.parametrize(
    "word", [pytest.param(word, marks=pytest.mark.slow) if word == "hourly_utci" else word for word in MODELS]
)
@SETTINGS
@drawn(
    seed=st.integers(0, 1000),
    row=st.integers(0, SIDE - 1),
    column=st.integers(0, SIDE - 1),
    size=st.integers(1, 4),
    height=st.floats(3, 60),
    kind=st.sampled_from(["block", "clear", "trees", "ground"]),
)
def test_a_local_re_run_equals_the_full_run_exactly(word, seed, row, column, size, height, kind):
    function, inputs = MODELS[word]
    before = with_views(quarter(seed))
    now = edited(before, row, column, size, height, kind)
    earlier, later = given(before, *inputs), given(now, *inputs)
    again = REGISTRY.models[word].update({word: function(**earlier)}, earlier, later)
    assert np.array_equal(again, function(**later))


def test_only_the_reach_of_a_change_is_worked_out_again():
    before, now = quarter(1), quarter(1)
    now["built_height"][10, 12] += 5
    reach = {"built_height": 3, "tree_height": 3}
    assert changed_window(before, now, reach | {"ground_elevation": 3, "land_cover": 1}) == (7, 14, 9, 16)
    assert changed_window(before, quarter(1), {**reach, "ground_elevation": 3, "land_cover": 1}) is None
    assert changed_window({**before, "heat_hour": 14.0}, {**before, "heat_hour": 15.0}, reach) == (0, SIDE, 0, SIDE)
    assert changed_window({**before, "ground_elevation": None}, before, reach) == (0, SIDE, 0, SIDE)


def test_inputs_stay_as_they_are():
    scene = with_views(quarter(2))
    kept = {name: values.copy() for name, values in scene.items()}
    for function, inputs in MODELS.values():
        function(**given(scene, *inputs))
    assert all(np.array_equal(kept[name], scene[name]) for name in kept)


def test_a_block_shades_and_the_hottest_hours_are_after_noon():
    scene = with_views(quarter(3))
    hours = MODELS["hourly_utci"][0](**given(scene, *MODELS["hourly_utci"][1]))
    assert hours.shape == (24, SIDE, SIDE)
    assert np.isfinite(hours).all()
    assert hours.mean(axis=(1, 2)).argmax() in range(12, 17)
    now = utci(radiant(scene), DAY, 15.0, 1.0)
    assert np.array_equal(now, hours[15])
    counted = heat_stress_hours(hours)
    assert counted.min() >= 0
    assert counted.max() <= 24


@pytest.fixture(scope="module")
def city():
    return generate_city(people=2_000, seed=4, name="heat")


@pytest.fixture(scope="module")
def cache():
    return Cache()


def both(city, cache, edits, words):
    """Values today and with edits."""
    planner = Planner(city, bind(parse_scenario(edits), city))
    today, after = ([planner.want(word, stage) for word in words] for stage in (0, planner.last))
    ran = run([*today, *after], cache)
    return {word: (ran.value(a), ran.value(b)) for word, a, b in zip(words, today, after, strict=True)}


def test_street_trees_cool_the_street_they_stand_in(city, cache):
    streets = city.layers["streets"].value
    street = streets.geometry.length.groupby(streets["name"]).sum().drop("", errors="ignore").idxmax()
    edits = f"edits: [{{kind: plant_trees, area: {{street: {street}, width: 20}}}}]"
    words = ("mean_street_utci", "street_utci", "tree_height", "mean_radiant_temperature", "utci", "sky_views",
             "total_capital_cost", "mean_utci", "zone_utci", "resident_utci")  # fmt: skip
    found = both(city, cache, edits, words)
    before, after = found["mean_street_utci"]
    assert after < before
    there = (streets["name"] == street).to_numpy()
    before, after = found["street_utci"]
    assert after[there].mean() < before[there].mean() - 0.3
    assert found["total_capital_cost"][1] > 0
    for word in words:
        assert all(np.isfinite(value).all() for value in found[word]), word
    for word in ("sky_views", "mean_radiant_temperature"):
        assert not np.array_equal(*found[word])
    full = Planner(city, bind(parse_scenario(edits), city))
    refs = [full.want(word) for word in ("sky_views", "mean_radiant_temperature")]
    for ref in refs:
        ref.node.baseline = None
    again = run(refs, Cache())
    for ref, word in zip(refs, ("sky_views", "mean_radiant_temperature"), strict=True):
        assert np.array_equal(again.value(ref), found[word][1]), "through the plan, local equals full"


def test_new_homes_cast_shade(city, cache):
    places = city.layers["places"].value
    district = places["name"][places["kind"] == "district"].iloc[0]
    edits = f"edits: [{{kind: add_homes, area: {{place: {district}}}, homes: 60, fit: on_other_ground}}]"
    found = both(city, cache, edits, ("built_height", "shade_hours", "sky_views", "residents_in_strong_heat"))
    before, after = found["built_height"]
    grown = after > before
    assert grown.any()
    ground = after == 0
    assert (found["shade_hours"][1] - found["shade_hours"][0])[ground].max() > 0
    assert (found["sky_views"][1][0] <= found["sky_views"][0][0] + 1e-5)[ground].all()


def test_a_city_without_weather_takes_an_assumed_day_and_says_so(city):
    bare = dataclasses.replace(city, layers={k: v for k, v in city.layers.items() if k != "weather"})
    assert Planner(bare).want("utci").node.origin == "assumed"
    assert Planner(bare).want("hot_day").node.name == "assumed_hot_day"
    assert Planner(city).want("hot_day").node.name == "hot_day"
