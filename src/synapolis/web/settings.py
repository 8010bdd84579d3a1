"""What a server is told when it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from synapolis.web.security.guard import Guard


@dataclass(frozen=True)
class Settings:
    """How one server runs; nothing of it changes while it does.

    `city` is the one that the first page opens: a name in the workspace, or a folder. `hosts` are the names by which
    the server may be called besides those of the loopback; `secure` says that people reach it by https.
    """

    city: str = "helsinki"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    members: int = 16
    hosts: tuple[str, ...] = ()
    secure: bool = False
    examples: bool = True
    guard: Guard = field(default_factory=Guard)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
