"""The ground of a city as a storm finds it: what is roof, street, lawn or water, and what each gets of the rain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.core.errors import ModelError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import BUILT, GREEN, Cover
from synapolis.models.stormwater.account import SurfaceFlow
from synapolis.models.stormwater.intervals import intervals
from synapolis.models.stormwater.surface import Surface

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE = 60.0
SOURCE_STEP = 10.0
"""How often rain, infiltration and inlets act [s]."""

LOWEST, HIGHEST = -500.0, 9000.0
"""Heights of land above a datum [m]."""
STEEPEST = 0.7
"""Slope [1] that the median cell of no city has."""

HELD = "held on roofs and in built storage"
SOAKED = "soaked into the ground"
LEFT = "left to the sea, the lake or over the border"
STANDING = "standing at the end"
"""Parts of the account of a flood."""

EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class Site:
    """What a storm meets; every field is (row, column).

    Attributes
    ----------
    rain_depth : [mm]
    runoff_depth : [mm]
        What each cell sheds, roofs among them.
    """

    grid: Grid
    rain_depth: float
    runoff_depth: NDArray[np.float32]
    elevation: Floats
    storage_depth: NDArray[np.float32]
    inside: Flags
    roof: Flags
    water: Flags
    ground: Flags
    open_ground: Flags

    @classmethod
    def of(
        cls,
        storm_intensity: Floats,
        runoff_depth: NDArray[np.float32],
        ground_elevation: NDArray[np.float32],
        land_cover: NDArray[np.uint8],
        storage_depth: NDArray[np.float32],
        grid: Grid,
        extent: shapely.Polygon,
    ) -> Site:
        """Sort the cells of the city by what they do with rain; cells without ground are walls.

        Raises
        ------
        ModelError
            No ground at all, or heights that no city has: they are then not in metres, or their holes not declared.
        """
        inside = grid.mask([extent]) & np.isfinite(ground_elevation)
        _plausible(ground_elevation, inside, grid.cell_size)
        roof, water = np.isin(land_cover, BUILT) & inside, (land_cover == Cover.WATER) & inside
        return cls(
            grid=grid,
            rain_depth=float(storm_intensity.sum() * MINUTE / 3600),
            runoff_depth=runoff_depth,
            elevation=np.where(inside, ground_elevation, 0).astype(float),
            storage_depth=storage_depth,
            inside=inside,
            roof=roof,
            water=water,
            ground=inside & ~roof,
            open_ground=np.isin(land_cover, (*GREEN, Cover.BARE, Cover.PERMEABLE_PAVING)),
        )

    @property
    def hard(self) -> Flags:
        """Streets and paving: ground with inlets."""
        return self.ground & ~self.open_ground & ~self.water

    @property
    def land(self) -> Flags:
        """Ground where water may stand: no roof, no open water."""
        return self.ground & ~self.water

    def shed(self, share: float = 1.0) -> Floats:
        """Share of the storm that reaches each ground cell [1].

        Its own, plus what the roofs beside it shed, of which `share` runs onto the ground.
        """
        if self.rain_depth <= 0:
            return np.ones(self.ground.shape)
        factor = self.ground.astype(float)
        labels, count = ndimage.label(self.roof, EIGHT)
        if count:
            beside = np.where(self.land, ndimage.grey_dilation(labels, footprint=EIGHT), 0)
            shed = share * ndimage.sum_labels(self.runoff_depth, labels, np.arange(count + 1)) / self.rain_depth
            room = np.bincount(beside.ravel(), minlength=count + 1)
            each = np.divide(shed, room, out=np.zeros(count + 1), where=room > 0)
            each[0] = 0
            factor += each[beside]
        return factor

    def surface(
        self,
        rain_factor: Floats,
        soil: tuple[float, float, float],
        impervious_fraction: NDArray[np.float32],
        manning_roughness: NDArray[np.float32],
        sea_level: float,
        inlet_capacity: Floats | float = 0.0,
    ) -> Surface:
        """Return the dry surface before the storm; arguments as `meets`."""
        fields = self.meets(rain_factor, soil, impervious_fraction, manning_roughness, sea_level, inlet_capacity)
        return Surface(**fields, cell_size=self.grid.cell_size)

    def meets(
        self,
        rain_factor: Floats,
        soil: tuple[float, float, float],
        impervious_fraction: NDArray[np.float32],
        manning_roughness: NDArray[np.float32],
        sea_level: float,
        inlet_capacity: Floats | float = 0.0,
    ) -> dict[str, Any]:
        """Return what the water meets by cell, as `Surface` takes it.

        `soil` is conductivity [mm/h], suction [mm] and moisture deficit, everywhere alike.
        """
        conductivity, suction, moisture_deficit = soil
        spread: dict[str, Any] = {
            "manning": manning_roughness,
            "rain_factor": rain_factor,
            "conductivity": np.where(self.open_ground, conductivity, 0.0),
            "suction": suction,
            "moisture_deficit": moisture_deficit,
            "pervious_fraction": 1 - impervious_fraction,
            "inlet_capacity": inlet_capacity,
            "storage": self.storage_depth,
            "active": self.ground,
            "boundary": _rim(self.inside),
            "held_level": np.where(self.water, np.maximum(sea_level, self.elevation), np.nan),
        }
        shape = self.elevation.shape
        return {"elevation": self.elevation, **{name: np.broadcast_to(value, shape) for name, value in spread.items()}}

    def intervals(self, storm_intensity: Floats, recession_time: float) -> Iterator[tuple[float, float]]:
        """Yield the length [s] and the rain [m] of each interval; `recession_time` [min] runs on after the storm."""
        end = len(storm_intensity) * MINUTE + recession_time * 60
        lengths, fallen = intervals(storm_intensity, MINUTE, end, SOURCE_STEP)
        yield from zip(lengths.tolist(), fallen.tolist(), strict=True)

    def fields(self, flow: SurfaceFlow) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the largest depth [m] and speed [m/s] on land."""
        depth = np.where(self.land, flow.max_depth, 0).astype(np.float32)
        return depth, np.where(self.water, 0, flow.max_speed).astype(np.float32)

    def fell(self) -> float:
        """Rain on land in the storm [m³]."""
        return self.rain_depth / 1000 * self.grid.cell_area * float(self.roof.sum() + self.land.sum())

    def balance(self, flow: SurfaceFlow, drains: Mapping[str, float], led: float = 0.0) -> pd.DataFrame:
        """Say where the water went [m³]; `led` is what of `drains` came straight from roofs."""
        account = flow.balance
        missing = self.fell() - account.rain
        parts = {
            "rain": account.rain + missing,
            HELD: account.kept + missing - led,
            SOAKED: account.infiltrated,
            **drains,
            LEFT: account.left,
            STANDING: account.stored - account.initial,
            "error": account.error,
        }
        return pd.DataFrame({"part": list(parts), "volume": list(parts.values())})


def _plausible(elevation: NDArray[np.float32], inside: Flags, cell_size: float) -> None:
    """Refuse heights that cannot be metres above a datum. Feet on flat land cannot be told from metres."""
    if not inside.any():
        raise ModelError("ground_elevation has no value inside the extent; give a terrain that covers it")
    lowest, highest = float(elevation[inside].min()), float(elevation[inside].max())
    if lowest < LOWEST or highest > HIGHEST:
        raise ModelError(
            f"ground_elevation must be metres from {LOWEST:g} to {HIGHEST:g}, got {lowest:g} to {highest:g}; declare "
            "the terrain's nodata value, or bring its vertical unit to metres"
        )
    pairs = ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1]))
    steps = [np.abs(elevation[a] - elevation[b])[inside[a] & inside[b]] for a, b in pairs]
    rises = np.concatenate(steps)
    slope = float(np.median(rises)) / cell_size if rises.size else 0.0
    if slope > STEEPEST:
        raise ModelError(
            f"ground_elevation rises {slope:.1f} m a metre from cell to cell, half of all cells more, which no city "
            "does; is its vertical unit centimetres or feet? bring it to metres"
        )


def _rim(inside: Flags) -> Flags:
    """Cells on the border of the area, where water may leave."""
    inner: Flags = ndimage.binary_erosion(inside, EIGHT, border_value=0)
    return inside & ~inner
