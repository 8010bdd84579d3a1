"""What edits do to the ground: another cover, or storage for rain; and a record of what was really carried out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import ScenarioError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.land_cover import Cover
from synapolis.layers.vocabulary import (
    EditArea,
    EditCover,
    EditDepth,
    EditId,
    EditShare,
    EditStorage,
    Extent,
    Grid,
    GroundWorks,
    LandCover,
    StorageDepth,
)

COVERS = {c.name.lower(): c for c in (Cover.GRASS, Cover.TREES, Cover.PAVED, Cover.PERMEABLE_PAVING, Cover.BARE)}
"""What an edit may lay or plant."""
KEPT = (Cover.WATER, Cover.ROOF, Cover.GREEN_ROOF, Cover.RAIL)
"""Never painted over: an edit of the ground moves no water, house or track."""
GROUND_FOR = {
    "green_roof": (Cover.ROOF, Cover.GREEN_ROOF),
    "infiltration_strip": (Cover.STREET, Cover.PAVED, Cover.PERMEABLE_PAVING),
    "rain_garden": (Cover.STREET, Cover.PAVED, Cover.PERMEABLE_PAVING),
    "basin": tuple(c for c in Cover if c not in (Cover.UNKNOWN, Cover.WATER, Cover.ROOF, Cover.GREEN_ROOF, Cover.RAIL)),
}
"""Covers on which each kind of storage can be built; rain gardens serve the paving around them."""
MOST_DEPTH = 5_000.0  # mm
WORKS = ("edit", "item", "amount", "unit")


class CoverChanged(NamedTuple):
    """Land cover after an edit, and the ground it changed."""

    land_cover: LandCover
    ground_works: GroundWorks


class StorageBuilt(NamedTuple):
    """Storage after an edit, and what was built."""

    storage_depth: StorageDepth
    ground_works: GroundWorks


@model(
    version="2",
    decision="The start of every plan that changes the ground.",
    method="An empty table: before any edit nothing is built.",
    limits="Works already under way are not known.",
    risks="None of its own.",
    tests="tests/models/test_ground_edits.py",
)
def no_ground_works(extent: Extent) -> GroundWorks:  # noqa: ARG001 - every city has an extent, so every city has this
    """Start with nothing done to the ground.

    References
    ----------
    None: a definition.
    """
    return pd.DataFrame({"edit": [], "item": [], "amount": [], "unit": []}).astype({"amount": float})


@model(
    version="2",
    decision="What greening, paving or opening up ground does to rain, heat and cost.",
    method="Cells whose centre lies in the area take the new cover, save water, roofs and tracks.",
    limits="No soil, root or pipe below the ground is looked at; trees count as grown.",
    risks="Streets in the area are painted over too: choose the area with care.",
    tests="tests/models/test_ground_edits.py",
)
def change_cover(
    land_cover: LandCover,
    ground_works: GroundWorks,
    grid: Grid,
    edit_id: EditId,
    edit_area: EditArea,
    edit_cover: EditCover,
) -> CoverChanged:
    """Lay or plant another cover in an area; never over water, roofs or tracks.

    Raises
    ------
    ScenarioError
        A cover that cannot be laid, or an area without ground to change.

    References
    ----------
    A definition of this project over the land-cover classes.
    """
    if edit_cover not in COVERS:
        raise ScenarioError(f"ground can become {', '.join(COVERS)}; got {edit_cover!r}")
    area = _area(edit_area, grid)
    changed = area & ~np.isin(land_cover, [*KEPT, COVERS[edit_cover]])
    if not changed.any():
        raise ScenarioError(
            f"the area has no ground that could become {edit_cover.replace('_', ' ')}: it holds "
            f"{_covers_in(land_cover, area)}; choose another area or cover"
        )
    painted = np.where(changed, np.uint8(COVERS[edit_cover]), land_cover).astype(np.uint8)
    return CoverChanged(painted, _with_work(ground_works, edit_id, edit_cover, changed.sum() * grid.cell_area, "m²"))


@model(
    version="2",
    decision="How much rain storage in an area would hold back.",
    method="Adds a depth of storage on a share of the ground that can bear it: green roofs on roofs, infiltration "
    "strips and rain gardens on streets and paving, basins on open ground. The share's room is spread evenly: rain "
    "gardens on a tenth of the paving that hold 250 mm give each square metre of it 25 mm.",
    limits="Runoff before it flows counts only rain that falls on the storage; floods also fill it with what runs onto "
    "it. Empty before the storm; what seeps away below it in the storm is left out; roofs are taken to bear it.",
    risks="All roofs or paving of the area is a great deal: give a share, or read it as the most that can be done.",
    tests="tests/models/test_ground_edits.py",
)
def build_storage(
    storage_depth: StorageDepth,
    ground_works: GroundWorks,
    land_cover: LandCover,
    grid: Grid,
    edit_id: EditId,
    edit_area: EditArea,
    edit_storage: EditStorage,
    edit_depth: EditDepth,
    edit_share: EditShare,
) -> StorageBuilt:
    """Build a basin, green roofs, infiltration strips or rain gardens in an area, where the ground allows.

    Raises
    ------
    ScenarioError
        An unknown kind, a depth of 0 or above 5 m, a share outside 0 to 1, or an area without a place for it.

    References
    ----------
    Own definition, with the kinds of storage that EPA SWMM 5 knows as low-impact development.
    """
    if edit_storage not in GROUND_FOR:
        raise ScenarioError(f"storage is one of {', '.join(GROUND_FOR)}; got {edit_storage!r}")
    if not 0 < edit_depth <= MOST_DEPTH:
        raise ScenarioError(f"a storage depth must be above 0 and at most {MOST_DEPTH:g} mm, got {edit_depth:g}")
    if not 0 < edit_share <= 1:
        raise ScenarioError(f"storage is built on a share above 0 and at most 1, got {edit_share:g}")
    area = _area(edit_area, grid)
    built = area & np.isin(land_cover, GROUND_FOR[edit_storage])
    if not built.any():
        raise ScenarioError(
            f"the area has no place for a {edit_storage.replace('_', ' ')}: it holds {_covers_in(land_cover, area)}; "
            "choose another area or kind of storage"
        )
    deeper = np.where(built, storage_depth + np.float32(edit_depth * edit_share), storage_depth).astype(np.float32)
    square_metres = float(built.sum() * grid.cell_area) * edit_share
    amount, unit = (square_metres * edit_depth / 1000, "m³") if edit_storage == "basin" else (square_metres, "m²")
    return StorageBuilt(deeper, _with_work(ground_works, edit_id, edit_storage, amount, unit))


def _area(area: Any, grid: GridValue) -> NDArray[np.bool_]:
    if area is None or shapely.is_empty(area):
        raise ScenarioError("the edit needs an area, got an empty one; name a place or draw a polygon")
    inside = grid.mask(area)
    if not inside.any():
        raise ScenarioError(
            f"the area holds no cell of the city's {grid.cell_size:g} m grid: it is too small or lies outside; widen it"
        )
    return inside


def _covers_in(cover: NDArray[np.uint8], area: NDArray[np.bool_]) -> str:
    codes, counts = np.unique(cover[area], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"{Cover(codes[k]).label} {counts[k] / counts.sum():.0%}" for k in order)


def _with_work(works: pd.DataFrame, edit: str, item: str, amount: float, unit: str) -> pd.DataFrame:
    row = pd.DataFrame([(edit, item, float(amount), unit)], columns=list(WORKS))
    return row if works.empty else pd.concat([works, row], ignore_index=True)
