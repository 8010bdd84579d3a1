"""Where residents live, as points with people: what every "residents within" indicator counts."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.indicators.formulas.measure import FEWEST_KNOWN
from synapolis.layers.vocabulary import BuildingPopulation, Buildings, ResidentPoints, ZonePopulation, Zones

SPACING = 100.0  # m, of the points over which people of a zone without buildings are spread
TESTS = "tests/indicators/formulas/test_residents.py"
DECISION = "Counting the residents who live near something."


@model(
    version="1",
    decision=DECISION,
    method="Estimated residents of each building at a point inside it, scaled so that every zone has its counted "
    "residents; people of a zone whose mapped buildings would hold less than half of them are spread over it.",
    limits="Inside a zone people are where floor area is; vacant homes count like others.",
    risks="Single buildings may be wrong by all of their people: use shares of the city.",
    tests=TESTS,
)
def resident_points(
    zones: Zones, zone_population: ZonePopulation, buildings: Buildings, building_population: BuildingPopulation
) -> ResidentPoints:
    """Place the residents of each zone in its buildings.

    Returns
    -------
    DataFrame with x, y [m] and people [1]; they sum to those of `zone_population`

    References
    ----------
    Eicher, C. L., and Brewer, C. A. (2001). Dasymetric mapping and areal interpolation. Cartography and Geographic
    Information Science, 28(2).
    """
    inner = shapely.point_on_surface(buildings.geometry.to_numpy())
    zone = _nearest(zones, inner)
    estimated = np.nan_to_num(np.asarray(building_population, dtype=np.float64))
    held = np.bincount(zone, weights=estimated, minlength=len(zones)) if len(zone) else np.zeros(len(zones))
    mapped = (held > 0) & (held >= FEWEST_KNOWN * zone_population)
    share = np.divide(estimated, held[zone], out=np.zeros(len(zone)), where=mapped[zone])
    people = share * zone_population[zone]
    xy = shapely.get_coordinates(inner)
    housed = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "people": people})[people > 0]
    return _joined(housed, _spread(zones, np.where(mapped, 0.0, zone_population)))


@model(
    version="1",
    decision=DECISION,
    method="The residents of each zone, spread evenly over points at most 100 m apart inside it.",
    limits="People are spread over parks and water of the zone as well.",
    risks="In large zones people far from a stop are shown beside it, and the other way round.",
    tests=TESTS,
    rank=1,
)
def resident_points_from_zones(zones: Zones, zone_population: ZonePopulation) -> ResidentPoints:
    """Spread the residents of each zone over it.

    Returns
    -------
    DataFrame with x, y [m] and people [1]; they sum to those of `zone_population`

    References
    ----------
    Areal weighting: Goodchild, M. F., and Lam, N. S. (1980). Areal interpolation. Geo-Processing, 1.
    """
    return _spread(zones, zone_population)


def _joined(*parts: pd.DataFrame) -> pd.DataFrame:
    filled = [part for part in parts if len(part)] or [parts[0]]
    return pd.concat(filled, ignore_index=True)


def _nearest(zones: gpd.GeoDataFrame, points: NDArray[Any]) -> NDArray[np.intp]:
    """Row of the zone that holds each point, or of the nearest; the first where several do. (point,)."""
    which, zone = shapely.STRtree(zones.geometry.to_numpy()).query_nearest(points, all_matches=True)
    first = pd.Series(zone).groupby(which).min()
    return np.asarray(first.reindex(np.arange(len(points))), dtype=np.intp)


def _spread(zones: gpd.GeoDataFrame, people: NDArray[np.float64]) -> pd.DataFrame:
    """Points of a lattice inside each zone that has people, with an equal part of them."""
    places: list[NDArray[np.float64]] = []
    parts: list[float] = []
    for shape, residents in zip(zones.geometry.to_numpy(), people, strict=True):
        if residents > 0:
            inside = _lattice(shape)
            places.append(inside)
            parts += [residents / len(inside)] * len(inside)
    xy = np.concatenate(places) if places else np.zeros((0, 2))
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "people": np.asarray(parts, dtype=np.float64)})


def _lattice(shape: Any) -> NDArray[np.float64]:
    """Middles of the parts, at most 100 m wide, of a shape's box that lie in the shape; else an inner point."""
    left, bottom, right, top = shape.bounds
    across, up = (max(1, int(np.ceil(length / SPACING - 1e-9))) for length in (right - left, top - bottom))
    x = left + (np.arange(across) + 0.5) * (right - left) / across
    y = bottom + (np.arange(up) + 0.5) * (top - bottom) / up
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    inside = shapely.contains_xy(shape, xy)
    return np.asarray(xy[inside] if inside.any() else shapely.get_coordinates(shapely.point_on_surface(shape)))
