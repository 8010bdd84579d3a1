"""Edits of the ground keep to what can be changed, and say how much they did."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import ScenarioError
from synapolis.layers.grid import Grid
from synapolis.layers.land_cover import Cover
from synapolis.models.stormwater.edits import COVERS, GROUND_FOR, KEPT, build_storage, change_cover, no_ground_works
from synapolis.models.stormwater.surface import Surface

GRID = Grid(left=0, top=40, cell_size=2, rows=20, columns=30)
EVERYTHING = shapely.box(0, 0, 60, 40)
NONE = no_ground_works(EVERYTHING)


def mixed(seed=1):
    return np.random.default_rng(seed).integers(1, 11, GRID.shape).astype(np.uint8)


@given(
    seed=st.integers(0, 50),
    cover=st.sampled_from(sorted(COVERS)),
    box=st.tuples(st.floats(0, 25), st.floats(0, 15), st.floats(31, 60), st.floats(21, 40)),
)
@settings(max_examples=30, deadline=None)
def test_a_cover_is_laid_inside_the_area_and_never_over_water_roofs_or_tracks(seed, cover, box):
    before = mixed(seed)
    kept = before.copy()
    after, works = change_cover(before, NONE, GRID, "e1", shapely.box(*box), cover)
    changed = after != before
    assert (before == kept).all()
    assert not np.isin(before[changed], KEPT).any()
    assert (after[changed] == COVERS[cover]).all()
    assert not changed[~GRID.mask(shapely.box(*box))].any()
    assert works["amount"].sum() == pytest.approx(changed.sum() * 4)
    assert after.dtype == np.uint8


@pytest.mark.parametrize("kind", sorted(GROUND_FOR))
def test_storage_stands_only_where_it_can(kind):
    cover, before = mixed(), np.zeros(GRID.shape, dtype=np.float32)
    after, works = build_storage(before, NONE, cover, GRID, "e1", EVERYTHING, kind, 50.0, 1.0)
    assert (after[np.isin(cover, GROUND_FOR[kind])] == 50).all()
    assert (after[~np.isin(cover, GROUND_FOR[kind])] == 0).all()
    assert not before.any()
    cells = np.isin(cover, GROUND_FOR[kind]).sum()
    assert works["amount"].iloc[0] == pytest.approx(cells * 4 * (0.05 if kind == "basin" else 1))


def test_rain_gardens_on_a_share_of_the_paving_serve_all_of_it():
    cover, none = mixed(), np.zeros(GRID.shape, dtype=np.float32)
    after, works = build_storage(none, NONE, cover, GRID, "e1", EVERYTHING, "rain_garden", 250.0, 0.1)
    served = np.isin(cover, GROUND_FOR["rain_garden"])
    assert after[served] == pytest.approx(25)
    assert not after[~served].any()
    assert works["amount"].iloc[0] == pytest.approx(served.sum() * 4 * 0.1)


def test_works_of_several_edits_stand_one_below_the_other():
    cover = mixed()
    greened, works = change_cover(cover, NONE, GRID, "e1", EVERYTHING, "grass")
    _, works = build_storage(
        np.zeros(GRID.shape, dtype=np.float32), works, greened, GRID, "e2", EVERYTHING, "green_roof", 30.0, 1.0
    )
    assert works["edit"].tolist() == ["e1", "e2"]
    assert works["item"].tolist() == ["grass", "green_roof"]


def test_what_cannot_be_done_is_refused():
    water = np.full(GRID.shape, Cover.WATER, dtype=np.uint8)
    storage = np.zeros(GRID.shape, dtype=np.float32)
    with pytest.raises(ScenarioError, match="water 100%"):
        change_cover(water, NONE, GRID, "e1", EVERYTHING, "grass")
    with pytest.raises(ScenarioError, match="no place"):
        build_storage(storage, NONE, water, GRID, "e1", EVERYTHING, "green_roof", 50.0, 1.0)
    with pytest.raises(ScenarioError, match="depth"):
        build_storage(storage, NONE, mixed(), GRID, "e1", EVERYTHING, "basin", 0.0, 1.0)
    with pytest.raises(ScenarioError, match="lava"):
        change_cover(mixed(), NONE, GRID, "e1", EVERYTHING, "lava")
    with pytest.raises(ScenarioError, match="storage is one of"):
        build_storage(storage, NONE, mixed(), GRID, "e1", EVERYTHING, "sponge", 5.0, 1.0)
    with pytest.raises(ScenarioError, match="share above 0 and at most 1, got 2"):
        build_storage(storage, NONE, mixed(), GRID, "e1", EVERYTHING, "rain_garden", 5.0, 2.0)
    with pytest.raises(ScenarioError, match="grid"):
        change_cover(mixed(), NONE, GRID, "e1", shapely.box(900, 900, 910, 910), "grass")
    with pytest.raises(ScenarioError, match="empty"):
        change_cover(mixed(), NONE, GRID, "e1", shapely.Polygon(), "grass")


@given(seed=st.integers(0, 50), room=st.floats(0, 400))
@settings(max_examples=20, deadline=None)
def test_built_storage_fills_with_what_falls_and_what_runs_onto_it(seed, room):
    """A basin below a slope: it holds at most its room, more than its own rain, and the account closes."""
    rows = np.arange(20)[:, None] * 0.1
    bed = rows + 0.01 * np.random.default_rng(seed).random((20, 10))
    storage = np.zeros((20, 10))
    storage[:3] = room  # [mm], at the foot
    surface = Surface(bed, cell_size=2.0, manning=0.02, storage=storage)
    for _ in range(90):
        surface.advance(10.0, 5e-4)
    account = surface.result().balance
    assert abs(account.error) <= 1e-6 * account.rain
    assert 0 <= account.kept <= storage.sum() / 1000 * 4 * (1 + 1e-9)
    own = min(room, 45.0) / 1000 * 4 * 30
    assert account.kept >= own * (1 - 1e-9)
    if room > 100:
        assert account.kept > 1.5 * own
