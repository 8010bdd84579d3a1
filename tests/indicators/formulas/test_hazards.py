"""Whom the design storm reaches, on three houses in a row."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import hazards
from synapolis.layers.grid import Grid

CRS = "EPSG:32635"
GRID = Grid(0, 30, 10, 3, 9)
EXTENT = shapely.box(0, 0, 90, 30)
HOUSES = gpd.GeoDataFrame(geometry=[shapely.box(x, 10, x + 10, 20) for x in (10, 40, 70)], crs=CRS)
FLOODED = np.array([True, False, True])
HOMES = np.array([10.0, 30.0, 40.0])
PEOPLE = np.array([20.0, 50.0, 30.0])


def water(depth_at_first, depth_at_last):
    """Depth beside the first house and beside the last."""
    depth = np.zeros(GRID.shape, dtype=np.float32)
    depth[0, 0], depth[2, 8] = depth_at_first, depth_at_last
    return depth


def test_flooded_in_a_mean_year():
    assert hazards.homes_flooded_per_year(FLOODED, HOMES, 10.0) == pytest.approx(50 / 80 * 100 / 10)
    assert hazards.residents_affected_by_hazards(FLOODED, PEOPLE, 10.0) == pytest.approx(50 / 100 * 100 / 10)


def test_high_risk_is_deep_water_at_a_wall():
    depth = water(0.5, 0.2)
    assert hazards.homes_in_high_risk_zones(depth, HOUSES, HOMES, GRID, 0.3) == pytest.approx(12.5)
    assert hazards.residents_at_high_risk(depth, HOUSES, PEOPLE, GRID, 0.3) == pytest.approx(20)
    assert hazards.residents_at_high_risk(depth, HOUSES, PEOPLE, GRID, 0.1) == pytest.approx(50)
    assert hazards.residents_at_high_risk(depth * 0, HOUSES, PEOPLE, GRID, 0.1) == 0  # nothing floods: a true zero


def test_critical_sites_inside_flooded_buildings():
    kinds, types = ["health", "public", "public", "shop"], ["hospital", "post_office", "police", "supermarket"]
    places = [shapely.Point(x, 15) for x in (15, 16, 45, 17)]
    sites = gpd.GeoDataFrame({"kind": kinds, "type": types}, geometry=places, crs=CRS)
    assert hazards.critical_infrastructure_flooded(FLOODED, HOUSES, sites, 10.0) == pytest.approx(5)  # 1 of 2
    untold = sites.drop(columns="type")
    assert hazards.critical_infrastructure_flooded(FLOODED, HOUSES, untold, 10.0) == pytest.approx(200 / 3 / 10)
    with pytest.raises(NotComputableError, match="needs health-care or public sites in buildings"):
        hazards.critical_infrastructure_flooded(FLOODED, HOUSES, sites.iloc[3:], 10.0)


def test_coverage_of_the_hazard_map():
    ground = np.zeros(GRID.shape, dtype=np.float32)
    ground[:, :3] = np.nan
    dry = water(0, 0)
    assert hazards.hazard_map_coverage(dry, ground, GRID, EXTENT) == pytest.approx(200 / 3)
    assert hazards.hazard_map_coverage(dry, ground, GRID, shapely.box(30, 0, 90, 30)) == pytest.approx(100)


def test_land_with_measures():
    storage = np.zeros(GRID.shape, dtype=np.float32)
    with pytest.raises(NotComputableError, match="needs built storage"):
        hazards.risk_reduced_land_share(water(0.5, 0.5), storage, 0.3)
    storage[0, 0] = 50
    assert hazards.risk_reduced_land_share(water(0.5, 0.5), storage, 0.3) == pytest.approx(50)
    with pytest.raises(NotComputableError, match="needs land at high risk"):
        hazards.risk_reduced_land_share(water(0, 0), storage, 0.3)


def test_no_homes_are_not_computable():
    with pytest.raises(NotComputableError, match="needs buildings with homes"):
        hazards.homes_flooded_per_year(FLOODED, HOMES * 0, 10.0)


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 1))
def test_deeper_water_never_puts_fewer_at_risk(first, last, more):
    before, after = (
        hazards.residents_at_high_risk(water(first + d, last + d), HOUSES, PEOPLE, GRID, 0.3) for d in (0.0, more)
    )
    assert after >= before
