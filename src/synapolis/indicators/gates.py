"""Gates: limits a scenario must keep, as data. Affordability is one; a blocked scenario is never recommended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import REGISTRY, registered
from synapolis.layers import vocabulary  # noqa: F401 - declares the units that verdicts are told in


@dataclass(frozen=True)
class Gate:
    """A limit on the change of an indicator: it may rise (or fall) by at most `limit`."""

    name: str
    indicator: str
    direction: Literal["may not rise", "may not fall"]
    limit: float
    action: Literal["block", "warn"]
    says: str


@dataclass(frozen=True)
class GateResult:
    """A gate's verdict, with the share of ensemble members that reach the same one."""

    name: str
    rule: str
    outcome: Literal["pass", "block", "not computable"]
    action: Literal["block", "warn"]
    share: float | None
    reason: str


AFFORDABILITY = (
    Gate(
        "Affordability for the lowest incomes",
        "lowest_group_rent_burden",
        "may not rise",
        0.01,
        "block",
        "rent over income of the lowest income group may not rise by more than 1 percentage point",
    ),
    Gate(
        "Households who can afford their home",
        "city_affordable_share",
        "may not fall",
        0.01,
        "block",
        "the share of households that can afford the typical rent where they live may not fall by more than 1 point",
    ),
)
"""The gates of every scenario, unless a city or scenario states its own."""


def breaks(gate: Gate, change: float) -> bool:
    """Whether a change of the indicator breaks the gate."""
    return change > gate.limit if gate.direction == "may not rise" else change < -gate.limit


@registered(
    kind="rule",
    version="1",
    name="gate",
    decision="Whether a scenario may be recommended.",
    data=("gate", "change of its indicator", "changes in the ensemble"),
    method="The change of the indicator against today is compared with the gate's limit; the share of ensemble "
    "members with the same verdict is stated.",
    source="The project's own rule, stated in full in docs/method.md; limits are data that a city sets.",
    limits="Judges only what its indicator sees; an indicator that cannot be computed gives no verdict.",
    risks="A limit set too loose lets harm pass: the limit stands beside each verdict.",
    tests="tests/indicators/test_gates.py",
    oversight="People set the gates; a blocked scenario can be looked at, and changed, but is never recommended.",
)
def judge(gate: Gate, change: float | None, members: NDArray[np.float64], reason: str = "") -> GateResult:
    """Judge a gate on the change of its indicator.

    Parameters
    ----------
    change : the change with central assumptions, or None where it cannot be computed (then `reason` says why)
    members : (member,) the change in each ensemble member
    """
    if change is None or not np.isfinite(change):
        return GateResult(
            gate.name, gate.says, "not computable", gate.action, None, reason or "the indicator is not computable"
        )
    blocked = breaks(gate, change)
    agree = [breaks(gate, member) == blocked for member in members]
    share = float(np.mean(agree)) if agree else None
    return GateResult(
        gate.name,
        gate.says,
        "block" if blocked else "pass",
        gate.action,
        share,
        f"{gate.indicator.replace('_', ' ')} changes by {_told(gate.indicator, change)}",
    )


def _told(indicator: str, change: float) -> str:
    """Write a change with its unit: of a share, in percentage points."""
    unit = REGISTRY.quantities[indicator].unit if indicator in REGISTRY.quantities else ""
    said = f"{100 * change:+.1f} percentage points" if unit == "1" else f"{change:+.3g} {unit}".rstrip()
    return said.replace("-", "−")
