"""Collections: each layer of a city that has geometry, and the stops of its timetable.

Tables without geometry are not listed: the standard's clients draw features. A layer that came under an agreement of a
data space is not listed either, since its agreement names who may have it, and here anyone may ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.digest import digest
from synapolis.layers.city import City, Layer
from synapolis.layers.schemas import LAYERS, Column
from synapolis.web.errors import Problem
from synapolis.web.ogc.crs import bounds_in

STOPS = "timetable_stops"
SOURCE_ID = "source_id"
SINCE = MappingProxyType({"buildings": "start_year"})
"""Columns that say since which year a feature has stood: what the parameter `datetime` asks about."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]+")


@dataclass(frozen=True)
class Collection:
    """One collection of features: a table of a layer with what is said of it."""

    name: str
    description: str
    table: gpd.GeoDataFrame
    columns: Mapping[str, Column]
    layer: Layer
    crs: str
    attribution: str

    @property
    def title(self) -> str:
        """Name as people write it."""
        return self.name.replace("_", " ").capitalize()

    @cached_property
    def etag(self) -> str:
        """Digest of all that its pages are made of."""
        return digest([self.name, self.layer.digest, self.crs, self.description, self.attribution])

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top in the city's CRS; of an empty table, zeros."""
        if not len(self.table):
            return (0.0, 0.0, 0.0, 0.0)
        left, bottom, right, top = map(float, self.table.total_bounds)
        return left, bottom, right, top

    @cached_property
    def extent(self) -> dict[str, Any]:
        """Extent in space and, where years are known, in time, as the standard writes it."""
        told: dict[str, Any] = {}
        if len(self.table):
            crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
            told["spatial"] = {"bbox": [bounds_in(self.bounds, self.crs)], "crs": crs84}
        years = self.since
        if years is not None and np.isfinite(years).any():
            first = int(max(np.nanmin(years), date.min.year))
            told["temporal"] = {"interval": [[f"{first:04d}-01-01T00:00:00Z", None]]}
        return told

    @property
    def since(self) -> NDArray[np.float64] | None:
        """Year since which each feature has stood (NaN where unknown), or None where the layer has none."""
        column = SINCE.get(self.name, "")
        return self.table[column].to_numpy(np.float64) if column in self.table else None

    def row(self, feature: str) -> int:
        """Row of a feature by its id, written as in `feature_id` or as the source has it; a problem 404 for others."""
        for name in (feature, unquote(feature.replace("~", "%"))):
            if name in self.table.index:
                return int(self.table.index.get_loc(name))
        raise Problem(
            404,
            f"no feature of {self.name} has the id {feature[:200]!r}; /ogc/collections/{self.name}/items lists them",
        )


def feature_id(source_id: str) -> str:
    """Id of a feature that can stand in an address as it is: other signs than letters, digits and _.:/- become ~XX."""
    if _PLAIN.fullmatch(source_id):
        return source_id
    return quote(source_id, safe=":/").replace("~", "%7E").replace("%", "~")


def collections_of(city: City) -> dict[str, Collection]:
    """Collections of a city by name."""
    made: dict[str, Collection] = {}
    for name, layer in city.layers.items():
        if layer.agreement:
            continue
        if name == "timetable":
            made[STOPS] = _collection(STOPS, "Stops of the timetable.", layer.value.stops, {}, city, layer)
        elif LAYERS[name].geometry:
            made[name] = _collection(name, LAYERS[name].meaning, layer.value, LAYERS[name].columns, city, layer)
    return dict(sorted(made.items()))


def _collection(
    name: str, meaning: str, table: gpd.GeoDataFrame, columns: Mapping[str, Column], city: City, layer: Layer
) -> Collection:
    told = {
        key: columns.get(key) or Column(_kind(table[key]), "") for key in table.columns if key != table.geometry.name
    }
    about = f"{meaning} {layer.origin.capitalize()}: {layer.source}." + (f" {layer.note}" if layer.note else "")
    said = "; ".join(dict.fromkeys(filter(None, (layer.owner, layer.source, *city.attribution))))
    return Collection(name, about, table, MappingProxyType(told), layer, city.crs, said)


def _kind(values: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(values.dtype):
        return "flag"
    if pd.api.types.is_integer_dtype(values.dtype):
        return "whole"
    return "number" if pd.api.types.is_float_dtype(values.dtype) else "text"
