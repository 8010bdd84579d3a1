"""What a worker computes once and the server keeps: in memory, and as JSON in the workspace. Nobody waits for it.

A reader gets what there is: `ready` with the value, `computing` (then they ask again), or `failed` with the reason.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from synapolis.core.code import LOCK_FILE
from synapolis.core.digest import digest
from synapolis.core.errors import SynapolisError
from synapolis.core.home import home
from synapolis.layers.workspace import write_whole
from synapolis.web.state import Desk

State = Literal["ready", "computing", "failed"]
Made = TypeVar("Made")
AGAIN = 60.0
"""[s] after which what failed is tried again."""
HELD = 64
"""Values of one kind held in memory: the last that were asked for."""


@dataclass(frozen=True)
class Kept:
    """What there is under a key."""

    state: State
    value: Any = None
    detail: str = ""


COMPUTING = Kept("computing")


def key_of(*parts: Any) -> str:
    """Key for what follows from these parts and from the code of the models, as locked."""
    return digest([LOCK_FILE.read_bytes() if LOCK_FILE.is_file() else b"", list(parts)])[:16]


class Keeper:
    """Values of one kind by key; lives in the server's event loop.

    Parameters
    ----------
    desk : Desk
    folder : str
        Folder of the workspace that its files lie in.
    turn : Semaphore
        What readers wait for is computed one after another, so that planners' calls find a free worker.
    """

    def __init__(self, desk: Desk, folder: str, turn: asyncio.Semaphore) -> None:
        self._desk, self._folder, self._turn = desk, folder, turn
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, tuple[float, str]] = {}

    def file(self, key: str) -> Path:
        """File of the value under a key."""
        return home() / self._folder / f"{key}.json"

    async def get(self, key: str, task: str, arguments: Mapping[str, Any]) -> Kept:
        """What is kept under a key; where there is nothing, a worker begins to compute it.

        Parameters
        ----------
        key : from `key_of`
        task : str
            Name of the worker's task, which is called with `arguments` and returns the value.
        """
        if key in self._held:
            self._held.move_to_end(key)
            return Kept("ready", self._held[key])
        if key not in self._running:
            found = await run_in_threadpool(self._read, key)
            if found is not None:
                return Kept("ready", self._hold(key, found))
            when, why = self._failed.get(key, (0.0, ""))
            if why and time.monotonic() - when < AGAIN:
                return Kept("failed", detail=why)
            if key not in self._running:
                self._running[key] = asyncio.create_task(self._compute(key, task, dict(arguments)))
        return COMPUTING

    async def wait(self, key: str, seconds: float) -> None:
        """Wait until what is being computed under a key is there or has failed, but no longer than so many seconds."""
        if running := self._running.get(key):
            await asyncio.wait([running], timeout=seconds)

    async def _compute(self, key: str, task: str, arguments: dict[str, Any]) -> None:
        try:
            async with self._turn:
                value = await self._desk.workers.call(task, **arguments)
            await run_in_threadpool(write_whole, self.file(key), json.dumps(value, ensure_ascii=False))
            self._hold(key, value)
            self._failed.pop(key, None)
        except SynapolisError as error:
            self._failed[key] = (time.monotonic(), str(error))
        finally:
            del self._running[key]

    def _hold(self, key: str, value: Any) -> Any:
        self._held[key] = value
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return value

    def _read(self, key: str) -> Any:
        try:
            return json.loads(self.file(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there, or damaged: computed again
            return None


class Keepers:
    """Every keeper of a server, by folder."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._turn = desk, asyncio.Semaphore(1)
        self._keepers: dict[str, Keeper] = {}

    def __getitem__(self, folder: str) -> Keeper:
        """The keeper of one kind of value."""
        if folder not in self._keepers:
            self._keepers[folder] = Keeper(self._desk, folder, self._turn)
        return self._keepers[folder]


def per_desk(state: Any, name: str, make: Callable[[Desk], Made]) -> Made:
    """What an application holds for as long as its desk lives, made when it is first asked for."""
    held = getattr(state, name, None)
    if held is None or held[0] is not state.desk:
        held = state.desk, make(state.desk)
        setattr(state, name, held)
    found: Made = held[1]
    return found


async def _keepers(request: Request) -> Keepers:
    return per_desk(request.app.state, "keepers", Keepers)


KeepersDep = Annotated[Keepers, Depends(_keepers)]
