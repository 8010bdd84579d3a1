"""`synapolis baseline`: where the city stands by published indicators, and with a scenario where it would stand."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from synapolis.cli.shared import JsonOption, ReportOption, WorkersOption, journalled, load_city, out, progress, talk

if TYPE_CHECKING:
    from synapolis.indicators.gate_file import GateRule
    from synapolis.layers.city import City
    from synapolis.records.journal import Journal
    from synapolis.scenarios.baseline import Baseline, Measuring


def baseline(
    city: Annotated[str, typer.Argument(help="Name of a city, or its folder.")],
    framework: Annotated[
        list[str] | None,
        typer.Option(help="iso37120, iso37122, iso37123, u4ssc, sdg11, imd or housing; repeatable. Default: all."),
    ] = None,
    observations: Annotated[
        Path | None, typer.Option(help="CSV of observations to import first; they are kept in the records.")
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="CSV of the city's own targets, and of benchmarks with their source.")
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file: judge it by the same indicators.")] = None,
    gates: Annotated[
        Path | None, typer.Option(help="Gates of the city (YAML, TOML or JSON) in place of those on affordability.")
    ] = None,
    report: ReportOption = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write one row an indicator here.")] = None,
    as_json: JsonOption = False,
    members: Annotated[
        int, typer.Option("--members", min=0, max=1000, help="Runs of the ensemble over assumptions; 0: no intervals.")
    ] = 0,
    workers: WorkersOption = 0,
    date: Annotated[str, typer.Option(help="Day of the baseline, 2026-11-22; default: today in the city.")] = "",
) -> None:
    """Show where a city stands: every indicator of the catalogue, what stands badly, and what is missing.

    An indicator is computed by the twin, else taken from an observation, else it says what it needs.
    """
    from synapolis.records.journal import local_actor
    from synapolis.scenarios.baseline import Measuring, measure
    from synapolis.scenarios.bind import read_scenario
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.measured import observations_of
    from synapolis.scenarios.sweep import Sweep, default_workers

    place, actor = load_city(city), local_actor()
    day = day_of(date, place)
    wanted = read_scenario(scenario) if scenario is not None else None
    rules = gates_from(gates) if gates is not None else None
    if rules is not None and wanted is None:
        raise typer.BadParameter("--gates judges a scenario: give --scenario FILE too")
    with journalled(place, command="baseline", question=f"Baseline of {place.title}", purpose="baseline") as journal:
        wants, marks = _targets(targets, place.currency)
        import_observations(journal, place, observations, actor=actor, today=day)
        measuring = Measuring(
            frameworks=tuple(framework or ()), observations=observations_of(journal.store, place.name), targets=wants,
            benchmarks=marks, members=members, today=day, actor=actor,
        )  # fmt: skip
        with progress() as tell, Sweep(workers or default_workers()) as sweep:
            found = measure(place, measuring, default_cache(), scenario=wanted, gates=rules, sweep=sweep, progress=tell)
        _record(journal, found)
    _deliver(found, as_json=as_json, report=report, csv=csv, command=_command(sys.argv, found, measuring))


def day_of(text: str, city: City) -> dt.date:
    """Day that is given, else today in the city."""
    if not text:
        return dt.datetime.now(ZoneInfo(city.timezone)).date()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--date needs a day such as 2026-11-22, got {text!r}") from None


def import_observations(journal: Journal, city: City, path: Path | None, *, actor: str, today: dt.date) -> None:
    """Import a CSV of observations into the records, all of it or nothing."""
    if path is None:
        return
    from synapolis.indicators.observations import read_observations
    from synapolis.scenarios.measured import areas_of, keep_observations

    found = read_observations(
        read_file(path), where=str(path), today=today, areas=areas_of(city), currency=city.currency
    )
    new = keep_observations(journal, city.name, found, actor=actor, source=path.name)
    old = len(found) - new
    talk.print(f"Observations: {new} imported" + (f", {old} there already" if old else ""))


def read_file(path: Path) -> bytes:
    """Bytes of a file that the caller named."""
    from synapolis.core.errors import SourceError

    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error


def read_data(path: Path) -> Any:
    """Plain data from a YAML, TOML or JSON file.

    Raises
    ------
    SourceError
        When the file cannot be read, or is none of these.
    """
    import tomllib

    import yaml

    from synapolis.core.errors import SourceError

    try:
        text = read_file(path).decode("utf-8")
        return tomllib.loads(text) if path.suffix.lower() == ".toml" else yaml.safe_load(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix.lower() == ".toml" else "YAML or JSON"
        raise SourceError(f"{path} is not {kind} in UTF-8: {' '.join(str(error).split())[:300]}") from error


def gates_from(path: Path) -> tuple[GateRule, ...]:
    """Read gates that a city states."""
    from synapolis.indicators.gate_file import read_gates

    return read_gates(read_data(path), where=str(path))


def _targets(path: Path | None, currency: str) -> tuple[Any, Any]:
    from synapolis.indicators.observations import read_targets

    return read_targets(read_file(path), where=str(path), currency=currency) if path is not None else ((), ())


def _record(journal: Journal, found: Baseline) -> None:
    """One entry for the whole of it, before anything is shown."""
    from synapolis.scenarios.recording import record_answers

    answers = [found.answer] if found.judgement is None else [found.answer, found.judgement.answer]
    record_answers(journal, answers, command="baseline")


def _deliver(found: Baseline, *, as_json: bool, report: Path | None, csv: Path | None, command: str) -> None:
    from synapolis.report.baseline import summary_of, write_baseline
    from synapolis.report.baseline_data import baseline_csv, baseline_json, baseline_tables
    from synapolis.report.page import write_whole

    if as_json:
        sys.stdout.write(baseline_json(found) + "\n")
    else:
        out.print(f"[bold]{found.answer.city}[/bold]: {summary_of(found)}\n", soft_wrap=True)
        for table in baseline_tables(found):
            out.print(table)
    if csv is not None:
        write_whole(csv, baseline_csv(found))
        talk.print(f"CSV: {csv}")
    if report is not None:
        write_baseline(found, report, command=command)
        talk.print(f"Report: {report}")


def _command(arguments: list[str], found: Baseline, measuring: Measuring) -> str:
    """The command that makes the same again: as it was called, and on the same day."""
    called = [argument for argument in arguments[1:] if argument] or ["baseline", found.answer.city]
    day = [] if "--date" in called or measuring.today is None else ["--date", measuring.today.isoformat()]
    return shlex.join(["synapolis", *called, *day])
