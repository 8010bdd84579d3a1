"""Where an edit applies: named places, streets, drawn shapes and ids, found in a city and clipped to its data.

Names are matched exactly but for case, accents and punctuation; a near miss is an error that names the closest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.edits import Area
from synapolis.scenarios.names import (
    KINDS,
    KnownName,
    closest_names,
    did_you_mean,
    find_route,
    find_street,
    keys_of_row,
    known_names,
    names_of,
    normalise,
)

__all__ = ["FoundArea", "KnownName", "find_area", "find_route", "find_street", "known_names", "street_line"]

WHOLE = 0.999  # share of an area inside the extent from which it counts as whole: survives rounding of coordinates
GAP = 40.0  # m between pieces of one street that still read as one: a square, a junction, a roundabout
_SEARCHED = ("buildings", "zones", "land_use", "places", "streets", "points_of_interest")


@dataclass(frozen=True)
class FoundArea:
    """A polygon in the city's CRS, and how it was found, for people."""

    geometry: shapely.Polygon | shapely.MultiPolygon
    description: str


def find_area(area: Area, city: City) -> FoundArea:
    """Find where an edit applies.

    Parameters
    ----------
    area : Area
        A named place, a street, a GeoJSON geometry in longitude and latitude, or ids of features.
    city : City

    Returns
    -------
    FoundArea
        Clipped to the city's extent; the description says so, and what was assumed (a radius, a strip's width).

    Raises
    ------
    ScenarioError
        An unknown name or id (with the closest), a shape that crosses itself, or one outside the city's data.
    """
    if area.place:
        return _place(area.place, area, city)
    if area.street:
        return _street(area.street, area, city)
    if area.geojson is not None:
        return _drawn(area.geojson, area, city)
    return _features(area.ids or (), area, city)


def street_line(name: str, city: City) -> list[shapely.LineString]:
    """Return the longest way along a street, in order: each piece begins where the one before ends.

    A street mapped as two carriageways gives one of them; pieces up to 40 m apart (a square, a junction) are joined
    by a straight piece. Stops of a new line are placed along it.

    Raises
    ------
    ScenarioError
        When the city has no street of that name.
    """
    ids = find_street(name, city)
    lines = city.layers["streets"].value.geometry.loc[ids].to_numpy()
    return _longest_way([line for line in lines if line.length > 0])


def _place(name: str, area: Area, city: City) -> FoundArea:
    rows = _rows_called(name, city)
    if rows is None:
        if any(known.kind == "street" for known in names_of(city).by_key.get(normalise(name), ())):
            return _street(name, area, city)
        raise ScenarioError(
            f"no place of {city.title} is called {name!r}.{did_you_mean(closest_names(name, city))}"
            " Name a place of its data, or draw the area."
        )
    title = str(rows["name"].iloc[0]) or name
    polygons = rows[rows.geometry.geom_type.isin(("Polygon", "MultiPolygon"))]
    if len(polygons):
        geometry = shapely.union_all(shapely.make_valid(polygons.geometry.to_numpy()))
        cut = bool(polygons["closed"].any()) if "closed" in polygons else False
        return _clipped(geometry, title, city, cut=cut)
    return _clipped(*_round(rows.geometry.to_numpy(), title, area), city)


def _rows_called(name: str, city: City) -> Any:
    """Rows of `places` with this name, of the likeliest kind; None without any."""
    key = normalise(name)
    known = {item.kind for item in names_of(city).by_key.get(key, ()) if item.kind != "street"}
    if not key or not known or "places" not in city.layers:
        return None
    kind = min(known, key=lambda item: KINDS.index(item) if item in KINDS else KINDS.index("place"))
    places = city.layers["places"].value
    places = places[places["kind"] == kind]
    called = [
        key in keys_of_row(row_name, others)
        for row_name, others in zip(places["name"], places["other_names"], strict=True)
    ]
    return places[called]


def _round(geometries: Any, title: str, area: Area) -> tuple[Any, str]:
    points = all(geometry.geom_type in {"Point", "MultiPoint"} for geometry in geometries)
    distance = area.radius if points else area.width / 2
    shape = shapely.union_all(shapely.buffer(geometries, distance))
    only = "only a point in the data" if points else "only a line in the data"
    return shape, f"within {distance:g} m of {title} ({only})"


def _street(name: str, area: Area, city: City) -> FoundArea:
    ids = find_street(name, city)
    streets = city.layers["streets"].value.loc[ids]
    lines = streets.geometry.to_numpy()
    strip = shapely.union_all(shapely.buffer(lines, area.width / 2))
    description = f"along {streets['name'].iloc[0] or name} (a strip {area.width:g} m wide)"
    return _clipped(strip, description, city, core=shapely.union_all(lines))


def _features(ids: Iterable[str], area: Area, city: City) -> FoundArea:
    shapes, wanted = [], list(dict.fromkeys(ids))
    for feature in wanted:
        shape = _feature(feature, city)
        if shape is None:
            raise ScenarioError(
                f"no feature of {city.title} has the id {feature!r}; ids are those of its {', '.join(_SEARCHED)} layers"
            )
        flat = shape.geom_type in {"Polygon", "MultiPolygon"}
        shapes.append(
            shape if flat else shape.buffer(area.radius if "Point" in shape.geom_type else area.width / 2),
        )
    number = len(wanted)
    return _clipped(shapely.union_all(shapes), "1 named feature" if number == 1 else f"{number} named features", city)


def _feature(feature: str, city: City) -> Any:
    for name in _SEARCHED:
        if name in city.layers and feature in city.layers[name].value.index:
            return city.layers[name].value.geometry.loc[feature]
    return None


def _drawn(geojson: Mapping[str, Any], area: Area, city: City) -> FoundArea:
    parts = list(_parts(geojson))
    if not parts:
        raise ScenarioError("the drawn area is empty; draw a polygon")
    shapes = [_to_city(_decoded(part), area, city) for part in parts]
    properties = geojson.get("properties")
    name = properties.get("name") if isinstance(properties, Mapping) else None
    title = name if isinstance(name, str) and name else "the drawn area"
    return _clipped(shapely.union_all(shapes), title, city)


def _parts(geojson: Any) -> Iterable[Any]:
    kind = geojson.get("type") if isinstance(geojson, Mapping) else None
    if kind == "FeatureCollection":
        features = geojson.get("features") or ()
        for feature in features if isinstance(features, list | tuple) else (features,):
            if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
                raise ScenarioError("a FeatureCollection needs a list of features; check the drawn area")
            yield feature.get("geometry")
    elif kind == "Feature":
        yield geojson.get("geometry")
    else:
        yield geojson


def _decoded(part: Any) -> Any:
    """Shape of one GeoJSON geometry in longitude and latitude, or ScenarioError saying what is wrong with it."""
    kinds = ("Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point", "MultiPoint")
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind not in kinds:
        raise ScenarioError(f"a drawn area must be GeoJSON of type {', '.join(kinds)}; got {kind!r}")
    try:
        shape = shapely.geometry.shape(part)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(f"the drawn {kind} cannot be read: {error}; check its coordinates") from error
    numbers = shapely.get_coordinates(shape)
    if shape.is_empty or not np.isfinite(numbers).all():
        raise ScenarioError(f"the drawn {kind} is empty or has coordinates that are not numbers; draw it again")
    if np.abs(numbers[:, 0]).max() > 180 or np.abs(numbers[:, 1]).max() > 90:
        x, y = numbers[np.argmax(np.abs(numbers).max(axis=1))]
        raise ScenarioError(
            f"a drawn area is given in longitude, latitude (WGS 84); got {x:g}, {y:g}; reproject it first"
        )
    if not shape.is_valid:
        why = shapely.is_valid_reason(shape)
        says = "crosses itself" if "intersection" in why.lower() else "is not a valid shape"
        raise ScenarioError(f"the drawn {kind} {says} ({why}); draw its outline without crossings")
    return shape


def shape_in_city(geojson: Mapping[str, Any], city: City) -> Any:
    """Shape of one drawn GeoJSON geometry or Feature, in the city's CRS.

    Raises
    ------
    ScenarioError
        When it cannot be read, is empty or invalid, is not in longitude and latitude, or lies off its projection.
    """
    (part, *more) = list(_parts(geojson)) or [None]
    if more:
        raise ScenarioError(f"one shape is wanted here, the collection has {1 + len(more)}; draw one")
    return _flat(_decoded(part), city)


def inside_or_refused(shape: Any, what: str, city: City) -> None:
    """Refuse a shape of which more than rounding lies outside the city's data."""
    if shapely.intersection(shape, city.extent).length < WHOLE * shape.length:
        raise _outside(what, city)


def _flat(shape: Any, city: City) -> Any:
    to_city = pyproj.Transformer.from_crs("EPSG:4326", city.crs, always_xy=True)
    flat = shapely.transform(shapely.force_2d(shape), lambda xy: np.column_stack(to_city.transform(xy[:, 0], xy[:, 1])))
    if not np.isfinite(shapely.get_coordinates(flat)).all():
        raise _outside("the drawn shape", city)
    return flat


def _to_city(shape: Any, area: Area, city: City) -> Any:
    flat = _flat(shape, city)
    if "Polygon" in flat.geom_type:
        return shapely.make_valid(flat)
    return flat.buffer(area.radius if "Point" in flat.geom_type else area.width / 2)


def _clipped(geometry: Any, description: str, city: City, *, cut: bool = False, core: Any = None) -> FoundArea:
    """Part inside the extent; said to be cut where `core` (a street's line, else the shape itself) reaches beyond."""
    inside = _polygons(shapely.intersection(geometry, city.extent))
    if inside.is_empty or inside.area <= 0:
        raise _outside(description, city)
    left = shapely.intersection(core, city.extent).length < WHOLE * core.length if core is not None else False
    if cut or left or (core is None and inside.area < WHOLE * geometry.area):
        description += ", cut at the edge of the data"
    return FoundArea(inside, description)


def _polygons(geometry: Any) -> Any:
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        parts = [
            inner
            for part in shapely.get_parts(geometry)
            for inner in shapely.get_parts(part)
            if inner.geom_type == "Polygon"
        ]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _outside(what: str, city: City) -> ScenarioError:
    to_degrees = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*city.extent.bounds)
    return ScenarioError(
        f"{what} lies outside the data of {city.title}, which covers longitude {west:.4f} to {east:.4f} and latitude "
        f"{south:.4f} to {north:.4f}; choose a place inside"
    )


def _longest_way(lines: list[Any]) -> list[shapely.LineString]:
    nodes: dict[tuple[float, float], int] = {}
    for xy in (line.coords[end] for line in lines for end in (0, -1)):
        nodes.setdefault(_node(xy), len(nodes))
    pairs = _edges(lines, nodes)
    if not pairs:  # one loop, or several: the longest
        return [max(lines, key=lambda line: float(line.length))]
    start, stop, before = _farthest(pairs, len(nodes))
    way, node = [], stop
    while node != start:
        previous = int(before[node])
        way.append(_oriented(pairs[previous, node], previous, nodes))
        node = previous
    return way[::-1]


def _edges(lines: list[Any], nodes: dict[tuple[float, float], int]) -> dict[tuple[int, int], Any]:
    """Shortest piece between each two nodes, both ways round; straight pieces across gaps between components."""
    pairs: dict[tuple[int, int], Any] = {}
    for line in lines:
        first, last = (nodes[_node(line.coords[end])] for end in (0, -1))
        if first != last:
            for pair in ((first, last), (last, first)):
                if pair not in pairs or line.length < pairs[pair].length:
                    pairs[pair] = line
    points = np.array(list(nodes), dtype=float)
    component = _components(pairs, len(nodes))
    for here in range(len(points)):
        for there in range(here):
            gap = math.dist(points[here], points[there])
            if component[here] != component[there] and gap <= GAP:
                piece = shapely.LineString([points[here], points[there]])
                pairs[here, there] = pairs[there, here] = piece
    return pairs


def _node(xy: Any) -> tuple[float, float]:
    x, y = np.round(xy[:2], 2)
    return float(x), float(y)


def _matrix(pairs: dict[tuple[int, int], Any], number: int) -> Any:
    rows, columns = (np.array([pair[end] for pair in pairs], dtype=np.intp) for end in (0, 1))
    return csr_matrix(([line.length for line in pairs.values()], (rows, columns)), shape=(number, number))


def _components(pairs: dict[tuple[int, int], Any], number: int) -> Any:
    return connected_components(_matrix(pairs, number), directed=False)[1]


def _farthest(pairs: dict[tuple[int, int], Any], number: int) -> tuple[int, int, Any]:
    lengths, before = dijkstra(_matrix(pairs, number), directed=False, return_predecessors=True)
    lengths[~np.isfinite(lengths)] = -1
    start, stop = np.unravel_index(int(np.argmax(lengths)), lengths.shape)
    return int(start), int(stop), before[start]


def _oriented(line: Any, first: int, nodes: dict[tuple[float, float], int]) -> shapely.LineString:
    return line if nodes[_node(line.coords[0])] == first else shapely.LineString(list(line.coords)[::-1])
