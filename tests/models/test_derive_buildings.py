"""Buildings: what is mapped is kept, what is estimated follows its rule, and an edit never changes its neighbours."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.models.derive.buildings import (
    building_height,
    building_homes,
    building_jobs,
    building_levels,
    building_population,
    floor_area,
    services_inside,
)

CRS = "EPSG:32635"
HOMES = {
    "existing_home_floor_area": 80.0,
    "residential_building_home_share": 0.8,
    "residential_land_home_share": 0.5,
    "work_land_home_share": 0.02,
    "unmapped_land_home_share": 0.4,
    "ground_floor_retail_share": 0.5,
}
JOBS = {
    "existing_home_floor_area": 80.0,
    "office_floor_area_per_job": 25.0,
    "retail_floor_area_per_job": 40.0,
    "public_floor_area_per_job": 70.0,
    "industrial_floor_area_per_job": 50.0,
    "ground_floor_retail_share": 0.5,
    "vacant_workspace_share": 0.1,
}
NONE = np.nan


def houses(*rows):
    """Buildings of 20 x 20 m in a row: (use, levels, height, homes, edit)."""
    columns = dict(zip(("use", "levels", "height", "homes", "edit"), map(list, zip(*rows, strict=True)), strict=True))
    shapes = [shapely.box(30 * i, 0, 30 * i + 20, 20) for i in range(len(rows))]
    ids = [f"b{i}" for i in range(len(rows))]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS, index=ids).astype(
        {"levels": float, "height": float, "homes": float}
    )


def table(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def test_levels_are_mapped_then_from_height_then_of_the_use_then_assumed():
    known = [("office", n, NONE, NONE, "") for n in (4, 6, 6, 6, 9)]
    rows = [
        *known,
        ("office", NONE, NONE, NONE, ""),
        ("office", NONE, 30.5, NONE, ""),
        ("public", NONE, NONE, NONE, ""),
    ]
    assert building_levels(houses(*rows), 3.05, 4.5).tolist() == [4, 6, 6, 6, 9, 6, 10, 6]
    alone = houses(("office", NONE, NONE, NONE, ""), ("utility", NONE, NONE, NONE, ""), ("office", NONE, 1.0, NONE, ""))
    assert building_levels(alone, 3.05, 4.5).tolist() == [4.5, 1, 1]


def test_a_kiosk_has_one_storey():
    kiosk = houses(("unknown", NONE, NONE, NONE, ""), ("unknown", NONE, NONE, NONE, ""))
    kiosk = kiosk.set_geometry([shapely.box(0, 0, 5, 5), shapely.box(10, 0, 30, 20)], crs=CRS)
    assert building_levels(kiosk, 3.05, 4.5).tolist() == [1, 4.5]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.sampled_from([2.0, 3.0, 5.0, 9.0, NONE]), min_size=1, max_size=14),
    st.lists(st.integers(1, 200), min_size=1, max_size=4),
)
def test_new_buildings_never_change_the_levels_of_their_neighbours(mapped, new):
    today = [("office", n, NONE, NONE, "") for n in mapped]
    added = [("office", n, NONE, NONE, "e1") for n in new]
    before = building_levels(houses(*today), 3.05, 4.5)
    after = building_levels(houses(*today, *added), 3.05, 4.5)
    assert (after[: len(today)] == before).all()
    assert (after[len(today) :] == new).all()


def test_height_and_floor_area_follow_the_levels():
    rows = houses(("office", 4, NONE, NONE, ""), ("office", 4, 21.0, NONE, ""))
    levels = building_levels(rows, 3.0, 4.5)
    assert building_height(rows, levels, 3.0).tolist() == [12, 21]
    assert floor_area(rows, levels).tolist() == [1600, 1600]


def test_homes_are_mapped_or_follow_use_and_land():
    rows = houses(
        ("residential", 4, NONE, 17, ""),
        ("residential", 4, NONE, NONE, ""),
        ("unknown", 4, NONE, NONE, ""),
        ("unknown", 4, NONE, NONE, ""),
        ("unknown", 4, NONE, NONE, ""),
        ("office", 4, NONE, NONE, ""),
    )
    land = table([shapely.box(55, -5, 85, 25), shapely.box(85, -5, 115, 25)], use=["residential", "commercial"])
    homes = building_homes(rows, np.full(6, 1600.0), land, None, **HOMES)
    assert homes == pytest.approx([17, 16, 10, 0.4, 8, 0])


def test_shops_take_part_of_the_ground_floor():
    rows = houses(("residential", 4, NONE, NONE, ""))
    shop = table([shapely.Point(10, 10), shapely.Point(50, 50), shapely.Point(5, 5)], kind=["shop", "shop", "school"])
    assert services_inside(rows, shop).tolist() == [1]
    with_shop = building_homes(rows, np.array([1600.0]), None, shop, **HOMES)
    assert with_shop == pytest.approx(0.8 * (1600 - 0.5 * 400) / 80)
    jobs = building_jobs(rows, np.array([1600.0]), with_shop, shop, **JOBS)
    assert jobs == pytest.approx(0.9 * 200 / 40)


def test_people_are_homes_times_household_size():
    assert building_population(np.array([10.0, 0.0]), 1.9).tolist() == [19, 0]


def test_jobs_fill_the_floor_area_that_is_not_homes():
    rows = houses(
        ("office", 4, NONE, NONE, ""),
        ("unknown", 4, NONE, NONE, ""),
        ("utility", 4, NONE, NONE, ""),
        ("industrial", 1, NONE, NONE, ""),
    )
    area = np.array([1600.0, 1600.0, 1600.0, 400.0])
    jobs = building_jobs(rows, area, np.array([0.0, 10.0, 0.0, 0.0]), None, **JOBS)
    assert jobs == pytest.approx(0.9 * np.array([64, 32, 0, 8]))


def test_new_homes_bring_people_and_no_jobs():
    before = houses(("office", 4, NONE, NONE, ""), ("unknown", 4, NONE, NONE, ""))
    after = houses(("office", 6, NONE, 10, ""), ("unknown", 4, NONE, NONE, ""), ("residential", 8, NONE, 40, "e1"))
    after["levels_added"], after["homes_added"] = [2.0, 0.0, 0.0], [10.0, 0.0, 40.0]

    def people_and_jobs(rows):
        area = floor_area(rows, building_levels(rows, 3.05, 4.5))
        homes = building_homes(rows, area, None, None, **HOMES)
        return homes, building_jobs(rows, area, homes, None, **JOBS)

    homes_before, jobs_before = people_and_jobs(before)
    homes_after, jobs_after = people_and_jobs(after)
    assert homes_after.sum() - homes_before.sum() == pytest.approx(50)
    assert jobs_after[:2] == pytest.approx(jobs_before)
    assert jobs_after[2] == 0
