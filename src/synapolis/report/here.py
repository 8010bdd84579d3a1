"""What a plan does at one place: the trip from there, its rent, its heat, the water that stands there in a storm.

A plan is run once for all places (scenarios/surveying.py); from what that gave, the effects at any place are read here
without a model, in well under a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synapolis.layers.grid import Grid
from synapolis.report.numbers import number
from synapolis.scenarios.surveyed import Surveyed

Topic = Literal["trip", "rent", "heat", "flood"]
REACH = 25.0
"""Ground around a place that counts as there [m]: about as far as the houses across the street."""


@dataclass(frozen=True)
class Sight:
    """How one quantity is told at a place: its topic, words, unit, factor to it, and the finest change that is told."""

    topic: Topic
    says: str
    unit: str
    scale: float
    digits: int
    less: str
    more: str
    by: Literal["", "transit", "car"] = ""


SIGHTS: Mapping[str, Sight] = MappingProxyType({
    "median_travel_time": Sight("trip", "By public transport or on foot", "min", 1 / 60, 1, "less", "more", "transit"),
    "mean_time_to_jobs": Sight("trip", "By public transport or on foot to the average job", "min", 1 / 60, 1, "less",
                               "more", "transit"),
    "car_time": Sight("trip", "By car in the peak hour", "min", 1 / 60, 1, "less", "more", "car"),
    "monthly_rent": Sight("rent", "Rent of a typical home", "money/month", 1, 0, "less", "more"),
    "utci": Sight("heat", "Felt temperature outdoors on a hot afternoon", "°C", 1, 1, "cooler", "hotter"),
    "flood_depth": Sight("flood", "Deepest water outdoors in the design storm", "cm", 100, 0, "less", "more"),
})  # fmt: skip
"""What is told at a place. Trips are told to a destination where one is given, else to the city's jobs."""


@dataclass(frozen=True)
class EffectHere:
    """One effect at one place; where it cannot be had, `not_computable` says what it needs and the values are None."""

    topic: Topic
    quantity: str
    text: str
    unit: str
    digits: int
    before: float | None = None
    after: float | None = None
    not_computable: str = ""
    by: str = ""
    note: str = ""
    illustrative: bool = False

    @property
    def change(self) -> float | None:
        """After minus before; None where it cannot be had, 0 below what can be told."""
        if self.before is None or self.after is None:
            return None
        change = self.after - self.before
        return change if abs(change) >= 0.5 * 10**-self.digits else 0.0


def effects_at(
    surveyed: Surveyed, at: tuple[float, float], to: tuple[float, float] | None = None
) -> tuple[EffectHere, ...]:
    """Read what a plan does at a place.

    Parameters
    ----------
    surveyed : Surveyed
    at : x and y of the place, in the city's CRS [m]
    to : x and y of where trips go; to the city's jobs unless given

    Returns
    -------
    tuple of EffectHere
        One for each thing told: trips by public transport and by car, rent, heat, flood. What cannot be had says what
        it needs, and is never 0.
    """
    trips = ("median_travel_time", "car_time") if to is not None else ("mean_time_to_jobs",)
    words = (*trips, "monthly_rent", "utci", "flood_depth")
    return tuple(_effect(surveyed, word, at, to) for word in words)


def _effect(surveyed: Surveyed, word: str, at: tuple[float, float], to: tuple[float, float] | None) -> EffectHere:
    sight = SIGHTS[word]
    unit = sight.unit.replace("money", surveyed.currency or "money")
    told = {"unit": unit, "digits": sight.digits, "by": sight.by, "note": surveyed.notes.get(word, "")}
    drawn = word in surveyed.illustrative
    if word not in surveyed.values:
        return _lacking(sight, word, surveyed.missing.get(word, "not computable: it was not part of the run"), told)
    try:
        before, after = (_read(surveyed, word, values, at, to) for values in surveyed.values[word])
    except _NotHere as error:
        return _lacking(sight, word, f"not computable: {error}", told)
    if word == "flood_depth":
        before, after = (0.0 if 0 <= value < 0.005 else value for value in (before, after))
    pair = before * sight.scale, after * sight.scale
    if not all(map(math.isfinite, pair)):
        return _lacking(sight, word, _unreached(pair), told)
    way = _way(surveyed, sight, at, to)
    return EffectHere(sight.topic, word, _sentence(sight, way, pair, unit), before=pair[0], after=pair[1],
                      illustrative=drawn, **told)  # type: ignore[arg-type]  # fmt: skip


def _lacking(sight: Sight, word: str, why: str, told: Mapping[str, Any]) -> EffectHere:
    return EffectHere(sight.topic, word, f"{sight.says}: {why}.", not_computable=why, **told)


class _NotHere(Exception):  # noqa: N818 - an outcome we expect, kept in this module
    """Why a value cannot be read at a place."""


def _read(
    surveyed: Surveyed, word: str, values: NDArray[np.float32], at: tuple[float, float], to: tuple[float, float] | None
) -> float:
    """One value at a place, in the word's own unit."""
    if word in ("utci", "flood_depth"):
        return _around(surveyed.grid, values, at, deepest=word == "flood_depth")
    here = _row(surveyed, at, "the place")
    if values.ndim == 1:
        return float(values[here])
    assert to is not None
    there = _row(surveyed, to, "the destination")
    if here == there:
        raise _NotHere("needs a destination in another area: inside one area no times are computed")
    if word == "car_time":
        here, there = int(surveyed.group[here]), int(surveyed.group[there])
        if here == there:
            raise _NotHere("needs a destination farther off: car times are between groups of areas")
    return float(values[here, there])


def _row(surveyed: Surveyed, at: tuple[float, float], what: str) -> int:
    row = surveyed.zone_at(*at)
    if row is None:
        raise _NotHere(f"needs {what} within the areas of {surveyed.title}; it lies outside")
    return row


def _around(grid: Grid, values: NDArray[np.float32], at: tuple[float, float], *, deepest: bool) -> float:
    """Mean (or largest) over the cells whose centre is within `REACH` of a place and that hold a value."""
    x, y = at
    left, bottom, right, top = grid.bounds
    if not (left <= x <= right and bottom <= y <= top):
        raise _NotHere("needs a place inside the city's data; this one lies outside")
    reach = max(REACH, grid.cell_size)
    xs, ys = grid.centres()
    columns, rows = np.flatnonzero(np.abs(xs - x) <= reach), np.flatnonzero(np.abs(ys - y) <= reach)
    near = (xs[columns][None, :] - x) ** 2 + (ys[rows][:, None] - y) ** 2 <= reach**2
    found = values[np.ix_(rows, columns)][near]
    found = found[np.isfinite(found)]
    if not found.size:
        raise _NotHere(f"needs open ground within {reach:g} m; there is none")
    return float(found.max() if deepest else found.mean())


def _unreached(pair: tuple[float, float]) -> str:
    which = {
        (True, False): "today, though the plan makes one",
        (False, True): "with the plan, though there is one today",
    }
    seen = which.get((math.isinf(pair[0]), math.isinf(pair[1])), "today or with the plan")
    return f"not computable: needs a connection, and the twin finds none {seen}"


def _way(surveyed: Surveyed, sight: Sight, at: tuple[float, float], to: tuple[float, float] | None) -> str:
    """From where, and to where: the names of the areas."""
    if sight.topic != "trip":
        return ""
    start = surveyed.name_at(*at)
    return f" from {start}" + (f" to {surveyed.name_at(*to)}" if to is not None else "")


def _sentence(sight: Sight, way: str, pair: tuple[float, float], unit: str) -> str:
    before, after = pair
    change = after - before
    shown = number(before, sight.digits)
    if abs(change) < 0.5 * 10**-sight.digits:
        still = (
            "none, today and with the plan"
            if sight.topic == "flood" and before == 0
            else f"unchanged at {shown} {unit}"
        )
        return f"{sight.says}{way}: {still}."
    way_of = sight.more if change > 0 else sight.less
    size = f"{number(abs(change), sight.digits)} {unit} {way_of}"
    return f"{sight.says}{way}: {number(after, sight.digits)} {unit} with the plan, {shown} {unit} today ({size})."
