"""Zones where a city has none, and people, jobs and homes by zone and in the whole city."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.schemas import LAYERS
from synapolis.layers.vocabulary import (
    BuildingHomes,
    BuildingJobs,
    BuildingPopulation,
    Buildings,
    Extent,
    Homes,
    HousingProgramme,
    Jobs,
    Junctions,
    Places,
    PointsOfInterest,
    Population,
    Streets,
    Terrain,
    ZoneHomes,
    ZoneJobs,
    ZonePopulation,
    Zones,
)
from synapolis.models.derive.buildings import check_built_up

H3_CELL_AREA = {11: 2_150.0, 10: 15_050.0, 9: 105_300.0, 8: 737_300.0, 7: 5_161_000.0}  # m², mean over the globe
MOST_ZONES = 1500
NOT_IN_A_ZONE = ("unplaced",)  # kinds of the housing programme that stand nowhere
FEWEST_COUNTED = 0.5  # share of the zones that must be counted before the others may be taken as empty
SMALLEST_PART = 0.1  # of a hexagon: smaller pieces at the border join a neighbour
NAMING_PLACES = ("district", "square", "park")


@model(
    version="1",
    decision="Where to report people, jobs and access when the city brings no zones.",
    method="H3 hexagons clipped to the extent: the finest of resolutions 7 to 10 that gives at most 1500 (11 for "
    "extents under half a square kilometre). Schools and health care are counted from points of interest.",
    limits="Cells follow no neighbourhood; cells at the border are cut and small.",
    risks="Averages by hexagon hide differences between the streets inside it.",
    tests="tests/models/test_derive_zones.py",
    optional=("junctions", "terrain", "points_of_interest", "places"),
    rank=1,
)
def zones_from_hexagons(
    extent: Extent, junctions: Junctions, terrain: Terrain, points_of_interest: PointsOfInterest, places: Places
) -> Zones:
    """Divide the extent into hexagonal zones that no edit can change.

    Parameters
    ----------
    extent : Polygon
    junctions, terrain : whichever the city has tells the projected CRS
    points_of_interest, places : GeoDataFrame or None

    Returns
    -------
    GeoDataFrame by H3 index, as the schema of `zones`; people, jobs and homes are missing (NaN): nobody counted them

    Raises
    ------
    NotComputableError
        Nothing tells the CRS.

    References
    ----------
    Brodsky, I. (2018), H3: Uber's hexagonal hierarchical spatial index.
    """
    crs = _crs(junctions, terrain, points_of_interest, places)
    outline = gpd.GeoSeries([extent], crs=crs).to_crs(4326).iloc[0]
    shape = h3.geo_to_h3shape(outline)
    ids = sorted(h3.h3shape_to_cells_experimental(shape, _resolution(extent.area), contain="overlap"))
    hexagons = gpd.GeoSeries([_hexagon(cell) for cell in ids], index=ids, crs=4326).to_crs(crs)
    parts = pd.Series(_polygons_only(shapely.intersection(hexagons.to_numpy(), extent)), index=hexagons.index)
    joined = _join_slivers(parts[shapely.area(parts) > 0], SMALLEST_PART * float(hexagons.area.mean()))
    return _zone_table(gpd.GeoSeries(joined, crs=crs), points_of_interest, places)


@model(
    version="1",
    decision="Who lives where.",
    method="Counted residents of each zone, and the household size for every new home that has a place in it.",
    limits="As old as the count; a zone without a count adds none.",
    risks="People who moved since are counted where they were.",
    tests="tests/models/test_derive_zones.py",
    origin="observed",
    columns=("zones.population",),
)
def zone_population(zones: Zones, housing_programme: HousingProgramme, household_size: float) -> ZonePopulation:
    """Take residents as counted, and add those of new homes.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        Fewer than half of the zones have a count.

    References
    ----------
    None: counts of the source; household size as assumed.
    """
    return counted(zones, "population") + new_homes_by_zone(zones, housing_programme) * household_size


@model(
    version="1",
    decision="Where work is.",
    method="Counted jobs of each zone.",
    limits="As old as the count; a zone without a count adds none. New homes bring no jobs.",
    risks="Jobs that moved since are counted where they were.",
    tests="tests/models/test_derive_zones.py",
    origin="observed",
    columns=("zones.jobs",),
)
def zone_jobs(zones: Zones) -> ZoneJobs:
    """Take jobs as counted.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        Fewer than half of the zones have a count.

    References
    ----------
    None: counts of the source.
    """
    return counted(zones, "jobs")


@model(
    version="1",
    decision="Where homes are.",
    method="Counted dwellings of each zone and every new home that has a place in it.",
    limits="As old as the count; a zone without a count adds none.",
    risks="Homes built since are missing.",
    tests="tests/models/test_derive_zones.py",
    origin="observed",
    columns=("zones.homes",),
)
def zone_homes(zones: Zones, housing_programme: HousingProgramme) -> ZoneHomes:
    """Take dwellings as counted, and add new ones.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        Fewer than half of the zones have a count.

    References
    ----------
    None: counts of the source.
    """
    return counted(zones, "homes") + new_homes_by_zone(zones, housing_programme)


@model(
    version="1",
    decision="Who lives where, when only buildings are known.",
    method="Estimated residents of the buildings whose inner point lies in the zone, or nearest to it.",
    limits="As good as the estimate by building; refused where fewer than half of the streets have a mapped building "
    "within 30 m, for then the buildings are a patchwork.",
    risks="Single zones may be wrong by half; the sum is checked in one city.",
    tests="tests/models/test_derive_zones.py",
    optional=("streets",),
    rank=1,
)
def zone_population_from_buildings(
    zones: Zones, buildings: Buildings, building_population: BuildingPopulation, streets: Streets
) -> ZonePopulation:
    """Sum the estimated residents of each zone's buildings.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        The mapping of buildings is a patchwork.

    References
    ----------
    None: a sum over buildings.
    """
    check_built_up(buildings, streets, "zone_population")
    return sum_by_zone(zones, buildings, building_population)


@model(
    version="1",
    decision="Where work is, when only buildings are known.",
    method="Estimated jobs of the buildings whose inner point lies in the zone, or nearest to it.",
    limits="As good as the estimate by building; refused where fewer than half of the streets have a mapped building "
    "within 30 m, for then the buildings are a patchwork.",
    risks="Single zones may be wrong by half.",
    tests="tests/models/test_derive_zones.py",
    optional=("streets",),
    rank=1,
)
def zone_jobs_from_buildings(
    zones: Zones, buildings: Buildings, building_jobs: BuildingJobs, streets: Streets
) -> ZoneJobs:
    """Sum the estimated jobs of each zone's buildings.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        The mapping of buildings is a patchwork.

    References
    ----------
    None: a sum over buildings.
    """
    check_built_up(buildings, streets, "zone_jobs")
    return sum_by_zone(zones, buildings, building_jobs)


@model(
    version="1",
    decision="Where homes are, when people were counted and dwellings were not.",
    method="Counted residents over the mean household size, and every new home that has a place in the zone.",
    limits="Vacant homes are not seen; one household size for the whole city.",
    risks="Districts of large families seem to have more homes than they have.",
    tests="tests/models/test_derive_zones.py",
    rank=1,
    columns=("zones.population",),
)
def zone_homes_from_people(zones: Zones, housing_programme: HousingProgramme, household_size: float) -> ZoneHomes:
    """Estimate dwellings from counted residents, and add new ones.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        Fewer than half of the zones have counted residents.

    References
    ----------
    Eurostat housing figures for 2023 (mean household size).
    """
    return counted(zones, "population") / household_size + new_homes_by_zone(zones, housing_programme)


@model(
    version="1",
    decision="Where homes are, when only buildings are known.",
    method="Mapped or estimated dwellings of the buildings whose inner point lies in the zone, or nearest to it.",
    limits="As good as the estimate by building; refused where fewer than half of the streets have a mapped building "
    "within 30 m, for then the buildings are a patchwork.",
    risks="Single zones may be wrong by half.",
    tests="tests/models/test_derive_zones.py",
    optional=("streets",),
    rank=2,
)
def zone_homes_from_buildings(
    zones: Zones, buildings: Buildings, building_homes: BuildingHomes, streets: Streets
) -> ZoneHomes:
    """Sum the dwellings of each zone's buildings.

    Returns
    -------
    (zone,) [1]

    Raises
    ------
    NotComputableError
        The mapping of buildings is a patchwork.

    References
    ----------
    None: a sum over buildings.
    """
    check_built_up(buildings, streets, "zone_homes")
    return sum_by_zone(zones, buildings, building_homes)


@model(
    version="1",
    decision="The size of the city.",
    method="Sum over zones.",
    limits="People outside the extent are not counted.",
    risks="A district read as a whole city.",
    tests="tests/models/test_derive_zones.py",
)
def population(zone_population: ZonePopulation) -> Population:
    """Sum residents over the city.

    References
    ----------
    None: a sum.
    """
    return float(np.sum(zone_population))


@model(
    version="1",
    decision="The size of the city.",
    method="Sum over zones.",
    limits="Jobs outside the extent are not counted.",
    risks="A district read as a whole city.",
    tests="tests/models/test_derive_zones.py",
)
def jobs(zone_jobs: ZoneJobs) -> Jobs:
    """Sum jobs over the city.

    References
    ----------
    None: a sum.
    """
    return float(np.sum(zone_jobs))


@model(
    version="1",
    decision="The size of the city.",
    method="Sum over zones.",
    limits="Homes outside the extent are not counted.",
    risks="A district read as a whole city.",
    tests="tests/models/test_derive_zones.py",
)
def homes(zone_homes: ZoneHomes) -> Homes:
    """Sum dwellings over the city.

    References
    ----------
    None: a sum.
    """
    return float(np.sum(zone_homes))


def counted(zones: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    """Read a counted column (zone,); a few zones without a count are taken as empty.

    Raises
    ------
    NotComputableError
        Fewer than half of the zones have a count: the column is there but empty.
    """
    values = zones[column].to_numpy(dtype=np.float64)
    known = np.isfinite(values)
    if not len(values) or known.mean() < FEWEST_COUNTED:
        raise NotComputableError(
            f"zone_{column} needs zones with counted {column}; {int(known.sum())} of {len(values)} zones have a count"
        )
    return np.where(known, values, 0.0)


def new_homes_by_zone(zones: gpd.GeoDataFrame, housing_programme: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """New homes that have a place, by zone. (zone,)."""
    placed = housing_programme[~housing_programme["kind"].isin(NOT_IN_A_ZONE)]
    placed = placed[placed.geometry.notna().to_numpy()]
    return sum_by_zone(zones, placed, placed["homes"].to_numpy(dtype=np.float64))


def sum_by_zone(
    zones: gpd.GeoDataFrame, features: gpd.GeoDataFrame, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum the values of features by the zone of their inner point, or the nearest zone. (zone,)."""
    if not len(features):
        return np.zeros(len(zones))
    points = shapely.point_on_surface(features.geometry.to_numpy())
    zone = nearest_zone(zones, points)
    summed = np.bincount(zone, weights=np.asarray(values, dtype=np.float64), minlength=len(zones))
    return np.asarray(summed, dtype=np.float64)


def nearest_zone(zones: gpd.GeoDataFrame, points: NDArray[Any]) -> NDArray[np.intp]:
    """Position of the zone that holds each point, or of the nearest; the first where several do. (point,)."""
    which, zone = shapely.STRtree(zones.geometry.to_numpy()).query_nearest(points, all_matches=True)
    first = pd.Series(zone).groupby(which).min()
    return np.asarray(first.reindex(np.arange(len(points))), dtype=np.intp)


def _crs(*layers: Any) -> Any:
    for layer in layers:
        if layer is not None and layer.crs is not None:
            return layer.crs
    raise NotComputableError(
        "zones need the city's projected CRS, which junctions, terrain, points_of_interest or places would tell; "
        "this city has none of them"
    )


def _resolution(area: float) -> int:
    """H3 resolution for an extent [m²]."""
    if area < 500_000:
        return 11
    return next((r for r in (10, 9, 8) if area / H3_CELL_AREA[r] <= MOST_ZONES), 7)


def _hexagon(cell: str) -> shapely.Polygon:
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])


def _polygons_only(geometries: NDArray[Any]) -> list[Any]:
    """Drop points and lines that a clip may leave beside polygons."""
    return [
        g
        if g.geom_type in ("Polygon", "MultiPolygon")
        else shapely.union_all([p for p in shapely.get_parts(g) if p.geom_type == "Polygon"])
        for g in geometries
    ]


def _join_slivers(parts: pd.Series[Any], smallest: float) -> pd.Series[Any]:
    """Join each part under the smallest area [m²] to the kept part with which it shares most border."""
    small = shapely.area(parts) < smallest
    kept = parts[~small].copy()
    if kept.empty:
        return parts
    for sliver in parts[small]:
        shared = shapely.length(shapely.intersection(kept.to_numpy(), shapely.boundary(sliver)))
        at = int(np.argmax(shared)) if shared.max() > 0 else int(np.argmin(shapely.distance(kept.to_numpy(), sliver)))
        kept.iloc[at] = shapely.union(kept.iloc[at], sliver)
    return kept


def _zone_table(
    cells: gpd.GeoSeries, points_of_interest: gpd.GeoDataFrame | None, places: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    columns: dict[str, Any] = {
        name: np.nan for name, column in LAYERS["zones"].columns.items() if column.kind != "text"
    }
    zones = gpd.GeoDataFrame(columns, index=cells.index, geometry=cells)
    zones.insert(0, "name", _names(zones, places))
    if points_of_interest is not None:
        for column, kind in (("schools", "school"), ("health_care", "health")):
            some = points_of_interest[points_of_interest["kind"] == kind]
            zones[column] = sum_by_zone(zones, some, np.ones(len(some)))
    return zones


def _names(zones: gpd.GeoDataFrame, places: gpd.GeoDataFrame | None) -> list[str]:
    """Name of the smallest district around each zone's inner point, else of the nearest place; its id without any."""
    if places is None:
        return list(zones.index)
    named = places[places["kind"].isin(NAMING_PLACES).to_numpy() & (places["name"] != "").to_numpy()]
    if named.empty:
        return list(zones.index)
    outlines, names = named.geometry.to_numpy(), named["name"].to_numpy()
    centres = shapely.point_on_surface(zones.geometry.to_numpy())
    which, place = shapely.STRtree(outlines).query_nearest(centres, all_matches=True)
    size = np.where((named["kind"] == "district").to_numpy(), shapely.area(outlines), np.inf)  # a point has no size
    size = np.where(size > 0, size, np.inf)
    best = pd.DataFrame({"zone": which, "place": place, "size": size[place]}).sort_values(["zone", "size", "place"])
    return [str(name) for name in names[best.drop_duplicates("zone")["place"].to_numpy()]]
