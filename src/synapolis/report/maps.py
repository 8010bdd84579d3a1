"""Maps of an answer: today, with the change, and the difference, side by side, with legend, scale and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy.ndimage import maximum_filter

from synapolis.layers.city import City
from synapolis.report.basemap import BaseMap, data_uri, round_length
from synapolis.report.numbers import amount, percent, significant, unit_label
from synapolis.report.ramps import Ramp, covers, diverging, flags, sequential
from synapolis.scenarios.answer import Evidence, MapLayer
from synapolis.scenarios.views import place_grain

OVERLAY_SIDE = 1200  # pixels: overlays of zones and links; cells keep their own size up to this
LABELLED = ("district", "square", "park")
MOST_LABELS = 7


@dataclass(frozen=True)
class Box:
    """The part of the base map that is shown, in its pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def view(self) -> str:
        """As an SVG viewBox."""
        return f"{self.x:.1f} {self.y:.1f} {self.width:.1f} {self.height:.1f}"


@dataclass(frozen=True)
class Panel:
    """One of the pictures of a map: an overlay on the base map, and its legend."""

    title: str
    alt: str
    overlay: str
    legend: tuple[tuple[str, str], ...]
    shapes: tuple[str, ...] = ()
    markers: tuple[tuple[float, float, str, bool], ...] = ()


@dataclass(frozen=True)
class MapView:
    """A map as the page shows it."""

    title: str
    unit: str
    note: str
    illustrative: bool
    summary: str
    panels: tuple[Panel, ...]
    box: Box
    zoomed: bool
    coarse: bool
    bar: float
    bar_label: str
    labels: tuple[tuple[float, float, str], ...]
    outlines: tuple[str, ...]


def map_view(layer: MapLayer, evidence: Evidence, base: BaseMap) -> MapView:
    """Draw one map layer over a base map."""
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    difference = difference_of(before, after)
    panels, changed = _panels(layer, before, after, difference, base)
    box, zoomed = _focus(changed, base)
    bar = round_length(box.width * base.metres_per_pixel / 4)
    return MapView(
        title=layer.title,
        unit=map_unit(layer, evidence.city),
        note=layer.note,
        illustrative=layer.illustrative,
        summary=map_sentence(layer, evidence),
        panels=panels,
        box=box,
        zoomed=zoomed,
        coarse=layer.kind == "cells" and after is not None and after.shape[1] * box.width / base.width < 320,
        bar=bar / base.metres_per_pixel,
        bar_label=f"{bar / 1000:g} km" if bar >= 1000 else f"{bar:g} m",
        labels=_labels(evidence.city, base, box),
        outlines=_outlines(evidence.places, base),
    )


def marker_map(points: list[tuple[Any, str, bool]], evidence: Evidence, base: BaseMap, *, title: str) -> MapView:
    """Draw numbered candidates (geometry, number, whether on the Pareto front) over a base map."""
    shapes = [shape for shape, _, _ in points]
    panel = Panel(
        title="Candidates",
        alt=f"Map of {len(points)} numbered candidates; the table beside it names each.",
        overlay="",
        legend=(),
        shapes=tuple(_path(shape, base) for shape in shapes if shape.geom_type in {"Polygon", "MultiPolygon"}),
        markers=tuple((*_centre(shape, base), label, front) for shape, label, front in reversed(points)),
    )
    reach = np.array([marker[:2] for marker in panel.markers]).reshape(-1, 2)
    box, zoomed = _around(reach[:, 0], reach[:, 1], base) if len(reach) else (Box(0, 0, base.width, base.height), False)
    bar = round_length(box.width * base.metres_per_pixel / 4)
    return MapView(
        title=title,
        unit="",
        note="",
        illustrative=False,
        summary="",
        panels=(panel,),
        box=box,
        zoomed=zoomed,
        coarse=False,
        bar=bar / base.metres_per_pixel,
        bar_label=f"{bar / 1000:g} km" if bar >= 1000 else f"{bar:g} m",
        labels=_labels(evidence.city, base, box, panel.markers),
        outlines=(),
    )


def difference_of(before: NDArray[Any] | None, after: NDArray[Any] | None) -> NDArray[np.float64] | None:
    """After minus before where both are known, else NaN."""
    if before is None or after is None:
        return None
    known = np.isfinite(before) & np.isfinite(after)
    return np.asarray(np.subtract(after, before, out=np.full(after.shape, np.nan), where=known))


def map_unit(layer: MapLayer, city: City) -> str:
    """Unit of a map's values, for people."""
    return "" if layer.unit == "class" else unit_label(layer.unit, city.currency)


def _panels(
    layer: MapLayer, before: Any, after: Any, difference: Any, base: BaseMap
) -> tuple[tuple[Panel, ...], NDArray[np.uint8] | None]:
    """Pictures that can be drawn, and the picture (row, column) of what to zoom to."""
    shown = [values for values in (before, after) if values is not None]
    if not shown:
        return (), None
    ramp = ramp_of(layer, np.concatenate([values.ravel() for values in shown]))
    panels = [
        _panel(layer, title, values, ramp, base)
        for title, values in (("Today", before), ("With the change", after))
        if values is not None
    ]
    if difference is None:
        return tuple(panels), _paint(layer, shown[-1], ramp, base)
    ramp, difference = change_ramp(layer, difference, after)
    panels.append(_panel(layer, "Difference", difference, ramp, base))
    return tuple(panels), _paint(layer, difference, ramp, base)


def ramp_of(layer: MapLayer, values: NDArray[Any]) -> Ramp:
    """Classes and colours of a map's values, before and after together."""
    if layer.quantity == "land_cover":
        return covers(values)
    original = layer.after if layer.after is not None else layer.before
    if np.asarray(original).dtype == bool:
        return flags(layer.title.lower())
    return sequential(values, layer.quantity)


def change_ramp(layer: MapLayer, difference: NDArray[Any], after: NDArray[Any]) -> tuple[Ramp, NDArray[Any]]:
    """Classes of a map's changes, and the values they are of: for classes, what the changed ground becomes."""
    if layer.quantity != "land_cover":
        return diverging(difference, layer.quantity, place_grain(layer.quantity)), difference
    becomes = np.where(difference != 0, after, 0)
    return covers(becomes), becomes


def _panel(layer: MapLayer, title: str, values: NDArray[Any], ramp: Ramp, base: BaseMap) -> Panel:
    painted = _paint(layer, values, ramp, base)
    return Panel(title, f"Map: {layer.title}, {title.lower()}.", _overlay(painted, ramp), ramp.shown(values))


def _paint(layer: MapLayer, values: NDArray[Any], ramp: Ramp, base: BaseMap) -> NDArray[np.uint8]:
    """Class of each pixel (row, column) of an overlay that covers the base map."""
    classes = ramp.classes(values)
    if layer.kind == "cells":
        step = max(-(-max(classes.shape) // OVERLAY_SIDE), 1)
        return classes[::step, ::step]
    scale = max(base.width, base.height) / OVERLAY_SIDE
    shape = (max(round(base.height / scale), 1), max(round(base.width / scale), 1))
    metres = base.metres_per_pixel * scale
    strength = ramp.strength()
    ranks, shapes = strength[classes], _footprints(layer, metres)
    order = np.argsort(ranks, kind="stable")  # the strongest is painted last
    pairs = [(shapes[i], int(ranks[i])) for i in order if ranks[i] and not shapely.is_empty(shapes[i])]
    if not pairs:
        return np.zeros(shape, np.uint8)
    corner = Affine(metres, 0, base.bounds[0], 0, -metres, base.bounds[3])
    painted = np.asarray(rasterize(pairs, shape, transform=corner, dtype="uint8"))
    if layer.kind == "links":  # burnt one pixel wide; strong ones are drawn wider
        strong = np.where(painted > strength.max() / 2, painted, 0)
        painted = np.maximum(maximum_filter(painted, 5), maximum_filter(strong, 7))
    return np.asarray(np.argsort(strength).astype(np.uint8)[painted])


def shapes_of(layer: MapLayer) -> NDArray[Any]:
    """Geometries of a map's places, whether it came with a table, a series or an array of them."""
    return np.asarray(getattr(layer.geometry, "geometry", layer.geometry), dtype=object)


def _footprints(layer: MapLayer, metres: float) -> NDArray[Any]:
    """What is painted for each place: points become discs, all else is as it is."""
    shapes = shapes_of(layer)
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    return np.where(points, shapely.buffer(shapes, 8 * metres), shapes) if points.any() else shapes


def _overlay(painted: NDArray[np.uint8], ramp: Ramp) -> str:
    if not painted.any():
        return ""
    picture = Image.fromarray(painted, mode="P")
    colours = ["#ffffff", *ramp.colours]
    picture.putpalette([int(colour[i : i + 2], 16) for colour in colours for i in (1, 3, 5)])
    return data_uri(picture, transparency=0)


def _focus(painted: NDArray[np.uint8] | None, base: BaseMap) -> tuple[Box, bool]:
    whole = Box(0, 0, base.width, base.height)
    if painted is None or not painted.any():
        return whole, False
    rows, columns = np.nonzero(painted)
    return _around(columns / painted.shape[1] * base.width, rows / painted.shape[0] * base.height, base)


def _around(x: NDArray[Any], y: NDArray[Any], base: BaseMap) -> tuple[Box, bool]:
    """The box around most points, neither narrow nor flat; the whole map where that saves little."""
    (left, right), (top, bottom) = np.quantile(x, (0.01, 0.99)), np.quantile(y, (0.01, 0.99))
    least = 0.2 * max(base.width, base.height)
    width, height = max(1.35 * (right - left), least), max(1.35 * (bottom - top), least)
    width, height = max(width, 0.8 * height), max(height, 0.75 * width)
    width, height = min(width, base.width), min(height, base.height)
    if width * height > 0.6 * base.width * base.height:
        return Box(0, 0, base.width, base.height), False
    corner_x = min(max((left + right - width) / 2, 0), base.width - width)
    corner_y = min(max((top + bottom - height) / 2, 0), base.height - height)
    return Box(float(corner_x), float(corner_y), float(width), float(height)), True


def map_sentence(layer: MapLayer, evidence: Evidence) -> str:
    """The map in one sentence, for those who cannot see it: how much changes, the largest change, and where."""
    before, after = (None if v is None else np.asarray(v, dtype=float) for v in (layer.before, layer.after))
    difference = difference_of(before, after)
    unit = map_unit(layer, evidence.city)
    if layer.quantity == "land_cover":
        share = float(np.mean(np.asarray(difference) != 0)) if difference is not None else 0.0
        return f"The ground changes in {percent(share)} of the area." if share else "The ground stays as it is."
    if difference is None:
        finite = after[np.isfinite(after)] if after is not None else np.zeros(0)
        return f"Values run from {significant(finite.min())} to {amount(finite.max(), unit)}." if finite.size else ""
    known = np.isfinite(difference)
    if not known.any():
        return "Nothing can be compared: no place has a value in both states."
    grain = place_grain(layer.quantity)
    ramp = diverging(difference, layer.quantity, grain)
    classes = ramp.classes(difference)
    half = len(ramp.colours) // 2
    rise, fall = float(np.mean(classes[known] > half)), float(np.mean((classes[known] > 0) & (classes[known] <= half)))
    if not rise + fall:
        return f"No change that can be told (under {amount(grain, unit)})." if grain else "No place changes noticeably."
    things = {"cells": "the area", "links": "street segments"}.get(layer.kind, layer.kind)
    most = int(np.nanargmax(np.abs(difference)))
    where = _near(layer, most, evidence)
    size = amount(abs(float(difference.flat[most])), unit, grain)
    way = "rise" if difference.flat[most] > 0 else "fall"
    moves = [_moves(rise, "rises", things), _moves(fall, "falls", things)]
    said = " and ".join(moves if rise else reversed(moves))
    return f"It {said}; the largest {way} is {size}{where}."


def _moves(share: float, verb: str, things: str) -> str:
    return f"{verb} in {percent(share)} of {things}" if share else f"{verb} nowhere"


def _near(layer: MapLayer, index: int, evidence: Evidence) -> str:
    """Where a place of a map lies: its own name, else the district that it is in or next to."""
    if layer.kind in ("links", "zones") and hasattr(layer.geometry, "columns") and "name" in layer.geometry.columns:
        own = layer.geometry["name"].iloc[index]
        if isinstance(own, str) and own:
            return f", {'on' if layer.kind == 'links' else 'in'} {own}"
    places = _named(evidence.city, ("district",))
    if places is None:
        return ""
    if layer.kind == "cells":
        row, column = divmod(index, np.asarray(layer.after).shape[1])
        x, y = evidence.city.grid.centres()
        point = shapely.Point(x[column], y[row])
    else:
        point = shapely.centroid(shapes_of(layer)[index])
    nearest = int(np.argmin(shapely.distance(np.asarray(places.geometry), point)))
    inside = shapely.distance(places.geometry.iloc[nearest], point) == 0
    return f", {'in' if inside else 'near'} {places['name'].iloc[nearest]}"


def _named(city: City, kinds: tuple[str, ...]) -> Any:
    layer = city.layers.get("places")
    if layer is None:
        return None
    table = layer.value[layer.value["kind"].isin(kinds) & (layer.value["name"].fillna("") != "")]
    return table if len(table) else None


def _labels(
    city: City, base: BaseMap, box: Box, markers: tuple[tuple[float, float, str, bool], ...] = ()
) -> tuple[tuple[float, float, str], ...]:
    """Names to find one's way by: districts first, no two near each other."""
    table = _named(city, LABELLED)
    if table is None:
        return ()
    rank = -shapely.area(np.asarray(table.geometry)) - 1e12 * (table["kind"] == "district")
    letter = 0.012 * box.width  # half the width of a letter
    left, right = box.x, box.x + box.width
    top, bottom = box.y + 0.12 * box.height, box.y + 0.85 * box.height
    taken = [(x, y, 3 * letter) for x, y, *_ in markers]
    chosen: list[tuple[float, float, str]] = []
    for place in rank.sort_values(kind="stable").index:
        name = str(table.loc[place, "name"])
        if any(name == other for _, _, other in chosen):
            continue
        x, y = _centre(table.loc[place, "geometry"], base)
        half = letter * len(name)
        inside = left + half < x < right - half and top < y < bottom
        if inside and all(abs(x - u) > half + reach or abs(y - v) > 0.07 * box.width for u, v, reach in taken):
            chosen.append((x, y, name))
            taken.append((x, y, half))
        if len(chosen) == MOST_LABELS:
            break
    return tuple(chosen)


def _centre(shape: Any, base: BaseMap) -> tuple[float, float]:
    point = shapely.point_on_surface(shape)
    x, y = base.pixels(point.x, point.y)
    return round(float(x), 1), round(float(y), 1)


def _outlines(places: Any, base: BaseMap) -> tuple[str, ...]:
    """Outlines of the places that a scenario edits, where the evidence names a few."""
    geometry = getattr(places, "geometry", None)
    if geometry is None or not 0 < len(geometry) <= 12:
        return ()
    return tuple(_path(shape, base) for shape in geometry if shape.geom_type in {"Polygon", "MultiPolygon"})


def _path(shape: Any, base: BaseMap) -> str:
    rings = []
    for part in shapely.get_parts(shapely.simplify(shape, base.metres_per_pixel / 2)):
        if part.geom_type == "Polygon":
            rings += [part.exterior, *part.interiors]
    text = []
    for ring in rings:
        x, y = base.pixels(*shapely.get_coordinates(ring).T)
        text.append("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x[:-1], y[:-1], strict=True)) + "Z")
    return "".join(text)
