"""Car trips fitted to counts: the least multiplicative change of a trip table that meets what was counted.

The routes of an equilibrium give, for each pair of zones, how far the flows on its way lie above the counts. Trips are
changed against that, step by step, and assigned again; no pair is changed by more than a stated factor.

References
----------
Spiess, A gradient approach for the O-D matrix adjustment problem, Centre de recherche sur les transports, Université
de Montréal (1990).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.errors import LayerError
from synapolis.models.traffic.bushes import sort_bush
from synapolis.models.traffic.continuing import Bushes
from synapolis.models.traffic.equilibrium import Equilibrium, frozen, loaded, user_equilibrium
from synapolis.models.traffic.network import RoadNetwork
from synapolis.models.traffic.roads import CityRoads

Floats = NDArray[np.float64]

PRIOR_ROUNDS = 3  # of demand and equilibrium, before trips are changed
FITTING_ROUNDS = 6  # equilibria while trips are changed
STEPS = 8  # gradient steps between equilibria
LONGEST_STEP = 0.5  # no pair's trips change by more than this share in one step
DIRECTIONS = ("both", "along", "against")


class Counted(NamedTuple):
    """Counts on links: `link` (entry,) belongs to `number` (entry,) of the count; `volume` (count,) [veh/h]."""

    link: NDArray[np.int64]
    number: NDArray[np.int64]
    volume: Floats

    def modelled(self, link_flow: Floats) -> Floats:
        """Flow where each count was taken. (count,)."""
        return np.bincount(self.number, weights=link_flow[self.link], minlength=len(self.volume)).astype(np.float64)


def counted_links(counts: pd.DataFrame, streets: pd.DataFrame, roads: CityRoads) -> Counted:
    """Find the links of each count.

    Parameters
    ----------
    counts : traffic_counts layer: street, direction, vehicles_per_hour
    streets : streets layer
    roads : CityRoads

    Raises
    ------
    LayerError
        A street that is not there or not open to cars, a direction it does not have, or an unknown one.
    """
    links, numbers = [], []
    starts = np.array([streets.index.get_loc(name) if name in streets.index else -1 for name in counts["street"]])
    real = np.flatnonzero(roads.link_street >= 0)
    _, first = np.unique(roads.link_street[real], return_index=True)
    along = np.zeros(len(roads.link_street), dtype=bool)
    along[real[first]] = True  # a street's first link goes along its line, the second against it
    for number, (row, way) in enumerate(zip(starts, _column(counts, "direction").replace("", "both"), strict=True)):
        if way not in DIRECTIONS:
            raise LayerError(f"direction of a count must be {', '.join(DIRECTIONS)}, got {way!r}; correct the counts")
        mine = real[roads.link_street[real] == row] if row >= 0 else real[:0]
        if way != "both":
            mine = mine[along[mine] == (way == "along")]
        if not len(mine):
            raise LayerError(
                f"traffic was counted on {counts['street'].iloc[number]!r} ({way}), which is no street open to cars in "
                "that direction; correct the street's id or the direction, or leave the count out"
            )
        links.append(mine)
        numbers.append(np.full(len(mine), number))
    volume = counts["vehicles_per_hour"].to_numpy(dtype=float)
    return Counted(np.concatenate(links), np.concatenate(numbers), volume)


def _column(counts: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column of text, empty where the table has none."""
    return counts[name].fillna("") if name in counts else pd.Series("", index=counts.index)


def screenlines(counts: pd.DataFrame) -> pd.Series[str]:
    """Screen line of each count, empty where it belongs to none."""
    return _column(counts, "screenline")


def fitted_factors(
    demand: Callable[[Floats], Floats],
    start_time: Floats,
    roads: CityRoads,
    counted: Counted,
    *,
    gap: float,
    most: float,
) -> Floats:
    """Factors on modelled car trips with which their equilibrium meets the counts as well as they can.

    Parameters
    ----------
    demand : function of car times (zone, zone) [s] to car trips (zone, zone) [veh/h]
    start_time : (zone, zone) [s]
    roads : CityRoads
    counted : Counted
    gap : float
        Relative gap of the equilibria.
    most : float
        Largest factor, and one over the smallest.

    Returns
    -------
    (zone, zone) [1]
        1 where no route passes a count.
    """
    time = start_time
    found: Equilibrium | None = None
    for _ in range(PRIOR_ROUNDS):
        trips = demand(time)
        found = _assign(roads.network, trips, gap, found)
        time = (time + np.where(np.isfinite(found.skim), found.skim, time)) / 2
    prior = demand(time)
    trips = prior.copy()
    for _ in range(FITTING_ROUNDS):
        found = _assign(roads.network, trips, gap, found)
        trips = step_towards(trips, prior, roads.network, found.bushes, counted, most=most)
    return np.divide(trips, prior, out=np.ones_like(trips), where=prior > 0)


def _assign(network: RoadNetwork, trips: Floats, gap: float, before: Equilibrium | None) -> Equilibrium:
    start = None if before is None else before.bushes
    return user_equilibrium(network, trips, relative_gap=gap, drop_unreachable=True, start=start)


def step_towards(
    trips: Floats, prior: Floats, network: RoadNetwork, bushes: Bushes, counted: Counted, *, most: float
) -> Floats:
    """Gradient steps towards the counts on given routes.

    Parameters
    ----------
    trips, prior : (zone, zone) [veh/h]
    network : RoadNetwork
    bushes : Bushes
        Routes of an equilibrium of cars.
    counted : Counted
    most : float
        Bound of trips over prior, either way.

    Returns
    -------
    (zone, zone) [veh/h]
    """
    net = frozen(network)
    weight = 1.0 / np.maximum(counted.volume, 1.0)
    routes = bushes.flow[: network.zone_count]
    trips = trips.copy()
    volume = counted.modelled(loaded(network, routes, trips))
    for _ in range(STEPS):
        excess = np.zeros(network.link_count)
        np.add.at(excess, counted.link, (weight * (volume - counted.volume))[counted.number])
        slope = route_means(net, routes, excess)
        steepest = float(np.abs(slope).max())
        change = -trips * slope
        more, less = np.maximum(change, 0.0), np.maximum(-change, 0.0)
        moved = counted.modelled(loaded(network, routes, more) - loaded(network, routes, less))
        if steepest == 0.0 or not (weight @ moved**2) > 0.0:
            break
        best = float(weight @ (moved * (counted.volume - volume))) / float(weight @ moved**2)
        length = min(best, LONGEST_STEP / steepest)
        trips = np.clip(trips + length * change, prior / most, prior * most)
        volume = counted.modelled(loaded(network, routes, trips))
    return trips


@nb.njit(cache=True)
def route_means(net: Any, routes: Any, value: Any) -> Any:
    """Sum of a value of links along the way between zones, mean over the routes in use; 0 where there is none.

    `routes` (zone, link) is each origin's flow, below 0 outside its acyclic subnetwork. Returns (zone, zone).
    """
    zones, nodes = len(net.zone_node), len(net.out_start) - 1
    found = np.zeros((zones, zones))
    order, position = np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    degree, mean = np.empty(nodes, dtype=np.int32), np.empty(nodes)
    for zone in range(zones):
        row = routes[zone]
        count = sort_bush(net, net.zone_node[zone], row, order, position, degree)
        mean[:] = 0.0
        for n in range(1, count):
            node = order[n]
            total, passed = 0.0, 0.0
            for star in range(net.in_start[node], net.in_start[node + 1]):
                link = net.in_link[star]
                if row[link] > 0.0:
                    total += row[link] * (mean[net.from_node[link]] + value[link])
                    passed += row[link]
            if passed > 0.0:
                mean[node] = total / passed
        for goal in range(zones):
            if goal != zone:
                found[zone, goal] = mean[net.zone_node[goal]]
    return found


def geh(modelled: Floats, counted: Floats) -> Floats:
    """GEH statistic of hourly volumes: below 5 is a good fit. (count,)."""
    both = modelled + counted
    return np.sqrt(np.divide(2 * (modelled - counted) ** 2, both, out=np.zeros_like(both), where=both > 0))
