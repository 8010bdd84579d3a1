"""Turns that are forbidden or cost time, by links of their own at the junctions concerned.

A junction without such turns stays one node. At a junction with some, each link from which a turn is restricted
ends at a node of its own, each link into which one is restricted starts at a node of its own, and links without
delay stand for the turns. So whatever finds routes on a road network finds them with turns too, and a route
may pass such a junction twice (round the block) as drivers do.

References
----------
Caldwell, On finding minimum routes in a network with turn penalties, Communications of the ACM 4(2) (1961).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import LayerError
from synapolis.models.traffic.network import RoadNetwork, road_network

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BANNED = np.inf


class Turned(NamedTuple):
    """A network with turns: the given links keep their numbers, turns follow them; so with nodes.

    `node_part` (node,) says which part of junction `node_of` (node,) a node is: 0 the junction itself, else 1 + the
    link that ends or starts there, or a negative number (`FREE`, `ZONE`).
    """

    network: RoadNetwork
    node_of: NDArray[np.int32]
    node_part: NDArray[np.int64]


FREE, ZONE = -1, -2  # where links into which every turn is free start; where trips of a zone start and end


def with_turns(network: RoadNetwork, from_link: ArrayLike, to_link: ArrayLike, delay: ArrayLike = BANNED) -> Turned:
    """Forbid turns or make them take time.

    Parameters
    ----------
    network : RoadNetwork
    from_link, to_link : (turn,)
        Links before and after each turn; the first ends where the second starts.
    delay : (turn,) or scalar [s]
        Time that the turn takes; infinite forbids it.

    Returns
    -------
    Turned
        Flows on its first `network.link_count` links are those of the given links.

    Raises
    ------
    LayerError
        Links that do not meet, a turn given twice, a negative delay, or a turn where no route may pass.
    """
    turns = _checked_turns(network, from_link, to_link, delay)
    parts = _Parts(network)
    for node in sorted({int(network.to_node[before]) for before, _ in turns}):
        parts.divide(node, {pair: cost for pair, cost in turns.items() if network.to_node[pair[0]] == node})
    return parts.turned()


@dataclass
class _Parts:
    """A network being divided: ends of links, nodes added, turn links added."""

    network: RoadNetwork
    node_of: list[int] = field(default_factory=list)
    node_part: list[int] = field(default_factory=list)
    turn: list[tuple[int, int, float]] = field(default_factory=list)  # from node, to node, time

    def __post_init__(self) -> None:
        self.from_node, self.to_node = self.network.from_node.copy(), self.network.to_node.copy()
        self.zone_node = self.network.zone_node.copy()

    def new(self, node: int, part: int) -> int:
        self.node_of.append(node)
        self.node_part.append(part)
        return self.network.node_count + len(self.node_of) - 1

    def divide(self, node: int, turns: dict[tuple[int, int], float]) -> None:
        """Give one junction its turn links."""
        before = {link: self.new(node, 1 + link) for link in sorted({pair[0] for pair in turns})}
        after = {link: self.new(node, 1 + link) for link in sorted({pair[1] for pair in turns})}
        free = self.new(node, FREE)
        leaving = np.flatnonzero(self.network.from_node == node)
        self.from_node[leaving] = [after.get(int(link), free) for link in leaving]
        for link, part in before.items():
            self.to_node[link] = part
            self.turn.append((part, free, 0.0))
            delays = {out: turns.get((link, out), 0.0) for out in after}
            self.turn += [(part, after[out], delay) for out, delay in delays.items() if delay < BANNED]
        starts = [free, *after.values()]
        self.turn += [(node, start, 0.0) for start in starts]
        if (self.network.zone_node == node).any():
            zone = self.new(node, ZONE)
            self.zone_node[self.zone_node == node] = zone
            self.turn += [(zone, start, 0.0) for start in starts]
            self.turn += [(end, zone, 0.0) for end in (node, *before.values())]

    def turned(self) -> Turned:
        net, count = self.network, len(self.turn)
        tail, head, time = (np.array(column) for column in zip(*self.turn, strict=True)) if count else ([], [], [])
        still = np.zeros(count)
        part = np.array(self.node_part, dtype=np.int64)
        nodes = net.node_count + len(part)
        expanded = road_network(
            from_node=np.concatenate([self.from_node, np.asarray(tail, dtype=np.int32)]),
            to_node=np.concatenate([self.to_node, np.asarray(head, dtype=np.int32)]),
            free_flow_time=np.concatenate([net.free_flow_time, np.asarray(time, dtype=float)]),
            capacity=np.concatenate([net.capacity, still]),
            node_count=nodes,
            zone_node=self.zone_node,
            alpha=np.concatenate([net.alpha, still]),
            power=np.concatenate([net.power, still + 1.0]),
            is_conical=np.concatenate([net.is_conical, still > 0.0]),
            constant_cost=np.concatenate([net.constant_cost, still]),
            is_open=np.concatenate([net.is_open, still == 0.0]),
            is_through=np.concatenate([net.is_through, part != ZONE]),
        )
        node_of = np.concatenate([np.arange(net.node_count), np.array(self.node_of, dtype=np.int64)])
        return Turned(expanded, node_of.astype(np.int32), np.concatenate([np.zeros(net.node_count, np.int64), part]))


def _checked_turns(
    network: RoadNetwork, from_link: ArrayLike, to_link: ArrayLike, delay: ArrayLike
) -> dict[tuple[int, int], float]:
    before, after = np.asarray(from_link, dtype=np.int64), np.asarray(to_link, dtype=np.int64)
    cost = np.broadcast_to(np.asarray(delay, dtype=np.float64), before.shape)
    links = network.link_count
    if before.shape != after.shape or ((before < 0) | (before >= links) | (after < 0) | (after >= links)).any():
        raise LayerError(f"turns must name two of {links} links each, got {len(before)} and {len(after)} or others")
    apart = network.to_node[before] != network.from_node[after]
    if apart.any():
        turn = int(np.flatnonzero(apart)[0])
        raise LayerError(
            f"a turn must lead from a link into one that starts at its end, got {before[turn]} and {after[turn]}; "
            "check the direction of both"
        )
    if not (cost >= 0.0).all():
        raise LayerError("the delay of a turn must not be negative; give inf for a turn that is banned")
    if not network.is_through[network.to_node[before]].all():
        raise LayerError("turns must lie where routes may pass, got one at a centroid; leave it out")
    turns = dict(zip(zip(before.tolist(), after.tolist(), strict=True), cost.tolist(), strict=True))
    if len(turns) != len(before):
        raise LayerError(f"each turn must be given once, got {len(before) - len(turns)} again; drop the repeated ones")
    return turns
