"""Who gets in, what they may do, and what no request may do."""

from __future__ import annotations

import pytest

from synapolis.web.errors import Problem
from synapolis.web.security.guard import Guard, Rate
from synapolis.web.security.limits import Attempts, Buckets
from synapolis.web.security.principal import DOES, ROLES
from web.entrance import HERE, PASSWORD, entrance


@pytest.fixture
def hall(tmp_path):
    made = entrance(tmp_path)
    yield made
    made.store.close()


def test_without_accounts_whoever_is_at_this_machine_plans_at_once(hall):
    browser = hall.browser()
    me = browser.me()
    assert me["mode"] == "single"
    assert me["account"] is None
    assert {"run", "edit", "publish"} <= set(me["may"])
    assert "administer" not in me["may"]
    assert browser.post("/may/run").json() == {"actor": "local user"}
    assert me["sign_in"] == {"password": False, "passkey": False, "oidc": []}


def test_with_an_account_nobody_gets_in_without_one(hall):
    hall.account("ada", "admin")
    browser = hall.browser()
    assert browser.me()["mode"] == "accounts"
    assert browser.me()["may"] == ["look"]
    refused = browser.post("/may/run")
    assert refused.status_code == 401
    assert "sign in to run the twin" in refused.json()["detail"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_server_that_others_reach_asks_for_accounts_from_the_start(tmp_path):
    hall = entrance(tmp_path, host="0.0.0.0", hosts=("twin.example.org",))
    assert hall.browser().me()["mode"] == "accounts"
    assert hall.browser().post("/may/run").status_code == 401


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_its_words_and_no_other(hall, role):
    hall.account("first", "admin")
    browser = hall.browser() if role == "visitor" else hall.signed_in("ada", role)
    for word in ("look", "comment", "run", "edit", "publish", "operate", "administer"):
        reply = browser.post(f"/may/{word}")
        if word in ROLES[role]:
            assert reply.status_code == 200, word
        elif role == "visitor":
            assert reply.status_code == 401, word
        else:
            assert reply.status_code == 403, word
            assert reply.json()["needs"] == [other for other, words in ROLES.items() if word in words]
            assert DOES[word] in reply.json()["detail"]


@pytest.mark.parametrize("change", [
    {"X-CSRF-Token": ""}, {"X-CSRF-Token": "guessed"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Origin": "http://localhost:9000"}, {"Origin": "https://localhost:8000"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
])  # fmt: skip
@pytest.mark.parametrize("signed_in", [False, True])
def test_what_another_site_made_a_browser_send_is_refused(hall, change, signed_in):
    browser = hall.signed_in("ada", "admin", "analyst") if signed_in else hall.browser()
    assert browser.post("/may/run").status_code == 200
    assert browser.post("/may/run", headers={"Origin": HERE, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert browser.post("/may/run", headers=change).status_code == 403
    assert browser.get("/may/run", headers=change).status_code == 200  # reading changes nothing


def test_the_token_of_one_session_is_of_no_use_in_another(hall):
    ada, bob = hall.signed_in("ada", "admin"), hall.signed_in("bob", "analyst")
    assert bob.post("/may/run", headers={"X-CSRF-Token": ada.me()["csrf"]}).status_code == 403
    assert bob.post("/may/run", headers={"X-CSRF-Token": hall.security.csrf}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "192.168.1.5:8000", ""]
)
def test_a_server_of_this_machine_answers_to_no_other_name(hall, host):
    reply = hall.browser().client.get("/api/v1/me", headers={"Host": host})
    assert reply.status_code == 421
    for ours in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:8000"):
        assert hall.browser().client.get("/api/v1/me", headers={"Host": ours}).status_code == 200


def test_a_server_for_others_answers_to_its_names_and_to_addresses(tmp_path):
    hall = entrance(tmp_path, host="0.0.0.0", hosts=("twin.example.org",))
    client = hall.browser().client
    for host, status in (("twin.example.org", 200), ("192.168.1.5:8000", 200), ("evil.example", 421)):
        assert client.get("/api/v1/me", headers={"Host": host}).status_code == status


def test_a_server_without_accounts_is_not_opened_to_the_world_by_a_proxy(hall):
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        reply = hall.browser().client.get("/api/v1/me", headers={name: "203.0.113.9"})
        assert reply.status_code == 403
        assert "synapolis account add" in reply.json()["detail"]
    hall.account("ada", "admin")
    assert hall.browser().client.get("/api/v1/me", headers={"Via": "1.1 proxy"}).status_code == 200


def test_every_reply_says_what_a_browser_may_do_with_it(hall):
    browser = hall.browser()
    replies = [browser.get("/me"), browser.get("/nothing"), browser.post("/session", {}),
               browser.client.get("/api/v1/me", headers={"Host": "evil.example"})]  # fmt: skip
    for reply in replies:
        policy = reply.headers["content-security-policy"]
        assert "default-src 'self'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in reply.headers["permissions-policy"]
        assert "strict-transport-security" not in reply.headers
    assert browser.get("/me").headers["cache-control"] == "no-store"


def test_even_an_unexpected_error_says_it(hall):
    def broken():
        raise ZeroDivisionError

    hall.app.add_api_route("/api/v1/broken", broken)
    reply = hall.browser(raise_server_exceptions=False).client.get("/api/v1/broken")
    assert reply.status_code == 500
    assert "division" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in reply.headers


def test_on_https_the_cookie_is_for_https_and_this_host_only(tmp_path):
    hall = entrance(tmp_path, host="0.0.0.0", hosts=("twin.example.org",), secure=True)
    hall.account("ada", "admin", password=PASSWORD)
    browser = hall.browser("https://twin.example.org")
    reply = browser.sign_in("ada")
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("__Host-synapolis_session=")
    for part in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    assert browser.me()["account"]["name"] == "ada"
    assert browser.post("/may/publish", headers={"Origin": "https://twin.example.org"}).status_code == 200
    assert browser.post("/may/publish", headers={"Origin": "http://twin.example.org"}).status_code == 403


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(tmp_path):
    hall = entrance(tmp_path, guard=Guard(body=1000))
    browser = hall.browser()
    assert browser.post("/long", content=b"x" * 1000).json() == {"bytes": 1000}
    for body in (b"x" * 1001, (b"x" * 400 for _ in range(3))):
        reply = browser.call("POST", "/long", content=body)
        assert reply.status_code == 413
        assert reply.headers["content-type"] == "application/problem+json"
        assert "content-security-policy" in reply.headers
    lying = browser.call("POST", "/session", content=(b"x" * 400 for _ in range(3)), headers={"Content-Length": "5"})
    assert lying.status_code in {400, 413}


def test_too_many_requests_wait_and_files_and_tiles_do_not(tmp_path):
    hall = entrance(tmp_path, guard=Guard(look=Rate(0.01, 5), act=Rate(0.01, 2)))
    browser = hall.browser()
    codes = [browser.client.get("/api/v1/may/look").status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    refused = browser.client.get("/api/v1/may/look")
    assert int(refused.headers["retry-after"]) >= 90
    assert refused.json()["status"] == 429
    assert browser.client.get("/api/v1/cities/x/tiles/1/2/3.mvt").status_code == 404  # no such route here, but let in
    assert browser.client.get("/assets/x.js").status_code == 404


def test_signing_in_is_counted_more_strictly_than_looking_at_ones_account(tmp_path):
    hall = entrance(tmp_path, guard=Guard(sign_in=Rate(0.01, 2)))
    browser = hall.signed_in("ada", "admin")
    assert {browser.get("/sessions").status_code for _ in range(5)} == {200}
    assert [browser.post("/passkeys/authenticate/options").status_code for _ in range(3)] == [200, 200, 429]
    assert browser.sign_in("ada").status_code == 429
    assert browser.call("DELETE", "/session").status_code == 204


@pytest.mark.slow
def test_two_hundred_readers_behind_one_address_are_let_in(hall):
    client = hall.browser().client
    assert {client.get("/api/v1/may/look").status_code for _ in range(400)} == {200}


def test_a_bucket_fills_as_time_passes():
    now = 0.0
    buckets = Buckets(Rate(2, 3), clock=lambda: now)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0
    now = 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0


def test_each_wrong_password_makes_the_next_wait_longer():
    now = 0.0
    attempts = Attempts(clock=lambda: now)
    for _ in range(5):
        attempts.begin("ada", "1.2.3.4")
    waits = []
    for _ in range(12):
        wait = 0
        while True:
            try:
                attempts.begin("ada", "1.2.3.4")
                break
            except Problem as error:
                wait += error.extra["retry_after"]
                now += error.extra["retry_after"]
        waits.append(wait)
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[-1] >= 800
    attempts.begin("ada", "5.6.7.8")  # who knows the password, elsewhere, is not locked out
    attempts.begin("bob", "1.2.3.4")


def test_guessing_is_slowed_and_told_in_the_journal_without_what_was_typed(hall):
    hall.account("ada", "admin", password=PASSWORD)
    hall.security.attempts = Attempts(clock=lambda: 0.0)
    browser = hall.browser()
    codes = [browser.sign_in("ada", f"a wrong password {k}").status_code for k in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert browser.sign_in("ada").status_code == 429  # the right one too, for now
    assert browser.sign_in("typed my password here", PASSWORD).status_code == 401
    told = hall.told("sign-in refused")
    assert len(told) == 6
    assert told[0] == {"way": "password", "account": "ada", "disabled": False, "actor": "visitor"}
    assert told[-1] == {"way": "password", "actor": "visitor"}
    everything = "".join(entry.to_json() for entry in hall.journal.entries())
    assert "wrong password" not in everything
    assert "typed my" not in everything
    assert PASSWORD not in everything
