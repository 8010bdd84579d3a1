"""What traffic edits do to the streets."""

from __future__ import annotations

import numpy as np

from synapolis.core.declare import model
from synapolis.layers.vocabulary import EditLanes, EditStreets, Streets
from synapolis.models.traffic.roads import lanes_of

TESTS = "tests/models/test_traffic_models.py"
RISKS = "Deliveries, emergency access and turning lanes are not looked at."


@model(version="2", decision="Rehearsing lanes taken from cars or given to them.",
       method="Changes the lanes of the named segments, mapped or those of their class; one left without a lane "
       "is closed to cars.",
       limits="Lane widths, turning lanes and parking are not modelled.", risks=RISKS, tests=TESTS)  # fmt: skip
def change_lanes(streets: Streets, edit_streets: EditStreets, edit_lanes: EditLanes) -> Streets:
    """Take lanes from a street, or give it lanes.

    References
    ----------
    Own definition over the streets layer.
    """
    changed = streets.index.isin(edit_streets) & streets["drive"].to_numpy()
    left = np.maximum(0, lanes_of(streets) + edit_lanes)
    return streets.assign(
        lanes=np.where(changed, left, streets["lanes"]), drive=streets["drive"] & ~(changed & (left == 0))
    )


@model(version="2", decision="Rehearsing a street closed to cars.", method="The named segments are closed to cars.",
       limits="Residents' and delivery access is not modelled.", risks=RISKS, tests=TESTS)  # fmt: skip
def close_street(streets: Streets, edit_streets: EditStreets) -> Streets:
    """Close a street to cars.

    References
    ----------
    Own definition over the streets layer.
    """
    return streets.assign(drive=streets["drive"] & ~streets.index.isin(edit_streets))
