"""Outcome contracts: what somebody promised, held against observations as they come, and what is to be paid.

A promise is data: an indicator, where it stood and when, by how much it will change and by when, whose figures count.
Money is exact to the smallest unit of its currency: amounts are decimals and are rounded once, half up.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from synapolis.core.declare import registered
from synapolis.core.errors import SourceError
from synapolis.indicators.catalogue import find
from synapolis.indicators.observations import CITY, GRADES, Observation

Verdict = Literal["kept", "on course", "behind", "broken", "not measurable yet"]
EXACT = decimal.Context(prec=50)
ONE = Fraction(1)
RECENT_DAYS = 180
"""How much older than the due day a figure may be: less than a year, lest a yearly figure of the year before settle."""
WHOLE_UNITS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THOUSANDTHS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""Currencies of ISO 4217 without a minor unit, and with one of a thousandth; the others have hundredths."""


def smallest(currency: str) -> Decimal:
    """Smallest amount of a currency: one cent of most, one yen, one fils."""
    return Decimal(1) if currency in WHOLE_UNITS else Decimal("0.001" if currency in THOUSANDTHS else "0.01")


@dataclass(frozen=True)
class Payment:
    """Pay by result: nothing below `threshold` of the promised change, then linear from 0 there to `full` at all of it.

    Beyond the promise the line goes on up to `cap`; with a cap equal to `full` more than promised earns no more.
    `threshold` is a share of the promised change, 0 to below 1.
    """

    full: Decimal
    currency: str
    threshold: Decimal = Decimal(0)
    cap: Decimal | None = None

    def due(self, share: Fraction) -> Decimal:
        """Amount for a share of the promised change, to the smallest unit of the currency, half of it up."""
        threshold, unit = Fraction(self.threshold), smallest(self.currency)
        if share <= threshold:
            return Decimal(0).quantize(unit)
        units = Fraction(self.full) / Fraction(unit) * (share - threshold) / (1 - threshold)
        earned = EXACT.multiply(Decimal(math.floor(units + Fraction(1, 2))), unit)
        return min(earned, self.full if self.cap is None else self.cap).quantize(unit, context=EXACT)


@dataclass(frozen=True)
class Promise:
    """What is promised: the change of an indicator against its baseline, by a day, and whose figures count.

    `change` is in the indicator's unit, or in per cent of the baseline where `relative`. `sources` empty: any source.
    The figure that settles it must be of a period that ends at most `recent_days` before the due day.
    """

    id: str
    promised_by: str
    indicator: str
    baseline: Decimal
    baseline_date: dt.date
    change: Decimal
    due: dt.date
    area: str = CITY
    relative: bool = False
    grades: tuple[str, ...] = ("measured",)
    sources: tuple[str, ...] = ()
    recent_days: int = RECENT_DAYS
    payment: Payment | None = None
    title: str = ""

    @property
    def promised(self) -> Fraction:
        """Promised change in the indicator's unit."""
        return Fraction(self.change) * (abs(Fraction(self.baseline)) / 100 if self.relative else 1)

    @property
    def goal(self) -> Fraction:
        """Value that keeps the promise."""
        return Fraction(self.baseline) + self.promised

    def share(self, value: Decimal) -> Fraction:
        """Share of the promised change that a value has reached; negative where it went the other way."""
        return (Fraction(value) - Fraction(self.baseline)) / self.promised

    def counts(self, observation: Observation) -> bool:
        """Whether an observation is what the promise is measured by: its indicator, area, grade, source, and time."""
        return (
            observation.indicator == self.indicator
            and observation.area == self.area
            and observation.quality in self.grades
            and (not self.sources or observation.source in self.sources)
            and observation.end > self.baseline_date
        )


@dataclass(frozen=True)
class Check:
    """How a promise stands: the verdict, a sentence, the observation it rests on, and the amount due."""

    promise: str
    verdict: Verdict
    says: str
    value: Decimal | None = None
    share: Fraction | None = None
    expected: Fraction | None = None
    observation: Observation | None = None
    amount: Decimal | None = None
    currency: str = ""
    final: bool = False
    passed_over: tuple[str, ...] = ()


@registered(
    kind="rule",
    version="1",
    name="outcome_contract",
    decision="Whether a promise was kept, and what is to be paid for it.",
    data=("promise", "observations of its indicator"),
    method="The last observation that counts by the contract is held against the promised change; of several for one "
    "period the best grade, then the least favourable. The amount is linear from the threshold to the full change and "
    "capped, exact to the smallest unit of the currency.",
    source="The project's own rule, told in docs/indicators.md; threshold, cap and sources are the contract's.",
    limits="Says whether the indicator moved as promised, not who moved it.",
    risks="A figure that the paid party made itself invites gilding: name other sources in the contract.",
    tests="tests/indicators/test_contracts.py",
    oversight="People sign the contract and pay; the verdict names the figure it rests on, and those passed over.",
)
def check(promise: Promise, observations: Sequence[Observation], *, today: dt.date) -> Check:
    """Hold a promise against the observations there are.

    The observation that counts is the last one whose period ends by the due day; of several, the one of the best grade,
    and of those the one that shows least of the promised change. Once the due day has come, the promise
    is *kept* when the whole change is there, else *broken*; a figure older than the contract allows settles nothing.
    Before, it is *kept* when the goal is reached already, *on course* when at least as large a share of the change is
    there as of the time had passed when that period ended, else *behind*.

    Parameters
    ----------
    today : the day the promise is judged on
    """
    counting = sorted((each for each in observations if promise.counts(each) and each.end <= today),
                      key=lambda each: _when(promise, each))  # fmt: skip
    final = today >= promise.due
    since = promise.due - dt.timedelta(days=promise.recent_days) if final else dt.date.min
    within = [each for each in counting if since <= each.end <= promise.due]
    over = _passed_over(promise, observations, since, within[-1] if within else None)
    currency = promise.payment.currency if promise.payment else ""
    if not within:
        says = _needs(promise, over, final=final)
        return Check(promise.id, "not measurable yet", says, currency=currency, passed_over=over)
    last = within[-1]
    value = _exact(last)
    share = promise.share(value)
    expected = ONE if final else _elapsed(promise, last.end)
    verdict = _verdict(share, expected, final=final)
    amount = promise.payment.due(share) if promise.payment is not None else None
    says = _says(promise, last, share, expected, verdict, amount, final=final)
    return Check(promise.id, verdict, says, value, share, expected, last, amount, currency, final, over)


def _verdict(share: Fraction, expected: Fraction, *, final: bool) -> Verdict:
    if share >= ONE:
        return "kept"
    if final:
        return "broken"
    return "on course" if share >= expected else "behind"


def _when(promise: Promise, observation: Observation) -> tuple[dt.date, int, Fraction]:
    """Sorts the figure that decides to the end: the latest, the best grade, the least favourable to who promised."""
    return observation.end, -list(GRADES).index(observation.quality), -promise.share(_exact(observation))


def _exact(observation: Observation) -> Decimal:
    return Decimal(repr(observation.value))


def _elapsed(promise: Promise, day: dt.date) -> Fraction:
    """Share of the time from baseline to due day that had passed on a day."""
    whole = (promise.due - promise.baseline_date).days
    return min(ONE, max(Fraction(0), Fraction((day - promise.baseline_date).days, whole)))


def _passed_over(
    promise: Promise, observations: Sequence[Observation], since: dt.date, decides: Observation | None
) -> tuple[str, ...]:
    """Observations of the same indicator and area that do not count, and why; and others of the period that decides."""
    told = []
    for each in observations:
        if (each.indicator, each.area) != (promise.indicator, promise.area) or each is decides:
            continue
        if each.quality not in promise.grades:
            reason = f"its grade is {each.quality}, the contract counts {', '.join(promise.grades)}"
        elif promise.sources and each.source not in promise.sources:
            reason = f"its source is {each.source}, the contract counts {', '.join(promise.sources)}"
        elif each.end <= promise.baseline_date:
            reason = f"it ends on {each.end.isoformat()}, not after the baseline"
        elif each.end > promise.due:
            reason = f"it ends on {each.end.isoformat()}, after the due day"
        elif each.end < since:
            reason = f"it ends on {each.end.isoformat()}, more than {promise.recent_days} days before the due day"
        elif decides is not None and each.end == decides.end:
            reason = (
                f"{each.source} tells {plain(each.value)}; {decides.source} decides (better grade, or less favourable)"
            )
        else:
            continue
        told.append(f"{each.period}: {reason}")
    return tuple(told)


def _needs(promise: Promise, over: Sequence[str], *, final: bool) -> str:
    indicator = find(promise.indicator)
    whose = f" from {' or '.join(promise.sources)}" if promise.sources else ""
    since = promise.due - dt.timedelta(days=promise.recent_days)
    from_day = f"on or after {since.isoformat()}" if final and since > promise.baseline_date else (
        f"after {promise.baseline_date.isoformat()}")  # fmt: skip
    was_due = f", though it was due on {promise.due.isoformat()}" if final else ""
    passed = f" {len(over)} {'was' if len(over) == 1 else 'were'} passed over: {over[-1]}." if over else ""
    return (
        f"Not measurable yet{was_due}: needs {indicator.name} ({indicator.id}) for {_where(promise)}, "
        f"{' or '.join(promise.grades)}{whose}, for a period that ends {from_day} and by {promise.due.isoformat()}."
        f"{passed}"
    )


def _says(
    promise: Promise, last: Observation, share: Fraction, expected: Fraction, verdict: Verdict, amount: Decimal | None,
    *, final: bool,
) -> str:  # fmt: skip
    indicator = find(promise.indicator)
    unit = "" if indicator.unit in ("1", "count") else f" {indicator.unit}"
    moved = f"{_percent(share)} of the promised change" if share >= 0 else "nothing of the promised change"
    wrong = ", for it went the other way" if share < 0 else ""
    passed = f", where {_percent(expected)} of the time has passed{wrong}"
    told = {
        "kept": f"Kept: {moved} is there",
        "on course": f"On course: {moved} is there{passed}",
        "behind": f"Behind: {moved} is there{passed}",
        "broken": f"Broken: {moved} was there when it was due on {promise.due.isoformat()}{wrong}",
    }[verdict]
    paid = ""
    if amount is not None and promise.payment is not None:
        paid = f" {'Due' if final else 'Would be due if it stays so'}: {amount:,} {promise.payment.currency}."
    open_yet = "" if not final or last.end == promise.due else (
        f" A later figure for a period that ends by {promise.due.isoformat()} would decide instead.")  # fmt: skip
    return (
        f"{told}. {indicator.name} for {_where(promise)} went from {plain(promise.baseline)}{unit} on "
        f"{promise.baseline_date.isoformat()} to {plain(last.value)}{unit} in {last.period}; "
        f"{plain(promise.goal)}{unit} was promised by {promise.due.isoformat()}.{paid}{open_yet}"
    )


def _where(promise: Promise) -> str:
    return "the city" if promise.area == CITY else promise.area


def plain(value: Decimal | Fraction | float) -> str:
    """A number as people write it: nine figures at most, thousands apart, no power of ten."""
    number = (
        Decimal(value.numerator) / Decimal(value.denominator) if isinstance(value, Fraction) else Decimal(str(value))
    )
    told = f"{decimal.Context(prec=9).create_decimal(number):,f}"
    told = told.rstrip("0").rstrip(".") if "." in told else told
    return told.replace("-", "\N{MINUS SIGN}")


def _percent(share: Fraction) -> str:
    """A share in per cent, cut and not rounded: what is not all there never reads 100.0 %."""
    return f"{math.floor(1000 * share) / 10:,.1f} %"


def checked(promise: Promise, *, where: str = "contract") -> Promise:
    """Return the promise where it can be kept or broken; else say what is wrong with it.

    Raises
    ------
    SourceError
        Naming the field.
    """
    faults = []
    if promise.promised == 0:
        faults.append("change: expected a promised change, got 0")
    if promise.due <= promise.baseline_date:
        faults.append(f"due: expected a day after the baseline of {promise.baseline_date.isoformat()}, got "
                      f"{promise.due.isoformat()}")  # fmt: skip
    indicator = find(promise.indicator)
    if promise.promised and indicator.better in ("higher", "lower"):
        rises = promise.promised > 0
        if rises != (indicator.better == "higher"):
            faults.append(f"change: expected one for the better, and {indicator.better} is better for {indicator.id}; "
                          f"got {promise.change}")  # fmt: skip
    wrong = [label for label, value in (("baseline", promise.baseline), ("the promised value", promise.goal))
             if not indicator.low <= float(value) <= indicator.high]  # fmt: skip
    faults += [f"{label}: expected {indicator.low:g} to {indicator.high:g} {indicator.unit}" for label in wrong]
    faults += [f"measured_by.grades: expected some of {', '.join(GRADES)}; got {each!r}" for each in promise.grades
               if each not in GRADES]  # fmt: skip
    if promise.payment is not None:
        faults += _payment_faults(promise.payment)
    if faults:
        raise SourceError(f"{where}: {'; '.join(faults)}")
    return promise


def _payment_faults(payment: Payment) -> list[str]:
    faults = []
    if payment.full <= 0:
        faults.append(f"payment.full: expected an amount above 0, got {payment.full}")
    if not 0 <= payment.threshold < 1:
        faults.append(f"payment.threshold: expected a share from 0 to below 1, got {payment.threshold}")
    if payment.cap is not None and payment.cap < payment.full:
        faults.append(f"payment.cap: expected at least the full amount {payment.full}, got {payment.cap}")
    for name, amount in (("full", payment.full), ("cap", payment.cap)):
        unit = smallest(payment.currency)
        if amount is not None and amount != amount.quantize(unit, context=EXACT):
            steps = "whole cents" if unit == Decimal("0.01") else f"whole steps of {unit} {payment.currency}"
            faults.append(f"payment.{name}: expected {steps}, got {amount}")
    return faults
