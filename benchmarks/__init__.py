"""Benchmarks, one file a case: each offers ``rows(quick=False)``; ``python -m benchmarks`` prints them in one table.

Peers run in the same process as we do, on one thread each. Clocks count CPU time unless a row says otherwise.
"""

from __future__ import annotations

import os
import sys

# Engines read these when they load. Waiting threads that spin cost AequilibraE a factor of 40 on shared cores; drawing
# its progress bars would cost it time too.
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
if "numba" in sys.modules:
    del THREADS["NUMBA_NUM_THREADS"]  # it reads this again at each compilation, and refuses a change once threads run
os.environ.update(THREADS, OMP_WAIT_POLICY="PASSIVE", AEQ_SHOW_PROGRESS="FALSE")

import time  # noqa: E402  # after the thread counts
from collections.abc import Callable, Iterator, Mapping, Sequence  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from importlib import import_module, metadata  # noqa: E402
from pathlib import Path  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import TypeVar  # noqa: E402

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Public problems, for academic research only: never shipped."""

CHARTS = Path(__file__).resolve().parents[1] / "build" / "benchmarks"
"""Where charts of growth with size are written."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Row:
    """One comparison. A unit of time is better when small, any other (a speed) when large."""

    case: str
    ours: float | None = None
    unit: str = ""
    peer_name: str = ""
    peer: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better we are than the peer."""
        if not self.ours or not self.peer:
            return None
        return self.peer / self.ours if self.unit in {"s", "ms", "µs"} else self.ours / self.peer


def quickest(work: Callable[[], Result], *, seconds: float = 1.0) -> tuple[float, Result]:
    """CPU seconds of the quickest turn, and its result: one turn to compile, then more until `seconds` are spent."""
    result = work()
    best, spent = float("inf"), 0.0
    while spent < seconds or best == float("inf"):
        begun = time.process_time()
        result = work()
        took = max(time.process_time() - begun, 1e-9)
        best, spent = min(best, took), spent + took
    return best, result


def wall(work: Callable[[], Result]) -> tuple[float, Result]:
    """Wall seconds of one turn, and its result."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def peer_named(package: str) -> tuple[ModuleType | None, str]:
    """Return the peer's module with its name and version; None where it is not installed."""
    try:
        return import_module(package), f"{package} {metadata.version(package)}"
    except ImportError:
        return None, package


def absent(package: str) -> str:
    """Say how to get a peer that is not there."""
    return f"{package} is not installed here: `make bench` installs it"


@contextmanager
def silence() -> Iterator[None]:
    """Drop what a peer writes to the terminal, in C++ too."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        kept = {stream: os.dup(stream) for stream in (1, 2)}
        for stream in kept:
            os.dup2(nowhere.fileno(), stream)
        try:
            yield
        finally:
            for stream, place in kept.items():
                os.dup2(place, stream)
                os.close(place)


def growth_chart(
    name: str, title: str, size: str, cost: str, curves: Mapping[str, Sequence[tuple[float, float]]]
) -> Path:
    """Draw how cost grows with size, one curve a method, both axes logarithmic; returns the picture's file."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # most cases draw nothing

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel=size, ylabel=cost)
    axes.set_title(title, loc="left", fontsize="medium")
    for (label, points), marker in zip(curves.items(), "os^Dv", strict=False):
        axes.plot(*zip(*points, strict=True), marker=marker, label=label)
    axes.grid(which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    CHARTS.mkdir(parents=True, exist_ok=True)
    picture = CHARTS / f"growth-{name}.png"
    figure.savefig(picture, dpi=150)
    return picture
