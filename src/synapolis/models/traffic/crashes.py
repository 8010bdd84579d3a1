"""Injury crashes that traffic is expected to bring, by safety performance functions of the Highway Safety Manual."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.layers.vocabulary import InjuryCrashes, LinkCrashes, LinkFlow, LinkGoodsFlow, LinkSpeed, Streets
from synapolis.models.traffic.emissions import TESTS, day_speed
from synapolis.models.traffic.roads import lanes_of

Floats = NDArray[np.float64]

# AASHTO Highway Safety Manual (2010), chapter 12, urban and suburban arterials, from memory of the cited work and so
# assumed. Tables 12-3 and 12-5: crashes a year = exp(a + b ln AADT) × length [mile]; a and b of crashes between
# vehicles (driveways left out) and of single vehicles, on two lanes and on four undivided.
SPF = {
    2: ((-15.22, 1.68), (-5.47, 0.56)),
    4: ((-11.63, 1.33), (-7.99, 0.81)),
}
# Table 12-10: crashes a year at a junction = exp(a + b ln AADT of the major road + c ln AADT of the minor one), with
# three legs and with four, the minor road stopping.
JUNCTIONS = {3: (-13.36, 1.11, 0.41), 4: (-8.90, 0.82, 0.25)}
MILE = 1609.344
REFERENCE_SPEED = 50 / 3.6
"""Speed [m/s] at which the function is taken to hold: the usual limit of the streets it is used for here."""


class Crashes(NamedTuple):
    """Expected injury crashes by street and in all."""

    link_crashes: LinkCrashes
    injury_crashes: InjuryCrashes


@model(
    version="1",
    decision="Comparing how safe plans make the streets.",
    method="Crashes of a street grow with its daily traffic and its lanes, those of a junction with the traffic of its "
    "two roads, by the Highway Safety Manual's functions; a share of them injures; that share changes with the square "
    "of the day's speed (Nilsson's power model); all to a calibration factor. A junction's crashes are told on the "
    "streets that meet there, by their traffic.",
    limits="Functions of North American arterials, not read at the source and not calibrated here: changes between "
    "plans are worth more than levels. Every junction counts as one where the minor road stops: no signals, no "
    "roundabouts. Crashes of walkers and cyclists alone are in none of it.",
    risks="Never rank a street's own safety by it: counts of real crashes do that.",
    tests=TESTS,
    origin="assumed",
)
def injury_crashes(
    streets: Streets,
    link_flow: LinkFlow,
    link_goods_flow: LinkGoodsFlow,
    link_speed: LinkSpeed,
    peak_hour_share: float,
    congested_traffic_share: float,
    crash_calibration: float,
    crash_injury_share: float,
    crash_speed_exponent: float,
) -> Crashes:
    """Injury crashes expected in a year.

    References
    ----------
    AASHTO (2010). Highway Safety Manual, chapter 12 (assumed: not read). Nilsson, G. (2004). Traffic safety
    dimensions and the power model to describe the effect of speed on safety (assumed: not read).
    """
    daily = (link_flow + link_goods_flow) / peak_hour_share
    rate = np.where(lanes_of(streets) > 2, _rate(daily, 4), _rate(daily, 2))
    between = rate * streets.geometry.length.to_numpy() / MILE
    faster = (day_speed(streets, link_speed, congested_traffic_share) / REFERENCE_SPEED) ** crash_speed_exponent
    crashes = (between + at_junctions(streets, daily)) * crash_injury_share * faster * crash_calibration
    return Crashes(crashes, float(crashes.sum()))


def _rate(daily: Floats, lanes: int) -> Floats:
    """Crashes a mile and year on streets of so many lanes; none without traffic."""
    known = np.maximum(daily, 1.0)
    found = sum(np.exp(a + b * np.log(known)) for a, b in SPF[lanes])
    return np.asarray(np.where(daily > 0, found, 0.0))


def at_junctions(streets: gpd.GeoDataFrame, daily: Floats) -> Floats:
    """Crashes a year of all severities at the junctions of each street's ends, its share by traffic.

    Parameters
    ----------
    streets : the layer
    daily : (link,) [veh/d]
        Both directions.

    Returns
    -------
    (link,) [1/a]
    """
    used = np.flatnonzero(daily > 0)
    ends = np.concatenate([streets[name].to_numpy()[used] for name in ("from_junction", "to_junction")])
    legs = pd.DataFrame({"junction": ends, "street": np.tile(used, 2), "daily": np.tile(daily[used], 2)})
    legs = legs.sort_values(["junction", "daily"], ascending=[True, False], kind="stable")
    met = legs.groupby("junction", sort=False)["daily"]
    legs["rank"], legs["count"] = met.cumcount(), met.transform("size")
    legs = legs[legs["count"] >= 3]  # where fewer meet, a street only bends
    if legs.empty:
        return np.zeros(len(daily))
    share = legs["daily"] / legs.groupby("junction")["daily"].transform("sum")
    major, minor = (legs[legs["rank"] == rank].set_index("junction") for rank in (0, 2))  # the two busiest are major
    a, b, c = np.array([JUNCTIONS[min(count, 4)] for count in major["count"]]).reshape(-1, 3).T
    heavy, light = (np.log(np.maximum(road["daily"], 1.0)) for road in (major, minor))
    told = share * legs["junction"].map(np.exp(a + b * heavy + c * light))
    return np.bincount(legs["street"], weights=told, minlength=len(daily)).astype(np.float64)
