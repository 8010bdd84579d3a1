"""The command line: data on stdout, talk on stderr; 0 done, 1 failed or refused, 2 misused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synapolis import cli
from synapolis.layers.city import save_city
from synapolis.scenarios import rehearse as rehearsing
from synapolis.sources.generate import generate_city

ROOT = Path(__file__).resolve().parents[1]
TREES = "edits: [{kind: change_cover, area: {place: Highfields}, cover: trees}]"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace that holds one city, with a cache of its own."""
    place = tmp_path_factory.mktemp("home")
    save_city(generate_city(people=1000, seed=3, name="town"), place / "cities" / "town")
    (place / "trees.yaml").write_text(TREES)
    (place / "closed.yaml").write_text("edits: [{kind: close_street, street: Robin Road}]")
    (place / "wrong.yaml").write_text("edits: [{kind: close_street, street: Robbin Road}]")
    (place / "broken.yaml").write_text("edits: [")
    return place


@pytest.fixture
def call(home, monkeypatch, capsys):
    """Run one command; return its exit code, stdout and stderr."""
    monkeypatch.setenv("SYNAPOLIS_HOME", str(home))
    monkeypatch.setenv("SYNAPOLIS_CACHE", str(home / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(home)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["synapolis", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        code = done.value.code
        return (0 if code is None else code), told.out, told.err

    return run


def run_trees(call, *more):
    return call("run", "town", "trees.yaml", "--want", "runoff_volume", "--members", "0", *more)


def test_a_run_answers_on_stdout(call):
    code, out, _ = run_trees(call)
    assert code == 0
    assert "Stormwater shed in the design storm" in out


def test_a_scenario_of_another_state_of_the_city_is_checked_again(call, home):
    edit = "{kind: close_street, street: Robbin Road}"
    (home / "old.yaml").write_text(f"city_hash: {'f' * 64}\nedits: [{edit}]")
    code, _, err = call("run", "town", "old.yaml", "--want", "runoff_volume", "--members", "0")
    assert code == 1
    assert "made on another state of the city" in err
    assert "no longer fits: edit e1 (close_street)" in err


def test_json_is_the_answer_and_nothing_else(call):
    code, out, err = run_trees(call, "--json")
    data = json.loads(out)
    assert code == 0
    assert data["status"] == "answered"
    assert data["claims"][0]["quantity"] == "runoff_volume"
    assert data["purpose"] == "planning"
    assert "runoff_volume" not in err


def test_progress_is_silent_where_nobody_watches(call):
    _, _, err = run_trees(call)
    assert err.strip() == ""


def test_an_answer_is_explained_by_the_first_digits_of_its_hash(call, home):
    _, out, _ = run_trees(call, "--json")
    data = json.loads(out)
    code, told, _ = call("explain", data["hash"][:8])
    assert code == 0
    assert "runoff" in told
    (home / "answer.json").write_text(out)
    assert call("explain", "answer.json")[0] == 0
    assert call("explain", data["hash"][:8], "--claim", "runoff_volume")[0] == 0


def test_an_unknown_answer_or_claim_is_one_clear_line(call, home):
    for words in (("explain", "f00f00"), ("explain", "trees.yaml")):
        code, _, err = call(*words)
        assert code == 1
        assert err.startswith("error:")
        assert "Traceback" not in err


@pytest.mark.slow
def test_the_purpose_and_assumptions_go_into_the_answer(call):
    _, out, _ = run_trees(call, "--json", "--purpose", "flood planning", "--assume", "storm_depth=40")
    data = json.loads(out)
    assert data["purpose"] == "flood planning"
    assert next(a for a in data["assumptions"] if a["name"] == "storm_depth")["value"] == 40


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "twon", "trees.yaml", "--want", "runoff_volume"), "no city 'twon'.*cities here: town"),
        (("run", "town", "nowhere.yaml", "--want", "runoff_volume"), "cannot read the scenario"),
        (("run", "town", "broken.yaml", "--want", "runoff_volume"), "is not YAML or JSON"),
        (("run", "town", "wrong.yaml", "--want", "runoff_volume"), r"edit e1 \(close_street\).*Robin Road"),
        (("run", "town", "trees.yaml", "--want", "happiness"), "no quantity is called 'happiness'"),
        (("city", "show", "twon"), "no city 'twon'"),
    ],
)
def test_what_fails_exits_1_with_one_clear_line(call, words, says):
    code, out, err = call(*words)
    assert code == 1
    assert out == ""
    assert err.startswith("error: ")
    assert re.search(says, " ".join(err.split()))


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("run", "town"),
        ("run", "town", "trees.yaml"),
        ("run", "town", "trees.yaml", "--want", "runoff_volume", "--members", "-1"),
        ("run", "town", "trees.yaml", "--want", "runoff_volume", "--assume", "happiness=3"),
        ("run", "town", "trees.yaml", "--want", "runoff_volume", "--assume", "storm_depth=wet"),
        ("city", "generate", "x", "--people", "3"),
        ("ask",),
    ],
)
def test_misuse_exits_2(call, words):
    code, out, err = call(*words)
    assert code == 2
    assert out == ""
    assert "usage:" in err


@pytest.mark.parametrize("words", [(), ("city",), ("--help",), ("run", "--help")])
def test_help_says_what_there_is(call, words):
    code, out, err = call(*words)
    assert code in (0, 2)
    assert "Usage" in out + err


def test_cities_are_made_up_listed_and_shown(call, home):
    code, _, err = call("city", "generate", "hamlet", "--people", "500", "--seed", "9")
    assert code == 0
    assert str(home / "cities" / "hamlet") in err.replace("\n", "")
    assert call("city", "list")[1].split() == ["hamlet", "town"]
    code, out, _ = call("city", "show", "hamlet", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["quantities"]["runoff_volume"]["origin"] == "assumed"
    assert "needs" in data["quantities"]["canopy"]
    code, out, _ = call("city", "show", "town")
    assert code == 0
    assert "streets" in out
    (home / "cities/hamlet/city.toml").unlink()


def test_the_vocabulary_is_listed(call):
    code, out, _ = call("vocabulary")
    assert code == 0
    assert "runoff_volume" in out
    code, out, _ = call("vocabulary", "--assumptions")
    assert code == 0
    assert "storm_depth" in out


@pytest.mark.slow
def test_two_scenarios_are_held_against_each_other(call):
    words = ("compare", "town", "trees.yaml", "closed.yaml", "--want", "runoff_volume", "--members", "0")
    code, out, _ = call(*words, "--json")
    first, second = json.loads(out)
    assert code == 0
    assert first["claims"][0]["change"] < 0 == second["claims"][0]["change"]
    code, out, _ = call(*words)
    assert code == 0
    assert "trees.yaml" in out


def test_a_question_is_answered(call):
    question = "What happens to stormwater if we plant trees in Highfields?"
    code, out, _ = call("ask", question, "--city", "town", "--members", "0", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["claims"][0]["quantity"] == "runoff_volume"
    assert data["claims"][0]["change"] < 0


@pytest.mark.parametrize(
    "question",
    ["What happens to stormwater if we add 500 homes in Atlantis?", "What happens to love if tram 7 sings?", "", "?!"],
)
def test_what_is_not_understood_is_asked_back_and_runs_nothing(call, monkeypatch, question):
    monkeypatch.setattr(rehearsing, "run_both", lambda *_, **__: pytest.fail("it ran"))
    code, out, _ = call("ask", question, "--city", "town", "--json")
    assert code == 1
    assert json.loads(out)["status"] in ("clarify", "refused")


@pytest.mark.slow
def test_a_report_is_written_where_it_was_asked_for(call, home):
    code, _, err = run_trees(call, "--report", "report.html")
    assert code == 0
    assert "report.html" in err
    assert "<html" in (home / "report.html").read_text()


def test_a_stop_by_the_user_keeps_what_was_computed(call, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsing, "rehearse", stopped)
    code, _, err = run_trees(call)
    assert code == 130
    assert "is kept" in err


@pytest.mark.slow
def test_as_a_program_of_its_own(home):
    def program(*words):
        done = subprocess.run(
            [sys.executable, "-m", "synapolis.cli", *words],
            capture_output=True, text=True, cwd=home, check=False,
            env=os.environ | {"SYNAPOLIS_HOME": str(home), "SYNAPOLIS_CACHE": str(home / "cache")},
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    code, out, err = program("run", "town", "trees.yaml", "--want", "runoff_volume", "--members", "5", "--json")
    assert (code, err) == (0, "")
    first = json.loads(out)
    again = json.loads(program("run", "town", "trees.yaml", "--want", "runoff_volume", "--members", "5", "--json")[1])
    assert again["hash"] == first["hash"]
    assert again["claims"] == first["claims"]
    assert program("city", "show", "nowhere")[0] == 1
    assert program("nonsense")[0] == 2
