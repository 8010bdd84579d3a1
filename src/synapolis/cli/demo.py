"""The demo, and the compilation of kernels that comes before it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synapolis.cli.shared import MembersOption, journalled, load_city, out, progress

DEMO_QUESTIONS = (
    "What happens to stormwater if we add 5,000 units in Kamppi?",
    "How will access to jobs change if tram 7 runs every 5 minutes?",
    "Where should we build 2,000 homes?",
)


def compile_kernels() -> None:
    """Compile the kernels once, on a tiny made-up city; later calls find them compiled."""
    from synapolis.models import load_models
    from synapolis.scenarios.cache import Cache
    from synapolis.scenarios.edits import AddHomes, Area, Scenario
    from synapolis.scenarios.rehearse import Rehearsal, rehearse
    from synapolis.sources.generate import generate_city

    load_models()
    edit = AddHomes(area=Area(place="Old Town"), homes=20)
    want = (
        "runoff_volume",
        "flooded_building_count",
        "city_mean_time_to_jobs",
        "vehicle_kilometres",
        "mean_street_utci",
    )
    with progress() as tell:
        rehearse(generate_city(people=600), Rehearsal(Scenario(edits=(edit,)), want, members=1), Cache(), progress=tell)


def demo(
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    members: MembersOption = 16,
) -> None:
    """Build Helsinki centre and ask three questions, with a report of maps, charts and pedigree."""
    from synapolis.agents.ask import ask as put
    from synapolis.layers.workspace import keep_answer
    from synapolis.records.journal import local_actor
    from synapolis.report.console import print_answer
    from synapolis.report.page import write_report
    from synapolis.scenarios.cache import default_cache
    from synapolis.scenarios.recording import record_answers
    from synapolis.scenarios.sweep import Sweep, default_workers

    place, cache, items = load_city("helsinki"), default_cache(), []
    with Sweep(default_workers()) as sweep:
        for question in DEMO_QUESTIONS:
            out.rule(question, style="dim")
            told = {"question": question, "purpose": "demonstration"}
            with journalled(place, command="demo", **told) as journal, progress() as tell:
                items.append(put(question, place, cache, members=members, purpose=told["purpose"], sweep=sweep,
                                 actor=local_actor(), progress=tell))  # fmt: skip
                record_answers(journal, [items[-1][0]], command="demo")
            print_answer(items[-1][0], out)
            keep_answer(items[-1][0].hash, items[-1][0].to_json())
    with progress() as tell:
        tell("drawing the report", 0, 1)
        write_report(items, report, title="Helsinki centre: three questions")
    out.print(f"Report: {report.resolve()}")
