"""Ensembles over assumptions: seeded samples, intervals of the change, and which assumption matters most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc, rankdata

from synapolis.core.declare import Assumption

INTERVAL = (5.0, 95.0)
"""Percentiles of the ensemble between which a change is said to lie."""


def sample(assumptions: Sequence[Assumption], *, members: int, seed: int) -> list[dict[str, float]]:
    """Draw members by Latin hypercube, each assumption from its own distribution.

    References
    ----------
    McKay, M. D., Beckman, R. J., and Conover, W. J. (1979). A comparison of three methods for selecting values of input
    variables. Technometrics, 21(2).
    """
    varied = [a for a in assumptions if a.distribution != "fixed" and a.low < a.high]
    if not varied or members < 1:
        return []
    quantiles = qmc.LatinHypercube(len(varied), rng=np.random.default_rng(seed)).random(members)
    return [{a.name: a.at(q) for a, q in zip(varied, row, strict=True)} for row in quantiles]


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 5th and 95th percentile of an ensemble."""
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)


def influence(members: Sequence[Mapping[str, float]], values: NDArray[np.float64]) -> dict[str, float]:
    """Share of the spread that goes with each assumption: squared rank correlation, scaled to add up to one at most.

    References
    ----------
    Saltelli, A., et al. (2008). Global Sensitivity Analysis: The Primer. Wiley, ch. 1 (standardised rank coefficients).
    """
    if len(members) < 4 or np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return {}
    ranks = rankdata(values)
    squares = {}
    for name in members[0]:
        column = rankdata([member[name] for member in members])
        squares[name] = float(np.corrcoef(column, ranks)[0, 1] ** 2)
    total = max(1.0, sum(squares.values()))
    return {name: square / total for name, square in squares.items()}
