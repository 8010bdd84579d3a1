"""The citizen's window in the browser: plans near a place, what they do there, the register and the city today."""

from __future__ import annotations

import re

import pytest

from e2e.browsing import PHONE, settled

expect = pytest.importorskip("playwright.sync_api").expect
AT, TO = "#at=24.95300,60.17450,Kruununhaka", "&to=24.93520,60.16550,Kamppi"


@pytest.fixture(scope="module")
def plans(site):
    """The example plans, which a fresh server on the built-in city makes by itself."""
    return site.plans()


@pytest.fixture(scope="module")
def tram(plans):
    return f"/near/{plans['tram 7 every 5 minutes']}"


def fits_the_screen(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_reader_without_an_account_finds_what_is_planned_near_a_place(open_page, plans, picture):
    page = open_page("/near")
    cards = page.get_by_role("list", name="Plans").get_by_role("article")
    expect(cards).to_have_count(len(plans))
    expect(page.get_by_text("Made-up example")).to_have_count(3)
    expect(cards.first).to_contain_text("instead of")
    field = page.get_by_role("combobox", name="Your place")
    field.fill("Kruunun")
    page.get_by_role("option", name=re.compile("^Kruununhaka")).first.click()
    expect(cards.first).to_contain_text(re.compile("away|right here|all over"))
    assert "at=24.9" in page.url
    picture(page, "near")
    cards.filter(has_text="Tram 7").get_by_role("link").click()
    page.wait_for_url("**/near/*")
    assert "at=24.9" in page.url, "the place comes along"
    expect(page.get_by_role("heading", level=1)).to_have_text("Tram 7 every 5 minutes")


def test_a_plan_says_what_it_does_to_my_trip_rent_heat_and_flood(open_page, tram, picture):
    page = open_page(tram + AT + TO)
    here = page.get_by_role("region", name="What it does where you are")
    for says in ("By public transport or on foot to Kamppi", "By car in the peak hour to Kamppi", "hot afternoon"):
        expect(here.get_by_role("listitem").filter(has_text=says)).to_contain_text(re.compile(r"\d+\.\d (min|°C)"))
    rent = here.get_by_role("listitem").filter(has_text="Rent of a typical home")
    expect(rent).to_contain_text("Cannot be said here")
    expect(rent).to_contain_text("no monthly rent in its zones")
    expect(here.get_by_role("listitem").filter(has_text="Deepest water")).to_contain_text("rough picture")
    picture(page, "plan")
    page.get_by_text(re.compile(r"\d+ algorithms were used")).click()
    page.get_by_role("link", name="mean travel time", exact=True).or_(
        page.get_by_role("link", name="travel times", exact=True)
    ).first.click()
    page.wait_for_url("**/register/synapolis*")
    expect(page.get_by_role("heading", name="In use, right now")).to_be_visible()


def test_before_and_after_stand_on_top_of_each_other_by_buttons_and_keys(open_page, plans, picture):
    page = open_page(f"/near/{plans['more trees along Mannerheimintie']}")
    pictures = page.get_by_role("region", name="Before and after")
    expect(pictures.get_by_role("img")).to_have_count(2)
    pictures.scroll_into_view_if_needed()
    expect(pictures.get_by_text("The pictures are being drawn")).to_have_count(0)
    slider = pictures.get_by_role("slider")
    expect(slider).to_have_value("50")
    pictures.get_by_role("button", name=re.compile("^More")).click()
    expect(slider).to_have_value("55")
    slider.press("ArrowLeft")
    expect(slider).to_have_value("50")
    picture(page, "before-after")


def test_the_device_is_asked_where_it_is_only_on_a_click(open_page, plans):
    place = {"latitude": 60.1700, "longitude": 24.9400}
    page = open_page("/near", geolocation=place, permissions=["geolocation"])
    expect(page.get_by_role("article")).to_have_count(len(plans))
    assert "at=" not in page.url
    page.get_by_role("button", name="Use my location").click()
    page.wait_for_url(re.compile(r"#at=24\.94000(,|%2C)60\.17000"))


def test_the_whole_story_by_keyboard(open_page, plans):
    page = open_page("/near")
    expect(page.get_by_role("article")).to_have_count(len(plans))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skip to the page
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.role") == "combobox":
            break
    page.keyboard.type("Kamppi")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#.*at="))
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('article') !== null"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/near/*")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("path", ["/near", "PLAN", "/register", "/register/synapolis:flood", "/baseline"])
def test_every_page_fits_a_phone_and_is_accessible(open_page, accessible, picture, tram, path):
    page = open_page(tram + AT if path == "PLAN" else path, viewport=PHONE)
    page.get_by_role("heading", level=1).wait_for()
    settled(page)
    assert fits_the_screen(page)
    picture(page, f"phone-{path.strip('/').replace('/', '-').replace(':', '-') or 'plan'}")
    assert accessible(page) == []


def test_without_webgl_there_are_lists_and_stills(open_page, plans):
    page = open_page(f"/near/{plans['more trees along Mannerheimintie']}{AT}", webgl=False)
    expect(page.get_by_text("WebGL is off")).to_be_visible()
    expect(page.get_by_role("region", name="What it does where you are")).to_contain_text("°C")
    expect(page.get_by_role("region", name="Before and after").get_by_role("img")).to_have_count(2)


@pytest.mark.parametrize(
    ("language", "title", "card", "topic"),
    [
        (
            "fi",
            "Helsinki centre: mitä täällä suunnitellaan",
            "Raitiovaunu 7 viiden minuutin välein",
            "Tästä ei ole tietoa täällä",
        ),
        ("sv", "Vad som planeras i Helsinki centre", "Spårvagn 7 var femte minut", "Det går inte att säga här"),
    ],
)
def test_the_window_speaks_finnish_and_swedish(open_page, plans, picture, language, title, card, topic):
    page = open_page(f"/near{AT}", language=language, viewport=PHONE)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_text(re.compile("englanniksi|engelska")).first).to_be_visible()
    page.get_by_role("link", name=card).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(card)
    expect(page.get_by_text(re.compile(topic))).to_be_visible()
    picture(page, f"plan-{language}")
    page.locator("header select").select_option("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tram 7 every 5 minutes")


def test_the_register_is_searched_and_an_entry_takes_a_complaint(open_page, plans, picture):
    page = open_page("/register")
    page.get_by_role("searchbox").fill("surface water")
    page.wait_for_url("**q=surface*")
    page.get_by_role("link", name="Flood", exact=True).click()
    page.wait_for_url("**/register/synapolis*")
    expect(page.get_by_text("Times run")).to_be_visible()
    page.get_by_label("Your complaint about this algorithm").fill("The map shows my cellar dry; it was not.")
    page.get_by_role("button", name="Send the complaint").click()
    expect(page.get_by_text("Your complaint is kept.").first).to_be_visible()
    picture(page, "register-entry")


def test_the_city_today_is_told_by_theme_and_as_a_table(open_page, accessible, picture):
    page = open_page("/baseline")
    page.get_by_role("tab", name="As a table").click()
    rows = page.get_by_role("row")
    expect(rows.nth(5)).to_be_visible()
    page.get_by_role("button", name="Value").click()
    expect(page.get_by_role("columnheader", name=re.compile("^Value"))).to_have_attribute("aria-sort", "descending")
    assert accessible(page) == []
    page.get_by_role("tab", name="By theme").click()
    assert accessible(page) == []
    page.get_by_role("searchbox").fill("commute")
    expect(page.get_by_role("heading", name="Average commute time")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="2 figures (one")).to_be_visible()
    picture(page, "baseline")
    with page.expect_download() as saved:
        page.get_by_role("link", name="All as CSV").click()
    assert saved.value.suggested_filename.endswith(".csv")
