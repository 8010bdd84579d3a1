"""Access: what people reach by transit and on foot, door to door, averaged over departures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    CityMeanTimeToJobs,
    DeparturesWithin,
    JobsWithin,
    JobsWithin5Min,
    JobsWithin10Min,
    JobsWithin15Min,
    JobsWithin30Min,
    JobsWithin45Min,
    MeanJobsWithin5Min,
    MeanJobsWithin10Min,
    MeanJobsWithin15Min,
    MeanJobsWithin30Min,
    MeanJobsWithin45Min,
    MeanTimeToJobs,
    MeanTravelTime,
    ZoneJobs,
    ZonePopulation,
)
from synapolis.models.transit.travel import THRESHOLDS

DECISION = "Comparing what a transit or housing plan does to access, by neighbourhood."
TESTS = "tests/models/test_access.py"
LIMITS = "Stairs and waits at crossings are not seen; vehicles keep the timetable and have room."
RISKS = "An average over residents hides those without access; read the map and the losers' table too."


@model(version="2", decision=DECISION,
       method="Jobs of each zone times the share of departures that arrive there within each threshold.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def access(departures_within: DeparturesWithin, zone_jobs: ZoneJobs, departure_count: float) -> JobsWithin:
    """Jobs in reach of each zone by transit and on foot, by threshold, mean over departures.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return np.stack([within @ zone_jobs for within in departures_within]) / int(departure_count)


@model(version="2", decision=DECISION, method="Door-to-door times weighted by the jobs at the other end.",
       limits=LIMITS + " Jobs outside the city's data do not count.", risks=RISKS, tests=TESTS)  # fmt: skip
def mean_time_to_jobs(mean_travel_time: MeanTravelTime, zone_jobs: ZoneJobs) -> MeanTimeToJobs:
    """Mean door-to-door time from each zone to the city's jobs.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    total = zone_jobs.sum()
    if not total > 0:
        raise NotComputableError("jobs")
    return np.asarray(mean_travel_time.astype(float) @ zone_jobs / total)


@model(version="2", decision=DECISION, method="The zones' mean times weighted by residents.",
       limits=LIMITS, risks=RISKS, tests=TESTS)  # fmt: skip
def city_mean_time_to_jobs(mean_time_to_jobs: MeanTimeToJobs, zone_population: ZonePopulation) -> CityMeanTimeToJobs:
    """Mean door-to-door time from the average resident to the city's jobs.

    References
    ----------
    Geurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and transport strategies. Journal of
    Transport Geography, 12(2).
    """
    return resident_mean(mean_time_to_jobs, zone_population)


def resident_mean(values: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    """Mean over residents.

    Raises
    ------
    NotComputableError
        Nobody lives there.
    """
    total = people.sum()
    if not total > 0:
        raise NotComputableError("residents")
    return float(values @ people / total)


def _declare_thresholds() -> None:
    """One word a threshold, by zone and for the average resident: the same two functions, five times."""
    words = {
        5: (JobsWithin5Min, MeanJobsWithin5Min),
        10: (JobsWithin10Min, MeanJobsWithin10Min),
        15: (JobsWithin15Min, MeanJobsWithin15Min),
        30: (JobsWithin30Min, MeanJobsWithin30Min),
        45: (JobsWithin45Min, MeanJobsWithin45Min),
    }
    for row, minutes in enumerate(THRESHOLDS):
        _declare_threshold(row, minutes, *words[minutes])


def _declare_threshold(row: int, minutes: int, by_zone: Any, by_resident: Any) -> None:
    references = (
        "\n\nReferences\n----------\nGeurs, K. T., and van Wee, B. (2004). Accessibility evaluation of land-use and "
        "transport strategies. Journal of Transport Geography, 12(2).\n"
    )
    shared: dict[str, Any] = {"version": "2", "decision": DECISION, "limits": LIMITS, "risks": RISKS, "tests": TESTS}

    def zone(jobs_within: JobsWithin) -> Any:
        return jobs_within[row]

    zone.__doc__ = f"Jobs in reach of each zone within {minutes} minutes door to door.{references}"
    zone.__annotations__["return"] = by_zone
    model(**shared, method="The row of jobs_within at this threshold.", name=f"jobs_within_{minutes}_min")(zone)

    def resident(zone_population: ZonePopulation, **jobs: NDArray[np.float64]) -> Any:
        return resident_mean(jobs[f"jobs_within_{minutes}_min"], zone_population)

    resident.__doc__ = f"Jobs within {minutes} minutes of the average resident.{references}"
    resident.__annotations__["return"] = by_resident
    model(**shared, method="Jobs in reach of each zone, weighted by residents.", name=f"mean_jobs_within_{minutes}_min",
          inputs=(f"jobs_within_{minutes}_min", "zone_population"))(resident)  # fmt: skip


_declare_thresholds()
