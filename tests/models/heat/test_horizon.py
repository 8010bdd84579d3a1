"""Sky view against closed forms, a slow loop, and its laws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import LayerError
from synapolis.layers.grid import Grid
from synapolis.models.heat.climate import sky_view_factor, sky_views
from synapolis.models.heat.horizon import AZIMUTHS, VIEWS, obstacles, sky_views_of
from synapolis.models.heat.moment import standing

FLAT = 0.25
SETTINGS = settings(max_examples=25, deadline=None)


def scene(built, trees=None, ground=None):
    shape = np.shape(built)
    zero = np.zeros(shape, dtype=np.float32)
    return obstacles(
        zero if ground is None else np.asarray(ground, dtype=np.float32),
        np.asarray(built, dtype=np.float32),
        zero if trees is None else np.asarray(trees, dtype=np.float32),
        FLAT,
    )


def town(seed, side=24):
    """Random blocks and trees."""
    random = np.random.default_rng(seed)
    built = np.where(random.random((side, side)) < 0.15, random.uniform(3, 30, (side, side)), 0)
    trees = np.where(random.random((side, side)) < 0.1, random.uniform(3, 20, (side, side)), 0)
    return built.astype(np.float32), trees.astype(np.float32)


def test_open_flat_ground_sees_the_whole_sky_and_half_of_what_a_person_sees_is_sky():
    views = dict(zip(VIEWS, sky_views_of(scene(np.zeros((9, 9))), 2.0, 50.0)[:, 4, 4], strict=True))
    assert views["sky_from_ground"] == pytest.approx(1, abs=1e-6)
    assert views["sky_from_person"] == pytest.approx(0.5, abs=1e-6)
    assert all(abs(views[name]) < 1e-6 for name in VIEWS[4:])


@pytest.mark.parametrize("height", [5.0, 10.0, 20.0, 40.0])
def test_the_middle_of_an_endless_canyon_sees_the_cosine_of_its_wall_s_elevation(height):
    width, cells = 21, 301
    built = np.full((cells, width + 40), height, dtype=np.float32)
    built[:, 20 : 20 + width] = 0
    views = sky_views_of(scene(built), 1.0, 150.0, (150, 151, 0, width + 40))
    middle = 20 + width // 2
    expected = math.cos(math.atan(height / ((width + 1) / 2)))  # the wall's column is seen from centre to centre
    assert views[0, 0, middle] == pytest.approx(expected, abs=0.02)


def test_a_round_court_sees_the_sine_squared_of_its_rim():
    y, x = np.mgrid[-60:61, -60:61]
    built = np.where(np.hypot(x, y) >= 40, 40.0, 0.0)
    views = sky_views_of(scene(built), 1.0, 100.0, (60, 61, 60, 61))
    assert views[0, 0, 0] == pytest.approx(math.cos(math.atan(1.0)) ** 2, abs=0.01)


def test_beside_an_endless_wall_half_the_angle_counts():
    built = np.zeros((301, 61))
    built[:, :30] = 20.0
    views = sky_views_of(scene(built), 1.0, 150.0, (150, 151, 40, 41))
    angle = math.atan(20 / 11)
    assert views[0, 0, 0] == pytest.approx((1 + math.cos(angle)) / 2, abs=0.01)
    assert views[5, 0, 0] < 0, "the wall stands in the west"
    assert abs(views[6, 0, 0]) < 0.02 * abs(views[5, 0, 0])


def test_sky_walls_and_ground_fill_a_person_s_view():
    built, trees = town(3)
    views = sky_views_of(scene(built, trees), 2.0, 40.0)
    assert np.allclose(views[2] + views[4], 0.5, atol=1e-5)
    assert (views[3] <= views[2] + 1e-5).all()
    assert (views[1] <= views[0] + 1e-5).all()


def slow_views(built, trees, cell, reach, row, column):
    """View of the sky from flat ground by a plain loop over directions and columns, with exact angles."""
    total, leaves = 0.0, 0.0
    for number in range(AZIMUTHS):
        azimuth = 2 * math.pi * (number + 0.5) / AZIMUTHS
        north, east = math.cos(azimuth), math.sin(azimuth)
        longest = max(abs(north), abs(east))
        horizon, spans = 0.0, []
        if trees[row, column] > built[row, column]:
            below = max(FLAT * trees[row, column], built[row, column]) - built[row, column]
            spans.append((math.atan2(below, cell / 2), math.pi / 2))
        for k in range(1, int(reach / cell) + 1):
            r, c = row + round(-north / longest * k), column + round(east / longest * k)
            if not (0 <= r < built.shape[0] and 0 <= c < built.shape[1]):
                break
            away = math.hypot(r - row, c - column) * cell
            own = built[row, column]
            horizon = max(horizon, math.atan2(built[r, c] - own, away))
            if trees[r, c] > built[r, c]:
                top, base = trees[r, c] - own, max(FLAT * trees[r, c], built[r, c]) - own
                if top > 0:
                    spans.append((math.atan2(max(base, 0), away + cell / 2), math.atan2(top, away)))
        total += math.cos(horizon) ** 2 / AZIMUTHS
        steps = np.linspace(horizon, math.pi / 2, 2001)
        middle, weight = (steps[1:] + steps[:-1]) / 2, np.diff(np.sin(steps) ** 2)
        hidden = np.zeros(len(middle), dtype=bool)
        for low, high in spans:
            hidden |= (middle > low) & (middle < high)
        leaves += weight[hidden].sum() / AZIMUTHS
    return total, leaves


def test_the_kernel_equals_a_plain_loop():
    built, trees = town(7, side=16)
    views = sky_views_of(scene(built, trees), 2.0, 24.0)
    for row, column in ((0, 0), (8, 8), (5, 12), (15, 3)):
        sky, leaves = slow_views(built, trees, 2.0, 24.0, row, column)
        assert views[0, row, column] == pytest.approx(sky, abs=1e-5)
        assert views[1, row, column] == pytest.approx(leaves, abs=0.04), "leaves lie in bins of some degrees"


@SETTINGS
@given(seed=st.integers(0, 10_000), row=st.integers(0, 23), column=st.integers(0, 23), more=st.floats(0.5, 40))
def test_a_taller_block_never_opens_the_sky_elsewhere(seed, row, column, more):
    built, trees = town(seed)
    before = sky_views_of(scene(built, trees), 2.0, 60.0)
    taller = built.copy()
    taller[row, column] += more
    after = sky_views_of(scene(taller, trees), 2.0, 60.0)
    elsewhere = np.ones(built.shape, dtype=bool)
    elsewhere[row, column] = False
    assert (after[0][elsewhere] <= before[0][elsewhere] + 1e-6).all()


@SETTINGS
@given(seed=st.integers(0, 10_000), row=st.integers(0, 23), column=st.integers(0, 23), tall=st.floats(2, 25))
def test_a_tree_never_opens_the_sky(seed, row, column, tall):
    built, trees = town(seed)
    planted = trees.copy()
    planted[row, column] = max(trees[row, column], tall)
    before, after = (sky_views_of(scene(built, t), 2.0, 60.0) for t in (np.where(planted > trees, 0, trees), planted))
    assert (after[1] >= before[1] - 1e-6).all()
    assert np.array_equal(after[0], before[0])


def test_a_scene_turned_by_a_right_angle_has_its_views_turned():
    built, trees = town(11)
    straight = sky_views_of(scene(built, trees), 2.0, 40.0)
    turned = sky_views_of(scene(np.rot90(built), np.rot90(trees)), 2.0, 40.0)
    for view in (0, 1, 2, 4):
        assert np.allclose(np.rot90(straight[view]), turned[view], atol=2e-5)


def test_a_window_holds_the_same_numbers_as_the_whole():
    built, trees = town(5)
    full = sky_views_of(scene(built, trees), 2.0, 40.0)
    part = sky_views_of(scene(built, trees), 2.0, 40.0, (3, 11, 7, 20))
    assert np.array_equal(full[:, 3:11, 7:20], part)


def test_sky_view_counts_what_shines_through_leaves():
    views = np.zeros((len(VIEWS), 1, 1), dtype=np.float32)
    views[0], views[1] = 0.8, 0.5
    assert sky_view_factor(views, 0.1)[0, 0] == pytest.approx(0.8 - 0.9 * 0.5)


def test_holes_are_refused_and_a_city_without_terrain_is_flat():
    built, trees = town(2)
    grid = Grid(0, 48, 2.0, 24, 24)
    flat = sky_views(None, built, trees, grid, FLAT, 40.0)
    assert np.array_equal(flat, sky_views(np.zeros_like(built), built, trees, grid, FLAT, 40.0))
    hole = built.copy()
    hole[2, 3] = np.nan
    with pytest.raises(LayerError, match="built_height must be known in every cell, got 1"):
        sky_views(None, hole, trees, grid, FLAT, 40.0)


def test_canopy_below_a_roof_is_left_out_and_above_it_begins_at_the_roof():
    found = standing(None, np.full((1, 2), 10, np.float32), np.array([[8, 16]], np.float32), FLAT)
    assert found.canopy_top[0, 0] < -1e5
    assert (found.canopy_top[0, 1], found.canopy_base[0, 1]) == (16, 10)
