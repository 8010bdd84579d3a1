"""Reads OpenStreetMap extracts into the layers of a city."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError
from synapolis.sources import osm_tags as meaning
from synapolis.sources.closing import sea_areas
from synapolis.sources.osm_elements import Area, Elements, Way, areas, read_elements
from synapolis.sources.osm_places import place_rows
from synapolis.sources.osm_streets import street_layers
from synapolis.sources.osm_turns import turn_bans

ATTRIBUTION = "© OpenStreetMap contributors"
LICENCE = "ODbL 1.0"
WITHIN = 0.9
"""A building with more than this share of its footprint in a larger one is taken for a part or a second drawing."""


@dataclass(frozen=True)
class OsmExtract:
    """Layers by name, the area covered wholly, the year of the newest way, notes by layer (`""`: the whole file)."""

    layers: dict[str, Any]
    crs: str
    extent: shapely.Polygon
    year: int | None
    notes: dict[str, list[str]] = field(default_factory=dict)


@registered(
    kind="parser",
    version="1",
    decision="Building a city: which features its layers hold.",
    data=("OpenStreetMap extract (pbf, xml, o5m)",),
    method="Tags are read by one table of meanings; multipolygons are assembled, ways cut where they meet, areas cut "
    "by the border closed against it.",
    source="OpenStreetMap wiki, Map features and the pages on each key; format: OSM XML and PBF.",
    limits="Holds what mappers drew: lanes, heights and uses are often missing, and are then left empty or marked as "
    "defaults.",
    risks="Well-mapped districts look richer than others; compare coverage before comparing districts.",
    tests="tests/sources/test_osm.py",
)
def read_osm(path: Path | str, crs: str | None = None) -> OsmExtract:
    """Decode an OpenStreetMap file into streets, junctions, turn_bans, buildings, land_use, water, trees, rail,
    spot_heights, places, points_of_interest, transit_lines and transit_line_stops.

    Features cut at the border are closed against it (water, land use, districts), kept up to it (streets, lines) or
    left out and counted (buildings). Ids are `osm:node/1`, `osm:way/1`, `osm:relation/1`; a way that was split at
    junctions gives `osm:way/1#1`, `osm:way/1#2` …

    Parameters
    ----------
    path : Path or str
        pbf, xml or o5m, compressed or not.
    crs : str, optional
        Projected CRS in metres; the extract's UTM zone if not given.

    Returns
    -------
    OsmExtract
        Only layers that have features.

    Raises
    ------
    SourceError
        A truncated or foreign file, or one with nothing of use in it.

    References
    ----------
    OpenStreetMap wiki, pages Key:highway, Key:building, Tag:natural=coastline, Relation:multipolygon,
    Relation:restriction.
    """  # noqa: D205
    elements = read_elements(path, crs)
    notes: dict[str, list[str]] = {}
    if not elements.bounded:
        notes[""] = ["the map file states no bounds: the extent is the box around all its nodes"]
    found = list(areas(elements))
    streets, junctions = street_layers(elements)
    layers = {
        "streets": streets,
        "junctions": junctions,
        "turn_bans": turn_bans(elements, streets, notes),
        "buildings": _buildings(found, elements, notes),
        "land_use": _land_use(found, elements, notes),
        "water": _water(found, elements, notes),
        "trees": _points(elements, [n for n in elements.nodes if n.tags.get("natural") == "tree"]),
        "rail": _rail(elements),
        "spot_heights": _spot_heights(elements, notes),
        "places": _frame(place_rows(elements, found), elements.crs),
        "points_of_interest": _points_of_interest(elements, found),
        **_transit(elements),
    }
    layers = {name: table for name, table in layers.items() if table is not None and len(table)}
    if not layers:
        raise SourceError(f"{path}: wanted streets, buildings or land use, found none; the file may be cut short")
    return OsmExtract(layers, elements.crs, elements.extent, elements.year, notes)


def _frame(rows: list[dict[str, Any]], crs: str) -> gpd.GeoDataFrame | None:
    if not rows:
        return None
    table = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs).set_index("id").sort_index()
    return table[~table.index.duplicated()]


# --- areas ------------------------------------------------------------------------------------------------------------


def _buildings(found: list[Area], elements: Elements, notes: dict[str, list[str]]) -> gpd.GeoDataFrame | None:
    built = [
        area for area in found if area.tags.get("building", "no") not in meaning.NO_BUILDING and _above_ground(area)
    ]
    whole = [area for area in built if area.complete]
    seen = {area.id for area in whole}
    border = {f"osm:way/{way.id}" for way in elements.ways.values() if "building" in way.tags and way.clipped}
    left_out = len((border | {area.id for area in built}) - seen)
    if left_out:
        notes.setdefault("buildings", []).append(f"{left_out} buildings cut at the extract's border are left out")
    table = _frame([_building(area) for area in whole], elements.crs)
    return None if table is None else _without_doubles(table, notes)


def _without_doubles(table: gpd.GeoDataFrame, notes: dict[str, list[str]]) -> gpd.GeoDataFrame:
    """Leave out buildings drawn inside a larger one (towers, a second drawing): their floors would count twice."""
    shapes, area = table.geometry.to_numpy(), table.area.to_numpy()
    inner, outer = table.sindex.query(shapes, predicate="intersects")
    larger = (area[outer] > area[inner]) | ((area[outer] == area[inner]) & (outer < inner))
    inner, outer = inner[larger], outer[larger]
    shared = shapely.area(shapely.intersection(shapes[inner], shapes[outer]))
    doubles = np.unique(inner[shared > WITHIN * area[inner]])
    if len(doubles):
        notes.setdefault("buildings", []).append(f"{len(doubles)} drawn inside a larger building are left out")
    return table[~np.isin(np.arange(len(table)), doubles)]


def _above_ground(area: Area) -> bool:
    tags = area.tags
    return tags.get("location") != "underground" and not (meaning.number(tags.get("layer")) < 0)


def _building(area: Area) -> dict[str, Any]:
    tags = area.tags
    levels = meaning.positive(meaning.number(tags.get("building:levels")))
    height = meaning.positive(meaning.metres(tags.get("height") or tags.get("building:height")))
    return {
        "id": area.id,
        "use": meaning.building_use(tags),
        "levels": levels if levels <= 200 else meaning.NAN,
        "height": height if height <= 900 else meaning.NAN,
        "homes": meaning.positive(meaning.number(tags.get("building:flats"))),
        "start_year": meaning.year(tags.get("start_date")),
        "name": tags.get("name", ""),
        "edit": "",
        "geometry": area.geometry,
    }


def _land_use(found: list[Area], elements: Elements, notes: dict[str, list[str]]) -> gpd.GeoDataFrame | None:
    rows = [
        {"id": area.id, "use": use, "name": area.tags.get("name", ""), "geometry": area.geometry}
        for area in found
        if "building" not in area.tags and (use := meaning.land_use(area.tags))
    ]
    rows += [
        {
            "id": f"osm:way/{way.id}",
            "use": meaning.land_use(way.tags),
            "name": way.tags.get("name", ""),
            "geometry": shapely.make_valid(shapely.Polygon(way.xy)),
        }
        for way in elements.ways.values()
        if "highway" in way.tags and way.tags.get("area") == "yes" and way.closed and not way.clipped
    ]
    rows += [
        {"id": area.id, "use": "building", "name": "", "geometry": area.geometry}
        for area in found
        if "building" in area.tags and not area.complete
    ]
    cut = sum(not area.complete for area in found if "building" not in area.tags and meaning.land_use(area.tags))
    if cut:
        notes.setdefault("land_use", []).append(f"{cut} areas cut at the border are closed against it")
    return _frame([row for row in rows if row["geometry"].geom_type in {"Polygon", "MultiPolygon"}], elements.crs)


def _water(found: list[Area], elements: Elements, notes: dict[str, list[str]]) -> gpd.GeoDataFrame | None:
    rows = [
        {"id": area.id, "kind": kind, "geometry": area.geometry}
        for area in found
        if (kind := meaning.water_kind(area.tags))
    ]
    shores = [way for way in elements.ways.values() if way.tags.get("natural") == "coastline"]
    sea, doubtful = sea_areas([line for way in shores for line in way.lines()], elements.extent)
    largest_first = sorted(sea, key=lambda part: -part.area)
    rows += [{"id": f"osm:sea#{i}", "kind": "sea", "geometry": part} for i, part in enumerate(largest_first, 1)]
    if sea:
        area = sum(part.area for part in sea) / 1e4
        notes.setdefault("water", []).append(f"sea closed against the extent: {area:.1f} ha in {len(sea)} parts")
    if doubtful:
        notes.setdefault("water", []).append(
            f"{len(doubtful)} areas lie on both sides of a coastline: left out of the sea"
        )
    return _frame(rows, elements.crs)


# --- lines and points -------------------------------------------------------------------------------------------------


def _rail(elements: Elements) -> gpd.GeoDataFrame | None:
    rows = [
        {
            "id": f"osm:way/{way.id}",
            "kind": way.tags["railway"],
            "geometry": shapely.line_merge(shapely.union_all(lines)),
        }
        for way in elements.ways.values()
        if way.tags.get("railway") in meaning.RAIL_KINDS
        and not meaning.off_ground(way.tags)
        and (lines := _clipped(way, elements.extent))
    ]
    return _frame(rows, elements.crs)


def _clipped(way: Way, extent: shapely.Polygon) -> list[Any]:
    parts = [part for line in way.lines() for part in shapely.get_parts(line.intersection(extent))]
    return [part for part in parts if part.geom_type == "LineString" and part.length > 0]


def _points(elements: Elements, nodes: list[Any]) -> gpd.GeoDataFrame | None:
    return _frame(
        [{"id": f"osm:node/{n.id}", "geometry": n.point} for n in nodes if elements.extent.covers(n.point)],
        elements.crs,
    )


def _spot_heights(elements: Elements, notes: dict[str, list[str]]) -> gpd.GeoDataFrame | None:
    rows = [
        {"id": f"osm:node/{n.id}", "elevation": height, "geometry": n.point}
        for n in elements.nodes
        if "ele" in n.tags and -500 <= (height := meaning.metres(n.tags["ele"])) <= 9000
    ]
    barometric = sum("barom" in " ".join(n.tags.values()).lower() for n in elements.nodes if "ele" in n.tags)
    if barometric:
        notes.setdefault("spot_heights", []).append(f"{barometric} of {len(rows)} are barometric")
    return _frame(rows, elements.crs)


def _points_of_interest(elements: Elements, found: list[Area]) -> gpd.GeoDataFrame | None:
    rows = [
        {"id": f"osm:node/{n.id}", "kind": kind, **_point_facts(n.tags), "geometry": n.point}
        for n in elements.nodes
        if (kind := meaning.point_kind(n.tags)) and elements.extent.covers(n.point)
    ]
    rows += [
        {
            "id": area.id,
            "kind": kind,
            **_point_facts(area.tags),
            "geometry": area.geometry.representative_point(),
        }
        for area in found
        if area.complete and (kind := meaning.point_kind(area.tags))
    ]
    return _frame(rows, elements.crs)


def _point_facts(tags: dict[str, str]) -> dict[str, str]:
    return {
        "name": tags.get("name", ""), "type": meaning.point_type(tags), "wheelchair": tags.get("wheelchair", "")
    }  # fmt: skip


# --- transit lines ----------------------------------------------------------------------------------------------------


def _transit(elements: Elements) -> dict[str, gpd.GeoDataFrame | None]:
    lines: list[dict[str, Any]] = []
    stops: list[dict[str, Any]] = []
    points = {node.id: node for node in elements.nodes}
    for relation in elements.relations:
        mode = (
            meaning.ROUTE_MODE.get(relation.tags.get("route", ""), "") if relation.tags.get("type") == "route" else ""
        )
        if not mode:
            continue
        parts = [
            line
            for kind, key, role in relation.members
            if _is_track(kind, key, role, elements)
            for line in elements.ways[key].lines()
        ]
        if not parts:
            continue
        name = f"osm:relation/{relation.id}"
        lines.append(
            {
                "id": name,
                "route_name": relation.tags.get("ref", ""),
                "mode": mode,
                "name": relation.tags.get("name", ""),
                "geometry": shapely.line_merge(shapely.MultiLineString(parts)),
            }
        )
        stops += _line_stops(relation, name, elements, points)
    return {"transit_lines": _frame(lines, elements.crs), "transit_line_stops": _frame(stops, elements.crs)}


def _is_track(kind: str, key: int, role: str, elements: Elements) -> bool:
    return kind == "w" and key in elements.ways and not role.startswith(("platform", "stop"))


def _line_stops(relation: Any, line: str, elements: Elements, points: dict[int, Any]) -> list[dict[str, Any]]:
    """Stops of a line that lie in the extract; their order counts also those outside."""
    wanted = "platform" if any(role.startswith("platform") for _, _, role in relation.members) else "stop"
    members = [(kind, key) for kind, key, role in relation.members if role.startswith(wanted)]
    rows = []
    for order, (kind, key) in enumerate(members):
        place = _stop_place(kind, key, elements, points)
        if place is not None:
            stop, name, point = place
            rows.append(
                {
                    "id": f"{line}#{order}",
                    "line": line,
                    "sequence": order,
                    "stop": stop,
                    "name": name,
                    "geometry": point,
                }
            )
    return rows


def _stop_place(kind: str, key: int, elements: Elements, points: dict[int, Any]) -> tuple[str, str, Any] | None:
    if kind == "n" and key in points:
        node = points[key]
        return f"osm:node/{key}", node.tags.get("name", ""), node.point
    if kind == "w" and key in elements.ways and not elements.ways[key].clipped:
        way = elements.ways[key]
        return f"osm:way/{key}", way.tags.get("name", ""), shapely.Point(way.xy.mean(axis=0))
    return None
