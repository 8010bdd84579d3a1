"""What a scenario is asked about where nobody says: the general topics, and those that its edits are about."""

from __future__ import annotations

from synapolis.agents.subjects import BY_NAME, GENERAL, thresholds_of
from synapolis.layers.city import City
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.rehearse import FITTING

ALSO: dict[str, tuple[str, ...]] = {
    "add_homes": ("housing", "green"),
    "change_cover": ("heat",),
    "plant_trees": ("heat",),
    "build_storage": ("sewers",),
    "change_lanes": ("mode share", "emissions", "noise"),
    "close_street": ("mode share", "emissions", "noise"),
    "bus_lane": ("mode share", "frequent transit"),
    "change_headway": ("mode share", "frequent transit"),
    "extend_service": ("frequent transit",),
    "add_line": ("mode share", "frequent transit"),
    "close_stop": ("frequent transit",),
    "move_stop": ("frequent transit",),
    "change_fares": ("mode share", "emissions"),
}
"""Topics besides the general ones that each kind of edit is about."""


def wanted_by(scenario: Scenario, city: City) -> tuple[str, ...]:
    """Quantities for a scenario, in the order in which answers tell them.

    Of the general topics all: an answer says which cannot be had. Of the others those that this city can have.
    """
    kinds = [edit.kind for edit in scenario.edits]
    words = [word for topic in GENERAL for word in BY_NAME[topic].want]
    words += [f"mean_jobs_within_{minutes}_min" for minutes in thresholds_of(city)]
    words += FITTING if "add_homes" in kinds else ()
    planner = Planner(city)
    also = dict.fromkeys(word for kind in kinds for topic in ALSO.get(kind, ()) for word in BY_NAME[topic].want)
    words += [word for word in also if planner.why_not(word) is None]
    return tuple(dict.fromkeys(words))
