"""Delay functions: how the time of a link grows with the traffic on it.

Two forms, by link: the Bureau of Public Roads form t = t0 (1 + alpha (v / capacity)^power), and the conical
form t = t0 (2 + sqrt(beta^2 (1 - x)^2 + alpha^2) - beta (1 - x) - alpha), with x = v / capacity and
beta = (2 alpha - 1) / (2 alpha - 2), which is t0 on an empty link, 2 t0 at capacity and nearly straight above.

References
----------
Bureau of Public Roads, Traffic Assignment Manual, US Department of Commerce (1964). Spiess, Conical volume-delay
functions, Transportation Science 24(2) (1990).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.traffic.network import RoadNetwork


@nb.njit(cache=True, inline="always")
def link_cost(net: Any, fixed: Any, link: int, flow: float) -> tuple[float, float]:
    """Cost of a link and its slope at a flow; `fixed` (link,) [s] is what is added to the time."""
    base = net.free_flow_time[link]
    alpha = net.alpha[link]
    if alpha == 0.0:
        return base + fixed[link], 0.0
    ratio = flow / net.capacity[link]
    if net.is_conical[link]:
        beta = (2.0 * alpha - 1.0) / (2.0 * alpha - 2.0)
        room = beta * (1.0 - ratio)
        root = np.sqrt(room * room + alpha * alpha)
        steepness = base * beta * (1.0 - room / root) / net.capacity[link]
        return base * (2.0 + root - room - alpha) + fixed[link], steepness
    power = net.power[link]
    if power == 4.0:  # the classic exponent, without a call to pow
        square = ratio * ratio
        delay = base * alpha * square * square
    else:
        delay = base * alpha * ratio**power
    at_rest = base * alpha / net.capacity[link] if power == 1.0 else 0.0
    return base + delay + fixed[link], power * delay / flow if flow > 0.0 else at_rest


@nb.njit(cache=True)
def set_costs(net: Any, fixed: Any, flow: Any, cost: Any, slope: Any) -> None:
    """Write the cost and slope of every link at the given flow (infinite where `fixed` is: closed)."""
    for link in range(flow.size):
        if fixed[link] < np.inf:
            cost[link], slope[link] = link_cost(net, fixed, link, flow[link])
        else:
            cost[link], slope[link] = np.inf, 0.0


def link_times(network: RoadNetwork, link_flow: ArrayLike) -> NDArray[np.float64]:
    """Travel time of each link at a flow.

    Parameters
    ----------
    network : RoadNetwork
    link_flow : (link,) [pcu/h]

    Returns
    -------
    (link,) [s]
        A closed link has its free-flow time, so that delay times flow stays 0 there.
    """
    return times_and_integrals(network, np.asarray(link_flow, dtype=np.float64))[0]


def beckmann_objective(network: RoadNetwork, link_flow: ArrayLike) -> float:
    """Beckmann's objective: the sum over links of the integral of cost from zero to the flow.

    Parameters
    ----------
    network : RoadNetwork
    link_flow : (link,) [pcu/h]

    Returns
    -------
    float [pcu s / h]

    References
    ----------
    Beckmann, McGuire and Winsten, Studies in the Economics of Transportation, ch. 3 (1956).
    """
    flow = np.asarray(link_flow, dtype=np.float64)
    return float(times_and_integrals(network, flow)[1].sum() + flow @ network.constant_cost)


def times_and_integrals(
    network: RoadNetwork, flow: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Time at each link's flow, and its integral from zero to that flow. Both (link,)."""
    free, alpha, power = network.free_flow_time, network.alpha, network.power
    delayed = (alpha > 0.0) & network.is_open
    ratio = np.divide(flow, network.capacity, out=np.zeros_like(flow), where=delayed)
    bent = np.flatnonzero(network.is_conical & delayed)
    straight = ratio
    if len(bent):
        straight = ratio.copy()
        straight[bent] = 0.0
    delay = alpha * straight**power
    factor, integral = 1.0 + delay, flow * (1.0 + delay / (power + 1.0))
    if len(bent):
        factor[bent], area = _conical(ratio[bent], alpha[bent])
        integral[bent] = area * network.capacity[bent]
    return free * factor, free * integral


def _conical(ratio: NDArray[np.float64], alpha: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Conical function of flow over capacity, and its integral from zero."""
    beta = (2.0 * alpha - 1.0) / (2.0 * alpha - 2.0)
    room = beta * (1.0 - ratio)
    factor = 2.0 + np.hypot(room, alpha) - room - alpha

    def rooted(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(0.5 * (at * np.hypot(at, alpha) + alpha**2 * np.arcsinh(at / alpha)))

    area = (2.0 - alpha) * ratio - beta * (ratio - 0.5 * ratio**2) + (rooted(beta) - rooted(room)) / beta
    return factor, area
