"""Accounts: added, given roles, disabled and removed, each change together with its entry in the journal."""

from __future__ import annotations

import secrets
import threading
import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, Table, delete, select, update

from synapolis.records.journal import Journal, stamp, utc_now
from synapolis.records.tables import fetch, put
from synapolis.records.tables_accounts import Account, OidcLink, accounts, oidc_links, passkeys, sessions, tokens
from synapolis.web.errors import Problem
from synapolis.web.security.passwords import hash_password, refuse_weak
from synapolis.web.security.principal import ROLES

LONGEST = 64
RESERVED = {"visitor", "local user", "synapolis", "anonymous"}
OWNED: tuple[Table, ...] = (sessions, tokens, passkeys, oidc_links)
FRESH = 1.0  # [s] for how long it is believed that there is no account


def name_key(name: str) -> str:
    """What names have in common that people would take for one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def plain_name(name: str) -> str:
    """Return a name as it is kept.

    Raises
    ------
    Problem
        422, where it is empty, too long, not printable or means nobody.
    """
    plain = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 2 <= len(plain) <= LONGEST or not plain.isprintable():
        raise _unfit("name", f"a name has 2 to {LONGEST} printable characters, got {len(plain)}")
    if name_key(plain) in RESERVED:
        raise _unfit("name", f"{plain!r} is what the journal calls nobody in particular; take another name")
    return plain


def plain_roles(roles: Iterable[str]) -> list[str]:
    """Return roles in their order, once each.

    Raises
    ------
    Problem
        422, naming an unknown one.
    """
    given = set(roles)
    if unknown := sorted(given - (ROLES.keys() - {"visitor"})):
        raise _unfit("roles", f"no role is called {', '.join(unknown)}; there are {', '.join(list(ROLES)[1:])}")
    if not given:
        raise _unfit("roles", "an account needs a role; citizen is the least")
    return sorted(given, key=list(ROLES).index)


class Accounts:
    """The accounts of a store."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.store = journal, journal.store
        self._some = False
        self._looked = -FRESH
        self._lock = threading.Lock()

    def exist(self) -> bool:
        """Whether there is any account: then nobody gets in without one. Asked of the store at most once a second."""
        with self._lock:
            if not self._some and time.monotonic() - self._looked >= FRESH:
                with self.store.read() as connection:
                    self._some = connection.execute(select(accounts.c.id).limit(1)).first() is not None
                self._looked = time.monotonic()
            return self._some

    @property
    def known(self) -> bool:
        """Whether `exist` can tell without asking the store."""
        return self._some or time.monotonic() - self._looked < FRESH

    def all(self) -> list[Account]:
        """Every account, by name."""
        with self.store.read() as connection:
            return list(fetch(connection, Account, order_by=(accounts.c.name_key,)))

    def named(self, name: str) -> Account | None:
        """The account of a name, however it is spelled."""
        if not name.isprintable():
            return None
        with self.store.read() as connection:
            return next(fetch(connection, Account, accounts.c.name_key == name_key(name)), None)

    def get(self, account_id: str) -> Account:
        """Return an account by its id.

        Raises
        ------
        Problem
            404.
        """
        with self.store.read() as connection:
            return _get(connection, account_id)

    def add(
        self,
        name: str,
        roles: Iterable[str],
        *,
        by: str,
        password: str | None = None,
        link: tuple[str, str] | None = None,
    ) -> Account:
        """Add an account; `link` is the issuer and subject by which an OpenID provider knows the person.

        Raises
        ------
        Problem
            422 for a name, role or password that will not do; 409 for a name that is taken, or a first account that is
            no administrator.
        """
        name, given = plain_name(name), plain_roles(roles)
        kept = None
        if password is not None:
            refuse_weak(password, name)
            kept = hash_password(password)
        account = Account(secrets.token_hex(16), name, name_key(name), given, kept, False, stamp(utc_now()))
        with self.store.write() as connection:
            self._tell(connection, by, "added", account, roles=given)
            if next(fetch(connection, Account, accounts.c.name_key == account.name_key), None):
                raise Problem(409, f"there is an account called {name} already; take another name")
            if "admin" not in given and connection.execute(select(accounts.c.id).limit(1)).first() is None:
                raise Problem(409, f"the first account must be an administrator: give {name} the role admin too")
            put(connection, account)
            if link:
                put(connection, OidcLink(*link, account.id, account.created))
        self._some = True
        return account

    def change(
        self, account_id: str, *, by: str, roles: Iterable[str] | None = None, disabled: bool | None = None
    ) -> Account:
        """Give an account other roles, or disable or enable it; who is disabled is signed out everywhere.

        Raises
        ------
        Problem
            404; 422 for an unknown role; 409 where no administrator would be left.
        """
        given = None if roles is None else plain_roles(roles)
        with self.store.write() as connection:
            before = _get(connection, account_id)
            after = replace(
                before,
                roles=before.roles if given is None else given,
                disabled=before.disabled if disabled is None else disabled,
            )
            told: dict[str, object] = {"roles": list(after.roles)} if after.roles != before.roles else {}
            if after.disabled != before.disabled:
                told["disabled"] = after.disabled
            if not told:
                return before
            self._tell(connection, by, "changed", after, **told)
            _keep_an_admin(connection, before, after)
            changed = {"roles": list(after.roles), "disabled": after.disabled}
            connection.execute(update(accounts).where(accounts.c.id == account_id).values(changed))
            if after.disabled:
                connection.execute(delete(sessions).where(sessions.c.account_id == account_id))
            return after

    def set_password(self, account_id: str, password: str, *, by: str, keep_session: str | None = None) -> None:
        """Set a password; every session but the one named ends.

        Raises
        ------
        Problem
            404; 422 for a weak one.
        """
        account = self.get(account_id)
        refuse_weak(password, account.name)
        kept = hash_password(password)
        with self.store.write() as connection:
            self._tell(connection, by, "password set", account)
            connection.execute(update(accounts).where(accounts.c.id == account_id).values(password=kept))
            others = sessions.c.account_id == account_id
            connection.execute(delete(sessions).where(others, sessions.c.id != (keep_session or "")))

    def rehash(self, account: Account, password: str) -> None:
        """Keep a password that was just right with today's settings of argon2id."""
        kept = hash_password(password)
        with self.store.write() as connection:
            unchanged = (accounts.c.id == account.id, accounts.c.password == account.password)
            connection.execute(update(accounts).where(*unchanged).values(password=kept))

    def remove(self, account_id: str, *, by: str) -> None:
        """Remove an account and all that it signs in by. What it did stays in the journal under its name.

        Raises
        ------
        Problem
            404; 409 where no administrator would be left.
        """
        with self.store.write() as connection:
            account = _get(connection, account_id)
            self._tell(connection, by, "removed", account)
            _keep_an_admin(connection, account, None)
            for table in OWNED:
                connection.execute(delete(table).where(table.c.account_id == account_id))
            connection.execute(delete(accounts).where(accounts.c.id == account_id))

    def _tell(self, connection: Connection, by: str, did: str, account: Account, **particulars: object) -> None:
        body = {"did": did, "account": account.id, **particulars}
        self.journal.append("account", by, body, within=connection)


def _get(connection: Connection, account_id: str) -> Account:
    found = next(fetch(connection, Account, accounts.c.id == account_id), None)
    if found is None:
        raise Problem(404, f"there is no account {account_id!r}; GET /api/v1/accounts lists them")
    return found


def _is_admin(roles: Sequence[str], *, disabled: bool) -> bool:
    return "admin" in roles and not disabled


def _keep_an_admin(connection: Connection, before: Account, after: Account | None) -> None:
    """Refuse to lose the last administrator. The journal's turn, taken before, makes two at once wait."""
    if not _is_admin(before.roles, disabled=before.disabled):
        return
    if after is not None and _is_admin(after.roles, disabled=after.disabled):
        return
    others = fetch(connection, Account, accounts.c.id != before.id)
    if not any(_is_admin(other.roles, disabled=other.disabled) for other in others):
        raise Problem(409, f"{before.name} is the only administrator; make someone else one first")


def _unfit(where: str, said: str) -> Problem:
    return Problem(422, said, errors=[(f"body.{where}", said)])
