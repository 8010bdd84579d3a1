"""Frames of a flood: evenly spaced, never deeper than the deepest, of the same run as everything else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from synapolis.models import load_models
from synapolis.models.stormwater.frames import MOMENTS, Frames, halved
from synapolis.models.stormwater.surface import Surface
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
WORDS = ("flood_depth", "flood_depth_by_time", "flood_frame_times")


@given(arrays.arrays(np.float32, 50, elements=st.floats(0, 60_000, width=32)))
def test_rounding_down_never_deepens(depth):
    found = halved(depth)
    assert found.dtype == np.float16
    assert (found <= depth).all()
    assert np.allclose(found, depth, rtol=1e-3, atol=1e-7)


@given(count=st.integers(1, 400), length=st.floats(0.5, 20))
def test_moments_are_evenly_spaced_and_end_with_the_run(count, length):
    frames = Frames.of([(length, 0.0)] * count)
    assert frames.after[-1] == count
    assert frames.seconds[-1] == pytest.approx(count * length)
    assert len(frames.after) == min(MOMENTS, count)
    spaced = np.diff(np.append(0.0, frames.seconds))
    assert np.abs(spaced - count * length / len(spaced)).max() <= length * 1.001


def test_frames_are_what_the_surface_held():
    surface = Surface(np.zeros((6, 70)), cell_size=2.0, manning=0.03, boundary="closed")
    steps = [(10.0, 1e-3)] * 24
    frames, seen = Frames.of(steps), []
    for number, (length, fallen) in enumerate(steps):
        surface.advance(length, fallen)
        frames.note(number + 1, surface)
        seen.append(surface.depth)
    found = frames.on(np.ones((6, 70), dtype=bool))
    assert found.shape == (MOMENTS, 6, 70)
    assert np.allclose(found, np.array(seen)[1::2], rtol=1e-3)
    assert (np.diff(found.astype(float).mean(axis=(1, 2))) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["flood", "flood_with_sewers"])
def test_frames_of_a_town_never_pass_its_deepest_water(method):
    town = generate_city(people=1000, seed=3)
    storage = "{kind: build_storage, area: {place: Highfields}, storage: green_roof, depth_mm: 60}"
    planner = Planner(town, bind(parse_scenario(f"edits: [{storage}]"), town), methods={"flood_depth": method})
    refs = {(word, stage): planner.want(word, stage) for word in WORDS for stage in (0, 1)}
    ran = run(list(refs.values()), Cache())
    assert {ref.node.name for ref in refs.values()} == {method}
    for stage in (0, 1):
        depth, frames, times = (ran.value(refs[word, stage]) for word in WORDS)
        assert frames.shape == (len(times), *depth.shape)
        assert (frames.max(axis=0) <= depth).all()
        assert frames.max() > 0.5 * depth.max()
        assert (np.diff(times) > 0).all()
