"""Names in a city: places, streets and transit lines, found however people type them, with the closest on a miss."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City

KINDS = ("district", "square", "park", "place", "street", "building", "stop")
"""Kinds of named features, the one that a bare name most likely means first."""

_LETTERS = str.maketrans({"ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "æ": "ae", "Æ": "ae", "œ": "oe"})
_MODE_WORDS = frozenset({"tram", "trams", "bus", "train", "metro", "subway", "ferry", "line", "route", "number", "no"})
_KEPT: OrderedDict[tuple[str, ...], Names] = OrderedDict()
_KEEP = 8


class KnownName(NamedTuple):
    """A name as the source spells it, what it names, its key `normalise(name)`, and whether it is the first name."""

    name: str
    kind: str
    key: str
    main: bool = True


@lru_cache(maxsize=100_000)
def normalise(name: str) -> str:
    """Return a name without case, accents or punctuation: `Töölönlahden-katu` is `toolonlahden katu`."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain))


@dataclass(frozen=True)
class Names:
    """Every name of a city by key."""

    features: tuple[KnownName, ...]
    routes: dict[str, dict[str, set[str]]]
    """Route key → public number → modes."""

    @cached_property
    def by_key(self) -> dict[str, tuple[KnownName, ...]]:
        """Known names by key, the likeliest kind first."""
        found: dict[str, list[KnownName]] = {}
        for known in self.features:
            found.setdefault(known.key, []).append(known)
        return {key: tuple(sorted(group, key=lambda known: _rank(known.kind))) for key, group in found.items()}

    @cached_property
    def by_first_word(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The words of every key by its first word, the longest first."""
        found: dict[str, list[tuple[str, ...]]] = {}
        for key in self.by_key:
            words = tuple(key.split())
            found.setdefault(words[0], []).append(words)
        return {first: tuple(sorted(group, key=len, reverse=True)) for first, group in found.items()}


def names_of(city: City) -> Names:
    """Return all names of a city; kept for the last few cities, by the content of the layers that hold names."""
    layers = ("places", "streets", "timetable", "transit_lines")
    key = tuple(city.layers[name].digest if name in city.layers else "" for name in layers)
    if key not in _KEPT:
        _KEPT[key] = Names(features=_features(city), routes=_routes(city))
    _KEPT.move_to_end(key)
    while len(_KEPT) > _KEEP:
        _KEPT.popitem(last=False)
    return _KEPT[key]


def known_names(city: City) -> tuple[KnownName, ...]:
    """Return the name and kind of every named place and street of a city, each once."""
    return names_of(city).features


def closest_names(name: str, city: City, *, kinds: tuple[str, ...] = KINDS, limit: int = 3) -> tuple[str, ...]:
    """Return the names nearest to a misspelt one, the nearest first; empty where none is near."""
    choices = {known: known.key for known in names_of(city).features if known.kind in kinds}
    near = process.extract(normalise(name), choices, scorer=fuzz.ratio, score_cutoff=62, limit=4 * limit)
    ranked = sorted(near, key=lambda hit: (-hit[1], _rank(hit[2].kind), hit[2].name))
    return tuple(OrderedDict.fromkeys(hit[2].name for hit in ranked))[:limit]


def closest_routes(name: str, city: City, *, limit: int = 5) -> tuple[str, ...]:
    """Return the public numbers of the lines nearest to an unknown one."""
    numbers = sorted({number for group in names_of(city).routes.values() for number in group}, key=_natural)
    near = process.extract(_route_key(name), numbers, scorer=fuzz.ratio, processor=normalise, limit=limit)
    return tuple(hit[0] for hit in near)


def did_you_mean(names: tuple[str, ...]) -> str:
    """Say the closest names as a question, with a leading blank, or nothing."""
    return f" Did you mean {' or '.join(names)}?" if names else ""


def find_street(name: str, city: City) -> list[str]:
    """Return the ids of the segments of a street.

    Raises
    ------
    ScenarioError
        When the city has no street of that name; the message gives the closest.
    """
    key = normalise(name)
    if "streets" not in city.layers:
        raise ScenarioError(f"{city.title} has no layer of streets, so {name!r} cannot be found; add one to the city")
    streets = city.layers["streets"].value
    ids = [
        str(index)
        for index, *names in zip(streets.index, streets["name"], _column(streets, "other_names"), strict=True)
        if key and key in _keys(*names)
    ]
    if not ids:
        near = did_you_mean(closest_names(name, city, kinds=("street",)))
        raise ScenarioError(f"no street of {city.title} is called {name!r}.{near}")
    return ids


def find_route(name: str, city: City) -> str:
    """Return a transit line's public number as the timetable (or, without one, the mapped lines) spells it.

    Raises
    ------
    ScenarioError
        When there is no such line, or two spellings of it; the message gives the closest or both.
    """
    found = names_of(city).routes.get(_route_key(name), {})
    if len(found) > 1 and name in found:
        return name
    if len(found) > 1:
        raise ScenarioError(f"{name!r} may be any of the lines {', '.join(sorted(found))}; write it as one of these")
    if not found:
        near = closest_routes(name, city)
        known = f"; lines near that name: {', '.join(near)}" if near else ", which has no transit lines in its data"
        raise ScenarioError(f"no transit line {name!r} in {city.title}{known}")
    return next(iter(found))


def route_modes(number: str, city: City) -> tuple[str, ...]:
    """Return the modes of the lines that bear this public number."""
    return tuple(sorted(names_of(city).routes.get(_route_key(number), {}).get(number, ())))


def keys_of_row(name: object, other_names: object) -> frozenset[str]:
    """Return the keys by which a feature may be found: its name and its names in other languages."""
    return frozenset(_keys(name, other_names))


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else KINDS.index("place")


def _natural(number: str) -> tuple[int, str]:
    digits = re.match(r"\d+", number)
    return (int(digits.group()) if digits else 10**9, number)


def _route_key(name: str) -> str:
    words = normalise(name).split()
    kept = [word for word in words if word not in _MODE_WORDS]
    return " ".join(kept or words)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _keys(name: object, other_names: object = "") -> set[str]:
    return {normalise(part) for part in (_text(name), *_text(other_names).split(";"))} - {""}


def _column(table: object, name: str) -> list[object]:
    return list(table[name]) if name in table.columns else [""] * len(table)  # type: ignore[attr-defined, arg-type, index]


def _features(city: City) -> tuple[KnownName, ...]:
    found: dict[tuple[str, str], KnownName] = {}
    for layer in ("places", "streets"):
        if layer not in city.layers:
            continue
        table = city.layers[layer].value
        kinds = _column(table, "kind") if layer == "places" else ["street"] * len(table)
        for name, others, kind in zip(table["name"], _column(table, "other_names"), kinds, strict=True):
            spellings = (_text(name), *(part.strip() for part in _text(others).split(";")))
            for main, spelling in ((number == 0, part) for number, part in enumerate(spellings)):
                key = normalise(spelling)
                if key:
                    found.setdefault((key, str(kind)), KnownName(spelling, str(kind), key, main))
    return tuple(sorted(found.values()))


def _routes(city: City) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    tables = []
    if "timetable" in city.layers:
        tables.append(city.layers["timetable"].value.trips)
    elif "transit_lines" in city.layers:
        tables.append(city.layers["transit_lines"].value)
    for table in tables:
        for number, mode in table[["route_name", "mode"]].drop_duplicates().itertuples(index=False):
            if _text(number):
                found.setdefault(_route_key(number), {}).setdefault(number, set()).add(str(mode))
    return found
