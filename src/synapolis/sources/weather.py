"""Reads EnergyPlus weather files (EPW)."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError

HEADER_LINES = 8
HOURS = 8760
_COLUMNS = {  # position in the row, factor to the layer's unit, values from here on mean missing
    "temperature": (6, 1.0, 99.9),
    "humidity": (8, 0.01, 999.0),
    "global_radiation": (13, 1.0, 9999.0),
    "direct_radiation": (14, 1.0, 9999.0),
    "diffuse_radiation": (15, 1.0, 9999.0),
    "wind_speed": (21, 1.0, 999.0),
    "rain": (33, 1.0, 999.0),
}


@dataclass(frozen=True)
class WeatherFile:
    """Hourly weather (8,760 rows), the station's place in degrees, and notes."""

    table: pd.DataFrame
    longitude: float
    latitude: float
    notes: tuple[str, ...] = ()


@registered(
    kind="parser",
    version="1",
    decision="Building a city: the weather its storms, heat and energy are computed with.",
    data=("EnergyPlus weather file (EPW)",),
    method="Columns are taken by position, the missing-value codes become NaN, hours are in local standard time.",
    limits="A typical year, not a forecast; extremes are rare in it by construction.",
    risks="A station far from the city carries another climate.",
    tests="tests/sources/test_weather.py",
)
def read_weather(path: Path | str) -> WeatherFile:
    """Read an EPW file, plain or gzipped.

    Parameters
    ----------
    path : Path or str
        The file.

    Returns
    -------
    WeatherFile
        Table indexed by month, day and hour (`01-01T00`), in local standard time; missing values are NaN, a column
        without a single value too. Rain that is 0 in every hour is taken as not measured: NaN, with a note.

    Raises
    ------
    SourceError
        Another format, or not 8,760 (8,784) hours.

    References
    ----------
    EnergyPlus, Auxiliary Programs, chapter "EnergyPlus Weather File (EPW) Data Dictionary".
    """
    path = Path(path)
    head, rows = _rows(path)
    location = head[0].split(",")
    fields = [row.split(",") for row in rows]
    if len(fields) not in {HOURS, HOURS + 24} or any(len(row) < 34 for row in fields):
        raise SourceError(
            f"{path}: wanted 8,760 hourly rows of at least 34 fields, got {len(fields)} rows; fetch it again"
        )
    try:
        table = pd.DataFrame({name: _column(fields, *facts) for name, facts in _COLUMNS.items()})
        latitude, longitude = float(location[6]), float(location[7])
        table.index = pd.Index([f"{int(r[1]):02d}-{int(r[2]):02d}T{int(r[3]) - 1:02d}" for r in fields], name="id")
    except (ValueError, IndexError) as error:
        raise SourceError(f"{path}: an EPW field is not a number ({error}); fetch the file again") from error
    years = sorted({int(row[0]) for row in fields})
    return WeatherFile(_without_dry_rain(table), longitude, latitude, tuple(_notes(table, years)))


def _rows(path: Path) -> tuple[list[str], list[str]]:
    if not path.is_file():
        raise SourceError(f"no weather file at {path}; name an existing .epw or .epw.gz")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode("utf-8", errors="replace").splitlines()
    except (OSError, EOFError) as error:
        raise SourceError(f"{path} cannot be read: {error}; it is cut short, fetch it again") from error
    if not lines or not lines[0].startswith("LOCATION,"):
        raise SourceError(f"{path} is not an EPW file: its first line must begin with LOCATION; give an .epw file")
    return lines[:HEADER_LINES], [line for line in lines[HEADER_LINES:] if line.strip()]


def _column(
    fields: list[list[str]], position: int, factor: float, missing_from: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.array([float(row[position] or "nan") for row in fields])
    values[values >= missing_from] = np.nan
    return values * factor + 0.0  # -0 becomes 0


def _without_dry_rain(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(rain=np.nan) if not (table["rain"] > 0).any() else table


def _notes(table: pd.DataFrame, years: list[int]) -> list[str]:
    notes = []
    if not (table["rain"] > 0).any():
        notes.append("no rain in any hour: taken as not measured")
    empty = [name for name in table.columns if name != "rain" and table[name].isna().all()]
    if empty:
        notes.append(f"no values for {', '.join(empty)}")
    if len(years) > 1:
        notes.append(
            f"months come from different years ({years[0]} to {years[-1]}): a typical year, not an observed one"
        )
    return notes
