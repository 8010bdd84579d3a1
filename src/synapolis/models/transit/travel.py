"""Door-to-door travel by transit and on foot between all zones, at every departure of a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.timetable import Timetable as TimetableValue
from synapolis.layers.vocabulary import (
    ArrivalMarks,
    DeparturesWithin,
    MeanTravelTime,
    MedianTravelTime,
    Timetable,
    Transfers,
    TransitWalks,
    TravelTimeP10,
    TravelTimeP90,
)
from synapolis.models.transit.connections import Connections, connections, footpaths
from synapolis.models.transit.reach import Ask, Doors, Earlier, Pairs, doors, reach
from synapolis.models.transit.spread import spread
from synapolis.models.transit.walk import Walks

WINDOW = ("departure_hour", "departure_window", "departure_count", "longest_trip")
THRESHOLDS = (5, 10, 15, 30, 45)  # [min]

DECISION = "Comparing what a transit or housing plan does to access, by neighbourhood."
TESTS = "tests/models/test_travel.py"
LIMITS = "Waits at crossings and stairs are not seen; vehicles keep the timetable and have room."
RISKS = "An average over departures hides that one may have to know the timetable; read the percentiles too."


class Scene(NamedTuple):
    """A timetable and its walks made ready for one window of departures."""

    connections: Connections
    footpaths: Walks
    access: Walks
    to_goal: Doors
    ask: Ask


class Travelled(NamedTuple):
    """What a scan of all departures gives; the marks tell a later scan what has changed."""

    mean_travel_time: MeanTravelTime
    departures_within: DeparturesWithin
    arrival_marks: ArrivalMarks


def update_travel_times(outputs: Mapping[str, Any], before: Mapping[str, Any], inputs: Mapping[str, Any]) -> Travelled:
    """Sum up again only what an edit of timetable or walks touches; equal to the full run, to the last bit.

    Parameters
    ----------
    outputs, before : of the baseline
    inputs : of this run

    Returns
    -------
    Travelled
    """
    if not before or any(before[name] != inputs[name] for name in WINDOW):
        return _in_full(inputs)
    zones = [len(side["transit_walks"].direct.start) for side in (before, inputs)]
    if zones[0] != zones[1] or len(outputs["arrival_marks"]) != len(before["timetable"].stops):
        return _in_full(inputs)
    scene = _scene(**inputs)
    if _same_rides(before, inputs, scene.connections):
        return Travelled(**outputs)
    found = Pairs(outputs["mean_travel_time"].copy(), outputs["departures_within"].copy())
    earlier = _earlier(outputs["arrival_marks"], before, inputs, scene.to_goal)
    pairs, marks = reach(*scene, earlier=earlier, found=found)
    return Travelled(pairs.mean, pairs.within, marks)


def _same_rides(before: Mapping[str, Any], inputs: Mapping[str, Any], now: Connections) -> bool:
    """Whether the window sees timetable and walks as they were, e.g. after an edit of another hour."""
    one, other = before["timetable"], inputs["timetable"]
    if not (one.stops.equals(other.stops) and one.transfers.equals(other.transfers) and _same_walks(before, inputs)):
        return False
    was = _connections(**{name: before[name] for name in ("timetable", *WINDOW)})
    return all(np.array_equal(a, b) for a, b in zip(was[:5], now[:5], strict=True))  # trip_row is a row number


def _in_full(inputs: Mapping[str, Any]) -> Travelled:
    pairs, marks = reach(*_scene(**inputs))
    return Travelled(pairs.mean, pairs.within, marks)


@model(version="1", decision=DECISION,
       method="Profile connection scan: one pass over the day's rides for all departures, spread evenly over the "
       "window, of many zones at once; walking to, between and from stops.",
       limits=LIMITS, risks=RISKS, tests=TESTS, update=update_travel_times)  # fmt: skip
def travel_times(
    timetable: Timetable,
    transit_walks: TransitWalks,
    walking_speed: float,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> Travelled:
    """Door-to-door times between zones by transit and on foot, at all departures of a window.

    References
    ----------
    Dibbelt, J., Pajor, T., Strasser, B., and Wagner, D. (2018). Connection scan algorithm. ACM Journal of Experimental
    Algorithmics, 23.
    """
    scene = _scene(
        timetable, transit_walks, walking_speed, departure_hour, departure_window, departure_count, longest_trip
    )
    pairs, marks = reach(*scene)
    return Travelled(pairs.mean, pairs.within, marks)


class Varied(NamedTuple):
    """How travel times vary over departures, and how often one changes."""

    median_travel_time: MedianTravelTime
    travel_time_p10: TravelTimeP10
    travel_time_p90: TravelTimeP90
    transfers: Transfers


@model(version="1", decision=DECISION,
       method="The profile scan of travel_times with rides counted; percentiles over departures, those that do not "
       "arrive counting as infinite.",
       limits=LIMITS + " Of the quickest trips that with the fewest rides is found among those that leave last.",
       risks=RISKS, tests=TESTS)  # fmt: skip
def travel_time_spread(
    timetable: Timetable,
    transit_walks: TransitWalks,
    walking_speed: float,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> Varied:
    """Median, tenth and ninetieth percentile of door-to-door times over departures, and changes of vehicle.

    References
    ----------
    Conway, M. W., Byrd, A., and van der Linden, M. (2017). Evidence-based transit and land use sketch planning using
    interactive accessibility methods on combined schedule and headway-based networks. Transportation Research Record,
    2653.
    """
    scene = _scene(
        timetable, transit_walks, walking_speed, departure_hour, departure_window, departure_count, longest_trip
    )
    found = spread(*scene, (0.5, 0.1, 0.9))
    median, tenth, ninetieth = found.percentiles
    return Varied(median, tenth, ninetieth, found.transfers)


def jobs_within_minutes(
    timetable: TimetableValue,
    transit_walks: Any,
    jobs: NDArray[np.float64],
    minutes: int,
    walking_speed: float,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> NDArray[np.float64]:
    """Jobs within a time at one hour of departure, mean over departures: (zone,)."""
    scene = _scene(
        timetable, transit_walks, walking_speed, departure_hour, departure_window, departure_count, longest_trip
    )
    ask = scene.ask._replace(thresholds=np.array([minutes * 60], dtype=np.int32))
    pairs, _ = reach(*scene._replace(ask=ask))
    return np.asarray(pairs.within[0] @ jobs / len(ask.departures))


def _scene(
    timetable: TimetableValue,
    transit_walks: Any,
    walking_speed: float,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> Scene:
    start, end = _span(departure_hour, departure_window)
    departures = np.linspace(start, end, int(departure_count), endpoint=False).astype(np.int32)
    access, egress, between, direct = (in_seconds(walk, walking_speed) for walk in transit_walks)
    return Scene(
        _connections(timetable, departure_hour, departure_window, departure_count, longest_trip),
        footpaths(timetable, between),
        access,
        doors(egress, direct),
        Ask(departures, int(longest_trip * 60), np.array([minutes * 60 for minutes in THRESHOLDS], dtype=np.int32)),
    )


def _connections(
    timetable: TimetableValue,
    departure_hour: float,
    departure_window: float,
    departure_count: float,
    longest_trip: float,
) -> Connections:
    """Rides that departures of the window may take."""
    _ = departure_count
    start, end = _span(departure_hour, departure_window)
    _check_span(timetable, start, end)
    last = int(longest_trip * 60)
    return connections(timetable, date=str(timetable.busiest_date), start=int(start), end=int(end + last))


def _span(departure_hour: float, departure_window: float) -> tuple[float, float]:
    return departure_hour * 3600, departure_hour * 3600 + departure_window * 60


def _check_span(timetable: TimetableValue, start: float, end: float) -> None:
    span = timetable.time_span
    if span is None:
        raise NotComputableError("a timetable with trips")
    if span[0] > end or span[1] < start:
        raise ModelError(
            f"departures from {start / 3600:g} to {end / 3600:g} h lie outside the timetable, which runs from "
            f"{span[0] / 3600:.1f} to {span[1] / 3600:.1f} h; set the assumption departure_hour within it"
        )


def in_seconds(walks: Walks, speed: float) -> Walks:
    """Turn metres (of level ground) into whole seconds, rounded up."""
    if not speed > 0:
        raise ModelError(f"walking_speed must be above 0 m/s, got {speed:g}")
    return walks._replace(seconds=np.ceil(walks.seconds / speed - 1e-6).astype(np.int32))


def _earlier(
    marks: NDArray[np.uint64], before: Mapping[str, Any], inputs: Mapping[str, Any], to_goal: Doors
) -> Earlier:
    """Which walks to goals are as they were, and which are lost, gained or of another length."""
    was, now = before["timetable"].stops.index, inputs["timetable"].stops.index
    if was.equals(now) and _same_walks(before, inputs):  # an edit of departures alone
        none = (np.zeros(len(to_goal.start), dtype=np.int64), np.zeros(0, dtype=np.int64))
        return Earlier(marks, marks, (to_goal.start, to_goal.stop.astype(np.int64)), none, none, none)
    old = doors(*(in_seconds(before["transit_walks"][i], before["walking_speed"]) for i in (1, 3)))
    count = len(to_goal.start) - 1
    number = now.get_indexer(was)  # today's number of each earlier stop, -1 where it is gone
    aligned = np.zeros((len(now), marks.shape[1]), dtype=np.uint64)
    aligned[number[number >= 0]] = marks[number >= 0]
    new_rows, old_rows = (
        _triples(to_goal.start, to_goal.stop, to_goal.seconds),
        _triples(old.start, number[old.stop], old.seconds),
    )
    kept, still = _common(new_rows, old_rows)
    direct = _triples(to_goal.direct_start, to_goal.direct_origin, to_goal.direct_seconds)
    old_direct = _triples(old.direct_start, old.direct_origin, old.direct_seconds)
    same, as_was = _common(direct, old_direct)
    moved = np.concatenate([direct[~same][:, :2], old_direct[~as_was][:, :2]])
    return Earlier(
        aligned, marks,
        _rows(new_rows[kept][:, 0], new_rows[kept][:, 1], count),
        _rows(old_rows[~still][:, 0], old.stop[~still].astype(np.int64), count),
        _rows(new_rows[~kept][:, 0], new_rows[~kept][:, 1], count),
        _rows(moved[:, 0], moved[:, 1], count),
    )  # fmt: skip


def _same_walks(before: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    one, other = before["transit_walks"], inputs["transit_walks"]
    same = all(np.array_equal(a, b) for i in range(4) for a, b in zip(one[i], other[i], strict=True))
    return bool(same and before["walking_speed"] == inputs["walking_speed"])


def _triples(start: NDArray[Any], place: NDArray[Any], seconds: NDArray[Any]) -> NDArray[np.int64]:
    goal = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.column_stack([goal, place, seconds]).astype(np.int64)


def _common(one: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of two tables stand in the other too."""
    low = min(one.min(initial=0), other.min(initial=0))
    width = max(one.max(initial=0), other.max(initial=0)) - low + 1
    keys = [((rows[:, 0] - low) * width + rows[:, 1] - low) * width + rows[:, 2] - low for rows in (one, other)]
    return np.isin(keys[0], keys[1]), np.isin(keys[1], keys[0])


def _rows(goal: NDArray[np.int64], value: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(goal, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(goal, minlength=count))]).astype(np.int64)
    return start, np.ascontiguousarray(value[order])
