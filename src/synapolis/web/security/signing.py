"""Signing in by name and password."""

from __future__ import annotations

from synapolis.records.tables_accounts import Account
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
        told = {"way": "password"} | ({"account": account.id, "disabled": account.disabled} if account else {})
        security.journal.append("sign-in refused", "visitor", told)
        raise Problem(401, "name and password do not fit together; after a few tries each takes longer")
    security.attempts.succeeded(key, address)
    if outdated(account.password or ""):
        security.accounts.rehash(account, password)
    return security.sessions.begin(account, "password", device, instead_of=instead_of)


def relying_party(host: str) -> str | None:
    """The name that passkeys are bound to; None where the server is called by an address, which cannot have any."""
    name = host_of(host)
    return name if name and not is_address(name) else None


def change_password(
    security: Security, account: Account, *, old: str | None, new: str, address: str, keep_session: str | None
) -> None:
    """Change one's own password, for whoever knows the one until now.

    Raises
    ------
    Problem
        403 where the old one is wrong; 422 for a weak new one; 429 after too many tries.
    """
    if account.password is not None:
        security.attempts.begin(account.name_key, address)
        if not password_fits(old or "", account.password):
            security.journal.append("sign-in refused", account.name, {"way": "password", "for": "changing it"})
            said = "the password until now is not right"
            raise Problem(403, said, errors=[("body.old", said)])
        security.attempts.succeeded(account.name_key, address)
    security.accounts.set_password(account.id, new, by=account.name, keep_session=keep_session)
    security.sessions.forget()
