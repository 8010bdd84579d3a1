"""Everything with a name in an OpenStreetMap extract: districts, squares, parks, stops, buildings and other places."""

from __future__ import annotations

from typing import Any

import shapely

from synapolis.sources import osm_tags as meaning
from synapolis.sources.closing import close_area
from synapolis.sources.osm_elements import Area, Elements, Relation, polygonal, polygons_of

DISTRICT_LEVELS = range(8, 13)
"""Values of admin_level that stand for parts of a city, or for the city itself."""

Row = dict[str, Any]


def place_rows(elements: Elements, found: list[Area]) -> list[Row]:
    """List the rows of the layer `places`.

    Parameters
    ----------
    elements : Elements
        The decoded extract.
    found : list of Area
        Its areas.

    Returns
    -------
    list of dict
        id, name, other_names, kind, closed, geometry. Stops of one name are one place; a district known both as a
        boundary and as a node is the boundary.
    """
    districts = _districts(elements)
    known = {row["name"] for row in districts}
    rows = districts + _areas(found)
    for node in elements.nodes:
        name = node.tags.get("name", "")
        kind = _node_kind(node.tags)
        if name and kind and elements.extent.covers(node.point) and not (kind == "district" and name in known):
            rows.append(_row(f"osm:node/{node.id}", node.tags, kind, node.point))
    stops = [row for row in rows if row["kind"] == "stop"]
    return [row for row in rows if row["kind"] != "stop"] + _by_name(stops)


def _row(key: str, tags: meaning.Tags, kind: str, geometry: Any, *, closed: bool = False) -> Row:
    names = {"name": tags["name"], "other_names": meaning.other_names(tags)}
    return {"id": key, **names, "kind": kind, "closed": closed, "geometry": geometry}


def _node_kind(tags: meaning.Tags) -> str:
    if tags.get("place") in meaning.DISTRICT_NODES:
        return "district"
    if tags.get("place") == "square":
        return "square"
    if meaning.is_stop(tags):
        return "stop"
    named = tags.get("place") in meaning.OTHER_PLACE_NODES or meaning.point_kind(tags) or "tourism" in tags
    return "place" if named else ""


def _areas(found: list[Area]) -> list[Row]:
    return [
        _row(area.id, area.tags, meaning.place_kind(area.tags), area.geometry, closed=not area.complete)
        for area in found
        if area.tags.get("name") and (area.complete or "building" not in area.tags)
    ]


def _by_name(stops: list[Row]) -> list[Row]:
    """Join the stops of one name to one place."""
    together: dict[str, list[Row]] = {}
    for row in sorted(stops, key=lambda row: str(row["id"])):
        together.setdefault(row["name"], []).append(row)
    return [_joined(rows) for rows in together.values()]


def _joined(rows: list[Row]) -> Row:
    points = [row["geometry"].representative_point() for row in rows]
    others = ";".join(dict.fromkeys(part for row in rows for part in row["other_names"].split(";") if part))
    geometry = points[0] if len(points) == 1 else shapely.MultiPoint(points)
    return rows[0] | {"other_names": others, "geometry": geometry}


# --- districts --------------------------------------------------------------------------------------------------------


def _districts(elements: Elements) -> list[Row]:
    """Administrative boundaries, the finest first so that a wider one can be told inside by its parts."""
    wanted = [relation for relation in elements.relations if _level(relation) in DISTRICT_LEVELS]
    rows: dict[int, Row] = {}
    for relation in sorted(wanted, key=lambda relation: (-_level(relation), relation.id)):
        shape, whole = _boundary(relation, elements, rows)
        if shape is not None and shape.intersects(elements.extent):
            key = f"osm:relation/{relation.id}"
            rows[relation.id] = _row(key, relation.tags, "district", shape, closed=not whole)
    return list(rows.values())


def _level(relation: Relation) -> int:
    named = "name" in relation.tags and relation.tags.get("boundary") == "administrative"
    text = relation.tags.get("admin_level", "")
    return int(text) if named and text.isdigit() else -1


def _boundary(relation: Relation, elements: Elements, finer: dict[int, Row]) -> tuple[Any, bool]:
    """Return a boundary's area, and whether it is whole."""
    ways = [(key, elements.ways.get(key)) for kind, key, role in relation.members if kind == "w" and role != "inner"]
    lines = [line for _, way in ways if way is not None for line in way.lines()]
    if not lines:
        return None, False
    if all(way is not None and not way.clipped for _, way in ways):
        shape = polygons_of(lines)
        return (None if shape is None else polygonal(shape)), True
    closed = close_area(lines, elements.extent, _point_inside(relation, elements, finer))
    return (None if closed is None else polygonal(closed)), False


def _point_inside(relation: Relation, elements: Elements, finer: dict[int, Row]) -> shapely.Point | None:
    """Return a point known to be in a district: of a part of it, its label, or the node of the same name."""
    for kind, key, role in relation.members:
        if kind == "r" and role == "subarea" and key in finer:
            return finer[key]["geometry"].representative_point()
    labels = {key for kind, key, role in relation.members if kind == "n" and role in {"label", "admin_centre"}}
    for node in elements.nodes:
        same = node.tags.get("name") == relation.tags["name"] and node.tags.get("place") in meaning.DISTRICT_NODES
        if (node.id in labels or same) and elements.extent.covers(node.point):
            return node.point
    return None
