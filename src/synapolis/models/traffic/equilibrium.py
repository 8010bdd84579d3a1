"""User equilibrium of route choice: no driver can save time by another route (Wardrop's first principle).

Solved by bushes (see `bushes`): flows kept per class and origin, so that a solution can be carried to an edited
network or demand (see `continuing`) and continued there instead of being computed anew.

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
from synapolis.models.traffic import paths, search, starts
from synapolis.models.traffic.bushes import total_flow
from synapolis.models.traffic.classes import CARS, VehicleClass, fixed_costs
from synapolis.models.traffic.continuing import Bushes, fitting
from synapolis.models.traffic.delay import times_and_integrals
from synapolis.models.traffic.network import RoadNetwork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SHOWN = 5  # how many pairs an error message names


class Equilibrium(NamedTuple):
    """Flows and times of an assignment, and how near to equilibrium they are.

    Skims have the shape of the demand: (zone, zone), or (class, zone, zone).
    """

    link_flow: NDArray[np.float64]  # (link,) [pcu/h] all classes
    class_flow: NDArray[np.float64]  # (class, link) [veh/h]
    link_time: NDArray[np.float64]  # (link,) [s]
    skim: NDArray[np.float64]  # [s] travel time on a least-cost route; infinite if there is none
    skim_cost: NDArray[np.float64]  # [s] the same route's cost: time, constant costs and tolls
    relative_gap: float  # (total cost - cost if all took the shortest routes) / total cost, in pcu
    iterations: int
    objective: float  # Beckmann's, with the classes' constant costs [pcu s/h]
    converged: bool
    unserved: float  # [veh/h] demand between zones no route joins, left out on request
    bushes: Bushes


def user_equilibrium(
    network: RoadNetwork,
    demand: ArrayLike,
    *,
    classes: Sequence[VehicleClass] = CARS,
    relative_gap: float = 1e-4,
    max_iterations: int = 500,
    start: Bushes | None = None,
    drop_unreachable: bool = False,
    allow_unconverged: bool = False,
) -> Equilibrium:
    """Assign trips to routes so that all routes a class uses between two zones cost it the same.

    Parameters
    ----------
    network : RoadNetwork
    demand : (zone, zone) or (class, zone, zone) [veh/h]
        Trips from row to column. Trips within a zone (and between zones at one node) use no link.
    classes : sequence of VehicleClass
        One for each table of `demand`.
    relative_gap : float [1]
        Largest share of the total cost that drivers could still save.
    max_iterations : int
        Largest number of rounds over the origins.
    start : Bushes, optional
        `Equilibrium.bushes` of the same links, zones and classes under another demand, capacity, time, toll or
        closure (see `carried` for a network with other links). The result satisfies the same gap as a cold start.
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
    LayerError
        A class whose tolls or sizes mean nothing (see `fixed_costs`).
    """
    shape = np.shape(demand)
    trips = _checked_demand(network, demand, classes)
    if not relative_gap > 0.0 or max_iterations < 0:
        raise ModelError(
            f"relative_gap must be above 0 and max_iterations not negative, got {relative_gap}, {max_iterations}"
        )
    net, fixed = frozen(network), fixed_costs(network, classes)
    bushes, unreached = _start(net, fixed, trips, start)
    size = np.repeat([kind.passenger_cars for kind in classes], network.zone_count)[:, None]
    unserved = float((trips / size)[unreached].sum()) if unreached.any() else 0.0
    if unserved and not drop_unreachable:
        raise ModelError(_unreachable_message(trips / size, unreached, network.zone_count))
    trips[unreached] = 0.0
    flow = np.empty(network.link_count)
    iterations, gap = search.solve(
        net, fixed, bushes.flow, bushes.tree, bushes.order, flow, float(relative_gap), max_iterations
    )
    if gap > relative_gap and not allow_unconverged:
        raise ModelError(
            f"assignment must reach a relative gap of {relative_gap:g}, got {gap:.3g} after {iterations} "
            "iterations; allow more iterations, a wider gap, or check for demand far above capacity"
        )
    time, integral = times_and_integrals(network, flow)
    skim_cost, skim = np.empty(trips.shape), np.empty(trips.shape)
    search.write_skims(net, fixed, bushes.tree, bushes.order, flow, time, skim_cost, skim)
    by_class = _by_class(bushes.flow, classes, network.zone_count)
    return Equilibrium(
        link_flow=flow,
        class_flow=by_class,
        link_time=time,
        skim=skim.reshape(shape),
        skim_cost=skim_cost.reshape(shape),
        relative_gap=float(gap),
        iterations=iterations,
        objective=float(integral.sum()) + _paid(classes, fixed, by_class),
        converged=bool(gap <= relative_gap),
        unserved=unserved,
        bushes=bushes,
    )


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
    paths.skims(frozen(network), cost, time, skim_cost, skim_time)
    return skim_time


def loaded(network: RoadNetwork, bush: NDArray[np.float64], trips: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put trips on the routes of a solved class, at each junction in that class's proportions.

    Parameters
    ----------
    network : RoadNetwork
    bush : (zone, link)
        Rows of one class in `Bushes.flow`.
    trips : (zone, zone) [veh/h]

    Returns
    -------
    (link,) [veh/h]

    References
    ----------
    Bar-Gera, Boyce and Nie, User-equilibrium route flows and the condition of proportionality, Transportation
    Research B 46(3) (2012).
    """
    flow = np.empty(network.link_count)
    starts.load_along(frozen(network), bush, np.array(trips, dtype=np.float64, order="C"), flow)
    return flow


def _start(
    net: RoadNetwork, fixed: NDArray[np.float64], trips: NDArray[np.float64], start: Bushes | None
) -> tuple[Bushes, NDArray[np.bool_]]:
    """Bushes that carry the trips, and the pairs that no route joins; `trips` lies in the bushes, not copied."""
    unreached = np.zeros(trips.shape, dtype=np.bool_)
    if start is None:
        rows = len(trips)
        bushes = Bushes(
            flow=np.empty((rows, net.link_count)),
            demand=trips,
            tree=np.empty((rows, net.node_count), dtype=np.int32),
            order=np.empty((rows, net.node_count), dtype=np.int32),
            lost=np.zeros(rows, dtype=np.int8),
        )
        starts.start_cold(net, fixed, trips, bushes.flow, bushes.tree, bushes.order, unreached)
        return bushes, unreached
    bushes = fitting(start, net, len(trips))
    new_nodes = _has_new_nodes(net, bushes.flow)
    starts.start_warm(
        net, fixed, trips, bushes.demand, bushes.lost, new_nodes, bushes.flow, bushes.tree, bushes.order, unreached
    )
    return bushes._replace(demand=trips, lost=np.zeros(len(trips), dtype=np.int8)), unreached


def _has_new_nodes(net: RoadNetwork, bush: NDArray[np.float64]) -> bool:
    """Whether an open link enters a node that no bush reaches: a new street, or one opened again."""
    reached = np.zeros(net.node_count, dtype=np.bool_)
    reached[net.to_node[bush.max(axis=0) >= 0.0]] = True
    return not bool(reached[net.to_node[net.is_open]].all())


def _by_class(bush: NDArray[np.float64], classes: Sequence[VehicleClass], zones: int) -> NDArray[np.float64]:
    flow = np.empty((len(classes), bush.shape[1]))
    for number, kind in enumerate(classes):
        total_flow(bush[number * zones : (number + 1) * zones], flow[number])
        flow[number] /= kind.passenger_cars
    return flow


def _paid(classes: Sequence[VehicleClass], fixed: NDArray[np.float64], by_class: NDArray[np.float64]) -> float:
    """Constant costs of all classes, weighted by their size. [pcu s/h]."""
    spent = np.where(by_class > 0.0, by_class * np.where(np.isfinite(fixed), fixed, 0.0), 0.0).sum(axis=1)
    return float(spent @ np.array([kind.passenger_cars for kind in classes]))


def _checked_demand(network: RoadNetwork, demand: ArrayLike, classes: Sequence[VehicleClass]) -> NDArray[np.float64]:
    """Trips in passenger-car units, (class * zone, zone); nothing between zones at one node."""
    trips = np.array(demand, dtype=np.float64)
    zones = network.zone_count
    if trips.shape != (len(classes), zones, zones) and (len(classes) != 1 or trips.shape != (zones, zones)):
        raise ModelError(
            f"demand must be {zones} by {zones} zones for each of {len(classes)} classes, got {trips.shape}; "
            "order it as zone_node"
        )
    trips = trips.reshape(len(classes), zones, zones)
    wrong = ~np.isfinite(trips) | (trips < 0.0)
    if wrong.any():
        at, origin, other = (int(i) for i in np.argwhere(wrong)[0])
        raise ModelError(
            f"demand must be finite and not negative, got {trips[at, origin, other]} from zone {origin} to zone "
            f"{other} ({int(wrong.sum())} pairs in all); check the trip table"
        )
    trips[:, network.zone_node[:, None] == network.zone_node[None, :]] = 0.0
    for number, kind in enumerate(classes):
        trips[number] *= kind.passenger_cars
    return trips.reshape(-1, zones)


def _unreachable_message(trips: NDArray[np.float64], unreached: NDArray[np.bool_], zones: int) -> str:
    pairs = np.argwhere(unreached)
    named = ", ".join(f"{row % zones}->{destination}" for row, destination in pairs[:SHOWN])
    more = ", ..." if len(pairs) > SHOWN else ""
    return (
        f"each pair of zones with demand must be joined by a route, got none for {len(pairs)} pairs carrying "
        f"{trips[unreached].sum():.6g} veh/h (zones {named}{more}); join the network, undo the closure, "
        "or drop these trips (drop_unreachable)"
    )


def frozen(network: RoadNetwork) -> Any:
    """Read-only views: one type for the compiled kernels, and a promise that they change nothing."""

    def view(array: NDArray[Any]) -> NDArray[Any]:
        seen = np.ascontiguousarray(array).view()
        seen.flags.writeable = False
        return seen

    return RoadNetwork(*(view(array) for array in network))
