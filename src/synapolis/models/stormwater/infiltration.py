"""What each cell sheds in one storm, without routing: Green-Ampt infiltration and depression storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synapolis.core.errors import ModelError

Floats = NDArray[np.float64]

HOUR = 3600.0
"""Seconds in an hour: rates are given in mm/h and used in mm/s."""


@dataclass(frozen=True, slots=True)
class PointRunoff:
    """Where one storm's rain ends on each cell.

    Attributes
    ----------
    runoff, infiltrated, stored : (..., cell) [mm]
        Rain shed, rain taken by the ground, rain left in depressions when the series ends. They add up to the rain.
    runoff_rate : (time, ..., cell) [mm/h]
        Runoff in each step.
    """

    runoff: Floats
    infiltrated: Floats
    stored: Floats
    runoff_rate: Floats


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy", inline="always")
def green_ampt_step(cumulative: float, conductivity: float, suction_deficit: float, step: float) -> float:
    """Depth that ponded ground would take in one step, from the depth it has taken so far.

    The rate conductivity * (1 + suction_deficit / F) is held at the step's mean F; this gives the exact
    square-root law on dry ground (F = 0) and is second-order in the step elsewhere. Any consistent units.
    """
    drained = conductivity * step
    pulled = 2.0 * drained * suction_deficit
    root: float = np.sqrt(drained * drained + 4.0 * (cumulative * (cumulative + drained) + pulled))
    return max(0.5 * (drained + root) - cumulative, 0.0)


def green_ampt_runoff(
    rain: ArrayLike,
    *,
    step: float,
    conductivity: ArrayLike,
    suction: ArrayLike,
    moisture_deficit: ArrayLike,
    depression_storage: ArrayLike,
    impervious_fraction: ArrayLike,
) -> PointRunoff:
    """Split a storm, cell by cell, into runoff, infiltration and depression storage.

    The impervious part of a cell only fills its depressions; the pervious part also infiltrates, from rain and
    from its depressions. Neither part drains onto the other, and nothing flows between cells. Cells of one
    parameter class get the same answer, so a caller may pass one cell for each class.

    Parameters
    ----------
    rain : (time,) [mm/h]
        Intensity in each step; add zeros for the time after the storm.
    step : [s]
        Length of each step.
    conductivity : (..., cell) [mm/h]
        Saturated hydraulic conductivity of the pervious part.
    suction : (..., cell) [mm]
        Suction head at the wetting front.
    moisture_deficit : (..., cell) [1]
        Porosity less initial water content, 0 to 1.
    depression_storage : (..., cell) [mm]
        Depth held by the surface, on both parts.
    impervious_fraction : (..., cell) [1]
        0 to 1.

    Returns
    -------
    PointRunoff
        rain = runoff + infiltrated + stored.

    Raises
    ------
    ModelError
        A value that is not finite or outside its range, or shapes that do not broadcast.

    References
    ----------
    Green and Ampt (1911), Studies on soil physics, Journal of Agricultural Science 4(1).
    """
    intensity = rain_series(rain, step)
    parameters = {
        "conductivity": _bounded("conductivity", conductivity, np.inf),
        "suction": _bounded("suction", suction, np.inf),
        "moisture_deficit": _bounded("moisture_deficit", moisture_deficit, 1.0),
        "depression_storage": _bounded("depression_storage", depression_storage, np.inf),
        "impervious_fraction": _bounded("impervious_fraction", impervious_fraction, 1.0),
    }
    try:
        cells = np.broadcast_arrays(*parameters.values())
    except ValueError as error:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in parameters.items())
        raise ModelError(f"parameters must broadcast to one (..., cell) shape, got {shapes}") from error
    shape = cells[0].shape
    flat = np.stack([values.reshape(-1) for values in cells])
    out = np.zeros((3, flat.shape[1]))
    rate = np.empty((intensity.size, flat.shape[1]))
    _point_runoff(intensity * (step / HOUR), step / HOUR, flat, out, rate)
    runoff, infiltrated, stored = (part.reshape(shape) for part in out)
    return PointRunoff(runoff, infiltrated, stored, rate.reshape(intensity.size, *shape))


def rain_series(rain: ArrayLike, step: float) -> Floats:
    """Check a rain series [mm/h] and its step [s]; return it as (time,) float64."""
    series = np.asarray(rain, dtype=np.float64)
    if series.ndim != 1 or series.size == 0:
        raise ModelError(f"rain must be one series of intensities (time,) in mm/h, got shape {series.shape}")
    wrong = int(np.count_nonzero(~((series >= 0.0) & (series < np.inf))))
    if wrong:
        raise ModelError(f"rain must be finite and at least 0 mm/h, got {wrong} steps that are not; mend the series")
    if not 0.0 < step < np.inf:
        raise ModelError(f"the rain step must be above 0 s, got {step}")
    return series


def _bounded(name: str, value: ArrayLike, top: float) -> Floats:
    values = np.asarray(value, dtype=np.float64)
    wrong = int(np.count_nonzero(~((values >= 0.0) & (values <= top) & np.isfinite(values))))
    if wrong:
        wanted = f"between 0 and {top:g}" if np.isfinite(top) else "finite and at least 0"
        raise ModelError(f"{name} must be {wanted}, got {wrong} cells that are not; map ground cover and soil first")
    return values


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _point_runoff(rain: Any, hours: Any, cells: Any, out: Any, rate: Any) -> None:
    """Fill `out` (runoff, infiltrated, stored) and `rate`; `rain` is each step's depth [mm], `hours` its length."""
    block = 256  # cells whose state stays in the first-level cache while time passes
    taken, ponded, shed = np.empty(block), np.empty(block), np.empty(block)
    held, hard_shed = np.empty(block), np.empty(block)
    for first in range(0, out.shape[1], block):
        last = min(first + block, out.shape[1])
        soil, pull = cells[0, first:last], cells[1, first:last] * cells[2, first:last]
        room, hard = cells[3, first:last], cells[4, first:last]
        taken[:], ponded[:], shed[:], held[:], hard_shed[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        for time in range(rain.size):
            fall = rain[time]
            now = rate[time, first:last]
            for cell in range(last - first):
                water = ponded[cell] + fall
                gain = min(green_ampt_step(taken[cell], soil[cell], pull[cell], hours), water)
                taken[cell] += gain
                water -= gain
                ponded[cell] = min(water, room[cell])
                soft_spill = water - ponded[cell]
                shed[cell] += soft_spill
                water = held[cell] + fall
                held[cell] = min(water, room[cell])
                hard_spill = water - held[cell]
                hard_shed[cell] += hard_spill
                now[cell] = (hard[cell] * hard_spill + (1.0 - hard[cell]) * soft_spill) / hours
        for cell in range(last - first):
            soft = 1.0 - hard[cell]
            out[0, first + cell] = hard[cell] * hard_shed[cell] + soft * shed[cell]
            out[1, first + cell] = soft * taken[cell]
            out[2, first + cell] = hard[cell] * held[cell] + soft * ponded[cell]
