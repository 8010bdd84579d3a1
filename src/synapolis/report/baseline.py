"""The baseline as one self-contained page: severe problems first, then by theme, then what is missing."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from synapolis.core.declare import REGISTRY
from synapolis.indicators.catalogue import AREAS, COMPUTABLE_FROM, PILLARS, Indicator, frameworks
from synapolis.indicators.observations import GRADES
from synapolis.report.numbers import UNITS, number, significant
from synapolis.report.page import ORIGINS, OUTCOMES, STATUS, asset, attribution_of, template, write_whole
from synapolis.report.pedigree import Pedigree, trace
from synapolis.scenarios.answer import Claim
from synapolis.scenarios.baseline import Baseline, Change, Reading

THEMES: Mapping[str, str] = MappingProxyType({
    "Transport": "Transportation", "ICT Infrastructure": "Telecommunication", "Water and Sanitation": "Water",
    "Drainage": "Wastewater", "Electricity Supply": "Energy", "Public Sector": "Governance", "Innovation": "Economy",
    "Employment": "Economy", "Waste": "Solid waste", "Buildings": "Energy", "Urban Planning": "Urban planning",
    "Air Quality": "Environment and climate change", "Environmental Quality": "Environment and climate change",
    "Public Space and Nature": "Recreation", "Culture": "Sport and culture",
    "Social Inclusion": "Population and social conditions",
    "Food Security": "Urban/local agriculture and food security", "Planning": "Urban planning",
    "Heritage": "Sport and culture", "Disasters": "Safety", "Environment": "Environment and climate change",
    "Public space": "Recreation", "Housing affordability": "Housing",
})  # fmt: skip
"""Under which theme of ISO 37120 a theme of another framework is read."""
STANDS_STILL = ("unchanged", "does not answer")
SHOWN = {"1": (1.0, ""), "s": (1 / 60, " min")}
"""Factor and unit in which quantities by zone are told, where that is not their own."""
POINT = "a point estimate, illustrative: take the verdict as a hint"
EVEN = 1.01
"""A worst-off tenth this close to the mean is not told as unequal."""
VERDICTS = MappingProxyType({
    "better": "▲ better", "worse": "▼ worse", "unchanged": "unchanged", "changed": "changed",
    "no detectable difference": "no detectable difference", "does not answer": "counted today",
})  # fmt: skip
LEVEL_WORDS = MappingProxyType({
    "severe": "Severe", "problem": "Problem", "good": "Good", "not judged": "Not judged",
})  # fmt: skip
PLACES_FROM: Mapping[str, str] = MappingProxyType({
    "twin": "A layer of the city",
    "twin+census": "A layer with a census, a register or a model",
    "sensor": "Sensors, feeds and logs",
    "administrative": "Registers and offices",
    "survey": "Surveys of residents",
})  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One figure as the page shows it: all indicators that it answers, in words, with its pedigree."""

    key: str
    readings: tuple[Reading, ...]
    claim: Claim
    pedigree: Pedigree | None
    currency: str = ""

    @property
    def first(self) -> Reading:
        """The reading that names it; of several frameworks the first of the catalogue."""
        return min(self.readings, key=lambda each: each.standing.order[0])

    @property
    def indicator(self) -> Indicator:
        """The indicator that names it."""
        return self.readings[0].indicator

    @property
    def theme(self) -> str:
        """Theme it is read under."""
        return theme_of(self.indicator)

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Framework and code of every indicator that this figure answers."""
        return tuple((frameworks()[each.indicator.framework].title, each.indicator.code) for each in self.readings)

    @property
    def value(self) -> str:
        """Its value, rounded."""
        return significant(self.readings[0].value or 0.0)

    @property
    def unit(self) -> str:
        """Its unit, as people read it."""
        return unit_of(self.indicator).replace("money", self.currency or "money")

    @property
    def scope(self) -> str:
        """What the twin counts, where that is less than the indicator's name says."""
        return self.readings[0].scope

    @property
    def doubt(self) -> str:
        """Why a verdict on it is not sure; empty where it is, or where there is none."""
        standing = self.first.standing
        if standing.level == "not judged" or standing.sure:
            return ""
        return POINT if self.claim.illustrative else "its interval reaches another level"

    @property
    def span(self) -> str:
        """Its interval, or nothing."""
        low, high = self.readings[0].low, self.readings[0].high
        ends = [] if low is None or high is None else [significant(low), significant(high)]
        return " to ".join(ends) if len(set(ends)) > 1 else ""

    @property
    def beside(self) -> str:
        """What was observed, where the value is the twin's and somebody counted it too."""
        seen = next((each.observation for each in self.readings if each.basis == "twin" and each.observation), None)
        if seen is None:
            return ""
        return f"{significant(seen.value)} {self.unit} was observed in {seen.period} ({seen.quality}; {seen.source})."

    @property
    def targets(self) -> tuple[str, ...]:
        """The city's target, then benchmarks, each with whose it is."""
        told = []
        for each in self.readings:
            if each.target is not None:
                by = f" by {each.target.by.isoformat()}" if each.target.by else ""
                told.append(f"Target: {significant(each.target.value)} {self.unit}{by} ({each.target.source}).")
            told += [f"Benchmark: {significant(mark.value)} {self.unit} ({mark.source})." for mark in each.benchmarks]
        return tuple(dict.fromkeys(told))

    @property
    def spread_ratio(self) -> float:
        """How many times worse off the worst-off tenth is than the mean; 1 where that is not known."""
        return max((each.spread.ratio for each in self.readings if each.spread is not None), default=1.0)

    @property
    def uneven(self) -> str:
        """How the worst-off tenth of residents fares, where that is known."""
        spread = next((each.spread for each in self.readings if each.spread is not None), None)
        if spread is None or spread.ratio < EVEN:
            return ""
        share = spread.unit == "1" and max(abs(spread.worst), abs(spread.mean)) <= 1
        factor, unit = (100.0, " %") if share else SHOWN.get(spread.unit, (1.0, f" {spread.unit}"))
        worst, mean = (f"{significant(factor * value)}{unit}" for value in (spread.worst, spread.mean))
        meaning = REGISTRY.quantities[spread.quantity].meaning.rstrip(".").lower()
        return (
            f"By zone ({meaning}): {worst} for the worst-off tenth of residents, {mean} on "
            f"average; worst: {spread.zone}."
        )


@dataclass(frozen=True)
class Tally:
    """How much of something is known: a framework, an area, a pillar."""

    name: str
    twin: int
    observed: int
    missing: int
    severe: int = 0
    problem: int = 0
    note: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return self.twin + self.observed + self.missing


@dataclass(frozen=True)
class Source:
    """Somebody who could give what is missing, and which indicators that would open."""

    name: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Row:
    """One indicator today and with the scenario."""

    change: Change
    codes: tuple[tuple[str, str], ...]
    before: str
    after: str
    difference: str
    span: str
    unit: str


def write_baseline(baseline: Baseline, path: Path, *, command: str = "") -> Path:
    """Write the baseline as one HTML file that works without any network.

    Raises
    ------
    StorageError
        When the file cannot be written; what stood there before is left as it was.
    """
    path = Path(path)
    write_whole(path, render_baseline(baseline, command=command))
    return path


def render_baseline(baseline: Baseline, *, command: str = "") -> str:
    """Render the baseline as one HTML page; equal baselines make equal pages."""
    known = entries_of(baseline)
    problems = sorted((e for e in known if e.first.standing.level in ("severe", "problem")), key=_order)
    style, script = asset("report.css") + asset("baseline.css"), asset("report.js")
    return template("baseline.html.j2").render(
        b=baseline,
        a=baseline.answer,
        title=f"{baseline.answer.city}: where the city stands",
        summary=summary_of(baseline),
        problems=problems,
        uneven=sorted((e for e in known if e.uneven), key=lambda e: -e.spread_ratio),
        themes=_by_theme(known),
        frameworks=_frameworks(baseline),
        areas=_tallies(baseline, known, AREAS, lambda row: (row.area,)),
        pillars=_tallies(baseline, known, PILLARS, lambda row: row.pillars),
        missing=missing_by_source(baseline),
        parts=[each for each in baseline.readings if each.parts],
        grades=_grades(baseline),
        origins_of=Counter(entry.readings[0].origin for entry in known if entry.readings[0].basis == "twin"),
        judged=_judged(baseline),
        unchanged=_unchanged(baseline),
        notes=[frameworks()[key] for key in baseline.frameworks],
        attribution=attribution_of(baseline.answer),
        command=command,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        origins=ORIGINS,
        outcomes=OUTCOMES,
        status=STATUS,
        levels=LEVEL_WORDS,
        unit_of=lambda row: unit_of(row).replace("money", baseline.currency or "money"),
        verdicts=VERDICTS,
        places=PLACES_FROM,
        grades_mean=GRADES,
    )


def entries_of(baseline: Baseline) -> tuple[Entry, ...]:
    """What is known, each figure once: indicators of several frameworks with one value are one entry."""
    groups: dict[tuple[str, float], list[Reading]] = {}
    for reading in baseline.readings:
        if reading.value is None:
            continue
        row = reading.indicator
        key = (row.quantity, row.factor) if reading.basis == "twin" else (row.id, 0.0)
        groups.setdefault(key, []).append(reading)
    found = []
    for readings in groups.values():
        claim = readings[0].claim
        pedigree = trace(baseline.answer, claim) if claim is not None else None
        name = readings[0].indicator.id.replace(":", "-").replace(".", "-")
        found.append(Entry(name, tuple(readings), claim or _no_claim(readings[0]), pedigree, baseline.currency))
    return tuple(found)


def summary_of(baseline: Baseline) -> str:
    """How much is known, and how much of it stands badly, in two sentences."""
    count = Counter(each.basis for each in baseline.readings)
    levels = Counter(entry.first.standing.level for entry in entries_of(baseline))
    said = (
        f"Of {len(baseline.readings)} indicators the twin computes {count['twin']}, {count['observation']} more come "
        f"from observations, and {count['']} are not known yet."
    )
    bad = f" {_times(levels['severe'], 'figure is', 'figures are')} severe, {levels['problem']} more a problem."
    if not (levels["severe"] or levels["problem"] or levels["good"]):
        return said + " None has a target of the city or a published benchmark to be held against."
    return said + bad


def missing_by_source(baseline: Baseline) -> dict[str, list[Source]]:
    """What is not known, by the kind of source and then by who could give it, the most fruitful first."""
    kinds: dict[str, dict[str, list[Reading]]] = {kind: {} for kind in COMPUTABLE_FROM}
    for reading in baseline.readings:
        if reading.value is None and reading.indicator.is_number:
            row = reading.indicator
            kinds[row.computable_from].setdefault(row.needs, []).append(reading)
    return {
        kind: sorted((Source(name, tuple(found)) for name, found in sources.items()), key=lambda s: -len(s.readings))
        for kind, sources in kinds.items()
        if sources
    }


def theme_of(row: Indicator) -> str:
    """Theme under which an indicator is read, in the words of ISO 37120."""
    if row.framework == "imd":
        return "What residents say (IMD)"
    name = row.theme.rpartition(" / ")[2]
    if row.framework == "sdg11":
        name = name.partition(" ")[2]
    return THEMES.get(name, name)


def unit_of(row: Indicator) -> str:
    """Unit of an indicator as people read it; nothing for a pure number."""
    return UNITS.get(row.unit, row.unit) if row.unit not in ("1", "count") else ""


def _no_claim(reading: Reading) -> Claim:
    """What stands in a pedigree's place for an observation: it has no run."""
    return Claim(reading.indicator.id, reading.indicator.name, "", reading.indicator.unit, reading.value, None, None)


def _order(entry: Entry) -> tuple[int, float]:
    return entry.first.standing.order


def _times(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _by_theme(known: Sequence[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in known:
        found.setdefault(entry.theme, []).append(entry)
    return dict(sorted(found.items()))


def _tally(name: str, readings: Sequence[Reading], entries: Sequence[Entry] = (), note: str = "") -> Tally:
    bases = Counter(each.basis for each in readings)
    levels = Counter(entry.first.standing.level for entry in entries)
    return Tally(name, bases["twin"], bases["observation"], bases[""], levels["severe"], levels["problem"], note,
                 tuple(entries))  # fmt: skip


def _frameworks(baseline: Baseline) -> list[Tally]:
    return [
        _tally(frameworks()[key].title, [each for each in baseline.readings if each.indicator.framework == key])
        for key in baseline.frameworks
    ]


def _tallies(baseline: Baseline, known: Sequence[Entry], names: Sequence[str], tags: object) -> list[Tally]:
    """One tally for each name; `tags` gives the names an indicator belongs to."""
    assert callable(tags)
    return [
        _tally(
            name,
            [each for each in baseline.readings if name in tags(each.indicator)],
            [entry for entry in known if name in tags(entry.indicator)],
        )
        for name in names
    ]


def _grades(baseline: Baseline) -> list[tuple[str, int]]:
    counted = Counter(each.quality for each in baseline.observations)
    return [(grade, counted[grade]) for grade in GRADES]


def _judged(baseline: Baseline) -> list[Row]:
    """Indicators that a scenario changes, each figure once: worse first, then better."""
    if baseline.judgement is None:
        return []
    rows = _rows([each for each in baseline.judgement.changes if each.verdict not in STANDS_STILL])
    order = list(VERDICTS)
    return sorted(rows, key=lambda row: (order.index(row.change.verdict) + len(order) - 1) % len(order))


def _unchanged(baseline: Baseline) -> list[Row]:
    if baseline.judgement is None:
        return []
    return _rows([each for each in baseline.judgement.changes if each.verdict in STANDS_STILL])


def _rows(changes: Sequence[Change]) -> list[Row]:
    groups: dict[tuple[str, float], list[Change]] = {}
    for each in changes:
        groups.setdefault((each.indicator.quantity, each.indicator.factor), []).append(each)
    return [_row(group) for group in groups.values()]


def _row(group: Sequence[Change]) -> Row:
    change = group[0]
    digits = _digits(change.change)
    span = ""
    if change.low is not None and change.high is not None and change.verdict != "unchanged":
        ends = [number(end, digits, sign=True) for end in (change.low, change.high)]
        span = " to ".join(ends) if len(set(ends)) > 1 else ""
    codes = tuple((frameworks()[each.indicator.framework].title, each.indicator.code) for each in group)
    shown = max(digits, 0)
    return Row(change, codes, number(change.before, shown), number(change.after, shown),
               number(change.change, digits, sign=True), span, unit_of(change.indicator))  # fmt: skip


def _digits(change: float) -> int:
    """Decimals that show a change in three figures, at most four."""
    for digits in range(5):
        if abs(change) >= 10 ** (2 - digits):
            return digits
    return 4
