"""The site of a made-up city: a warped lattice of lines, a sea in the south, a river, a hill, and its terrain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.layers.grid import Grid, Raster

CRS = "EPSG:32626"  # UTM 26 N; the origin below lies in the open Atlantic, so nobody takes the city for a real one
LEFT, BOTTOM = 500_000.0, 5_000_000.0
BLOCK_WIDTH, BLOCK_DEPTH = 112.0, 84.0  # m between street axes
PEOPLE_PER_HECTARE = 82.0  # gross, water and parks included: a European town
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """Lines i run north-south, lines j west-east; the first and last of each are the border, not streets."""

    people: int
    seed: int
    width: float
    depth: float
    nodes: Points  # (i, j, xy) [m], in the city's CRS
    phases: Points

    def chance(self, part: int) -> np.random.Generator:
        """A stream of seeded chance of its own for each part of the city, so that one part never shifts another."""
        return np.random.default_rng([self.seed, part])

    @property
    def columns(self) -> int:
        """Blocks from west to east."""
        return int(self.nodes.shape[0]) - 1

    @property
    def rows(self) -> int:
        """Blocks from south to north."""
        return int(self.nodes.shape[1]) - 1

    @property
    def rail_row(self) -> int:
        """The row of blocks that the railway takes."""
        return self.rows - 2 if self.rows >= 8 else self.rows - 1

    @property
    def centre(self) -> Points:
        """Where the town is densest."""
        return np.array([LEFT + 0.42 * self.width, BOTTOM + 0.45 * self.depth])

    @cached_property
    def extent(self) -> shapely.Polygon:
        """The city's border."""
        return shapely.box(LEFT, BOTTOM, LEFT + self.width, BOTTOM + self.depth)

    @cached_property
    def grid(self) -> Grid:
        """Square cells, finer in a small city."""
        cell = next(size for size, limit in ((4.0, 2_200), (5.0, 3_500), (8.0, np.inf)) if self.width < limit)
        rows, columns = int(np.ceil(self.depth / cell)), int(np.ceil(self.width / cell))
        return Grid(left=LEFT, top=BOTTOM + rows * cell, cell_size=cell, rows=rows, columns=columns)

    def is_arterial(self, line: int) -> bool:
        """Every fourth line is a main street."""
        return line % 4 == 2

    def coast(self, x: Points) -> Points:
        """Northing of the shore at an easting [m]."""
        t = (x - LEFT) / self.width
        bays = 0.1 + 0.025 * np.sin(5 * t + self.phases[0])
        return np.asarray(BOTTOM + self.depth * bays + 6 * np.sin(19 * t + self.phases[1]))

    def river(self, y: Points) -> Points:
        """Easting of the river's axis at a northing [m]."""
        t = (y - BOTTOM) / self.depth
        return np.asarray(LEFT + self.width * (0.7 + 0.045 * np.sin(4.5 * t + self.phases[2]) + 0.015 * np.sin(11 * t)))

    @cached_property
    def river_width(self) -> float:
        """Width of the river [m]."""
        return float(np.clip(0.012 * self.width, 10, 45))

    @cached_property
    def sea(self) -> shapely.Polygon:
        """The sea, closed at the border."""
        x = np.linspace(LEFT, LEFT + self.width, 160)
        shore = np.column_stack([x, self.coast(x)])
        return shapely.Polygon([*shore, (LEFT + self.width, BOTTOM), (LEFT, BOTTOM)])

    @cached_property
    def river_area(self) -> shapely.Polygon:
        """The river from the northern border to the sea."""
        y = np.linspace(BOTTOM - 50, BOTTOM + self.depth + 50, 160)
        band = shapely.LineString(np.column_stack([self.river(y), y])).buffer(self.river_width / 2)
        inside = shapely.difference(shapely.intersection(band, self.extent), self.sea)
        return max(shapely.get_parts(inside), key=shapely.area)

    @cached_property
    def water(self) -> shapely.Geometry:
        """Sea and river together, ready for many questions."""
        both = shapely.union_all([self.sea, self.river_area])
        shapely.prepare(both)
        return both

    @cached_property
    def terrain(self) -> Raster:
        """Ground that falls to the sea and the river, with a hill in the north-west [m]."""
        x, y = self.grid.centres()
        elevation = self.elevation(*np.meshgrid(x, y)).astype(np.float32)
        elevation[self.grid.mask(self.sea)] = 0
        return Raster(elevation, tuple(self.grid.transform)[:6], CRS)

    def elevation(self, x: Points, y: Points) -> Points:
        """Ground elevation at points on land [m]."""
        inland = np.maximum(y - self.coast(x), 0)
        ground = 1.5 + 0.011 * inland
        away = np.hypot(x - (LEFT + 0.22 * self.width), y - (BOTTOM + 0.68 * self.depth)) / (0.2 * self.width)
        ground += np.clip(0.02 * self.width, 8, 60) * np.exp(-(away**2))
        ground += 0.6 * np.sin(x / 97 + self.phases[3]) * np.sin(y / 83 + self.phases[4])
        bed = 0.2 + 0.004 * inland
        across = np.abs(x - self.river(y))
        banks = 1 - np.exp(-((across / (60 + self.river_width)) ** 2))
        return np.where(across < self.river_width / 2, bed, bed + 1 + (np.maximum(ground - bed - 1, 0)) * banks)


def make_site(people: int, seed: int) -> Site:
    """Lay out the lattice for a number of people."""
    area = people / PEOPLE_PER_HECTARE * 10_000
    columns = max(5, round(np.sqrt(area * 1.3) / BLOCK_WIDTH))
    rows = max(6, round(area / (columns * BLOCK_WIDTH) / BLOCK_DEPTH))
    width, depth = columns * BLOCK_WIDTH, rows * BLOCK_DEPTH
    chance = np.random.default_rng([seed, 0])
    phases = chance.uniform(0, 2 * np.pi, 8)
    x = _lines(columns, width, chance)[:, None]
    y = _lines(rows, depth, chance)[None, :]
    bend_x = np.clip(0.016 * width, 4, 30) * np.sin(2.4 * np.pi * y / depth + phases[5]) * np.sin(np.pi * x / width)
    bend_y = np.clip(0.016 * depth, 4, 30) * np.sin(2.1 * np.pi * x / width + phases[6]) * np.sin(np.pi * y / depth)
    nodes = np.stack(np.broadcast_arrays(LEFT + x + bend_x, BOTTOM + y + bend_y), axis=-1)
    return Site(people=people, seed=seed, width=width, depth=depth, nodes=nodes, phases=phases)


def whole_shares(weights: Points, total: int) -> NDArray[np.int64]:
    """Divide a whole number by weights into whole numbers that add up to it (largest remainders first)."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    parts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def _lines(count: int, length: float, chance: np.random.Generator) -> Points:
    """Positions of count + 1 lines, the first and last on the border, unevenly spaced by a tenth."""
    steps = chance.uniform(0.9, 1.1, count)
    return np.concatenate([[0.0], np.cumsum(steps) / steps.sum() * length])
