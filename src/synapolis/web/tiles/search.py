"""Finding a place by its name, however it is typed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from rapidfuzz import fuzz, process

from synapolis.layers.city import City
from synapolis.scenarios.names import KINDS, normalise
from synapolis.web.tiles.features import table_of

NEAR = 78.0
"""Score [0 to 100] from which a name that was mistyped is offered."""
KEEP = 8
_KEPT: OrderedDict[str, tuple[Found, ...]] = OrderedDict()


@dataclass(frozen=True)
class Found:
    """A named place: how it is spelled, what it is, a point of it and its bounds in degrees."""

    name: str
    kind: str
    key: str
    lon: float
    lat: float
    bounds: tuple[float, float, float, float]


def search(text: str, city: City, *, limit: int = 10) -> tuple[Found, ...]:
    """Places whose name is, begins with or holds a text, then those spelled nearly so; each once."""
    key = normalise(text)
    if not key:
        return ()
    places = places_of(city)
    ranked: dict[int, tuple[int, int, int]] = {}
    for number, place in enumerate(places):
        step = _step(key, place.key)
        if step is not None:
            ranked[number] = step, _rank(place.kind), len(place.key)
    found = sorted(ranked, key=lambda number: ranked[number])
    if len(found) < limit:
        near = process.extract(key, [place.key for place in places], scorer=fuzz.ratio, score_cutoff=NEAR, limit=limit)
        found += [number for _, _, number in near if number not in ranked]
    once = {(places[number].name, places[number].kind): places[number] for number in reversed(found)}
    return tuple(reversed(once.values()))[:limit]


def _step(key: str, name: str) -> int | None:
    """How well a name fits, 0 best; None where it does not."""
    if name == key:
        return 0
    if name.startswith(key):
        return 1
    return 2 if f" {key}" in f" {name}" else 3 if key in name else None


def places_of(city: City) -> tuple[Found, ...]:
    """Every named place of a city with where it is; kept for the last few cities."""
    if city.digest not in _KEPT:
        _KEPT[city.digest] = tuple(_named(city))
        while len(_KEPT) > KEEP:
            _KEPT.popitem(last=False)
    return _KEPT[city.digest]


def _named(city: City) -> Iterator[Found]:
    for table, kinds in _tables(city):
        to_globe = Transformer.from_crs(city.crs, 4326, always_xy=True)
        shapes = np.asarray(table.geometry)
        middle = np.column_stack(to_globe.transform(*shapely.get_coordinates(shapely.point_on_surface(shapes)).T))
        corners = shapely.bounds(shapes)
        west, south = to_globe.transform(corners[:, 0], corners[:, 1])
        east, north = to_globe.transform(corners[:, 2], corners[:, 3])
        bounds = np.column_stack([west, south, east, north]).round(6).tolist()
        others = table["other_names"].fillna("") if "other_names" in table.columns else [""] * len(table)
        rows = zip(table["name"], others, kinds, middle.round(6).tolist(), bounds, strict=True)
        for name, other, kind, (lon, lat), box in rows:
            for spelled in (str(name), *filter(None, str(other).split(";"))):
                yield Found(str(name), kind, normalise(spelled), lon, lat, tuple(box))


def _tables(city: City) -> Iterator[tuple[Any, list[str]]]:
    """Tables with a name and a shape a row, and the kind of each row: streets of one name are one row."""
    places, streets = table_of(city, "places"), table_of(city, "streets")
    if places is not None:
        named = places[places["name"].fillna("") != ""]
        yield named, named["kind"].tolist()
    if streets is not None:
        named = streets[streets["name"].fillna("") != ""]
        columns = [column for column in ("name", "other_names", "geometry") if column in named.columns]
        joined = named[columns].dissolve("name", as_index=False, method="disjoint_subset") if len(named) else named
        yield joined, ["street"] * len(joined)
    timetable = city.layers.get("timetable")
    if timetable is not None:
        stops = timetable.value.stops
        named = stops[stops["name"].fillna("") != ""].drop_duplicates("name")
        yield named, ["stop"] * len(named)


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
