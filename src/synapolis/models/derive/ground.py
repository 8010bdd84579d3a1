"""Bare-ground elevation on the city's grid, from a terrain raster or from spot heights and the shore."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.fill import fillnodata
from scipy.interpolate import RBFInterpolator, RectBivariateSpline
from scipy.ndimage import gaussian_filter

from synapolis.core.declare import model
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.grid import Raster
from synapolis.layers.vocabulary import Grid as GridWord
from synapolis.layers.vocabulary import GroundElevation, SpotHeights, Terrain, Water

SMALLEST_COVER = 0.9  # share of the grid a terrain raster must cover before its holes may be filled
FEWEST_SPOTS = 12
SHORE_SPACING = 50.0  # m between the points of sea level along the shore
EVALUATION_SPACING = 16.0  # m: the spline is smooth, so it is evaluated this far apart and refined
MOST_EVALUATIONS = 160  # per side, for large extents
LARGEST_ERROR = 3.0  # m RMS, leave one out: above it the surface tells too little of where water runs
SPLINE_SMOOTHING = 10.0  # m: the interpolated surface may miss a barometric reading by some decimetres
MOST_READINGS = 800  # more are thinned, and so is the shore: the spline solves a dense system


@model(
    version="1",
    decision="Runoff, surface flow and everything that runs downhill.",
    method="The terrain raster is averaged or interpolated to the grid; holes are filled from their rims by inverse "
    "distance; whole-metre terraces are smoothed by repeated Gaussian filters held within half a metre of the data.",
    limits="Needs a raster over at least 90 % of the grid. A smoothed terrace may be half a metre out; kerbs, walls "
    "and culverts are not seen.",
    risks="Shallow water on conditioned terraces follows the filter, not the street: depths below 0.3 m are "
    "illustrative where the source has whole metres.",
    tests="tests/models/test_derive_ground.py",
)
def ground_elevation(terrain: Terrain, grid: GridWord) -> GroundElevation:
    """Bring a terrain raster to the grid, with its holes filled and its whole-metre terraces smoothed.

    Parameters
    ----------
    terrain : Raster [m]
        In the city's CRS; NaN where nothing is known.
    grid : Grid

    Returns
    -------
    (row, column) [m]

    Raises
    ------
    NotComputableError
        The raster covers less than 90 % of the grid.

    References
    ----------
    GDAL, GDALFillNodata: inverse-distance interpolation from the rim of each hole. Terraces: Gaussian smoothing under
    the constraint that every cell still rounds to the value delivered (method of this project).
    """
    values = np.asarray(terrain.values, dtype=np.float32)
    if has_terraces(values):
        values = smooth_terraces(values)
    ground = Raster(values, terrain.transform, terrain.crs).on_grid(grid)
    known = np.isfinite(ground)
    if known.mean() < SMALLEST_COVER:
        raise NotComputableError(
            f"ground_elevation needs terrain over at least 90 % of the city's grid; the raster covers "
            f"{known.mean():.0%}; give a larger raster or a smaller extent"
        )
    return fill_holes(ground)


@model(
    version="1",
    decision="Runoff routing where no terrain raster exists; depths on it are illustrative only.",
    method="Polyharmonic spline of the distance, lightly smoothed, through spot heights and points at 0 m along the "
    "sea shore; sea cells are 0 m and land is kept between sea level and the highest reading.",
    limits="Leave-one-out error about 2 m RMS in central Helsinki (86 mostly barometric readings): steps, ramps, walls "
    "and hollows between readings are not there. Needs at least 12 readings.",
    risks="A flood map on this surface shows where interpolation puts hollows; never use it for one property.",
    tests="tests/models/test_derive_ground.py",
    optional=("water",),
    rank=1,
)
def ground_elevation_from_spot_heights(spot_heights: SpotHeights, water: Water, grid: GridWord) -> GroundElevation:
    """Interpolate the ground between spot heights and the sea shore at 0 m.

    Parameters
    ----------
    spot_heights : GeoDataFrame with `elevation` [m above the vertical datum, whose 0 is taken as sea level]
    water : GeoDataFrame with `kind`, or None
    grid : Grid

    Returns
    -------
    (row, column) [m]

    Raises
    ------
    NotComputableError
        Fewer than 12 spot heights, or an error above 3 m RMS when each is left out in turn.

    References
    ----------
    Duchon, J. (1977), Splines minimizing rotation-invariant semi-norms in Sobolev spaces; scipy RBFInterpolator
    (`linear`, degree 1).
    """
    if len(spot_heights) < FEWEST_SPOTS:
        raise NotComputableError(
            f"ground_elevation needs a terrain raster or at least {FEWEST_SPOTS} spot heights; this city has "
            f"{len(spot_heights)}; there is no flat fallback"
        )
    sea = sea_area(water)
    points, heights = known_points(spot_heights, sea)
    error = float(np.sqrt(np.mean(leave_one_out(points, heights)[heights != 0] ** 2)))
    if error > LARGEST_ERROR:
        raise NotComputableError(
            f"ground_elevation needs a terrain raster: between this city's {len(spot_heights)} spot heights the "
            f"ground is off by {error:.1f} m RMS when each is left out in turn; at most {LARGEST_ERROR:g} m is accepted"
        )
    ground = _spline_on_grid(points, heights, grid)
    ground = np.clip(ground, 0.0 if not sea.is_empty else heights.min(), heights.max())
    if not sea.is_empty:
        ground[grid.mask(sea)] = 0.0
    return ground.astype(np.float32)


def has_terraces(values: NDArray[np.float32]) -> bool:
    """Whether all known values are whole metres."""
    known = values[np.isfinite(values)]
    return bool(known.size and (known == np.round(known)).all())


def smooth_terraces(values: NDArray[np.float32], rounds: int = 24, sigma: float = 2.0) -> NDArray[np.float32]:
    """Smooth whole-metre steps; every cell stays within half a metre of its value, holes stay holes.

    Parameters
    ----------
    values : (row, column) [m]
    rounds : how often the filter and the limits are applied
    sigma : standard deviation of the filter [cells]
    """
    known = np.isfinite(values)
    weight = gaussian_filter(known.astype(np.float32), sigma)
    weight[~known] = 1
    base = np.where(known, values, 0).astype(np.float32)
    surface = base.copy()
    for _ in range(rounds):
        surface = np.clip(gaussian_filter(surface, sigma) / weight, base - 0.5, base + 0.5) * known
    return np.where(known, surface, np.nan).astype(np.float32)


def fill_holes(ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill missing cells from the rims of their holes by inverse distance."""
    known = np.isfinite(ground)
    if known.all():
        return ground
    reach = float(np.hypot(*ground.shape))  # cells
    filled = fillnodata(np.where(known, ground, 0).astype(np.float32), mask=known, max_search_distance=reach)
    return np.asarray(filled, dtype=np.float32)


def sea_area(water: gpd.GeoDataFrame | None) -> shapely.Geometry:
    """Union of the water areas that are sea; empty without any."""
    if water is None or water.empty:
        return shapely.MultiPolygon()
    return shapely.union_all(water.geometry.to_numpy()[(water["kind"] == "sea").to_numpy()])


def known_points(
    spot_heights: gpd.GeoDataFrame, sea: shapely.Geometry
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates (point, 2) and heights (point,) of the readings on land and of the shore at 0 m, each place once."""
    on_land = ~shapely.intersects(sea, spot_heights.geometry.to_numpy())
    spots = shapely.get_coordinates(spot_heights.geometry.to_numpy()[on_land])
    heights = spot_heights["elevation"].to_numpy(dtype=np.float64)[on_land]
    step = -(-len(spots) // MOST_READINGS)
    shore = shore_points(sea)
    shore = shore[:: -(-len(shore) // MOST_READINGS) or 1]
    points = np.vstack([spots[:: step or 1], shore])
    levels = np.concatenate([heights[:: step or 1], np.zeros(len(shore))])
    _, first = np.unique(np.round(points), axis=0, return_index=True)
    return points[np.sort(first)], levels[np.sort(first)]


def shore_points(sea: shapely.Geometry) -> NDArray[np.float64]:
    """Points (point, 2) every 50 m along the rim of the sea and inside it."""
    if sea.is_empty:
        return np.zeros((0, 2))
    rim = shapely.get_parts(shapely.boundary(sea))
    return np.vstack(
        [
            shapely.get_coordinates(
                shapely.line_interpolate_point(line, np.arange(0, line.length, SHORE_SPACING, dtype=np.float64))
            )
            for line in rim
        ]
    )


def spline(points: NDArray[np.float64], heights: NDArray[np.float64]) -> RBFInterpolator:
    """Polyharmonic spline through (point, 2) [m] and heights [m].

    The distance itself is its kernel: unlike a thin plate it hardly swings below the sea between far readings.

    Raises
    ------
    ModelError
        All points on one line: no surface is defined.
    """
    try:
        return RBFInterpolator(points, heights, kernel="linear", degree=1, smoothing=SPLINE_SMOOTHING)
    except np.linalg.LinAlgError as error:
        raise _on_one_line(points) from error


def leave_one_out(points: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Error of the spline at each point when it is made without that point [m].

    In closed form: with A the spline's matrix bordered by its linear part, the error at i is c_i / (A⁻¹)_ii where
    A c = heights (Rippa 1999, An algorithm for selecting a good value for the parameter c in radial basis function
    interpolation).
    """
    distance = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
    kernel = SPLINE_SMOOTHING * np.eye(len(points)) - distance
    plane = np.column_stack([np.ones(len(points)), (points - points.mean(axis=0)) / max(1.0, np.ptp(points))])
    bordered = np.block([[kernel, plane], [plane.T, np.zeros((3, 3))]])
    try:
        inverse = np.linalg.inv(bordered)
    except np.linalg.LinAlgError as error:
        raise _on_one_line(points) from error
    count = len(points)
    return np.asarray(inverse[:count, :count] @ heights / np.diag(inverse)[:count], dtype=np.float64)


def _on_one_line(points: NDArray[np.float64]) -> ModelError:
    return ModelError(
        f"{len(points)} spot heights lie on one line, so no surface is defined; give readings to both sides"
    )


def _spline_on_grid(points: NDArray[np.float64], heights: NDArray[np.float64], grid: GridWord) -> NDArray[np.float64]:
    """Evaluate the spline on a coarse lattice and refine it by bicubic interpolation. (row, column) [m]."""
    x, y = grid.centres()
    rows, columns = (min(MOST_EVALUATIONS, max(4, int(n * grid.cell_size / EVALUATION_SPACING))) for n in grid.shape)
    coarse_x, coarse_y = np.linspace(x[0], x[-1], columns), np.linspace(y[-1], y[0], rows)
    lattice = np.stack(np.meshgrid(coarse_x, coarse_y), axis=-1).reshape(-1, 2)
    values = spline(points, heights)(lattice).reshape(rows, columns)
    fine = RectBivariateSpline(coarse_y, coarse_x, values)(y[::-1], x)
    return np.asarray(fine[::-1], dtype=np.float64)
