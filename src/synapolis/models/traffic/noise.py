"""Road noise at facades: CNOSSOS-EU sources along the streets, and a stated simplification of the way to them."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    BuildingPopulation,
    Buildings,
    FacadeNoise,
    LinkFlow,
    LinkGoodsFlow,
    LinkNoise,
    LinkSpeed,
    Population,
    ResidentRoadNoise,
    ResidentsInRoadNoise,
    Streets,
)
from synapolis.models.traffic.emissions import RISKS, TESTS, day_speed

Floats = NDArray[np.float64]

# CNOSSOS-EU road source (Directive (EU) 2015/996 as amended by 2021/1226), read in NoiseModelling
# RoadCnossos_2020.json: octave bands 63 Hz to 8 kHz; rolling AR + BR log10(v/70), propulsion AP + BP (v - 70)/70.
AR = {
    "light": (83.1, 89.2, 87.7, 93.1, 100.1, 96.7, 86.8, 76.2),
    "lorry": (88.7, 93.2, 95.7, 100.9, 101.7, 95.1, 87.8, 83.6),
}
BR = {
    "light": (30.0, 41.5, 38.9, 25.7, 32.5, 37.2, 39.0, 40.0),
    "lorry": (30.0, 35.8, 32.6, 23.8, 30.1, 36.2, 38.3, 40.1),
}
AP = {
    "light": (97.9, 92.5, 90.7, 87.2, 84.7, 88.0, 84.4, 77.1),
    "lorry": (105.5, 100.2, 100.5, 98.7, 101.0, 97.8, 91.2, 85.0),
}
BP = {
    "light": (-1.3, 7.2, 7.7, 8.0, 8.0, 8.0, 8.0, 8.0),
    "lorry": (-1.9, 4.7, 6.4, 6.5, 6.5, 6.5, 6.5, 6.5),
}
A_WEIGHT = np.array([-26.2, -16.1, -8.6, -3.2, 0.0, 1.2, 1.0, -1.1])
"""A-weighting of the octave bands [dB]; IEC 61672-1."""

SPEEDS = (20.0, 130.0)
"""Speeds the source is defined for [km/h]."""

PIECE = 20.0
"""Streets are cut into point sources of this length [m]."""

REACH = 100.0
"""Sources farther from a facade are left out [m]: at 20 m spacing they add under 1 dB to a street in front of it."""

NEAREST = 3.0
"""A wall is taken to stand at least this far from a street's axis [m], also where a building bridges it."""

BEFORE_WALL = 0.1
"""Distance of the ear from the wall [m]: the sound that meets the facade is told, not what it throws back."""

HALF_SPACE = 8.0
"""Spreading of a point source over hard ground: 20 log10 d + 11 - 3 [dB]."""

QUIET = 30.0
"""Level told where no road is heard [dB]."""

MOST_HOUSED = 0.5
"""Share of the residents that mapped buildings hold at least, or the noise where people live is not told."""

NIGHT, EVENING, DAY = (8, 10.0), (4, 5.0), (12, 0.0)
"""Hours of each part of the day and its penalty [dB]; Directive 2002/49/EC, annex I."""


def source_power(kind: str, speed: Floats) -> Floats:
    """A-weighted sound power of one vehicle by octave band.

    Parameters
    ----------
    kind : "light" or "lorry" (CNOSSOS categories 1 and 2)
    speed : (...) [m/s]

    Returns
    -------
    (..., band) [dB re 1 pW]

    References
    ----------
    Commission Directive (EU) 2015/996, annex, 2.2.
    """
    v = np.clip(np.asarray(speed, dtype=float) * 3.6, *SPEEDS)[..., None]
    rolling = np.array(AR[kind]) + np.array(BR[kind]) * np.log10(v / 70)
    propulsion = np.array(AP[kind]) + np.array(BP[kind]) * (v - 70) / 70
    return np.asarray(10 * np.log10(10 ** (rolling / 10) + 10 ** (propulsion / 10)) + A_WEIGHT)


def _power(kind: str, flow: Floats, speed: Floats) -> Floats:
    """Sound power a metre of a stream of vehicles, all bands together [pW/m]."""
    v = np.clip(speed * 3.6, *SPEEDS)
    each = (10 ** (source_power(kind, speed) / 10)).sum(axis=-1)
    return np.asarray(each * flow / (1000 * v))


@model(
    version="1",
    decision="Seeing which streets are loud, and why.",
    method="CNOSSOS-EU: rolling and propulsion noise of light (cars and vans) and medium heavy vehicles at their mean "
    "speed over the day, on the reference surface at 20 °C.",
    limits="No junctions, gradients, studded tyres or quiet surfaces; trams and mopeds are not heard.",
    risks=RISKS,
    tests=TESTS,
)
def link_noise(
    streets: Streets,
    link_flow: LinkFlow,
    link_goods_flow: LinkGoodsFlow,
    link_speed: LinkSpeed,
    van_share: float,
    congested_traffic_share: float,
) -> LinkNoise:
    """Sound power of each street's traffic in the peak hour, a metre of street.

    References
    ----------
    Commission Directive (EU) 2015/996 (CNOSSOS-EU), coefficients of 2020 as read in NoiseModelling.
    """
    speed = day_speed(streets, link_speed, congested_traffic_share)
    light = link_flow + van_share * link_goods_flow
    power = _power("light", light, speed) + _power("lorry", (1 - van_share) * link_goods_flow, speed)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-3)))


class Heard(NamedTuple):
    """Noise where people live."""

    facade_noise: FacadeNoise
    residents_in_road_noise: ResidentsInRoadNoise
    resident_road_noise: ResidentRoadNoise


@model(
    version="1",
    decision="Comparing how many people live in road noise with and without a plan.",
    method="Each street is a row of point sources over hard ground; each reaches the wall of a building where its "
    "loudest source arrives, by spherical spreading, less a fixed loss where a building stands between; day, "
    "evening and night from the peak hour by assumed shares.",
    limits="A simplification: no reflections between facades, diffraction, ground or air absorption, nor height; only "
    "sources within 100 m. In narrow streets levels come out some decibels low.",
    risks="Not a noise map under the Directive: compare plans with it, do not judge limits.",
    tests=TESTS,
)
def facade_noise(
    streets: Streets,
    buildings: Buildings,
    building_population: BuildingPopulation,
    population: Population,
    link_noise: LinkNoise,
    peak_hour_share: float,
    evening_traffic_share: float,
    night_traffic_share: float,
    noise_screening: float,
    noise_limit: float,
) -> Heard:
    """Road noise at the loudest facade of each building, and who lives in it.

    References
    ----------
    Directive 2002/49/EC, annex I (Lden). Commission Directive (EU) 2015/996, source and spreading; propagation
    simplified as stated.
    """
    housed = float(building_population.sum())
    if housed < MOST_HOUSED * population:
        raise NotComputableError(
            f"buildings that hold its residents; those mapped hold {housed / population:.1%} of them"
        )
    at, power = _sources(streets, link_noise)
    level = _levels(buildings, at, power, noise_screening)
    told = np.maximum(level + _lden_over_peak(peak_hour_share, evening_traffic_share, night_traffic_share), QUIET)
    mean = float(told @ building_population / housed) if housed > 0 else QUIET
    return Heard(told, float(building_population[told > noise_limit].sum()), mean)


def _lden_over_peak(peak: float, evening: float, night: float) -> float:
    """Lden less the level of the peak hour [dB]."""
    shares = {DAY: 1.0 - evening - night, EVENING: evening, NIGHT: night}
    energy = sum(hours * (share / hours / peak) * 10 ** (penalty / 10) for (hours, penalty), share in shares.items())
    return float(10 * np.log10(energy / 24))


def _sources(streets: gpd.GeoDataFrame, noise: Floats) -> tuple[NDArray[np.object_], Floats]:
    """Point sources along the streets, and the power of each [pW]."""
    loud = noise > 0
    lines = streets.geometry.to_numpy()[loud]
    length = shapely.length(lines)
    count = np.maximum(np.ceil(length / PIECE), 1).astype(int)
    row = np.repeat(np.arange(len(lines)), count)
    step = (np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[row]
    points = shapely.line_interpolate_point(lines[row], step, normalized=True)
    return points, 10 ** (noise[loud][row] / 10) * (length / count)[row]


def _levels(buildings: gpd.GeoDataFrame, at: NDArray[np.object_], power: Floats, screening: float) -> Floats:
    """Level at the loudest wall of each building [dB] in the peak hour."""
    walls = buildings.geometry.to_numpy()
    if len(at) == 0 or len(walls) == 0:
        return np.full(len(walls), -np.inf)
    house, source = shapely.STRtree(at).query(walls, predicate="dwithin", distance=REACH)
    tree = shapely.STRtree(walls)
    way = shapely.shortest_line(walls[house], at[source])
    ear = _ears(walls, way, house, power[source] * _arriving(way, tree, screening))
    rays = shapely.linestrings(np.stack([shapely.get_coordinates(ear[house]), shapely.get_coordinates(at[source])], 1))
    energy = np.bincount(house, power[source] * _arriving(rays, tree, screening), minlength=len(walls))
    return np.asarray(10 * np.log10(np.maximum(energy, 1e-12)))


def _arriving(rays: NDArray[np.object_], walls: shapely.STRtree, screening: float) -> Floats:
    """Share of a source's power that arrives along each ray, less where a building stands in it [1/m²]."""
    screened = np.zeros(len(rays), dtype=bool)
    screened[np.unique(walls.query(rays, predicate="crosses")[0])] = True
    loss = 20 * np.log10(np.maximum(shapely.length(rays), NEAREST)) + HALF_SPACE + np.where(screened, screening, 0.0)
    return np.asarray(10 ** (-loss / 10))


def _ears(
    walls: NDArray[np.object_], way: NDArray[np.object_], house: NDArray[np.int64], loud: Floats
) -> NDArray[np.object_]:
    """Return a point before each building's wall where its loudest source arrives; its centre if none does."""
    order = np.lexsort((-loud, house))
    first = order[np.r_[True, np.diff(house[order]) != 0]] if len(order) else order
    ear = np.asarray(shapely.centroid(walls))
    ear[house[first]] = shapely.line_interpolate_point(way[first], BEFORE_WALL)
    return ear
