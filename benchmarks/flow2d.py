"""Surface flow: cell updates per second against landlab's OverlandFlow, on the same ground and rain.

Both run the local-inertial scheme with rain over rough sloping ground of 5 m cells. Ours includes what landlab's does
not: the volume limiter, the maxima of depth and speed and the water account; the second case adds infiltration, inlets
and an open rim. Beside the peer: the limit that the memory sets (44 bytes a cell and step, at the speed at which one
thread copies as many bytes in the same run), two threads, ground of which a tenth is wet, growth with size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import ModuleType

import numpy as np

from benchmarks import Row, absent, growth_chart, peer_named, quickest
from synapolis.models.stormwater.surface import Surface, surface_flow

CELL_SIZE = 5.0  # [m]
RAIN = 50.0  # [mm/h]
MANNING = 0.03  # [s/m^(1/3)]
START = 0.2  # [m] of water everywhere, so that steps are as short as in a flood
TRAFFIC = 44  # [byte] read or written for each cell in a step: 11 float32
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
    table, curves = [], {"ours": [], name: []}
    for side in (60,) if quick else (125, 250, 500, 1000, 2000):
        peer = None if landlab is None else peer_speed(landlab, side, quick=quick)
        note = absent(name) if landlab is None else ""
        for case, extra in (("rain, closed", {}), ("rain, infiltration, inlets, open rim", EVERYTHING)):
            ours = own_speed(side, extra, quick=quick)
            if quick or side in (500, 2000):
                told = f"{100 * ours * 1e6 * TRAFFIC / copy_speed(side):.0f} % of the copy limit; {note}".rstrip("; ")
                table.append(Row(f"flow {side} x {side}: {case}", ours, "Mcell/s", name, peer, told))
        curves["ours"].append((side**2, side**2 / ours / 1e6))
        curves[name].append((side**2, side**2 / peer / 1e6 if peer else np.nan))
    if not quick:
        known = {label: points for label, points in curves.items() if np.isfinite(points[0][1])}
        growth_chart("flow2d", "One step of surface flow, one thread", "cells", "CPU s", known)
    side = 60 if quick else 1000
    table.append(partly_wet(side, quick=quick))
    table.append(two_threads(side, quick=quick))
    return table


def copy_speed(side: int) -> float:
    """Bytes a second, read and written, at which one thread copies as many bytes as a step moves."""
    source = np.ones(side * side * TRAFFIC // 8, np.float32)
    target = np.empty_like(source)
    turns = max(int(4e7 / source.size), 1)

    def copy() -> None:
        for _ in range(turns):
            np.copyto(target, source)

    seconds, _ = quickest(copy, seconds=0.2)
    return 2 * source.nbytes * turns / seconds


def partly_wet(side: int, *, quick: bool) -> Row:
    """Steps of ground of which a tenth holds ponds, against the same steps where all of it is wet."""
    pond = np.zeros((side, side))
    pond[: side // 4, : side // 3] = START  # 8 %
    speeds = []
    for start in (pond, np.full((side, side), START)):
        surface = Surface(np.zeros((side, side)), cell_size=CELL_SIZE, manning=MANNING, initial_depth=start)
        surface.advance(10.0)
        before, begun = surface.steps, time.process_time()
        surface.advance(5.0 if quick else 60.0)
        speeds.append((surface.steps - before) * side**2 / (time.process_time() - begun) / 1e6)
    told = "whole grid counted; the peer is our own step with all of it wet"
    return Row(f"flow {side} x {side}: 8 % wet", speeds[0], "Mcell/s", "all wet", speeds[1], told)


def two_threads(side: int, *, quick: bool) -> Row:
    """Wall time on two threads against one, in a process of its own: this one has a single thread."""
    script = (
        "import time, numpy as np\n"
        "from benchmarks.flow2d import *\n"
        "walls = []\n"
        "for threads in (2, 1):\n"
        f"    surface = Surface(ground({side}), cell_size=CELL_SIZE, manning=MANNING, initial_depth=START, "
        "threads=threads)\n"
        "    surface.advance(1.0)\n"
        "    best = float('inf')\n"
        f"    for _ in range({1 if quick else 5}):\n"
        "        before, begun = surface.steps, time.perf_counter()\n"
        f"        surface.advance({1.0 if quick else 10.0})\n"
        "        best = min(best, (time.perf_counter() - begun) / (surface.steps - before))\n"
        "    walls.append(best)\n"
        "print(*walls)\n"
    )
    given = f"import benchmarks, os\nos.environ['NUMBA_NUM_THREADS'] = '2'\n{script}"
    done = subprocess.run([sys.executable, "-c", given], capture_output=True, text=True, check=True, env={**os.environ})
    both, one = (1000 * float(text) for text in done.stdout.split())
    return Row(f"flow {side} x {side}: 2 threads, wall time of a step", both, "ms", "1 thread", one, "the same bits")


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
