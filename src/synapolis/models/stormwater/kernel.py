"""Water over the ground: rain, infiltration, inlets and shallow flow on one grid of square cells.

The flow is the local-inertial approximation of the shallow-water equations (no advection), which suits slow,
shallow urban floods and not dam breaks. Depth and bed are float64, discharge and roughness float32: volumes
then close to rounding, and still water over any bed stays still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from synapolis.core.errors import ModelError
from synapolis.models.stormwater.infiltration import green_ampt_step, rain_series

Side = Literal["north", "south", "west", "east"]
Boundary = Literal["closed", "open"] | tuple[Side, ...] | NDArray[np.bool_]

GRAVITY = 9.81
"""Standard acceleration of free fall near sea level [m/s²]."""

THIN = np.float32(1e-5)
"""Depth [m] over a face below which nothing flows: about a second of heavy rain."""

SPEED_DEPTH = 1e-3
"""Depth [m] below which no speed is reported: there it would be a ratio of two roundings."""

WALL = 1e9
"""Bed [m] of a cell outside the domain: no water stands above it, so no face to it ever carries any."""

MM_PER_HOUR = 1e-3 / 3600.0
"""One mm/h in m/s."""

FRAME = ((2, 2), (1, 1))
"""Walls put around the grid, so that no loop needs to ask where it ends."""

RIM_SLOPE = 1e-3
"""Least slope [1] with which water leaves over an open rim; assumed, where the bed at the rim is flatter."""


OPPOSITE: dict[Side, Side] = {"north": "south", "south": "north", "west": "east", "east": "west"}

STRIPS: dict[Side, tuple[int | slice, int | slice]] = {
    "north": (0, slice(None)),
    "south": (-1, slice(None)),
    "west": (slice(None), 0),
    "east": (slice(None), -1),
}
"""The cells along each side of a grid."""

NEIGHBOUR: dict[Side, tuple[slice, slice]] = {
    "north": (slice(None, -2), slice(1, -1)),
    "south": (slice(2, None), slice(1, -1)),
    "west": (slice(1, -1), slice(None, -2)),
    "east": (slice(1, -1), slice(2, None)),
}
"""Each cell's neighbour on one side, as a view of a grid framed by one cell."""


@dataclass(frozen=True, slots=True)
class WaterBalance:
    """Where the water came from and where it went, over all free cells.

    Attributes
    ----------
    initial, rain, inflow, infiltrated, drained, left, stored : [m³]
        Standing at the start, rained, fed in; taken by the ground, taken by inlets, gone over the boundary
        (open rim and held levels, net; negative where the sea came in), standing at the end.
    """

    initial: float
    rain: float
    inflow: float
    infiltrated: float
    drained: float
    left: float
    stored: float

    @property
    def error(self) -> float:
        """Water that the account cannot explain [m³]."""
        gained = self.initial + self.rain + self.inflow
        return gained - (self.infiltrated + self.drained + self.left + self.stored)

    @property
    def relative_error(self) -> float:
        """The error as a share of the water that came in [1]; 0 where none did."""
        # What comes in from a held level is water that came in.
        gained = self.initial + self.rain + self.inflow + max(-self.left, 0.0)
        return self.error / gained if gained > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class SurfaceFlow:
    """One flood on the ground; every field is (row, column).

    Attributes
    ----------
    depth : [m]
        At the end.
    max_depth : [m]
    max_speed : [m/s]
    max_hazard : [m²/s]
        Largest product of depth and speed.
    arrival_time : [s]
        When the depth first reached `arrival_depth`; infinite where it never did.
    balance : WaterBalance
    steps : int
        Flow steps taken.
    """

    depth: NDArray[np.float64]
    max_depth: NDArray[np.float32]
    max_speed: NDArray[np.float32]
    max_hazard: NDArray[np.float32]
    arrival_time: NDArray[np.float32]
    balance: WaterBalance
    steps: int


def surface_flow(
    elevation: ArrayLike,
    rain: ArrayLike,
    *,
    rain_step: float,
    cell_size: float,
    manning: ArrayLike,
    duration: float | None = None,
    rain_factor: ArrayLike = 1.0,
    conductivity: ArrayLike = 0.0,
    suction: ArrayLike = 0.0,
    moisture_deficit: ArrayLike = 0.0,
    pervious_fraction: ArrayLike = 1.0,
    inlet_capacity: ArrayLike = 0.0,
    inflow: ArrayLike = 0.0,
    initial_depth: ArrayLike = 0.0,
    active: NDArray[np.bool_] | None = None,
    boundary: Boundary = "closed",
    held_level: ArrayLike | None = None,
    theta: float = 0.9,
    courant: float = 0.7,
    froude_limit: float = 1.0,
    source_step: float = 10.0,
    arrival_depth: float = 0.05,
) -> SurfaceFlow:
    """Route a storm over the ground.

    Every field is (row, column) or one number for all cells.

    Parameters
    ----------
    elevation : [m]
        Ground, finite on active cells.
    rain : (time,) [mm/h]
        Intensity in each rain step, over the whole grid; none falls after the last.
    rain_step : [s]
    cell_size : [m]
        Side of the square cells.
    manning : [s/m^(1/3)]
        Roughness.
    duration : [s], optional
        End of the run; the length of the rain where not given.
    rain_factor : [1]
        Share of the rain that reaches each cell's surface: below 1 for roofs with storage, above 1 for cells that
        also take a neighbour's.
    conductivity : [mm/h]
        Saturated conductivity of the pervious part; 0 where nothing infiltrates. With `suction` 0 this is a
        constant rate.
    suction : [mm]
    moisture_deficit : [1]
        With suction: Green-Ampt infiltration.
    pervious_fraction : [1]
    inlet_capacity : [mm/h]
        What the inlets of each cell take while there is water.
    inflow : [m³/s]
        Steady discharge fed into each cell, at every flow step.
    initial_depth : [m]
    active : bool, optional
        False outside the domain: a closed wall.
    boundary : "closed", "open", a tuple of sides, or bool (row, column)
        Where water leaves over faces that look out of the domain: nowhere; everywhere; on the sides of the grid
        named ("north" is the first row); or in the cells marked. An inactive island inside the domain, such as a
        building, stays closed. Water leaves at normal depth for the slope of the bed there, at most critically.
    held_level : [m], optional
        Water level kept at every instant, as by the sea; NaN on free cells. Rain on held cells is not counted.
    theta : [1]
        Weight of a face's own discharge against its two neighbours' (1 is Bates et al. 2010).
    courant : [1]
        Time step as a share of cell size over wave speed.
    froude_limit : [1]
        Largest Froude number of any face; without advection faster flow is neither trustworthy nor always stable.
        At 1, sheets on steep smooth ground are held at critical speed and so come out deeper. `inf` for none.
    source_step : [s]
        How often rain, infiltration and inlets act and maxima are taken; also the longest flow step.
    arrival_depth : [m]

    Returns
    -------
    SurfaceFlow

    Raises
    ------
    ModelError
        An argument outside its range, a shape that does not fit, or a run that did not stay finite.

    References
    ----------
    Bates, Horritt and Fewtrell (2010), A simple inertial formulation of the shallow water equations for efficient
    two-dimensional flood inundation modelling, Journal of Hydrology 387. (Here friction is linearised about the old
    discharge instead of held at it, so that it may be stiff.)
    de Almeida, Bates, Freer and Souvignet (2012), Improving the stability of a simple formulation of the shallow
    water equations for 2-D flood modeling, Water Resources Research 48.
    """
    grid = _Grid.of(elevation, active, held_level, cell_size)
    settings = {
        "theta": (theta, 1.0),
        "courant": (courant, 1.0),
        "froude_limit": (froude_limit, np.inf),
        "source_step": (source_step, np.inf),
        "arrival_depth": (arrival_depth, np.inf),
    }
    for name, (value, top) in settings.items():
        if not 0.0 < value <= top:
            raise ModelError(f"{name} must be above 0{f' and at most {top:g}' if top < np.inf else ''}, got {value}")
    lengths, fallen = _intervals(rain_series(rain, rain_step), rain_step, duration, source_step)
    area = cell_size**2
    start = grid.flat(np.where(grid.held, grid.held_depth, grid.field("initial_depth", initial_depth)))
    level = grid.bed + start
    factor = grid.flat(grid.field("rain_factor", rain_factor))
    feed = grid.flat(grid.field("inflow", inflow)) / area
    fed = np.flatnonzero(feed)
    pull = grid.field("suction", suction) * grid.field("moisture_deficit", moisture_deficit, top=1.0)
    rough = grid.field("manning", manning, elsewhere=0.03)
    if not (rough > 0.0).all():
        raise ModelError("manning must be above 0 on every active cell, got 0; map ground cover first")
    rim, normal, faces = grid.open_rim(boundary)
    peaks = np.zeros((4, level.size), dtype=np.float32)
    peaks[3] = np.inf
    totals = np.zeros(4)
    steps = _flood(
        width=grid.width,
        level=level,
        bed=grid.bed,
        friction=grid.flat(GRAVITY * rough**2, outside=GRAVITY).astype(np.float32),
        factor=factor,
        fed=fed,
        feed=feed[fed],
        soil=grid.flat(grid.field("conductivity", conductivity)) * MM_PER_HOUR,
        pull=grid.flat(pull) / 1000.0,
        soft=grid.flat(grid.field("pervious_fraction", pervious_fraction, top=1.0)),
        inlets=grid.flat(grid.field("inlet_capacity", inlet_capacity)) * MM_PER_HOUR,
        rim=rim,
        normal=normal,
        faces=faces,
        held=np.flatnonzero(grid.flat(grid.held)),
        lengths=lengths,
        fallen=fallen,
        cell_size=float(cell_size),
        theta=float(theta),
        courant=float(courant),
        froude=float(min(froude_limit, 1e3)),
        arrival_depth=float(arrival_depth),
        peaks=peaks,
        totals=totals,
    )
    if not np.isfinite(level).all():
        raise ModelError("the flow did not stay finite; take a smaller courant or froude_limit, or mend the terrain")
    depth = np.maximum(level - grid.bed, 0.0)
    free = grid.flat(grid.free).astype(bool)
    infiltrated, drained, over_rim, over_shore = (float(total) * area for total in totals)
    balance = WaterBalance(
        initial=float(start[free].sum()) * area,
        rain=float(factor.sum()) * float(fallen.sum()) * area,
        inflow=float(feed.sum()) * float(lengths.sum()) * area,
        infiltrated=infiltrated,
        drained=drained,
        left=over_rim + over_shore,
        stored=float(depth[free].sum()) * area,
    )
    return SurfaceFlow(
        depth=grid.result(depth),
        max_depth=grid.result(peaks[0]),
        max_speed=grid.result(peaks[1]),
        max_hazard=grid.result(peaks[2]),
        arrival_time=grid.result(peaks[3]),
        balance=balance,
        steps=steps,
    )


def side(shape: tuple[int, int], *names: Side) -> NDArray[np.bool_]:
    """Mark the cells along the named sides of a grid whose first row is north."""
    marked = np.zeros(shape, dtype=bool)
    for name in names:
        marked[STRIPS[name]] = True
    return marked


@dataclass(frozen=True, slots=True)
class _Grid:
    """The domain, framed with walls and laid out flat: cell (row, column) is (row + 2) * width + column + 1."""

    shape: tuple[int, int]
    width: int
    inside: NDArray[np.bool_]
    free: NDArray[np.bool_]
    held: NDArray[np.bool_]
    held_depth: NDArray[np.float64]
    ground: NDArray[np.float64]
    bed: NDArray[np.float64]
    cell_size: float

    @classmethod
    def of(
        cls, elevation: ArrayLike, active: NDArray[np.bool_] | None, held_level: ArrayLike | None, cell_size: float
    ) -> _Grid:
        """Check the ground, and find which cells are free, which held and which walls."""
        ground = np.asarray(elevation, dtype=np.float64)
        if ground.ndim != 2 or ground.size == 0:
            raise ModelError(f"elevation must be a grid (row, column), got shape {ground.shape}")
        if not 0.0 < cell_size < np.inf:
            raise ModelError(f"cell_size must be above 0 m, got {cell_size}")
        inside = np.ones(ground.shape, dtype=bool) if active is None else np.asarray(active, dtype=bool)
        if inside.shape != ground.shape:
            raise ModelError(f"active must have the shape of elevation {ground.shape}, got {inside.shape}")
        holes = int(np.count_nonzero(inside & ~np.isfinite(ground)))
        if holes:
            raise ModelError(
                f"elevation must be finite on active cells, got {holes} that are not; fill them, "
                "or pass active=np.isfinite(elevation)"
            )
        level = np.full(ground.shape, np.nan)
        if held_level is not None:
            try:
                level = np.array(np.broadcast_to(np.asarray(held_level, dtype=np.float64), ground.shape))
            except ValueError as error:
                raise ModelError(f"held_level must fit the grid {ground.shape}") from error
        sea = inside & np.isfinite(level)
        free = inside & ~sea
        if not free.any():
            raise ModelError("no free cell: every cell is inactive or held at a level; widen the active area")
        shore = sea & _touches(free)
        floor = np.where(shore, _shore_bed(ground, level, free), ground)
        bed = np.where(free | shore, floor, WALL)
        held_depth = np.where(shore, level - floor, 0.0)
        floor_of_all = float(bed[free].min())  # taken off, so that levels keep their digits in high cities
        framed = np.pad(np.where(bed < WALL, bed - floor_of_all, WALL), FRAME, constant_values=WALL).reshape(-1)
        return cls(ground.shape, ground.shape[1] + 2, inside, free, shore, held_depth, ground, framed, cell_size)

    def field(self, name: str, value: ArrayLike, *, top: float = np.inf, elsewhere: float = 0.0) -> NDArray[np.float64]:
        """Spread a number or a grid over the free cells, check it there, and put `elsewhere` on the others."""
        given = np.asarray(value, dtype=np.float64)
        if given.ndim != 0 and given.shape != self.shape:
            raise ModelError(f"{name} must be one number or a grid {self.shape}, got shape {given.shape}")
        spread = np.where(self.free, given, elsewhere)
        wrong = int(np.count_nonzero(~((spread >= 0.0) & (spread <= top) & np.isfinite(spread))))
        if wrong:
            wanted = f"between 0 and {top:g}" if np.isfinite(top) else "finite and at least 0"
            raise ModelError(f"{name} must be {wanted} on active cells, got {wrong} cells that are not")
        return spread

    def flat(self, values: NDArray[Any], *, outside: float = 0.0) -> NDArray[Any]:
        """Frame a grid with walls and lay it out flat."""
        return np.pad(values, FRAME, constant_values=outside).reshape(-1)

    def result(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Cut the frame off again."""
        return np.ascontiguousarray(flat.reshape(self.shape[0] + 4, self.width)[2:-2, 1:-1])

    def open_rim(self, boundary: Boundary) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """List cells that shed water out of the domain: flat index, root of the slope over its faces, open faces."""
        sides = _open_sides(boundary, self.shape)
        wet = np.pad(self.inside, 1)
        labels, _ = ndimage.label(~wet)
        beyond = labels == labels[0, 0]  # out of the domain, and not an island in it such as a building
        ground = np.where(wet, np.pad(np.where(self.inside, self.ground, 0.0), 1), np.nan)
        normal, faces = np.zeros(self.shape), np.zeros(self.shape)
        for name, opposite in OPPOSITE.items():
            looks_out = beyond[NEIGHBOUR[name]] & sides[name]
            fall = np.nan_to_num((ground[NEIGHBOUR[opposite]] - ground[1:-1, 1:-1]) / self.cell_size, nan=0.0)
            normal += np.where(looks_out, np.sqrt(np.maximum(fall, RIM_SLOPE)), 0.0)
            faces += looks_out
        rim = np.flatnonzero(self.flat(self.free & (faces > 0)))
        return rim, self.flat(normal)[rim], self.flat(faces)[rim]


def _open_sides(boundary: Boundary, shape: tuple[int, int]) -> dict[Side, NDArray[np.bool_]]:
    """For each way that a face can look: the cells that are open that way."""
    if isinstance(boundary, np.ndarray):
        if boundary.shape != shape:
            raise ModelError(f"boundary must have the shape of elevation {shape}, got {boundary.shape}")
        return dict.fromkeys(OPPOSITE, boundary.astype(bool))
    if isinstance(boundary, str) and boundary in {"closed", "open"}:
        return dict.fromkeys(OPPOSITE, np.full(shape, boundary == "open"))
    if isinstance(boundary, tuple) and set(boundary) <= set(OPPOSITE):
        return {name: side(shape, name) & (name in boundary) for name in OPPOSITE}
    raise ModelError(
        'boundary must be "closed", "open", a tuple of "north", "south", "west", "east", '
        f"or a grid of the cells that are open, got {boundary!r}"
    )


def _touches(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    framed = np.pad(free, 1)
    touching: NDArray[np.bool_] = np.logical_or.reduce([framed[view] for view in NEIGHBOUR.values()])
    return touching


def _shore_bed(ground: NDArray[np.float64], level: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Raise the bed of held cells to their lowest free neighbour: no face feels it, and deep sea costs no steps."""
    framed = np.pad(np.where(free, ground, np.inf), 1, constant_values=np.inf)
    lowest = np.minimum.reduce([framed[view] for view in NEIGHBOUR.values()])
    raised: NDArray[np.float64] = np.minimum(np.maximum(ground, lowest), level)
    return raised


def _intervals(
    rain: NDArray[np.float64], rain_step: float, duration: float | None, source_step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut the run into source intervals: their lengths [s] and the rain that falls in each [m]."""
    end = rain.size * rain_step if duration is None else float(duration)
    if not 0.0 < end < np.inf:
        raise ModelError(f"duration must be above 0 s, got {end}")
    edges = np.append(np.arange(rain.size + 1) * rain_step, np.inf).clip(max=end)
    lengths: list[NDArray[np.float64]] = []
    fallen: list[NDArray[np.float64]] = []
    for length, intensity in zip(np.diff(edges), np.append(rain, 0.0), strict=True):
        if length > 0.0:
            parts = int(np.ceil(length / source_step - 1e-9))
            lengths.append(np.full(parts, length / parts))
            fallen.append(np.full(parts, intensity * MM_PER_HOUR * length / parts))
    return np.concatenate(lengths), np.concatenate(fallen)


# Numba kernels. Each loop runs over flat cells with unsigned indices, no branch and few arrays, because only
# such loops vectorise; extremes of positive floats are taken over their bit patterns for the same reason.
# The state is the water level (float64); the depth is its float32 shadow, kept in step.

_CHUNK = 4096  # cells whose arrays stay in the second-level cache between the parts of one step


def _bits_of(_context: Any, _value: Any) -> Any:
    """Read a float32 as the int32 of the same bits."""

    def generate(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _float_of(_context: Any, _value: Any) -> Any:
    """Read an int32 as the float32 of the same bits."""

    def generate(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), generate


_bits: Any = intrinsic(_bits_of)
_float: Any = intrinsic(_float_of)


@njit(cache=True, fastmath=True, error_model="numpy", inline="always")
def _inverse_cube_root(value: Any) -> Any:
    """Inverse cube root of a positive float32, to about 6e-6: a guess on the exponent bits, then two Newton steps."""
    third = np.float32(1.0 / 3.0)
    four = np.float32(4.0)
    root = _float(np.int32(0x54A2FA8C) - np.int32(np.float32(_bits(value)) * third))
    root *= (four - value * root * root * root) * third
    root *= (four - value * root * root * root) * third
    return root


@njit(cache=True, fastmath=True, error_model="numpy")
def _discharge(
    first: int, last: int, along: int, across: int, level: Any, depth: Any, drop: Any, friction: Any, now: Any,
    cross: Any, new: Any, step: Any, push: Any, own: Any, other: Any, swift: Any,
) -> Any:  # fmt: skip
    """New discharge [m²/s] over the faces between cells k and k + along; returns the bits of the deepest face."""
    s = np.uint64(along)
    t = np.uint64(across)
    half = np.float32(0.5) * step
    quarter = np.float32(0.25)
    one = np.float32(1.0)
    zero = np.float32(0.0)
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        fall = np.float32(level[k] - level[k + s])
        # Depth over the face: the higher water level less the higher bed.
        over = max(depth[k] + min(drop[k], zero), depth[k + s] - max(drop[k], zero))
        flow = max(over, THIN)
        sideways = quarter * (cross[k] + cross[k + s] + cross[k - t] + cross[k + s - t])
        q = now[k]
        size = np.sqrt(q * q + sideways * sideways)
        root = _inverse_cube_root(flow)
        root2 = root * root
        brake = half * (friction[k] + friction[k + s]) * size * (root * root2 * root2 * root2)
        # A dry or closed neighbour face says nothing of the flow: it is taken as equal, not as a brake.
        behind = now[k - s] if now[k - s] != zero else q
        ahead = now[k + s] if now[k + s] != zero else q
        # Friction is linearised about the old discharge (Newton), not held at it: thin films then do not flicker.
        pushed = own * q + other * (behind + ahead) + push * flow * fall
        value = (pushed + brake * q) / (one + brake + brake)
        limit = swift * flow * np.sqrt(flow)
        value = min(max(value, -limit), limit)
        new[k] = value if over > THIN else zero
        deepest = max(deepest, _bits(flow))
    return deepest


@njit(cache=True, fastmath=True, error_model="numpy")
def _share(first: int, last: int, width: int, depth: Any, qx: Any, qy: Any, share: Any, ratio: Any) -> None:
    """Share of its outflow that each cell can pay for from the water it holds."""
    w = np.uint64(width)
    i = np.uint64(1)
    one = np.float32(1.0)
    zero = np.float32(0.0)
    tiny = np.float32(1e-30)
    most = np.float32(0.999999)  # a millionth is kept back, so that float32 rounding never overdraws
    for k in range(np.uint64(first), np.uint64(last)):
        out = max(qx[k], zero) - min(qx[k - i], zero) + max(qy[k], zero) - min(qy[k - w], zero)
        share[k] = min(one, depth[k] * most / max(out * ratio, tiny))


@njit(cache=True, fastmath=True, error_model="numpy")
def _limit(first: int, last: int, along: int, discharge: Any, share: Any) -> None:
    """Cut each face's discharge to the share that the cell it leaves can pay."""
    s = np.uint64(along)
    zero = np.float32(0.0)
    for k in range(np.uint64(first), np.uint64(last)):
        q = discharge[k]
        near = share[k]
        far = share[k + s]
        discharge[k] = max(q, zero) * near + min(q, zero) * far


@njit(cache=True, fastmath=True, error_model="numpy")
def _move(first: int, last: int, width: int, level: Any, bed: Any, depth: Any, qx: Any, qy: Any, ratio: float) -> None:
    w = np.uint64(width)
    i = np.uint64(1)
    for k in range(np.uint64(first), np.uint64(last)):
        along = np.float64(qx[k - i]) - np.float64(qx[k])
        now = level[k] + ratio * (along + (np.float64(qy[k - w]) - np.float64(qy[k])))
        level[k] = now
        depth[k] = np.float32(now - bed[k])


@njit(cache=True, fastmath=True, error_model="numpy")
def _flow_step(
    width: int, level: Any, bed: Any, depth: Any, drop_x: Any, drop_y: Any, friction: Any, qx: Any, qy: Any,
    new_qx: Any, new_qy: Any, share: Any, cell_size: float, step: float, theta: float, froude: float,
) -> float:  # fmt: skip
    """One flow step; returns the deepest face. Limit and move trail the discharge by a row, so all stays in cache."""
    push = np.float32(GRAVITY * step / cell_size)
    ratio = step / cell_size
    dt = np.float32(step)
    own = np.float32(theta)
    other = np.float32(0.5 * (1.0 - theta))
    swift = np.float32(froude * np.sqrt(GRAVITY))
    deepest = np.int32(0)
    end = level.size - 2 * width
    done = 2 * width
    for a in range(2 * width, end, _CHUNK):
        b = min(a + _CHUNK, end)
        x = _discharge(a, b, 1, width, level, depth, drop_x, friction, qx, qy, new_qx, dt, push, own, other, swift)
        y = _discharge(a, b, width, 1, level, depth, drop_y, friction, qy, qx, new_qy, dt, push, own, other, swift)
        deepest = max(deepest, x, y)
        _share(a, b, width, depth, new_qx, new_qy, share, np.float32(ratio))
        ready = b - width if b < end else end
        if ready > done:
            _limit(done, ready, 1, new_qx, share)
            _limit(done, ready, width, new_qy, share)
            _move(done, ready, width, level, bed, depth, new_qx, new_qy, ratio)
            done = ready
    return np.float64(_float(deepest))


@njit(cache=True, fastmath=True, error_model="numpy")
def _rain(first: int, last: int, level: Any, factor: Any, fallen: float) -> None:
    for k in range(np.uint64(first), np.uint64(last)):
        level[k] += factor[k] * fallen


@njit(cache=True, fastmath=True, error_model="numpy")
def _infiltrate(
    first: int, last: int, level: Any, bed: Any, taken: Any, soil: Any, pull: Any, soft: Any, step: float
) -> float:
    """Green-Ampt on the pervious part of each cell, from the water standing on that part."""
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        gain = min(green_ampt_step(taken[k], soil[k], pull[k], step), max(level[k] - bed[k], 0.0))
        taken[k] += gain
        gain *= soft[k]
        level[k] -= gain
        total += gain
    return total


@njit(cache=True, fastmath=True, error_model="numpy")
def _drain(first: int, last: int, level: Any, bed: Any, inlets: Any, step: float) -> float:
    total = 0.0
    for k in range(np.uint64(first), np.uint64(last)):
        gone = min(inlets[k] * step, max(level[k] - bed[k], 0.0))
        level[k] -= gone
        total += gone
    return total


@njit(cache=True, fastmath=True, error_model="numpy")
def _shadow(first: int, last: int, level: Any, bed: Any, depth: Any) -> float:
    """Bring the depth in step with the level; returns the deepest."""
    deepest = np.int32(0)
    for k in range(np.uint64(first), np.uint64(last)):
        depth[k] = np.float32(max(level[k] - bed[k], 0.0))
        deepest = max(deepest, _bits(depth[k]))
    return np.float64(_float(deepest))


@njit(cache=True, error_model="numpy")
def _feed(level: Any, bed: Any, depth: Any, fed: Any, feed: Any, step: float) -> None:
    for n in range(fed.size):
        level[fed[n]] += feed[n] * step
        depth[fed[n]] = np.float32(level[fed[n]] - bed[fed[n]])


@njit(cache=True, error_model="numpy")
def _leave(depth: Any, friction: Any, rim: Any, normal: Any, faces: Any, out: Any, cell_size: float) -> None:
    """Rate [m/s] at which each rim cell loses depth over its open faces: normal depth, at most critical."""
    for n in range(rim.size):
        water = max(np.float64(depth[rim[n]]), 0.0)
        manning = np.cbrt(water) ** 5 * normal[n] * np.sqrt(GRAVITY / friction[rim[n]])
        critical = faces[n] * water * np.sqrt(GRAVITY * water)
        out[n] = min(manning, critical) / cell_size


@njit(cache=True, error_model="numpy")
def _shed(level: Any, bed: Any, depth: Any, rim: Any, out: Any, step: float) -> float:
    """Take from the rim what leaves in one step, at most what the cell holds."""
    total = 0.0
    for n in range(rim.size):
        k = rim[n]
        gone = min(out[n] * step, max(level[k] - bed[k], 0.0))
        level[k] -= gone
        depth[k] = np.float32(level[k] - bed[k])
        total += gone
    return total


@njit(cache=True, error_model="numpy")
def _hold(level: Any, bed: Any, depth: Any, held: Any, held_level: Any) -> float:
    total = 0.0
    for n in range(held.size):
        k = held[n]
        total += level[k] - held_level[n]
        level[k] = held_level[n]
        depth[k] = np.float32(level[k] - bed[k])
    return total


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _record(
    first: int, last: int, width: int, depth: Any, qx: Any, qy: Any, max_depth: Any, max_speed: Any, max_hazard: Any
) -> None:
    """Raise the maxima of depth, speed and depth times speed to what they are now."""
    w = np.uint64(width)
    i = np.uint64(1)
    half = np.float32(0.5)
    zero = np.float32(0.0)
    least = np.float32(SPEED_DEPTH)
    for k in range(np.uint64(first), np.uint64(last)):
        x = half * (qx[k] + qx[k - i])
        y = half * (qy[k] + qy[k - w])
        hazard = np.sqrt(x * x + y * y)
        hazard = hazard if depth[k] > least else zero
        max_depth[k] = max(max_depth[k], depth[k])
        max_hazard[k] = max(max_hazard[k], hazard)
        max_speed[k] = max(max_speed[k], hazard / max(depth[k], least))


@njit(cache=True, fastmath={"nsz", "contract", "arcp"}, error_model="numpy")
def _arrive(first: int, last: int, depth: Any, arrival: Any, threshold: float, time: float) -> None:
    now = np.float32(time)
    enough = np.float32(threshold)
    never = np.float32(np.inf)
    for k in range(np.uint64(first), np.uint64(last)):
        reached = now if depth[k] >= enough else never
        arrival[k] = min(arrival[k], reached)


@njit(cache=True, error_model="numpy")
def _flood(
    width: int, level: Any, bed: Any, friction: Any, factor: Any, fed: Any, feed: Any, soil: Any, pull: Any, soft: Any,
    inlets: Any, rim: Any, normal: Any, faces: Any, held: Any, lengths: Any, fallen: Any, cell_size: float,
    theta: float, courant: float, froude: float, arrival_depth: float, peaks: Any, totals: Any,
) -> int:  # fmt: skip
    """Carry the whole run; fills `peaks` and `totals` (infiltrated, drained, left by the rim, by held cells) [m]."""
    cells = level.size
    qx = np.zeros(cells, np.float32)
    qy = np.zeros(cells, np.float32)
    new_qx = np.zeros(cells, np.float32)
    new_qy = np.zeros(cells, np.float32)
    share = np.ones(cells, np.float32)
    depth = np.zeros(cells, np.float32)
    drop_x = np.zeros(cells, np.float32)
    drop_y = np.zeros(cells, np.float32)
    drop_x[:-1] = (bed[:-1] - bed[1:]).astype(np.float32)
    drop_y[:-width] = (bed[:-width] - bed[width:]).astype(np.float32)
    taken = np.zeros(cells)
    held_level = level[held]
    out = np.zeros(rim.size)
    soaks = soil.max() > 0.0
    drains = inlets.max() > 0.0
    time = 0.0
    steps = 0
    first = 2 * width
    end = cells - first
    _shadow(0, cells, level, bed, depth)
    _record(first, end, width, depth, qx, qy, peaks[0], peaks[1], peaks[2])
    _arrive(first, end, depth, peaks[3], arrival_depth, time)
    for interval in range(lengths.size):
        length = lengths[interval]
        deepest = 0.0
        for a in range(first, end, _CHUNK):
            b = min(a + _CHUNK, end)
            if fallen[interval] > 0.0:
                _rain(a, b, level, factor, fallen[interval])
            if soaks:
                totals[0] += _infiltrate(a, b, level, bed, taken, soil, pull, soft, length)
            if drains:
                totals[1] += _drain(a, b, level, bed, inlets, length)
            deepest = max(deepest, _shadow(a, b, level, bed, depth))
        left = length
        while left > 0.0:
            longest = courant * cell_size / np.sqrt(GRAVITY * np.maximum(deepest, THIN))
            parts = np.ceil(left / longest)
            step = left / parts
            _leave(depth, friction, rim, normal, faces, out, cell_size)
            deepest = _flow_step(
                width, level, bed, depth, drop_x, drop_y, friction, qx, qy, new_qx, new_qy, share, cell_size, step,
                theta, froude,
            )  # fmt: skip
            qx, new_qx = new_qx, qx
            qy, new_qy = new_qy, qy
            _feed(level, bed, depth, fed, feed, step)
            totals[2] += _shed(level, bed, depth, rim, out, step)
            totals[3] += _hold(level, bed, depth, held, held_level)
            left = left - step if parts > 1.0 else 0.0
            steps += 1
        time += length
        for a in range(first, end, _CHUNK):
            b = min(a + _CHUNK, end)
            _record(a, b, width, depth, qx, qy, peaks[0], peaks[1], peaks[2])
            _arrive(a, b, depth, peaks[3], arrival_depth, time)
    return steps
