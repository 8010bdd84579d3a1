"""The hot day: hour by hour, from the city's weather or, where it has none, an assumed clear day of its latitude."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from synapolis.core.declare import model
from synapolis.core.errors import LayerError, NotComputableError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import Buildings, Extent, Heights, HotDay, Location, Streets, Terrain, Weather
from synapolis.models.heat.sun import clear_sky, clearness, clock_of, split, sun_path

HOURS = np.arange(24, dtype=np.float64)
COLUMNS = (
    "altitude",
    "azimuth",
    "temperature",
    "humidity",
    "wind_speed",
    "direct_radiation",
    "diffuse_radiation",
    "clearness",
    "clock",
    "day_of_year",
)
NEEDED = ("temperature", "humidity", "global_radiation", "wind_speed")
MID_MONTH = (196, 15)  # 15 July in the north, 15 January in the south
DAYS_BEFORE_MONTH = np.concatenate([[0], np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])])


@model(
    version="1",
    decision="Where the sun stands over the city.",
    method="The middle of the extent, brought from the reference system of the first layer that has one to degrees.",
    limits="One place for the whole city: the sun moves by 0.01° over a kilometre.",
    risks="None of its own.",
    tests="tests/models/heat/test_sun.py",
    optional=("streets", "terrain", "heights", "buildings"),
)
def location(extent: Extent, streets: Streets, terrain: Terrain, heights: Heights, buildings: Buildings) -> Location:
    """Say at which latitude and longitude the city lies.

    Returns
    -------
    (latitude, longitude) in degrees

    Raises
    ------
    NotComputableError
        No layer says in which reference system the city is drawn.

    References
    ----------
    None: a transformation of coordinates (PROJ).
    """
    known = next((layer.crs for layer in (streets, terrain, heights, buildings) if layer is not None), None)
    if known is None:
        raise NotComputableError("location needs streets, terrain, heights or buildings: none says where the city is")
    middle = extent.centroid
    to_degrees = Transformer.from_crs(CRS.from_user_input(known), "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(middle.x, middle.y)
    return float(latitude), float(longitude)


@model(
    version="1",
    decision="The weather for which shade and heat are compared.",
    method="The day of the weather with the highest air temperature (or the day that heat_day names), by the hour. The "
    "clock of the file is found from its own radiation; direct and diffuse radiation are split off by Erbs where not "
    "given.",
    limits="Air, humidity and wind are the station's, the same over the whole city: no heat island, no canyon winds.",
    risks="A typical year holds no heatwave: extremes are hotter than its hottest day.",
    tests="tests/models/heat/test_sun.py",
    columns=tuple(f"weather.{name}" for name in NEEDED),
)
def hot_day(weather: Weather, location: Location, heat_day: float) -> HotDay:
    """Take the hottest day from the city's weather.

    Parameters
    ----------
    weather : hourly table of a year
    location : latitude, longitude [°]
    heat_day : day of the year to take; 0 for the hottest

    Returns
    -------
    DataFrame
        One row an hour (0 to 23, in the file's own clock): altitude and azimuth of the sun at mid-hour [rad],
        temperature [°C], humidity [1], wind_speed at 10 m [m/s], direct and diffuse radiation [W/m²], clearness [1],
        clock [h ahead of universal time], day_of_year.

    Raises
    ------
    LayerError
        Ids that do not say month, day and hour.
    NotComputableError
        No day, or not the one named, has all 24 hours.

    References
    ----------
    Rule of this project. Prata's and Erbs's formulas where they are used.
    """
    table, day = _by_day(weather)
    chosen = _chosen_day(table, day, heat_day)
    latitude, longitude = location
    clock = clock_of(table["global_radiation"].to_numpy(dtype=np.float64), latitude, longitude)
    hours = table[day == chosen]
    path = sun_path((chosen - 1) * 24 + HOURS + 0.5 - clock, latitude, longitude)
    total = hours["global_radiation"].to_numpy(dtype=np.float64)
    direct, diffuse = (hours[name].to_numpy(dtype=np.float64) for name in ("direct_radiation", "diffuse_radiation"))
    if not (np.isfinite(direct).all() and np.isfinite(diffuse).all()):
        direct, diffuse = split(total, path.altitude, chosen)
    up = path.altitude > 0
    return pd.DataFrame(
        {
            "altitude": path.altitude,
            "azimuth": path.azimuth,
            "temperature": hours["temperature"].to_numpy(dtype=np.float64),
            "humidity": np.clip(hours["humidity"].to_numpy(dtype=np.float64), 0, 1),
            "wind_speed": hours["wind_speed"].to_numpy(dtype=np.float64),
            "direct_radiation": np.where(up, direct, 0.0),
            "diffuse_radiation": np.where(up, diffuse, 0.0),
            "clearness": clearness(total, path.altitude),
            "clock": clock,
            "day_of_year": float(chosen),
        },
        index=pd.Index(range(24), name="hour"),
    )


@model(
    version="1",
    decision="A first look at shade and heat where the city has no weather.",
    method="15 July (15 January south of the equator) under a clear sky by Haurwitz and Erbs; air temperature as a "
    "wave between its lowest at 3 and its highest at 15 hours, humidity from a constant dew point, constant wind. "
    "Hours are mean solar time.",
    limits="Wholly assumed: compare places and plans with it, do not read off levels.",
    risks="Taken for the city's climate, which it is not.",
    tests="tests/models/heat/test_sun.py",
    origin="assumed",
    rank=1,
)
def assumed_hot_day(
    location: Location, hot_day_maximum: float, hot_day_range: float, hot_day_dew_point: float, hot_day_wind: float
) -> HotDay:
    """Assume a clear hot day in high summer.

    Returns
    -------
    DataFrame as of `hot_day`

    References
    ----------
    Assumptions of this project; sun and sky as in `hot_day`.
    """
    latitude, longitude = location
    day, clock = MID_MONTH[0 if latitude >= 0 else 1], longitude / 15
    path = sun_path((day - 1) * 24 + HOURS + 0.5 - clock, latitude, longitude)
    total = np.where(path.altitude > 0, clear_sky(path.altitude), 0.0)
    direct, diffuse = split(total, path.altitude, day)
    temperature = hot_day_maximum - hot_day_range * (1 - np.cos(2 * np.pi * (HOURS + 0.5 - 15) / 24)) / 2
    humidity = np.minimum(vapour_pressure_at(hot_day_dew_point) / vapour_pressure_at(temperature), 1.0)
    return pd.DataFrame(
        {
            "altitude": path.altitude,
            "azimuth": path.azimuth,
            "temperature": temperature,
            "humidity": humidity,
            "wind_speed": hot_day_wind,
            "direct_radiation": np.where(path.altitude > 0, direct, 0.0),
            "diffuse_radiation": np.where(path.altitude > 0, diffuse, 0.0),
            "clearness": 1.0,
            "clock": clock,
            "day_of_year": float(day),
        },
        index=pd.Index(range(24), name="hour"),
    )


def vapour_pressure_at(dew_point: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Saturation vapour pressure [hPa] over water at a temperature [°C] (Magnus; Prata's companion constants)."""
    degrees = np.asarray(dew_point, dtype=np.float64)
    return np.asarray(6.107 * 10 ** (7.5 * degrees / (237.3 + degrees)), dtype=np.float64)


def _by_day(weather: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """The weather in order of time, and the day of the year of each hour."""
    parts = weather.index.astype(str).str.extract(r"(\d\d)-(\d\d)T(\d\d)(?::\d\d)?$")
    if parts.isna().any(axis=None):
        odd = weather.index[parts.isna().any(axis=1).to_numpy()][:2].tolist()
        raise LayerError(f"weather needs ids of month, day and hour such as 07-05T16; got {odd}; read the file again")
    month, date, hour = (parts[k].astype(int).to_numpy() for k in range(3))
    leap = (month == 2) & (date == 29)
    day = DAYS_BEFORE_MONTH[month - 1] + date
    order = np.lexsort((hour, day))
    order = order[~leap[order]]
    return weather.iloc[order], day[order].astype(np.int64)


def _chosen_day(table: pd.DataFrame, day: NDArray[np.int64], heat_day: float) -> int:
    """The day that is named, or the one with the highest temperature among those with all 24 hours."""
    known = table[list(NEEDED)].notna().all(axis=1).to_numpy()
    counts = np.bincount(day[known], minlength=367)
    if heat_day:
        chosen = round(heat_day)
        if not 1 <= chosen <= 365 or counts[chosen] != len(HOURS):
            raise NotComputableError(
                f"hot_day needs 24 hours of temperature, humidity, wind and radiation on day {chosen} of the year; the "
                f"weather has {counts[chosen] if 0 <= chosen < len(counts) else 0}; name another heat_day, or 0"
            )
        return chosen
    full = known & (counts[day] == len(HOURS))
    if not full.any():
        raise NotComputableError("hot_day needs one day with 24 hours of temperature, humidity, wind and radiation")
    warmth = np.where(full, table["temperature"].to_numpy(dtype=np.float64), -np.inf)
    return int(day[int(np.argmax(warmth))])
