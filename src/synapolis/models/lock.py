"""Writes `models.lock`: the version and a digest of the code of all that is registered.

`python -m synapolis.models.lock` writes the file for the versions declared now; the run refuses what does not keep it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from synapolis.core.code import LOCK_FILE, MARK, Lock, holds, read_lock
from synapolis.core.declare import REGISTRY, Algorithm
from synapolis.core.errors import DeclarationError
from synapolis.models import load_algorithms


def changed_without_version(lock: Lock, algorithms: Iterable[Algorithm]) -> list[str]:
    """Names of those whose code differs from the locked one under the same version."""
    return sorted(a.name for a in algorithms if not holds(lock, a.name, a.version, a.code_digest))


def write_lock(path: Path, algorithms: Iterable[Algorithm]) -> None:
    """Write the lock for the versions declared now.

    Raises
    ------
    DeclarationError
        When code changed under a standing version.
    """
    known = sorted(algorithms, key=lambda a: a.name)
    changed = changed_without_version(read_lock(path), known) if path.is_file() else []
    if changed:
        raise DeclarationError(f"code changed under a standing version: {', '.join(changed)}; give each a new version")
    rows = [f"{a.name} {a.version} {a.code_digest[:MARK]}" for a in known]
    head = "# algorithm, version, code digest: written by `python -m synapolis.models.lock`"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def main() -> None:
    """Write `models.lock` where the package keeps it."""
    load_algorithms()
    write_lock(LOCK_FILE, REGISTRY.algorithms.values())


if __name__ == "__main__":
    main()
