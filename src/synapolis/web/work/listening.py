"""Who listens to which job: each is woken when the job changes, and looks at it then. No thread, no backlog."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Listeners:
    """Events of those who listen, by job; used in the event loop alone."""

    def __init__(self) -> None:
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False

    @contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job changes, as long as the block lasts."""
        event = asyncio.Event()
        self._events[name].add(event)
        try:
            yield event
        finally:
            self._events[name].discard(event)
            if not self._events[name]:
                del self._events[name]

    def changed(self, *names: str) -> None:
        """Wake those who listen to these jobs."""
        for name in names:
            for event in self._events.get(name, ()):
                event.set()

    def close(self) -> None:
        """Wake everybody for good: the server ends."""
        self.closed = True
        self.changed(*list(self._events))
