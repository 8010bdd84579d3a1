"""Looking the register over, running the declared tests, notes, and what is written of an entry."""

import csv
import io
import json

import pytest

from civic.samples import scanner
from synapolis.civic.check import ModuleResult, check, check_tests, checkout, run_pytest
from synapolis.civic.completeness import completeness
from synapolis.civic.register import Register
from synapolis.civic.twin import Profile
from synapolis.civic.writing import entry_csv, entry_json, entry_sheet, register_csv, register_sheet
from synapolis.core.declare import REGISTRY
from synapolis.core.errors import RegisterError
from synapolis.report.entry import render_entry, render_register


@pytest.fixture
def lock():
    kept = REGISTRY.lock
    yield kept
    REGISTRY.lock = kept


def test_a_register_in_order_has_no_problem(register, lock):
    REGISTRY.lock = {one.name: (one.version, one.code_digest) for one in REGISTRY.algorithms.values()}
    assert check(register, root=None) == ()


def test_what_is_not_in_order_is_found(register, lock, tmp_path):
    REGISTRY.lock = {"flood": (REGISTRY.models["flood"].version, "0" * 16)}
    register.enter([scanner(contact="")], actor="clerk")
    found = check(Register(register.store, profile=Profile()), root=tmp_path)
    says = {(one.entry, one.weight): one.says for one in found if one.entry in {"", "synapolis:flood"}}
    assert "the city has not said the organisation, contact" in says["", "note"]
    problems = [one.says for one in found if one.entry == "synapolis:flood"]
    assert "its code changed under version" in problems[0]
    assert "does not exist" in problems[1]
    assert [one.says for one in found if one.entry == "example:parking-scanner"] == ["lacks contact"]


def all_pass(modules, _root):
    return tuple(ModuleResult(one, True, f"{one}: 9 passed") for one in modules)


def test_test_results_become_evidence(register):
    module = REGISTRY.others["gate"].tests
    check_tests(register, root=checkout(), actor="maintainer", only="gate", run=all_pass)
    last = register.evidence()["synapolis:gate"].last_test
    assert (last.passed, last.text, last.version) == (True, f"{module}: 9 passed", REGISTRY.others["gate"].version)
    with pytest.raises(RegisterError, match="no algorithm 'nobody'"):
        check_tests(register, root=checkout(), actor="maintainer", only="nobody")


@pytest.mark.slow
def test_declared_tests_are_run_by_pytest_and_told_module_by_module(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n")
    (tmp_path / "tests/test_good.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    (tmp_path / "tests/test_bad.py").write_text("def test_one(): pass\ndef test_two(): raise ValueError\n")
    (tmp_path / "tests/test_broken.py").write_text("import no_such_module\n")
    modules = ["tests/test_bad.py", "tests/test_broken.py", "tests/test_good.py"]
    bad, broken, good = run_pytest(modules, tmp_path)
    assert (good.passed, good.text) == (True, "tests/test_good.py: 2 passed")
    assert (bad.passed, bad.text) == (False, "tests/test_bad.py: 1 passed, failed: test_two")
    assert not broken.passed


def test_complaints_and_overrides_stand_on_the_entry(register):
    register.note("flood", "complaint", "My cellar.", actor="resident")
    register.note("synapolis:flood", "override", "We know better here.", actor="engineer")
    flood = register.evidence()["synapolis:flood"]
    assert [event.text for event in (*flood.complaints, *flood.overrides)] == ["My cellar.", "We know better here."]
    for entry, kind, text in (("flood", "praise", "x"), ("flood", "complaint", " "), ("nobody", "complaint", "x")):
        with pytest.raises(RegisterError):
            register.note(entry, kind, text, actor="resident")


def test_an_entry_is_written_as_json_csv_and_page(register):
    register.enter([scanner()], actor="clerk")
    after = scanner(version="2", summary="Reads <b>plates</b>.")
    register.enter([after], actor="clerk")
    register.journal.append("complaint", "resident", {"entry": after.id, "text": "<script>alert(1)</script>"})
    found = register.evidence()[after.id]
    content = json.loads(entry_json(after, found))
    assert content["live_evidence"]["complaints"][0]["actor"] == "resident"
    assert content["completeness"]["filled"] == completeness(after).filled
    table = {row["field"]: row["value"] for row in csv.DictReader(io.StringIO(entry_csv(after)))}
    assert (table["name"], table["risks"]) == ("Parking scanner", "Misread plate; mitigation: A warden looks")
    page = render_entry(entry_sheet(register, after))
    assert "Reads &lt;b&gt;plates&lt;/b&gt;." in page
    assert "<script" not in page
    assert "<ins>" in page
    for name in ("http:", "https:", "//"):
        assert f'src="{name}' not in page
        assert f'href="{name}' not in page


def test_the_register_is_one_page_and_one_table(register):
    register.enter([scanner()], actor="clerk")
    entries = register.entries()
    page = render_register(register_sheet(entries, register.evidence(), title="Algorithm register"))
    assert page.count("<li id=") == len(entries)
    rows = list(csv.DictReader(io.StringIO(register_csv(entries))))
    assert [row["id"] for row in rows] == [entry.id for entry in entries]
    assert float(rows[-1]["completeness"]) == pytest.approx(completeness(entries[-1]).share, abs=1e-4)
