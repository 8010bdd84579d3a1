"""The digest of a function's code, and `models.lock`, which ties each version to one digest.

Code never changes under a standing version: the tests compare, and so does every run.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synapolis.core.errors import DeclarationError

LOCK_FILE = Path(__file__).resolve().parents[1] / "models" / "models.lock"
"""Written by `python -m synapolis.models.lock`, committed, and part of the package."""
MARK = 16
"""Characters of a digest that the lock keeps."""

Lock = Mapping[str, tuple[str, str]]
"""Version and first characters of the code digest, by the name of the algorithm."""


def read_lock(path: Path = LOCK_FILE) -> dict[str, tuple[str, str]]:
    """Read name, version and code digest of each locked algorithm.

    Raises
    ------
    DeclarationError
        The file is missing, or a line of it is not of three words.
    """
    if not path.is_file():
        raise DeclarationError(
            f"{path.name} is not where it should be ({path.parent.name}/); without it nobody knows whether code "
            "changed under a standing version: reinstall, or write it by `python -m synapolis.models.lock`"
        )
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    bad = next((row for row in rows if len(row) != 3), None)
    if bad is not None:
        raise DeclarationError(f"{path.name} needs lines of a name, a version and a digest, got {' '.join(bad)!r}")
    return {name: (version, mark) for name, version, mark in rows}


def holds(lock: Lock, name: str, version: str, digest: str) -> bool:
    """Whether the lock allows this code under this version: of another version, or of no row, it says nothing."""
    locked = lock.get(name)
    return locked is None or locked[0] != version or (bool(locked[1]) and digest.startswith(locked[1]))


def code_digest(function: Callable[..., Any], *, alone: bool = False) -> str:
    """SHA-256 over the source of a function's module and, unless `alone`, the modules of its field that it imports."""
    return _modules_digest(function.__module__, alone)


@functools.cache
def _modules_digest(module: str, alone: bool) -> str:
    digest = hashlib.sha256()
    own = _source_and_siblings(module)[0]
    for path in sorted(_field_sources(module, set()) if not alone else filter(None, [own])):
        digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _field_sources(module: str, seen: set[str]) -> set[Path]:
    """Source files of a module and of the sibling modules it imports, transitively."""
    seen.add(module)
    path, siblings = _source_and_siblings(module)
    if path is None:
        return set()
    found = {path}
    for sibling in siblings:
        if sibling not in seen:
            found |= _field_sources(sibling, seen)
    return found


@functools.cache
def _source_and_siblings(module: str) -> tuple[Path | None, tuple[str, ...]]:
    """Source file of a module, and the modules beside it that it imports."""
    loaded = sys.modules.get(module)
    spec = find_spec(module) if loaded is None else None
    origin = loaded.__file__ if loaded is not None else (spec.origin if spec else None)
    if origin is None:
        return None, ()
    path, parent = Path(origin), module.rpartition(".")[0]
    siblings: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            named = [node.module] if node.module != parent else [f"{parent}.{alias.name}" for alias in node.names]
            siblings.extend(name for name in named if name.startswith(parent + "."))
    return path, tuple(dict.fromkeys(siblings))
