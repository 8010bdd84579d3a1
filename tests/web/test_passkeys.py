"""Passkeys, with an authenticator in software: made, used, copied, forged."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from synapolis.web.security.challenges import Challenges
from web.authenticator import Authenticator
from web.entrance import PASSWORD, entrance


@pytest.fixture
def hall(tmp_path):
    made = entrance(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def ada(hall):
    return hall.signed_in("ada", "admin")


def make(browser, key, name="phone"):
    asked = browser.post("/passkeys/register/options").json()
    credential = key.make(asked["public_key"])
    return browser.post("/passkeys/register/verify", {"id": asked["id"], "credential": credential, "name": name})


def use(browser, key):
    asked = browser.post("/passkeys/authenticate/options").json()
    return browser.post(
        "/passkeys/authenticate/verify", {"id": asked["id"], "credential": key.sign(asked["public_key"])}
    )


def test_a_passkey_signs_in_without_name_and_password(hall, ada):
    key = Authenticator()
    made = make(ada, key)
    assert made.status_code == 201
    assert made.json()["name"] == "phone"
    browser = hall.browser()
    for _ in range(3):
        reply = use(browser, key)
        assert reply.status_code == 200
        assert reply.json()["account"]["name"] == "ada"
        assert "HttpOnly" in reply.headers["set-cookie"]
    assert ada.get("/passkeys").json()["items"][0]["used"]
    assert [told["way"] for told in hall.told("sign-in")] == ["password"] + ["passkey"] * 3
    assert {"did": "passkey added", "account": "ada", "actor": "ada"} in hall.told("account")


def test_what_the_authenticator_is_asked_for(hall, ada):
    options = ada.post("/passkeys/register/options").json()["public_key"]
    assert options["rp"] == {"id": "localhost", "name": "Synapolis"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    make(ada, key := Authenticator())
    again = ada.post("/passkeys/register/options").json()["public_key"]
    assert len(again["excludeCredentials"]) == 1
    options = hall.browser().post("/passkeys/authenticate/options").json()["public_key"]
    assert options["userVerification"] == "required"
    assert not options.get("allowCredentials")  # who has an account here is nobody's business
    assert use(hall.browser(), key).status_code == 200


def test_synced_passkeys_do_not_count_and_still_work(hall, ada):
    make(ada, key := Authenticator(counts=0))
    assert [use(hall.browser(), key).status_code for _ in range(2)] == [200, 200]


def test_a_copied_passkey_is_found_by_its_count(hall, ada):
    make(ada, key := Authenticator())
    for _ in range(3):
        assert use(hall.browser(), key).status_code == 200
    key.count = 1  # a copy that was made before
    refused = use(hall.browser(), key)
    assert refused.status_code == 401
    assert "count" in refused.json()["detail"]
    assert hall.told("sign-in refused") == [{"way": "passkey", "account": "ada", "disabled": False, "actor": "visitor"}]


@pytest.mark.parametrize("change", [
    {"key": ec.generate_private_key(ec.SECP256R1())}, {"origin": "https://evil.example"}, {"party": "evil.example"},
    {"verifies": False}, {"id": b"another passkey!"}, {"user": "c29tZW9uZSBlbHNl"}, {"origin": "https://localhost:8000"},
])  # fmt: skip
def test_a_forged_answer_signs_nobody_in(hall, ada, change):
    make(ada, key := Authenticator())
    for name, value in change.items():
        setattr(key, name, value)
    browser = hall.browser()
    assert use(browser, key).status_code == 401
    assert browser.me()["account"] is None
    assert len(hall.told("sign-in refused")) == 1


@pytest.mark.parametrize("change", [{"origin": "https://evil.example"}, {"party": "evil.example"}, {"verifies": False}])
def test_a_forged_registration_is_not_kept(ada, change):
    assert make(ada, Authenticator(**change)).status_code == 422
    assert ada.get("/passkeys").json()["items"] == []


def test_a_challenge_is_answered_once_by_whom_it_was_put_to(hall, ada):
    make(ada, key := Authenticator())
    browser = hall.browser()
    asked = browser.post("/passkeys/authenticate/options").json()
    answer = {"id": asked["id"], "credential": key.sign(asked["public_key"])}
    assert browser.post("/passkeys/authenticate/verify", answer).status_code == 200
    assert hall.browser().post("/passkeys/authenticate/verify", answer).status_code == 422  # replayed
    other = browser.post("/passkeys/authenticate/options").json()
    answer = {"id": other["id"], "credential": key.sign(asked["public_key"])}
    assert hall.browser().post("/passkeys/authenticate/verify", answer).status_code == 401
    bob = hall.signed_in("bob", "citizen")
    asked = ada.post("/passkeys/register/options").json()
    answer = {"id": asked["id"], "credential": Authenticator().make(asked["public_key"]), "name": "mine"}
    assert bob.post("/passkeys/register/verify", answer).status_code == 422


@pytest.mark.parametrize("credential", [
    {}, {"id": "x"}, {"id": 5, "response": {}}, {"id": "x", "rawId": "x", "type": "public-key", "response": None},
    {"response": {"userHandle": "%%%"}}, {"id": "\u0000"},
])  # fmt: skip
def test_nonsense_is_refused_in_words(hall, ada, credential):
    make(ada, Authenticator())
    asked = hall.browser().post("/passkeys/authenticate/options").json()
    reply = hall.browser().post("/passkeys/authenticate/verify", {"id": asked["id"], "credential": credential})
    assert reply.status_code == 401
    asked = ada.post("/passkeys/register/options").json()
    reply = ada.post("/passkeys/register/verify", {"id": asked["id"], "credential": credential, "name": "x"})
    assert reply.status_code == 422


def test_a_passkey_of_a_disabled_account_or_a_removed_one_opens_nothing(hall, ada):
    bob = hall.signed_in("bob", "citizen")
    make(bob, key := Authenticator())
    ada.call("PATCH", f"/accounts/{bob.me()['account']['id']}", json={"disabled": True})
    assert use(hall.browser(), key).status_code == 401
    make(ada, mine := Authenticator())
    make(ada, Authenticator())
    kept = ada.get("/passkeys").json()["items"][0]["id"]
    assert ada.call("DELETE", f"/passkeys/{kept}").status_code == 204
    assert use(hall.browser(), mine).status_code == 401


def test_the_only_thing_to_sign_in_by_is_not_removed(hall, ada):
    bob = hall.account("bob", "citizen", password=None)
    begun = hall.security.sessions.begin(bob, "password", "")
    browser = hall.browser()
    browser.client.cookies.set("synapolis_session", begun.secret)
    make(browser, Authenticator())
    kept = browser.get("/passkeys").json()["items"][0]["id"]
    assert browser.call("DELETE", f"/passkeys/{kept}").status_code == 409
    assert browser.call("PUT", "/password", json={"new": PASSWORD}).status_code == 204
    assert browser.call("DELETE", f"/passkeys/{kept}").status_code == 204


def test_the_same_passkey_is_kept_once(ada):
    key = Authenticator()
    assert [make(ada, key).status_code for _ in range(2)] == [201, 409]


def test_passkeys_need_a_name_to_be_bound_to(hall, ada):
    hall.account("bo", "citizen")
    client = hall.browser("http://127.0.0.1:8000")
    assert client.me()["sign_in"]["passkey"] is False
    refused = client.post("/passkeys/authenticate/options")
    assert refused.status_code == 409
    assert "use its name" in refused.json()["detail"]
    assert hall.browser().me()["sign_in"]["passkey"] is True


def test_a_challenge_is_forgotten_in_time_and_many_do_not_pile_up(monkeypatch):
    now = 0.0
    asked = Challenges(300, clock=lambda: now)
    early, late = asked.ask("a"), asked.ask("b")
    assert asked.take(early) == "a"
    assert asked.take(early) is None
    now = 301.0
    assert asked.take(late) is None
    monkeypatch.setattr("synapolis.web.security.challenges.MOST", 3)
    names = [asked.ask(k) for k in range(5)]
    assert [asked.take(name) for name in names] == [None, None, 2, 3, 4]
