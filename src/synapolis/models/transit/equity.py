"""Who has access and who has not: gravity access, income groups, the Palma ratio, poor access, off the peak."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    GravityAccessToJobs,
    IncomeGroups,
    JobsByIncomeGroup,
    JobsWithin30Min,
    JobsWithin30MinOffPeak,
    MeanGravityAccessToJobs,
    MeanJobsWithin30MinOffPeak,
    MeanTravelTime,
    PalmaRatioOfAccess,
    ShareWithPoorAccess,
    Timetable,
    TransitWalks,
    ZoneJobs,
    ZonePopulation,
    Zones,
)
from synapolis.models.transit.access import DECISION, LIMITS, RISKS, resident_mean
from synapolis.models.transit.travel import jobs_within_minutes

TESTS = "tests/models/test_equity.py"
FAIRNESS = "Telling whether a plan narrows or widens the gap in access between rich and poor."


@model(version="1", decision=DECISION,
       method="Each zone's jobs, halved for every half-time of mean travel time.",
       limits=LIMITS + " The decay is not calibrated to the city.", risks=RISKS, tests=TESTS)  # fmt: skip
def gravity_access_to_jobs(
    mean_travel_time: MeanTravelTime, zone_jobs: ZoneJobs, gravity_half_time: float
) -> GravityAccessToJobs:
    """Jobs, each counting the less the longer the trip to it takes.

    References
    ----------
    Hansen, W. G. (1959). How accessibility shapes land use. Journal of the American Institute of Planners, 25(2).
    """
    weight = np.exp2(-mean_travel_time.astype(float) / (gravity_half_time * 60))
    return np.asarray(weight @ zone_jobs)


@model(version="1", decision=DECISION, method="Gravity access of the zones, weighted by residents.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def mean_gravity_access_to_jobs(
    gravity_access_to_jobs: GravityAccessToJobs, zone_population: ZonePopulation
) -> MeanGravityAccessToJobs:
    """Gravity access to jobs of the average resident.

    References
    ----------
    Hansen, W. G. (1959). How accessibility shapes land use. Journal of the American Institute of Planners, 25(2).
    """
    return resident_mean(gravity_access_to_jobs, zone_population)


@model(version="1", decision=FAIRNESS, method="Jobs within 30 minutes of each zone, weighted by a group's households.",
       limits="Households of a group are spread within a zone as all are.", risks="A group's mean hides its worst-off.",
       tests=TESTS)  # fmt: skip
def jobs_by_income_group(
    jobs_within_30_min: JobsWithin30Min, income_groups: IncomeGroups, zones: Zones
) -> JobsByIncomeGroup:
    """Jobs within 30 minutes of the average household of each income group.

    References
    ----------
    Pereira, R. H. M., Schwanen, T., and Banister, D. (2017). Distributive justice and equity in transportation.
    Transport Reviews, 37(2).
    """
    place = zones.index.get_indexer(income_groups["zone"])
    known = income_groups[place >= 0].assign(jobs=jobs_within_30_min[place[place >= 0]])
    known = known.assign(jobs=known["jobs"] * known["households"])
    sums = known.groupby("group", sort=True)[["jobs", "households"]].sum()
    if not (sums["households"] > 0).any():
        raise NotComputableError("households by income group")
    return pd.DataFrame({"jobs": sums["jobs"] / sums["households"], "households": sums["households"]})


@model(version="1", decision=FAIRNESS,
       method="Zones in order of median income; access of the richest tenth of residents over that of the poorest four "
       "tenths, a zone on the limit counting in part.",
       limits="Residents of a zone share its median income.", risks="1 is not good in itself: all may reach little.",
       tests=TESTS, columns=("zones.median_income",))  # fmt: skip
def palma_ratio_of_access(
    jobs_within_30_min: JobsWithin30Min, zones: Zones, zone_population: ZonePopulation
) -> PalmaRatioOfAccess:
    """Palma ratio of access to jobs.

    References
    ----------
    Palma, J. G. (2011). Homogeneous middles vs. heterogeneous tails, and the end of the 'inverted-U'. Development and
    Change, 42(1).
    """
    income = zones["median_income"].to_numpy(dtype=float)
    told = np.isfinite(income) & (zone_population > 0)
    if not told.any():
        raise NotComputableError("residents in zones of known income")
    order = np.argsort(income[told], kind="stable")
    people, jobs = zone_population[told][order], jobs_within_30_min[told][order]
    poor = _mean_between(jobs, people, 0.0, 0.4)
    if not poor > 0:
        raise NotComputableError("jobs within 30 minutes of its poorest residents")
    return _mean_between(jobs, people, 0.9, 1.0) / poor


def _mean_between(values: NDArray[np.float64], people: NDArray[np.float64], low: float, high: float) -> float:
    """Mean over the people between two shares of all, in the order given."""
    edge = np.concatenate([[0.0], np.cumsum(people)]) / people.sum()
    weight = np.clip(np.minimum(edge[1:], high) - np.maximum(edge[:-1], low), 0.0, None)
    return float(values @ weight / weight.sum())


@model(version="1", decision=FAIRNESS, method="Residents of zones whose jobs within 30 minutes are below a share of "
       "the city's jobs, over all residents.",
       limits="The limit is a choice; jobs outside the city's data do not count.", risks="A share just above the limit "
       "looks well served.", tests=TESTS)  # fmt: skip
def share_with_poor_access(
    jobs_within_30_min: JobsWithin30Min, zone_jobs: ZoneJobs, zone_population: ZonePopulation, poor_access_share: float
) -> ShareWithPoorAccess:
    """Share of residents who reach too small a part of the city's jobs in 30 minutes.

    References
    ----------
    Martens, K. (2017). Transport Justice: Designing Fair Transportation Systems. Routledge (sufficiency of access).
    """
    if not zone_jobs.sum() > 0:
        raise NotComputableError("jobs")
    return resident_mean((jobs_within_30_min < poor_access_share * zone_jobs.sum()).astype(float), zone_population)


@model(version="1", decision=DECISION, method="As jobs_within_30_min, at another hour of departure.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def jobs_within_30_min_off_peak(
    timetable: Timetable,
    transit_walks: TransitWalks,
    zone_jobs: ZoneJobs,
    walking_speed: float,
    off_peak_hour: float,
    departure_window: float,
    departure_count: float,
) -> JobsWithin30MinOffPeak:
    """Jobs in reach of each zone within 30 minutes door to door, out of the peak.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    span = timetable.time_span
    start, end = off_peak_hour * 3600, off_peak_hour * 3600 + departure_window * 60
    if span is None or span[0] > start or span[1] < end:
        raise NotComputableError(f"a timetable that covers departures from {off_peak_hour:g} h, out of the peak")
    return jobs_within_minutes(
        timetable, transit_walks, zone_jobs, 30, walking_speed, off_peak_hour, departure_window, departure_count, 30.0
    )


@model(version="1", decision=DECISION, method="Jobs in reach of each zone out of the peak, weighted by residents.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def mean_jobs_within_30_min_off_peak(
    jobs_within_30_min_off_peak: JobsWithin30MinOffPeak, zone_population: ZonePopulation
) -> MeanJobsWithin30MinOffPeak:
    """Jobs within 30 minutes of the average resident, out of the peak.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return resident_mean(jobs_within_30_min_off_peak, zone_population)
