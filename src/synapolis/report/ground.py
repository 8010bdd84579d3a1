"""Draw the quiet ground under every map: water, green, buildings and streets of a city.

Apart from `basemap`, because drawing loads matplotlib, for which a server that only hands out pictures need not wait.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from PIL import Image

from synapolis.layers.city import City
from synapolis.report.basemap import GREEN_USES, BaseMap, data_uri

LONG_SIDE = 1600  # pixels: sharp when a third of the area is shown on a wide screen, small in the file
PAPER, WATER, GREEN, BUILDING, STREET, RAIL = "#f7f6f2", "#dce6ec", "#e9eddf", "#dcd8d0", "#ffffff", "#cfcac2"
MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary")


def draw_base(city: City) -> BaseMap:
    """Draw water, green, buildings, streets and tracks of a city over the bounds of its grid."""
    bounds = _bounds(city)
    scale = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / LONG_SIDE
    width, height = (max(round(side / scale), 1) for side in (bounds[2] - bounds[0], bounds[3] - bounds[1]))
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(bounds[0], bounds[2]), ylim=(bounds[1], bounds[3]))
    _draw_areas(axes, _value(city, "land_use"), GREEN, uses=GREEN_USES)
    _draw_areas(axes, _value(city, "water"), WATER)
    _draw_streets(axes, _value(city, "streets"), scale)
    _draw_lines(axes, _value(city, "rail"), RAIL, 0.6)
    _draw_areas(axes, _value(city, "buildings"), BUILDING)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixels[..., :3].copy())
    return BaseMap(data_uri(picture.quantize(32, dither=Image.Dither.NONE)), bounds, width, height, scale)


def _bounds(city: City) -> tuple[float, float, float, float]:
    if city.grid.rows > 0 and city.grid.columns > 0:
        return city.grid.bounds
    left, bottom, right, top = city.extent.bounds
    return left, bottom, right, top


def _value(city: City, name: str) -> Any:
    layer = city.layers.get(name)
    return layer.value if layer is not None and isinstance(layer.value, gpd.GeoDataFrame) else None


def _draw_areas(axes: Any, table: Any, colour: str, uses: set[str] | None = None) -> None:
    if table is None:
        return
    areas = table[table["use"].isin(uses)] if uses is not None and "use" in table.columns else table
    parts = shapely.get_parts(np.asarray(areas.geometry))
    outlines = [_outline(part) for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    if outlines:
        axes.add_collection(PathCollection(outlines, facecolors=colour, edgecolors="none"), autolim=False)


def _outline(polygon: shapely.Polygon) -> Outline:
    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    codes = []
    for ring in rings:
        codes += [Outline.MOVETO, *[Outline.LINETO] * (len(ring) - 2), Outline.CLOSEPOLY]
    return Outline(np.concatenate(rings), codes)


def _draw_streets(axes: Any, table: Any, scale: float) -> None:
    if table is None:
        return
    major = table["road_class"].str.startswith(MAJOR) if "road_class" in table.columns else np.zeros(len(table), bool)
    thin = 72 / 100 * min(max(5 / scale, 0.7), 4)  # about 5 m wide, in points
    for chosen, width in ((~major, thin), (major, 1.8 * thin)):
        _draw_lines(axes, table[chosen], "#e3dfd7", width + 0.7)
    for chosen, width in ((~major, thin), (major, 1.8 * thin)):
        _draw_lines(axes, table[chosen], STREET, width)


def _draw_lines(axes: Any, table: Any, colour: str, width: float) -> None:
    if table is None or not len(table):
        return
    parts = shapely.get_parts(np.asarray(table.geometry))
    lines = [shapely.get_coordinates(part) for part in parts]
    axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, capstyle="round"), autolim=False)
