"""The documentation keeps its word: examples run, lists are fresh, edits and fields are told, links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin

import jsonschema
import numpy as np
import pytest
import yaml
from pydantic_core import PydanticUndefined

from synapolis.layers.schemas import LAYERS
from synapolis.models import load_models
from synapolis.report.reference import answer_fields, reference_files
from synapolis.scenarios.answer import Answer, Effect, Site
from synapolis.scenarios.bind import BINDERS, bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Area, Edit, Scenario
from synapolis.scenarios.rehearse import MEMBERS, Rehearsal, rehearse
from synapolis.sources.build import BuildSpec
from synapolis.sources.builtin import build_helsinki
from synapolis.sources.generate import generate_city

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
EDITS = {edit.model_fields["kind"].default: edit for edit in Edit.__origin__.__args__}
GENERATED = ("models.md", "assumptions.md", "quantities.md", "layers.md", "answer.schema.json")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.DOTALL | re.MULTILINE)


def section(path: Path, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text_of(path), re.DOTALL | re.MULTILINE)
    assert found, f"{path.name} has no section {title}"
    return found.group(1)


def rows(text: str) -> dict[str, str]:
    """Rows of the tables in a text by each name in their first cell."""
    found = {}
    for line in text.splitlines():
        first, _, rest = line.strip("| ").partition("|")
        if line.startswith("| `"):
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), rest)
    return found


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return reference_files()


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_fresh(name, written):
    assert text_of(DOCS / name) == written[name], (
        f"docs/{name} is stale: run `python -m synapolis.report.reference docs`"
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)]+)\)", text_of(path)):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{path.name} links to {target}, which has no such heading"


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name not in GENERATED], ids=lambda path: str(path.relative_to(ROOT))
)
def test_pages_name_files_that_exist(path):
    named = re.findall(
        r"`((?:src|tests|docs|layers|scenarios|sources|models|indicators|report|agents|core)/[\w/.-]+\.\w+)`",
        text_of(path),
    )
    for name in named:
        assert any((root / name).is_file() for root in (ROOT, ROOT / "src" / "synapolis")), f"{path.name} names {name}"


@pytest.mark.parametrize("text", blocks(DOCS / "scenarios.md", "yaml"))
def test_scenario_examples_are_read(text):
    scenario = parse_scenario(text)
    assert scenario.edits
    assert all(edit["kind"] in BINDERS for edit in yaml.safe_load(text)["edits"])


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_every_edit_is_told_with_its_fields_and_limits(kind):
    told = section(DOCS / "scenarios.md", f"`{kind}`")
    assert kind in BINDERS
    assert any(
        edit["kind"] == kind for text in blocks(DOCS / "scenarios.md", "yaml") for edit in yaml.safe_load(text)["edits"]
    )
    check_fields(EDITS[kind], rows(told), known=("id", "when", "off", "kind"))


def test_scenario_and_area_fields_are_told():
    page = text_of(DOCS / "scenarios.md").partition("## Areas")[0]
    check_fields(Scenario, rows(page), known=())
    check_fields(Area, rows(section(DOCS / "scenarios.md", "Areas")), known=())


def choices(annotation) -> set[str]:
    """Words that a `Literal` allows, at any depth."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    return set().union(*map(choices, get_args(annotation)))


def check_fields(shape, told: dict[str, str], *, known: tuple[str, ...]) -> None:
    fields = {name: field for name, field in shape.model_fields.items() if name not in known}
    assert fields.keys() == {name for name in told if name in fields}, (
        f"{shape.__name__}: {fields.keys()} and {told.keys()}"
    )
    for name, field in fields.items():
        if isinstance(field.default, int | float | str) and field.default not in ("", PydanticUndefined):
            assert str(field.default) in told[name], f"{shape.__name__}.{name}: default {field.default}"
        for choice in choices(field.annotation):
            assert choice in told[name], f"{shape.__name__}.{name}: {choice}"
        for limit in (getattr(rule, word, None) for rule in field.metadata for word in ("ge", "gt", "le", "lt")):
            if isinstance(limit, int | float) and limit > 0:
                assert f"{limit:,}" in told[name], f"{shape.__name__}.{name}: limit {limit}"


def test_build_example_is_read(tmp_path):
    (text,) = blocks(DOCS / "cities.md", "toml")
    (tmp_path / "build.toml").write_text(text, encoding="utf-8")
    spec = BuildSpec.from_toml(tmp_path / "build.toml")
    assert spec.name == tomllib.loads(text)["name"]
    assert spec.gtfs[0].file.name == "bus.zip"


def test_every_build_flag_is_told():
    page = text_of(DOCS / "cities.md")
    for name in ("osm", "network", "gtfs", "terrain", "heights", "canopy", "zones", "weather", "layer", "title", "crs",
                 "timezone", "year", "country", "cell-size", "spec"):  # fmt: skip
        assert f"| `--{name}` |" in page


def test_the_size_of_the_ensemble_is_told():
    assert f"| `--members` | {MEMBERS} |" in text_of(DOCS / "questions.md")
    assert f"ensemble of {MEMBERS} members" in " ".join(text_of(DOCS / "method.md").split())
    assert f"({MEMBERS}; 0 for none)" in " ".join(text_of(DOCS / "scenarios.md").split())


def test_every_layer_is_told():
    assert all(f"## `{name}`" in text_of(DOCS / "layers.md") for name in LAYERS)


@pytest.mark.parametrize("name", sorted(answer_fields()))
def test_every_field_of_the_answer_is_told(name):
    told = rows(section(DOCS / "answers.md", name))
    assert set(answer_fields()[name]) == told.keys() & set(answer_fields()[name]), (
        set(answer_fields()[name]) - told.keys()
    )


def check_answer(answer: Answer) -> None:
    schema = json.loads(text_of(DOCS / "answer.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(answer.to_json()))


@pytest.mark.parametrize("status", ["clarify", "refused"])
def test_answers_that_ran_nothing_keep_the_schema(status):
    check_answer(Answer(status, "?", "Town", "0" * 64, "someone", "planning", "Which place?", options=("In A?",)))


def test_numbers_that_are_not_known_keep_the_schema():
    effect = Effect("place", "runoff_volume", "m³", "Old Town", np.nan, np.inf)
    site = Site("A", 1, 10.0, on_front=True, stability=0.5, scores={"runoff_volume": np.nan}, reason="It is there.")
    check_answer(Answer("answered", "", "Town", "0" * 64, "someone", "planning", "", effects=(effect,), sites=(site,)))


def test_a_field_too_many_breaks_the_schema():
    data = json.loads(Answer("refused", "", "Town", "", "someone", "planning", "").to_json()) | {"more": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json.loads(text_of(DOCS / "answer.schema.json")))


@pytest.mark.slow
def test_a_real_answer_keeps_the_schema():
    load_models()
    city = generate_city(people=1000, seed=3)
    place = city.layers["places"].value["name"].iloc[0]
    scenario = parse_scenario(f"edits: [{{kind: add_homes, area: {{place: {place}}}, homes: 100}}]")
    want = ("runoff_volume", "city_mean_time_to_jobs", "homes_placed", "total_capital_cost")
    answer, _ = rehearse(city, Rehearsal(scenario, want=want, members=2), Cache())
    assert answer.claims
    assert answer.steps
    check_answer(answer)


@pytest.mark.slow
def test_scenario_examples_fit_helsinki():
    city = build_helsinki()
    for text in blocks(DOCS / "scenarios.md", "yaml"):
        scenario = parse_scenario(text)
        assert {edit.id for edit in bind(scenario, city)} == {edit.id for edit in scenario.active}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "docs/scenarios.md"])
def test_python_examples_run(name, capsys):
    (text,) = blocks(ROOT / name, "python")
    exec(compile(text, name, "exec"), {"__name__": "example"})
    assert capsys.readouterr().out.strip()


def test_the_first_screen_of_the_readme():
    (example,) = blocks(ROOT / "README.md", "python")
    assert len(example.strip().splitlines()) == 8
    first = text_of(ROOT / "README.md").partition("## ")[0]
    assert "make demo" in first
    assert "make test" in first
    assert "OpenStreetMap contributors" in first


def test_pictures_are_small():
    pictures = list((DOCS / "images").glob("*.png"))
    assert pictures
    assert all(path.stat().st_size < 250_000 for path in pictures)


def test_decisions_are_listed_and_dated():
    pages = [path for path in (DOCS / "decisions").glob("*.md") if path.name != "README.md"]
    assert pages
    for path in pages:
        assert path.name in text_of(DOCS / "decisions" / "README.md")
        assert path.name.startswith(text_of(path).splitlines()[2])
        assert "**Turned down.**" in text_of(path)
