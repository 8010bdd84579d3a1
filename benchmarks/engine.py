"""The engine: what a node costs beside its model's work, when its result is already known.

A made-up town's plan is made and run once, then run again with a fresh run and the same cache in memory; the time is
divided by the nodes that came from the cache (the layers and assumptions below them are counted in).
"""

from __future__ import annotations

from benchmarks import Row, quickest
from synapolis.models import load_models
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner, Ref
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

TARGET = 50.0  # [µs]
WANTED = ("runoff_volume", "city_mean_time_to_jobs", "jobs_within_30_min", "link_flow")


def rows(*, quick: bool = False) -> list[Row]:
    """Microseconds per cached node, held against the project's own target, and to plan one question."""
    load_models()
    town = generate_city(people=500 if quick else 1000, seed=3, name="town")
    seconds = 0.1 if quick else 1.0
    planning, wanted = quickest(lambda: wanted_of(Planner(town)), seconds=seconds)
    cache = Cache()
    run(wanted, cache)
    running, again = quickest(lambda: run(wanted, cache), seconds=seconds)
    note = f"plan of {again.cached} models"
    return [
        Row("engine: a cached node", 1e6 * running / again.cached, "µs", "target", TARGET, note),
        Row("engine: planning", 1e3 * planning, "ms", note=note),
    ]


def wanted_of(planner: Planner) -> list[Ref]:
    return [planner.want(word) for word in WANTED]
