"""Trip ends: how many trips residents make for which purpose, with what at hand, and what draws them.

References
----------
Ortuzar and Willumsen, Modelling Transport, 4th ed., ch. 4 (2011).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import IncomeGroups, PointsOfInterest, TripEnds, ZoneJobs, ZonePopulation, Zones
from synapolis.models.traffic.roads import zone_groups

Floats = NDArray[np.float64]

PURPOSES = ("work", "school", "shopping", "other")
MOST_GROUPS = 6  # income groups kept apart; more are joined to fifths
SCHOOLS, SHOPS = ("school", "kindergarten"), ("shop", "food", "health", "culture", "public")

# Trips drawn a day by one: purpose -> (job, retail job, resident, school). Park City traffic model (WFRC/MAG form),
# Utah, read; its 0.7221 a household is put on residents at 2.5 a household (assumed). Pupils go where schools are; a
# city without schools in its data draws them by residents (0.4197 each, read).
ATTRACTION: dict[str, tuple[float, float, float, float]] = {
    "work": (1.2167, 0.0, 0.0, 0.0),
    "school": (0.0, 0.0, 0.0, 1.0),
    "shopping": (0.0, 1.6208, 0.7221 / 2.5, 0.0),
    "other": (0.0, 2.8497, 0.846, 0.0),
}
SCHOOL_WITHOUT_SCHOOLS = 0.4197  # trips to school drawn by one resident a day: the same model, read


class Ends(NamedTuple):
    """Trip ends by group of zones (see `CityRoads.zone_group`).

    A segment is an income group with or without a car at hand, with or without a bicycle. Trips made and trips
    drawn are equally many for each purpose.
    """

    production: Floats  # (purpose, segment, group) [1/d]
    attraction: Floats  # (purpose, group) [1/d]
    has_car: NDArray[np.bool_]  # (segment,)
    has_bicycle: NDArray[np.bool_]  # (segment,)
    income: Floats  # (segment,) income over the mean
    zone_group: NDArray[np.int64]  # (zone,)
    activity: float  # residents and jobs of the city
    notes: tuple[str, ...]


@model(
    version="1",
    decision="Comparing what transport and housing plans do to travel: how much, where to and by which mode.",
    method="Trips a resident makes a day, split by purpose; drawn by jobs, shops, schools and residents at published "
    "rates. Segments by income and by whether a car and a bicycle are at hand.",
    limits="One rate for all residents; age, work and household size are not told apart. Trips from and to outside the "
    "city enter at gateways only.",
    risks="Rates of other cities: read changes, not levels, until a survey or counts are given.",
    tests="tests/models/traffic/test_demand.py",
    optional=("income_groups", "points_of_interest"),
)
def trip_ends(
    zones: Zones,
    zone_population: ZonePopulation,
    zone_jobs: ZoneJobs,
    trips_per_person: float,
    work_trip_share: float,
    school_trip_share: float,
    shopping_trip_share: float,
    retail_job_share: float,
    car_availability: float,
    car_availability_gradient: float,
    school_car_factor: float,
    bicycle_availability: float,
    income_groups: IncomeGroups | None = None,
    points_of_interest: PointsOfInterest | None = None,
) -> TripEnds:
    """Trips that residents make a day, by purpose, income and car at hand, and what draws them.

    References
    ----------
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 4. Wiley.
    Park City traffic model (WFRC/MAG form), Utah: attraction rates.
    """
    if not zone_population.sum() > 0:
        raise NotComputableError("residents")
    group = zone_groups(shapely.get_coordinates(shapely.point_on_surface(zones.geometry.to_numpy())))
    shares = purpose_shares(work_trip_share, school_trip_share, shopping_trip_share)
    share, income, rank = income_segments(zones, income_groups)
    car = np.clip(car_availability + car_availability_gradient * (rank - 0.5), 0.0, 1.0)
    car_by_purpose = (
        np.where(np.array(PURPOSES) == "school", school_car_factor, 1.0)[:, None] * car
    )  # (purpose, income)
    made = trips_per_person * shares[:, None, None] * (share * zone_population)  # (purpose, income, zone)
    segments = np.concatenate([made * car_by_purpose[:, :, None], made * (1 - car_by_purpose)[:, :, None]], axis=1)
    segments = np.concatenate([bicycle_availability * segments, (1 - bicycle_availability) * segments], axis=1)
    production = by_group(segments, group)
    drawn, notes = attractions(zones, zone_population, zone_jobs, retail_job_share, points_of_interest)
    attraction = by_group(drawn, group)
    total = production.sum(axis=(1, 2))
    if not (attraction.sum(axis=1) > 0).all():
        raise NotComputableError("jobs, residents or schools to go to")
    attraction *= (total / attraction.sum(axis=1))[:, None]
    if income_groups is None:
        notes = (*notes, "no incomes: everyone weighs money alike")
    activity = float(zone_population.sum() + zone_jobs.sum())
    count = len(rank)
    has_car, has_bicycle = np.repeat([True, False, True, False], count), np.repeat([True, False], 2 * count)
    return Ends(production, attraction, has_car, has_bicycle, np.tile(income, 4), group, activity, notes)


def purpose_shares(work: float, school: float, shopping: float) -> Floats:
    """Shares of the four purposes; what work, school and shopping leave is other. (purpose,)."""
    named = np.array([work, school, shopping])
    named = named / max(1.0, float(named.sum()))
    return np.append(named, 1.0 - named.sum())


def by_group(values: Floats, group: NDArray[np.int64]) -> Floats:
    """Sum over zones of a group, last axis. (..., zone) -> (..., group)."""
    joins = np.zeros((len(group), int(group.max()) + 1))
    joins[np.arange(len(group)), group] = 1.0
    return np.asarray(values @ joins)


def income_segments(zones: Any, incomes: pd.DataFrame | None) -> tuple[Floats, Floats, Floats]:
    """Income groups: their share of each zone's residents, their income over the mean, and their rank in [0, 1].

    Parameters
    ----------
    zones : table indexed by zone id
    incomes : income_groups layer, or None: then all are one group

    Returns
    -------
    share : (income, zone)
        Sums to 1 over incomes; a zone without households has the city's shares.
    income : (income,)
        Of the mean household.
    rank : (income,)
        Middle of the group's place among all households, poorest 0.
    """
    count = len(zones)
    if incomes is None or not incomes["households"].sum() > 0:
        return np.ones((1, count)), np.ones(1), np.full(1, 0.5)
    label = _few_groups(incomes)
    row = zones.index.get_indexer(incomes["zone"])
    known = row >= 0
    groups, number = np.unique(label, return_inverse=True)
    households = np.zeros((len(groups), count))
    np.add.at(households, (number[known], row[known]), incomes["households"].to_numpy(dtype=float)[known])
    money = np.bincount(number, weights=(incomes["income"] * incomes["households"]).to_numpy(dtype=float))
    size = np.bincount(number, weights=incomes["households"].to_numpy(dtype=float))
    order = np.argsort(money / size)
    size, money, households = size[order], money[order], households[order]
    share = np.where(households.sum(axis=0) > 0, households, size[:, None])
    below = (np.cumsum(size) - size / 2) / size.sum()
    return share / share.sum(axis=0), (money / size) / (money.sum() / size.sum()), below


def _few_groups(incomes: pd.DataFrame) -> NDArray[Any]:
    """Names of the groups where they are few, else fifths of the households by income."""
    names = incomes["group"].to_numpy() if "group" in incomes else np.arange(len(incomes))
    if len(np.unique(names)) <= MOST_GROUPS:
        return np.asarray(names)
    order = np.argsort(incomes["income"].to_numpy(dtype=float), kind="stable")
    households = incomes["households"].to_numpy(dtype=float)[order]
    fifth = np.empty(len(order), dtype=np.int64)
    fifth[order] = np.minimum(5 * (np.cumsum(households) - households / 2) / households.sum(), 4).astype(np.int64)
    return fifth


def attractions(
    zones: Any, population: Floats, jobs: Floats, retail_share: float, services: Any
) -> tuple[Floats, tuple[str, ...]]:
    """What draws trips to each zone, by purpose, and how it was told.

    Parameters
    ----------
    zones : table with geometry, maybe with `schools`
    population, jobs : (zone,)
    retail_share : float
        Share of jobs in shops.
    services : points_of_interest layer, or None

    Returns
    -------
    (purpose, zone) [1/d]
        Not yet scaled to the trips made.
    notes : tuple of text
    """
    shops, schools = services_by_zone(zones, services, SHOPS), services_by_zone(zones, services, SCHOOLS)
    if "schools" in zones and np.nansum(zones["schools"].to_numpy(dtype=float)) > 0:
        schools = np.nan_to_num(zones["schools"].to_numpy(dtype=float))
    notes: list[str] = []
    retail = retail_share * jobs
    if shops.sum() > 0 and retail.sum() > 0:
        retail = retail.sum() * shops / shops.sum()
    else:
        notes.append("no shops in its data: shopping goes to jobs and residents")
    rates = np.array([ATTRACTION[purpose] for purpose in PURPOSES])
    drawn = rates @ np.stack([jobs, retail, population, schools])
    if not schools.sum() > 0:
        notes.append("no schools in its data: pupils go where people live")
        drawn[PURPOSES.index("school")] = SCHOOL_WITHOUT_SCHOOLS * population
    if not jobs.sum() > 0:
        raise NotComputableError("jobs")
    return drawn, tuple(notes)


def services_by_zone(zones: Any, services: Any, kinds: tuple[str, ...]) -> Floats:
    """Points of interest of some kinds in each zone; zeros where the city has none. (zone,)."""
    if services is None or not len(services):
        return np.zeros(len(zones))
    points = services.geometry.to_numpy()[services["kind"].isin(kinds).to_numpy()]
    tree = shapely.STRtree(zones.geometry.to_numpy())
    point, zone = tree.query(points, predicate="intersects")
    _, first = np.unique(point, return_index=True)  # a point on a border counts once
    return np.bincount(zone[first], minlength=len(zones)).astype(np.float64)
