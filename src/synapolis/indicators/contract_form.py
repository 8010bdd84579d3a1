"""The form of an outcome contract: what a YAML, TOML or JSON file holds, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from synapolis.core.errors import SourceError
from synapolis.indicators.catalogue import Indicator, find
from synapolis.indicators.contracts import RECENT_DAYS, Payment, Promise, checked
from synapolis.indicators.observations import CITY, plain_unit

OF_BASELINE = "% of baseline"


def _exact(value: Any) -> Any:
    """A number as it is written: 0.1 is one tenth, not the nearest binary fraction."""
    if isinstance(value, bool):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic reports a ValueError as the field's fault
    return repr(value) if isinstance(value, float) else value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False, max_digits=30)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Baseline(_Form):
    value: Exact
    date: dt.date


class _MeasuredBy(_Form):
    grades: tuple[str, ...] = Field(default=("measured",), min_length=1)
    sources: tuple[str, ...] = ()
    recent_days: int = Field(default=RECENT_DAYS, ge=1, le=36_600)


class _Payment(_Form):
    full: Exact
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    threshold: Exact = Decimal(0)
    cap: Exact | None = None


class _Contract(_Form):
    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    title: str = Field(default="", max_length=300)
    promised_by: str = Field(min_length=1, max_length=300)
    indicator: str
    area: str = Field(default=CITY, min_length=1, max_length=200)
    baseline: _Baseline
    change: Exact
    unit: str
    due: dt.date
    measured_by: _MeasuredBy = _MeasuredBy()
    payment: _Payment | None = None


def read_promise(facts: Any, *, where: str = "contract") -> Promise:
    """Read a promise from plain data.

    Fields: id, promised_by, indicator, baseline {value, date}, change, unit (the indicator's, or "% of baseline") and
    due; area, title, measured_by {grades, sources, recent_days}, payment {full, currency, threshold, cap} may be left
    out.

    Raises
    ------
    SourceError
        Naming each field that is missing, unknown or out of range.
    """
    if not isinstance(facts, Mapping):
        raise SourceError(f"{where}: expected fields such as id and indicator, got {type(facts).__name__}")
    try:
        form = _Contract.model_validate(facts)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:12])
        raise SourceError(f"{where}: {told}; see docs/indicators.md") from error
    try:
        indicator = find(form.indicator)
    except SourceError as error:
        raise SourceError(f"{where}: indicator: {error}") from error
    _check_unit(form, indicator, where)
    return checked(
        Promise(
            id=form.id,
            promised_by=form.promised_by,
            indicator=indicator.id,
            baseline=form.baseline.value,
            baseline_date=form.baseline.date,
            change=form.change,
            due=form.due,
            area=form.area,
            relative=plain_unit(form.unit) == plain_unit(OF_BASELINE),
            grades=form.measured_by.grades,
            sources=form.measured_by.sources,
            recent_days=form.measured_by.recent_days,
            payment=Payment(**form.payment.model_dump()) if form.payment is not None else None,
            title=form.title,
        ),
        where=where,
    )


def _check_unit(form: _Contract, indicator: Indicator, where: str) -> None:
    if plain_unit(form.unit) not in (plain_unit(indicator.unit), plain_unit(OF_BASELINE)):
        raise SourceError(
            f"{where}: unit: expected {indicator.unit!r}, the unit of {indicator.id}, or {OF_BASELINE!r}; "
            f"got {form.unit!r}"
        )
    if not indicator.is_number:
        raise SourceError(f"{where}: indicator: {indicator.id} is not one number: {indicator.formula}")


def as_facts(promise: Promise) -> dict[str, Any]:
    """Write a promise as plain data that JSON holds and `read_promise` reads back as the same promise."""
    indicator = find(promise.indicator)
    facts: dict[str, Any] = {
        "id": promise.id,
        "title": promise.title,
        "promised_by": promise.promised_by,
        "indicator": promise.indicator,
        "area": promise.area,
        "baseline": {"value": str(promise.baseline), "date": promise.baseline_date.isoformat()},
        "change": str(promise.change),
        "unit": OF_BASELINE if promise.relative else indicator.unit,
        "due": promise.due.isoformat(),
        "measured_by": {
            "grades": list(promise.grades),
            "sources": list(promise.sources),
            "recent_days": promise.recent_days,
        },
    }
    if promise.payment is not None:
        paid = promise.payment
        facts["payment"] = {
            "full": str(paid.full),
            "currency": paid.currency,
            "threshold": str(paid.threshold),
            "cap": None if paid.cap is None else str(paid.cap),
        }
    return facts
