"""Gates from a file: limits that a city sets, as data; and their verdict on today's values and a scenario's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from rapidfuzz import process

from synapolis.core.declare import REGISTRY, registered
from synapolis.core.errors import SourceError
from synapolis.indicators.catalogue import find, indicators
from synapolis.indicators.gates import GateResult

EVERY = "every"
GROUPS: Mapping[str, str] = {"lowest income group": "lowest_group_rent_burden"}
"""Groups of people that a gate can speak of, and the quantity that is theirs."""


@dataclass(frozen=True)
class GateRule:
    """A limit on a quantity with a scenario: on its value, or on its change against today.

    `limit` is in the unit of `quantity` and, where `relative`, counts from today's value; what lies within `tolerance`
    beyond it still passes. `zone` is empty for the whole city, the id of a zone, or `every`.
    """

    name: str
    quantity: str
    operator: Literal["<=", ">="]
    limit: float
    relative: bool
    tolerance: float
    zone: str
    action: Literal["block", "warn"]
    says: str

    def breaks(self, before: float, after: float) -> bool:
        """Whether a value with the scenario breaks the limit, given today's."""
        mark = self.limit + (before if self.relative else 0.0)
        return after > mark + self.tolerance if self.operator == "<=" else after < mark - self.tolerance


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Gate(_Form):
    name: str = Field(min_length=1, max_length=200)
    indicator: str
    operator: Literal["<=", ">="]
    limit: float | None = None
    relative_to_baseline: float | None = None
    tolerance: float = Field(default=0.0, ge=0)
    zone: str = Field(default="", max_length=200)
    group: str = ""
    action: Literal["block", "warn"] = "block"
    says: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _one_limit(self) -> _Gate:
        if (self.limit is None) == (self.relative_to_baseline is None):
            raise ValueError("expected exactly one of limit (on the value) and relative_to_baseline (on the change)")
        return self


class _File(_Form):
    gates: tuple[_Gate, ...] = Field(min_length=1)


def read_gates(facts: Any, *, where: str = "gates") -> tuple[GateRule, ...]:
    """Read gates from plain data, as a YAML, TOML or JSON file holds it: `gates`, a list.

    Each gate: name, indicator (an id of the catalogue or a word of the vocabulary; limits are in its unit), operator
    (<= or >=), limit or relative_to_baseline; tolerance, zone, group, action (block or warn) and says may be left out.

    Raises
    ------
    SourceError
        Naming each gate and field that is missing, unknown or makes no sense.
    """
    if not isinstance(facts, Mapping):
        raise SourceError(f"{where}: expected a field `gates` with a list, got {type(facts).__name__}")
    try:
        form = _File.model_validate(facts)
    except ValidationError as error:
        told = "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()[:12])
        raise SourceError(f"{where}: {told}; see docs/indicators.md") from error
    names = [gate.name for gate in form.gates]
    if len(set(names)) < len(names):
        raise SourceError(f"{where}: expected a name of its own for each gate, got {', '.join(names)}")
    return tuple(_rule(number, gate, where) for number, gate in enumerate(form.gates, start=1))


@registered(
    kind="rule",
    version="1",
    name="gate_from_a_file",
    decision="Whether a scenario may be recommended, by the limits that a city states.",
    data=("gate", "value today and with the scenario, of the city or by zone", "changes in the ensemble"),
    method="The value with the scenario is compared with the limit, or with today's value and the allowed change; of "
    "every zone, the worst one decides.",
    source="The project's own rule, stated in full in docs/indicators.md; limits are data that a city sets.",
    limits="Judges only what its indicator sees; an indicator that cannot be computed gives no verdict.",
    risks="A limit set too loose lets harm pass: the limit stands beside each verdict.",
    tests="tests/indicators/test_gate_file.py",
    oversight="People set the gates; a blocked scenario can be looked at, and changed, but is never recommended.",
)
def judge_rule(
    rule: GateRule,
    before: NDArray[np.float64] | None,
    after: NDArray[np.float64] | None,
    *,
    places: Sequence[str] = (),
    changes: NDArray[np.float64] | None = None,
    reason: str = "",
) -> GateResult:
    """Judge a gate on the values today and with the scenario.

    Parameters
    ----------
    before, after : (place,) one value for the city, or one a zone; None where it cannot be computed
    places : names of the zones, where the gate speaks of zones
    changes : (member,) change of the city's value in each member of an ensemble, for gates on the change
    reason : why it cannot be computed
    """
    if before is None or after is None or not len(after) or not np.isfinite(after).any():
        return GateResult(rule.name, rule.says, "not computable", rule.action, None, reason or "no value")
    known = np.flatnonzero(np.isfinite(before) & np.isfinite(after))
    if not len(known):
        return GateResult(
            rule.name, rule.says, "not computable", rule.action, None, reason or "no value at both stages"
        )
    broken = [place for place in known if rule.breaks(float(before[place]), float(after[place]))]
    share = None
    if rule.relative and not rule.zone and changes is not None and len(changes):
        agree = [rule.breaks(0.0, float(change)) == bool(broken) for change in changes]
        share = float(np.mean(agree))
    worst = max(map(int, broken or known), key=lambda place: _excess(rule, float(before[place]), float(after[place])))
    said = _told(rule, float(before[worst]), float(after[worst]), places[worst] if rule.zone and len(places) else "")
    more = f" ({len(broken)} of {len(known)} zones break it)" if rule.zone == EVERY and broken else ""
    return GateResult(rule.name, rule.says, "block" if broken else "pass", rule.action, share, said + more)


def _excess(rule: GateRule, before: float, after: float) -> float:
    gone = after - (before if rule.relative else 0.0)
    return gone if rule.operator == "<=" else -gone


def _told(rule: GateRule, before: float, after: float, place: str) -> str:
    unit = REGISTRY.quantities[rule.quantity].unit
    unit = "" if unit == "1" else f" {unit}"
    where = f" in {place}" if place else ""
    return f"{rule.quantity.replace('_', ' ')}{where}: {before:.4g}{unit} today, {after:.4g}{unit} with the scenario"


def _rule(number: int, gate: _Gate, where: str) -> GateRule:
    spot = f"{where}: gate {number} ({gate.name})"
    quantity, factor = _quantity(gate.indicator, spot)
    place = REGISTRY.quantities[quantity].place
    if gate.group and GROUPS.get(gate.group) != quantity:
        known = ", ".join(f"{group} ({word})" for group, word in GROUPS.items())
        raise SourceError(f"{spot}: group: {quantity} is not of the group {gate.group!r}; groups there are: {known}")
    if gate.zone and place != "zone":
        raise SourceError(f"{spot}: zone: {quantity} is one number for the {place}; leave zone out, or name a quantity "
                          "by zone such as rent_burden")  # fmt: skip
    if not gate.zone and place != "city":
        raise SourceError(f"{spot}: zone: {quantity} is by {place}; say which zone, or zone: {EVERY}")
    relative = gate.relative_to_baseline is not None
    stated = gate.relative_to_baseline if relative else gate.limit
    assert stated is not None
    says = gate.says or _in_words(gate, stated, relative=relative)
    return GateRule(gate.name, quantity, gate.operator, stated / factor, relative, gate.tolerance / factor, gate.zone,
                    gate.action, says)  # fmt: skip


def _quantity(name: str, spot: str) -> tuple[str, float]:
    """Word of the vocabulary that a gate is about, and the factor from its unit to that of the gate."""
    if name in indicators() or ":" in name:
        try:
            row = find(name)
        except SourceError as error:
            raise SourceError(f"{spot}: indicator: {error}") from error
        if not row.quantity:
            raise SourceError(f"{spot}: indicator: the twin does not compute {row.id}, so no scenario can change it")
        return row.quantity, row.factor
    known = REGISTRY.quantities.get(name)
    if known is None or known.place not in ("city", "zone"):
        numbers = [word for word, quantity in REGISTRY.quantities.items() if quantity.place in ("city", "zone")]
        near = ", ".join(found for found, *_ in process.extract(name, numbers, limit=3))
        raise SourceError(f"{spot}: indicator: no quantity of the city or its zones is called {name!r}; close ones are "
                          f"{near}")  # fmt: skip
    return name, 1.0


def _in_words(gate: _Gate, stated: float, *, relative: bool) -> str:
    side = "at most" if gate.operator == "<=" else "at least"
    zone = f" in {'every zone' if gate.zone == EVERY else gate.zone}" if gate.zone else ""
    slack = f", give or take {gate.tolerance:g}" if gate.tolerance else ""
    subject = f"{gate.indicator.replace('_', ' ')}{zone}"
    if not relative:
        return f"{subject} must be {side} {stated:g}{slack}"
    if stated == 0:
        return f"{subject} may not {'rise' if gate.operator == '<=' else 'fall'} against today{slack}"
    return f"{subject} must be {side} today's value {'plus' if stated > 0 else 'minus'} {abs(stated):g}{slack}"


def _place(loc: tuple[int | str, ...]) -> str:
    """Where a fault is, gates counted from 1 as people do."""
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in loc)
