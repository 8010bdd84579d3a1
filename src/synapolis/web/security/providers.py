"""OpenID providers that people may sign in with: a TOML file, named by SYNAPOLIS_OIDC; docs/accounts.md shows one."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from synapolis.core.errors import SynapolisError
from synapolis.web.security.names import LOOPBACK
from synapolis.web.security.principal import ROLES

SETTING = "SYNAPOLIS_OIDC"
KNOWN = {"id", "title", "issuer", "client_id", "client_secret_file", "client_secret_env", "claim", "roles", "create"}


@dataclass(frozen=True)
class Provider:
    """One OpenID provider. `roles` maps values of the claim to roles; `create` lets new people in as citizens."""

    id: str
    title: str
    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    create: bool = True

    def roles_of(self, claims: Mapping[str, Any]) -> list[str] | None:
        """Roles that the provider's word gives a person; None where it gives none to anyone."""
        if not self.claim:
            return None
        said = claims.get(self.claim, [])
        values = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        given = {self.roles[value] for value in values if isinstance(value, str) and value in self.roles}
        return sorted(given | {"citizen"}, key=list(ROLES).index)


def read_providers(file: str | Path) -> tuple[Provider, ...]:
    """Read the file of providers.

    Raises
    ------
    SynapolisError
        Naming what is missing, unknown or unsafe in which provider.
    """
    try:
        found = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise SynapolisError(f"{SETTING} names {file}, which cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SynapolisError(f"{file} is no TOML: {error}") from None
    rows = found.get("provider")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise SynapolisError(f"{file} needs a [[provider]] with id, title, issuer and client_id; see docs/accounts.md")
    providers = tuple(_provider(row, str(file)) for row in rows)
    if len({provider.id for provider in providers}) < len(providers):
        raise SynapolisError(f"{file} has two providers of the same id; give each its own")
    return providers


def _provider(row: Mapping[str, Any], file: str) -> Provider:
    where = f"{file}, provider {row.get('id', '?')!r}"
    if unknown := sorted(row.keys() - KNOWN):
        raise SynapolisError(f"{where}: unknown {', '.join(unknown)}; it may have {', '.join(sorted(KNOWN))}")
    for name in ("id", "title", "issuer", "client_id"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise SynapolisError(f"{where}: needs {name}, in words")
    if not re.fullmatch(r"[a-z0-9-]{1,32}", row["id"]):
        raise SynapolisError(f"{where}: its id goes into addresses: small letters, digits and hyphens only")
    issuer = urlsplit(row["issuer"])
    if issuer.scheme != "https" and not (issuer.scheme == "http" and issuer.hostname in LOOPBACK):
        raise SynapolisError(f"{where}: its issuer must begin with https://, got {row['issuer']!r}")
    roles = row.get("roles", {})
    if not isinstance(roles, dict) or not all(role in ROLES for role in roles.values()):
        raise SynapolisError(f"{where}: roles maps values of the claim to {', '.join(ROLES)}, got {roles!r}")
    if bool(roles) != bool(row.get("claim")):
        raise SynapolisError(f"{where}: claim and roles go together")
    return Provider(
        row["id"], row["title"], row["issuer"].rstrip("/"), row["client_id"], _secret(row, where),
        str(row.get("claim", "")), roles, create=bool(row.get("create", True)),
    )  # fmt: skip


def _secret(row: Mapping[str, Any], where: str) -> str:
    if name := row.get("client_secret_env"):
        if not (secret := os.environ.get(str(name), "")):
            raise SynapolisError(f"{where}: its secret should be in the environment as {name}, which is empty")
        return secret
    if file := row.get("client_secret_file"):
        try:
            return Path(str(file)).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SynapolisError(f"{where}: its secret cannot be read from {file}: {error.strerror}") from None
    return ""
