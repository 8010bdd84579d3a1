"""Many runs of one city: by worker processes, each on one thread; resumed where they stopped, failures reported.

A group is a list of tasks that share assumptions, so that what an edit does not touch is computed once for all of them.
Finished tasks are kept in the cache under their own key: a stopped sweep goes on where it stopped.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from synapolis.core.declare import REGISTRY
from synapolis.core.digest import digest
from synapolis.core.errors import ModelError, SynapolisError
from synapolis.layers.city import City
from synapolis.scenarios.cache import Cache, Entry
from synapolis.scenarios.plan import BoundEdit, Planner
from synapolis.scenarios.run import Progress, run

Pair = tuple[float, float]
WORTH_A_POOL = 4
"""Groups below which starting worker processes costs more than it saves."""


@dataclass(frozen=True)
class Task:
    """One run: edits, assumptions, and the city-wide numbers wanted before and after."""

    edits: tuple[BoundEdit, ...]
    words: tuple[str, ...]
    assumptions: Mapping[str, float] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)

    def key(self, city: City) -> str:
        """Hash of everything the numbers depend on: what the task states, the city's own values, and the code."""
        edits = [[edit.models, dict(edit.values), dict(edit.log)] for edit in self.edits]
        planner = Planner(city)
        values = {name: planner.assumption(name).value for name in REGISTRY.assumptions} | dict(self.assumptions)
        code = {model.name: model.code_digest for model in REGISTRY.models.values()}
        stated = [dict(self.methods), dict(self.excluded)]
        return digest(["task", city.digest, edits, self.words, values, stated, code])


def evaluate(city: City, task: Task, cache: Cache) -> dict[str, Pair]:
    """Numbers of one task, before and after its edits."""
    planner = Planner(city, task.edits, assumptions=task.assumptions, methods=task.methods, excluded=task.excluded)
    pairs = {word: (planner.want(word, 0), planner.want(word)) for word in task.words}
    ran = run([ref for pair in pairs.values() for ref in pair], cache)
    return {word: (float(ran.value(before)), float(ran.value(after))) for word, (before, after) in pairs.items()}


class Sweep:
    """Runs groups of tasks on a city, in this process or in spawned workers.

    Use as a context manager: workers are stopped at the end.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = max(1, workers)
        self._pool: ProcessPoolExecutor | None = None
        self._city = ""

    def __enter__(self) -> Self:
        """Return the sweep; workers start when first needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers; what is under way is dropped, what is finished is kept."""
        self.close()

    def begin(self, city: City) -> None:
        """Start the workers now, while this process does something else."""
        if self.workers > 1:
            pool = self._start(city)
            for _ in range(self.workers):
                pool.submit(_ready)

    def close(self) -> None:
        """Stop the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def map(
        self, city: City, groups: Sequence[Sequence[Task]], cache: Cache, *, progress: Progress | None = None
    ) -> list[list[dict[str, Pair] | None]]:
        """Numbers of every task, by group; None for one whose model failed.

        Raises
        ------
        ModelError
            When every task failed; the first failure is named.
        """
        found: dict[tuple[int, int], dict[str, Pair] | None] = {}
        keys = {(g, t): task.key(city) for g, group in enumerate(groups) for t, task in enumerate(group)}
        for place, key in keys.items():
            entry = cache.get(key)
            if entry is not None:
                found[place] = entry.outputs
        left = [[(g, t) for t in range(len(group)) if (g, t) not in found] for g, group in enumerate(groups)]
        left = [places for places in left if places]
        failures: list[str] = []
        done = len(groups) - len(left)
        for results in self._results(city, groups, left, cache):
            for place, (numbers, seconds, failure) in results.items():
                found[place] = numbers
                if numbers is None:
                    failures.append(failure)
                else:
                    cache.put(keys[place], Entry(numbers, {}, max(seconds, 1.0), {}))
            done += 1
            if progress is not None:
                progress("ensemble", done, len(groups))
        if keys and all(numbers is None for numbers in found.values()):
            raise ModelError(f"every member of the sweep failed; the first: {failures[0]}")
        return [[found[g, t] for t in range(len(group))] for g, group in enumerate(groups)]

    def _results(
        self, city: City, groups: Sequence[Sequence[Task]], left: Sequence[Sequence[tuple[int, int]]], cache: Cache
    ) -> Any:
        if self.workers == 1 or len(left) < WORTH_A_POOL:
            for places in left:
                yield _group(city, {place: groups[place[0]][place[1]] for place in places}, cache)
            return
        pool = self._start(city)
        futures: list[Future[Any]] = [
            pool.submit(_group_in_worker, {place: groups[place[0]][place[1]] for place in places}) for places in left
        ]
        try:
            for future in as_completed(futures):
                yield _result_of(future)
        except BaseException:
            for future in futures:
                future.cancel()
            self.close()
            raise

    def _start(self, city: City) -> ProcessPoolExecutor:
        if self._pool is not None and self._city != city.digest:
            self.close()
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin, initargs=(city,))
            self._city = city.digest
        return self._pool


def _result_of(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ModelError(
            "a worker process was ended by the system, perhaps for want of memory; what finished is kept: "
            "ask again, with --workers 1 if memory is short"
        ) from error


Results = dict[tuple[int, int], tuple[dict[str, Pair] | None, float, str]]


def _group(city: City, tasks: Mapping[tuple[int, int], Task], cache: Cache) -> Results:
    from time import perf_counter

    results: Results = {}
    for place, task in tasks.items():
        start = perf_counter()
        try:
            results[place] = evaluate(city, task, cache), perf_counter() - start, ""
        except SynapolisError as error:
            results[place] = None, perf_counter() - start, str(error)
    return results


_WORKER: dict[str, Any] = {}


def _begin(city: City) -> None:
    """Set up a worker process: one thread, models declared, a cache of its own in memory."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"
    from synapolis.models import load_models

    load_models()
    _WORKER["city"], _WORKER["cache"] = city, Cache(None)


def _ready() -> None:
    """Nothing to do: the worker is up once this runs."""


def _group_in_worker(tasks: Mapping[tuple[int, int], Task]) -> Results:
    return _group(_WORKER["city"], tasks, _WORKER["cache"])


def default_workers() -> int:
    """As many workers as processors this process may use, four at most."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, count)
