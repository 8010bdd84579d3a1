"""Reads an AequilibraE project (a zip or its SQLite file): streets, zones and the feeds beside it."""

from __future__ import annotations

import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError
from synapolis.layers.timetable import Timetable
from synapolis.sources import osm_tags as meaning
from synapolis.sources.gateways import border_dead_ends
from synapolis.sources.tables import read_table

DATABASE = "project_database.sqlite"
LINK_COLUMNS = (
    "link_id",
    "a_node",
    "b_node",
    "direction",
    "modes",
    "link_type",
    "name",
    "speed_ab",
    "speed_ba",
    "lanes_ab",
    "lanes_ba",
)
CONNECTOR = "centroid_connector"


@dataclass(frozen=True)
class NetworkProject:
    """Layers of a project by name, its CRS and extent (the box around links and zones), and notes by layer."""

    layers: dict[str, Any]
    crs: str
    extent: shapely.Polygon
    notes: dict[str, list[str]] = field(default_factory=dict)


@registered(
    kind="parser",
    version="1",
    name="read_aequilibrae_network",
    decision="Building a city: streets and zones of an existing traffic model.",
    data=("AequilibraE project (zip or project_database.sqlite)",),
    method="Links become directed streets with speed and lanes in SI units; centroid connectors, which are no "
    "streets, are left out.",
    source="AequilibraE documentation, project database: links, nodes and zones tables.",
    limits="Signals, turn penalties and link-type parameters are not read.",
    risks="Defaults stand in for missing lanes, and are marked.",
    tests="tests/sources/test_network.py",
)
def read_network(path: Path | str, crs: str | None = None) -> NetworkProject:
    """Read streets, junctions and zones of an AequilibraE project, and the GTFS feeds in its zip as its timetable.

    Parameters
    ----------
    path : Path or str
        A zip with `project_database.sqlite`, or that file.
    crs : str, optional
        The city's projected CRS; the UTM zone of the links if not given.

    Returns
    -------
    NetworkProject
        Speeds in m/s; a missing speed is NaN, missing lanes are the class's default and marked (`lanes_mapped`).
        Centroid connectors, which are no streets, are left out.

    Raises
    ------
    SourceError
        A truncated zip, another database, or no links.
    """
    with _unpacked(Path(path)) as folder:
        database = folder / DATABASE
        links, nodes, zones = _tables(database)
        target = crs or _utm(links)
        notes: dict[str, list[str]] = {}
        streets = _streets(links[links["link_type"] != CONNECTOR].to_crs(target), notes)
        layers: dict[str, Any] = {"streets": streets, "junctions": _junctions(streets, nodes.to_crs(target))}
        if zones:
            read = read_table(
                database,
                layer="zones",
                mapping="layer=zones,id=zone_id,name=name,population=population,jobs=employment",
                crs=target,
            )
            layers["zones"], notes["zones"] = read.table, list(read.notes)
        timetable = _timetable(folder, target)
        if timetable is not None:
            layers["timetable"] = timetable
    bounds = np.array([layers[name].total_bounds for name in ("streets", "zones") if name in layers])
    extent = shapely.box(*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0))
    return NetworkProject(layers, target, extent, notes)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Give the folder that holds the database, taking it out of its zip for the time being."""
    if not path.is_file():
        raise SourceError(f"no network project at {path}; name a zip with {DATABASE}, or that file")
    if not zipfile.is_zipfile(path):
        if path.name != DATABASE or path.read_bytes()[:16] != b"SQLite format 3\x00":
            raise SourceError(
                f"{path} is no network project: wanted a zip with {DATABASE}, or that file; it may be cut short"
            )
        yield path.parent
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(path) as archive:
                wanted = [name for name in archive.namelist() if "/" not in name and name.endswith((".sqlite", ".zip"))]
                archive.extractall(scratch, wanted)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise SourceError(f"{path} is not a whole zip: {error}; fetch it again") from error
        if not (Path(scratch) / DATABASE).is_file():
            raise SourceError(f"{path} holds no {DATABASE}; it is not an AequilibraE project")
        yield Path(scratch)


def _tables(database: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, bool]:
    try:
        tables = {name for name, _ in pyogrio.list_layers(database)}
        links = gpd.read_file(database, layer="links", columns=list(LINK_COLUMNS))
        nodes = gpd.read_file(database, layer="nodes", columns=["node_id"])
        with sqlite3.connect(database) as connection:
            zones = "zones" in tables and connection.execute("select count(*) from zones").fetchone()[0] > 0
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, sqlite3.DatabaseError, ValueError) as error:
        raise SourceError(f"{database.name} cannot be read: {error}; it is damaged or of another program") from error
    if links.empty:
        raise SourceError(f"{database.name} has no links; import a network into the project first")
    return links, nodes, zones


def _utm(links: gpd.GeoDataFrame) -> str:
    return str(links.estimate_utm_crs().to_string()) if links.crs.is_geographic else str(links.crs.to_string())


def _streets(links: gpd.GeoDataFrame, notes: dict[str, list[str]]) -> gpd.GeoDataFrame:
    back = (links["direction"] < 0).to_numpy()
    both = (links["direction"] == 0).to_numpy()
    lanes, mapped = _lanes(links, both, back)
    kind = links["link_type"].fillna("").astype(str)
    drive = links["modes"].str.contains("c").to_numpy(dtype=bool)
    walked = links["modes"].str.contains("w").to_numpy(dtype=bool)
    walk = walked | ~kind.isin(meaning.NO_WALK_CLASSES).to_numpy()
    speed = links["speed_ab"].where(~back, links["speed_ba"]).fillna(links["speed_ba"]).to_numpy(dtype=float) / 3.6
    start, end = (np.where(back, links[a], links[b]) for a, b in (("b_node", "a_node"), ("a_node", "b_node")))
    geometry = np.where(back, shapely.reverse(links.geometry.to_numpy()), links.geometry.to_numpy())
    table = gpd.GeoDataFrame(
        {
            "from_junction": [f"node/{key}" for key in start],
            "to_junction": [f"node/{key}" for key in end],
            "name": links["name"].fillna("").astype(str).to_numpy(),
            "road_class": kind.to_numpy(),
            "lanes": np.where(drive, lanes, 0.0),
            "lanes_mapped": mapped & drive,
            "max_speed": np.where((speed > 0) & (speed <= 70), speed, np.nan),
            "one_way": drive & ~both,
            "drive": drive,
            "walk": walk,
            "bridge": np.zeros(len(links), dtype=bool),
        },
        geometry=geometry,
        index=[f"link/{key}" for key in links["link_id"]],
        crs=links.crs,
    )
    added = int((walk & ~walked).sum())
    if added:
        notes.setdefault("streets", []).append(
            f"{added} streets are not marked for walkers: taken as walkable by their class"
        )
    missing = int(np.isnan(table["max_speed"]).sum())
    notes.setdefault("streets", []).append(f"{missing} of {len(table)} have no speed, {int((~mapped).sum())} no lanes")
    return table.rename_axis("id").sort_index()


def _lanes(links: gpd.GeoDataFrame, both: Any, back: Any) -> tuple[Any, Any]:
    """Lanes of the open directions together, and whether all of them are stated."""
    default = links["link_type"].map(meaning.LANES_PER_DIRECTION).fillna(1).to_numpy(dtype=float)
    ab, ba = (links[name].where(links[name] > 0).to_numpy(dtype=float) for name in ("lanes_ab", "lanes_ba"))
    total = np.where(both, ab + ba, np.where(back, ba, ab))
    mapped = np.isfinite(total)
    return np.where(mapped, total, np.where(both, 2 * default, default)), mapped


def _junctions(streets: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    names = pd.Index([f"node/{key}" for key in nodes["node_id"]], name="id")
    table = gpd.GeoDataFrame(geometry=nodes.geometry.to_numpy(), index=names, crs=nodes.crs)
    table = table[table.index.isin(pd.concat([streets["from_junction"], streets["to_junction"]]))].copy()
    table["gateway"] = border_dead_ends(streets, table.geometry)
    return table[["gateway", "geometry"]].sort_index()


def _timetable(folder: Path, crs: str) -> Timetable | None:
    from synapolis.layers.timetable import merge_timetables  # noqa: PLC0415 - read only where a feed is found
    from synapolis.sources.gtfs import read_gtfs  # noqa: PLC0415

    feeds = [path for path in sorted(folder.glob("*.zip")) if _is_feed(path)]
    read = [read_gtfs(path, feed=path.stem.removeprefix("gtfs_"), crs=crs) for path in feeds]
    return merge_timetables(read) if read else None


def _is_feed(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "stops.txt" in archive.namelist()
