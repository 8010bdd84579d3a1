"""The housing programme: new homes, site by site, and what can be read off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from synapolis.core.declare import model
from synapolis.core.errors import ModelError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import Extent, HomesPlaced, HomesUnplaced, HousingProgramme

NEW_BUILDING = "new building"
ROOF_STOREYS = "roof storeys"
BEYOND_RULES = "beyond the rules"  # storeys above the height limit, to answer for the whole as asked
ON_OTHER_GROUND = "on other ground"  # greens, courts and car parks, to answer for the whole as asked
BY_ZONE = "by zone"
UNPLACED = "unplaced"

SMALLEST_HOME = 30.0  # m² gross: nobody would call less a way to fit more homes

COLUMNS = ("edit", "site", "kind", "levels", "homes", "floor_area", "footprint", "gave_way", "geometry")


def empty_programme(crs: Any = None) -> gpd.GeoDataFrame:
    """A programme without homes, as every city has before an edit."""
    numbers = dict.fromkeys(("levels", "homes", "floor_area", "footprint"), np.dtype(float))
    columns = {name: pd.Series([], dtype=numbers.get(name, object)) for name in COLUMNS[:-1]}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs, index=pd.Index([], dtype=object))


def with_rows(programme: gpd.GeoDataFrame, rows: Sequence[Mapping[str, Any]], crs: Any) -> gpd.GeoDataFrame:
    """Append rows; each is known by its edit and its place in it (`EDIT/1`, `EDIT/2` ...)."""
    if not rows:
        return programme
    start = {edit: int((programme["edit"] == edit).sum()) for edit in {row["edit"] for row in rows}}
    names = []
    for row in rows:
        start[row["edit"]] += 1
        names.append(f"{row['edit']}/{start[row['edit']]}")
    added = gpd.GeoDataFrame(list(rows), columns=list(COLUMNS), geometry="geometry", crs=crs, index=names)
    numbers = ["levels", "homes", "floor_area", "footprint"]
    added[numbers] = added[numbers].astype(float)
    if programme.empty:
        return added
    return gpd.GeoDataFrame(pd.concat([programme, added]), geometry="geometry", crs=crs)


@dataclass(frozen=True)
class RoomForTheRest:
    """What would make room for homes that found none; each figure alone would do. NaN where it cannot be said."""

    unplaced: float
    extra_levels: float
    hectares: float
    home_floor_area: float

    def sentences(self) -> tuple[str, ...]:
        """Say it in plain words, one way a sentence."""
        if self.unplaced <= 0:
            return ()
        said = []
        if np.isfinite(self.hectares):
            ground = f"{self.hectares:.1f} ha more ground, built on as densely"
            said.append(f"{ground}, for the other {self.unplaced:,.0f} homes")
        if np.isfinite(self.extra_levels):
            storeys = "storey" if self.extra_levels == 1 else "storeys"
            said.append(f"{self.extra_levels:.0f} more {storeys} on each new and each raised building")
        if self.home_floor_area >= SMALLEST_HOME:
            said.append(f"homes of {self.home_floor_area:.0f} m² gross, on the same floors")
        return tuple(said)


def room_for_the_rest(
    programme: gpd.GeoDataFrame, *, home_floor_area: float, site_coverage: float, new_building_levels: float
) -> RoomForTheRest:
    """What would make room for the homes a programme could not place.

    Parameters
    ----------
    programme : GeoDataFrame
        A housing programme.
    home_floor_area : float [m²]
    site_coverage : float [1]
    new_building_levels : float [1]

    Returns
    -------
    RoomForTheRest
        Storeys to add on every new and raised building, hectares of further ground, or the size of home that would fit.
    """
    missing = homes_unplaced(programme)
    kinds = programme["kind"]
    placed = programme[~kinds.isin([UNPLACED, BY_ZONE])]
    standing = _each_roof_once(programme[kinds.isin([NEW_BUILDING, ROOF_STOREYS])])
    decks = float(standing["footprint"].sum())
    density = site_coverage * new_building_levels
    floor = float(placed["floor_area"].sum())
    asked = missing + float(placed["homes"].sum())
    return RoomForTheRest(
        unplaced=missing,
        extra_levels=float(np.ceil(missing * home_floor_area / decks)) if decks > 0 else np.nan,
        hectares=missing * home_floor_area / density / 10_000 if density > 0 else np.nan,
        home_floor_area=floor / asked if floor > 0 else np.nan,
    )


def _each_roof_once(programme: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The programme without the rows that raise a roof once more than another edit did."""
    again = (programme["kind"] == ROOF_STOREYS) & programme.duplicated(["kind", "site"])
    return programme[~again]


def what_gave_way(programme: gpd.GeoDataFrame) -> dict[str, float]:
    """Ground and roofs that new homes take, by what was there before [m²], the largest first."""
    areas: dict[str, float] = {}
    taken = _each_roof_once(programme)
    for row in taken[~taken["kind"].isin([UNPLACED, BEYOND_RULES, BY_ZONE])].itertuples():
        for part in str(row.gave_way).split(", "):
            name, _, share = part.rpartition(" ")
            known = share.endswith("%") and share[:-1].isdigit()
            label = "roofs" if part.startswith("roof") else name if known else part or "ground not told apart"
            areas[label] = areas.get(label, 0.0) + float(row.footprint) * (int(share[:-1]) / 100 if known else 1.0)
    return dict(sorted(areas.items(), key=lambda item: -item[1]))


def check_programme(programme: gpd.GeoDataFrame) -> None:
    """Raise ModelError unless a table is a housing programme.

    Raises
    ------
    ModelError
        A column is missing, or homes are negative.
    """
    lacking = [name for name in COLUMNS if name not in programme.columns]
    if lacking:
        raise ModelError(f"a housing programme needs {', '.join(COLUMNS)}; {', '.join(lacking)} is missing")
    if bool((programme["homes"] < 0).any()):
        raise ModelError("a housing programme holds no negative homes; demolition is another edit")


@model(
    version="1",
    decision="The start of every plan for new homes.",
    method="An empty table: before any edit no new homes are planned.",
    limits="Homes already under construction are not known.",
    risks="A city that is building today looks as if it were not.",
    origin="observed",
    tests="tests/models/test_housing.py",
)
def no_new_homes(extent: Extent) -> HousingProgramme:  # noqa: ARG001 - every city has an extent, so every city has this
    """Start with no new homes planned.

    References
    ----------
    None: a definition.
    """
    return empty_programme()


@model(
    version="1",
    decision="How many of the homes asked for have a place.",
    method="Sum of homes over the rows of the programme that stand somewhere.",
    limits="A place on the ground, not a permit, an owner's consent or a buyer.",
    risks="Read as a promise of completions.",
    tests="tests/models/test_housing.py",
)
def homes_placed(housing_programme: HousingProgramme) -> HomesPlaced:
    """Count the new homes that fit.

    References
    ----------
    None: a sum over the programme.
    """
    check_programme(housing_programme)
    return float(housing_programme.loc[housing_programme["kind"] != UNPLACED, "homes"].sum())


@model(
    version="1",
    decision="How many of the homes asked for would need other ground or other rules.",
    method="Sum of homes over the rows of the programme that stand nowhere.",
    limits="Follows from the massing rules: other rules leave other homes over.",
    risks="Read as proof that a district is full.",
    tests="tests/models/test_housing.py",
)
def homes_unplaced(housing_programme: HousingProgramme) -> HomesUnplaced:
    """Count the new homes that were asked for and do not fit.

    References
    ----------
    None: a sum over the programme.
    """
    check_programme(housing_programme)
    return float(housing_programme.loc[housing_programme["kind"] == UNPLACED, "homes"].sum())
