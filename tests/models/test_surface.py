"""The surface-flow kernel against closed forms, a plain slow loop, the laws of water and real terrain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapolis.core.errors import ModelError
from synapolis.models.stormwater.domain import side
from synapolis.models.stormwater.kernel import GRAVITY
from synapolis.models.stormwater.surface import surface_flow

MM_PER_HOUR = 1e-3 / 3600


def rough_ground(seed, shape=(24, 31), relief=1.0):
    random = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    slope = random.uniform(-0.05, 0.05, 2)
    return relief * random.normal(size=shape).cumsum(axis=1) * 0.2 + slope[0] * rows + slope[1] * columns


# Closed forms


@pytest.mark.parametrize("height", [0.0, 100.0, 2240.0])
def test_a_lake_with_islands_stays_at_rest(height):
    bed = height + rough_ground(1)
    level = np.median(bed)  # half of the cells are islands or shore
    depth = np.maximum(level - bed, 0.0)
    still = surface_flow(bed, [0.0], rain_step=1800, cell_size=5, manning=0.03, initial_depth=depth)
    assert np.abs(still.depth - depth).max() < 1e-5  # [m]: depths are float32; nothing flows over a thinner film
    assert still.max_speed.max() < 1e-3
    assert abs(still.balance.relative_error) < 1e-12


def test_a_lake_beside_a_sea_of_equal_level_stays_at_rest():
    bed = rough_ground(2)
    depth = np.maximum(0.3 - bed, 0.0)
    sea = np.where(side(bed.shape, "west"), 0.3, np.nan)
    still = surface_flow(bed, [0.0], rain_step=600, cell_size=5, manning=0.03, initial_depth=depth, held_level=sea)
    inner = np.isnan(sea)
    assert np.abs(still.depth - depth)[inner].max() < 1e-5
    assert still.balance.left == pytest.approx(0.0, abs=1e-6 * still.balance.initial)


def flat_wave(time, where, *, speed=1.0, manning=0.03):
    """Depth of the wave that runs over a flat dry bed at constant speed (Hunter et al. 2005)."""
    return np.maximum(7 / 3 * manning**2 * speed**2 * (speed * time - where), 0.0) ** (3 / 7)


def simulate_flat_wave(end, cell_size=18.0, columns=240):
    """Feed the wave's discharge into the first cell of a flat channel; return cell centres and depths."""
    times = np.arange(0, end, 5.0) + 2.5
    feed = flat_wave(times, 0.0) / cell_size / MM_PER_HOUR  # [mm/h] over the first cell, at a speed of 1 m/s
    first = np.arange(columns)[None] == 0
    flow = surface_flow(
        np.zeros((1, columns)),
        feed,
        rain_step=5.0,
        cell_size=cell_size,
        manning=0.03,
        rain_factor=first.astype(float),
        source_step=0.5,
    )
    return (np.arange(columns) + 0.5) * cell_size, flow.depth[0]


def test_non_breaking_wave_on_a_flat_bed():
    # The closed form balances acceleration against advection, which this scheme leaves out: about 1 % of the depth.
    where, depth = simulate_flat_wave(3600.0)
    assert np.abs(depth[1:150] / flat_wave(3600.0, where)[1:150] - 1).max() < 0.02
    error = depth - flat_wave(3600.0, where)
    assert np.sqrt(np.mean(error**2)) < 0.05  # [m] of 2.38 m at the inlet
    front = where[depth > 0.05].max()
    assert abs(front - 3600.0) < 60.0


def test_non_breaking_wave_against_the_shared_table(shared_data):
    file = shared_data / "benchmarks/flood_analytic/nonbreaking_wave_flat.csv"
    end = json.loads(file.open().readline()[2:])["t"]
    table = pd.read_csv(file, comment="#", names=["x", "h"])
    where, depth = simulate_flat_wave(end)
    error = np.interp(table.x, where, depth) - table.h
    assert np.sqrt(np.mean(error**2)) < 0.05


def kinematic_plane(end, *, rain=50.0, length=100.0, slope=0.01, manning=0.03, cell_size=1.0):
    columns = int(length / cell_size)
    bed = (slope * cell_size * np.arange(columns)[::-1])[None]
    return surface_flow(
        bed,
        np.full(int(end / 10), rain),
        rain_step=10.0,
        cell_size=cell_size,
        manning=manning,
        boundary=("east",),
        source_step=1.0,
    )


def test_rain_on_a_plane_reaches_the_kinematic_steady_state():
    flow = kinematic_plane(1500.0)
    reach = np.arange(100) + 1.0  # water of so many cells passes the lower face of each
    expected = (50.0 * MM_PER_HOUR * reach * 0.03 / np.sqrt(0.01)) ** 0.6
    assert np.abs(flow.depth[0] / expected - 1)[10:].max() < 0.02
    assert flow.depth[0, -1] == pytest.approx(0.009373, rel=0.02)


@pytest.mark.parametrize("slope", [0.002, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("manning", [0.03, 0.1])
@pytest.mark.parametrize("cell_size", [1.0, 4.0])
def test_thin_films_on_any_slope_are_steady_and_right(slope, manning, cell_size):
    """Friction is stiff here: taken at the old discharge alone, these films flicker and are 50 % too deep."""
    cells = 100
    bed = (slope * cell_size * np.arange(cells)[::-1])[None]
    reach = cell_size * (np.arange(cells) + 1.0)
    normal = (50.0 * MM_PER_HOUR * reach * manning / np.sqrt(slope)) ** 0.6
    froude = 50.0 * MM_PER_HOUR * reach[-1] / normal[-1] / np.sqrt(GRAVITY * normal[-1])
    end = 3.0 * 3600 if slope < 0.01 else 3600.0
    now, later = (
        surface_flow(bed, [50.0], rain_step=time, cell_size=cell_size, manning=manning, boundary=("east",)).depth[0]
        for time in (end, end + 10.0)
    )
    assert np.abs(later / now - 1).max() < 1e-3
    if froude < 1:
        assert np.abs(now / normal - 1)[20:].max() < 0.06
    else:  # held at critical: never shallower than normal depth
        assert (now / normal)[20:].min() > 0.94


def test_rain_on_a_plane_rises_as_the_kinematic_wave(shared_data):
    table = pd.read_csv(
        shared_data / "benchmarks/flood_analytic/rain_on_plane_kinematic.csv", comment="#", names=["t", "q"]
    )
    gone = np.concatenate([[0], np.cumsum((table.q[1:].to_numpy() + table.q[:-1]) / 2 * np.diff(table.t))])
    for end in (300.0, 600.0, 900.0):  # before, about and after the time of equilibrium, 675 s
        flow = kinematic_plane(end)
        expected = np.interp(end, table.t, gone)
        rained = 50.0 * MM_PER_HOUR * 100 * end
        assert abs(flow.balance.left - expected) < 0.02 * rained


@pytest.mark.parametrize(
    ("discharge", "slope", "manning"), [(0.01, 0.001, 0.03), (0.5, 0.002, 0.035), (2.0, 0.0005, 0.03)]
)
def test_uniform_flow_keeps_manning_depth(discharge, slope, manning):
    normal = (discharge * manning / np.sqrt(slope)) ** 0.6
    columns, cell_size = 80, 10.0
    bed = (slope * cell_size * np.arange(columns)[::-1])[None]
    flow = surface_flow(
        bed,
        [0.0],
        rain_step=3600.0,
        cell_size=cell_size,
        manning=manning,
        initial_depth=normal,
        inflow=np.where(np.arange(columns) == 0, discharge * cell_size, 0.0)[None],
        held_level=np.where(np.arange(columns) == columns - 1, normal, np.nan)[None],
    )
    # The first cells take the inflow without its momentum, the last lies beside the held level.
    assert np.abs(flow.depth[0, 5:-1] / normal - 1).max() < 0.01


def test_uniform_flow_table(shared_data):
    table = pd.read_csv(
        shared_data / "benchmarks/flood_analytic/uniform_flow_manning.csv",
        comment="#",
        names=["q", "S", "n", "h"],
        skiprows=2,
    )
    assert np.allclose((table.q * table.n / np.sqrt(table.S)) ** 0.6, table.h, rtol=1e-6)


def channel(bed, discharge, *, manning, level_out, level_start, cell_size=5.0, hours=2.0):
    """Run a channel of one row to its steady state; return its water levels."""
    flow = surface_flow(
        bed[None],
        [0.0],
        rain_step=hours * 3600,
        cell_size=cell_size,
        manning=manning,
        initial_depth=np.maximum(level_start - bed, 0.0)[None],
        inflow=np.where(np.arange(bed.size) == 0, discharge * cell_size, 0.0)[None],
        held_level=np.where(np.arange(bed.size) == bed.size - 1, level_out, np.nan)[None],
    )
    return flow.depth[0] + bed


def test_macdonald_channel_recomputed():
    """A bed built backwards from a wanted subcritical depth by the full steady equations, advection included."""
    discharge, manning, cell_size, cells = 2.0, 0.033, 5.0, 200
    where = (np.arange(cells) + 0.5) * cell_size
    depth = (4 / GRAVITY) ** (1 / 3) * (1 + 0.5 * np.exp(-16 * (where / 1000 - 0.5) ** 2))
    gradient = np.gradient(depth, where)
    friction = manning**2 * discharge**2 / depth ** (10 / 3)
    slope = (1 - discharge**2 / (GRAVITY * depth**3)) * gradient + friction
    bed = np.cumsum(slope[::-1])[::-1] * cell_size
    level = channel(bed, discharge, manning=manning, level_out=(bed + depth)[-1], level_start=bed + depth * 0.8)
    assert np.abs(level - bed - depth).mean() < 0.03


def test_macdonald_channel_without_rain(shared_data):
    """Mean error below 0.03 m, the pass mark that others set for this scheme on this channel."""
    table = pd.read_csv(shared_data / "benchmarks/flood_macdonald/mcdo_norain.csv")
    bed, level = table.topo.to_numpy(), table.wse.to_numpy()
    found = channel(bed, 2.0, manning=0.033, level_out=level[-1], level_start=bed + 0.5)
    assert np.abs(found - level).mean() < 0.03


# Laws


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    relief=st.floats(0.01, 20.0),
    rain=st.lists(st.floats(0, 300), min_size=1, max_size=4),
    boundary=st.sampled_from(["closed", "open"]),
    sea=st.booleans(),
    theta=st.floats(0.7, 1.0),
    start=st.floats(0, 1.0),
)
def test_water_is_neither_made_nor_lost(seed, relief, rain, boundary, sea, theta, start):
    random = np.random.default_rng(seed)
    bed = rough_ground(seed, relief=relief)
    flow = surface_flow(
        bed,
        rain,
        rain_step=60.0,
        duration=60.0 * len(rain) + 120.0,
        cell_size=4.0,
        manning=random.uniform(0.01, 0.3, bed.shape),
        rain_factor=random.uniform(0, 2, bed.shape),
        conductivity=random.uniform(0, 100, bed.shape),
        suction=150.0,
        moisture_deficit=0.3,
        pervious_fraction=random.uniform(0, 1, bed.shape),
        inlet_capacity=random.uniform(0, 50, bed.shape),
        inflow=np.where(random.random(bed.shape) < 0.01, 0.05, 0.0),
        initial_depth=random.uniform(0, 1, bed.shape) * start,
        active=random.random(bed.shape) < 0.9,
        boundary=boundary,
        held_level=np.where(side(bed.shape, "south") & sea, 0.0, np.nan),
        theta=theta,
    )
    balance = flow.balance
    assert abs(balance.relative_error) <= 1e-9  # asked of every run: 1e-6
    assert min(balance.rain, balance.infiltrated, balance.drained, balance.stored) >= 0
    assert (flow.depth >= 0).all()
    for field in (flow.depth, flow.max_depth, flow.max_speed, flow.max_hazard):
        assert np.isfinite(field).all()
    assert (flow.max_depth >= flow.depth * (1 - 1e-6)).all()


def test_arrival_is_when_the_depth_is_reached():
    flow = surface_flow(
        np.zeros((3, 3)), [360.0], rain_step=3600, cell_size=10, manning=0.03, arrival_depth=0.05, source_step=10
    )  # 0.1 mm/s: 50 mm after 500 s
    assert np.abs(flow.arrival_time - 500).max() <= 10
    never = surface_flow(np.zeros((3, 3)), [36.0], rain_step=600, cell_size=10, manning=0.03)
    assert np.isinf(never.arrival_time).all()


@pytest.mark.parametrize("turn", [np.fliplr, np.flipud, np.transpose])
def test_a_mirrored_town_floods_in_mirror_image(turn):
    bed = rough_ground(5)
    given = {"rain_step": 300.0, "duration": 600.0, "cell_size": 4.0, "boundary": "open"}
    rough = np.random.default_rng(5).uniform(0.02, 0.1, bed.shape)
    plain = surface_flow(bed, [100.0], manning=rough, **given)
    turned = surface_flow(np.ascontiguousarray(turn(bed)), [100.0], manning=np.ascontiguousarray(turn(rough)), **given)
    assert np.abs(turn(plain.depth) - turned.depth).max() < 1e-4
    assert plain.balance.left == pytest.approx(turned.balance.left, rel=1e-5)


def test_the_same_input_gives_the_same_bits_and_is_left_alone():
    bed = rough_ground(6)
    before = bed.copy()
    runs = [
        surface_flow(bed, [80.0], rain_step=600, cell_size=4, manning=0.03, boundary="open", conductivity=10.0)
        for _ in range(2)
    ]
    assert runs[0].depth.tobytes() == runs[1].depth.tobytes()
    assert runs[0].max_speed.tobytes() == runs[1].max_speed.tobytes()
    assert runs[0].balance == runs[1].balance
    assert (bed == before).all()


def test_walls_hold():
    bed = np.zeros((9, 9))
    active = np.ones((9, 9), bool)
    active[:, 4] = False
    full = np.where(np.arange(9) < 4, 1.0, 0.0) * np.ones((9, 1))
    flow = surface_flow(bed, [0.0], rain_step=600, cell_size=2, manning=0.03, initial_depth=full, active=active)
    assert np.abs(flow.depth[:, :4] - 1).max() < 1e-12
    assert flow.depth[:, 4:].max() == 0


def test_water_does_not_leave_through_a_building_at_an_open_rim():
    active = np.ones((9, 9), bool)
    active[4, 4] = False
    marked = ~side((9, 9), "north", "south", "west", "east")  # open only where no face looks out
    flow = surface_flow(
        np.zeros((9, 9)), [50.0], rain_step=600, cell_size=2, manning=0.03, active=active, boundary=marked
    )
    assert flow.balance.left == 0


def test_the_sea_comes_in_over_low_ground():
    bed = np.full((5, 20), -0.5)
    sea = np.where(side(bed.shape, "west"), 0.4, np.nan)
    flow = surface_flow(bed, [0.0], rain_step=7200, cell_size=5, manning=0.03, held_level=sea)
    assert np.abs(flow.depth[:, 1:] - 0.9).max() < 0.01
    assert flow.balance.left < 0
    assert abs(flow.balance.relative_error) < 1e-12


def test_a_deep_sea_costs_no_steps():
    bed = np.where(np.arange(40) < 10, -200.0, 0.5) * np.ones((5, 1))
    sea = np.where(np.arange(40) < 10, 0.0, np.nan) * np.ones((5, 1))
    flow = surface_flow(bed, [20.0], rain_step=600, cell_size=4, manning=0.03, held_level=sea)
    assert flow.steps < 100
    assert flow.balance.left > 0


# Oracle


def plain_flow(bed, rain, manning, *, cell_size, end, sources, theta=0.9, courant=0.7, froude=1.0):
    """The same scheme, cell by cell in float64, closed walls, rain only."""
    rows, columns = bed.shape
    depth = np.zeros(bed.shape)
    flux = {"x": np.zeros((rows, columns + 1)), "y": np.zeros((rows + 1, columns))}
    for _ in range(round(end / sources)):
        depth += rain * MM_PER_HOUR * sources
        left, deepest = sources, depth.max()
        while left > 1e-12:
            step = left / np.ceil(left / (courant * cell_size / np.sqrt(GRAVITY * max(deepest, 1e-5))))
            flux, deepest = plain_flux(bed, depth, flux, manning, step, cell_size, theta, froude)
            out = np.zeros(bed.shape)
            for i, j in np.ndindex(bed.shape):
                out[i, j] = max(flux["x"][i, j + 1], 0) - min(flux["x"][i, j], 0)
                out[i, j] += max(flux["y"][i + 1, j], 0) - min(flux["y"][i, j], 0)
            share = np.minimum(1.0, depth * 0.999999 / np.maximum(out * step / cell_size, 1e-30))
            for i, j in np.ndindex(rows, columns - 1):
                flux["x"][i, j + 1] *= share[i, j] if flux["x"][i, j + 1] > 0 else share[i, j + 1]
            for i, j in np.ndindex(rows - 1, columns):
                flux["y"][i + 1, j] *= share[i, j] if flux["y"][i + 1, j] > 0 else share[i + 1, j]
            depth = depth + step / cell_size * (-np.diff(flux["x"], axis=1) - np.diff(flux["y"], axis=0))
            left -= step
    return depth


def plain_flux(bed, depth, flux, manning, step, cell_size, theta, froude):
    rows, columns = bed.shape
    new = {axis: np.zeros_like(values) for axis, values in flux.items()}
    deepest = 1e-5
    for axis, (di, dj) in (("x", (0, 1)), ("y", (1, 0))):
        along, across = flux[axis], flux["y" if axis == "x" else "x"]
        for i, j in np.ndindex(rows - di, columns - dj):
            a, b = (i, j), (i + di, j + dj)
            level = bed[a] + depth[a], bed[b] + depth[b]
            over = max(level) - max(bed[a], bed[b])
            deepest = max(deepest, over)
            if over <= 1e-5:
                continue
            q = along[b]
            sides = across[a] + across[b] + across[i + dj, j + di] + across[i + di + dj, j + dj + di]
            size = np.hypot(q, sides / 4)
            behind, ahead = along[a] or q, along[i + 2 * di, j + 2 * dj] or q
            push = GRAVITY * step / cell_size * over * (level[0] - level[1])
            brake = GRAVITY * step * (manning[a] ** 2 + manning[b] ** 2) / 2 * size / over ** (7 / 3)
            pushed = theta * q + (1 - theta) / 2 * (behind + ahead) + push
            value = (pushed + brake * q) / (1 + 2 * brake)  # friction Q q, linearised about the old discharge
            limit = froude * over * np.sqrt(GRAVITY * over)
            new[axis][b] = np.clip(value, -limit, limit)
    return new, deepest


def test_equal_to_a_plain_loop():
    bed = rough_ground(7, shape=(9, 11))
    manning = np.random.default_rng(7).uniform(0.02, 0.1, bed.shape)
    expected = plain_flow(bed, 120.0, manning, cell_size=4.0, end=120.0, sources=10.0)
    found = surface_flow(bed, [120.0], rain_step=120.0, cell_size=4.0, manning=manning, source_step=10.0)
    assert np.abs(found.depth - expected).max() < 2e-5  # [m]; discharge is float32, friction good to 4e-5
    assert expected.max() > 0.02


def test_infiltration_alone_follows_green_ampt():
    """Ponded ground: K t = F - S ln(1 + F / S)."""
    conductivity, pull = 20.0, 60.0
    flow = surface_flow(
        np.zeros((2, 2)),
        [0.0],
        rain_step=3600.0,
        cell_size=2.0,
        manning=0.03,
        initial_depth=1.0,
        conductivity=conductivity,
        suction=200.0,
        moisture_deficit=0.3,
    )
    taken = flow.balance.infiltrated / 16.0 * 1000  # [mm]
    assert taken - pull * np.log1p(taken / pull) == pytest.approx(conductivity, rel=5e-3)


# Real terrain


def bilbao(shared_data, size):
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(shared_data / "bilbao/DEM.tif") as file:
        middle = tuple(slice(extent // 2 - size // 2, extent // 2 + size // 2) for extent in file.shape)
        return file.read(1)[middle].astype(float), abs(file.transform.a)


@pytest.mark.parametrize("boundary", ["closed", "open"])
def test_bilbao(shared_data, boundary):
    """Terraced terrain in whole metres, 0 to about 100 m: the hardest ground that we have."""
    bed, cell_size = bilbao(shared_data, 200)
    flow = surface_flow(
        bed, np.full(12, 60.0), rain_step=60.0, duration=1200.0, cell_size=cell_size, manning=0.04, boundary=boundary
    )
    assert abs(flow.balance.relative_error) <= 1e-6
    assert np.isfinite(flow.max_speed).all()
    assert (flow.depth >= 0).all()
    assert flow.max_speed.max() < 15.0
    assert flow.max_depth.max() < 10.0


# Bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"elevation": [[0.0, np.nan], [0.0, 0.0]]}, "elevation must be finite on active cells, got 1"),
        ({"elevation": [0.0, 1.0]}, "elevation must be a grid"),
        ({"elevation": np.zeros((0, 4))}, "elevation must be a grid"),
        ({"rain": [-1.0]}, "rain must be finite and at least 0"),
        ({"rain": [np.nan]}, "rain must be finite"),
        ({"rain": []}, "rain must be one series"),
        ({"rain_step": 0.0}, "rain step must be above 0"),
        ({"duration": 0.0}, "duration must be above 0"),
        ({"duration": np.nan}, "duration must be above 0"),
        ({"cell_size": 0.0}, "cell_size must be above 0"),
        ({"manning": 0.0}, "manning must be above 0"),
        ({"manning": np.full((3, 2), 0.03)}, "manning must be one number or a grid"),
        ({"initial_depth": -0.1}, "initial_depth must be finite and at least 0"),
        ({"pervious_fraction": 1.2}, "pervious_fraction must be between 0 and 1"),
        ({"moisture_deficit": 1.2}, "moisture_deficit must be between 0 and 1"),
        ({"courant": 0.0}, "courant must be above 0"),
        ({"courant": 3.0}, "courant must be above 0 and at most 1"),
        ({"theta": np.nan}, "theta must be"),
        ({"froude_limit": -1.0}, "froude_limit must be above 0"),
        ({"source_step": 0.0}, "source_step must be above 0"),
        ({"boundary": "leaky"}, "boundary must be .* got 'leaky'"),
        ({"boundary": ("up",)}, "boundary must be"),
        ({"boundary": np.ones((3, 3), bool)}, "boundary must have the shape"),
        ({"active": np.ones((3, 3), bool)}, "active must have the shape"),
        ({"active": np.zeros((2, 2), bool)}, "no free cell"),
        ({"held_level": np.zeros((3, 3))}, "held_level must fit the grid"),
        ({"held_level": 0.0}, "no free cell"),
    ],
)
def test_bad_input_is_named(change, words):
    given = {"elevation": np.zeros((2, 2)), "rain": [10.0], "rain_step": 60.0, "cell_size": 5.0, "manning": 0.03}
    given |= change
    with pytest.raises(ModelError, match=words):
        surface_flow(given.pop("elevation"), given.pop("rain"), **given)


def test_holes_outside_the_active_area_are_no_matter():
    bed = rough_ground(8)
    bed[3:6, 3:6] = np.nan
    flow = surface_flow(bed, [50.0], rain_step=300, cell_size=5, manning=0.03, active=np.isfinite(bed))
    assert flow.depth[3:6, 3:6].max() == 0
    assert abs(flow.balance.relative_error) < 1e-9


@pytest.mark.parametrize("relief", [0.0, 1.0, 200.0])
def test_a_storm_of_1000_mm_per_hour_stays_finite(relief):
    flow = surface_flow(rough_ground(9, relief=relief), [1000.0], rain_step=1800, cell_size=4, manning=0.02)
    assert np.isfinite(flow.max_speed).all()
    assert abs(flow.balance.relative_error) < 1e-9
