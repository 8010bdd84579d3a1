"""Shadows against geometry, and their laws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.layers.grid import Grid
from synapolis.models.heat.climate import shade_hours
from synapolis.models.heat.horizon import obstacles
from synapolis.models.heat.shade import shadow

SETTINGS = settings(max_examples=25, deadline=None)


def scene(built, trees=None):
    zero = np.zeros(np.shape(built), dtype=np.float32)
    return obstacles(
        zero, np.asarray(built, np.float32), zero if trees is None else np.asarray(trees, np.float32), 0.25
    )


def cast(built, trees=None, *, altitude, azimuth, reach=200.0, cell=1.0):
    return shadow(
        scene(built, trees), cell, altitude=math.radians(altitude), azimuth=math.radians(azimuth), reach=reach
    )


@pytest.mark.parametrize("altitude", [20.0, 35.0, 50.0, 70.0])
@pytest.mark.parametrize(("azimuth", "step"), [(0, (1, 0)), (90, (0, -1)), (180, (-1, 0)), (270, (0, 1))])
def test_the_shadow_of_a_column_is_its_height_over_the_tangent(altitude, azimuth, step):
    built = np.zeros((121, 121))
    built[60, 60] = 20.0
    dark = cast(built, altitude=altitude, azimuth=azimuth).height > 0
    line = [dark[60 + step[0] * k, 60 + step[1] * k] for k in range(1, 60)]
    length = 20 / math.tan(math.radians(altitude))
    assert sum(line) == pytest.approx(length, abs=1)
    assert dark.sum() == sum(line), "nothing beside the line is dark"


def test_the_shadow_climbs_what_stands_in_it():
    built = np.zeros((1, 40))
    built[0, 30] = 10.0
    built[0, 25] = 3.0
    found = cast(built, altitude=45, azimuth=90)
    assert found.height[0, 29] == pytest.approx(9, abs=1e-4)
    assert found.height[0, 25] == pytest.approx(2, abs=1e-4)
    assert found.height[0, 20] == 0


def test_below_three_degrees_there_is_no_sun():
    assert (cast(np.zeros((4, 4)), altitude=2.9, azimuth=100).height > 0).all()
    assert (cast(np.zeros((4, 4)), altitude=3.1, azimuth=100).height == 0).all()


def test_leaves_shade_the_ground_below_and_beyond_but_let_a_low_sun_in_under_the_crown():
    trees = np.zeros((1, 60))
    trees[0, 30] = 12.0  # leaves from 3 m
    high = cast(np.zeros((1, 60)), trees, altitude=60, azimuth=90).leaves[0]
    assert high[28]
    assert high[24]
    assert not high[29], "the beam leaves the crown above this cell"
    assert not high[30], "at 60° the beam comes in under the crown of a single column 1 m wide"
    assert not high[31]
    wide = np.zeros((1, 60))
    wide[0, 20:40] = 12.0
    assert cast(np.zeros((1, 60)), wide, altitude=60, azimuth=90).leaves[0][20:38].all()


@SETTINGS
@given(
    seed=st.integers(0, 10_000),
    altitude=st.floats(5, 85),
    azimuth=st.floats(0, 360),
    place=st.tuples(st.integers(0, 19), st.integers(0, 19)),
    more=st.floats(0.5, 30),
)
def test_shade_only_grows_as_a_block_grows(seed, altitude, azimuth, place, more):
    random = np.random.default_rng(seed)
    built = np.where(random.random((20, 20)) < 0.15, random.uniform(3, 30, (20, 20)), 0)
    taller = built.copy()
    taller[place] += more
    before = cast(built, altitude=altitude, azimuth=azimuth).height
    after = cast(taller, altitude=altitude, azimuth=azimuth).height
    elsewhere = np.ones(built.shape, dtype=bool)
    elsewhere[place] = False
    assert (after[elsewhere] >= before[elsewhere]).all()


def test_hours_of_shade_count_hours_of_sun():
    day = pd.DataFrame(
        {"altitude": np.radians([-5.0, 2.0, 30.0, 60.0, 30.0]), "azimuth": np.radians([0, 80, 90, 180, 270])}
    )
    built = np.zeros((1, 41), np.float32)
    built[0, 20] = 5.0
    grid = Grid(0, 1, 1.0, 1, 41)
    hours = shade_hours(None, built, np.zeros_like(built), day, grid, 0.25, 0.03, 100.0)[0]
    assert hours[19] == 1
    assert hours[21] == 1
    assert hours[0] == hours[20] == 0
    leafy = np.where(built > 0, 0, 8).astype(np.float32)
    under = shade_hours(None, np.zeros_like(built), leafy, day, grid, 0.25, 0.03, 100.0)[0]
    assert under[10] == pytest.approx(3 * 0.97, abs=0.97)
