"""Where residents live: every zone keeps its people, whatever stands in it."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.indicators.formulas.residents import resident_points, resident_points_from_zones

BOXES = [shapely.box(0, 0, 200, 100), shapely.box(200, 0, 300, 100)]


def zones():
    return gpd.GeoDataFrame(geometry=BOXES, crs="EPSG:32635")


def houses(*places):
    return gpd.GeoDataFrame(geometry=[shapely.box(x - 5, y - 5, x + 5, y + 5) for x, y in places], crs="EPSG:32635")


def test_people_are_in_the_houses_of_their_zone_in_proportion():
    found = resident_points(zones(), np.array([30.0, 0.0]), houses((50, 50), (150, 50)), np.array([8.0, 16.0]))
    assert found[["x", "y", "people"]].to_numpy().tolist() == [[50, 50, 10], [150, 50, 20]]


def test_people_of_a_zone_without_dwellings_are_spread_over_it():
    found = resident_points(zones(), np.array([30.0, 8.0]), houses((250, 50)), np.array([4.0]))
    assert found.to_numpy().tolist() == [[250, 50, 8], [50, 50, 15], [150, 50, 15]]


def test_people_of_a_patchwork_of_buildings_are_spread():
    found = resident_points(zones(), np.array([30.0, 0.0]), houses((50, 50), (150, 50)), np.array([4.0, 10.0]))
    assert found.to_numpy().tolist() == [[50, 50, 15], [150, 50, 15]]  # the houses would hold 14 of 30


def test_without_buildings_everybody_is_spread():
    found = resident_points_from_zones(zones(), np.array([30.0, 8.0]))
    assert found.to_numpy().tolist() == [[50, 50, 15], [150, 50, 15], [250, 50, 8]]


def test_a_sliver_without_a_lattice_point_keeps_its_people():
    ring = shapely.box(0, 0, 90, 90).difference(shapely.box(5, 5, 90, 90))
    found = resident_points_from_zones(gpd.GeoDataFrame(geometry=[ring], crs="EPSG:32635"), np.array([3.0]))
    assert found["people"].tolist() == [3]
    assert ring.covers(shapely.Point(*found[["x", "y"]].to_numpy()[0]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=12),
       st.tuples(st.floats(0, 1000), st.floats(0, 1000)))  # fmt: skip
def test_nobody_is_lost_or_made(homes, people):
    population = np.array(people)
    found = resident_points(zones(), population, houses(*[h[:2] for h in homes]), np.array([h[2] for h in homes]))
    assert found["people"].sum() == pytest.approx(population.sum())
    assert (found["people"] > 0).all()
