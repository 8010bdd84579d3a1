"""Answers, their maps, pedigree and exports."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path as File
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from synapolis.core.errors import CityError
from synapolis.report.exported import answer_csv
from synapolis.web.answers import KeptAnswer, content_of, find_answer, pedigree, squeezed, told
from synapolis.web.depends import DeskDep, Needs
from synapolis.web.errors import Problem
from synapolis.web.lazy import made
from synapolis.web.replies import entity, tags

router = APIRouter(tags=["answers"], dependencies=[Depends(Needs("look"))])
FOREVER = "public, max-age=31536000, immutable"
WORTH_SQUEEZING = 4_000  # bytes
MEDIA = {
    "json": "application/json", "html": "text/html; charset=utf-8", "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8", "gpkg": "application/geopackage+sqlite3", "png": "image/png",
    "geojson": "application/geo+json",
}  # fmt: skip
Hash = Annotated[str, Path(pattern="^[0-9a-f]{16,64}$", description="Hash of an answer, or its first 16 digits.")]
Number = Annotated[int, Path(ge=1, le=999, description="Number of the map, from 1.")]
Stage = Literal["before", "after", "change"]
Mark = Annotated[str | None, Query(max_length=64, description="Mark from the map's address: the reply may be kept.")]
SAME: dict[int | str, dict[str, Any]] = {304: {"description": "As the asker has it"}}


def _file(*kinds: str) -> dict[int | str, dict[str, Any]]:
    shapes = {kind: {"schema": {"type": "object"}} if kind in {"json", "geojson"} else {} for kind in kinds}
    return SAME | {200: {"content": {MEDIA[kind].partition(";")[0]: shape for kind, shape in shapes.items()}}}


class ClaimPedigree(BaseModel):
    """What one figure rests on: steps from the last back to the data, layers, assumptions by influence."""

    claim: dict[str, Any]
    sentence: str
    steps: list[dict[str, Any]]
    layers: list[dict[str, Any]]
    assumptions: list[dict[str, Any]]
    question: str
    city: str
    hash: str
    city_hash: str
    actor: str
    when: str
    attribution: list[str]


class TableOut(BaseModel):
    """A map as a table: `of` says how many rows there are in all."""

    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    of: int
    sentence: str


@router.get("/answers/{hash}", responses=SAME, response_class=Response)
def answer(hash: Hash, request: Request) -> Response:  # noqa: A002 - its name in the address
    """An answer whole: docs/answers.md, with words and addresses for pages, and its maps."""
    kept = find_answer(hash)
    body = _whole(kept.hash, kept.mark, kept.when)
    return _bytes(kept, body, "json", request, {}, name=f"answer-{kept.when}")


@router.get("/answers/{hash}/claims/{claim}", responses=SAME | {200: {"model": ClaimPedigree}}, response_class=Response)
def claim_pedigree(
    hash: Hash,  # noqa: A002
    claim: Annotated[str, Path(max_length=100)],
    request: Request,
) -> Response:
    """Pedigree of one figure."""
    return entity(request, ClaimPedigree.model_validate(pedigree(find_answer(hash), claim)))


@router.get("/answers/{hash}/maps/{n}/{stage}.png", responses=_file("png"), response_class=Response)
def map_picture(hash: Hash, n: Number, stage: Stage, request: Request, v: Mark = None) -> Response:  # noqa: A002
    """One picture of a map of cells, in Web Mercator between the map's corners; clear where nothing is."""
    return _picture(hash, n, stage, request, v, kind="png")


@router.get("/answers/{hash}/maps/{n}/{stage}.geojson", responses=_file("geojson"), response_class=Response)
def map_features(hash: Hash, n: Number, stage: Stage, request: Request, v: Mark = None) -> Response:  # noqa: A002
    """Places of a map with their values today, with the change, and the difference."""
    return _picture(hash, n, stage, request, v, kind="geojson")


def _picture(hash_: str, n: int, stage: str, request: Request, mark: str | None, *, kind: str) -> Response:
    kept = find_answer(hash_)
    entry = kept.map(n)
    name = entry["files"].get(stage, "")
    if not name.endswith(f".{kind}"):
        raise CityError(
            f"map {n} of answer {kept.hash[:16]} shows no {stage!r} as {kind}; its `urls` list what there is"
        )
    return _sent(kept, kept.folder / name, request, mark)


@router.get("/answers/{hash}/maps/{n}/frames/{stage}/{k}.png", responses=_file("png"), response_class=Response)
def map_frame(
    hash: Hash,  # noqa: A002
    n: Number,
    stage: Literal["before", "after"],
    k: Annotated[int, Path(ge=0, le=999)],
    request: Request,
    v: Mark = None,
) -> Response:
    """A flood map at one moment of its `times`."""
    kept = find_answer(hash)
    names = (kept.map(n).get("times") or {"files": {stage: ()}})["files"][stage]
    if k >= len(names):
        raise CityError(f"map {n} of answer {kept.hash[:16]} has {len(names)} moments, not one of number {k} from 0")
    return _sent(kept, kept.folder / names[k], request, v)


@router.get("/answers/{hash}/maps/{n}/still/{stage}.png", responses=_file("png"), response_class=Response)
async def map_still(
    hash: Hash,  # noqa: A002
    n: Number,
    stage: Stage,
    request: Request,
    desk: DeskDep,
    v: Mark = None,
) -> Response:
    """A map as a picture with streets, names, scale and legend: for pages without WebGL, documents and mail."""
    kept = await run_in_threadpool(find_answer, hash)
    if stage not in kept.map(n)["stages"]:
        raise CityError(f"map {n} of answer {kept.hash[:16]} shows no {stage!r}; its `stages` list what there is")
    path = kept.made / f"still-{n}-{stage}.png"
    await made(desk, path, "draw_stills", hash=kept.hash[:16], number=n)
    return await run_in_threadpool(_sent, kept, path, request, v)


@router.get("/answers/{hash}/maps/{n}/table", responses=SAME | {200: {"model": TableOut}}, response_class=Response)
def map_table(
    hash: Hash,  # noqa: A002
    n: Number,
    request: Request,
    sort: Annotated[str, Query(pattern="^-?[a-z]{0,20}$", description="A column; with - from the largest.")] = "",
    v: Mark = None,  # noqa: ARG001 - part of the address that the map tells
) -> Response:
    """A map as a table of places, the largest changes first unless sorted otherwise, and one sentence."""
    kept = find_answer(hash)
    table = json.loads(content_of(kept.folder / kept.map(n)["table"]))
    key = sort.removeprefix("-")
    keys = [column["key"] for column in table["columns"]]
    if key and key not in keys:
        raise Problem(422, f"the table has no column {key!r} to sort by; its columns are {', '.join(keys)}")
    if key:
        known = [row for row in table["rows"] if row[key] is not None]
        known.sort(key=lambda row: row[key], reverse=sort.startswith("-"))
        table["rows"] = known + [row for row in table["rows"] if row[key] is None]
    return entity(request, table)


@router.get("/answers/{hash}/places.geojson", responses=_file("geojson"), response_class=Response)
def edited_places(hash: Hash, request: Request, v: Mark = None) -> Response:  # noqa: A002
    """Outlines of the areas that the scenario edits."""
    kept = find_answer(hash)
    if not kept.maps or not kept.maps["places"]:
        raise CityError(f"answer {kept.hash[:16]} edits no area; `places` of an answer says whether it does")
    return _sent(kept, kept.folder / kept.maps["places"], request, v)


@router.get(
    "/answers/{hash}/export.{kind}", responses=_file("json", "html", "pdf", "csv", "gpkg"), response_class=Response
)
async def export(
    hash: Hash,  # noqa: A002
    kind: Literal["json", "html", "pdf", "csv", "gpkg"],
    request: Request,
    desk: DeskDep,
) -> Response:
    """An answer as a file: JSON, a self-contained page, PDF, CSV with pedigree, or GeoPackage for a GIS."""
    kept = await run_in_threadpool(find_answer, hash)
    name = f"synapolis-{kept.hash[:16]}.{kind}"
    saved = {"content-disposition": f'attachment; filename="{name}"'}
    if kind == "json":
        return _bytes(kept, json.dumps(kept.data, indent=2, ensure_ascii=False).encode(), kind, request, saved)
    if kind == "csv":
        text = await run_in_threadpool(lambda: answer_csv(kept.answer()))
        return _bytes(kept, b"\xef\xbb\xbf" + text.encode(), kind, request, saved)  # for spreadsheets: this is UTF-8
    if kept.maps is None:
        raise CityError(f"answer {kept.hash[:16]} has no maps here to draw from; run it again")
    path = kept.made / f"answer.{kind}"
    await made(desk, path, "export_answer", hash=kept.hash[:16], kind=kind)
    return await run_in_threadpool(_sent, kept, path, request, None, saved)


def _sent(
    kept: KeptAnswer, path: File, request: Request, mark: str | None, headers: Mapping[str, str] | None = None
) -> Response:
    """A file of an answer's folder, gzipped where that is worth it."""
    kind = path.suffix[1:]
    small = kind in ("geojson", "html") and "gzip" in request.headers.get("accept-encoding", "")
    told_ = _headers(kept, path.name, mark, squeezed=small) | dict(headers or {})
    if told_["etag"] in tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=told_)
    if small:
        return Response(squeezed(path, kept.mark), media_type=MEDIA[kind], headers=told_)
    return Response(content_of(path), media_type=MEDIA[kind], headers=told_)


@lru_cache(maxsize=32)
def _whole(hash_: str, mark: str, when: str) -> bytes:
    """An answer as JSON, made once for each time that it was written or drawn."""
    _ = mark, when
    return json.dumps(told(find_answer(hash_)), ensure_ascii=False, allow_nan=False).encode()


@lru_cache(maxsize=64)
def _small(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


def _bytes(
    kept: KeptAnswer, body: bytes, kind: str, request: Request, headers: Mapping[str, str], *, name: str = "export"
) -> Response:
    small = len(body) > WORTH_SQUEEZING and "gzip" in request.headers.get("accept-encoding", "")
    told_ = _headers(kept, f"{name}.{kind}", None, squeezed=small) | dict(headers)
    if told_["etag"] in tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=told_)
    if small:
        body = _small(body)
    return Response(body, media_type=MEDIA[kind], headers=told_)


def _headers(kept: KeptAnswer, name: str, mark: str | None, *, squeezed: bool) -> dict[str, str]:
    cached = FOREVER if mark == kept.mark else "no-cache"
    encoded = {"content-encoding": "gzip"} if squeezed else {}
    etag = f'"{kept.hash[:16]}-{kept.mark}-{name}{"-gzip" if squeezed else ""}"'
    return {"etag": etag, "cache-control": cached, "vary": "accept-encoding", **encoded}
