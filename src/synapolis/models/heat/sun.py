"""Where the sun stands, how clear the sky is, and which clock a weather file keeps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

YEAR = 2023  # sun positions differ by less than 0.3° between years
CLOCK_STEP = 0.25  # h: resolution at which a weather file's clock is found
LEAST_HEIGHT = 0.05  # sine of the sun's altitude (3°) below which clearness cannot be told


class SunPath(NamedTuple):
    """Sun by moment: radians above the horizon, radians clockwise from north."""

    altitude: Floats
    azimuth: Floats


def sun_path(hours: Floats, latitude: float, longitude: float) -> SunPath:
    """Position of the sun.

    Parameters
    ----------
    hours : hours since the start of the year, universal time
    latitude, longitude : degrees

    References
    ----------
    Reda, I. and Andreas, A. (2004), Solar position algorithm for solar radiation applications; as pvlib computes it.
    """
    from pvlib.solarposition import spa_python  # noqa: PLC0415 - slow to import

    times = pd.Timestamp(YEAR, 1, 1, tz="UTC") + pd.to_timedelta(np.asarray(hours, dtype=np.float64), unit="h")
    found = spa_python(pd.DatetimeIndex(times), latitude, longitude)
    return SunPath(np.radians(found["elevation"].to_numpy()), np.radians(found["azimuth"].to_numpy()))


def clear_sky(altitude: Floats) -> Floats:
    """Global irradiance [W/m²] on flat ground under a clear sky, from the sun's altitude [rad].

    References
    ----------
    Haurwitz, B. (1945), Insolation in relation to cloudiness and cloud density; as pvlib computes it.
    """
    from pvlib.clearsky import haurwitz  # noqa: PLC0415 - slow to import

    zenith = pd.Series(90 - np.degrees(altitude))
    return np.asarray(haurwitz(zenith)["ghi"], dtype=np.float64)


def split(total: Floats, altitude: Floats, day_of_year: int) -> tuple[Floats, Floats]:
    """Direct normal and diffuse horizontal irradiance [W/m²] from global irradiance.

    References
    ----------
    Erbs, D. G., Klein, S. A. and Duffie, J. A. (1982), Estimation of the diffuse radiation fraction; as pvlib does.
    """
    from pvlib.irradiance import erbs  # noqa: PLC0415 - slow to import

    parts = erbs(total, 90 - np.degrees(altitude), day_of_year)
    return np.asarray(parts["dni"], dtype=np.float64), np.asarray(parts["dhi"], dtype=np.float64)


def clearness(total: Floats, altitude: Floats) -> Floats:
    """Global irradiance over that of a clear sky, at most 1; hours with a low sun take the mean of the others."""
    high = np.sin(altitude) > LEAST_HEIGHT
    clear = np.where(high, clear_sky(altitude), 1.0)
    usual = float(total[high].sum() / clear[high].sum()) if high.any() else 1.0
    return np.clip(np.where(high, total / clear, usual), 0.0, 1.0)


def clock_of(radiation: Floats, latitude: float, longitude: float) -> float:
    """Hours by which a year of weather runs ahead of universal time, by its own radiation.

    The time zone of a weather file is lost on the way, and some keep their radiation on another clock than they say.
    So the clock is the one whose sun the radiation follows best.

    Parameters
    ----------
    radiation : (8760,) or (8784,) global irradiance by the hour, each the mean of the hour that begins then [W/m²]
    latitude, longitude : degrees
    """
    days = len(radiation) // 24
    by_day = np.nan_to_num(radiation[: days * 24]).reshape(days, 24)
    some = np.arange(0, days, 7)
    quarters = np.arange(0, 24, CLOCK_STEP)
    path = sun_path((some[:, None] * 24 + quarters).ravel(), latitude, longitude)
    height = np.maximum(np.sin(path.altitude), 0).reshape(len(some), -1)
    middles = np.arange(24) + 0.5
    offsets = np.arange(-12, 14 + CLOCK_STEP, CLOCK_STEP)
    fits = []
    for offset in offsets:
        steps = np.rint((middles - offset) / CLOCK_STEP).astype(np.int64) % len(quarters)
        fits.append(float((by_day[some] * height[:, steps]).sum()))
    best = offsets[int(np.argmax(fits))]
    return float(best)
