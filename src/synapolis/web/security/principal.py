"""Who is asking, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from synapolis.web.errors import Problem

Role = Literal["visitor", "citizen", "analyst", "officer", "operator", "admin"]
Mode = Literal["single", "accounts"]

ROLES: dict[str, frozenset[str]] = {
    "visitor": frozenset({"look"}),
    "citizen": frozenset({"look", "comment"}),
    "analyst": frozenset({"look", "comment", "run", "edit"}),
    "officer": frozenset({"look", "comment", "run", "edit", "publish"}),
    "operator": frozenset({"look", "comment", "operate"}),
    "admin": frozenset({"look", "comment", "publish", "operate", "administer"}),
}
"""Which words a role allows. Whoever has several roles may do what any of them allows."""
OWN = "own"
"""To change one's own account: for whoever is signed in themselves, not for their programs."""
DOES = {
    "look": "look at this",
    "comment": "comment",
    "run": "run the twin",
    "edit": "keep scenarios",
    "publish": "publish plans",
    "operate": "see and stop everyone's runs",
    "administer": "manage accounts",
    OWN: "change their own account",
}
"""What the words mean, in a sentence that begins "you may not ..."."""


def includes(roles: Iterable[str], role: str) -> bool:
    """Whether whoever has these roles may do all that a role allows: an officer is an analyst too."""
    return ROLES.get(role, frozenset({role})) <= frozenset().union(*(ROLES.get(one, ()) for one in roles))


@dataclass(frozen=True)
class Who:
    """A person or program at one request.

    `way` is how they came in: "" for nobody in particular, "local" in single mode, "session" or "token". A visitor
    whose session is over has `ended`.
    """

    actor: str
    roles: tuple[str, ...]
    account_id: str | None = None
    mode: Mode = "accounts"
    way: Literal["", "local", "session", "token"] = ""
    csrf: str = ""
    session_id: str | None = None
    ended: bool = False

    def may(self, word: str) -> bool:
        """Whether one of their roles allows it."""
        if word == OWN:
            return self.way == "session"
        return any(word in ROLES.get(role, ()) for role in self.roles)

    @property
    def words(self) -> list[str]:
        """All that they may do."""
        return [word for word in DOES if self.may(word)]

    @property
    def known(self) -> bool:
        """Whether it is someone in particular."""
        return bool(self.way)


VISITOR = Who("visitor", ("visitor",))


async def who_asks(request: Request) -> Who:
    """Who is at the other end, as the gate found it (`security.gate`)."""
    who: Who = request.scope["state"]["who"]
    return who


@dataclass(frozen=True)
class Needs:
    """Dependency of a route: refuses whoever may not do `word`, and gives `Who` to the handler.

    Every route has one, `Needs("look")` where anyone may: `tests/web/test_privileges.py` fails on a route without.
    """

    word: str

    def __post_init__(self) -> None:
        if self.word not in DOES:
            raise ValueError(f"a route needs one of {', '.join(DOES)}, got {self.word!r}")

    async def __call__(self, request: Request) -> Who:
        """Return who asks, or refuse with what would be needed."""
        who = await who_asks(request)
        if not who.may(self.word):
            raise refusal(who, self.word)
        return who


def refusal(who: Who, word: str) -> Problem:
    """Why they may not, and what would help."""
    if not who.known:
        begin = "your session has ended; " if who.ended else ""
        return Problem(
            401,
            f"{begin}sign in to {DOES[word]}: at /account, or by POST /api/v1/session, or with a personal token in the "
            "header Authorization: Bearer TOKEN",
            headers={"www-authenticate": 'Bearer realm="synapolis"'},
        )
    if word == OWN and who.way == "local":
        return Problem(
            403, "there are no accounts on this machine's own server; `synapolis account add NAME` makes the first"
        )
    if word == OWN:
        return Problem(403, "a personal token may not change an account; sign in at /account instead")
    needed = [role for role, words in ROLES.items() if word in words]
    return Problem(
        403,
        f"to {DOES[word]} takes the role {' or '.join(needed)}, you have {', '.join(who.roles) or 'none'}; "
        "an administrator can give it",
        extra={"needs": needed},
    )
