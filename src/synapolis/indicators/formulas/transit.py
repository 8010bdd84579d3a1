"""Public transport: length of the network, and who lives near a stop that is served often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import (
    KILOMETRE,
    MINUTE,
    coordinates,
    indicator,
    per_100_000,
    percent_of_residents,
    within,
)
from synapolis.layers.timetable import Timetable as TimetableValue
from synapolis.layers.vocabulary import (
    Population,
    ResidentPoints,
    ResidentsNearFrequentTransit,
    ResidentsWithConvenientTransit,
    StopHeadway,
    Timetable,
    TransitNetworkPer100000,
)

TESTS = "tests/indicators/formulas/test_transit.py"
FREQUENT = 20 * MINUTE  # s, in the indicator's definition
NEAR_A_STOP = 500.0  # m, in the definitions of ISO 37120 19.6 and, for low-capacity modes, of SDG 11.2.1
NEAR_A_STATION = 1000.0  # m, in the definition of SDG 11.2.1 for high-capacity modes
HIGH_CAPACITY = ("rail", "subway", "ferry")  # examples of the SDG metadata; trams are taken as low-capacity
HOUR = 3600.0  # s


@model(
    version="1",
    decision="Which stops are served often.",
    method="The peak window over the departures of the best-served line and direction at each stop, on the busiest day "
    "of the timetable. A trip's last stop is no departure.",
    limits="A mean over the window: bunched departures look regular. Lines that share a stop do not help each other.",
    risks="A stop served often in the peak may be dead in the evening.",
    tests=TESTS,
)
def stop_headway(timetable: Timetable, departure_hour: float, departure_window: float) -> StopHeadway:
    """Mean time between departures at each stop in the peak.

    Parameters
    ----------
    timetable : Timetable
    departure_hour : h
        Start of the peak window.
    departure_window : min
        Its length.

    Returns
    -------
    (stop,) [s], in the order of the timetable's stops; infinite where nothing departs

    Raises
    ------
    NotComputableError
        Nothing departs anywhere in the window.

    References
    ----------
    None: a count of departures.
    """
    start = departure_hour * HOUR
    counts = _departures(timetable, start, start + departure_window * MINUTE)
    if counts.empty or not counts["count"].sum() > 0:
        raise NotComputableError(
            f"needs departures between {departure_hour:g} h and {departure_window:g} min later; the timetable has none"
        )
    best = counts.groupby(["stop_id", "route_id", "direction"])["count"].sum().groupby("stop_id").max()
    most = best.reindex(timetable.stops.index).fillna(0).to_numpy(dtype=np.float64)
    return np.asarray(np.divide(departure_window * MINUTE, most, out=np.full(len(most), np.inf), where=most > 0))


@indicator(
    method="Every pair of consecutive stops of a line counts once, at its straight length times an assumed detour; of "
    "a line's two directions the longer counts. Over residents.",
    limits="Lines that share a street count each, and so do variants that pass stops by; the true way between stops is "
    "not known.",
    tests=TESTS,
)
def transit_network_per_100000(
    timetable: Timetable, population: Population, line_detour: float
) -> TransitNetworkPer100000:
    """Kilometres of public transport routes for each 100 000 residents.

    Reads "public transport system" as the routes of all modes in the timetable, whatever day they run.

    Raises
    ------
    NotComputableError
        The timetable has no two consecutive stops, or the city no residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.1 (standard not read).
    """
    times = timetable.stop_times
    to, same = times["stop_id"].shift(-1), times["trip_id"] == times["trip_id"].shift(-1)
    ends = np.sort(np.stack([times["stop_id"][same].astype(str), to[same].astype(str)]), axis=0)
    line = timetable.trips.loc[times["trip_id"][same], ["route_id", "direction"]].reset_index(drop=True)
    legs = line.assign(one=ends[0], other=ends[1]).drop_duplicates()
    if legs.empty:
        raise NotComputableError("needs lines with stops; the timetable has none")
    one, other = (timetable.stops.geometry.loc[legs[end]].to_numpy() for end in ("one", "other"))
    directions = legs.assign(length=shapely.distance(one, other)).groupby(["route_id", "direction"])["length"].sum()
    metres = float(directions.groupby("route_id").max().sum()) * line_detour
    return per_100_000(metres / KILOMETRE, population)


@indicator(
    method="Share of residents within 500 m, in a straight line, of a stop at which one line in one direction "
    "departs at least every 20 minutes on average in the peak window.",
    limits="Straight lines, not walks: rivers and railways are crossed. How the standard measures was not read.",
    tests=TESTS,
)
def residents_near_frequent_transit(
    resident_points: ResidentPoints, timetable: Timetable, stop_headway: StopHeadway
) -> ResidentsNearFrequentTransit:
    """Share of residents near a stop that is served at least every 20 minutes in the peak.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.6 (standard not read).
    """
    stops = coordinates(timetable.stops)[stop_headway <= FREQUENT]
    return percent_of_residents(resident_points, within(resident_points, stops, NEAR_A_STOP))


@indicator(
    method="Share of residents within 500 m, in a straight line, of a stop of buses or trams, or within 1 km of one of "
    "railway, metro or ferry, at which anything departs in the peak window.",
    limits="Straight lines, where the metadata want walks along streets; not by sex, age or disability.",
    tests=TESTS,
)
def residents_with_convenient_transit(
    resident_points: ResidentPoints, timetable: Timetable, stop_headway: StopHeadway
) -> ResidentsWithConvenientTransit:
    """Share of residents with convenient access to public transport.

    References
    ----------
    United Nations Statistics Division, SDG indicator metadata, 11.2.1 (as summarised publicly).
    """
    served = np.isfinite(stop_headway)
    high = served & timetable.stops.index.isin(_stops_of(timetable, HIGH_CAPACITY))
    low = served & timetable.stops.index.isin(_stops_of(timetable, ("tram", "bus", "cable")))
    places = coordinates(timetable.stops)
    near = within(resident_points, places[low], NEAR_A_STOP) | within(resident_points, places[high], NEAR_A_STATION)
    return percent_of_residents(resident_points, near)


def _stops_of(timetable: TimetableValue, modes: tuple[str, ...]) -> Any:
    """Ids of the stops that modes serve."""
    trips = timetable.trips.index[timetable.trips["mode"].isin(modes)]
    return timetable.stop_times["stop_id"][timetable.stop_times["trip_id"].isin(trips)].unique()


def _departures(timetable: TimetableValue, start: float, end: float) -> pd.DataFrame:
    """Departures in [start, end) of the busiest day: stop_id, route_id, direction, count."""
    services = timetable.services
    running = services["service_id"][services["date"] == timetable.busiest_date]
    trips = timetable.trips[timetable.trips["service_id"].isin(running)]
    times = timetable.stop_times
    last = (times["trip_id"] != times["trip_id"].shift(-1)).to_numpy()
    first = times.groupby("trip_id")["departure"].transform("first")
    leaving = times.assign(offset=times["departure"] - first)[
        ~last & times["boarding"].to_numpy(dtype=bool) & times["trip_id"].isin(trips.index).to_numpy()
    ]
    repeated = leaving["trip_id"].isin(timetable.frequencies["trip_id"])
    once = leaving[~repeated]
    runs = leaving[repeated].merge(timetable.frequencies, on="trip_id")
    count = np.concatenate(
        [((once["departure"] >= start) & (once["departure"] < end)).to_numpy(dtype=np.int64), _runs(runs, start, end)]
    )
    told = pd.concat([once[["trip_id", "stop_id"]], runs[["trip_id", "stop_id"]]], ignore_index=True)
    line = trips.loc[told["trip_id"], ["route_id", "direction"]].reset_index(drop=True)
    return pd.concat([told, line], axis=1).assign(count=count)


def _runs(rows: pd.DataFrame, start: float, end: float) -> NDArray[np.int64]:
    """Departures in [start, end) of trips that repeat: at `start` + `offset`, then every headway, before `end`."""
    headway = rows["headway"].to_numpy(dtype=np.float64)
    begin = rows["start"].to_numpy(dtype=np.float64)
    leave = begin + rows["offset"].to_numpy(dtype=np.float64)
    made = np.ceil((rows["end"].to_numpy(dtype=np.float64) - begin) / headway)
    from_run = np.maximum(0, np.ceil((start - leave) / headway))
    to_run = np.minimum(made, np.ceil((end - leave) / headway))
    return np.asarray(np.maximum(0, to_run - from_run), dtype=np.int64)
