"""Accounts: passwords, sessions, tokens, roles; each change is told in the journal."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import update

from synapolis.records.journal import stamp, utc_now
from synapolis.records.tables_accounts import sessions, tokens
from synapolis.web.errors import Problem
from synapolis.web.security import passwords
from synapolis.web.security import sessions as lookups
from synapolis.web.security.passwords import hash_password, password_fits, refuse_weak
from synapolis.web.security.sessions import device_of
from web.entrance import PASSWORD, entrance


@pytest.fixture
def hall(tmp_path, monkeypatch):
    monkeypatch.setattr(lookups, "BELIEVED", 0.0)  # what other processes change counts at once
    made = entrance(tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(("password", "says"), [
    ("short", "at least 12 characters, got 5"),
    ("x" * 300, "up to 256"),
    ("password1234", "first that others would try"),
    ("Passw0rdPassw0rd", "first that others would try"),
    ("aaaabbbbaaaabbbb", "first that others would try"),
    ("Salasana12345", "first that others would try"),
    ("ada loves her trams", "must not hold the account's name"),
])  # fmt: skip
def test_passwords_that_others_would_guess_are_refused(password, says):
    with pytest.raises(Problem, match=says) as refused:
        refuse_weak(password, "ada")
    assert refused.value.status == 422
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", [PASSWORD, "neljä sanaa peräkkäin", "correct-horse-battery", "日本語の長い合言葉です鍵"]
)
def test_long_passwords_in_any_script_are_taken(password):
    refuse_weak(password, "ada")
    kept = hash_password(password)
    assert kept.startswith("$argon2id$")
    assert password_fits(password, kept)
    assert not password_fits(password + " ", kept)
    assert not password_fits(password, None)
    assert hash_password(password) != kept


def test_a_password_is_the_same_however_its_letters_are_composed():
    assert password_fits("ka\u0308yta\u0308va\u0308n kulku", hash_password("käytävän kulku"))


def test_signing_in_and_out_is_told_and_ends_where_it_began(hall):
    hall.account("ada", "admin", password=PASSWORD)
    browser = hall.browser()
    signed_in = browser.sign_in("  ADA ")
    assert signed_in.status_code == 200
    assert signed_in.json()["account"]["name"] == "ada"
    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("synapolis_session=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert signed_in.json()["csrf"] == browser.me()["csrf"]
    kept = dict(browser.client.cookies)
    assert browser.call("DELETE", "/session").status_code == 204
    assert browser.me()["account"] is None
    browser.client.cookies.update(kept)  # the cookie, kept by someone, opens nothing
    assert browser.me()["account"] is None
    assert hall.told("sign-in") == [{"way": "password", "account": "ada", "actor": "ada"}]
    assert len(hall.told("sign-out")) == 1


def test_signing_in_gives_a_new_session_so_that_a_planted_one_is_worth_nothing(hall):
    hall.account("ada", "admin", password=PASSWORD)
    attacker, victim = hall.signed_in("mallory", "citizen"), hall.browser()
    planted = attacker.client.cookies["synapolis_session"]
    victim.client.cookies.set("synapolis_session", planted)
    before = victim.me()["csrf"]
    victim.sign_in("ada")
    assert victim.client.cookies.get("synapolis_session", domain="localhost.local") != planted
    assert victim.me()["csrf"] != before
    assert attacker.me()["account"] is None  # the session that it came with is over too
    for cookie in ("guessed", "", "x" * 5000):
        fresh = hall.browser()
        fresh.client.cookies.set("synapolis_session", cookie)
        assert fresh.me()["account"] is None


def test_nothing_that_opens_a_door_is_in_the_records(hall, tmp_path):
    browser = hall.signed_in("ada", "admin", "analyst", password=PASSWORD)
    secret = browser.post("/tokens", {"name": "nightly", "roles": ["analyst"]}).json()["secret"]
    cookie = browser.client.cookies["synapolis_session"]
    hall.store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("records.db*"))
    for word in (PASSWORD, secret, secret.removeprefix("syn_"), cookie):
        assert word.encode() not in kept
    assert b"$argon2id$" in kept


@pytest.mark.parametrize("past", [{"expires": timedelta(0)}, {"seen": timedelta(hours=12)}])
def test_a_session_ends_by_itself(hall, past):
    browser = hall.signed_in("ada", "admin", "analyst", password=PASSWORD)
    csrf = browser.me()["csrf"]
    with hall.store.write() as connection:
        for column, ago in past.items():
            connection.execute(update(sessions).values({column: stamp(utc_now() - ago)}))
    assert browser.me()["account"] is None
    over = browser.post("/may/run", headers={"X-CSRF-Token": csrf})
    assert over.status_code == 401
    assert "your session has ended; sign in again" in over.json()["detail"]
    assert browser.sign_in("ada").status_code == 200


def test_a_session_in_use_is_seen_and_others_can_be_ended_from_here(hall):
    here, there = hall.signed_in("ada", "admin", password=PASSWORD), hall.browser()
    there.client.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"
    there.sign_in("ada")
    with hall.store.write() as connection:
        connection.execute(update(sessions).values(seen=stamp(utc_now() - timedelta(hours=1))))
    here.me()
    found = here.get("/sessions").json()["items"]
    assert [one["this"] for one in found] == [True, False]
    assert found[1]["device"] == "Safari, iPhone"
    assert here.call("DELETE", f"/sessions/{found[1]['id']}").status_code == 204
    assert there.me()["account"] is None
    assert here.call("DELETE", f"/sessions/{found[1]['id']}").status_code == 404


def test_nobody_ends_or_sees_anothers_sessions_tokens_and_passkeys(hall):
    ada, bob = hall.signed_in("ada", "admin", "analyst"), hall.signed_in("bob", "analyst")
    theirs = ada.get("/sessions").json()["items"][0]["id"]
    token = ada.post("/tokens", {"name": "nightly", "roles": ["analyst"]}).json()["id"]
    assert bob.call("DELETE", f"/sessions/{theirs}").status_code == 404
    assert bob.call("DELETE", f"/tokens/{token}").status_code == 404
    assert bob.call("DELETE", "/passkeys/any").status_code == 404
    assert [one["this"] for one in bob.get("/sessions").json()["items"]] == [True]
    assert bob.get("/tokens").json()["items"] == []


def test_an_account_has_so_many_sessions_and_the_oldest_gives_way(hall, monkeypatch):
    monkeypatch.setattr(lookups, "MOST", 3)
    account = hall.account("ada", "admin")
    begun = [hall.security.sessions.begin(account, "password", "") for _ in range(5)]
    assert [hall.security.sessions.who(one.secret) is not None for one in begun] == [False, False, True, True, True]


def test_a_token_lets_a_program_in_for_its_roles_only(hall):
    ada = hall.signed_in("ada", "admin", "analyst")
    made = ada.post("/tokens", {"name": "nightly", "roles": ["analyst"], "days": 5})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    secret = made.json()["secret"]
    assert secret.startswith("syn_")
    program = hall.browser().client
    bearer = {"Authorization": f"Bearer {secret}"}
    assert program.post("/api/v1/may/run", headers=bearer).json() == {"actor": "ada"}  # and needs no CSRF token
    assert program.post("/api/v1/may/publish", headers=bearer).status_code == 403
    assert program.get("/api/v1/accounts", headers=bearer).status_code == 403
    for path in ("/tokens", "/sessions", "/passkeys"):  # a leaked token must not make itself at home
        refused = program.get(f"/api/v1{path}", headers=bearer)
        assert refused.status_code == 403
        assert "a personal token may not change an account" in refused.json()["detail"]
    assert "secret" not in {key for item in ada.get("/tokens").json()["items"] for key, value in item.items() if value}
    assert ada.call("DELETE", f"/tokens/{made.json()['id']}").status_code == 204
    assert program.post("/api/v1/may/run", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    "said", ["Bearer ", "Bearer syn_guessed", "bearer x y", "Basic YWRhOng=", "Bearer " + "x" * 9000]
)
def test_a_token_that_is_wrong_is_refused_even_where_anyone_may_look(hall, said):
    ada = hall.signed_in("ada", "admin")
    reply = ada.client.get("/api/v1/may/look", headers={"Authorization": said})
    assert reply.status_code == 401
    assert 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_a_token_ends_and_loses_what_its_account_loses(hall):
    ada = hall.signed_in("ada", "admin")
    bob = hall.account("bob", "analyst", "officer")
    secret, token = hall.security.sessions.add_token(bob, "nightly", ["analyst", "officer"], 5, by="bob")
    bearer, program = {"Authorization": f"Bearer {secret}"}, hall.browser().client
    assert program.post("/api/v1/may/publish", headers=bearer).status_code == 200
    ada.call("PATCH", f"/accounts/{bob.id}", json={"roles": ["analyst"]})
    assert program.post("/api/v1/may/publish", headers=bearer).status_code == 403
    assert program.post("/api/v1/may/run", headers=bearer).status_code == 200
    with hall.store.write() as connection:
        connection.execute(update(tokens).where(tokens.c.id == token.id).values(expires=stamp(utc_now())))
    assert program.post("/api/v1/may/run", headers=bearer).status_code == 401


@pytest.mark.parametrize(("body", "says"), [
    ({"name": "x", "roles": ["officer"]}, "a token has roles of its account (analyst), got officer"),
    ({"name": "x", "roles": ["admin"]}, "no token manages accounts"),
    ({"name": "x", "roles": ["visitor"]}, "no role is called visitor"),
    ({"name": "x", "roles": []}, "body.roles"),
    ({"name": " ", "roles": ["analyst"]}, "body.name"),
    ({"name": "a\u0000b", "roles": ["analyst"]}, "without control characters"),
    ({"name": "x", "roles": ["analyst"], "days": 5000}, "body.days"),
])  # fmt: skip
def test_a_token_never_has_more_than_its_account(hall, body, says):
    hall.account("first", "admin")
    refused = hall.signed_in("ada", "analyst").post("/tokens", body)
    assert refused.status_code == 422
    assert says in refused.json()["detail"]


def test_an_officer_may_give_a_program_less_than_all(hall):
    hall.account("first", "admin")
    officer = hall.signed_in("ada", "officer")
    secret = officer.post("/tokens", {"name": "nightly", "roles": ["analyst"]}).json()["secret"]
    bearer, program = {"Authorization": f"Bearer {secret}"}, hall.browser().client
    assert program.post("/api/v1/may/run", headers=bearer).status_code == 200
    assert program.post("/api/v1/may/publish", headers=bearer).status_code == 403
    assert program.get("/api/v1/me", headers=bearer).json()["roles"] == ["analyst"]


def test_a_changed_password_ends_every_other_session_and_needs_the_old_one(hall):
    here, there = hall.signed_in("ada", "admin", password=PASSWORD), hall.browser()
    there.sign_in("ada")
    new = "eight blue ferries at dusk"
    assert here.call("PUT", "/password", json={"old": "not it at all", "new": new}).status_code == 403
    assert here.call("PUT", "/password", json={"old": PASSWORD, "new": "short"}).status_code == 422
    assert here.call("PUT", "/password", json={"new": new}).status_code == 403
    assert here.call("PUT", "/password", json={"old": PASSWORD, "new": new}).status_code == 204
    assert here.me()["account"]["name"] == "ada"
    assert there.me()["account"] is None
    assert there.sign_in("ada").status_code == 401
    assert there.sign_in("ada", new).status_code == 200
    assert {"did": "password set", "account": "ada", "actor": "ada"} in hall.told("account")


def test_administrators_add_change_and_remove_accounts(hall):
    ada = hall.signed_in("ada", "admin")
    made = ada.post("/accounts", {"name": "Bo Ek", "roles": ["analyst"], "password": PASSWORD})
    assert made.status_code == 201
    bo = made.json()
    assert "password" not in bo
    assert ada.post("/accounts", {"name": "bo  EK", "roles": ["analyst"], "password": PASSWORD}).status_code == 409
    browser = hall.browser()
    browser.sign_in("Bo Ek")
    assert ada.call("PATCH", f"/accounts/{bo['id']}", json={"roles": ["officer", "analyst"]}).json()["roles"] == [
        "analyst", "officer",
    ]  # fmt: skip
    assert browser.post("/may/publish").status_code == 200
    assert ada.call("PATCH", f"/accounts/{bo['id']}", json={"disabled": True}).json()["disabled"]
    assert browser.me()["account"] is None
    assert browser.sign_in("Bo Ek").status_code == 401
    assert ada.call("PATCH", f"/accounts/{bo['id']}", json={"disabled": False, "password": PASSWORD + "!"}).json()
    assert browser.sign_in("Bo Ek").status_code == 401
    assert browser.sign_in("Bo Ek", PASSWORD + "!").status_code == 200
    assert [one["name"] for one in ada.get("/accounts").json()["items"]] == ["ada", "Bo Ek"]
    assert ada.call("DELETE", f"/accounts/{bo['id']}").status_code == 204
    assert browser.me()["account"] is None
    assert ada.call("DELETE", f"/accounts/{bo['id']}").status_code == 404
    assert [told["did"] for told in hall.told("account")] == [
        "added", "added", "changed", "changed", "password set", "changed", "removed",
    ]  # fmt: skip
    assert {told["actor"] for told in hall.told("account")} == {"tests", "ada"}


def test_a_long_list_of_accounts_comes_in_pages(hall):
    ada = hall.signed_in("ada", "admin")
    for k in range(4):
        hall.account(f"person {k}", "citizen")
    names, cursor = [], None
    while True:
        page = ada.get("/accounts", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        names += [one["name"] for one in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert names == ["ada", "person 0", "person 1", "person 2", "person 3"]
    assert ada.get("/accounts", params={"cursor": "nonsense"}).status_code == 422
    first = ada.get("/accounts")
    assert ada.get("/accounts", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_many_who_sign_in_at_once_do_not_hold_up_the_rest():
    with ExitStack() as waiting:
        for _ in range(10):
            waiting.enter_context(passwords._queue)
        with pytest.raises(Problem, match="too many people sign in at this moment") as refused:
            password_fits(PASSWORD, None)
        assert refused.value.status == 503
    assert not password_fits(PASSWORD, None)


def test_the_last_administrator_stays_one(hall):
    ada = hall.signed_in("ada", "admin")
    me = ada.me()["account"]["id"]
    for method, body in (("PATCH", {"disabled": True}), ("PATCH", {"roles": ["officer"]}), ("DELETE", None)):
        refused = ada.call(method, f"/accounts/{me}", json=body)
        assert refused.status_code == 409
        assert "the only administrator" in refused.json()["detail"]
    hall.account("second", "admin")
    assert ada.call("PATCH", f"/accounts/{me}", json={"roles": ["officer"]}).status_code == 200
    assert ada.get("/accounts").status_code == 403
    assert len(hall.told("account")) == 3  # what was refused is not told as done


def test_the_first_account_is_an_administrator(hall):
    with pytest.raises(Problem, match="the first account must be an administrator"):
        hall.account("ada", "officer")
    assert not hall.security.accounts.exist()


@pytest.mark.parametrize("name", ["", "x", "visitor", "Local  User", "a\u0000b", "x" * 65, "a\u202eb"])
def test_names_that_deceive_are_refused(hall, name):
    with pytest.raises(Problem) as refused:
        hall.account(name, "admin")
    assert refused.value.status == 422


def test_who_may_manage_accounts_is_only_an_administrator(hall):
    ada, bob = hall.signed_in("ada", "admin"), hall.signed_in("bob", "analyst", "officer", "operator", "citizen")
    theirs = ada.me()["account"]["id"]
    for method, path, body in (
        ("GET", "/accounts", None), ("POST", "/accounts", {"name": "x2", "roles": ["admin"], "password": PASSWORD}),
        ("PATCH", f"/accounts/{theirs}", {"disabled": True}), ("DELETE", f"/accounts/{theirs}", None),
    ):  # fmt: skip
        refused = bob.call(method, path, json=body)
        assert refused.status_code == 403
        assert refused.json()["needs"] == ["admin"]
        assert hall.browser().call(method, path, json=body).status_code == 401


def test_without_accounts_there_is_none_to_change(hall):
    browser = hall.browser()
    assert browser.get("/tokens").status_code == 403
    assert "synapolis account add" in browser.get("/tokens").json()["detail"]
    assert browser.sign_in("ada").status_code == 409
    assert browser.get("/accounts").status_code == 403


def test_a_device_is_told_roughly():
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    assert device_of(firefox) == "Firefox, Linux"
    assert device_of("curl/8") == ""
