"""What floods cost in a mean year and over the life of a measure, by the same flow that floods the city's maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.core.errors import NotComputableError
from synapolis.layers.vocabulary import (
    Buildings,
    ExpectedFloodDamage,
    Extent,
    FloodBalance,
    FloodDamage,
    FloodDamageCurve,
    FloodDamageOverLife,
    Grid,
    GroundElevation,
    ImperviousFraction,
    LandCover,
    ManningRoughness,
    SewerNodes,
    SewerPipes,
    StorageDepth,
    StormIntensity,
    SyntheticSewerNodes,
    SyntheticSewerPipes,
)
from synapolis.models.stormwater.damage import flood_damage as damage_of
from synapolis.models.stormwater.drainage import FROM_STREETS, MADE_UP, flood_with_sewers
from synapolis.models.stormwater.flood import DRAINED, flood
from synapolis.models.stormwater.runoff import runoff
from synapolis.models.stormwater.runoff import storm_intensity as design_storm

PERIODS = (2.0, 10.0, 30.0, 100.0)
"""Return periods [a] over which damage is expected; more frequent storms are taken to do none."""

STORM = ("storm_duration", "storm_peak_position", "storm_decay_exponent", "storm_decay_offset", "climate_factor")
GROUND = ("land_cover", "impervious_fraction", "storage_depth", "grid", "extent")
SOIL = ("soil_conductivity", "soil_suction", "soil_moisture_deficit")
HOLLOWS = ("depression_impervious", "depression_pervious")
FLOW = (*GROUND, "ground_elevation", "manning_roughness", *SOIL, "sea_level", "recession_time")
PIPES = ("inlet_capacity", "inlet_reach", "roof_to_sewer")
WORTH = ("buildings", "grid", "flood_threshold", "flood_building_value", "flood_damageable_share")


class Expectation(NamedTuple):
    """What floods cost in a mean year."""

    expected_flood_damage: ExpectedFloodDamage
    flood_damage_curve: FloodDamageCurve


def _over_periods(given: Mapping[str, Any], taken_by: str, water: Callable[..., Any]) -> Expectation:
    """Run the storm of each return period and add up; `taken_by` names the drains that the flow must have had.

    Raises
    ------
    NotComputableError
        The flood of the city's maps has other drains: yearly damage would not be comparable with its damage.
    """
    if taken_by not in set(given["flood_balance"]["part"]):
        raise NotComputableError(
            f"the flood was not made with drains whose water counts as {taken_by!r}; take another model of it"
        )
    rows = []
    for period in PERIODS:
        depth = given["storm_depth"] * storm_of(period, given["storm_return_period"], given["storm_growth"])
        storm = design_storm(depth, *(given[name] for name in STORM))
        if np.array_equal(storm, given["storm_intensity"]):  # its flood is known
            damage = given["flood_damage"]
        else:
            shed = runoff(storm, **{name: given[name] for name in (*GROUND, *SOIL, *HOLLOWS)}).runoff_depth
            flow = water(storm_intensity=storm, runoff_depth=shed, **{name: given[name] for name in FLOW})
            damage = damage_of(flow.flood_depth, **{name: given[name] for name in WORTH}).flood_damage
        rows.append((period, depth * given["climate_factor"], damage))
    curve = pd.DataFrame(rows, columns=["return_period", "rain", "damage"])
    return Expectation(expected(curve["return_period"].to_numpy(), curve["damage"].to_numpy()), curve)


@model(
    version="2",
    decision="What a plan saves in flood damage a year, against what it costs.",
    method="The flood and its damage for storms of 2, 10, 30 and 100 years, whose depth grows with the logarithm of "
    "the return period; the mean over their yearly chances by the trapezoidal rule, a rarer storm costing as the "
    "rarest does. The flow is that of `flood`, drains a steady rate.",
    limits="As flood_damage; storms rarer than 100 years count as that one, more frequent ones than 2 years as "
    "harmless; three floods more than the design storm's: it takes four times as long as one.",
    risks="A mean over a century hides the one bad day.",
    tests="tests/models/test_flood_damage.py",
    rank=1,
)
def expected_flood_damage(
    storm_intensity: StormIntensity,
    flood_damage: FloodDamage,
    flood_balance: FloodBalance,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    buildings: Buildings,
    grid: Grid,
    extent: Extent,
    storm_depth: float,
    storm_duration: float,
    storm_return_period: float,
    storm_growth: float,
    storm_peak_position: float,
    storm_decay_exponent: float,
    storm_decay_offset: float,
    climate_factor: float,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    depression_impervious: float,
    depression_pervious: float,
    drain_capacity: float,
    sea_level: float,
    recession_time: float,
    flood_threshold: float,
    flood_building_value: float,
    flood_damageable_share: float,
) -> Expectation:
    """Flood damage in a mean year, over storms of several return periods, where drains are a steady rate.

    References
    ----------
    Huizinga, J., de Moel, H., and Szewczyk, W. (2017). Global flood depth-damage functions. JRC technical report
    EUR 28552 EN, European Commission.
    Olsen, A. S., Zhou, Q., Linde, J. J., and Arnbjerg-Nielsen, K. (2015). Comparing methods of calculating expected
    annual damage in urban pluvial flood risk assessments. Water, 7(1).
    """
    given = dict(locals())
    return _over_periods(given, DRAINED, lambda **more: flood(drain_capacity=drain_capacity, **more))


@model(
    version="1",
    decision="What a plan saves in flood damage a year, against what it costs, where sewers are mapped.",
    method="As expected_flood_damage, by the flow of `flood_with_sewers` in each of the storms.",
    limits="As expected_flood_damage and flood_with_sewers.",
    risks="As expected_flood_damage.",
    tests="tests/models/test_flood_damage.py",
)
def expected_flood_damage_with_sewers(
    storm_intensity: StormIntensity,
    flood_damage: FloodDamage,
    flood_balance: FloodBalance,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    buildings: Buildings,
    sewer_nodes: SewerNodes,
    sewer_pipes: SewerPipes,
    grid: Grid,
    extent: Extent,
    storm_depth: float,
    storm_duration: float,
    storm_return_period: float,
    storm_growth: float,
    storm_peak_position: float,
    storm_decay_exponent: float,
    storm_decay_offset: float,
    climate_factor: float,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    depression_impervious: float,
    depression_pervious: float,
    inlet_capacity: float,
    inlet_reach: float,
    roof_to_sewer: float,
    sea_level: float,
    recession_time: float,
    flood_threshold: float,
    flood_building_value: float,
    flood_damageable_share: float,
) -> Expectation:
    """Flood damage in a mean year, over storms of several return periods, with what the sewers take and give back.

    References
    ----------
    As expected_flood_damage and flood_with_sewers.
    """
    given = dict(locals())
    return _over_periods(given, FROM_STREETS, _through(given, sewer_nodes, sewer_pipes))


@model(
    version="1",
    decision="What a plan saves in flood damage a year, roughly, where no map of sewers can be had.",
    method="As expected_flood_damage_with_sewers, in the network that synthetic_sewers makes up along the streets.",
    limits="As flood_with_synthetic_sewers.",
    risks="As flood_with_synthetic_sewers: compare with it.",
    tests="tests/models/test_flood_damage.py",
    origin="assumed",
    rank=2,
)
def expected_flood_damage_with_synthetic_sewers(
    storm_intensity: StormIntensity,
    flood_damage: FloodDamage,
    flood_balance: FloodBalance,
    ground_elevation: GroundElevation,
    land_cover: LandCover,
    impervious_fraction: ImperviousFraction,
    manning_roughness: ManningRoughness,
    storage_depth: StorageDepth,
    buildings: Buildings,
    synthetic_sewer_nodes: SyntheticSewerNodes,
    synthetic_sewer_pipes: SyntheticSewerPipes,
    grid: Grid,
    extent: Extent,
    storm_depth: float,
    storm_duration: float,
    storm_return_period: float,
    storm_growth: float,
    storm_peak_position: float,
    storm_decay_exponent: float,
    storm_decay_offset: float,
    climate_factor: float,
    soil_conductivity: float,
    soil_suction: float,
    soil_moisture_deficit: float,
    depression_impervious: float,
    depression_pervious: float,
    inlet_capacity: float,
    inlet_reach: float,
    roof_to_sewer: float,
    sea_level: float,
    recession_time: float,
    flood_threshold: float,
    flood_building_value: float,
    flood_damageable_share: float,
) -> Expectation:
    """Flood damage in a mean year with sewers that nobody mapped.

    References
    ----------
    As expected_flood_damage and synthetic_sewers.
    """
    given = dict(locals())
    return _over_periods(given, MADE_UP, _through(given, synthetic_sewer_nodes, synthetic_sewer_pipes))


def _through(given: Mapping[str, Any], nodes: pd.DataFrame, pipes: pd.DataFrame) -> Callable[..., Any]:
    """Return the flood through a sewer network, of what it takes besides."""
    own = {name: given[name] for name in PIPES}
    return lambda **more: flood_with_sewers(sewer_nodes=nodes, sewer_pipes=pipes, **own, **more)


def storm_of(period: float, known: float, growth: float) -> float:
    """Depth of the storm of a return period over that of a known one; `growth` is the rise with each factor of 10."""
    return max(1.0 + growth * float(np.log10(period / known)), 0.0)


def expected(period: NDArray[np.float64], damage: NDArray[np.float64]) -> float:
    """Mean yearly damage from that of storms by return period [a], the most frequent first."""
    chance = 1.0 / period
    return float(np.sum((damage[1:] + damage[:-1]) / 2 * -np.diff(chance)) + damage[-1] * chance[-1])


@model(
    version="1",
    decision="Whether the floods that a measure spares are worth its price.",
    method="Damage of a mean year, each year of the life of measures, discounted to today.",
    limits="As expected_flood_damage; the same climate and city all along; no upkeep, no damage that is not to "
    "buildings.",
    risks="Measures that serve heat, air and people as well look dear when only floods are counted.",
    tests="tests/models/test_flood_damage.py",
)
def flood_damage_over_life(
    expected_flood_damage: ExpectedFloodDamage, flood_measure_life: float, flood_discount_rate: float
) -> FloodDamageOverLife:
    """Worth today of the flood damage to come over the life of measures.

    References
    ----------
    European Commission (2014). Guide to cost-benefit analysis of investment projects: economic appraisal tool for
    cohesion policy 2014-2020 (assumed: not read). The annuity factor is a definition.
    """
    rate = flood_discount_rate / 100
    years = flood_measure_life if rate == 0 else (1 - (1 + rate) ** -flood_measure_life) / rate
    return expected_flood_damage * years
