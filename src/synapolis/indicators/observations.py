"""Dated observations of indicators, and the city's own targets: read from CSV, checked row by row, all or nothing.

An observation is what somebody counted; a target is what the city wants; a benchmark is what somebody else calls good.
They are kept apart: a target is never a benchmark, and neither is ever a value.
"""

from __future__ import annotations

import calendar
import csv
import dataclasses
import datetime as dt
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rapidfuzz import process

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError
from synapolis.indicators.catalogue import Indicator, find, indicators

GRADES: Mapping[str, str] = MappingProxyType({
    "measured": "counted or measured for the city as a whole",
    "survey extrapolated": "from a sample of the city, extrapolated to all of it",
    "extrapolated from a higher level": "from a region or country, broken down to the city",
    "estimated": "estimated by a stated method",
    "personal estimate": "estimated by a person who knows the field",
    "unknown": "nobody could say how it came about",
})  # fmt: skip
"""Grades of data quality, the best first, as the verifier's sheet of U4SSC asks for each figure."""
CITY = "city"
"""The area of an observation of the whole city."""
COLUMNS = ("indicator", "area", "period", "value", "numerator", "denominator", "unit", "quality", "source",
           "lower", "upper")  # fmt: skip
TARGET_COLUMNS = ("kind", "indicator", "area", "value", "unit", "by", "severe", "source")
NEEDED = ("indicator", "period", "unit", "quality", "source")
MOST = 12
"""Faults that one message tells."""
MOST_BYTES = 50_000_000
"""Size of a file beyond which it is no list of indicators."""
LONGEST = 300
"""Characters of an area or a source."""
AGREES = 0.005
"""A stated value may differ from its counts by this share: published figures are rounded."""
SPELLINGS = {"m2": "m²", "km2": "km²", "ug/m3": "µg/m³", "μg/m³": "µg/m³", "co2e": "co₂e", "percent": "%", "pct": "%"}


@dataclass(frozen=True)
class Observation:
    """What somebody counted, for an area and a period, in the indicator's unit, with its grade and source."""

    indicator: str
    area: str
    period: str
    value: float
    unit: str
    quality: str
    source: str
    numerator: float | None = None
    denominator: float | None = None
    lower: float | None = None
    upper: float | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same figure as another: indicator, area, period and source."""
        return self.indicator, self.area, self.period, self.source

    @property
    def start(self) -> dt.date:
        """First day of its period."""
        return period_of(self.period)[0]

    @property
    def end(self) -> dt.date:
        """Last day of its period."""
        return period_of(self.period)[1]


@dataclass(frozen=True)
class Target:
    """What the city itself wants: a value, by when, and beyond which value it calls the matter severe."""

    indicator: str
    area: str
    value: float
    by: dt.date | None
    severe: float | None
    source: str


@dataclass(frozen=True)
class Benchmark:
    """What somebody else reaches or calls good; never a target of the city."""

    indicator: str
    area: str
    value: float
    source: str


@dataclass
class _Faults:
    """What is wrong in a file, by row and column; raised together, so that one pass mends the file."""

    where: str
    told: list[str]

    def at(self, row: int, column: str, says: str) -> None:
        self.told.append(f"row {row}, column {column}: {says}")

    def stop(self) -> None:
        if self.told:
            more = f"; and {len(self.told) - MOST} more" if len(self.told) > MOST else ""
            raise SourceError(f"{self.where}: nothing was imported; {'; '.join(self.told[:MOST])}{more}")


@registered(
    kind="parser",
    version="1",
    decision="Which observations of indicators are taken into the city's records.",
    data=("CSV of observations: indicator, area, period, value or counts, unit, quality, source",),
    method="Each row is checked against the catalogue: known indicator, its unit, plausible range, agreement of value "
    "and counts, real dates, a grade, no figure twice; all rows are taken or none.",
    source="Grades and plausible ranges as an idea of the U4SSC verifier's sheet; the rules are the project's own.",
    limits="A plausible wrong figure passes: the range only catches slips of unit and decimal point.",
    risks="A figure taken as measured that was guessed misleads: the grade is asked for and shown with it.",
    tests="tests/indicators/test_observations.py",
)
def read_observations(
    data: bytes | str,
    *,
    where: str = "observations",
    today: dt.date | None = None,
    areas: Sequence[str] = (),
    currency: str = "",
) -> tuple[Observation, ...]:
    """Read observations from CSV, all of them or none.

    Columns: indicator, period, unit, quality, source, and value or numerator with denominator; area, lower and upper
    may be left out. Row 1 holds the names of the columns.

    Parameters
    ----------
    data : the file's bytes (UTF-8) or text
    where : name of the file, for messages
    today : a period that begins after this day is refused; None does not ask
    areas : names that an area may have; none does not ask
    currency : that of the city, which is taken where a unit says money

    Raises
    ------
    SourceError
        Naming row and column of each fault: an indicator nobody knows, another unit, a value outside the plausible
        range, a date that is none, a grade nobody knows, a figure given twice.
    """
    rows = _table(data, where, needed=NEEDED, known=COLUMNS)
    faults, places = _Faults(where, []), {"", CITY, *areas}
    found: dict[tuple[str, str, str, str], tuple[int, Observation]] = {}
    for number, row in rows:
        before = len(faults.told)
        observation = _observation(number, row, faults, today, currency)
        if areas and row["area"] not in places:
            _unknown_area(number, row["area"], areas, faults)
        if observation is None or len(faults.told) > before:
            continue
        twin = found.get(observation.key)
        if twin is not None:
            faults.at(number, "indicator", f"{observation.indicator} for {observation.area} in {observation.period} "
                      f"from the same source stands in row {twin[0]} already")  # fmt: skip
            continue
        found[observation.key] = (number, observation)
    faults.stop()
    return tuple(observation for _, observation in found.values())


@registered(
    kind="parser",
    version="1",
    decision="Which targets of the city, and which benchmarks, values are held against.",
    data=("CSV of targets and benchmarks: kind, indicator, area, value, unit, by, severe, source",),
    method="Each row is checked against the catalogue, and targets are kept apart from benchmarks; all rows or none.",
    source="The project's own form, told in docs/indicators.md.",
    limits="Whether a target was really decided is not known: its source is taken as written.",
    risks="A target set low makes a city look good: the target stands beside each value.",
    tests="tests/indicators/test_observations.py",
)
def read_targets(
    data: bytes | str, *, where: str = "targets", currency: str = ""
) -> tuple[tuple[Target, ...], tuple[Benchmark, ...]]:
    """Read the city's targets, and benchmarks with their source, from CSV: all of them or none.

    Columns: kind (target or benchmark), indicator, value, unit, source; area, by (a day or year) and severe may be left
    out. A benchmark takes neither `by` nor `severe`: only the city says by when, and what is severe.

    Raises
    ------
    SourceError
        Naming row and column of each fault.
    """
    rows = _table(data, where, needed=("kind", "indicator", "value", "unit", "source"), known=TARGET_COLUMNS)
    faults = _Faults(where, [])
    targets: dict[tuple[str, str], Target] = {}
    benchmarks: list[Benchmark] = []
    for number, row in rows:
        before = len(faults.told)
        indicator = _indicator(number, row, faults)
        value = _number(number, row, "value", faults)
        if indicator is None or value is None:
            if value is None and not row["value"]:
                faults.at(number, "value", "expected a number, got nothing")
            continue
        _check_unit(number, row, indicator, faults, currency)
        _check_range(number, "value", value, indicator, faults)
        _check_text(number, row, "source", faults)
        area = row["area"] or CITY
        if row["kind"] == "target":
            target = _target(number, row, indicator, value, area, faults)
            if (indicator.id, area) in targets:
                faults.at(number, "indicator", f"{indicator.id} has a target for {area} already")
            targets[indicator.id, area] = target
        elif row["kind"] == "benchmark":
            for column in ("by", "severe"):
                if row[column]:
                    faults.at(number, column, f"expected nothing for a benchmark, got {row[column]!r}; only a target "
                              "of the city has it")  # fmt: skip
            benchmarks.append(Benchmark(indicator.id, area, value, row["source"]))
        else:
            faults.at(number, "kind", f"expected target or benchmark, got {row['kind']!r}")
        if len(faults.told) > before:
            continue
    faults.stop()
    return tuple(targets.values()), tuple(benchmarks)


def latest(observations: tuple[Observation, ...], indicator: str, area: str = CITY) -> Observation | None:
    """Return the observation of the latest period; of several the best grade, and then the last by name of source."""
    grades = list(GRADES)
    fitting = [each for each in observations if each.indicator == indicator and each.area == area]
    return max(fitting, key=lambda each: (each.end, -grades.index(each.quality), each.source), default=None)


def period_of(text: str) -> tuple[dt.date, dt.date]:
    """First and last day of a period: 2024, 2024-Q3, 2024-07, 2024-07-15 or 2024-07-01/2025-06-30.

    Raises
    ------
    SourceError
        When it is none of these.
    """
    first, slash, last = text.partition("/")
    try:
        start, end = _days(first), _days(last if slash else first)
    except ValueError as error:
        raise SourceError(
            f"expected a period such as 2024, 2024-Q3, 2024-07, 2024-07-15 or 2024-07-01/2025-06-30, got {text!r}"
        ) from error
    if end[1] < start[0]:
        raise SourceError(f"expected a period that ends after it begins, got {text!r}")
    return start[0], end[1]


def _days(text: str) -> tuple[dt.date, dt.date]:
    if re.fullmatch(r"\d{4}", text):
        return dt.date(int(text), 1, 1), dt.date(int(text), 12, 31)
    if quarter := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        year, last = int(quarter[1]), 3 * int(quarter[2])
        return dt.date(year, last - 2, 1), _month_end(year, last)
    if month := re.fullmatch(r"(\d{4})-(\d{2})", text):
        year, number = int(month[1]), int(month[2])
        return dt.date(year, number, 1), _month_end(year, number)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    day = dt.date.fromisoformat(text)
    return day, day


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _table(
    data: bytes | str, where: str, *, needed: tuple[str, ...], known: tuple[str, ...]
) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV with their numbers as a spreadsheet counts them; every known column is there, empty or not."""
    rows = _cells(data, where)
    if not rows or not any(rows[0]):
        raise SourceError(f"{where}: expected a CSV with the columns {', '.join(needed)}, got an empty file")
    header = _header(rows[0], where, needed, known)
    found, faults = [], _Faults(where, [])
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        if len(row) != len(header):
            hint = "; write decimals with a point" if len(row) > len(header) else ""
            faults.at(number, header[min(len(row), len(header) - 1)], f"expected {len(header)} cells in the row, got "
                      f"{len(row)}{hint}")  # fmt: skip
        _check_cells(number, cells, faults)
        found.append((number, dict.fromkeys(known, "") | cells))
    faults.stop()
    if not found:
        raise SourceError(f"{where}: expected at least one row below the names of the columns, got none")
    return found


def _cells(data: bytes | str, where: str) -> list[list[str]]:
    """Cells of every row of a CSV in UTF-8, whatever ends its lines."""
    if len(data) > MOST_BYTES:
        raise SourceError(f"{where}: expected at most {MOST_BYTES // 1_000_000} MB, got {len(data) / 1e6:.0f} MB; "
                          "divide the file")  # fmt: skip
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{where}: expected a CSV file in UTF-8, byte {error.start} is not; save it as UTF-8"
        ) from error
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        return list(csv.reader(io.StringIO(lines, newline="\n"), strict=True))
    except csv.Error as error:
        raise SourceError(f"{where}: not CSV: {error}; quote cells that hold commas or quotes") from error


def _header(first: list[str], where: str, needed: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    """Names of the columns: all that are needed, and none that nobody knows."""
    header = [name.strip().lower() for name in first]
    missing = [name for name in needed if name not in header]
    if missing:
        hint = "; its columns seem to be divided by semicolons: use commas" if ";" in first[0] else ""
        raise SourceError(
            f"{where}: row 1: expected the columns {', '.join(missing)} too, got {', '.join(header)}{hint}"
        )
    strange = [name for name in header if name not in known]
    if strange or len(set(header)) < len(header):
        told = ", ".join(strange) or "a column twice"
        raise SourceError(f"{where}: row 1: expected only the columns {', '.join(known)}, each once; got {told}")
    return header


def _check_cells(number: int, cells: Mapping[str, str], faults: _Faults) -> None:
    for name, cell in cells.items():
        if any(ord(letter) < ord(" ") for letter in cell):
            faults.at(number, name, f"expected plain text, got {cell[:40]!r} with a control character")
        elif len(cell) > LONGEST:
            faults.at(number, name, f"expected at most {LONGEST} characters, got {len(cell)}")


def _observation(
    number: int, row: Mapping[str, str], faults: _Faults, today: dt.date | None, currency: str
) -> Observation | None:
    indicator = _indicator(number, row, faults)
    before = len(faults.told)
    counts = {
        name: _number(number, row, name, faults) for name in ("numerator", "denominator", "lower", "upper", "value")
    }
    unreadable = len(faults.told) > before
    quality = row["quality"].lower()
    if quality not in GRADES:
        faults.at(number, "quality", f"expected one of {', '.join(GRADES)}; got {row['quality']!r}")
    _check_text(number, row, "source", faults)
    _check_period(number, row["period"], faults, today)
    if indicator is None:
        return None
    _check_unit(number, row, indicator, faults, currency)
    value = None if unreadable else _value(number, indicator, counts, faults)
    if value is None:
        return None
    for name in ("lower", "upper"):
        bound = counts[name]
        if bound is not None and (bound > value if name == "lower" else bound < value):
            side = "at most" if name == "lower" else "at least"
            faults.at(number, name, f"expected {side} the value {value:g}, got {bound:g}")
        elif bound is not None:
            _check_range(number, name, bound, indicator, faults)
    return Observation(
        indicator.id, row["area"] or CITY, row["period"], value, indicator.unit, quality, row["source"],
        counts["numerator"], counts["denominator"], counts["lower"], counts["upper"],
    )  # fmt: skip


def _value(number: int, indicator: Indicator, counts: Mapping[str, float | None], faults: _Faults) -> float | None:
    """The value as stated, or from its counts; where both are given they must agree."""
    stated, over, under = counts["value"], counts["numerator"], counts["denominator"]
    if (over is None) != (under is None):
        lacking = "numerator" if over is None else "denominator"
        faults.at(number, lacking, f"expected {getattr(indicator, lacking) or 'nothing'}: give both counts or neither")
        return None
    if over is None or under is None:
        if stated is None:
            faults.at(number, "value", "expected a number, or numerator and denominator; got nothing")
            return None
        value = stated
    elif not indicator.denominator:
        faults.at(number, "numerator", f"expected nothing: {indicator.id} is no ratio but {indicator.definition}")
        return None
    elif under <= 0:
        faults.at(number, "denominator", f"expected {indicator.denominator} above 0, got {under:g}")
        return None
    else:
        value = indicator.value_of(over, under)
        if stated is not None and abs(stated - value) > max(AGREES * abs(value), 1e-9):
            faults.at(number, "value", f"expected {value:.6g}, which is {indicator.formula} of the counts in this row; "
                      f"got {stated:g}")  # fmt: skip
            return None
    _check_range(number, "value", value, indicator, faults)
    return value


def _target(
    number: int, row: Mapping[str, str], indicator: Indicator, value: float, area: str, faults: _Faults
) -> Target:
    severe = _number(number, row, "severe", faults)
    if severe is not None:
        _check_range(number, "severe", severe, indicator, faults)
    if indicator.better == "neither":
        faults.at(number, "indicator", f"{indicator.id} has no better direction: a target on it cannot be judged")
    elif severe is not None and (severe > value) != (indicator.better == "lower") and severe != value:
        worse = "above" if indicator.better == "lower" else "below"
        faults.at(number, "severe", f"expected a value {worse} the target {value:g}, got {severe:g}")
    by = None
    if row["by"]:
        try:
            by = period_of(row["by"])[1]
        except SourceError as error:
            faults.at(number, "by", str(error))
    return Target(indicator.id, area, value, by, severe, row["source"])


def _indicator(number: int, row: Mapping[str, str], faults: _Faults) -> Indicator | None:
    if len(faults.told) >= MOST and row["indicator"] not in indicators():
        faults.at(number, "indicator", f"no indicator is called {row['indicator']!r}")
        return None  # one that is not told needs no close ones
    try:
        found = find(row["indicator"])
    except SourceError as error:
        faults.at(number, "indicator", str(error))
        return None
    if not found.is_number:
        faults.at(number, "indicator", f"{found.id} is not one number: {found.formula}")
        return None
    return found


def _number(number: int, row: Mapping[str, str], column: str, faults: _Faults) -> float | None:
    text = row[column].replace("\u2212", "-").replace("\u202f", "").replace("\u00a0", "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if "_" in text or not math.isfinite(value):
        faults.at(number, column, f"expected a finite number with a decimal point, got {row[column]!r}")
        return None
    return value


def _check_unit(number: int, row: Mapping[str, str], indicator: Indicator, faults: _Faults, currency: str = "") -> None:
    units = [indicator.unit.replace("money", currency)] if currency else []
    if plain_unit(row["unit"]) not in map(plain_unit, [*units, indicator.unit]):
        faults.at(
            number, "unit", f"expected {(units or [indicator.unit])[0]!r} for {indicator.id}, got {row['unit']!r}"
        )


def _unknown_area(number: int, name: str, areas: Sequence[str], faults: _Faults) -> None:
    near = ", ".join(found for found, *_ in process.extract(name, areas, limit=3)) if len(faults.told) < MOST else ""
    faults.at(number, "area", f"expected nothing for the whole city, or a zone or named place of it, got {name!r}; "
              f"close ones are {near}")  # fmt: skip


def _check_range(number: int, column: str, value: float, indicator: Indicator, faults: _Faults) -> None:
    if not indicator.low <= value <= indicator.high:
        span = f"{indicator.low:g} to {indicator.high:g} {indicator.unit}"
        faults.at(number, column, f"expected {span} for {indicator.id} ({indicator.name}), got {value:g}")


def _check_text(number: int, row: Mapping[str, str], column: str, faults: _Faults) -> None:
    if not row[column]:
        faults.at(number, column, "expected a few words, got nothing")


def _check_period(number: int, text: str, faults: _Faults, today: dt.date | None) -> None:
    try:
        start, _ = period_of(text)
    except SourceError as error:
        faults.at(number, "period", str(error))
        return
    if today is not None and start > today:
        faults.at(number, "period", f"expected a period that has begun by {today.isoformat()}, got {text!r}")


def plain_unit(unit: str) -> str:
    """A unit without differences of spelling: case, spaces, m2 for m²."""
    text = unit.lower().replace("\u00a0", " ")
    for written, meant in SPELLINGS.items():
        text = text.replace(written, meant)
    return re.sub(r"\s+", "", text)


def as_csv(observations: tuple[Observation, ...]) -> str:
    """Write observations as the CSV that `read_observations` reads."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for each in observations:
        writer.writerow({name: "" if cell is None else cell for name, cell in dataclasses.asdict(each).items()})
    return stream.getvalue()
