"""What a server asked a browser and has not been answered yet: each may be answered once, and soon."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
MOST = 5_000  # then the oldest are forgotten


class Challenges(Generic[Asked]):
    """Open questions by a random name; in memory, since an answer to a server that restarted is asked for again."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._open: OrderedDict[str, tuple[float, Asked]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, asked: Asked) -> str:
        """Keep a question; returns the name to answer it by."""
        name = secrets.token_urlsafe(24)
        with self._lock:
            now = self._clock()
            while self._open and (len(self._open) >= MOST or next(iter(self._open.values()))[0] < now):
                self._open.popitem(last=False)
            self._open[name] = (now + self._seconds, asked)
        return name

    def take(self, name: str) -> Asked | None:
        """The question of a name, which is then no longer open; None where there is none, or it is too late."""
        with self._lock:
            until, asked = self._open.pop(name, (0.0, None))
        return asked if until > self._clock() else None
