"""The catalogue of indicators: our own tables of facts, one file a framework, in the folder of this module.

Names and numbers of indicators are facts; the wording of what is divided by what is ours. `frameworks.csv` says where
each framework comes from and whether anybody on the project read that source: ISO texts were not read.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from rapidfuzz import fuzz, utils

from synapolis.core.errors import NotComputableError, SourceError

COMPUTABLE_FROM: Mapping[str, str] = MappingProxyType({
    "twin": "the city's layers alone",
    "twin+census": "the city's layers with a census or a calibrated model",
    "sensor": "sensors, networks or the log of a platform",
    "administrative": "an administrative register",
    "survey": "a survey of residents",
})  # fmt: skip
"""What an indicator is computed from, in the order in which a twin can help."""
AREAS = ("health and safety", "mobility", "activities", "opportunities", "governance")
"""The five areas in which the IMD Smart City Index is read. Which area an indicator belongs to is our choice."""
PILLARS = ("community", "digital equity", "infrastructure", "security", "capacity")
"""The pillars of UN-Habitat's people-centred smart cities. Which pillar an indicator belongs to is our choice."""
NO_NUMBER = ("table", "% table", "% and count")
"""Units of indicators that are no single number: they are listed, and neither computed nor observed here."""
TWIN = ("twin", "twin+census")


@dataclass(frozen=True)
class Framework:
    """A list of indicators that somebody agreed on."""

    key: str
    title: str
    count: int
    source: str
    read: bool
    note: str


@dataclass(frozen=True)
class Indicator:
    """One indicator of a framework: what it says, and what it is computed from.

    `quantity` is the word of the vocabulary that computes it on the twin; `factor` turns that word's unit into this.
    `low` and `high` bound what is plausible: an observation outside them is a slip. `needs` says where its data could
    come from.
    """

    framework: str
    code: str
    name: str
    theme: str
    kind: str
    unit: str
    numerator: str
    denominator: str
    multiplier: float
    definition: str
    better: Literal["higher", "lower", "neither"]
    computable_from: str
    needs: str
    quantity: str
    factor: float
    low: float
    high: float
    area: str
    pillars: tuple[str, ...]
    source: str
    read: bool

    @property
    def id(self) -> str:
        """Framework and code, such as `iso37120:19.6`."""
        return f"{self.framework}:{self.code}"

    @property
    def is_number(self) -> bool:
        """Whether its value is one number; a band of another indicator or a table is not."""
        return self.unit not in NO_NUMBER and self.kind != "band"

    @property
    def formula(self) -> str:
        """What it is, in one line."""
        if self.definition:
            return self.definition
        times = "" if self.multiplier == 1 else f", times {self.multiplier:,.0f}"
        return f"{self.numerator} per {self.denominator}{times}" if self.denominator else self.numerator

    @property
    def lacking(self) -> str:
        """What it takes to know it: the counts, and who may have them."""
        counts = f"{self.numerator} and {self.denominator}" if self.denominator else self.definition
        return f"needs {counts}, which could come from {self.needs}"

    def value_of(self, numerator: float, denominator: float) -> float:
        """Value from its two counts.

        Raises
        ------
        NotComputableError
            Where the indicator is no ratio, a count is not known, or the denominator is nothing.
        """
        if not self.denominator:
            raise NotComputableError(f"not computable: {self.id} is not a ratio, it is {self.definition}")
        for label, count in ((self.numerator, numerator), (self.denominator, denominator)):
            if not math.isfinite(count):
                raise NotComputableError(f"not computable: {self.id} needs {label}")
        if denominator == 0:
            raise NotComputableError(f"not computable: {self.id} needs {self.denominator} above 0, got 0")
        return self.multiplier * numerator / denominator


@dataclass(frozen=True)
class Band:
    """A stretch of values with a name, from a source: above `low` and up to `high`, ends as `closed` says."""

    indicator: str
    low: float
    high: float
    closed: tuple[bool, bool]
    standing: Literal["good", "problem", "severe"]
    label: str
    source: str
    read: bool

    def holds(self, value: float) -> bool:
        """Whether a value lies in the band."""
        above = value >= self.low if self.closed[0] else value > self.low
        below = value <= self.high if self.closed[1] else value < self.high
        return above and below

    @property
    def says(self) -> str:
        """Limits in words."""
        low = "" if math.isinf(self.low) else f"{'from' if self.closed[0] else 'above'} {self.low:g}"
        high = "" if math.isinf(self.high) else f"{'up to' if self.closed[1] else 'below'} {self.high:g}"
        return ", ".join(filter(None, (low if self.low or not high else "", high)))


@functools.cache
def frameworks() -> Mapping[str, Framework]:
    """Every framework by its key."""
    found = (
        Framework(row["framework"], row["title"], int(row["count"]), row["source"], row["read"] == "yes", row["note"])
        for row in _rows("frameworks")
    )
    return MappingProxyType({framework.key: framework for framework in found})


@functools.cache
def indicators() -> Mapping[str, Indicator]:
    """Every indicator by its id, in the order of the catalogue."""
    found = (_indicator(key, row) for key in frameworks() for row in _rows(key))
    return MappingProxyType({indicator.id: indicator for indicator in found})


@functools.cache
def bands() -> Mapping[str, tuple[Band, ...]]:
    """Benchmarks by indicator, those that somebody published as bands; `read` says whether it was read."""
    found: dict[str, list[Band]] = {}
    for row in _rows("benchmarks"):
        span = row["range"]
        low, _, high = span[1:-1].partition(",")
        band = Band(
            row["indicator"], float(low), float(high), (span[0] == "[", span[-1] == "]"), row["standing"],  # type: ignore[arg-type]
            row["label"], row["source"], row["read"] == "yes",
        )  # fmt: skip
        found.setdefault(band.indicator, []).append(band)
    return MappingProxyType({indicator: tuple(rows) for indicator, rows in found.items()})


@functools.cache
def scopes() -> Mapping[str, str]:
    """What a model counts where that is less than its indicator's name says, by the model's name."""
    return MappingProxyType({row["model"]: row["says"] for row in _rows("scope")})


def find(name: str) -> Indicator:
    """Return the indicator of an id such as `iso37120:19.6`.

    Raises
    ------
    SourceError
        When there is none; the message names close ones.
    """
    found = indicators().get(name.strip()) or _by_folded_id().get(name.strip().casefold())
    if found is None:
        raise SourceError(f"no indicator is called {name!r}; close ones are {', '.join(close_to(name))}")
    return found


@functools.cache
def _by_folded_id() -> Mapping[str, Indicator]:
    return MappingProxyType({each.id.casefold(): each for each in indicators().values()})


@functools.lru_cache(maxsize=256)
def close_to(name: str, most: int = 3) -> tuple[str, ...]:
    """Ids whose id or name is close to what was written, the closest first."""
    rows = list(indicators().values())
    wanted = utils.default_process(name)
    scored = [
        (-max(fuzz.ratio(wanted, utils.default_process(row.id)),
              min(95.0, fuzz.token_set_ratio(wanted, utils.default_process(row.name)))), place)
        for place, row in enumerate(rows)
    ]  # fmt: skip
    return tuple(f"{rows[place].id} ({rows[place].name})" for _, place in sorted(scored)[:most])


def framework_key(name: str) -> str:
    """Key of a framework however it is written: `ISO 37120` is `iso37120`.

    Raises
    ------
    SourceError
        When a framework is not in the catalogue.
    """
    key = "".join(letter for letter in name.casefold() if letter.isalnum())
    if key not in frameworks():
        raise SourceError(f"no framework is called {name!r}; the catalogue has {', '.join(frameworks())}")
    return key


def select(
    *,
    framework: str | tuple[str, ...] = (),
    theme: str = "",
    computable_from: str = "",
    area: str = "",
    pillar: str = "",
    text: str = "",
) -> tuple[Indicator, ...]:
    """Return the indicators that pass every filter given.

    Raises
    ------
    SourceError
        When a framework is not in the catalogue.
    """
    wanted = (framework,) if isinstance(framework, str) else framework
    keys = {framework_key(name) for name in wanted if name}
    return tuple(
        each
        for each in indicators().values()
        if (not keys or each.framework in keys)
        and theme in ("", each.theme)
        and computable_from in ("", each.computable_from)
        and area in ("", each.area)
        and (not pillar or pillar in each.pillars)
        and text.lower() in f"{each.id} {each.name}".lower()
    )


def _indicator(framework: str, row: Mapping[str, str]) -> Indicator:
    return Indicator(
        framework=framework,
        code=row["code"],
        name=row["name"],
        theme=row["theme"],
        kind=row["kind"],
        unit=row["unit"],
        numerator=row["numerator"],
        denominator=row["denominator"],
        multiplier=float(row["multiplier"] or 1),
        definition=row["definition"],
        better=row["better"],  # type: ignore[arg-type]
        computable_from=row["from"],
        needs=row["needs"],
        quantity=row["quantity"],
        factor=float(row["factor"] or 1),
        low=float(row["low"] or "-inf"),
        high=float(row["high"] or "inf"),
        area=row["area"],
        pillars=tuple(pillar.replace("-", " ") for pillar in row["pillars"].split()),
        source=row["source"] or frameworks()[framework].source,
        read=(row["read"] == "yes") if row["source"] else frameworks()[framework].read,
    )


def _rows(table: str) -> Iterator[dict[str, str]]:
    text = files("synapolis.indicators").joinpath("catalogue", f"{table}.csv").read_text(encoding="utf-8")
    return iter(csv.DictReader(text.splitlines()))
