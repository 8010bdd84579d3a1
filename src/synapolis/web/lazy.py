"""Files that a worker makes when they are first asked for, and that are kept from then on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from synapolis.web.state import Desk

_MAKING: dict[str, asyncio.Task[Any]] = {}


async def made(desk: Desk, path: Path, task: str, **arguments: Any) -> None:
    """Wait until a file is there; where it is not, a worker's task makes it, once for all who ask meanwhile."""
    if await run_in_threadpool(path.is_file):
        return
    key = f"{task}{sorted(arguments.items())}{path.parent}"
    making = _MAKING.get(key)
    if making is None or making.get_loop() is not asyncio.get_running_loop():  # left over from a server that ended
        making = _MAKING[key] = asyncio.create_task(asked(desk, task, **arguments))
        making.add_done_callback(lambda _: _MAKING.pop(key, None))
    await asyncio.shield(making)


async def asked(desk: Desk, task: str, **arguments: Any) -> Any:
    """What a task returns: done by a worker, or in this process where a server has none, as in tests."""
    if desk.workers is not None and desk.settings.workers > 0:
        return await desk.workers.call(task, **arguments)
    return await run_in_threadpool(_here, desk, task, arguments)


def _here(desk: Desk, task: str, arguments: dict[str, Any]) -> Any:
    from synapolis.models import load_models  # noqa: PLC0415 - a server with workers never imports the models
    from synapolis.scenarios.cache import default_cache  # noqa: PLC0415
    from synapolis.web.work.tasks import Context, load_tasks  # noqa: PLC0415

    load_models()
    return load_tasks()[task](Context(desk, default_cache(), lambda *_: None), **arguments)
