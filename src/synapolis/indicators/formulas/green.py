"""Green and open ground: green area, recreation, trees, pervious land, protected land, farming, public space."""

from __future__ import annotations

import numpy as np
import shapely

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import (
    HECTARE,
    PEOPLE,
    SQUARE_KILOMETRE,
    chosen,
    indicator,
    joint_area,
    land_cells,
    per_100_000,
    per_resident,
    percent,
    percent_of_residents,
    within_areas,
)
from synapolis.layers.land_cover import GREEN, Cover
from synapolis.layers.vocabulary import (
    Extent,
    GreenAreaPer100000,
    Grid,
    LandCover,
    LandUse,
    NaturalProtectionShare,
    OutdoorRecreationPer100000,
    OutdoorRecreationSpace,
    PerviousLandShare,
    Population,
    PublicGreenPer100000,
    PublicSpaceShare,
    ResidentPoints,
    ResidentsNearGreen,
    TreeCanopyShare,
    Trees,
    TreesPer100000,
    UrbanAgriculturePer100000,
)

TESTS = "tests/indicators/formulas/test_green.py"
MAPPED = "Counts what is mapped, as its mapped use says; whether the public may enter is not known."
RECREATION_USES = (
    "park",
    "garden",
    "playground",
    "pitch",
    "recreation_ground",
    "common",
    "village_green",
    "dog_park",
    "track",
    "golf_course",
    "beach",
    "nature_reserve",
)
"""Uses of land for recreation outdoors (OSM values of leisure, landuse and natural): a choice of this project."""
PUBLIC_GREEN_USES = (
    "park",
    "garden",
    "recreation_ground",
    "common",
    "village_green",
    "forest",
    "wood",
    "nature_reserve",
)
"""Uses of land that are green and, as a rule, open to all: a choice of this project."""
PUBLIC_SPACE_USES = (*RECREATION_USES, "square", "pedestrian", "marketplace")
"""Uses of land that are open public space: a choice of this project."""
FARMING_USES = ("allotments", "farmland", "farmyard", "orchard", "vineyard", "plant_nursery", "greenhouse_horticulture")
"""Uses of land that grow food or plants: a choice of this project."""
PROTECTED_USES = ("nature_reserve",)
PERVIOUS = (*GREEN, Cover.BARE, Cover.PERMEABLE_PAVING)
FEWEST_TREES = 10  # a square kilometre, below which mapping one by one has hardly begun: a choice of this project
NEAR_GREEN = 300.0  # m, in the indicator's definition


@indicator(
    method="Cells of grass and trees inside the extent, public and private, over residents.",
    limits="Green roofs and crowns over streets do not count; small lawns vanish between cell centres.",
    tests=TESTS,
)
def green_area_per_100000(
    land_cover: LandCover, grid: Grid, extent: Extent, population: Population
) -> GreenAreaPer100000:
    """Hectares of green area for each 100 000 residents.

    Reads "green area" as all vegetated ground, whoever owns it.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.1 (standard not read).
    """
    green = np.isin(land_cover, GREEN) & land_cells(land_cover, grid, extent)
    return per_100_000(green.sum() * grid.cell_area / HECTARE, population)


@indicator(
    method="Land mapped as park, garden, common, forest or nature reserve, overlaps once, over residents.",
    limits=MAPPED,
    tests=TESTS,
)
def public_green_per_100000(land_use: LandUse, extent: Extent, population: Population) -> PublicGreenPer100000:
    """Hectares of green open to all for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, EN: EN: PSN: 1C (standard not read).
    """
    green = chosen(land_use, "use", PUBLIC_GREEN_USES, "land mapped as park, garden, forest or the like")
    return per_100_000(joint_area(green.geometry, extent) / HECTARE, population)


@indicator(
    method="Share of residents within 300 m, in a straight line, of land mapped as park, garden, common, forest or "
    "nature reserve.",
    limits=MAPPED + " Straight lines, not walks; every size of green counts.",
    tests=TESTS,
)
def residents_near_green(resident_points: ResidentPoints, land_use: LandUse) -> ResidentsNearGreen:
    """Share of residents within 300 m of green open to all.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, EN: EN: PSN: 2A (standard not read).
    """
    green = chosen(land_use, "use", PUBLIC_GREEN_USES, "land mapped as park, garden, forest or the like")
    return percent_of_residents(resident_points, within_areas(resident_points, green.geometry.to_numpy(), NEAR_GREEN))


@indicator(
    method="Land mapped as park, playground, pitch or other recreation, overlaps once, over residents.",
    limits=MAPPED,
    tests=TESTS,
)
def outdoor_recreation_space(land_use: LandUse, extent: Extent, population: Population) -> OutdoorRecreationSpace:
    """Square metres of public outdoor recreation space for each resident.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 14.2 (standard not read).
    """
    grounds = chosen(land_use, "use", RECREATION_USES, "land mapped as park, playground, pitch or the like")
    return per_resident(joint_area(grounds.geometry, extent), population)


@indicator(
    method="Outdoor recreation space per resident, times 100 000.",
    limits="As outdoor_recreation_space: indoor facilities are not in it.",
    tests=TESTS,
)
def outdoor_recreation_per_100000(outdoor_recreation_space: OutdoorRecreationSpace) -> OutdoorRecreationPer100000:
    """Square metres of public recreation grounds for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, EN: EN: PSN: 4A (standard not read).
    """
    return PEOPLE * outdoor_recreation_space


@indicator(
    method="Land mapped as nature reserve inside the extent, overlaps once, over the extent.",
    limits="Other kinds of protection (national parks, bird areas) are not read; the extent stands for the city area.",
    tests=TESTS,
)
def natural_protection_share(land_use: LandUse, extent: Extent) -> NaturalProtectionShare:
    """Share of the city area that is protected for nature.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 8.4 (standard not read).
    """
    reserves = chosen(land_use, "use", PROTECTED_USES, "land mapped as nature reserve")
    return percent(joint_area(reserves.geometry, extent), float(extent.area), "an extent")


@indicator(
    method="Land mapped as allotments, fields, orchards, vineyards or nurseries, overlaps once, over residents.",
    limits="Gardens and roofs where people grow food are not seen.",
    tests=TESTS,
)
def urban_agriculture_per_100000(
    land_use: LandUse, extent: Extent, population: Population
) -> UrbanAgriculturePer100000:
    """Hectares of urban agriculture for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 20.1 (standard not read).
    """
    fields = chosen(land_use, "use", FARMING_USES, "land mapped as allotments, fields or orchards")
    return per_100_000(joint_area(fields.geometry, extent) / HECTARE, population)


@indicator(
    method="Single trees of the city's data inside the extent, over residents.",
    limits="Counts the trees that somebody mapped: street trees more than those of woods and gardens. Refused below "
    "ten a square kilometre.",
    tests=TESTS,
)
def trees_per_100000(trees: Trees, extent: Extent, population: Population) -> TreesPer100000:
    """Trees for each 100 000 residents.

    Raises
    ------
    NotComputableError
        Fewer than ten trees are mapped for each square kilometre, or the city has no residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 21.6 (standard not read).
    """
    shapely.prepare(extent)
    count = int(shapely.intersects(extent, trees.geometry.to_numpy()).sum())
    if count < FEWEST_TREES * extent.area / SQUARE_KILOMETRE:
        raise NotComputableError(f"needs trees mapped one by one throughout; {count} are in the whole city")
    return per_100_000(count, population)


@indicator(
    method="Cells whose cover is trees, over cells of land.",
    limits="Crowns over streets and roofs do not count, for a cell has one cover.",
    tests=TESTS,
)
def tree_canopy_share(land_cover: LandCover, grid: Grid, extent: Extent) -> TreeCanopyShare:
    """Share of the city's land under tree canopy.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 8.8 (standard not read).
    """
    return _percent_of_land((Cover.TREES,), land_cover, grid, extent)


@indicator(
    method="Cells of grass, trees, bare ground and permeable paving, over cells of land.",
    limits="Whole cells: the soaking share inside a class (jointed paving, ballast) is left out.",
    tests=TESTS,
)
def pervious_land_share(land_cover: LandCover, grid: Grid, extent: Extent) -> PerviousLandShare:
    """Share of the city's land that is pervious, porous paving included.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 21.2 (standard not read).
    """
    return _percent_of_land(PERVIOUS, land_cover, grid, extent)


@indicator(
    method="Cells inside areas mapped as open public space, and cells whose cover is street, over cells of land.",
    limits=MAPPED + " The land of the extent stands for the built-up area of the metadata.",
    tests=TESTS,
)
def public_space_share(land_cover: LandCover, land_use: LandUse, grid: Grid, extent: Extent) -> PublicSpaceShare:
    """Share of the land that is open public space or street.

    References
    ----------
    United Nations Statistics Division, SDG indicator metadata, 11.7.1 (as summarised publicly).
    """
    spaces = chosen(land_use, "use", PUBLIC_SPACE_USES, "land mapped as park, square or other public space")
    land = land_cells(land_cover, grid, extent)
    public = (grid.mask(spaces.geometry.to_numpy()) | (land_cover == Cover.STREET)) & land
    return percent(float(public.sum()), float(land.sum()), "land")


def _percent_of_land(covers: tuple[Cover, ...], land_cover: LandCover, grid: Grid, extent: Extent) -> float:
    land = land_cells(land_cover, grid, extent)
    return percent(float((np.isin(land_cover, covers) & land).sum()), float(land.sum()), "land")
