"""Coordinate reference systems of the OGC API: those a city can be asked for in, and boxes turned into its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from synapolis.web.errors import Problem

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
LAT_LON = EPSG + "4326"
DEGREES, METRES = 7, 3
"""Digits of coordinates that are written: about a centimetre, and a millimetre."""
STEPS = 32
"""Points along each side of a box when it is bent into another reference system."""


@dataclass(frozen=True)
class Reference:
    """One reference system by its address, as pyproj knows it; `swapped` where its first axis is the northing."""

    uri: str
    name: str
    swapped: bool
    digits: int

    @cached_property
    def system(self) -> pyproj.CRS:
        """The system with easting or longitude first, as all geometry inside the program is kept."""
        return pyproj.CRS(self.name)


def references(crs: str) -> tuple[Reference, ...]:
    """Systems a city can be asked for in: CRS84 first, then the city's own where it has a number, then EPSG:4326."""
    return tuple(dict.fromkeys((_longitude(), *filter(None, (own_reference(crs),)), _latitude())))


@cache
def own_reference(crs: str) -> Reference | None:
    """The city's own system, or None where no authority numbers it."""
    system = pyproj.CRS(crs)
    code = system.to_epsg()
    if code is None:
        return None
    swapped = system.axis_info[0].direction.lower() in {"north", "south"}
    return Reference(EPSG + str(code), f"EPSG:{code}", swapped, METRES)


@cache
def _longitude() -> Reference:
    return Reference(CRS84, "OGC:CRS84", swapped=False, digits=DEGREES)


@cache
def _latitude() -> Reference:
    return Reference(LAT_LON, "EPSG:4326", swapped=True, digits=DEGREES)


def find_reference(uri: str, crs: str, parameter: str) -> Reference:
    """Reference system by its address; a problem 400 for one that the city is not served in."""
    known = {reference.uri: reference for reference in references(crs)}
    if uri not in known:
        raise Problem(
            400, f"{parameter} must be one of {', '.join(known)}; got {uri[:200]!r}", errors=[(parameter, uri[:200])]
        )
    return known[uri]


@cache
def _transformer(start: str, end: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(start, end, always_xy=True)


def written(geometry: NDArray[Any], crs: str, target: Reference) -> NDArray[np.str_]:
    """GeoJSON of geometries, in a reference system, outer rings anticlockwise (RFC 7946).

    Parameters
    ----------
    geometry : (feature,) of shapely geometries, in the city's CRS
    crs : str
    target : Reference
    """
    if not len(geometry):
        return np.array([], dtype=str)
    same = target == own_reference(crs)
    change = None if same else _transformer(crs, target.name)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = points if change is None else np.column_stack(change.transform(points[:, 0], points[:, 1]))
        return np.round(moved, target.digits)

    moved = shapely.orient_polygons(shapely.transform(geometry, move))
    if target.swapped:
        moved = shapely.transform(moved, lambda points: points[:, ::-1])
    text: NDArray[np.str_] = shapely.to_geojson(moved)
    return text


def bounds_in(extent: tuple[float, float, float, float], crs: str) -> list[float]:
    """Bounds in longitude and latitude (west, south, east, north) of bounds in the city's CRS."""
    return [round(float(value), DEGREES) for value in _bounds(crs, "OGC:CRS84", extent)]


def _bounds(start: str, end: str, bounds: tuple[float, ...]) -> tuple[float, float, float, float]:
    left, bottom, right, top = bounds
    return _transformer(start, end).transform_bounds(left, bottom, right, top, densify_pts=STEPS)


def box_in_city(
    box: tuple[float, ...], reference: Reference, crs: str, within: tuple[float, float, float, float]
) -> Any | None:
    """Area of a box in the city's CRS, or None where it lies outside the city.

    Parameters
    ----------
    box : four or six numbers
        Least and greatest along each axis of `reference`; heights are passed over, since no layer has them.
    within : (left, bottom, right, top) in the city's CRS
        Bounds of what may be found. The box is cut to them first: a projection holds only near its city.
    """
    first, second, last, final = (*box[:2], *(box[2:] if len(box) == 4 else box[3:5]))
    west, south, east, north = (second, first, final, last) if reference.swapped else (first, second, last, final)
    around = shapely.box(*within).buffer(10)  # metres; so that nothing at the border is lost to rounding
    left, bottom, right, top = _bounds(crs, reference.name, around.bounds)
    geographic = reference.digits == DEGREES
    spans = [(west, 180.0), (-180.0, east)] if geographic and west > east else [(west, east)]  # over the antimeridian
    parts = [
        _bent((max(low, left), max(south, bottom), min(high, right), min(north, top)), reference, crs)
        for low, high in spans
        if max(low, left) <= min(high, right) and max(south, bottom) <= min(north, top)
    ]
    return shapely.union_all(parts) if parts else None


def _bent(box: tuple[float, float, float, float], reference: Reference, crs: str) -> Any:
    """One box, its sides bent as the city's CRS bends them: within a centimetre at the size of a city."""
    west, south, east, north = box
    if west == east or south == north:
        shape: Any = (
            shapely.LineString([(west, south), (east, north)])
            if (west, south) != (east, north)
            else shapely.Point(west, south)
        )
    else:
        shape = shapely.box(west, south, east, north)
    longest = max(east - west, north - south)
    shape = shapely.segmentize(shape, longest / STEPS) if longest > 0 else shape
    change = _transformer(reference.name, crs)
    return shapely.transform(shape, lambda points: np.column_stack(change.transform(points[:, 0], points[:, 1])))
