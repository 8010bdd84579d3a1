"""Heat: sky view and one hour of mean radiant temperature against solweig, on Bilbao's rasters or made-up blocks.

Both get the same terrain, buildings, canopy, sun, weather, albedo and emissivity. The row's note says how far the two
are apart on open ground: solweig's isotropic sky is the one that ours has too, its anisotropic sky is its default.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import tempfile
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import reproject
from scipy.ndimage import gaussian_filter

from benchmarks import DATA, Row, absent, peer_named, quickest, silence
from synapolis.models.heat.day import assumed_hot_day, hot_day
from synapolis.models.heat.horizon import obstacles, sky_views_of
from synapolis.models.heat.moment import WALLS_WAVE, hour_of, moment_of, surface_wave
from synapolis.models.heat.radiation import Body, Ground, mean_radiant
from synapolis.models.heat.shade import shadow
from synapolis.sources.weather import read_weather

TRUNK, REACH, SHADOW_REACH = 0.25, 200.0, 1000.0  # [1], [m], [m]: solweig follows shadows 1,000 m
ALBEDO, EMISSIVITY = 0.15, 0.95  # solweig's where no land cover is given
BODY = Body(0.7, 0.97, 0.2, 0.9, 0.03, 15.0)
HOURS = (7, 9, 12, 15, 18)


@dataclasses.dataclass(frozen=True)
class Quarter:
    """What both are given: elevations and heights [m], a hot day, a place [°]."""

    ground: np.ndarray
    built: np.ndarray
    trees: np.ndarray
    cell: float
    day: pd.DataFrame
    place: tuple[float, float]


class Agreement(NamedTuple):
    """Median absolute differences on open ground: of sky view [1] and mean radiant temperature [K]."""

    sky_view: float
    isotropic: float
    anisotropic: float


def rows(*, quick: bool = False) -> list[Row]:
    """CPU time of sky view, of an hour, and of a local re-run."""
    side = 60 if quick else 500
    solweig, name = peer_named("solweig")
    quarter = bilbao(DATA, side) if (DATA / "bilbao").is_dir() and not quick else made_up(side)
    scene = obstacles(quarter.ground, quarter.built, quarter.trees, TRUNK)
    spent = 0.0 if quick else 2.0
    sky, views = quickest(lambda: sky_views_of(scene, quarter.cell, REACH), seconds=spent)
    step, _ = quickest(lambda: one_hour(quarter, 15, views), seconds=spent)
    middle = side // 2
    reach = int(REACH / quarter.cell) if not quick else 5
    window = (max(0, middle - reach), min(side, middle + reach), max(0, middle - reach), min(side, middle + reach))
    again, _ = quickest(lambda: sky_views_of(scene, quarter.cell, REACH, window), seconds=spent)
    peers: dict[str, float] = {}
    note = absent(name)
    if solweig is not None:
        found = compared(solweig, quarter, (15,) if quick else HOURS, peers)
        note = (
            f"apart by {found.sky_view:.3f} in sky view, {found.isotropic:.2f} K in Tmrt (isotropic), "
            f"{found.anisotropic:.2f} K (anisotropic)"
        )
    size = f"{side} x {side}"
    return [
        Row(f"heat {size}: sky view", sky, "s", name, peers.get("sky"), note),
        Row(f"heat {size}: one hour, isotropic sky", 1e3 * step, "ms", name, peers.get("False"), note),
        Row(f"heat {size}: one hour, its default sky", 1e3 * step, "ms", name, peers.get("True"), note),
        Row(f"heat {size}: sky view again after one block", 1e3 * again, "ms", note="within its reach"),
    ]


def bilbao(data: Path, side: int) -> Quarter:
    """A square of Bilbao at 2.5 m: terrain smoothed, since it comes in whole metres."""
    folder = data / "bilbao"
    with rasterio.open(folder / "BDSM.tif") as source:
        built, transform, crs = source.read(1).astype(np.float32), source.transform, source.crs
    with rasterio.open(folder / "CDSM.tif") as source:
        trees = source.read(1).astype(np.float32)
    with rasterio.open(folder / "DEM.tif") as source:
        ground = np.zeros(built.shape, dtype=np.float32)
        reproject(
            source.read(1).astype(np.float32),
            ground,
            src_transform=source.transform,
            src_crs=source.crs,
            dst_transform=transform,
            dst_crs=crs,
            resampling=Resampling.bilinear,
        )
    place = (43.2926, -2.9728)
    day = hot_day(read_weather(folder / "bilbao_2021.epw.gz").table, place, 0.0)
    return quarter_of(gaussian_filter(ground, 4), built, trees, (430, 430, side), 2.5, day, place)


def made_up(side: int) -> Quarter:
    """Blocks, trees and rolling ground from seeded chance."""
    random = np.random.default_rng(0)
    shape = (side, side)
    ground = gaussian_filter(random.normal(0, 60, shape), side / 8).astype(np.float32)
    built = np.kron(random.choice([0, 0, 0, 9, 15, 21], (side // 6 + 1, side // 6 + 1)), np.ones((6, 6)))
    trees = np.where(random.random(shape) < 0.05, random.uniform(4, 15, shape), 0)
    day = assumed_hot_day((45.0, 0.0), 30.0, 10.0, 15.0, 2.0)
    return quarter_of(ground, built[:side, :side], trees, (0, 0, side), 2.5, day, (45.0, 0.0))


def quarter_of(
    ground: Any, built: Any, trees: Any, window: tuple[int, int, int], cell: float, day: Any, place: tuple[float, float]
) -> Quarter:
    row, column, side = window
    part = np.s_[row : row + side, column : column + side]
    high = np.where(built[part] > 2, built[part], 0).astype(np.float32)
    leaves = np.where((trees[part] > 2) & (high == 0), trees[part], 0).astype(np.float32)
    return Quarter(ground[part].astype(np.float32), high, leaves, cell, day, place)


def one_hour(quarter: Quarter, hour: int, views: Any) -> np.ndarray:
    """Shadow and mean radiant temperature of one hour, as the model makes them."""
    now = hour_of(quarter.day, hour)
    scene = obstacles(quarter.ground, quarter.built, quarter.trees, TRUNK)
    cast = shadow(scene, quarter.cell, altitude=now.altitude, azimuth=now.azimuth, reach=SHADOW_REACH)
    excess = now.clearness * surface_wave(quarter.day, hour, *WALLS_WAVE)  # cobble stones have the walls' wave
    ground = Ground(*(np.full(quarter.built.shape, value, np.float32) for value in (ALBEDO, EMISSIVITY, excess)))
    return mean_radiant(views, cast, ground, moment_of(quarter.day, now, 1.0), BODY, quarter.cell)


def compared(
    solweig: ModuleType, quarter: Quarter, hours: tuple[int, ...], seconds: dict[str, float] | None = None
) -> Agreement:
    """How far solweig's sky view and radiant temperature are from ours; its CPU times go into `seconds`."""
    took = {} if seconds is None else seconds
    open_ground = quarter.built == 0
    views = sky_views_of(obstacles(quarter.ground, quarter.built, quarter.trees, TRUNK), quarter.cell, REACH)
    with tempfile.TemporaryDirectory() as folder, silence():
        surface = timed(
            took,
            "sky",
            lambda: solweig.SurfaceData.prepare(
                dsm=quarter.ground + quarter.built,
                cdsm=quarter.trees.copy(),
                dem=quarter.ground.copy(),
                pixel_size=quarter.cell,
                smooth_quantized_dem=False,
                working_dir=folder,
            ),
        )
        sky = float(np.median(np.abs(views[0] - np.asarray(surface.svf.svf))[open_ground]))
        apart: dict[bool, list[np.ndarray]] = {False: [], True: []}
        for anisotropic, kept in apart.items():
            for hour in hours:
                work = partial(its_hour, solweig, surface, quarter, hour, anisotropic, folder)
                theirs = timed(took, str(anisotropic), work)
                seen = open_ground & np.isfinite(theirs)
                kept.append(np.abs(one_hour(quarter, hour, views) - theirs)[seen])
    return Agreement(sky, *(float(np.median(np.concatenate(apart[kind]))) for kind in (False, True)))


def its_hour(
    solweig: ModuleType, surface: Any, quarter: Quarter, hour: int, anisotropic: bool, folder: str
) -> np.ndarray:
    """Mean radiant temperature of one hour by solweig; it hands its results over as files only."""
    now = hour_of(quarter.day, hour)
    when = dt.datetime(2023, 1, 1, hour, 30) + dt.timedelta(days=now.day_of_year - 1)  # noqa: DTZ001 - it wants it so
    total = now.direct_radiation * math.sin(max(now.altitude, 0.0)) + now.diffuse_radiation
    weather = solweig.Weather(
        when,
        now.temperature,
        100 * now.humidity,
        total,
        ws=now.wind_speed,
        measured_direct_rad=now.direct_radiation,
        measured_diffuse_rad=now.diffuse_radiation,
        precomputed_sun_altitude=math.degrees(now.altitude),
        precomputed_sun_azimuth=math.degrees(now.azimuth),
        precomputed_altmax=math.degrees(float(quarter.day["altitude"].max())),
    )
    place = solweig.Location(*quarter.place, 0, now.clock)
    out = Path(folder) / f"{anisotropic}-{hour}"
    solweig.calculate(surface, [weather], place, output_dir=out, use_anisotropic_sky=anisotropic, outputs=["tmrt"])
    with rasterio.open(next(file for file in out.rglob("*.tif") if file.parent.name == "tmrt")) as source:
        return source.read(1)


def timed(took: dict[str, float], name: str, work: Any) -> Any:
    """Run once; keep the quickest CPU time under a name [s, or ms for an hour]."""
    begun = time.process_time()
    result = work()
    spent = time.process_time() - begun
    took[name] = min(took.get(name, math.inf), spent if name == "sky" else 1e3 * spent)
    return result
