"""Limits on requests: how many, how large, and how soon after a wrong password."""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synapolis.web.errors import Problem
from synapolis.web.security.guard import Guard, Rate
from synapolis.web.security.replies import reply

SAFE = {"GET", "HEAD", "OPTIONS"}
REMEMBERED = 20_000  # people and addresses; who was seen longest ago is forgotten first
SIGN_IN = re.compile(r"/api/v1/(session|password|passkeys/authenticate/.*|oidc/.*)")


class Buckets:
    """Token buckets, one a key: each holds `at_once` and fills by `per_second`."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one; 0 where there was one, else the seconds until there will be."""
        now, rate = self._clock(), self._rate
        held, since = self._held.pop(key, (rate.at_once, now))
        held = min(rate.at_once, held + (now - since) * rate.per_second)
        wait = 0.0 if held >= 1 else (1 - held) / rate.per_second
        self._held[key] = (held if wait else held - 1, now)
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)
        return wait


class Attempts:
    """Wrong passwords: after the first few, each makes the next one wait twice as long.

    They are counted by name and address together, by address, and by name. By name alone the wait stays short, so that
    nobody can lock another out.
    """

    KINDS = (("both", 5, 900.0), ("address", 40, 900.0), ("name", 40, 30.0))  # free tries, longest wait [s]
    FORGOTTEN = 3600.0  # [s] after the last

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[str, ...], tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str) -> None:
        """Count a try as wrong until `succeeded` says otherwise, so that tries at the same time count too.

        Raises
        ------
        Problem
            429, with when to try again.
        """
        with self._lock:
            now = self._clock()
            wait = max(
                self._until(kind, key, free, longest) - now for (kind, free, longest), key in self._keys(name, address)
            )
            if wait > 0:
                raise too_many(wait, "too many wrong passwords")
            for (kind, _, _), key in self._keys(name, address):
                count, _ = self._counts.pop((kind, *key), (0, 0.0))
                self._counts[kind, *key] = (count + 1, now)
            while len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the wrong tries of a name from an address, and take this one off the others."""
        with self._lock:
            for (kind, _, _), key in self._keys(name, address):
                count, at = self._counts.pop((kind, *key), (0, 0.0))
                if kind != "both" and count > 1:
                    self._counts[kind, *key] = (count - 1, at)

    def _keys(self, name: str, address: str) -> list[tuple[tuple[str, int, float], tuple[str, ...]]]:
        return list(zip(self.KINDS, ((name, address), (address,), (name,)), strict=True))

    def _until(self, kind: str, key: tuple[str, ...], free: int, longest: float) -> float:
        count, at = self._counts.get((kind, *key), (0, 0.0))
        if count < free or self._clock() - at > self.FORGOTTEN:
            if count >= free:
                del self._counts[kind, *key]
            return 0.0
        return at + min(longest, 2.0 ** min(count - free, 20))


def too_many(wait: float, what: str) -> Problem:
    """429: what there was too much of, and when to try again."""
    seconds = max(1, round(wait + 0.5))
    detail = f"{what}; try again in {seconds} s"
    return Problem(429, detail, headers={"retry-after": str(seconds)}, extra={"retry_after": seconds})


def address_of(scope: Scope) -> str:
    """Where a request comes from; of IPv6, the network that one household has."""
    client = scope.get("client")
    host = str(client[0]) if client else "nowhere"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Limits:
    """Middleware that refuses what is too much: 429 for requests, 413 for bytes. Stands behind the gate."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self._body = app, guard.body
        self._look, self._act, self._sign_in = Buckets(guard.look), Buckets(guard.act), Buckets(guard.sign_in)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._count(scope)
            self._refuse_long(scope)
        except Problem as problem:
            await reply(problem)(scope, receive, send)
            return
        if scope["method"] in SAFE:
            await self.app(scope, receive, send)
        else:
            await self._measured(scope, receive, send)

    def _count(self, scope: Scope) -> None:
        path, safe = scope["path"], scope["method"] in SAFE
        if safe and (not path.startswith(("/api/", "/ogc")) or "/tiles/" in path):
            return
        address, who = address_of(scope), scope["state"]["who"]
        key = who.account_id or address
        wait = (self._look if safe else self._act).take(key)
        if SIGN_IN.fullmatch(path) and scope["method"] != "DELETE":
            wait = max(wait, self._sign_in.take(address))
        if wait:
            raise too_many(wait, "too many requests in a short time")

    def _refuse_long(self, scope: Scope) -> None:
        said = dict(scope["headers"]).get(b"content-length", b"")
        if said.isdigit() and int(said) > self._body:
            raise self._too_long()

    def _too_long(self) -> Problem:
        most = f"{self._body / 1024**2:g} MiB"
        return Problem(413, f"a request may be up to {most} long; simplify its geometry or split it")

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body as it comes: a length that was said may be wrong, and in chunks none is said."""
        came, over, begun = 0, False, False

        async def count() -> Message:
            nonlocal came, over
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._body:
                over = True
                raise HTTPException(413)  # what reads the body stops here; the reply is ours, below
            return message

        async def watch(message: Message) -> None:
            nonlocal begun
            if over and not begun:
                return  # whatever it made of half a body
            begun = True
            await send(message)

        try:
            await self.app(scope, count, watch)
        except HTTPException:
            if not over:
                raise
        if over and not begun:
            await reply(self._too_long())(scope, receive, send)
