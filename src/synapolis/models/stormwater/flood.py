"""The design storm on the ground: where water stands, how deep, how fast, and which buildings it reaches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from synapolis.core.declare import model
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
from synapolis.models.stormwater.site import EIGHT, Site


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
    rank=1,
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
    site = Site.of(storm_intensity, runoff_depth, ground_elevation, land_cover, storage_depth, grid, extent)
    soil = (soil_conductivity, soil_suction, soil_moisture_deficit)
    drains = np.where(site.hard, drain_capacity, 0.0)
    surface = site.surface(site.shed(), soil, impervious_fraction, manning_roughness, sea_level, drains)
    for length, depth in site.intervals(storm_intensity, recession_time):
        surface.advance(length, depth)
    flow = surface.result()
    return Flood(*site.fields(flow), flow.arrival_time, site.balance(flow, {"taken by drains": flow.balance.drained}))


@model(
    version="2",
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
    version="2",
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
