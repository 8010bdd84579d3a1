"""Streets: bicycle paths, ground for walkers, ways out of the city, and how soon help arrives."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import (
    KILOMETRE,
    MINUTE,
    chosen,
    coordinates,
    indicator,
    joint_area,
    per_100_000,
    percent,
)
from synapolis.layers.vocabulary import (
    BicyclePathsPer100000,
    EmergencyResponseTime,
    EvacuationRoutesPer100000,
    Extent,
    Junctions,
    LandUse,
    PedestrianAreaShare,
    PointsOfInterest,
    Population,
    ResidentPoints,
    Streets,
)

TESTS = "tests/indicators/formulas/test_streets.py"
WALKERS_GROUND = ("square", "pedestrian")
STATIONS = ("fire_station", "ambulance_station")
EVACUATION_CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified")


@indicator(
    method="Length of ways for bicycles and of streets with bicycle lanes (once, whatever sides they are on), over "
    "residents.",
    limits="Where the streets do not tell of lanes only cycleways count. Bicycle ways closed to walkers are not read.",
    tests=TESTS,
)
def bicycle_paths_per_100000(streets: Streets, population: Population) -> BicyclePathsPer100000:
    """Kilometres of bicycle paths and lanes for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.4 (standard not read).
    """
    counted = (streets["road_class"] == "cycleway").to_numpy()
    if "cycle" in streets:
        counted = counted | streets["cycle"].isin(("path", "lane")).to_numpy()
    metres = float(shapely.length(streets.geometry.to_numpy())[counted].sum())
    if not metres > 0:
        raise NotComputableError("needs bicycle paths or lanes in its streets; none is mapped")
    return per_100_000(metres / KILOMETRE, population)


@indicator(
    method="Squares and pedestrian areas, and ways for walkers that cars may not use at an assumed width, overlaps "
    "once, over the extent.",
    limits="Pavements beside streets are not in it; the extent stands for the city area.",
    tests=TESTS,
    optional=("land_use",),
)
def pedestrian_area_share(
    streets: Streets, land_use: LandUse, extent: Extent, path_width: float
) -> PedestrianAreaShare:
    """Share of the city area that is for walkers or free of cars.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, EC: I: UP: 1A (standard not read).
    """
    ways = streets.geometry.to_numpy()[(streets["walk"] & ~streets["drive"]).to_numpy()]
    squares = () if land_use is None else land_use.geometry.to_numpy()[land_use["use"].isin(WALKERS_GROUND).to_numpy()]
    areas = [*shapely.buffer(ways, path_width / 2, cap_style="flat"), *squares]
    if not areas:
        raise NotComputableError("needs squares or ways for walkers; none is mapped")
    return percent(joint_area(areas, extent), float(extent.area), "an extent")


@indicator(
    method="Gateways: places where streets of at least local importance, open to cars and joined to the main road "
    "network, cross the extent's border; over residents.",
    limits="Every such street counts as a route, whatever its width and wherever it leads; none is officially named.",
    tests=TESTS,
)
def evacuation_routes_per_100000(
    streets: Streets, junctions: Junctions, population: Population
) -> EvacuationRoutesPer100000:
    """Ways out of the city by road for each 100 000 residents.

    References
    ----------
    Definition as summarised publicly for ISO 37123:2019, 19.1 (standard not read).
    """
    drive = _open_to_cars(streets)
    main = _largest_part(drive, junctions)
    through = drive[drive["road_class"].isin(EVACUATION_CLASSES)]
    ends = junctions.index.isin(through["from_junction"]) | junctions.index.isin(through["to_junction"])
    count = int((junctions["gateway"].to_numpy(dtype=bool) & ends & main).sum())
    if not count:
        raise NotComputableError("needs streets that lead over the border of its data; none is known")
    return per_100_000(count, population)


@indicator(
    method="An assumed time to leave, plus the way along streets open to cars, in either direction, from the nearest "
    "fire or ambulance station at an assumed speed; mean over residents.",
    limits="No dispatch records, no traffic, no busy crews; residents are reached at the nearest junction.",
    tests=TESTS,
)
def emergency_response_time(
    streets: Streets,
    junctions: Junctions,
    points_of_interest: PointsOfInterest,
    resident_points: ResidentPoints,
    emergency_speed: float,
    emergency_turnout_time: float,
) -> EmergencyResponseTime:
    """Mean time from a call until help from the nearest station arrives.

    Parameters
    ----------
    emergency_speed : m/s
    emergency_turnout_time : s
        From the call until the crew leaves.

    Returns
    -------
    float [min]

    Raises
    ------
    NotComputableError
        No station is mapped, no street is open to cars, or nobody lives there.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 15.7 (standard not read). Dijkstra, E. W. (1959). A note on
    two problems in connexion with graphs. Numerische Mathematik, 1.
    """
    stations = chosen(points_of_interest, "type", STATIONS, "fire or ambulance stations in its points of interest")
    drive = _open_to_cars(streets)
    nodes = coordinates(junctions)
    usable = np.flatnonzero(_largest_part(drive, junctions))
    _, start = cKDTree(nodes[usable]).query(coordinates(stations))
    metres = dijkstra(_graph(drive, junctions), directed=False, indices=usable[np.unique(start)], min_only=True)
    people = resident_points["people"].to_numpy(dtype=np.float64)
    if not people.sum() > 0:
        raise NotComputableError("needs residents; its zones have none")
    off, door = cKDTree(nodes[usable]).query(resident_points[["x", "y"]].to_numpy(dtype=np.float64))
    seconds = emergency_turnout_time + (metres[usable[door]] + off) / emergency_speed
    return float(np.average(seconds, weights=people) / MINUTE)


def _open_to_cars(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    drive = streets[streets["drive"].to_numpy(dtype=bool)]
    if drive.empty:
        raise NotComputableError("needs streets open to cars; none is")
    return drive


def _graph(streets: gpd.GeoDataFrame, junctions: gpd.GeoDataFrame) -> Any:
    """Junctions joined by streets, weighted with the length of the shortest [m]."""
    start, end = (junctions.index.get_indexer(streets[name]) for name in ("from_junction", "to_junction"))
    low, high = np.minimum(start, end), np.maximum(start, end)
    length = np.maximum(shapely.length(streets.geometry.to_numpy()), 1e-6)
    order = np.lexsort((length, high, low))
    low, high, length = low[order], high[order], length[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    count = len(junctions)
    return coo_array((length[first], (low[first], high[first])), shape=(count, count)).tocsr()


def _largest_part(streets: gpd.GeoDataFrame, junctions: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Junctions of the largest connected part of the network. (junction,)."""
    _, part = connected_components(_graph(streets, junctions), directed=False)
    return np.asarray(part == np.bincount(part).argmax())
