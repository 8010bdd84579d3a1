"""Looks the register over: is each entry complete, is its code the locked one, are its tests there and do they pass."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from synapolis.civic.completeness import completeness
from synapolis.civic.register import Register
from synapolis.civic.twin import PREFIX, entry_id
from synapolis.core.code import holds
from synapolis.core.declare import REGISTRY, Algorithm
from synapolis.core.errors import RegisterError

CITY_SAYS = ("organisation", "contact", "objection_procedure", "revision_date")
"""What entries need and only the city's profile can say."""


@dataclass(frozen=True)
class Finding:
    """Something that is not in order (a problem), or not yet (a note); `entry` is empty where it is all of them."""

    entry: str
    weight: Literal["problem", "note"]
    says: str


@dataclass(frozen=True)
class ModuleResult:
    """What a module of tests gave."""

    module: str
    passed: bool
    text: str


RunTests = Callable[[Sequence[str], Path], tuple[ModuleResult, ...]]


def checkout() -> Path | None:
    """Folder of the source checkout that this package runs from; None for an installed one."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "tests").is_dir() and (root / "pyproject.toml").is_file() else None


def check(register: Register, *, root: Path | None) -> tuple[Finding, ...]:
    """Find what is not in order in the register; call `load_algorithms` first."""
    found = []
    for algorithm in REGISTRY.algorithms.values():
        found += _of_code(algorithm, root)
    altered = register.altered()
    found += [Finding(id_, "problem", f"version {version} {says}") for id_, version, says in altered]
    if altered:
        return tuple(found)  # what follows reads these versions
    unsaid = [name for name in CITY_SAYS if not getattr(register.profile, name)]
    if unsaid:
        names = ", ".join(name.replace("_", " ") for name in unsaid)
        found.append(
            Finding("", "note", f"the city has not said the {names} of the twin's entries; write register.yaml")
        )
    for entry in register.entries():
        lacks = [name for name in completeness(entry).needed if entry.kind == "system" or name not in CITY_SAYS]
        if lacks:
            weight: Literal["problem", "note"] = "note" if entry.kind == "system" else "problem"
            found.append(Finding(entry.id, weight, f"lacks {', '.join(name.replace('_', ' ') for name in lacks)}"))
    return tuple(found)


def _of_code(algorithm: Algorithm, root: Path | None) -> list[Finding]:
    id_, found = entry_id(algorithm.name), []
    if algorithm.lacks:
        found.append(Finding(id_, "problem", f"declares no {', '.join(algorithm.lacks)}"))
    locked = REGISTRY.lock.get(algorithm.name)
    if not holds(REGISTRY.lock, algorithm.name, algorithm.version, algorithm.code_digest):
        found.append(Finding(id_, "problem", f"its code changed under version {algorithm.version}; it may not run"))
    elif locked is None or locked[0] != algorithm.version:
        found.append(Finding(id_, "note", f"version {algorithm.version} is not yet recorded in models.lock"))
    if root is not None and not (root / algorithm.tests.partition("::")[0]).is_file():
        found.append(Finding(id_, "problem", f"its test module {algorithm.tests} does not exist"))
    return found


def check_tests(
    register: Register, *, root: Path, actor: str, only: str = "", run: RunTests | None = None
) -> tuple[tuple[str, ModuleResult], ...]:
    """Run the declared tests and write each entry's result into the journal.

    Parameters
    ----------
    root : folder of the source checkout
    only : id or name of one entry
    run : runs modules of tests; pytest unless given

    Raises
    ------
    RegisterError
        When `only` names no algorithm of the twin.
    """
    chosen = [a for a in REGISTRY.algorithms.values() if only in {"", a.name, entry_id(a.name)}]
    if not chosen:
        raise RegisterError(f"the twin has no algorithm {only.removeprefix(PREFIX)!r} whose tests could run")
    results = (run or run_pytest)(sorted({algorithm.tests for algorithm in chosen}), root)
    by_module = {result.module: result for result in results}
    told = []
    for algorithm in sorted(chosen, key=lambda one: one.name):
        result = by_module[algorithm.tests]
        body = {
            "entry": entry_id(algorithm.name),
            "version": algorithm.version,
            "code_digest": algorithm.code_digest,
            "tests": algorithm.tests,
            "passed": result.passed,
            "text": result.text,
        }
        register.journal.append("test", actor, body, "checking the register")
        told.append((algorithm.name, result))
    return tuple(told)


def run_pytest(modules: Sequence[str], root: Path) -> tuple[ModuleResult, ...]:
    """Run modules of tests by pytest in one process, and read what each gave."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--continue-on-collection-errors",
            f"--junitxml={report}",
            *modules,
        ]
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own tests
        if not report.is_file():
            last = (ended.stdout + ended.stderr).strip().splitlines()[-1:] or ["no word"]
            raise RegisterError(f"the tests could not be run: {last[0]}; install the development tools (extra 'dev')")
        cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 - written by our own tests
    return tuple(_result(module, cases) for module in modules)


def _result(module: str, cases: Sequence[ET.Element]) -> ModuleResult:
    path, _, test = module.partition("::")
    dotted = path.removesuffix(".py").replace("/", ".")
    mine = [
        case for case in cases
        if dotted in {case.get("classname"), case.get("name")} and (not test or str(case.get("name")).startswith(test))
    ]  # fmt: skip
    bad = [str(case.get("name")) for case in mine if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in mine)
    told = f"{module}: {len(mine) - len(bad) - skipped} passed"
    told += f", {skipped} skipped" if skipped else ""
    told += f", failed: {', '.join(bad[:5])}" if bad else ""
    return ModuleResult(module, bool(len(mine) > skipped) and not bad, told)
