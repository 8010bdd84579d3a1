"""Density, homes and the age of buildings, by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import built

CRS = "EPSG:32635"
EXTENT = shapely.box(0, 0, 2000, 1000)


def buildings(**columns):
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(0, 0, 10, 10)] * count, crs=CRS)


def zones(**columns):
    boxes = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 1500, 1000)]  # 1 km² and 0.5 km²
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=CRS)


def test_density_is_over_land():
    water = gpd.GeoDataFrame(geometry=[shapely.box(1000, 0, 1400, 1000), shapely.box(1200, 0, 3000, 1000)], crs=CRS)
    assert built.population_density(3000.0, EXTENT, None) == pytest.approx(1500)
    assert built.population_density(3000.0, EXTENT, water) == pytest.approx(3000)
    with pytest.raises(NotComputableError, match="needs land"):
        built.population_density(3000.0, shapely.box(1000, 0, 2000, 1000), water)


def test_built_up_density():
    assert built.built_up_density(np.array([1e6, 5e5]), np.array([60.0, 40.0]), 100.0, EXTENT) == pytest.approx(0.75)


def test_living_space():
    stock = buildings(use=["residential", "office", "unknown"])
    floor, homes, held = np.array([1000.0, 500, 100]), np.array([10.0, 2, 9]), np.array([19.0, 4, 17])
    found = built.living_space_per_person(stock, floor, homes, held, 50.0, 0.8, 75.0)
    assert found == pytest.approx((800 + 150 + 100) / 50)  # the last is no larger than its floor


@pytest.mark.parametrize(("held", "told"), [(40.0, "40%"), (0.0, "0%")])
def test_a_patchwork_of_buildings_is_refused(held, told):
    with pytest.raises(NotComputableError, match=f"needs buildings mapped throughout; .* hold {told} of the residents"):
        built.built_up_density(np.array([1e6]), np.array([held]), 100.0, EXTENT)
    with pytest.raises(NotComputableError, match=f"hold {told} of the residents"):
        built.living_space_per_person(
            buildings(use=["residential"]), np.array([1e6]), np.array([1.0]), np.array([held]), 100.0, 0.8, 75.0
        )


def test_persons_for_each_occupied_home():
    assert built.persons_per_home(zones(), 3000.0, 1500.0) == pytest.approx(2)
    assert built.persons_per_home(zones(vacant_homes=[200.0, 100.0]), 3000.0, 1500.0) == pytest.approx(2.5)
    with pytest.raises(NotComputableError, match="occupied dwellings"):
        built.persons_per_home(zones(), 3000.0, 0.0)


def test_jobs_for_each_home():
    assert built.jobs_per_home(1200.0, 800.0) == pytest.approx(1.5)
    with pytest.raises(NotComputableError, match="needs dwellings"):
        built.jobs_per_home(1200.0, 0.0)


def test_residents_in_dense_areas():
    people = np.array([4000.0, 6000.0])  # 4000 and 12 000 a km²
    assert [built.residents_in_dense_areas(zones(), people, float(d)) for d in (4000, 5000, 12_000, 12_001)] == [
        100, 60, 60, 0,
    ]  # fmt: skip


def test_old_buildings_among_those_of_known_age():
    stock = buildings(start_year=[1900, 1969, 1970, np.nan], use=["public"] * 4)
    assert built.structurally_vulnerable_buildings(stock, 1970.0) == pytest.approx(200 / 3)
    floor = np.array([100.0, 100, 300, 400])
    assert built.public_buildings_to_refurbish(stock, floor, 1970.0) == pytest.approx(40)


def test_too_few_known_years_are_not_computable():
    stock = buildings(start_year=[1900, np.nan, np.nan], use=["public"] * 3)
    with pytest.raises(NotComputableError, match="known for 33% of them"):
        built.structurally_vulnerable_buildings(stock, 1970.0)
    with pytest.raises(NotComputableError, match="year of completion of public buildings"):
        built.public_buildings_to_refurbish(stock.assign(use="office"), np.ones(3), 1970.0)


@given(st.floats(1, 1e7), st.floats(1, 1e6))
def test_twice_the_people_double_density_and_halve_living_space(people, floor):
    stock = buildings(use=["residential"])
    args = (stock, np.array([floor]), np.array([1.0]), np.array([2 * people]))
    assert built.population_density(2 * people, EXTENT, None) == pytest.approx(
        2 * built.population_density(people, EXTENT, None)
    )
    assert built.living_space_per_person(*args, 2 * people, 0.8, 80.0) == pytest.approx(
        built.living_space_per_person(*args, people, 0.8, 80.0) / 2
    )
