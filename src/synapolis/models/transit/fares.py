"""What a journey by transit costs: the timetable's fares by pair of zones, and what an edit makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.timetable import Timetable as TimetableValue
from synapolis.layers.timetable_edits import with_fares
from synapolis.layers.vocabulary import (
    EditFareFactor,
    EditFarePrice,
    Fares,
    MeanFareToJobs,
    RelativeFares,
    Timetable,
    TransitWalks,
    ZoneJobs,
    ZonePopulation,
)
from synapolis.models.transit.walk import Walks

Floats = NDArray[np.float64]

DECISION = "Rehearsing dearer, cheaper or free public transport."
TESTS = "tests/models/test_fares.py"
LIMITS = (
    "Version 1 of GTFS fares; passes, reductions and tickets bound to time are not seen. A zone pays by the fare zone "
    "of its nearest stop; fares that differ by line are averaged over departures. Where a ticket allows no change, a "
    "journey takes the usual number of rides. Without fares in the timetable, the assumed fare."
)
RISKS = "A mean fare hides who travels on a pass and who pays the full price."


@model(version="1", decision=DECISION, method="The least of the fares that hold between the fare zones of the nearest "
       "stops; else the mean of the lines' fares.", limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def fares(timetable: Timetable, transit_walks: TransitWalks, transit_fare: float, rides_per_journey: float) -> Fares:
    """Price of a journey by transit between zones, in the currency of the fares.

    References
    ----------
    General Transit Feed Specification, fare_attributes.txt and fare_rules.txt.
    """
    return _between_zones(timetable, transit_walks, "price", transit_fare, rides_per_journey)


@model(version="1", decision=DECISION, method="The price of a journey over the mean of the prices as the feed lists "
       "them, all pairs alike.", limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def relative_fares(
    timetable: Timetable, transit_walks: TransitWalks, fares: Fares, transit_fare: float, rides_per_journey: float
) -> RelativeFares:
    """Price of a journey between zones, as a share of the mean fare before any edit.

    References
    ----------
    General Transit Feed Specification, fare_attributes.txt and fare_rules.txt.
    """
    listed = _between_zones(timetable, transit_walks, "listed", transit_fare, rides_per_journey).mean()
    return fares / listed if listed > 0 else np.ones_like(fares)


@model(version="1", decision=DECISION, method="Prices weighted by residents at one end and jobs at the other.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def mean_fare_to_jobs(fares: Fares, zone_population: ZonePopulation, zone_jobs: ZoneJobs) -> MeanFareToJobs:
    """Mean price of a journey from the average resident to the city's jobs.

    References
    ----------
    General Transit Feed Specification, fare_attributes.txt and fare_rules.txt.
    """
    weight = zone_population.sum() * zone_jobs.sum()
    if not weight > 0:
        raise NotComputableError("residents and jobs")
    return float(zone_population @ fares @ zone_jobs / weight)


@model(version="1", decision=DECISION, method="Every fare by a factor, or one price for all.",
       limits="Who pays nothing today, or holds a pass, is not told apart.", risks=RISKS, tests=TESTS)  # fmt: skip
def change_fares(
    timetable: Timetable, edit_fare_factor: EditFareFactor, edit_fare_price: EditFarePrice, transit_fare: float
) -> Timetable:
    """Change what riders pay.

    References
    ----------
    General Transit Feed Specification, fare_attributes.txt.
    """
    price = edit_fare_price if edit_fare_price >= 0 else None
    return with_fares(timetable, factor=edit_fare_factor, price=price, usual=transit_fare)


def _between_zones(
    timetable: TimetableValue, walks: Any, column: str, usual: float, rides: float
) -> NDArray[np.float64]:
    """Price between zones by one column of the fares: (origin, destination)."""
    table = timetable.fares
    origins, goals = len(walks.access.start) - 1, walks.egress.target_count
    if table.empty:
        return np.full((origins, goals), usual)
    table = table.assign(cost=table[column] * np.where(table["transfers"] == 0, rides, 1.0))
    anywhere = _of_lines(timetable, table[(table["origin"] == "") & (table["destination"] == "")])
    zoned = table[(table["origin"] != "") | (table["destination"] != "")]
    names = sorted(set(timetable.fare_zones["zone"]))
    best = np.full((len(names) + 1, len(names) + 1), np.inf)  # the last stands for no fare zone
    for start, end, cost in zoned[["origin", "destination", "cost"]].itertuples(index=False):
        rows = [i for i, name in enumerate(names) if start in ("", name)]
        columns = [i for i, name in enumerate(names) if end in ("", name)]
        best[np.ix_(rows, columns)] = np.minimum(best[np.ix_(rows, columns)], cost)
    known = anywhere if np.isfinite(anywhere) else float(zoned["cost"].mean()) if len(zoned) else usual
    best = np.where(np.isfinite(best), best, known)
    zone = timetable.fare_zones.drop_duplicates("stop_id").set_index("stop_id")["zone"]
    number = pd.Index(names).get_indexer(zone.reindex(timetable.stops.index).fillna(""))
    here = _zone_of_nearest(walks.access, number, origins)
    there = _zone_of_nearest(_turned(walks.egress), number, goals)
    return best[np.ix_(here, there)]


def _of_lines(timetable: TimetableValue, table: pd.DataFrame) -> float:
    """Mean over trips of the least fare that holds on each line; infinite where none does."""
    if table.empty:
        return np.inf
    by_line = table[table["route_id"] != ""].groupby("route_id")["cost"].min()
    anywhere = table[table["route_id"] == ""]
    by_feed = anywhere.groupby(anywhere["fare_id"].str.split(":").str[0])["cost"].min()
    route = timetable.trips["route_id"]
    feed = route.str.split(":").str[0]
    cost = pd.concat([route.map(by_line), feed.map(by_feed)], axis=1).astype(float).min(axis=1)
    return float(cost.mean()) if cost.notna().any() else float(table["cost"].mean())


def _zone_of_nearest(walks: Walks, number: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Fare zone of the nearest stop that has one, -1 for none: (zone,)."""
    place = np.repeat(np.arange(count), np.diff(walks.start))
    zone = number[walks.target]
    order = np.lexsort((walks.seconds, place))
    order = order[zone[order] >= 0]
    found = np.full(count, -1, dtype=np.int64)
    places, first = np.unique(place[order], return_index=True)
    found[places] = zone[order][first]
    return found


def _turned(walks: Walks) -> Walks:
    """Walks from stops to zones, by zone."""
    stop = np.repeat(np.arange(len(walks.start) - 1, dtype=np.int32), np.diff(walks.start))
    order = np.argsort(walks.target, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(walks.target, minlength=walks.target_count))])
    return Walks(start.astype(np.int64), stop[order], walks.seconds[order], len(walks.start) - 1)
