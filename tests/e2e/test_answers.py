"""An answer in the browser: its figures and where they come from, its maps compared, taken along and shared."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from itertools import pairwise

import pyogrio
import pytest

from e2e.browsing import PHONE, camera_rests
from e2e.sites import QUESTION

expect = pytest.importorskip("playwright.sync_api").expect

BLOCKED, SITING, CLARIFY, REFUSED, UNKNOWN = ("b10cced0" * 2, "517e0000" * 2, "c1a51f00" * 2, "4ef05ed0" * 2, "0" * 16)
ZOOMED = {"width": 320, "height": 256}
"""A window of 1280 by 1024 pixels at 400 per cent (WCAG 1.4.10)."""


@pytest.fixture(scope="module")
def answer(site):
    """The answer to a question that was asked like any other: a job of the server."""
    return site.answer()


@pytest.fixture(scope="module")
def kept(site, answer):
    """Answers that Helsinki gives only after long runs or not at all, as files: its own answer, altered."""
    folder = site.home / "answers"
    told = json.loads((folder / f"{answer['hash'][:16]}.json").read_text(encoding="utf-8"))
    nothing = {name: [] for name in ("claims", "effects", "gates", "assumptions", "layers", "steps", "findings")}

    def keep(name, **changed):
        (folder / f"{name}.json").write_text(json.dumps(told | {"hash": name * 4} | changed), encoding="utf-8")

    gates = [
        {"name": "Rent", "rule": "rent may not rise", "outcome": "block", "action": "block", "share": 0.87,
         "reason": "rent rises by 2 %"},
        {"name": "Stormwater", "rule": "stormwater may not rise", "outcome": "pass", "action": "block", "share": 1.0,
         "reason": "unchanged"},
        {"name": "Noise", "rule": "noise may not rise", "outcome": "not computable", "action": "warn", "share": None,
         "reason": "needs traffic counts"},
    ]  # fmt: skip
    keep(BLOCKED, gates=gates)
    site_of = {"homes": 100.0, "stability": 1.0, "geometry": None}
    sites = [
        site_of | {"name": "Free ground", "rank": 1, "on_front": True, "reason": "room for 100 homes",
                   "scores": {"runoff_volume": 0.1, "total_capital_cost": 300_000.0}},
        site_of | {"name": "Roofs", "rank": 2, "on_front": False, "reason": "room for 100 homes",
                   "scores": {"runoff_volume": 0.2, "total_capital_cost": 340_000.0}},
    ]  # fmt: skip
    keep(SITING, sites=sites, question="Where should we build 200 homes?")
    keep(CLARIFY, **nothing, status="clarify", question="What if we add homes in Atlantis?",
         summary="I know no Atlantis.", options=["What if we add 100 homes in Kamppi?"])  # fmt: skip
    keep(REFUSED, **nothing, status="refused", summary="not computable: the city has no rents", options=[])
    return folder


@pytest.fixture
def opened(open_page, answer):
    """The page of the answer, with whatever stands behind `#`."""

    def page_of(view="", name=answer["hash"][:16], **how):
        page = open_page(f"/answer/{name}{'#' if view else ''}{view}", **how)
        page.locator(".question").wait_for()
        return page

    return page_of


def number_of(answer, quantity):
    return next(one["n"] for one in answer["maps"] if one["quantity"] == quantity)


def maps_ready(page, count):
    expect(page.locator(".engine")).to_have_count(count)
    expect(page.locator('.engine[data-ready="yes"]')).to_have_count(count)


def parts(address):
    return dict(re.findall(r"(\w+)=([^&]*)", address.partition("#")[2]))


def behind(page):
    """View state in the address as it stands."""
    return parts(page.evaluate("location.hash"))


def behind_is(page, **state):
    """Wait until the view state in the address holds this; it follows the page a little later."""
    for name, value in state.items():
        expect(page).to_have_url(re.compile(rf"[#&]{name}={re.escape(value)}(&|$)"))


def test_a_number_opens_its_pedigree_by_click_and_by_keyboard(opened, answer, accessible, picture):
    page = opened()
    assert page.locator("h1").inner_text() == QUESTION
    claim = next(one for one in answer["claims"] if one["id"] == "mean_jobs_within_10_min")
    number = page.locator(f'[data-claim="{claim["id"]}"]')
    number.click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".tree").wait_for()
    text = dialog.inner_text()
    assert claim["text"] in text
    assert answer["hash"] in text
    assert "OpenStreetMap" in text
    assert "ODbL" in text
    assert "assumed" in text
    dialog.get_by_text("Method, limits, who answers for it").first.click()
    assert re.match(r"/register/.+", dialog.get_by_role("link").first.get_attribute("href"))
    assert accessible(page) == []
    picture(page, "pedigree")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert number.evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    dialog.locator(".tree").wait_for()
    page.keyboard.press("Tab")
    assert dialog.evaluate("one => one.contains(document.activeElement)")
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")


def test_every_figure_stands_with_before_after_and_interval(opened, answer, picture):
    page = opened()
    shown = page.locator("[data-claim]")
    assert shown.count() == len(answer["claims"])
    varied = [one for one in answer["claims"] if one["low"] is not None and one["detectable"]]
    assert varied
    assert page.get_by_role("img", name=re.compile("likely")).count() >= len(varied)
    assert page.get_by_role("heading", name="Limits that must hold").is_visible()
    assert page.get_by_text("Not computable").first.is_visible()
    picture(page, "figures")


def test_maps_compare_side_by_side_with_one_camera_swiped_and_as_a_difference(opened, answer, picture):
    number = number_of(answer, "runoff_depth")
    page = opened(f"map={number}")
    maps_ready(page, 2)
    right = page.locator('[data-stage="after"]')
    seen = camera_rests(page, "camera")
    before = right.screenshot()
    page.locator('[data-stage="before"] canvas').focus()
    page.keyboard.press("ArrowRight")
    assert camera_rests(page, "camera", seen) != seen
    assert right.screenshot() != before
    picture(page, "side")

    page.get_by_role("button", name="Swipe").click()
    maps_ready(page, 2)
    divide = page.get_by_role("slider", name="Position of the divide")
    divide.focus()
    page.keyboard.press("ArrowRight")
    assert "inset(0px 45% 0px 0px)" in page.locator(".over").evaluate("one => getComputedStyle(one).clipPath")
    behind_is(page, split="55")
    page.get_by_role("button", name="Less: Position of the divide").click()
    assert divide.input_value() == "50"
    picture(page, "swipe")

    with page.expect_response(re.compile(r"/change\.png")):
        page.get_by_role("button", name="Difference").click()
    maps_ready(page, 1)
    behind_is(page, mode="change")
    assert page.get_by_role("list", name="Legend").inner_text()
    picture(page, "difference")


def test_the_time_bar_walks_through_the_flood(opened, answer, picture):
    flood = next(one for one in answer["maps"] if one["times"])
    page = opened(f"map={flood['n']}&mode=after")
    maps_ready(page, 1)
    bar = page.get_by_role("group", name="Time of the flood")
    step = bar.get_by_role("button", name="One step on")
    with page.expect_response(re.compile(r"/frames/after/")):
        step.click()
    assert flood["times"]["labels"][0] in bar.locator("output").inner_text()
    slider = bar.get_by_role("slider")
    slider.focus()
    page.keyboard.press("End")
    behind_is(page, time=str(len(flood["times"]["moments"]) - 1))
    assert slider.get_attribute("aria-valuetext") == bar.locator("output").inner_text()
    page.keyboard.press("Home")
    behind_is(page, time="0")
    bar.get_by_role("button", name="Play").click()
    expect(page).not_to_have_url(re.compile("time=0"))
    bar.get_by_role("button", name="Pause").click()
    bar.get_by_role("button", name="Play").wait_for()
    picture(page, "flood")
    bar.get_by_role("button", name="Deepest").click()
    expect(page).not_to_have_url(re.compile("time="))


def test_beside_every_map_stand_a_sentence_and_a_table(opened, answer):
    page = opened(f"map={number_of(answer, 'jobs_within_10_min')}&mode=change")
    one = next(one for one in answer["maps"] if one["quantity"] == "jobs_within_10_min")
    assert one["sentence"] in page.locator(".maps").inner_text()
    page.get_by_text("The map as a table").click()
    table = page.get_by_role("region", name=re.compile("Table of the map")).locator("table")
    table.wait_for()
    head = table.get_by_role("button", name="Today")
    head.click()
    assert table.locator('th[aria-sort="descending"]').count() == 1
    first = table.locator("tbody tr").first.inner_text()
    head.click()
    assert table.locator("tbody tr").first.inner_text() != first
    with page.expect_download() as taken:
        page.get_by_role("button", name="Table as CSV").click()
    rows = list(csv.DictReader(io.StringIO(taken.value.path().read_text(encoding="utf-8"))))
    assert len(rows) > 10
    assert all(float(row["Change"] or 0) is not None for row in rows)


def test_exports_open_in_other_programs(opened, answer, tmp_path):
    page = opened()
    files = {}
    for label, ending in (("PDF", "pdf"), ("HTML", "html"), ("GeoPackage", "gpkg"), ("CSV", "csv"), ("JSON", "json")):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as taken:
            page.get_by_role("link", name=re.compile(label)).click()
        files[ending] = tmp_path / f"answer.{ending}"
        shutil.copy(taken.value.path(), files[ending])
    assert files["pdf"].read_bytes().startswith(b"%PDF-")
    assert files["html"].read_text(encoding="utf-8").lower().startswith("<!doctype html")
    assert len(pyogrio.list_layers(files["gpkg"])) >= 1
    rows = list(csv.reader(io.StringIO(files["csv"].read_text(encoding="utf-8-sig"))))
    assert any(claim["text"] in ",".join(row) for row in rows for claim in answer["claims"])
    assert json.loads(files["json"].read_text(encoding="utf-8"))["hash"] == answer["hash"]


def test_a_shared_link_reopens_the_very_state(opened, answer, open_page, site):
    flood = next(one for one in answer["maps"] if one["times"])
    page = opened(f"map={flood['n']}&mode=after", permissions=["clipboard-read", "clipboard-write"])
    maps_ready(page, 1)
    page.get_by_role("button", name="One step on").click()
    page.get_by_role("slider", name="Opacity").press("ArrowLeft")
    page.locator(".frame canvas").focus()
    seen = camera_rests(page, "camera")
    page.keyboard.press("=")
    seen = camera_rests(page, "camera", seen)
    page.get_by_role("button", name="Swipe").click()
    maps_ready(page, 2)
    behind_is(page, mode="swipe")
    page.get_by_role("button", name="Copy link to this view").click()
    page.get_by_text("Link copied").first.wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{site.url}/answer/{answer['hash'][:16]}#")
    state = parts(link)
    assert {"map", "mode", "time", "camera"} <= set(state)

    again = open_page(link.removeprefix(site.url))
    maps_ready(again, 2)
    expect(again).to_have_url(page.url)
    assert behind(again) == state
    assert again.get_by_role("button", name="Swipe").get_attribute("aria-pressed") == "true"
    assert (
        flood["times"]["labels"][0]
        in again.get_by_role("group", name="Time of the flood").locator("output").inner_text()
    )
    assert again.get_by_role("slider", name="Opacity").input_value() == state["opacity"]
    assert again.locator(".maps").evaluate("one => one.getBoundingClientRect().top < innerHeight")


def test_a_blocked_scenario_is_visibly_blocked(opened, kept, accessible, picture):
    page = opened(name=BLOCKED)
    banner = page.get_by_role("note")
    assert "Blocked." in banner.inner_text()
    assert "Rent rises by 2 %" in banner.inner_text()
    assert "87 %" in banner.inner_text()
    gates = page.locator("section", has=page.get_by_role("heading", name="Limits that must hold"))
    assert [one.inner_text() for one in gates.locator(".verdict").all()] == ["Blocked", "Holds", "Not computable"]
    assert accessible(page) == []
    picture(page, "blocked")


def test_an_answer_that_asks_back_offers_its_options(opened, kept, accessible):
    page = opened(name=CLARIFY)
    assert page.get_by_text("Nothing was run yet.").is_visible()
    assert accessible(page) == []
    page.get_by_role("button", name="What if we add 100 homes in Kamppi?").click()
    page.wait_for_url(re.compile(r"/\?q="))


def test_a_refused_answer_says_why(opened, kept):
    page = opened(name=REFUSED)
    assert page.get_by_text("This cannot be answered.").is_visible()
    assert "the city has no rents" in page.get_by_role("note").inner_text()


def test_places_for_homes_are_ranked_and_drawn_against_each_other(opened, kept, accessible):
    page = opened(name=SITING)
    ranked = page.locator("section", has=page.get_by_role("heading", name="Places for homes, best first"))
    assert [name.split() for name in ranked.locator("ol > li h3").all_inner_texts()] == [
        ["1.", "Free", "ground"],
        ["2.", "Roofs"],
    ]
    assert ranked.get_by_role("img", name=re.compile("2 places")).is_visible()
    ranked.get_by_role("combobox", name="Upwards").select_option("runoff_volume")
    assert accessible(page) == []


def test_an_answer_that_is_not_there_says_so(open_page):
    page = open_page(f"/answer/{UNKNOWN}", forgiven=UNKNOWN)
    page.get_by_role("alert").wait_for()
    assert "The answer could not be shown" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("button", name="Try again").is_visible()


@pytest.mark.parametrize("viewport", [PHONE, ZOOMED], ids=["phone", "400 per cent"])
def test_narrow_screens_stack_everything_and_scroll_one_way(opened, answer, accessible, picture, viewport):
    page = opened(f"map={number_of(answer, 'flood_depth')}", viewport=viewport)
    maps_ready(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    tops = [page.locator(f'[data-stage="{stage}"]').bounding_box()["y"] for stage in ("before", "after")]
    assert tops[1] > tops[0]
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button, main select, main summary, main input")]
            .map(one => ({ box: one.getBoundingClientRect(), says: one.innerText || one.getAttribute("aria-label") }))
            .filter(({ box }) => box.width && (box.height < 23.5 || box.width < 23.5)).map(({ says }) => says)"""
    )
    assert small == []
    assert accessible(page) == []
    picture(page, f"narrow-{viewport['width']}")


def test_the_whole_page_is_accessible_and_speaks_finnish(opened, answer, accessible):
    page = opened(f"map={number_of(answer, 'flood_depth')}", language="fi")
    maps_ready(page, 2)
    page.get_by_role("heading", name="Kuka hyötyy, kuka häviää").wait_for()
    assert accessible(page) == []
    levels = page.evaluate("[...document.querySelectorAll('main h1,main h2,main h3,main h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_without_webgl_there_are_still_pictures_and_tables(opened, answer, picture):
    page = opened(f"map={number_of(answer, 'flood_depth')}", webgl=False)
    page.locator("figure img").nth(1).wait_for()
    for still in page.locator("figure img").all():
        expect(still).to_have_js_property("complete", True)
        assert still.evaluate("one => one.naturalWidth") > 200
        assert "Deepest surface water" in still.get_attribute("alt")
    page.get_by_role("region", name=re.compile("Table of the map")).locator("tbody tr").first.wait_for()
    picture(page, "without-webgl")
