"""Adding homes: where they fit under stated rules, what stands there, and the whole as asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.core.declare import model
from synapolis.core.errors import LayerError, ScenarioError
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.land_cover import Cover
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
from synapolis.models.housing.programme import (
    BEYOND_RULES,
    BY_ZONE,
    NEW_BUILDING,
    ON_OTHER_GROUND,
    ROOF_STOREYS,
    UNPLACED,
    with_rows,
)
from synapolis.models.housing.sites import footprints, free_patches, plots

MOST_HOMES = 1_000_000  # an edit of more is taken for a slip
MOST_LEVELS = 200  # storeys, as high as the schema of `buildings` goes
ROOF_USES = ("residential", "office", "retail", "unknown")  # not churches, stations, schools, halls, substations
OPEN_GROUND = (Cover.PAVED, Cover.GRASS, Cover.TREES, Cover.BARE, Cover.PERMEABLE_PAVING)
MIN_ROOF = 150.0  # m²: a smaller roof does not carry a stair and homes


class HomesAdded(NamedTuple):
    """A city's buildings with new homes, and the programme that lists them site by site."""

    buildings: Buildings
    housing_programme: HousingProgramme


@dataclass(frozen=True)
class Rules:
    """The massing rules of one edit: m² of floor a home takes, and how much may be built."""

    home_floor_area: float
    site_coverage: float
    new_building_levels: int
    max_levels: int
    roof_storeys: int
    roof_coverage: float
    min_site_area: float
    max_plot_area: float


@dataclass(frozen=True)
class Block:
    """New homes in one place: a new building, storeys on an existing one, or homes without a place."""

    kind: str
    site: str
    homes: int
    levels: float
    footprint: float
    geometry: Any
    gave_way: str = ""


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
    rules = _rules(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = _checked(edit_homes, edit_area, grid)
    new = _new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    new = _with_what_gave_way(new, grid, land_cover, land_use)
    roofs = _roof_storeys(buildings, building_levels, edit_area, rules, homes - _count(new))
    rest = homes - _count(new) - _count(roofs)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    return HomesAdded(
        _built(buildings, new, roofs, building_levels, building_homes, edit_id),
        with_rows(
            housing_programme, [_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *unplaced)], buildings.crs
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
    rules = _rules(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = _checked(edit_homes, edit_area, grid)
    new = _new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    new = _with_what_gave_way(new, grid, land_cover, land_use)
    roofs = _roof_storeys(buildings, building_levels, edit_area, rules, homes - _count(new))
    rest = homes - _count(new) - _count(roofs)
    beyond = _beyond_rules([*new, *roofs], rules, rest)
    rest -= _count(beyond)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    raised_new, raised_roofs = _stacked(new, beyond), _stacked(roofs, beyond)
    rows = [_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *beyond, *unplaced)]
    return HomesAdded(
        _built(buildings, raised_new, raised_roofs, building_levels, building_homes, edit_id),
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
    rules = _rules(
        home_floor_area,
        site_coverage,
        new_building_levels,
        max_levels,
        roof_storeys,
        roof_coverage,
        min_site_area,
        max_plot_area,
    )
    homes = _checked(edit_homes, edit_area, grid)
    new = _new_buildings(free_ground, grid, edit_area, buildings, rules, homes, edit_id)
    roofs = _roof_storeys(buildings, building_levels, edit_area, rules, homes - _count(new))
    standing = np.concatenate([buildings.geometry.to_numpy(), np.array([b.geometry for b in new], dtype=object)])
    open_ground = np.isin(land_cover, OPEN_GROUND) & ~grid.mask(shapely.buffer(standing, wall_distance))
    rest = homes - _count(new) - _count(roofs)
    more = _new_buildings(open_ground, grid, edit_area, buildings, rules, rest, edit_id, len(new)) if rest else []
    new = _with_what_gave_way(
        [*new, *(replace(block, kind=ON_OTHER_GROUND) for block in more)], grid, land_cover, land_use
    )
    rest -= _count(more)
    unplaced = [Block(UNPLACED, "", rest, np.nan, 0.0, edit_area)] if rest > 0 else []
    rows = [_row(b, edit_id, home_floor_area) for b in (*new, *roofs, *unplaced)]
    return HomesAdded(
        _built(buildings, new, roofs, building_levels, building_homes, edit_id),
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
    homes = _whole_homes(edit_homes)
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
    return with_rows(housing_programme, [_row(b, edit_id, home_floor_area) for b in blocks], zones.crs)


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


def whole_shares(weights: Any, total: int) -> np.ndarray[Any, Any]:
    """Divide a whole number by weights into whole numbers that add up to it (largest remainders first)."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    parts: np.ndarray[Any, Any] = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def _rules(
    home: float, coverage: float, new_levels: float, most: float, roof: float, deck: float, site: float, plot: float
) -> Rules:
    """The massing rules; storeys are whole, and a new building keeps to the height limit."""
    return Rules(
        home_floor_area=home,
        site_coverage=coverage,
        new_building_levels=round(min(new_levels, most)),
        max_levels=round(most),
        roof_storeys=round(roof),
        roof_coverage=deck,
        min_site_area=site,
        max_plot_area=plot,
    )


def _whole_homes(homes: float) -> int:
    if not (np.isfinite(homes) and 1 <= homes <= MOST_HOMES):
        raise ScenarioError(
            f"homes must be from 1 to {MOST_HOMES:,}, got {homes:,.0f}; give a number that can be meant"
        )
    return round(homes)


def _checked(homes: float, area: Any, grid: GridValue) -> int:
    whole = _whole_homes(homes)
    if area is None or shapely.is_empty(area) or not shapely.intersects(area, shapely.box(*grid.bounds)):
        raise ScenarioError("the area for new homes must lie in the city, got one outside it or empty; choose another")
    return whole


def _count(blocks: list[Block]) -> int:
    return sum(block.homes for block in blocks)


def _new_buildings(
    free: Any,
    grid: GridValue,
    area: Any,
    buildings: gpd.GeoDataFrame,
    rules: Rules,
    homes: int,
    edit: str,
    already: int = 0,
) -> list[Block]:
    """Buildings on the plots of the free ground until the homes are placed; numbered after those that `already` are."""
    if np.shape(free) != grid.shape:
        raise LayerError(f"free_ground must have the grid's shape {grid.shape}, got {np.shape(free)}; derive it again")
    blocks: list[Block] = []
    number = already + int(buildings.index.astype(str).str.startswith(f"edit:{edit}#").sum())
    tree = buildings.sindex
    for patch in free_patches(free & grid.mask(area), grid, min_area=rules.min_site_area):
        for plot in plots(patch, max_area=rules.max_plot_area):
            near = tree.query(plot, predicate="intersects")
            obstacles = shapely.union_all(buildings.geometry.to_numpy()[near]).buffer(1) if len(near) else None
            for ground in footprints(plot, coverage=rules.site_coverage, cell_size=grid.cell_size, obstacles=obstacles):
                rest = homes - _count(blocks)
                fits = min(rest, int(ground.area * rules.new_building_levels // rules.home_floor_area))
                if fits < 1:
                    continue
                levels = np.ceil(fits * rules.home_floor_area / ground.area)
                number += 1
                blocks.append(Block(NEW_BUILDING, f"edit:{edit}#{number}", fits, levels, ground.area, ground))
    return blocks


def _roof_storeys(buildings: gpd.GeoDataFrame, levels: Any, area: Any, rules: Rules, homes: int) -> list[Block]:
    if homes <= 0 or rules.roof_storeys < 1:
        return []
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    roof = shapely.area(buildings.geometry.to_numpy())
    added = buildings["levels_added"].fillna(0).to_numpy() if "levels_added" in buildings else np.zeros(len(buildings))
    storeys = np.minimum(rules.roof_storeys - added, np.floor(rules.max_levels - np.asarray(levels)))
    today = ~buildings.index.astype(str).str.startswith("edit:")
    suits = buildings["use"].isin(ROOF_USES).to_numpy() & today & (roof >= MIN_ROOF) & (storeys >= 1)
    chosen = np.flatnonzero(suits & shapely.contains_properly(area, points))
    blocks: list[Block] = []
    for place in chosen[np.argsort(-roof[chosen], kind="stable")]:
        rest = homes - _count(blocks)
        deck = roof[place] * rules.roof_coverage
        fits = min(rest, int(deck * storeys[place] // rules.home_floor_area))
        if fits < 1:
            continue
        name = str(buildings["name"].iloc[place] or "")
        blocks.append(
            Block(
                ROOF_STOREYS,
                str(buildings.index[place]),
                fits,
                float(np.ceil(fits * rules.home_floor_area / deck)),
                float(deck),
                buildings.geometry.iloc[place],
                f"roof of {name}" if name else "roof",
            )
        )
    return blocks


def _beyond_rules(blocks: list[Block], rules: Rules, rest: int) -> list[Block]:
    """Put the rest on the same decks, the same number of storeys on each; what no building can take is left."""
    ground = sum(block.footprint for block in blocks)
    if rest <= 0 or ground <= 0:
        return []
    room = int(ground * (MOST_LEVELS - rules.max_levels) // rules.home_floor_area)
    levels = float(np.ceil(min(rest, room) * rules.home_floor_area / ground))
    parts = whole_shares([block.footprint for block in blocks], min(rest, room))
    return [
        replace(block, kind=BEYOND_RULES, homes=int(part), levels=levels, gave_way="the height limit")
        for block, part in zip(blocks, parts, strict=True)
        if part > 0
    ]


def _stacked(blocks: list[Block], beyond: list[Block]) -> list[Block]:
    """Blocks with the storeys and homes that stand on them beyond the rules."""
    above = {block.site: block for block in beyond}
    return [
        replace(b, homes=b.homes + above[b.site].homes, levels=b.levels + above[b.site].levels)
        if b.site in above
        else b
        for b in blocks
    ]


def _with_what_gave_way(blocks: list[Block], grid: GridValue, cover: Any, land_use: Any) -> list[Block]:
    """Say of each new building what its footprint's ground was, in tenths."""
    if not blocks or cover is None:
        return blocks
    shapes = [block.geometry for block in blocks]
    numbers = grid.burn(shapes, range(1, len(blocks) + 1), dtype="int32")
    what = np.asarray(cover, dtype=np.int64)
    labels = {int(c): c.label for c in Cover}
    if land_use is not None:
        parking = land_use.geometry[land_use["use"].isin(["parking"])].to_numpy()
        what = np.where(grid.mask(parking), 99, what)
        labels[99] = "parking"
    under = numbers > 0
    counts = pd.crosstab(numbers[under], what[under], normalize="index")
    return [
        replace(block, gave_way=_in_words(counts.loc[n], labels)) if n in counts.index else block
        for n, block in enumerate(blocks, start=1)
    ]


def _in_words(shares: pd.Series, labels: dict[int, str]) -> str:
    ordered = shares[shares >= 0.05].sort_values(ascending=False, kind="stable")
    return ", ".join(f"{labels[int(code)]} {share:.0%}" for code, share in ordered.items())


def _row(block: Block, edit: str, home_floor_area: float) -> dict[str, Any]:
    return {
        "edit": edit,
        "site": block.site,
        "kind": block.kind,
        "levels": block.levels,
        "homes": block.homes,
        "floor_area": 0.0 if block.kind == UNPLACED else block.homes * home_floor_area,
        "footprint": block.footprint,
        "gave_way": block.gave_way,
        "geometry": block.geometry,
    }


def _built(
    buildings: gpd.GeoDataFrame, new: list[Block], roofs: list[Block], levels: Any, homes: Any, edit: str
) -> gpd.GeoDataFrame:
    """The buildings with roofs raised and new ones appended; the input stays as it is."""
    built = buildings.copy()
    for name in ("levels_added", "homes_added"):
        built[name] = built[name].fillna(0.0) if name in built else 0.0
    if roofs:
        _raise_roofs(built, roofs, np.asarray(levels, dtype=float), homes)
    if not new:
        return built
    rows = pd.DataFrame(
        {
            "use": "residential",
            "levels": [float(b.levels) for b in new],
            "height": np.nan,
            "homes": [float(b.homes) for b in new],
            "start_year": np.nan,
            "name": "",
            "edit": edit,
            "levels_added": 0.0,
            "homes_added": [float(b.homes) for b in new],
        },
        index=[b.site for b in new],
    )
    for name in built.columns.difference([*rows.columns, "geometry"]):
        rows[name] = "" if built[name].dtype == object or str(built[name].dtype).startswith("str") else np.nan
    added = gpd.GeoDataFrame(rows, geometry=[b.geometry for b in new], crs=buildings.crs)
    numeric = dict.fromkeys(("levels", "height", "homes", "start_year"), float)
    joined = pd.concat([built.astype(numeric), added[built.columns].astype(numeric)])
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=buildings.crs)


def _raise_roofs(built: gpd.GeoDataFrame, roofs: list[Block], levels: Any, homes: Any) -> None:
    """Raise standing buildings in place; `edit` stays empty, for no edit made them."""
    places = built.index.get_indexer([b.site for b in roofs])
    storeys = np.array([b.levels for b in roofs])
    new_homes = np.array([float(b.homes) for b in roofs])
    before = levels[places]
    held = built["homes"].to_numpy(dtype=float)[places]
    known = held if homes is None else np.where(np.isfinite(held), held, np.asarray(homes, dtype=float)[places])
    for name, values in (
        ("levels", before + storeys),
        ("height", built["height"].to_numpy(dtype=float)[places] * (before + storeys) / before),
        ("homes", known + new_homes),
        ("levels_added", built["levels_added"].to_numpy()[places] + storeys),
        ("homes_added", built["homes_added"].to_numpy()[places] + new_homes),
    ):
        column = built[name].to_numpy(dtype=float).copy()
        column[places] = values
        built[name] = column
