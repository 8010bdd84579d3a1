"""The account of a person whom an OpenID provider vouches for: found by issuer and subject, or made."""

from __future__ import annotations

from synapolis.records.tables import fetch
from synapolis.records.tables_accounts import Account, OidcLink, accounts, oidc_links
from synapolis.web.errors import Problem
from synapolis.web.security.oidc import OidcError, Person
from synapolis.web.security.providers import Provider
from synapolis.web.security.state import Security

NAMESAKES = 50


def account_of(security: Security, provider: Provider, person: Person) -> Account:
    """Return the account that a person has here; make one where the provider may bring new people.

    A name that a local account has already is never taken over: the newcomer gets a number behind theirs. Where the
    provider gives roles, they are set at each sign-in, but the last administrator stays one.

    Raises
    ------
    OidcError
        Where there is none and none is made, or it is disabled.
    """
    given = provider.roles_of(person.claims)
    account = _linked(security, provider, person)
    if account is None:
        account = _made(security, provider, person, given or ["citizen"])
    elif given is not None and list(account.roles) != given:
        try:
            account = security.accounts.change(account.id, by=provider.title, roles=given)
        except Problem as problem:
            if problem.status != 409:
                raise
    if account.disabled:
        raise OidcError("disabled", "the account is disabled")
    return account


def _linked(security: Security, provider: Provider, person: Person) -> Account | None:
    with security.store.read() as connection:
        this = (oidc_links.c.issuer == provider.issuer, oidc_links.c.subject == person.subject)
        link = next(fetch(connection, OidcLink, *this), None)
        return next(fetch(connection, Account, accounts.c.id == link.account_id), None) if link else None


def _made(security: Security, provider: Provider, person: Person, roles: list[str]) -> Account:
    if not provider.create:
        raise OidcError("stranger", "the person has no account here, and this provider brings none")
    for wanted in (person.name[:56], provider.title[:56]):
        for k in range(1, NAMESAKES):
            name = wanted if k == 1 else f"{wanted} {k}"
            try:
                return security.accounts.add(name, roles, by=provider.title, link=(provider.issuer, person.subject))
            except Problem as problem:
                if problem.status != 409:
                    break  # the name will not do
    raise OidcError("stranger", "no account can be made: the first account of a server is an administrator's")
