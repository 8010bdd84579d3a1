"""A sewer network, checked, and written as a project of EPA SWMM with its roofs, green roofs and storm."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
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
        Water a green roof keeps for good.
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
    pipes : table by id: from_node, to_node, diameter [m], length [m], roughness, upper_offset [m], lower_offset [m],
        shape (SWMM's word), height [m], width [m], barrels
    """

    nodes: pd.DataFrame
    pipes: pd.DataFrame

    @classmethod
    def of(cls, nodes: pd.DataFrame, pipes: pd.DataFrame) -> SewerNetwork:
        """Check the layers and complete what they leave open.

        Raises
        ------
        ModelError
            When an id stands twice, a level or width is missing, a pipe names a node that is not there, or no way
            leads to an outfall.
        """
        _sound(nodes, pipes)
        known = nodes.index.astype(str)
        if not (nodes["kind"] == "outfall").any():
            raise ModelError("the sewers have no outfall: mark at least one of sewer_nodes as kind 'outfall'")
        table = pd.DataFrame(
            {
                "from_node": pipes["from_node"].astype(str),
                "to_node": pipes["to_node"].astype(str),
                "diameter": pipes["diameter"].astype(float),
                "length": _given(pipes, "length", pipes.geometry.length).clip(lower=1.0),
                "roughness": _given(pipes, "roughness", ROUGHNESS),
                "upper_offset": _given(pipes, "upper_offset", 0.0),
                "lower_offset": _given(pipes, "lower_offset", 0.0),
                "shape": pipes["shape"].fillna("CIRCULAR") if "shape" in pipes else "CIRCULAR",
                "height": _given(pipes, "height", pipes["diameter"].astype(float)),
                "width": _given(pipes, "width", 0.0),
                "barrels": _given(pipes, "barrels", 1.0).astype(int),
            },
            index=pipes.index.astype(str),
        )
        nodes = nodes.set_axis(known)
        checked = nodes.assign(ground=np.maximum(nodes["ground"], _crowns(nodes, table) + LEAST_COVER))
        _drained(checked, table)
        return cls(checked, table)

    @property
    def inlets(self) -> NDArray[np.int64]:
        """Places of the nodes that take water from the street: all but the outfalls."""
        return np.flatnonzero(self.nodes["kind"] != "outfall")


def _sound(nodes: pd.DataFrame, pipes: pd.DataFrame) -> None:
    """Refuse tables that contradict themselves, naming the first fault."""
    for layer, table in (("sewer_nodes", nodes), ("sewer_pipes", pipes)):
        twice = table.index[table.index.duplicated()]
        if len(twice):
            raise ModelError(f"{layer} has {len(twice)} ids that stand twice, the first {str(twice[0])!r}; rename them")
    for layer, table, column, least in (
        ("sewer_nodes", nodes, "invert", -np.inf),
        ("sewer_nodes", nodes, "ground", -np.inf),
        ("sewer_pipes", pipes, "diameter", 0.0),
    ):
        values = table[column].to_numpy(dtype=float)
        wrong = table.index[~(np.isfinite(values) & (values > least))]
        if len(wrong):
            wanted = "a number" if np.isinf(least) else "above 0 m"
            raise ModelError(
                f"{layer}.{column} must be {wanted}, but is not for {len(wrong)} of {len(table)}, the first "
                f"{str(wrong[0])!r}; survey, estimate or leave them out"
            )
    known = set(nodes.index.astype(str))
    strangers = sorted({str(n) for end in ("from_node", "to_node") for n in pipes[end]} - known)
    if strangers:
        raise ModelError(
            f"sewer pipes name {len(strangers)} nodes that are not in sewer_nodes, the first {strangers[0]!r}; "
            "add them, or leave these pipes out"
        )
    loops = pipes.index[pipes["from_node"].astype(str) == pipes["to_node"].astype(str)]
    if len(loops):
        raise ModelError(f"{len(loops)} sewer pipes end where they begin, the first {str(loops[0])!r}; mend their ends")


def _given(pipes: pd.DataFrame, column: str, otherwise: Any) -> pd.Series:
    if column not in pipes:
        return pd.Series(otherwise, index=pipes.index, dtype=float)
    return pipes[column].astype(float).fillna(otherwise)


def _crowns(nodes: pd.DataFrame, pipes: pd.DataFrame) -> Floats:
    """Highest crown of the pipes at each node [m]; its invert where there are none."""
    crown = nodes["invert"].astype(float).copy()
    for end, offset in (("from_node", "upper_offset"), ("to_node", "lower_offset")):
        tops = (pipes[offset] + pipes["height"]).groupby(pipes[end].to_numpy()).max()
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
    title: str = "",
) -> SwmmInput:
    """Write a network and its storm as a project of EPA SWMM, in metres and cubic metres a second.

    Parameters
    ----------
    network : SewerNetwork
    duration : [s]
    outfall_level : [m], optional
        Water level that outfalls stand in, and manholes below it before the storm; free where not given.
    rain : (minute,) [mm/h], optional
        For the roofs.
    roofs : Roofs, optional
        As subcatchments; their green part as a green roof of SWMM's low-impact development.
    title : str, optional
        What the project is and where its values come from.
    """
    project = SwmmInput()
    if title:
        project["TITLE"] = sections.TitleSection(title)
    project["OPTIONS"] = sections.OptionSection(_options(duration))
    names = swmm_names(network.nodes.index)
    for name, row in zip(names, network.nodes.itertuples(), strict=True):
        depth = float(row.ground - row.invert)
        if row.kind == "outfall":
            fixed = outfall_level is not None
            stage = {"data": float(outfall_level)} if outfall_level is not None else {}
            project.add_obj(sections.Outfall(name, float(row.invert), "FIXED" if fixed else "FREE", **stage))
        else:
            deep = max(depth, LEAST_COVER)
            stands = 0.0 if outfall_level is None else min(max(outfall_level - float(row.invert), 0.0), deep)
            project.add_obj(sections.Junction(name, float(row.invert), depth_max=deep, depth_init=stands))
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
        project.add_obj(
            sections.CrossSection(name, row.shape, float(row.height), float(row.width), n_barrels=int(row.barrels))
        )
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
    # All assumed: the ranges of extensive roofs, as EPA SWMM Reference Manual III (2016) is said to give them; it was
    # not read. A flat roof without a rim; a mat of 25 mm that drains what the soil lets through.
    "SURFACE": (0.0, 0.0, 0.1, 1.0, 5),
    "DRAINMAT": (25.0, 0.4, 0.1),
}
SOIL = {
    "porosity": 0.5,
    "field_capacity": 0.4,
    "wilting_point": 0.1,
    "conductivity": 1000.0,  # mm/h
    "slope": 40.0,
    "suction": 60.0,  # mm
}
"""Substrate of a green roof: all assumed, as above. Between wilting point and field capacity it keeps water for good;
what it holds above that seeps into the mat."""


def _add_roofs(project: SwmmInput, names: Sequence[str], rain: Floats, roofs: Roofs) -> None:
    """Add the roofs at each node as a subcatchment that sheds everything, and the green ones among them."""
    project.add_obj(sections.RainGage("storm", "INTENSITY", "0:01", 1.0, "TIMESERIES", timeseries="storm"))
    series = [(START + dt.timedelta(minutes=n), float(value)) for n, value in enumerate([*rain, 0.0])]
    with warnings.catch_warnings():  # the library asks for an American locale to read dates that are dates already
        warnings.simplefilter("ignore", UserWarning)
        project.add_obj(sections.TimeseriesData("storm", series))
    green_kind = roofs.green_depth > 0 and bool(roofs.green.any())
    if green_kind:
        thickness = roofs.green_depth / (SOIL["field_capacity"] - SOIL["wilting_point"])
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
