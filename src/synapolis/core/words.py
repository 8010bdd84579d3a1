"""The words that models speak: quantities of the vocabulary, assumptions, and what feeds back into itself."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from synapolis.core.errors import DeclarationError

PLACES = (
    "cell",
    "link",
    "junction",
    "stop",
    "zone",
    "building",
    "parcel",
    "origin-destination",
    "time",
    "city",
    "layer",
)
"""Where a quantity lives. `layer` is a whole table, raster or network of the city."""


@dataclass(eq=False)
class Quantity:
    """One word of the vocabulary: what it is, where it lives and in which unit. Its name is that of its alias."""

    place: str
    unit: str
    meaning: str
    axes: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse a place nobody knows."""
        if self.place not in PLACES:
            raise DeclarationError(f"a quantity's place must be one of {', '.join(PLACES)}; got {self.place!r}")


def on(place: str, unit: str, meaning: str, *, axes: tuple[str, ...] = ()) -> Quantity:
    """Declare a quantity on a place, in a unit, in one sentence; used inside `Annotated`."""
    return Quantity(place, unit, meaning, axes)


@dataclass(frozen=True)
class Assumption:
    """A named value that models take as an argument and ensembles vary.

    `read` tells whether anyone on the project read the figure in its source: what nobody read is *assumed*, not cited.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    distribution: str
    source: str
    read: bool
    meaning: str

    @property
    def standing(self) -> Literal["cited", "assumed"]:
        """`cited` when the source was read, else `assumed`."""
        return "cited" if self.read else "assumed"

    def at(self, quantile: float) -> float:
        """Return the value at a quantile in [0, 1] of the assumption's distribution."""
        if self.distribution == "fixed" or self.low == self.high:
            return self.value
        if self.distribution == "uniform":
            return self.low + quantile * (self.high - self.low)
        mode = (self.value - self.low) / (self.high - self.low)  # triangular
        if quantile < mode:
            return self.low + (self.high - self.low) * math.sqrt(quantile * mode)
        return self.high - (self.high - self.low) * math.sqrt((1 - quantile) * (1 - mode))


@dataclass(frozen=True)
class FixedPoint:
    """A coupled field: `word` feeds back into its own making until it no longer changes.

    `start` is the word it begins with; it stops when the largest change relative to the mean is below `tolerance`.
    `carries` are the other words made inside the loop: they are taken from its last round.
    """

    word: str
    start: str
    tolerance: float
    max_iterations: int
    carries: tuple[str, ...] = ()


def snake_case(alias: str) -> str:
    """Turn an alias into its word: `JobsWithin30Min` to `jobs_within_30_min`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", alias).lower()


def quantity_in(annotation: Any) -> Quantity | None:
    """Return the quantity that an annotation carries; None for any other annotation."""
    if get_origin(annotation) is not Annotated:
        return None
    return next((extra for extra in get_args(annotation)[1:] if isinstance(extra, Quantity)), None)
