"""The account page in a real browser: in by password and by passkey, a token, people and their roles, out again."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
import uvicorn

from e2e.browsing import PHONE, settled
from e2e.conftest import PAGES
from e2e.sites import free_port
from synapolis.web.site import Site, site_router
from web.entrance import PASSWORD, entrance

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
REFUSED = r"/api/v1/(session|accounts|register)"
"""Addresses that say no in these stories; the hall has no register."""


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """The guards and the built pages, served on the loopback without a city."""
    if not PAGES.is_file():
        pytest.skip("the pages are not built: `make pages`")
    made, port = entrance(tmp_path_factory.mktemp("records")), free_port()
    made.app.include_router(site_router(Site()))
    made.account("Ada Lind", "admin", "officer", password=PASSWORD)
    made.account("Bo Ek", "analyst", password=PASSWORD)
    server = uvicorn.Server(uvicorn.Config(made.app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield SimpleNamespace(url=f"http://localhost:{port}", journal=made.journal)
    server.should_exit = True
    thread.join()
    made.store.close()


@pytest.fixture
def visit(open_page, hall):
    """Open the account page as a new visitor, with an authenticator; what may fail is a way in that is refused."""

    def opened(path="/account", **how):
        page = open_page(path, at=hall.url, forgiven=REFUSED, **how)
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        return page

    return opened


def sign_in(page, name="Ada Lind", password=PASSWORD):
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def test_in_by_password_a_passkey_made_out_and_in_by_it(visit, accessible, screenshots):
    page = visit()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert accessible(page) == []
    page.screenshot(path=screenshots / "account-sign-in.png", full_page=True)
    sign_in(page, password="not the right one")
    page.get_by_role("alert").filter(has_text="do not fit together").wait_for()
    sign_in(page)
    page.get_by_role("heading", name="Ada Lind").wait_for()
    page.get_by_label("Name of the device").fill("Desk")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("button", name="Remove Desk").wait_for()
    assert accessible(page) == []
    page.screenshot(path=screenshots / "account-own.png", full_page=True)
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="Ada Lind").wait_for()
    page.reload()
    page.get_by_text("by passkey").wait_for()


def test_signing_in_leads_back_to_where_one_was_going(visit):
    page = visit("/account?to=/register")
    sign_in(page)
    page.wait_for_url("**/register")
    page = visit("/account?to=//evil.example/")
    sign_in(page)
    page.wait_for_url("**/account")


def test_a_token_is_shown_once(visit):
    page = visit()
    sign_in(page, "Bo Ek")
    page.get_by_text("Make a token").click()
    page.get_by_label("What it is for").fill("nightly runs")
    page.get_by_role("checkbox", name="Analyst").check()
    assert page.get_by_role("checkbox", name="Officer").count() == 0
    page.get_by_role("button", name="Make the token").click()
    assert page.get_by_label("Token", exact=True).input_value().startswith("syn_")
    page.reload()
    page.get_by_role("button", name="Remove nightly runs").wait_for()
    assert page.get_by_label("Token", exact=True).count() == 0
    page.get_by_role("button", name="Remove nightly runs").click()
    page.get_by_text("You have no tokens.").wait_for()


def test_an_administrator_adds_and_changes_people_by_keyboard(visit, accessible, screenshots, hall):
    page = visit()
    sign_in(page)
    page.get_by_role("tab", name="My account").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Add a person").press("Enter")
    page.get_by_label("Name", exact=True).fill("Cleo")
    page.locator("input[value=analyst]").press("Space")
    page.get_by_role("dialog").get_by_label("Password", exact=True).fill("nine old maps of harbours")
    assert accessible(page) == []
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change Cleo").press("Enter")
    page.screenshot(path=screenshots / "account-person.png")
    page.get_by_role("checkbox", name="May not sign in").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("row", name="Cleo").get_by_text("disabled").wait_for()
    page.screenshot(path=screenshots / "account-people.png", full_page=True)
    other = visit()
    sign_in(other, "Cleo", "nine old maps of harbours")
    other.get_by_role("alert").filter(has_text="do not fit together").wait_for()
    page.get_by_role("button", name="Change Ada Lind").click()
    page.locator("input[value=admin]").press("Space")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").filter(has_text="the only administrator").wait_for()
    assert [entry.body["did"] for entry in hall.journal.entries(kind="account")][-2:] == ["added", "changed"]


@pytest.mark.parametrize(("language", "title"), [("fi", "Kirjaudu sisään"), ("sv", "Logga in")])
def test_on_a_phone_in_other_languages(visit, accessible, screenshots, language, title):
    page = visit("/account?refused=late", viewport=PHONE, language=language)
    page.get_by_role("heading", name=title).wait_for()
    page.locator("input[autocomplete=username]").fill("Bo Ek")
    page.locator("input[autocomplete=current-password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Bo Ek").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert accessible(page) == []
    page.screenshot(path=screenshots / f"account-{language}-phone.png", full_page=True)
