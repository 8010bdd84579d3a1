"""User equilibrium of route choice: no driver can save time by another route (Wardrop's first principle).

Solved by bushes (see `bushes`): flows kept per origin, so that a solution can be carried to an edited network
or demand and continued there instead of being computed anew.

References
----------
Wardrop, Some theoretical aspects of road traffic research, Proc. ICE Part II 1 (1952). Dial (2006) and
Nie (2010) for the algorithm. Boyce, Ralevic-Dekic and Bar-Gera, Convergence of traffic assignments: how much
is enough?, J. Transportation Engineering 130(1) (2004), for the relative gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synapolis.core.errors import ModelError
from synapolis.models.traffic import bushes as kernel
from synapolis.models.traffic.network import RoadNetwork, beckmann_objective, link_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PASSES = 2  # flow shifts on one bush before the next origin's turn
SHARE = 0.1  # a bush whose excess cost is below this share of its part of the wanted gap is left alone
CHECK = 2.0  # the true gap is computed once the bushes' own excess is within this multiple of it
SHOWN = 5  # how many pairs an error message names


class Bushes(NamedTuple):
    """Routes in use, by origin: what a later solve on an edited network or demand starts from.

    `flow` (zone, link) [veh/h] is the flow of each origin on each link, below 0 on links outside the
    origin's acyclic subnetwork; `demand` (zone, zone) [veh/h] is what was assigned.
    """

    flow: NDArray[np.float64]
    demand: NDArray[np.float64]


class Equilibrium(NamedTuple):
    """Flows and times of an assignment, and how near to equilibrium they are."""

    link_flow: NDArray[np.float64]  # (link,) [veh/h]
    link_time: NDArray[np.float64]  # (link,) [s]
    skim: NDArray[np.float64]  # (zone, zone) [s] travel time on a least-cost route; infinite if there is none
    skim_cost: NDArray[np.float64]  # (zone, zone) [s] the same route's cost: time and constant costs
    relative_gap: float  # (total cost - cost if all took the shortest routes) / total cost
    iterations: int
    objective: float  # Beckmann [veh s/h]
    converged: bool
    unserved: float  # [veh/h] demand between zones no route joins, left out on request
    bushes: Bushes


def user_equilibrium(
    network: RoadNetwork,
    demand: ArrayLike,
    *,
    relative_gap: float = 1e-4,
    max_iterations: int = 500,
    start: Bushes | None = None,
    drop_unreachable: bool = False,
    allow_unconverged: bool = False,
) -> Equilibrium:
    """Assign trips to routes so that all used routes between two zones cost the same.

    Parameters
    ----------
    network : RoadNetwork
    demand : (zone, zone) [veh/h]
        Trips from row to column. Trips within a zone (and between zones at one node) use no link.
    relative_gap : float [1]
        Largest share of the total cost that drivers could still save.
    max_iterations : int
        Largest number of visits to every origin.
    start : Bushes, optional
        `Equilibrium.bushes` of the same links and zones under another demand, capacity, time or closure
        (see `carried` for a network with other links). The result satisfies the same gap as a cold start.
    drop_unreachable : bool
        Leave out trips between zones no route joins, and report them as `unserved`, instead of refusing.
    allow_unconverged : bool
        Return, marked, what `max_iterations` gave instead of raising.

    Returns
    -------
    Equilibrium

    Raises
    ------
    ModelError
        Demand of another shape, negative or not finite; demand between zones no route joins; a gap not above
        zero; a start that does not fit; or no convergence.
    """
    trips = _checked_demand(network, demand)
    if not relative_gap > 0.0 or max_iterations < 0:
        raise ModelError(
            f"relative_gap must be above 0 and max_iterations not negative, got {relative_gap}, {max_iterations}"
        )
    net = _frozen(network)
    flow, bush, unreached = _start(net, trips, start)
    unserved = float(trips[unreached].sum())
    if unreached.any() and not drop_unreachable:
        raise ModelError(_unreachable_message(trips, unreached))
    trips[unreached] = 0.0
    search = _Search(net, trips, bush, flow)
    gap = search.true_gap() if start is not None else np.inf
    iterations = 0
    while gap > relative_gap and iterations < max_iterations:
        gap = search.improve(relative_gap, last=iterations + 1 == max_iterations)
        iterations += 1
    if not np.isfinite(gap):
        gap = search.true_gap()
    if gap > relative_gap and not allow_unconverged:
        raise ModelError(
            f"assignment must reach a relative gap of {relative_gap:g}, got {gap:.3g} after {iterations} "
            "iterations; allow more iterations, a wider gap, or check for demand far above capacity"
        )
    return Equilibrium(
        link_flow=search.flow,
        link_time=link_times(network, search.flow),
        skim=search.skim_time,
        skim_cost=search.skim_cost,
        relative_gap=float(gap),
        iterations=iterations,
        objective=beckmann_objective(network, search.flow),
        converged=bool(gap <= relative_gap),
        unserved=unserved,
        bushes=Bushes(bush, trips),
    )


def carried(bushes: Bushes, old_link: ArrayLike) -> Bushes:
    """Carry bushes to a network with other links (same zones; nodes keep their numbers, new ones follow).

    Parameters
    ----------
    bushes : Bushes
    old_link : (new link,)
        For each link of the new network its index in the old one, or -1 where it is new.

    Returns
    -------
    Bushes
        Fit to start on the new network.

    Raises
    ------
    ModelError
        An index outside the old network, or one old link given twice.
    """
    old = np.asarray(old_link, dtype=np.int64)
    kept = old[old >= 0]
    if len(np.unique(kept)) != len(kept) or (kept >= bushes.flow.shape[1]).any() or (old < -1).any():
        raise ModelError(
            f"old_link must name each of {bushes.flow.shape[1]} old links at most once (or -1), "
            "got an unknown or repeated link; match links by their source ids"
        )
    flow = np.full((bushes.flow.shape[0], len(old)), kernel.OUTSIDE)
    flow[:, old >= 0] = bushes.flow[:, kept]
    return Bushes(flow, bushes.demand)


def travel_times(network: RoadNetwork, link_time: ArrayLike) -> NDArray[np.float64]:
    """Travel time between zones at given link times (free-flow times, say, before any assignment).

    Parameters
    ----------
    network : RoadNetwork
    link_time : (link,) [s]

    Returns
    -------
    (zone, zone) [s]
        Along the route of least cost (time and constant costs); infinite where no route joins two zones.

    Raises
    ------
    ModelError
        Times of another shape, negative or not finite.
    """
    time = np.ascontiguousarray(link_time, dtype=np.float64)
    if time.shape != (network.link_count,) or not (np.isfinite(time).all() and (time >= 0.0).all()):
        raise ModelError(
            f"link_time must be finite and not negative on each of {network.link_count} links, "
            f"got shape {time.shape}; take it from link_times"
        )
    cost = np.where(network.is_open, time + network.constant_cost, np.inf)
    skim_cost = np.empty((network.zone_count, network.zone_count))
    skim_time = np.empty_like(skim_cost)
    kernel.skim_costs(_frozen(network), cost, time, skim_cost, skim_time)
    return skim_time


class _Search:
    """The state of one solve: flows by origin, link flows, and costs at those flows."""

    def __init__(
        self, net: RoadNetwork, trips: NDArray[np.float64], bush: NDArray[np.float64], flow: NDArray[np.float64]
    ) -> None:
        self.net, self.trips, self.bush, self.flow = net, trips, bush, flow
        self.served = trips.any(axis=1)
        self.cost, self.slope = np.empty_like(flow), np.empty_like(flow)
        self.skim_cost = np.empty_like(trips)
        self.skim_time = np.empty_like(trips)
        self.excess_before = np.inf
        self.thorough = False
        self._settle()

    def _settle(self) -> None:
        kernel.total_flow(self.bush, self.flow)
        kernel.set_costs(self.net, self.flow, self.cost, self.slope)
        self.total = float(self.flow @ np.where(self.net.is_open, self.cost, 0.0))

    def improve(self, wanted: float, *, last: bool) -> float:
        """Visit every origin; returns the relative gap, or infinity while it is plainly above the wanted."""
        share = SHARE * wanted * self.total / max(int(self.served.sum()), 1)
        excess = kernel.sweep(
            self.net,
            self.served,
            self.bush,
            self.flow,
            self.cost,
            self.slope,
            PASSES,
            0.0 if self.thorough else share,
        )
        stalled = excess > 0.9 * self.excess_before
        worth_a_look = stalled or last or excess <= CHECK * wanted * self.total
        self.excess_before = excess
        self._settle()
        gap = self.true_gap() if worth_a_look else np.inf
        # a trickle on a dear route costs little, yet keeps better links out of its bush: then spare no bush
        self.thorough = stalled or (excess <= wanted * self.total and gap > wanted)
        return gap

    def true_gap(self) -> float:
        """Relative gap by shortest routes on the whole network; also sets the skims."""
        time = self.cost - self.net.constant_cost
        kernel.skim_costs(self.net, self.cost, time, self.skim_cost, self.skim_time)
        wanted = self.trips > 0.0
        least = float(self.trips[wanted] @ self.skim_cost[wanted])
        return max(self.total - least, 0.0) / self.total if self.total > 0.0 else 0.0


def _start(
    net: RoadNetwork, trips: NDArray[np.float64], start: Bushes | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    flow = np.zeros(net.link_count)
    unreached = np.zeros(trips.shape, dtype=np.bool_)
    if start is None:
        bush = np.empty((net.zone_count, net.link_count))
        kernel.start_cold(net, trips, bush, flow, unreached)
        return flow, bush, unreached
    if start.flow.shape != (net.zone_count, net.link_count) or start.demand.shape != trips.shape:
        raise ModelError(
            f"start must hold {net.zone_count} zones and {net.link_count} links, got {start.flow.shape}; "
            "carry it to the edited network first (carried)"
        )
    bush = start.flow.copy()
    kernel.start_warm(net, trips, start.demand, _has_new_nodes(net, bush), bush, unreached)
    return flow, bush, unreached


def _has_new_nodes(net: RoadNetwork, bush: NDArray[np.float64]) -> bool:
    """Whether an open link enters a node that no bush reaches: a new street, or one opened again."""
    reached = np.zeros(net.node_count, dtype=np.bool_)
    reached[net.to_node[(bush >= 0.0).any(axis=0)]] = True
    return not bool(reached[net.to_node[net.is_open]].all())


def _checked_demand(network: RoadNetwork, demand: ArrayLike) -> NDArray[np.float64]:
    trips = np.array(demand, dtype=np.float64)
    zones = network.zone_count
    if trips.shape != (zones, zones):
        raise ModelError(f"demand must be {zones} by {zones} zones, got {trips.shape}; order it as zone_node")
    wrong = ~np.isfinite(trips) | (trips < 0.0)
    if wrong.any():
        pair = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ModelError(
            f"demand must be finite and not negative, got {trips[pair]} from zone {pair[0]} to zone {pair[1]} "
            f"({int(wrong.sum())} pairs in all); check the trip table"
        )
    trips[network.zone_node[:, None] == network.zone_node[None, :]] = 0.0
    return trips


def _unreachable_message(trips: NDArray[np.float64], unreached: NDArray[np.bool_]) -> str:
    pairs = np.argwhere(unreached)
    named = ", ".join(f"{origin}->{destination}" for origin, destination in pairs[:SHOWN])
    more = ", ..." if len(pairs) > SHOWN else ""
    return (
        f"each pair of zones with demand must be joined by a route, got none for {len(pairs)} pairs carrying "
        f"{trips[unreached].sum():.6g} veh/h (zones {named}{more}); join the network, undo the closure, "
        "or drop these trips (drop_unreachable)"
    )


def _frozen(network: RoadNetwork) -> Any:
    """Read-only views: one type for the compiled kernels, and a promise that they change nothing."""

    def view(array: NDArray[Any]) -> NDArray[Any]:
        seen = np.ascontiguousarray(array).view()
        seen.flags.writeable = False
        return seen

    return RoadNetwork(*(view(array) for array in network))
