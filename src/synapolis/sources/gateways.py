"""Finds where through traffic enters a street network that states no border."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synapolis.core.declare import registered
from synapolis.sources.osm_tags import THROUGH_CLASSES

BORDER_SHARE = 0.03
"""A dead end of a through road within this share of the network's size from its hull is a gateway."""


@registered(
    kind="rule",
    version="1",
    decision="Where through traffic enters a network that states no border.",
    data=("streets", "junctions"),
    method="Dead ends of through roads near the hull of the largest connected part of the driving network.",
    source="The project's own rule, stated in full in its description; no publication.",
    limits="A through road that ends inside the city near the hull is taken for an entry.",
    risks="A missed entry makes its road look calmer than it is.",
    tests="tests/sources/test_network.py",
)
def border_dead_ends(streets: gpd.GeoDataFrame, junctions: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Find dead ends of through roads near the hull of the largest connected part of the driving network.

    Parameters
    ----------
    streets : GeoDataFrame
        The layer of this name.
    junctions : GeoSeries
        Points by junction id, in the same CRS.

    Returns
    -------
    (junction,) bool
    """
    drive = streets[streets["drive"]]
    if drive.empty:
        return np.zeros(len(junctions), dtype=bool)
    largest = _largest_part(drive, junctions.index)
    through = drive[drive["road_class"].isin(THROUGH_CLASSES)]
    uses = pd.concat([drive["from_junction"], drive["to_junction"]]).value_counts()
    ends = set(uses.index[uses == 1]) & set(pd.concat([through["from_junction"], through["to_junction"]]))
    hull: Any = shapely.convex_hull(shapely.union_all(junctions.to_numpy()[largest]))
    left, bottom, right, top = hull.bounds
    near = junctions.distance(hull.boundary).to_numpy() <= BORDER_SHARE * max(right - left, top - bottom)
    return np.asarray(junctions.index.isin(list(ends)) & largest & near, dtype=bool)


def _largest_part(drive: gpd.GeoDataFrame, junctions: pd.Index) -> NDArray[np.bool_]:
    start, end = (junctions.get_indexer(drive[name]) for name in ("from_junction", "to_junction"))
    graph = coo_array((np.ones(len(drive)), (start, end)), shape=(len(junctions), len(junctions)))
    _, part = connected_components(graph, directed=False)
    return np.asarray(part == np.bincount(part).argmax(), dtype=bool)
