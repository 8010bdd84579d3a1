"""A small made-up quarter with a hot day, for the tests of heat."""

from __future__ import annotations

import numpy as np

from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.heat.climate import hourly_utci, mean_radiant_temperature, shade_hours, sky_views
from synapolis.models.heat.day import assumed_hot_day

SIDE, CELL = 32, 4.0
GRID = Grid(0.0, SIDE * CELL, CELL, SIDE, SIDE)
DAY = assumed_hot_day((45.0, 10.0), 30.0, 10.0, 15.0, 2.0)
REACHES = {"sky_search_reach": 40.0, "shadow_reach": 48.0}
BODY = {
    "leaf_transmissivity": 0.03,
    "wall_albedo": 0.2,
    "wall_emissivity": 0.9,
    "wall_height_in_shade": 15.0,
    "ground_excess_factor": 1.0,
    "body_shortwave_absorption": 0.7,
    "body_longwave_absorption": 0.97,
}


def quarter(seed=0, *, built=0.15, trees=0.1):
    """Ground, buildings, trees and cover of random blocks."""
    random = np.random.default_rng(seed)
    shape = (SIDE, SIDE)
    blocks = np.where(random.random(shape) < built, random.uniform(3, 25, shape), 0).astype(np.float32)
    leaves = np.where(random.random(shape) < trees, random.uniform(3, 18, shape), 0).astype(np.float32)
    ground = (random.normal(0, 0.3, shape).cumsum(axis=0) * 0.3).astype(np.float32)
    cover = random.choice([Cover.GRASS, Cover.STREET, Cover.PAVED, Cover.BARE], shape).astype(np.uint8)
    cover[blocks > 0] = Cover.ROOF
    return {"ground_elevation": ground, "built_height": blocks, "tree_height": leaves, "land_cover": cover}


def given(scene, *names):
    """Inputs of a model by name."""
    everything = {**scene, **BODY, **REACHES, "grid": GRID, "hot_day": DAY, "trunk_share": 0.25, "heat_hour": 15.0,
                  "wind_share": 1.0}  # fmt: skip
    return {name: everything[name] for name in names}


STANDING = ("ground_elevation", "built_height", "tree_height")
OF_VIEWS = (*STANDING, "grid", "trunk_share", "sky_search_reach")
OF_SHADE = (*STANDING, "hot_day", "grid", "trunk_share", "leaf_transmissivity", "shadow_reach")
OF_HEAT = (*STANDING, "sky_views", "land_cover", "hot_day", "grid", "trunk_share", "shadow_reach", *BODY)


def with_views(scene):
    """The scene with what is seen in it."""
    return {**scene, "sky_views": sky_views(**given(scene, *OF_VIEWS))}


def radiant(scene, **other):
    """Mean radiant temperature of a scene that has its views."""
    return mean_radiant_temperature(**{**given(scene, *OF_HEAT, "heat_hour"), **other})


MODELS = {
    "sky_views": (sky_views, OF_VIEWS),
    "shade_hours": (shade_hours, OF_SHADE),
    "mean_radiant_temperature": (mean_radiant_temperature, (*OF_HEAT, "heat_hour")),
    "hourly_utci": (hourly_utci, (*OF_HEAT, "wind_share")),
}
