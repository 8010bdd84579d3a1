"""Accounts: who may sign in, by what, and from where they are signed in; frozen rows as in `tables`.

No secret is kept that would open anything: passwords as argon2id, tokens of sessions and programs as SHA-256,
passkeys as their public half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text

from synapolis.records.tables import TABLES, Json, metadata


def _account() -> Column[str]:
    return Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True)


accounts = Table(
    "accounts", metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),  # names that look alike are one
    Column("roles", Json, nullable=False),
    Column("password", Text),
    Column("disabled", Boolean, nullable=False),
    Column("created", Text, nullable=False),
)  # fmt: skip

passkeys = Table(
    "passkeys", metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("name", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("created", Text, nullable=False),
    Column("used", Text),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    _account(),
    Column("csrf", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("expires", Text, nullable=False),
)  # fmt: skip

tokens = Table(
    "tokens", metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    _account(),
    Column("name", Text, nullable=False),
    Column("roles", Json, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
)  # fmt: skip

oidc_links = Table(
    "oidc_links", metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    _account(),
    Column("created", Text, nullable=False),
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    """A person who may sign in. `password` is its argon2id hash, None where there is none."""

    id: str
    name: str
    name_key: str
    roles: Sequence[str]
    password: str | None
    disabled: bool
    created: str


@dataclass(frozen=True)
class Passkey:
    """The public half of a passkey; `id` is the authenticator's, both in base64url."""

    id: str
    account_id: str
    name: str
    public_key: str
    sign_count: int
    created: str
    used: str | None


@dataclass(frozen=True)
class Session:
    """One browser that is signed in, and by which way: "password", "passkey" or the id of a provider."""

    id: str
    token_hash: str
    account_id: str
    csrf: str
    way: str
    device: str
    created: str
    seen: str
    expires: str


@dataclass(frozen=True)
class Token:
    """What a program signs in by; its roles are among the account's."""

    id: str
    token_hash: str
    account_id: str
    name: str
    roles: Sequence[str]
    created: str
    expires: str


@dataclass(frozen=True)
class OidcLink:
    """A person at an OpenID provider, and their account here."""

    issuer: str
    subject: str
    account_id: str
    created: str


TABLES.update({Account: accounts, Passkey: passkeys, Session: sessions, Token: tokens, OidcLink: oidc_links})
