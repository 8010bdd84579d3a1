"""Sessions of browsers and tokens of programs: random, kept as their SHA-256, looked up at each request."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update

from synapolis.records.journal import Journal, stamp, utc_now
from synapolis.records.tables import fetch, put
from synapolis.records.tables_accounts import Account, Session, Token, accounts, sessions, tokens
from synapolis.web.errors import Problem
from synapolis.web.security.accounts import plain_roles
from synapolis.web.security.principal import Who, includes

LONGEST = timedelta(days=7)
IDLE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)  # how exactly it is kept when a session was last used
MOST = 20  # sessions of one account, and tokens; the oldest session gives way
MARK = "syn_"  # by which people and programs that look for leaked secrets know a token
BELIEVED = 1.0  # [s] for how long a lookup is believed; what this server changes itself counts at once
BELIEVED_MOST = 5_000


def digest(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Begun:
    """A session just begun; `secret` goes into the cookie and is kept nowhere."""

    secret: str
    session: Session
    account: Account


class Sessions:
    """Sessions and tokens of a store."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.store = journal, journal.store
        self._believed: dict[str, tuple[float, Who | None]] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Believe nothing that was looked up: to be called after a change of accounts, sessions or tokens."""
        with self._lock:
            self._believed.clear()

    def begin(self, account: Account, way: str, device: str, *, instead_of: str | None = None) -> Begun:
        """Sign an account in under a new secret; the session that the browser had before ends.

        Raises
        ------
        Problem
            403, where the account is disabled or gone by now.
        """
        secret, now = secrets.token_urlsafe(32), utc_now()
        session = Session(
            secrets.token_hex(8), digest(secret), account.id, secrets.token_urlsafe(24), way, device_of(device),
            stamp(now), stamp(now), stamp(now + LONGEST),
        )  # fmt: skip
        with self.store.write() as connection:
            self.journal.append("sign-in", account.name, {"way": way, "account": account.id}, within=connection)
            found = next(fetch(connection, Account, accounts.c.id == account.id), None)
            if found is None or found.disabled:
                raise Problem(403, "this account is disabled; an administrator can enable it")
            over = (sessions.c.expires < stamp(now)) | (sessions.c.seen < stamp(now - IDLE))
            connection.execute(delete(sessions).where(over))
            if instead_of:
                connection.execute(delete(sessions).where(sessions.c.token_hash == digest(instead_of)))
            newest = select(sessions.c.id).where(sessions.c.account_id == account.id)
            kept = newest.order_by(sessions.c.seen.desc()).limit(MOST - 1)
            mine = (sessions.c.account_id == account.id, sessions.c.id.not_in(kept))
            connection.execute(delete(sessions).where(*mine))
            put(connection, session)
        self.forget()
        return Begun(secret, session, found)

    def who(self, secret: str) -> Who | None:
        """Who holds the secret of a session that is not over."""
        return self._lookup("session " + digest(secret), lambda: self._session(secret))

    def whose(self, secret: str) -> Who | None:
        """Who holds a personal token that is not over."""
        return self._lookup("token " + digest(secret), lambda: self._token(secret))

    def _lookup(self, key: str, find: Callable[[], Who | None]) -> Who | None:
        now = time.monotonic()
        with self._lock:
            if (kept := self._believed.get(key)) and kept[0] > now:
                return kept[1]
        who = find()
        with self._lock:
            if len(self._believed) >= BELIEVED_MOST:
                self._believed.clear()
            self._believed[key] = (now + BELIEVED, who)
        return who

    def _session(self, secret: str) -> Who | None:
        now = utc_now()
        with self.store.read() as connection:
            found = next(fetch(connection, Session, sessions.c.token_hash == digest(secret)), None)
            if found is None or found.expires <= stamp(now) or found.seen <= stamp(now - IDLE):
                return None
            account = next(fetch(connection, Account, accounts.c.id == found.account_id))
        if account.disabled:
            return None
        if found.seen < stamp(now - SEEN_EVERY):
            with self.store.write() as connection:
                connection.execute(update(sessions).where(sessions.c.id == found.id).values(seen=stamp(now)))
        return Who(account.name, tuple(account.roles), account.id, way="session", csrf=found.csrf, session_id=found.id)

    def _token(self, secret: str) -> Who | None:
        with self.store.read() as connection:
            found = next(fetch(connection, Token, tokens.c.token_hash == digest(secret)), None)
            if found is None or found.expires <= stamp(utc_now()):
                return None
            account = next(fetch(connection, Account, accounts.c.id == found.account_id))
        if account.disabled:
            return None
        roles = tuple(
            role for role in found.roles if includes(account.roles, role)
        )  # what the account lost, its tokens lost
        return Who(account.name, roles, account.id, way="token")

    def of(self, account_id: str) -> list[Session]:
        """Sessions of an account, the last used first."""
        with self.store.read() as connection:
            mine = sessions.c.account_id == account_id
            found = list(fetch(connection, Session, mine, order_by=(sessions.c.seen,)))
        now = utc_now()
        return [one for one in found[::-1] if one.expires > stamp(now) and one.seen > stamp(now - IDLE)]

    def end(self, who: Who, session_id: str) -> None:
        """End one of one's own sessions.

        Raises
        ------
        Problem
            404, where it is not one's own or is over.
        """
        with self.store.write() as connection:
            self.journal.append("sign-out", who.actor, {}, within=connection)
            mine = (sessions.c.id == session_id, sessions.c.account_id == who.account_id)
            if not connection.execute(delete(sessions).where(*mine)).rowcount:
                raise Problem(404, "you have no such session; it may be over already")
        self.forget()

    def tokens_of(self, account_id: str) -> list[Token]:
        """Tokens of an account, the newest first; those that are over too."""
        with self.store.read() as connection:
            mine = tokens.c.account_id == account_id
            return list(fetch(connection, Token, mine, order_by=(tokens.c.created,)))[::-1]

    def add_token(self, account: Account, name: str, roles: Iterable[str], days: int, *, by: str) -> tuple[str, Token]:
        """Make a token; its secret is returned once and kept nowhere.

        Raises
        ------
        Problem
            422 for roles that the account has not, or that no program gets; 409 where there are too many.
        """
        given = plain_roles(roles)
        if "admin" in given:
            raise Problem(422, "no token manages accounts; leave the role admin out")
        if missing := [role for role in given if not includes(account.roles, role)]:
            has = ", ".join(account.roles)
            raise Problem(422, f"a token has roles of its account ({has}), got {', '.join(missing)}")
        secret, now = MARK + secrets.token_urlsafe(32), utc_now()
        until = stamp(now + timedelta(days=days))
        token = Token(secrets.token_hex(8), digest(secret), account.id, name, given, stamp(now), until)
        with self.store.write() as connection:
            told = {"did": "token added", "account": account.id, "token": token.id, "roles": given, "expires": until}
            self.journal.append("account", by, told, within=connection)
            if len(list(fetch(connection, Token, tokens.c.account_id == account.id))) >= MOST:
                raise Problem(409, f"an account has at most {MOST} tokens; remove one that is no longer used")
            put(connection, token)
        return secret, token

    def remove_token(self, account: Account, token_id: str, *, by: str) -> None:
        """Remove a token of an account.

        Raises
        ------
        Problem
            404.
        """
        mine = (tokens.c.id == token_id, tokens.c.account_id == account.id)
        with self.store.write() as connection:
            self.journal.append("account", by, {"did": "token removed", "account": account.id}, within=connection)
            if not connection.execute(delete(tokens).where(*mine)).rowcount:
                raise Problem(404, f"{account.name} has no token {token_id!r}")
        self.forget()


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
           ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def device_of(agent: str) -> str:
    """A browser and system, as roughly as a person needs to tell their devices apart."""
    parts = [next((name for sign, name in table if re.search(sign, agent)), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(part for part in parts if part)
