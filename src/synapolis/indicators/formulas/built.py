"""Density, floor area, homes and jobs; how old buildings are."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import (
    FEWEST_KNOWN,
    SQUARE_KILOMETRE,
    indicator,
    land_area,
    per_resident,
    percent,
)
from synapolis.layers.vocabulary import (
    BuildingHomes,
    BuildingPopulation,
    Buildings,
    BuiltUpDensity,
    Extent,
    FloorArea,
    Homes,
    Jobs,
    JobsPerHome,
    LivingSpacePerPerson,
    PersonsPerHome,
    Population,
    PopulationDensity,
    PublicBuildingsToRefurbish,
    ResidentsInDenseAreas,
    StructurallyVulnerableBuildings,
    Water,
    ZonePopulation,
    Zones,
)

TESTS = "tests/indicators/formulas/test_built.py"


@indicator(
    method="Residents over the extent without its water.",
    limits="The extent stands for the city area; unmapped water counts as land.",
    tests=TESTS,
    optional=("water",),
)
def population_density(population: Population, extent: Extent, water: Water) -> PopulationDensity:
    """Residents for each square kilometre of the city's land.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.5 (standard not read).
    """
    land = land_area(extent, water)
    if not land > 0:
        raise NotComputableError("needs land; the whole extent is water")
    return population / (land / SQUARE_KILOMETRE)


@indicator(
    method="Floor area above ground of all buildings over the extent.",
    limits="The extent stands for the city area. Storeys are estimated where not mapped. Refused where the buildings "
    "hold less than half of the residents.",
    tests=TESTS,
)
def built_up_density(
    floor_area: FloorArea, building_population: BuildingPopulation, population: Population, extent: Extent
) -> BuiltUpDensity:
    """Built floor area over city area.

    Raises
    ------
    NotComputableError
        The mapping of buildings is a patchwork: they hold less than half of the residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.7 (standard not read).
    """
    _check_mapped(building_population, population)
    return float(np.sum(floor_area)) / float(extent.area)


@indicator(
    method="Of residential buildings an assumed share of the floor area, of others the estimated homes at an assumed "
    "floor area, at most the building's; over residents.",
    limits="Gross floor area, walls and stairs included; vacant homes count. Refused where residents were not counted, "
    "for then they are estimated from floor area, or where the buildings hold less than half of them.",
    tests=TESTS,
    columns=("zones.population",),
)
def living_space_per_person(
    buildings: Buildings,
    floor_area: FloorArea,
    building_homes: BuildingHomes,
    building_population: BuildingPopulation,
    population: Population,
    residential_building_home_share: float,
    existing_home_floor_area: float,
) -> LivingSpacePerPerson:
    """Square metres of residential floor for each resident.

    Raises
    ------
    NotComputableError
        The mapping of buildings is a patchwork: they hold less than half of the residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 12.8 (standard not read).
    """
    _check_mapped(building_population, population)
    residential = (buildings["use"] == "residential").to_numpy()
    in_others = np.minimum(building_homes * existing_home_floor_area, floor_area)
    return per_resident(
        float(np.where(residential, floor_area * residential_building_home_share, in_others).sum()), population
    )


@indicator(
    method="Residents over dwellings, less the vacant ones where zones count them (`zones.vacant_homes`).",
    limits="Residents of institutions count as well. Refused where zones do not count both residents and dwellings: "
    "estimated, one follows from the other.",
    tests=TESTS,
    columns=("zones.population", "zones.homes"),
)
def persons_per_home(zones: Zones, population: Population, homes: Homes) -> PersonsPerHome:
    """Residents for each occupied dwelling.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 12.6 (standard not read).
    """
    vacant = float(zones["vacant_homes"].sum()) if "vacant_homes" in zones else 0.0
    if not homes - vacant > 0:
        raise NotComputableError("needs occupied dwellings; its zones have none")
    return population / (homes - vacant)


@indicator(
    method="Jobs over dwellings.",
    limits="Counts or estimates, as the city's data allow; jobs and homes outside the extent do not count.",
    tests=TESTS,
)
def jobs_per_home(jobs: Jobs, homes: Homes) -> JobsPerHome:
    """Jobs for each dwelling.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.3 (standard not read).
    """
    if not homes > 0:
        raise NotComputableError("needs dwellings; its zones have none")
    return jobs / homes


@indicator(
    method="Share of residents in zones with at least an assumed number of residents for each square kilometre.",
    limits="Depends on how zones are drawn: a dense block in a large zone is not seen.",
    tests=TESTS,
)
def residents_in_dense_areas(
    zones: Zones, zone_population: ZonePopulation, medium_density: float
) -> ResidentsInDenseAreas:
    """Share of residents who live in areas of medium to high density.

    Parameters
    ----------
    medium_density : 1/km²

    References
    ----------
    Definition as summarised publicly for ISO 37122:2019, 21.4 (standard not read).
    """
    density = zone_population / (shapely.area(zones.geometry.to_numpy()) / SQUARE_KILOMETRE)
    return percent(float(zone_population[density >= medium_density].sum()), float(np.sum(zone_population)), "residents")


@indicator(
    method="Buildings completed before an assumed year, among those whose year is known.",
    limits="Age stands for the building code of its time: no structure was inspected, and strengthening is not known.",
    tests=TESTS,
)
def structurally_vulnerable_buildings(
    buildings: Buildings, vulnerable_before_year: float
) -> StructurallyVulnerableBuildings:
    """Share of buildings that are structurally vulnerable to hazards, by their age.

    Raises
    ------
    NotComputableError
        Fewer than half of the buildings have a known year.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 12.2 (standard not read).
    """
    return _percent_before(buildings, np.ones(len(buildings)), vulnerable_before_year, "buildings")


@indicator(
    method="Floor area of public buildings completed before an assumed year, over that of those whose year is known.",
    limits="Age stands for condition: renovations are not known.",
    tests=TESTS,
)
def public_buildings_to_refurbish(
    buildings: Buildings, floor_area: FloorArea, refurbish_before_year: float
) -> PublicBuildingsToRefurbish:
    """Share of public-building floor area that needs renovation, by its age.

    Raises
    ------
    NotComputableError
        Less than half of the public floor area has a known year.

    References
    ----------
    Definition as summarised publicly for ISO 37122:2019, 7.8 (standard not read).
    """
    public = np.where((buildings["use"] == "public").to_numpy(), floor_area, 0.0)
    return _percent_before(buildings, public, refurbish_before_year, "public buildings")


def _check_mapped(building_population: NDArray[np.float64], population: float) -> None:
    """Refuse to conclude from buildings that hold less than half of the residents."""
    held = float(np.sum(building_population))
    if not held > 0 or held < FEWEST_KNOWN * population:
        share = held / population if population > 0 else 0.0
        raise NotComputableError(
            f"needs buildings mapped throughout; those that are hold {share:.0%} of the residents, by estimate"
        )


def _percent_before(buildings: gpd.GeoDataFrame, weight: NDArray[np.float64], year: float, what: str) -> float:
    """Percentage of the weight of buildings with a known year that is older than a year."""
    built = buildings["start_year"].to_numpy(dtype=np.float64)
    known = np.isfinite(built)
    stock, told = float(weight.sum()), float(weight[known].sum())
    if not stock > 0 or told < FEWEST_KNOWN * stock:
        share = told / stock if stock > 0 else 0.0
        raise NotComputableError(f"needs the year of completion of {what}; it is known for {share:.0%} of them")
    return percent(float(weight[known & (built < year)].sum()), told, what)
