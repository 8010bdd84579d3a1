"""The digest of a function's code, and `models.lock`, which ties each version to one digest.

Code never changes under a standing version: the tests compare, and so does every run.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from synapolis.core.errors import DeclarationError

LOCK_FILE = Path(__file__).resolve().parents[1] / "models" / "models.lock"
"""Written by `python -m synapolis.models.lock`, committed, and part of the package."""
MARK = 16
"""Characters of a digest that the lock keeps."""

_DIGEST = re.compile(rf"[0-9a-f]{{{MARK}}}")

Lock = Mapping[str, tuple[str, str]]
"""Version and first characters of the code digest, by the name of the algorithm."""


def read_lock(path: Path = LOCK_FILE) -> dict[str, tuple[str, str]]:
    """Read name, version and code digest of each locked algorithm.

    Raises
    ------
    DeclarationError
        The file is missing, empty or damaged: a line of it is not a name, a version and a digest, or a name is twice.
    """
    if not path.is_file():
        raise DeclarationError(
            f"{path.name} is not where it should be ({path.parent.name}/); without it nobody knows whether code "
            "changed under a standing version: reinstall, or write it by `python -m synapolis.models.lock`"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path.name} cannot be read: {error}; restore the committed one") from error
    rows = [line.split() for line in lines if line and line[0] != "#"]
    lock: dict[str, tuple[str, str]] = {}
    for row in rows:
        if len(row) != 3 or not _DIGEST.fullmatch(row[2]) or row[0] in lock:
            raise DeclarationError(
                f"{path.name} needs one line an algorithm, of a name, a version and {MARK} characters of a digest; "
                f"got {' '.join(row)[:80]!r}: restore the committed one"
            )
        lock[row[0]] = (row[1], row[2])
    if not lock:
        raise DeclarationError(
            f"{path.name} holds nothing, so nobody knows which code changed; restore the committed one"
        )
    return lock


def holds(lock: Lock, name: str, version: str, digest: str) -> bool:
    """Whether the lock allows this code under this version: of another version, or of no row, it says nothing."""
    locked = lock.get(name)
    return locked is None or locked[0] != version or (bool(locked[1]) and digest.startswith(locked[1]))


def code_digest(function: Callable[..., Any], *, alone: bool = False) -> str:
    """SHA-256 over the source of a function's module and, unless `alone`, the modules of its field that it imports.

    Raises
    ------
    DeclarationError
        When the function was not written in the file of the module that it names, so that file's digest says nothing
        of it: made up at run time, or typed at a prompt.
    """
    module = function.__module__
    written, file = _file_of(function), _source_and_siblings(module)[0]
    if file is None or written.resolve() != file.resolve():
        raise DeclarationError(
            f"{function.__name__!r} says it is of the module {module}, but its code is in {written.name}; "
            "write it in the file of a module, so that its code has a digest"
        )
    return _modules_digest(module, alone)


def _file_of(function: Callable[..., Any]) -> Path:
    """File in which a function was written; of a compiled one, the function that it was made from."""
    plain = inspect.unwrap(getattr(function, "py_func", function))
    return Path(plain.__code__.co_filename)


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
    origin = getattr(loaded, "__file__", None) if loaded is not None else (spec.origin if spec else None)
    if origin is None:
        return None, ()
    path, parent = Path(origin), module.rpartition(".")[0]
    siblings = [name for name in _imported(path, parent) if name.startswith(parent + ".")]
    return path, tuple(dict.fromkeys(siblings))


def _statements(body: Iterable[Any]) -> Iterator[Any]:
    """Statements and all that stand inside them; expressions, which hold no import, are passed over."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, part, ()))


def _imported(path: Path, parent: str) -> Iterator[str]:
    """Names of the modules that a file imports, and of what it takes from its own package."""
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = parent.rsplit(".", node.level - 1)[0] if node.level > 1 else parent
            module = ".".join(filter(None, (package if node.level else "", node.module)))
            yield from [f"{parent}.{alias.name}" for alias in node.names] if module == parent else [module]
