"""After an edit only what can differ is run again: as the full run on the same time steps would have it."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.stormwater.flood import flood, flood_again
from synapolis.models.stormwater.local import _cells, _touched, lines
from synapolis.models.stormwater.runoff import runoff, storm_intensity

SIDE = 136
GRID = Grid(left=0, top=4.0 * SIDE, cell_size=4, rows=SIDE, columns=SIDE)
HOUSE = np.s_[42:44, 64:66]
EXTENT = shapely.box(0, 0, 4 * SIDE, 4 * SIDE)
SOIL = {"soil_conductivity": 3.4, "soil_suction": 88.9, "soil_moisture_deficit": 0.25}
STORM = storm_intensity(30.0, 30.0, 0.5, 0.75, 10.0, 1.0)


def ground(seed):
    random = np.random.default_rng(seed)
    hills = [ndimage.gaussian_filter(random.normal(size=GRID.shape), wide) for wide in (12, 3)]
    rows, _ = np.indices(GRID.shape)
    return (10 + 60 * hills[0] + 2 * hills[1] + 0.02 * rows).astype(np.float32)


def covers(seed):
    random = np.random.default_rng(seed)
    cover = np.full(GRID.shape, Cover.GRASS, np.uint8)
    street = np.arange(SIDE) % 25 < 3
    cover[street], cover[:, street] = Cover.STREET, Cover.STREET
    for row, column in np.ndindex(5, 5):
        top, left = 25 * row + 5 + random.integers(5), 25 * column + 5 + random.integers(5)
        cover[top : top + random.integers(3, 12), left : left + random.integers(3, 12)] = Cover.ROOF
    return cover


def inputs(height, cover, storage):
    soft = cover == Cover.GRASS
    hard = np.where(soft, 0.1, 0.95).astype(np.float32)
    shed = runoff(STORM, cover, hard, storage, GRID, EXTENT, **SOIL, depression_impervious=1.9, depression_pervious=3.8)
    return {
        "storm_intensity": STORM, "runoff_depth": shed.runoff_depth, "ground_elevation": height, "land_cover": cover,
        "impervious_fraction": hard, "manning_roughness": np.where(soft, 0.15, 0.02).astype(np.float32),
        "storage_depth": storage, "grid": GRID, "extent": EXTENT, **SOIL, "drain_capacity": 10.0, "sea_level": 0.0,
        "recession_time": 15.0,
    }  # fmt: skip


def edited(given, *, kind, box):
    cover, height, storage = (given[word].copy() for word in ("land_cover", "ground_elevation", "storage_depth"))
    if kind == "storage":
        storage[box] = 50.0
    elif kind == "dike":
        height[box] += 1.0
    else:
        cover[box] = kind
    return inputs(height, cover, storage)


@pytest.fixture(scope="module")
def today():
    given = inputs(ground(1), covers(1), np.zeros(GRID.shape, np.float32))
    return given, flood(**given)._asdict()


def agree(found, whole):
    off = np.abs(found.flood_depth - whole.flood_depth) > 1e-3
    assert off.mean() <= 1e-3
    volumes, expected = found.flood_balance.set_index("part").volume, whole.flood_balance.set_index("part").volume
    assert (volumes.index == expected.index).all()
    assert np.abs(volumes - expected).max() <= 1e-4 * expected["rain"]
    assert np.isfinite(found.flood_depth).all()
    assert not np.isnan(found.flood_arrival).any()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    kind=st.sampled_from([Cover.ROOF, Cover.PAVED, Cover.GRASS, "storage", "dike"]),
    row=st.integers(0, SIDE - 12), column=st.integers(0, SIDE - 12), tall=st.integers(1, 12), wide=st.integers(1, 12),
)  # fmt: skip
def test_a_local_run_equals_the_full_run(today, kind, row, column, tall, wide):
    given, earlier = today
    now = edited(given, kind=kind, box=np.s_[row : row + tall, column : column + wide])
    agree(flood_again(earlier, given, now), flood(**now))


def test_a_small_house_changes_no_bit_far_away(today):
    given, earlier = today
    now = edited(given, kind=Cover.ROOF, box=HOUSE)
    found = flood_again(earlier, given, now)
    changed = found.flood_depth != earlier["flood_depth"]
    assert 0 < changed.mean() < 0.5
    agree(found, flood(**now))


def test_two_houses_far_apart_are_two_local_runs(today):
    given, earlier = today
    both = given["land_cover"].copy()
    both[HOUSE] = both[110:112, 20:22] = Cover.ROOF
    now = inputs(given["ground_elevation"], both, given["storage_depth"])
    found = flood_again(earlier, given, now)
    changed = found.flood_depth != earlier["flood_depth"]
    assert changed[:68].any()
    assert changed[90:].any()
    assert changed.mean() < 0.4
    agree(found, flood(**now))
    assert (found.flood_depth_by_time.max(axis=0) <= found.flood_depth).all()


def test_tiles_cover_the_ground_and_meet_on_lines():
    shape = (125, 70)
    tiles = _touched(np.ones(shape, dtype=bool))
    assert tiles.shape == (4, 3)
    assert _cells(tiles, shape).all()
    one = np.zeros_like(tiles)
    one[1, 1] = True
    assert (_cells(one, shape) & _cells(~one, shape) <= lines(shape)).all()
    point = np.zeros(shape, dtype=bool)
    point[62, 31] = True  # a corner of four tiles
    assert np.argwhere(_touched(point, 0)).tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]


def test_an_edit_of_nothing_changes_nothing(today):
    given, earlier = today
    again = flood_again(earlier, given, dict(given))
    assert again.flood_depth.tobytes() == earlier["flood_depth"].tobytes()


def test_another_storm_is_a_full_run(today):
    given, earlier = today
    now = dict(given, sea_level=0.5, drain_capacity=0.0)
    assert flood_again(earlier, given, now).flood_depth.tobytes() == flood(**now).flood_depth.tobytes()
