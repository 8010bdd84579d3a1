"""The way of a new transit line, along a street or as drawn, and its stops with the metres between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.areas import inside_or_refused, shape_in_city, street_line
from synapolis.scenarios.edits import AddLine

BESIDE = 150.0
"""[m] from a drawn line within which a drawn stop still belongs to it: it is put on the line."""
APART = 50.0
"""[m] between two stops of a line, at least."""


@dataclass(frozen=True)
class NewLine:
    """A line to be added: its public name, its stops in order, the metres between them, and its way."""

    name: str
    stops: Any
    distances: tuple[float, ...]
    way: shapely.LineString


def place_line(edit: AddLine, city: City) -> NewLine:
    """Put stops on the way of a line: where they are drawn, else at an even spacing, both ends included.

    Raises
    ------
    ScenarioError
        When the street is not there, the drawn line cannot be read or leaves the data, it is too short for two stops,
        or a drawn stop lies off the line or on another one.
    """
    if edit.line is not None:
        way, called = _drawn(edit.line, city), edit.name
    else:
        pieces = street_line(str(edit.street), city)
        way = shapely.LineString(np.concatenate([shapely.get_coordinates(piece) for piece in pieces]))
        called = str(edit.street)
    along = _given(edit.stops, way, city) if edit.stops else _spaced(way, edit, called)
    points = [shapely.line_interpolate_point(way, metres) for metres in along]
    names = [f"{called} {number}" for number in range(1, len(points) + 1)]
    ids = [f"edit:{edit.id}/{number}" for number in range(1, len(points) + 1)]
    stops = gpd.GeoDataFrame({"name": names}, geometry=points, index=ids, crs=city.crs)
    return NewLine(edit.name, stops, tuple(np.diff(along).tolist()), way)


def _spaced(way: shapely.LineString, edit: AddLine, called: str) -> NDArray[np.float64]:
    if way.length < edit.stop_spacing:
        said, other = (called, "choose a longer street") if edit.street else ("the drawn line", "draw a longer line")
        raise ScenarioError(
            f"{said} is {way.length:.0f} m long in the data, too short for stops every {edit.stop_spacing:g} m; "
            f"{other} or a smaller stop_spacing"
        )
    count = max(1, round(way.length / edit.stop_spacing))
    return np.linspace(0, way.length, count + 1)


def _drawn(line: Mapping[str, Any], city: City) -> shapely.LineString:
    shape = shape_in_city(line, city)
    if shape.geom_type != "LineString":
        raise ScenarioError(
            f"a transit line is drawn as one GeoJSON LineString, got a {shape.geom_type}; draw one line"
        )
    inside_or_refused(shape, "the drawn line", city)
    return shape


def _given(stops: Sequence[tuple[float, float]], way: shapely.LineString, city: City) -> NDArray[np.float64]:
    """Metres along the way of each drawn stop, in the order in which the line reaches them."""
    points = shape_in_city({"type": "MultiPoint", "coordinates": [list(stop) for stop in stops]}, city)
    parts = shapely.get_parts(points)
    away = shapely.distance(parts, way)
    if away.max() > BESIDE:
        number = int(away.argmax())
        raise ScenarioError(
            f"stop {number + 1} lies {away[number]:.0f} m from the drawn line, at most {BESIDE:.0f} m are bridged; "
            "put the stop on the line, or draw the line past it"
        )
    along = np.sort(shapely.line_locate_point(way, parts))
    if np.diff(along).min() < APART:
        raise ScenarioError(f"two stops are less than {APART:.0f} m apart along the line; leave one of them out")
    return np.asarray(along, dtype=float)
