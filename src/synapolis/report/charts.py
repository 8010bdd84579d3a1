"""Charts as plain positions in per cent, drawn by the page in HTML and SVG: sharp, small and readable as text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synapolis.report.numbers import Scale, claim_text, number, scale_of, words
from synapolis.scenarios.answer import Answer, Claim, Effect, Evidence
from synapolis.scenarios.views import view_of

MOST_DISTRIBUTIONS = 6
MOST_PLACES = 8
BINS = 48


@dataclass(frozen=True)
class Distribution:
    """The change of one claim over the ensemble: a dot per member, stacked where they meet."""

    text: str
    unit: str
    dots: tuple[tuple[float, int], ...]
    stack: int
    low: float | None
    high: float | None
    zero: float | None
    middle: float
    ticks: tuple[tuple[float, str], ...]
    sentence: str


@dataclass(frozen=True)
class Bar:
    """One place or group: where its bar starts and how long it is, in per cent of the axis."""

    name: str
    people: str
    before: str
    after: str
    change: str
    verdict: str
    start: float
    width: float


@dataclass(frozen=True)
class Balance:
    """Who gains and who loses of one quantity, by place or by group."""

    title: str
    unit: str
    by: str
    zero: float
    bars: tuple[Bar, ...]
    rest: tuple[Bar, ...]
    sentence: str


@dataclass(frozen=True)
class Reach:
    """What is in reach within one threshold, today and with the change, as positions on a common axis."""

    minutes: int
    before: str
    after: str
    change: str
    at_before: float
    at_after: float


def distributions(answer: Answer, evidence: Evidence, currency: str = "") -> tuple[Distribution, ...]:
    """Dot plots of the claims whose members are known and vary."""
    drawn = []
    for claim in answer.claims:
        members = np.asarray(evidence.members.get(claim.id, ()), dtype=float)
        members = members[np.isfinite(members)]
        if members.size >= 3 and np.ptp(members) > 0:
            drawn.append(_distribution(claim, members, currency))
    return tuple(drawn[:MOST_DISTRIBUTIONS])


def _distribution(claim: Claim, members: NDArray[np.float64], currency: str) -> Distribution:
    largest = float(np.abs(members).max())
    shown = scale_of(claim.quantity, claim.unit, claim.digits, currency, largest=largest)
    view = view_of(claim.quantity, "")  # members come in the vocabulary's unit, claims in the view's
    members = members * shown.factor * (view.scale if claim.unit == view.unit else 1.0)
    low, high = (
        None if end is None or not math.isfinite(end) else end * shown.factor for end in (claim.low, claim.high)
    )
    ends = [*members.tolist(), *[end for end in (low, high) if end is not None]]
    if min(abs(min(ends)), abs(max(ends))) < 1.5 * (max(ends) - min(ends)):
        ends.append(0.0)  # nothing is shown as soon as it lies near
    left, right = min(ends), max(ends)
    margin = 0.04 * (right - left)
    left, right = left - margin, right + margin

    def at(value: float) -> float:
        return round(float(100 * (value - left) / (right - left)), 2)

    columns = np.clip(((members - left) / (right - left) * BINS).astype(int), 0, BINS - 1)
    seen: dict[int, int] = {}
    dots = []
    for column in np.sort(columns).tolist():
        dots.append((round(100 * (column + 0.5) / BINS, 2), seen.get(column, 0)))
        seen[column] = seen.get(column, 0) + 1
    share = float(np.mean(np.sign(members) == np.sign(np.median(members))))
    return Distribution(
        text=claim.text,
        unit=shown.change_unit,
        dots=tuple(dots),
        stack=max(seen.values()),
        low=None if low is None else at(low),
        high=None if high is None else at(high),
        zero=at(0.0) if left <= 0 <= right else None,
        middle=at(float(np.median(members))),
        ticks=tuple((at(value), number(value, _tick_digits(left, right), sign=True)) for value in _ticks(left, right)),
        sentence=f"{members.size} members of the ensemble; {share:.0%} agree on the direction.".replace("%", " %"),
    )


def _ticks(left: float, right: float, most: int = 4) -> list[float]:
    rough = (right - left) / most
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(step * base for step in (1, 2, 5, 10) if step * base >= rough * 0.999)
    return [index * step for index in range(math.ceil(left / step), math.floor(right / step) + 1)]


def _tick_digits(left: float, right: float) -> int:
    return max(-math.floor(math.log10((right - left) / 4)), 0)


def balances(answer: Answer, currency: str = "") -> tuple[Balance, ...]:
    """Gains and losses, first by group, then by place; one chart for each quantity."""
    keys = dict.fromkeys((effect.by, effect.quantity) for effect in answer.effects)
    ordered = sorted(keys, key=lambda key: key[0] != "group")
    return tuple(_balance(answer, by, quantity, currency) for by, quantity in ordered)


def _balance(answer: Answer, by: str, quantity: str, currency: str) -> Balance:
    effects = [e for e in answer.effects if (e.by, e.quantity) == (by, quantity) and math.isfinite(e.change)]
    claim = next((claim for claim in answer.claims if claim.quantity == quantity), None)
    unit = effects[0].unit if effects else ""
    digits = _digits([effect.change for effect in effects])
    largest = max((max(abs(effect.before), abs(effect.after)) for effect in effects), default=0.0)
    shown = scale_of(quantity, unit, digits, currency, largest=largest)
    changes = [effect.change * shown.factor for effect in effects] or [0.0]
    left, right = min(0.0, *changes), max(0.0, *changes)
    reach = (right - left) or 1.0
    better = {"more": "higher", "less": "lower"}.get(view_of(quantity, "").better, "")
    if by == "place":
        effects = sorted(effects, key=lambda effect: effect.change, reverse=better != "lower")
    bars = [_bar(effect, shown, left, reach, better) for effect in effects]
    head, rest = _ends(bars)
    return Balance(
        title=claim.text if claim is not None else words(quantity).capitalize(),
        unit=shown.unit,
        by=by,
        zero=round(100 * -left / reach, 2),
        bars=head,
        rest=rest,
        sentence=_who(effects, shown, better, by),
    )


def _bar(effect: Effect, shown: Scale, left: float, reach: float, better: str) -> Bar:
    change = effect.change * shown.factor
    gains = change > 0 if better == "higher" else change < 0
    still = round(change, shown.digits) == 0
    verdict = "same" if still else (("gains" if gains else "loses") if better else ("more" if change > 0 else "less"))
    return Bar(
        name=effect.name,
        people=number(effect.people) if effect.people is not None else "",
        before=number(effect.before * shown.factor, shown.digits),
        after=number(effect.after * shown.factor, shown.digits),
        change=number(change, shown.digits, sign=True),
        verdict=verdict,
        start=round(100 * (min(change, 0.0) - left) / reach, 2),
        width=round(100 * abs(change) / reach, 2),
    )


def _ends(bars: list[Bar]) -> tuple[tuple[Bar, ...], tuple[Bar, ...]]:
    """The first and the last few; what lies between is folded away."""
    moved = [bar for bar in bars if bar.verdict != "same"]
    ends = moved if len(moved) <= 2 * MOST_PLACES else [*moved[:MOST_PLACES], *moved[-MOST_PLACES:]]
    head = tuple(ends or bars[:MOST_PLACES])
    return head, tuple(bar for bar in bars if bar not in head)


def _who(effects: list[Effect], shown: Scale, better: str, by: str) -> str:
    moved = [e for e in effects if round(e.change * shown.factor, shown.digits) != 0]
    up, down = sum(e.change > 0 for e in moved), sum(e.change < 0 for e in moved)
    if not better:
        return f"Of the {by}s listed, {up} get more, {down} less and {len(effects) - up - down} the same."
    gain, lose = (up, down) if better == "higher" else (down, up)
    text = f"Of the {by}s listed, {gain} gain, {lose} lose and {len(effects) - gain - lose} stay as they are"
    people = [sum(e.people or 0.0 for e in moved if (e.change > 0) == (better == "higher")), 0.0]
    people[1] = sum(e.people or 0.0 for e in moved) - people[0]
    known = sum(people) > 0
    return text + (f": {number(people[0], -1)} residents gain, {number(people[1], -1)} lose." if known else ".")


def _digits(changes: list[float]) -> int:
    """Decimals that give the largest change two figures."""
    top = max((abs(change) for change in changes), default=0.0)
    return 0 if top == 0 else min(max(1 - math.floor(math.log10(top)), -6), 6)


def reaches(answer: Answer, currency: str = "") -> tuple[Reach, ...]:
    """Jobs in reach by threshold, from the claims on `..._jobs_within_N_min`."""
    found = {}
    for claim in answer.claims:
        match = re.fullmatch(r"(?:mean_)?jobs_within_(\d+)_min", claim.quantity)
        if match and claim.before is not None and claim.after is not None:
            found[int(match[1])] = claim
    top = max((max(claim.before or 0.0, claim.after or 0.0) for claim in found.values()), default=0.0)
    if len(found) < 2 or not (math.isfinite(top) and top > 0):
        return ()
    return tuple(_reach(minutes, claim, top, currency) for minutes, claim in sorted(found.items()))


def _reach(minutes: int, claim: Claim, top: float, currency: str) -> Reach:
    shown = scale_of(claim.quantity, claim.unit, claim.digits, currency)
    before, after = claim.before or 0.0, claim.after or 0.0
    return Reach(
        minutes=minutes,
        before=number(before, shown.digits),
        after=number(after, shown.digits),
        change=claim_text(claim, currency).change,
        at_before=round(96 * before / top + 2, 2),
        at_after=round(96 * after / top + 2, 2),
    )
