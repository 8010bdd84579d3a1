"""Green and open ground, each on a handful of squares."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import green
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover

EXTENT = shapely.box(0, 0, 400, 100)
GRID = Grid(0, 100, 100, 1, 4)  # four cells of 1 ha
ROW = [Cover.GRASS, Cover.TREES, Cover.PAVED, Cover.WATER]
COVER = np.array([ROW], dtype=np.uint8)


def land(**areas):
    uses = [(use, box) for use, boxes in areas.items() for box in boxes]
    return gpd.GeoDataFrame(
        {"use": [use for use, _ in uses]}, geometry=[shapely.box(*box) for _, box in uses], crs="EPSG:32635"
    )


def test_green_area():
    assert green.green_area_per_100000(COVER, GRID, EXTENT, 50_000.0) == pytest.approx(4)  # 2 ha


def test_green_outside_the_extent_does_not_count():
    assert green.green_area_per_100000(COVER, GRID, shapely.box(0, 0, 100, 100), 50_000.0) == pytest.approx(2)


def test_canopy_and_pervious_are_shares_of_land_without_water():
    assert green.tree_canopy_share(COVER, GRID, EXTENT) == pytest.approx(100 / 3)
    assert green.pervious_land_share(COVER, GRID, EXTENT) == pytest.approx(200 / 3)
    porous = np.array([[Cover.PERMEABLE_PAVING, Cover.BARE, Cover.ROOF, Cover.GREEN_ROOF]], dtype=np.uint8)
    assert green.pervious_land_share(porous, GRID, EXTENT) == pytest.approx(50)


def test_recreation_counts_overlaps_once_and_only_inside():
    grounds = land(
        park=[(0, 0, 100, 100)], playground=[(50, 0, 150, 100)], pitch=[(350, 0, 500, 100)], farmland=[(0, 0, 9, 9)]
    )
    space = green.outdoor_recreation_space(grounds, EXTENT, 1000.0)
    assert space == pytest.approx((15_000 + 5_000) / 1000)
    assert green.outdoor_recreation_per_100000(space) == pytest.approx(2_000_000)


def test_public_green_agriculture_and_reserves():
    ground = land(park=[(0, 0, 100, 100)], forest=[(100, 0, 200, 100)], allotments=[(200, 0, 250, 100)],
                  orchard=[(250, 0, 300, 50)], nature_reserve=[(300, 0, 400, 100)])  # fmt: skip
    assert green.public_green_per_100000(ground, EXTENT, 60_000.0) == pytest.approx(5)  # 3 ha
    assert green.urban_agriculture_per_100000(ground, EXTENT, 75_000.0) == pytest.approx(1)  # 0.75 ha
    assert green.natural_protection_share(ground, EXTENT) == pytest.approx(25)


def test_near_green_is_within_300_m(people):
    assert green.residents_near_green(people, land(park=[(600, -10, 700, 10)])) == pytest.approx(40)
    assert green.residents_near_green(people, land(park=[(-100, -10, 0, 10)])) == pytest.approx(100)
    assert green.residents_near_green(people, land(park=[(-101, -10, -1, 10)])) == pytest.approx(60)


def test_trees_inside_the_extent():
    trees = gpd.GeoDataFrame(geometry=[shapely.Point(x, 50) for x in (1, 2, 3, 401)], crs="EPSG:32635")
    assert green.trees_per_100000(trees, EXTENT, 1500.0) == pytest.approx(200)
    with pytest.raises(NotComputableError, match="needs trees mapped one by one throughout; 3 are in the whole city"):
        green.trees_per_100000(trees, shapely.box(0, 0, 399, 1000), 1500.0)  # at least 4 are wanted on 0.4 km²


def test_public_space_is_streets_and_open_space_over_land():
    cover = np.array([[Cover.STREET, Cover.PAVED, Cover.ROOF, Cover.WATER]], dtype=np.uint8)
    spaces = land(square=[(100, 0, 200, 100)], park=[(300, 0, 400, 100)])  # the park is mapped over water
    assert green.public_space_share(cover, spaces, GRID, EXTENT) == pytest.approx(200 / 3)


@pytest.mark.parametrize(
    ("formula", "inputs"),
    [
        (green.outdoor_recreation_space, (land(residential=[(0, 0, 1, 1)]), EXTENT, 9.0)),
        (green.public_green_per_100000, (land(residential=[(0, 0, 1, 1)]), EXTENT, 9.0)),
        (green.urban_agriculture_per_100000, (land(park=[(0, 0, 1, 1)]), EXTENT, 9.0)),
        (green.natural_protection_share, (land(park=[(0, 0, 1, 1)]), EXTENT)),
        (green.trees_per_100000, (gpd.GeoDataFrame(geometry=[], crs="EPSG:32635"), EXTENT, 9.0)),
        (green.tree_canopy_share, (np.full((1, 4), Cover.WATER, dtype=np.uint8), GRID, EXTENT)),
        (green.green_area_per_100000, (COVER, GRID, EXTENT, 0.0)),
    ],
)
def test_what_nobody_mapped_is_not_computable_and_never_zero(formula, inputs):
    with pytest.raises(NotComputableError, match="needs"):
        formula(*inputs)


@given(st.floats(1, 1e7), st.lists(st.sampled_from(ROW), min_size=4, max_size=4))
def test_twice_the_people_halve_the_green_of_each(population, row):
    cover = np.array([[*row[:3], Cover.GRASS]], dtype=np.uint8)
    once, twice = (green.green_area_per_100000(cover, GRID, EXTENT, n * population) for n in (1, 2))
    assert once == pytest.approx(2 * twice)
