"""Assumptions of every field, read from the tables in `assumptions/`: facts with their source, never code."""

from __future__ import annotations

import csv
from importlib.resources import files

from synapolis.core.declare import REGISTRY, Assumption
from synapolis.core.errors import DeclarationError

DISTRIBUTIONS = ("fixed", "uniform", "triangular")


def load_assumptions() -> None:
    """Enter every row of `assumptions/*.csv` in the registry.

    Raises
    ------
    DeclarationError
        When a row is incomplete, its value lies outside its range, or its name is taken.
    """
    for table in sorted(files("synapolis.layers").joinpath("assumptions").iterdir(), key=lambda entry: entry.name):
        if not table.name.endswith(".csv"):
            continue
        for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
            REGISTRY.add_assumption(parse_assumption(row, where=table.name))


def parse_assumption(row: dict[str, str], *, where: str) -> Assumption:
    """Read one row: name, value, low, high, unit, distribution, source, read, meaning."""
    name = row.get("name", "?")
    try:
        value, low, high = (float(row[key]) for key in ("value", "low", "high"))
    except (KeyError, TypeError, ValueError) as error:
        raise DeclarationError(
            f"{where}: assumption {name!r} needs numbers for value, low and high ({error})"
        ) from error
    if not low <= value <= high or row["distribution"] not in DISTRIBUTIONS:
        raise DeclarationError(
            f"{where}: assumption {name!r} needs low <= value <= high and a distribution among "
            f"{', '.join(DISTRIBUTIONS)}; got {low:g}, {value:g}, {high:g}, {row['distribution']!r}"
        )
    if not row["source"] or not row["meaning"] or row["read"] not in {"yes", "no"}:
        raise DeclarationError(f"{where}: assumption {name!r} needs a source, a meaning, and read = yes or no")
    return Assumption(
        name=name,
        value=value,
        low=low,
        high=high,
        unit=row["unit"],
        distribution=row["distribution"],
        source=row["source"],
        read=row["read"] == "yes",
        meaning=row["meaning"],
    )


load_assumptions()
