"""Classes of vehicles that share the road: what one counts for in passenger cars, what it pays, where it may go.

All classes meet the same travel time on a link; they differ by constant costs (tolls at their own value of
time), by bans, and by the space they take. Counted in passenger-car units, such an equilibrium still minimises
one convex function, so the classes are solved together as exactly as one.

References
----------
Dafermos, The traffic assignment problem for multiclass-user transportation networks, Transportation Science
6(1) (1972). Yang and Huang, The multi-class, multi-criteria traffic network equilibrium and systems optimum
problem, Transportation Research B 38(1) (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from synapolis.models.traffic.network import RoadNetwork


class VehicleClass(NamedTuple):
    """One class of vehicles.

    `passenger_cars` [pcu/veh] is what one vehicle counts for against capacity. `toll` (link,) [money] is paid on
    each link, on top of the network's `constant_cost`, and weighs `toll / value_of_time` [s] (money per second).
    `allowed` (link,) is false where the class may not drive.
    """

    name: str
    passenger_cars: float = 1.0
    toll: ArrayLike = 0.0
    value_of_time: float = 1.0
    allowed: ArrayLike = True


CARS = (VehicleClass("car"),)


def fixed_costs(network: RoadNetwork, classes: Sequence[VehicleClass]) -> NDArray[np.float64]:
    """What each class pays on each link beside the time, in seconds; infinite where it may not go.

    Parameters
    ----------
    network : RoadNetwork
    classes : sequence of VehicleClass

    Returns
    -------
    (class, link) [s]

    Raises
    ------
    LayerError
        A class without space or value of time, tables of another length, or a toll below what the network's own
        constant cost makes up for: routes that earn money have no equilibrium.
    """
    count = network.link_count
    fixed = np.empty((len(classes), count))
    for number, kind in enumerate(classes):
        if not (0.0 < kind.passenger_cars < np.inf and 0.0 < kind.value_of_time < np.inf):
            raise LayerError(
                f"class {kind.name!r} must have passenger_cars and value_of_time above 0, "
                f"got {kind.passenger_cars} and {kind.value_of_time}"
            )
        toll, allowed = (_of_links(kind.name, values, count) for values in (kind.toll, kind.allowed))
        paid = network.constant_cost + toll.astype(np.float64) / kind.value_of_time
        if not (paid >= 0.0).all():
            link = int(np.flatnonzero(~(paid >= 0.0))[0])
            raise LayerError(
                f"tolls of class {kind.name!r} must not be negative, got {toll[link]} on link {link}; "
                "check the toll's sign (a subsidy belongs outside the route choice)"
            )
        fixed[number] = np.where(network.is_open & allowed.astype(np.bool_), paid, np.inf)
    return fixed


def _of_links(name: str, values: ArrayLike, count: int) -> NDArray[np.generic]:
    array = np.asarray(values)
    if array.ndim and array.shape != (count,):
        raise LayerError(f"class {name!r} must give one value for each of {count} links, got shape {array.shape}")
    return np.broadcast_to(array, (count,))
