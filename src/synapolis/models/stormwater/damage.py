"""What a flood does: how dangerous the water is, which streets and homes it reaches, and what it costs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from synapolis.core.declare import model
from synapolis.layers.vocabulary import (
    BuildingFloodDamage,
    BuildingPopulation,
    Buildings,
    FloodDamage,
    FloodDepth,
    FloodedBuildings,
    FloodedStreetLength,
    FloodedStreets,
    FloodHazard,
    FloodSpeed,
    Grid,
    ResidentsFlooded,
    Streets,
)
from synapolis.models.stormwater.flood import deepest_at_walls

HAZARD = np.array([[0.3, 0.3, 2.0], [0.5, 0.6, 2.0], [1.2, 0.6, 2.0], [2.0, 1.0, 2.0], [4.0, 4.0, 4.0]], np.float32)
"""Largest depth [m], depth times speed [m²/s] and speed [m/s] of the classes H1 to H5; what passes them is H6."""

WET = 0.01
"""Depth [m] below which ground has no hazard class."""

DEPTHS = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Depths [m] of the curves below."""
CURVES = {
    "residential": (0.0, 0.05, 0.125, 0.25, 0.4, 0.5, 0.6, 0.75, 0.85, 0.95, 1.0),
    "commercial": (0.0, 0.03, 0.075, 0.15, 0.3, 0.45, 0.55, 0.75, 0.9, 1.0, 1.0),
    "industrial": (0.0, 0.03, 0.075, 0.15, 0.3, 0.45, 0.55, 0.75, 0.9, 1.0, 1.0),
}
"""Share of the largest damage by depth in Europe: Huizinga, de Moel and Szewczyk (2017)."""
CLASSES = {"office": "commercial", "retail": "commercial", "public": "commercial", "industrial": "industrial",
           "utility": "industrial"}  # fmt: skip
"""Class of each use of a building; any other is residential."""
WORTH = {"residential": 1.0, "commercial": 1.04, "industrial": 0.675}
"""Cost of building over that of homes: the ratios of the same source for France."""
CONTENTS = {"residential": 0.5, "commercial": 1.0, "industrial": 1.5}
"""Worth of what is inside over that of the building: the same source's method, not read in it."""

SPACING = 2.0
"""Distance [m] between the points of a street at which its water is looked up."""


@model(
    version="2",
    decision="Where the water of a storm is dangerous to people and vehicles.",
    method="Classes H1 (generally safe) to H6 (buildings fail) by the deepest water, the fastest, and their product.",
    limits="Depth and speed are the largest of the storm at each cell, which need not come together: never too low.",
    risks="No class says that wading or driving is safe.",
    tests="tests/models/test_flood_damage.py",
)
def flood_hazard(flood_depth: FloodDepth, flood_speed: FloodSpeed) -> FloodHazard:
    """Hazard class of the water on each cell; 0 where there is none.

    References
    ----------
    Smith, G. P., Davey, E. K., and Cox, R. (2014). Flood Hazard. WRL Technical Report 2014/07, UNSW.
    NSW Department of Planning and Environment (2023). Flood hazard: Flood risk management guideline FB03.
    """
    measures = (flood_depth, flood_depth * flood_speed, flood_speed)
    classes = np.ones(flood_depth.shape, dtype=np.float32)
    for limits in HAZARD:
        over = np.zeros(flood_depth.shape, dtype=bool)
        for measure, limit in zip(measures, limits, strict=True):
            over |= measure > limit
        classes += over
    return np.where(flood_depth > WET, classes, 0).astype(np.float32)


class FloodedStreet(NamedTuple):
    """Streets under water."""

    flooded_streets: FloodedStreets
    flooded_street_length: FloodedStreetLength


@model(
    version="2",
    decision="Which streets a storm closes.",
    method="The deepest water is looked up every 2 m along each street at ground level; what is deeper than the "
    "threshold counts as flooded, by length.",
    limits="As flood; bridges and tunnels are left out; a street half under water is flooded along that half.",
    risks="A street not flooded is not thereby safe to drive.",
    tests="tests/models/test_flood_damage.py",
)
def flooded_streets(flood_depth: FloodDepth, streets: Streets, grid: Grid, street_flood_depth: float) -> FloodedStreet:
    """Find the streets that surface water closes, and how long a part of them lies under water.

    References
    ----------
    Pregnolato, M., Ford, A., Wilkinson, S. M., and Dawson, R. J. (2017). The impact of flooding on road transport: a
    depth-disruption function. Transportation Research Part D, 55.
    """
    lines = streets.geometry.to_numpy()
    length = shapely.length(lines)
    count = np.maximum(np.ceil(length / SPACING).astype(int), 1)
    which = np.repeat(np.arange(len(lines)), count)
    along = (np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[which]
    points = shapely.line_interpolate_point(lines[which], along, normalized=True)
    row, column = grid.cells_of(shapely.get_x(points), shapely.get_y(points))
    deep = flood_depth[row, column] > street_flood_depth
    under = np.bincount(which, deep, minlength=len(lines)) / count * length
    under = np.where(streets["bridge"].to_numpy(dtype=bool), 0.0, under)
    return FloodedStreet(under > 0, float(under.sum() / 1000))


@model(
    version="2",
    decision="How many people a storm reaches at home.",
    method="Residents of the buildings that water reaches.",
    limits="As flooded_buildings; people on upper floors count as well.",
    risks="As flooded_buildings.",
    tests="tests/models/test_flood_damage.py",
)
def residents_flooded(flooded_buildings: FloodedBuildings, building_population: BuildingPopulation) -> ResidentsFlooded:
    """Residents of flooded buildings.

    References
    ----------
    Own definition.
    """
    return float(building_population[flooded_buildings].sum())


class Damage(NamedTuple):
    """What one flood costs."""

    building_flood_damage: BuildingFloodDamage
    flood_damage: FloodDamage


@model(
    version="2",
    decision="Comparing what floods cost with and without a plan.",
    method="The depth at the walls, where it passes the threshold, gives by the JRC's curve for Europe the share of "
    "the largest damage per square metre of footprint: the cost of building, its damageable share, and contents.",
    limits="Mean curves of a continent, prices of 2010; no cellars, no doorsteps, no streets, cars or lost trade.",
    risks="A single building's figure means little; curves of slow river floods are used for rain.",
    tests="tests/models/test_flood_damage.py",
)
def flood_damage(
    flood_depth: FloodDepth,
    buildings: Buildings,
    grid: Grid,
    flood_threshold: float,
    flood_building_value: float,
    flood_damageable_share: float,
) -> Damage:
    """Damage of the flood to buildings and what is in them.

    References
    ----------
    Huizinga, J., de Moel, H., and Szewczyk, W. (2017). Global flood depth-damage functions. JRC technical report
    EUR 28552 EN, European Commission.
    """
    depth = deepest_at_walls(flood_depth, buildings, grid)
    each = np.zeros(len(buildings))
    use = np.array([CLASSES.get(str(value), "residential") for value in buildings["use"]], dtype=object)
    worth = flood_building_value * flood_damageable_share * shapely.area(buildings.geometry.to_numpy())
    for name, curve in CURVES.items():
        share = np.where(depth > flood_threshold, np.interp(depth, DEPTHS, curve), 0.0)
        each = np.where(use == name, share * worth * WORTH[name] * (1 + CONTENTS[name]), each)
    return Damage(each, float(each.sum()))
