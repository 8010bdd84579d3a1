"""Passwords: which are strong enough, kept as argon2id."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from synapolis.web.errors import Problem

SHORTEST, LONGEST = 12, 256
FEWEST = 5  # different characters
COMMON = (
    "123456789", "987654321", "abcdefgh", "administrator", "changeme", "iloveyou", "letmein", "password", "passw0rd",
    "p@ssw0rd", "qwerty", "qwertz", "salasana", "lösenord", "synapolis", "trustno1", "welcome", "zaq12wsx", "1q2w3e4r",
)  # fmt: skip
"""What the commonest passwords of this length are made of."""

_hasher = PasswordHasher()  # RFC 9106, low memory: argon2id, 64 MiB, 3 passes
_few = threading.BoundedSemaphore(2)  # each takes 64 MiB and a processor
_queue = threading.BoundedSemaphore(10)  # those who wait hold threads that other requests need
_NOBODY = _hasher.hash("nobody's password, so that an unknown name takes as long as a wrong password")


def _plain(password: str) -> str:
    """The same letters however a keyboard makes them."""
    return unicodedata.normalize("NFKC", password)


def refuse_weak(password: str, name: str) -> None:
    """Refuse a password that others would guess.

    Raises
    ------
    Problem
        422, with what is wanted.
    """
    said = ""
    folded = _plain(password).casefold()
    rest = folded
    for common in COMMON:
        rest = rest.replace(common, "")
    if len(folded) < SHORTEST:
        said = (
            f"a password needs at least {SHORTEST} characters, got {len(folded)}; four words in a row are easy to keep"
        )
    elif len(folded) > LONGEST:
        said = f"a password may have up to {LONGEST} characters, got {len(folded)}"
    elif len(name) >= 3 and name.casefold() in folded:
        said = "a password must not hold the account's name"
    elif len(set(folded)) < FEWEST or len(rest) < SHORTEST // 2:
        said = "this password is among the first that others would try; four words in a row are easy to keep"
    if said:
        raise Problem(422, said, errors=[("body.password", said)])


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn to hash; too many at once are sent away.

    Raises
    ------
    Problem
        503, with when to try again.
    """
    if not _queue.acquire(blocking=False):
        raise Problem(503, "too many people sign in at this moment; try again in 3 s", headers={"retry-after": "3"})
    try:
        with _few:
            yield
    finally:
        _queue.release()


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and settings."""
    with _turn():
        return _hasher.hash(_plain(password))


def password_fits(password: str, kept: str | None) -> bool:
    """Whether it is the password; takes as long where there is none."""
    with _turn():
        try:
            _hasher.verify(kept or _NOBODY, _plain(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def outdated(kept: str) -> bool:
    """Whether a hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(kept)
