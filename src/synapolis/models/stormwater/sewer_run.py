"""EPA SWMM's engine in one storm: stepped from moment to moment, so that the streets above may give and take.

The engine keeps one project a process: it is opened and closed inside one call. Water that rises over a cover is told,
not lost: it is given back to the surface.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from swmm.toolkit import solver
from swmm.toolkit.shared_enum import LinkResult, NodeResult, NodeType, ObjectType

from synapolis.core.errors import ModelError

Floats = NDArray[np.float64]

_ENGINE = threading.Lock()
"""Held while the engine has a project: it has room for one in each process."""


@dataclass
class SewerRun:
    """One run of the engine: use as a context, advance it, then read what it did.

    `folder` is where the project, its report and its results stay; a folder that vanishes where none is given.

    `spilled` [m³] is what came out at each node in the last interval; what was poured in and what the engine took are
    kept equal by handing the difference on, for SWMM averages inflow over its own steps.
    """

    text: str
    folder: Path | None = None
    nodes: int = 0
    poured: float = 0.0
    taken: float = 0.0
    ended: bool = False
    _links: int = 0
    _time: float = 0.0
    _held: float = 0.0
    _scratch: Any = field(default=None, repr=False)
    _spilled: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def __enter__(self) -> Self:
        """Open the engine.

        Raises
        ------
        ModelError
            When the engine is in use in this process, or refuses the project; with its own words.
        """
        if not _ENGINE.acquire(blocking=False):
            raise ModelError(
                "EPA SWMM holds one project a process and has one open; close that run first, or run this one in "
                "another process"
            )
        place = self._place()
        (place / "storm.inp").write_text(self.text, encoding="utf-8")
        files = [str(place / f"storm.{ending}") for ending in ("inp", "rpt", "out")]
        try:
            solver.swmm_open(*files)
            solver.swmm_start(int(self.folder is not None))
        except Exception as error:
            self._stop()  # the engine writes its complaints when it closes
            said = _complaints(place / "storm.rpt")
            self._leave()
            raise ModelError(f"SWMM refuses the sewers: {said or error}; mend sewer_nodes and sewer_pipes") from error
        self.nodes = solver.project_get_count(ObjectType.NODE)
        self._links = solver.project_get_count(ObjectType.LINK)
        self._spilled = np.zeros(self.nodes)
        self._held = self._holds()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine, whatever happened."""
        self._stop()
        self._leave()

    def _place(self) -> Path:
        if self.folder is not None:
            return self.folder
        self._scratch = tempfile.TemporaryDirectory(prefix="sewers-")
        return Path(self._scratch.name)

    def _stop(self) -> None:
        for close in (solver.swmm_end, solver.swmm_close):
            with contextlib.suppress(Exception):  # the engine raises bare exceptions where nothing was open
                close()

    def _leave(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()
        _ENGINE.release()

    def advance(self, length: float, inflow: Floats) -> Floats:
        """Carry the sewers on with an inflow at each node; return what spilled over each cover.

        Parameters
        ----------
        length : [s]
            The engine's clock runs in whole seconds: parts of seconds are carried over.
        inflow : (node,) [m³/s]

        Returns
        -------
        (node,) [m³]
        """
        given = float(inflow.sum()) * length
        owed = self.poured - self.taken
        rate = inflow * max(1.0 + owed / given, 0.0) if given > 0 else inflow
        for place, flow in enumerate(rate):
            solver.node_set_total_inflow(place, float(flow))
        self.poured += given
        stride = round(self._time + length) - round(self._time)
        self._time += length
        if stride and not self.ended:
            self.ended = solver.swmm_stride(stride) == 0
        stats = [solver.node_get_stats(place) for place in range(self.nodes)]
        now = np.array([each.volFlooded for each in stats])
        spilled, self._spilled = now - self._spilled, now
        self.taken = sum(each.totLatFlow for each in stats) - float(solver.system_get_routing_totals().wwInflow)
        return spilled

    def depths(self) -> Floats:
        """Depth of water at each node [m]."""
        return np.array([solver.node_get_result(place, NodeResult.DEPTH) for place in range(self.nodes)])

    def flows(self) -> Floats:
        """Flow in each pipe [m³/s]."""
        return np.array([solver.link_get_result(place, LinkResult.FLOW) for place in range(self._links)])

    def outfall_flow(self) -> float:
        """Flow out of all outfalls now [m³/s]."""
        outfalls = (place for place in range(self.nodes) if solver.node_get_type(place) == NodeType.OUTFALL)
        return float(sum(solver.node_get_result(place, NodeResult.TOTAL_INFLOW) for place in outfalls))

    def account(self) -> dict[str, float]:
        """Where the water of the sewers came from and went [m³]; the error is SWMM's own."""
        totals = solver.system_get_routing_totals()
        parts = {
            "in pipes at the start": self._held,
            "from streets": self.taken,
            "from roofs": float(totals.wwInflow),
            "in from the sea or river": float(totals.exInflow) - self.taken,
            "out at outfalls": -float(totals.outflow),
            "over covers": -float(self._spilled.sum()),
            "in pipes at the end": -self._holds(),
        }
        return parts | {"error": sum(parts.values())}

    def _holds(self) -> float:
        """Water in pipes now [m³]; the engine counts none in the shafts of manholes."""
        held = sum(solver.node_get_result(place, NodeResult.VOLUME) for place in range(self.nodes))
        return float(held + sum(solver.link_get_result(place, LinkResult.VOLUME) for place in range(self._links)))

    def node_peaks(self) -> pd.DataFrame:
        """Deepest water [m], time surcharged [h] and volume spilled [m³] of each node, up to now."""
        stats = [solver.node_get_stats(place) for place in range(self.nodes)]
        return pd.DataFrame(
            {
                "max_depth": [s.maxDepth for s in stats],
                "surcharged": [s.timeSurcharged for s in stats],
                "spilled": [s.volFlooded for s in stats],
            }
        )

    def pipe_peaks(self) -> pd.DataFrame:
        """Largest flow [m³/s], largest depth [m] and time full from end to end [h] of each pipe, up to now."""
        stats = [solver.link_get_stats(place) for place in range(self._links)]
        return pd.DataFrame(
            {
                "max_flow": [s.maxFlow for s in stats],
                "max_depth": [s.maxDepth for s in stats],
                "full": [s.timeSurcharged for s in stats],
            }
        )


def _complaints(report: Path) -> str:
    """SWMM's own error lines."""
    if not report.is_file():
        return ""
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if "ERROR" in line)[:300]
