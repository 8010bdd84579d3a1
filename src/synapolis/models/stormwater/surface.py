"""Water over the ground: rain, infiltration, inlets and shallow flow on one grid of square cells.

The flow is the local-inertial approximation of the shallow-water equations (no advection), which suits slow,
shallow urban floods and not dam breaks. Depth, discharge and roughness are float32; the depth carries its remainder
along, so that volumes close to about 1e-9. Only what is wet, or beside it, is stepped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synapolis.core.errors import ModelError
from synapolis.models.stormwater.account import SurfaceFlow, WaterBalance
from synapolis.models.stormwater.domain import Boundary, Domain
from synapolis.models.stormwater.exchange import Points, Soil, observe, sources
from synapolis.models.stormwater.infiltration import rain_series
from synapolis.models.stormwater.intervals import MM_PER_HOUR, intervals
from synapolis.models.stormwater.kernel import BLOCK, DAMP, GRAVITY, WET, Desk, Ground, Water, spans_of
from synapolis.models.stormwater.stepping import flow

Floats = NDArray[np.float64]

PAGE = 1024
"""Flow steps noted at a time."""

LEAST_ROWS = 8
"""A band of fewer rows is not worth a thread."""


class Surface:
    """Water on the ground, carried from one moment to the next: between intervals sewers may take from it and give.

    Arguments as `surface_flow`, which runs it from beginning to end, and `storage` [mm]: room below each cell that
    fills with the water standing there, whether it fell on the cell or ran onto it.
    """

    def __init__(
        self,
        elevation: ArrayLike,
        *,
        cell_size: float,
        manning: ArrayLike,
        rain_factor: ArrayLike = 1.0,
        conductivity: ArrayLike = 0.0,
        suction: ArrayLike = 0.0,
        moisture_deficit: ArrayLike = 0.0,
        pervious_fraction: ArrayLike = 1.0,
        inlet_capacity: ArrayLike = 0.0,
        storage: ArrayLike = 0.0,
        inflow: ArrayLike = 0.0,
        initial_depth: ArrayLike = 0.0,
        active: NDArray[np.bool_] | None = None,
        boundary: Boundary = "closed",
        held_level: ArrayLike | None = None,
        theta: float = 0.9,
        courant: float = 0.7,
        froude_limit: float = 1.0,
        arrival_depth: float = 0.05,
        threads: int = 1,
    ) -> None:
        settings = {
            "theta": (theta, 1.0),
            "courant": (courant, 1.0),
            "froude_limit": (froude_limit, np.inf),
            "arrival_depth": (arrival_depth, np.inf),
        }
        for name, (value, top) in settings.items():
            _in_range(name, value, top)
        grid = self.domain = Domain.of(elevation, active, held_level, cell_size)
        self.cell_area = cell_size**2
        self._scales = (float(cell_size), float(theta), float(min(froude_limit, 1e3)))
        self._courant, self._arrival_depth = float(courant), float(arrival_depth)
        start = np.where(grid.held, grid.held_depth, grid.field("initial_depth", initial_depth))
        self._start = grid.framed(start)
        rough = grid.field("manning", manning, elsewhere=0.03)
        if not (rough > 0.0).all():
            raise ModelError("manning must be above 0 on every active cell, got 0; map ground cover first")
        self._ground = Ground(*grid.drops(), grid.framed(GRAVITY * rough**2, outside=GRAVITY).astype(np.float32))
        pull = grid.field("suction", suction) * grid.field("moisture_deficit", moisture_deficit, top=1.0)
        soil = {
            "factor": grid.field("rain_factor", rain_factor),
            "conductivity": grid.field("conductivity", conductivity) * MM_PER_HOUR,
            "pull": pull / 1000.0,
            "soft": grid.field("pervious_fraction", pervious_fraction, top=1.0),
            "inlets": grid.field("inlet_capacity", inlet_capacity) * MM_PER_HOUR,
            "taken": np.zeros(grid.shape),
        }
        self._soil = Soil(**{name: grid.framed(values).astype(np.float32) for name, values in soil.items()})
        self._soaks, self._drains = bool(self._soil.conductivity.any()), bool(self._soil.inlets.any())
        room = grid.framed(grid.field("storage", storage)).reshape(-1) / 1000.0
        self._stores = np.flatnonzero(room)
        self._room = room[self._stores]
        feed = grid.framed(grid.field("inflow", inflow)).reshape(-1) / self.cell_area
        fed, held = np.flatnonzero(feed), np.flatnonzero(grid.framed(grid.held))
        rim, normal, faces = grid.open_rim(boundary)
        shore = held, self._blocks_of(held), self._start.flat[held], np.zeros(held.size)
        self._points = Points(fed, feed[fed], rim, normal, faces, np.zeros(rim.size), *shore)
        self._sea = self._points.held, self._points.held_depth
        self._begin(threads)

    def _begin(self, threads: int) -> None:
        """Lay out what changes with time."""
        shape = rows, width = self._start.shape
        depth = self._start.astype(np.float32)
        self._water = Water(depth, (self._start - depth).astype(np.float32), *np.zeros((2, *shape), np.float32))
        blocks = -(-(width - 2) // BLOCK)
        self._blocks = np.zeros((rows, blocks + 2), np.uint8)
        self._blocks[2:-2, 1:-1] = WET
        bands = max(1, min(threads, (rows - 4) // LEAST_ROWS))
        self._desk = Desk(
            rows=2 + np.arange(bands + 1) * (rows - 4) // bands,
            sheets=np.zeros((bands, 6, width), np.float32),
            shares=np.ones((bands, 4, width), np.float32),
            least=np.ones(rows, np.float32).view(np.int32),
            spans=np.zeros((rows, blocks + 1), np.int64),
            counts=np.zeros(rows, np.int64),
        )
        self._flow = _in_bands() if bands > 1 else flow
        self._row = np.zeros(width)
        self._totals = np.zeros(4)  # [m]: infiltrated, drained, left over the rim, left by held cells
        self._peaks = np.zeros((4, *shape), dtype=np.float32)
        self._peaks[3] = np.inf
        self._given = self._fallen = self._kept = 0.0
        self.time = 0.0
        self.steps = 0
        self._observe()

    def advance(
        self, length: float, fallen: float = 0.0, steps: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Carry the water on.

        Parameters
        ----------
        length : [s]
            Rain, infiltration and inlets act once, at its beginning; maxima are taken at its end.
        fallen : [m]
            Rain in that time.
        steps : (step,) [s], optional
            Lengths of the flow steps, which add up to `length`, as another run of the same storm returned them.

        Returns
        -------
        (step,) [s]
            Lengths of the flow steps taken.
        """
        if fallen > 0.0:
            self._blocks[2:-2, 1:-1] = np.maximum(self._blocks[2:-2, 1:-1], DAMP)
        self._note_spans()
        deepest = sources(
            self._water, self._soil, self._desk, self._blocks, self._row, fallen, self._soaks, self._drains, length,
            self._totals,
        )  # fmt: skip
        self._store()
        taken = self._run(length, deepest, np.empty(0) if steps is None else steps)
        self._given += float(self._points.feed.sum()) * length
        self._fallen += fallen
        self.time += length
        self.steps += taken.size
        self._observe()
        return taken

    def _run(self, left: float, deepest: float, given: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let the water flow for `left` seconds; returns the lengths of the steps."""
        pages: list[Floats] = []
        while left > 0.0:
            taken = np.empty(PAGE)
            done = sum(page.size for page in pages)
            count, left, deepest = self._flow(
                self._water, self._ground, self._desk, self._points, self._blocks, self._scales, self._courant,
                deepest, left, given[done:], taken, self._totals,
            )  # fmt: skip
            pages.append(taken[:count])
        return np.concatenate(pages)

    def _note_spans(self) -> None:
        """List the columns that hold any water."""
        spans_of(self._blocks, DAMP, 0, self.domain.width, self._desk.spans, self._desk.counts)

    def _blocks_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Flat places of the blocks that cells lie in."""
        rows, columns = np.divmod(places, self.domain.width)
        wide = -(-(self.domain.width - 2) // BLOCK) + 2
        found: NDArray[np.int64] = rows * wide + (columns - 1) // BLOCK + 1
        return found

    def _stands(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Water on cells [m]."""
        water = self._water
        stands: Floats = water.depth.reshape(-1)[places].astype(float) + water.rest.reshape(-1)[places]
        return stands

    def _put(self, places: NDArray[np.int64], stands: NDArray[np.float64]) -> None:
        """Set the water on cells [m], and step their blocks from now on."""
        shown = stands.astype(np.float32)
        self._water.depth.reshape(-1)[places] = shown
        self._water.rest.reshape(-1)[places] = stands - shown
        self._blocks.reshape(-1)[self._blocks_of(places)] = WET

    def _store(self) -> None:
        """Let built storage fill with what stands above it."""
        at = self._stores
        if at.size:
            stands = self._stands(at)
            gone = np.minimum(self._room, np.maximum(stands, 0.0))
            self._put(at, stands - gone)
            self._room -= gone
            self._kept += float(gone.sum())

    def _observe(self) -> None:
        self._note_spans()
        observe(self._water, self._peaks, self._desk, self._arrival_depth, self.time)

    def places(self, cells: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the flat places of marked cells, in the order of `np.flatnonzero(cells)`."""
        return np.flatnonzero(self.domain.framed(cells & self.domain.free).astype(bool))

    def depths(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Water on cells now [m]."""
        shown: NDArray[np.float32] = self._water.depth.reshape(-1)[places]
        return shown

    def hold(self, places: NDArray[np.int64], depth: NDArray[np.float32]) -> None:
        """Keep cells at a depth [m] from now on, beside those held by the sea: a border on which another run is known.

        What they give and take is counted as left over the border. The places stay the same from call to call.
        """
        points, sea = self._points, self._sea[0].size
        if points.held.size == sea:
            held = np.concatenate([self._sea[0], places])
            passed = np.append(points.passed, np.zeros(places.size))
            points = points._replace(held=held, held_block=self._blocks_of(held), passed=passed)
        self._points = points._replace(held_depth=np.concatenate([self._sea[1], depth.astype(float)]))

    @property
    def passed(self) -> Floats:
        """What each place that is held has taken so far, net [m³], in their order."""
        taken: Floats = self._points.passed[self._sea[0].size :] * self.cell_area
        return taken

    @passed.setter
    def passed(self, volume: Floats) -> None:
        self._points.passed[self._sea[0].size :] = volume / self.cell_area

    @property
    def _state(self) -> tuple[NDArray[np.float32], ...]:
        """What each cell has come to, besides the discharge over its faces and what its storage can take."""
        return self._water.depth, self._water.rest, self._soil.taken, *self._peaks

    def take_over(self, other: Surface, at: tuple[int, int], *, account: bool) -> None:
        """Go on from where another surface stands, on the cells that it covers, and from its account if so asked.

        Parameters
        ----------
        other : Surface
            On the same ground, from the same beginning.
        at : its first row and column here
        account : bool
        """
        rows, columns = other.domain.shape
        theirs = np.s_[2 : 2 + rows, 1 : 1 + columns]
        here = np.s_[2 + at[0] : 2 + at[0] + rows, 1 + at[1] : 1 + at[1] + columns]
        covered = other.domain.inside
        state = (self._water.depth, self._water.rest, self._soil.taken, *self._peaks)
        for mine, given in zip(
            state, (other._water.depth, other._water.rest, other._soil.taken, *other._peaks), strict=True
        ):
            np.copyto(mine[here], given[theirs], where=covered)
        for mine, given in ((self._water.along, other._water.along), (self._water.across, other._water.across)):
            np.copyto(
                mine[here], given[theirs], where=covered & (given[theirs] != 0)
            )  # nothing flows beyond its border
        room, left = np.zeros(self._start.shape), np.zeros(other._start.shape)
        room.reshape(-1)[self._stores], left.reshape(-1)[other._stores] = self._room, other._room
        np.copyto(room[here], left[theirs], where=covered)
        self._room = room.reshape(-1)[self._stores]
        self._blocks[2:-2, 1:-1] = WET
        if account:
            self._totals += other._totals
            self._kept += other._kept
        self._given, self._fallen, self.time, self.steps = other._given, other._fallen, other.time, other.steps

    def give_back(self, places: NDArray[np.int64], depth: Floats) -> None:
        """Put water [m] on cells that had counted as left over the border; below 0 it is taken, as far as it stands."""
        stands = self._stands(places)
        now = np.maximum(stands + depth, 0.0)
        self._put(places, now)
        self._totals[3] -= float((now - stands).sum())

    @property
    def depth(self) -> NDArray[np.float32]:
        """Water now [m], as (row, column)."""
        return self.domain.result(self._water.depth)

    def draw(self, places: NDArray[np.int64], most: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take water out of cells, as inlets do: at most what stands there.

        Parameters
        ----------
        places : (inlet,)
            Each cell at most once.
        most : (inlet,) [m]

        Returns
        -------
        (inlet,) [m]
        """
        stands = self._stands(places)
        gone: NDArray[np.float64] = np.minimum(most, np.maximum(stands, 0.0))
        self._put(places, stands - gone)
        self._totals[1] += float(gone.sum())
        return gone

    def pour(self, place: NDArray[np.int64], volume: NDArray[np.float64]) -> None:
        """Put water on cells, as a spilling manhole does; a cell may be named several times.

        Parameters
        ----------
        place : (manhole,)
        volume : (manhole,) [m³]
        """
        places, which = np.unique(place, return_inverse=True)
        self._put(places, self._stands(places) + np.bincount(which, volume / self.cell_area, minlength=places.size))
        self._given += float(volume.sum()) / self.cell_area

    def result(self) -> SurfaceFlow:
        """Return the flood up to now.

        Raises
        ------
        ModelError
            When the run did not stay finite.
        """
        grid, area = self.domain, self.cell_area
        depth = np.maximum(self._water.depth.astype(float) + self._water.rest, 0.0)
        free = grid.framed(grid.free).astype(bool)
        if not np.isfinite(depth).all():
            raise ModelError(
                "the flow did not stay finite; take a smaller courant or froude_limit, or mend the terrain"
            )
        infiltrated, drained, over_rim, over_shore = (float(total) * area for total in self._totals)
        balance = WaterBalance(
            initial=float(self._start[free].sum()) * area,
            rain=float(self._soil.factor.sum(dtype=float)) * self._fallen * area,
            inflow=self._given * area,
            infiltrated=infiltrated,
            drained=drained,
            left=over_rim + over_shore,
            stored=float(depth[free].sum()) * area,
            kept=self._kept * area,
        )
        return SurfaceFlow(
            depth=grid.result(depth),
            max_depth=grid.result(self._peaks[0]),
            max_speed=grid.result(self._peaks[1]),
            max_hazard=grid.result(self._peaks[2]),
            arrival_time=grid.result(self._peaks[3]),
            balance=balance,
            steps=self.steps,
        )


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
    threads: int = 1,
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
    threads : int
        Bands of rows that are stepped at once, bit for bit as on one; numba's own limit on threads holds.

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
    _in_range("source_step", source_step, np.inf)
    lengths, fallen = intervals(rain_series(rain, rain_step), rain_step, duration, source_step)
    surface = Surface(
        elevation,
        cell_size=cell_size,
        manning=manning,
        rain_factor=rain_factor,
        conductivity=conductivity,
        suction=suction,
        moisture_deficit=moisture_deficit,
        pervious_fraction=pervious_fraction,
        inlet_capacity=inlet_capacity,
        inflow=inflow,
        initial_depth=initial_depth,
        active=active,
        boundary=boundary,
        held_level=held_level,
        theta=theta,
        courant=courant,
        froude_limit=froude_limit,
        arrival_depth=arrival_depth,
        threads=threads,
    )
    for length, depth in zip(lengths, fallen, strict=True):
        surface.advance(float(length), float(depth))
    return surface.result()


def _in_bands() -> Any:
    """Return the loop for several threads, whose machinery numba starts when it is loaded."""
    from synapolis.models.stormwater.stepping_bands import flow_in_bands  # noqa: PLC0415

    return flow_in_bands


def _in_range(name: str, value: float, top: float) -> None:
    if not 0.0 < value <= top:
        raise ModelError(f"{name} must be above 0{f' and at most {top:g}' if top < np.inf else ''}, got {value}")
