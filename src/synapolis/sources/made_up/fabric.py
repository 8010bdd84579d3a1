"""The fabric of a made-up city: blocks by kind, buildings by use, land use, trees and land cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from synapolis.layers.grid import Raster
from synapolis.layers.land_cover import Cover
from synapolis.sources.made_up.site import CRS, LEFT, Points, Site, whole_shares

PEOPLE_PER_HOME = 2.05
FLOOR_PER_HOME = 88.0  # m² gross
STOREY = 3.2  # m
MOST_LEVELS = 12
SETBACK = {"arterial": 14.0, "local": 9.0, "border": 4.0}  # m from street axis to wall, pavement included
HALF_WIDTH = {"arterial": 10.0, "local": 5.5}  # m, carriageway and pavement
USES = {
    "centre": (("residential", 0.46), ("office", 0.32), ("retail", 0.16), ("public", 0.06)),
    "perimeter": (("residential", 0.88), ("office", 0.05), ("retail", 0.07)),
    "slab": (("residential", 0.96), ("retail", 0.04)),
    "detached": (("residential", 1.0),),
    "industrial": (("industrial", 0.85), ("office", 0.15)),
    "school": (("public", 1.0),),
    "hospital": (("public", 1.0),),
    "rail": (("public", 1.0),),
}
LEVELS = {
    "centre": (5, 7),
    "perimeter": (4, 6),
    "slab": (4, 8),
    "detached": (1, 2),
    "industrial": (1, 2),
    "school": (2, 3),
    "hospital": (4, 6),
    "rail": (2, 2),
}


PARKS = ("Queen's Park", "Mill Meadow", "Long Green", "Swan Park", "Orchard Park", "Lark Field", "Fox Wood")


class Rectangle(NamedTuple):
    """Part of a block, in metres from its south-western corner."""

    west: float
    east: float
    south: float
    north: float


class Part(NamedTuple):
    """A rectangle of a block and what it is: a building, or land by use."""

    block: int
    what: str
    rectangle: Rectangle


@dataclass(frozen=True)
class Fabric:
    """Blocks and all that stands on them."""

    site: Site
    corners: Points  # (block, 4, xy), from the south-west, against the clock
    kinds: NDArray[np.str_]  # (block,)
    places: NDArray[np.int64]  # (block, 2): column and row of the lattice
    buildings: gpd.GeoDataFrame
    building_blocks: NDArray[np.int64]  # (building,): the block it stands in
    land_use: gpd.GeoDataFrame

    @cached_property
    def trees(self) -> gpd.GeoDataFrame:
        """Trees in parks and along main streets, clear of walls and water."""
        points = np.concatenate([_park_trees(self), _street_trees(self.site)])
        geometry = shapely.points(points)
        walls = shapely.STRtree(self.buildings.geometry.to_numpy())
        near = np.unique(walls.query(geometry, predicate="dwithin", distance=2.5)[0])
        clear = ~shapely.intersects(geometry, self.site.water)
        clear[near] = False
        return table(geometry[clear], "tree")


def land_cover(fabric: Fabric, street_lines: gpd.GeoDataFrame) -> Raster:
    """Ground cover by class, what is on top burnt last."""
    site, grid = fabric.site, fabric.site.grid
    green = ("detached", "slab", "park", "bank")
    covers = [int(Cover.GRASS if kind in green else Cover.PAVED) for kind in fabric.kinds]
    codes = grid.burn(shapely.polygons(fabric.corners), covers, fill=Cover.GRASS, dtype="uint8")
    by_use = {"parking": Cover.PAVED, "square": Cover.PAVED, "railway": Cover.RAIL, "brownfield": Cover.BARE}
    carriageways = street_lines[street_lines["drive"]]
    half = np.where(carriageways["road_class"] != "residential", HALF_WIDTH["arterial"], HALF_WIDTH["local"])
    for shapes, values in (
        (fabric.land_use.geometry, [int(by_use.get(use, Cover.GRASS)) for use in fabric.land_use["use"]]),
        (shapely.buffer(fabric.trees.geometry.to_numpy(), 3.0, quad_segs=2), [int(Cover.TREES)] * len(fabric.trees)),
        (shapely.buffer(carriageways.geometry.to_numpy(), half, quad_segs=2), [int(Cover.STREET)] * len(half)),
        ([site.sea, site.river_area], [int(Cover.WATER)] * 2),
        (fabric.buildings.geometry, [int(Cover.ROOF)] * len(fabric.buildings)),
    ):
        burnt = grid.burn(shapes, values, dtype="uint8")
        codes = np.where(burnt > 0, burnt, codes)
    return Raster(codes.astype(np.uint8), tuple(grid.transform)[:6], CRS)


def table(geometry: Any, prefix: str, **columns: Any) -> gpd.GeoDataFrame:
    """A layer table whose ids are `made:PREFIX/NUMBER`."""
    index = [f"made:{prefix}/{n}" for n in range(1, len(geometry) + 1)]
    return gpd.GeoDataFrame(columns, geometry=geometry, index=index, crs=CRS)


def make_fabric(site: Site) -> Fabric:
    """Assign a kind to each block and fill it."""
    corners, places = _blocks(site)
    kinds = _kinds(site, corners, places)
    parts = list(_parts(site, corners, places, kinds))
    houses = [p for p in parts if p.what == "building"]
    geometry = _polygons(corners, houses)
    dry = ~shapely.dwithin(geometry, site.water, 5.0)
    geometry = geometry[dry]
    house_blocks = np.array([p.block for p in houses])[dry]
    lands = [p for p in parts if p.what != "building"]
    land_shapes = shapely.difference(_polygons(corners, lands), site.water)
    kept = [n for n, shape in enumerate(land_shapes) if shape.geom_type == "Polygon" and shape.area > 30]
    land_use = table(land_shapes[kept], "land", use=[lands[n].what for n in kept], name="")
    return Fabric(
        site=site,
        corners=corners,
        kinds=kinds,
        places=places,
        buildings=_buildings(site, geometry, kinds, house_blocks),
        building_blocks=house_blocks,
        land_use=_named_parks(land_use),
    )


def _blocks(site: Site) -> tuple[Points, NDArray[np.int64]]:
    nodes = site.nodes
    corners = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]], axis=2)
    i, j = np.meshgrid(np.arange(site.columns), np.arange(site.rows), indexing="ij")
    return corners.reshape(-1, 4, 2), np.column_stack([i.ravel(), j.ravel()])


def _kinds(site: Site, corners: Points, places: NDArray[np.int64]) -> NDArray[np.str_]:
    """Kind of each block: what it is depends on water, rail, distance to the centre, and chance."""
    chance = site.chance(1)
    shapes, middle = shapely.polygons(corners), corners.mean(axis=1)
    wet = shapely.area(shapely.intersection(shapes, site.water)) / shapely.area(shapes)
    away = np.hypot(*((middle - site.centre) / (site.width / 2, site.depth / 2)).T)
    draw = chance.uniform(size=len(corners))
    kinds = np.select(
        [away < 0.3, (away < 0.78) & (draw < 0.72), (away < 0.78) | (draw < 0.35)],
        ["centre", "perimeter", "slab"],
        "detached",
    ).astype("<U12")
    kinds[(chance.uniform(size=len(kinds)) < 0.04) & (kinds != "centre")] = "park"
    _large_park(site, middle, places, kinds)
    row = site.rail_row
    beside = np.isin(places[:, 1], (row - 1, row + 1)) & (away > 0.5)
    kinds[beside & (middle[:, 0] > site.river(middle[:, 1]) - 0.1 * site.width)] = "industrial"
    kinds[int(np.argmin(away + 10 * (wet > 0)))] = "square"
    kinds[(wet > 0.12) & (kinds != "square")] = "bank"
    kinds[wet > 0.6] = "water"
    kinds[places[:, 1] == row] = "rail"
    _services(site, kinds, wet == 0, chance)
    return kinds


def _large_park(site: Site, middle: Points, places: NDArray[np.int64], kinds: NDArray[np.str_]) -> None:
    if site.columns < 8:
        return
    heart = middle - (LEFT + 0.27 * site.width, site.centre[1] + 0.17 * site.depth)
    i, j = places[int(np.argmin(np.hypot(*heart.T)))]
    size = 2 + site.columns // 25
    inside = (places[:, 0] >= i) & (places[:, 0] < i + size) & (places[:, 1] >= j) & (places[:, 1] < j + size)
    kinds[inside] = "park"


def _services(site: Site, kinds: NDArray[np.str_], dry: NDArray[np.bool_], chance: np.random.Generator) -> None:
    """Give schools (one for 3,000 people) and a hospital (one for 60,000) a block each."""
    homes = np.flatnonzero(np.isin(kinds, ("perimeter", "slab", "detached")) & dry)
    schools, hospitals = max(1, round(site.people / 3_000)), max(1, round(site.people / 60_000))
    chosen = chance.choice(homes, size=min(schools + hospitals, len(homes) // 2), replace=False)
    kinds[chosen] = "school"
    kinds[chosen[:hospitals]] = "hospital"


def _parts(site: Site, corners: Points, places: NDArray[np.int64], kinds: NDArray[np.str_]) -> Iterator[Part]:
    """What stands on each block, as rectangles inside it."""
    chance = site.chance(2)
    for block, kind in enumerate(kinds):
        fill = FILLS.get(str(kind))
        if fill is None:
            continue
        inner = _inner(site, corners[block], places[block])
        if inner.east - inner.west < 20 or inner.north - inner.south < 20:
            continue
        for what, rectangle in fill(inner, chance):
            yield Part(block, what, rectangle)


def _inner(site: Site, corners: Points, place: NDArray[np.int64]) -> Rectangle:
    """The block inside its streets."""
    wide, deep = _size(corners)
    i, j = int(place[0]), int(place[1])

    def setback(line: int, last: int) -> float:
        if line in (0, last):
            return SETBACK["border"]
        return SETBACK["arterial" if site.is_arterial(line) else "local"]

    return Rectangle(
        setback(i, site.columns),
        wide - setback(i + 1, site.columns),
        setback(j, site.rows),
        deep - setback(j + 1, site.rows),
    )


def _size(corners: Points) -> tuple[float, float]:
    """Mean width and depth of a block [m]."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return float(sides[0] + sides[2]) / 2, float(sides[1] + sides[3]) / 2


def _polygons(corners: Points, parts: list[Part]) -> NDArray[np.object_]:
    """Rectangles of blocks as polygons, bent as their block is (bilinear)."""
    blocks = np.array([p.block for p in parts])
    rectangles = np.array([p.rectangle for p in parts])
    quads = corners[blocks]
    sides = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)
    wide, deep = (sides[:, 0] + sides[:, 2]) / 2, (sides[:, 1] + sides[:, 3]) / 2
    u = np.clip(rectangles[:, [0, 1, 1, 0]] / wide[:, None], 0, 1)[..., None]
    v = np.clip(rectangles[:, [2, 2, 3, 3]] / deep[:, None], 0, 1)[..., None]
    a, b, c, d = (quads[:, k][:, None, :] for k in range(4))
    return np.asarray(
        shapely.polygons((1 - u) * (1 - v) * a + u * (1 - v) * b + u * v * c + (1 - u) * v * d), dtype=object
    )


Filled = Iterator[tuple[str, Rectangle]]


def _perimeter(inner: Rectangle, chance: np.random.Generator) -> Filled:
    """Houses wall to wall around a court; here and there a plot is missing."""
    depth = min(13.0, (inner.north - inner.south) / 3, (inner.east - inner.west) / 3)
    court = Rectangle(inner.west + depth, inner.east - depth, inner.south + depth, inner.north - depth)
    for south, north in ((inner.south, court.south), (court.north, inner.north)):
        for west, east in _pieces(inner.west, inner.east, chance):
            if chance.uniform() > 0.07:
                yield "building", Rectangle(west, east, south, north)
    for west, east in ((inner.west, court.west), (court.east, inner.east)):
        for south, north in _pieces(court.south, court.north, chance):
            if chance.uniform() > 0.12:
                yield "building", Rectangle(west, east, south, north)
    use = chance.choice(["grass", "parking", ""], p=[0.5, 0.3, 0.2])
    if use:
        yield str(use), Rectangle(court.west + 2, court.east - 2, court.south + 2, court.north - 2)


def _slab(inner: Rectangle, chance: np.random.Generator) -> Filled:
    """Parallel slabs with lawns and a car park between."""
    bars = max(1, int((inner.north - inner.south) // 27))
    pitch = (inner.north - inner.south) / bars
    for k in range(bars):
        south = inner.south + k * pitch + 1
        for west, east in _pieces(inner.west, inner.east, chance, typical=34):
            yield "building", Rectangle(west + 1.5, east - 1.5, south, south + 12)
        use = "parking" if chance.uniform() < 0.4 else "grass"
        yield use, Rectangle(inner.west, inner.east, south + 14, south + pitch - 2)


def _detached(inner: Rectangle, chance: np.random.Generator) -> Filled:
    """Houses in gardens."""
    for row in _pieces(inner.south, inner.north, chance, typical=27):
        for west, east in _pieces(inner.west, inner.east, chance, typical=19):
            x, y = chance.uniform(3, 5), chance.uniform(4, 8)
            yield "building", Rectangle(west + x, min(west + x + 10.5, east - 2), row[0] + y, row[0] + y + 9.5)


def _industrial(inner: Rectangle, chance: np.random.Generator) -> Filled:
    """A hall or two and their yards; one plot in four lies waste."""
    for west, east in _pieces(inner.west, inner.east, chance, typical=52):
        if chance.uniform() < 0.25:
            yield "brownfield", Rectangle(west + 2, east - 2, inner.south, inner.north)
        else:
            yard = inner.south + 0.3 * (inner.north - inner.south)
            yield "building", Rectangle(west + 3, east - 3, yard, inner.north)
            yield "parking", Rectangle(west + 3, east - 3, inner.south, yard - 2)


def _campus(inner: Rectangle, chance: np.random.Generator) -> Filled:
    """A large house in its grounds."""
    middle = (inner.south + inner.north) / 2 + chance.uniform(-4, 4)
    yield "building", Rectangle(inner.west + 8, inner.east - 8, middle - 9, middle + 9)
    yield "building", Rectangle(inner.west + 8, inner.west + 24, middle + 9, inner.north - 2)
    yield "grass", Rectangle(inner.west, inner.east, inner.south, middle - 11)


def _park(inner: Rectangle, chance: np.random.Generator) -> Filled:  # noqa: ARG001 - all fills are called alike
    yield "park", Rectangle(inner.west - 3, inner.east + 3, inner.south - 3, inner.north + 3)


def _square(inner: Rectangle, chance: np.random.Generator) -> Filled:  # noqa: ARG001
    yield "square", inner


def _railway(inner: Rectangle, chance: np.random.Generator) -> Filled:  # noqa: ARG001
    middle = (inner.south + inner.north) / 2
    yield "railway", Rectangle(0, 1e9, middle - 14, middle + 14)
    yield "grass", Rectangle(inner.west, inner.east, inner.south, middle - 18)


FILLS: dict[str, Callable[[Rectangle, np.random.Generator], Filled]] = {
    "centre": _perimeter,
    "perimeter": _perimeter,
    "slab": _slab,
    "detached": _detached,
    "industrial": _industrial,
    "school": _campus,
    "hospital": _campus,
    "park": _park,
    "bank": _park,
    "square": _square,
    "rail": _railway,
}


def _pieces(start: float, end: float, chance: np.random.Generator, typical: float = 21) -> list[tuple[float, float]]:
    """Divide a length into pieces of about a typical size."""
    count = max(1, round((end - start) / typical))
    steps = chance.uniform(0.8, 1.2, count)
    cuts = start + np.concatenate([[0.0], np.cumsum(steps) / steps.sum()]) * (end - start)
    return [(float(a), float(b)) for a, b in pairwise(cuts)]


def _buildings(
    site: Site, geometry: NDArray[np.object_], block_kinds: NDArray[np.str_], blocks: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Uses, storeys and homes: storeys are scaled so that the people fit, homes follow the floor."""
    chance, kinds = site.chance(3), block_kinds[blocks]
    count, area = len(geometry), shapely.area(geometry)
    uses = np.full(count, "residential", dtype=object)
    levels = np.ones(count)
    for kind in np.unique(kinds):
        here = np.flatnonzero(kinds == kind)
        names, odds = zip(*USES[str(kind)], strict=True)
        uses[here] = chance.choice(names, size=len(here), p=odds)
        low, high = LEVELS[str(kind)]
        levels[here] = chance.integers(low, high + 1, len(here))
    lives = (uses == "residential") & (area > 40)
    homes = round(site.people / PEOPLE_PER_HOME)
    scale = np.clip(homes * FLOOR_PER_HOME / (area * levels)[lives].sum(), 0.5, 2.5)
    grown = np.clip(np.round(levels * scale), 1, MOST_LEVELS)
    levels = np.where(lives & (kinds != "detached"), grown, levels)
    held = np.zeros(count)
    held[lives] = whole_shares((area * levels)[lives], homes)
    return table(
        geometry,
        "building",
        use=uses,
        levels=levels,
        height=np.where(uses == "industrial", 8.0, STOREY) * levels,
        homes=held,
        start_year=chance.integers(1890, 2016, count).astype(float),
        name=_house_names(kinds, blocks),
        edit="",
    )


def _house_names(kinds: NDArray[np.str_], blocks: NDArray[np.int64]) -> list[str]:
    """The first house of each campus bears its name."""
    names = [""] * len(kinds)
    for kind in ("school", "hospital"):
        here = np.flatnonzero(kinds == kind)
        for number, first in enumerate(here[np.unique(blocks[here], return_index=True)[1]], start=1):
            names[first] = f"{kind.title()} {number}"
    return names


def _named_parks(land_use: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Parks across a path from each other bear one name, the largest parks the best ones."""
    names = np.full(len(land_use), "", dtype=object)
    names[land_use["use"].eq("square")] = "Market Square"
    places = np.flatnonzero(land_use["use"].eq("park"))
    shapes = land_use.geometry.to_numpy()[places]
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=14)
    labels = connected_components(csr_array((np.ones(near.shape[1]), near), shape=(len(places),) * 2))[1]
    areas = np.bincount(labels, shapely.area(shapes))
    rank = np.empty(len(areas), dtype=int)
    rank[np.argsort(-areas, kind="stable")] = np.arange(len(areas))
    titles = [PARKS[n] if n < len(PARKS) else f"Park {n + 1}" for n in range(len(areas))]
    names[places] = [titles[rank[label]] if areas[label] > 2_500 else "" for label in labels]
    return land_use.assign(name=names)


def _park_trees(fabric: Fabric) -> Points:
    chance = fabric.site.chance(4)
    parks = fabric.land_use.geometry[fabric.land_use["use"] == "park"].to_numpy()
    found = [np.empty((0, 2))]
    for park in parks:
        west, south, east, north = park.bounds
        count = int(park.area / 160)
        points = chance.uniform((west, south), (east, north), (count, 2))
        found.append(points[shapely.contains_xy(park, points)])
    return np.concatenate(found)


def _street_trees(site: Site) -> Points:
    """Both sides of main streets, every 15 m."""
    found = [np.empty((0, 2))]
    for lines, count in ((site.nodes, site.columns), (site.nodes.transpose(1, 0, 2), site.rows)):
        for k in filter(site.is_arterial, range(1, count)):
            axis = shapely.LineString(lines[k])
            for side in (-8.2, 8.2):
                along = axis.offset_curve(side)
                steps = np.arange(10, along.length - 10, 15.0)
                found.append(shapely.get_coordinates(shapely.line_interpolate_point(along, steps)))
    return np.concatenate(found)
