"""A worker process: it opens the city, then does one task after another and tells how far it is.

The server sends `("do", number, name, arguments, who)`, `("stop", number)` to end that task, and closes the pipe to end
the worker. The worker sends `("ready",)`, `("far", number, text, done, of)`, and once a task `("done", number, value)`,
`("stopped", number)` or `("failed", number, name of the error, message)`.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from synapolis.web.settings import Settings
    from synapolis.web.work.tasks import Context

NICE = 10
OFTEN = 0.1  # [s] between two messages of how far a task is
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
GONE = 3
"""Exit code of a worker whose server is gone."""
log = logging.getLogger("synapolis.web.work")


class StoppedError(BaseException):
    """The task was cancelled. No `Exception`: nothing that a model catches may swallow it."""


class Line:
    """The worker's end of the pipe: tasks come in, and how far the present one is goes out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._stop: set[int] = set()
        self.tasks: SimpleQueue[tuple[int, str, Mapping[str, Any], Mapping[str, Any]]] = SimpleQueue()
        self.number, self._told = 0, 0.0

    def listen(self) -> None:
        """Take in what the server sends; end the process at once when the server is gone."""
        while True:
            try:
                kind, *rest = self._connection.recv()
            except (EOFError, OSError):
                os._exit(GONE)  # in the middle of whatever it does: everything it keeps is kept whole or not at all
            if kind == "do":
                self.tasks.put((rest[0], rest[1], rest[2], rest[3]))
            else:
                self._stop.add(rest[0])

    def send(self, *message: Any) -> None:
        """Tell the server something; end where it is gone."""
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            os._exit(GONE)

    def tell(self, text: str, done: int, of: int) -> None:
        """Say how far the task is, a few times a second; StoppedError where it was cancelled."""
        if self.number in self._stop:
            raise StoppedError
        if text and time.monotonic() - self._told >= OFTEN:
            self._told = time.monotonic()
            self.send("far", self.number, text, done, of)


def main(connection: Connection, settings: Settings) -> None:
    """Run a worker until its server lets go of the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; it ends the workers
    for variable in THREADS:
        os.environ[variable] = "1"
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    with suppress(OSError):
        os.nice(NICE)
    line = Line(connection)
    threading.Thread(target=line.listen, daemon=True).start()
    context, tasks = _prepared(settings, line)
    line.send("ready")
    while True:
        number, name, arguments, who = line.tasks.get()
        line.number = number
        _do(line, number, lambda: tasks[name](_for(context, who), **arguments))  # noqa: B023 - called at once


def _prepared(settings: Settings, line: Line) -> tuple[Context, Mapping[str, Callable[..., Any]]]:
    """Import what computes, and open the records and the city."""
    from synapolis.models import load_models  # noqa: PLC0415 - after the threads are set
    from synapolis.records.journal import Journal  # noqa: PLC0415
    from synapolis.records.store import open_store  # noqa: PLC0415
    from synapolis.scenarios.cache import default_cache  # noqa: PLC0415
    from synapolis.web.state import Desk  # noqa: PLC0415
    from synapolis.web.work.tasks import Context, load_tasks  # noqa: PLC0415

    load_models()
    tasks = load_tasks()
    store = open_store()
    desk = Desk(settings, store, Journal(store))
    desk.city(desk.first)
    return Context(desk, default_cache(), line.tell, members=settings.members), tasks


def _for(context: Context, who: Mapping[str, Any]) -> Context:
    from dataclasses import replace  # noqa: PLC0415

    return replace(context, **who)


def _do(line: Line, number: int, act: Callable[[], Any]) -> None:
    from synapolis.core.errors import SynapolisError  # noqa: PLC0415

    try:
        line.tell("", 0, 0)  # cancelled before it began
        value = act()
    except StoppedError:
        line.send("stopped", number)
    except SynapolisError as error:
        line.send("failed", number, type(error).__name__, str(error))
    except MemoryError:
        line.send("failed", number, "MemoryError", "")
    except Exception:
        log.exception("a task broke in a worker")
        line.send("failed", number, "", "")
    else:
        line.send("done", number, value)
