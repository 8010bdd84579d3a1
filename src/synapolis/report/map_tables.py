"""A map as a table: its values by place, the largest changes first, for those who read rather than look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.layers.city import City
from synapolis.report.maps import difference_of, map_unit, shapes_of
from synapolis.scenarios.answer import Evidence, MapLayer
from synapolis.scenarios.pictures import district_areas, zone_names
from synapolis.scenarios.views import place_grain

MOST_ROWS = 200
DEEPEST = ("flood_depth",)
"""Quantities of cells told by the largest value in a place; others are told by their mean."""


def map_table(layer: MapLayer, evidence: Evidence) -> dict[str, Any]:
    """Columns (key, title, unit, digits) and rows of one map, at most `MOST_ROWS`, the largest changes first."""
    names, before, after, how = _by_place(layer, evidence)
    change = difference_of(before, after)
    unit, digits = map_unit(layer, evidence.city), map_digits(layer.quantity, before, after, change)
    values = {"before": before, "after": after, "change": change}
    titles = {"before": "Today", "after": "With the change", "change": "Change"}
    shown = {key: column for key, column in values.items() if column is not None}
    size = np.abs(next(column for column in reversed(shown.values())))
    order = np.argsort(-np.where(np.isfinite(size), size, -1.0), kind="stable")
    kept = [i for i in order if any(math.isfinite(column[i]) for column in shown.values())]
    columns = [{"key": "name", "title": how, "unit": "", "digits": 0}]
    columns += [{"key": key, "title": titles[key], "unit": unit, "digits": digits} for key in shown]
    rows = [
        {"name": names[i]} | {key: _plain(column[i], digits) for key, column in shown.items()} for i in kept[:MOST_ROWS]
    ]
    return {"columns": columns, "rows": rows, "of": len(kept)}


def map_digits(quantity: str, *columns: NDArray[Any] | None) -> int:
    """Decimals that a map is told with: two or three figures of the typical large value, no finer than its grain."""
    grain = place_grain(quantity)
    finest = min(max(-math.floor(math.log10(grain) + 1e-9), 0), 3) if grain else 3
    finite = [np.abs(column[np.isfinite(column)]) for column in columns if column is not None]
    tops = [float(np.quantile(values, 0.98)) for values in finite if values.size and values.any()]
    least = min((top for top in tops if top > 0), default=1.0)
    return min(max(1 - math.floor(math.log10(least)), 0), finest)


def _by_place(
    layer: MapLayer, evidence: Evidence
) -> tuple[Sequence[str], NDArray[Any] | None, NDArray[Any] | None, str]:
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    if layer.kind == "cells":
        return _cells(layer, before, after, evidence)
    if layer.kind == "links":
        return _streets(layer, before, after)
    if layer.kind == "zones":
        table = layer.geometry
        named = hasattr(table, "columns")
        names = zone_names(evidence.city, table) if named else [f"zone {i + 1}" for i in range(len(shapes_of(layer)))]
        return names, before, after, "Zone"
    return _buildings(layer, evidence.city), before, after, "Building" if layer.kind == "buildings" else "Site"


def _cells(layer: MapLayer, before: Any, after: Any, evidence: Evidence) -> tuple[Any, Any, Any, str]:
    """Cells over the city's zones, its districts, or all of it."""
    areas = _areas(evidence)
    place = evidence.city.grid.burn(list(areas.values()), np.arange(1, len(areas) + 1), dtype="int32").ravel()
    deepest = layer.quantity in DEEPEST
    told = [None if values is None else _over(place, values.ravel(), len(areas), deepest) for values in (before, after)]
    how = "Place (deepest water in it)" if deepest else "Place (mean over it)"
    return list(areas), told[0], told[1], how


def _areas(evidence: Evidence) -> Mapping[str, Any]:
    city = evidence.city
    zones = city.layers["zones"].value if "zones" in city.layers else None
    if zones is None:
        zones = next((layer.geometry for layer in evidence.maps if layer.kind == "zones"), None)
    if zones is not None and hasattr(zones, "columns"):
        return dict(zip(zone_names(city, zones), np.asarray(zones.geometry), strict=True))
    return district_areas(city) or {city.title: shapely.box(*city.grid.bounds)}


def _over(place: NDArray[Any], values: NDArray[Any], count: int, largest: bool) -> NDArray[np.float64]:
    """Mean or largest of the finite values of each place; NaN where there are none."""
    known = np.isfinite(values) & (place > 0)
    if largest:
        found = np.full(count + 1, np.nan)
        np.fmax.at(found, place[known], values[known])
        return found[1:]
    sums = np.bincount(place[known], values[known], count + 1)[1:]
    cells = np.bincount(place[known], minlength=count + 1)[1:]
    return np.asarray(np.divide(sums, cells, out=np.full(count, np.nan), where=cells > 0))


def _streets(layer: MapLayer, before: Any, after: Any) -> tuple[Any, Any, Any, str]:
    """Segments of one name together, by their length."""
    shapes = shapes_of(layer)
    own = names_of_rows(layer.geometry, len(shapes))
    names, group = np.unique(np.where(own == "", "streets without a name", own), return_inverse=True)
    length = shapely.length(shapes)

    def mean(values: NDArray[Any] | None) -> NDArray[Any] | None:
        if values is None:
            return None
        known = np.isfinite(values)
        weight = np.bincount(group[known], length[known], len(names))
        total = np.bincount(group[known], (length * values)[known], len(names))
        return np.asarray(np.divide(total, weight, out=np.full(len(names), np.nan), where=weight > 0))

    return names.tolist(), mean(before), mean(after), "Street (mean along it)"


def _buildings(layer: MapLayer, city: City) -> list[str]:
    """A building's or site's own name, else the street it stands at."""
    shapes = shapes_of(layer)
    own = names_of_rows(layer.geometry, len(shapes)).tolist()
    streets = city.layers["streets"].value if "streets" in city.layers else None
    streets = streets[streets["name"].fillna("") != ""] if streets is not None else None
    if streets is None or not len(streets):
        return [name or f"{layer.kind[:-1]} {i + 1}" for i, name in enumerate(own)]
    nearest = shapely.STRtree(np.asarray(streets.geometry)).nearest(shapely.centroid(shapes))
    return [name or f"at {street}" for name, street in zip(own, streets["name"].to_numpy()[nearest], strict=True)]


def names_of_rows(table: Any, count: int) -> NDArray[Any]:
    """Own names of a map's places, empty where there is none."""
    if not hasattr(table, "columns") or "name" not in table.columns:
        return np.full(count, "", dtype=object)
    return np.asarray(table["name"].fillna("").astype(str), dtype=object)


def ids_of_rows(table: Any, count: int) -> list[str]:
    """Ids of a map's places; their numbers where it came without a table."""
    return [str(place) for place in (table.index if hasattr(table, "columns") else range(count))]


def _plain(value: float, digits: int) -> float | None:
    return round(float(value), digits + 2) if math.isfinite(value) else None
