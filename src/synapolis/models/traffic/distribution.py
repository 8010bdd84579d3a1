"""Trip distribution: who goes where, both ends met.

References
----------
Furness, Time function iteration, Traffic Engineering and Control 7 (1965). Wilson, A statistical theory of spatial
distribution models, Transportation Research 1 (1967).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from synapolis.core.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SHOWN = 5  # how many offenders an error message names
MILE = 1609.344  # [m]
TOLERANCE = 1e-8
DIVERGED = 1e150  # factors grow without end where the sums cannot be met

# Destination choice: purpose -> (weight of the mode choice logsum, upper ends of distance bands [mile], utility per
# mile inside each band, the last one open). ActivitySim prototype_mtc (MTC Travel Model One), read: workplace, grade
# school, shopping and other discretionary.
DESTINATION: dict[str, tuple[float, tuple[float, ...], tuple[float, ...]]] = {
    "work": (0.3, (1, 2, 5, 15), (-0.8428, -0.3104, -0.3783, -0.1285, -0.0917)),
    "school": (0.5358, (1, 2, 5, 15), (-1.6419, -0.57, -0.57, -0.2031, -0.046)),
    "shopping": (0.6755, (2, 5), (0.0, -0.5655, -0.1832)),
    "other": (0.6755, (2, 5), (-0.1677, -0.4955, -0.1193)),
}


class Furness(NamedTuple):
    """A balanced trip table and how well its margins are met."""

    trips: Floats  # (row, zone)
    iterations: int
    error: float  # largest difference of a margin, relative to the largest margin
    converged: bool
    column_factor: Floats  # (zone,) from which a like table can start


class Distributed(NamedTuple):
    """Trips of each segment between zones; trips that nobody can make are left out and counted."""

    trips: Floats  # (segment, zone, zone)
    column_factor: Floats  # (zone,)
    unserved: float
    error: float  # see Furness; above the tolerance where some zones are too cut off


def distance_utility(purpose: str, metres: ArrayLike) -> Floats:
    """Utility of a destination by its distance, piecewise linear, beyond the time and money it takes.

    Parameters
    ----------
    purpose : a key of `DESTINATION`
    metres : (...) [m]

    Returns
    -------
    (...) [1]
        Minus infinity at an infinite distance.
    """
    _, ends, slopes = DESTINATION[purpose]
    miles = np.asarray(metres, dtype=np.float64) / MILE
    bounds = np.array([0.0, *ends, np.inf])
    inside = np.clip(miles[..., None] - bounds[:-1], 0.0, np.diff(bounds))
    with np.errstate(invalid="ignore"):
        utility = inside[..., :-1] @ np.array(slopes[:-1]) + inside[..., -1] * slopes[-1]
    return np.asarray(utility)


def furness(
    seed: ArrayLike,
    production: ArrayLike,
    attraction: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    max_iterations: int = 1000,
    start: ArrayLike | None = None,
) -> Furness:
    """Scale rows and columns of a table in turn until its sums are the wanted ones.

    Parameters
    ----------
    seed : (row, zone)
        Not negative; its zeros stay zero. Rows may be zones, or segments of zones one after another.
    production, attraction : (row,), (zone,)
        Wanted row and column sums, of equal total.
    tolerance : float [1]
        Largest difference of any sum, relative to the largest wanted sum.
    max_iterations : int
    start : (zone,), optional
        Column factors of a like table.

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
    largest = max(float(rows.max(initial=0.0)), float(columns.max(initial=0.0)))
    if largest == 0.0:
        return Furness(np.zeros_like(table), 0, 0.0, converged=True, column_factor=np.ones(len(columns)))
    factor = np.ones(len(columns)) if start is None else np.where(columns > 0.0, _amounts("start", start), 1.0)
    reached = table @ factor
    error, iterations = np.inf, 0
    while error > tolerance and iterations < max_iterations:
        row_factor = _ratio(rows, reached)
        factor = _ratio(columns, row_factor @ table)
        reached = table @ factor
        error = float(np.abs(row_factor * reached - rows).max()) / largest
        iterations += 1
        if max(row_factor.max(), factor.max()) > DIVERGED:
            break
    trips = row_factor[:, None] * table * factor
    return Furness(trips, iterations, error, converged=bool(error <= tolerance), column_factor=factor)


def distribute(production: Floats, attraction: Floats, weight: Floats, *, start: Floats | None = None) -> Distributed:
    """Doubly constrained distribution of segments that compete for the same places.

    Parameters
    ----------
    production : (segment, zone) [1/d]
    attraction : (zone,) [1/d]
        Scaled, within each connected part of the city, to the trips made there.
    weight : (segment, zone, zone) [1]
        Willingness to go; 0 where nobody can.
    start : (zone,), optional
        Column factors of a like table.

    Returns
    -------
    Distributed
        Rows sum to the production and columns to the scaled attraction; what cannot go anywhere is unserved. Where both
        ends cannot be met over the ways there are, rows still sum to the production, and `error` tells the misfit.
    """
    segments, zones = production.shape
    joined = weight.any(axis=0)
    _, part = connected_components(csr_array(joined | joined.T), directed=False)
    drawing = np.where(joined.any(axis=0), attraction, 0.0)
    able = (weight @ (drawing > 0.0).astype(np.float64)) > 0.0  # (segment, zone)
    made = np.where(able, production, 0.0)
    sent = np.einsum("si,sij->j", (made > 0).astype(np.float64), weight) > 0.0
    drawing = np.where(sent, drawing, 0.0)
    parts = np.eye(int(part.max()) + 1)[part]  # (zone, part)
    made_there, drawn_there = made.sum(axis=0) @ parts, drawing @ parts
    drawing = drawing * _ratio(made_there, drawn_there)[part]
    unserved = float(production.sum() - made.sum())
    table = np.where(made[:, :, None] > 0.0, weight, 0.0).reshape(segments * zones, zones)
    found = furness(table, made.ravel(), drawing, start=start)
    trips, factor = found.trips, found.column_factor
    if not found.converged:
        trips = trips * _ratio(made.ravel(), trips.sum(axis=1))[:, None]
        factor = np.ones_like(factor)
    return Distributed(trips.reshape(weight.shape), factor, unserved, found.error)


def _ratio(wanted: Floats, present: Floats) -> Floats:
    return np.divide(wanted, present, out=np.zeros_like(wanted), where=present > 0.0)


def _refuse_alone(wanted: Floats, joined: Floats, way: str) -> None:
    alone = np.flatnonzero((wanted > 0.0) & ~(joined > 0.0))
    if len(alone):
        named = ", ".join(str(zone) for zone in alone[:SHOWN]) + (", ..." if len(alone) > SHOWN else "")
        raise ModelError(
            f"{len(alone)} zones ({named}) have trips {way} them but are joined to no zone; "
            "connect them to the network, or leave their trips out"
        )


def _amounts(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all() or (array < 0.0).any():
        raise ModelError(f"{name} must be finite and not negative, got {array.min()} to {array.max()}")
    return array
