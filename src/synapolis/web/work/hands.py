"""One worker as the server sees it: its process, what it does now, how far that is, and what its errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from synapolis.core import errors
from synapolis.core.errors import SynapolisError
from synapolis.records.tables_desk import JobRow
from synapolis.web.errors import Problem

ENSEMBLE = "ensemble"
"""How a run calls its members while it makes them."""


@dataclass
class Far:
    """How far a running job is."""

    text: str = ""
    done: int = 0
    of: int = 0
    share: float = 0.0
    step: str = ""

    def on(self, step: str, done: int, of: int) -> Far:
        """The next state: the run itself is the first half, its ensemble the second; a share never falls."""
        part = done / of if of else 0.0
        share = 0.5 + part / 2 if step == ENSEMBLE else part / 2
        text = "other values of the assumptions" if step == ENSEMBLE else step.replace("_", " ")
        return Far(text, done, of, max(self.share, min(share, 1.0)), step)


@dataclass
class Call:
    """A short task that somebody waits for."""

    name: str
    arguments: Mapping[str, Any]
    result: asyncio.Future[Any]
    lost: int = 0


@dataclass(eq=False)
class Hand:
    """One worker process and what it does now: a job's row, a call, or nothing."""

    process: Any
    connection: Any
    ready: bool = False
    number: int = 0
    doing: JobRow | Call | None = None
    yields: bool = False
    kill: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Ask it to end what it does."""
        with suppress(OSError):  # where it died, its thread tells
            self.connection.send(("stop", self.number))


def lost_error(times: int) -> Problem:
    """Tell that workers were lost over a task."""
    return Problem(
        503,
        f"the process that computed this was ended by the system, {times} times, perhaps for want of memory; what it "
        "had finished is kept: try again, with a smaller area or fewer runs of the ensemble",
    )


def error_of(name: str, message: str) -> SynapolisError:
    """The error that a worker met, by its name; what has none is our own fault and says so."""
    if name == "MemoryError":
        return Problem(507, "the machine has too little memory for this; try a smaller area or fewer runs")
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, SynapolisError):
        return kind(message)
    if name:
        return Problem(500, message)
    return Problem(500, "the run broke in a way that it should not have; the server's log tells more, please report it")
