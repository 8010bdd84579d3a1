"""Land cover from a map, from vectors or from heights; and what each class means for water."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from synapolis.core.declare import model
from synapolis.core.errors import LayerError, NotComputableError
from synapolis.layers.grid import Grid
from synapolis.layers.grid import Raster as RasterValue
from synapolis.layers.land_cover import Cover
from synapolis.layers.vocabulary import (
    Buildings,
    Canopy,
    Extent,
    GroundCover,
    Heights,
    HousingProgramme,
    ImperviousFraction,
    LandCover,
    LandCoverMap,
    LandUse,
    ManningRoughness,
    Rail,
    StorageDepth,
    Streets,
    Terrain,
    Trees,
    Water,
)
from synapolis.layers.vocabulary import Grid as GridWord
from synapolis.models.derive.buildings import check_built_up

_USES_OF_COVER = {
    Cover.GRASS: "grass park garden meadow village_green recreation_ground cemetery pitch allotments greenfield heath "
    "flowerbed golf_course dog_park grassland farmland common wetland nature_reserve orchard vineyard plant_nursery "
    "farmyard green greenery",
    Cover.TREES: "forest wood scrub tree_row shrubbery",
    Cover.PAVED: "square pedestrian parking marketplace platform bicycle_parking footway pier steps bus_station taxi "
    "plaza cycleway service fuel garages disused_parking",
    Cover.STREET: "street road lane lanes bus_stop",
    Cover.RAIL: "railway",
    Cover.BARE: "construction brownfield bare_rock sand beach scree quarry landfill playground track rock "
    "stone shingle mud",
    Cover.WATER: "basin reservoir pond water",
}
COVER_OF_USE: dict[str, Cover] = {use: cover for cover, uses in _USES_OF_COVER.items() for use in uses.split()}
"""What covers an area of each mapped use. Uses that say who is there but not what covers the ground (residential,
commercial, school ...) are left to the other layers."""

_CLASSES_WITH_LANES = {
    4: "motorway trunk primary",
    2: "secondary tertiary unclassified residential pedestrian busway road",
    1: "living_street service motorway_link trunk_link primary_link secondary_link tertiary_link construction",
}
CUT_BUILDINGS = ("building",)
"""Use of areas in `land_use` that stand for buildings cut at the extent's border and closed against it."""
LANES_OF_CLASS = {name: lanes for lanes, names in _CLASSES_WITH_LANES.items() for name in names.split()}
"""Lanes, both directions together, where none are mapped (assumed). Other classes are paths."""
CLASSES_WITHOUT_PAVEMENT = ("service", "pedestrian", "motorway", "motorway_link", "trunk_link")
SURFACE_RAIL = ("rail", "light_rail", "narrow_gauge", "disused", "preserved")  # tram tracks lie in streets
SMALLEST_MAPPED_SHARE = 0.15
"""Share of the extent that mapped features must cover: below it, unmapped ground would decide the result."""
NEW_FOOTPRINTS = ("new building", "on other ground")  # kinds of the housing programme that cover new ground

MANNING = {
    Cover.WATER: 0.03,  # open water; USACE HEC-RAS 2D guidance (2021), not read: assumed
    Cover.ROOF: 0.015,  # concrete, float finish; Chow (1959), FHWA HEC-22 table 3-1
    Cover.STREET: 0.013,  # smooth asphalt; Chow (1959), FHWA HEC-22 table 3-1
    Cover.PAVED: 0.015,  # concrete, float finish; as above
    Cover.RAIL: 0.035,  # riprap; Chow (1959), FHWA HEC-22 table 3-1
    Cover.GRASS: 0.15,  # short grass; NRCS TR-55 (1986) table 3-1, sheet flow
    Cover.TREES: 0.24,  # dense grass under trees; NRCS TR-55 (1986) table 3-1
    Cover.BARE: 0.05,  # fallow, no residue; NRCS TR-55 (1986) table 3-1
    Cover.PERMEABLE_PAVING: 0.015,  # as paved: assumed
    Cover.GREEN_ROOF: 0.24,  # dense grass; NRCS TR-55 (1986) table 3-1
}
"""Manning's n [s/m^(1/3)] of thin sheet flow over each cover."""


@model(
    version="1",
    decision="What soaks in, sheds water, heats up or may be built on.",
    method="The mapped class at each cell's centre; a cell without one takes that of the nearest cell that has one; "
    "buildings planned since are roofs.",
    limits="As old and as coarse as the map.",
    risks="Small green spaces vanish between cell centres, so districts may look harder or softer than they are.",
    tests="tests/models/test_derive_cover.py",
    optional=("buildings", "housing_programme"),
)
def land_cover(
    land_cover_map: LandCoverMap, grid: GridWord, buildings: Buildings, housing_programme: HousingProgramme
) -> LandCover:
    """Bring a mapped land cover to the grid and add what is planned.

    Parameters
    ----------
    land_cover_map : Raster of Cover codes
    grid : Grid
    buildings : GeoDataFrame or None
        Those made by an edit (column `edit`) become roofs.
    housing_programme : GeoDataFrame or None
        Its new footprints become roofs.

    Returns
    -------
    (row, column), codes of layers/land_cover.py, never 0

    Raises
    ------
    LayerError
        A code that is not a land-cover class.
    NotComputableError
        No cell of the grid has a class.

    References
    ----------
    None: resampling by nearest neighbour.
    """
    delivered = np.nan_to_num(np.asarray(land_cover_map.values, dtype=np.float32)).astype(np.uint8)
    strangers = np.setdiff1d(delivered, np.array([int(c) for c in Cover], dtype=np.uint8))
    if strangers.size:
        raise LayerError(
            f"land_cover_map must hold the codes of layers/land_cover.py (0 to {max(Cover):d}), got "
            f"{strangers[:5].tolist()}; map the source's classes when the city is built"
        )
    cover = RasterValue(delivered, land_cover_map.transform, land_cover_map.crs).on_grid(grid, nearest=True)
    if not cover.any():
        raise NotComputableError("land_cover needs a land_cover_map that overlaps the grid; this one does not")
    return with_new_roofs(_nearest_known(cover), grid, buildings, housing_programme)


@model(
    version="1",
    decision="What soaks in, sheds water, heats up or may be built on, where no land-cover map exists.",
    method="Mapped areas, tracks, streets (width from lanes), trees and water are drawn over each other in that order.",
    limits="Green verges that nobody mapped count as street; widths are assumed where not mapped.",
    risks="As land_cover_from_vectors.",
    tests="tests/models/test_derive_cover.py",
    optional=("land_use", "water", "trees", "rail", "canopy"),
)
def ground_cover(
    grid: GridWord,
    streets: Streets,
    land_use: LandUse,
    water: Water,
    trees: Trees,
    rail: Rail,
    canopy: Canopy,
    lane_width: float,
    street_margin: float,
    path_width: float,
    track_width: float,
    tree_crown_radius: float,
    canopy_height: float,
) -> GroundCover:
    """Draw what covers the ground apart from buildings.

    Returns
    -------
    (row, column), codes of layers/land_cover.py, 0 where nothing is mapped

    References
    ----------
    OpenStreetMap tagging conventions (wiki pages Landuse, Leisure, Natural, Highway, read for the class table); widths
    are assumptions of this project.
    """
    cover = np.zeros(grid.shape, dtype=np.uint8)
    _draw_land_use(cover, grid, land_use)
    if rail is not None:
        tracks = rail.geometry.to_numpy()[rail["kind"].isin(SURFACE_RAIL).to_numpy()]
        cover[grid.mask(shapely.buffer(tracks, track_width / 2))] = Cover.RAIL
    cover[grid.mask(street_areas(streets, lane_width=lane_width, margin=street_margin, path_width=path_width))] = (
        Cover.STREET
    )
    soft = np.isin(cover, (Cover.UNKNOWN, Cover.GRASS, Cover.PAVED, Cover.BARE))
    cover[soft & _crowns(grid, trees, canopy, tree_crown_radius, canopy_height)] = Cover.TREES
    if water is not None:
        cover[grid.mask(water.geometry.to_numpy())] = Cover.WATER
    return cover


@model(
    version="1",
    decision="What soaks in, sheds water, heats up or may be built on, where no land-cover map exists.",
    method="Buildings are drawn over the ground cover; unmapped ground near them is paved yard, further off grass.",
    limits="Green yards that nobody mapped count as paved. Needs mapped features on 15 % of the extent.",
    risks="Runoff of districts with unmapped gardens is overstated.",
    tests="tests/models/test_derive_cover.py",
    optional=("buildings", "land_use"),
    rank=1,
)
def land_cover_from_vectors(
    ground_cover: GroundCover,
    grid: GridWord,
    extent: Extent,
    streets: Streets,
    buildings: Buildings,
    land_use: LandUse,
    paved_yard_reach: float,
) -> LandCover:
    """Draw the land cover from mapped buildings, streets, water and green.

    Returns
    -------
    (row, column), codes of layers/land_cover.py, never 0

    Raises
    ------
    NotComputableError
        Fewer than half of the streets have a mapped building beside them, or mapped features cover less than 15 % of
        the extent: what nobody mapped would decide the result.

    References
    ----------
    None: a drawing order of this project.
    """
    check_built_up(buildings, streets, "land_cover")
    roofs = grid.mask(built_areas(buildings, land_use))
    cover = np.where(roofs, Cover.ROOF, ground_cover).astype(np.uint8)
    _check_mapped(cover != Cover.UNKNOWN, grid, extent)
    yard = _within(roofs, grid, paved_yard_reach)
    return np.where(cover == Cover.UNKNOWN, np.where(yard, Cover.PAVED, Cover.GRASS), cover).astype(np.uint8)


@model(
    version="1",
    decision="A first land cover where only rasters of heights exist.",
    method="Roof above the roof height, trees above the canopy height, water where the ground is at or below 0 m; "
    "of the rest an assumed share is paved: the ground nearest to roofs, the remainder grass.",
    limits="Streets, squares and yards cannot be told apart; what is paved is an assumption, not a map.",
    risks="Runoff rests on the assumed paved share: its interval must be shown.",
    tests="tests/models/test_derive_cover.py",
    optional=("canopy", "terrain", "housing_programme"),
    origin="assumed",
    rank=2,
)
def land_cover_from_heights(
    heights: Heights,
    canopy: Canopy,
    terrain: Terrain,
    grid: GridWord,
    housing_programme: HousingProgramme,
    roof_height: float,
    canopy_height: float,
    paved_share: float,
) -> LandCover:
    """Tell roofs and trees from height rasters, and assume what covers the ground between them.

    Returns
    -------
    (row, column), codes of layers/land_cover.py, never 0

    References
    ----------
    None: thresholds on heights above ground; the paved share is an assumption.
    """
    cover = np.zeros(grid.shape, dtype=np.uint8)
    if terrain is not None:
        cover[terrain.on_grid(grid) <= 0] = Cover.WATER
    if canopy is not None:
        cover[canopy.on_grid(grid) > canopy_height] = Cover.TREES
    cover[heights.on_grid(grid) > roof_height] = Cover.ROOF
    open_ground = cover == Cover.UNKNOWN
    cover[open_ground] = Cover.GRASS
    if open_ground.any() and (cover == Cover.ROOF).any():
        from_roof = distance_transform_edt(cover != Cover.ROOF)[open_ground]
        near = np.zeros(from_roof.size, dtype=bool)
        near[np.argsort(from_roof, kind="stable")[: round(paved_share * from_roof.size)]] = True
        cover[open_ground] = np.where(near, Cover.PAVED, Cover.GRASS)
    return with_new_roofs(cover, grid, None, housing_programme)


@model(
    version="1",
    decision="How much of a storm runs off.",
    method="One impervious share for each land-cover class.",
    limits="Shares of drainage practice whose sources were not read, so assumed; links to drains are not told apart.",
    risks="A wrong share of yards shifts the runoff of whole districts.",
    tests="tests/models/test_derive_cover.py",
)
def impervious_fraction(
    land_cover: LandCover,
    impervious_roof: float,
    impervious_street: float,
    impervious_paved: float,
    impervious_rail: float,
    impervious_green: float,
    impervious_bare: float,
    impervious_permeable_paving: float,
) -> ImperviousFraction:
    """Give each cell the impervious share of its cover; water counts as 1, for rain on it never soaks in.

    References
    ----------
    DIN 1986-100 and EN 752 peak runoff coefficients, rounded (not read: assumed).
    """
    share = np.ones(max(Cover) + 1, dtype=np.float32)
    share[[Cover.ROOF, Cover.GREEN_ROOF]] = impervious_roof
    share[Cover.STREET] = impervious_street
    share[Cover.PAVED] = impervious_paved
    share[Cover.RAIL] = impervious_rail
    share[[Cover.GRASS, Cover.TREES]] = impervious_green
    share[Cover.BARE] = impervious_bare
    share[Cover.PERMEABLE_PAVING] = impervious_permeable_paving
    return _by_class(share, land_cover)


@model(
    version="1",
    decision="How fast water runs over the ground.",
    method="One Manning coefficient for each land-cover class, times a common factor.",
    limits="Values for thin sheet flow; water deeper than some decimetres runs faster over grass than they say.",
    risks="Arrival times scale with it.",
    tests="tests/models/test_derive_cover.py",
)
def manning_roughness(land_cover: LandCover, roughness_factor: float) -> ManningRoughness:
    """Give each cell the Manning coefficient of its cover.

    References
    ----------
    USDA NRCS, TR-55 Urban Hydrology for Small Watersheds (1986), table 3-1. Chow, V. T., Open-Channel Hydraulics
    (1959), table 5-6, and FHWA HEC-22 (2009), table 3-1.
    """
    table = np.full(max(Cover) + 1, np.nan, dtype=np.float32)
    for cover, value in MANNING.items():
        table[cover] = value
    return _by_class(table * np.float32(roughness_factor), land_cover)


@model(
    version="1",
    decision="The start from which edits build storage.",
    method="Zero everywhere: no storage is known.",
    limits="Existing green roofs and basins are not known.",
    risks="Runoff of districts that already store water is overstated.",
    tests="tests/models/test_derive_cover.py",
)
def storage_depth(grid: GridWord) -> StorageDepth:
    """Start with no built storage anywhere.

    References
    ----------
    None: a definition.
    """
    return np.zeros(grid.shape, dtype=np.float32)


def street_areas(streets: gpd.GeoDataFrame, *, lane_width: float, margin: float, path_width: float) -> NDArray[Any]:
    """Polygons of the streets and paths at ground level: half the width to each side of the line.

    Parameters
    ----------
    streets : GeoDataFrame
    lane_width, margin, path_width : m
        A street open to cars is as wide as its lanes and one margin on each side.
    """
    ground = streets[~streets["bridge"].to_numpy(dtype=bool)]
    usual = ground["road_class"].map(LANES_OF_CLASS)
    lanes = ground["lanes"].fillna(usual).to_numpy(dtype=np.float64)
    bare = ground["road_class"].isin(CLASSES_WITHOUT_PAVEMENT).to_numpy()
    road = usual.notna().to_numpy()
    width = np.where(road, lanes * lane_width + np.where(bare, 0.0, 2 * margin), path_width)
    return np.asarray(shapely.buffer(ground.geometry.to_numpy(), width / 2, quad_segs=1))


def built_areas(buildings: gpd.GeoDataFrame | None, land_use: gpd.GeoDataFrame | None) -> NDArray[Any]:
    """Outlines of all that is built, with the parts of buildings that the extent's border cuts off."""
    outlines: list[Any] = [] if buildings is None else [buildings.geometry.to_numpy()]
    if land_use is not None:
        outlines.append(land_use.geometry.to_numpy()[land_use["use"].isin(CUT_BUILDINGS).to_numpy()])
    return np.concatenate(outlines) if outlines else np.zeros(0, dtype=object)


def with_new_roofs(
    cover: NDArray[np.uint8],
    grid: Grid,
    buildings: gpd.GeoDataFrame | None,
    housing_programme: gpd.GeoDataFrame | None,
) -> NDArray[np.uint8]:
    """Return a cover in which buildings made by an edit, and new footprints of the programme, are roofs."""
    planned: list[shapely.Geometry] = []
    if buildings is not None:
        planned += list(buildings.geometry[(buildings["edit"] != "").to_numpy()])
    if housing_programme is not None and len(housing_programme):
        planned += list(housing_programme.geometry[housing_programme["kind"].isin(NEW_FOOTPRINTS).to_numpy()])
    if not planned:
        return cover
    return np.where(grid.mask(planned), Cover.ROOF, cover).astype(np.uint8)


def _draw_land_use(cover: NDArray[np.uint8], grid: Grid, land_use: gpd.GeoDataFrame | None) -> None:
    """Draw mapped areas whose use tells their cover, the largest first, so that a lawn shows inside its park."""
    if land_use is None or land_use.empty:
        return
    codes = land_use["use"].map(COVER_OF_USE)
    known = land_use[codes.notna().to_numpy()]
    order = np.argsort(-shapely.area(known.geometry.to_numpy()), kind="stable")
    drawn = grid.burn(known.geometry.to_numpy()[order], codes.dropna().to_numpy(dtype=np.uint8)[order], dtype="uint8")
    np.copyto(cover, drawn, where=drawn != 0)


def _crowns(
    grid: Grid,
    trees: gpd.GeoDataFrame | None,
    canopy: RasterValue | None,
    radius: float,
    canopy_height: float,
) -> NDArray[np.bool_]:
    """Cells under a mapped tree or a high canopy."""
    under = np.zeros(grid.shape, dtype=bool)
    if trees is not None:
        under |= _cells_near(shapely.get_coordinates(trees.geometry.to_numpy()), grid, radius)
    if canopy is not None:
        under |= canopy.on_grid(grid) > canopy_height
    return under


def _cells_near(points: NDArray[np.float64], grid: Grid, radius: float) -> NDArray[np.bool_]:
    """Cells whose centre lies within a radius of any of the points (point, 2)."""
    reach = np.arange(-int(radius / grid.cell_size) - 1, int(radius / grid.cell_size) + 2)
    x, y = grid.centres()
    row = np.floor((grid.top - points[:, 1]) / grid.cell_size).astype(np.intp)[:, None, None] + reach[:, None]
    column = np.floor((points[:, 0] - grid.left) / grid.cell_size).astype(np.intp)[:, None, None] + reach
    row, column = np.broadcast_arrays(row, column)
    inside = (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
    point = np.broadcast_to(np.arange(len(points))[:, None, None], row.shape)[inside]
    row, column = row[inside], column[inside]
    hit = np.hypot(x[column] - points[point, 0], y[row] - points[point, 1]) <= radius
    near = np.zeros(grid.shape, dtype=bool)
    near[row[hit], column[hit]] = True
    return near


def _check_mapped(mapped: NDArray[np.bool_], grid: Grid, extent: shapely.Polygon) -> None:
    inside = grid.mask(extent)
    share = float(mapped[inside].mean()) if inside.any() else 0.0
    if share < SMALLEST_MAPPED_SHARE:
        raise NotComputableError(
            "land_cover needs a land_cover_map, height rasters, or mapped features on at least "
            f"{SMALLEST_MAPPED_SHARE:.0%} of the extent; streets, buildings, land use and water cover "
            f"{share:.0%} of this one"
        )


def _nearest_known(cover: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill cells without a class from the nearest cell that has one."""
    unknown = cover == Cover.UNKNOWN
    if not unknown.any():
        return cover
    rows, columns = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return np.asarray(cover[rows, columns])


def _within(cells: NDArray[np.bool_], grid: Grid, reach: float) -> NDArray[np.bool_]:
    """Cells within a reach [m] of any of the cells."""
    if not cells.any():
        return np.zeros(grid.shape, dtype=bool)
    return np.asarray(distance_transform_edt(~cells) * grid.cell_size <= reach)


def _by_class(table: NDArray[np.float32], cover: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Look a value up for each cell; refuse codes outside the classes."""
    _check_codes(np.unique(cover))
    return table[cover]


def _check_codes(codes: Iterable[Any]) -> None:
    strangers = [int(code) for code in codes if not 0 < int(code) <= max(Cover)]
    if strangers:
        raise LayerError(
            f"land_cover must hold codes 1 to {max(Cover):d} (layers/land_cover.py), got {strangers[:5]}; "
            "0 is ground that no model has classified"
        )
