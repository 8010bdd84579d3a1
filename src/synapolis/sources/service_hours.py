"""The hour at which questions about public transport begin, where a timetable does not cover the usual one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import REGISTRY, Assumption, registered
from synapolis.layers import assumed  # noqa: F401 - declares the usual hour
from synapolis.layers.timetable import Timetable, trip_spans

HOURS = 36  # a service day may run past midnight
FAR_STOP = 400.0  # m, as far as models/transit/walking.py walks from a stop to a street
FULL_SERVICE = 0.25  # share of the busiest hour's trips from which an hour counts as served


@registered(
    kind="rule",
    version="1",
    decision="At which hour access by public transport is computed, where the usual hour has no service.",
    data=("timetable",),
    method="The window of departures is put in the middle of the hours with at least a quarter of the busiest hour's "
    "trips.",
    source="The project's own rule, stated in full in its description; no publication.",
    limits="One window a city; night workers are not seen.",
    risks="A city whose feed covers few hours is judged at another hour than others; the answer says so.",
    tests="tests/sources/test_service_hours.py",
)
def departure_hour(timetable: Timetable) -> Assumption | None:
    """State the hour of departure for a timetable that does not cover the usual one; None where it does.

    An hour is served where at least a quarter as many trips are under way as in the busiest hour of the busiest date.
    The stated hour puts the window of departures and the trips after it in the middle of the served hours.

    Parameters
    ----------
    timetable : Timetable

    Returns
    -------
    Assumption or None
        `departure_hour` [h], with the span it was chosen from as its source.
    """
    usual, window, longest = (
        REGISTRY.assumptions[name] for name in ("departure_hour", "departure_window", "longest_trip")
    )
    under_way = trips_by_hour(timetable)
    served = np.flatnonzero(under_way >= FULL_SERVICE * under_way.max(initial=0.0))
    if not under_way.any() or served[0] <= usual.value < usual.value + window.value / 60 <= served[-1] + 1:
        return None
    first, last = int(served[0]), int(served[-1]) + 1
    hour = max(first, int((first + last - (window.value + longest.value) / 60) / 2))
    source = (
        f"the feed's own span: on {timetable.busiest_date}, its busiest date, most trips run from {first} to {last} h, "
        f"so that departures at {usual.value:g} h would find few"
    )
    return replace(usual, value=float(hour), low=float(hour), high=float(hour), source=source, read=True)


def trips_by_hour(timetable: Timetable) -> NDArray[np.float64]:
    """Count trips under way in each hour of the busiest date.

    Returns
    -------
    (hour,)
        From midnight; a line that runs by frequencies counts with its departures spread evenly.
    """
    services = timetable.services
    running = set(services["service_id"][services["date"] == timetable.busiest_date])
    trips = trip_spans(timetable)
    trips = trips[trips["service_id"].isin(running)]
    begin = np.arange(HOURS)[:, None] * 3600
    start, end = (trips[name].to_numpy(dtype=float)[None, :] for name in ("start", "end"))
    touched = (start < begin + 3600) & (end > begin)  # (hour, trip)
    hours = np.maximum(touched.sum(axis=0), 1)
    departures = trips["departures"].to_numpy(dtype=float)
    return np.asarray(touched @ np.where(departures > 1, departures / hours, 1.0))


def timetable_notes(timetable: Timetable, streets: Any | None) -> list[str]:
    """Say which dates a timetable is of, and how many of its stops lie far from any street to walk on.

    Parameters
    ----------
    timetable : Timetable
    streets : GeoDataFrame with walk, optional
        In the timetable's CRS.

    Returns
    -------
    One sentence each.
    """
    dates = timetable.date_range
    notes = []
    if dates is not None:
        told = f"the timetable's own dates, {dates[0]} to {dates[1]}, are used, whatever the year"
        notes.append(f"{told}: questions are about {timetable.busiest_date}, its busiest day")
    if streets is not None and streets["walk"].any() and len(timetable.stops):
        tree = shapely.STRtree(streets.geometry.to_numpy()[streets["walk"].to_numpy(dtype=bool)])
        near = tree.query_nearest(timetable.stops.geometry.to_numpy(), max_distance=FAR_STOP, all_matches=False)[0]
        far = len(timetable.stops) - len(np.unique(near))
        if far:
            notes.append(f"{far} stops lie more than {FAR_STOP:g} m from any street to walk on: nobody reaches them")
    return notes
