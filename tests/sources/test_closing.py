"""Clipped areas: the two sides of a boundary make up the extent, and the sea is on the right hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.sources.closing import close_area, reach_border, sea_areas

EXTENT = shapely.box(0, 0, 1000, 600)
inner = st.floats(50, 550)


@given(y=st.lists(inner, min_size=2, max_size=6), x=st.floats(20, 980), height=st.floats(5, 595))
def test_sides_of_a_line_make_up_the_extent(y, x, height):
    line = shapely.LineString(zip(np.linspace(3, 997, len(y)), y, strict=True))
    point = shapely.Point(x, height)
    one = close_area([line], EXTENT, inside=point)
    smaller = close_area([line], EXTENT)
    assert one.contains(point) or line.distance(point) < 1e-6
    assert smaller.area <= EXTENT.area / 2 + 1e-6
    assert min(one.area, EXTENT.area - one.area) == pytest.approx(smaller.area)


@given(y=st.lists(inner, min_size=2, max_size=6))
def test_reversed_coast_swaps_land_and_sea(y):
    coast = shapely.LineString(zip(np.linspace(2, 998, len(y)), y, strict=True))
    (south,), _ = sea_areas([coast], EXTENT)  # eastwards: water on the right, in the south
    (north,), _ = sea_areas([coast.reverse()], EXTENT)
    assert south.contains(shapely.Point(500, 1))
    assert north.contains(shapely.Point(500, 599))
    assert south.area + north.area == pytest.approx(EXTENT.area)


def test_island_is_land_and_its_water_is_sea():
    island = shapely.LineString([(400, 200), (600, 200), (600, 400), (400, 400), (400, 200)])  # counter-clockwise
    (sea,), doubtful = sea_areas([island], EXTENT)
    assert sea.area == pytest.approx(EXTENT.area - 200 * 200)
    assert doubtful == []


def test_two_shores_of_a_strait():
    shores = [shapely.LineString([(1, 400), (999, 400)]), shapely.LineString([(999, 200), (1, 200)])]
    (sea,), _ = sea_areas(shores, EXTENT)
    assert sea.area == pytest.approx(1000 * 200)


def test_contradicting_coasts_are_left_out():
    shores = [shapely.LineString([(1, 400), (999, 400)]), shapely.LineString([(1, 200), (999, 200)])]
    sea, doubtful = sea_areas(shores, EXTENT)
    assert len(doubtful) == 1
    assert sum(part.area for part in sea) == pytest.approx(1000 * 200)


def test_ends_that_join_are_not_carried_to_the_border():
    halves = [shapely.LineString([(1, 300), (500, 300)]), shapely.LineString([(999, 300), (500, 300)])]
    assert close_area(halves, EXTENT, shapely.Point(10, 10)).area == pytest.approx(300 * 1000)


def test_line_outside_cuts_nothing():
    assert close_area([shapely.LineString([(2000, 0), (3000, 0)])], EXTENT) is None
    assert sea_areas([], EXTENT) == ([], [])


def test_ring_keeps_its_ends():
    ring = shapely.LineString([(1, 1), (2, 1), (2, 2), (1, 1)])
    assert reach_border(ring, EXTENT) is ring
