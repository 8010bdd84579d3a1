"""Answers on this machine: their files, their maps, and how they are told over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import shapely
from pyproj import Transformer

from synapolis.core.errors import CityError
from synapolis.core.home import home
from synapolis.layers.city import City
from synapolis.report.artefacts import WGS84, maps_of
from synapolis.report.numbers import scale_of
from synapolis.report.pedigree import trace
from synapolis.scenarios.answer import Answer, Claim, answer_of, read_answer
from synapolis.scenarios.views import view_of
from synapolis.web.state import Desk

API = "/api/v1"
EXPORTS = ("json", "html", "pdf", "csv", "gpkg")
PREFIX = "synapolis:"  # of the register's entries of the twin's own algorithms
DRAWING = "1"
"""Raised with the code of stills and exports: what another made is made again."""
HELD = 64


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as it lies on the disk. `mark` changes when it is drawn again."""

    data: Mapping[str, Any]
    folder: Path
    maps: Mapping[str, Any] | None
    mark: str
    when: str

    @property
    def hash(self) -> str:
        """Its hash, whole."""
        return str(self.data["hash"])

    @property
    def base(self) -> str:
        """Its address."""
        return f"{API}/answers/{self.hash[:16]}"

    @property
    def made(self) -> Path:
        """Where stills and exports of this drawing are kept."""
        return self.folder / f"made-{DRAWING}-{self.mark}"

    def map(self, number: int) -> Mapping[str, Any]:
        """One of its maps, from 1.

        Raises
        ------
        CityError
            When it has no such map.
        """
        maps = self.maps["maps"] if self.maps else ()
        if not 1 <= number <= len(maps):
            count = f"maps 1 to {len(maps)}" if maps else "no maps"
            raise CityError(f"answer {self.hash[:16]} has {count}, not {number}; its `maps` list them")
        found: Mapping[str, Any] = maps[number - 1]
        return found

    def answer(self) -> Answer:
        """The answer itself."""
        return answer_of(self.data)


def find_answer(hash_: str) -> KeptAnswer:
    """Find an answer by its hash or the first 16 digits of it.

    Raises
    ------
    CityError
        When there is none; an answer that is damaged counts as none.
    """
    path = home() / "answers" / f"{hash_[:16]}.json"
    try:
        written = path.stat()
        data = _read(path, written.st_mtime_ns)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):  # whatever damage leads reading to
        data = {}
    if not str(data.get("hash", "")).startswith(hash_):
        raise CityError(
            f"no answer {hash_[:16]!r} is kept here; ask the question again: equal questions have equal hashes"
        )
    folder = path.with_suffix("")
    try:
        stamp = (folder / "maps.json").stat().st_mtime_ns
        maps: Mapping[str, Any] | None = _maps(folder, stamp)
    except (OSError, CityError):
        stamp, maps = 0, None
    when = datetime.fromtimestamp(written.st_mtime, UTC).isoformat(timespec="seconds")
    return KeptAnswer(data, folder, maps, f"{stamp:x}", when)


@lru_cache(maxsize=HELD)
def _read(path: Path, stamp: int) -> Mapping[str, Any]:
    _ = stamp
    data = read_answer(path.read_text(encoding="utf-8"))
    answer_of(data)  # fails where something is missing
    return data


@lru_cache(maxsize=HELD)
def _maps(folder: Path, stamp: int) -> Mapping[str, Any]:
    _ = stamp
    return maps_of(folder)


def content_of(path: Path) -> bytes:
    """One of an answer's files.

    Raises
    ------
    CityError
        When it is not there any more.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CityError(f"{path.name} of this answer is gone ({error.strerror}); run it again") from error


@lru_cache(maxsize=HELD)
def squeezed(path: Path, mark: str) -> bytes:
    """A file's bytes, gzipped once for each mark of its answer."""
    _ = mark
    return gzip.compress(content_of(path), 6, mtime=0)


def city_of(kept: KeptAnswer, desk: Desk) -> str:
    """Name of the city that an answer is about: the one of its hash, else one of its name.

    Raises
    ------
    CityError
        When the city is not here any more.
    """
    named = str((kept.maps or {}).get("city", ""))
    for name in desk.names():
        if name == named or desk.city(name).digest == kept.data["city_hash"]:
            return name
    raise CityError(f"answer {kept.hash[:16]} is about {kept.data['city']}, which is not here any more; build it again")


def told(kept: KeptAnswer) -> dict[str, Any]:
    """The answer's file with words and addresses: what a page shows."""
    fields = (kept.maps or {}).get("fields", {})
    return {
        **kept.data,
        "claims": [_claim(row, fields.get(row["id"], "")) for row in kept.data["claims"]],
        "effects": [_effect(row) for row in kept.data["effects"]],
        "sites": _sites(kept),
        "maps": [_map(entry, kept) for entry in (kept.maps["maps"] if kept.maps else ())],
        "places": f"{kept.base}/places.geojson?v={kept.mark}" if kept.maps and kept.maps["places"] else None,
        "links": {
            "self": kept.base,
            "page": f"/answer/{kept.hash[:16]}",
            "exports": {kind: f"{kept.base}/export.{kind}" for kind in EXPORTS if kept.maps or kind in ("json", "csv")},
        },
    }


def _claim(row: Mapping[str, Any], field: str) -> dict[str, Any]:
    view = view_of(row["quantity"], row["unit"])
    largest = max((abs(row[key]) for key in ("before", "after", "change") if row[key] is not None), default=0)
    shown = vars(scale_of(row["quantity"], row["unit"], row["digits"], largest=largest))
    return {**row, "short": view.short, "better": view.better, "field": field, "shown": shown}


def _effect(row: Mapping[str, Any]) -> dict[str, Any]:
    view = view_of(row["quantity"], row["unit"])
    change = row["after"] - row["before"] if None not in (row["after"], row["before"]) else None
    return {**row, "change": change, "text": view.says, "short": view.short, "better": view.better}


def _sites(kept: KeptAnswer) -> list[dict[str, Any]]:
    """Sites with their outlines in degrees, where the maps say in which system they were drawn."""
    crs = (kept.maps or {}).get("crs")
    if not crs:
        return [{**row, "geometry": None} for row in kept.data["sites"]]
    to_globe = Transformer.from_crs(crs, WGS84, always_xy=True).transform
    return [{**row, "geometry": _in_degrees(row["geometry"], to_globe)} for row in kept.data["sites"]]


def _in_degrees(geometry: Any, to_globe: Any) -> Any:
    if geometry is None:
        return None
    shape = shapely.transform(shapely.geometry.shape(geometry), to_globe, interleaved=False)
    return shapely.geometry.mapping(shapely.transform(shape, lambda points: points.round(6)))


def _map(entry: Mapping[str, Any], kept: KeptAnswer) -> dict[str, Any]:
    place, mark = f"{kept.base}/maps/{entry['n']}", f"?v={kept.mark}"
    kind = "png" if entry["kind"] == "cells" else "geojson"
    stages = entry["stages"]
    urls = {
        stage: f"{place}/{stage}.{kind}{mark}" if stage in stages else None for stage in ("before", "after", "change")
    }
    stills = {stage: f"{place}/still/{stage}.png{mark}" if url else None for stage, url in urls.items()}
    keys = ("n", "title", "quantity", "unit", "kind", "note", "illustrative", "sentence", "digits", "stages", "corners",
            "legends")  # fmt: skip
    times = entry.get("times")
    if times is not None:
        times = {
            "moments": times["moments"],
            "labels": times["labels"],
            "urls": {
                stage: [f"{place}/frames/{stage}/{k}.png{mark}" for k in range(len(names))]
                for stage, names in times["files"].items()
            },
        }
    return {key: entry[key] for key in keys} | {
        "urls": urls, "stills": stills, "table": f"{place}/table{mark}", "times": times,
    }  # fmt: skip


def pedigree(kept: KeptAnswer, claim_id: str) -> dict[str, Any]:
    """What one claim rests on: steps from the last back to the data, layers, assumptions by influence.

    Raises
    ------
    CityError
        When the answer makes no such claim.
    """
    answer = kept.answer()
    claim = next((claim for claim in answer.claims if claim.id == claim_id), None)
    if claim is None:
        known = ", ".join(claim.id for claim in answer.claims) or "none"
        raise CityError(f"answer {kept.hash[:16]} makes no claim {claim_id!r}; its claims are {known}")
    found = trace(answer, claim)
    return {
        "claim": _claim(_row(claim), (kept.maps or {}).get("fields", {}).get(claim.id, "")),
        "sentence": _sentence(claim, found.steps, found.layers, found.assumptions),
        "steps": [_step(step) for step in found.steps],
        "layers": [vars(layer) for layer in found.layers],
        "assumptions": [vars(use) for use in found.assumptions],
        "question": answer.question,
        "city": answer.city,
        "hash": answer.hash,
        "city_hash": answer.city_hash,
        "actor": answer.actor,
        "when": kept.when,
        "attribution": list(answer.attribution),
    }


def _row(claim: Claim) -> dict[str, Any]:
    return dict(vars(claim))


def _step(step: Any) -> dict[str, Any]:
    """A step, with the address of its entry in the register where a model or edit made it."""
    entry = f"/register/{PREFIX}{step.name}" if step.version else None
    return {**vars(step), "makes": list(step.makes), "parents": list(step.parents), "touches": list(step.touches),
            "register": entry}  # fmt: skip


def _sentence(claim: Claim, steps: Any, layers: Any, assumptions: Any) -> str:
    """One sentence on what a figure rests on."""
    models = len({step.name for step in steps if step.version})
    weak = sum(use.standing == "assumed" for use in assumptions)
    first = next((use for use in assumptions if use.influence), None)
    count = [f"{models} algorithm{'s' * (models != 1)}", f"{len(layers)} layer{'s' * (len(layers) != 1)} of data"]
    said = f"{claim.text} rests on {count[0]}, {count[1]} and {len(assumptions)} assumptions, {weak} of them not cited"
    return said + (f"; {first.meaning.lower()} matters most." if first is not None else ".")


def city_here(kept: KeptAnswer, desk: Desk) -> City:
    """The city that an answer is about, opened."""
    return desk.city(city_of(kept, desk))
