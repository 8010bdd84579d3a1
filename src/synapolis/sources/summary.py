"""What a built city holds: how much of each layer there is, where it is from, how much of the extent it covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from synapolis.layers.city import City, Layer
from synapolis.layers.grid import Raster
from synapolis.layers.timetable import Timetable


@dataclass(frozen=True)
class LayerSummary:
    """One line of a city's report: `features` counts rows, cells with a value or trips; `coverage` is a share."""

    name: str
    features: int
    origin: str
    source: str
    licence: str
    coverage: float | None
    note: str


def layer_summaries(city: City) -> tuple[LayerSummary, ...]:
    """Summarise each layer: how much of it there is, where it is from, what share of the extent it covers."""
    return tuple(_summary(layer, city) for _, layer in sorted(city.layers.items()))


def _summary(layer: Layer, city: City) -> LayerSummary:
    value = layer.value
    coverage: float | None = None
    if isinstance(value, Raster):
        features = int(np.isfinite(value.values).sum())
        on_grid = value.on_grid(city.grid, nearest=True)
        inside = city.grid.mask(city.extent)
        known = np.isfinite(on_grid) if on_grid.dtype.kind == "f" else on_grid != 0
        coverage = float(known[inside].mean())
    elif isinstance(value, Timetable):
        features = len(value.trips)
    else:
        features = len(value)
        if layer.name in {"zones", "population_grid", "land_use"}:
            coverage = float(
                shapely.union_all(value.geometry.to_numpy()).intersection(city.extent).area / city.extent.area
            )
    return LayerSummary(layer.name, features, layer.origin, layer.source, layer.licence, coverage, layer.note)
