"""Ground elevation: terraces are smoothed within their step, holes filled from their rims, spots interpolated."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.grid import Grid, Raster
from synapolis.models.derive.ground import (
    fill_holes,
    ground_elevation,
    ground_elevation_from_spot_heights,
    has_terraces,
    leave_one_out,
    smooth_terraces,
    spline,
)

CRS = "EPSG:25830"


def raster(values, cell=5.0, left=0.0, top=None):
    values = np.asarray(values, dtype=np.float32)
    top = values.shape[0] * cell if top is None else top
    return Raster(values, (cell, 0.0, left, 0.0, -cell, top), CRS)


def spots(points, heights):
    geometry = [shapely.Point(p) for p in points]
    return gpd.GeoDataFrame({"elevation": np.asarray(heights, dtype=float)}, geometry=geometry, crs=CRS)


def slope(rows, columns, fall=0.03):
    return np.add.outer(np.arange(rows), 0.4 * np.arange(columns)) * fall


def test_a_terrain_on_the_same_grid_is_kept():
    values = slope(40, 50) + 0.123
    ground = ground_elevation(raster(values), Grid(0, 200, 5, 40, 50))
    assert ground.dtype == np.float32
    assert ground == pytest.approx(values, abs=1e-4)


def test_holes_take_values_between_their_rims():
    values = (slope(40, 50) + 0.123).astype(np.float32)
    holed = values.copy()
    holed[10:14, 20:26] = np.nan
    ground = ground_elevation(raster(holed), Grid(0, 200, 5, 40, 50))
    assert np.isfinite(ground).all()
    assert np.abs(ground - values).max() < 0.15
    rim = values[9:15, 19:27]
    assert rim.min() <= ground[10:14, 20:26].min() <= ground[10:14, 20:26].max() <= rim.max()


def test_a_raster_beside_the_city_is_not_stretched_over_it():
    with pytest.raises(NotComputableError, match="90 %"):
        ground_elevation(raster(slope(40, 50) + 0.1), Grid(150, 200, 5, 40, 50))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.floats(0.5, 20))
def test_smoothed_terraces_stay_within_half_a_metre(seed, relief):
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 3, 40), np.linspace(0, 3, 30))
    values = np.round(relief * (np.sin(x + rng.random()) + np.cos(y * rng.random()))).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    smooth = smooth_terraces(values)
    known = np.isfinite(values)
    assert (np.isfinite(smooth) == known).all()
    assert np.abs(smooth[known] - values[known]).max() <= 0.5 + 1e-5


def test_smoothing_brings_a_terraced_slope_nearer_to_the_slope():
    truth = slope(120, 120)
    terraced = np.round(truth).astype(np.float32)
    inner = (slice(10, -10), slice(10, -10))
    before = np.sqrt(np.mean((terraced - truth)[inner] ** 2))
    after = np.sqrt(np.mean((smooth_terraces(terraced) - truth)[inner] ** 2))
    assert has_terraces(terraced)
    assert after < 0.5 * before


def test_level_ground_stays_level_and_inputs_unchanged():
    values = np.full((20, 20), 3.0, dtype=np.float32)
    kept = values.copy()
    assert smooth_terraces(values) == pytest.approx(3.0)
    assert (values == kept).all()
    assert fill_holes(values) is values


def test_spline_through_a_plane_is_that_plane():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 400, (30, 2))
    heights = 5 + 0.02 * points[:, 0] + 0.01 * points[:, 1]
    grid = Grid(100, 300, 10, 20, 20)
    ground = ground_elevation_from_spot_heights(spots(points, heights), None, grid)
    x, y = grid.centres()
    assert ground == pytest.approx(np.add.outer(0.01 * y, 5 + 0.02 * x), abs=0.02)


def test_the_sea_is_at_zero_and_land_never_below():
    rng = np.random.default_rng(2)
    points = rng.uniform((0, 0), (300, 400), (40, 2))
    water = gpd.GeoDataFrame(
        {"kind": ["sea", "lake"]}, geometry=[shapely.box(300, 0, 400, 400), shapely.box(0, 0, 9, 9)], crs=CRS
    )
    grid = Grid(0, 400, 10, 40, 40)
    ground = ground_elevation_from_spot_heights(spots(points, 0.05 * (300 - points[:, 0])), water, grid)
    assert (ground[:, 30:] == 0).all()
    assert ground.min() >= 0
    assert ground[20, 5] > 8


def test_leave_one_out_in_closed_form_equals_the_slow_way():
    rng = np.random.default_rng(4)
    points, heights = rng.uniform(0, 900, (25, 2)), rng.uniform(0, 20, 25)
    slow = []
    for i in range(25):
        kept = np.arange(25) != i
        slow.append(heights[i] - spline(points[kept], heights[kept])(points[i : i + 1])[0])
    assert leave_one_out(points, heights) == pytest.approx(slow, abs=1e-6)


def test_readings_that_say_nothing_of_each_other_are_refused():
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 5000, (60, 2))
    with pytest.raises(NotComputableError, match="m RMS"):
        ground_elevation_from_spot_heights(spots(points, rng.uniform(0, 80, 60)), None, Grid(0, 5000, 50, 100, 100))


def test_too_few_or_aligned_spot_heights_are_refused():
    grid = Grid(0, 100, 10, 10, 10)
    with pytest.raises(NotComputableError, match="no flat fallback"):
        ground_elevation_from_spot_heights(spots([(0, 0), (5, 9)], [1, 2]), None, grid)
    line = [(i * 10.0, 5.0) for i in range(20)]
    with pytest.raises(ModelError, match="one line"):
        ground_elevation_from_spot_heights(spots(line, np.arange(20)), None, grid)


def test_bilbao_whole_metres_are_smoothed(shared_data):
    with rasterio.open(shared_data / "bilbao" / "DEM.tif") as source:
        values = source.read(1).astype(np.float32)
        terrain = Raster(values, tuple(source.transform)[:6], source.crs.to_string())
        left, bottom, _, _ = source.bounds
    assert has_terraces(values)
    smooth = smooth_terraces(values)
    level = np.abs(np.diff(values, axis=1)) == 0
    assert level.mean() > 0.7  # measured 0.83: whole metres
    assert (np.abs(np.diff(smooth, axis=1)) < 1e-3).mean() < 0.4 * level.mean()
    assert np.abs(smooth - values).max() <= 0.5 + 1e-4
    grid = Grid(left + 1000, bottom + 2000, 5, 150, 150)
    ground = ground_elevation(terrain, grid)
    assert np.isfinite(ground).all()
    assert ground == pytest.approx(terrain.on_grid(grid), abs=1.5)  # a step, and a cell's shift on a slope
