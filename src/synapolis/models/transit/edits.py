"""What transit edits do to the timetable."""

from __future__ import annotations

from synapolis.core.declare import model
from synapolis.core.errors import ScenarioError
from synapolis.layers.timetable_edits import (
    with_headway,
    with_line,
    with_moved_stop,
    with_quicker_legs,
    with_span,
    without_stop,
)
from synapolis.layers.vocabulary import (
    EditArea,
    EditHeadway,
    EditId,
    EditLine,
    EditMode,
    EditRoute,
    EditSpan,
    EditStop,
    EditStreets,
    Streets,
    Timetable,
)

TESTS = "tests/models/test_access.py"
RISKS = "Vehicles, drivers and street space for the service are taken to be there; see the cost."


ALONG = 40.0  # [m] stops up to this far from a street's line stand on it


@model(version="2", decision="Rehearsing a more or less frequent service.",
       method="The line's representative trip in each direction runs at the new headway over its span of service, or "
       "between two hours, the rest staying as it is.",
       limits="Every pattern of the line gets the same headway; running times stay.",
       risks=RISKS, tests=TESTS)  # fmt: skip
def change_headway(
    timetable: Timetable, edit_route: EditRoute, edit_mode: EditMode, edit_headway: EditHeadway, edit_span: EditSpan
) -> Timetable:
    """Run a transit line at a new headway.

    References
    ----------
    General Transit Feed Specification, frequencies.txt.
    """
    window = (int(edit_span[0]), int(edit_span[1])) if len(edit_span) else None
    return with_headway(timetable, edit_route, edit_headway, window, mode=edit_mode or None)


@model(version="1", decision="Rehearsing service earlier in the morning or later at night.",
       method="Departures are added before the first and after the last at the headway of the service's beginning and "
       "end.", limits="Running times are those of the first and last trip of today.", risks=RISKS,
       tests=TESTS)  # fmt: skip
def extend_service(timetable: Timetable, edit_route: EditRoute, edit_mode: EditMode, edit_span: EditSpan) -> Timetable:
    """Run a transit line earlier or later than today.

    References
    ----------
    General Transit Feed Specification, frequencies.txt.
    """
    first, last = (None if time < 0 else int(time) for time in edit_span)
    return with_span(timetable, edit_route, first=first, last=last, mode=edit_mode or None)


@model(version="1", decision="Rehearsing a stop taken out of service.",
       method="Vehicles pass the stop at the times of today; nobody boards or alights.",
       limits="The time that is saved is not given to the trip.", risks="Who cannot walk to the next stop is hidden in "
       "an average.", tests=TESTS)  # fmt: skip
def close_stop(timetable: Timetable, edit_stop: EditStop) -> Timetable:
    """Close a transit stop.

    References
    ----------
    General Transit Feed Specification, stop_times.txt.
    """
    closed = timetable
    for stop in edit_stop:
        closed = without_stop(closed, stop)
    return closed


@model(version="1", decision="Rehearsing a stop at another place.",
       method="The stop stands in the middle of the area; vehicles keep their times.",
       limits="A detour that vehicles would make takes no time.", risks=RISKS, tests=TESTS)  # fmt: skip
def move_stop(timetable: Timetable, edit_stop: EditStop, edit_area: EditArea) -> Timetable:
    """Move a transit stop to another place.

    References
    ----------
    General Transit Feed Specification, stops.txt.
    """
    moved = timetable
    for stop in edit_stop:
        moved = with_moved_stop(moved, stop, edit_area.centroid)
    return moved


@model(version="1", decision="Rehearsing a lane for buses, which cars lose.",
       method="Buses need a share less of the running time between stops that both lie along the street; what cars "
       "lose is change_lanes.", limits="The same share at every hour and on every street, whatever the congestion.",
       risks=RISKS, tests=TESTS)  # fmt: skip
def quicken_buses(
    timetable: Timetable, streets: Streets, edit_streets: EditStreets, bus_lane_time_saved: float
) -> Timetable:
    """Quicken the buses along a street that gets a bus lane.

    References
    ----------
    Own definition over the timetable; the share is an assumption.
    """
    line = streets.loc[streets.index.isin(edit_streets)].geometry.union_all()
    return with_quicker_legs(timetable, line, within=ALONG, saved=bus_lane_time_saved)


@model(version="2", decision="Rehearsing a new transit line along a street.",
       method="New stops at an even spacing along the street, a walk from those there are; both directions, all day.",
       limits="No timetable of its own beyond the headway; connections are not timed.", risks=RISKS,
       tests=TESTS)  # fmt: skip
def add_line(
    timetable: Timetable,
    edit_id: EditId,
    edit_line: EditLine,
    edit_mode: EditMode,
    edit_headway: EditHeadway,
    new_tram_speed: float,
    new_bus_speed: float,
    new_line_dwell: float,
) -> Timetable:
    """Add a transit line along a street, in both directions.

    References
    ----------
    General Transit Feed Specification, frequencies.txt.
    """
    span = timetable.time_span
    if span is None:
        raise ScenarioError("a new line needs a timetable to join, this one has no trips; build the city with --gtfs")
    return with_line(
        timetable,
        line_id=f"edit:{edit_id}",
        name=edit_line.name,
        mode=edit_mode,
        stops=edit_line.stops,
        distances=edit_line.distances,
        headway=edit_headway,
        speed=new_tram_speed if edit_mode == "tram" else new_bus_speed,
        dwell=new_line_dwell,
        span=(max(0, span[0]), min(span[1], 24 * 3600)),
    )
