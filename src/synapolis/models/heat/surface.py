"""What stands on the ground, cell by cell: buildings and trees, as they are and as edits leave them."""

from __future__ import annotations

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import LayerError, NotComputableError, ScenarioError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.grid import Raster
from synapolis.layers.land_cover import BUILT, Cover
from synapolis.layers.vocabulary import (
    BuildingHeight,
    Buildings,
    BuiltHeight,
    Canopy,
    EditArea,
    EditId,
    EditSpacing,
    EditTreeHeight,
    Grid,
    GroundWorks,
    Heights,
    LandCover,
    TreeHeight,
    Trees,
)

SMALLEST_COVER = 0.5  # share of the grid that a raster of heights must cover
TALLEST = {"heights": 900.0, "canopy": 130.0}  # m: above it the raster is not a height above ground, or in feet
NOT_PLANTABLE = (Cover.WATER, Cover.ROOF, Cover.GREEN_ROOF, Cover.RAIL)


class TreesPlanted(NamedTuple):
    """Canopy after an edit, and how many trees it planted."""

    tree_height: TreeHeight
    ground_works: GroundWorks


@model(
    version="1",
    decision="Shade, sky view and heat.",
    method="The raster of building heights on the grid, above the height that counts as a roof; buildings "
    "that an edit made or raised are drawn over it.",
    limits="Flat roofs; walls are vertical at cell borders. Where the raster has no value nothing stands.",
    risks="A building missing in the raster throws no shade.",
    tests="tests/models/heat/test_surface.py",
    optional=("buildings", "building_height"),
)
def built_height(
    heights: Heights, grid: Grid, buildings: Buildings, building_height: BuildingHeight, roof_height: float
) -> BuiltHeight:
    """Bring a raster of building heights to the grid, with what edits build.

    Returns
    -------
    (row, column) [m above ground], never negative

    Raises
    ------
    LayerError
        A height no building has: the raster may hold elevations, or feet.
    NotComputableError
        The raster covers less than half of the grid.

    References
    ----------
    None: resampling by area average.
    """
    delivered = _heights_on_grid(heights, grid, "heights")
    stands = np.where(delivered > roof_height, delivered, np.float32(0))
    if buildings is None or building_height is None:
        return stands
    raised = buildings["levels_added"].fillna(0) > 0 if "levels_added" in buildings else False
    new = ((buildings["edit"].fillna("") != "") | raised).to_numpy()
    return np.maximum(stands, _drawn(buildings[new], np.asarray(building_height)[new], grid))


@model(
    version="1",
    decision="Shade, sky view and heat, where no raster of building heights exists.",
    method="Each building's height in the cells whose centre it holds; where several overlap the highest stands.",
    limits="Flat roofs; walls are vertical at cell borders; buildings smaller than a cell may be lost.",
    risks="Heights estimated from storeys move shadows by metres.",
    tests="tests/models/heat/test_surface.py",
    rank=1,
)
def built_height_from_buildings(buildings: Buildings, building_height: BuildingHeight, grid: Grid) -> BuiltHeight:
    """Draw the height of buildings on the grid.

    Returns
    -------
    (row, column) [m above ground], never negative

    References
    ----------
    None: drawing of outlines.
    """
    return _drawn(buildings, np.asarray(building_height), grid)


@model(
    version="1",
    decision="Shade, sky view and heat.",
    method="The raster of canopy heights on the grid; where there is none, mapped trees as crowns of a usual height; "
    "and land covered with trees but without canopy height as grown woodland.",
    limits="Trees count as grown and in leaf. Canopy over a building counts only where it rises above the roof. Where "
    "a raster shows canopy, no edit of the ground takes it away.",
    risks="Newly planted trees give this shade only after decades.",
    tests="tests/models/heat/test_surface.py",
    optional=("canopy", "trees"),
)
def tree_height(
    land_cover: LandCover,
    canopy: Canopy,
    trees: Trees,
    grid: Grid,
    canopy_height: float,
    woodland_height: float,
    street_tree_height: float,
    tree_crown_radius: float,
) -> TreeHeight:
    """Find the height of the tree canopy over each cell.

    Returns
    -------
    (row, column) [m above ground], 0 without trees

    Raises
    ------
    LayerError
        A height no tree has: the raster may hold elevations, or feet.

    References
    ----------
    None: thresholds and usual heights are assumptions.
    """
    grown = np.zeros(grid.shape, dtype=np.float32)
    if canopy is not None:
        delivered = _heights_on_grid(canopy, grid, "canopy")
        grown = np.where(delivered > canopy_height, delivered, np.float32(0))
    elif trees is not None and len(trees):
        crowns = grid.mask(shapely.buffer(trees.geometry.to_numpy(), tree_crown_radius, quad_segs=2))
        grown[crowns] = street_tree_height
    bare = (land_cover == Cover.TREES) & (grown <= 0)
    return np.where(bare, np.float32(woodland_height), grown).astype(np.float32)


@model(
    version="1",
    decision="What planted trees do to shade and heat.",
    method="Trees at even spacing over the area, none on roofs, water or tracks or beside a wall; each a crown of "
    "usual radius at its grown height.",
    limits="Pipes, cables, crossings and sight lines are not looked at; the ground under the trees stays as it was, so "
    "runoff does not change. Trees count as grown.",
    risks="The shade is that of decades from now.",
    tests="tests/models/heat/test_surface.py",
)
def plant_trees(
    tree_height: TreeHeight,
    ground_works: GroundWorks,
    land_cover: LandCover,
    grid: Grid,
    edit_id: EditId,
    edit_area: EditArea,
    edit_spacing: EditSpacing,
    edit_tree_height: EditTreeHeight,
    street_tree_crown: float,
) -> TreesPlanted:
    """Plant trees at an even spacing in an area.

    Raises
    ------
    ScenarioError
        An area outside the city or without ground where a tree could stand.

    References
    ----------
    A definition of this project.
    """
    plantable = ~np.isin(land_cover, NOT_PLANTABLE)
    stems = _stems(edit_area, grid, plantable & (tree_height <= 0), edit_spacing)
    if not len(stems):
        raise ScenarioError(
            "the area has no ground where a tree could stand: it is built, water, rail, under trees already, or "
            "outside the city; choose another area or a smaller spacing"
        )
    crowns = grid.mask(shapely.buffer(stems, street_tree_crown, quad_segs=4), all_touched=grid.cell_size > 4)
    roofs = np.isin(land_cover, BUILT)
    grown = np.where(crowns & ~roofs, np.maximum(tree_height, np.float32(edit_tree_height)), tree_height)
    row = pd.DataFrame([(edit_id, "street_trees", float(len(stems)), "tree")], columns=list(ground_works.columns))
    works = row if ground_works.empty else pd.concat([ground_works, row], ignore_index=True)
    return TreesPlanted(grown.astype(np.float32), works)


def _stems(area: Any, grid: GridValue, free: NDArray[np.bool_], spacing: float) -> NDArray[Any]:
    """Points of a square lattice in the area, at each the nearest free cell of its square; each cell once."""
    inside = grid.mask(area, all_touched=True) & free if area is not None else np.zeros(grid.shape, dtype=bool)
    rows, columns = np.nonzero(inside)
    x, y = grid.centres()
    square = np.stack([np.floor(x[columns] / spacing), np.floor(y[rows] / spacing)], axis=1)
    away = np.hypot(x[columns] - (square[:, 0] + 0.5) * spacing, y[rows] - (square[:, 1] + 0.5) * spacing)
    order = np.lexsort((columns, rows, away))
    _, first = np.unique(square[order], axis=0, return_index=True)
    chosen = order[np.sort(first)]
    return np.asarray(shapely.points(x[columns[chosen]], y[rows[chosen]]))


def _heights_on_grid(raster: Raster, grid: GridValue, name: str) -> NDArray[np.float32]:
    """Heights above ground on the grid; nothing stands where the raster has no value."""
    delivered = raster.on_grid(grid).astype(np.float32)
    known = np.isfinite(delivered)
    if known.mean() < SMALLEST_COVER:
        raise NotComputableError(
            f"heat needs {name} over at least half of the city's grid; the raster covers {known.mean():.0%}"
        )
    heights = np.maximum(np.where(known, delivered, 0), 0).astype(np.float32)
    if float(heights.max()) > TALLEST[name]:
        raise LayerError(
            f"{name} must be metres above ground, at most {TALLEST[name]:g}, got {heights.max():.0f}; it may hold "
            "elevations above the sea, or feet: give heights above ground in metres"
        )
    return heights


def _drawn(buildings: gpd.GeoDataFrame, height: NDArray[np.float64], grid: GridValue) -> NDArray[np.float32]:
    """Heights of buildings on the grid, the lowest drawn first."""
    known = np.nan_to_num(height, nan=0.0)
    order = np.argsort(known, kind="stable")
    drawn = grid.burn(buildings.geometry.to_numpy()[order], known[order])
    return np.asarray(drawn, dtype=np.float32)
