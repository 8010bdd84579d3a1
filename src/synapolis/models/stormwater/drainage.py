"""Streets and sewers together: inlets take water down, full manholes give it back, in every interval of the storm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    Extent,
    FloodArrival,
    FloodBalance,
    FloodDepth,
    FloodDepthByTime,
    FloodFrameTimes,
    FloodSpeed,
    FullSewers,
    Grid,
    GroundElevation,
    ImperviousFraction,
    LandCover,
    ManningRoughness,
    RunoffDepth,
    SewerBalance,
    SewerNodes,
    SewerPeaks,
    SewerPipePeaks,
    SewerPipes,
    SewerSpill,
    SewerSpillDepth,
    StorageDepth,
    StormIntensity,
    SurchargedManholes,
    SyntheticSewerNodes,
    SyntheticSewerPipes,
)
from synapolis.models.stormwater.frames import Frames
from synapolis.models.stormwater.intervals import MM_PER_HOUR
from synapolis.models.stormwater.sewer_run import SewerRun
from synapolis.models.stormwater.sewers import Roofs, SewerNetwork, swmm_input
from synapolis.models.stormwater.site import Site
from synapolis.models.stormwater.surface import Surface

CLOSING, OPENING = 0.5, 0.05
"""Factor on a gully's capacity in each interval in which its manhole spills, and what it regains in others [1]."""

SPILL_REACH = 12.0
"""Ground around a manhole over which its spill is drawn on a map [m]."""

FROM_STREETS, FROM_ROOFS = "taken by sewers from streets", "taken by sewers from roofs"
MADE_UP = "taken by made-up sewers from streets"
"""Parts of the account of a flood with sewers, and what the first is called where nobody mapped them."""

FULL = 0.99
"""Filling from which a pipe counts as full [1]."""

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class DrainedFlood(NamedTuple):
    """One flood on the ground and in the sewers below it."""

    flood_depth: FloodDepth
    flood_speed: FloodSpeed
    flood_arrival: FloodArrival
    flood_depth_by_time: FloodDepthByTime
    flood_frame_times: FloodFrameTimes
    flood_balance: FloodBalance
    sewer_balance: SewerBalance
    sewer_peaks: SewerPeaks
    sewer_pipe_peaks: SewerPipePeaks
    sewer_spill: SewerSpill
    sewer_spill_depth: SewerSpillDepth
    surcharged_manholes: SurchargedManholes
    full_sewers: FullSewers


@dataclass(frozen=True)
class Gullies:
    """How the surface and the sewers meet.

    Attributes
    ----------
    cells : (gully,) flat places of hard ground that drains to a node
    node : (gully,) its node
    capacity : [m/s]
    cover : (node,) flat place on which a node's water comes up
    """

    cells: Places
    node: Places
    capacity: float
    cover: Places


def couple(surface: Surface, run: SewerRun, gullies: Gullies, intervals: list[tuple[float, float]]) -> Frames:
    """Carry the surface and the sewers through a storm, giving and taking after each interval; returns its frames.

    A gully takes what stands on its cell, at most its capacity; while its manhole spills, its capacity halves from
    interval to interval, and comes back slowly: a valve that slams would make waves in the pipes.
    """
    open_, frames = np.ones(run.nodes), Frames.of(intervals)
    for number, (length, fallen) in enumerate(intervals):
        surface.advance(length, fallen)
        frames.note(number + 1, surface)
        gone = surface.draw(gullies.cells, open_[gullies.node] * gullies.capacity * length)
        inflow = np.bincount(gullies.node, gone, minlength=run.nodes).astype(float) * (surface.cell_area / length)
        spilled = run.advance(length, inflow)
        surface.pour(gullies.cover, spilled)
        open_ = np.where(spilled > 0.0, CLOSING * open_, np.minimum(open_ + OPENING, 1.0))
    return frames


@model(
    version="2",
    decision="Seeing whether sewers carry a storm, where they spill, and what a plan changes in both.",
    method="The surface flow of `flood`, coupled after every 10 seconds with the dynamic wave of EPA SWMM 5: gullies "
    "take from hard ground near a manhole, downpipes lead roofs (and SWMM's green roofs) into it, full manholes spill "
    "onto the street; outfalls stand in the sea level.",
    limits="Gullies are a rate on hard ground, not surveyed grates; no advection; pipes are circular and clean; "
    "no sewage or groundwater in them.",
    risks="A mapped network may lack pipes or hold wrong inverts; look hard at spills that stand alone.",
    tests="tests/models/test_drainage.py",
)
def flood_with_sewers(
    storm_intensity: StormIntensity,
    runoff_depth: RunoffDepth,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    sewer_nodes: SewerNodes,
    sewer_pipes: SewerPipes,
    grid: Grid,
    extent: Extent,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    inlet_capacity: float,
    inlet_reach: float,
    roof_to_sewer: float,
    sea_level: float,
    recession_time: float,
) -> DrainedFlood:
    """Depth, speed and arrival of surface water in the design storm, with what the sewers take and give back.

    References
    ----------
    Rossman, L. A. (2017). Storm Water Management Model Reference Manual Volume II: Hydraulics. EPA/600/R-17/111.
    Bates, P. D., Horritt, M. S., and Fewtrell, T. J. (2010). A simple inertial formulation of the shallow water
    equations for efficient two-dimensional flood inundation modelling. Journal of Hydrology, 387(1-2).
    """
    if len(sewer_pipes) == 0:
        raise NotComputableError("the layer sewer_pipes is empty")
    network = SewerNetwork.of(sewer_nodes, sewer_pipes)
    site = Site.of(storm_intensity, runoff_depth, ground_elevation, land_cover, storage_depth, grid, extent)
    soil = (soil_conductivity, soil_suction, soil_moisture_deficit)
    roofs, led = _roofs(site, network, inlet_reach, roof_to_sewer)
    surface = site.surface(site.shed(1.0 - led), soil, impervious_fraction, manning_roughness, sea_level)
    gullies = _gullies(site, surface, network, inlet_reach, inlet_capacity * MM_PER_HOUR)
    steps = list(site.intervals(storm_intensity, recession_time))
    project = swmm_input(
        network, duration=sum(length for length, _ in steps), outfall_level=sea_level, rain=storm_intensity, roofs=roofs
    )
    with SewerRun(project.to_string()) as run:
        frames = couple(surface, run, gullies, steps)
        account, peaks, used = run.account(), run.node_peaks(), run.pipe_peaks()
    flow = surface.result()
    from_streets = flow.balance.drained - flow.balance.inflow
    drains = {FROM_STREETS: from_streets, FROM_ROOFS: account["from roofs"]}
    depth, speed = site.fields(flow)
    peaks.index, used.index = network.nodes.index, network.pipes.index
    used["filling"] = used.pop("max_depth") / network.pipes["height"]
    length, full = network.pipes["length"], used["filling"] >= FULL
    return DrainedFlood(
        flood_depth=depth,
        flood_speed=speed,
        flood_arrival=flow.arrival_time,
        flood_depth_by_time=frames.on(site.land),
        flood_frame_times=frames.seconds,
        flood_balance=site.balance(flow, drains, account["from roofs"]),
        sewer_balance=pd.DataFrame({"part": list(account), "volume": list(account.values())}),
        sewer_peaks=peaks,
        sewer_pipe_peaks=used,
        sewer_spill=float(peaks["spilled"].sum()),
        sewer_spill_depth=_spill_depth(site, network, peaks["spilled"].to_numpy()),
        surcharged_manholes=float(np.count_nonzero(peaks["surcharged"].to_numpy()[network.inlets] > 0)),
        full_sewers=100 * float(length[full].sum() / length.sum()),
    )


@model(
    version="2",
    decision="Seeing roughly what sewers would do to a flood where no map of them can be had.",
    method="As flood_with_sewers, in the network that synthetic_sewers makes up along the streets.",
    limits="No pipe was surveyed: a sketch of a network that a designer would lay today.",
    risks="Reads like a real network and is none: use it to compare, and never for a single pipe.",
    tests="tests/models/test_derive_sewers.py",
    origin="assumed",
    rank=2,
)
def flood_with_synthetic_sewers(
    storm_intensity: StormIntensity,
    runoff_depth: RunoffDepth,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    synthetic_sewer_nodes: SyntheticSewerNodes,
    synthetic_sewer_pipes: SyntheticSewerPipes,
    grid: Grid,
    extent: Extent,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    inlet_capacity: float,
    inlet_reach: float,
    roof_to_sewer: float,
    sea_level: float,
    recession_time: float,
) -> DrainedFlood:
    """Flood with sewers that nobody mapped.

    References
    ----------
    As flood_with_sewers and synthetic_sewers.
    """
    drained: DrainedFlood = flood_with_sewers(
        storm_intensity, runoff_depth, ground_elevation, land_cover, impervious_fraction, manning_roughness,
        storage_depth, synthetic_sewer_nodes, synthetic_sewer_pipes, grid, extent, soil_conductivity, soil_suction,
        soil_moisture_deficit, inlet_capacity, inlet_reach, roof_to_sewer, sea_level, recession_time,
    )  # fmt: skip
    return drained._replace(flood_balance=drained.flood_balance.replace({"part": {FROM_STREETS: MADE_UP}}))


def _nearest(site: Site, network: SewerNetwork, cells: NDArray[np.bool_], reach: float) -> tuple[Places, Places]:
    """Return marked cells (as places of the raveled grid) that lie within reach of a manhole, and its place."""
    x, y = site.grid.centres()
    at = np.flatnonzero(cells)
    columns, rows = at % cells.shape[1], at // cells.shape[1]
    tree = cKDTree(_xy(network)[network.inlets])
    distance, nearest = tree.query(np.column_stack([x[columns], y[rows]]), distance_upper_bound=reach)
    near = np.isfinite(distance)
    return at[near], network.inlets[nearest[near]]


def _xy(network: SewerNetwork) -> Floats:
    points = network.nodes["geometry"]
    return np.array([(point.x, point.y) for point in points])


def _roofs(site: Site, network: SewerNetwork, reach: float, share: float) -> tuple[Roofs, float]:
    """Return the roofs by node, and the share of all roofs that the sewers take."""
    at, node = _nearest(site, network, site.roof, reach)
    green = site.storage_depth.ravel()[at] > 0
    area = share * site.grid.cell_area
    count = len(network.nodes)
    depth = float(site.storage_depth.ravel()[at][green].mean()) if green.any() else 0.0
    cells, green_cells = (np.bincount(node[kept], minlength=count).astype(float) for kept in (slice(None), green))
    roofs = Roofs(cells * area, green_cells * area, depth)
    return roofs, share * len(at) / max(int(site.roof.sum()), 1)


def _gullies(site: Site, surface: Surface, network: SewerNetwork, reach: float, capacity: float) -> Gullies:
    at, node = _nearest(site, network, site.hard, reach)
    marked = np.zeros(site.hard.size, dtype=bool)
    marked[at] = True
    free = site.land
    x, y = site.grid.centres()
    rows, columns = np.nonzero(free)
    _, nearest = cKDTree(np.column_stack([x[columns], y[rows]])).query(_xy(network))
    places = surface.places(free)
    return Gullies(surface.places(marked.reshape(site.hard.shape)), node, capacity, places[nearest])


def _spill_depth(site: Site, network: SewerNetwork, spilled: Floats) -> NDArray[np.float32]:
    """Spread what each manhole spilled over the ground around it [mm]."""
    x, y = site.grid.centres()
    rows, columns = np.nonzero(site.land)
    tree = cKDTree(np.column_stack([x[columns], y[rows]]))
    depth = np.zeros(site.ground.shape)
    at = _xy(network)
    for place in np.flatnonzero(spilled > 0).tolist():
        near = tree.query_ball_point(at[place], SPILL_REACH) or [int(tree.query(at[place])[1])]
        depth[rows[near], columns[near]] += 1000 * spilled[place] / (len(near) * site.grid.cell_area)
    return depth.astype(np.float32)
