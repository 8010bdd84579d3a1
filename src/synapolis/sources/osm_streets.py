"""Streets and junctions of an OpenStreetMap extract: ways cut where they meet, with what their tags say of traffic."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from synapolis.sources import osm_tags as meaning
from synapolis.sources.gateways import border_dead_ends
from synapolis.sources.osm_elements import Elements, Way

BORDER = 2.0  # m; a street end this near the border, or past it, is where the extract was cut

Piece = tuple[Way, slice]


def street_layers(elements: Elements) -> tuple[gpd.GeoDataFrame | None, gpd.GeoDataFrame | None]:
    """Cut the ways that people drive or walk on at the nodes that they share.

    Parameters
    ----------
    elements : Elements
        The decoded extract.

    Returns
    -------
    streets, junctions : GeoDataFrame or None
        The layers of these names. A one-way street runs as cars do. A street that leaves the extract ends at its last
        node inside, which is a gateway where cars use it.
    """
    ways = [way for way in elements.ways.values() if meaning.drivable(way.tags) or meaning.walkable(way.tags)]
    pieces, lines = _pieces(ways, elements.extent)
    if not pieces:
        return None, None
    streets = _streets(pieces, lines, elements.crs)
    places = {int(way.nodes[at]): way.xy[at] for way, part in pieces for at in (part.start, part.stop - 1)}
    cut = {node for way, part in pieces if meaning.drivable(way.tags) for node in _cut_ends(way, part)}
    return streets, _junctions(streets, places, cut, elements)


def _pieces(ways: list[Way], extent: shapely.Polygon) -> tuple[list[Piece], Any]:
    """Stretches between junctions that have a length and touch the extent, and their lines in the ways' direction."""
    ends = _junction_nodes(ways)
    pieces = [(way, part) for way in ways for part in _stretches(way, ends)]
    if not pieces:
        return [], np.array([])
    flat = np.concatenate([way.xy[part] for way, part in pieces])
    of = np.repeat(np.arange(len(pieces)), [part.stop - part.start for _, part in pieces])
    lines = shapely.linestrings(flat, indices=of)
    shapely.prepare(extent)
    keep = (shapely.length(lines) > 0) & shapely.intersects(extent, lines)
    return list(itertools.compress(pieces, keep)), lines[keep]


def _junction_nodes(ways: list[Way]) -> set[int]:
    """Nodes that several street ways share, that one visits twice, or where a stretch begins or ends."""
    uses: Counter[int] = Counter()
    for way in ways:
        uses.update(way.nodes.tolist())
    ends = {node for node, count in uses.items() if count > 1}
    for way in ways:
        for run in way.runs():
            ends |= {int(way.nodes[run.start]), int(way.nodes[run.stop - 1])}
    return ends


def _stretches(way: Way, ends: set[int]) -> list[slice]:
    nodes = way.nodes.tolist()
    return [
        slice(start, stop + 1)
        for run in way.runs()
        for start, stop in itertools.pairwise([at for at in range(run.start, run.stop) if nodes[at] in ends])
    ]


def _streets(pieces: list[Piece], lines: Any, crs: str) -> gpd.GeoDataFrame:
    count = Counter(way.id for way, _ in pieces)
    number: Counter[int] = Counter()
    facts = {way.id: _facts(way) for way, _ in pieces}
    rows = []
    for way, part in pieces:
        number[way.id] += 1
        start, end = int(way.nodes[part.start]), int(way.nodes[part.stop - 1])
        if _reversed(way):
            start, end = end, start
        name = f"osm:way/{way.id}" + (f"#{number[way.id]}" if count[way.id] > 1 else "")
        rows.append(
            {"id": name, "from_junction": f"osm:node/{start}", "to_junction": f"osm:node/{end}"} | facts[way.id]
        )
    back = np.array([_reversed(way) for way, _ in pieces])
    geometry = np.where(back, shapely.reverse(lines), lines)
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=crs).set_index("id").sort_index()


def _reversed(way: Way) -> bool:
    return meaning.drivable(way.tags) and meaning.direction(way.tags) < 0


def _facts(way: Way) -> dict[str, Any]:
    tags = way.tags
    drive = meaning.drivable(tags)
    one_way = drive and meaning.direction(tags) != 0
    lanes, mapped = meaning.lanes(tags, one_way=one_way) if drive else (0.0, False)
    return {
        "name": tags.get("name", ""),
        "other_names": meaning.other_names(tags),
        "road_class": tags["highway"],
        "lanes": lanes,
        "lanes_mapped": mapped,
        "max_speed": meaning.speed(tags.get("maxspeed")) if drive else meaning.NAN,
        "one_way": one_way,
        "drive": drive,
        "walk": meaning.walkable(tags),
        "bridge": meaning.off_ground(tags),
        "cycle": meaning.cycle(tags),
    }


def _cut_ends(way: Way, part: slice) -> list[int]:
    """Ends of a stretch whose next node is not in the extract."""
    before = part.start > 0 and np.isnan(way.xy[part.start - 1, 0])
    after = part.stop < len(way.nodes) and np.isnan(way.xy[part.stop, 0])
    return [int(way.nodes[part.start])] * int(before) + [int(way.nodes[part.stop - 1])] * int(after)


def _junctions(streets: gpd.GeoDataFrame, places: dict[int, Any], cut: set[int], elements: Elements) -> Any:
    """Ends of streets; a gateway is where a street was cut, or a through road's dead end at or past the border."""
    names = pd.Index([f"osm:node/{key}" for key in places], name="id")
    points = gpd.GeoSeries(shapely.points(np.array(list(places.values()))), index=names, crs=elements.crs)
    if elements.bounded:
        outside = ~shapely.contains(elements.extent.buffer(-BORDER), points.to_numpy())
        gateway = np.isin(list(places), list(cut)) | (outside & names.isin(_through_ends(streets)))
    else:
        gateway = border_dead_ends(streets, points)
    return gpd.GeoDataFrame({"gateway": gateway}, index=names, geometry=points, crs=elements.crs).sort_index()


def _through_ends(streets: gpd.GeoDataFrame) -> list[str]:
    through = streets[streets["drive"] & streets["road_class"].isin(meaning.THROUGH_CLASSES)]
    uses = pd.concat([through["from_junction"], through["to_junction"]]).value_counts()
    return list(uses.index[uses == 1])
