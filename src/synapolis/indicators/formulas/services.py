"""Services: what is near homes, how much culture and sport there is, and who can get in."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.green import RECREATION_USES
from synapolis.indicators.formulas.measure import (
    chosen,
    coordinates,
    indicator,
    per_100_000,
    per_resident,
    percent,
    percent_of_residents,
    within,
    within_areas,
)
from synapolis.layers.vocabulary import (
    AccessiblePublicBuildings,
    Buildings,
    CulturalInstitutionsPer100000,
    CultureAndSportPer100000,
    FloorArea,
    IndoorRecreationSpace,
    LandUse,
    PointsOfInterest,
    Population,
    ResidentPoints,
    ResidentsNearBasicServices,
    ResidentsNearGrocery,
)

TESTS = "tests/indicators/formulas/test_services.py"
MAPPED = "Counts what is mapped: a place that nobody mapped is missing."
BASIC_SERVICES = {
    "education": ("school", "kindergarten"),
    "health care": ("health",),
    "shops": ("shop",),
}
"""Kinds of points of interest by basic service; recreation grounds are the fourth service. A choice of this project."""
GROCERIES = ("supermarket", "convenience", "grocery", "greengrocer", "butcher", "health_food", "food")
NEAR_A_GROCERY = 1000.0  # m, in the indicator's definition
NOT_CULTURE = ("place_of_worship", "conference_centre", "exhibition_centre", "events_venue")
SPORT_TYPES = ("sports_centre", "sports_hall", "fitness_centre", "swimming_pool", "ice_rink", "stadium")
SPORT_USES = ("sports_centre", "stadium", "pitch", "track", "golf_course", "swimming_pool")
INDOOR_TYPES = ("sports_centre", "sports_hall", "swimming_pool", "ice_rink", "community_centre")
PUBLIC_KINDS = ("public", "school", "kindergarten", "health", "culture")


@indicator(
    method="Share of residents who have, within an assumed straight distance, at least one school or kindergarten, one "
    "health-care site, one shop and one recreation ground.",
    limits=MAPPED + " The standard's own list of services and distance were not read. Straight lines, not walks.",
    tests=TESTS,
)
def residents_near_basic_services(
    resident_points: ResidentPoints,
    points_of_interest: PointsOfInterest,
    land_use: LandUse,
    basic_service_distance: float,
) -> ResidentsNearBasicServices:
    """Share of residents who live near each of the basic services.

    Parameters
    ----------
    basic_service_distance : m

    Raises
    ------
    NotComputableError
        One of the services is not mapped anywhere, or nobody lives there.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.4 (standard not read).
    """
    grounds = chosen(land_use, "use", RECREATION_USES, "land mapped as park, playground, pitch or the like")
    near = within_areas(resident_points, grounds.geometry.to_numpy(), basic_service_distance)
    for service, kinds in BASIC_SERVICES.items():
        places = chosen(points_of_interest, "kind", kinds, f"{service} in its points of interest")
        near &= within(resident_points, coordinates(places), basic_service_distance)
    return percent_of_residents(resident_points, near)


@indicator(
    method="Share of residents within 1 km, in a straight line, of a shop that sells food.",
    limits=MAPPED + " Straight lines, not walks.",
    tests=TESTS,
)
def residents_near_grocery(
    resident_points: ResidentPoints, points_of_interest: PointsOfInterest
) -> ResidentsNearGrocery:
    """Share of residents within 1 km of a grocery.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 20.2 (standard not read).
    """
    shops = chosen(points_of_interest, "type", GROCERIES, "groceries in its points of interest")
    return percent_of_residents(resident_points, within(resident_points, coordinates(shops), NEAR_A_GROCERY))


@indicator(
    method="Theatres, cinemas, museums, libraries, galleries and community centres, over residents.",
    limits=MAPPED + " Places of worship and venues for fairs are left out where the data tell them apart.",
    tests=TESTS,
)
def cultural_institutions_per_100000(
    points_of_interest: PointsOfInterest, population: Population
) -> CulturalInstitutionsPer100000:
    """Cultural institutions for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, SC: EHC: C: 2A (standard not read).
    """
    return per_100_000(len(_culture(points_of_interest)), population)


@indicator(
    method="Cultural institutions, sports halls, and grounds mapped for sport, over residents; a hall on a counted "
    "ground is counted with it.",
    limits=MAPPED + " Every pitch counts as a facility.",
    tests=TESTS,
)
def culture_and_sport_per_100000(
    points_of_interest: PointsOfInterest, land_use: LandUse, population: Population
) -> CultureAndSportPer100000:
    """Cultural institutions and sporting facilities for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 17.1 (standard not read).
    """
    grounds = land_use.geometry.to_numpy()[land_use["use"].isin(SPORT_USES).to_numpy()]
    halls = _of_type(points_of_interest, SPORT_TYPES)
    on_ground, _ = shapely.STRtree(grounds).query(halls.geometry.to_numpy(), predicate="intersects")
    alone = len(halls) - len(np.unique(on_ground))
    return per_100_000(len(_culture(points_of_interest)) + alone + len(grounds), population)


@indicator(
    method="Floor area of buildings that hold a sports hall, pool, rink or community centre, over residents.",
    limits=MAPPED + " The whole building counts, and whether the public owns it is not known.",
    tests=TESTS,
)
def indoor_recreation_space(
    buildings: Buildings, floor_area: FloorArea, points_of_interest: PointsOfInterest, population: Population
) -> IndoorRecreationSpace:
    """Square metres of public indoor recreation space for each resident.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 14.1 (standard not read).
    """
    halls = chosen(points_of_interest, "type", INDOOR_TYPES, "sports halls, pools or community centres")
    holding = _buildings_with(buildings, halls)
    if not holding.any():
        raise NotComputableError("needs sports halls, pools or community centres inside its buildings; none is")
    return per_resident(float(floor_area[holding].sum()), population)


@indicator(
    method="Public places (administration, schools, health care, culture) whose mapped access for wheelchairs is full, "
    "over those whose access is mapped.",
    limits="Wheelchairs stand for all special needs; places that nobody judged are left out.",
    tests=TESTS,
)
def accessible_public_buildings(points_of_interest: PointsOfInterest) -> AccessiblePublicBuildings:
    """Share of public buildings that people with special needs can use.

    Raises
    ------
    NotComputableError
        The points of interest do not tell of access for wheelchairs at any public place.

    References
    ----------
    Definition as summarised publicly for ISO 37122:2019, 13.1 (standard not read).
    """
    public = chosen(points_of_interest, "kind", PUBLIC_KINDS, "public places in its points of interest")
    judged = chosen(public, "wheelchair", ("yes", "limited", "no"), "access for wheelchairs of public places")
    return percent(float((judged["wheelchair"] == "yes").sum()), float(len(judged)), "public places")


def _culture(points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    places = chosen(points, "kind", ("culture",), "cultural institutions in its points of interest")
    return places[~places["type"].isin(NOT_CULTURE).to_numpy()] if "type" in places else places


def _of_type(points: gpd.GeoDataFrame, types: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Rows of some types; none where the layer does not tell types."""
    return points[points["type"].isin(types).to_numpy()] if "type" in points else points.iloc[:0]


def _buildings_with(buildings: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Buildings that hold one of the points. (building,)."""
    shapes: NDArray[Any] = buildings.geometry.to_numpy()
    _, holding = shapely.STRtree(shapes).query(points.geometry.to_numpy(), predicate="intersects")
    found = np.zeros(len(buildings), dtype=bool)
    found[holding] = True
    return found
