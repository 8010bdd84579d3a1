"""Passkeys (WebAuthn): kept with the account, verified by the library `webauthn`, bound to this server's name.

They are discoverable and ask for the person (a finger, a face, a code), so that signing in takes no name or password.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import webauthn
from sqlalchemy import delete, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from synapolis.records.journal import stamp, utc_now
from synapolis.records.tables import fetch, put
from synapolis.records.tables_accounts import Account, OidcLink, Passkey, accounts, oidc_links, passkeys
from synapolis.web.errors import Problem
from synapolis.web.security.sessions import Begun
from synapolis.web.security.state import PasskeyAsked, Security

MOST = 20
Options = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a page is: the name that passkeys are bound to, and its origin."""

    party: str
    origin: str


def ask_to_register(security: Security, account: Account, place: Place) -> tuple[str, Options]:
    """Ask a browser to make a passkey; returns the question's name and what the browser is told."""
    options = webauthn.generate_registration_options(
        rp_id=place.party,
        rp_name="Synapolis",
        user_id=account.id.encode(),
        user_name=account.name,
        user_display_name=account.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(base64url_to_bytes(one.id)) for one in of(security, account)
        ],
    )
    name = security.passkeys.ask(PasskeyAsked(options.challenge, account.id))
    return name, json.loads(webauthn.options_to_json(options))


def register(
    security: Security, account: Account, place: Place, *, asked: str, credential: Options, name: str
) -> Passkey:
    """Keep a passkey that a browser made.

    Raises
    ------
    Problem
        422, where it does not answer what was asked; 409, where it is kept already or there are too many.
    """
    question = security.passkeys.take(asked)
    if question is None or question.account_id != account.id:
        raise _too_late()
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=question.challenge, expected_rp_id=place.party,
            expected_origin=place.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(422, f"this passkey cannot be kept: {error}; try again") from None
    row = Passkey(
        bytes_to_base64url(made.credential_id), account.id, name, bytes_to_base64url(made.credential_public_key),
        made.sign_count, stamp(utc_now()), None,
    )  # fmt: skip
    with security.store.write() as connection:
        told = {"did": "passkey added", "account": account.id}
        security.journal.append("account", account.name, told, within=connection)
        if next(fetch(connection, Passkey, passkeys.c.id == row.id), None):
            raise Problem(409, "this passkey is kept already")
        if len(list(fetch(connection, Passkey, passkeys.c.account_id == account.id))) >= MOST:
            raise Problem(409, f"an account has at most {MOST} passkeys; remove one that is no longer used")
        put(connection, row)
    return row


def ask_to_sign_in(security: Security, place: Place) -> tuple[str, Options]:
    """Ask a browser for any passkey of this server."""
    options = webauthn.generate_authentication_options(
        rp_id=place.party, user_verification=UserVerificationRequirement.REQUIRED
    )
    name = security.passkeys.ask(PasskeyAsked(options.challenge, None))
    return name, json.loads(webauthn.options_to_json(options))


def sign_in(
    security: Security, place: Place, *, asked: str, credential: Options, device: str, instead_of: str | None
) -> Begun:
    """Begin a session for the account of a passkey.

    Raises
    ------
    Problem
        401, where the passkey is unknown, does not answer what was asked, or may have been copied.
    """
    question = security.passkeys.take(asked)
    if question is None or question.account_id is not None:
        raise _too_late()
    kept, account = _kept(security, credential)
    try:
        if kept is None or account is None or account.disabled:
            raise WebAuthnException("it is not known here")  # noqa: TRY301 - refused like any other
        _same_person(credential, account)
        used = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=question.challenge, expected_rp_id=place.party,
            expected_origin=place.origin, credential_public_key=base64url_to_bytes(kept.public_key),
            credential_current_sign_count=kept.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
        told = {"way": "passkey"} | ({"account": account.id, "disabled": account.disabled} if account else {})
        security.journal.append("sign-in refused", "visitor", told)
        raise Problem(401, f"this passkey does not sign you in: {error}; try another, or your password") from None
    with security.store.write() as connection:
        counted = {"sign_count": used.new_sign_count, "used": stamp(utc_now())}
        unchanged = (passkeys.c.id == kept.id, passkeys.c.sign_count == kept.sign_count)
        if not connection.execute(update(passkeys).where(*unchanged).values(counted)).rowcount:
            raise Problem(401, "this passkey was used elsewhere at the same moment; try again")
    return security.sessions.begin(account, "passkey", device, instead_of=instead_of)


def of(security: Security, account: Account) -> list[Passkey]:
    """Passkeys of an account, the oldest first."""
    with security.store.read() as connection:
        mine = passkeys.c.account_id == account.id
        return list(fetch(connection, Passkey, mine, order_by=(passkeys.c.created,)))


def remove(security: Security, account: Account, passkey_id: str) -> None:
    """Remove a passkey of an account.

    Raises
    ------
    Problem
        404; 409, where nothing would be left to sign in by.
    """
    with security.store.write() as connection:
        told = {"did": "passkey removed", "account": account.id}
        security.journal.append("account", account.name, told, within=connection)
        mine = (passkeys.c.id == passkey_id, passkeys.c.account_id == account.id)
        if not connection.execute(delete(passkeys).where(*mine)).rowcount:
            raise Problem(404, "you have no such passkey")
        left = next(fetch(connection, Passkey, passkeys.c.account_id == account.id), None)
        linked = next(fetch(connection, OidcLink, oidc_links.c.account_id == account.id), None)
        if account.password is None and left is None and linked is None:
            raise Problem(409, "this is the only thing that this account signs in by; add another passkey first")


def _kept(security: Security, credential: Options) -> tuple[Passkey | None, Account | None]:
    """The passkey that a browser names, with its account."""
    if not str(credential.get("id", "")).isprintable():
        return None, None
    with security.store.read() as connection:
        kept = next(fetch(connection, Passkey, passkeys.c.id == str(credential.get("id", ""))), None)
        account = next(fetch(connection, Account, accounts.c.id == kept.account_id), None) if kept else None
    return kept, account


def _same_person(credential: Options, account: Account) -> None:
    """Refuse a passkey that says it belongs to someone else."""
    said = credential["response"].get("userHandle")
    if said and base64url_to_bytes(said) != account.id.encode():
        raise WebAuthnException("it belongs to another account")


def _too_late() -> Problem:
    return Problem(422, "this answers nothing that is still open; a passkey is waited for five minutes: try again")
