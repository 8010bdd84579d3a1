"""Which parsers and rules a block of code called: noted while it runs, for the journal entry it ends in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_used: ContextVar[dict[str, str] | None] = ContextVar("_used", default=None)


def note(name: str, version: str) -> None:
    """Note that a parser or rule is called, where anybody listens."""
    used = _used.get()
    if used is not None:
        used[name] = version


@contextmanager
def noting() -> Iterator[dict[str, str]]:
    """Note name and version of each parser and rule that is called inside the block, here and not in other processes.

    Within another block, what it noted counts for both.
    """
    outer, used = _used.get(), dict[str, str]()
    token = _used.set(used)
    try:
        yield used
    finally:
        _used.reset(token)
        if outer is not None:
            outer |= used


def noted() -> dict[str, str]:
    """Return what the innermost `noting` block has noted so far; nothing outside of one."""
    return dict(_used.get() or {})
