"""Turns a sample of households into the layer `income_groups`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from synapolis.core.declare import registered
from synapolis.core.errors import LayerError, SourceError

GROUPS = 5


@registered(
    kind="parser",
    version="1",
    decision="Building a city: households by income in each zone.",
    data=("CSV of sampled households with zone and income", "the zones' counted households"),
    method="Households are sorted by income into fifths of the whole city, each zone's sample scaled to its counted "
    "households.",
    source="Post-stratification as in Lohr, Sampling: Design and Analysis, 2nd ed. (2010), ch. 4; the mapping is in "
    "docs/cities.md.",
    limits="Small samples make zones look more equal or unequal than they are.",
    risks="Affordability gates rest on it; who is not in the sample is not counted.",
    tests="tests/sources/test_build.py",
)
def read_income_sample(path: Path | str, mapping: str, zones: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Group a sample of households by zone and income, each zone's sample scaled to its counted households.

    Parameters
    ----------
    path : Path or str
        CSV with one row per household.
    mapping : str
        `zone=COLUMN,income=COLUMN,weight_to=ZONES_COLUMN`: the zones' column with counted households.
    zones : DataFrame
        The layer `zones`, by id.

    Returns
    -------
    table, notes
        Columns zone, group (q1 lowest … q5), households, income (mean of the group in the zone).

    Raises
    ------
    SourceError
        A word or column that is missing.
    LayerError
        An income or a zone that cannot be placed.
    """
    words = dict(part.split("=", 1) for part in mapping.split(",") if "=" in part)
    missing = [name for name in ("zone", "income", "weight_to") if name not in words]
    if missing:
        raise SourceError(f"{path}: a household sample needs {', '.join(missing)} in its mapping")
    if words["weight_to"] not in zones.columns:
        raise SourceError(f"{path}: layer 'zones' has no column {words['weight_to']!r} to scale to; map it there")
    sample = pd.read_csv(path)
    lost = [words[name] for name in ("zone", "income") if words[name] not in sample.columns]
    if lost:
        raise SourceError(f"{path} has no column {', '.join(lost)}; it has {', '.join(sample.columns)}")
    zone, income = sample[words["zone"]].astype(str), pd.to_numeric(sample[words["income"]]).astype(float)
    counted = pd.Series(zones[words["weight_to"]].to_numpy(dtype=float), index=zones.index)
    strange = zone[~zone.isin(counted.index)]
    if len(strange):
        raise LayerError(f"{path}: zone {strange.iloc[0]!r} of {len(strange)} households is not in layer 'zones'")
    weight = zone.map(counted / zone.value_counts())
    group = _groups(income.to_numpy(), weight.to_numpy())
    rows = pd.DataFrame({"zone": zone, "group": group, "households": weight, "money": weight * income})
    table = rows.groupby(["zone", "group"], as_index=False).sum()
    table["income"] = table["money"] / table["households"]
    table.index = pd.Index(table["zone"] + ":" + table["group"], name="id")
    note = f"{len(sample)} sampled households, weighted to {table['households'].sum():,.0f} counted ones"
    empty = counted.index[~counted.index.isin(zone) & (counted > 0)]
    more = (f"{len(empty)} zones have no sampled household",) if len(empty) else ()
    return table[["zone", "group", "households", "income"]], (note, *more)


def _groups(income: np.ndarray, weight: np.ndarray) -> list[str]:
    """Weighted quantile of each household: q1 holds the lowest fifth."""
    order = np.argsort(income, kind="stable")
    share = np.empty(len(income))
    share[order] = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return [f"q{min(int(s * GROUPS) + 1, GROUPS)}" for s in share]
