"""Areas cut by an extract's border, closed against it: which side of a clipped boundary is inside, which is sea."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

OVERSHOOT = 1.0  # m; a line carried this far past the border is surely noded with it
SIDE_STEP = 0.05  # m; how far beside a coastline its water is looked for


def reach_border(line: shapely.LineString, extent: shapely.Polygon) -> shapely.LineString:
    """Carry each end of a line that stops inside the extent straight on to the nearest point of its border."""
    coordinates = shapely.get_coordinates(line)
    if np.array_equal(coordinates[0], coordinates[-1]):
        return line
    head, tail = (_beyond(coordinates[i], extent) for i in (0, -1))
    return shapely.LineString([*head, *coordinates, *tail])


def _beyond(end: NDArray[np.float64], extent: shapely.Polygon) -> list[NDArray[np.float64]]:
    point = shapely.Point(end)
    if not extent.contains(point):
        return []
    border = extent.exterior
    nearest = shapely.get_coordinates(border.interpolate(border.project(point)))[0]
    step = nearest - end
    length = float(np.hypot(*step))
    return [nearest + step / length * OVERSHOOT] if length > 0 else []


def merged(lines: Sequence[shapely.LineString]) -> list[shapely.LineString]:
    """Join lines end to end, so that only real ends are left."""
    whole = shapely.line_merge(shapely.union_all([shapely.MultiLineString([line]) for line in lines]))
    return list(shapely.get_parts(whole))


def faces(lines: Sequence[shapely.LineString], extent: shapely.Polygon) -> list[shapely.Polygon]:
    """Cut the extent along lines that reach its border."""
    inside = [line for line in lines if line.intersects(extent)]
    noded = shapely.union_all([extent.exterior, *inside])
    pieces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return [piece for piece in pieces if extent.contains(piece.representative_point())]


def close_area(
    lines: Sequence[shapely.LineString], extent: shapely.Polygon, inside: shapely.Point | None = None
) -> shapely.Polygon | shapely.MultiPolygon | None:
    """Close a clipped boundary against the extent.

    Crossing the boundary swaps inside and outside, so the extent falls in two candidate sets of faces; the one
    that holds the point `inside` is taken, without such a point the smaller one.

    Parameters
    ----------
    lines : sequence of LineString
        The parts of the boundary that lie in the extract, in any order and direction.
    extent : Polygon
        Convex area that the extract covers, in the same CRS.
    inside : Point, optional
        A point known to be inside.

    Returns
    -------
    Polygon, MultiPolygon or None
        None where the lines cut nothing off.
    """
    carried = [reach_border(line, extent) for line in merged(lines)]
    parts = faces(carried, extent)
    if len(parts) < 2:
        return None
    boundary = shapely.union_all(carried)
    reference = parts[0].representative_point()
    first = [part for part in parts if _crossings(reference, part.representative_point(), boundary) % 2 == 0]
    second = [part for part in parts if not any(part is other for other in first)]
    one, other = shapely.union_all(first), shapely.union_all(second)
    if inside is not None and extent.contains(inside):
        return one if one.contains(inside) else other
    return min((one, other), key=lambda area: float(area.area))


def _crossings(start: shapely.Point, end: shapely.Point, boundary: shapely.Geometry) -> int:
    met = shapely.LineString([start, end]).intersection(boundary)
    return 0 if met.is_empty else len(shapely.get_parts(met))


def sea_areas(
    coastlines: Sequence[shapely.LineString], extent: shapely.Polygon
) -> tuple[list[shapely.Polygon], list[shapely.Polygon]]:
    """Close the sea against the extent: water lies on the right hand of an OSM coastline.

    Parameters
    ----------
    coastlines : sequence of LineString
        Directed coastline parts.
    extent : Polygon
        Area that the extract covers, in the same CRS.

    Returns
    -------
    sea, doubtful : lists of Polygon
        `doubtful` faces have at least a quarter of their coastline on either hand, and are left out of `sea`.
    """
    if not coastlines:
        return [], []
    parts = faces([reach_border(line, extent) for line in merged(coastlines)], extent)
    if len(parts) < 2:
        return [], []
    tree = shapely.STRtree(parts)
    water, land = _votes(coastlines, tree, len(parts))
    total = np.maximum(water + land, 1e-9)
    sea = [part for part, share in zip(parts, water / total, strict=True) if share > 0.75]
    doubtful = [part for part, share in zip(parts, water / total, strict=True) if 0.25 <= share <= 0.75]
    return sea, doubtful


def _votes(
    coastlines: Sequence[shapely.LineString], tree: shapely.STRtree, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length of coastline that has each face on its right (water) and on its left (land)."""
    water, land = np.zeros(count), np.zeros(count)
    for line in coastlines:
        points = shapely.get_coordinates(line)
        step = np.diff(points, axis=0)
        length = np.hypot(step[:, 0], step[:, 1])
        keep = length > 0
        unit = step[keep] / length[keep, None]
        middle = (points[:-1] + points[1:])[keep] / 2
        right = np.column_stack([unit[:, 1], -unit[:, 0]]) * SIDE_STEP
        for side, votes in ((middle + right, water), (middle - right, land)):
            point, face = tree.query(shapely.points(side), predicate="within")
            np.add.at(votes, face, length[keep][point])
    return water, land
