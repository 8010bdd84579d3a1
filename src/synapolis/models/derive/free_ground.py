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


@model(
    version="1",
    decision="Where new homes could be built; an upper bound, before owners, soil, heritage and rules are asked.",
    method="Paved yards, car parks and bare ground inside the extent, at least the wall distance from every "
    "building; never water, street, path, rail, square, green, pitch, school yard or cemetery.",
    limits="Knows no parcels, owners, ground conditions, underground structures or protection. Unmapped squares and "
    "playgrounds look free.",
    risks="A court that people use is shown as a building site: look at each site before naming it.",
    tests="tests/models/test_derive_free_ground.py",
    optional=("land_use", "water", "rail"),
)
def free_ground(
    land_cover: LandCover,
    grid: GridWord,
    extent: Extent,
    buildings: Buildings,
    streets: Streets,
    land_use: LandUse,
    water: Water,
    rail: Rail,
    wall_distance: float,
) -> FreeGround:
    """Find ground on which a building could stand without displacing a street, green, water, rail or square.

    Parameters
    ----------
    land_cover : (row, column)
    grid : Grid
    extent : Polygon
    buildings, streets : GeoDataFrame
    land_use, water, rail : GeoDataFrame or None
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
    free = np.isin(land_cover, BUILDABLE_COVER) & grid.mask(extent.buffer(-wall_distance))
    free &= ~grid.mask(
        shapely.buffer(built_areas(buildings, land_use), wall_distance, join_style="mitre", mitre_limit=2)
    )
    free &= ~grid.mask(streets.geometry.to_numpy(), all_touched=True)
    if land_use is not None:
        free &= ~grid.mask(land_use.geometry.to_numpy()[land_use["use"].isin(KEPT_USES).to_numpy()], all_touched=True)
    if water is not None:
        free &= ~grid.mask(water.geometry.to_numpy(), all_touched=True)
    if rail is not None:
        free &= ~_near_rail(rail, grid)
    return free


def _near_rail(rail: gpd.GeoDataFrame, grid: Grid) -> NDArray[np.bool_]:
    """Cells within the clearance of a track; subways run below the ground."""
    surface = rail.geometry.to_numpy()[(rail["kind"] != "subway").to_numpy()]
    return grid.mask(shapely.buffer(surface, RAIL_CLEARANCE), all_touched=True)
