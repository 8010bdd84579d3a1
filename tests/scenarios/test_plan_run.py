"""The plan and the run, on toy models with known results and on the made-up town."""

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.errors import GEOSException

from synapolis.core.declare import REGISTRY, Assumption, declare_fixed_point, declare_vocabulary, model, on
from synapolis.core.digest import digest
from synapolis.core.errors import ModelError, NotComputableError, ScenarioError
from synapolis.layers.vocabulary import Canopy, EditDepth, EditLog, Extent, Trees
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import BoundEdit, Planner, Ref, ancestors
from synapolis.scenarios.run import NodeFailedError, _yet_to_come, run

ToyRain = Annotated[float, on("city", "mm", "Rain in a toy.")]
ToyWet = Annotated[float, on("city", "mm", "Rain on the ground in a toy.")]
ToyDry = Annotated[float, on("city", "mm", "Rain not on the ground in a toy.")]
ToyRunoff = Annotated[float, on("city", "mm", "Runoff in a toy.")]
ToyChicken = Annotated[float, on("city", "1", "Comes from eggs.")]
ToyEgg = Annotated[float, on("city", "1", "Comes from chickens.")]
ToyStart = Annotated[Any, on("zone", "1", "First guess.")]
ToyPrice = Annotated[Any, on("zone", "1", "Rises with demand.")]
ToyDemand = Annotated[Any, on("zone", "1", "Falls with the price.")]
WORDS = {name: value for name, value in globals().items() if name.startswith("Toy")}

ENTRY = {
    "version": "1",
    "decision": "Testing.",
    "method": "Arithmetic.",
    "limits": "A toy.",
    "risks": "None.",
    "tests": "tests/scenarios/test_plan_run.py",
}
CITED = "\n\n    References\n    ----------\n    A definition of this test.\n"


def toy_rain(toy_depth: float) -> ToyRain:
    return toy_depth


def toy_rain_in_canopy(canopy: Canopy, toy_depth: float) -> ToyRain:
    return toy_depth / 2


def toy_wet(toy_rain: ToyRain, toy_share: float) -> ToyWet:
    return toy_rain * toy_share


def toy_dry(toy_rain: ToyRain, toy_wet: ToyWet, canopy: Canopy) -> ToyDry:
    return toy_rain - toy_wet if canopy is None else 0.0


def toy_runoff(toy_wet: ToyWet) -> ToyRunoff:
    return float(np.floor(toy_wet / 100))  # coarse on purpose: most changes of the rain leave it as it was


def toy_trees(extent: Extent) -> Trees:
    raise AssertionError("the city has trees: nobody needs to make them")


def toy_chicken(toy_egg: ToyEgg) -> ToyChicken:
    return toy_egg


def toy_egg(toy_chicken: ToyChicken) -> ToyEgg:
    return toy_chicken


def toy_start(toy_depth: float) -> ToyStart:
    return np.full(3, toy_depth)


def toy_demand(toy_price: ToyPrice) -> ToyDemand:
    return 2 - 0.5 * toy_price


def toy_price(toy_demand: ToyDemand) -> ToyPrice:
    return toy_demand * np.array([1.0, 0.5, 0.25])


def toy_more_rain(toy_rain: ToyRain, edit_depth: EditDepth) -> ToyRain:
    return toy_rain + edit_depth


def toy_soak(toy_wet: ToyWet, edit_depth: EditDepth) -> ToyWet:
    return toy_wet * edit_depth


def toy_log(toy_rain: ToyRain, edit_log: EditLog) -> ToyEgg:
    return toy_rain + len(edit_log)


def toy_hens(toy_runoff: ToyRunoff) -> ToyEgg:
    return toy_runoff + 1


def declare(function, **facts):
    function.__doc__ = f"Do {function.__name__}.{CITED}"
    model(**ENTRY | facts)(function)


@pytest.fixture
def toys(registry):
    declare_vocabulary(WORDS)
    for name, value, low, high in [("toy_depth", 10.0, 1.0, 100.0), ("toy_share", 0.5, 0.0, 1.0)]:
        registry.add_assumption(Assumption(name, value, low, high, "1", "uniform", "made up", False, "A toy's."))
    for function in (toy_wet, toy_runoff, toy_trees, toy_chicken, toy_egg, toy_start, toy_demand, toy_price):
        declare(function)
    declare(toy_rain, rank=1)
    declare(toy_rain_in_canopy)
    declare(toy_dry, optional=("canopy",))
    declare(toy_more_rain)
    declare(toy_soak)
    return registry


def more_rain(depth, name="more"):
    return BoundEdit(name, "toy_more_rain", ("toy_more_rain",), {"edit_depth": depth}, "more rain")


def soak(factor):
    return BoundEdit("soak", "toy_soak", ("toy_soak",), {"edit_depth": factor}, "soaking")


def value(planner, word, stage=None, cache=None):
    ref = planner.want(word, stage)
    return run([ref], cache or Cache()).value(ref)


# The plan


def test_a_layer_comes_before_any_model(toys, town):
    ref = Planner(town).want("trees")
    assert ref.node.kind == "layer"
    assert ref.node.value is town.layers["trees"]


def test_the_lowest_rank_whose_inputs_can_be_had_is_taken(toys, town):
    assert Planner(town).want("toy_rain").node.name == "toy_rain"  # preferred: the one that needs a canopy
    wooded = town.with_layers(canopy_of(town))
    assert Planner(wooded).want("toy_rain").node.name == "toy_rain_in_canopy"


def canopy_of(town):
    return replace(town.layers["terrain"], name="canopy")


def test_a_model_chosen_for_one_quantity_makes_all_it_can(town):
    assert Planner(town).want("flood_balance").node.name == "flood_with_sewers"
    assert Planner(town, methods={"flood_depth": "flood"}).want("flood_balance").node.name == "flood"


def test_a_method_is_chosen_by_name(toys, town):
    wooded = town.with_layers(canopy_of(town))
    assert Planner(wooded, methods={"toy_rain": "toy_rain"}).want("toy_rain").node.name == "toy_rain"
    with pytest.raises(ScenarioError, match=r"no model 'toy_magic' makes toy_rain; those that do: .*toy_rain"):
        Planner(town, methods={"toy_rain": "toy_magic"}).want("toy_rain")
    with pytest.raises(NotComputableError, match="canopy"):
        Planner(town, methods={"toy_rain": "toy_rain_in_canopy"}).want("toy_rain")


def test_an_excluded_model_gives_way_with_its_reason(toys, town):
    wooded = town.with_layers(canopy_of(town))
    planner = Planner(wooded, excluded={"toy_rain_in_canopy": "a denser canopy"})
    assert planner.want("toy_rain").node.name == "toy_rain"
    planner = Planner(town, excluded={"toy_rain": "rain gauges"})
    assert "rain gauges" in planner.why_not("toy_rain")


def test_an_optional_argument_that_cannot_be_had_is_none(toys, town):
    assert value(Planner(town), "toy_dry") == 5.0
    assert value(Planner(town.with_layers(canopy_of(town))), "toy_dry") == 0.0


def test_what_cannot_be_had_names_what_is_missing_and_is_never_zero(toys, town):
    bare = replace(town, layers={k: v for k, v in town.layers.items() if k not in ("timetable", "streets", "zones")})
    planner = Planner(bare)
    for word, lacks in [("jobs_within_30_min", "timetable"), ("road_network", "streets"), ("monthly_rent", "")]:
        assert lacks in planner.why_not(word).replace("transit line", "timetable")
        with pytest.raises(NotComputableError, match=f"not computable: Generated city .* has no .* for {word}"):
            planner.want(word)


def test_an_unknown_word_is_refused(town):
    with pytest.raises(NotComputableError, match="no quantity is called 'happiness'"):
        Planner(town).want("happiness")


def test_words_in_a_circle_are_not_computable(toys, town):
    assert "in a circle" in Planner(town).why_not("toy_egg")


def test_equal_steps_are_one_node(toys, town):
    planner = Planner(town)
    nodes = ancestors([planner.want("toy_dry"), planner.want("toy_runoff"), planner.want("toy_dry")])
    assert len({id(node) for node in nodes}) == len(nodes)
    assert [node.name for node in nodes].count("toy_wet") == 1
    place = {id(node): number for number, node in enumerate(nodes)}
    assert all(place[id(ref.node)] < place[id(node)] for node in nodes for _, ref in node.inputs)


def test_an_edit_touches_only_what_stands_on_it(toys, town):
    planner = Planner(town, [soak(3.0)])
    assert planner.want("toy_rain", 0).node is planner.want("toy_rain", 1).node
    assert planner.want("toy_wet", 0).node is not planner.want("toy_wet", 1).node
    assert value(planner, "toy_wet", 0) == 5.0
    assert value(planner, "toy_wet", 1) == 15.0
    assert value(planner, "toy_dry", 1) == -5.0


def test_edits_are_applied_in_order(toys, town):
    one, two = more_rain(5.0, "one"), more_rain(7.0, "two")
    planner = Planner(town, [one, two])
    assert [value(planner, "toy_rain", stage) for stage in (0, 1, 2)] == [10.0, 15.0, 22.0]
    assert planner.last == 2


def test_an_edit_of_a_derived_quantity_survives_a_later_edit(toys, town):
    planner = Planner(town, [soak(3.0), more_rain(10.0)])
    assert value(planner, "toy_wet") == 3 * 0.5 * 20
    assert value(Planner(town, [more_rain(10.0), soak(3.0)]), "toy_wet") == 3 * 0.5 * 20


def test_the_log_holds_the_edits_so_far(toys, town):
    declare(toy_log, name="toy_egg", rank=-1)
    planner = Planner(town, [soak(3.0), more_rain(10.0)])
    assert [value(planner, "toy_egg", stage) for stage in (0, 1, 2)] == [10.0, 11.0, 22.0]


def test_an_edit_needs_what_its_model_needs(toys, town):
    bare = replace(town, layers={k: v for k, v in town.layers.items() if k != "timetable"})
    edit = BoundEdit(
        "e1", "change_headway", ("change_headway",), {"edit_route": "7", "edit_headway": 300.0}, "a headway"
    )
    with pytest.raises(NotComputableError, match="which a headway needs"):
        Planner(bare, [edit])


def test_a_result_on_assumed_ground_is_assumed(toys, town):
    assert Planner(town).want("toy_wet").node.origin == "derived"  # an assumed scalar alone leaves it derived
    assert Planner(town.with_layers(canopy_of(town))).want("toy_wet").node.origin == "assumed"


def test_the_same_scenario_makes_the_same_plan(town):
    scenario = parse_scenario("edits: [{kind: change_cover, area: {place: Highfields}, cover: trees}]")
    words = ("runoff_volume", "vehicle_kilometres", "mean_jobs_within_5_min", "total_capital_cost")

    def names():
        planner = Planner(town, bind(scenario, town))
        return [(n.kind, n.name, n.stage) for n in ancestors([planner.want(w, s) for w in words for s in (0, 1)])]

    assert names() == names()


# The run


def test_a_second_run_computes_nothing(toys, town):
    cache, planner = Cache(), Planner(town)
    refs = [planner.want("toy_runoff"), planner.want("toy_dry")]
    first, second = run(refs, cache), run(refs, cache)
    assert sorted(first.computed) == ["toy_dry", "toy_rain", "toy_runoff", "toy_wet"]
    assert second.computed == []
    assert second.cached == 4
    assert [second.value(ref) for ref in refs] == [first.value(ref) for ref in refs]


def test_only_what_stands_on_a_change_runs_again(toys, town):
    cache = Cache()
    refs = [Planner(town).want(word) for word in ("toy_runoff", "toy_dry", "toy_start")]
    run(refs, cache)
    changed = Planner(town, assumptions={"toy_share": 0.6})
    again = run([changed.want(word) for word in ("toy_dry", "toy_start")], cache)
    assert sorted(again.computed) == ["toy_dry", "toy_wet"]


def test_an_unchanged_output_stops_the_run_below_it(toys, town):
    declare(toy_hens, name="toy_egg", rank=-1)
    planner = Planner(town, [more_rain(5.0)])
    both = run([planner.want("toy_egg", stage) for stage in (0, 1)], Cache())
    assert [both.computed.count(name) for name in ("toy_wet", "toy_runoff", "toy_egg")] == [2, 2, 1]


def test_progress_names_each_step_and_ends_full(toys, town):
    told = []
    run([Planner(town).want("toy_runoff")], Cache(), progress=lambda *said: told.append(said))
    assert [name for name, _, _ in told if name] == ["toy_rain", "toy_wet", "toy_runoff"]
    assert told[-1][1] == told[-1][2]


def test_a_failing_model_is_named(toys, town):
    def toy_fails(toy_rain: ToyRain) -> ToyEgg:
        return {}["nothing"]

    declare(toy_fails, rank=-1)
    with pytest.raises(ModelError, match="model toy_fails 1 failed: 'nothing'"):
        value(Planner(town), "toy_egg")


@pytest.mark.parametrize("error", [RecursionError, GEOSException, AttributeError])
def test_whatever_a_model_fails_with_is_told_as_its_failure(toys, town, error):
    def toy_breaks(toy_rain: ToyRain) -> ToyEgg:
        raise error("broken")

    declare(toy_breaks, rank=-1)
    with pytest.raises(ModelError, match="model toy_breaks 1 failed: broken"):
        value(Planner(town), "toy_egg")


def test_a_model_that_finds_nothing_to_compute_from_says_so(toys, town):
    def toy_lacks(toy_rain: ToyRain) -> ToyEgg:
        raise NotComputableError("hens")

    declare(toy_lacks, rank=-1)
    with pytest.raises(NodeFailedError, match="toy_lacks: hens"):
        value(Planner(town), "toy_egg")


def test_a_fixed_point_is_found_and_reported(toys, town):
    declare_fixed_point("toy_price", start="toy_start", tolerance=0.01, max_iterations=100)
    ref = Planner(town).want("toy_price")
    ran = run([ref], Cache())
    share = np.array([1.0, 0.5, 0.25])
    assert np.allclose(ran.value(ref), 2 * share / (1 + 0.5 * share), atol=0.01)
    notes = ran.entries[id(ref.node)].notes
    assert notes["converged"] is True
    assert 1 < notes["iterations"] <= 100
    assert notes["residual"] <= notes["tolerance"] == 0.01


def test_a_fixed_point_that_is_not_reached_says_so(toys, town):
    declare_fixed_point("toy_price", start="toy_start", tolerance=1e-12, max_iterations=3)
    ref = Planner(town).want("toy_price")
    notes = run([ref], Cache()).entries[id(ref.node)].notes
    assert notes["iterations"] == 3
    assert not notes["converged"]
    assert notes["residual"] > 1e-12


@given(st.floats(1e-6, 1.0), st.floats(0.0, 0.5))
def test_what_is_yet_to_come_bounds_every_later_round_of_a_loop(moved, pace):
    later = sum(moved * pace**rounds for rounds in range(1, 60))
    assert _yet_to_come(moved, pace) == pytest.approx(later)


@pytest.mark.parametrize("pace", [0.51, 1.0, 3.0])
def test_a_loop_that_settles_slowly_is_judged_by_its_last_round(pace):
    assert _yet_to_come(0.01, pace) == 0.01


def test_what_nothing_takes_is_not_digested(toys, town):
    ref = Planner(town).want("toy_rain")
    ran = run([ref], Cache())
    assert not ran.entries[id(ref.node)].digests
    assert ran.entries[id(ref.node)].digests["toy_rain"] == digest(ran.value(ref))


def test_a_fixed_point_starts_anew_when_what_enters_it_changes(toys, town):
    declare_fixed_point("toy_price", start="toy_start", tolerance=1e-6, max_iterations=200)
    cache = Cache()
    for start in (10.0, 20.0):
        planner = Planner(town, assumptions={"toy_depth": start})
        assert "toy_price" in run([planner.want("toy_price")], cache).computed
        assert run([planner.want("toy_price")], cache).computed == []


# The made-up town


@pytest.fixture(scope="module")
def all_run(town, memory):
    """Everything that the town can answer, run, and which models find nothing to compute from."""
    excluded = {}
    while True:
        refs = everything(Planner(town, excluded=excluded))
        try:
            return refs, run(refs, memory), excluded
        except NodeFailedError as error:
            excluded[error.model] = error.reason


def everything(planner):
    found = (planner.resolve(word, 0) for word in sorted(REGISTRY.quantities) if not word.startswith("edit_"))
    return [ref for ref in found if isinstance(ref, Ref)]


def test_every_model_leaves_its_inputs_as_they_were(all_run):
    """And no model hands out what another one made under a new digest: what was digested is what is there now."""
    refs, ran, excluded = all_run
    assert len(refs) > 90
    assert len(excluded) < 10, excluded
    for entry in ran.entries.values():
        for name, content in entry.outputs.items():
            if name in entry.digests:
                assert digest(content) == entry.digests[name], f"{name} was changed after it was made"


def test_every_model_gives_the_same_twice(town, all_run):
    refs, first, excluded = all_run
    again = everything(Planner(town, excluded=excluded))
    second = run(again, Cache())
    for one, two in zip(refs, again, strict=True):
        if one.node.kind != "value":
            assert first.entries[id(one.node)].digests[one.output] == second.entries[id(two.node)].digests[two.output]


def bound(town, text):
    return bind(parse_scenario(text), town)


WANTED = (
    "runoff_volume",
    "mean_jobs_within_5_min",
    "vehicle_kilometres",
    "total_capital_cost",
    "city_affordable_share",
)
TOUCHED = [
    ('{kind: change_headway, route: "7", headway_minutes: 3}',
     {"change_headway", "access", "transit_stops", "mean_jobs_within_5_min", "car_time"},  # some now go by tram
     {"walk_network", "transit_walks", "runoff", "land_cover", "road_network", "affordable_share"}),
    ("{kind: close_street, street: Robin Road}",
     {"close_street", "walk_network", "road_network", "car_time"},
     {"transit_walks", "access", "mean_jobs_within_5_min", "runoff", "land_cover", "affordable_share"}),
    ("{kind: change_cover, area: {place: Highfields}, cover: trees}",
     {"change_cover", "runoff"},
     {"walk_network", "access", "road_network", "car_time", "storm_intensity", "affordable_share"}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "runs", "stays"), TOUCHED, ids=["headway", "closure", "trees"])
def test_an_edit_runs_only_what_stands_on_it(town, memory, edit, runs, stays):
    today = Planner(town)
    run([today.want(word) for word in WANTED], memory)
    planner = Planner(town, bound(town, f"edits: [{edit}]"), assumptions={})
    fresh = Cache()
    run([planner.want(word, 0) for word in WANTED], fresh)
    ran = run([planner.want(word) for word in WANTED], fresh)
    assert runs <= set(ran.computed)
    assert not stays & set(ran.computed)


def test_no_edit_at_all_changes_nothing(town, memory):
    planner = Planner(town)
    assert all(planner.want(word).node is planner.want(word, 0).node for word in WANTED)
