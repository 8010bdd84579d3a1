"""Where a bound edit lies: what a map draws for it, and what distances to a plan are measured to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyproj
import shapely

from synapolis.layers.city import City
from synapolis.scenarios.plan import BoundEdit

FINENESS = 6
"""Decimals of degrees: about 0.1 m."""


def footprint(edit: BoundEdit, city: City) -> shapely.Geometry | None:
    """Geometry of an edit in the city's CRS; None where it lies nowhere, as a change of all fares does.

    An area for what is built or planted, the segments for a street, the way of a line, the points of stops.
    """
    values = edit.values
    if "edit_area" in values:
        return values["edit_area"]
    if "edit_streets" in values:
        streets = city.layers["streets"].value
        return _one(streets.geometry.loc[list(dict.fromkeys(values["edit_streets"]))].to_numpy())
    if "edit_line" in values:
        return values["edit_line"].way  # type: ignore[no-any-return]
    if "edit_route" in values:
        return _way_of(values["edit_route"], values.get("edit_mode", ""), city)
    if "edit_stop" in values:
        return _stops(values["edit_stop"], city)
    return None


def in_degrees(geometry: shapely.Geometry | None, crs: str) -> dict[str, Any] | None:
    """Spell a geometry as GeoJSON in longitude and latitude; None for none."""
    if geometry is None or geometry.is_empty:
        return None
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    turned = shapely.transform(geometry, to_degrees.transform, interleaved=False)
    return shapely.geometry.mapping(shapely.set_precision(turned, 10.0**-FINENESS, mode="pointwise"))  # type: ignore[no-any-return]


def _one(shapes: Iterable[shapely.Geometry]) -> shapely.Geometry | None:
    parts = [shape for shape in shapes if shape is not None and not shape.is_empty]
    return shapely.union_all(parts) if parts else None


def _way_of(route: str, mode: str, city: City) -> shapely.Geometry | None:
    """The mapped way of a line, else straight pieces between the stops of its longest trip in each direction."""
    if "transit_lines" in city.layers:
        lines = city.layers["transit_lines"].value
        mine = lines[(lines["route_name"] == route) & ((lines["mode"] == mode) | (mode == ""))]
        if len(mine):
            return _one(mine.geometry.to_numpy())
    if "timetable" not in city.layers:
        return None
    timetable = city.layers["timetable"].value
    trips = timetable.trips
    trips = trips[(trips["route_name"] == route) & ((trips["mode"] == mode) | (mode == ""))]
    times = timetable.stop_times[timetable.stop_times["trip_id"].isin(trips.index)]
    if times.empty:
        return None
    counts = times.groupby("trip_id").size()
    longest = counts.groupby(trips["direction"].reindex(counts.index)).idxmax()
    return _one(_through(times.loc[times["trip_id"] == trip, "stop_id"].tolist(), timetable.stops) for trip in longest)


def _through(stops: Sequence[str], places: Any) -> shapely.Geometry:
    points = places.geometry.loc[list(stops)].tolist()
    return shapely.LineString(points) if len(points) > 1 else shapely.MultiPoint(points)


def _stops(names: Sequence[str], city: City) -> shapely.Geometry | None:
    if "timetable" in city.layers:
        return _one(city.layers["timetable"].value.stops.geometry.loc[list(names)])
    mapped = city.layers["transit_line_stops"].value
    return _one(mapped.loc[mapped["stop"].isin(names)].geometry)
