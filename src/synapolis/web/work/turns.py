"""Whose job is next: people take turns, however many jobs each of them has asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A job in the queue: whose it is, and its number in the order of asking."""

    id: str
    owner: str
    number: int


def in_turn(
    waiting: Iterable[Waiting], *, running: Mapping[str, int], served: Mapping[str, int], last: Container[str] = ()
) -> list[Waiting]:
    """Put waiting jobs into the order in which they will begin.

    First comes everybody's first job, then everybody's second, and so on; a job of theirs that runs now counts as one
    that had its turn. Among equals goes first who had to wait longest for a turn, then the older job.

    Parameters
    ----------
    waiting : in any order
    running : how many jobs of each owner run now
    served : for each owner who had a turn, the number of the last one
    last : owners whose jobs come after everybody else's

    Returns
    -------
    list of Waiting
        Each of them once; jobs of one owner stay in the order in which they were asked for.
    """
    had: defaultdict[str, int] = defaultdict(int, running)
    keyed = []
    for job in sorted(waiting, key=lambda job: job.number):
        keyed.append((job.owner in last, had[job.owner], served.get(job.owner, -1), job.number, job))
        had[job.owner] += 1
    return [job for *_, job in sorted(keyed, key=lambda item: item[:4])]
