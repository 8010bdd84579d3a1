"""Still pictures of maps on the base map, with legend and scale: for pages without WebGL, documents and mail."""

from __future__ import annotations

import base64
import io
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import shapely
from PIL import Image, ImageDraw, ImageFont

from synapolis.report.basemap import BaseMap
from synapolis.report.maps import MapView, Panel, map_view
from synapolis.scenarios.answer import Evidence, MapLayer

INK, PAPER, QUIET, EDGE = "#1d2a33", "#ffffff", "#5b6770", "#3c4a54"
OUTLINE = "#c2185b"
OVERLAY = 0.86
"""Opacity of what a map shows over the base map."""
STAGES = {"before": "Today", "after": "With the change", "change": "Difference"}


def draw_stills(layer: MapLayer, evidence: Evidence, base: BaseMap, *, width: int = 1000) -> dict[str, Image.Image]:
    """Draw the pictures of a map by stage (before, after, change), each with its legend under it.

    Parameters
    ----------
    width : pixels
    """
    view = map_view(layer, evidence, base)
    return {stage: _with_legend(_scene(view, panel, evidence, base, width), panel, view, stage)
            for stage, panel in _panels(view)}  # fmt: skip


def draw_scenes(layer: MapLayer, evidence: Evidence, base: BaseMap, *, width: int = 900) -> tuple[MapView, list[Any]]:
    """The same pictures without legends: (stage, panel, picture) of each, and what is said of the map."""
    view = map_view(layer, evidence, base)
    return view, [(stage, panel, _scene(view, panel, evidence, base, width)) for stage, panel in _panels(view)]


def _panels(view: MapView) -> list[tuple[str, Panel]]:
    stages = {title: stage for stage, title in STAGES.items()}
    return [(stages[panel.title], panel) for panel in view.panels]


def _scene(view: MapView, panel: Panel, evidence: Evidence, base: BaseMap, width: int) -> Image.Image:
    """The base map, what the panel shows over it, outlines of edits, names and a scale."""
    whole = _picture(base.picture).convert("RGB")
    if panel.overlay:
        shown = _picture(panel.overlay).convert("RGBA").resize(whole.size, Image.Resampling.NEAREST)
        opacity = np.asarray(shown.getchannel("A"), dtype=float) * OVERLAY
        whole.paste(shown, (0, 0), Image.fromarray(opacity.astype(np.uint8)))
    box = view.box
    scale = width / box.width
    size = width, max(round(box.height * scale), 1)
    scene = whole.crop((box.x, box.y, box.x + box.width, box.y + box.height)).resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(scene)
    for ring in _rings(evidence, base):
        pen.line([((x - box.x) * scale, (y - box.y) * scale) for x, y in ring], fill=OUTLINE, width=3, joint="curve")
    font = _font(max(round(width / 55), 11))
    for x, y, name in view.labels:
        place = (x - box.x) * scale, (y - box.y) * scale
        pen.text(place, name, font=font, fill=INK, anchor="mm", stroke_width=3, stroke_fill=PAPER)
    _bar(pen, view, scale, size, font)
    return scene


def _bar(pen: Any, view: MapView, scale: float, size: tuple[int, int], font: Any) -> None:
    """A scale in the lower left."""
    left, bottom, length = 14, size[1] - 14, view.bar * scale
    pen.line([(left, bottom), (left + length, bottom)], fill=PAPER, width=8)
    pen.line([(left, bottom), (left + length, bottom)], fill=INK, width=3)
    pen.text((left, bottom - 8), view.bar_label, font=font, fill=INK, anchor="ls", stroke_width=3, stroke_fill=PAPER)


def _with_legend(scene: Image.Image, panel: Panel, view: MapView, stage: str) -> Image.Image:
    """A picture over a strip that says what its colours mean."""
    size = max(round(scene.width / 62), 11)
    font, bold = _font(size), _font(size, bold=True)
    rows, line, pad = _flow(panel.legend, font, scene.width), round(2 * size), size
    sheet = Image.new("RGB", (scene.width, scene.height + line * (len(rows) + 1) + 2 * pad), PAPER)
    sheet.paste(scene, (0, 0))
    pen = ImageDraw.Draw(sheet)
    y = scene.height + pad
    unit = f" [{view.unit}]" if view.unit else ""
    pen.text((pad, y), f"{STAGES[stage]}{unit}", font=bold, fill=INK)
    for row in rows:
        y += line
        for x, colour, label in row:
            _swatch(pen, (x, y, x + round(1.6 * size), y + size), colour)
            pen.text((x + 2.1 * size, y - 0.15 * size), label, font=font, fill=INK)
    return sheet


def _flow(legend: Any, font: Any, width: int) -> list[list[tuple[float, str, str]]]:
    """Entries of a legend in rows: where each begins."""
    rows: list[list[tuple[float, str, str]]] = [[]]
    size, x = font.size, float(font.size)
    for colour, label in legend:
        wide = 2.1 * size + font.getlength(label) + 1.6 * size
        if x + wide > width and rows[-1]:
            rows.append([])
            x = float(size)
        rows[-1].append((x, colour, label))
        x += wide
    return rows


def _swatch(pen: Any, box: tuple[float, float, float, float], colour: str) -> None:
    pen.rectangle(box, fill=colour or PAPER, outline=EDGE)
    if not colour:  # not painted: struck through, so that it is not read as white
        pen.line([(box[0], box[3]), (box[2], box[1])], fill=QUIET)


def _rings(evidence: Evidence, base: BaseMap) -> list[list[tuple[float, float]]]:
    """Outlines of the areas that a scenario edits, in pixels of the base map, where they are few."""
    geometry = getattr(evidence.places, "geometry", None)
    if geometry is None or not 0 < len(geometry) <= 12:
        return []
    shapes = np.asarray(geometry, dtype=object)
    areas = shapes[np.isin(shapely.get_type_id(shapes), (3, 6))]
    rings = shapely.get_rings(shapely.get_parts(areas))
    return [list(zip(*base.pixels(*shapely.get_coordinates(ring).T), strict=True)) for ring in rings]


def _picture(address: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and holds Latin, Greek, Cyrillic and more."""
    return ImageFont.truetype(str(font_file(bold=bold)), size)


def font_file(*, bold: bool = False) -> Path:
    """File of DejaVu Sans."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf"
