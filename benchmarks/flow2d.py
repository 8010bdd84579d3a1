# ruff: noqa: PLC0415  # this file also runs in the peer's environment, which has no synapolis
"""Surface flow: cell updates per CPU-second against landlab's OverlandFlow, on the same ground and rain.

Both run the local-inertial scheme with rain over rough sloping ground of 5 m cells, on one thread; the clock is
CPU time, after a warm-up that also compiles; best of a few. Ours includes what landlab's does not: the volume
limiter, the maxima of depth and speed and the water account; the last case adds infiltration, inlets and an open rim.

Run ``python benchmarks/flow2d.py [--quick]``. The peer is looked for in this interpreter and in `.bench-venv`
beside the checkout's `.venv`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PEER = "2.11.0"
CELL_SIZE = 5.0
RAIN = 50.0  # [mm/h]
MANNING = 0.03
START = 0.2  # [m] of water everywhere, so that steps are as short as in a flood


def ground(side: int) -> np.ndarray:
    """Rough ground (row, column) [m] that falls a centimetre a cell to the east, the same for both."""
    random = np.random.default_rng(0)
    rough = random.normal(0.0, 0.05, (side, side)).cumsum(axis=0)
    return rough - rough.min() + 0.01 * np.arange(side)[::-1]


def rows(*, quick: bool = False) -> list[tuple[str, str, str, str]]:
    """(case, ours, peer, ratio) for each size; speeds in million cell updates per CPU-second."""
    table = []
    for side in (60,) if quick else (500, 2000):
        peer = peer_speed(side, quick=quick)
        told = f"{peer:.1f} Mcell/s" if isinstance(peer, float) else peer
        for name, extra in (("rain, closed", {}), ("rain, infiltration, inlets, open rim", EVERYTHING)):
            ours = own_speed(side, extra, quick=quick)
            ratio = f"{ours / peer:.1f}" if isinstance(peer, float) else "-"
            table.append((f"{side} x {side}, {name}", f"{ours:.0f} Mcell/s", told, ratio))
    return table


EVERYTHING = {
    "boundary": "open",
    "conductivity": 10.0,
    "suction": 110.0,
    "moisture_deficit": 0.3,
    "pervious_fraction": 0.5,
    "inlet_capacity": 5.0,
}


def own_speed(side: int, extra: dict[str, object], *, quick: bool) -> float:
    """Million cell updates per CPU-second of `surface_flow`, set-up included."""
    from synapolis.models.stormwater.kernel import surface_flow

    bed = ground(side)
    end = 60.0 if quick else 1200.0 * 500 / side
    best = 0.0
    for turn in range(2 if quick else 4):
        begun = time.process_time()
        length = 10.0 if turn == 0 else end  # the first run compiles
        flow = surface_flow(
            bed, [RAIN], rain_step=length, cell_size=CELL_SIZE, manning=MANNING, initial_depth=START, **extra
        )
        spent = time.process_time() - begun
        if turn > 0:
            best = max(best, flow.steps * bed.size / spent / 1e6)
    return best


def peer_speed(side: int, *, quick: bool) -> float | str:
    """Million cell updates per CPU-second of landlab, or why there is none."""
    command = [str(Path(__file__)), "--peer", str(side), *(["--quick"] if quick else [])]
    for python in (sys.executable, str(ROOT / ".bench-venv" / "bin" / "python")):
        if not Path(python).exists():
            continue
        done = subprocess.run([python, *command], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return float(json.loads(done.stdout.splitlines()[-1]))
    return f"landlab {PEER} is absent: make .bench-venv with landlab=={PEER} and requireit<0.7"


def landlab_speed(side: int, *, quick: bool) -> float:
    """Run in the peer's environment: step landlab's OverlandFlow as its manual does."""
    from landlab import RasterModelGrid
    from landlab.components import OverlandFlow

    grid = RasterModelGrid((side, side), xy_spacing=CELL_SIZE)
    grid.add_field("topographic__elevation", ground(side).ravel(), at="node")
    grid.add_full("surface_water__depth", START, at="node")
    grid.set_closed_boundaries_at_grid_edges(True, True, True, True)
    flow = OverlandFlow(
        grid, mannings_n=MANNING, alpha=0.7, theta=0.9, rainfall_intensity=RAIN / 3.6e6, steep_slopes=True
    )
    for _ in range(3):
        flow.overland_flow(dt=2.0)
    best, steps = 0.0, 5 if quick or side > 1000 else 40
    for _ in range(1 if quick else 3):
        begun = time.process_time()
        for _ in range(steps):
            flow.overland_flow(dt=min(flow.calc_time_step(), 2.0))
        best = max(best, steps * side * side / (time.process_time() - begun) / 1e6)
    return best


def main() -> None:
    quick = "--quick" in sys.argv
    if "--peer" in sys.argv:
        side = int(sys.argv[sys.argv.index("--peer") + 1])
        print(json.dumps(landlab_speed(side, quick=quick)))
        return
    table = [("case", "ours", f"landlab {PEER}", "ratio"), *rows(quick=quick)]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
