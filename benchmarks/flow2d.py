"""Surface flow: cell updates per second against landlab's OverlandFlow, on the same ground and rain.

Both run the local-inertial scheme with rain over rough sloping ground of 5 m cells. Ours includes what landlab's does
not: the volume limiter, the maxima of depth and speed and the water account; the second case adds infiltration, inlets
and an open rim.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from benchmarks import Row, absent, peer_named, quickest
from synapolis.models.stormwater.surface import surface_flow

CELL_SIZE = 5.0  # [m]
RAIN = 50.0  # [mm/h]
MANNING = 0.03  # [s/m^(1/3)]
START = 0.2  # [m] of water everywhere, so that steps are as short as in a flood
EVERYTHING = {
    "boundary": "open",
    "conductivity": 10.0,
    "suction": 110.0,
    "moisture_deficit": 0.3,
    "pervious_fraction": 0.5,
    "inlet_capacity": 5.0,
}


def rows(*, quick: bool = False) -> list[Row]:
    """Speeds at each size, in million cell updates per second."""
    landlab, name = peer_named("landlab")
    table = []
    for side in (60,) if quick else (500, 2000):
        peer = None if landlab is None else peer_speed(landlab, side, quick=quick)
        note = absent(name) if landlab is None else ""
        for case, extra in (("rain, closed", {}), ("rain, infiltration, inlets, open rim", EVERYTHING)):
            ours = own_speed(side, extra, quick=quick)
            table.append(Row(f"flow {side} x {side}: {case}", ours, "Mcell/s", name, peer, note))
    return table


def ground(side: int) -> np.ndarray:
    """Rough ground (row, column) [m] that falls a centimetre a cell to the east, the same for both."""
    random = np.random.default_rng(0)
    rough = random.normal(0.0, 0.05, (side, side)).cumsum(axis=0)
    return rough - rough.min() + 0.01 * np.arange(side)[::-1]


def own_speed(side: int, extra: dict[str, object], *, quick: bool) -> float:
    bed = ground(side)
    length = 60.0 if quick else 1200.0 * 500 / side  # [s]
    seconds, flow = quickest(
        lambda: surface_flow(
            bed, [RAIN], rain_step=length, cell_size=CELL_SIZE, manning=MANNING, initial_depth=START, **extra
        ),
        seconds=0.0 if quick else 5.0,
    )
    return flow.steps * bed.size / seconds / 1e6


def peer_speed(landlab: ModuleType, side: int, *, quick: bool) -> float:
    """Step landlab's OverlandFlow as its manual does."""
    from landlab.components import OverlandFlow  # noqa: PLC0415  # a peer: it may not be installed

    grid = landlab.RasterModelGrid((side, side), xy_spacing=CELL_SIZE)
    grid.add_field("topographic__elevation", ground(side).ravel(), at="node")
    grid.add_full("surface_water__depth", START, at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    flow = OverlandFlow(
        grid, mannings_n=MANNING, alpha=0.7, theta=0.9, rainfall_intensity=RAIN / 3.6e6, steep_slopes=True
    )
    steps = 5 if quick or side > 1000 else 40

    def step() -> None:
        for _ in range(steps):
            flow.overland_flow(dt=min(flow.calc_time_step(), 2.0))

    seconds, _ = quickest(step, seconds=0.0 if quick else 5.0)
    return steps * side * side / seconds / 1e6
