"""What a worker can do: functions by name, each called with the worker's context and the task's arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synapolis.layers.city import City
    from synapolis.records.journal import Journal
    from synapolis.scenarios.cache import Cache
    from synapolis.web.state import Desk

Task = Callable[..., Any]
QUICK = frozenset({"draw_city", "today", "draw_stills", "export_answer"})
"""Calls that somebody waits for before an empty page: they go before jobs. Others take turns with the jobs."""
TASKS: dict[str, Task] = {}
"""Every task by name. `tell(text, done, of)` of the context says how far one is, and ends it where it was cancelled."""


@dataclass(frozen=True)
class Context:
    """What a worker holds: opened cities, the cache of results, the records; and who asked, for a job."""

    desk: Desk
    cache: Cache
    tell: Callable[[str, int, int], None]
    actor: str = ""
    members: int = field(default=16)

    @property
    def journal(self) -> Journal:
        """The journal in which runs are entered."""
        return self.desk.journal

    def city(self, name: str) -> City:
        """Open a city, once in each worker."""
        return self.desk.city(name)


def task(name: str) -> Callable[[Task], Task]:
    """Offer a function as a task. It takes the context first; what it returns must be small and plain (JSON)."""

    def offer(function: Task) -> Task:
        TASKS[name] = function
        return function

    return offer


def load_tasks() -> dict[str, Task]:
    """Import every module that offers tasks."""
    from synapolis.web.work import citizen, drawing, running  # noqa: F401, PLC0415 - heavy: for workers, not for the server

    return TASKS
