"""Walking on the city's streets: links with their slopes, and the walks between zones and stops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.layers.grid import Raster
from synapolis.layers.vocabulary import (
    Junctions,
    Streets,
    Terrain,
    Timetable,
    TransitStops,
    TransitWalks,
    WalkNetwork,
    Zones,
)
from synapolis.models.transit.travel import DECISION
from synapolis.models.transit.walk import Walks, attach, largest_part, point_to_point, walk_graph

METRES = 1.0  # [m/s]: with it, the walking kernels' seconds are metres
ATTACH_LIMIT = 400.0  # [m] from a door or stop to the street network; beyond it a place is unreachable on foot
STEEPEST = 0.3  # slope; what is steeper has stairs, or is an error of the terrain

TESTS = "tests/models/test_access.py"
LIMITS = "Walking ignores stairs and waits at crossings."
RISKS = "An average over residents hides those without access; read the map and the losers' table too."


class WalkLinks(NamedTuple):
    """Walkable links, one for each direction: junction numbers, metres of level ground, and the junctions' places."""

    from_node: NDArray[np.int64]
    to_node: NDArray[np.int64]
    length: NDArray[np.float64]
    nodes: NDArray[np.float64]  # (node, 2)


@model(
    version="2",
    decision=DECISION,
    method="Keeps the street segments open to walkers, in both directions. Where the ground's elevation is known, a "
    "slope is told by how many metres of level ground take as long (Tobler); bridges and tunnels are level.",
    limits=LIMITS + " Elevation is read at both ends of a segment, so that a hump between them is not seen; slopes "
    "count to 30 %.",
    risks="Paths missing from the map make detours that people do not walk.",
    tests=TESTS,
    optional=("terrain",),
)
def walk_network(streets: Streets, junctions: Junctions, terrain: Terrain | None = None) -> WalkNetwork:
    """Walkable links between junctions, in metres of level ground.

    References
    ----------
    Tobler, W. (1993). Three presentations on geographical analysis and modeling. NCGIA technical report 93-1: walking
    speed of 6 exp(-3.5 |slope + 0.05|) km/h.
    """
    walkable = streets[streets["walk"]]
    ends = [junctions.index.get_indexer(walkable[name]).astype(np.int64) for name in ("from_junction", "to_junction")]
    nodes = shapely.get_coordinates(junctions.geometry.to_numpy())
    length = walkable.geometry.length.to_numpy()
    rise = np.zeros(len(walkable))
    if terrain is not None:
        height = _elevation_at(nodes, terrain)
        on_ground = ~walkable["bridge"].to_numpy(dtype=bool)
        rise = np.where(on_ground, np.nan_to_num(height[ends[1]] - height[ends[0]]), 0.0)
    slope = rise / np.maximum(length, 1e-9)
    return WalkLinks(
        np.concatenate(ends),
        np.concatenate(ends[::-1]),
        np.concatenate([length * level_metres(slope), length * level_metres(-slope)]) if rise.any()
        else np.concatenate([length, length]),
        nodes,
    )  # fmt: skip


def level_metres(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres of level ground that take as long to walk as one metre up (or, below 0, down) a slope: Tobler."""
    steep = np.clip(slope, -STEEPEST, STEEPEST)
    return np.asarray(np.exp(3.5 * (np.abs(steep + 0.05) - 0.05)))


def _elevation_at(places: NDArray[np.float64], terrain: Raster) -> NDArray[np.float64]:
    """Elevation of the cell under each place; NaN outside the terrain, where the ground counts as level."""
    elevation, (width, _, left, _, height_step, top) = terrain.values, terrain.transform
    column = np.floor((places[:, 0] - left) / width).astype(np.int64)
    row = np.floor((places[:, 1] - top) / height_step).astype(np.int64)
    inside = (row >= 0) & (column >= 0) & (row < elevation.shape[0]) & (column < elevation.shape[1])
    height = np.full(len(places), np.nan)
    height[inside] = elevation[row[inside], column[inside]]
    return height


@model(version="2", decision=DECISION, method="The stops of the timetable.", limits="As the timetable.",
       risks="A stop placed wrongly moves everybody who uses it.", tests=TESTS)  # fmt: skip
def transit_stops(timetable: Timetable) -> TransitStops:
    """Stops of the timetable, with their places.

    References
    ----------
    Own definition over the timetable layer.
    """
    return timetable.stops


class Distances(NamedTuple):
    """Walking distances in whole metres (rounded up)."""

    access: Walks
    egress: Walks
    between_stops: Walks
    direct: Walks


@model(version="2", decision=DECISION,
       method="Shortest paths on the walkable street network, from the middle of each zone.",
       limits=LIMITS + " Everyone in a zone starts from its middle.", risks=RISKS, tests=TESTS)  # fmt: skip
def transit_walks(
    walk_network: WalkNetwork, zones: Zones, transit_stops: TransitStops, stop_walk_limit: float, walk_limit: float
) -> TransitWalks:
    """Walking distances from zones to stops, between stops, and from zone to zone.

    References
    ----------
    Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    graph = walk_graph(
        walk_network.from_node, walk_network.to_node, walk_network.length, node_count=len(walk_network.nodes),
        both_ways=False,
    )  # fmt: skip
    usable = largest_part(graph)

    def joined(points: Any) -> Any:
        places = shapely.get_coordinates(shapely.point_on_surface(points.geometry.to_numpy()))
        return attach(places, walk_network.nodes, speed=METRES, limit=ATTACH_LIMIT, usable=usable)

    doors, stops = joined(zones), joined(transit_stops)
    return Distances(
        access=point_to_point(graph, doors, stops, stop_walk_limit),
        egress=point_to_point(graph, stops, doors, stop_walk_limit),
        between_stops=point_to_point(graph, stops, stops, stop_walk_limit),
        direct=point_to_point(graph, doors, doors, walk_limit),
    )
