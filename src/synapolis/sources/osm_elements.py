"""Decodes an OpenStreetMap file into nodes, ways and relations in one projected CRS, and assembles their areas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from synapolis.core.errors import SourceError
from synapolis.sources.closing import close_area

Tags = dict[str, str]


@dataclass(frozen=True)
class Node:
    """A node with tags."""

    id: int
    tags: Tags
    point: shapely.Point


@dataclass(frozen=True)
class Way:
    """A way: node ids, and coordinates (node, 2) that are NaN where the extract lacks the node."""

    id: int
    tags: Tags
    nodes: NDArray[np.int64]
    xy: NDArray[np.float64]

    @property
    def closed(self) -> bool:
        """Ends where it starts, seen or not."""
        return len(self.nodes) > 3 and self.nodes[0] == self.nodes[-1]

    @cached_property
    def clipped(self) -> bool:
        """Some of its nodes are not in the extract."""
        return bool(np.isnan(self.xy[:, 0]).any())

    def runs(self) -> Iterator[slice]:
        """Stretches of at least two consecutive nodes that are in the extract."""
        if not self.clipped:
            if len(self.nodes) > 1:
                yield slice(0, len(self.nodes))
            return
        known = np.concatenate([[False], ~np.isnan(self.xy[:, 0]), [False]])
        edges = np.flatnonzero(known[1:] != known[:-1])
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start > 1:
                yield slice(int(start), int(stop))

    def lines(self) -> list[shapely.LineString]:
        """Its stretches inside the extract, in its direction."""
        return [shapely.LineString(self.xy[run]) for run in self.runs()]


@dataclass(frozen=True)
class Relation:
    """A relation with its members as (kind n, w or r; id; role)."""

    id: int
    tags: Tags
    members: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True)
class Elements:
    """Everything of an OSM file, in the CRS; `extent` is the area that it covers wholly.

    `bounded` tells whether the file states that area; `year` is that of its newest way.
    """

    nodes: tuple[Node, ...]
    ways: dict[int, Way]
    relations: tuple[Relation, ...]
    crs: str
    extent: shapely.Polygon
    bounded: bool
    year: int | None


@dataclass(frozen=True)
class Area:
    """A closed way or a multipolygon. `complete` is false where it was cut at the border and closed against it."""

    id: str
    tags: Tags
    geometry: Any
    complete: bool


def utm_crs(longitude: float, latitude: float) -> str:
    """Return the UTM zone of a place, as an EPSG code."""
    zone = min(int((longitude + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"


def read_elements(path: Path | str, crs: str | None = None) -> Elements:
    """Decode an OSM file (pbf, xml, o5m; compressed or not).

    Parameters
    ----------
    path : Path or str
        The file.
    crs : str, optional
        Projected CRS in metres; the UTM zone of the extract's middle if not given.

    Raises
    ------
    SourceError
        A missing, truncated or foreign file, or one without any node.
    """
    nodes, ways, relations, box, year = _decode(Path(path))
    known = [xy for _, _, _, xy in ways] + [np.array([[lon, lat]]) for _, _, lon, lat in nodes]
    flat = np.concatenate(known) if known else np.empty((0, 2))
    seen = flat[~np.isnan(flat[:, 0])]
    if len(seen) == 0:
        raise SourceError(f"{path}: wanted OSM nodes and ways, found none with a location; the file may be cut short")
    if not ways:
        raise SourceError(f"{path}: wanted streets and areas, found {len(nodes)} nodes, no way; it is cut short")
    bounds = box or (*seen.min(axis=0), *seen.max(axis=0))
    target = crs or utm_crs((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    transform = _transformer(target)
    moved = _moved(flat, transform)
    offset = np.cumsum([0, *(len(xy) for _, _, _, xy in ways)])
    return Elements(
        nodes=tuple(Node(key, tags, shapely.Point(moved[offset[-1] + i])) for i, (key, tags, _, _) in enumerate(nodes)),
        ways={
            key: Way(key, tags, refs, moved[offset[i] : offset[i + 1]]) for i, (key, tags, refs, _) in enumerate(ways)
        },
        relations=tuple(relations),
        crs=target,
        extent=_projected_box(bounds, transform),
        bounded=box is not None,
        year=year,
    )


_Decoded = tuple[list[Any], list[Any], list[Relation], tuple[float, float, float, float] | None, int | None]


def _decode(path: Path) -> _Decoded:
    if not path.is_file():
        raise SourceError(f"no OSM file at {path}; name an existing .osm.pbf, .osm or .osm.gz")
    nodes, ways, relations, newest = [], [], [], 0
    try:
        source = osmium.FileProcessor(str(path)).with_locations()
        tagged: Any = osmium.filter.EmptyTagFilter()
        source = source.with_filter(tagged.enable_for(osmium.osm.NODE))
        box = source.header.box()
        item: Any
        for item in source:
            tags = {tag.k: tag.v for tag in item.tags}
            if item.is_node():
                nodes.append((item.id, tags, item.location.lon, item.location.lat))
            elif item.is_way():
                ways.append((item.id, tags, *_way_nodes(item)))
                newest = max(newest, item.timestamp.year)
            elif item.is_relation():
                relations.append(Relation(item.id, tags, tuple((m.type, m.ref, m.role) for m in item.members)))
    except (RuntimeError, ValueError, OSError, osmium.InvalidLocationError) as error:
        raise SourceError(
            f"{path} is not a whole OSM file: {error}; it is cut short or of another format, fetch it again"
        ) from error
    stated = box.valid() and box.size() > 0
    bounds = (box.bottom_left.lon, box.bottom_left.lat, box.top_right.lon, box.top_right.lat) if stated else None
    return nodes, ways, relations, bounds, newest if newest > 1970 else None


def _way_nodes(way: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    refs, places = [], []
    for node in way.nodes:
        location = node.location
        refs.append(node.ref)
        places.append((location.lon, location.lat) if location.valid() else (np.nan, np.nan))
    return np.array(refs, dtype=np.int64), np.array(places, dtype=np.float64).reshape(-1, 2)


def _transformer(crs: str) -> Transformer:
    target = CRS.from_user_input(crs)
    if not target.is_projected:
        raise SourceError(f"a city needs a projected CRS in metres, got {crs}; give a UTM zone or a national grid")
    return Transformer.from_crs("EPSG:4326", target, always_xy=True)


def _moved(lonlat: NDArray[np.float64], transform: Transformer) -> NDArray[np.float64]:
    moved = np.full(lonlat.shape, np.nan)
    known = ~np.isnan(lonlat[:, 0])
    moved[known] = np.column_stack(transform.transform(lonlat[known, 0], lonlat[known, 1]))
    return moved


def _projected_box(bounds: tuple[float, float, float, float], transform: Transformer) -> shapely.Polygon:
    box = shapely.segmentize(shapely.box(*bounds), max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / 8)
    return shapely.transform(box, lambda xy: np.column_stack(transform.transform(xy[:, 0], xy[:, 1])))


def areas(elements: Elements) -> Iterator[Area]:
    """Yield closed ways that stand for areas, and multipolygons (also those whose tags are on their outer way).

    Areas cut at the border are closed against the extent and marked; one that is whole but lies outside the extent
    is left out.
    """
    outer_of: set[int] = set()
    for relation in elements.relations:
        if relation.tags.get("type") != "multipolygon":
            continue
        tags, spent = _multipolygon_tags(relation, elements)
        area = _multipolygon(relation, tags, elements) if tags else None
        if area is not None:
            outer_of |= spent
            yield area
    for way in elements.ways.values():
        if way.closed and way.id not in outer_of and stands_for_area(way.tags):
            closed = _way_area(way, elements.extent)
            if closed is not None:
                yield closed


def stands_for_area(tags: Tags) -> bool:
    """Whether a closed way with these tags is an area, not a ring-shaped line."""
    if tags.get("area") == "yes":
        return True
    if tags.get("area") == "no" or "highway" in tags or "barrier" in tags or "route" in tags:
        return False
    if tags.get("natural") in {"coastline", "tree_row", "cliff"} or tags.get("leisure") == "track":
        return False
    kinds = ("building", "landuse", "leisure", "natural", "amenity", "place", "shop", "office", "tourism", "water")
    plain = any(key in tags for key in (*kinds, "historic", "healthcare", "craft"))
    return plain or tags.get("waterway") == "riverbank" or tags.get("man_made") == "pier" or "platform" in tags.values()


def _multipolygon_tags(relation: Relation, elements: Elements) -> tuple[Tags, set[int]]:
    """Tags of a multipolygon, and the outer ways that say the same and must not be areas once more."""
    own = {key: value for key, value in relation.tags.items() if key not in {"type", "source", "note"}}
    outers = [
        elements.ways[key]
        for kind, key, role in relation.members
        if kind == "w" and role != "inner" and key in elements.ways
    ]
    if "highway" in own or stands_for_area(own):
        same = {way.id for way in outers if "building" in own and "building" in way.tags}
        return own, same
    tagged = [way for way in outers if way.tags and stands_for_area(way.tags)]
    if len(tagged) == 1:
        return tagged[0].tags | own, {tagged[0].id}
    return own if set(own) - {"name"} else {}, set()


def _multipolygon(relation: Relation, tags: Tags, elements: Elements) -> Area | None:
    rings: dict[bool, list[shapely.LineString]] = {False: [], True: []}
    complete = True
    for kind, key, role in relation.members:
        if kind != "w":
            continue
        way = elements.ways.get(key)
        if way is None or way.clipped:
            complete = complete and role == "inner"
        rings[role == "inner"] += way.lines() if way is not None else []
    if not rings[False]:
        return None
    outer = polygons_of(rings[False]) if complete else close_area(rings[False], elements.extent)
    if outer is None or outer.is_empty:
        return None
    inner = polygons_of(rings[True])
    shape = polygonal(outer.difference(inner)) if inner is not None else polygonal(outer)
    return _inside(Area(f"osm:relation/{relation.id}", tags, shape, complete), elements.extent)


def _way_area(way: Way, extent: shapely.Polygon) -> Area | None:
    name = f"osm:way/{way.id}"
    if not way.clipped:
        return _inside(Area(name, way.tags, polygonal(shapely.Polygon(way.xy)), complete=True), extent)
    lines = way.lines()
    shape = close_area(lines, extent) if lines else None
    return None if shape is None else _inside(Area(name, way.tags, polygonal(shape), complete=False), extent)


def _inside(area: Area, extent: shapely.Polygon) -> Area | None:
    if area.geometry.is_empty or not area.geometry.intersects(extent):
        return None
    return area


def polygons_of(lines: list[shapely.LineString]) -> shapely.Geometry | None:
    """Union of the rings that lines close; None where they close none."""
    if not lines:
        return None
    parts = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(lines))))
    return shapely.union_all(parts) if len(parts) else None


def polygonal(shape: shapely.Geometry) -> Any:
    """Return the valid polygonal part of a geometry (empty where it has none)."""
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    if valid.geom_type in {"Polygon", "MultiPolygon"}:
        return valid
    return shapely.union_all([part for part in shapely.get_parts(valid) if part.geom_type.endswith("Polygon")])
