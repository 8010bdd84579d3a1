"""Zones: hexagons divide the extent, ids stay, and sums by zone keep the total."""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.layers.schemas import LAYERS
from synapolis.models.derive.zones import (
    homes,
    jobs,
    population,
    sum_by_zone,
    zone_homes,
    zone_homes_from_buildings,
    zone_homes_from_people,
    zone_jobs,
    zone_jobs_from_buildings,
    zone_population,
    zone_population_from_buildings,
    zones_from_hexagons,
)
from synapolis.models.housing.programme import empty_programme

CRS = "EPSG:32635"
EXTENT = shapely.box(385_000, 6_671_000, 386_200, 6_672_000)


def table(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


JUNCTIONS = table([shapely.Point(385_100, 6_671_100)])


def counted_zones(**columns):
    shapes = [shapely.box(100 * i, 0, 100 * i + 100, 100) for i in range(3)]
    empty = dict.fromkeys(("population", "jobs", "homes"), np.nan)
    return gpd.GeoDataFrame({**empty, **columns}, geometry=shapes, crs=CRS, index=["a", "b", "c"])


def programme(*rows):
    """Rows of (kind, homes, geometry)."""
    kinds, numbers, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {"kind": list(kinds), "homes": np.array(numbers, dtype=float)}, geometry=list(shapes), crs=CRS
    )


def test_hexagons_divide_the_extent():
    zones = zones_from_hexagons(EXTENT, JUNCTIONS, None, None, None)
    LAYERS["zones"].check(zones)
    assert all(h3.is_valid_cell(cell) and h3.get_resolution(cell) == 10 for cell in zones.index)
    assert zones.area.sum() == pytest.approx(EXTENT.area, rel=1e-9)
    assert shapely.union_all(zones.geometry.to_numpy()).area == pytest.approx(EXTENT.area, rel=1e-6)
    assert zones.area.min() > 0.09 * zones.area.median()
    assert zones["population"].isna().all()


@pytest.mark.parametrize(("side", "resolution"), [(500, 11), (2_000, 10), (12_000, 9), (30_000, 8)])
def test_the_resolution_follows_the_size_of_the_extent(side, resolution):
    extent = shapely.box(385_000, 6_671_000, 385_000 + side, 6_671_000 + side)
    zones = zones_from_hexagons(extent, JUNCTIONS, None, None, None)
    assert h3.get_resolution(zones.index[0]) == resolution
    assert len(zones) < 2000


def test_zones_count_schools_and_take_the_name_of_their_district():
    points = table([shapely.Point(385_050, 6_671_050), shapely.Point(386_100, 6_671_900)], kind=["school", "health"])
    districts = table(
        [shapely.box(385_000, 6_671_000, 385_600, 6_672_000), EXTENT, shapely.Point(386_000, 6_671_500)],
        kind=["district", "district", "building"],
        name=["West", "Whole", "Hall"],
    )
    zones = zones_from_hexagons(EXTENT, JUNCTIONS, None, points, districts)
    assert zones["schools"].sum() == 1
    assert zones["health_care"].sum() == 1
    assert set(zones["name"]) == {"West", "Whole"}


def test_without_a_crs_there_are_no_zones():
    with pytest.raises(NotComputableError, match="CRS"):
        zones_from_hexagons(EXTENT, None, None, None, None)


def test_counts_are_kept_and_new_homes_bring_people_where_they_stand():
    zones = counted_zones(population=[100.0, 200.0, np.nan], jobs=[10.0, 0.0, 5.0], homes=[50.0, 80.0, 10.0])
    added = programme(
        ("new building", 10, shapely.box(110, 10, 120, 20)),
        ("by zone", 5, shapely.box(200, 0, 300, 100)),
        ("unplaced", 99, shapely.box(0, 0, 300, 100)),
    )
    assert zone_population(zones, empty_programme(), 1.9).tolist() == [100, 200, 0]
    assert zone_population(zones, added, 2.0).tolist() == [100, 220, 10]
    assert zone_homes(zones, added).tolist() == [50, 90, 15]
    assert zone_jobs(zones).tolist() == [10, 0, 5]
    assert population(zone_population(zones, added, 2.0)) == 330
    assert homes(zone_homes(zones, added)) == 155
    assert jobs(zone_jobs(zones)) == 15


def test_an_empty_column_is_not_a_count():
    zones = counted_zones(population=[1.0, 2.0, 3.0])
    with pytest.raises(NotComputableError, match="0 of 3 zones"):
        zone_jobs(zones)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(0, 40))
def test_sums_by_zone_keep_the_total_and_the_order_of_features_does_not_matter(seed, count):
    rng = np.random.default_rng(seed)
    zones = counted_zones()
    corners = rng.uniform((-50, -50), (330, 130), (count, 2))
    shapes = [shapely.box(x, y, x + 15, y + 15) for x, y in corners]
    features, values = table(shapes, edit=[""] * count), rng.uniform(0, 10, count)
    totals = sum_by_zone(zones, features, values)
    assert totals.sum() == pytest.approx(values.sum())
    order = rng.permutation(count)
    assert sum_by_zone(zones, features.iloc[order], values[order]) == pytest.approx(totals)
    assert zone_population_from_buildings(zones, features, values, None) == pytest.approx(totals)
    assert zone_jobs_from_buildings(zones, features, values, None) == pytest.approx(totals)


def test_a_building_on_a_border_counts_once():
    zones = counted_zones()
    on_border = table([shapely.box(90, 0, 110, 20)], edit=[""])
    assert sum_by_zone(zones, on_border, np.array([7.0])).tolist() == [7, 0, 0]
    assert isinstance(sum_by_zone(zones, on_border.iloc[:0], np.zeros(0)), np.ndarray)
    assert pd.Series(sum_by_zone(zones, on_border.iloc[:0], np.zeros(0))).sum() == 0


def test_homes_follow_counted_people_where_homes_were_not_counted():
    zones = counted_zones(population=[190.0, 0.0, 19.0])
    added = programme(("new building", 7, shapely.box(110, 10, 120, 20)))
    assert zone_homes_from_people(zones, added, 1.9) == pytest.approx([100, 7, 10])
    with pytest.raises(NotComputableError, match="population"):
        zone_homes_from_people(counted_zones(), empty_programme(), 1.9)


def test_a_patchwork_of_buildings_is_not_added_up():
    lines = [shapely.LineString([(0, 50 * i), (300, 50 * i)]) for i in range(4)]
    streets = table(lines, drive=[True] * 4, bridge=[False] * 4, road_class=["residential"] * 4)
    beside_one = table([shapely.box(140, 5, 160, 15)], edit=[""])
    beside_all = table([shapely.box(140, 50 * i + 5, 160, 50 * i + 15) for i in range(4)], edit=[""] * 4)
    one, four = np.ones(1), np.ones(4)
    assert zone_homes_from_buildings(counted_zones(), beside_all, four, streets).sum() == 4
    assert zone_homes_from_buildings(counted_zones(), beside_one, one, None).sum() == 1
    with pytest.raises(NotComputableError, match="one beside 25%"):
        zone_homes_from_buildings(counted_zones(), beside_one, one, streets)
