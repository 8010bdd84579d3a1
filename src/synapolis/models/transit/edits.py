"""What transit edits do to the timetable."""

from __future__ import annotations

from synapolis.core.declare import model
from synapolis.core.errors import ScenarioError
from synapolis.layers.timetable_edits import with_headway, with_line
from synapolis.layers.vocabulary import EditHeadway, EditId, EditLine, EditMode, EditRoute, Timetable

TESTS = "tests/models/test_access.py"
RISKS = "Vehicles, drivers and street space for the service are taken to be there; see the cost."


@model(version="1", decision="Rehearsing a more or less frequent service.",
       method="The line's representative trip in each direction runs at the new headway over its span of service.",
       limits="Every pattern of the line gets the same headway; running times stay.",
       risks=RISKS, tests=TESTS)  # fmt: skip
def change_headway(
    timetable: Timetable, edit_route: EditRoute, edit_mode: EditMode, edit_headway: EditHeadway
) -> Timetable:
    """Run a transit line at a new headway.

    References
    ----------
    General Transit Feed Specification, frequencies.txt.
    """
    return with_headway(timetable, edit_route, edit_headway, mode=edit_mode or None)


@model(version="1", decision="Rehearsing a new transit line along a street.",
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
