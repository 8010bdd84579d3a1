"""One self-contained HTML page of answers: it asks nothing of any server, and every figure opens its pedigree."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from synapolis.core.errors import StorageError
from synapolis.report import charts, numbers
from synapolis.report.basemap import BaseMap
from synapolis.report.ground import draw_base
from synapolis.report.maps import MapView, map_view, marker_map
from synapolis.report.numbers import ClaimText, claim_text
from synapolis.report.pedigree import Pedigree, by_influence, trace
from synapolis.scenarios.answer import Answer, Claim, Evidence, MapLayer, Site
from synapolis.scenarios.views import view_of

OPENSTREETMAP = "© OpenStreetMap contributors"
STATUS = {"answered": "Answered", "clarify": "Needs one more detail", "refused": "Not answered"}
ORIGINS = {
    "observed": "Measured or mapped by somebody",
    "derived": "Computed from other layers",
    "assumed": "Rests on an assumption",
}
OUTCOMES = {"pass": "Pass", "block": "Block", "not computable": "Not computable"}


@dataclass(frozen=True)
class Row:
    """A claim with its words and its pedigree."""

    claim: Claim
    text: ClaimText
    pedigree: Pedigree


@dataclass(frozen=True)
class Group:
    """Claims under one condition, which is said once: empty for the answer itself."""

    condition: str
    rows: tuple[tuple[int, Row], ...]


@dataclass(frozen=True)
class Section:
    """One answer as the page shows it."""

    number: int
    answer: Answer
    city_title: str
    currency: str
    base: BaseMap | None
    base_id: str
    groups: tuple[Group, ...]
    maps: tuple[MapView, ...]
    site_map: MapView | None
    site_scores: tuple[tuple[str, str, str], ...]
    distributions: tuple[charts.Distribution, ...]
    balances: tuple[charts.Balance, ...]
    reaches: tuple[charts.Reach, ...]
    assumptions: tuple[Any, ...]
    attribution: tuple[str, ...]
    command: str
    scenario: str


def write_report(items: Sequence[tuple[Answer, Evidence]], path: Path, *, title: str, made: str = "") -> Path:
    """Write answers as one HTML file that works without any network.

    Parameters
    ----------
    items : answers with the evidence their pictures are drawn from
    path : the file to write; it appears whole or not at all
    title : heading of the page
    made : when and by whom it was made, in words; empty leaves it out, so that equal answers make equal pages

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StorageError
        When the file cannot be written; what stood there before is left as it was.
    """
    path = Path(path)
    write_whole(path, render_report(items, title=title, made=made))
    return path


def render_report(items: Sequence[tuple[Answer, Evidence]], *, title: str, made: str = "") -> str:
    """Render answers as one HTML page."""
    bases: dict[str, tuple[str, BaseMap]] = {}
    sections = [_section(number, answer, evidence, bases) for number, (answer, evidence) in enumerate(items, start=1)]
    style, script = asset("report.css"), asset("report.js")
    return template("report.html.j2").render(
        title=title,
        made=made,
        sections=sections,
        bases=list(bases.values()),
        attribution=tuple(dict.fromkeys(line for section in sections for line in section.attribution)),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        status=STATUS,
        origins=ORIGINS,
        outcomes=OUTCOMES,
    )


def attribution_of(answer: Answer) -> tuple[str, ...]:
    """Whom to name beside any picture of this answer; OpenStreetMap wherever its licence is among the layers'."""
    lines = list(answer.attribution)
    mapped = any("odbl" in layer.licence.lower() or "openstreetmap" in layer.source.lower() for layer in answer.layers)
    if mapped and not any("openstreetmap contributors" in line.lower() for line in lines):
        lines.insert(0, OPENSTREETMAP)
    return tuple(dict.fromkeys(lines))


def _section(number: int, answer: Answer, evidence: Evidence, bases: dict[str, tuple[str, BaseMap]]) -> Section:
    city = evidence.city
    placed = [site for site in answer.sites if site.geometry is not None]
    base_id, base = _base(city, bases) if evidence.maps or placed else ("", None)
    return Section(
        number=number,
        answer=answer,
        city_title=city.title,
        currency=city.currency,
        base=base,
        base_id=base_id,
        groups=_groups([Row(claim, claim_text(claim, city.currency), trace(answer, claim)) for claim in answer.claims]),
        maps=tuple(map_view(layer, evidence, base) for layer in _drawn(answer, evidence)) if base is not None else (),
        site_map=_site_map(placed, evidence, base) if placed and base is not None else None,
        site_scores=_score_names(answer, city.currency),
        distributions=charts.distributions(answer, evidence, city.currency),
        balances=charts.balances(answer, city.currency),
        reaches=charts.reaches(answer, city.currency),
        assumptions=by_influence(answer.assumptions),
        attribution=attribution_of(answer),
        command=command_of(answer, city.name),
        scenario=json.dumps(answer.scenario, indent=2, ensure_ascii=False, default=str) if answer.scenario else "",
    )


def _groups(rows: list[Row]) -> tuple[Group, ...]:
    """Claims in order; those that share a note with others stand apart under it."""
    notes = [row.claim.note for row in rows]
    conditions = dict.fromkeys(["", *[note for note in notes if notes.count(note) > 1]])
    found: dict[str, list[tuple[int, Row]]] = {condition: [] for condition in conditions}
    for number, row in enumerate(rows, start=1):
        found[row.claim.note if row.claim.note in found else ""].append((number, row))
    return tuple(Group(condition, tuple(members)) for condition, members in found.items() if members)


def command_of(answer: Answer, city: str) -> str:
    """The command that asks the same again."""
    if answer.in_words:
        return f"synapolis ask {shlex.quote(answer.question)} --city {shlex.quote(city)}"
    want = f" --want {','.join(answer.want)}" if answer.want else ""
    return f"synapolis run {shlex.quote(city)} scenario.yaml{want} --purpose {shlex.quote(answer.purpose)}"


def _base(city: Any, bases: dict[str, tuple[str, BaseMap]]) -> tuple[str, BaseMap]:
    key = f"{city.name}:{city.grid}:{','.join(sorted(city.layers))}"
    if key not in bases:
        bases[key] = (f"base-{len(bases) + 1}", draw_base(city))
    return bases[key]


def _score_names(answer: Answer, currency: str) -> tuple[tuple[str, str, str], ...]:
    """Word, name and unit of each score of the candidates."""
    names = dict.fromkeys(name for site in answer.sites for name in site.scores)
    return tuple((name, view_of(name, "").says, numbers.quantity_unit(name, currency)) for name in names)


def _drawn(answer: Answer, evidence: Evidence) -> list[MapLayer]:
    """Maps to draw: candidates have a numbered map of their own."""
    return [layer for layer in evidence.maps if not (answer.sites and layer.kind == "sites")]


def _site_map(sites: list[Site], evidence: Evidence, base: BaseMap) -> MapView:
    return marker_map(
        [(site.geometry, str(site.rank), site.on_front) for site in sites], evidence, base, title="Where they lie"
    )


@cache
def template(name: str) -> jinja2.Template:
    """Return a page template of this room, with the filters that write figures for people."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        number=numbers.number,
        percent=numbers.percent,
        words=numbers.words,
        significant=numbers.significant,
        sentence=numbers.sentence,
    )
    return environment.get_template(name)


def asset(name: str) -> str:
    """Text of a template, style or script of this room."""
    return files("synapolis.report").joinpath("templates", name).read_text(encoding="utf-8")


def write_whole(path: Path, text: str) -> None:
    """Write beside the target, then rename: a reader sees the old page or the new one, never a part."""
    scratch = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(scratch).unlink()
        raise StorageError(
            f"the report was not written to {path}: {error.strerror or error}; free some space or choose another place"
        ) from error
