"""Bad ground and extreme storms: a clear refusal, or an answer without a hole in it."""

import numpy as np
import pytest
import shapely

from synapolis.core.errors import ModelError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.stormwater.flood import flood
from synapolis.models.stormwater.runoff import runoff
from synapolis.models.stormwater.storm import uniform_storm

GRID = Grid(left=0, top=160, cell_size=4, rows=40, columns=40)
EXTENT = shapely.box(0, 0, 160, 160)
SOIL = {"soil_conductivity": 10.0, "soil_suction": 110.0, "soil_moisture_deficit": 0.2}


def ground():
    rows, columns = np.indices(GRID.shape)
    return (5 + 0.05 * rows + 0.1 * np.sin(columns)).astype(np.float32)


def flooded(height, rain=40.0):
    cover = np.full(GRID.shape, Cover.PAVED, np.uint8)
    cover[10:14, 10:14], cover[:, 30:] = Cover.ROOF, Cover.GRASS
    hard = np.where(cover == Cover.GRASS, 0.1, 0.9).astype(np.float32)
    none, storm = np.zeros(GRID.shape, np.float32), uniform_storm(depth=rain / 3, duration=20)
    shed = runoff(storm, cover, hard, none, GRID, EXTENT, **SOIL, depression_impervious=1.5, depression_pervious=5.0)
    return flood(
        storm, shed.runoff_depth, height, cover, hard, np.full(GRID.shape, 0.03, np.float32), none, GRID, EXTENT,
        **SOIL, drain_capacity=10.0, sea_level=0.0, recession_time=10.0,
    )  # fmt: skip


def sound(found):
    for field in (found.flood_depth, found.flood_speed):
        assert np.isfinite(field).all()
        assert (field >= 0).all()
    assert not np.isnan(found.flood_arrival).any()
    volume = found.flood_balance.set_index("part")["volume"]
    assert np.isfinite(volume).all()
    assert abs(volume["error"]) <= 1e-6 * max(volume["rain"], 1e-9)


@pytest.mark.parametrize("rain", [0.0, 1000.0])
def test_storms_of_0_and_1000_mm_per_hour(rain):
    found = flooded(ground(), rain)
    sound(found)
    assert (found.flood_depth.max() > 0) == (rain > 0)


def test_a_hole_in_the_terrain_is_a_wall():
    height = ground()
    height[20:24, 5:9] = np.nan
    found = flooded(height)
    sound(found)
    assert found.flood_depth[20:24, 5:9].max() == 0


def test_a_pit_and_a_spike_hold_and_shed_their_water():
    height = ground()
    height[20, 20], height[25, 25] = -20.0, 60.0
    found = flooded(height)
    sound(found)
    assert found.flood_depth[20, 20] > 3 * np.median(found.flood_depth)
    assert found.flood_depth[25, 25] < 0.1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda z: np.where(np.indices(z.shape)[0] == 3, -9999, z), "declare the terrain's nodata value"),
        (lambda z: z * 1000 + 8000, "bring its vertical unit to metres"),
        (lambda z: z * 100, "is its vertical unit centimetres or feet"),
        (lambda z: z * np.nan, "no value inside the extent"),
    ],
)
def test_heights_that_are_not_metres_are_refused(spoil, words):
    with pytest.raises(ModelError, match=words):
        flooded(spoil(ground()).astype(np.float32))
