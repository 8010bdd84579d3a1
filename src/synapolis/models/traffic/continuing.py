"""What a solve leaves for the next one, and how it is carried to a network with other links, nodes or zones.

Links, nodes and zones are matched by index or by name. A link that is no more takes its flow with it: the next
solve first gives those trips other routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import ModelError
from synapolis.models.traffic.bushes import FLOW, IDLE, NO_LINK, OUTSIDE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.traffic.network import RoadNetwork

    Names = NDArray[np.str_]


class Bushes(NamedTuple):
    """Routes in use, by class and origin: what a later solve on an edited network or demand starts from.

    A row is one class and origin zone: row = class * zones + zone. `flow` (row, link) [pcu/h] is its flow on each
    link, below 0 on links outside its acyclic subnetwork; `demand` (row, zone) [pcu/h] is what was assigned;
    `tree` (row, node) is the link by which a shortest route enters each node, `order` (row, node) the nodes from
    the root of that tree on; `lost` (row,) tells which rows had links that are no more
    (1), or traffic on them or to zones that are no more (2).
    """

    flow: NDArray[np.float64]
    demand: NDArray[np.float64]
    tree: NDArray[np.int32]
    order: NDArray[np.int32]
    lost: NDArray[np.int8]


def carried(
    bushes: Bushes,
    network: RoadNetwork,
    *,
    old_link: ArrayLike,
    old_node: ArrayLike,
    old_zone: ArrayLike | None = None,
) -> Bushes:
    """Carry bushes to a network with other links, nodes or zones.

    Parameters
    ----------
    bushes : Bushes
    network : RoadNetwork
        The new network.
    old_link : (link,)
        For each of its links the index in the old one, or -1 where it is new.
    old_node : (node,)
        The same for its nodes.
    old_zone : (zone,), optional
        The same for its zones; unchanged if not given.

    Returns
    -------
    Bushes
        Fit to start on the new network.

    Raises
    ------
    ModelError
        Rows of another length, an index outside the old network, or one given twice.
    """
    zones = bushes.demand.shape[1]
    link = _checked("old_link", old_link, network.link_count, bushes.flow.shape[1])
    node = _checked("old_node", old_node, network.node_count, bushes.tree.shape[1])
    zone = _checked("old_zone", np.arange(zones) if old_zone is None else old_zone, network.zone_count, zones)
    classes = len(bushes.demand) // zones
    row = np.concatenate([np.where(zone >= 0, number * zones + zone, -1) for number in range(classes)])
    known = row >= 0
    here = row[known]
    flow = np.full((len(row), len(link)), OUTSIDE)
    flow[np.ix_(known, link >= 0)] = bushes.flow[np.ix_(here, link[link >= 0])]
    demand = np.zeros((len(row), len(zone)))
    demand[np.ix_(known, zone >= 0)] = bushes.demand[np.ix_(here, zone[zone >= 0])]
    gone, left = np.setdiff1d(np.arange(bushes.flow.shape[1]), link), np.setdiff1d(np.arange(zones), zone)
    lost = np.zeros(len(row), dtype=np.int8)
    cut = bushes.flow[np.ix_(here, gone)].max(axis=1, initial=OUTSIDE)
    moved = (cut > 0.0) | (bushes.demand[np.ix_(here, left)] > 0.0).any(axis=1)
    lost[known] = np.maximum(bushes.lost[here], np.where(moved, FLOW, np.where(cut >= 0.0, IDLE, 0)))
    tree, order = _trees(bushes, link, node, row, np.tile(network.zone_node, classes))
    return Bushes(flow, demand, tree, order, lost)


def carried_by_name(
    bushes: Bushes, old: tuple[RoadNetwork, Names, Names], new: tuple[RoadNetwork, Names, Names]
) -> Bushes | None:
    """Carry bushes between two networks whose links and nodes have names of their own.

    Parameters
    ----------
    bushes : Bushes
        Of the old network.
    old, new : (RoadNetwork, (link,) names, (node,) names)
        A link is the same if its name is and it joins the same nodes; a zone, if its node is.

    Returns
    -------
    Bushes or None
        Fit to start on the new network; None if the two have no zone in common.
    """
    (was, was_link, was_node), (now, now_link, now_node) = old, new
    unchanged = np.array_equal(was_node, now_node) and np.array_equal(was.zone_node, now.zone_node)
    if unchanged and np.array_equal(was_link, now_link) and _same_ends(was, now, np.arange(now.link_count)).all():
        return bushes
    node = _found(was_node, now_node)
    link = _found(was_link, now_link)
    link[~_same_ends(was, now, link, node)] = -1
    zone = _found(was_node[was.zone_node], now_node[now.zone_node])
    if (zone < 0).all():
        return None
    return carried(bushes, now, old_link=link, old_node=node, old_zone=zone)


def _found(names: Names, wanted: Names) -> NDArray[np.int64]:
    """Where each wanted name stands among the names; -1 where it does not."""
    if not len(names):
        return np.full(len(wanted), -1)
    ranked = np.argsort(names)
    place = ranked[np.minimum(np.searchsorted(names, wanted, sorter=ranked), len(names) - 1)]
    return np.where(names[place] == wanted, place, -1)


def _same_ends(
    was: RoadNetwork, now: RoadNetwork, link: NDArray[np.int64], node: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Whether each link of the new network joins the nodes that its counterpart (-1: none) joined."""
    ends = (now.from_node, now.to_node) if node is None else (node[now.from_node], node[now.to_node])
    if was.link_count == 0:
        return np.zeros(now.link_count, dtype=np.bool_)
    return np.asarray((link >= 0) & (was.from_node[link] == ends[0]) & (was.to_node[link] == ends[1]))


def _trees(
    bushes: Bushes,
    link: NDArray[np.int64],
    node: NDArray[np.int64],
    row: NDArray[np.int64],
    root: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Trees in the new numbers, broken where a link is gone; new nodes and rows hang in the air."""
    new_link = np.full(bushes.flow.shape[1] + 1, NO_LINK, dtype=np.int32)  # the last: no link
    new_link[link[link >= 0]] = np.flatnonzero(link >= 0)
    new_node = np.full(bushes.tree.shape[1], -1, dtype=np.int32)
    new_node[node[node >= 0]] = np.flatnonzero(node >= 0)
    added = np.flatnonzero(node < 0).astype(np.int32)
    known = row >= 0
    tree = np.full((len(row), len(node)), NO_LINK, dtype=np.int32)
    tree[np.ix_(known, node >= 0)] = new_link[bushes.tree[np.ix_(row[known], node[node >= 0])]]
    order = np.empty_like(tree)
    moved = new_node[bushes.order[row[known]]]
    kept = moved[moved >= 0].reshape(len(moved), -1)
    order[known] = np.hstack([kept, np.broadcast_to(added, (len(kept), len(added)))])
    for new in np.flatnonzero(~known):
        order[new] = np.concatenate([[root[new]], np.delete(np.arange(len(node)), root[new])])
    return tree, order


def fitting(start: Bushes, network: RoadNetwork, rows: int) -> Bushes:
    """Copy a start that may be written to, after a check that it belongs to the network's links and zones.

    Raises
    ------
    ModelError
        Another number of links, nodes, zones or classes; other roots; routes through nodes that are not passed.
    """
    wanted = (rows, network.link_count), (rows, network.zone_count), (rows, network.node_count)
    if (start.flow.shape, start.demand.shape, start.tree.shape) != wanted:
        raise ModelError(
            f"start must hold {rows} origins, {network.link_count} links and {network.node_count} nodes, got "
            f"{start.flow.shape} and {start.tree.shape}; carry it to the edited network first (carried)"
        )
    root = np.resize(network.zone_node, rows)
    closed = np.flatnonzero(~network.is_through[network.from_node])
    passing = (start.flow[:, closed] > 0.0) & (network.from_node[closed] != root[:, None])
    if (start.order[:, 0] != root).any() or passing.any():
        raise ModelError(
            "start must come from zones at the same nodes and nodes that may still be passed, got others; "
            "solve this network from nothing"
        )
    # kernels are compiled once, for arrays that may be written to
    return Bushes(
        flow=np.array(start.flow, order="C"),
        demand=np.array(start.demand, order="C"),
        tree=np.array(start.tree, order="C"),
        order=np.array(start.order, order="C"),
        lost=start.lost.copy(),
    )


def _checked(name: str, values: ArrayLike, count: int, old_count: int) -> NDArray[np.int64]:
    old = np.asarray(values, dtype=np.int64)
    kept = old[old >= 0]
    if len(old) != count or len(np.unique(kept)) != len(kept) or (old >= old_count).any() or (old < -1).any():
        raise ModelError(
            f"{name} must name for each of {count} its index among {old_count} (at most once, -1 where new), "
            f"got {len(old)} with an unknown or repeated one; match by the source's ids"
        )
    return old
