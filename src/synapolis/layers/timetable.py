"""The timetable: stops, trips, times, frequencies, days of service and transfers, as frozen tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Timetable:
    """Tables of a timetable; see the columns in the module that reads GTFS."""

    stops: Any
    trips: pd.DataFrame
    stop_times: pd.DataFrame
    frequencies: pd.DataFrame
    services: pd.DataFrame
    transfers: pd.DataFrame

    def tables(self) -> dict[str, Any]:
        """Return the tables by name, as the city folder stores them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> Timetable:
        """Rebuild from stored tables."""
        return cls(**tables)

    def validate(self) -> None:
        """Raise LayerError unless the tables fit together."""
