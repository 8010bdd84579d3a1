"""Finding entries: words anywhere in them, filters, and how many each filter would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from synapolis.civic.difference import told
from synapolis.civic.entry import AlgorithmEntry, filled
from synapolis.core.errors import RegisterError

FACETS: Mapping[str, Callable[[AlgorithmEntry], tuple[str, ...]]] = MappingProxyType({
    "kind": lambda entry: (entry.kind,),
    "status": lambda entry: (entry.status or "not said",),
    "owner": lambda entry: (entry.organisation or "not said",),
    "field": lambda entry: entry.themes or ("not said",),
    "category": lambda entry: (entry.publication_category or "not said",),
})  # fmt: skip
"""What entries can be filtered by, and what an entry has there."""
WEIGHTS = (("name", 8), ("keywords", 5), ("summary", 4), ("goal_and_impact", 2))
"""How much more a word counts there than elsewhere in an entry."""


@dataclass(frozen=True)
class Found:
    """Entries that match, the best first, and by facet how many entries each value would leave."""

    entries: tuple[AlgorithmEntry, ...]
    facets: Mapping[str, Mapping[str, int]]


def search(entries: Sequence[AlgorithmEntry], text: str = "", filters: Mapping[str, str] | None = None) -> Found:
    """Find entries that hold every word of a text, and have what each filter asks for.

    A facet is counted over what matches the text and the other filters, so that each count is what choosing it gives.

    Raises
    ------
    RegisterError
        A filter that is none.
    """
    asked = {name: value for name, value in (filters or {}).items() if value}
    unknown = asked.keys() - FACETS.keys()
    if unknown:
        raise RegisterError(f"entries are filtered by {', '.join(FACETS)}; got {', '.join(sorted(unknown))}")
    words = text.casefold().split()
    scored = [(rank(entry, words), entry) for entry in entries]
    hits = [(score, entry) for score, entry in scored if score is not None]
    facets = {}
    for name, read in FACETS.items():
        others = [entry for _, entry in hits if _has(entry, asked, but=name)]
        facets[name] = dict(Counter(value for entry in others for value in read(entry)).most_common())
    left = [(score, place, entry) for place, (score, entry) in enumerate(hits) if _has(entry, asked)]
    return Found(tuple(entry for _, _, entry in sorted(left, key=lambda hit: (-hit[0], hit[1]))), facets)


def rank(entry: AlgorithmEntry, words: Sequence[str]) -> int | None:
    """How well an entry fits words; None where one of them is nowhere in it."""
    if not words:
        return 0
    weighted = [(told(getattr(entry, name)).casefold(), weight) for name, weight in WEIGHTS]
    said = " ".join(told(getattr(entry, name)) for name in type(entry).model_fields if filled(entry, name)).casefold()
    if any(word not in said for word in words):
        return None
    return sum(weight for word in words for text, weight in weighted if word in text)


def _has(entry: AlgorithmEntry, asked: Mapping[str, str], but: str = "") -> bool:
    return all(
        any(value.casefold() == one.casefold() for one in FACETS[name](entry))
        for name, value in asked.items()
        if name != but
    )
