"""How bad is it? A value held against the city's own target, else against a published benchmark, else not judged.

ISO sets no thresholds, and neither do we: what is severe is said by the city (its targets), or by a source that
somebody here has read. A benchmark that nobody here read can name a problem, never a severe one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synapolis.core.declare import registered
from synapolis.indicators.catalogue import Band, Indicator
from synapolis.indicators.observations import Target

Level = Literal["severe", "problem", "good", "not judged"]
LEVELS: tuple[Level, ...] = ("severe", "problem", "good", "not judged")
"""From worst to unknown: the order in which a report tells them."""


@dataclass(frozen=True)
class Standing:
    """A verdict on a value: how bad, by which rule, from whom, and how far past it (as a share of the mark)."""

    level: Level
    basis: Literal["target", "benchmark", ""]
    rule: str
    source: str
    read: bool = True
    gap: float = 0.0
    sure: bool = True

    @property
    def order(self) -> tuple[int, float]:
        """Sorts the worst first: by level, then by how far past the mark."""
        return LEVELS.index(self.level), -self.gap


NOT_JUDGED = Standing("not judged", "", "no target and no benchmark", "")


@registered(
    kind="rule",
    version="1",
    name="standing",
    decision="Which problems of a city are called severe.",
    data=("value of an indicator with its interval", "target of the city", "bands of a published benchmark"),
    method="Held against the city's own target where there is one, else against the bands of a benchmark; a benchmark "
    "whose source nobody here read never makes a problem severe.",
    source="The project's own rule, told in docs/indicators.md; ISO 37120 and its kin set no thresholds.",
    limits="Without target or benchmark nothing is judged, however bad it may be.",
    risks="What nobody set a target for is not seen: the report lists what was not judged.",
    tests="tests/indicators/test_standing.py",
)
def stand(
    indicator: Indicator,
    value: float,
    *,
    target: Target | None = None,
    bands: Sequence[Band] = (),
    interval: tuple[float, float] | None = None,
    today: dt.date | None = None,
) -> Standing:
    """Judge a value by the city's target where there is one, else by the bands of a benchmark.

    By target: a value that reaches it is good. One past what the city itself calls severe is severe, and so is one that
    misses a target whose day has come; any other miss is a problem. By benchmark: as its band says, but what nobody
    here read is never more than a problem. `sure` is False where the interval of the value reaches into another level.
    """
    level, basis, rule, source, read = _judge(indicator, value, target, bands, today)
    if level == "not judged":
        return NOT_JUDGED
    ends = [_judge(indicator, end, target, bands, today)[0] for end in interval or ()]
    mark = target.value if target is not None else _nearest_good(value, bands)
    gap = abs(value - mark) / abs(mark) if mark else abs(value - (mark or 0.0))
    return Standing(
        level, basis, rule, source, read, gap if level != "good" else 0.0, all(end == level for end in ends)
    )


def misses(indicator: Indicator, value: float, mark: float) -> bool:
    """Whether a value is on the worse side of a mark, by the indicator's better direction."""
    return value < mark if indicator.better == "higher" else value > mark


def _judge(
    indicator: Indicator, value: float, target: Target | None, bands: Sequence[Band], today: dt.date | None
) -> tuple[Level, Literal["target", "benchmark", ""], str, str, bool]:
    if target is not None and indicator.better != "neither":
        return *_by_target(indicator, value, target, today), target.source, True
    for band in bands:
        if band.holds(value):
            level: Level = "problem" if band.standing == "severe" and not band.read else band.standing
            unread = "" if band.read else "; nobody here has read the source"
            limits = f"{band.says} {_unit(indicator)}".strip()
            return level, "benchmark", f"{band.label} ({limits}){unread}", band.source, band.read
    return "not judged", "", "", "", True


def _by_target(
    indicator: Indicator, value: float, target: Target, today: dt.date | None
) -> tuple[Level, Literal["target"], str]:
    side = "at least" if indicator.better == "higher" else "at most"
    wants = f"the city wants {side} {target.value:g} {_unit(indicator)}".rstrip()
    when = f" by {target.by.isoformat()}" if target.by else ""
    if not misses(indicator, value, target.value):
        return "good", "target", wants + when
    if target.severe is not None and (misses(indicator, value, target.severe) or value == target.severe):
        worse = "below" if indicator.better == "higher" else "above"
        return "severe", "target", f"{wants}{when} and calls {target.severe:g} or {worse} severe"
    if target.by is not None and today is not None and target.by < today:
        return "severe", "target", f"{wants}{when}: that day has passed"
    return "problem", "target", wants + when


def _nearest_good(value: float, bands: Sequence[Band]) -> float:
    """Edge of the nearest good band."""
    edges = [edge for band in bands if band.standing == "good" for edge in (band.low, band.high)]
    return min(edges, key=lambda edge: abs(value - edge), default=value)


def _unit(indicator: Indicator) -> str:
    return "" if indicator.unit == "1" else indicator.unit
