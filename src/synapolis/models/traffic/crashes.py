"""Injury crashes that traffic is expected to bring, by a safety performance function of the Highway Safety Manual."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.layers.vocabulary import InjuryCrashes, LinkCrashes, LinkFlow, LinkGoodsFlow, LinkSpeed, Streets
from synapolis.models.traffic.emissions import TESTS
from synapolis.models.traffic.roads import lanes_of

# AASHTO Highway Safety Manual (2010), tables 12-3 and 12-5, urban and suburban arterial segments, from memory of the
# cited work and so assumed: crashes a year = exp(a + b ln AADT) × length [mile]; a and b of crashes between vehicles
# (driveways left out) and of single vehicles, on two lanes and on four undivided.
SPF = {
    2: ((-15.22, 1.68), (-5.47, 0.56)),
    4: ((-11.63, 1.33), (-7.99, 0.81)),
}
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
    method="Crashes of a street grow with its daily traffic and its lanes by the Highway Safety Manual's functions; a "
    "share of them injures; that share changes with the square of speed (Nilsson's power model), to a calibration "
    "factor.",
    limits="Streets between junctions only. Functions of North American arterials, not read at the source and not "
    "calibrated here: changes between plans are worth more than levels. Walkers and cyclists are in none of it.",
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
    wide = lanes_of(streets) > 2
    rate = np.where(wide, _rate(daily, 4), _rate(daily, 2))
    faster = (link_speed / REFERENCE_SPEED) ** crash_speed_exponent
    length = streets.geometry.length.to_numpy() / MILE
    crashes = rate * length * crash_injury_share * faster * crash_calibration
    return Crashes(crashes, float(crashes.sum()))


def _rate(daily: NDArray[np.float64], lanes: int) -> NDArray[np.float64]:
    """Crashes a mile and year on streets of so many lanes; none without traffic."""
    known = np.maximum(daily, 1.0)
    found = sum(np.exp(a + b * np.log(known)) for a, b in SPF[lanes])
    return np.asarray(np.where(daily > 0, found, 0.0))
