"""`models.lock`: each model's version and a digest of its code, so that code never changes under a standing version.

`python -m synapolis.models.lock` writes the file for the versions declared now.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import DeclarationError
from synapolis.models import load_models

LOCK_FILE = "models.lock"


def read_lock(path: Path) -> dict[str, tuple[str, str]]:
    """Read name, version and code digest of each locked model."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: (version, mark) for name, version, mark in rows}


def changed_without_version(lock: Mapping[str, tuple[str, str]]) -> list[str]:
    """Models whose code differs from the locked one under the same version."""
    return [
        model.name
        for model in REGISTRY.models.values()
        if model.name in lock
        and lock[model.name][0] == model.version
        and lock[model.name][1] != model.code_digest[: len(lock[model.name][1])]
    ]


def write_lock(path: Path) -> None:
    """Write the lock for the versions declared now.

    Raises
    ------
    DeclarationError
        When code changed under a standing version.
    """
    if path.is_file():
        changed = changed_without_version(read_lock(path))
        if changed:
            raise DeclarationError(
                f"code changed under a standing version: {', '.join(sorted(changed))}; give them a new version"
            )
    rows = [
        f"{m.name} {m.version} {m.code_digest[:16]}" for m in sorted(REGISTRY.models.values(), key=lambda m: m.name)
    ]
    head = "# model, version, code digest: written by `python -m synapolis.models.lock`"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def main() -> None:
    """Write `models.lock` in the working folder."""
    load_models()
    write_lock(Path(LOCK_FILE))


if __name__ == "__main__":
    main()
