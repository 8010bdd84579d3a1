"""The design storm on the ground: where water stands, how deep, how fast, and which buildings it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.core.declare import model
from synapolis.core.digest import digest
from synapolis.layers.vocabulary import (
    Buildings,
    Extent,
    FloodArrival,
    FloodBalance,
    FloodDepth,
    FloodDepthByTime,
    FloodedBuildingCount,
    FloodedBuildings,
    FloodFrameTimes,
    FloodLineDepths,
    FloodSpeed,
    FloodSteps,
    Grid,
    GroundElevation,
    ImperviousFraction,
    LandCover,
    ManningRoughness,
    RunoffDepth,
    StorageDepth,
    StormIntensity,
)
from synapolis.models.stormwater.local import Record, Rerun, differs, rerun, run_recorded
from synapolis.models.stormwater.site import EIGHT, HELD, LEFT, SOAKED, STANDING, Site
from synapolis.models.stormwater.surface import Surface

DEEPER = 1.8
"""How much deeper than before water may stand, for the time steps of before to hold."""


class Flood(NamedTuple):
    """One flood on the ground, and what a re-run of a part of it needs."""

    flood_depth: FloodDepth
    flood_speed: FloodSpeed
    flood_arrival: FloodArrival
    flood_depth_by_time: FloodDepthByTime
    flood_frame_times: FloodFrameTimes
    flood_balance: FloodBalance
    flood_steps: FloodSteps
    flood_line_depths: FloodLineDepths


DRAINED = "taken by drains"


def _met(site: Site, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the water meets by cell, with drains that take a steady rate from hard ground."""
    soil = (given["soil_conductivity"], given["soil_suction"], given["soil_moisture_deficit"])
    drains = np.where(site.hard, given["drain_capacity"], 0.0)
    hard, rough = given["impervious_fraction"], given["manning_roughness"]
    return site.meets(site.shed(), soil, hard, rough, given["sea_level"], drains)


def _site(given: Mapping[str, Any]) -> Site:
    words = ("storm_intensity", "runoff_depth", "ground_elevation", "land_cover", "storage_depth", "grid", "extent")
    return Site.of(*(given[word] for word in words))


ON_CELLS = (
    "runoff_depth", "ground_elevation", "land_cover", "impervious_fraction", "manning_roughness", "storage_depth",
)  # fmt: skip
"""Inputs that an edit may change here and there."""


def flood_again(earlier: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Flood:
    """Run the flood again only where an edit can change it; all of it where that is most, or something else changed."""
    if any(digest(before[word]) != digest(now[word]) for word in now if word not in ON_CELLS):
        return _flood(now)
    sites = _site(before), _site(now)
    met = _met(sites[0], before), _met(sites[1], now)
    if not differs(*met).any():
        return Flood(**earlier)
    record = Record(earlier["flood_steps"], earlier["flood_line_depths"])
    steps = list(sites[1].intervals(now["storm_intensity"], now["recession_time"]))
    part = rerun(record, met[0], met[1], steps, sites[1].grid.cell_size)
    if part is None or part.after.max_depth.max() > DEEPER * max(float(earlier["flood_depth"].max()), 0.1):
        return _flood(now)  # as well where the steps of before could be too long
    depth, speed = part.put(earlier["flood_depth"], "max_depth"), part.put(earlier["flood_speed"], "max_speed")
    depth = np.where(sites[1].land, depth, 0).astype(np.float32)
    return Flood(
        depth,
        np.where(sites[1].water, 0, speed).astype(np.float32),
        part.put(earlier["flood_arrival"], "arrival_time"),
        part.put_frames(earlier["flood_depth_by_time"], depth),
        earlier["flood_frame_times"],
        _balance_again(earlier["flood_balance"], part, sites, met),
        record.steps,
        record.depths,
    )


def _balance_again(
    earlier: pd.DataFrame, part: Rerun, sites: tuple[Site, Site], met: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> pd.DataFrame:
    """Return the account of before, with the difference that the window makes."""
    old, new = part.before.balance, part.after.balance
    volume = dict(zip(earlier["part"], earlier["volume"], strict=True))
    fell = [site.fell() for site in sites]
    rained = [_rained(site, fields) for site, fields in zip(sites, met, strict=True)]
    volume["rain"] += fell[1] - fell[0]
    volume[HELD] += new.kept - old.kept + (fell[1] - rained[1]) - (fell[0] - rained[0])
    volume[SOAKED] += new.infiltrated - old.infiltrated
    volume[DRAINED] += new.drained - old.drained
    volume[LEFT] += new.left - old.left
    volume[STANDING] += new.stored - old.stored
    whole = volume["rain"] - sum(value for name, value in volume.items() if name not in ("rain", "error"))
    volume["error"] = whole
    return pd.DataFrame({"part": list(volume), "volume": list(volume.values())})


def _rained(site: Site, fields: Mapping[str, Any]) -> float:
    """Rain that reached free ground [m³]."""
    return float(fields["rain_factor"][site.land].sum()) * site.rain_depth / 1000 * site.grid.cell_area


def _flood(given: Mapping[str, Any]) -> Flood:
    """Run the flood on the whole ground."""
    site = _site(given)
    surface = Surface(**_met(site, given), cell_size=site.grid.cell_size)
    record, frames = run_recorded(surface, list(site.intervals(given["storm_intensity"], given["recession_time"])))
    flow = surface.result()
    account = site.balance(flow, {DRAINED: flow.balance.drained})
    moments = frames.on(site.land), frames.seconds
    return Flood(*site.fields(flow), flow.arrival_time, *moments, account, record.steps, record.depths)


@model(
    version="3",
    decision="Seeing where a heavy storm gathers, and whether a plan moves it.",
    method="Local-inertial shallow flow on the city's grid; buildings stand in the way and shed their rain around "
    "them; drains take a steady rate from hard ground; the sea or lake is held at its level; the border is open. "
    "After an edit only the part that it can change is run again.",
    limits="No advection: not for dam breaks. Drains are a rate, not pipes. Depths are no better than the terrain. "
    "A local re-run is within 1 mm of the full run on 99.9 % of cells, and its totals within 1e-4.",
    risks="Read as a picture where the terrain is interpolated; do not set floor levels from it.",
    tests="tests/models/test_surface.py",
    rank=1,
    update=flood_again,
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
    return _flood(
        {
            "storm_intensity": storm_intensity,
            "runoff_depth": runoff_depth,
            "ground_elevation": ground_elevation,
            "land_cover": land_cover,
            "impervious_fraction": impervious_fraction,
            "manning_roughness": manning_roughness,
            "storage_depth": storage_depth,
            "grid": grid,
            "extent": extent,
            "soil_conductivity": soil_conductivity,
            "soil_suction": soil_suction,
            "soil_moisture_deficit": soil_moisture_deficit,
            "drain_capacity": drain_capacity,
            "sea_level": sea_level,
            "recession_time": recession_time,
        }
    )


@model(
    version="3",
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
    return deepest_at_walls(flood_depth, buildings, grid) > flood_threshold


@model(
    version="3",
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


def deepest_at_walls(flood_depth: FloodDepth, buildings: Buildings, grid: Grid) -> NDArray[np.float64]:
    """Deepest water in the cells that touch each building [m]; 0 where it covers no cell's centre."""
    numbers = np.arange(1, len(buildings) + 1)
    labels = grid.burn(buildings.geometry, numbers, dtype="int32")
    at_walls = ndimage.maximum_filter(np.where(labels > 0, 0, flood_depth), footprint=EIGHT, mode="constant")
    return np.asarray(ndimage.maximum(at_walls, labels, numbers), dtype=np.float64)
