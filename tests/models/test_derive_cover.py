"""Land cover: what is drawn over what, what is refused, and what each class means for water."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import LayerError, NotComputableError
from synapolis.layers.grid import Grid, Raster
from synapolis.layers.land_cover import Cover
from synapolis.models.derive.cover import (
    MANNING,
    _cells_near,
    ground_cover,
    impervious_fraction,
    land_cover,
    land_cover_from_heights,
    land_cover_from_vectors,
    manning_roughness,
    storage_depth,
    street_areas,
)

CRS = "EPSG:32635"
GRID = Grid(0, 200, 2, 100, 100)  # 200 x 200 m
EXTENT = shapely.box(0, 0, 200, 200)
WIDTHS = {
    "lane_width": 3.25,
    "street_margin": 2.5,
    "path_width": 2.5,
    "track_width": 4.5,
    "tree_crown_radius": 3.0,
    "canopy_height": 2.0,
}
SHARES = {
    "impervious_roof": 1.0,
    "impervious_street": 0.95,
    "impervious_paved": 0.8,
    "impervious_rail": 0.25,
    "impervious_green": 0.05,
    "impervious_bare": 0.5,
    "impervious_permeable_paving": 0.3,
}


def table(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def streets(lines, road_class="residential", lanes=np.nan, bridge=False):
    count = len(lines)
    return table(
        [shapely.LineString(line) for line in lines],
        road_class=[road_class] * count,
        lanes=np.full(count, lanes),
        bridge=np.full(count, bridge),
        drive=np.ones(count, bool),
    )


def at(cover, x, y):
    row, column = GRID.cells_of(np.array([x]), np.array([y]))
    return Cover(cover[row[0], column[0]])


def town(**layers):
    """A street along y = 100, a house, a park with a lawn pitch, a lake, a track and two trees."""
    words = {
        "grid": GRID,
        "extent": EXTENT,
        "streets": streets([[(0, 100), (200, 100)]]),
        "buildings": table([shapely.box(40, 120, 80, 160)], edit=[""]),
        "land_use": table(
            [shapely.box(100, 10, 190, 90), shapely.box(110, 20, 130, 40), shapely.box(0, 0, 90, 90)],
            use=["park", "playground", "residential"],
        ),
        "water": table([shapely.box(150, 50, 180, 80)], kind=["lake"]),
        "trees": table([shapely.Point(140, 70), shapely.Point(60, 100), shapely.Point(60, 140)]),
        "rail": table(
            [shapely.LineString([(0, 180), (200, 180)]), shapely.LineString([(0, 190), (200, 190)])],
            kind=["rail", "tram"],
        ),
        "canopy": None,
    }
    words |= layers
    drawn = ("grid", "streets", "land_use", "water", "trees", "rail", "canopy")
    ground = ground_cover(**{name: words[name] for name in drawn}, **WIDTHS)
    built = {name: words[name] for name in ("grid", "extent", "streets", "buildings", "land_use")}
    return land_cover_from_vectors(ground, **built, paved_yard_reach=30.0)


def test_each_feature_is_drawn_in_its_order():
    cover = town()
    assert cover.dtype == np.uint8
    assert at(cover, 60, 140) is Cover.ROOF  # a tree on a roof is not seen
    assert at(cover, 20, 100) is Cover.STREET
    assert at(cover, 60, 100) is Cover.STREET  # what lies under the crown decides
    assert at(cover, 140, 70) is Cover.TREES
    assert at(cover, 160, 60) is Cover.WATER
    assert at(cover, 105, 15) is Cover.GRASS
    assert at(cover, 120, 30) is Cover.BARE  # the smaller area shows inside the larger
    assert at(cover, 20, 180) is Cover.RAIL
    assert at(cover, 20, 190) is not Cover.RAIL  # tram tracks lie in streets
    assert at(cover, 90, 140) is Cover.PAVED  # yard beside the house
    assert at(cover, 5, 5) is Cover.GRASS  # far from any house; `residential` says nothing of the ground
    assert not (cover == Cover.UNKNOWN).any()


def test_a_new_building_is_a_roof_and_nothing_else_changes():
    new = table([shapely.box(40, 120, 80, 160), shapely.box(100, 130, 120, 150)], edit=["", "e1"])
    before, after = town(), town(buildings=new)
    changed = before != after
    assert (after[changed & GRID.mask(new.geometry)] == Cover.ROOF).all()
    outside = changed & ~GRID.mask(new.geometry)
    assert (after[outside] == Cover.PAVED).all()  # its yard
    assert (before[outside] == Cover.GRASS).all()


def test_buildings_cut_at_the_border_are_roofs():
    land = table([shapely.box(0, 0, 200, 90), shapely.box(0, 10, 20, 40)], use=["park", "building"])
    assert at(town(land_use=land), 10, 20) is Cover.ROOF


def test_canopy_makes_trees_but_not_on_streets():
    canopy = Raster(np.full((100, 100), 8.0, dtype=np.float32), (2.0, 0.0, 0.0, 0.0, -2.0, 200.0), CRS)
    cover = town(canopy=canopy)
    assert at(cover, 105, 15) is Cover.TREES
    assert at(cover, 20, 100) is Cover.STREET


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.floats(0.5, 12))
def test_crowns_are_the_cells_within_their_radius(seed, radius):
    points = np.random.default_rng(seed).uniform(-20, 220, (15, 2))
    x, y = GRID.centres()
    distance = np.min([np.hypot(x[None, :] - px, y[:, None] - py) for px, py in points], axis=0)
    assert (_cells_near(points, GRID, radius) == (distance <= radius)).all()


def test_streets_are_as_wide_as_their_lanes():
    widths = [
        street_areas(streets([[(0, 0), (100, 0)]], lanes=n), lane_width=3, margin=2, path_width=2)[0] for n in (1, 2, 4)
    ]
    assert [round(w.bounds[3] - w.bounds[1], 3) for w in widths] == [7, 10, 16]
    path = street_areas(streets([[(0, 0), (100, 0)]], "footway"), lane_width=3, margin=2, path_width=2)
    assert path[0].bounds[3] == pytest.approx(1)
    assert len(street_areas(streets([[(0, 0), (9, 0)]], bridge=True), lane_width=3, margin=2, path_width=2)) == 0


def test_an_unmapped_city_has_no_land_cover():
    with pytest.raises(NotComputableError, match="0 buildings are mapped"):
        town(buildings=None)
    path = streets([[(0, 100), (200, 100)]], "footway")
    with pytest.raises(NotComputableError, match="15%"):
        town(streets=path, buildings=None, land_use=None, water=None, trees=None, rail=None)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_a_mapped_cover_is_kept_where_it_is_known(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 9, (100, 100)).astype(np.uint8)
    codes[0, 0] = 1
    cover = land_cover(Raster(codes, (2.0, 0.0, 0.0, 0.0, -2.0, 200.0), CRS), GRID, None, None)
    assert (cover[codes > 0] == codes[codes > 0]).all()
    assert cover.min() >= 1


def test_planned_buildings_stand_on_a_mapped_cover():
    flat = Raster(np.full((100, 100), Cover.GRASS, dtype=np.uint8), (2.0, 0.0, 0.0, 0.0, -2.0, 200.0), CRS)
    built = table([shapely.box(0, 0, 20, 20), shapely.box(100, 100, 120, 120)], edit=["", "e1"])
    programme = table([shapely.box(50, 50, 60, 60), EXTENT], kind=["new building", "by zone"])
    cover = land_cover(flat, GRID, built, programme)
    assert (cover == Cover.ROOF).sum() * GRID.cell_area == pytest.approx(500)
    assert at(cover, 10, 10) is Cover.GRASS  # the map knows today's buildings better


def test_foreign_codes_and_distant_maps_are_refused():
    far = Raster(np.full((5, 5), 6, dtype=np.uint8), (2.0, 0.0, 9000.0, 0.0, -2.0, 200.0), CRS)
    with pytest.raises(NotComputableError, match="overlaps"):
        land_cover(far, GRID, None, None)
    with pytest.raises(LayerError, match="42"):
        land_cover(Raster(np.full((5, 5), 42, dtype=np.uint8), far.transform, CRS), GRID, None, None)


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 1), st.integers(0, 2**31))
def test_heights_give_roofs_trees_and_the_assumed_paved_share(share, seed):
    rng = np.random.default_rng(seed)
    heights = np.where(rng.random((100, 100)) < 0.2, 9.0, 0.0).astype(np.float32)
    canopy = np.where(rng.random((100, 100)) < 0.1, 5.0, 0.0).astype(np.float32)
    place = (2.0, 0.0, 0.0, 0.0, -2.0, 200.0)
    cover = land_cover_from_heights(
        Raster(heights, place, CRS), Raster(canopy, place, CRS), None, GRID, None, 2.0, 2.0, share
    )
    assert ((cover == Cover.ROOF) == (heights > 2)).all()
    assert ((cover == Cover.TREES) == ((canopy > 2) & (heights <= 2))).all()
    ground = np.isin(cover, (Cover.PAVED, Cover.GRASS))
    assert (cover == Cover.PAVED).sum() == round(share * ground.sum())


@given(st.fixed_dictionaries({name: st.floats(0, 1) for name in SHARES}))
def test_impervious_share_is_that_of_the_class(shares):
    cover = np.array([[c for c in Cover if c is not Cover.UNKNOWN]], dtype=np.uint8)
    fraction = impervious_fraction(cover, **shares)
    assert fraction.dtype == np.float32
    assert ((fraction >= 0) & (fraction <= 1)).all()
    assert fraction[cover == Cover.ROOF] == pytest.approx(shares["impervious_roof"])
    assert fraction[cover == Cover.TREES] == pytest.approx(shares["impervious_green"])
    assert fraction[cover == Cover.WATER] == 1


def test_every_class_has_a_roughness_and_an_unknown_one_is_refused():
    assert set(MANNING) == set(Cover) - {Cover.UNKNOWN}
    cover = np.array([[c for c in Cover if c is not Cover.UNKNOWN]], dtype=np.uint8)
    assert manning_roughness(cover, 2.0) == pytest.approx(2 * manning_roughness(cover, 1.0))
    with pytest.raises(LayerError, match="classified"):
        manning_roughness(np.zeros((2, 2), dtype=np.uint8), 1.0)
    with pytest.raises(LayerError, match="classified"):
        impervious_fraction(np.zeros((2, 2), dtype=np.uint8), **SHARES)


def test_nothing_is_stored_before_an_edit():
    assert storage_depth(GRID).shape == GRID.shape
    assert not storage_depth(GRID).any()
