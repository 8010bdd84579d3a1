"""When things go wrong during a run: the page says so, nothing is lost, and it goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal

import pytest

expect = pytest.importorskip("playwright.sync_api").expect
ASKED = "What happens to stormwater if we add {homes} homes in Kamppi?"
GONE = r"/api/v1/"
"""While a server is gone, or a run fails, requests may fail."""
RUN = 600_000  # ms


@pytest.fixture(scope="module")
def own(new_site):
    """A server of these stories' own: it is killed, and its folders are spoilt."""
    return new_site().start()


def ask(page, homes):
    page.get_by_label("Your question").fill(ASKED.format(homes=homes))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Run this").click()
    page.locator(".run progress").wait_for()


def run_of(page, homes):
    return page.get_by_role("region", name="Runs").locator("li").filter(has_text=f"{homes} homes").first


def test_a_server_killed_during_a_run_and_started_again_finishes_it_before_the_same_page(open_page, own, picture):
    page = open_page("/", at=own.url, forgiven=GONE)
    ask(page, 41)
    page.locator(".run progress[value]").wait_for()  # it runs
    own.stop(at_once=True)
    own.start()
    page.locator(".content article").get_by_role("heading", name="Key figures").wait_for(timeout=RUN)
    assert "41 homes" in page.locator(".content article").inner_text()
    assert page.get_by_text("Waiting").count() == 0
    picture(page, "after-the-kill")


def test_a_lost_worker_is_replaced_and_its_run_goes_on(open_page, own):
    page = open_page("/", at=own.url)
    ask(page, 43)
    page.locator(".run progress[value]").wait_for()
    (worker,) = own.workers()
    os.kill(worker, signal.SIGKILL)
    page.locator(".content article").get_by_role("heading", name="Key figures").wait_for(timeout=RUN)
    assert "43 homes" in page.locator(".content article").inner_text()


def test_a_run_that_fails_half_way_says_why_keeps_the_change_and_can_be_run_again(open_page, own, accessible, picture):
    answers = own.home / "answers"
    aside = answers.rename(own.home / "aside")
    answers.write_text("a file where a folder should be")
    page = open_page("/", at=own.url, forgiven=GONE)
    ask(page, 47)
    page.get_by_text("The run failed.").first.wait_for(timeout=RUN)
    expect(run_of(page, 47)).to_contain_text(re.compile("were not written: .*free some space and run it again"))
    assert accessible(page) == []
    picture(page, "failed")
    answers.unlink()
    shutil.move(aside, answers)
    page.get_by_text("47 homes in Kamppi").first.wait_for()
    page.get_by_role("button", name="Run 1 change").click()
    page.locator(".content article").get_by_role("heading", name="Key figures").wait_for(timeout=RUN)
