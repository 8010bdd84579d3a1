"""Travel demand: trip ends, doubly constrained gravity, mode shares, and through traffic at gateways.

Every rate is an argument: a city's assumptions table provides it with its source.

References
----------
Ortuzar and Willumsen, Modelling Transport, 4th ed., ch. 4 to 7 (2011). Furness, Time function iteration,
Traffic Engineering and Control 7 (1965). Wilson, A statistical theory of spatial distribution models,
Transportation Research 1 (1967).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synapolis.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SHOWN = 5  # how many offenders an error message names


class Furness(NamedTuple):
    """A balanced trip table and how well its margins are met."""

    trips: NDArray[np.float64]  # (zone, zone)
    iterations: int
    error: float  # largest difference of a margin, relative to the largest margin
    converged: bool


def trip_production(population: ArrayLike, *, trips_per_person: float) -> NDArray[np.float64]:
    """Trips made by the people living in each zone.

    Parameters
    ----------
    population : (zone,) [person]
    trips_per_person : float [trip/d]

    Returns
    -------
    (zone,) [trip/d]

    Raises
    ------
    ModelError
        A negative or non-finite population or rate.
    """
    return _amounts("population", population) * _rate("trips_per_person", trips_per_person)


def trip_attraction(
    population: ArrayLike, jobs: ArrayLike, *, weight_per_person: float, weight_per_job: float, total: float
) -> NDArray[np.float64]:
    """Trips drawn to each zone, in proportion to weighted people and jobs.

    Parameters
    ----------
    population : (zone,) [person]
    jobs : (zone,) [job]
    weight_per_person, weight_per_job : float [trip/d]
        Attraction rates; only their ratio matters, because the sum is scaled to `total`.
    total : float [trip/d]
        Sum of the productions to be met.

    Returns
    -------
    (zone,) [trip/d]

    Raises
    ------
    ModelError
        A negative or non-finite value, or trips to be drawn to a city without people and jobs.
    """
    weight = _amounts("population", population) * _rate("weight_per_person", weight_per_person)
    weight = weight + _amounts("jobs", jobs) * _rate("weight_per_job", weight_per_job)
    wanted = _rate("total", total)
    if wanted > 0.0 and not weight.sum() > 0.0:
        raise ModelError(
            f"{wanted:g} trips a day need somewhere to go, got no weighted people or jobs in {len(weight)} zones"
        )
    return np.zeros_like(weight) if wanted == 0.0 else np.asarray(weight * (wanted / weight.sum()))


def deterrence(cost: ArrayLike, *, decay: float, exponent: float = 0.0) -> NDArray[np.float64]:
    """Willingness to travel, cost^exponent exp(-decay cost): exponential, or combined (Tanner's).

    Parameters
    ----------
    cost : (zone, zone) [s]
        Infinite where no route joins two zones: nobody goes there.
    decay : float [1/s]
        Not negative.
    exponent : float [1]
        0 makes the plain exponential form; with another one every cost must be above 0.

    Returns
    -------
    (zone, zone) [1]

    Raises
    ------
    ModelError
        A negative or undefined cost, a negative decay, or a cost of 0 with a negative exponent.
    """
    seconds = np.asarray(cost, dtype=np.float64)
    if np.isnan(seconds).any() or (seconds < 0.0).any():
        raise ModelError("cost must not be negative or undefined between any two zones; check the skim")
    rate = _rate("decay", decay)
    if exponent < 0.0 and (seconds == 0.0).any():
        raise ModelError(
            "a negative exponent needs every cost above 0, got 0 between some zones; give cost within a zone"
        )
    joined = np.isfinite(seconds)
    finite = np.where(joined, seconds, 0.0 if exponent >= 0.0 else 1.0)
    return np.asarray(np.where(joined, finite**exponent * np.exp(-rate * finite), 0.0))


def furness(
    seed: ArrayLike,
    production: ArrayLike,
    attraction: ArrayLike,
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 1000,
) -> Furness:
    """Scale rows and columns of a table in turn until its sums are the wanted ones.

    Parameters
    ----------
    seed : (zone, zone)
        Not negative; its zeros stay zero.
    production, attraction : (zone,) [trip/d]
        Wanted row and column sums, of equal total.
    tolerance : float [1]
        Largest difference of any sum, relative to the largest wanted sum.
    max_iterations : int

    Returns
    -------
    Furness
        `converged` is false where the sums cannot be met with the zeros of the seed; the columns then fit.

    Raises
    ------
    ModelError
        Values negative or not finite, unequal totals, or trips from or to a zone that the seed joins to none.
    """
    rows, columns = _amounts("production", production), _amounts("attraction", attraction)
    table = _amounts("seed", seed)
    if table.shape != (len(rows), len(columns)):
        raise ModelError(f"seed must be {len(rows)} by {len(columns)}, got {table.shape}")
    if not np.isclose(rows.sum(), columns.sum(), rtol=1e-6):
        raise ModelError(
            f"productions and attractions must have one total, got {rows.sum():.6g} and {columns.sum():.6g}; "
            "scale the attractions first"
        )
    _refuse_alone(rows, table.sum(axis=1), "from")
    _refuse_alone(columns, table.sum(axis=0), "to")
    trips = table.copy()
    largest = max(float(rows.max(initial=0.0)), float(columns.max(initial=0.0)))
    error, iterations = np.inf if largest > 0.0 else 0.0, 0
    while error > tolerance and iterations < max_iterations:
        trips *= _ratio(rows, trips.sum(axis=1))[:, None]
        trips *= _ratio(columns, trips.sum(axis=0))[None, :]
        error = float(np.abs(trips.sum(axis=1) - rows).max()) / largest
        iterations += 1
    return Furness(trips * (largest > 0.0), iterations, error, bool(error <= tolerance))


def gravity_trips(
    production: ArrayLike,
    attraction: ArrayLike,
    cost: ArrayLike,
    *,
    decay: float,
    exponent: float = 0.0,
    tolerance: float = 1e-8,
) -> NDArray[np.float64]:
    """Doubly constrained gravity model: trips between zones that meet both trip ends.

    Parameters
    ----------
    production, attraction : (zone,) [trip/d]
        Of equal total.
    cost : (zone, zone) [s]
        With the cost within each zone on the diagonal; infinite where no route joins two zones.
    decay : float [1/s]
    exponent : float [1]
        See `deterrence`.
    tolerance : float [1]
        See `furness`.

    Returns
    -------
    (zone, zone) [trip/d]

    Raises
    ------
    ModelError
        As `deterrence` and `furness`; or trip ends that cannot be met over the routes there are.
    """
    balanced = furness(deterrence(cost, decay=decay, exponent=exponent), production, attraction, tolerance=tolerance)
    if not balanced.converged:
        raise ModelError(
            f"trip ends must be met within {tolerance:g}, got {balanced.error:.3g} after {balanced.iterations} "
            "rounds; some zones are joined to too few others"
        )
    return balanced.trips


def origin_destination(trips: ArrayLike, *, outbound_share: float) -> NDArray[np.float64]:
    """Turn trips from home to activity into trips from origin to destination.

    Parameters
    ----------
    trips : (zone, zone)
        From the zone of the home to that of the activity.
    outbound_share : float [1]
        Share on the way out in the hours meant: 0.5 over a day, more in the morning.

    Returns
    -------
    (zone, zone)

    Raises
    ------
    ModelError
        A share outside [0, 1], or trips negative or not finite.
    """
    table, share = _amounts("trips", trips), _share("outbound_share", outbound_share)
    return np.asarray(share * table + (1.0 - share) * table.T)


def vehicle_trips(
    person_trips: ArrayLike, *, car_share: ArrayLike, persons_per_car: float, hour_share: float
) -> NDArray[np.float64]:
    """Cars in one hour from person trips in a day.

    Parameters
    ----------
    person_trips : (zone, zone) [trip/d]
    car_share : (zone, zone) or scalar [1]
        Share of the trips made by car (see `mode_shares`).
    persons_per_car : float [person/veh]
        At least 1.
    hour_share : float [1]
        Share of the day's trips made in the hour.

    Returns
    -------
    (zone, zone) [veh/h]

    Raises
    ------
    ModelError
        A share outside [0, 1], fewer than one person in a car, or trips negative or not finite.
    """
    shares = _amounts("car_share", car_share)
    if (shares > 1.0).any():
        raise ModelError(f"car_share must be at most 1, got {shares.max():g}; give shares, not percent")
    if not persons_per_car >= 1.0:
        raise ModelError(f"persons_per_car must be at least 1, got {persons_per_car:g}")
    hour = _share("hour_share", hour_share)
    return np.asarray(_amounts("person_trips", person_trips) * shares * (hour / persons_per_car))


def mode_shares(utility: ArrayLike) -> NDArray[np.float64]:
    """Multinomial logit: the share of each mode, given its utility.

    Parameters
    ----------
    utility : (mode, ...)
        Minus infinity where a mode cannot be used.

    Returns
    -------
    (mode, ...) [1]
        Sums to 1 over modes.

    Raises
    ------
    ModelError
        An undefined or infinitely good utility, or a trip for which no mode can be used.

    References
    ----------
    McFadden, Conditional logit analysis of qualitative choice behavior (1974).
    """
    weight, _ = _logit(utility)
    return np.asarray(weight / weight.sum(axis=0))


def logsum(utility: ArrayLike) -> NDArray[np.float64]:
    """Expected best utility of the multinomial logit, ln(sum of exp(utility)).

    Parameters
    ----------
    utility : (mode, ...)

    Returns
    -------
    (...)

    Raises
    ------
    ModelError
        As `mode_shares`.
    """
    weight, best = _logit(utility)
    return np.asarray(best + np.log(weight.sum(axis=0)))


def through_trips(
    inbound: ArrayLike, outbound: ArrayLike, *, through_share: float, affinity: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Traffic that crosses the city from gateway to gateway, with no stop and no turning back.

    Parameters
    ----------
    inbound, outbound : (gateway,) [veh/h]
        Volumes entering and leaving at each gateway. Outbound ones are scaled to the inbound total.
    through_share : float [1]
        Share of the inbound volume that passes through.
    affinity : (gateway, gateway), optional
        Weight of each pair (0 forbids it); all other gateways alike if not given.

    Returns
    -------
    (gateway, gateway) [veh/h]
        Zero on the diagonal.

    Raises
    ------
    ModelError
        Negative volumes, a share outside [0, 1], or volumes that cannot be paired (one gateway carries more
        than all others together).
    """
    entering = _amounts("inbound", inbound) * _share("through_share", through_share)
    leaving = _amounts("outbound", outbound)
    if entering.sum() == 0.0:
        return np.zeros((len(entering), len(leaving)))
    if leaving.sum() == 0.0:
        raise ModelError(f"through traffic of {entering.sum():g} veh/h must leave somewhere, got no outbound volume")
    pairs = np.ones((len(entering), len(leaving))) if affinity is None else _amounts("affinity", affinity).copy()
    np.fill_diagonal(pairs, 0.0)
    balanced = furness(pairs, entering, leaving * (entering.sum() / leaving.sum()), tolerance=1e-6)
    if not balanced.converged:
        raise ModelError(
            "gateway volumes must be such that each gateway's traffic can leave by another, got a gateway with "
            f"too large a share (a misfit of {balanced.error:.3g}); lower its volume or the through share"
        )
    return balanced.trips


def _logit(utility: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.asarray(utility, dtype=np.float64)
    if np.isnan(values).any() or np.isposinf(values).any():
        raise ModelError("utility must be a number or minus infinity, got an undefined or infinite one")
    best = values.max(axis=0)
    if np.isneginf(best).any():
        raise ModelError(
            f"each trip needs a mode that can be used, got none for {int(np.isneginf(best).sum())} of {best.size}"
        )
    return np.exp(values - best), np.asarray(best)


def _ratio(wanted: NDArray[np.float64], present: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(wanted, present, out=np.zeros_like(wanted), where=present > 0.0)


def _refuse_alone(wanted: NDArray[np.float64], joined: NDArray[np.float64], way: str) -> None:
    alone = np.flatnonzero((wanted > 0.0) & ~(joined > 0.0))
    if len(alone):
        named = ", ".join(str(zone) for zone in alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
        raise ModelError(
            f"{len(alone)} zones ({named}) have trips {way} them but are joined to no zone; "
            "connect them to the network, or leave their trips out"
        )


def _amounts(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all() or (array < 0.0).any():
        raise ModelError(f"{name} must be finite and not negative, got {array.min()} to {array.max()}")
    return array


def _rate(name: str, value: float) -> float:
    if not (np.isfinite(value) and value >= 0.0):
        raise ModelError(f"{name} must be finite and not negative, got {value}")
    return float(value)


def _share(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ModelError(f"{name} must lie between 0 and 1, got {value}; give a share, not percent")
    return float(value)
