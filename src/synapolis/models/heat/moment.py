"""One hour of the hot day over one city: everything that mean radiant temperature depends on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.errors import LayerError, ModelError
from synapolis.layers.land_cover import Cover
from synapolis.models.heat.day import vapour_pressure_at
from synapolis.models.heat.horizon import Field, Obstacles, Window, obstacles
from synapolis.models.heat.local import cut, grown
from synapolis.models.heat.radiation import Body, Ground, Moment, mean_radiant
from synapolis.models.heat.shade import shadow

SURFACES: Mapping[Cover, tuple[float, float, float, float, float]] = {
    Cover.WATER: (0.05, 0.98, 0.0, 0.0, 12.0),
    Cover.ROOF: (0.18, 0.95, 0.58, -9.78, 15.0),
    Cover.STREET: (0.18, 0.95, 0.58, -9.78, 15.0),
    Cover.PAVED: (0.20, 0.95, 0.37, -3.41, 15.0),
    Cover.RAIL: (0.25, 0.94, 0.33, -3.01, 14.0),  # as bare soil: assumed
    Cover.GRASS: (0.16, 0.94, 0.21, -3.38, 14.0),
    Cover.TREES: (0.16, 0.94, 0.21, -3.38, 14.0),  # grass below: assumed
    Cover.BARE: (0.25, 0.94, 0.33, -3.01, 14.0),
    Cover.PERMEABLE_PAVING: (0.20, 0.95, 0.37, -3.41, 15.0),  # as paved: assumed
    Cover.GREEN_ROOF: (0.16, 0.94, 0.21, -3.38, 14.0),  # as grass: assumed
}
"""Albedo, emissivity, and the daily wave of the temperature of sunlit ground above the air's: K per degree of the sun's
highest altitude, K at the start, and the hour of the maximum. From the material table of the package solweig 0.1.0b96
(2026; read), where they stand for asphalt, cobble stones, grass, bare soil, water and roofs."""
WALLS_WAVE = (0.37, -3.41, 15.0)
"""The same for sunlit walls, from the same table."""


class Scene(NamedTuple):
    """Everything a moment's heat depends on, bound to one city."""

    standing: Obstacles
    views: Field
    cover: NDArray[np.uint8]
    day: pd.DataFrame
    body: Body
    cell_size: float
    shadow_reach: float
    excess_factor: float


def standing(ground: Any, built: Field, trees: Field, trunk_share: float) -> Obstacles:
    """The scene's columns; flat ground where no elevation is known.

    Raises
    ------
    LayerError
        A value that is not finite.
    """
    base = np.zeros_like(built) if ground is None else np.asarray(ground, dtype=np.float32)
    for name, values in (("ground_elevation", base), ("built_height", built), ("tree_height", trees)):
        if not np.isfinite(values).all():
            raise LayerError(
                f"{name} must be known in every cell, got {int((~np.isfinite(values)).sum())} without a value; fill "
                "the holes of the raster first"
            )
    return obstacles(base, built, trees, trunk_share)


def scene_of(given: Mapping[str, Any]) -> Scene:
    """Bind the inputs of a heat model."""
    body = Body(
        absorbs_shortwave=given["body_shortwave_absorption"],
        absorbs_longwave=given["body_longwave_absorption"],
        wall_albedo=given["wall_albedo"],
        wall_emissivity=given["wall_emissivity"],
        leaf_transmissivity=given["leaf_transmissivity"],
        wall_height=given["wall_height_in_shade"],
    )
    return Scene(
        standing(given["ground_elevation"], given["built_height"], given["tree_height"], given["trunk_share"]),
        given["sky_views"],
        given["land_cover"],
        given["hot_day"],
        body,
        given["grid"].cell_size,
        given["shadow_reach"],
        given["ground_excess_factor"],
    )


def radiant_in(scene: Scene, hour: Any, window: Window) -> NDArray[np.float32]:
    """Mean radiant temperature of a window in one hour of the day."""
    rim = grown(window, 1, scene.cover.shape)  # the ground next to a cell is seen from it
    cast = shadow(scene.standing, scene.cell_size, altitude=hour.altitude, azimuth=hour.azimuth,
                  reach=scene.shadow_reach, window=rim)  # fmt: skip
    found = mean_radiant(
        np.ascontiguousarray(cut(scene.views, rim)),
        cast,
        _ground(scene, hour, rim),
        moment_of(scene.day, hour, scene.excess_factor),
        scene.body,
        scene.cell_size,
    )
    inner = (window[0] - rim[0], window[1] - rim[0], window[2] - rim[2], window[3] - rim[2])
    return np.ascontiguousarray(cut(found, inner), dtype=np.float32)


def hour_of(day: pd.DataFrame, hour: float) -> Any:
    """The row of one hour.

    Raises
    ------
    ModelError
        An hour that the day does not have.
    """
    if round(hour) not in day.index:
        raise ModelError(f"heat_hour must be a whole hour from 0 to 23, got {hour:g}; set another value")
    return next(day.loc[[round(hour)]].itertuples())


def moment_of(day: pd.DataFrame, hour: Any, factor: float) -> Moment:
    """Sun, sky and air of one hour."""
    vapour = float(vapour_pressure_at(hour.temperature)) * hour.humidity
    clear = sky_emissivity(hour.temperature, vapour)
    return Moment(
        altitude=hour.altitude,
        azimuth=hour.azimuth,
        direct=hour.direct_radiation,
        diffuse=hour.diffuse_radiation,
        air=hour.temperature,
        sky_emissivity=clear * hour.clearness + 1 - hour.clearness,
        wall_excess=factor * hour.clearness * surface_wave(day, hour.Index, *WALLS_WAVE),
    )


def sky_emissivity(air: float, vapour: float) -> float:
    """Emissivity of a clear sky from air temperature [°C] and vapour pressure [hPa] near the ground (Prata 1996)."""
    water = 46.5 * vapour / (air + 273.15)  # precipitable water [cm]
    return 1 - (1 + water) * math.exp(-math.sqrt(1.2 + 3 * water))


def surface_wave(day: pd.DataFrame, hour: float, per_degree: float, start: float, peak: float) -> float:
    """Temperature of a sunlit surface above the air's at mid-hour under a clear sky [K]; 0 with the sun down.

    A sine from sunrise to the surface's hour of maximum and on; its height grows with the sun's highest altitude.
    """
    altitude = day["altitude"].to_numpy()
    highest = math.degrees(float(altitude.max()))
    up = np.flatnonzero(altitude > 0)
    if not len(up) or altitude[int(hour)] <= 0:
        return 0.0
    first = int(up[0])
    before = altitude[first - 1] if first else -altitude[first]
    rise = first + 0.5 - altitude[first] / (altitude[first] - before)
    wave = math.sin(math.pi / 2 * (hour + 0.5 - rise) / max(peak - rise, 1.0))
    return max(per_degree * highest + start, 0.0) * max(wave, 0.0)


def _ground(scene: Scene, hour: Any, window: Window) -> Ground:
    """Albedo, emissivity and sunlit excess of each cell's cover."""
    table = np.zeros((3, max(Cover) + 1), dtype=np.float32)
    for cover, (albedo, emissivity, per_degree, start, peak) in SURFACES.items():
        wave = surface_wave(scene.day, hour.Index, per_degree, start, peak)
        table[:, cover] = albedo, emissivity, scene.excess_factor * hour.clearness * wave
    return Ground(*(row[cut(scene.cover, window)] for row in table))
