"""Servers of the browser stories: one workspace is made for all, and each server runs on a copy of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

READY_WITHIN = 240  # s, on a machine that does other things: the first start builds the city
MADE_WITHIN = 600  # s
QUESTION = "What happens to stormwater and access to jobs if we add 500 homes in Kamppi?"
CITY = "/cities/helsinki"
RUNS = {"queued", "running"}
OPTIONS = ("--workers", "1", "--members", "2")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A server of its own workspace: its address, and how to stop and start it again."""

    home: Path
    cache: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"SYNAPOLIS_HOME": str(self.home), "SYNAPOLIS_CACHE": str(self.cache), "COLUMNS": "200"}

    def synapolis(self, *words: str, says: str = "") -> None:
        """Run a command of the command line on this workspace."""
        command = [sys.executable, "-m", "synapolis.cli", *words]
        subprocess.run(command, env=self.environment, input=says, text=True, check=True, capture_output=True)

    def start(self) -> Site:
        command = [sys.executable, "-m", "synapolis.cli", "serve", "helsinki", "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.read("/me")
            except OSError:
                time.sleep(0.1)  # a server that starts tells nobody
            else:
                return self
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self, *, at_once: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if at_once else self.process.terminate)()
            self.process.wait(timeout=60)
            self.process = None

    def workers(self) -> list[int]:
        """Ids of the processes that run the twin."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        children = {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
        return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with closing(urllib.request.urlopen(request, timeout=60)) as reply:
            return json.loads(reply.read() or "null")

    def read(self, path: str) -> Any:
        return self.call("GET", path)

    def until(self, path: str, what: str, within: float = MADE_WITHIN) -> Any:
        """What the server says at a path, once it says `what` is its status; asked again and again, as pages do."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            told = self.read(path)
            if told["status"] == what:
                return told
            assert told["status"] in {*RUNS, "computing"}, told
            time.sleep(0.25)
        raise AssertionError(f"{path} is not {what} after {within} s:\n{self.log.read_text()[-3000:]}")

    def plans(self) -> dict[str, str]:
        """The example plans by title, once they were run for all places."""
        end = time.monotonic() + MADE_WITHIN
        while time.monotonic() < end:
            found = self.read(f"{CITY}/plans")["items"]
            if len(found) == 3 and all(plan["answer"] and plan["place_state"] == "ready" for plan in found):
                return {plan["title"].partition(": ")[2]: plan["id"] for plan in found}
            time.sleep(0.25)
        raise AssertionError(f"the examples are not ready after {MADE_WITHIN} s:\n{self.log.read_text()[-3000:]}")

    def ask(self, question: str, *, members: int) -> str:
        """Put a question into the queue; the id of its job."""
        body = {"kind": "ask", "question": question, "members": members}
        return str(self.call("POST", f"{CITY}/jobs", body, **{"X-CSRF-Token": self.read("/me")["csrf"]})["id"])

    def cancel(self, job: str) -> None:
        """Stop a job, unless it has ended."""
        if self.read(f"/jobs/{job}")["status"] in RUNS:
            self.call("DELETE", f"/jobs/{job}", **{"X-CSRF-Token": self.read("/me")["csrf"]})

    def answer(self) -> dict[str, Any]:
        """The answer to the question of all stories; it is run where it was not yet."""
        kept = self.home / "asked"
        if not kept.is_file():
            kept.write_text(self.until(f"/jobs/{self.ask(QUESTION, members=4)}", "done")["answer"])
        return dict(self.read(f"/answers/{kept.read_text()}"))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against the other processes that run tests."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(folder: Path) -> Path:
    """A workspace with the city, its figures of today, the example plans and one answer; made once a test run."""
    home, made = folder / "made", folder / "made.done"
    with alone(folder):
        if not made.is_file():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            site = Site(home, folder / "cache", (*OPTIONS, "--workers", "2")).start()
            try:
                site.until(f"{CITY}/today", "ready")
                site.answer()
                site.plans()
                site.until(f"{CITY}/baseline", "ready")
            finally:
                site.stop()
            made.touch()
    return home


def copied(made: Path, home: Path) -> Path:
    """A workspace that holds the same as another one."""
    shutil.copytree(made, home, ignore=shutil.ignore_patterns("server.log"), dirs_exist_ok=True)
    return home
