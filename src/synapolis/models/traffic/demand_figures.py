"""Figures of travel demand for people: mode shares, trip length, ease of travel, and the fit to counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    CarTrips,
    CountFit,
    CountMisfit,
    HomeModeTrips,
    MeanTravelEase,
    MeanTripLength,
    ModeShareBicycle,
    ModeShareCar,
    ModeShareTransit,
    ModeShareWalk,
    RoadNetwork,
    RouteSets,
    Streets,
    TrafficCounts,
    TravelEase,
    TripsByMode,
    ZoneBicycleShare,
    ZoneCarShare,
    ZonePopulation,
    ZoneTransitShare,
    ZoneWalkShare,
)
from synapolis.models.traffic.calibration import counted_links, geh, screenlines
from synapolis.models.traffic.equilibrium import loaded
from synapolis.models.traffic.mode_choice import DECISION, MODES, RISKS, TESTS

GOOD_GEH = 5.0


class CityShares(NamedTuple):
    """Shares of modes in the residents' trips, and their length."""

    mode_share_car: ModeShareCar
    mode_share_transit: ModeShareTransit
    mode_share_bicycle: ModeShareBicycle
    mode_share_walk: ModeShareWalk
    mean_trip_length: MeanTripLength


@model(version="1", decision=DECISION, method="Trips of a day by mode over all trips; lengths weighted by trips.",
       limits="Trips within the city by its residents.", risks=RISKS, tests=TESTS)  # fmt: skip
def mode_shares(trips_by_mode: TripsByMode) -> CityShares:
    """Share of each mode in the residents' trips of a day, and the mean length of a trip.

    References
    ----------
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 6. Wiley.
    """
    trips = trips_by_mode.groupby("mode", sort=False)["trips_per_day"].sum().reindex(list(MODES)).to_numpy()
    if not trips.sum() > 0:
        raise NotComputableError("trips that can be made")
    length = float(trips_by_mode["trips_per_day"] @ trips_by_mode["mean_length"]) / float(trips.sum())
    car, transit, bicycle, walk = (float(share) for share in trips / trips.sum())
    return CityShares(car, transit, bicycle, walk, length)


class ZoneShares(NamedTuple):
    """Shares of modes in the trips of each zone's residents; NaN where nobody lives."""

    zone_car_share: ZoneCarShare
    zone_transit_share: ZoneTransitShare
    zone_bicycle_share: ZoneBicycleShare
    zone_walk_share: ZoneWalkShare


@model(version="1", decision=DECISION, method="Trips of a zone's residents by mode over all of them.",
       limits="Zones joined to groups for traffic have the shares of their group.", risks=RISKS,
       tests=TESTS)  # fmt: skip
def zone_mode_shares(home_mode_trips: HomeModeTrips) -> ZoneShares:
    """Share of each mode in the trips of each zone's residents.

    References
    ----------
    Ortúzar, J. de D., and Willumsen, L. G. (2011). Modelling Transport, ch. 6. Wiley.
    """
    total = home_mode_trips.sum(axis=0)
    shares = np.divide(home_mode_trips, total, out=np.full_like(home_mode_trips, np.nan), where=total > 0)
    return ZoneShares(*shares)


@model(version="1", decision=DECISION, method="The zones' ease of travel weighted by residents.",
       limits="Only changes mean anything: the level depends on what is left out.", risks=RISKS,
       tests=TESTS)  # fmt: skip
def mean_travel_ease(travel_ease: TravelEase, zone_population: ZonePopulation) -> MeanTravelEase:
    """How well the average resident gets about by all modes, in seconds of driving.

    References
    ----------
    Ben-Akiva, M., and Lerman, S. (1985). Discrete Choice Analysis, ch. 10. MIT Press.
    """
    known = np.isfinite(travel_ease) & (zone_population > 0)
    if not known.any():
        raise NotComputableError("residents who can go anywhere")
    return float(travel_ease[known] @ zone_population[known] / zone_population[known].sum())


class Fit(NamedTuple):
    """How well modelled traffic meets what was counted."""

    count_fit: CountFit
    count_misfit: CountMisfit


@model(version="1", decision=DECISION, method="Modelled cars beside counted ones by street and by screen line; GEH.",
       limits="One hour's counts; today's demand was fitted to the same counts, so a good fit is no proof.",
       risks="Counts of another hour or season mislead.", tests=TESTS)  # fmt: skip
def count_fit(
    traffic_counts: TrafficCounts,
    streets: Streets,
    road_network: RoadNetwork,
    route_sets: RouteSets,
    car_trips: CarTrips,
) -> Fit:
    """Compare modelled cars with what was counted, by street and by screen line.

    References
    ----------
    UK Department for Transport, TAG unit M3.1 (GEH below 5 on most links).
    """
    counted = counted_links(traffic_counts, streets, road_network)
    flow = loaded(road_network.network, route_sets.bushes.flow[: len(car_trips)], car_trips)  # cars without goods
    table = pd.DataFrame({"street": traffic_counts["street"].to_numpy(), "counted": counted.volume})
    table["modelled"] = counted.modelled(flow)
    lines = table.assign(street=screenlines(traffic_counts).to_numpy()).query("street != ''")
    table = pd.concat([table, lines.groupby("street", as_index=False).sum()], ignore_index=True)
    table["geh"] = geh(table["modelled"].to_numpy(), table["counted"].to_numpy())
    return Fit(table, float((table["geh"][: len(counted.volume)] >= GOOD_GEH).mean()))
