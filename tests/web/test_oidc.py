"""Signing in with an OpenID provider: the whole way, and every lie on it."""

from __future__ import annotations

import time

import pytest

from synapolis.core.errors import SynapolisError
from synapolis.web.security.guard import Guard, guard_from_environment
from synapolis.web.security.providers import Provider, read_providers
from web.entrance import entrance
from web.openid import openid

ROLES = {"planners": "analyst", "board": "officer", "chief": "admin"}


@pytest.fixture
def provider():
    with openid() as served:
        yield served


@pytest.fixture
def hall(tmp_path, provider):
    made = hall_of(tmp_path, provider)
    yield made
    made.store.close()


def hall_of(tmp_path, provider, **more):
    told = {"claim": "groups", "roles": ROLES, "secret": "s3cret"} | more
    city = Provider("city", "City of Espoo", provider.issuer, "synapolis", **told)
    hall = entrance(tmp_path, guard=Guard(providers=(city,)))
    hall.account("admin one", "admin", password=None)
    return hall


def go(browser, provider, to="/account", **change):
    """Go to the provider and come back, with what a test changes on the way."""
    sent = browser.client.get("/api/v1/oidc/city/start", params={"to": to})
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{provider.issuer}/authorize?")
    back = {key: value for key, value in (provider.approve(sent.headers["location"]) | change).items() if value}
    return browser.client.get("/api/v1/oidc/city/callback", params=back)


def test_a_new_person_gets_an_account_with_the_roles_that_the_provider_gives(hall, provider):
    provider.person["groups"] = ["planners", "choir"]
    browser = hall.browser()
    assert browser.me()["sign_in"]["oidc"] == [{"id": "city", "title": "City of Espoo"}]
    back = go(browser, provider, to="/scenario/7?v=2")
    assert back.status_code == 303
    assert back.headers["location"] == "/scenario/7?v=2"
    me = browser.me()
    assert me["account"]["name"] == "Ada L"
    assert me["roles"] == ["citizen", "analyst"]
    assert browser.post("/may/run").status_code == 200
    first = me["account"]["id"]
    provider.person |= {"groups": ["board"], "preferred_username": "Ada Married"}
    assert go(hall.browser(), provider).headers["location"] == "/account"
    assert browser.me()["account"]["id"] == first
    assert browser.me()["roles"] == ["citizen", "officer"]
    assert [told["way"] for told in hall.told("sign-in")] == ["city", "city"]
    assert hall.told("account")[1] == {
        "did": "added", "account": "Ada L", "roles": ["citizen", "analyst"], "actor": "City of Espoo",
    }  # fmt: skip


def test_the_way_there_is_kept_from_other_sites(hall):
    sent = hall.browser().client.get("/api/v1/oidc/city/start")
    cookie = sent.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/api/v1/oidc/city", "Max-Age=600"):
        assert part in cookie
    for part in ("code_challenge_method=S256", "nonce=", "state=", "scope=openid+profile", "response_type=code"):
        assert part in sent.headers["location"]
    assert "s3cret" not in sent.headers["location"]


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_nobody_is_sent_on_to_another_site(hall, provider, to):
    assert go(hall.browser(), provider, to=to).headers["location"] == "/account"


LIES = {
    "nonce": ({"nonce": "of another sign-in"}, "nonce differs"),
    "no nonce": ({"nonce": None}, "nonce"),
    "nonces": ({"nonce": ["x"]}, "nonce"),
    "expired": ({"exp": int(time.time()) - 120}, "expired"),
    "no expiry": ({"exp": None}, "exp"),
    "future": ({"iat": int(time.time()) + 3600}, "in the future"),
    "audience": ({"aud": "another program"}, "aud"),
    "audiences": ({"aud": ["synapolis", "another program"]}, "another program"),
    "program": ({"azp": "another program"}, "another program"),
    "issuer": ({"iss": "https://evil.example"}, "another issuer"),
    "subject": ({"sub": None}, "sub"),
    "subject 5": ({"sub": 5}, "sub"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_lets_nobody_in(hall, provider, lie):
    provider.lie, says = LIES[lie]
    refused(hall, go(hall.browser(), provider), "token", says)


@pytest.mark.parametrize(("key", "algorithm"), [("strange", "RS256"), ("kept", "none"), ("kept", "HS256")])
def test_a_token_with_another_signature_lets_nobody_in(hall, provider, key, algorithm):
    provider.key, provider.algorithm = key, algorithm
    refused(hall, go(hall.browser(), provider), "token", "does not hold")


@pytest.mark.parametrize(("change", "code", "says"), [
    ({"state": "guessed"}, "late", "no sign-in that is open"),
    ({"state": None}, "late", "no sign-in that is open"),
    ({"code": "guessed"}, "provider", "did not give the token: status 400"),
    ({"code": None}, "provider", "has no code"),
    ({"iss": "https://evil.example"}, "provider", "another issuer"),
    ({"code": None, "error": "access_denied"}, "declined", "access_denied"),
])  # fmt: skip
def test_a_reply_that_does_not_fit_lets_nobody_in(hall, provider, change, code, says):
    refused(hall, go(hall.browser(), provider, **change), code, says)


def refused(hall, reply, code, says):
    assert reply.status_code == 303
    assert reply.headers["location"] == f"/account?refused={code}"
    assert "synapolis_session" not in reply.headers.get("set-cookie", "")
    told = hall.told("sign-in refused")
    assert len(told) == 1
    assert says in told[0]["reason"]
    assert "s3cret" not in str(told)
    assert [account.name for account in hall.security.accounts.all()] == ["admin one"]


def test_a_reply_in_another_browser_or_twice_lets_nobody_in(hall, provider):
    one, other = hall.browser(), hall.browser()
    back = provider.approve(one.client.get("/api/v1/oidc/city/start").headers["location"])
    planted = other.client.get("/api/v1/oidc/city/callback", params=back)
    assert planted.headers["location"] == "/account?refused=browser"
    assert one.client.get("/api/v1/oidc/city/callback", params=back).headers["location"] == "/account?refused=late"
    good = provider.approve(one.client.get("/api/v1/oidc/city/start").headers["location"])
    assert one.client.get("/api/v1/oidc/city/callback", params=good).headers["location"] == "/account"
    assert one.client.get("/api/v1/oidc/city/callback", params=good).headers["location"] == "/account?refused=late"


def test_a_local_name_is_never_taken_over(hall, provider):
    provider.person |= {"preferred_username": "Admin  One", "groups": ["chief"]}
    browser = hall.browser()
    go(browser, provider)
    assert browser.me()["account"]["name"] == "Admin One 2"
    provider.person |= {"sub": "43", "preferred_username": "visitor"}
    other = hall.browser()
    go(other, provider)
    assert other.me()["account"]["name"] == "City of Espoo"


def test_the_last_administrator_stays_one_whatever_the_provider_says(tmp_path, provider):
    hall = hall_of(tmp_path, provider)
    provider.person["groups"] = "chief"
    browser = hall.browser()
    go(browser, provider)
    assert "admin" in browser.me()["roles"]
    hall.security.accounts.remove(hall.security.accounts.named("admin one").id, by="tests")
    provider.person["groups"] = []
    go(browser, provider)
    assert "admin" in browser.me()["roles"]


def test_a_disabled_person_stays_out_and_strangers_where_none_are_wanted(tmp_path, provider):
    hall = hall_of(tmp_path, provider)
    browser = hall.browser()
    go(browser, provider)
    hall.security.accounts.change(browser.me()["account"]["id"], by="tests", disabled=True)
    assert go(hall.browser(), provider).headers["location"] == "/account?refused=disabled"
    (tmp_path / "other").mkdir()
    strict = hall_of(tmp_path / "other", provider, create=False)
    assert go(strict.browser(), provider).headers["location"] == "/account?refused=stranger"


def test_roles_that_the_token_leaves_out_are_asked_for(hall, provider):
    provider.userinfo = {"sub": "42", "groups": ["board"]}
    browser = hall.browser()
    go(browser, provider)
    assert browser.me()["roles"] == ["citizen", "officer"]
    provider.userinfo["sub"] = "43"
    assert go(hall.browser(), provider).headers["location"] == "/account?refused=token"


@pytest.mark.parametrize("about", [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/"},
                                   {"jwks_uri": None}])  # fmt: skip
def test_a_provider_that_is_another_than_configured_is_not_gone_to(hall, provider, about):
    provider.about = about
    sent = hall.browser().client.get("/api/v1/oidc/city/start")
    assert sent.headers["location"] == "/account?refused=provider"


def test_a_provider_out_of_reach_is_told(tmp_path, provider):
    hall = entrance(tmp_path, guard=Guard(providers=(Provider("city", "City", "http://127.0.0.1:9", "synapolis"),)))
    sent = hall.browser().client.get("/api/v1/oidc/city/start")
    assert sent.headers["location"] == "/account?refused=unreachable"
    assert hall.browser().client.get("/api/v1/oidc/other/start").status_code == 404


GOOD = """
[[provider]]
id = "city"
title = "City of Espoo"
issuer = "https://login.example.org/"
client_id = "synapolis"
client_secret_env = "OUR_SECRET"
claim = "groups"
roles = { planners = "analyst" }
"""


def test_providers_are_read_from_a_file_and_their_secret_is_not_shown(tmp_path, monkeypatch):
    (tmp_path / "oidc.toml").write_text(GOOD)
    monkeypatch.setenv("OUR_SECRET", "hush")
    monkeypatch.setenv("SYNAPOLIS_OIDC", str(tmp_path / "oidc.toml"))
    monkeypatch.setenv("SYNAPOLIS_LIMITS", "2")
    guard = guard_from_environment()
    (city,) = guard.providers
    assert (city.issuer, city.secret) == ("https://login.example.org", "hush")
    assert "hush" not in repr(guard)
    assert guard.act.per_second == 2 * Guard().act.per_second
    (tmp_path / "secret").write_text("hush\n")
    (tmp_path / "oidc.toml").write_text(GOOD.replace('env = "OUR_SECRET"', f'file = "{tmp_path}/secret"'))
    assert read_providers(tmp_path / "oidc.toml")[0].secret == "hush"


@pytest.mark.parametrize(("was", "becomes", "says"), [
    ("https://login", "http://login", "must begin with https://"),
    ('id = "city"', 'id = "../x"', "small letters"),
    ('title = "City of Espoo"', "", "needs title"),
    ("claim =", "claims =", "unknown claims"),
    ('"analyst"', '"king"', "roles maps values"),
    ('claim = "groups"', "", "claim and roles go together"),
    ("OUR_SECRET", "NO_SUCH_SECRET", "NO_SUCH_SECRET, which is empty"),
    ("[[provider]]", "[provider]", r"needs a \[\[provider\]\]"),
    ("[[provider]]", "[[provider", "no TOML"),
])  # fmt: skip
def test_a_file_of_providers_that_cannot_be_is_told(tmp_path, monkeypatch, was, becomes, says):
    monkeypatch.setenv("OUR_SECRET", "hush")
    (tmp_path / "oidc.toml").write_text(GOOD.replace(was, becomes))
    with pytest.raises(SynapolisError, match=says):
        read_providers(tmp_path / "oidc.toml")


@pytest.mark.parametrize("factor", ["-1", "many", "1e99", "nan"])
def test_limits_are_a_factor(monkeypatch, factor):
    monkeypatch.setenv("SYNAPOLIS_LIMITS", factor)
    with pytest.raises(SynapolisError, match="a factor on the limits"):
        guard_from_environment()
