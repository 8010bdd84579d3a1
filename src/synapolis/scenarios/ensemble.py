"""Ensembles over assumptions: seeded samples, intervals of the change, and which assumption matters most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import Assumption, registered

INTERVAL = (5.0, 95.0)
"""Percentiles of the ensemble between which a change is said to lie."""
FEWEST = 10
"""Members below which no influence is told: any ranking of so few runs is chance."""
CHANCE = 0.005
"""How likely an assumption without part may be to be named as a cause; dozens are looked at in each answer."""


@registered(
    kind="rule",
    version="2",
    name="ensemble_sample",
    decision="Which values of the assumptions an answer is tried with.",
    data=("assumptions with their distributions", "number of members", "seed"),
    method="Latin hypercube: each assumption's distribution is cut into equally likely parts, one value from each.",
    limits="Assumptions vary independently of each other.",
    risks="Too few members make an interval too narrow or too wide; the answer states how many.",
    tests="tests/scenarios/test_ensemble.py",
)
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
    from scipy.stats import qmc  # noqa: PLC0415 - half a second, which who only reads answers need not wait for

    quantiles = qmc.LatinHypercube(len(varied), rng=np.random.default_rng(seed)).random(members)
    return [{a.name: a.at(q) for a, q in zip(varied, row, strict=True)} for row in quantiles]


@registered(
    kind="rule",
    version="2",
    name="change_interval",
    decision="How uncertain a change is said to be.",
    data=("a change in each member of the ensemble",),
    method="The 5th and 95th percentile of the members, interpolated linearly.",
    source="Hyndman, R. J., and Fan, Y. (1996). Sample quantiles in statistical packages. The American Statistician, "
    "50(4), type 7.",
    limits="Covers the assumptions that vary, not what the models leave out.",
    risks="An interval is read as certain bounds: it is called 5 to 95 % of the runs.",
    tests="tests/scenarios/test_ensemble.py",
)
def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 5th and 95th percentile of an ensemble."""
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)


@registered(
    kind="rule",
    version="2",
    name="detectable_change",
    decision="Whether an answer says that a plan changes a figure, or that no difference can be detected.",
    data=("a change", "its interval over the ensemble", "how coarse the figure is told"),
    method="A change is detected where its whole interval lies on one side of nothing; where change and interval all "
    "round to nothing, the figure stays the same.",
    source="The project's own rule, stated in full in docs/method.md.",
    limits="Rests on an interval that covers the assumptions that vary, not what the models leave out.",
    risks="No detected difference is read as no difference; the interval stands beside it.",
    tests="tests/scenarios/test_ensemble.py",
)
def detectable(change: float, low: float, high: float, *, grain: float) -> bool | None:
    """Whether a change is told from nothing; None where all of it rounds to nothing.

    Parameters
    ----------
    low, high : interval of the change
    grain : step to which the figure is rounded
    """
    if max(abs(change), abs(low), abs(high)) < grain / 2:
        return None
    return low > 0 or high < 0


@registered(
    kind="rule",
    version="2",
    name="assumption_influence",
    decision="Which assumption to look into first.",
    data=("members of the ensemble", "a change in each"),
    method="Stepwise regression on ranks; what could be chance has a share of 0.",
    limits="Sees monotone effects; joint effects of two assumptions are told of neither.",
    risks="An assumption named as the cause may stand for one that varies with it.",
    tests="tests/scenarios/test_ensemble.py",
)
def influence(members: Sequence[Mapping[str, float]], values: NDArray[np.float64]) -> dict[str, float]:
    """Share of the spread that goes with each assumption, the strongest first: stepwise regression on ranks.

    Each step takes the assumption that explains most of what is left, until what it explains could be chance: what
    plays no part has a share of 0. Shares add up to one at most.

    References
    ----------
    Iman, R. L., and Conover, W. J. (1979). The use of the rank transform in regression. Technometrics, 21(4).
    """
    if len(members) < FEWEST or np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return {}
    from scipy.stats import rankdata  # noqa: PLC0415

    names = list(members[0])
    columns = _centred(np.array([rankdata([member[name] for member in members]) for name in names]))
    left = _centred(rankdata(values))
    total = float(left @ left)
    shares: dict[str, float] = {}
    while (free := len(members) - 2 - len(shares)) > 0 and left @ left > 1e-9 * total:
        norms = np.maximum(np.linalg.norm(columns, axis=1), 1e-6)
        explained = (columns @ left / norms) ** 2
        best = int(np.argmax(explained))
        if explained[best] < _by_chance(free) * (left @ left):
            break
        shares[names[best]] = float(explained[best] / total)
        unit = columns[best] / norms[best]
        left = left - (left @ unit) * unit
        columns = columns - np.outer(columns @ unit, unit)
        columns[best] = 0.0
    return shares | {name: 0.0 for name in names if name not in shares}


def _centred(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ranks - ranks.mean(axis=-1, keepdims=True))


def _by_chance(free: int) -> float:
    """Squared correlation that an assumption without part passes with probability CHANCE, by degrees of freedom."""
    from scipy.stats import t  # noqa: PLC0415

    quantile = float(t.ppf(1 - CHANCE / 2, free))
    return quantile**2 / (free + quantile**2)
