"""A sewer network in one storm: EPA SWMM's own hydraulics, stepped so that the streets above may give and take.

The engine keeps one project a process: it is opened and closed inside one call, and steps from moment to moment in
between. Water that rises over a cover is told, not lost: it is given back to the surface.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from swmm.toolkit import solver
from swmm.toolkit.shared_enum import LinkResult, NodeResult, NodeType, ObjectType
from swmm_api import SwmmInput
from swmm_api.input_file import sections

from synapolis.core.errors import ModelError

Floats = NDArray[np.float64]

START = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - a storm has a clock of its own
ROUTING_STEP = 1.0
"""Longest step of the dynamic wave [s]; SWMM shortens it by its Courant number (factor 0.75).

With a slot over full pipes (Preissmann) and a second at most, the engine loses under 0.5 % of the water where manholes
spill and gullies open and close; with its default for full pipes and 5 s it lost 8 %."""

ROUGHNESS = 0.013
"""Manning's n of pipes that state none [s/m^(1/3)]: concrete, EPA SWMM 5 User Manual (2015), table A.8."""

LEAST_COVER = 0.3
"""Least depth of a manhole [m]: covers mapped below the crown of their pipe are raised to it."""


@dataclass(frozen=True)
class Roofs:
    """Roofs whose downpipes reach the sewer, by node.

    Attributes
    ----------
    area : (node,) [m²]
    green : (node,) [m²]
        Of which with a green roof.
    green_depth : [mm]
        Water a green roof can hold.
    """

    area: Floats
    green: Floats
    green_depth: float = 0.0


@dataclass(frozen=True)
class SewerNetwork:
    """Manholes, outfalls and pipes, checked.

    Attributes
    ----------
    nodes : table by id: kind (manhole, outfall), invert [m], ground [m], geometry
    pipes : table by id: from_node, to_node, diameter [m], length [m], roughness, upper_offset [m], lower_offset [m]
    """

    nodes: pd.DataFrame
    pipes: pd.DataFrame

    @classmethod
    def of(cls, nodes: pd.DataFrame, pipes: pd.DataFrame) -> SewerNetwork:
        """Check the layers and complete what they leave open.

        Raises
        ------
        ModelError
            When a pipe names a node that is not there, has no length, or no way leads to an outfall.
        """
        known = nodes.index.astype(str)
        ends = {column: pipes[column].astype(str) for column in ("from_node", "to_node")}
        strangers = sorted({name for column in ends.values() for name in column if name not in set(known)})
        if strangers:
            raise ModelError(
                f"sewer pipes name {len(strangers)} nodes that are not in sewer_nodes, the first {strangers[0]!r}; "
                "add them, or leave these pipes out"
            )
        if not (nodes["kind"] == "outfall").any():
            raise ModelError("the sewers have no outfall: mark at least one of sewer_nodes as kind 'outfall'")
        table = pd.DataFrame(
            {
                "from_node": ends["from_node"],
                "to_node": ends["to_node"],
                "diameter": pipes["diameter"].astype(float),
                "length": _given(pipes, "length", pipes.geometry.length).clip(lower=1.0),
                "roughness": _given(pipes, "roughness", ROUGHNESS),
                "upper_offset": _given(pipes, "upper_offset", 0.0),
                "lower_offset": _given(pipes, "lower_offset", 0.0),
            },
            index=pipes.index,
        )
        checked = nodes.assign(ground=np.maximum(nodes["ground"], _crowns(nodes, table) + LEAST_COVER))
        checked.index = known
        _drained(checked, table)
        return cls(checked, table)

    @property
    def inlets(self) -> NDArray[np.int64]:
        """Places of the nodes that take water from the street: all but the outfalls."""
        return np.flatnonzero(self.nodes["kind"] != "outfall")


def _given(pipes: pd.DataFrame, column: str, otherwise: Any) -> pd.Series:
    if column not in pipes:
        return pd.Series(otherwise, index=pipes.index, dtype=float)
    return pipes[column].astype(float).fillna(otherwise)


def _crowns(nodes: pd.DataFrame, pipes: pd.DataFrame) -> Floats:
    """Highest crown of the pipes at each node [m]; its invert where there are none."""
    crown = nodes["invert"].astype(float).copy()
    for end, offset in (("from_node", "upper_offset"), ("to_node", "lower_offset")):
        tops = (pipes[offset] + pipes["diameter"]).groupby(pipes[end].to_numpy()).max()
        crown = np.maximum(crown, nodes["invert"] + tops.reindex(nodes.index).fillna(0.0))
    return np.asarray(crown, dtype=float)


def _drained(nodes: pd.DataFrame, pipes: pd.DataFrame) -> None:
    """Refuse a network of which a part leads to no outfall."""
    reached = set(nodes.index[nodes["kind"] == "outfall"])
    into: dict[str, list[str]] = {}
    for upper, lower in zip(pipes["from_node"], pipes["to_node"], strict=True):
        into.setdefault(lower, []).append(upper)
        into.setdefault(upper, []).append(lower)  # a pipe laid against the flow drains all the same, or backs up
    waiting = list(reached)
    while waiting:
        for name in into.get(waiting.pop(), ()):
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    stranded = [name for name in nodes.index if name not in reached]
    if stranded:
        raise ModelError(
            f"{len(stranded)} of {len(nodes)} sewer nodes lead to no outfall, the first {stranded[0]!r}; "
            "connect them by a pipe, mark an outfall, or leave them out"
        )


def swmm_input(
    network: SewerNetwork,
    *,
    duration: float,
    outfall_level: float | None = None,
    rain: Floats | None = None,
    roofs: Roofs | None = None,
) -> SwmmInput:
    """Write a network and its storm as a project of EPA SWMM, in metres and cubic metres a second.

    Parameters
    ----------
    network : SewerNetwork
    duration : [s]
    outfall_level : [m], optional
        Water level that outfalls stand in; free where not given.
    rain : (minute,) [mm/h], optional
        For the roofs.
    roofs : Roofs, optional
        As subcatchments; their green part as a green roof of SWMM's low-impact development.
    """
    project = SwmmInput()
    project["OPTIONS"] = sections.OptionSection(_options(duration))
    names = swmm_names(network.nodes.index)
    for name, row in zip(names, network.nodes.itertuples(), strict=True):
        depth = float(row.ground - row.invert)
        if row.kind == "outfall":
            fixed = outfall_level is not None
            stage = {"data": float(outfall_level)} if outfall_level is not None else {}
            project.add_obj(sections.Outfall(name, float(row.invert), "FIXED" if fixed else "FREE", **stage))
        else:
            project.add_obj(sections.Junction(name, float(row.invert), depth_max=max(depth, LEAST_COVER)))
        project.add_obj(sections.Coordinate(name, float(row.geometry.x), float(row.geometry.y)))
    at = dict(zip(network.nodes.index, names, strict=True))
    for name, row in zip(swmm_names(network.pipes.index), network.pipes.itertuples(), strict=True):
        project.add_obj(
            sections.Conduit(
                name,
                at[row.from_node],
                at[row.to_node],
                float(row.length),
                float(row.roughness),
                float(row.upper_offset),
                float(row.lower_offset),
            )
        )
        project.add_obj(sections.CrossSection(name, "CIRCULAR", float(row.diameter)))
    if rain is not None and roofs is not None and roofs.area.any():
        _add_roofs(project, names, rain, roofs)
    return project


def swmm_names(index: Sequence[Any] | pd.Index) -> list[str]:
    """Return ids as SWMM takes them: without blanks, quotes or semicolons, and each once."""
    names = ["".join("_" if sign.isspace() or sign in '";' else sign for sign in str(name)) for name in index]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelError(f"two sewer nodes or pipes would both be called {twice!r} in SWMM; give them distinct ids")
    return names


def _options(duration: float) -> dict[str, Any]:
    end = START + dt.timedelta(seconds=float(np.ceil(duration)))
    return {
        "FLOW_UNITS": "CMS", "INFILTRATION": "HORTON", "FLOW_ROUTING": "DYNWAVE", "LINK_OFFSETS": "DEPTH",
        "ALLOW_PONDING": "NO", "MIN_SLOPE": 0, "INERTIAL_DAMPING": "PARTIAL", "SURCHARGE_METHOD": "SLOT",
        "START_DATE": START.date(), "START_TIME": START.time(), "REPORT_START_DATE": START.date(),
        "REPORT_START_TIME": START.time(), "END_DATE": end.date(), "END_TIME": end.time(),
        "REPORT_STEP": dt.time(0, 5), "WET_STEP": dt.time(0, 1), "DRY_STEP": dt.time(0, 5),
        "ROUTING_STEP": ROUTING_STEP, "VARIABLE_STEP": 0.75, "THREADS": 1,
    }  # fmt: skip


GREEN_ROOF: Mapping[str, tuple[float, ...]] = {
    # EPA SWMM Reference Manual III (2016), tables 5-1 to 5-4, typical values; the soil is as thick as what it holds.
    "SURFACE": (0.0, 0.0, 0.1, 1.0, 5),
    "DRAINMAT": (25.0, 0.5, 0.2),
}
SOIL = {
    "porosity": 0.5,
    "field_capacity": 0.3,
    "wilting_point": 0.1,
    "conductivity": 500.0,
    "slope": 40.0,
    "suction": 60.0,
}


def _add_roofs(project: SwmmInput, names: Sequence[str], rain: Floats, roofs: Roofs) -> None:
    """Add the roofs at each node as a subcatchment that sheds everything, and the green ones among them."""
    project.add_obj(sections.RainGage("storm", "INTENSITY", "0:01", 1.0, "TIMESERIES", timeseries="storm"))
    series = [(START + dt.timedelta(minutes=n), float(value)) for n, value in enumerate([*rain, 0.0])]
    with warnings.catch_warnings():  # the library asks for an American locale to read dates that are dates already
        warnings.simplefilter("ignore", UserWarning)
        project.add_obj(sections.TimeseriesData("storm", series))
    green_kind = roofs.green_depth > 0 and bool(roofs.green.any())
    if green_kind:
        thickness = roofs.green_depth / (SOIL["porosity"] - SOIL["wilting_point"])
        kind = sections.LIDControl
        layers = {
            "SURFACE": kind.LAYER_TYPES.Surface(*GREEN_ROOF["SURFACE"]),
            "SOIL": kind.LAYER_TYPES.Soil(thickness, *SOIL.values()),
            "DRAINMAT": kind.LAYER_TYPES.Drainmat(*GREEN_ROOF["DRAINMAT"]),
        }
        project.add_obj(kind("green", "GR", layers))
    for place in np.flatnonzero(roofs.area > 0).tolist():
        name, area = f"roofs_{names[place]}", float(roofs.area[place])
        project.add_obj(sections.SubCatchment(name, "storm", names[place], area / 1e4, 100.0, np.sqrt(area), 2.0))
        project.add_obj(sections.SubArea(name, 0.012, 0.1, 0.0, 0.0, 100.0, "OUTLET"))
        project.add_obj(sections.InfiltrationHorton(name, 0.0, 0.0, 4.0, 7.0, 0.0))
        if green_kind and roofs.green[place] > 0:
            share = float(min(roofs.green[place], area))
            project.add_obj(sections.LIDUsage(name, "green", 1, share, np.sqrt(share), 0.0, 0.0))


@dataclass
class SewerRun:
    """One run of the engine: use as a context, advance it, then read what it did.

    `spilled` [m³] is what came out at each node in the last interval; what was poured in and what the engine took are
    kept equal by handing the difference on, for SWMM averages inflow over its own steps.
    """

    text: str
    folder: Any = field(default=None, repr=False)
    nodes: int = 0
    poured: float = 0.0
    taken: float = 0.0
    ended: bool = False
    _links: int = 0
    _spilled: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    def __enter__(self) -> Self:
        """Open the engine.

        Raises
        ------
        ModelError
            When SWMM refuses the project; with its own words.
        """
        self.folder = tempfile.TemporaryDirectory(prefix="sewers-")
        place = Path(self.folder.name)
        (place / "storm.inp").write_text(self.text, encoding="utf-8")
        files = [str(place / f"storm.{ending}") for ending in ("inp", "rpt", "out")]
        try:
            solver.swmm_open(*files)
            solver.swmm_start(0)
        except Exception as error:
            said = _complaints(place / "storm.rpt")
            self._close()
            raise ModelError(f"SWMM refuses the sewers: {said or error}; mend sewer_nodes and sewer_pipes") from error
        self.nodes = solver.project_get_count(ObjectType.NODE)
        self._links = solver.project_get_count(ObjectType.LINK)
        self._spilled = np.zeros(self.nodes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine, whatever happened."""
        self._close()

    def _close(self) -> None:
        for close in (solver.swmm_end, solver.swmm_close):
            with contextlib.suppress(Exception):  # the engine raises bare exceptions where nothing was open
                close()
        self.folder.cleanup()

    def advance(self, length: float, inflow: Floats) -> Floats:
        """Carry the sewers on with an inflow at each node; return what spilled over each cover.

        Parameters
        ----------
        length : [s]
            Whole seconds.
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
        if not self.ended:
            self.ended = solver.swmm_stride(round(length)) == 0
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
        held = sum(solver.node_get_result(place, NodeResult.VOLUME) for place in range(self.nodes))
        held += sum(solver.link_get_result(place, LinkResult.VOLUME) for place in range(self._links))
        parts = {
            "from streets": self.taken,
            "from roofs": float(totals.wwInflow),
            "in from the sea or river": float(totals.exInflow) - self.taken,
            "out at outfalls": -float(totals.outflow),
            "over covers": -float(self._spilled.sum()),
            "in pipes at the end": -float(held),
        }
        return parts | {"error": sum(parts.values())}

    def node_peaks(self) -> pd.DataFrame:
        """Deepest water [m], time surcharged [s] and volume spilled [m³] of each node, up to now."""
        stats = [solver.node_get_stats(place) for place in range(self.nodes)]
        return pd.DataFrame(
            {
                "max_depth": [s.maxDepth for s in stats],
                "surcharged": [s.timeSurcharged for s in stats],
                "spilled": [s.volFlooded for s in stats],
            }
        )


def _complaints(report: Path) -> str:
    """SWMM's own error lines."""
    if not report.is_file():
        return ""
    lines = report.read_text(encoding="utf-8", errors="replace").splitlines()
    return "; ".join(line.strip() for line in lines if "ERROR" in line)[:300]
