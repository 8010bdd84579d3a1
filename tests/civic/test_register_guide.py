"""The guide's commands and examples are those of the register."""

import re
import shlex
from pathlib import Path

import yaml
from typer.main import get_command

from synapolis.civic.completeness import completeness
from synapolis.civic.entry import AlgorithmEntry
from synapolis.civic.twin import Profile
from synapolis.cli.register import register_app

GUIDE = (Path(__file__).resolve().parents[2] / "docs/register.md").read_text(encoding="utf-8")


def test_every_command_of_the_guide_parses():
    commands = get_command(register_app).commands
    lines = re.findall(r"^synapolis register (.+)$", GUIDE, re.MULTILINE)
    assert {line.split()[0] for line in lines} == commands.keys()
    for line in lines:
        name, *words = shlex.split(line)
        commands[name].make_context(name, words)


def test_the_examples_are_a_profile_and_a_complete_entry():
    profile, entry = re.findall(r"```yaml\n(.+?)```", GUIDE, re.DOTALL)
    assert Profile(**yaml.safe_load(profile)).organisation
    assert completeness(AlgorithmEntry(**yaml.safe_load(entry))).complete
