"""Accounts in both databases: what is put comes back, and what belongs to an account goes with it."""

from __future__ import annotations

import pytest

from synapolis.core.errors import RecordsError
from synapolis.records.tables import fetch, put
from synapolis.records.tables_accounts import Account, OidcLink, Passkey, Session, Token
from synapolis.web.errors import Problem
from synapolis.web.security.accounts import Accounts
from synapolis.web.security.sessions import Sessions

ROWS = (
    Account("a", "Åda", "åda", ["analyst", "admin"], None, False, "2026-11-22T00:00:00.000000Z"),
    Passkey("k", "a", "phone", "cGs", 2**31 + 5, "2026", None),
    Session("s", "h", "a", "c", "password", "Firefox, Linux", "2026", "2026", "2027"),
    Token("t", "h", "a", "nightly", ["analyst"], "2026", "2027"),
    OidcLink("https://login.example.org", "42", "a", "2026"),
)


def test_rows_come_back_as_they_were_put(store):
    with store.write() as connection:
        put(connection, *ROWS)
    with store.read() as connection:
        assert [next(fetch(connection, type(row))) for row in ROWS] == list(ROWS)


def test_what_belongs_to_no_account_and_names_taken_twice_are_refused(store):
    for row in ROWS[1:]:
        with pytest.raises(RecordsError, match="(?i)foreign key"), store.write() as connection:
            put(connection, row)
    with store.write() as connection:
        put(connection, ROWS[0])
    with pytest.raises(RecordsError, match="refuse this"), store.write() as connection:
        put(connection, Account("b", "ÅDA", "åda", [], None, False, ""))


def test_an_account_lives_and_goes_with_all_it_signs_in_by(store, journal):
    accounts, sessions = Accounts(journal), Sessions(journal)
    ada = accounts.add("ada", ["admin"], by="tests", password="seven green trams at dawn")
    bob = accounts.add("bob", ["analyst"], by="tests", link=("https://login.example.org", "42"))
    begun = [sessions.begin(bob, "password", "") for _ in range(3)]
    secret, _ = sessions.add_token(bob, "nightly", ["analyst"], 5, by="bob")
    assert sessions.who(begun[0].secret).actor == sessions.whose(secret).actor == "bob"
    accounts.change(bob.id, by="ada", disabled=True)
    sessions.forget()
    assert sessions.who(begun[0].secret) is sessions.whose(secret) is None
    with pytest.raises(Problem, match="disabled"):
        sessions.begin(bob, "password", "")
    accounts.remove(bob.id, by="ada")
    with pytest.raises(Problem, match="the only administrator"):
        accounts.remove(ada.id, by="ada")
    with store.read() as connection:
        assert [[*fetch(connection, kind)] for kind in (Session, Token, Passkey, OidcLink)] == [[]] * 4
    assert [account.name for account in accounts.all()] == ["ada"]
    assert journal.verify().whole
