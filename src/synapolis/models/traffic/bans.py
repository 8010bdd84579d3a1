"""The banned turns of a city, told by streets and junctions, as turns between links of its road network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synapolis.models.traffic.turns import FREE, ZONE, with_turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synapolis.models.traffic.network import RoadNetwork

    Names = NDArray[np.str_]

PART = {FREE: "on", ZONE: "zone"}


def without_banned_turns(
    network: RoadNetwork, link_id: Names, node_id: Names, bans: Any
) -> tuple[RoadNetwork, Names, Names]:
    """Divide the junctions at which turns are banned.

    Parameters
    ----------
    network : RoadNetwork
    link_id : (link,)
        Streets as `id>` with the line and `id<` against it; connectors by other names.
    node_id : (node,)
        Junctions by their ids.
    bans : DataFrame
        The layer `turn_bans`. A ban of streets or junctions that cars do not use is void.

    Returns
    -------
    network, link_id, node_id
        The links that were given come first; links of turns follow.
    """
    banned = _banned(network, link_id, node_id, bans)
    if not banned:
        return network, link_id, node_id
    before, after = np.array(sorted(banned)).T
    turned = with_turns(network, before, after)
    part = [PART.get(int(p), "") or link_id[p - 1] for p in turned.node_part[len(node_id) :]]
    nodes = [f"{node_id[of]} {name}" for of, name in zip(turned.node_of[len(node_id) :], part, strict=True)]
    named = np.concatenate([node_id, np.array(nodes, dtype=np.str_)])
    ends = (turned.network.from_node[len(link_id) :], turned.network.to_node[len(link_id) :])
    turns = [f"{one} to {other}" for one, other in zip(*(named[end] for end in ends), strict=True)]
    return turned.network, np.concatenate([link_id, np.array(turns, dtype=np.str_)]), named


def _banned(network: RoadNetwork, link_id: Names, node_id: Names, bans: Any) -> set[tuple[int, int]]:
    """Pairs of links before and after the banned turns."""
    node = {name: number for number, name in enumerate(node_id)}
    number_of = {name: number for number, name in enumerate(link_id)}
    found: set[tuple[int, int]] = set()

    def link(street: str, end: NDArray[np.int32], at: int) -> int | None:
        ways = (number_of.get(street + ">"), number_of.get(street + "<"))
        return next((way for way in ways if way is not None and end[way] == at), None)

    for street, junction, other, only in bans[["from_street", "junction", "to_street", "only"]].itertuples(index=False):
        at = node.get(junction, -1)
        before, after = link(street, network.to_node, at), link(other, network.from_node, at)
        if before is None or after is None:
            continue
        leaving = np.flatnonzero(network.from_node == at)
        others = [int(out) for out in leaving if out != after and link_id[out][-1] in "<>"]
        found |= {(before, out) for out in (others if only else [after])}
    return found
