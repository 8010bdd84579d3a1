"""Adding homes: where they fit under stated rules, what stands there, and the whole as asked."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import shapely

from synapolis.core.declare import model
from synapolis.core.errors import ScenarioError
from synapolis.layers.vocabulary import (
    BuildingHomes,
    BuildingLevels,
    Buildings,
    EditArea,
    EditHomes,
    EditId,
    FreeGround,
    Grid,
    HousingCapacity,
    HousingProgramme,
    LandCover,
    LandUse,
    Zones,
)
from synapolis.models.housing.massing import (
    OPEN_GROUND,
    Block,
    beyond_rules,
    checked_homes,
    count_homes,
    new_buildings,
    programme_row,
    rules_of,
    stacked,
    storeys_on_roofs,
    whole_homes,
    whole_shares,
    with_blocks,
    with_what_gave_way,
)
from synapolis.models.housing.programme import (
    BY_ZONE,
    ON_OTHER_GROUND,
    UNPLACED,
    with_rows,
)
from synapolis.models.housing.sites import free_patches


class HomesAdded(NamedTuple):
    """A city's buildings with new homes, and the programme that lists them site by site."""

    buildings: Buildings
    housing_programme: HousingProgramme


@model(
    version="1",
    decision="Whether and where a number of homes can be built in an area.",
    method=(
        "Connected free ground in the area is divided into plots, largest first; each takes a building of the set "
        "height on the set share of its plot; then storeys go on suitable roofs, largest first; the rest is unplaced."
    ),
    limits=(
        "Free ground is not owned ground: no parcels, plans, daylight or heritage rules; structure of roofs unknown; "
        "no storey of a new building is given to shops."
    ),
    risks="Ground in use by people (courts, car parks) may be read as waste; a roof's owner may refuse.",
    tests="tests/models/test_housing.py",
    optional=("building_homes", "land_cover", "land_use"),
)
def add_homes(
    buildings: Buildings,
    housing_programme: HousingProgramme,
    free_ground: FreeGround,
    grid: Grid,
    building_levels: BuildingLevels,
    building_homes: BuildingHomes,
    land_cover: LandCover,
    land_use: LandUse,
    edit_id: EditId,
    edit_area: EditArea,
    edit_homes: EditHomes,
    home_floor_area: float,
    site_coverage: float,
    new_building_levels: float,
    max_levels: float,
    roof_storeys: float,
    roof_coverage: float,
    min_site_area: float,
    max_plot_area: float,
) -> HomesAdded:
    """Place new homes on free ground and on roofs of an area, and say how many found no place.

    New buildings have ids `edit:EDIT#n`. A raised building keeps its id and gains `levels_added` and `homes_added`; its
    `homes` becomes what it held (mapped, else `building_homes`) and the new ones together.

    Raises
    ------
    ScenarioError
        No homes or more than a million asked for, or an area that is empty or outside the city.

    References
    ----------
    Berghauser Pont, M., Haupt, P., Spacematrix: space, density and urban form (2010), for floor space = ground x
    coverage x storeys. The order of sites is a rule of this project.
    """
    rules = rules_of(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = checked_homes(edit_homes, edit_area, grid)
    new = new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    new = with_what_gave_way(new, grid, land_cover, land_use)
    roofs = storeys_on_roofs(buildings, building_levels, edit_area, rules, homes - count_homes(new))
    rest = homes - count_homes(new) - count_homes(roofs)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    return HomesAdded(
        with_blocks(buildings, new, roofs, building_levels, building_homes, edit_id),
        with_rows(
            housing_programme,
            [programme_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *unplaced)],
            buildings.crs,
        ),
    )


@model(
    version="1",
    decision="What the whole of a number of homes would do to a district, whatever the rules allow.",
    method=(
        "As add_homes; the homes that find no place go as further storeys, the same number on each, on the new and "
        "the raised buildings, above the height limit and marked so."
    ),
    limits="A thought experiment: the rest may be higher than anyone would build, or wanted on other ground.",
    risks="Taken for a plan; ground cover is that of what fits, so more buildings on more ground would shed more rain.",
    tests="tests/models/test_housing.py",
    optional=("building_homes", "land_cover", "land_use"),
    rank=2,
)
def add_homes_as_asked(
    buildings: Buildings,
    housing_programme: HousingProgramme,
    free_ground: FreeGround,
    grid: Grid,
    building_levels: BuildingLevels,
    building_homes: BuildingHomes,
    land_cover: LandCover,
    land_use: LandUse,
    edit_id: EditId,
    edit_area: EditArea,
    edit_homes: EditHomes,
    home_floor_area: float,
    site_coverage: float,
    new_building_levels: float,
    max_levels: float,
    roof_storeys: float,
    roof_coverage: float,
    min_site_area: float,
    max_plot_area: float,
) -> HomesAdded:
    """Place all homes asked for: what fits, and the rest as further storeys above the height limit.

    Raises
    ------
    ScenarioError
        As `add_homes`.

    References
    ----------
    A rule of this project: the same ground and roofs, as many storeys as it takes.
    """
    rules = rules_of(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = checked_homes(edit_homes, edit_area, grid)
    new = new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    new = with_what_gave_way(new, grid, land_cover, land_use)
    roofs = storeys_on_roofs(buildings, building_levels, edit_area, rules, homes - count_homes(new))
    rest = homes - count_homes(new) - count_homes(roofs)
    beyond = beyond_rules([*new, *roofs], rules, rest)
    rest -= count_homes(beyond)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    raised_new, raised_roofs = stacked(new, beyond), stacked(roofs, beyond)
    rows = [programme_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *beyond, *unplaced)]
    return HomesAdded(
        with_blocks(buildings, raised_new, raised_roofs, building_levels, building_homes, edit_id),
        with_rows(housing_programme, rows, buildings.crs),
    )


@model(
    version="1",
    decision="What the whole of a number of homes would do to a district if open ground were given up for them.",
    method=(
        "As add_homes; the homes that find no place go in buildings of the same rules on the area's other open ground, "
        "largest patch first: lawns, trees, courts, squares and paving, never streets, water or tracks."
    ),
    limits="A thought experiment: parks, squares and play grounds are built on as if they were building land.",
    risks="Taken for a plan to build on a park.",
    tests="tests/models/test_housing.py",
    optional=("building_homes", "land_use"),
    rank=3,
)
def add_homes_on_other_ground(
    buildings: Buildings,
    housing_programme: HousingProgramme,
    free_ground: FreeGround,
    grid: Grid,
    building_levels: BuildingLevels,
    building_homes: BuildingHomes,
    land_cover: LandCover,
    land_use: LandUse,
    edit_id: EditId,
    edit_area: EditArea,
    edit_homes: EditHomes,
    home_floor_area: float,
    site_coverage: float,
    new_building_levels: float,
    max_levels: float,
    roof_storeys: float,
    roof_coverage: float,
    min_site_area: float,
    max_plot_area: float,
    wall_distance: float,
) -> HomesAdded:
    """Place what fits, and the rest on greens, courts and squares of the area as far as they reach.

    Raises
    ------
    ScenarioError
        As `add_homes`.

    References
    ----------
    A rule of this project: the same coverage and height, on ground that is otherwise kept open.
    """
    rules = rules_of(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = checked_homes(edit_homes, edit_area, grid)
    new = new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    roofs = storeys_on_roofs(buildings, building_levels, edit_area, rules, homes - count_homes(new))
    standing = np.concatenate([buildings.geometry.to_numpy(), np.array([b.geometry for b in new], dtype=object)])
    open_ground = np.isin(land_cover, OPEN_GROUND) & ~grid.mask(shapely.buffer(standing, wall_distance))
    rest = homes - count_homes(new) - count_homes(roofs)
    more = new_buildings(open_ground, grid, edit_area, buildings, rules, rest, edit_id, len(new)) if rest else []
    new = with_what_gave_way(
        [*new, *(replace(block, kind=ON_OTHER_GROUND) for block in more)], grid, land_cover, land_use
    )
    rest -= count_homes(more)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    rows = [programme_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *unplaced)]
    return HomesAdded(
        with_blocks(buildings, new, roofs, building_levels, building_homes, edit_id),
        with_rows(housing_programme, rows, buildings.crs),
    )


@model(
    version="1",
    decision="How a number of homes in an area would change people and jobs in reach, where no buildings are known.",
    method="Homes spread over the zones that meet the area, in proportion to the ground they share with it.",
    limits="No massing: whether the homes fit is not asked; water and parks inside a zone count as ground.",
    risks="Read as if the homes had a site.",
    tests="tests/models/test_housing.py",
    rank=1,
)
def add_homes_to_zones(
    zones: Zones,
    housing_programme: HousingProgramme,
    edit_id: EditId,
    edit_area: EditArea,
    edit_homes: EditHomes,
    home_floor_area: float,
) -> HousingProgramme:
    """Spread new homes over the zones of an area, by shared ground.

    Raises
    ------
    ScenarioError
        No homes or more than a million asked for, or no zone in the area.

    References
    ----------
    Areal weighting: Goodchild, M. F., Lam, N. S., Areal interpolation (1980).
    """
    homes = whole_homes(edit_homes)
    meets = zones.geometry.intersects(edit_area).to_numpy()
    shared = shapely.intersection(zones.geometry.to_numpy()[meets], edit_area)
    areas = shapely.area(shared)
    if areas.sum() <= 0:
        raise ScenarioError("the area must meet the zones of the city, got one outside all of them; choose another")
    parts = whole_shares(areas, homes)
    blocks = [
        Block(BY_ZONE, str(zone), int(part), np.nan, np.nan, ground)
        for zone, part, ground in zip(zones.index[meets], parts, shared, strict=True)
        if part > 0
    ]
    return with_rows(housing_programme, [programme_row(b, edit_id, home_floor_area) for b in blocks], zones.crs)


@model(
    version="1",
    decision="How many homes the free ground of a city holds under the massing rules.",
    method="Free ground in patches of at least the smallest site, times coverage, storeys and floor area a home.",
    limits="Ground only, no roofs; footprints are not drawn, so odd shapes count in full.",
    risks="Read as the number that owners and plans would let be built.",
    tests="tests/models/test_housing.py",
)
def housing_capacity(
    free_ground: FreeGround,
    grid: Grid,
    home_floor_area: float,
    site_coverage: float,
    new_building_levels: float,
    max_levels: float,
    min_site_area: float,
) -> HousingCapacity:
    """Count the homes that fit on the city's free ground under the massing rules.

    References
    ----------
    Berghauser Pont, M., Haupt, P., Spacematrix: space, density and urban form (2010).
    """
    patches = free_patches(free_ground, grid, min_area=min_site_area)
    ground = sum(patch.area for patch in patches)
    levels = round(min(new_building_levels, max_levels))
    return float(np.floor(ground * site_coverage * levels / home_floor_area))
