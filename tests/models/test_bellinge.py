"""Part of Bellinge with its own sewers and rain: terrain derived from manhole rims, coupled end to end."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest

from synapolis.layers.city import Layer
from synapolis.layers.grid import Raster
from synapolis.layers.land_cover import Cover
from synapolis.models import load_models
from synapolis.models.stormwater.drainage import flood_with_sewers
from synapolis.models.stormwater.runoff import runoff
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.build import BuildSpec, build_city

load_models()
pytestmark = pytest.mark.slow

SOIL = {"soil_conductivity": 3.4, "soil_suction": 88.9, "soil_moisture_deficit": 0.25}
RAIN = np.repeat([28.0, 32.0, 3.0], 5)  # [mm/h] by the minute: its storm.dat


@pytest.fixture(scope="module")
def bellinge(shared_data):
    folder = shared_data / "drainage"
    spec = BuildSpec.from_flags(
        sewers=folder / "bellinge_small.inp", crs="EPSG:32632", year=2020, name="bellinge", cell_size=2.0
    )
    city = build_city(spec)
    cover = np.full(city.grid.shape, Cover.GRASS, dtype=np.uint8)
    random = np.random.default_rng(1)
    for row in gpd.read_file(folder / "bellinge_small_subcatchments.geojson").itertuples():
        cover[city.grid.mask([row.geometry]) & (random.random(cover.shape) < row.rc / 100)] = Cover.PAVED
    transform = (city.grid.cell_size, 0.0, city.grid.left, 0.0, -city.grid.cell_size, city.grid.top)
    mapped = replace(
        city.layers["spot_heights"],
        name="land_cover_map", value=Raster(cover, transform, city.crs),
        note="hard share of each subcatchment, strewn over its cells",
    )  # fmt: skip
    assert isinstance(mapped, Layer)
    return replace(city, layers={**city.layers, "land_cover_map": mapped})


def flooded(city, times):
    words = ("ground_elevation", "land_cover", "impervious_fraction", "manning_roughness", "storage_depth")
    planner = Planner(city)
    refs = [planner.want(word, 0) for word in words]
    ran = run(refs, Cache())
    ground, cover, hard, rough, storage = (ran.value(ref) for ref in refs)
    rain = times * RAIN
    shed = runoff(rain, cover, hard, storage, city.grid, city.extent, **SOIL, depression_impervious=1.9,
                  depression_pervious=3.8)  # fmt: skip
    return flood_with_sewers(
        rain, shed.runoff_depth, ground, cover, hard, rough, storage, city.layers["sewer_nodes"].value,
        city.layers["sewer_pipes"].value, city.grid, city.extent, **SOIL, inlet_capacity=100.0, inlet_reach=150.0,
        roof_to_sewer=0.8, sea_level=0.0, recession_time=30.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def storms(bellinge):
    return {times: flooded(bellinge, times) for times in (1.0, 8.0)}


def test_its_terrain_is_labelled_as_derived_from_rims(bellinge):
    assert bellinge.layers["spot_heights"].origin == "derived"
    assert "manhole covers" in bellinge.layers["spot_heights"].note


@pytest.mark.parametrize("times", [1.0, 8.0])
def test_streets_and_sewers_account_for_every_drop(storms, times):
    found = storms[times]
    ground = found.flood_balance.set_index("part")["volume"]
    pipes = found.sewer_balance.set_index("part")["volume"]
    assert np.isfinite(found.flood_depth).all()
    assert abs(ground["error"]) <= 1e-6 * ground["rain"]
    assert pipes["from streets"] > 0
    assert abs(pipes["error"]) < 0.01 * pipes["from streets"] + 1.167 * found.sewer_peaks["max_depth"].sum()


def test_its_own_rain_stays_in_the_pipes_as_in_swmm_alone(storms):
    """The rain of its project (5.25 mm) floods no node in SWMM alone."""
    assert storms[1.0].sewer_spill == 0
    assert -storms[1.0].sewer_balance.set_index("part")["volume"]["out at outfalls"] > 10


def test_a_cloudburst_fills_the_pipes_and_comes_up_where_they_end(storms):
    heavy = storms[8.0]
    assert heavy.sewer_spill > 0
    assert heavy.full_sewers > storms[1.0].full_sewers
    assert heavy.surcharged_manholes > storms[1.0].surcharged_manholes
    spread = heavy.sewer_spill_depth.sum(dtype=float) / 1000 * 4
    assert spread == pytest.approx(heavy.sewer_spill, rel=1e-4)
