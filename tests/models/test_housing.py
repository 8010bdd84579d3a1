"""Massing: footprints stay on free ground, homes add up, and what does not fit is said."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import LayerError, ModelError, ScenarioError, SourceError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.layers.schemas import LAYERS
from synapolis.models import load_models
from synapolis.models.housing.homes import (
    add_homes,
    add_homes_as_asked,
    add_homes_on_other_ground,
    add_homes_to_zones,
    housing_capacity,
)
from synapolis.models.housing.massing import whole_shares
from synapolis.models.housing.programme import (
    UNPLACED,
    empty_programme,
    homes_placed,
    homes_unplaced,
    no_new_homes,
    room_for_the_rest,
    what_gave_way,
)
from synapolis.models.housing.sites import footprints, free_patches, plots
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.builtin import build_helsinki

CRS = "EPSG:32635"
GRID = Grid(left=0, top=200, cell_size=2, rows=100, columns=150)  # 300 x 200 m
RULES = {
    "home_floor_area": 80,
    "site_coverage": 0.5,
    "new_building_levels": 8,
    "max_levels": 8,
    "roof_storeys": 2,
    "roof_coverage": 0.8,
    "min_site_area": 200,
    "max_plot_area": 1600,
}


def town():
    """Three buildings in the west, a street along y = 100, free ground around."""
    shapes = [shapely.box(10, 10, 40, 40), shapely.box(10, 60, 40, 85), shapely.box(10, 130, 40, 190)]
    return gpd.GeoDataFrame(
        {
            "use": ["residential", "public", "office"],
            "levels": [4.0, 2.0, 7.0],
            "height": [13.0, np.nan, np.nan],
            "homes": [40.0, 0.0, np.nan],
            "start_year": np.nan,
            "name": ["", "Hall", "Works"],
            "edit": "",
        },
        geometry=shapes,
        crs=CRS,
        index=["b:1", "b:2", "b:3"],
    )


STREET = shapely.box(0, 95, 300, 105)


def free(buildings):
    blocked = GRID.mask([b.buffer(6) for b in buildings.geometry]) | GRID.mask(STREET)
    return ~blocked


def ask(homes, model=add_homes, area=None, **changes):
    buildings = town()
    return model(
        buildings,
        empty_programme(CRS),
        changes.pop("free_ground", free(buildings)),
        GRID,
        buildings["levels"].to_numpy(),
        None,
        np.full(GRID.shape, Cover.GRASS, dtype=np.uint8),
        None,
        "e1",
        shapely.box(0, 0, 300, 200) if area is None else area,
        homes,
        **(RULES | changes),
    )


@given(
    homes=st.integers(1, 5000),
    left=st.floats(-20, 200),
    bottom=st.floats(-20, 120),
    width=st.floats(30, 200),
    height=st.floats(30, 150),
)
@settings(max_examples=25, deadline=None)
def test_homes_add_up_and_footprints_keep_to_free_ground(homes, left, bottom, width, height):
    area = shapely.box(left, bottom, left + width, bottom + height)
    before = town()
    buildings, programme = ask(homes, area=area)
    assert homes_placed(programme) + homes_unplaced(programme) == homes
    new = buildings[buildings.index.str.startswith("edit:")]
    standing = shapely.union_all(before.geometry.to_numpy())
    for footprint in new.geometry:
        assert footprint.is_valid
        assert not footprint.intersects(standing)
        assert not footprint.intersects(STREET)
        assert area.buffer(GRID.cell_size).contains(footprint)
    assert shapely.union_all(new.geometry.to_numpy()).area == pytest.approx(new.geometry.area.sum())
    LAYERS["buildings"].check(buildings)


def test_new_buildings_cover_what_the_rule_says_and_no_more():
    _, programme = ask(100_000)
    new = programme[programme["kind"] == "new building"]
    ground = sum(p.area for p in free_patches(free(town()), GRID, min_area=200))
    assert 0.42 < new["footprint"].sum() / ground <= 0.5 * 1.02
    assert (new["levels"] <= 8).all()
    assert (new["floor_area"] <= new["footprint"] * new["levels"] + 1e-6).all()


def test_roofs_take_homes_only_where_use_and_height_allow():
    buildings, programme = ask(100_000, free_ground=np.zeros(GRID.shape, dtype=bool))
    roofs = programme[programme["kind"] == "roof storeys"].set_index("site")
    assert sorted(roofs.index) == ["b:1", "b:3"]  # not the hall
    assert roofs.loc["b:1", "levels"] == 2
    assert roofs.loc["b:3", "levels"] == 1  # 7 storeys, 8 allowed
    assert roofs.loc["b:1", "homes"] == int(900 * 0.8 * 2 // 80)
    raised = buildings.loc["b:1"]
    assert raised["levels"] == 6
    assert raised["height"] == pytest.approx(13.0 * 6 / 4)
    assert raised["homes"] == 40 + 18
    assert raised["homes_added"] == 18
    assert raised["edit"] == ""  # it stands today: no edit made it
    assert np.isnan(buildings.loc["b:3", "homes"])  # not known before, so not known now


def test_homes_held_by_a_raised_building_come_from_the_estimate_where_not_mapped():
    buildings = town()
    built, _ = add_homes(
        buildings,
        no_new_homes(None),
        np.zeros(GRID.shape, dtype=bool),
        GRID,
        buildings["levels"].to_numpy(),
        np.array([99.0, 0.0, 30.0]),
        None,
        None,
        "e1",
        shapely.box(0, 0, 300, 200),
        1000.0,
        **RULES,
    )
    assert built.loc["b:3", "homes"] == 30 + built.loc["b:3", "homes_added"]
    assert built.loc["b:1", "homes"] == 40 + built.loc["b:1", "homes_added"]


def test_the_whole_as_asked_stands_on_the_same_ground_with_more_storeys():
    fits, fitting = ask(10_000)
    whole, programme = ask(10_000, model=add_homes_as_asked)
    assert homes_placed(programme) == 10_000
    assert homes_unplaced(programme) == 0
    new, taller = (t[t.index.str.startswith("edit:")] for t in (fits, whole))
    assert new.geometry.geom_equals(taller.geometry).all()
    assert (taller["levels"] > new["levels"]).all()
    beyond = programme[programme["kind"] == "beyond the rules"]
    assert beyond["homes"].sum() == homes_unplaced(fitting)
    assert (
        whole.loc[beyond["site"].iloc[0], "homes"]
        == programme.loc[programme["site"] == beyond["site"].iloc[0], "homes"].sum()
    )
    LAYERS["buildings"].check(whole)


def test_the_rest_can_be_tried_on_open_ground_that_is_otherwise_kept():
    narrow = free(town())
    narrow[:, 75:] = False  # a park in the east
    built, programme = ask(3_000, model=add_homes_on_other_ground, free_ground=narrow, wall_distance=6)
    on_park = programme[programme["kind"] == "on other ground"]
    assert on_park["homes"].sum() > 0
    assert homes_placed(programme) + homes_unplaced(programme) == 3_000
    assert built.index.is_unique
    new = built.geometry[built.index.str.startswith("edit:")].to_numpy()
    assert shapely.union_all(new).area == pytest.approx(shapely.area(new).sum())
    assert not shapely.intersects(new, shapely.union_all(town().geometry.to_numpy())).any()


def test_a_million_homes_leave_a_rest_even_as_asked():
    whole, programme = ask(1_000_000, model=add_homes_as_asked)
    assert homes_placed(programme) + homes_unplaced(programme) == 1_000_000
    assert homes_unplaced(programme) > 0
    assert whole["levels"].max() <= 200


def test_what_gave_way_is_told_and_ids_are_stable():
    _, first = ask(300)
    _, again = ask(300)
    assert first.equals(again)
    assert first["gave_way"].iloc[0] == "grass 100%"
    assert first["site"].iloc[0] == "edit:e1#1"


def test_ground_given_up_adds_up():
    _, programme = ask(100_000)
    areas = what_gave_way(programme)
    placed = programme[programme["kind"].isin(["new building", "roof storeys"])]
    assert sum(areas.values()) == pytest.approx(placed["footprint"].sum(), rel=0.02)
    assert set(areas) == {"grass", "roofs"}
    assert areas["roofs"] == pytest.approx(placed.loc[placed["kind"] == "roof storeys", "footprint"].sum())


def test_a_second_edit_builds_beside_the_first():
    once, programme = ask(200)
    blocked = free(town()) & ~GRID.mask([b.buffer(6) for b in once.geometry])
    twice, programme = add_homes(
        once,
        programme,
        blocked,
        GRID,
        once["levels"].to_numpy(),
        None,
        None,
        None,
        "e2",
        shapely.box(0, 0, 300, 200),
        200,
        **RULES,
    )
    assert homes_placed(programme) == 400
    assert set(programme["edit"]) == {"e1", "e2"}
    tree = shapely.STRtree(twice.geometry.to_numpy())
    assert len(tree.query(twice.geometry.to_numpy(), predicate="intersects")[0]) == len(twice)


def test_inputs_are_not_changed():
    buildings = town()
    ground = free(buildings)
    add_homes(
        buildings,
        empty_programme(CRS),
        ground,
        GRID,
        buildings["levels"].to_numpy(),
        None,
        None,
        None,
        "e1",
        shapely.box(0, 0, 300, 200),
        5000,
        **RULES,
    )
    assert buildings.equals(town())
    assert (ground == free(town())).all()


@pytest.mark.parametrize("homes", [0, -5, 1e9, np.nan, np.inf])
def test_a_number_of_homes_nobody_can_mean_is_refused(homes):
    with pytest.raises(ScenarioError, match="homes must be"):
        ask(homes)


def test_an_area_outside_the_city_is_refused():
    with pytest.raises(ScenarioError, match="area"):
        ask(10, area=shapely.box(9000, 9000, 9100, 9100))
    with pytest.raises(LayerError, match="shape"):
        ask(10, free_ground=np.ones((3, 3), dtype=bool))


def test_room_for_the_rest_is_what_the_whole_as_asked_takes():
    _, programme = ask(10_000)
    room = room_for_the_rest(programme, home_floor_area=80, site_coverage=0.5, new_building_levels=8)
    _, whole = ask(10_000, model=add_homes_as_asked)
    assert set(whole.loc[whole["kind"] == "beyond the rules", "levels"]) == {room.extra_levels}
    assert room.hectares * 10_000 * 0.5 * 8 / 80 == pytest.approx(room.unplaced)
    assert len(room.sentences()) >= 2
    few = ask(10)[1]
    assert room_for_the_rest(few, home_floor_area=80, site_coverage=0.5, new_building_levels=8).sentences() == ()


def test_homes_spread_over_zones_by_shared_ground():
    zones = gpd.GeoDataFrame(
        {"name": ["w", "e", "far"]},
        geometry=[shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.box(500, 0, 600, 100)],
        crs=CRS,
        index=["z1", "z2", "z3"],
    )
    area = shapely.box(50, 0, 125, 100)  # 50 m of z1, 25 m of z2
    programme = add_homes_to_zones(zones, empty_programme(CRS), "e1", area, 100, 80)
    assert programme.set_index("site")["homes"].to_dict() == {"z1": 67, "z2": 33}
    assert homes_placed(programme) == 100
    with pytest.raises(ScenarioError, match="zones"):
        add_homes_to_zones(zones, empty_programme(CRS), "e1", shapely.box(900, 900, 901, 901), 100, 80)


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=20), total=st.integers(0, 10_000))
def test_whole_shares_add_up_and_stay_within_one(weights, total):
    parts = whole_shares(weights, total)
    assert parts.sum() == total
    assert (np.abs(parts - np.array(weights) / sum(weights) * total) < 1).all()


def test_capacity_is_ground_times_coverage_times_storeys():
    ground = np.zeros(GRID.shape, dtype=bool)
    ground[:50, :50] = True  # 1 ha
    ground[90, 90] = True  # too small
    assert housing_capacity(ground, GRID, 80, 0.5, 8, 8, 200) == 500


def test_footprints_avoid_obstacles_and_plots_divide_without_loss():
    patch = shapely.box(0, 0, 100, 60)
    parts = plots(patch, max_area=1600)
    assert all(p.area <= 1600 for p in parts)
    assert sum(p.area for p in parts) == pytest.approx(6000)
    tree = shapely.Point(20, 20).buffer(5)
    for drawn in footprints(shapely.box(0, 0, 40, 40), coverage=0.5, cell_size=2, obstacles=tree):
        assert not drawn.intersects(tree)


def test_a_table_that_is_no_programme_is_refused():
    with pytest.raises(ModelError, match="needs"):
        homes_placed(empty_programme(CRS).drop(columns="homes"))
    bad = ask(10)[1]
    bad["homes"] = -1.0
    with pytest.raises(ModelError, match="negative"):
        homes_unplaced(bad)
    assert (empty_programme()["kind"] == UNPLACED).sum() == 0


@pytest.mark.slow
def test_5000_homes_in_kamppi_place_between_1000_and_3000_on_real_ground(tmp_path):
    load_models()
    try:
        helsinki = build_helsinki()
    except SourceError as error:
        pytest.skip(f"needs the demo extra: {error}")
    scenario = parse_scenario("edits: [{kind: add_homes, area: {place: Kamppi}, homes: 5000}]")
    planner = Planner(helsinki, bind(scenario, helsinki))
    wanted = {word: planner.want(word) for word in ("buildings", "housing_programme", "building_homes")}
    before = planner.want("building_homes", 0)
    ran = run([*wanted.values(), before], Cache(tmp_path))
    programme = ran.value(wanted["housing_programme"])
    assert 1_000 < homes_placed(programme) < 3_000
    assert homes_placed(programme) + homes_unplaced(programme) == 5_000
    added = ran.value(wanted["building_homes"]).sum() - ran.value(before).sum()
    assert added == pytest.approx(homes_placed(programme))  # no other building gains or loses a home
    new = programme.geometry[programme["kind"] == "new building"].to_numpy()
    streets = helsinki.layers["streets"].value
    for name, shapes in (
        ("buildings", helsinki.layers["buildings"].value.geometry),
        ("water", helsinki.layers["water"].value.geometry),
        ("rail", helsinki.layers["rail"].value.geometry[helsinki.layers["rail"].value["kind"] != "subway"]),
        ("streets", streets.geometry[~streets["bridge"]]),
    ):
        assert not shapely.intersects(new, shapely.union_all(shapes.to_numpy())).any(), name


def test_a_plot_with_a_sliver_on_it_is_divided_too():
    """A sliver along an earlier cut pulls the rectangle around a plot askew: halves that gain nothing end."""
    sliver = shapely.Polygon(
        [(228, 192), (220, 192), (220, 200), (224, 200), (224, 225.257145395), (276.2167910334, 222.9868223565),
         (277.82606164756, 260), (274.69562686526, 188), (228, 188)]
    )  # fmt: skip
    patch = shapely.transform(sliver, lambda xy: xy + np.array([500_000, 5_000_000]))
    parts = plots(patch, max_area=1600)
    assert max(part.area for part in parts) <= 1600
    assert sum(part.area for part in parts) == pytest.approx(patch.area)


def test_a_roof_raised_by_two_edits_is_one_roof():
    first = ask(10_000)[1]
    again = first.assign(edit="e2").set_axis([f"e2/{n}" for n in range(len(first))])
    twice = gpd.GeoDataFrame(pd.concat([first, again[again["kind"] == "roof storeys"]]), crs=first.crs)
    assert what_gave_way(twice)["roofs"] == pytest.approx(what_gave_way(first)["roofs"])
    rules = {"home_floor_area": 80, "site_coverage": 0.5, "new_building_levels": 8}
    assert room_for_the_rest(twice, **rules).extra_levels == room_for_the_rest(first, **rules).extra_levels


@pytest.mark.parametrize(
    ("rule", "value"), [("home_floor_area", 0.0), ("max_plot_area", -1.0), ("site_coverage", -0.5)]
)
def test_rules_without_meaning_are_refused(rule, value):
    with pytest.raises(ModelError, match=rule):
        ask(100, **{rule: value})


@pytest.mark.parametrize("rule", ["site_coverage", "new_building_levels"])
def test_a_rule_against_new_buildings_leaves_the_roofs(rule):
    programme = ask(10_000, **{rule: 0.0})[1]
    assert set(programme["kind"]) == {"roof storeys", "unplaced"}
    room = room_for_the_rest(programme, **{name: (RULES | {rule: 0.0})[name] for name in
                             ("home_floor_area", "site_coverage", "new_building_levels")})  # fmt: skip
    assert not any("ha more ground" in way for way in room.sentences())
