# ruff: noqa: E501 - scripts for the page read better whole
"""The page in a real browser: on a wide screen and on a phone, by keyboard, with nothing fetched and nothing broken."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from synapolis.report.page import write_report

pytestmark = pytest.mark.slow
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser(request):
    if BROWSER is None:
        pytest.skip("needs Chromium; on Debian: apt-get install chromium")
    driver = request.getfixturevalue("playwright_driver")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    chromium = driver.chromium.launch(executable_path=BROWSER, args=arguments)
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def address(items, tmp_path_factory):
    path = write_report(items, tmp_path_factory.mktemp("report") / "report.html", title="What would happen")
    return Path(path).as_uri()


@pytest.fixture(params=[1280, 390], ids=["wide", "phone"])
def page(browser, request, address):
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.seen, page.wrong = [], []
    page.on("request", lambda sent: page.seen.append(sent.url))
    page.on(
        "console", lambda message: page.wrong.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(address)
    yield page
    page.close()


def test_nothing_leaves_the_file_and_nothing_breaks(page, address):
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert [url for url in page.seen if not url.startswith("data:") and url != address] == []
    assert page.wrong == []


def test_the_page_never_scrolls_sideways(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_folds_open_by_keyboard(page):
    page.locator("tr.how summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#p1-1").is_visible()
    page.keyboard.press("Enter")
    assert not page.locator("#p1-1").is_visible()


def test_a_figure_opens_its_pedigree(page):
    figure = page.locator('a[href="#p1-2"]')
    figure.focus()
    page.keyboard.press("Enter")
    page.locator("#p1-2").wait_for(state="visible")
    page.locator("tr.how > td > details > summary").nth(1).click()
    figure.click()  # again, though the address does not change
    page.locator("#p1-2").wait_for(state="visible")


def test_maps_are_drawn(page):
    drawn = page.evaluate(
        """async () => {
          const pictures = [...document.querySelectorAll('svg image')].map((image) => image.href.baseVal);
          return Promise.all(pictures.map((address) => new Promise((done) => {
            const picture = new Image();
            picture.onload = () => done(picture.naturalWidth > 100);
            picture.onerror = () => done(false);
            picture.src = address;
          })));
        }"""
    )
    assert len(drawn) >= 13
    assert all(drawn)


def test_large_maps_take_the_whole_width(page):
    if page.viewport_size["width"] < 800:
        assert not page.locator(".toggle").first.is_visible()
        return
    plan = page.locator("section.map svg.plan").first
    before = plan.bounding_box()["width"]
    page.locator("section.map .large").first.check()
    assert plan.bounding_box()["width"] > 2 * before


def test_text_has_enough_contrast(page):
    """WCAG 2.2 AA on every visible text against the nearest painted background."""
    poor = page.evaluate(
        """() => {
          const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
          const parse = (s) => (s.match(/[\\d.]+/g) || []).map(Number);
          const found = [];
          for (const node of document.querySelectorAll('body *:not(svg *):not(script):not(style)')) {
            if (![...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !node.offsetParent) continue;
            let back = [255, 255, 255];
            for (let up = node; up; up = up.parentElement) {
              const paint = parse(getComputedStyle(up).backgroundColor);
              if (paint.length === 3 || paint[3] > .5) { back = paint.slice(0, 3); break; }
            }
            const style = getComputedStyle(node), size = parseFloat(style.fontSize);
            const [a, b] = [lum(parse(style.color).slice(0, 3)), lum(back)].sort((x, y) => y - x);
            const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
            if ((a + .05) / (b + .05) < least) found.push(node.className + ': ' + node.textContent.slice(0, 40));
          }
          return found;
        }"""
    )
    assert poor == []


def test_headings_tables_and_pictures_say_what_they_are(page):
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("svg.plan:not([aria-label])").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    small = page.evaluate(
        "[...document.querySelectorAll('summary, nav a, label')].filter((n) => n.offsetParent && n.getBoundingClientRect().height < 24).map((n) => n.textContent)"
    )
    assert small == []
