"""Tasks that draw: a city once, the stills, flood and exports of an answer when they are first asked for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from synapolis.core.errors import ScenarioError
from synapolis.layers.city import City
from synapolis.layers.workspace import write_whole
from synapolis.report.artefacts import read_artefacts
from synapolis.report.basemap import BaseMap
from synapolis.report.exported import write_gpkg
from synapolis.report.ground import draw_base
from synapolis.report.page import write_report
from synapolis.report.pdf import render_pdf
from synapolis.report.stills import draw_stills
from synapolis.scenarios.today import member_today, today_of
from synapolis.web.answers import city_here, find_answer
from synapolis.web.tiles.build import draw_city as draw
from synapolis.web.tiles.drawings import drawn_folder
from synapolis.web.work.tasks import Context, task


@task("draw_city")
def draw_city(context: Context, *, city: str) -> str:
    """Draw a city's tiles, ground and lines into the cache."""
    place = context.city(city)
    return str(draw(place, context.cache, drawn_folder(place)))


@task("today")
def tell_today(context: Context, *, city: str, words: Sequence[str]) -> dict[str, Any]:
    """Figures of the city as it stands."""
    return today_of(context.city(city), context.cache, words, progress=context.tell)


@task("today_member")
def tell_member(context: Context, *, city: str, number: int, members: int) -> dict[str, float]:
    """The same figures in one member of the ensemble."""
    return member_today(context.city(city), context.cache, number, members, progress=context.tell)


@task("draw_stills")
def still_pictures(context: Context, *, hash: str, number: int) -> list[str]:  # noqa: A002 - its name in addresses
    """Draw the still pictures of one map of an answer; return their names."""
    kept = find_answer(hash)
    kept.map(number)
    place = city_here(kept, context.desk)
    evidence = read_artefacts(kept.folder, place)
    stills = draw_stills(evidence.maps[number - 1], evidence, _base(place))
    folder = kept.made
    folder.mkdir(parents=True, exist_ok=True)
    for stage, picture in stills.items():
        stream = io.BytesIO()
        picture.quantize(200, method=Image.Quantize.FASTOCTREE).save(stream, "PNG", optimize=True)
        write_whole(folder / f"still-{number}-{stage}.png", stream.getvalue())
    return sorted(stills)


@task("export_answer")
def export(context: Context, *, hash: str, kind: str) -> str:  # noqa: A002 - its name in addresses
    """Write an answer as html, pdf or gpkg; return the file's name."""
    kept = find_answer(hash)
    answer, place = kept.answer(), city_here(kept, context.desk)
    evidence = read_artefacts(kept.folder, place)
    kept.made.mkdir(parents=True, exist_ok=True)
    path = kept.made / f"answer.{kind}"
    if kind == "pdf":
        write_whole(path, render_pdf(answer, evidence, made=kept.when[:10]))
    elif kind == "html":
        title = answer.question if answer.in_words else str(answer.scenario.get("title") or answer.city)
        write_report([(answer, evidence)], path, title=title, made=kept.when[:10])
    elif kind == "gpkg":
        write_gpkg(answer, evidence, path.with_suffix(".part.gpkg")).replace(path)
    else:
        raise ScenarioError(f"an answer is written as html, pdf or gpkg, not as {kind!r}")
    return path.name


def _base(place: City) -> BaseMap:
    """Base map of a city, drawn once in each worker."""
    if place.digest not in _BASES:
        _BASES.clear()
        _BASES[place.digest] = draw_base(place)
    return _BASES[place.digest]


_BASES: dict[str, BaseMap] = {}
