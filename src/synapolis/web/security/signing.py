"""Signing in by name and password."""

from __future__ import annotations

from synapolis.web.errors import Problem
from synapolis.web.security.accounts import name_key
from synapolis.web.security.names import host_of, is_address
from synapolis.web.security.passwords import outdated, password_fits
from synapolis.web.security.sessions import Begun
from synapolis.web.security.state import Security


def sign_in_by_password(
    security: Security, name: str, password: str, *, address: str, device: str, instead_of: str | None
) -> Begun:
    """Begin a session, where name and password fit.

    Raises
    ------
    Problem
        401 where they do not: alike for an unknown name, a wrong password and a disabled account; 429 after too many.
    """
    key = name_key(name)[:100]
    security.attempts.begin(key, address)
    account = security.accounts.named(name)
    fits = password_fits(password, account.password if account else None)
    if account is None or not fits or account.disabled:
        # An unknown name is not written down: people type passwords into the wrong field.
        told = {"way": "password"} | ({"account": account.name, "disabled": account.disabled} if account else {})
        security.accounts.journal.append("sign-in refused", "visitor", told)
        raise Problem(401, "name and password do not fit together; after a few tries each takes longer")
    security.attempts.succeeded(key, address)
    if outdated(account.password or ""):
        security.accounts.rehash(account, password)
    return security.sessions.begin(account, "password", device, instead_of=instead_of)


def relying_party(host: str) -> str | None:
    """The name that passkeys are bound to; None where the server is called by an address, which cannot have any."""
    name = host_of(host)
    return name if name and not is_address(name) else None
