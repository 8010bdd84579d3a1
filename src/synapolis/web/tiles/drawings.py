"""The drawn cities of one server: each is drawn once, whoever asks first; all others wait for that."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from synapolis.core.digest import digest
from synapolis.core.errors import StorageError
from synapolis.layers.city import City
from synapolis.scenarios.cache import default_cache
from synapolis.web.errors import Problem
from synapolis.web.lazy import asked
from synapolis.web.state import Desk
from synapolis.web.tiles.archive import Archive

log = logging.getLogger("synapolis.web")
DRAWING = "3"
"""Raised with the code that draws: what was drawn by another is drawn again."""
PATIENCE = 30.0
"""[s] that a request waits for a city to be drawn."""


def drawn_hash(city: City) -> str:
    """Name of what is drawn of a city: it changes with the city and with how it is drawn."""
    return digest([city.digest, DRAWING])[:16]


def drawn_folder(city: City) -> Path:
    """Where a city's drawing is kept, in the cache; StorageError where there is no cache."""
    folder = default_cache().folder
    if folder is None:
        raise StorageError("the map needs a cache folder; name one in SYNAPOLIS_CACHE")
    return folder / "drawn" / drawn_hash(city)


def drawings_of(state: Any) -> Drawings:
    """The drawings of an application, kept with it."""
    if not hasattr(state, "drawings"):
        state.drawings = Drawings()
    found: Drawings = state.drawings
    return found


def drawings(request: Request) -> Drawings:
    """The drawings of the application that a request meets."""
    return drawings_of(request.app.state)


@dataclass(frozen=True)
class Drawn:
    """A drawn city: its tiles, and what is told of its ground and lines."""

    folder: Path
    hash: str
    tiles: Archive
    about: Mapping[str, Any]
    hillshade: bytes = b""


@dataclass
class Drawings:
    """Drawn cities by name, and those that are being drawn. It lives in one event loop."""

    _drawn: dict[str, Drawn] = field(default_factory=dict)
    _drawing: dict[str, asyncio.Task[Drawn]] = field(default_factory=dict)

    def ready(self, name: str) -> Drawn | None:
        """A city that is drawn and open, at once."""
        return self._drawn.get(name)

    async def get(self, desk: Desk, name: str) -> Drawn:
        """A drawn city, after a while the first time.

        Raises
        ------
        Problem
            503 when it is not drawn within `PATIENCE`; the drawing goes on.
        CityError, SourceError, StorageError
        """
        if name in self._drawn:
            return self._drawn[name]
        try:
            return await asyncio.wait_for(asyncio.shield(self.begin(desk, name)), PATIENCE)
        except TimeoutError:
            raise Problem(
                503, f"the map of {name} is still being drawn; try again in a moment", headers={"retry-after": "5"}
            ) from None

    def begin(self, desk: Desk, name: str) -> asyncio.Task[Drawn]:
        """Begin to draw a city, unless somebody has."""
        task = self._drawing.get(name)
        if task is None or task.get_loop() is not asyncio.get_running_loop():  # left over from a server that ended
            task = self._drawing[name] = asyncio.create_task(self._draw(desk, name))
            task.add_done_callback(lambda ended: self._ended(name, ended))
        return task

    def _ended(self, name: str, task: asyncio.Task[Drawn]) -> None:
        if self._drawing.get(name) is task:
            del self._drawing[name]
        if not task.cancelled() and task.exception() is not None:  # looked at: whoever begins next tries again
            log.warning("the map of %s was not drawn: %s", name, task.exception())

    async def _draw(self, desk: Desk, name: str) -> Drawn:
        city = await run_in_threadpool(desk.city, name)
        folder = await run_in_threadpool(drawn_folder, city)
        if not (folder / "about.json").is_file():
            await asked(desk, "draw_city", city=name)
        self._drawn[name] = await run_in_threadpool(_open, folder, drawn_hash(city))
        return self._drawn[name]


def _open(folder: Path, hash_: str) -> Drawn:
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    shade = (folder / "hillshade.png").read_bytes() if about["hillshade"] else b""
    return Drawn(folder, hash_, Archive(folder / "city.pmtiles"), about, shade)
