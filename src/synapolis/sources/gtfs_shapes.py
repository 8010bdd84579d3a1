"""Where along its way a trip stops: shapes, distances, and blank times filled in proportion to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS, Transformer

from synapolis.core.errors import SourceError
from synapolis.sources.gtfs_feed import Feed, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def interpolated(distance: Floats, arrival: Floats, departure: Floats) -> tuple[Floats, Floats]:
    """Fill blank times in proportion to distance between the known stops on either side."""
    known = np.flatnonzero(~np.isnan(arrival))
    blank = np.flatnonzero(np.isnan(arrival))
    after = np.searchsorted(known, blank)
    left, right = known[after - 1], known[after]
    length = distance[right] - distance[left]
    by_count = (blank - left) / (right - left)  # where stops coincide
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(length > 0, (distance[blank] - distance[left]) / length, by_count)
    time = departure[left] + np.clip(share, 0, 1) * (arrival[right] - departure[left])
    arrival, departure = arrival.copy(), departure.copy()
    arrival[blank] = departure[blank] = np.rint(time)
    return arrival, departure


def distances_along(files: Feed, rows: pd.DataFrame, trips: pd.DataFrame, stops: gpd.GeoDataFrame) -> Floats:
    """Distance from the trip's first stop at each row, in any unit that is constant within a trip."""
    place = stops.index.get_indexer(rows["stop_id"])
    points = np.column_stack([stops.geometry.x.to_numpy(), stops.geometry.y.to_numpy()])[place]
    shapes = _shapes(files, stops.crs) if files.has("shapes.txt") else {}
    shape_of = dict(zip(trips["trip_id"].astype(str), trips["shape_id"].astype(str), strict=True))
    stated = files.parsed("stop_times.txt", rows, "shape_dist_traveled", _blank_or_distance, "a distance of at least 0")
    distance = np.empty(len(rows))
    done: dict[tuple[str, bytes], Floats] = {}
    starts = np.flatnonzero(np.append(True, rows["trip_id"].to_numpy()[1:] != rows["trip_id"].to_numpy()[:-1]))
    names = rows["trip_id"].to_numpy()[starts]
    for name, start, end in zip(names, starts, [*starts[1:], len(rows)], strict=True):
        own = stated[start:end]
        if not np.isnan(own).any() and (np.diff(own) >= 0).all() and own[-1] > own[0]:
            distance[start:end] = own
            continue
        key = (shape_of[str(name)], place[start:end].tobytes())
        if key not in done:
            line = shapes.get(key[0])
            done[key] = _straight(points[start:end]) if line is None else along_shape(line, points[start:end])
        distance[start:end] = done[key]
    return distance


def _blank_or_distance(text: str) -> float | None:
    return math.nan if not text else number(0, 1e9)(text)


def _straight(points: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])


def _shapes(files: Feed, crs: CRS) -> dict[str, Floats]:
    """(point, 2) coordinates of each shape, in order."""
    name = "shapes.txt"
    rows = files.table(name, ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"))
    latitude = files.parsed(name, rows, "shape_pt_lat", number(-90, 90), "degrees from -90 to 90")
    longitude = files.parsed(name, rows, "shape_pt_lon", number(-180, 180), "degrees from -180 to 180")
    sequence = files.integers(name, rows, "shape_pt_sequence", blank=None)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    codes, names = pd.factorize(rows["shape_id"])
    order = np.lexsort((sequence, codes))
    points = np.column_stack([x, y])[order]
    if not np.isfinite(points).all():
        raise SourceError(f"{files.path}: shapes.txt has points outside {crs.name}; correct them or drop the file")
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    return {str(n): part for n, part in zip(names, np.split(points, cuts), strict=True)} if len(names) else {}


def along_shape(line: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place stops on a line so that they follow each other, each as near to the line as the order allows.

    The nearest point alone errs where a line meets itself; so the places are chosen together, with the least sum of
    squared distances among all that do not go back (dynamic programme over the line's segments).

    Parameters
    ----------
    line : (vertex, 2) [m]
    points : (stop, 2) [m]
        In travel order.

    Returns
    -------
    (stop,) [m]
        Distance along the line, never falling.
    """
    steps = np.diff(line, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    long = length > 1e-6  # m
    steps, length, base = steps[long], length[long], line[:-1][long]
    if not len(length):
        return _straight(points)
    offset = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    relative = points[:, None, :] - base[None]  # (stop, segment, 2)
    share = np.clip((relative * steps).sum(axis=2) / length**2, 0, 1)
    cost = ((relative - share[..., None] * steps) ** 2).sum(axis=2)
    place = offset + share * length
    total = cost[0]
    came_from = np.zeros(cost.shape, dtype=np.int64)
    segments = np.arange(len(length))
    for i in range(1, len(points)):
        running = np.minimum.accumulate(total)
        best = np.maximum.accumulate(np.where(total == running, segments, 0))
        before = np.concatenate([[np.inf], running[:-1]])
        stay = place[i - 1] <= place[i]
        use_same = stay & (total <= before)
        came_from[i] = np.where(use_same, segments, np.concatenate([[0], best[:-1]]))
        total = cost[i] + np.where(use_same, total, before)
    if not np.isfinite(total).any():
        return _straight(points)
    chosen = np.empty(len(points), dtype=np.int64)
    chosen[-1] = int(np.argmin(total))
    for i in range(len(points) - 1, 0, -1):
        chosen[i - 1] = came_from[i, chosen[i]]
    return np.maximum.accumulate(place[np.arange(len(points)), chosen])
