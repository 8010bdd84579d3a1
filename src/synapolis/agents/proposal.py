"""From changes as read to edits of a scenario, each checked against the city's places, streets and lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import shapely

from synapolis.agents.gazetteer import Spot
from synapolis.agents.grammar import Change, Trouble
from synapolis.agents.wording import change_text, no_place, where_text
from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.scenarios.areas import find_area
from synapolis.scenarios.edits import Area
from synapolis.scenarios.names import closest_routes, find_route, route_modes


def edits_of(change: Change, city: City, troubles: list[Trouble], *, unread: bool) -> list[dict[str, Any]]:
    """Edits that carry a change out, as plain fields; what is wrong with it joins the troubles."""
    try:
        if change.kind == "change_headway":
            return _headway(change, city, troubles)
        if not change.needs_place:
            to = {"to": area_of_spot(change.spots[0])} if change.kind == "move_stop" else {}
            return [{"kind": change.kind, **change.fields, **to}]
        if change.whole_city:
            return [{"kind": change.kind, **change.fields, "area": drawn_area(city.extent, city.title, city)}]
        if not change.spots:
            if not unread:  # else the place is likely what was not read
                troubles.append(no_place(change, city))
            return []
        split = change.each or change.kind != "add_homes"
        for spot in change.spots:
            check_radius(spot, city)
        areas = [area_of_spot(spot) for spot in change.spots] if split else [area_of(change.spots, city)]
        for area in areas:
            find_area(area, city)
    except ScenarioError as error:
        troubles.append(Trouble(change_text(change), str(error)))
        return []
    return [{"kind": change.kind, **change.fields, "area": area} for area in areas]


def _headway(change: Change, city: City, troubles: list[Trouble]) -> list[dict[str, Any]]:
    mode, said = change.fields["mode"], change.fields["route"]
    try:
        number = find_route(said, city)
    except ScenarioError as error:
        near = closest_routes(said, city)
        options = tuple(
            f"{mode or 'line'} {other} every {change.fields['headway_minutes']:g} minutes" for other in near
        )
        troubles.append(Trouble(f"{mode or 'line'} {said}", f"I know {error}.", options))
        return []
    modes = route_modes(number, city)
    if mode and modes and mode not in modes:
        troubles.append(
            Trouble(
                f"{mode} {number}",
                f"Line {number} of {city.title} is a {' and a '.join(modes)}, not a {mode}.",
                tuple(f"{other} {number}" for other in modes),
            )
        )
        return []
    if len(modes) > 1:
        troubles.append(
            Trouble(
                f"line {number}",
                f"Line {number} is both a {' and a '.join(modes)} here, and I cannot change one alone yet.",
            )
        )
        return []
    return [{"kind": "change_headway", "route": number, "headway_minutes": change.fields["headway_minutes"]}]


def check_radius(spot: Spot, city: City) -> None:
    """Raise ScenarioError where a radius was asked for around something that has an outline of its own."""
    if spot.radius is None:
        return
    if not 0 < spot.radius <= 20_000:
        raise ScenarioError(f"a radius is 1 m to 20 km; I read {spot.radius:g} m.")
    if "only a point" not in find_area(area_of_spot(spot), city).description:
        raise ScenarioError(
            f"{spot.name} has an outline in the data, so a distance around it is not modelled; name it alone."
        )


def area_of(spots: tuple[Spot, ...], city: City) -> Area:
    """Return the area of one spot by its name, of several as their drawn union."""
    return area_of_spot(spots[0]) if len(spots) == 1 else _union(spots, city)


def area_of_spot(spot: Spot) -> Area:
    """Return the area that a name stands for."""
    if spot.radius is not None:
        return Area(place=spot.name, radius=spot.radius)
    return Area(street=spot.name) if spot.street else Area(place=spot.name)


def _union(spots: tuple[Spot, ...], city: City) -> Area:
    shape = shapely.union_all([find_area(area_of_spot(spot), city).geometry for spot in spots])
    return drawn_area(shape, " and ".join(where_text(spot) for spot in spots), city)


def drawn_area(shape: Any, name: str, city: City) -> Area:
    """Draw a shape of the city as GeoJSON with a name, so that a scenario can hold it."""
    to_degrees = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    degrees = shapely.transform(shape, lambda xy: np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])))
    geometry = shapely.geometry.mapping(shapely.set_precision(degrees, 1e-7))
    return Area(geojson={"type": "Feature", "properties": {"name": name}, "geometry": geometry})
