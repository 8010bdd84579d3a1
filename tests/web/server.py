"""A real server in a process of its own, that can be stopped, killed and started again on the same workspace."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

READY_WITHIN = 60.0  # [s]
ENDED = {"done", "failed", "cancelled"}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """`synapolis serve town` on a workspace."""

    home: Path
    cache: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.home / "server.log").read_text()

    def start(self) -> Server:
        command = [sys.executable, "-m", "synapolis.cli", "serve", "town", "--port", str(self.port), *self.options]
        environment = os.environ | {"SYNAPOLIS_HOME": str(self.home), "SYNAPOLIS_CACHE": str(self.cache)}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            try:
                me = httpx.get(f"{self.url}/api/v1/me", timeout=2).raise_for_status().json()
            except httpx.TransportError:
                time.sleep(0.05)  # a server that starts tells nobody
            else:
                self.client = httpx.Client(
                    base_url=f"{self.url}/api/v1", headers={"X-CSRF-Token": me["csrf"]}, timeout=60
                )
                return self
        raise AssertionError(f"the server did not start:\n{self.log[-3000:]}")

    def stop(self, *, at_once: bool = False) -> None:
        if self.process is not None:
            self.client.close()
            (self.process.kill if at_once else self.process.terminate)()
            self.process.wait(timeout=20)
            self.process = None

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers={name.replace("_", "-"): headers[name] for name in headers})

    def ask(self, question: str, **more: Any) -> str:
        reply = self.post("/cities/town/jobs", {"kind": "ask", "question": question, **more})
        assert reply.status_code == 202, reply.text
        return str(reply.json()["id"])

    def job(self, name: str) -> dict[str, Any]:
        return dict(self.client.get(f"/jobs/{name}").raise_for_status().json())

    def events(self, name: str, last: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Id and job of each event, until the server ends the stream."""
        headers = {"Last-Event-ID": last} if last else {}
        with self.client.stream("GET", f"/jobs/{name}/events", headers=headers) as stream:
            mark = ""
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    mark = line[4:]
                elif line.startswith("data: "):
                    yield mark, httpx.Response(200, content=line[6:]).json()

    def until(self, name: str, *states: str) -> dict[str, Any]:
        """The job, once it is in one of these states (by default once it has ended)."""
        for _, job in self.events(name):
            if job["status"] in (states or ENDED):
                return job
        raise AssertionError(f"the job never came to {states or ENDED}: {self.job(name)}\n{self.log[-2000:]}")

    def workers(self) -> list[int]:
        """Ids of the worker processes: the server's children that were spawned to run `main`."""
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        others = [Path(f"/proc/{self.process.pid}/task/{task}/children").read_text().split() for task in
                  [path.name for path in Path(f"/proc/{self.process.pid}/task").iterdir()]]  # fmt: skip
        every = {int(pid) for pid in [*found, *(pid for pids in others for pid in pids)]}
        return sorted(pid for pid in every if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
