"""Exposure by hand: means over ground, around homes, along streets."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.errors import NotComputableError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.heat.exposure import home_utci, mean_utci, resident_heat, street_heat, zone_utci

GRID = Grid(0, 40, 4.0, 10, 10)
BUILT = np.zeros(GRID.shape, np.float32)


def halves(west=30.0, east=40.0):
    felt = np.full(GRID.shape, west, np.float32)
    felt[:, 5:] = east
    return felt


def cover(value=Cover.PAVED):
    return np.full(GRID.shape, value, dtype=np.uint8)


def lines(*rows):
    return gpd.GeoDataFrame(
        {"walk": [r[1] for r in rows], "bridge": [r[2] for r in rows]},
        geometry=[shapely.LineString(r[0]) for r in rows], crs="EPSG:32630",
    )  # fmt: skip


def test_roofs_and_water_are_nobody_s_outdoors():
    ground, built = cover(), BUILT.copy()
    ground[:, 5:8], ground[:, 8] = Cover.WATER, Cover.ROOF
    built[:, 9] = 10
    everything = shapely.box(0, 0, 40, 40)
    assert mean_utci(halves(), ground, built, GRID, everything) == 30
    assert mean_utci(halves(), cover(), BUILT, GRID, everything) == 35
    assert mean_utci(halves(), cover(), BUILT, GRID, shapely.box(24, 0, 40, 40)) == 40
    with pytest.raises(NotComputableError, match="open ground"):
        mean_utci(halves(), cover(Cover.WATER), BUILT, GRID, everything)


def test_zones_take_the_mean_of_their_ground_and_one_without_any_the_nearest():
    zones = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 40, 40), shapely.box(0, 0, 8, 8)], crs="EPSG:32630")
    ground = cover()
    ground[8:, :2] = Cover.WATER
    found = zone_utci(halves(), ground, BUILT, zones.iloc[::-1], GRID)
    assert found[0] == 30, "all water: the nearest ground"
    apart = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 20, 40), shapely.box(20, 0, 40, 40)], crs="EPSG:32630")
    assert zone_utci(halves(), cover(), BUILT, apart, GRID).tolist() == [30, 40]


def test_homes_take_the_ground_around_them():
    built = BUILT.copy()
    built[4:6, 1] = 10
    homes = gpd.GeoDataFrame(geometry=[shapely.box(4, 16, 8, 24), shapely.box(32, 16, 36, 24)], crs="EPSG:32630")
    found = home_utci(halves(), cover(), built, homes, GRID, 6.0)
    assert found == pytest.approx([30, 40], abs=1e-5)
    wide = home_utci(halves(), cover(), built, homes, GRID, 100.0)
    assert ((wide > 30) & (wide < 40)).all()


def test_residents_are_counted_above_the_limits_of_stress():
    found = resident_heat(np.array([31.0, 33.0, 39.0]), np.array([100.0, 20.0, 5.0]))
    assert found[:2] == (25, 5)
    assert found.resident_utci == pytest.approx((3100 + 660 + 195) / 125)
    with pytest.raises(NotComputableError, match="residents in buildings"):
        resident_heat(np.array([31.0]), np.array([np.nan]))


def test_streets_are_read_along_their_length_and_only_where_people_walk():
    streets = lines(
        ([(0, 18), (40, 18)], True, False),
        ([(2, 0), (2, 40)], True, False),
        ([(30, 0), (30, 40)], False, False),
        ([(34, 0), (34, 40)], True, True),
    )
    found = street_heat(halves(), cover(), BUILT, streets, GRID)
    assert found.street_utci.tolist() == [35, 30, 40, 40]
    assert found.street_heat_share.tolist() == [0.5, 0, 1, 1]
    assert found.mean_street_utci == pytest.approx(32.5)
    assert found.streets_in_strong_heat == pytest.approx(0.25)
    with pytest.raises(NotComputableError, match="open to walkers"):
        street_heat(halves(), cover(), BUILT, streets.iloc[2:], GRID)
