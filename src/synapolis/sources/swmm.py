"""Reader of EPA SWMM projects (.inp): manholes, outfalls and pipes become the city's sewer layers.

The library `swmm-api` reads the format; here its objects become tables in metres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from swmm_api import SwmmInput

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError

FOOT = 0.3048
METRIC = ("CMS", "LPS", "MLD")
AREA_OVER_HEIGHT: dict[str, float] = {
    # Full area over the square of the height; EPA SWMM Reference Manual II (2017), section 5.1, and plain geometry.
    "CIRCULAR": math.pi / 4,
    "FORCE_MAIN": math.pi / 4,
    "FILLED_CIRCULAR": math.pi / 4,
    "EGG": 0.5105,
    "HORSESHOE": 0.8293,
    "GOTHIC": 0.6554,
    "CATENARY": 0.70277,
    "SEMIELLIPTICAL": 0.785,
    "BASKETHANDLE": 0.7862,
    "SEMICIRCULAR": 1.2697,
}
RECTANGULAR = ("RECT_CLOSED", "RECT_OPEN", "HORIZ_ELLIPSE", "VERT_ELLIPSE", "ARCH")
LEFT_OUT = ("PUMPS", "ORIFICES", "WEIRS", "OUTLETS", "SUBCATCHMENTS", "INFLOWS", "DWF", "RDII", "CONTROLS", "DIVIDERS")


@dataclass(frozen=True)
class Sewers:
    """Layers of a project and what was noted while reading it."""

    nodes: gpd.GeoDataFrame
    pipes: gpd.GeoDataFrame
    notes: tuple[str, ...]

    def rims(self) -> gpd.GeoDataFrame:
        """Ground elevations at the covers: the layer `spot_heights` where a city has no terrain."""
        at = self.nodes[self.nodes["kind"] != "outfall"]
        return gpd.GeoDataFrame({"elevation": at["ground"]}, geometry=at.geometry, crs=at.crs)


@registered(
    kind="parser",
    version="1",
    name="read_swmm",
    decision="Bringing a city's own sewer model into the twin.",
    data=("EPA SWMM project (.inp)",),
    method="Junctions and storage units become manholes, conduits pipes with their shape, offsets and roughness; feet "
    "become metres; the diameter is that of the round pipe of the same full area.",
    source="Rossman, L. A. (2015). Storm Water Management Model User's Manual Version 5.1. EPA/600/R-14/413b.",
    limits="Pumps, weirs, orifices, outlets, controls, inflows and subcatchments, the room in storage units, and gates "
    "and levels of outfalls are left out, and said so.",
    risks="A network that lives by its pumps is not the same without them: read the notes.",
    tests="tests/sources/test_swmm.py",
)
def read_swmm(path: Path, crs: str | None) -> Sewers:
    """Read the sewers of a SWMM project.

    Parameters
    ----------
    path : Path
        The .inp file.
    crs : str
        CRS of its coordinates: the format names none.

    Raises
    ------
    SourceError
        No such file, no coordinates, no conduits, an unknown shape, or no CRS.
    """
    if crs is None:
        raise SourceError(f"{path.name}: a SWMM project names no CRS; state the one of its coordinates with --crs")
    project = _project(path)
    scale = 1.0 if str(project["OPTIONS"].get("FLOW_UNITS", "CFS")).upper() in METRIC else FOOT
    nodes = _nodes(project, path, crs, scale)
    pipes, notes = _pipes(project, path, nodes, scale)
    left = [f"{len(project[name])} {name.lower()}" for name in LEFT_OUT if name in project and len(project[name])]
    if left:
        notes.append(f"left out: {', '.join(left)}")
    if stores := len(_items(project, "STORAGE")):
        notes.append(f"{stores} storage units are taken as manholes: their room is left out")
    held = [name for name, end in _items(project, "OUTFALLS") if str(end.kind).upper() != "FREE" or _gated(end)]
    if held:
        notes.append(
            f"{len(held)} outfalls have a level or a flap gate of their own: the city's sea level stands instead"
        )
    return Sewers(nodes, pipes, tuple(notes))


def _project(path: Path) -> Any:
    if not path.is_file():
        raise SourceError(f"no file {path}; give the .inp file of a SWMM project")
    try:
        project = SwmmInput.read_file(str(path))
        sections = [name for name in ("OPTIONS", "CONDUITS", "COORDINATES", "XSECTIONS") if name not in project]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SourceError(f"{path.name} cannot be read as a SWMM project: {error}") from error
    if sections:
        raise SourceError(f"{path.name} has no section {', '.join(sections)}; a sewer map needs pipes and coordinates")
    return project


def _items(project: Any, section: str) -> list[tuple[str, Any]]:
    """Objects of a section by name; none where the project has no such section (its `get` would not decode it)."""
    return list(project[section].items()) if section in project else []


def _gated(outfall: Any) -> bool:
    return str(outfall.has_flap_gate).upper() in {"YES", "TRUE"}


def _nodes(project: Any, path: Path, crs: str, scale: float) -> gpd.GeoDataFrame:
    rows: dict[str, tuple[str, float, float]] = {}
    for section in ("JUNCTIONS", "STORAGE"):
        for name, node in _items(project, section):
            invert = float(node.elevation) * scale
            rows[str(name)] = ("manhole", invert, invert + float(node.depth_max) * scale)
    for name, node in _items(project, "OUTFALLS"):
        rows[str(name)] = ("outfall", float(node.elevation) * scale, float(node.elevation) * scale)
    points = {str(name): point for name, point in project["COORDINATES"].items()}
    lost = [name for name in rows if name not in points]
    if lost:
        raise SourceError(f"{path.name}: {len(lost)} nodes have no coordinates, the first {lost[0]!r}; add them")
    kinds, inverts, grounds = zip(*rows.values(), strict=True)
    return gpd.GeoDataFrame(
        {"kind": kinds, "invert": inverts, "ground": grounds},
        geometry=shapely.points([(float(points[name].x), float(points[name].y)) for name in rows]),
        index=list(rows),
        crs=crs,
    )


def _pipes(project: Any, path: Path, nodes: gpd.GeoDataFrame, scale: float) -> tuple[gpd.GeoDataFrame, list[str]]:
    sections = {str(name): section for name, section in project["XSECTIONS"].items()}
    rows, lines, odd = [], [], 0
    for name, pipe in project["CONDUITS"].items():
        section = sections.get(str(name))
        if section is None:
            raise SourceError(f"{path.name}: the conduit {name!r} has no cross-section; add it to [XSECTIONS]")
        diameter, round_ = _diameter(section, str(name), path)
        odd += not round_
        ends = [str(pipe.from_node), str(pipe.to_node)]
        strange = [end for end in ends if end not in nodes.index]
        if strange:
            raise SourceError(f"{path.name}: the conduit {name!r} ends at {strange[0]!r}, which is no node of the file")
        offsets = [float(value) * scale for value in (pipe.offset_upstream, pipe.offset_downstream)]
        laid = (float(pipe.length) * scale, float(pipe.roughness), *offsets)
        rows.append((*ends, diameter * scale, *laid, *_inside(section, diameter * scale, scale)))
        lines.append(shapely.LineString([nodes.geometry[end] for end in ends]))
    columns = ["from_node", "to_node", "diameter", "length", "roughness", "upper_offset", "lower_offset"]
    columns += ["shape", "height", "width", "barrels"]
    table = gpd.GeoDataFrame(
        dict(zip(columns, zip(*rows, strict=True), strict=True)),
        geometry=lines, index=[str(name) for name in project["CONDUITS"]], crs=nodes.crs,
    )  # fmt: skip
    if str(project["OPTIONS"].get("LINK_OFFSETS", "DEPTH")).upper() == "ELEVATION":
        for end, offset in (("from_node", "upper_offset"), ("to_node", "lower_offset")):
            table[offset] = np.maximum(table[offset] - nodes["invert"].reindex(table[end]).to_numpy(), 0.0)
    return table, [
        f"{odd} of {len(table)} pipes are not one round pipe: their diameter is that of the same full area"
    ] if odd else []


def _inside(section: Any, diameter: float, scale: float) -> tuple[str, float, float, int]:
    """Shape, height, width and number of a conduit's pipes."""
    shape = str(section.shape).upper()
    if shape in {"DUMMY", "FORCE_MAIN"}:
        return "CIRCULAR", diameter, 0.0, 1  # what several carry together is in the diameter
    width = float(section.parameter_2)
    return shape, float(section.height) * scale, width * scale if math.isfinite(width) else 0.0, int(section.n_barrels)


def _diameter(section: Any, name: str, path: Path) -> tuple[float, bool]:
    """Diameter of the round pipe of the same full area, and whether the pipe is round itself."""
    shape, height = str(section.shape).upper(), float(section.height)
    if shape in AREA_OVER_HEIGHT:
        area = AREA_OVER_HEIGHT[shape] * height**2
    elif shape in RECTANGULAR:
        area = height * float(section.parameter_2)
    elif shape == "DUMMY":
        return height or 1.0, False
    else:
        raise SourceError(
            f"{path.name}: the conduit {name!r} has the shape {shape}, which has no full area here; "
            f"known are {', '.join((*AREA_OVER_HEIGHT, *RECTANGULAR))}"
        )
    area *= int(section.n_barrels)
    return math.sqrt(4 * area / math.pi), shape in {"CIRCULAR", "FORCE_MAIN"} and int(section.n_barrels) == 1
