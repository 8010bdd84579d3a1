"""Storm sewers where none are mapped: a tree of pipes under the streets, sized for a design rain. All of it assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    Grid,
    GroundElevation,
    ImperviousFraction,
    Junctions,
    Streets,
    SyntheticSewerNodes,
    SyntheticSewerPipes,
    Water,
)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

SLOPE_WEIGHT = ((-0.01, 0.003, 0.007, 0.10), (1.0, 0.0, 0.0, 1.0))
"""Fall of the street along the flow [1], and how unwelcome it is [1]: gentle falls are free (SWMManywhere 0.2.4)."""

LENGTH_WEIGHT = 0.1
"""Share of a street's length that counts whatever its slope (SWMManywhere 0.2.4, length_scaling)."""

NEAR_WATER = 150.0
"""A junction so near to water may hold an outfall [m] (SWMManywhere 0.2.4, river_buffer_distance)."""

OUTFALL_SPACING = 400.0
"""Least distance between outfalls [m]: own choice, for few outfalls serve many streets."""

DIAMETERS = np.arange(0.15, 3.0 + 1e-9, 0.075)
"""Pipes to choose from [m] (SWMManywhere 0.2.4, hydraulic_design)."""

DEPTHS = np.linspace(0.5, 5.0, 10)
"""Depth of the lower end below the street [m] (as above)."""

SPEEDS = (0.75, 5.0)
"""Speeds a full pipe should keep within [m/s] (as above)."""

FILLING = 0.8
"""Share of its full flow that a pipe should carry at most (as above)."""

MANNING = 0.012
REACH = 150.0
"""Hard ground farther from a manhole drains elsewhere [m]."""

LEAST_FALL = 1e-3
"""Slope given to a pipe that would run level or uphill even at its deepest [1]."""


class SyntheticSewers(NamedTuple):
    """Manholes, outfalls and pipes that nobody surveyed."""

    synthetic_sewer_nodes: SyntheticSewerNodes
    synthetic_sewer_pipes: SyntheticSewerPipes


@model(
    version="1",
    decision="Seeing roughly what storm sewers would do where no map of them can be had.",
    method="Manholes at street junctions; each drains along the streets to an outfall by the way of least cost, where "
    "rising and steep streets cost more; pipes are chosen one by one from the top: the shallowest and narrowest that "
    "carry a design rain on hard ground at a sound speed.",
    limits="No pipe of it was surveyed: outfalls, inverts and diameters are guesses of a designer who starts afresh.",
    risks="Never read a single pipe or manhole off it, and never size works by it.",
    tests="tests/models/test_derive_sewers.py",
    origin="assumed",
    optional=("water",),
)
def synthetic_sewers(
    streets: Streets,
    junctions: Junctions,
    ground_elevation: GroundElevation,
    impervious_fraction: ImperviousFraction,
    water: Water,
    grid: Grid,
    sewer_design_rain: float,
) -> SyntheticSewers:
    """Storm sewers under the streets, made up where none are mapped.

    References
    ----------
    Dobson, B., and others (2024). SWMManywhere 0.2.4, source code (read): street network, weights of ways by slope,
    pipe-by-pipe design and its parameters. Here manholes stand at junctions only, and outfalls are kept apart.
    """
    tree = _tree(streets, junctions, ground_elevation, water, grid)
    served = _served(tree, impervious_fraction, grid)
    flow = _gathered(tree, served * sewer_design_rain / 3.6e6)
    return _tables(tree, *_design(tree, flow), crs=streets.crs)


@dataclass(frozen=True)
class _Tree:
    """Manholes in flow order (uppermost first), each with the place of the next; outfalls have none (-1).

    Attributes
    ----------
    mouth : (manhole,) [m]
        Where its outfall lies, for manholes that have one; NaN elsewhere.
    """

    ids: NDArray[np.object_]
    xy: Floats
    ground: Floats
    down: Places
    length: Floats
    mouth: Floats


def _tree(
    streets: gpd.GeoDataFrame, junctions: gpd.GeoDataFrame, elevation: NDArray[np.float32],
    water: gpd.GeoDataFrame | None, grid: Grid,
) -> _Tree:  # fmt: skip
    """Find for each junction on a drivable street its way to an outfall."""
    under = streets[streets["drive"].astype(bool) & ~streets["bridge"].astype(bool)]
    start, end = (junctions.index.get_indexer(under[c]) for c in ("from_junction", "to_junction"))
    both = (start >= 0) & (end >= 0) & (start != end)
    if not both.any():
        raise NotComputableError("no street for cars joins two junctions, so no sewer can be laid out")
    start, end, length = start[both], end[both], under.geometry.length.to_numpy()[both]
    xy = shapely.get_coordinates(junctions.geometry.to_numpy())
    ground = np.asarray(elevation, dtype=float)[grid.cells_of(xy[:, 0], xy[:, 1])]
    known = np.isfinite(ground)
    start, end, length = (part[known[start] & known[end]] for part in (start, end, length))
    count = len(xy)
    used = np.unique(np.concatenate([start, end]))
    mouths = _mouths(xy, ground, used, start, end, water)
    lower, upper = np.concatenate([start, end]), np.concatenate([end, start])
    run = np.concatenate([length, length])
    fall = (ground[upper] - ground[lower]) / np.maximum(run, 1.0)
    cost = run * (LENGTH_WEIGHT + np.interp(fall, *SLOPE_WEIGHT))
    graph = _cheapest(lower, upper, cost, count)
    away, before, _ = dijkstra(graph, indices=mouths, min_only=True, return_predecessors=True)
    order = used[np.argsort(-away[used], kind="stable")]
    place = np.full(count, -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    down = np.where(before[order] >= 0, place[np.maximum(before[order], 0)], -1)
    to = np.where(down >= 0, order[down], order)
    mouth = np.full((len(order), 2), np.nan)
    mouth[place[mouths]] = _outlets(xy[mouths], water)
    straight = np.hypot(*(xy[order] - xy[to]).T)
    return _Tree(junctions.index.to_numpy()[order], xy[order], ground[order], down, straight, mouth)


def _cheapest(lower: Places, upper: Places, cost: Floats, count: int) -> csr_array:
    """Of parallel streets the cheapest: a sparse matrix would add them up."""
    order = np.lexsort((cost, upper, lower))
    first = np.r_[True, (np.diff(lower[order]) != 0) | (np.diff(upper[order]) != 0)]
    kept = order[first]
    return csr_array((cost[kept], (lower[kept], upper[kept])), shape=(count, count))


def _mouths(
    xy: Floats, ground: Floats, used: Places, start: Places, end: Places, water: gpd.GeoDataFrame | None
) -> Places:
    """Junctions with an outfall: the low ones near water, kept apart; in a net without, its lowest junction."""
    near = np.zeros(len(xy), dtype=bool)
    if water is not None and len(water):
        near[used] = shapely.distance(shapely.points(xy[used]), shapely.union_all(water.geometry)) < NEAR_WATER
    chosen: list[int] = []
    for n in used[near[used]][np.argsort(ground[used[near[used]]], kind="stable")].tolist():
        if all(np.hypot(*(xy[n] - xy[other])) > OUTFALL_SPACING for other in chosen):
            chosen.append(n)
    net = csr_array((np.ones(len(start)), (start, end)), shape=(len(xy), len(xy)))
    label = connected_components(net, directed=False)[1]
    served = {int(label[n]) for n in chosen}
    for part in np.unique(label[used]).tolist():
        if part not in served:
            own = used[label[used] == part]
            chosen.append(int(own[np.argmin(ground[own])]))
    return np.array(chosen, dtype=np.int64)


def _outlets(at: Floats, water: gpd.GeoDataFrame | None) -> Floats:
    """Where each outfall lies: at the water near by, else ten metres beside its manhole."""
    beside: Floats = at + np.array([10.0, 0.0])
    if water is None or not len(water):
        return beside
    shore = shapely.shortest_line(shapely.points(at), shapely.union_all(water.geometry))
    reach = shapely.length(shore)
    ends = shapely.get_coordinates(shapely.get_point(shore, 1))
    return np.asarray(np.where(((reach > 1.0) & (reach < NEAR_WATER))[:, None], ends, beside))


def _served(tree: _Tree, impervious: NDArray[np.float32], grid: Grid) -> Floats:
    """Hard ground that is nearest to each manhole [m²]."""
    x, y = grid.centres()
    across, up = np.meshgrid(x, y)
    hard = np.asarray(impervious, dtype=float).ravel()
    distance, nearest = cKDTree(tree.xy).query(
        np.column_stack([across.ravel(), up.ravel()]), distance_upper_bound=REACH
    )
    near = np.isfinite(distance) & np.isfinite(hard)
    cells: Floats = np.bincount(nearest[near], hard[near], minlength=len(tree.xy)).astype(float)
    return cells * grid.cell_area


def _gathered(tree: _Tree, own: Floats) -> Floats:
    """Flow through each manhole from all that lie above it."""
    flow = own.copy()
    for place, down in enumerate(tree.down.tolist()):
        if down >= 0:
            flow[down] += flow[place]
    return flow


def _design(tree: _Tree, flow: Floats) -> tuple[Floats, Floats, Floats]:
    """Invert of each manhole, diameter of the pipe that leaves it, and invert of its lower end [m]."""
    invert = tree.ground - DEPTHS[0] - DIAMETERS[0]
    diameter, foot = np.empty(len(flow)), np.empty(len(flow))
    for place, down in enumerate(tree.down.tolist()):
        end = down if down >= 0 else place
        length = max(float(tree.length[place]) if down >= 0 else _to_mouth(tree, place), 1.0)
        diameter[place], foot[place] = _pipe(float(invert[place]), float(tree.ground[end]), length, float(flow[place]))
        if down >= 0:
            invert[down] = min(invert[down], foot[place])
    return invert, diameter, foot


def _to_mouth(tree: _Tree, place: int) -> float:
    return float(np.hypot(*(tree.mouth[place] - tree.xy[place])))


def _pipe(top: float, ground: float, length: float, flow: float) -> tuple[float, float]:
    """Return the diameter and the lower invert that break the fewest rules, shallowest and narrowest first.

    Rules in order: it falls; its full speed is sound; it is filled to 0.8 at most.
    """
    depth, wide = (part.ravel() for part in np.meshgrid(DEPTHS, DIAMETERS, indexing="ij"))
    foot = ground - depth - wide
    fall = (top - foot) / length
    slope = np.maximum(fall, LEAST_FALL)
    speed = np.sqrt(slope) * (wide / 4) ** (2 / 3) / MANNING
    level = np.maximum(LEAST_FALL - fall, 0.0)
    unsound = np.maximum(SPEEDS[0] - speed, 0.0) + np.maximum(speed - SPEEDS[1], 0.0)
    too_full = np.maximum(flow / (speed * np.pi * wide**2 / 4) - FILLING, 0.0)
    best = np.lexsort((wide, depth, too_full.round(6), unsound.round(6), level.round(6)))[0]
    return float(wide[best]), float(min(foot[best], top - LEAST_FALL * length))


def _tables(tree: _Tree, invert: Floats, diameter: Floats, foot: Floats, *, crs: object) -> SyntheticSewers:
    names = np.array([f"synthetic:manhole/{str(name).rpartition('/')[2]}" for name in tree.ids])
    last = np.flatnonzero(tree.down < 0)
    mouths = [f"synthetic:outfall/{names[place].rpartition('/')[2]}" for place in last]
    points = shapely.points(np.concatenate([tree.xy, tree.mouth[last]]))
    nodes = gpd.GeoDataFrame(
        {
            "kind": ["manhole"] * len(names) + ["outfall"] * len(last),
            "invert": np.concatenate([invert, foot[last]]),
            "ground": np.concatenate([tree.ground, np.maximum(tree.ground[last], foot[last])]),
        },
        geometry=points, index=[*names, *mouths], crs=crs,
    )  # fmt: skip
    below = names[np.maximum(tree.down, 0)].astype(object)
    below[last] = mouths
    ends = np.where((tree.down >= 0)[:, None], tree.xy[np.maximum(tree.down, 0)], tree.mouth)
    lower = nodes["invert"].reindex(below).to_numpy()
    pipes = gpd.GeoDataFrame(
        {
            "from_node": names, "to_node": below, "diameter": diameter,
            "roughness": np.full(len(names), MANNING), "lower_offset": np.maximum(foot - lower, 0.0),
        },
        geometry=shapely.linestrings(np.stack([tree.xy, ends], axis=1)),
        index=[f"synthetic:pipe/{name.rpartition('/')[2]}" for name in names], crs=crs,
    )  # fmt: skip
    return SyntheticSewers(nodes, pipes)
