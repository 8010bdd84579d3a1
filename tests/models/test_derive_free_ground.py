"""Free ground: never water, street, rail, square or green, and never near a wall."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.derive.free_ground import KEPT_USES, free_ground, kept_ground

CRS = "EPSG:32635"
GRID = Grid(0, 200, 2, 100, 100)  # 200 x 200 m
EXTENT = shapely.box(0, 0, 200, 200)


def table(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def ground(cover=None, wall_distance=6.0, **layers):
    words = {
        "grid": GRID,
        "extent": EXTENT,
        "buildings": table([shapely.box(80, 80, 120, 120)]),
        "streets": table(
            [shapely.LineString([(0, 20), (200, 20)])], drive=[True], bridge=[False], road_class=["service"]
        ),
        "land_use": None,
        "water": None,
        "rail": None,
    }
    cover = np.full(GRID.shape, Cover.PAVED, dtype=np.uint8) if cover is None else cover
    words |= layers
    kept = kept_ground(**{name: words[name] for name in ("grid", "streets", "land_use", "water", "rail")})
    built = {name: words[name] for name in ("grid", "extent", "buildings", "streets", "land_use")}
    return free_ground(cover, kept, **built, wall_distance=wall_distance)


def centres(cells):
    x, y = GRID.centres()
    rows, columns = np.nonzero(cells)
    return shapely.points(x[columns], y[rows])


def test_paved_and_bare_ground_is_free_and_no_other():
    rows = np.repeat(np.array(list(Cover), dtype=np.uint8), 10)[:100]
    free = ground(np.repeat(rows[:, None], 100, axis=1))
    assert set(np.unique(np.repeat(rows[:, None], 100, axis=1)[free])) == {Cover.PAVED, Cover.BARE}


@settings(deadline=None, max_examples=20)
@given(st.floats(1, 30))
def test_free_ground_keeps_its_distance_from_walls_and_the_edge_of_the_data(distance):
    free = centres(ground(wall_distance=distance))
    walls = shapely.box(80, 80, 120, 120)
    assert shapely.distance(free, walls).min() >= 0.99 * distance
    assert shapely.distance(free, EXTENT.boundary).min() >= 0.99 * distance


@settings(deadline=None, max_examples=20)
@given(st.floats(1, 15), st.floats(1, 15))
def test_a_larger_wall_distance_never_frees_ground(one, other):
    near, far = sorted((one, other))
    assert not (ground(wall_distance=far) & ~ground(wall_distance=near)).any()


@pytest.mark.parametrize("use", sorted({"square", "park", "pitch", "railway", "cemetery", "school", "playground"}))
def test_kept_uses_are_never_free(use):
    area = shapely.box(10, 140, 60, 190)
    free = centres(ground(land_use=table([area], use=[use])))
    assert use in KEPT_USES
    assert not shapely.intersects(free, area).any()


def test_parking_may_be_built_on():
    area = shapely.box(10, 140, 60, 190)
    assert (ground(land_use=table([area], use=["parking"])) == ground()).all()


def test_water_rail_streets_and_cut_buildings_are_never_free():
    water, track = shapely.box(10, 140, 60, 190), shapely.LineString([(150, 0), (150, 200)])
    cut = shapely.box(0, 60, 15, 100)
    free = centres(
        ground(
            water=table([water], kind=["sea"]),
            rail=table([track], kind=["rail"]),
            land_use=table([cut], use=["building"]),
        )
    )
    assert not shapely.intersects(free, water).any()
    assert shapely.distance(free, track).min() >= 5.9
    assert shapely.distance(free, cut).min() >= 5.9
    assert shapely.distance(free, shapely.LineString([(0, 20), (200, 20)])).min() > 0.9


def test_ground_beside_unmapped_buildings_is_not_called_free():
    streets = table(
        [shapely.LineString([(0, 20), (200, 20)])], drive=[True], bridge=[False], road_class=["residential"]
    )
    with pytest.raises(NotComputableError, match="one beside 0%"):
        ground(streets=streets)
