"""Ask, run, compare, explain, vocabulary: questions, their answers, and the words they are made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synapolis.cli.shared import (
    CityOption,
    JsonOption,
    MembersOption,
    PurposeOption,
    ReportOption,
    WorkersOption,
    escaped,
    journalled,
    load_city,
    out,
    progress,
    talk,
)

if TYPE_CHECKING:
    from synapolis.layers.city import City
    from synapolis.scenarios.answer import Answer, Evidence
    from synapolis.scenarios.edits import Scenario


def _deliver(answer: Answer, evidence: Evidence, *, as_json: bool, report: Path | None) -> None:
    from synapolis.layers.workspace import keep_answer
    from synapolis.report.console import print_answer

    if answer.hash:
        keep_answer(answer.hash, answer.to_json())
    if as_json:
        sys.stdout.write(answer.to_json() + "\n")
    else:
        print_answer(answer, out)
    if report is not None:
        from synapolis.report.page import write_report

        write_report([(answer, evidence)], report, title=answer.question or answer.city)
        talk.print(f"Report: {report}")
    if answer.status != "answered":
        raise typer.Exit(1)


def ask(
    question: Annotated[
        str, typer.Argument(help='In plain English: "What happens to stormwater if we add 500 homes in Kamppi?"')
    ],
    city: CityOption = "helsinki",
    as_json: JsonOption = False,
    report: ReportOption = None,
    members: MembersOption = 16,
    purpose: PurposeOption = "planning",
    workers: WorkersOption = 0,
) -> None:
    """Ask a question in plain English. What is not understood is asked back; nothing is silently dropped."""
    from synapolis.agents.ask import ask as put
    from synapolis.records.journal import local_actor
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.recording import record_answers
    from synapolis.scenarios.sweep import Sweep, default_workers

    place, actor = load_city(city), local_actor()
    with (
        journalled(place, command="ask", question=question, purpose=purpose) as journal,
        progress() as tell,
        Sweep(workers or default_workers()) as sweep,
    ):
        answer, evidence = put(
            question, place, default_cache(), actor=actor, members=members, purpose=purpose, sweep=sweep, progress=tell
        )
        record_answers(journal, [answer], command="ask")
    _deliver(answer, evidence, as_json=as_json, report=report)


def run(
    city: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML or JSON: see docs/scenarios.md.")],
    want: Annotated[str, typer.Option(help="Quantities, separated by commas: see `synapolis vocabulary`.")],
    purpose: PurposeOption = "planning",
    assume: Annotated[
        list[str] | None, typer.Option("--assume", help="NAME=VALUE: set an assumption; repeatable.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", help="QUANTITY=MODEL: make a quantity by this model; repeatable.")
    ] = None,
    as_json: JsonOption = False,
    report: ReportOption = None,
    members: MembersOption = 16,
    workers: WorkersOption = 0,
) -> None:
    """Run a scenario file and answer for the wanted quantities."""
    from synapolis.records.journal import local_actor
    from synapolis.scenarios.answer import SCENARIO
    from synapolis.scenarios.bind import read_scenario
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.recording import record_answers
    from synapolis.scenarios.rehearse import Rehearsal, rehearse
    from synapolis.scenarios.sweep import Sweep, default_workers

    place = load_city(city)
    read = read_scenario(scenario)
    _say_what_changed(read, place)
    rehearsal = Rehearsal(
        read,
        tuple(word.strip() for word in want.split(",") if word.strip()),
        question=f"{SCENARIO}{read.title or scenario.name}",
        actor=local_actor(),
        purpose=purpose,
        members=members,
        assumptions=_assumed(assume or []),
        methods=_methods(method or []),
    )
    with (
        journalled(place, command="run", question=rehearsal.question, purpose=purpose) as journal,
        progress() as tell,
        Sweep(workers or default_workers()) as sweep,
    ):
        answer, evidence = rehearse(place, rehearsal, default_cache(), sweep=sweep, progress=tell)
        record_answers(journal, [answer], command="run")
    _deliver(answer, evidence, as_json=as_json, report=report)


def _say_what_changed(scenario: Scenario, city: City) -> None:
    """On a city that changed since the scenario was made, say so, and which edits no longer fit."""
    from synapolis.scenarios.rehearse import check_scenario

    if scenario.city_hash and scenario.city_hash != city.digest:
        talk.print(
            f"The scenario was made on another state of the city than {city.digest[:12]}; its edits are checked again."
        )
        for problem in check_scenario(scenario, city):
            talk.print(f"  no longer fits: {escaped(problem)}")


def _assumed(pairs: list[str]) -> dict[str, float]:
    from synapolis.core.declare import REGISTRY

    values = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in REGISTRY.assumptions:
            raise typer.BadParameter(
                f"no assumption is called {name!r}; `synapolis vocabulary --assumptions` lists them"
            )
        try:
            values[name] = float(value)
        except ValueError:
            raise typer.BadParameter(f"{name} needs a number, got {value!r}") from None
    return values


def _methods(pairs: list[str]) -> dict[str, str]:
    from synapolis.core.declare import REGISTRY

    chosen = {}
    for pair in pairs:
        word, _, name = pair.partition("=")
        makers = [model.name for model in REGISTRY.makers(word)]
        if name not in makers:
            known = ", ".join(makers) or "none: `synapolis vocabulary` lists the quantities"
            raise typer.BadParameter(f"{name or 'nothing'!r} does not make {word!r}; models that do: {known}")
        chosen[word] = name
    return chosen


def compare(
    city: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    first: Annotated[Path, typer.Argument(help="Scenario file.")],
    second: Annotated[Path, typer.Argument(help="Scenario file to hold against it.")],
    want: Annotated[
        str, typer.Option(help="Quantities, separated by commas.")
    ] = "runoff_volume,city_mean_time_to_jobs,total_capital_cost",
    as_json: JsonOption = False,
    members: MembersOption = 16,
    purpose: PurposeOption = "planning",
) -> None:
    """Hold two scenarios against each other and against today."""
    from synapolis.records.journal import local_actor
    from synapolis.report.console import print_comparison
    from synapolis.scenarios.bind import read_scenario
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.recording import record_answers
    from synapolis.scenarios.rehearse import Rehearsal, rehearse

    place, cache, answers = load_city(city), default_cache(), []
    words = tuple(word.strip() for word in want.split(",") if word.strip())
    with journalled(place, command="compare", question=f"{first.name} and {second.name}", purpose=purpose) as journal:
        for file in (first, second):
            wanted = Rehearsal(
                read_scenario(file), words, question=file.name, actor=local_actor(), purpose=purpose, members=members
            )
            with progress() as tell:
                answers.append(rehearse(place, wanted, cache, progress=tell)[0])
        record_answers(journal, answers, command="compare")
    if as_json:
        sys.stdout.write(
            json.dumps([json.loads(answer.to_json()) for answer in answers], ensure_ascii=False, indent=2) + "\n"
        )
    else:
        print_comparison(answers[0], answers[1], out)


def explain(
    answer: Annotated[str, typer.Argument(help="Answer file, or the first digits of an answer's hash.")],
    claim: Annotated[str, typer.Option(help="Only this claim, for example runoff_volume.")] = "",
) -> None:
    """Open the pedigree of an answer's figures: models, versions, layers, owners, assumptions."""
    from synapolis.core.errors import CityError
    from synapolis.layers.workspace import find_answer
    from synapolis.report.console import print_pedigree
    from synapolis.scenarios.answer import read_answer

    path = find_answer(answer)
    try:
        data = read_answer(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CityError(f"{path}: {error}") from error
    print_pedigree(data, out, claim=claim)


def vocabulary(
    assumptions: Annotated[bool, typer.Option("--assumptions", help="List assumptions instead of quantities.")] = False,
) -> None:
    """List every quantity that can be asked for, or every assumption with its source."""
    from rich.table import Table

    from synapolis.core.declare import REGISTRY
    from synapolis.models import load_models

    load_models()
    if assumptions:
        table = Table("assumption", "value", "range", "unit", "standing", "meaning and source")
        for known in sorted(REGISTRY.assumptions.values(), key=lambda a: a.name):
            table.add_row(known.name, f"{known.value:g}", f"{known.low:g} to {known.high:g}", known.unit,
                          known.standing, f"{known.meaning}. {known.source}")  # fmt: skip
    else:
        table = Table("quantity", "on", "unit", "meaning", "made by")
        for word in sorted(REGISTRY.quantities.values(), key=lambda q: q.name):
            if not word.name.startswith("edit_"):
                table.add_row(
                    word.name,
                    word.place,
                    word.unit,
                    word.meaning,
                    ", ".join(m.name for m in REGISTRY.makers(word.name)),
                )
    out.print(table)
