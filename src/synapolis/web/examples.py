"""Example plans for the built-in city, so that a citizen's window shows something where nobody has planned yet.

Each says in its title and sentence that it is made up. They are made once: whoever withdraws or deletes them will not
meet them again.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from synapolis.core.errors import SynapolisError
from synapolis.records.tables_desk import scenarios
from synapolis.web.plans import DEMO
from synapolis.web.security.principal import Who
from synapolis.web.state import Desk

BUILT_IN = ("helsinki", "Helsinki centre")
"""Name and title of the city that the examples name streets, lines and districts of."""
MADE_UP = "Example plan, made up to show how this works:"
Example = tuple[str, str, str, dict[str, Any]]
PLANS: tuple[Example, ...] = (
    (
        "Example: more trees along Mannerheimintie",
        f"{MADE_UP} trees every 10 metres along Mannerheimintie, to give shade on hot days.",
        "made up: summer 2028",
        {"kind": "plant_trees", "area": {"street": "Mannerheimintie"}, "spacing": 10, "height": 9},
    ),
    (
        "Example: 500 new homes in Kamppi",
        f"{MADE_UP} 500 new homes in Kamppi, where buildings and the height limit leave room for them.",
        "made up: by 2030",
        {"kind": "add_homes", "area": {"place": "Kamppi"}, "homes": 500},
    ),
    (
        "Example: tram 7 every 5 minutes",
        f"{MADE_UP} tram 7 comes every 5 minutes, all day.",
        "made up: from August 2027",
        {"kind": "change_headway", "route": "7", "mode": "tram", "headway_minutes": 5},
    ),
)
"""Title, sentence, when, edit; the last is shown first."""
DEMO_WHO = Who(DEMO, ("officer",))
log = logging.getLogger("synapolis.web")


async def ensure_examples(desk: Desk, *, plans: tuple[Example, ...] = PLANS, city: tuple[str, str] = BUILT_IN) -> int:
    """Publish the example plans where they are wanted and were never made, and let the workers run them.

    Parameters
    ----------
    desk : Desk
    plans : title, sentence, when and edit of each
    city : name and title of the city that they are for; another one gets none

    Returns
    -------
    int
        How many were made now.
    """
    if not desk.settings.examples:
        return 0
    try:
        made = await run_in_threadpool(_make, desk, plans, city)
    except SynapolisError as error:  # the server is of use without examples
        log.warning("the example plans could not be made: %s", error)
        return 0
    for job in made:
        desk.workers.submit(job)
    return len(made)


def _make(desk: Desk, plans: tuple[Example, ...], wanted: tuple[str, str]) -> list[str]:
    city = desk.first
    if (city, desk.city(city).title) != wanted or _met(desk, city):
        return []
    return [_publish(desk, city, *plan) for plan in plans]


def _met(desk: Desk, city: str) -> bool:
    """Whether the examples were made before, or there are plans of people."""
    query = select(scenarios.c.id).where(
        scenarios.c.city == city, (scenarios.c.owner == DEMO) | scenarios.c.published.is_not(None)
    )
    with desk.store.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def _publish(desk: Desk, city: str, title: str, sentence: str, when: str, edit: dict[str, Any]) -> str:
    """Keep and publish one example, and ask for its run; the id of the job."""
    content = {"title": title, "city": city, "edits": [{"id": "e1", **edit}], "want": []}
    head = desk.scenarios.add(city, content, DEMO_WHO)
    desk.scenarios.publish(head.id, head.version, sentence=sentence, planned=when, who=DEMO_WHO)
    scenario = {name: value for name, value in content.items() if name != "want"}
    row = desk.jobs.add(
        kind="run", city=city, request={"scenario": scenario}, principal=DEMO_WHO, title=title, scenario=(head.id, 1)
    )
    return row.id
