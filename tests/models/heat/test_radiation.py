"""Mean radiant temperature against closed forms, bounds and laws; and against SOLWEIG where it is installed."""

import dataclasses
import math

import numpy as np
import pytest
from benchmarks.heat import bilbao, compared
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from models.heat.scenes import CELL, DAY, quarter, radiant, with_views
from synapolis.core.errors import ModelError
from synapolis.models.heat.horizon import VIEWS, obstacles, sky_views_of
from synapolis.models.heat.moment import hour_of, moment_of, sky_emissivity, surface_wave
from synapolis.models.heat.radiation import Body, Ground, Moment, mean_radiant
from synapolis.models.heat.shade import Shadow, shadow

SIGMA = 5.67e-8
BODY = Body(0.7, 0.97, 0.2, 0.9, 0.03, 15.0)
SETTINGS = settings(max_examples=15, deadline=None)
NIGHT = Moment(-0.5, 0.0, 0.0, 0.0, 20.0, 1.0, 0.0)


def empty_views(shape=(3, 3)):
    views = np.zeros((len(VIEWS), *shape), dtype=np.float32)
    views[0], views[2] = 1, 0.5
    return views


def of_ground(shape, albedo=0.2, emissivity=0.95, excess=0.0):
    return Ground(*(np.full(shape, value, np.float32) for value in (albedo, emissivity, excess)))


def in_sun(shape):
    return Shadow(np.zeros(shape, dtype=bool), np.zeros(shape, np.float32))


def some_scene(seed=0):
    scene = quarter(seed)
    return obstacles(scene["ground_elevation"], scene["built_height"], scene["tree_height"], 0.25)


@pytest.mark.parametrize("air", [-10.0, 20.0, 35.0])
def test_an_enclosure_of_one_temperature_radiates_at_it(air):
    standing = some_scene()
    views = sky_views_of(standing, CELL, 40.0)
    cast = shadow(standing, CELL, altitude=-0.5, azimuth=0.0, reach=40.0)
    found = mean_radiant(views, cast, of_ground(views.shape[1:]), dataclasses.replace(NIGHT, air=air), BODY, CELL)
    assert np.allclose(found, air, atol=2e-3)


def test_open_ground_under_the_sun_by_hand():
    """Sums written out: 0.28 of the beam from the side, 0.06 from above, half sky and half ground."""
    altitude, beam, diffuse, air, excess = math.radians(50), 800.0, 120.0, 28.0, 15.0
    emits = 0.8
    found = mean_radiant(
        empty_views(), in_sun((3, 3)), of_ground((3, 3), excess=excess),
        Moment(altitude, 1.0, beam, diffuse, air, emits, 20.0), BODY, 2.5,
    )  # fmt: skip
    down = beam * math.sin(altitude) + diffuse
    short = beam * (0.28 * math.cos(altitude) + 0.06 * math.sin(altitude)) + 0.5 * diffuse + 0.5 * 0.2 * down
    black = SIGMA * (air + 273.15) ** 4
    ground = 0.95 * SIGMA * (air + excess + 273.15) ** 4 + 0.05 * emits * black
    long = 0.5 * emits * black + 0.5 * ground
    expected = ((0.7 * short / 0.97 + long) / SIGMA) ** 0.25 - 273.15
    assert np.allclose(found, expected, atol=5e-3)
    assert 45 < expected < 70


def test_shade_of_a_building_takes_the_beam_and_the_warm_ground():
    moment = Moment(math.radians(50), 1.0, 800.0, 120.0, 28.0, 0.8, 20.0)
    dark = Shadow(np.zeros((3, 3), dtype=bool), np.full((3, 3), 5.0, np.float32))
    found = mean_radiant(empty_views(), dark, of_ground((3, 3), excess=15.0), moment, BODY, 2.5)
    none = dataclasses.replace(moment, direct=0.0, wall_excess=0.0)
    same = mean_radiant(empty_views(), in_sun((3, 3)), of_ground((3, 3), excess=0.0), none, BODY, 2.5)
    assert np.allclose(found, same, atol=1e-3)


def test_a_wall_that_faces_the_sun_warms_and_one_that_does_not_does_less():
    built = np.zeros((61, 61), np.float32)
    built[:, :30] = 12.0
    views = sky_views_of(obstacles(np.zeros_like(built), built, np.zeros_like(built), 0.25), 2.0, 80.0)
    moment = Moment(math.radians(30), math.radians(90), 700.0, 100.0, 28.0, 0.8, 20.0)
    to_wall = mean_radiant(views, in_sun(built.shape), of_ground(built.shape), moment, BODY, 2.0)
    away = dataclasses.replace(moment, azimuth=math.radians(270))
    from_wall = mean_radiant(views, in_sun(built.shape), of_ground(built.shape), away, BODY, 2.0)
    assert to_wall[30, 32] > from_wall[30, 32] + 2
    assert to_wall[30, 60] == pytest.approx(from_wall[30, 60], abs=1.5)


def test_a_symmetric_court_is_symmetric_with_the_sun_in_the_south():
    built = np.zeros((41, 41), np.float32)
    built[10:31, 10:31] = 15.0
    built[14:27, 14:27] = 0.0
    standing = obstacles(np.zeros_like(built), built, np.zeros_like(built), 0.25)
    views = sky_views_of(standing, 2.0, 60.0)
    altitude, azimuth = math.radians(55), math.pi
    cast = shadow(standing, 2.0, altitude=altitude, azimuth=azimuth, reach=60.0)
    moment = Moment(altitude, azimuth, 800.0, 120.0, 28.0, 0.8, 20.0)
    found = mean_radiant(views, cast, of_ground(built.shape, excess=15.0), moment, BODY, 2.0)
    assert np.allclose(found, found[:, ::-1], atol=0.02)
    assert found[16:25, 16:25].min() < found[16:25, 16:25].max() - 10, "part of the court is in shade"


@SETTINGS
@drawn(
    seed=st.integers(0, 1000),
    altitude=st.floats(-0.5, 1.4),
    azimuth=st.floats(0, 6.28),
    beam=st.floats(0, 1000),
    diffuse=st.floats(0, 400),
    air=st.floats(-20, 45),
    emits=st.floats(0.6, 1.0),
    excess=st.floats(0, 30),
)
def test_what_a_person_takes_up_stays_within_the_energy_there_is(
    seed, altitude, azimuth, beam, diffuse, air, emits, excess
):
    standing = some_scene(seed)
    views = sky_views_of(standing, CELL, 40.0)
    cast = shadow(standing, CELL, altitude=altitude, azimuth=azimuth, reach=40.0)
    moment = Moment(altitude, azimuth, beam, diffuse, air, emits, excess)
    shape = views.shape[1:]
    found = mean_radiant(views, cast, of_ground(shape, excess=excess), moment, BODY, CELL)
    assert np.isfinite(found).all()
    black = SIGMA * (air + 273.15) ** 4
    least = (emits * black / SIGMA) ** 0.25 - 273.15
    hottest = SIGMA * (air + excess + 273.15) ** 4
    most = ((0.7 / 0.97 * (beam + diffuse) + hottest) / SIGMA) ** 0.25 - 273.15
    assert found.min() >= least - 0.5
    assert found.max() <= most + 0.5


def test_sky_and_surfaces_follow_the_day():
    """Prata at 25 °C and 12 hPa by hand: w = 1.872 cm; 1 - 2.872 exp(-sqrt(6.815)) = 0.789."""
    assert sky_emissivity(25.0, 12.0) == pytest.approx(0.789, abs=5e-4)
    assert sky_emissivity(25.0, 20.0) > sky_emissivity(25.0, 12.0)
    wave = [surface_wave(DAY, hour, 0.58, -9.78, 15.0) for hour in range(24)]
    assert max(wave) == wave[14] or max(wave) == wave[15]
    assert wave[0] == wave[23] == 0
    assert 20 < max(wave) < 45
    assert moment_of(DAY, hour_of(DAY, 0), 1.0).wall_excess == 0
    with pytest.raises(ModelError, match="heat_hour must be a whole hour"):
        hour_of(DAY, 24)


def test_trees_and_grass_cool_and_asphalt_warms():
    scene = with_views(quarter(4))
    asphalt = np.where(scene["land_cover"] == 2, 2, 3).astype(np.uint8)
    grass = np.where(scene["land_cover"] == 2, 2, 6).astype(np.uint8)
    warm, cool = (radiant({**scene, "land_cover": cover}) for cover in (asphalt, grass))
    assert (warm >= cool - 1e-3).all()
    assert (warm - cool).max() > 2


@pytest.mark.slow
def test_solweig_agrees_on_bilbao(shared_data):
    """Median absolute difference of mean radiant temperature at most 1.5 K; of sky view at most 0.02."""
    solweig = pytest.importorskip("solweig", reason="GPL: only in the environment of `make bench`")
    found = compared(solweig, bilbao(shared_data, side=160), hours=(9, 15))
    assert found.sky_view <= 0.02
    assert found.isotropic <= 1.5
    assert found.anisotropic <= 1.5
