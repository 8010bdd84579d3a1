"""How people travel by the travel model: time to work, who goes without a car, rides on public transport."""

from __future__ import annotations

import pandas as pd

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.measure import indicator, per_resident, percent
from synapolis.layers.vocabulary import (
    AverageCommuteTime,
    CarTime,
    CarTrips,
    CommutersNotByCar,
    FreeFlowCarTime,
    Population,
    TransitTripsPerCapita,
    TravelTimeIndex,
    TripsByMode,
)

TESTS = "tests/indicators/formulas/test_travel.py"
MODELLED = "Modelled trips of the city's residents inside the city: nobody was asked or counted."


@indicator(
    method="Mean time of the modelled trips to and from work, by all modes, weighted by trips; cars at the congested "
    "times of the peak hour.",
    limits=MODELLED + " Commuters from and to places outside the city are not in it.",
    tests=TESTS,
)
def average_commute_time(trips_by_mode: TripsByMode) -> AverageCommuteTime:
    """Mean one-way time between home and work.

    Parameters
    ----------
    trips_by_mode : DataFrame with purpose, mode, trips_per_day, mean_minutes

    Returns
    -------
    float [min]

    Raises
    ------
    NotComputableError
        Nobody travels to work in the model.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.7 (standard not read).
    """
    work = _to_work(trips_by_mode)
    return float((work["trips_per_day"] * work["mean_minutes"]).sum() / work["trips_per_day"].sum())


@indicator(
    method="Modelled trips to and from work by transit, bicycle and on foot, over those by all modes.",
    limits=MODELLED + " Passengers of cars count as going by car.",
    tests=TESTS,
    rank=1,
)
def commuters_not_by_car_modelled(trips_by_mode: TripsByMode) -> CommutersNotByCar:
    """Share of commuters who do not go by personal vehicle, by the travel model.

    Raises
    ------
    NotComputableError
        Nobody travels to work in the model.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.3 (standard not read).
    """
    work = _to_work(trips_by_mode)
    other = float(work["trips_per_day"][work["mode"] != "car"].sum())
    return percent(other, float(work["trips_per_day"].sum()), "trips to work")


@indicator(
    method="Modelled transit trips of a day, times an assumed number of such days a year, over residents.",
    limits=MODELLED + " A trip with a change is one trip, not two boardings.",
    tests=TESTS,
    rank=1,
)
def transit_trips_per_capita_modelled(
    trips_by_mode: TripsByMode, population: Population, travel_days_per_year: float
) -> TransitTripsPerCapita:
    """Public transport trips of each resident in a year, by the travel model.

    Parameters
    ----------
    travel_days_per_year : d
        Days like the modelled one that make up a year's travel.

    Raises
    ------
    NotComputableError
        The model knows no transit, or the city has no residents.

    References
    ----------
    Definition as summarised publicly for ISO 37120:2018, 19.2 (standard not read).
    """
    transit = trips_by_mode[(trips_by_mode["mode"] == "transit").to_numpy()]
    if transit.empty:
        raise NotComputableError("needs transit in the travel model; it has none")
    return per_resident(float(transit["trips_per_day"].sum()) * travel_days_per_year, population)


@indicator(
    method="Time of all car trips in the peak hour over their time on empty streets.",
    limits=MODELLED + " Traffic from and to places outside the city is in it.",
    tests=TESTS,
)
def travel_time_index(car_trips: CarTrips, car_time: CarTime, free_flow_car_time: FreeFlowCarTime) -> TravelTimeIndex:
    """Peak travel time over free-flow travel time.

    References
    ----------
    Definition as summarised publicly for U4SSC / ITU-T Y.4903, EC: I: T: 5A (standard not read).
    """
    free = float((car_trips * free_flow_car_time).sum())
    if not free > 0:
        raise NotComputableError("needs car trips between zones; the model finds none")
    return float((car_trips * car_time).sum()) / free


def _to_work(trips: pd.DataFrame) -> pd.DataFrame:
    work = trips[(trips["purpose"] == "work").to_numpy()]
    if not work["trips_per_day"].sum() > 0:
        raise NotComputableError("needs trips to work; the travel model finds none")
    return work
