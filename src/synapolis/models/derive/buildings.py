"""What is in a building: storeys, floor area, homes, people and jobs, mapped where mapped and estimated where not."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    BuildingHeight,
    BuildingHomes,
    BuildingJobs,
    BuildingLevels,
    BuildingPopulation,
    Buildings,
    FloorArea,
    LandUse,
    PointsOfInterest,
)

LEAST_BUILT_UP = 0.5  # share of streets with a building beside them below which the mapping of buildings is a patchwork
BESIDE_A_STREET = 30.0  # m
CITY_STREETS = ("residential", "living_street", "unclassified", "tertiary", "secondary", "primary", "pedestrian")
FEWEST_OF_A_USE = 5  # mapped storeys of one use needed before their median speaks for the others
SMALL_FOOTPRINT = 40.0  # m²: kiosks, sheds and stairs have one storey unless mapped otherwise
SERVICE_KINDS = ("shop", "food", "office", "health", "culture", "public", "other", "kindergarten")
_WORK_LAND = (
    "commercial retail industrial civil institutional education university college school hospital military railway "
    "religious construction harbour port government depot garages"
)
WORK_LAND = frozenset(_WORK_LAND.split())
"""Mapped uses of land on which few people live."""
WORK_USES = ("office", "retail", "public", "industrial", "unknown")


@model(
    version="1",
    decision="Floor area, and with it people, jobs, energy and massing.",
    method="Mapped storeys; else height over storey height; else the median of mapped buildings of the same use (at "
    "least 5), of all, or an assumed number; small unmapped buildings have one storey.",
    limits="In central Helsinki one building in three has mapped storeys; a median hides towers and courtyard wings.",
    risks="Floor area, people and jobs follow; a district of unmapped towers looks empty.",
    tests="tests/models/test_derive_buildings.py",
)
def building_levels(buildings: Buildings, storey_height: float, assumed_levels: float) -> BuildingLevels:
    """Count storeys above ground, mapped or estimated; never below 1.

    Parameters
    ----------
    buildings : GeoDataFrame with use, levels, height, edit
        Buildings made by an edit do not enter the medians, so an edit never changes its neighbours.
    storey_height : m
    assumed_levels : used where no building of the city tells

    Returns
    -------
    (building,) [1]

    References
    ----------
    OpenStreetMap key building:levels; storey height after the UrbanSim pro forma defaults (UDST).
    """
    levels = buildings["levels"].to_numpy(dtype=np.float64).copy()
    height = buildings["height"].to_numpy(dtype=np.float64)
    known = np.where(np.isnan(levels), np.round(height / storey_height), levels)
    usual = _usual_levels(buildings, known, assumed_levels)
    small = shapely.area(buildings.geometry.to_numpy()) < SMALL_FOOTPRINT
    estimated = np.where(small | (buildings["use"] == "utility").to_numpy(), 1.0, usual)
    return np.maximum(1.0, np.where(np.isnan(known), estimated, known))


@model(
    version="1",
    decision="Shade, wind, views and massing.",
    method="Mapped height; else storeys times the storey height.",
    limits="Roofs, plinths and tall ground floors are not added where only storeys are known.",
    risks="Old buildings with high storeys are drawn too low.",
    tests="tests/models/test_derive_buildings.py",
)
def building_height(buildings: Buildings, building_levels: BuildingLevels, storey_height: float) -> BuildingHeight:
    """Give each building a height above ground, mapped or estimated.

    Returns
    -------
    (building,) [m]

    References
    ----------
    OpenStreetMap key height; storey height after the UrbanSim pro forma defaults (UDST).
    """
    mapped = buildings["height"].to_numpy(dtype=np.float64)
    return np.where(np.isnan(mapped), building_levels * storey_height, mapped)


@model(
    version="1",
    decision="People, jobs, energy and massing.",
    method="Footprint times storeys.",
    limits="Setbacks, atria and cellars are not known.",
    risks="Overstates stepped and hollow buildings.",
    tests="tests/models/test_derive_buildings.py",
)
def floor_area(buildings: Buildings, building_levels: BuildingLevels) -> FloorArea:
    """Multiply footprint by storeys.

    Returns
    -------
    (building,) [m²]

    References
    ----------
    None: a definition.
    """
    return np.asarray(shapely.area(buildings.geometry.to_numpy()) * building_levels, dtype=np.float64)


@model(
    version="1",
    decision="Residents by place, where nobody counted them.",
    method="Mapped homes; else the residential part of the floor area over the gross area of a dwelling. Of "
    "buildings of unknown use a share is homes: large on land mapped as residential, tiny on land mapped for work. "
    "Buildings with shops or services give up part of the ground floor.",
    limits="The shares are calibrated on one city centre (Helsinki: within a tenth of the count in sum, correlation "
    "0.8 over 250 m cells); single buildings may be wrong by all of their homes.",
    risks="Offices are shown as lived in and flats as empty; use sums over districts only.",
    tests="tests/models/test_derive_buildings.py",
    optional=("land_use", "points_of_interest"),
)
def building_homes(
    buildings: Buildings,
    floor_area: FloorArea,
    land_use: LandUse,
    points_of_interest: PointsOfInterest,
    existing_home_floor_area: float,
    residential_building_home_share: float,
    residential_land_home_share: float,
    work_land_home_share: float,
    unmapped_land_home_share: float,
    ground_floor_retail_share: float,
) -> BuildingHomes:
    """Count dwellings, mapped or estimated from floor area.

    Returns
    -------
    (building,) [1], not rounded: an expected number

    References
    ----------
    Method of this project, calibrated on the 250 m population grid of HSY Helsinki (2020).
    """
    share = np.where(
        (buildings["use"] == "residential").to_numpy(),
        residential_building_home_share,
        np.where(
            (buildings["use"] == "unknown").to_numpy(),
            _share_by_land(
                buildings,
                land_use,
                home=residential_land_home_share,
                work=work_land_home_share,
                unmapped=unmapped_land_home_share,
            ),
            0.0,
        ),
    )
    serving = services_inside(buildings, points_of_interest) > 0
    ground_floor = np.minimum(shapely.area(buildings.geometry.to_numpy()), floor_area) * ground_floor_retail_share
    living = share * (floor_area - np.where(serving, ground_floor, 0.0))
    mapped = buildings["homes"].to_numpy(dtype=np.float64)
    return np.where(np.isnan(mapped), living / existing_home_floor_area, mapped)


@model(
    version="1",
    decision="Residents by place, where nobody counted them.",
    method="Dwellings times the mean household size.",
    limits="Vacant and second homes, institutions and large families are not told apart.",
    risks="Schools and stops planned on it may be a fifth too large or too small.",
    tests="tests/models/test_derive_buildings.py",
)
def building_population(building_homes: BuildingHomes, household_size: float) -> BuildingPopulation:
    """Estimate residents from dwellings.

    Returns
    -------
    (building,) [1]

    References
    ----------
    Eurostat housing figures for 2023 (mean household size).
    """
    return building_homes * household_size


@model(
    version="1",
    decision="Jobs by place, where nobody counted them.",
    method="Floor area that is not homes over the area one job takes (offices and unknown use, shops, public, "
    "industry), less empty space; shops and services in residential buildings take part of the ground floor.",
    limits="No count of jobs exists for central Helsinki to check it: sums are good to about a third.",
    risks="Access to jobs is shown relative to these figures; compare changes rather than levels.",
    tests="tests/models/test_derive_buildings.py",
    optional=("points_of_interest",),
)
def building_jobs(
    buildings: Buildings,
    floor_area: FloorArea,
    building_homes: BuildingHomes,
    points_of_interest: PointsOfInterest,
    existing_home_floor_area: float,
    office_floor_area_per_job: float,
    retail_floor_area_per_job: float,
    public_floor_area_per_job: float,
    industrial_floor_area_per_job: float,
    ground_floor_retail_share: float,
    vacant_workspace_share: float,
) -> BuildingJobs:
    """Estimate jobs from the floor area that is not homes.

    Returns
    -------
    (building,) [1], not rounded: an expected number

    References
    ----------
    Homes and Communities Agency (2015), Employment Density Guide, 3rd edition (net densities, made gross by
    assumption).
    """
    use = buildings["use"]
    per_job = use.map(
        {
            "office": office_floor_area_per_job,
            "unknown": office_floor_area_per_job,
            "retail": retail_floor_area_per_job,
            "public": public_floor_area_per_job,
            "industrial": industrial_floor_area_per_job,
        }
    ).to_numpy(dtype=np.float64)
    works = use.isin(WORK_USES).to_numpy()
    footprint = shapely.area(buildings.geometry.to_numpy())
    standing = floor_area - footprint * added_by_edits(buildings, "levels_added")  # storeys added on a roof are homes
    lived_in = (building_homes - added_by_edits(buildings, "homes_added")) * existing_home_floor_area
    at_work = np.where(works, np.maximum(0.0, standing - lived_in), 0.0)
    jobs = np.where(works, at_work / np.where(works, per_job, 1.0), 0.0)
    lived = ((use == "residential") & (buildings["edit"] == "")).to_numpy()
    serving = (services_inside(buildings, points_of_interest) > 0) & lived
    jobs += np.where(serving, footprint * ground_floor_retail_share / retail_floor_area_per_job, 0.0)
    return np.asarray(jobs * (1.0 - vacant_workspace_share), dtype=np.float64)


def services_inside(buildings: gpd.GeoDataFrame, points_of_interest: gpd.GeoDataFrame | None) -> NDArray[np.int64]:
    """Count shops and services mapped inside each building. (building,)."""
    if points_of_interest is None or points_of_interest.empty:
        return np.zeros(len(buildings), dtype=np.int64)
    services = points_of_interest.geometry.to_numpy()[points_of_interest["kind"].isin(SERVICE_KINDS).to_numpy()]
    _, inside = shapely.STRtree(buildings.geometry.to_numpy()).query(services, predicate="intersects")
    return np.bincount(inside, minlength=len(buildings)).astype(np.int64)


def check_built_up(buildings: gpd.GeoDataFrame | None, streets: gpd.GeoDataFrame | None, wanted: str) -> None:
    """Refuse to conclude from buildings where most of the city's are not mapped.

    Raises
    ------
    NotComputableError
        Fewer than half of the city streets have a mapped building within 30 m of their middle.
    """
    if streets is None:
        return
    city = streets[(streets["drive"] & ~streets["bridge"] & streets["road_class"].isin(CITY_STREETS)).to_numpy()]
    if city.empty:
        return
    middles = shapely.line_interpolate_point(city.geometry.to_numpy(), 0.5, normalized=True)
    mapped = np.zeros(0, dtype=object) if buildings is None else buildings.geometry.to_numpy()
    near, _ = shapely.STRtree(mapped).query(middles, predicate="dwithin", distance=BESIDE_A_STREET)
    share = len(np.unique(near)) / len(middles)
    if share < LEAST_BUILT_UP:
        raise NotComputableError(
            f"{wanted} needs buildings mapped throughout, or counts or a map instead; {len(mapped)} buildings are "
            f"mapped, with one beside {share:.0%} of the streets"
        )


def added_by_edits(buildings: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    """Read what edits added to standing buildings (`levels_added`, `homes_added`); 0 where nothing was. (building,)."""
    if column not in buildings:
        return np.zeros(len(buildings))
    return np.asarray(buildings[column].fillna(0.0), dtype=np.float64)


def _usual_levels(buildings: gpd.GeoDataFrame, known: NDArray[np.float64], assumed: float) -> NDArray[np.float64]:
    """Median storeys of today's buildings of each building's use, of all, or the assumed number. (building,)."""
    standing = known - added_by_edits(buildings, "levels_added")
    today = pd.Series(np.where((buildings["edit"] == "").to_numpy(), standing, np.nan))
    overall = today.median() if today.notna().sum() >= FEWEST_OF_A_USE else assumed
    groups = today.groupby(buildings["use"].to_numpy())
    counts, medians = groups.count(), groups.median()
    by_use = medians.where(counts >= FEWEST_OF_A_USE, overall)
    return np.asarray(buildings["use"].map(by_use), dtype=np.float64)


def _share_by_land(
    buildings: gpd.GeoDataFrame, land_use: gpd.GeoDataFrame | None, *, home: float, work: float, unmapped: float
) -> NDArray[np.float64]:
    """Share of floor area that is homes in a building of unknown use, by the land it stands on. (building,)."""
    share = np.full(len(buildings), unmapped, dtype=np.float64)
    if land_use is None or land_use.empty:
        return share
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    for uses, value in ((WORK_LAND, work), ({"residential"}, home)):  # land mapped as both is lived on
        areas = land_use.geometry.to_numpy()[land_use["use"].isin(uses).to_numpy()]
        there, _ = shapely.STRtree(areas).query(points, predicate="intersects")
        share[there] = value
    return share
