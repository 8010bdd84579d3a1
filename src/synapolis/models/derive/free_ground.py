"""Ground on which a building could stand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.layers.vocabulary import (
    Buildings,
    Extent,
    FreeGround,
    KeptGround,
    LandCover,
    LandUse,
    Rail,
    Streets,
    Water,
)
from synapolis.layers.vocabulary import Grid as GridWord
from synapolis.models.derive.buildings import check_built_up
from synapolis.models.derive.cover import built_areas

BUILDABLE_COVER = (Cover.PAVED, Cover.BARE)
KEPT_USES = (
    *(
        "square",
        "pedestrian",
        "plaza",
        "marketplace",
        "platform",
        "pier",
        "steps",
        "footway",
        "cycleway",
        "road",
        "lane",
    ),
    *("park", "garden", "pitch", "playground", "track", "cemetery", "grave_yard", "recreation_ground", "village_green"),
    *("forest", "wood", "scrub", "heath", "wetland", "beach", "nature_reserve", "dog_park", "allotments"),
    *("railway", "school", "kindergarten", "bus_station", "basin", "reservoir"),
)
"""Mapped uses on which no home is placed, whatever covers the ground. Car parks and building land are not among "
"them."""
RAIL_CLEARANCE = 6.0  # m from the axis of a track at ground level: assumed


TESTS = "tests/models/test_derive_free_ground.py"


@model(
    version="1",
    decision="Where new homes could be built: what is left to streets, water, rail and green.",
    method="Cells that a street, path, water, mapped square, green, pitch, school yard or cemetery touches, or that "
    "lie within a clearance of a track at ground level.",
    limits="Unmapped squares and playgrounds are not known.",
    risks="As free_ground.",
    tests=TESTS,
    optional=("land_use", "water", "rail"),
)
def kept_ground(grid: GridWord, streets: Streets, land_use: LandUse, water: Water, rail: Rail) -> KeptGround:
    """Find ground that keeps its use, whatever is built.

    Parameters
    ----------
    grid : Grid
    streets : GeoDataFrame
    land_use, water, rail : GeoDataFrame or None

    Returns
    -------
    (row, column)

    References
    ----------
    None: exclusion rules of this project.
    """
    kept = grid.mask(streets.geometry.to_numpy(), all_touched=True)
    if land_use is not None:
        kept |= grid.mask(land_use.geometry.to_numpy()[land_use["use"].isin(KEPT_USES).to_numpy()], all_touched=True)
    if water is not None:
        kept |= grid.mask(water.geometry.to_numpy(), all_touched=True)
    if rail is not None:
        kept |= _near_rail(rail, grid)
    return kept


@model(
    version="2",
    decision="Where new homes could be built; an upper bound, before owners, soil, heritage and rules are asked.",
    method="Paved yards, car parks and bare ground inside the extent, at least the wall distance from every "
    "building; never water, street, path, rail, square, green, pitch, school yard or cemetery.",
    limits="Knows no parcels, owners, ground conditions, underground structures or protection. Unmapped squares and "
    "playgrounds look free.",
    risks="A court that people use is shown as a building site: look at each site before naming it.",
    tests=TESTS,
    optional=("land_use",),
)
def free_ground(
    land_cover: LandCover,
    kept_ground: KeptGround,
    grid: GridWord,
    extent: Extent,
    buildings: Buildings,
    streets: Streets,
    land_use: LandUse,
    wall_distance: float,
) -> FreeGround:
    """Find ground on which a building could stand without displacing a street, green, water, rail or square.

    Parameters
    ----------
    land_cover, kept_ground : (row, column)
    grid : Grid
    extent : Polygon
    buildings, streets : GeoDataFrame
    land_use : GeoDataFrame or None
    wall_distance : m

    Returns
    -------
    (row, column), true where a cell's centre is free

    Raises
    ------
    NotComputableError
        Fewer than half of the streets have a mapped building beside them: what looks free may be built on.

    References
    ----------
    None: exclusion rules of this project; the wall distance is an assumption.
    """
    check_built_up(buildings, streets, "free_ground")
    walls = shapely.buffer(built_areas(buildings, land_use), wall_distance, join_style="mitre", mitre_limit=2)
    inside = grid.mask(extent.buffer(-wall_distance))
    return np.isin(land_cover, BUILDABLE_COVER) & ~kept_ground & inside & ~grid.mask(walls)


def _near_rail(rail: gpd.GeoDataFrame, grid: Grid) -> NDArray[np.bool_]:
    """Cells within the clearance of a track; subways run below the ground."""
    surface = rail.geometry.to_numpy()[(rail["kind"] != "subway").to_numpy()]
    return grid.mask(shapely.buffer(surface, RAIL_CLEARANCE), all_touched=True)
