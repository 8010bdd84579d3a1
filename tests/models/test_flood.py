"""Runoff and flood models on made-up ground: every drop is accounted for, and measures work the way they must."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models import load_models
from synapolis.models.stormwater.flood import flood, flooded_building_count, flooded_buildings
from synapolis.models.stormwater.runoff import runoff, storm_intensity
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
GRID = Grid(left=0, top=80, cell_size=4, rows=20, columns=24)
EXTENT = shapely.box(0, 0, 96, 80)
STORM = storm_intensity(30.0, 60.0, 0.4, 0.8, 10.0, 1.0)
SOIL = {"soil_conductivity": 10.0, "soil_suction": 110.0, "soil_moisture_deficit": 0.2}


def covers(seed):
    random = np.random.default_rng(seed)
    cover = random.choice([Cover.STREET, Cover.PAVED, Cover.GRASS, Cover.TREES, Cover.BARE], GRID.shape).astype(
        np.uint8
    )
    cover[4:8, 4:9] = Cover.ROOF
    cover[12:15, 15:20] = Cover.ROOF
    cover[:, -2:] = Cover.WATER
    return cover


def hardness(cover):
    soft = np.isin(cover, [Cover.GRASS, Cover.TREES, Cover.BARE])
    return np.where(cover == Cover.WATER, 0, np.where(soft, 0.1, 0.9)).astype(np.float32)


def shed(cover, storage):
    return runoff(STORM, cover, hardness(cover), storage, GRID, EXTENT, **SOIL, depression_impervious=1.5,
                  depression_pervious=5.0)  # fmt: skip


def flooded(seed, storage):
    cover = covers(seed)
    rows, columns = np.indices(GRID.shape)
    ground = (2 + 0.02 * rows - 0.01 * columns + 0.1 * np.random.default_rng(seed).random(GRID.shape)).astype(
        np.float32
    )
    return flood(
        STORM, shed(cover, storage).runoff_depth, ground, cover, hardness(cover), np.full(GRID.shape, 0.03, np.float32),
        storage, GRID, EXTENT, **SOIL, drain_capacity=10.0, sea_level=0.0, recession_time=20.0,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), depth=st.floats(0, 100))
def test_rain_is_shed_soaked_in_or_held(seed, depth):
    storage = np.where(np.random.default_rng(seed).random(GRID.shape) < 0.3, depth, 0).astype(np.float32)
    parts = shed(covers(seed), storage)
    total = parts.runoff_volume + parts.infiltrated_volume + parts.stored_volume
    assert total == pytest.approx(parts.rain_volume, rel=1e-6)
    assert parts.runoff_depth.min() >= 0
    assert parts.runoff_depth.max() <= STORM.sum() / 60 * (1 + 1e-6)
    assert not parts.runoff_depth[covers(seed) == Cover.WATER].any()
    assert parts.runoff_depth.sum() * GRID.cell_area / 1000 == pytest.approx(parts.runoff_volume, rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), row=st.integers(0, 19), column=st.integers(0, 21))
def test_harder_ground_never_sheds_less_and_storage_never_sheds_more(seed, row, column):
    cover, none = covers(seed), np.zeros(GRID.shape, dtype=np.float32)
    before = shed(cover, none).runoff_volume
    paved = cover.copy()
    paved[row, column] = Cover.PAVED
    grass = cover.copy()
    grass[row, column] = Cover.GRASS
    assert shed(grass, none).runoff_volume <= shed(paved, none).runoff_volume + 1e-9
    stored = none.copy()
    stored[row, column] = 20
    assert shed(cover, stored).runoff_volume <= before + 1e-9


@pytest.mark.parametrize("stored", [0.0, 15.0, 500.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_drop_of_a_flood_is_accounted_for(seed, stored):
    """With roofs that shed on the ground beside them, drains, a sea and storage on some of the roofs and streets."""
    storage = np.zeros(GRID.shape, dtype=np.float32)
    storage[4:8, 4:9] = stored
    storage[:, 10] = stored
    found = flooded(seed, storage)
    part = found.flood_balance.set_index("part")["volume"]
    assert abs(part["error"]) <= 1e-6 * part["rain"]
    where = part.drop(["rain", "error"]).sum()
    assert where == pytest.approx(part["rain"], rel=1e-6)
    land = np.count_nonzero(covers(seed) != Cover.WATER)
    fallen = STORM.sum() / 60 / 1000 * GRID.cell_area * land
    assert part["rain"] == pytest.approx(fallen, rel=1e-6)
    assert (found.flood_depth >= 0).all()
    assert not found.flood_depth[covers(seed) == Cover.ROOF].any()


def test_roofs_shed_what_their_own_account_says():
    none = np.zeros(GRID.shape, dtype=np.float32)
    part = flooded(1, none).flood_balance.set_index("part")["volume"]
    cover = covers(1)
    roofs = cover == Cover.ROOF
    kept = STORM.sum() / 60 - shed(cover, none).runoff_depth[roofs]
    assert part["held on roofs and in built storage"] == pytest.approx(kept.sum() * GRID.cell_area / 1000, rel=1e-5)


# Flooded buildings


def houses(*boxes):
    return gpd.GeoDataFrame(geometry=[shapely.box(*box) for box in boxes], crs="EPSG:32626")


def test_a_building_counts_when_water_at_its_wall_passes_the_threshold():
    depth = np.zeros(GRID.shape, dtype=np.float32)
    buildings = houses((8, 60, 16, 68), (40, 40, 48, 48), (80, 8, 88, 16))
    wall = GRID.cells_of(np.array([18.0, 38.0]), np.array([64.0, 42.0]))
    depth[wall[0][0], wall[1][0]] = 0.3
    depth[wall[0][1], wall[1][1]] = 0.05
    assert flooded_buildings(depth, buildings, GRID, 0.1).tolist() == [True, False, False]
    assert flooded_buildings(depth, buildings, GRID, 0.01).tolist() == [True, True, False]
    assert flooded_building_count(flooded_buildings(depth, buildings, GRID, 0.01)) == 2.0


def test_water_farther_than_a_cell_does_not_count():
    depth = np.zeros(GRID.shape, dtype=np.float32)
    row, column = GRID.cells_of(np.array([22.0]), np.array([64.0]))
    depth[row, column] = 9.0
    assert flooded_buildings(depth, houses((8, 60, 16, 68)), GRID, 0.1).tolist() == [False]


def test_two_houses_wall_to_wall_both_count():
    depth = np.zeros(GRID.shape, dtype=np.float32)
    row, column = GRID.cells_of(np.array([18.0]), np.array([70.0]))
    depth[row, column] = 1.0
    touching = houses((8, 60, 16, 68), (16, 60, 24, 68))
    assert flooded_buildings(depth, touching, GRID, 0.1).all()


def test_a_house_smaller_than_a_cell_is_not_flooded_out_of_nothing():
    depth = np.zeros(GRID.shape, dtype=np.float32)
    assert flooded_buildings(depth, houses((9, 61, 9.5, 61.5), (8, 40, 16, 48)), GRID, 0.1).tolist() == [False, False]


# The made-up town


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1000, seed=3)


def change(town, edit, word="runoff_volume"):
    planner = Planner(town, bind(parse_scenario(f"edits: [{edit}]"), town))
    refs = [planner.want(word, stage) for stage in (0, 1)]
    ran = run(refs, Cache())
    return ran.value(refs[1]) - ran.value(refs[0])


def test_trees_lower_runoff_and_paving_raises_it(town):
    assert change(town, "{kind: change_cover, area: {place: Highfields}, cover: trees}") < 0
    assert change(town, "{kind: change_cover, area: {place: Long Green}, cover: paved}") > 0


def test_storage_lowers_runoff_and_deeper_storage_lowers_it_more(town):
    storage = "{kind: build_storage, area: {place: Highfields}, storage: green_roof, depth_mm: %s}"
    assert change(town, storage % 40) < change(town, storage % 10) < 0


def test_new_houses_never_lower_runoff(town):
    few = change(town, "{kind: add_homes, area: {place: Old Town}, homes: 20}")
    assert 0 <= few <= change(town, "{kind: add_homes, area: {place: Old Town}, homes: 200}")
