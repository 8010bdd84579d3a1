"""Road network for assignment: contiguous arrays of links, with forward and backward stars.

Travel time of a link follows one of the delay functions of `delay`. Generalised cost is that time plus a
constant part in seconds (a toll divided by the value of time, say).

References
----------
Sheffi, Urban Transportation Networks, ch. 1 and 13, Prentice-Hall (1985).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SHOWN = 5  # how many offenders an error message names


class RoadNetwork(NamedTuple):
    """Links, nodes and zones as contiguous arrays; make it with `road_network`, which checks it.

    `from_node`, `to_node` are (link,) compact node indices; `zone_node` (zone,) is the node at which each
    zone's trips start and end; `is_through` (node,) is false where a route may start or end but not pass
    (centroids); `is_open` (link,) is false where a link is closed. `out_start`/`out_link` list the links
    leaving each node, `in_start`/`in_link` those entering it.
    """

    from_node: NDArray[np.int32]
    to_node: NDArray[np.int32]
    free_flow_time: NDArray[np.float64]  # (link,) [s]
    capacity: NDArray[np.float64]  # (link,) [pcu/h]
    alpha: NDArray[np.float64]  # (link,) [1]
    power: NDArray[np.float64]  # (link,) [1]
    is_conical: NDArray[np.bool_]  # (link,)
    constant_cost: NDArray[np.float64]  # (link,) [s]
    is_open: NDArray[np.bool_]  # (link,)
    is_through: NDArray[np.bool_]  # (node,)
    zone_node: NDArray[np.int32]  # (zone,)
    out_start: NDArray[np.int32]  # (node + 1,)
    out_link: NDArray[np.int32]  # (link,)
    in_start: NDArray[np.int32]  # (node + 1,)
    in_link: NDArray[np.int32]  # (link,)

    @property
    def link_count(self) -> int:
        """Number of links, closed ones included."""
        return len(self.from_node)

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.is_through)

    @property
    def zone_count(self) -> int:
        """Number of zones."""
        return len(self.zone_node)


def road_network(
    *,
    from_node: ArrayLike,
    to_node: ArrayLike,
    free_flow_time: ArrayLike,
    capacity: ArrayLike,
    node_count: int,
    zone_node: ArrayLike,
    alpha: ArrayLike = 0.15,
    power: ArrayLike = 4.0,
    is_conical: ArrayLike = False,
    constant_cost: ArrayLike = 0.0,
    is_open: ArrayLike = True,
    is_through: ArrayLike = True,
) -> RoadNetwork:
    """Check links and zones, and build the network.

    Parameters
    ----------
    from_node, to_node : (link,)
        Node indices in [0, node_count). Parallel links are allowed, loops are not.
    free_flow_time : (link,) [s]
        Not negative.
    capacity : (link,) [pcu/h]
        Positive wherever `alpha` is positive and the link is open; elsewhere not negative.
    node_count : int
        Number of nodes.
    zone_node : (zone,)
        Node of each zone.
    alpha, power : (link,) or scalar [1]
        Parameters of the delay function; `alpha` = 0 makes a constant time. Elsewhere `power` is at least 1: below
        it the cost has no finite slope at zero flow, so such links are written as of constant time.
    is_conical : (link,) or scalar
        True where the delay is conical instead of BPR; `alpha` is then above 1 (or 0), and `power` is not used.
    constant_cost : (link,) or scalar [s]
        Added to the time when drivers choose a route; not part of the travel time.
    is_open : (link,) or scalar
        False closes a link: it keeps its place in every array and carries nothing.
    is_through : (node,) or scalar
        False where routes may start or end but not pass.

    Returns
    -------
    RoadNetwork

    Raises
    ------
    LayerError
        Arrays of unequal length, an unknown node, a loop, or a value outside its domain; links are named.
    """
    tail, head = _indices("from_node", from_node, node_count), _indices("to_node", to_node, node_count)
    if tail.shape != head.shape:
        raise LayerError(f"from_node and to_node must be equally long, got {len(tail)} and {len(head)}")
    count = len(tail)
    _refuse(tail == head, "must join two different nodes", "from_node and to_node", "drop the loops first")
    open_links = np.array(np.broadcast_to(np.asarray(is_open, dtype=np.bool_), (count,)))
    delay_slope = _floats("alpha", alpha, count)
    conical = np.broadcast_to(np.asarray(is_conical, dtype=np.bool_), (count,))
    network = RoadNetwork(
        from_node=tail,
        to_node=head,
        free_flow_time=_floats("free_flow_time", free_flow_time, count),
        capacity=_floats("capacity", capacity, count),
        alpha=delay_slope,
        power=np.where((delay_slope > 0.0) & ~conical, _floats("power", power, count), 1.0),
        is_conical=conical & (delay_slope > 0.0),
        constant_cost=_floats("constant_cost", constant_cost, count),
        is_open=open_links,
        is_through=np.array(np.broadcast_to(np.asarray(is_through, dtype=np.bool_), (node_count,))),
        zone_node=_indices("zone_node", zone_node, node_count),
        **_stars(tail, head, node_count),
    )
    _check_delay(network)
    return network


def edited(
    network: RoadNetwork,
    *,
    free_flow_time: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    is_open: ArrayLike | None = None,
) -> RoadNetwork:
    """Return a network with other times, capacities or closures on the same links and nodes.

    Parameters
    ----------
    network : RoadNetwork
    free_flow_time : (link,) [s], optional
    capacity : (link,) [pcu/h], optional
    is_open : (link,), optional

    Returns
    -------
    RoadNetwork
        Shares every array that did not change.

    Raises
    ------
    LayerError
        A value outside its domain.
    """
    count = network.link_count
    changed = network._replace(
        free_flow_time=network.free_flow_time
        if free_flow_time is None
        else _floats("free_flow_time", free_flow_time, count),
        capacity=network.capacity if capacity is None else _floats("capacity", capacity, count),
        is_open=network.is_open
        if is_open is None
        else np.array(np.broadcast_to(np.asarray(is_open, dtype=np.bool_), (count,))),
    )
    _check_delay(changed)
    return changed


def _check_delay(network: RoadNetwork) -> None:
    delayed = network.alpha > 0.0
    _refuse(network.free_flow_time < 0.0, "must not be negative", "free_flow_time", "check lengths and speeds")
    _refuse(network.constant_cost < 0.0, "must not be negative", "constant_cost", "check the toll's sign")
    _refuse(network.alpha < 0.0, "must not be negative", "alpha", "see the delay function's table")
    _refuse(
        network.is_conical & (network.alpha <= 1.0),
        "must be above 1 on a conical link",
        "alpha",
        "conical delay is steeper the larger it is; 4 is common",
    )
    _refuse(network.capacity < 0.0, "must not be negative", "capacity", "check lanes and lane capacity")
    _refuse(
        delayed & network.is_open & (network.capacity == 0.0),
        "must be above 0 on an open link with delay",
        "capacity",
        "close the link instead",
    )
    _refuse(
        delayed & (network.power < 1.0),
        "must be at least 1",
        "power",
        "write a link of constant cost as alpha = 0",
    )


def _refuse(wrong: NDArray[np.bool_], wanted: str, name: str, next_step: str) -> None:
    if wrong.any():
        links = np.flatnonzero(wrong)
        named = ", ".join(str(link) for link in links[:SHOWN]) + (", ..." if len(links) > SHOWN else "")
        raise LayerError(f"{name} {wanted}, got otherwise on {len(links)} links ({named}); {next_step}")


def _floats(name: str, values: ArrayLike, count: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim and array.shape != (count,):
        raise LayerError(f"{name} must have one value for each of {count} links, got shape {array.shape}")
    array = np.array(np.broadcast_to(array, (count,)))
    _refuse(~np.isfinite(array), "must be finite", name, "fill or drop these links first")
    return array


def _indices(name: str, values: ArrayLike, node_count: int) -> NDArray[np.int32]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise LayerError(f"{name} must be one row of integers, got {array.dtype} of shape {array.shape}")
    unknown = np.flatnonzero((array < 0) | (array >= node_count))
    if len(unknown):
        raise LayerError(
            f"{name} must lie in [0, {node_count}), got {array[unknown[0]]} at row {unknown[0]} "
            f"({len(unknown)} rows in all); number the nodes without gaps first"
        )
    return np.ascontiguousarray(array, dtype=np.int32)


def _stars(tail: NDArray[np.int32], head: NDArray[np.int32], node_count: int) -> dict[str, NDArray[np.int32]]:
    def star(end: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        start = np.zeros(node_count + 1, dtype=np.int32)
        np.cumsum(np.bincount(end, minlength=node_count), out=start[1:])
        return start, np.argsort(end, kind="stable").astype(np.int32)

    out_start, out_link = star(tail)
    in_start, in_link = star(head)
    return {"out_start": out_start, "out_link": out_link, "in_start": in_start, "in_link": in_link}
