"""Names and addresses by which a server is called."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host_of(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    """Whether it is an IP address: nobody else's name, but none that passkeys can be bound to."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
