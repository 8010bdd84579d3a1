"""Every page opens by its address, in every language, within the policy, without a serious finding of axe."""

from __future__ import annotations

import re

import pytest

from e2e.browsing import settled

PAGES = ("/", "/near", "/register", "/baseline", "/account")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_by_its_address_and_is_accessible(open_page, accessible, picture, path):
    page = open_page(path)
    settled(page)
    assert "Synapolis" in page.title()
    assert accessible(page) == []
    picture(page, path.strip("/") or "desk")


def test_links_between_pages_load_nothing_again_and_back_goes_back(open_page):
    page = open_page("/")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("navigation").get_by_role("link", name="Algorithms").click()
    page.wait_for_url("**/register")
    assert page.evaluate("window.sameDocument")
    page.go_back()
    page.wait_for_url(re.compile(r"/(#.*)?$"))
    assert page.evaluate("window.sameDocument")


@pytest.mark.parametrize(("language", "word"), [("fi", "Työpöytä"), ("sv", "Arbetsbord")])
def test_pages_speak_the_language_of_the_browser_and_keep_a_choice(open_page, language, word):
    page = open_page("/register", language=language)
    page.get_by_role("link", name=word).wait_for()
    assert page.locator("html").get_attribute("lang") == language
    page.locator("header select").select_option("en")
    page.get_by_role("link", name="Desk").wait_for()
    page.reload()
    page.get_by_role("link", name="Desk").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"
