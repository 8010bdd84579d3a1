"""What of a city is drawn in its vector tiles, as GeoJSON, one feature a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.layers.city import City
from synapolis.report.basemap import GREEN_USES
from synapolis.scenarios.pictures import district_areas, zone_names
from synapolis.web.tiles.lines import LineOfCity

MINZOOM, MAXZOOM = 10, 15
LAYERS = ("water", "green", "zone", "rail", "street", "building", "tree", "transit", "stop", "place")
DIGITS = 6
MAJOR = {"motorway", "trunk", "primary", "secondary"}
MIDDLE = {"tertiary", "residential", "unclassified", "pedestrian", "living_street"}
SEEN_FROM = {"district": 10, "square": 14, "park": 13, "building": 16, "place": 16}
"""Zoom from which names are shown; stops have a layer of their own."""
USUAL_STOREY = 3.0  # m, where no model tells heights


@dataclass(frozen=True)
class Derived:
    """What is drawn besides layers, made by the twin where the city's data lack it; None where it cannot be had."""

    heights: NDArray[np.float64] | None = None
    """Height of each building [m]."""
    zones: Any = None
    stops: Any = None
    lines: Sequence[LineOfCity] = ()


def city_features(city: City, derived: Derived) -> Iterator[str]:
    """Yield every feature that tiles show, in degrees, with its tile layer and first zoom for tippecanoe."""
    yield from _areas(city)
    yield from _zones(city, derived.zones)
    yield from _lines(city, derived.lines)
    yield from _buildings(city, derived.heights)
    yield from _points(city, derived.stops)


def _areas(city: City) -> Iterator[str]:
    water, green = table_of(city, "water"), table_of(city, "land_use")
    if water is not None:
        yield from _features("water", water, {}, city)
    if green is not None:
        green = green[green["use"].isin(GREEN_USES)]
        yield from _features("green", green, {"kind": green["use"].tolist()}, city)


def _zones(city: City, zones: Any) -> Iterator[str]:
    if zones is not None and len(zones):
        yield from _features("zone", zones, {"id": _ids(zones), "name": zone_names(city, zones)}, city)


def _lines(city: City, lines: Sequence[LineOfCity]) -> Iterator[str]:
    streets, rail = table_of(city, "streets"), table_of(city, "rail")
    if streets is not None:
        kinds = [str(kind).removesuffix("_link") for kind in streets["road_class"]]
        columns: dict[str, list[Any]] = {
            "id": _ids(streets), "name": _texts(streets, "name"), "kind": kinds, "lanes": _wholes(streets["lanes"]),
        }  # fmt: skip
        first = [MINZOOM if kind in MAJOR else 12 if kind in MIDDLE else 14 for kind in kinds]
        yield from _features("street", streets, columns, city, first)
    if rail is not None:
        yield from _features("rail", rail, {"kind": rail["kind"].tolist()}, city)
    drawn = gpd.GeoDataFrame(geometry=[line.geometry for line in lines], crs=city.crs)
    told = {key: [getattr(line, key) for line in lines] for key in ("route", "mode", "name", "colour")}
    yield from _features("transit", drawn, told, city)


def _buildings(city: City, heights: NDArray[np.float64] | None) -> Iterator[str]:
    buildings = table_of(city, "buildings")
    if buildings is None:
        return
    told = buildings["height"].to_numpy(dtype=float)
    if heights is None:
        heights = np.fmax(buildings["levels"].to_numpy(dtype=float), 1) * USUAL_STOREY
    known = np.where(np.isfinite(told), told, heights)
    columns: dict[str, list[Any]] = {
        "id": _ids(buildings), "name": _texts(buildings, "name"), "use": _texts(buildings, "use"),
        "height": np.round(known, 1).tolist(), "base": [0] * len(buildings), "homes": _wholes(buildings["homes"]),
    }  # fmt: skip
    yield from _features("building", buildings, columns, city, [13] * len(buildings))


def _points(city: City, stops: Any) -> Iterator[str]:
    trees, places = table_of(city, "trees"), table_of(city, "places")
    if trees is not None:
        yield from _features("tree", trees, {}, city, [MAXZOOM] * len(trees))
    if stops is not None and len(stops):
        yield from _features("stop", stops, {"id": _ids(stops), "name": _texts(stops, "name")}, city, [13] * len(stops))
    if places is not None:
        shown = places["kind"].isin(SEEN_FROM) & (places["name"].fillna("") != "")
        parts = district_areas(city)
        if parts:  # a district that smaller ones make up is named by them
            shown &= (places["kind"] != "district") | places["name"].isin(parts)
        named = places[shown].copy()
        named["geometry"] = shapely.point_on_surface(np.asarray(named.geometry))
        first = [min(SEEN_FROM[kind], MAXZOOM) for kind in named["kind"]]
        yield from _features(
            "place", named, {"name": _texts(named, "name"), "kind": named["kind"].tolist()}, city, first
        )


def _features(
    layer: str, table: Any, columns: Mapping[str, Sequence[Any]], city: City, first: Sequence[int] | None = None
) -> Iterator[str]:
    """One line a feature, numbered from 1 in the table's order; what is not known is left out."""
    if not len(table):
        return
    on_globe = table.geometry.set_crs(city.crs, allow_override=False).to_crs(4326)
    shapes = shapely.to_geojson(shapely.transform(np.asarray(on_globe), lambda points: np.round(points, DIGITS)))
    rows = list(zip(*columns.values(), strict=True)) if columns else [()] * len(table)
    for number, (shape, row) in enumerate(zip(shapes, rows, strict=True), start=1):
        told = {key: value for key, value in zip(columns, row, strict=True) if value not in (None, "")}
        about = {"layer": layer, "minzoom": first[number - 1] if first is not None else MINZOOM}
        yield (
            f'{{"type":"Feature","id":{number},"tippecanoe":{json.dumps(about)},'
            f'"properties":{json.dumps(told, ensure_ascii=False)},"geometry":{shape}}}'
        )


def table_of(city: City, name: str) -> Any:
    """A layer's table, or None where the city has none or an empty one."""
    layer = city.layers.get(name)
    return layer.value if layer is not None and len(layer.value) else None


def _ids(table: Any) -> list[str]:
    return [str(place) for place in table.index]


def _texts(table: Any, column: str) -> list[str]:
    return table[column].fillna("").astype(str).tolist() if column in table.columns else [""] * len(table)


def _wholes(values: Any) -> list[int | None]:
    return [round(value) if value is not None and math.isfinite(value) else None for value in values]
