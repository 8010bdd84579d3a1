"""What the guards of one server hold while it runs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from synapolis.records.journal import Journal, local_actor
from synapolis.records.store import Store
from synapolis.web.security.accounts import Accounts
from synapolis.web.security.challenges import Challenges
from synapolis.web.security.limits import Attempts
from synapolis.web.security.oidc import Providers
from synapolis.web.security.principal import Mode, Who
from synapolis.web.security.sessions import Sessions
from synapolis.web.settings import Settings

LOCAL_ROLES = ("analyst", "officer")
ANSWERED_WITHIN = 300.0  # [s]


@dataclass(frozen=True)
class PasskeyAsked:
    """A challenge to an authenticator: to register for an account, or (None) to sign in."""

    challenge: bytes = field(repr=False)
    account_id: str | None


@dataclass
class Security:
    """Accounts and sessions of a server, and what it only keeps in memory.

    `csrf` is for whoever has no session: pages of other sites cannot read it. A restart changes it, and pages then ask
    for it anew.
    """

    settings: Settings
    accounts: Accounts
    sessions: Sessions
    attempts: Attempts = field(default_factory=Attempts)
    passkeys: Challenges[PasskeyAsked] = field(default_factory=lambda: Challenges(ANSWERED_WITHIN))
    providers: Providers = field(init=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __post_init__(self) -> None:
        self.providers = Providers(self.settings.guard.providers)

    @classmethod
    def of(cls, settings: Settings, journal: Journal) -> Security:
        """Security over the records."""
        return cls(settings, Accounts(journal), Sessions(journal))

    @property
    def journal(self) -> Journal:
        """Where every change of accounts and every sign-in is told."""
        return self.accounts.journal

    @property
    def store(self) -> Store:
        """The records."""
        return self.accounts.store

    @property
    def mode(self) -> Mode:
        """Whether this server is one person's own, or asks who people are."""
        return "single" if self.settings.loopback and not self.accounts.exist() else "accounts"

    def nobody(self, *, ended: bool = False) -> Who:
        """Who asks without saying who they are."""
        if self.mode == "single":
            return Who(local_actor(), LOCAL_ROLES, mode="single", way="local", csrf=self.csrf)
        return Who("visitor", ("visitor",), csrf=self.csrf, ended=ended)


def _security(request: Request) -> Security:
    security: Security = request.app.state.security
    return security


SecurityDep = Annotated[Security, Depends(_security)]
