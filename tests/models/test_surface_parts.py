"""Only wet parts are stepped, on one thread or two: bit for bit as if all were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.models.stormwater.kernel import DAMP, WET
from synapolis.models.stormwater.surface import Surface, surface_flow

FIELDS = ("depth", "max_depth", "max_speed", "max_hazard", "arrival_time")


def ground(seed, shape):
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    return 0.3 * random.normal(size=shape).cumsum(axis=1) + random.uniform(-0.03, 0.03) * rows + 0.01 * columns


class Everywhere(Surface):
    """A surface on which every block is stepped, wet or not."""

    def _run(self, left, deepest, given):
        self._blocks[2:-2, 1:-1] = WET
        return super()._run(left, deepest, given)

    def _note_spans(self):
        self._blocks[2:-2, 1:-1] = np.maximum(self._blocks[2:-2, 1:-1], DAMP)
        super()._note_spans()


def same(one, other):
    for name in FIELDS:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert one.steps == other.steps


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    columns=st.integers(1, 400),
    rain=st.sampled_from([0.0, 0.3, 60.0]),
    soil=st.sampled_from([0.0, 30.0]),
)
def test_stepping_only_what_is_wet_changes_no_bit(seed, columns, rain, soil):
    random = np.random.default_rng(seed)
    shape = (40, columns)
    pond = np.where(random.random(shape) < 0.01, random.uniform(0, 2, shape), 0.0)
    spring = np.where(random.random(shape) < 0.001, 0.05, 0.0)
    where = {"cell_size": 4.0, "manning": 0.03, "boundary": "open", "initial_depth": pond, "inflow": spring}
    runs = []
    for kind in (Surface, Everywhere):
        surface = kind(ground(seed, shape), **where, conductivity=soil, suction=100.0, moisture_deficit=0.3)
        for n in range(12):
            surface.advance(10.0, rain / 3.6e5 if n < 3 else 0.0)
        runs.append(surface.result())
    same(*runs)


def test_a_dry_plain_is_left_out():
    depth = np.zeros((200, 2000))
    depth[90:110, 100:140] = 1.0
    surface = Surface(np.zeros(depth.shape), cell_size=4.0, manning=0.05, initial_depth=depth)
    for _ in range(6):
        surface.advance(10.0)
    stepped = (surface._blocks >= DAMP).mean()
    assert stepped < 0.15
    assert surface.result().balance.relative_error == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("rows", [16, 33, 120])
def test_bands_of_rows_change_no_bit(threads, rows):
    bed = ground(rows, (rows, 150))
    given = {
        "rain_step": 120.0, "duration": 300.0, "cell_size": 4.0, "manning": 0.03, "boundary": "open",
        "conductivity": 10.0, "inlet_capacity": 5.0,
    }  # fmt: skip
    one, many = (surface_flow(bed, [90.0], **given, threads=count) for count in (1, threads))
    same(one, many)
    assert one.balance == many.balance


def test_given_steps_are_taken():
    bed = ground(3, (20, 30))
    first = Surface(bed, cell_size=4.0, manning=0.03)
    steps = [first.advance(10.0, 1e-3) for _ in range(20)]
    assert all(taken.sum() == pytest.approx(10.0) for taken in steps)
    again = Surface(bed, cell_size=4.0, manning=0.03)
    for taken in steps:
        assert np.array_equal(again.advance(10.0, 1e-3, taken), taken)
    same(first.result(), again.result())
