"""The ground that water moves over: free, held and closed cells, framed with walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from synapolis.core.errors import ModelError

Side = Literal["north", "south", "west", "east"]
Boundary = Literal["closed", "open"] | tuple[Side, ...] | NDArray[np.bool_]

WALL = 1e9
"""Bed [m] of a cell outside the domain: no water stands above it, so no face to it ever carries any."""

STRIDE = 32
"""Cells that the loops over a row take at once: rows are filled up with walls to a whole number of them."""

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


def frame_of(shape: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Walls before and after the rows and columns of a grid, so that no loop needs to ask where it ends."""
    return (2, 2), (1, 1 + -shape[1] % STRIDE)


def side(shape: tuple[int, int], *names: Side) -> NDArray[np.bool_]:
    """Mark the cells along the named sides of a grid whose first row is north."""
    marked = np.zeros(shape, dtype=bool)
    for name in names:
        marked[STRIPS[name]] = True
    return marked


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain, framed with walls: cell (row, column) has the flat place (row + 2) * width + column + 1."""

    shape: tuple[int, int]
    width: int
    inside: NDArray[np.bool_]
    free: NDArray[np.bool_]
    held: NDArray[np.bool_]
    held_depth: NDArray[np.float64]
    ground: NDArray[np.float64]
    bed: NDArray[np.float64]
    """(row, column), framed."""
    cell_size: float

    @classmethod
    def of(
        cls, elevation: ArrayLike, active: NDArray[np.bool_] | None, held_level: ArrayLike | None, cell_size: float
    ) -> Domain:
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
        framed = np.pad(bed, frame_of(ground.shape), constant_values=WALL)
        return cls(ground.shape, framed.shape[1], inside, free, shore, held_depth, ground, framed, cell_size)

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

    def framed(self, values: NDArray[Any], *, outside: float = 0.0) -> NDArray[Any]:
        """Frame a grid with walls."""
        return np.pad(values, frame_of(self.shape), constant_values=outside)

    def drops(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bed of each cell less that of the next in its row, and in its column [m], framed."""
        along, across = np.zeros((2, *self.bed.shape), np.float32)
        along[:, :-1] = self.bed[:, :-1] - self.bed[:, 1:]
        across[:-1] = self.bed[:-1] - self.bed[1:]
        return along, across

    def result(self, framed: NDArray[Any]) -> NDArray[Any]:
        """Cut the frame off again."""
        return np.ascontiguousarray(framed[2:-2, 1 : 1 + self.shape[1]])

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
        rim = np.flatnonzero(self.framed(self.free & (faces > 0)))
        return rim, self.framed(normal).flat[rim], self.framed(faces).flat[rim]


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
