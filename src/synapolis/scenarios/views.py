"""How each headline quantity is told and drawn: its words, its grain, and the quantity behind it by place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class View:
    """One headline quantity.

    `grain` is the tolerance it is shown at; `by` the quantity by place behind it; `scale` turns its unit into the
    shown `unit`; `varied` whether ensembles vary it (a full flood simulation is shown once, as an illustration).
    """

    says: str
    grain: float
    by: str = ""
    kind: Literal["cells", "zones", "links", "buildings", ""] = ""
    better: Literal["more", "less", ""] = ""
    unit: str = ""
    scale: float = 1.0
    varied: bool = True
    illustrative: bool = False
    short: str = ""

    def __post_init__(self) -> None:
        """A view without a short name is told by its long one."""
        object.__setattr__(self, "short", self.short or self.says.lower())


VIEWS: Mapping[str, View] = MappingProxyType({
    "runoff_volume": View("Stormwater shed in the design storm", 10, "runoff_depth", "cells", "less",
                          short="stormwater"),
    "peak_runoff": View("Largest rate of runoff", 0.05, better="less"),
    "infiltrated_volume": View("Rain that soaks into the ground", 10, better="more"),
    "stored_volume": View("Rain held in depressions and built storage", 10, better="more"),
    "rain_volume": View("Rain on land in the design storm", 10),
    "flooded_building_count": View("Buildings that surface water reaches", 1, "flooded_buildings", "buildings", "less",
                                   varied=False, illustrative=True),
    "residents_flooded": View("Residents of buildings that surface water reaches", 1, "flooded_buildings", "buildings",
                              "less", varied=False, illustrative=True, short="residents reached by water"),
    "flooded_street_length": View("Streets under water too deep to drive", 0.1, "flooded_streets", "links", "less",
                                  "km", varied=False, illustrative=True, short="flooded streets"),
    "flood_damage": View("Flood damage to buildings in the design storm", 1000, "building_flood_damage", "buildings",
                         "less", unit="money", varied=False, illustrative=True, short="flood damage"),
    "expected_flood_damage": View("Flood damage to buildings in a mean year", 1000, better="less", unit="money/a",
                                  varied=False, illustrative=True, short="flood damage a year"),
    "flood_damage_over_life": View("Flood damage to buildings over the life of measures", 10_000, better="less",
                                   unit="money", varied=False, illustrative=True, short="flood damage to come"),
    "sewer_spill": View("Water that rises out of the sewers onto streets", 1, "sewer_spill_depth", "cells", "less",
                        varied=False, illustrative=True, short="sewer spills"),
    "surcharged_manholes": View("Manholes with water above their pipes", 1, better="less", varied=False,
                                illustrative=True),
    "full_sewers": View("Sewers that run full", 1, better="less", varied=False, illustrative=True),
    **{
        f"mean_jobs_within_{minutes}_min": View(
            f"Jobs within {minutes} minutes of the average resident", 1, f"jobs_within_{minutes}_min", "zones", "more",
            short=f"jobs within {minutes} minutes",
        )
        for minutes in (5, 10, 15, 30, 45)
    },
    "fifteen_minute_city_share": View("Residents with everyday services within 15 minutes on foot", 0.1,
                                      "basic_services_nearby", "zones", "more", "%", 100),
    "mean_gravity_access_to_jobs": View("Gravity access to jobs of the average resident", 1, "gravity_access_to_jobs",
                                        "zones", "more"),
    "mean_jobs_within_30_min_off_peak": View("Jobs within 30 minutes, out of the peak", 1,
                                             "jobs_within_30_min_off_peak", "zones", "more"),
    "palma_ratio_of_access": View("Access to jobs, richest tenth over poorest four tenths", 0.01),
    "share_with_poor_access": View("Residents with poor access to jobs", 0.1, better="less", unit="%", scale=100),
    "city_mean_time_to_jobs": View("Mean time from door to job", 0.01, "mean_time_to_jobs", "zones", "less",
                                   "min", 1 / 60),
    "vehicle_kilometres": View("Driving in the peak hour", 10, "link_flow", "links", "less", "vehicle-km",
                               short="driving"),
    "vehicle_hours": View("Time spent driving in the peak hour", 0.1, better="less", unit="vehicle-hours"),
    "mean_car_delay": View("Delay of the average car trip", 0.1, better="less"),
    "traffic_carbon_dioxide": View("Carbon dioxide from traffic in a year", 1, "link_carbon_dioxide", "links", "less",
                                   "t", short="traffic CO₂"),
    "traffic_nitrogen_oxides": View("Nitrogen oxides from traffic in a year", 1, "link_nitrogen_oxides", "links",
                                    "less", "kg", short="traffic NOₓ"),
    "residents_in_road_noise": View("Residents with more than 55 dB of road noise at the facade", 1, "facade_noise",
                                    "buildings", "less", short="residents in road noise"),
    "resident_road_noise": View("Road noise at the average resident's facade", 0.01, "facade_noise", "buildings",
                                "less", short="road noise"),
    "injury_crashes": View("Injury crashes expected in a year", 0.01, "link_crashes", "links", "less", unit="1",
                           illustrative=True, short="injury crashes"),
    "travel_cost_per_household": View("What driving costs a household in a year", 1, better="less", unit="EUR",
                                      short="cost of driving"),
    "mode_share_car": View("Trips made by car", 0.1, "zone_car_share", "zones", "less", "%", 100),
    "mode_share_transit": View("Trips made by transit", 0.1, "zone_transit_share", "zones", "more", "%", 100),
    "mode_share_bicycle": View("Trips made by bicycle", 0.1, "zone_bicycle_share", "zones", "more", "%", 100),
    "mode_share_walk": View("Trips made on foot", 0.1, "zone_walk_share", "zones", "more", "%", 100),
    "mean_trip_length": View("Length of the average trip", 0.01, unit="km", scale=1e-3),
    "mean_travel_ease": View("How well residents get about", 0.1, "travel_ease", "zones", "more", "min of driving",
                             1 / 60, short="getting about"),
    "mean_street_utci": View("Felt temperature in the streets, hot afternoon", 0.01, "street_utci", "links", "less",
                             short="heat in the streets"),
    "streets_in_strong_heat": View("Streets in strong heat stress, hot afternoon", 0.1, "street_heat_share", "links",
                                   "less", "%", 100, short="hot streets"),
    "mean_utci": View("Felt temperature outdoors, hot afternoon", 0.01, "utci", "cells", "less", short="heat outdoors"),
    "residents_in_strong_heat": View("Residents with strong heat stress around the home", 1, "home_utci", "buildings",
                                     "less", short="residents in heat"),
    "residents_in_very_strong_heat": View("Residents with very strong heat stress around the home", 1, "home_utci",
                                          "buildings", "less", short="residents in great heat"),
    "resident_utci": View("Felt temperature around the average home", 0.01, "home_utci", "buildings", "less"),
    "population": View("Residents", 1),
    "homes": View("Homes", 1, better="more"),
    "jobs": View("Jobs", 1),
    "homes_placed": View("New homes that fit", 1, better="more"),
    "homes_unplaced": View("New homes that do not fit", 1, better="less"),
    "housing_capacity": View("Homes that free ground could hold", 1),
    "city_affordable_share": View("Households that can afford their home", 0.1, "affordable_share", "zones", "more",
                                  "%", 100),
    "lowest_group_rent_burden": View("Rent over income, lowest incomes", 0.1, "rent_burden", "zones", "less", "%", 100),
    "residents_near_frequent_transit": View("Residents near a stop served every 20 minutes", 0.1, better="more",
                                            unit="%", short="frequent transit nearby"),
    "residents_with_convenient_transit": View("Residents near any stop", 0.1, better="more", unit="%"),
    "residents_near_green": View("Residents within 300 m of public green", 0.1, better="more", unit="%"),
    "green_area_per_100000": View("Green area for each 100 000 residents", 0.1, better="more", unit="ha"),
    "outdoor_recreation_space": View("Outdoor recreation space for each resident", 0.01, better="more", unit="m²"),
    "residents_near_basic_services": View("Residents near school, health care, shop and park", 0.1, better="more",
                                          unit="%"),
    "residents_near_grocery": View("Residents within 1 km of a grocery", 0.1, better="more", unit="%"),
    "fleet_value": View("Price of the trams and buses the timetable needs", 100_000, better="less", short="vehicles"),
    "total_capital_cost": View("Capital cost", 100_000, better="less", short="cost"),
    **{
        word: View(says, 0.01, better="less", varied=False, illustrative=True)
        for word, says in (
            ("homes_flooded_per_year", "Homes flooded in a year"),
            ("homes_in_high_risk_zones", "Homes where deep water would stand"),
            ("residents_at_high_risk", "Residents where deep water would stand"),
            ("residents_affected_by_hazards", "Residents flooded in a year"),
            ("critical_infrastructure_flooded", "Critical sites flooded in a year"),
        )
    },
    "risk_reduced_land_share": View("Deeply flooded land with built storage", 0.01, better="more", varied=False,
                                    illustrative=True),
    "hazard_map_coverage": View("Area that the flood map covers", 0.01, better="more", varied=False),
})  # fmt: skip
"""Headline quantities; any other city-wide word is told plainly with its own name and unit."""


def view_of(word: str, unit: str) -> View:
    """Return the view of a word, or a plain one."""
    view = VIEWS.get(word) or View(word.replace("_", " ").capitalize(), 0.01)
    return view if view.unit else View(**{**vars(view), "unit": unit})


PLACE_GRAINS: Mapping[str, float] = MappingProxyType({
    "flood_depth": 0.01, "sewer_spill_depth": 0.001, "runoff_depth": 0.1, "building_flood_damage": 100,
    "link_flow": 1, "link_carbon_dioxide": 1, "link_nitrogen_oxides": 0.1, "link_crashes": 0.001,
    "facade_noise": 0.1, "utci": 0.1, "street_utci": 0.1, "home_utci": 0.1, "gravity_access_to_jobs": 1,
    "mean_time_to_jobs": 0.1, "travel_ease": 0.1,
    **{f"jobs_within_{minutes}_min": 1 for minutes in (5, 10, 15, 30, 45)}, "jobs_within_30_min_off_peak": 1,
    **{f"zone_{mode}_share": 0.1 for mode in ("car", "transit", "bicycle", "walk")},
    "basic_services_nearby": 0.1, "street_heat_share": 0.1, "affordable_share": 0.1, "rent_burden": 0.1,
})  # fmt: skip
"""Tolerance at which a quantity by place is shown, in the unit of its map: a smaller change cannot be told."""


def place_grain(quantity: str) -> float:
    """Smallest change of a quantity by place that a map tells; 0 where none is stated."""
    return PLACE_GRAINS.get(quantity, 0.0)
