"""The API as a promise: names that stay, a description that tells all, and replies that keep to it (Schemathesis)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from synapolis.web.described import NOUNS
from synapolis.web.errors import MEDIA
from web.server import Server

HERE = Path(__file__).parent
NAMES = HERE / "operations.txt"
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def described(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, at in described["paths"].items() for method, told in at.items()]


def test_names_of_operations_stay(described: dict[str, Any]) -> None:
    """Clients are written against them. SYNAPOLIS_REWRITE=1 writes the list again, and then this test fails once."""
    listed = "".join(
        sorted(f"{told['operationId']} {method.upper()} {path}\n" for path, method, told in operations(described))
    )
    if os.environ.get("SYNAPOLIS_REWRITE"):
        NAMES.write_text(listed, encoding="utf-8")
        pytest.fail("the list of operations was written again; look at what changed and run without SYNAPOLIS_REWRITE")
    kept = NAMES.read_text(encoding="utf-8")
    assert listed == kept, "names of the API changed: clients break; if they must, SYNAPOLIS_REWRITE=1 writes them"


def test_every_operation_says_what_it_does(described: dict[str, Any]) -> None:
    names = [told["operationId"] for _, _, told in operations(described)]
    assert len(set(names)) == len(names)
    for path, method, told in operations(described):
        where = f"{method.upper()} {path}"
        assert method in METHODS, where
        assert told["summary"], where
        assert told["description"].rstrip().endswith((".", ")", ".)")), f"{where}: {told['description']!r}"
        assert len(told["tags"]) == 1, where
        assert told["tags"][0] in NOUNS, where
        assert list(told["responses"]["default"]["content"]) == [MEDIA], where
        good = [status for status in told["responses"] if status.startswith(("2", "3"))]
        assert good, where


def test_every_reply_that_has_a_body_has_a_shape(described: dict[str, Any]) -> None:
    for path, method, told in operations(described):
        for status, response in told["responses"].items():
            for media, content in response.get("content", {}).items():
                if media == "application/json":
                    assert content.get("schema"), f"{method.upper()} {path} {status} says nothing of its body"


def test_every_shape_is_a_schema(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    for name, schema in described["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("description") or name == "JsonValue", f"{name} does not say what it is"


@pytest.mark.slow
def test_the_guides_python_runs(served: Server) -> None:
    (text,) = re.findall(
        r"```python\n(.*?)```", (HERE.parents[1] / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL
    )
    code = text.replace("http://127.0.0.1:8000", served.url)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    problem, summary = done.stdout.splitlines()
    assert "e1" in problem
    assert summary.startswith("clarify Where?")


@pytest.mark.slow
def test_schemathesis_finds_nothing(new_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every operation with examples, borders and made-up data, good and bad: no 5xx, replies as they are described."""
    monkeypatch.setenv("SYNAPOLIS_LIMITS", "0")
    server = new_server("--workers", "1", "--members", "0")
    cookie = "; ".join(f"{name}={value}" for name, value in server.client.cookies.items())
    command = [
        Path(sys.executable).with_name("schemathesis"), "--no-color", "--config-file", HERE / "schemathesis.toml",
        "run", f"{server.url}/api/v1/openapi.json", "-H", f"X-CSRF-Token: {server.client.headers['x-csrf-token']}",
        *(["-H", f"Cookie: {cookie}"] if cookie else []), "--seed", "1", "--phases", "examples,coverage,fuzzing",
        "--max-examples", "4", "--request-timeout", "60", "--warnings", "off", "--workers", "2",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=server.home)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:] + server.log[-4_000:]
