"""A real PostgreSQL for tests, on a Unix socket in a folder of its own, with fsync on, never as root.

Or SYNAPOLIS_TEST_POSTGRES names a server (a user who may create databases). Where neither can be had, tests skip and
say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine

SETTING = "SYNAPOLIS_TEST_POSTGRES"
PATIENCE = 60


def _programs() -> Path | None:
    """Folder of `initdb` and `postgres`, newest first; Debian keeps them off the path."""
    found = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return Path(found).resolve().parent if found else versions[-1].parent if versions else None


def _as_other() -> tuple[list[str], pwd.struct_passwd | None]:
    """How to run as somebody who is not root: PostgreSQL refuses to be root, and rightly."""
    if os.geteuid():
        return [], None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        if shutil.which("setpriv"):
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user
    return [], None


@dataclass
class Server:
    """A PostgreSQL server of our own; `kill` and `start` are for tests of crashes."""

    programs: Path
    folder: Path
    runs_as: list[str]
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def make(self) -> None:
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D",
                  str(self.folder / "data"))  # fmt: skip

    def start(self) -> None:
        options = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "on",
                   "synchronous_commit": "on", "max_connections": "60", "shared_buffers": "32MB"}  # fmt: skip
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [*self.runs_as, str(self.programs / "postgres"), "-D", str(self.folder / "data"), *settings],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"), start_new_session=True,
        )  # fmt: skip
        self._run("pg_isready", "-q", "-h", str(self.folder), "-t", str(PATIENCE), until=0)

    def stop(self, sign: int = signal.SIGINT) -> None:
        """Stop by process id; SIGINT is PostgreSQL's fast shutdown."""
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """Kill the whole server at once, as a power cut would: the postmaster and every process it began."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it begins no more of them
        for pid in (self.process.pid, *_children(self.process.pid)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process = None

    def _run(self, program: str, *arguments: str, until: int | None = None) -> None:
        for _ in range(PATIENCE * 20):
            done = subprocess.run(
                [*self.runs_as, str(self.programs / program), *arguments], capture_output=True, check=False,
                cwd=self.folder,
            )  # fmt: skip
            if done.returncode == (until or 0):
                return
            if until is None:
                break
            if self.process is not None and self.process.poll() is not None:
                break
        log = (self.folder / "log").read_text() if (self.folder / "log").exists() else ""
        raise RuntimeError(f"{program}: {done.stderr.decode()} {log}")


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


@contextmanager
def own_server() -> Iterator[Server]:
    """A new server in a folder of its own, stopped and removed at the end; skips where there can be none."""
    programs, (runs_as, user) = _programs(), _as_other()
    if programs is None or not (programs / "postgres").exists():
        pytest.skip(f"no PostgreSQL here: install it (`make postgres`), or name a server in {SETTING}")
    if os.geteuid() == 0 and user is None:
        pytest.skip(f"PostgreSQL does not run as root, and there is no other user or no setpriv; set {SETTING}")
    folder = Path(tempfile.mkdtemp(prefix="synapolis-pg-"))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    server = Server(programs, folder, runs_as)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def emptied(address: str) -> str:
    """Empty a database: faster than a new one for every test."""
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return address
