"""How a figure is written for people: the one place that rounds, signs and names units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import synapolis.layers.vocabulary  # noqa: F401 - declares the words and their units
from synapolis.core.declare import REGISTRY
from synapolis.scenarios.answer import NO_DIFFERENCE, Claim

UNCHANGED = "unchanged"
NOTHING = "\N{EN DASH}"
MILLION = 1_000_000
CURRENCY = re.compile("[A-Z]{3}")  # ISO 4217
SHARE_WORDS = ("share", "fraction", "burden")
UNITS = {"1": "", "1/h": "per hour", "h/h": "vehicle-hours per hour", "km/h": "vehicle-km per hour"}
"""Units as people read them, where that differs from the vocabulary's spelling."""


def number(value: float | None, digits: int = 0, *, sign: bool = False) -> str:
    """Write a number no finer than `digits` decimals (negative: tens, hundreds); what is not finite is a dash."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    rounded = round(float(value), digits)
    text = f"{abs(rounded):,.{max(digits, 0)}f}"
    if rounded < 0:
        return f"\N{MINUS SIGN}{text}"
    return f"+{text}" if sign and rounded > 0 else text


def span(low: float | None, high: float | None, digits: int = 0, *, sign: bool = True) -> str:
    """Write an interval as `low to high`, or nothing where an end is missing."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(low, digits, sign=sign)} to {number(high, digits, sign=sign)}"


def significant(value: float, places: int = 3) -> str:
    """Write a number with a few significant figures, never in powers of ten below a million."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    text = number(value, max(places - 1 - math.floor(math.log10(abs(value))), 0))
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: float, unit: str, grain: float = 0.0) -> str:
    """Write a number with its unit, no finer than `grain`; lengths under a metre in centimetres."""
    if unit == "m" and abs(value) < 1:
        value, unit, grain = 100 * value, "cm", 100 * grain
    finest = -math.floor(math.log10(grain) + 1e-9) if grain else 6
    return f"{significant(round(value, finest))} {unit}".rstrip()


def percent(share: float | None) -> str:
    """Write a share as a whole per cent; what is not known is a dash."""
    if share is None or not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.01:
        return "under 1 %"
    return f"{100 * share:.0f} %"


def words(name: str) -> str:
    """Turn a vocabulary word into words: `runoff_volume` to `runoff volume`."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def unit_label(unit: str, currency: str = "") -> str:
    """Name a unit for people; `money` becomes the city's currency."""
    return UNITS.get(unit, unit.replace("money", currency or "money"))


def quantity_unit(quantity: str, currency: str = "") -> str:
    """Unit of a vocabulary word, for people; empty for a word that is not in the vocabulary."""
    known = REGISTRY.quantities.get(quantity)
    return unit_label(known.unit, currency) if known is not None else ""


@dataclass(frozen=True)
class Scale:
    """How one quantity is shown: factor, unit of values, unit of differences, decimals."""

    factor: float
    unit: str
    change_unit: str
    digits: int


def scale_of(quantity: str, unit: str, digits: int, currency: str = "", *, largest: float = 0) -> Scale:
    """Shares are shown in per cent (differences in percentage points), much money in millions, all else in its unit."""
    if unit == "1" and quantity.rpartition("_")[2] in SHARE_WORDS:
        return Scale(100, "%", "percentage points", max(digits - 2, 0))
    label = unit_label(unit, currency)
    if label == "%":
        return Scale(1, label, "percentage points", digits)
    if (unit == "money" or CURRENCY.fullmatch(unit)) and abs(largest) >= MILLION:
        return Scale(1 / MILLION, f"million {label}", f"million {label}", min(digits + 6, 1))
    return Scale(1, label, label, digits)


@dataclass(frozen=True)
class ClaimText:
    """A claim in words: what a row of any table shows."""

    before: str
    after: str
    change: str
    interval: str
    relative: str
    unit: str
    change_unit: str
    detectable: bool


def claim_text(claim: Claim, currency: str = "") -> ClaimText:
    """Write a claim's figures; an interval that does not tell the change from nothing says so."""
    largest = max((abs(v) for v in (claim.before, claim.after, claim.change) if v is not None), default=0)
    shown = scale_of(claim.quantity, claim.unit, claim.digits, currency, largest=largest)
    before, after, change, low, high = (
        None if value is None else value * shown.factor
        for value in (claim.before, claim.after, claim.change, claim.low, claim.high)
    )
    seen = claim.detectable is not False
    known = change is not None and math.isfinite(change)
    still = known and all(round(value or 0.0, shown.digits) == 0 for value in (change, low, high))
    difference = number(change, shown.digits, sign=True) if seen else NO_DIFFERENCE
    return ClaimText(
        before=number(before, shown.digits),
        after=number(after, shown.digits),
        change=UNCHANGED if still else (difference if known or not seen else NOTHING),
        interval="" if still else span(low, high, shown.digits),
        relative=_relative(before, change) if seen and shown.unit not in ("%", "°C", "dB") else "",
        unit=shown.unit,
        change_unit=shown.change_unit,
        detectable=seen and not still,
    )


def _relative(before: float | None, change: float | None) -> str:
    if not before or change is None or not (math.isfinite(before) and math.isfinite(change)):
        return ""
    share = 100 * change / abs(before)
    if abs(share) >= 1000 or round(share, 1) == 0:
        return ""
    return f"{number(share, 1 if abs(share) < 10 else 0, sign=True)} %"
