"""Vehicles that a timetable needs, and what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import FleetValue, Timetable, VehiclesInService

STEP = 300  # s: vehicles are counted every five minutes
PRICED = ("tram", "bus")


@model(
    version="1",
    decision="How many vehicles and drivers a change of service needs.",
    method="Vehicles on the road every five minutes of each mode's busiest day: a trip by frequency holds running time "
    "over headway, any other one vehicle from its first to its last stop; rest at the ends is added.",
    limits="No interlining, depots or vehicle length; rounded up by line, direction and day.",
    risks="A true schedule may need a few vehicles more or fewer.",
    tests="tests/models/test_finance.py",
)
def vehicles_in_service(timetable: Timetable, layover_share: float) -> VehiclesInService:
    """Count the vehicles that the timetable needs at its busiest, by mode.

    Returns
    -------
    DataFrame
        Index: mode. Column: vehicles.

    References
    ----------
    Vuchic, V. R., Urban Transit: Operations, Planning and Economics (2005): fleet = cycle time over headway.
    """
    loads = _loads(timetable, layover_share)
    by_day = timetable.services.groupby("date")["service_id"].apply(lambda ids: tuple(sorted(set(ids))))
    most: dict[str, float] = {}
    for services in sorted(set(by_day)):
        for mode, rows in loads[loads["service_id"].isin(services)].groupby("mode"):
            profile = np.sum(np.stack(rows["profile"].to_list()), axis=0)
            most[str(mode)] = max(most.get(str(mode), 0.0), float(np.ceil(profile.max() - 1e-9)))
    return pd.DataFrame({"vehicles": pd.Series(most, dtype=float)})


@model(
    version="1",
    decision="What a change of service costs in vehicles: compare before and after.",
    method="Trams and buses in service at the busiest, spares included, times the price of one new.",
    limits="Other modes are left out; vehicles that stand idle today are not known.",
    risks="The whole fleet's price read as the plan's cost: only the change is.",
    tests="tests/models/test_finance.py",
)
def fleet_value(
    vehicles_in_service: VehiclesInService,
    spare_vehicle_share: float,
    tram_vehicle_cost: float,
    bus_vehicle_cost: float,
) -> FleetValue:
    """Price the trams and buses that the timetable needs.

    Raises
    ------
    NotComputableError
        The timetable runs neither trams nor buses.

    References
    ----------
    Moccia, L., Laporte, G., Improved models for technology choice in a transit corridor with fixed demand (2016).
    """
    vehicles = vehicles_in_service["vehicles"].reindex(list(PRICED)).fillna(0.0).to_numpy()
    if vehicles.sum() == 0:
        raise NotComputableError("not computable: fleet value needs a timetable with trams or buses; this one has none")
    prices = np.array([tram_vehicle_cost, bus_vehicle_cost])
    return float((np.ceil(vehicles * (1 + spare_vehicle_share)) * prices).sum())


def _loads(timetable: Any, layover: float) -> pd.DataFrame:
    """Vehicles on the road over the day, by service and mode; lines are rounded up apart."""
    times = timetable.stop_times.groupby("trip_id", sort=False)
    running = (times["arrival"].last() - times["departure"].first()) * (1 + layover)
    first = times["departure"].first()
    end = int(max(times["arrival"].last().max() if len(running) else 0, _last_frequency(timetable))) + 7200
    clock = np.arange(0, end, STEP)
    trips = timetable.trips
    profiles: dict[tuple[str, str, str, int], NDArray[np.float64]] = {}

    def add(trip: str, vehicles: NDArray[np.float64]) -> None:
        row = trips.loc[trip]
        key = (str(row["service_id"]), str(row["mode"]), str(row["route_id"]), int(row["direction"]))
        profiles[key] = profiles.get(key, np.zeros(len(clock))) + vehicles

    by_headway = timetable.frequencies
    for row in by_headway.itertuples():
        busy = (clock >= row.start) & (clock < row.end)
        add(str(row.trip_id), np.where(busy, float(running[row.trip_id]) / row.headway, 0.0))
    for trip in trips.index.difference(by_headway["trip_id"]):
        if trip in running.index:
            add(str(trip), ((clock >= first[trip]) & (clock < first[trip] + running[trip])).astype(float))
    rows = [(service, mode, np.ceil(profile - 1e-9)) for (service, mode, _, _), profile in profiles.items()]
    return pd.DataFrame(rows, columns=["service_id", "mode", "profile"])


def _last_frequency(timetable: Any) -> int:
    return int(timetable.frequencies["end"].max()) if len(timetable.frequencies) else 0
