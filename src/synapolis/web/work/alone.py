"""Whether this server is the only one on its workspace: only then may it take up what another left behind."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

from synapolis.core.home import home

NAME = ".serving"


@dataclass
class Alone:
    """A lock on the workspace, held while a server runs; the system lets go of it when the server ends in any way.

    Where the system has no such locks, or the folder allows none, a server counts as alone.
    """

    _handle: int | None = None

    def take(self) -> bool:
        """Try to take the lock; False where another server holds it."""
        try:
            import fcntl  # noqa: PLC0415 - not on every system

            self._handle = os.open(home() / NAME, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.leave()
            return False
        except (ImportError, OSError):
            return True
        return True

    def leave(self) -> None:
        """Let go of the lock."""
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = None
