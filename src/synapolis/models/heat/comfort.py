"""How hot it feels: the Universal Thermal Climate Index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synapolis.core.errors import NotComputableError
from synapolis.models.heat.day import vapour_pressure_at

CALMEST, WINDIEST = 0.5, 17.0  # m/s: range of the index; calmer air is taken as 0.5
MOST_VAPOUR = 50.0  # hPa: range of the index
LOWEST, HIGHEST, STEP = -30.0, 70.0, 0.05
"""Radiant temperature above the air's [K]: range of the index, and the step of the table that is read for cells. The
index is smooth: between steps it is off by less than 1e-5 K."""
STRONG, VERY_STRONG = 32.0, 38.0
"""UTCI [°C] above which heat stress is strong and very strong (COST action 730, as pythermalcomfort has them)."""


def felt_temperature(radiant: NDArray[Any], *, air: float, humidity: float, wind: float) -> NDArray[np.float32]:
    """UTCI of cells with one state of the air.

    Parameters
    ----------
    radiant : any shape, mean radiant temperature [°C]
    air : °C
    humidity : relative [1]
    wind : at 10 m [m/s]; held to 0.5 to 17

    Returns
    -------
    Shape of `radiant` [°C]

    Raises
    ------
    NotComputableError
        Air outside what the index is made for.

    References
    ----------
    Bröde, P. et al. (2012), Deriving the operational procedure for the Universal Thermal Climate Index (UTCI); as
    pythermalcomfort computes it.
    """
    from pythermalcomfort.models import utci  # noqa: PLC0415 - slow to import

    vapour = float(vapour_pressure_at(air)) * humidity
    span = (float(np.min(radiant)) - air, float(np.max(radiant)) - air)
    if not (-50 <= air <= 50 and vapour <= MOST_VAPOUR and span[0] >= LOWEST and span[1] <= HIGHEST):
        raise NotComputableError(
            f"UTCI holds from -50 to 50 °C of air, up to {MOST_VAPOUR:g} hPa of vapour and from 30 K below to 70 K "
            f"above the air in radiant temperature; got {air:.1f} °C, {vapour:.1f} hPa and {span[0]:+.0f} to "
            f"{span[1]:+.0f} K; choose another heat_day or heat_hour"
        )
    above = np.clip(np.asarray(radiant, dtype=np.float64) - air, LOWEST, HIGHEST)
    steps = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)
    held = min(max(wind, CALMEST), WINDIEST)
    found = utci(
        tdb=np.full(steps.shape, air),
        tr=air + steps,
        v=np.full(steps.shape, held),
        rh=np.full(steps.shape, 100 * humidity),
        limit_inputs=False,
        round_output=False,
    )
    return np.interp(above, steps, np.asarray(found.utci, dtype=np.float64)).astype(np.float32)
