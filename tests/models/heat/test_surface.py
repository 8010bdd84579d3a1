"""What stands on the ground: rasters, outlines, edits, and bad input."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.core.errors import LayerError, NotComputableError, ScenarioError
from synapolis.layers.grid import Grid, Raster
from synapolis.layers.land_cover import Cover
from synapolis.models.heat.surface import built_height, built_height_from_buildings, plant_trees, tree_height

GRID = Grid(0, 40, 4.0, 10, 10)
CRS = "EPSG:32630"
USUAL = {"canopy_height": 2.0, "woodland_height": 12.0, "street_tree_height": 9.0, "tree_crown_radius": 3.0}


def raster(values, cell=4.0):
    return Raster(np.asarray(values, np.float32), (cell, 0, 0, 0, -cell, 40), CRS)


def houses(*rows):
    """Buildings from (box, edit, levels added)."""
    return gpd.GeoDataFrame(
        {"edit": [r[1] for r in rows], "levels_added": [r[2] for r in rows]},
        geometry=[shapely.box(*r[0]) for r in rows], index=[f"b{k}" for k in range(len(rows))], crs=CRS,
    )  # fmt: skip


def cover(value=Cover.PAVED):
    return np.full(GRID.shape, value, dtype=np.uint8)


def works():
    return pd.DataFrame({"edit": [], "item": [], "amount": [], "unit": []}).astype({"amount": float})


def test_the_highest_of_overlapping_buildings_stands():
    buildings = houses(((0, 0, 20, 40), "", 0), ((12, 0, 40, 40), "", 0))
    found = built_height_from_buildings(buildings, np.array([10.0, 6.0]), GRID)
    assert found[0].tolist() == [10] * 5 + [6] * 5


def test_edits_are_drawn_over_the_raster_and_lower_nothing():
    heights = np.zeros(GRID.shape)
    heights[:, 0] = 20
    buildings = houses(((0, 0, 8, 40), "", 0), ((0, 0, 8, 40), "e1", 0), ((20, 0, 24, 40), "", 2))
    found = built_height(raster(heights), GRID, buildings, np.array([50.0, 9.0, 12.0]), 2.0)
    assert found[3].tolist() == [20, 9, 0, 0, 0, 12, 0, 0, 0, 0], (
        "the standing house is the raster's, 50 m is not drawn"
    )
    assert built_height(raster(heights), GRID, None, None, 2.0)[3].tolist() == [20] + [0] * 9


def test_holes_are_open_ground_and_a_raster_of_elevations_or_elsewhere_is_refused():
    heights = np.full(GRID.shape, 5.0)
    heights[2, 2] = np.nan
    heights[3, 3] = -1
    heights[4, 4] = 1.5
    found = built_height(raster(heights), GRID, None, None, 2.0)
    assert found[2, 2] == found[3, 3] == found[4, 4] == 0
    with pytest.raises(LayerError, match=r"heights must be metres above ground, at most 900, got 1200"):
        built_height(raster(np.full(GRID.shape, 1200.0)), GRID, None, None, 2.0)
    with pytest.raises(LayerError, match=r"canopy must be metres above ground, at most 130"):
        tree_height(cover(), raster(np.full(GRID.shape, 300.0)), None, GRID, **USUAL)
    half = np.full(GRID.shape, np.nan)
    half[:4] = 3
    with pytest.raises(NotComputableError, match=r"at least half of the city's grid; the raster covers 40%"):
        built_height(raster(half), GRID, None, None, 2.0)


def test_trees_come_from_the_canopy_or_the_mapped_trees_and_woodland_from_the_cover():
    canopy = np.zeros(GRID.shape)
    canopy[0, :3] = (1.5, 8, 15)
    ground = cover()
    ground[5] = Cover.TREES
    found = tree_height(ground, raster(canopy), None, GRID, **USUAL)
    assert found[0, :4].tolist() == [0, 8, 15, 0], "below 2 m it is a shrub"
    assert (found[5] == 12).all()
    mapped = gpd.GeoDataFrame(geometry=[shapely.Point(10, 30)], crs=CRS)
    crowns = tree_height(cover(), None, mapped, GRID, **USUAL)
    assert crowns[2, 2] == 9
    assert np.count_nonzero(crowns) == 1
    assert not tree_height(cover(), None, None, GRID, **USUAL).any()


def test_trees_are_planted_at_their_spacing_and_counted():
    found = plant_trees(np.zeros(GRID.shape, np.float32), works(), cover(), GRID, "e1", shapely.box(0, 0, 40, 40), 10.0,
                        9.0, 2.0)  # fmt: skip
    assert found.ground_works.to_dict("records") == [
        {"edit": "e1", "item": "street_trees", "amount": 16.0, "unit": "tree"}
    ]
    assert set(np.unique(found.tree_height)) == {0, 9}
    assert np.count_nonzero(found.tree_height) == 16


def test_nothing_is_planted_on_roofs_water_or_tracks_and_taller_trees_stay():
    ground = cover()
    ground[:5] = Cover.ROOF
    ground[5:8] = Cover.WATER
    tall = np.zeros(GRID.shape, np.float32)
    tall[9, 0] = 20
    found = plant_trees(tall, works(), ground, GRID, "e1", shapely.box(0, 0, 40, 40), 8.0, 9.0, 4.0)
    assert not found.tree_height[:5].any()
    assert found.tree_height[9, 0] == 20
    assert tall.sum() == 20, "what was given stays as it was"
    with pytest.raises(ScenarioError, match="no ground where a tree could stand"):
        plant_trees(tall, works(), cover(Cover.ROOF), GRID, "e1", shapely.box(0, 0, 40, 40), 8.0, 9.0, 4.0)
    with pytest.raises(ScenarioError, match="no ground where a tree could stand"):
        plant_trees(tall, works(), cover(), GRID, "e1", shapely.box(900, 900, 940, 940), 8.0, 9.0, 4.0)
