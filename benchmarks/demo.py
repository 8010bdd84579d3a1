"""The demo's stages by the clock on the wall: build the city, ask three questions, draw the report; then all again.

Kernels are compiled (or loaded) first, on a made-up town. The second time is a second call of the demo: the city is
opened and results are read from the disk, not from memory. Everything lies in a folder that is gone afterwards.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import Row, wall
from synapolis.agents.ask import ask
from synapolis.cli.demo import DEMO_QUESTIONS
from synapolis.core.errors import ModelError
from synapolis.layers.city import City, open_city, save_city
from synapolis.models import load_models
from synapolis.report.page import write_report
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.sweep import Sweep, default_workers
from synapolis.sources.builtin import build_helsinki
from synapolis.sources.generate import generate_city

MEMBERS = 20
TARGET = 60.0  # [s] for all stages after compilation
TOWN_QUESTION = "What happens to stormwater if we add 20 homes in Summerhill?"


def rows(*, quick: bool = False) -> list[Row]:
    """Wall seconds of each stage, the first time and again."""
    load_models()
    questions, members = ((TOWN_QUESTION,), 2) if quick else (DEMO_QUESTIONS, MEMBERS)
    compiling, town = wall(made_up_and_asked)
    with workplace() as folder:
        build = (lambda: town) if quick else build_helsinki
        building, _ = wall(lambda: save_city(build(), folder / "city"))
        workers = 1 if quick else default_workers()
        first, again = (stages(folder, questions, members, workers) for _ in range(2))
    seconds = building + sum(first.values())
    return [
        Row("demo: compile or load kernels", compiling, "s", note="wall"),
        Row("demo: build the city", building, "s", note="wall"),
        *(Row(f"demo: {stage}, again", again[stage], "s", "first time", first[stage], "wall") for stage in first),
        Row("demo: all stages, first time", seconds, "s", "target", TARGET, "wall, after compilation"),
        Row("demo: all stages, again", sum(again.values()), "s", "first time", seconds, "wall"),
    ]


def made_up_and_asked() -> City:
    """A small town after its first question of each kind."""
    town = generate_city(people=500, seed=1, name="town")
    ask(TOWN_QUESTION, town, Cache(), members=0)
    return town


def stages(folder: Path, questions: tuple[str, ...], members: int, workers: int) -> dict[str, float]:
    """Wall seconds of opening the city, each question and the report, in a fresh memory."""
    cache, items = Cache(folder / "cache"), []
    spent: dict[str, float] = {}
    spent["open the city"], city = wall(lambda: open_city(folder / "city"))
    with Sweep(workers) as sweep:
        for question in questions:
            spent[question], item = wall(lambda q=question: ask(q, city, cache, members=members, sweep=sweep))
            if item[0].status != "answered":
                raise ModelError(f"the demo's question {question!r} was not answered: {item[0].summary}")
            items.append(item)
    spent["report"], _ = wall(lambda: write_report(items, folder / "report.html", title="Demo"))
    return spent


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for this run alone, to which workers keep too."""
    names = ("SYNAPOLIS_HOME", "SYNAPOLIS_CACHE")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SYNAPOLIS_HOME": folder, "SYNAPOLIS_CACHE": str(Path(folder) / "cache")}
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
