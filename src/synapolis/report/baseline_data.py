"""The baseline as data: CSV for spreadsheets, JSON in one documented shape, tables for the terminal."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from synapolis.indicators.catalogue import frameworks
from synapolis.report.baseline import LEVEL_WORDS, STANDS_STILL, VERDICTS, entries_of, unit_of
from synapolis.report.numbers import number, significant
from synapolis.scenarios.baseline import Baseline, Change, Reading

FORMAT_VERSION = 1
COLUMNS = (
    "id", "framework", "code", "name", "theme", "kind", "area", "pillars", "unit", "better", "computable_from", "value",
    "low", "high", "basis", "origin", "scope", "quality", "period", "source", "observed", "target", "target_by",
    "standing", "rule", "rule_source", "missing", "could_come_from", "with_scenario", "change", "verdict",
)  # fmt: skip


def baseline_data(baseline: Baseline) -> dict[str, Any]:
    """Put a baseline into plain data: the shape that docs/indicators.md and docs/baseline.schema.json describe."""
    changes = {each.indicator.id: each for each in baseline.judgement.changes} if baseline.judgement else {}
    known = [each for each in baseline.readings if each.value is not None]
    return {
        "format_version": FORMAT_VERSION,
        "city": baseline.answer.city,
        "city_hash": baseline.answer.city_hash,
        "date": baseline.date.isoformat() if baseline.date else None,
        "hash": baseline.answer.hash,
        "counts": {
            "indicators": len(baseline.readings),
            "known": len(known),
            "from_twin": sum(each.basis == "twin" for each in known),
            "from_observations": sum(each.basis == "observation" for each in known),
        },
        "frameworks": [_framework(key, baseline) for key in baseline.frameworks],
        "indicators": [_indicator(each, changes.get(each.indicator.id)) for each in baseline.readings],
        "severe": [each.indicator.id for each in baseline.problems() if each.standing.level == "severe"],
        "scenario": _scenario(baseline),
        "run": json.loads(baseline.answer.to_json(indent=None)),
    }


def baseline_json(baseline: Baseline) -> str:
    """Write a baseline as JSON; numbers that are not finite become null."""
    return json.dumps(_finite(baseline_data(baseline)), indent=2, ensure_ascii=False, allow_nan=False)


def baseline_csv(baseline: Baseline) -> str:
    """Write a baseline as CSV, one row an indicator, unrounded; what a spreadsheet would run as a formula is quoted."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in baseline_data(baseline)["indicators"]:
        writer.writerow({name: _safe(row.get(name)) for name in COLUMNS} | _flat(row))
    return stream.getvalue()


def baseline_tables(baseline: Baseline) -> list[Table]:
    """Tables for the terminal: what stands badly, what is known, and with a scenario what changes."""
    tables = [_problems(baseline), _known(baseline)]
    return [*tables, _changes(baseline)] if baseline.judgement is not None else tables


def _framework(key: str, baseline: Baseline) -> dict[str, Any]:
    mine = [each for each in baseline.readings if each.indicator.framework == key]
    known = frameworks()[key]
    return {
        "key": key,
        "title": known.title,
        "count": len(mine),
        "from_twin": sum(each.basis == "twin" for each in mine),
        "from_observations": sum(each.basis == "observation" for each in mine),
        "missing": sum(not each.basis for each in mine),
        "source": known.source,
        "read": known.read,
        "note": known.note,
    }


def _indicator(reading: Reading, change: Change | None) -> dict[str, Any]:
    row, seen, target = reading.indicator, reading.observation, reading.target
    return {
        "id": row.id,
        "framework": row.framework,
        "code": row.code,
        "name": row.name,
        "theme": row.theme,
        "kind": row.kind,
        "area": row.area,
        "pillars": list(row.pillars),
        "formula": row.formula,
        "unit": row.unit,
        "better": row.better,
        "computable_from": row.computable_from,
        "quantity": row.quantity or None,
        "value": reading.value,
        "low": reading.low,
        "high": reading.high,
        "basis": reading.basis or None,
        "origin": reading.origin or None,
        "scope": reading.scope or None,
        "run_path": reading.claim.run_path if reading.claim else None,
        "illustrative": bool(reading.claim and reading.claim.illustrative),
        "observation": asdict(seen) if seen else None,
        "areas": [asdict(each) for each in reading.parts],
        "target": None if target is None else {
            "value": target.value, "by": target.by.isoformat() if target.by else None, "severe": target.severe,
            "source": target.source,
        },
        "benchmarks": [{"value": each.value, "source": each.source} for each in reading.benchmarks],
        "standing": {
            "level": reading.standing.level, "basis": reading.standing.basis or None, "rule": reading.standing.rule,
            "source": reading.standing.source or None, "read": reading.standing.read, "sure": reading.standing.sure,
        },
        "spread": asdict(reading.spread) if reading.spread else None,
        "missing": reading.missing or None,
        "could_come_from": row.needs if reading.value is None and row.is_number else None,
        "scenario": None if change is None else {
            "value": change.after, "change": change.change, "low": change.low, "high": change.high,
            "verdict": change.verdict, "standing": change.after_standing.level,
        },
    }  # fmt: skip


def _scenario(baseline: Baseline) -> dict[str, Any] | None:
    if baseline.judgement is None:
        return None
    answer = baseline.judgement.answer
    return {
        "question": answer.question,
        "summary": answer.summary,
        "blocked": answer.blocked,
        "gates": [vars(gate) for gate in answer.gates],
        "scenario": answer.scenario,
        "hash": answer.hash,
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Cells of the nested parts."""
    seen, target, later, standing = (row[name] or {} for name in ("observation", "target", "scenario", "standing"))
    observed = row["basis"] == "observation"
    cells = {
        "pillars": " ".join(name.replace(" ", "-") for name in row["pillars"]),
        "quality": seen.get("quality") if observed else None,
        "period": seen.get("period"),
        "source": seen.get("source"),
        "observed": seen.get("value"),
        "target": target.get("value"),
        "target_by": target.get("by"),
        "standing": standing.get("level"),
        "rule": standing.get("rule"),
        "rule_source": standing.get("source"),
        "with_scenario": later.get("value"),
        "change": later.get("change"),
        "verdict": later.get("verdict"),
    }
    return {name: _safe(value) for name, value in cells.items()}


def _problems(baseline: Baseline) -> Table:
    table = _table("What stands badly", ("figure", "left"), ("value", "right"), ("standing", "left"), ("why", "left"))
    shown = [entry for entry in entries_of(baseline) if entry.first.standing.level in ("severe", "problem")]
    for entry in sorted(shown, key=lambda entry: entry.first.standing.order):
        standing = entry.first.standing
        told = "; ".join(filter(None, (f"{standing.rule} ({standing.source})", entry.scope, entry.doubt)))
        table.add_row(
            escape(entry.indicator.name), f"{entry.value} {entry.unit}", LEVEL_WORDS[standing.level], escape(told)
        )
    if not shown:
        table.caption = "no figure misses a target or a benchmark"
    return table


def _known(baseline: Baseline) -> Table:
    table = _table("What is known", ("figure", "left"), ("value", "right"), ("indicators", "left"), ("origin", "left"))
    for entry in entries_of(baseline):
        ids = ", ".join(each.indicator.id for each in entry.readings)
        grade = (
            f", {entry.first.observation.quality}" if entry.first.basis != "twin" and entry.first.observation else ""
        )
        illustrative = ", illustrative" if entry.claim.illustrative else ""
        table.add_row(
            escape(entry.indicator.name),
            f"{entry.value} {entry.unit}",
            ids,
            f"{entry.first.origin}{grade}{illustrative}",
        )
    missing = sum(each.value is None for each in baseline.readings)
    table.caption = (
        f"{missing} of {len(baseline.readings)} indicators are not known; the report says where they could come from"
    )
    return table


def _changes(baseline: Baseline) -> Table:
    assert baseline.judgement is not None
    table = _table("With the scenario", ("indicator", "left"), ("today", "right"), ("with it", "right"),
                   ("change", "right"), ("verdict", "left"))  # fmt: skip
    told: set[str] = set()
    for each in baseline.judgement.changes:
        if each.verdict in STANDS_STILL or each.indicator.quantity in told:
            continue
        told.add(each.indicator.quantity)
        unit = unit_of(each.indicator)
        sign = "+" if each.change > 0 else "\N{MINUS SIGN}" if each.change < 0 else ""
        table.add_row(
            escape(each.indicator.name), significant(each.before), f"{significant(each.after)} {unit}".strip(),
            f"{sign}{significant(abs(each.change))}", VERDICTS[each.verdict],
        )  # fmt: skip
    gates = "; ".join(f"{gate.name}: {gate.outcome}" for gate in baseline.judgement.gates)
    table.caption = f"gates: {escape(gates)}" if gates else f"{number(len(told))} figures change"
    return table


def _table(title: str, *columns: tuple[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
