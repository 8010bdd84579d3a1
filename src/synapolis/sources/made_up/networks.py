"""Networks of a made-up city: streets and junctions, rails, a timetable with frequencies, sewers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from synapolis.core.declare import Assumption
from synapolis.layers.timetable import Timetable
from synapolis.sources.made_up.fabric import Fabric, table
from synapolis.sources.made_up.site import CRS, Site

YEAR = 2025
LANES = {"tram": 4.0, "main": 2.0, "residential": 2.0}  # both directions
SPEEDS = {"tram": 50 / 3.6, "main": 40 / 3.6, "residential": 30 / 3.6}  # m/s
SIGNALS = Assumption(
    name="bpr_alpha",
    value=0.4,
    low=0.15,
    high=0.6,
    unit="1",
    distribution="triangular",
    source="Made up: streets with signals, which delay more than the open road of the Bureau of Public Roads",
    read=False,
    meaning="Relative delay of a link loaded to capacity",
)
VISITORS = Assumption(
    name="gateway_volume_per_activity",
    value=0.15,
    low=0.05,
    high=0.3,
    unit="veh/h",
    distribution="triangular",
    source="Made up: the town serves a region around it",
    read=False,
    meaning="Most traffic that enters at all gateways together in the peak hour, for each resident and each job",
)
FIRST = """
    Linden Harbour Mill Chapel Orchard Castle River Abbey Foundry Garden Station Rope Bell Cooper Weaver Tanner
    Baker Fisher Swan Heron Larch Maple Rowan Alder Birch Cherry Hazel Juniper Myrtle Willow Copper Silver Amber
    Lantern Anchor Beacon Compass Sail Tide Quarry Meadow Spring Hill Bridge Market College Guild Saddler Potter
    Mason Glazier Thatcher Carter Falcon Sparrow Finch Robin Wren Otter Badger Fox Stag
""".split()  # noqa: SIM905 - names read better so
WINDOWS = {  # start, end [h], headway of trams and of buses [min]
    "weekday": ((5.5, 7, 12, 20), (7, 9, 6, 10), (9, 15, 8, 15), (15, 18, 6, 10), (18, 24, 12, 20)),
    "weekend": ((6, 24, 10, 20),),
}
RIDE = {"tram": (6.0, 20), "bus": (5.2, 18)}  # speed between stops [m/s], time at a stop [s]
STOP_SPACING = 330.0  # m


@dataclass(frozen=True)
class Streets:
    """Streets and junctions, with the lattice places of the junctions."""

    streets: gpd.GeoDataFrame
    junctions: gpd.GeoDataFrame
    names: dict[tuple[str, int], str]


def make_streets(fabric: Fabric) -> Streets:
    """Streets along the lattice: none through water or rails but main streets on bridges, none but paths in parks."""
    site = fabric.site
    names = _names(site)
    edges = pd.DataFrame(_edges(fabric, names))
    edges = edges[_in_largest(edges)]
    edges = _one_ways(site, edges.reset_index(drop=True))
    geometry = shapely.linestrings(
        np.stack([_xy(site, edges["start"]), _xy(site, edges["end"])], axis=1),
    )
    places = sorted(set(edges["start"]) | set(edges["end"]))
    last = (site.columns, site.rows)
    points = shapely.points(_xy(site, places))
    junctions = gpd.GeoDataFrame(
        {"gateway": [i in (0, last[0]) or j in (0, last[1]) for i, j in places]},
        geometry=points,
        index=[_junction(place) for place in places],
        crs=CRS,
    )
    columns = edges.drop(columns=["start", "end"])
    streets = gpd.GeoDataFrame(
        {
            "from_junction": [_junction(p) for p in edges["start"]],
            "to_junction": [_junction(p) for p in edges["end"]],
            **{name: columns[name].to_numpy() for name in columns},
        },
        geometry=geometry,
        index=[f"made:street/{n}" for n in range(1, len(edges) + 1)],
        crs=CRS,
    )
    return Streets(streets, junctions, names)


def make_rail(site: Site) -> gpd.GeoDataFrame:
    """A double-track railway from border to border, and tram tracks."""
    row = site.rail_row
    axis = shapely.LineString((site.nodes[:, row] + site.nodes[:, row + 1]) / 2)
    tracks = [axis.offset_curve(2.2), axis.offset_curve(-2.2)]
    trams = [shapely.LineString(site.nodes[1:-1, _main_row(site)]), shapely.LineString(site.nodes[_main_column(site)])]
    dry = [part for tram in trams for part in shapely.get_parts(shapely.difference(tram, site.sea))]
    return table([*tracks, *dry], "rail", kind=["rail"] * len(tracks) + ["tram"] * len(dry))


def make_timetable(site: Site, streets: Streets) -> Timetable:
    """Trams 1, 2 and 7 through the centre, a bus on each other main street, all by frequencies."""
    days = pd.date_range(f"{YEAR}-01-01", f"{YEAR}-12-31")
    services = pd.DataFrame(
        {"service_id": np.where(days.day_of_week < 5, "weekday", "weekend"), "date": days.strftime("%Y-%m-%d")}
    )
    stops: dict[tuple[int, int], str] = {}
    trips, times, frequencies = [], [], []
    for name, mode, path in _lines(site, streets):
        halts, metres = _halts(site, path)
        stops |= {place: f"made:stop/{place[0]}-{place[1]}" for place in halts}
        for direction, order in enumerate((slice(None), slice(None, None, -1))):
            clock = _clock(metres[order], mode)
            for service, windows in WINDOWS.items():
                trip = f"made:trip/{name}-{service}-{direction}"
                trips.append((trip, f"made:line/{name}", name, mode, service, direction))
                times += [
                    (trip, n, stops[place], arrival, departure)
                    for n, (place, (arrival, departure)) in enumerate(zip(halts[order], clock, strict=True))
                ]
                frequencies += [
                    (trip, int(start * 3600), int(end * 3600), 60 * (tram if mode == "tram" else bus), False)
                    for start, end, tram, bus in windows
                ]
    return Timetable.from_tables(
        {
            "stops": _stop_table(site, streets, stops),
            "trips": pd.DataFrame(
                trips, columns=["id", "route_id", "route_name", "mode", "service_id", "direction"]
            ).set_index("id"),
            "stop_times": pd.DataFrame(times, columns=["trip_id", "sequence", "stop_id", "arrival", "departure"]),
            "frequencies": pd.DataFrame(frequencies, columns=["trip_id", "start", "end", "headway", "exact"]),
            "services": services,
        }
    )


def make_sewers(site: Site, streets: Streets) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Storm sewers under the streets: a tree of shortest ways downhill to outfalls at the sea.

    Returns
    -------
    (nodes, pipes)
        Layers `sewer_nodes` and `sewer_pipes`; every invert falls towards its outfall.
    """
    table_ = streets.streets[streets.streets["drive"] & ~streets.streets["bridge"]]
    junctions = streets.junctions
    xy = shapely.get_coordinates(junctions.geometry.to_numpy())
    ground = site.elevation(xy[:, 0], xy[:, 1])
    start, end = (junctions.index.get_indexer(table_[c]) for c in ("from_junction", "to_junction"))
    mouths = _mouths(site, xy, ground, np.union1d(start, end))
    parent, away = _downhill(start, end, table_.geometry.length.to_numpy(), ground, mouths)
    order = np.argsort(-away, kind="stable")
    order = order[np.isfinite(away[order])]
    length = np.where(parent >= 0, np.hypot(*(xy - xy[parent]).T), 0)
    invert, served = ground - 2.0, np.ones(len(xy))
    for node in order:
        up = parent[node]
        if up >= 0:
            invert[up] = min(invert[up], invert[node] - 0.003 * length[node])
            served[up] += served[node]
    return _sewer_tables(site, junctions, (xy, ground, invert, served, parent), mouths, order)


def _junction(place: tuple[int, int]) -> str:
    return f"made:junction/{place[0]}-{place[1]}"


def _xy(site: Site, places: Any) -> NDArray[np.float64]:
    i, j = np.array(list(places)).T
    found: NDArray[np.float64] = site.nodes[i, j]
    return found


def _names(site: Site) -> dict[tuple[str, int], str]:
    """A name for each line of the lattice."""
    order = site.chance(5).permutation(len(FIRST))
    keys = [("x", i) for i in range(1, site.columns)] + [("y", j) for j in range(1, site.rows)]
    names = {}
    for n, (axis, line) in enumerate(keys):
        kind = (
            ("Avenue" if axis == "x" else "Boulevard")
            if site.is_arterial(line)
            else "Street"
            if axis == "x"
            else "Road"
        )
        turn = n // len(FIRST)
        names[axis, line] = f"{('', 'North ', 'New ', 'Upper ')[turn % 4]}{FIRST[order[n % len(FIRST)]]} {kind}"
    return names


def _edges(fabric: Fabric, names: dict[tuple[str, int], str]) -> list[dict[str, Any]]:
    """Every street segment that the site allows."""
    site = fabric.site
    kinds = np.full((site.columns, site.rows), "", dtype=object)
    kinds[fabric.places[:, 0], fabric.places[:, 1]] = fabric.kinds
    wet = shapely.dwithin(shapely.points(site.nodes), site.water, 6.0)
    trams = {"x": _main_column(site), "y": _main_row(site)}
    edges = []
    for axis, lines, length in (("x", site.columns, site.rows), ("y", site.rows, site.columns)):
        for line in range(1, lines):
            main = site.is_arterial(line)
            rank = "tram" if line == trams[axis] else "main" if main else "residential"
            along = [(line, k) if axis == "x" else (k, line) for k in range(length + 1)]
            dry = [p for n, p in enumerate(along) if not wet[p] and (main or 0 < n < length)]
            for start, end in pairwise(dry):
                edge = _edge(site, kinds, axis, start, end, rank=rank)
                if edge is not None:
                    edges.append({"start": start, "end": end, "name": names[axis, line], **edge})
    return edges


def _edge(
    site: Site, kinds: Any, axis: str, start: tuple[int, int], end: tuple[int, int], *, rank: str
) -> dict[str, Any] | None:
    """One segment's class, or None where there can be none; main streets are as narrow as those of real towns."""
    main = rank != "residential"
    line = shapely.LineString([site.nodes[start], site.nodes[end]])
    over_water = bool(shapely.intersects(line, site.water))
    over_rail = axis == "x" and start[1] <= site.rail_row < end[1]
    if (over_water or over_rail) and not main:
        return None
    if shapely.intersects(line, site.sea) or max(end[0] - start[0], end[1] - start[1]) > 3:
        return None
    i, j = start
    beside = {kinds[i, j], kinds[i - 1, j] if axis == "x" else kinds[i, j - 1]} if min(i, j) > 0 else {""}
    path = not main and beside <= {"park", "bank"}
    return {
        "road_class": "tertiary" if main else "footway" if path else "residential",
        "lanes": 0.0 if path else LANES[rank],
        "max_speed": np.nan if path else SPEEDS[rank],
        "one_way": False,
        "drive": not path,
        "walk": True,
        "bridge": over_water or over_rail,
        "cycle": "lane" if main else "",
    }


def _graph(edges: pd.DataFrame, *, directed: bool) -> tuple[Any, NDArray[np.int64], NDArray[np.int64]]:
    places = {place: n for n, place in enumerate(sorted(set(edges["start"]) | set(edges["end"])))}
    a, b = (np.array([places[p] for p in edges[c]], dtype=np.int64) for c in ("start", "end"))
    back = ~edges["one_way"].to_numpy() if directed else np.ones(len(edges), dtype=bool)
    rows, columns = np.concatenate([a, b[back]]), np.concatenate([b, a[back]])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(places),) * 2), a, b


def _in_largest(edges: pd.DataFrame) -> NDArray[np.bool_]:
    graph, a, _ = _graph(edges, directed=False)
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels[a] == np.bincount(labels).argmax())


def _one_ways(site: Site, edges: pd.DataFrame) -> pd.DataFrame:
    """Make streets of the centre one-way by turns, where every junction can still be reached from every other."""
    middle = (_xy(site, edges["start"]) + _xy(site, edges["end"])) / 2
    central = np.hypot(*((middle - site.centre) / (site.width / 2, site.depth / 2)).T) < 0.3
    line = np.array([s[0] if s[0] == e[0] else s[1] for s, e in zip(edges["start"], edges["end"], strict=True)])
    chosen = central & (edges["road_class"] == "residential").to_numpy() & (line % 4 != 0)
    turned = chosen & (line % 4 == 1)
    start, end = edges["start"].to_numpy(), edges["end"].to_numpy()
    edges = edges.assign(
        start=np.where(turned, end, start),
        end=np.where(turned, start, end),
        one_way=chosen,
        lanes=edges["lanes"] - chosen,
    )
    drive = edges[edges["drive"]]
    graph, a, b = _graph(drive, directed=True)
    labels = connected_components(graph, directed=True, connection="strong")[1]
    main = np.bincount(labels).argmax()
    loose = drive.index[drive["one_way"] & ((labels[a] != main) | (labels[b] != main))]
    edges.loc[loose, "one_way"] = False
    return edges


def _main_row(site: Site) -> int:
    mains = [j for j in range(1, site.rows) if site.is_arterial(j) and j <= site.rail_row]
    return min(mains, key=lambda j: abs(float(site.nodes[:, j, 1].mean()) - site.centre[1]))


def _main_column(site: Site) -> int:
    mains = [i for i in range(1, site.columns) if site.is_arterial(i)]
    return min(mains, key=lambda i: abs(float(site.nodes[i, :, 0].mean()) - site.centre[0]))


def _lines(site: Site, streets: Streets) -> list[tuple[str, str, list[tuple[int, int]]]]:
    """Number, mode and path of each line, as places of the lattice in order."""
    known = set(streets.junctions.index)
    row, column = _main_row(site), _main_column(site)

    def path(axis: str, line: int) -> list[tuple[int, int]]:
        inner = range(1, site.rows if axis == "x" else site.columns)
        places = [(line, k) if axis == "x" else (k, line) for k in inner]
        return [place for place in places if _junction(place) in known]

    across, along = path("y", row), path("x", column)
    west = [p for p in across if p[0] <= column]
    north = [p for p in along if p[1] > row]
    lines = [("1", "tram", across), ("2", "tram", along), ("7", "tram", west + north)]
    others = [("x", i) for i in range(1, site.columns) if site.is_arterial(i) and i != column]
    others += [("y", j) for j in range(1, site.rows) if site.is_arterial(j) and j != row]
    lines += [(str(n), "bus", path(*other)) for n, other in enumerate(others, start=10)]
    return [line for line in lines if len(line[2]) > 2]


def _halts(site: Site, path: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Stops on a path, and their distance along it [m]."""
    steps = np.linalg.norm(np.diff(_xy(site, path), axis=0), axis=1)
    metres = np.concatenate([[0.0], np.cumsum(steps)])
    chosen = [0]
    for n in range(1, len(path)):
        if metres[n] - metres[chosen[-1]] >= STOP_SPACING:
            chosen.append(n)
    if chosen[-1] != len(path) - 1:
        chosen[-1 if len(chosen) > 1 and metres[-1] - metres[chosen[-1]] < STOP_SPACING / 2 else len(chosen) :] = [
            len(path) - 1
        ]
    return [path[n] for n in chosen], metres[chosen]


def _clock(metres: NDArray[np.float64], mode: str) -> list[tuple[int, int]]:
    """Arrival and departure at each stop [s after the start]."""
    speed, dwell = RIDE[mode]
    clock, now = [], 0
    legs = np.abs(np.diff(metres))
    for n in range(len(metres)):
        now += round(legs[n - 1] / speed) if n else 0
        wait = dwell if 0 < n < len(metres) - 1 else 0
        clock.append((now, now + wait))
        now += wait
    return clock


def _stop_table(site: Site, streets: Streets, stops: dict[tuple[int, int], str]) -> gpd.GeoDataFrame:
    places = sorted(stops)
    names = [f"{streets.names['x', i]} / {streets.names['y', j]}" for i, j in places]
    geometry = shapely.points(_xy(site, places))
    return gpd.GeoDataFrame({"name": names}, geometry=geometry, index=[stops[p] for p in places], crs=CRS)


def _mouths(
    site: Site, xy: NDArray[np.float64], ground: NDArray[np.float64], on_network: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Junctions near the sea, about 400 m apart, where sewers leave the town; at least the lowest junction."""
    near = [n for n in on_network if shapely.distance(shapely.Point(xy[n]), site.sea) < 150]
    chosen: list[int] = []
    for n in sorted(near, key=lambda n: float(ground[n])):
        if all(np.hypot(*(xy[n] - xy[other])) > 400 for other in chosen):
            chosen.append(int(n))
    return np.array(chosen or [int(on_network[np.argmin(ground[on_network])])], dtype=np.int64)


def _downhill(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length: NDArray[np.float64],
    ground: NDArray[np.float64],
    mouths: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Next junction on the way to an outfall, and that way's cost: length, dearer where the ground rises."""
    lower, upper = np.concatenate([start, end]), np.concatenate([end, start])  # water runs from `upper` to `lower`
    cost = np.concatenate([length, length]) + 60 * np.maximum(ground[lower] - ground[upper], 0)
    graph = csr_array((cost, (lower, upper)), shape=(len(ground),) * 2)
    away, before, _ = dijkstra(graph, indices=mouths, min_only=True, return_predecessors=True)
    return np.where(before < 0, -1, before).astype(np.int64), away


def _sewer_tables(
    site: Site, junctions: gpd.GeoDataFrame, state: Any, mouths: NDArray[np.int64], order: NDArray[np.int64]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    xy, ground, invert, served, parent = state
    used = np.sort(order)
    ids = [f"made:manhole/{str(name).rpartition('/')[2]}" for name in junctions.index]
    shore = shapely.get_coordinates(shapely.shortest_line(shapely.points(xy[mouths]), site.sea))[1::2]
    drop = 0.003 * np.hypot(*(shore - xy[mouths]).T)
    outfalls = [f"made:outfall/{n}" for n in range(1, len(mouths) + 1)]
    nodes = gpd.GeoDataFrame(
        {
            "kind": ["manhole"] * len(used) + ["outfall"] * len(mouths),
            "invert": np.concatenate([invert[used], invert[mouths] - drop]),
            "ground": np.concatenate([ground[used], np.maximum(0.5, invert[mouths] - drop)]),
        },
        geometry=shapely.points(np.concatenate([xy[used], shore])),
        index=[ids[n] for n in used] + outfalls,
        crs=CRS,
    )
    inner = [n for n in used if parent[n] >= 0]
    lines = [shapely.LineString([xy[n], xy[parent[n]]]) for n in inner]
    lines += [shapely.LineString([xy[n], point]) for n, point in zip(mouths, shore, strict=True)]
    diameter = np.clip(0.3 * served[np.concatenate([inner, mouths]).astype(int)] ** 0.375, 0.3, 2.4)
    pipes = table(
        lines,
        "pipe",
        from_node=[ids[n] for n in inner] + [ids[n] for n in mouths],
        to_node=[ids[parent[n]] for n in inner] + outfalls,
        diameter=np.round(diameter, 1),
    )
    return nodes, pipes
