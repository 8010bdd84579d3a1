"""Mean radiant temperature: what a standing person takes up from sun, sky, walls, leaves and ground in one moment.

The person is a cylinder-like body with the shares of Fanger: 0.22 to each of four sides, 0.06 up, 0.06 down, and 0.28
of its surface facing a horizontal beam. View factors come from `horizon.py`, the beam from `shade.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from synapolis.models.heat.horizon import TOP, Field
from synapolis.models.heat.shade import Shadow

STEFAN_BOLTZMANN = 5.67e-8
ZERO_CELSIUS = 273.15
FACING_BEAM = 0.28  # share of a standing person's surface that faces a horizontal beam
PERSON_HEIGHT = 1.1  # m: centre of a standing person, from which the ground is seen


@dataclass(frozen=True)
class Moment:
    """Sun, sky and air of one hour."""

    altitude: float
    """Of the sun above the horizon [rad]."""
    azimuth: float
    """Of the sun, clockwise from north [rad]."""
    direct: float
    """Direct normal irradiance [W/m²]."""
    diffuse: float
    """Diffuse horizontal irradiance [W/m²]."""
    air: float
    """Air temperature [°C]."""
    sky_emissivity: float
    wall_excess: float
    """Temperature of a sunlit wall above the air's [K]."""


@dataclass(frozen=True)
class Body:
    """Properties of the person, the walls and the leaves."""

    absorbs_shortwave: float
    absorbs_longwave: float
    wall_albedo: float
    wall_emissivity: float
    leaf_transmissivity: float
    wall_height: float
    """Typical height of a wall, against which the shadow that climbs it is measured [m]."""


@dataclass(frozen=True)
class Ground:
    """Surface of each cell: (row, column) each."""

    albedo: Field
    emissivity: Field
    excess: Field
    """Temperature in the sun above the air's [K]."""


def mean_radiant(
    views: Field, cast: Shadow, ground: Ground, moment: Moment, body: Body, cell_size: float
) -> NDArray[np.float32]:
    """Mean radiant temperature of a standing person in each cell.

    Parameters
    ----------
    views : (view, row, column), as `horizon.VIEWS`
    cast : Shadow
    ground : Ground
    moment, body : Moment, Body
    cell_size : m

    Returns
    -------
    (row, column) [°C]

    References
    ----------
    Lindberg, F., Holmer, B. and Thorsson, S. (2008), SOLWEIG 1.0, Int. J. Biometeorol. 52 (not read; its terms as
    they are commonly restated). Own integration over horizons in place of its view-factor regressions.
    """
    shape = views.shape[1:]
    up_short, up_long = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    temperature = np.empty(shape, dtype=np.float32)
    facts = np.array(_facts(moment, body), dtype=np.float32)
    lit = np.where(cast.leaves, np.float32(body.leaf_transmissivity), np.float32(1)) * (cast.height <= 0)
    _ground_gives(views, lit.astype(np.float32), ground.albedo, ground.emissivity, ground.excess, facts, up_short,
                  up_long)  # fmt: skip
    _person_takes(views, lit.astype(np.float32), cast.height, up_short, up_long, facts, _own_share(cell_size),
                  temperature)  # fmt: skip
    return temperature


def _own_share(cell_size: float) -> np.float32:
    """Share of the ground seen from a person's centre that lies in the person's own cell, taken as a disc."""
    radius2 = cell_size**2 / math.pi
    return np.float32(radius2 / (radius2 + PERSON_HEIGHT**2))


def _facts(moment: Moment, body: Body) -> list[float]:
    up = moment.altitude > 0
    beam = moment.direct if up else 0.0
    air = moment.air + ZERO_CELSIUS
    black = STEFAN_BOLTZMANN * air**4
    hot = STEFAN_BOLTZMANN * (air + moment.wall_excess) ** 4
    return [
        beam * math.sin(moment.altitude),
        beam * math.cos(moment.altitude),
        moment.diffuse,
        black,
        moment.sky_emissivity * black,
        body.wall_emissivity * (hot - black) if up else 0.0,
        air,
        body.absorbs_shortwave,
        body.absorbs_longwave,
        body.wall_albedo,
        body.wall_emissivity,
        body.leaf_transmissivity,
        body.wall_height,
        math.sin(moment.azimuth),
        math.cos(moment.azimuth),
        math.cos(2 * moment.azimuth),
        math.sin(2 * moment.azimuth),
        float(up),
    ]


@numba.njit(cache=True, error_model="numpy")
def _ground_gives(
    views: Field, lit: Field, albedo: Field, emissivity: Field, excess: Field, facts: Field, short: Field, long: Field
) -> None:
    """Shortwave that the ground reflects and longwave that it gives off [W/m²]."""
    beam_down, diffuse, black, sky_long, air = facts[0], facts[2], facts[3], facts[4], facts[6]
    wall_albedo, through = facts[9], facts[11]
    sigma = np.float32(STEFAN_BOLTZMANN)
    one = np.float32(1)
    rows, columns = lit.shape
    for row in range(rows):
        sky, leaves = views[0, row], views[1, row]
        for c in range(columns):
            open_sky = sky[c] - (one - through) * leaves[c]
            around = one - sky[c]
            down = beam_down * lit[row, c] + diffuse * open_sky
            down += around * wall_albedo * (diffuse * np.float32(0.5) + beam_down * np.float32(0.5) * lit[row, c])
            short[row, c] = albedo[row, c] * down
            surface = air + excess[row, c] * lit[row, c]
            square = surface * surface
            sky_down = sky_long * (sky[c] - leaves[c]) + black * (leaves[c] + around)
            long[row, c] = emissivity[row, c] * sigma * square * square + (one - emissivity[row, c]) * sky_down


@numba.njit(cache=True, error_model="numpy")
def _person_takes(
    views: Field,
    lit: Field,
    shadow_height: Field,
    short: Field,
    long: Field,
    facts: Field,
    own: np.float32,
    temperature: Field,
) -> None:
    """Sum what a standing person takes up, as the temperature of a black enclosure that would give the same."""
    rows, columns = lit.shape
    beam_down, beam_side, diffuse, black, sky_long, hot = facts[0], facts[1], facts[2], facts[3], facts[4], facts[5]
    takes_short, takes_long, wall_albedo, wall_emits, through = facts[7], facts[8], facts[9], facts[10], facts[11]
    wall_height, sun_east, sun_north, sun_two, sun_diagonal = facts[12], facts[13], facts[14], facts[15], facts[16]
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    pi = np.float32(math.pi)
    beside = (one - own) / np.float32(8)
    for row in range(rows):
        above, below = max(row - 1, 0), min(row + 1, rows - 1)
        for c in range(columns):
            left, right = max(c - 1, 0), min(c + 1, columns - 1)
            ring_short = (
                short[above, left] + short[above, c] + short[above, right] + short[row, left] + short[row, right]
                + short[below, left] + short[below, c] + short[below, right]
            )  # fmt: skip
            ring_long = (
                long[above, left] + long[above, c] + long[above, right] + long[row, left] + long[row, right]
                + long[below, left] + long[below, c] + long[below, right]
            )  # fmt: skip
            ground_short = own * short[row, c] + beside * ring_short
            ground_long = own * long[row, c] + beside * ring_long
            sky, leaves, walls = views[2, row, c], views[3, row, c], views[4, row, c]
            towards = views[5, row, c] * sun_east + views[6, row, c] * sun_north
            twice = views[7, row, c] * sun_two + views[8, row, c] * sun_diagonal
            # walls away from the sun face it: cosine of incidence, and share that is turned to it, by their harmonics
            facing = max(walls / pi - half * towards + np.float32(2) / (np.float32(3) * pi) * twice, zero)
            turned = min(max(half * walls - np.float32(2) / pi * towards, zero), walls)
            clear = max(one - shadow_height[row, c] / wall_height, zero)
            walls_lit = wall_albedo * (clear * beam_side * facing + walls * half * diffuse)
            person_short = (
                lit[row, c] * (np.float32(FACING_BEAM) * beam_side + TOP * beam_down)
                + diffuse * (sky - (one - through) * leaves)
                + walls_lit
                + half * ground_short
            )
            person_long = (
                sky_long * (sky - leaves)
                + black * leaves
                + walls * (wall_emits * black + (one - wall_emits) * sky_long)
                + hot * clear * turned
                + half * ground_long
            )
            taken = takes_short * person_short / takes_long + person_long
            temperature[row, c] = np.sqrt(np.sqrt(taken / np.float32(STEFAN_BOLTZMANN))) - np.float32(ZERO_CELSIUS)
