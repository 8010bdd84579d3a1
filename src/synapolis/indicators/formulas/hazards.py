"""Who and what the design storm's surface water reaches."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import indicator, percent
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.vocabulary import (
    BuildingHomes,
    BuildingPopulation,
    Buildings,
    CriticalInfrastructureFlooded,
    Extent,
    FloodDepth,
    FloodedBuildings,
    Grid,
    GroundElevation,
    HazardMapCoverage,
    HomesFloodedPerYear,
    HomesInHighRiskZones,
    PointsOfInterest,
    ResidentsAffectedByHazards,
    ResidentsAtHighRisk,
    RiskReducedLandShare,
    StorageDepth,
)

TESTS = "tests/indicators/formulas/test_hazards.py"
LIMITS = (
    "Surface water of the design storm is the only hazard that is read; what no model covers (sea, rivers, "
    "earthquakes, fire) is not in it. On interpolated terrain the depths are illustrative."
)
PER_YEAR = " Storms less rare than the design storm flood too, so it is a lower bound."
CRITICAL_KINDS = ("health", "public")
CRITICAL_TYPES = (
    "hospital",
    "clinic",
    "fire_station",
    "ambulance_station",
    "police",
    "townhall",
    "nursing_home",
    "prison",
)
EIGHT = np.ones((3, 3), dtype=bool)


@indicator(
    method="Homes in buildings that the design storm's water reaches, over all homes, over the storm's return period.",
    limits=LIMITS + PER_YEAR,
    tests=TESTS,
)
def homes_flooded_per_year(
    flooded_buildings: FloodedBuildings, building_homes: BuildingHomes, storm_return_period: float
) -> HomesFloodedPerYear:
    """Share of residential properties flooded in an average year.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 12.5 (standard not read).
    """
    flooded = float(building_homes[flooded_buildings].sum())
    return percent(flooded, float(np.sum(building_homes)), "buildings with homes") / storm_return_period


@indicator(
    method="Homes in buildings at whose walls the design storm's water stands deeper than an assumed depth, over all "
    "homes.",
    limits=LIMITS,
    tests=TESTS,
)
def homes_in_high_risk_zones(
    flood_depth: FloodDepth, buildings: Buildings, building_homes: BuildingHomes, grid: Grid, high_risk_depth: float
) -> HomesInHighRiskZones:
    """Share of residential properties in zones of high risk.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 12.6 (standard not read).
    """
    deep = _deepest_at_walls(flood_depth, buildings, grid) > high_risk_depth
    return percent(float(building_homes[deep].sum()), float(np.sum(building_homes)), "buildings with homes")


@indicator(
    method="Residents of buildings at whose walls the design storm's water stands deeper than an assumed depth, over "
    "the residents of all buildings.",
    limits=LIMITS,
    tests=TESTS,
)
def residents_at_high_risk(
    flood_depth: FloodDepth,
    buildings: Buildings,
    building_population: BuildingPopulation,
    grid: Grid,
    high_risk_depth: float,
) -> ResidentsAtHighRisk:
    """Share of residents in zones of high risk from natural hazards.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 13.3 (standard not read).
    """
    deep = _deepest_at_walls(flood_depth, buildings, grid) > high_risk_depth
    return percent(float(building_population[deep].sum()), float(np.sum(building_population)), "residents in buildings")


@indicator(
    method="Residents of buildings that the design storm's water reaches, over all, over the storm's return period.",
    limits=LIMITS + PER_YEAR,
    tests=TESTS,
)
def residents_affected_by_hazards(
    flooded_buildings: FloodedBuildings, building_population: BuildingPopulation, storm_return_period: float
) -> ResidentsAffectedByHazards:
    """Share of residents whom natural hazards reach at home in an average year.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 13.5 (standard not read).
    """
    reached = float(building_population[flooded_buildings].sum())
    return percent(reached, float(np.sum(building_population)), "residents in buildings") / storm_return_period


@indicator(
    method="Health-care and public sites inside buildings that the design storm's water reaches, over those inside any "
    "building, over the storm's return period.",
    limits=LIMITS + PER_YEAR + " Power, water and telecommunication sites are not known.",
    tests=TESTS,
)
def critical_infrastructure_flooded(
    flooded_buildings: FloodedBuildings,
    buildings: Buildings,
    points_of_interest: PointsOfInterest,
    storm_return_period: float,
) -> CriticalInfrastructureFlooded:
    """Share of critical infrastructure flooded in an average year.

    Hospitals, clinics, fire and ambulance stations, police and town halls where the data tell them; else all
    health-care and public sites.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 21.5 (standard not read).
    """
    critical = points_of_interest[points_of_interest["kind"].isin(CRITICAL_KINDS).to_numpy()]
    if "type" in critical and (critical["type"] != "").any():
        critical = critical[critical["type"].isin(CRITICAL_TYPES).to_numpy()]
    site, building = shapely.STRtree(buildings.geometry.to_numpy()).query(
        critical.geometry.to_numpy(), predicate="intersects"
    )
    reached = np.unique(site[flooded_buildings[building]])
    sites = float(len(np.unique(site)))
    return percent(float(len(reached)), sites, "health-care or public sites in buildings") / storm_return_period


@indicator(
    method="Cells of the extent whose ground elevation is known, for which the twin maps surface water, over all.",
    limits="The twin's own flood map stands for public hazard maps: whether and where the city publishes it is not "
    "known.",
    tests=TESTS,
)
def hazard_map_coverage(
    flood_depth: FloodDepth, ground_elevation: GroundElevation, grid: Grid, extent: Extent
) -> HazardMapCoverage:
    """Share of the city area that the twin's hazard map covers.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 21.1 (standard not read).
    """
    inside = grid.mask([extent])
    mapped = np.isfinite(ground_elevation) & np.isfinite(flood_depth) & inside
    return percent(float(mapped.sum()), float(inside.sum()), "an extent on its grid")


@indicator(
    method="Cells deeper under the design storm's water than an assumed depth that have built storage, over all such "
    "cells.",
    limits=LIMITS + " Storage is the only measure that is read; it may lie upstream of the land that it protects.",
    tests=TESTS,
)
def risk_reduced_land_share(
    flood_depth: FloodDepth, storage_depth: StorageDepth, high_risk_depth: float
) -> RiskReducedLandShare:
    """Share of high-risk land on which measures reduce the risk.

    Raises
    ------
    NotComputableError
        No built storage is known, or no land is at high risk.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 21.3 (standard not read).
    """
    if not (storage_depth > 0).any():
        raise NotComputableError("needs built storage for rain; none is known")
    deep = flood_depth > high_risk_depth
    return percent(float((deep & (storage_depth > 0)).sum()), float(deep.sum()), "land at high risk")


def _deepest_at_walls(
    flood_depth: NDArray[np.float32], buildings: gpd.GeoDataFrame, grid: GridValue
) -> NDArray[np.float64]:
    """Deepest water in the cells that touch each building. (building,) [m]."""
    numbers = np.arange(1, len(buildings) + 1)
    labels = grid.burn(buildings.geometry, numbers, dtype="int32")
    beside = ndimage.maximum_filter(np.where(labels > 0, 0, flood_depth), footprint=EIGHT, mode="constant")
    return np.asarray(ndimage.maximum(beside, labels, numbers), dtype=np.float64)
