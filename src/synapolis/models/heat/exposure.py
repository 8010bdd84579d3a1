"""Who and what is exposed: residents around their homes, zones, and the streets people walk."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.land_cover import BUILT, Cover
from synapolis.layers.vocabulary import (
    BuildingPopulation,
    Buildings,
    BuiltHeight,
    Extent,
    Grid,
    HomeUtci,
    LandCover,
    MeanStreetUtci,
    MeanUtci,
    ResidentsInStrongHeat,
    ResidentsInVeryStrongHeat,
    ResidentUtci,
    StreetHeatShare,
    Streets,
    StreetsInStrongHeat,
    StreetUtci,
    Utci,
    Zones,
    ZoneUtci,
)
from synapolis.models.heat.comfort import STRONG, VERY_STRONG

Floats = NDArray[np.float64]


class StreetHeat(NamedTuple):
    """Heat along streets."""

    street_utci: StreetUtci
    street_heat_share: StreetHeatShare
    mean_street_utci: MeanStreetUtci
    streets_in_strong_heat: StreetsInStrongHeat


class ResidentHeat(NamedTuple):
    """Heat around homes."""

    residents_in_strong_heat: ResidentsInStrongHeat
    residents_in_very_strong_heat: ResidentsInVeryStrongHeat
    resident_utci: ResidentUtci


@model(
    version="1",
    decision="Whether a plan makes the city's outdoors hotter or cooler on a hot afternoon.",
    method="Mean of UTCI over the cells of the extent that are neither roof nor water.",
    limits="As utci; every square metre of ground counts the same, whether anyone is there or not.",
    risks="A change of a few streets vanishes in it: look at the map and the streets too.",
    tests="tests/models/heat/test_exposure.py",
)
def mean_utci(utci: Utci, land_cover: LandCover, built_height: BuiltHeight, grid: Grid, extent: Extent) -> MeanUtci:
    """Average UTCI over the ground of the city.

    References
    ----------
    Own definition.
    """
    ground = outdoors(land_cover, built_height) & grid.mask([extent])
    if not ground.any():
        raise NotComputableError("mean_utci needs open ground in the extent; there is none")
    return float(utci[ground].mean(dtype=np.float64))


@model(
    version="1",
    decision="Which districts are hot outdoors.",
    method="Mean of UTCI over the zone's cells that are neither roof nor water; a zone without one takes the nearest.",
    limits="As utci.",
    risks="Shady corners and hot squares average out.",
    tests="tests/models/heat/test_exposure.py",
)
def zone_utci(utci: Utci, land_cover: LandCover, built_height: BuiltHeight, zones: Zones, grid: Grid) -> ZoneUtci:
    """Average UTCI over the ground of each zone.

    Returns
    -------
    (zone,) [°C]

    References
    ----------
    Own definition.
    """
    ground = outdoors(land_cover, built_height)
    labels = grid.burn(zones.geometry, np.arange(1, len(zones) + 1), dtype="int32")
    places = np.arange(1, len(zones) + 1)
    cells = np.bincount(labels[ground], minlength=len(zones) + 1)[1:]
    sums = ndimage.sum_labels(np.where(ground, utci, 0).astype(np.float64), labels, places)
    near = at_points(nearest_outdoors(utci, ground), shapely.point_on_surface(zones.geometry.to_numpy()), grid)
    return np.where(cells > 0, sums / np.maximum(cells, 1), near)


@model(
    version="1",
    decision="Around which homes it is hot.",
    method="Mean of UTCI over the outdoor cells in a square around the building, as wide as twice the distance; where "
    "there is none, the nearest outdoor cell.",
    limits="As utci. Nothing is said of the air inside.",
    risks="Homes behind hot facades may be cool, and the other way round.",
    tests="tests/models/heat/test_exposure.py",
)
def home_utci(
    utci: Utci,
    land_cover: LandCover,
    built_height: BuiltHeight,
    buildings: Buildings,
    grid: Grid,
    home_surroundings: float,
) -> HomeUtci:
    """Average UTCI outdoors around each building.

    Returns
    -------
    (building,) [°C]

    References
    ----------
    Own definition.
    """
    ground = outdoors(land_cover, built_height)
    wide = 2 * max(1, round(home_surroundings / grid.cell_size)) + 1
    share = ndimage.uniform_filter(ground.astype(np.float64), wide, mode="constant")
    total = ndimage.uniform_filter(np.where(ground, utci, 0).astype(np.float64), wide, mode="constant")
    enough = share > 0.5 / wide**2
    around = np.where(enough, total / np.where(enough, share, 1), nearest_outdoors(utci, ground))
    return at_points(around, shapely.point_on_surface(buildings.geometry.to_numpy()), grid)


@model(
    version="1",
    decision="How many residents meet strong heat on leaving home.",
    method="Sums residents of the buildings around which the mean UTCI passes 32 and 38 °C; and averages it over them.",
    limits="As home_utci; residents by building are estimates where nobody counted them.",
    risks="Counts jump as a district passes the threshold by a tenth of a degree: read them with the mean.",
    tests="tests/models/heat/test_exposure.py",
)
def resident_heat(home_utci: HomeUtci, building_population: BuildingPopulation) -> ResidentHeat:
    """Count residents in strong and very strong heat stress around their homes.

    Raises
    ------
    NotComputableError
        Nobody lives in the city's buildings.

    References
    ----------
    Scale of UTCI (COST action 730), as pythermalcomfort has it: strong above 32 °C, very strong above 38 °C.
    """
    people = np.nan_to_num(np.asarray(building_population, dtype=np.float64))
    if people.sum() <= 0:
        raise NotComputableError("resident_heat needs residents in buildings; this city has none")
    return ResidentHeat(
        float(people[home_utci > STRONG].sum()),
        float(people[home_utci > VERY_STRONG].sum()),
        float((people * home_utci).sum() / people.sum()),
    )


@model(
    version="1",
    decision="Which streets are too hot to walk on a hot afternoon.",
    method="UTCI read about every cell along each segment at ground level; means by length over those open to walkers.",
    limits="As utci; the middle of the street stands for its pavements, so the shade of an arcade or of the one shady "
    "side is not told.",
    risks="Walkers choose the shady side: they feel less than shown.",
    tests="tests/models/heat/test_exposure.py",
)
def street_heat(
    utci: Utci, land_cover: LandCover, built_height: BuiltHeight, streets: Streets, grid: Grid
) -> StreetHeat:
    """Read UTCI along the streets people walk.

    Returns
    -------
    StreetHeat
        (link,) [°C] and [1] for every segment, those on bridges and in tunnels too; city figures over walkable
        ground level.

    References
    ----------
    Own definition; strong heat stress above 32 °C of UTCI.
    """
    felt = nearest_outdoors(utci, outdoors(land_cover, built_height))
    lines = streets.geometry.to_numpy()
    length = shapely.length(lines)
    count = np.maximum(1, np.ceil(length / grid.cell_size)).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), count)
    along = (np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[line]
    values = at_points(felt, shapely.line_interpolate_point(lines[line], along, normalized=True), grid)
    mean = np.bincount(line, values, len(lines)) / count
    hot = np.bincount(line, values > STRONG, len(lines)) / count
    walked = length * (streets["walk"].to_numpy(dtype=bool) & ~streets["bridge"].to_numpy(dtype=bool))
    if walked.sum() <= 0:
        raise NotComputableError("street_heat needs streets at ground level that are open to walkers; there are none")
    total = walked.sum()
    return StreetHeat(mean, hot, float((walked * mean).sum() / total), float((walked * hot).sum() / total))


def outdoors(land_cover: NDArray[np.uint8], built_height: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Cells where people walk: no roof, no water."""
    return ~np.isin(land_cover, (*BUILT, Cover.WATER)) & (built_height <= 0)


def nearest_outdoors(values: NDArray[np.float32], ground: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Values in which each cell that is not outdoors takes that of the nearest which is; (row, column)."""
    if ground.all() or not ground.any():
        return values
    rows, columns = ndimage.distance_transform_edt(~ground, return_distances=False, return_indices=True)
    return np.asarray(values[rows, columns])


def at_points(values: NDArray[Any], points: NDArray[Any], grid: GridValue) -> Floats:
    """Values of the cells that hold some points."""
    rows, columns = grid.cells_of(shapely.get_x(points), shapely.get_y(points))
    return np.asarray(values[rows, columns], dtype=np.float64)
