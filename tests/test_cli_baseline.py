"""`synapolis baseline` and `synapolis contract`, as a shell calls them."""

import json
import sys

import pytest

from synapolis import cli
from synapolis.layers.city import save_city
from synapolis.sources.generate import generate_city

SEEN = """indicator,period,value,unit,quality,source
iso37123:12.5,2026-06-30,3.0,%,measured,Water authority
imd:S8,2025,61,%,survey extrapolated,Residents survey
"""
PROMISE = """
id: flood-2028
promised_by: A drainage company
indicator: iso37123:12.5
baseline: {value: 4.0, date: 2024-12-31}
change: -2.0
unit: "%"
due: 2028-12-31
payment: {full: 1000000, currency: EUR, threshold: 0.25}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = tmp_path_factory.mktemp("home")
    save_city(generate_city(people=600, seed=3, name="town"), place / "cities" / "town")
    (place / "seen.csv").write_text(SEEN)
    (place / "wrong.csv").write_text(SEEN.replace("61,%", "161,%"))
    (place / "targets.csv").write_text("kind,indicator,value,unit,by,source\ntarget,imd:S8,80,%,2025,Mobility plan\n")
    (place / "promise.yaml").write_text(PROMISE)
    (place / "trees.yaml").write_text("edits: [{kind: change_cover, area: {place: Highfields}, cover: trees}]")
    (place / "gates.yaml").write_text("gates: [{name: A, indicator: nothing, operator: '<=', limit: 1}]")
    return place


@pytest.fixture
def call(home, monkeypatch, capsys):
    monkeypatch.setenv("SYNAPOLIS_HOME", str(home))
    monkeypatch.setenv("SYNAPOLIS_CACHE", str(home / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(home)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["synapolis", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        return (0 if done.value.code is None else done.value.code), told.out, told.err

    return run


@pytest.mark.slow
def test_a_baseline_of_one_framework_with_observations_and_targets(call, home):
    files = ("--observations", "seen.csv", "--targets", "targets.csv", "--report", "b.html", "--csv", "b.csv")
    code, out, err = call("baseline", "town", "--framework", "imd", *files, "--date", "2026-11-22", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert data["counts"] == {"indicators": 39, "known": 1, "from_twin": 0, "from_observations": 1}
    assert data["severe"] == ["imd:S8"]  # 61 % where 80 % was wanted by 2025
    assert "Observations: 2 imported" in err
    assert "synapolis baseline town --framework imd" in (home / "b.html").read_text("utf-8")
    assert (home / "b.csv").read_text("utf-8").count("\n") == 40


def test_a_file_with_a_fault_imports_nothing(call):
    code, out, err = call("baseline", "town", "--framework", "imd", "--observations", "wrong.csv")
    assert (code, out) == (1, "")
    assert "nothing was imported; row 3, column value: expected 0 to 100 %" in err.replace("\n", " ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--framework", "iso"), 1, "no framework is called 'iso'"),
        (("--observations", "none.csv"), 1, "cannot read none.csv"),
        (("--date", "someday"), 2, "--date needs a day"),
        (("--gates", "promise.yaml"), 1, "gates: Field required"),
        (("--scenario", "trees.yaml", "--gates", "gates.yaml"), 1, "no quantity of the city or its zones"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(call, words, code, says):
    found = call("baseline", "town", *words)
    assert found[0] == code
    assert says in found[2].replace("\n", " ")


@pytest.mark.slow
def test_a_contract_is_entered_checked_and_listed(call):
    assert call("contract", "add", "promise.yaml", "--city", "town")[0] == 0
    code, out, _ = call("contract", "check", "--city", "town", "--observations", "seen.csv", "--date", "2027-02-01",
                        "--json")  # fmt: skip
    (found,) = json.loads(out)
    assert code == 0
    assert (found["verdict"], found["amount"], found["currency"]) == ("on course", "333333.33", "EUR")
    assert "333,333.33 EUR" in call("contract", "check", "flood-2028", "--city", "town", "--date", "2027-02-01")[1]
    assert json.loads(call("contract", "list", "--city", "town", "--json")[1])[0]["id"] == "flood-2028"
    assert "flood-2028" in call("contract", "list", "--city", "town")[1]
    _, out, _ = call("journal", "show", "--kind", "contract", "--json")
    assert [entry["body"]["act"] for entry in json.loads(out)] == ["entered", "checked", "checked"]


def test_a_contract_that_is_no_contract_is_refused(call):
    code, _, err = call("contract", "add", "gates.yaml", "--city", "town")
    assert code == 1
    assert "promised_by: Field required" in err.replace("\n", " ")
