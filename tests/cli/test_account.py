"""`synapolis account`: passwords never on the command line; exit 0 done, 1 refused, 2 misused. The guide is run."""

from __future__ import annotations

import io
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from synapolis import cli
from synapolis.records.journal import Journal
from synapolis.records.store import open_store
from synapolis.web.security.principal import ROLES
from synapolis.web.security.providers import KNOWN
from synapolis.web.security.sessions import Sessions

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "accounts.md"
PASSWORD = "seven green trams at dawn\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNAPOLIS_HOME", str(tmp_path))
    monkeypatch.delenv("SYNAPOLIS_RECORDS", raising=False)
    monkeypatch.setenv("SYNAPOLIS_ACTOR", "set-up")
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


@pytest.fixture
def call(home, monkeypatch, capsys):
    def run(*words, stdin=PASSWORD):
        monkeypatch.setattr(sys, "argv", ["synapolis", "account", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as done:
            cli.main()
        told = capsys.readouterr()
        return done.value.code or 0, told.out, " ".join(told.err.split())

    return run


def listed(call):
    return {row["name"]: row for row in json.loads(call("list", "--json")[1])}


def test_accounts_from_the_first_to_the_last(call):
    assert "There are no accounts" in call("list")[2]
    assert call("add", "ada")[0] == 0
    assert call("add", "bo", "--role", "analyst")[0] == 0
    assert listed(call)["ada"]["roles"] == ["officer", "admin"]
    assert call("role", "bo", "analyst", "officer")[0] == 0
    assert listed(call)["bo"]["roles"] == ["analyst", "officer"]
    assert call("disable", "bo")[0] == 0
    assert listed(call)["bo"]["disabled"]
    assert call("disable", "bo", "--undo")[0] == 0
    assert call("password", "bo", stdin="eight blue ferries at dusk\n")[0] == 0
    assert "bo" in call("list")[1]
    assert call("remove", "bo")[0] == 0
    assert list(listed(call)) == ["ada"]
    with open_store() as store:
        entries = list(Journal(store).entries(kind="account"))
    assert {entry.actor for entry in entries} == {"set-up"}
    assert "trams" not in "".join(entry.to_json() for entry in entries)


def test_a_token_goes_to_stdout_alone_and_works(call):
    call("add", "ada")
    code, out, err = call("token", "ada", "--for", "nightly runs", "--days", "5")
    assert code == 0
    assert re.fullmatch(r"syn_[\w-]{43}\n", out)
    assert out.strip() not in err
    with open_store() as store:
        assert Sessions(Journal(store)).whose(out.strip()).roles == ("officer",)


@pytest.mark.parametrize(("words", "stdin", "code", "says"), [
    (("add", "ada"), "short\n", 1, "at least 12 characters, got 5"),
    (("add", "ada"), "", 2, "read as one line from stdin; none came"),
    (("add", "ada", "--role", "king"), PASSWORD, 1, "no role is called king"),
    (("add", "ada", "--role", "analyst"), PASSWORD, 1, "the first account must be an administrator"),
    (("add", "ada", "--password", "x"), PASSWORD, 2, "No such option"),
    (("remove", "nobody"), PASSWORD, 2, "there is no account called 'nobody'"),
])  # fmt: skip
def test_what_cannot_be_is_told(call, words, stdin, code, says):
    assert call(*words, stdin=stdin)[0] == code
    assert says in call(*words, stdin=stdin)[2]


def test_the_last_administrator_is_kept(call):
    call("add", "ada")
    code, _, err = call("remove", "ada")
    assert code == 1
    assert "ada is the only administrator" in err


def test_the_guide_tells_every_role_and_its_examples_run(home, capsys):
    text = GUIDE.read_text(encoding="utf-8")
    for role, words in ROLES.items():
        assert re.search(rf"^\| {role}\b.*\|", text, re.MULTILINE), f"{role}: {words}"
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert tomllib.loads(toml)["provider"][0].keys() < KNOWN
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, str(GUIDE), "exec"), {})
    assert capsys.readouterr().out == "[('ada', ['officer', 'admin']), ('bo', ['analyst', 'officer'])]\n"
