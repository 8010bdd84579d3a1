"""A server with accounts: a visitor looks, an officer signs in, runs and publishes, and a citizen reads the plan."""

from __future__ import annotations

import re

import pytest

from e2e.browsing import PHONE

expect = pytest.importorskip("playwright.sync_api").expect
PASSWORD = "seven green trams at dawn"
RUN = 600_000  # ms
SENTENCE = "Sixty homes come to Kamppi where buildings leave room for them."


@pytest.fixture(scope="module")
def town_hall(new_site):
    """A server whose first account was made on the command line."""
    one = new_site()
    one.synapolis("account", "add", "Ada Lind", "--role", "officer", "--role", "admin", says=f"{PASSWORD}\n")
    return one.start()


def test_a_visitor_signs_in_runs_and_publishes_and_a_citizen_reads_it(open_page, town_hall, accessible, picture):
    page = open_page("/", at=town_hall.url)
    looking = page.get_by_text("to run and save. You can look at everything without.")
    looking.wait_for()
    page.get_by_label("Your question").fill("What happens to stormwater if we add 60 homes in Kamppi?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Run this")).to_be_disabled()
    page.get_by_role("button", name="Only add the change").click()
    expect(page.get_by_role("button", name="Run 1 change")).to_be_disabled()
    expect(page).to_have_url(re.compile("s="))
    assert accessible(page) == []
    picture(page, "visitor")

    looking.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name", exact=True).fill("Ada Lind")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("60 homes in Kamppi").first.wait_for()  # back at the desk, with the change
    expect(page.get_by_role("link", name="Account: Ada Lind")).to_be_visible()

    page.get_by_label("Title of the scenario").fill("Homes in Kamppi")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/scenario/[0-9a-f]+\?v=1"))
    page.get_by_role("button", name="Run 1 change").click()
    page.locator(".content article").get_by_role("heading", name="Key figures").wait_for(timeout=RUN)
    page.get_by_role("button", name="Scenario", exact=True).click()
    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog", name="Publish as a plan")
    dialog.get_by_label("One plain sentence").fill(SENTENCE)
    picture(page, "publish")
    dialog.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_text("Published: citizens can see it now.").first.wait_for()

    citizen = open_page("/near", at=town_hall.url, viewport=PHONE)
    card = citizen.get_by_role("article").filter(has_text="Homes in Kamppi").filter(has_text=SENTENCE)
    expect(card).to_be_visible()
    card.get_by_role("link").first.click()
    expect(citizen.get_by_role("heading", level=1)).to_have_text("Homes in Kamppi")
    expect(citizen.get_by_text("Ada Lind")).to_be_visible()
    say = citizen.get_by_role("complementary", name="Have your say")
    expect(say).to_contain_text("nothing is collected yet")
    assert say.locator("a, button, input, textarea, form").count() == 0
    assert accessible(citizen) == []
    picture(citizen, "published-phone")


def test_whoever_may_not_run_is_told_so_by_the_server_too(open_page, town_hall):
    page = open_page("/", at=town_hall.url, forgiven="/jobs$")
    page.get_by_label("Your question").wait_for()
    told = page.evaluate(
        """async () => {
            const me = await (await fetch("/api/v1/me")).json()
            const asked = await fetch("/api/v1/cities/helsinki/jobs", {
                method: "POST",
                headers: { "Content-Type": "application/json", "X-CSRF-Token": me.csrf },
                body: JSON.stringify({ kind: "ask", question: "What happens to noise if we add 5 homes in Kamppi?" }),
            })
            return [asked.status, await asked.json()]
        }"""
    )
    assert told[0] == 401
    assert "sign in" in told[1]["detail"].lower()
