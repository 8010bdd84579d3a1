"""The grid's laws against plain loops: masks, burning and resampling."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.features import rasterize

from synapolis.layers.grid import Grid, Raster

GRID = Grid(left=1000.0, top=2000.0, cell_size=5.0, rows=12, columns=17)
CRS = "EPSG:32626"


@st.composite
def boxes(draw):
    """Boxes whose sides miss the cell centres: which side such a centre falls on is nobody's promise."""
    x, y = draw(st.integers(-6, 20)), draw(st.integers(-6, 16))
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    shift = draw(st.sampled_from([0.0, 1.0, 3.5]))
    left, top = GRID.left + 5 * x + shift, GRID.top - 5 * y - shift
    return shapely.box(left, top - 5 * height, left + 5 * width, top)


def centres():
    x, y = GRID.centres()
    return np.meshgrid(x, y)


def by_centre(shape):
    return shapely.contains_xy(shape, *centres())


def test_a_grid_says_where_it_is():
    assert GRID.shape == (12, 17)
    assert GRID.cell_area == 25
    assert GRID.bounds == (1000, 1940, 1085, 2000)
    assert GRID.transform @ (0, 0) == (1000, 2000)
    assert GRID.transform @ (17, 12) == (1085, 1940)


def test_the_middle_of_each_cell_is_in_that_cell():
    x, y = centres()
    row, column = GRID.cells_of(x, y)
    assert (row == np.arange(12)[:, None]).all()
    assert (column == np.arange(17)).all()


def test_points_outside_are_clipped():
    row, column = GRID.cells_of(np.array([-1e9, 1e9]), np.array([1e9, -1e9]))
    assert row.tolist() == [0, 11]
    assert column.tolist() == [0, 16]


@given(boxes())
def test_a_mask_holds_the_cells_whose_centre_lies_inside(shape):
    assert (GRID.mask([shape]) == by_centre(shape)).all()


@given(boxes(), boxes())
def test_the_mask_of_two_is_the_union_of_their_masks(first, second):
    assert (GRID.mask([first, second]) == (GRID.mask(first) | GRID.mask(second))).all()


@given(boxes())
def test_touched_cells_include_those_by_centre(shape):
    assert not (GRID.mask([shape]) & ~GRID.mask([shape], all_touched=True)).any()


@pytest.mark.parametrize("nothing", [[], [None], [shapely.Polygon()], None, shapely.Polygon()])
def test_nothing_masks_nothing(nothing):
    assert not GRID.mask(nothing).any()
    assert GRID.mask(nothing).shape == GRID.shape


@given(st.lists(boxes(), max_size=4))
def test_a_later_shape_covers_an_earlier_one(shapes):
    values = list(range(1, len(shapes) + 1))
    expected = np.full(GRID.shape, -1.0)
    for shape, value in zip(shapes, values, strict=True):
        expected[by_centre(shape)] = value
    assert (GRID.burn(shapes, values, fill=-1) == expected).all()


def test_burning_needs_a_value_a_shape():
    with pytest.raises(ValueError, match="zip"):
        GRID.burn([shapely.box(0, 0, 1, 1)], [])


def raster(values, cell_size, left=GRID.left, top=GRID.top):
    return Raster(values, (cell_size, 0.0, left, 0.0, -cell_size, top), CRS)


@given(st.integers(0, 2**31))
def test_a_raster_on_the_grid_is_itself(seed):
    values = np.random.default_rng(seed).normal(size=GRID.shape).astype(np.float32)
    assert np.allclose(raster(values, 5.0).on_grid(GRID), values, atol=1e-5)


def test_finer_cells_are_averaged():
    fine = np.random.default_rng(1).normal(size=(60, 85)).astype(np.float32)
    expected = fine.reshape(12, 5, 17, 5).mean(axis=(1, 3))
    assert np.allclose(raster(fine, 1.0).on_grid(GRID), expected, atol=1e-5)


def test_a_plane_stays_a_plane_between_coarser_cells():
    coarse_x = 990 + 10 * np.arange(12) + 5.0
    plane = np.broadcast_to(coarse_x, (10, 12)).astype(np.float32)
    got = raster(plane, 10.0, left=990.0, top=2010.0).on_grid(GRID)
    assert np.allclose(got, GRID.centres()[0], atol=1e-3)


def test_a_hole_and_the_outside_are_missing_never_zero():
    values = np.ones((6, 17), dtype=np.float32)
    values[2, 3] = np.nan
    got = raster(values, 5.0).on_grid(GRID)
    assert np.isnan(got[2, 3])
    assert np.isnan(got[6:]).all()
    assert np.isfinite(got).sum() == 6 * 17 - 1


def test_classes_are_never_mixed():
    codes = np.where(np.indices((24, 34)).sum(axis=0) % 2, 9, 2).astype(np.uint8)
    got = raster(codes, 2.5).on_grid(GRID, nearest=True)
    assert set(np.unique(got)) <= {2, 9}
    outside = raster(codes, 2.5, left=5000.0).on_grid(GRID, nearest=True)
    assert (outside == 0).all()


RING = shapely.box(2, 2, 18, 18).difference(shapely.box(6, 6, 12, 13))


@pytest.mark.parametrize("touched", [False, True])
def test_shapes_read_at_once_cover_the_cells_that_rasterio_gives_them_one_by_one(touched):
    grid = Grid(0.0, 20.0, 1.0, 20, 20)
    line, dot = shapely.LineString([(0.3, 1.2), (7.7, 19.1), (15.0, 3.3)]), shapely.Point(19.5, 0.5)
    parts = shapely.MultiPolygon([shapely.box(0, 14, 3, 20), shapely.box(15, 15, 19.2, 17)])
    shapes = [parts, RING, line, dot, shapely.box(5.5, 5.5, 6.5, 9.5), shapely.buffer(line, 0.8)]
    settings = {"out_shape": grid.shape, "transform": grid.transform, "dtype": "uint8"}
    plain = rasterize(shapes, all_touched=touched, **settings)
    assert (grid.mask(shapes, all_touched=touched) == plain.astype(bool)).all()
    numbered = rasterize(list(zip(shapes, range(1, 7), strict=True)), **settings)
    assert (grid.burn(shapes, range(1, 7), dtype="uint8") == numbered).all()
