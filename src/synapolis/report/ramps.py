"""Classed colour ramps that colour-blind readers can tell apart, with legends whose limits are round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from synapolis.layers.land_cover import Cover
from synapolis.report.numbers import number

MOST_WHOLE = 6
MOST_IN_A_CLASS = 0.4  # share of the values in one class, above which even steps tell too little
NOISE = 1e-12
HEAT_WORDS = ("utci", "radiant_temperature", "heat_")
WATER_WORDS = ("runoff", "flood", "rain", "storage", "infiltrat", "stored", "depth")
COVERS = {
    Cover.WATER: "#9ecae1",
    Cover.ROOF: "#b07a6c",
    Cover.STREET: "#8d8d8d",
    Cover.PAVED: "#c9c5bb",
    Cover.RAIL: "#5e5e6e",
    Cover.GRASS: "#d3de8c",
    Cover.TREES: "#6f9a4d",
    Cover.BARE: "#e6d3a8",
    Cover.PERMEABLE_PAVING: "#b9a7d0",
    Cover.GREEN_ROOF: "#3f8f8b",
}
_SIDE = {1: (0.1, 0.25, 0.5, 1), 2: (0.2, 0.5, 1, 2), 5: (0.5, 1, 2, 5)}


@dataclass(frozen=True)
class Ramp:
    """Class limits and colours. Class 0 is not painted; class i + 1 holds values from `edges[i]` up to the next."""

    edges: tuple[float, ...]
    colours: tuple[str, ...]
    legend: tuple[tuple[str, str], ...]
    centred: bool = False
    open_below: bool = False

    def classes(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Class of each value, 0 where it is missing, below the first limit or (centred) next to nothing."""
        values = np.asarray(values, dtype=float)
        if self.centred:  # edges are -d .. -a, a .. d: what lies between -a and a is not painted
            half = len(self.edges) // 2
            side = np.searchsorted(np.asarray(self.edges[half:]), np.abs(values), side="right")
            found = np.where(side == 0, 0, np.where(values > 0, half + side, half + 1 - side))
        else:
            found = np.searchsorted(np.asarray(self.edges), values, side="right")
            found = np.maximum(found, 1) if self.open_below else found
        return np.where(np.isfinite(values), found, 0).astype(np.uint8)

    def strength(self) -> NDArray[np.uint8]:
        """Order in which classes cover each other: the strongest, rise or fall, lies on top."""
        classes = np.arange(len(self.colours) + 1)
        if not self.centred:
            return classes.astype(np.uint8)
        half = len(self.edges) // 2
        falls = (classes > 0) & (classes <= half)
        return np.where(falls, 2 * (half + 1 - classes) - 1, np.maximum(2 * (classes - half), 0)).astype(np.uint8)

    def shown(self, values: NDArray[Any]) -> tuple[tuple[str, str], ...]:
        """The legend, without a whole side (rise or fall) that no value lies on."""
        if not self.centred:
            return self.legend
        half = len(self.edges) // 2
        classes = self.classes(values)
        fall, rise = bool(((classes > 0) & (classes <= half)).any()), bool((classes > half).any())
        return self.legend[0 if fall else half : None if rise else half + 1]


def is_water(quantity: str) -> bool:
    """Tell whether a quantity is water, which is drawn in blue."""
    return any(word in quantity for word in WATER_WORDS)


def is_heat(quantity: str) -> bool:
    """Tell whether a quantity is heat, which is drawn from yellow to red, and its falls in blue."""
    return any(word in quantity for word in HEAT_WORDS)


def sequential(values: NDArray[Any], quantity: str) -> Ramp:
    """Classes for amounts, from pale for little to dark for much; water below its first limit is not painted."""
    finite = _finite(values)
    if finite.size == 0 or finite.max() - finite.min() <= NOISE:
        finite = np.array([0.0, max(1.0, *finite[:1].tolist())]) if finite.size else np.array([0.0, 1.0])
    values_whole = np.unique(finite)
    if len(values_whole) <= MOST_WHOLE and bool((values_whole == np.round(values_whole)).all()):
        return _whole(values_whole)
    positive = finite[finite > 0.01 * finite.max()]
    water = is_water(quantity) and finite.min() >= 0 and np.median(positive) < 0.25 * np.quantile(positive, 0.95)
    edges = _water_edges(finite) if water else _amount_edges(finite)
    blue = is_water(quantity)
    name = "Blues" if blue else "YlOrRd" if is_heat(quantity) else "YlGnBu"
    colours = _sample(name, len(edges), 0.16, 1.0 if water or not blue else 0.66)
    return Ramp(edges, colours, _legend(edges, colours, open_below=not water), open_below=not water)


def _whole(values: NDArray[np.float64]) -> Ramp:
    """One class for each of a few whole numbers."""
    colours = _sample("YlGnBu", len(values), 0.3, 0.95)
    legend = tuple((colour, number(float(value))) for colour, value in zip(colours, values, strict=True))
    return Ramp(tuple(values.tolist()), colours, legend)


def diverging(values: NDArray[Any], quantity: str, least: float = 0.0) -> Ramp:
    """Classes for differences, symmetric about nothing; what is next to nothing, or under `least`, is not painted."""
    finite = np.abs(_finite(values))
    finite = (
        finite[finite > max(0.01 * finite.max(), NOISE)] if finite.any() else finite[:0]
    )  # leave out numerical noise
    top = _round_up(float(np.quantile(finite, 0.98)) if finite.size else 10 * least or 1.0)
    base = 10.0 ** math.floor(math.log10(top) + 1e-9)
    side = tuple(step * base for step in _SIDE[round(top / base)])
    side = tuple(edge for edge in side if edge >= least * (1 - 1e-9)) or (least,)
    edges = (*(-edge for edge in reversed(side)), *side)
    name = "BrBG" if is_water(quantity) else "RdBu_r" if is_heat(quantity) else "PuOr"
    below, above = _sample(name, len(side), 0.04, 0.36), _sample(name, len(side), 0.64, 0.96)
    falls = [
        (colour, f"{_exact(-high)} to {_exact(-low)}" if high else f"{_exact(-low)} or lower")
        for colour, low, high in zip(below, reversed(side), (None, *reversed(side[1:])), strict=True)
    ]
    rises = [
        (
            colour,
            f"{_exact(low, sign=True)} to {_exact(high, sign=True)}" if high else f"{_exact(low, sign=True)} or more",
        )
        for colour, low, high in zip(above, side, (*side[1:], None), strict=True)
    ]
    still = ("", f"no change (under ±{_exact(side[0])})")
    return Ramp(edges, (*below, *above), (*falls, still, *rises), centred=True)


def covers(values: NDArray[Any]) -> Ramp:
    """Land-cover classes that occur, each in its own colour."""
    present = [cover for cover in COVERS if bool((np.asarray(values) == cover.value).any())]
    edges = tuple(cover.value - 0.5 for cover in COVERS)
    return Ramp(edges, tuple(COVERS.values()), tuple((COVERS[cover], cover.label) for cover in present))


def flags(yes: str) -> Ramp:
    """Two classes: painted where true."""
    return Ramp((0.5,), ("#08519c",), (("#08519c", yes),))


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=float)
    return np.asarray(values[np.isfinite(values)])


def _round_up(value: float) -> float:
    base = 10.0 ** math.floor(math.log10(value))
    return next((step * base for step in (1, 2, 5) if value <= step * base * 1.0001), 10 * base)


def _water_edges(finite: NDArray[np.float64]) -> tuple[float, ...]:
    """Limits in steps of about two (1, 2, 5, 10 ...) below the largest common value."""
    positive = finite[finite > 0.01 * finite.max()]
    top = _round_up(float(np.quantile(positive, 0.95))) if positive.size else 1.0
    base = 10.0 ** math.floor(math.log10(top) + 1e-9)
    first = round(top / base)
    ladder = [step * base / scale for scale in (1, 10, 100) for step in (5, 2, 1) if step / scale <= first]
    return tuple(sorted(ladder[1:6]))


def _linear_edges(finite: NDArray[np.float64]) -> tuple[float, ...]:
    low, high = (float(q) for q in np.quantile(finite, (0.02, 0.98)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    step = _round_up((high - low) / 6)
    first = math.floor(low / step) * step
    count = min(max(math.ceil((high - first) / step - 1e-9), 1), 8)
    return tuple(round(first + step * index, 12) for index in range(count))


def _amount_edges(finite: NDArray[np.float64]) -> tuple[float, ...]:
    """Even steps; where one of them would hold most values, steps that hold about equally many."""
    even = _linear_edges(finite)
    if len(even) < 2 or _fullest(finite, even) <= MOST_IN_A_CLASS:
        return even
    parts = np.quantile(finite, np.arange(6) / 6)
    step = 10.0 ** math.floor(math.log10(float(np.ptp(finite)) / 10))
    steps = tuple(dict.fromkeys(round(math.floor(part / step + 1e-9) * step, 12) for part in parts.tolist()))
    return steps if len(steps) > 1 and _fullest(finite, steps) < _fullest(finite, even) else even


def _fullest(finite: NDArray[np.float64], edges: tuple[float, ...]) -> float:
    """Largest share of the values that one class holds."""
    return float(np.bincount(np.searchsorted(np.asarray(edges[1:]), finite, side="right")).max() / finite.size)


def _sample(name: str, count: int, low: float, high: float) -> tuple[str, ...]:
    ramp = mpl.colormaps[name]
    return tuple(to_hex(ramp(position)) for position in np.linspace(low, high, count))


def _exact(edge: float, *, sign: bool = False) -> str:
    """Write a limit with just the decimals that it needs."""
    digits = next((d for d in range(7) if abs(edge - round(edge, d)) < 1e-9 * max(1, abs(edge))), 6)
    return number(edge, digits, sign=sign)


def _legend(edges: tuple[float, ...], colours: tuple[str, ...], *, open_below: bool) -> tuple[tuple[str, str], ...]:
    entries = []
    for colour, low, high in zip(colours, edges, (*edges[1:], None), strict=True):
        if high is None:
            label = f"{_exact(low)} or more"
        elif open_below and low == edges[0]:
            label = f"under {_exact(high)}"
        else:
            label = f"{_exact(low)} to {_exact(high)}"
        entries.append((colour, label))
    if not open_below:
        entries.insert(0, ("", f"under {_exact(edges[0])}"))
    return tuple(entries)
