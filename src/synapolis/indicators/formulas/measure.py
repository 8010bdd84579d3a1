"""What the formulas share: how an indicator is declared, multipliers, shares, areas, and who lives near what."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover

HECTARE = 1e4  # m²
SQUARE_KILOMETRE = 1e6  # m²
KILOMETRE = 1e3  # m
MINUTE = 60.0  # s
PEOPLE = 100_000
"""Residents to which the standards relate counts and lengths."""
FEWEST_KNOWN = 0.5  # share of a stock that must be known before its indicator is told

indicator = partial(
    model,
    version="1",
    kind="indicator",
    decision="Comparing the city with others, and a plan with today, by a published indicator.",
    risks="Other cities compute it from other data: compare years and plans of one city rather than cities.",
)
"""Declare an indicator: `model` with what all of them say alike."""


def per_100_000(amount: float, population: float) -> float:
    """Relate an amount to 100 000 residents.

    Raises
    ------
    NotComputableError
        The city has no residents.
    """
    return PEOPLE * per_resident(amount, population)


def per_resident(amount: float, population: float) -> float:
    """Relate an amount to one resident.

    Raises
    ------
    NotComputableError
        The city has no residents.
    """
    if not population > 0:
        raise NotComputableError("needs residents; its zones have none")
    return float(amount / population)


def percent(part: float, whole: float, what: str) -> float:
    """Return a part as a percentage of the whole.

    Raises
    ------
    NotComputableError
        The whole is nothing; `what` names it.
    """
    if not whole > 0:
        raise NotComputableError(f"needs {what}; the city has none")
    return float(100 * part / whole)


def chosen(table: gpd.GeoDataFrame, column: str, values: Iterable[str], what: str) -> gpd.GeoDataFrame:
    """Rows of a layer whose column holds one of the values.

    Raises
    ------
    NotComputableError
        The layer has no such column, or no such row: what nobody mapped is not known to be absent.
    """
    if column not in table:
        raise NotComputableError(f"needs {what}; the layer has no column {column!r} that would tell")
    rows = table[table[column].isin(list(values)).to_numpy()]
    if rows.empty:
        raise NotComputableError(f"needs {what}; none is mapped")
    return rows


def joint_area(geometries: Any, extent: shapely.Polygon) -> float:
    """Area that geometries cover together inside the extent [m²]."""
    return float(shapely.area(shapely.union_all(shapely.intersection(np.asarray(geometries, dtype=object), extent))))


def land_area(extent: shapely.Polygon, water: gpd.GeoDataFrame | None) -> float:
    """Area of the extent without its water [m²]."""
    return float(extent.area) - (0.0 if water is None else joint_area(water.geometry, extent))


def land_cells(land_cover: NDArray[np.uint8], grid: Grid, extent: shapely.Polygon) -> NDArray[np.bool_]:
    """Cells inside the extent that are not water. (row, column).

    Raises
    ------
    NotComputableError
        There is none.
    """
    land = grid.mask([extent]) & ~np.isin(land_cover, (Cover.WATER, Cover.UNKNOWN))
    if not land.any():
        raise NotComputableError("needs land; every cell of the extent is water")
    return land


def percent_of_residents(points: pd.DataFrame, counted: NDArray[np.bool_]) -> float:
    """Percentage of residents who live at the points that count (point,).

    Raises
    ------
    NotComputableError
        There are no residents.
    """
    people = points["people"].to_numpy(dtype=np.float64)
    return percent(float(people[counted].sum()), float(people.sum()), "residents")


def within(points: pd.DataFrame, places: NDArray[np.float64], distance: float) -> NDArray[np.bool_]:
    """Which resident points lie within a straight distance [m] of any of the places (place, 2). (point,)."""
    if not len(places):
        return np.zeros(len(points), dtype=bool)
    away, _ = cKDTree(places).query(points[["x", "y"]].to_numpy(dtype=np.float64))
    return np.asarray(away <= distance)


def within_areas(points: pd.DataFrame, areas: NDArray[Any], distance: float) -> NDArray[np.bool_]:
    """Which resident points lie within a straight distance [m] of any of the areas. (point,)."""
    spots = shapely.points(points[["x", "y"]].to_numpy(dtype=np.float64))
    near, _ = shapely.STRtree(areas).query(spots, predicate="dwithin", distance=distance)
    found = np.zeros(len(points), dtype=bool)
    found[near] = True
    return found


def coordinates(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Coordinates of a layer of points. (point, 2) [m]."""
    return np.asarray(shapely.get_coordinates(table.geometry.to_numpy()))
