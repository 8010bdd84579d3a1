"""Accounts, their passkeys, sessions and tokens, and their links to OpenID providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _account() -> sa.Column[str]:
    return sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False)


def upgrade() -> None:
    """Make the tables; what belongs to an account has an index on it."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("name"),
        sa.Column("name_key", sa.Text, nullable=False, unique=True),
        *_texts("roles"),
        sa.Column("password", sa.Text),
        sa.Column("disabled", sa.Boolean, nullable=False),
        *_texts("created"),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Text, primary_key=True),
        _account(),
        *_texts("name", "public_key"),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        *_texts("created"),
        sa.Column("used", sa.Text),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        _account(),
        *_texts("csrf", "way", "device", "created", "seen", "expires"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        _account(),
        *_texts("name", "roles", "created", "expires"),
    )
    op.create_table(
        "oidc_links",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        _account(),
        *_texts("created"),
    )
    for table in ("passkeys", "sessions", "tokens", "oidc_links"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])
