"""The house: imports go down only, rooms in one brace never meet, only the command line prints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "synapolis"

LEVELS = (
    ("core",), ("records",), ("layers",), ("sources", "live", "dataspace", "models", "indicators"), ("scenarios",),
    ("report",), ("civic", "estate", "port"), ("agents",), ("web",), ("cli",),
)  # fmt: skip
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> tuple[str, str]:
    """Room and, inside models, the field."""
    if not parts:
        return "", ""
    field = parts[1] if parts[0] == "models" and len(parts) > 1 else ""
    return parts[0], field


def imports(path: Path) -> list[tuple[str, ...]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found += [tuple(name.split(".")[1:]) for name in names if name.split(".")[0] == "synapolis"]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_only(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    room, field = room_of(parts)
    if room not in LEVEL:
        return
    for target in imports(path):
        other, other_field = room_of(target)
        if not other:
            continue
        assert other in LEVEL, f"{path.name} imports {'.'.join(target)}, which is no room; add it here with a decision"
        if other == room:
            assert not (field and other_field and field != other_field), (
                f"model fields never meet: {path} imports {target}"
            )
        else:
            assert LEVEL[other] < LEVEL[room], f"{room} may not import {other}: {path.relative_to(SOURCE)}"


def test_every_room_is_known():
    rooms = {
        path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.name not in {"__init__.py", "__pycache__"}
    }
    assert rooms <= LEVEL.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_command_line_prints(path):
    calls = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]  # fmt: skip
    assert not calls or "cli" in path.parts


def test_no_machine_paths_or_registries_in_the_repository():
    slash = "/"
    forbidden = [f"{slash}work{slash}", f"{slash}root{slash}", "pypi" + ".org", "registry." + "npmjs"]
    root = SOURCE.parents[1]
    files = [
        p
        for folder in ("src", "tests", "benchmarks", "docs")
        for p in (root / folder).rglob("*")
        if p.suffix in {".py", ".md", ".csv"}
    ]
    files += [*root.glob("*.md"), *root.glob("*.lock"), root / "Makefile"]
    for path in files:
        text = path.read_text(encoding="utf-8")
        for word in forbidden:
            assert word not in text, f"{path} names {word}"
