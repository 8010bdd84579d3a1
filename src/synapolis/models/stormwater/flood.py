"""The design storm on the ground: where water stands, how deep, how fast, and which buildings it reaches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.core.declare import model
from synapolis.layers.land_cover import BUILT, GREEN, Cover
from synapolis.layers.vocabulary import (
    Buildings,
    Extent,
    FloodArrival,
    FloodBalance,
    FloodDepth,
    FloodedBuildingCount,
    FloodedBuildings,
    FloodSpeed,
    Grid,
    GroundElevation,
    ImperviousFraction,
    LandCover,
    ManningRoughness,
    RunoffDepth,
    StorageDepth,
    StormIntensity,
)
from synapolis.models.stormwater.surface import surface_flow

MINUTE = 60.0
EIGHT = np.ones((3, 3), dtype=bool)


class Flood(NamedTuple):
    """One flood on the ground."""

    flood_depth: FloodDepth
    flood_speed: FloodSpeed
    flood_arrival: FloodArrival
    flood_balance: FloodBalance


@model(
    version="2",
    decision="Seeing where a heavy storm gathers, and whether a plan moves it.",
    method="Local-inertial shallow flow on the city's grid; buildings stand in the way and shed their rain around "
    "them; drains take a steady rate from hard ground; the sea or lake is held at its level; the border is open.",
    limits="No advection: not for dam breaks. Drains are a rate, not pipes. Depths are no better than the terrain.",
    risks="Read as a picture where the terrain is interpolated; do not set floor levels from it.",
    tests="tests/models/test_surface.py",
)
def flood(
    storm_intensity: StormIntensity,
    runoff_depth: RunoffDepth,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    grid: Grid,
    extent: Extent,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    drain_capacity: float,
    sea_level: float,
    recession_time: float,
) -> Flood:
    """Depth, speed and arrival of surface water in the design storm.

    References
    ----------
    Bates, P. D., Horritt, M. S., and Fewtrell, T. J. (2010). A simple inertial formulation of the shallow water
    equations for efficient two-dimensional flood inundation modelling. Journal of Hydrology, 387(1-2).
    de Almeida, G. A. M., Bates, P., Freer, J. E., and Souvignet, M. (2012). Improving the stability of a simple
    formulation of the shallow water equations for 2-D flood modeling. Water Resources Research, 48(5).
    """
    inside = grid.mask([extent]) & np.isfinite(ground_elevation)
    roof, water = np.isin(land_cover, BUILT) & inside, (land_cover == Cover.WATER) & inside
    ground = inside & ~roof
    rain_depth = float(storm_intensity.sum() * MINUTE / 3600)
    factor = _rain_on_ground(rain_depth, runoff_depth, storage_depth, roof=roof, ground=ground, water=water)
    open_ground = np.isin(land_cover, (*GREEN, Cover.BARE, Cover.PERMEABLE_PAVING))
    flow = surface_flow(
        np.where(inside, ground_elevation, 0).astype(float),
        storm_intensity,
        rain_step=MINUTE,
        cell_size=grid.cell_size,
        manning=manning_roughness,
        duration=len(storm_intensity) * MINUTE + recession_time * 60,
        rain_factor=factor,
        conductivity=np.where(open_ground, soil_conductivity, 0.0),
        suction=soil_suction,
        moisture_deficit=soil_moisture_deficit,
        pervious_fraction=1 - impervious_fraction,
        inlet_capacity=np.where(ground & ~open_ground & ~water, drain_capacity, 0.0),
        active=ground,
        boundary=_rim(inside),
        held_level=np.where(water, np.maximum(sea_level, ground_elevation), np.nan),
    )
    account = flow.balance
    rain_on_roofs = rain_depth / 1000 * grid.cell_area * (roof.sum() + (ground & ~water).sum()) - account.rain
    parts = {
        "rain": account.rain + rain_on_roofs,
        "held on roofs and in built storage": rain_on_roofs,
        "soaked into the ground": account.infiltrated,
        "taken by drains": account.drained,
        "left to the sea, the lake or over the border": account.left,
        "standing at the end": account.stored - account.initial,
        "error": account.error,
    }
    balance = pd.DataFrame({"part": list(parts), "volume": list(parts.values())})
    depth = np.where(ground & ~water, flow.max_depth, 0).astype(np.float32)
    return Flood(depth, np.where(water, 0, flow.max_speed).astype(np.float32), flow.arrival_time, balance)


def _rain_on_ground(
    rain_depth: float,
    runoff_depth: NDArray[np.float32],
    storage_depth: NDArray[np.float32],
    *,
    roof: NDArray[np.bool_],
    ground: NDArray[np.bool_],
    water: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Share of the storm that reaches each ground cell: its own, less storage, plus what the roofs beside it shed."""
    if rain_depth <= 0:
        return np.ones(ground.shape)
    factor = np.where(ground, np.clip(1 - storage_depth / rain_depth, 0, 1), 0.0)
    labels, count = ndimage.label(roof, EIGHT)
    if count:
        beside = np.where(ground & ~water, ndimage.grey_dilation(labels, footprint=EIGHT), 0)
        shed = ndimage.sum_labels(runoff_depth, labels, np.arange(count + 1)) / rain_depth
        room = np.bincount(beside.ravel(), minlength=count + 1)
        share = np.divide(shed, room, out=np.zeros(count + 1), where=room > 0)
        share[0] = 0
        factor += share[beside]
    return factor


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells on the border of the area, where water may leave."""
    inner: NDArray[np.bool_] = ndimage.binary_erosion(inside, EIGHT, border_value=0)
    return inside & ~inner


@model(
    version="1",
    decision="Comparing how many buildings water reaches with and without a plan.",
    method="A building counts when the deepest water in the cells that touch it passes the threshold.",
    limits="No doorsteps, basements or walls are known; on interpolated terrain the count is illustrative.",
    risks="A building not counted is not thereby safe.",
    tests="tests/models/test_flood.py",
)
def flooded_buildings(
    flood_depth: FloodDepth, buildings: Buildings, grid: Grid, flood_threshold: float
) -> FloodedBuildings:
    """Buildings that surface water reaches.

    References
    ----------
    Own definition; the threshold is an assumption.
    """
    labels = grid.burn(buildings.geometry, np.arange(1, len(buildings) + 1), dtype="int32")
    at_walls = ndimage.maximum_filter(np.where(labels > 0, 0, flood_depth), footprint=EIGHT, mode="constant")
    deepest = ndimage.maximum(at_walls, labels, np.arange(1, len(buildings) + 1))
    return np.asarray(deepest) > flood_threshold


@model(
    version="1",
    decision="Comparing how many buildings water reaches with and without a plan.",
    method="Counts the flooded buildings.",
    limits="As flooded_buildings.",
    risks="As flooded_buildings.",
    tests="tests/models/test_flood.py",
)
def flooded_building_count(flooded_buildings: FloodedBuildings) -> FloodedBuildingCount:
    """Count the buildings that surface water reaches.

    References
    ----------
    Own definition.
    """
    return float(np.count_nonzero(flooded_buildings))
