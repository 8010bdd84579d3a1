"""Massing: blocks of new homes under stated rules, on free ground, on roofs, and what stands there afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.core.errors import LayerError, ModelError, ScenarioError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.housing.programme import BEYOND_RULES, NEW_BUILDING, ROOF_STOREYS, UNPLACED
from synapolis.models.housing.sites import footprints, free_patches, plots

MOST_HOMES = 1_000_000  # an edit of more is taken for a slip
MOST_LEVELS = 200  # storeys, as high as the schema of `buildings` goes
ROOF_USES = ("residential", "office", "retail", "unknown")  # not churches, stations, schools, halls, substations
OPEN_GROUND = (Cover.PAVED, Cover.GRASS, Cover.TREES, Cover.BARE, Cover.PERMEABLE_PAVING)
MIN_ROOF = 150.0  # m²: a smaller roof does not carry a stair and homes


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


def whole_shares(weights: Any, total: int) -> np.ndarray[Any, Any]:
    """Divide a whole number by weights into whole numbers that add up to it (largest remainders first)."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    parts: np.ndarray[Any, Any] = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def rules_of(
    home: float, coverage: float, new_levels: float, most: float, roof: float, deck: float, site: float, plot: float
) -> Rules:
    """The massing rules; storeys are whole, and a new building keeps to the height limit.

    Raises
    ------
    ModelError
        A floor area or plot that is not above 0, or any rule below 0.
    """
    _check_rules({"home_floor_area": home, "max_plot_area": plot}, above=True)
    _check_rules({"site_coverage": coverage, "new_building_levels": new_levels, "max_levels": most,
                  "roof_storeys": roof, "roof_coverage": deck, "min_site_area": site}, above=False)  # fmt: skip
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


def _check_rules(values: dict[str, float], *, above: bool) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and (value > 0 or (value == 0 and not above))):
            raise ModelError(f"{name} must be {'above' if above else 'at least'} 0, got {value:g}; set another value")


def whole_homes(homes: float) -> int:
    """Check a number of homes and make it whole."""
    if not (np.isfinite(homes) and 1 <= homes <= MOST_HOMES):
        raise ScenarioError(
            f"homes must be from 1 to {MOST_HOMES:,}, got {homes:,.0f}; give a number that can be meant"
        )
    return round(homes)


def checked_homes(homes: float, area: Any, grid: Grid) -> int:
    """Check a number of homes and that their area lies in the city."""
    whole = whole_homes(homes)
    if area is None or shapely.is_empty(area) or not shapely.intersects(area, shapely.box(*grid.bounds)):
        raise ScenarioError("the area for new homes must lie in the city, got one outside it or empty; choose another")
    return whole


def count_homes(blocks: list[Block]) -> int:
    """Homes of all blocks together."""
    return sum(block.homes for block in blocks)


def new_buildings(
    free: Any,
    grid: Grid,
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
                rest = homes - count_homes(blocks)
                fits = min(rest, int(ground.area * rules.new_building_levels // rules.home_floor_area))
                if fits < 1:
                    continue
                levels = np.ceil(fits * rules.home_floor_area / ground.area)
                number += 1
                blocks.append(Block(NEW_BUILDING, f"edit:{edit}#{number}", fits, levels, ground.area, ground))
    return blocks


def storeys_on_roofs(buildings: gpd.GeoDataFrame, levels: Any, area: Any, rules: Rules, homes: int) -> list[Block]:
    """Storeys on suitable roofs of the area, the largest first, until the homes are placed."""
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
        rest = homes - count_homes(blocks)
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


def beyond_rules(blocks: list[Block], rules: Rules, rest: int) -> list[Block]:
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


def stacked(blocks: list[Block], beyond: list[Block]) -> list[Block]:
    """Blocks with the storeys and homes that stand on them beyond the rules."""
    above = {block.site: block for block in beyond}
    return [
        replace(b, homes=b.homes + above[b.site].homes, levels=b.levels + above[b.site].levels)
        if b.site in above
        else b
        for b in blocks
    ]


def with_what_gave_way(blocks: list[Block], grid: Grid, cover: Any, land_use: Any) -> list[Block]:
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


def programme_row(block: Block, edit: str, home_floor_area: float) -> dict[str, Any]:
    """One block as a row of the housing programme."""
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


def with_blocks(
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
