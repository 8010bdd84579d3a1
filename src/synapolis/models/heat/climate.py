"""Heat on the hot day: sky view, shade, mean radiant temperature and UTCI of every cell, and local re-runs of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.core.declare import model
from synapolis.layers import assumed  # noqa: F401 - declares the assumptions that models take
from synapolis.layers.vocabulary import (
    BuiltHeight,
    Grid,
    GroundElevation,
    HeatStressHours,
    HotDay,
    HourlyUtci,
    LandCover,
    MeanRadiantTemperature,
    ShadeHours,
    SkyViewFactor,
    SkyViews,
    TreeHeight,
    Utci,
)
from synapolis.models.heat.comfort import STRONG, felt_temperature
from synapolis.models.heat.horizon import Obstacles, Window, sky_views_of, whole
from synapolis.models.heat.local import changed_window, put
from synapolis.models.heat.moment import Scene, hour_of, radiant_in, scene_of, standing
from synapolis.models.heat.shade import LOWEST_SUN, shadow


def _sky_views_again(outputs: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """Work out the views again within the reach of what changed; equal to the full run."""
    steps = max(1, int(now["sky_search_reach"] / now["grid"].cell_size))
    window = changed_window(before, now, dict.fromkeys(("ground_elevation", "built_height", "tree_height"), steps))
    if window is None:
        return outputs["sky_views"]
    scene = standing(now["ground_elevation"], now["built_height"], now["tree_height"], now["trunk_share"])
    part = sky_views_of(scene, now["grid"].cell_size, now["sky_search_reach"], window)
    return put(outputs["sky_views"], window, part)


@model(
    version="1",
    decision="How open streets and squares are to the sky: heat, daylight, cooling at night.",
    method="Horizons of ground and buildings in 32 directions out to a reach, integrated exactly for flat ground and "
    "for a standing person; leaves as bits in 32 bins of elevation. SOLWEIG casts shadows from 153 patches instead.",
    limits="Flat roofs, no overhangs or arcades; obstacles beyond the reach and hills outside the grid are not seen.",
    risks="None of its own.",
    tests="tests/models/heat/test_horizon.py",
    optional=("ground_elevation",),
    update=_sky_views_again,
)
def sky_views(
    ground_elevation: GroundElevation,
    built_height: BuiltHeight,
    tree_height: TreeHeight,
    grid: Grid,
    trunk_share: float,
    sky_search_reach: float,
) -> SkyViews:
    """Work out what is seen around each cell: sky, leaves and walls.

    Parameters
    ----------
    ground_elevation : (row, column) [m], or None for flat ground
    built_height, tree_height : (row, column) [m above ground]
    trunk_share : 1
    sky_search_reach : m

    Returns
    -------
    (view, row, column) [1], as `horizon.VIEWS`. On a building: from its roof.

    Raises
    ------
    LayerError
        Heights or ground that are not finite.

    References
    ----------
    Lindberg, F. and Grimmond, C. S. B. (2011), The influence of vegetation and building morphology on shadow patterns
    and mean radiant temperatures in urban areas (not read). Method of this project, compared with solweig 0.1.0b96.
    """
    return sky_views_of(
        standing(ground_elevation, built_height, tree_height, trunk_share), grid.cell_size, sky_search_reach
    )


@model(
    version="1",
    decision="How open streets and squares are to the sky.",
    method="The view of the sky from flat ground, less what leaves hide of it beyond what shines through them.",
    limits="As sky_views.",
    risks="None of its own.",
    tests="tests/models/heat/test_horizon.py",
)
def sky_view_factor(sky_views: SkyViews, leaf_transmissivity: float) -> SkyViewFactor:
    """Share of the sky that nothing hides, weighed for flat ground.

    References
    ----------
    As sky_views.
    """
    seen = sky_views[0] - np.float32(1 - leaf_transmissivity) * sky_views[1]
    return np.asarray(np.clip(seen, 0, 1), dtype=np.float32)


def _shade(
    scene: Obstacles, day: pd.DataFrame, cell: float, through: float, reach: float, window: Window
) -> NDArray[np.float32]:
    hours = np.zeros((window[1] - window[0], window[3] - window[2]), dtype=np.float32)
    for hour in day[day["altitude"] >= LOWEST_SUN].itertuples():
        cast = shadow(scene, cell, altitude=hour.altitude, azimuth=hour.azimuth, reach=reach, window=window)
        hours += np.where(cast.height > 0, np.float32(1), cast.leaves * np.float32(1 - through))
    return hours


def _shade_again(outputs: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """Count the shade again within the reach of what changed; equal to the full run."""
    window = changed_window(before, now, _shadow_reaches(now))
    if window is None:
        return outputs["shade_hours"]
    scene = standing(now["ground_elevation"], now["built_height"], now["tree_height"], now["trunk_share"])
    part = _shade(scene, now["hot_day"], now["grid"].cell_size, now["leaf_transmissivity"], now["shadow_reach"], window)
    return put(outputs["shade_hours"], window, part)


@model(
    version="1",
    decision="Where there is shade, and for how long.",
    method="For each hour a line is followed towards the sun; hours with the sun at least 3° high in which buildings, "
    "ground or leaves keep the beam off are counted (leaves by what they keep off).",
    limits="The sun stands at mid-hour; shadows end at the reach.",
    risks="None of its own.",
    tests="tests/models/heat/test_shade.py",
    optional=("ground_elevation",),
    update=_shade_again,
)
def shade_hours(
    ground_elevation: GroundElevation,
    built_height: BuiltHeight,
    tree_height: TreeHeight,
    hot_day: HotDay,
    grid: Grid,
    trunk_share: float,
    leaf_transmissivity: float,
    shadow_reach: float,
) -> ShadeHours:
    """Count the hours of shade on the hot day.

    Returns
    -------
    (row, column) [h]

    References
    ----------
    Ratti, C. and Richens, P. (2004), Raster analysis of urban form (not read), for shadow casting on height rasters.
    """
    scene = standing(ground_elevation, built_height, tree_height, trunk_share)
    return _shade(scene, hot_day, grid.cell_size, leaf_transmissivity, shadow_reach, whole(built_height.shape))


def _shadow_reaches(now: Mapping[str, Any]) -> dict[str, int]:
    """How far a change of what stands is felt in shade [cells], with the rim of ground that is seen."""
    steps = max(1, int(now["shadow_reach"] / now["grid"].cell_size)) + 1
    return dict.fromkeys(("ground_elevation", "built_height", "tree_height"), steps)


def _radiant_again(outputs: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """Work out radiant temperature again within the reach of what changed; equal to the full run."""
    window = changed_window(before, now, _shadow_reaches(now) | {"sky_views": 1, "land_cover": 1})
    if window is None:
        return outputs["mean_radiant_temperature"]
    part = radiant_in(scene_of(now), hour_of(now["hot_day"], now["heat_hour"]), window)
    return put(outputs["mean_radiant_temperature"], window, part)


@model(
    version="1",
    decision="Where people are exposed to radiant heat on a hot afternoon, and what shade changes.",
    method="What a standing person takes up from the beam, the diffuse sky, sunlit walls, leaves and ground: shortwave "
    "and longwave, over view factors by horizon; ground and walls follow a daily wave above the air. Structure and "
    "parameters as SOLWEIG's.",
    limits="Isotropic sky; walls of one albedo, sunlit where they face the sun and no shadow climbs them; one "
    "reflection; surface temperatures from measured waves, not an energy balance. Within 1.5 K (median) "
    "of solweig 0.1.0b96.",
    risks="Compares places and plans well; single values are uncertain by several kelvin.",
    tests="tests/models/heat/test_radiation.py",
    optional=("ground_elevation",),
    update=_radiant_again,
)
def mean_radiant_temperature(
    ground_elevation: GroundElevation,
    built_height: BuiltHeight,
    tree_height: TreeHeight,
    sky_views: SkyViews,
    land_cover: LandCover,
    hot_day: HotDay,
    grid: Grid,
    heat_hour: float,
    trunk_share: float,
    shadow_reach: float,
    leaf_transmissivity: float,
    wall_albedo: float,
    wall_emissivity: float,
    wall_height_in_shade: float,
    ground_excess_factor: float,
    body_shortwave_absorption: float,
    body_longwave_absorption: float,
) -> MeanRadiantTemperature:
    """Mean radiant temperature of a standing person in the afternoon of the hot day.

    Returns
    -------
    (row, column) [°C], finite everywhere; on a building: on its roof

    Raises
    ------
    ModelError
        An hour that the day does not have.

    References
    ----------
    Lindberg, F., Holmer, B. and Thorsson, S. (2008), SOLWEIG 1.0: modelling spatial variations of 3D radiant fluxes and
    mean radiant temperature in complex urban settings, Int. J. Biometeorol. 52 (not read; parameters read in the
    package solweig 0.1.0b96). Prata, A. J. (1996), clear-sky emissivity (not read).
    """
    scene = scene_of(locals())
    return radiant_in(scene, hour_of(hot_day, heat_hour), whole(built_height.shape))


def _felt(radiant: NDArray[np.float32], hour: Any, wind_share: float) -> NDArray[np.float32]:
    return felt_temperature(radiant, air=hour.temperature, humidity=hour.humidity, wind=hour.wind_speed * wind_share)


@model(
    version="1",
    decision="How hot it feels outdoors on a hot afternoon, and what a plan changes.",
    method="UTCI by its operational polynomial from radiant temperature, air temperature, humidity and wind at 10 m.",
    limits="Air, humidity and wind are the same everywhere: only radiation tells places apart. Calm below 0.5 m/s "
    "counts as 0.5.",
    risks="Streets feel hotter than shown where the wind is blocked.",
    tests="tests/models/heat/test_comfort.py",
)
def utci(
    mean_radiant_temperature: MeanRadiantTemperature, hot_day: HotDay, heat_hour: float, wind_share: float
) -> Utci:
    """Felt temperature (UTCI) in the afternoon of the hot day.

    Returns
    -------
    (row, column) [°C]

    References
    ----------
    Bröde, P. et al. (2012), Deriving the operational procedure for the Universal Thermal Climate Index (UTCI); as
    pythermalcomfort computes it.
    """
    return _felt(mean_radiant_temperature, hour_of(hot_day, heat_hour), wind_share)


def _hours_in(scene: Scene, wind_share: float, window: Window) -> NDArray[np.float32]:
    return np.stack([_felt(radiant_in(scene, hour, window), hour, wind_share) for hour in scene.day.itertuples()])


def _hourly_again(outputs: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """Work out UTCI again within the reach of what changed; equal to the full run."""
    window = changed_window(before, now, _shadow_reaches(now) | {"sky_views": 1, "land_cover": 1})
    if window is None:
        return outputs["hourly_utci"]
    return put(outputs["hourly_utci"], window, _hours_in(scene_of(now), now["wind_share"], window))


@model(
    version="1",
    decision="When in the day places are hot, and for how long.",
    method="Mean radiant temperature and UTCI of every hour, as mean_radiant_temperature and utci.",
    limits="As mean_radiant_temperature; at night surfaces count as warm as the air.",
    risks="As utci.",
    tests="tests/models/heat/test_climate.py",
    optional=("ground_elevation",),
    update=_hourly_again,
)
def hourly_utci(
    ground_elevation: GroundElevation,
    built_height: BuiltHeight,
    tree_height: TreeHeight,
    sky_views: SkyViews,
    land_cover: LandCover,
    hot_day: HotDay,
    grid: Grid,
    trunk_share: float,
    shadow_reach: float,
    leaf_transmissivity: float,
    wall_albedo: float,
    wall_emissivity: float,
    wall_height_in_shade: float,
    ground_excess_factor: float,
    body_shortwave_absorption: float,
    body_longwave_absorption: float,
    wind_share: float,
) -> HourlyUtci:
    """Felt temperature (UTCI) by hour of the hot day.

    Returns
    -------
    (hour, row, column) [°C]

    References
    ----------
    As mean_radiant_temperature and utci.
    """
    return _hours_in(scene_of(locals()), wind_share, whole(built_height.shape))


@model(
    version="1",
    decision="How long people are in strong heat stress outdoors.",
    method="Hours of the hot day with UTCI above 32 °C.",
    limits="As hourly_utci.",
    risks="As utci.",
    tests="tests/models/heat/test_climate.py",
)
def heat_stress_hours(hourly_utci: HourlyUtci) -> HeatStressHours:
    """Count the hours of strong heat stress.

    References
    ----------
    Scale of UTCI (COST action 730), as pythermalcomfort has it: strong above 32 °C.
    """
    return np.asarray((hourly_utci > STRONG).sum(axis=0), dtype=np.float32)
