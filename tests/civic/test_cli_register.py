"""The register in a shell: data on stdout, talk on stderr; 0 done, 1 refused or not in order, 2 misused."""

import json
import sys

import pytest
import yaml

from civic.samples import scanner
from synapolis import cli
from synapolis.records.journal import Journal
from synapolis.records.store import open_store


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SYNAPOLIS_HOME", str(tmp_path))
    monkeypatch.delenv("SYNAPOLIS_RECORDS", raising=False)
    monkeypatch.setenv("SYNAPOLIS_ACTOR", "clerk")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["synapolis", "register", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        return done.value.code or 0, told.out, told.err

    return run


def write(path, entry):
    path.write_text(yaml.safe_dump(entry.model_dump(mode="json"), allow_unicode=True))
    return str(path)


def test_the_twins_entries_are_listed_searched_and_shown(call, tmp_path):
    code, out, err = call("list", "--kind", "rule")
    assert code == 0
    assert "synapolis:gate" in out
    assert "kind: " in err
    assert "synapolis:flood " not in out
    found = json.loads(call("search", "surface water", "--field", "stormwater", "--json")[1])
    assert "synapolis:flood" in [entry["id"] for entry in found["entries"]]
    shown = json.loads(call("show", "flood", "--json")[1])
    assert (shown["id"], shown["live_evidence"]["runs"]) == ("synapolis:flood", 0)
    assert "accountability,contact," in call("show", "flood", "--csv")[1]
    assert "What may go wrong" in call("show", "flood")[1]
    assert call("list", "--csv")[1].splitlines()[0].startswith("id,version,kind,name")
    assert call("list", "--html", str(tmp_path / "register.html"))[0] == 0
    assert call("show", "flood", "--html", str(tmp_path / "flood.html"))[0] == 0
    assert (tmp_path / "register.html").read_text().count("<li id=") > 100
    code, _, err = call("show", "nobody")
    assert (code, "has no entry 'nobody'" in err) == (1, True)


def test_a_system_is_entered_changed_noted_and_exported(call, tmp_path):
    first = write(tmp_path / "one.yaml", scanner())
    assert "complete" in call("import", first, "--dry-run")[1]
    assert "1 of 1 entries are new" in call("import", first, "--purpose", "opening")[2]
    assert "0 of 1 entries are new" in call("import", first)[2]
    second = write(tmp_path / "two.yaml", scanner(version="2", contact="new@example.org"))
    assert call("import", second)[0] == 0
    code, out, _ = call("diff", "example:parking-scanner")
    assert code == 0
    assert "contact: [-parking@example.org-] {+new@example.org+}" in out
    assert json.loads(call("show", "example:parking-scanner", "--version", "1", "--json")[1])["version"] == "1"
    assert call("note", "example:parking-scanner", "--complaint", "It fined my neighbour.")[0] == 0
    assert "clerk: It fined my neighbour." in call("show", "example:parking-scanner")[1]
    code, out, err = call("export", "example:parking-scanner", "--standard", "nl-1.0")
    assert (code, json.loads(out)["name"]) == (0, "Parking scanner")
    assert "Not filled:" in err
    with open_store() as store:
        written = [(entry.kind, entry.actor, entry.purpose) for entry in Journal(store).entries()]
    assert written == [("register", "clerk", "opening"), ("register", "clerk", ""), ("complaint", "clerk", "")]


def test_what_is_refused_exits_1_and_keeps_nothing(call, tmp_path):
    call("import", write(tmp_path / "one.yaml", scanner()))
    code, _, err = call("import", write(tmp_path / "two.yaml", scanner(version="2", organisation="City of Elsewhere")))
    assert (code, "belongs to 'City of Example'" in err) == (1, True)
    for name, text in (("a.json", "{"), ("b.json", "[3]"), ("c.yaml", "colour: red"), ("d.yaml", "id: a b\nname: x")):
        (tmp_path / name).write_text(text)
        code, _, err = call("import", str(tmp_path / name))
        assert (code, name in err) == (1, True), err
    assert call("import", str(tmp_path / "nowhere.json"))[0] == 1
    assert call("diff", "example:parking-scanner")[0] == 1
    assert call("note", "example:parking-scanner")[0] == 2
    with open_store() as store:
        assert len(list(Journal(store).entries())) == 1


def test_the_check_says_what_only_the_city_can_say_and_publishing_keeps_the_twins_versions(call, tmp_path):
    _, out, err = call("check")
    assert "register.yaml" in out
    assert "algorithms of the twin" in err
    (tmp_path / "register.yaml").write_text("organisation: City of Example\n")
    assert "new versions are kept" in call("publish")[2]
    assert "0 new versions are kept" in call("publish")[2]
    assert json.loads(call("show", "gate", "--json")[1])["organisation"] == "City of Example"
