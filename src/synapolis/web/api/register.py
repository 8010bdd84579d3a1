"""The public register of algorithms: search, each entry whole with its live evidence and versions, exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from synapolis.civic.completeness import applicable, completeness, overall
from synapolis.civic.difference import told
from synapolis.civic.entry import GROUPS, AlgorithmEntry, fields_of, filled
from synapolis.civic.evidence import NONE, Evidence
from synapolis.civic.formats import STANDARDS, export
from synapolis.civic.formats.standard import TITLES
from synapolis.civic.search import search
from synapolis.civic.twin import PREFIX
from synapolis.civic.writing import SHOWN_APART, entry_csv, entry_sheet, evidence_json
from synapolis.core.errors import RegisterError
from synapolis.web.algorithms import Evidences, Served, ServedRegister, public
from synapolis.web.depends import Needs
from synapolis.web.errors import Problem
from synapolis.web.kept import KeepersDep, key_of, per_desk
from synapolis.web.replies import Cursor, Limit, Words, cursor_of, entity, place_of
from synapolis.web.security.principal import Who

router = APIRouter(tags=["register"])
NEWEST = 20
"""Events of each kind that an entry shows: the last."""
FOLDER = "algorithms"
PATIENCE = 30.0
"""[s] that the reader of an entry waits while a worker declares the twin's own: when a server has just begun."""
Look = Annotated[Who, Depends(Needs("look"))]
Text = Annotated[str, Query(max_length=200)]
EntryId = Annotated[str, Path(min_length=1, max_length=200, description="Id of an entry, or a model's name.")]


class RowOut(BaseModel):
    """An entry in a list."""

    id: str
    name: str
    kind: str
    version: str
    status: str
    category: str
    themes: list[str]
    summary: str
    owner: str
    share: float
    runs: int
    last_run: str
    refusals: int
    complaints: int


class RegisterOut(BaseModel):
    """Entries that match, the best first. While `status` is computing, the twin's own are not there yet."""

    status: Literal["ready", "computing"]
    organisation: str
    total: int
    share: float | None
    items: list[RowOut]
    next: str | None
    facets: dict[str, dict[str, int]]


class FieldOut(BaseModel):
    """A field of an entry: what is said there, in lines; none where nobody said anything yet."""

    name: str
    lines: list[str]
    needed: bool


class GroupOut(BaseModel):
    """Fields that belong together."""

    group: str
    fields: list[FieldOut]


class EventOut(BaseModel):
    """One thing that happened. Texts that people typed, and names, are for those who work with the register."""

    at: str
    actor: str
    text: str
    seq: int


class CheckedOut(BaseModel):
    """When the declared tests were run last, and how that went."""

    at: str
    version: str
    passed: bool
    text: str
    seq: int


class EvidenceOut(BaseModel):
    """What the journal holds on an entry: counted when it is asked for, and kept nowhere else."""

    runs: int
    first_run: str
    last_run: str
    actors: dict[str, int]
    versions: dict[str, int]
    purposes: dict[str, int]
    refusals: list[EventOut]
    overrides: list[EventOut]
    complaints: list[EventOut]
    last_test: CheckedOut | None
    counts: dict[str, int]


class ChangeOut(BaseModel):
    """What a version changed in one field: words kept, gone and new."""

    field: str
    pieces: list[tuple[str, str]]


class VersionOut(BaseModel):
    """A version that is kept."""

    version: str
    at: str
    standing: str
    changes: list[ChangeOut]


class ExportOut(BaseModel):
    """Where an entry can be had in another form."""

    standard: str
    title: str
    url: str


class EntryOut(RowOut):
    """One entry whole."""

    language: str
    contact: str
    responsible: str
    objection: str
    filled: int
    applicable: int
    needed: list[str]
    groups: list[GroupOut]
    evidence: EvidenceOut
    kept: list[VersionOut]
    exports: list[ExportOut]


class ComplaintIn(BaseModel):
    """What somebody complains of."""

    text: Annotated[Words, Field(min_length=10, max_length=2000)]


class NotedOut(BaseModel):
    """Number of the journal's entry that a complaint stands in."""

    seq: int
    at: str


async def _register(request: Request, keepers: KeepersDep) -> tuple[ServedRegister, bool]:
    """The register, and whether the twin's own entries are in it already."""
    found = await keepers[FOLDER].get(key_of(FOLDER), "algorithms", {})
    if found.state == "failed":
        raise Problem(503, f"the twin's entries could not be read: {found.detail}", headers={"retry-after": "60"})
    served = per_desk(request.app.state, "served_register", Served)
    declared = found.value if found.state == "ready" else ()
    return await run_in_threadpool(served.with_twin, declared), found.state != "computing"


RegisterDep = Annotated[tuple[ServedRegister, bool], Depends(_register)]


async def _entry(entry: EntryId, request: Request, keepers: KeepersDep, register: RegisterDep) -> AlgorithmEntry:
    """An entry; where it may be one of the twin's own that are not declared yet, a reader waits a little."""
    served, ready = register
    try:
        return served.entry(entry)
    except RegisterError as error:
        why = error
    if not ready:
        await keepers[FOLDER].wait(key_of(FOLDER), PATIENCE)
        served, ready = await _register(request, keepers)
        if entry in (known := {one.id: one for one in served.entries()}) or PREFIX + entry in known:
            return known.get(entry) or known[PREFIX + entry]
    if not ready:
        raise Problem(409, "the twin's entries are being read; ask again in some seconds", headers={"retry-after": "2"})
    raise Problem(404, f"the register has no entry {entry!r}; GET /api/v1/register?q= finds ids") from why


EntryDep = Annotated[AlgorithmEntry, Depends(_entry)]


async def _evidences(request: Request) -> Evidences:
    return per_desk(request.app.state, "evidences", lambda _: Evidences())


EvidencesDep = Annotated[Evidences, Depends(_evidences)]


async def _evidence(evidences: EvidencesDep, register: RegisterDep) -> dict[str, Evidence]:
    return await run_in_threadpool(evidences.of, register[0])


EvidenceDep = Annotated[dict[str, Evidence], Depends(_evidence)]


@router.get("/register", response_model=RegisterOut)
def list_register(
    request: Request,
    register: RegisterDep,
    evidence: EvidenceDep,
    _who: Look,
    q: Text = "",
    kind: Text = "",
    status: Text = "",
    owner: Text = "",
    field: Text = "",
    category: Text = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Find entries by words and filters, and how many each filter would leave."""
    served, ready = register
    asked = {"kind": kind, "status": status, "owner": owner, "field": field, "category": category}
    found = search(served.entries(), q, asked)
    begin = place_of(cursor) or 0
    page = found.entries[begin : begin + limit]
    more = cursor_of(begin + limit) if len(found.entries) > begin + limit else None
    body = RegisterOut(
        status="ready" if ready else "computing",
        organisation=served.profile.organisation,
        total=len(found.entries),
        share=round(overall(found.entries), 4) if found.entries else None,
        items=[RowOut(**_row(entry, evidence.get(entry.id, NONE))) for entry in page],
        next=more,
        facets={name: dict(counts) for name, counts in found.facets.items()},
    )
    return entity(request, body)


@router.get("/register/{entry:path}/export/{standard}", response_model=dict[str, Any])  # noqa: FAST003 - EntryDep takes it
def export_entry(found: EntryDep, standard: str, _who: Look) -> Response:
    """One entry in the standard of another register, or as `csv`."""
    name = f'attachment; filename="{"".join(c if c.isalnum() else "-" for c in found.id)}'
    if standard == "csv":
        told_as = {"content-disposition": f'{name}.csv"'}
        return Response(entry_csv(found), media_type="text/csv; charset=utf-8", headers=told_as)
    if standard not in STANDARDS:
        raise Problem(404, f"no standard is called {standard!r}; there are csv, {', '.join(STANDARDS)}")
    return JSONResponse(export(found, standard).document, headers={"content-disposition": f'{name}-{standard}.json"'})


@router.post("/register/{entry:path}/complaints", status_code=201)
def complain(
    who: Annotated[Who, Depends(Needs("comment"))],
    found: EntryDep,
    body: ComplaintIn,
    register: RegisterDep,
    evidences: EvidencesDep,
) -> NotedOut:
    """Complain about an algorithm: it stands in the journal, and is counted on the entry."""
    written = register[0].note(found.id, "complaint", body.text, actor=who.actor)
    evidences.renew()
    return NotedOut(seq=written.seq, at=written.at)


@router.get("/register/{entry:path}", response_model=EntryOut)  # noqa: FAST003 - EntryDep takes it
def get_entry(found: EntryDep, request: Request, register: RegisterDep, evidence: EvidenceDep, who: Look) -> Response:
    """One entry whole: what it says, what is missing, its live evidence, its versions."""
    known, count = evidence.get(found.id, NONE), completeness(found)
    said = evidence_json(known)
    said = said if who.may("edit") else public(found.id, said)
    counts = {name: len(said[name]) for name in ("refusals", "overrides", "complaints")}
    said |= {name: list(reversed(said[name][-NEWEST:])) for name in counts} | {"counts": counts}
    notes = entry_sheet(register[0], found).versions
    body = _row(found, known) | {
        "language": found.language, "contact": found.contact, "responsible": found.responsible_owner,
        "objection": found.objection_procedure, "filled": count.filled, "applicable": count.applicable,
        "needed": list(count.needed), "groups": _groups(found), "evidence": said,
        "kept": [{"version": note.version, "at": note.at, "standing": note.standing,
                  "changes": [{"field": name, "pieces": list(pieces)} for name, pieces in note.changes]}
                 for note in notes],
        "exports": [{"standard": name, "title": TITLES.get(name, "CSV"),
                     "url": f"/api/v1/register/{found.id}/export/{name}"} for name in ("csv", *STANDARDS)],
    }  # fmt: skip
    return entity(request, EntryOut(**body))


def _row(entry: AlgorithmEntry, known: Evidence) -> dict[str, Any]:
    return {
        "id": entry.id, "name": entry.name, "kind": entry.kind, "version": entry.version,
        "status": entry.status or "not said", "category": entry.publication_category or "not said",
        "themes": list(entry.themes), "summary": entry.summary, "owner": entry.organisation,
        "share": round(completeness(entry).share, 4), "runs": known.runs, "last_run": known.last_run,
        "refusals": len(known.refusals), "complaints": len(known.complaints),
    }  # fmt: skip


def _groups(entry: AlgorithmEntry) -> list[dict[str, Any]]:
    """Fields by group, without those that stand at the head of the page; fields that do not apply are left out."""
    apply, needed = set(applicable(entry)), set(fields_of(needed=True))
    found = []
    for group in GROUPS:
        names = [name for name in fields_of(group) if name not in SHOWN_APART]
        names = [name for name in names if name in apply or filled(entry, name)]
        fields = [{"name": name, "lines": _lines(entry, name), "needed": name in needed} for name in names]
        if fields:
            found.append({"group": group, "fields": fields})
    return found


def _lines(entry: AlgorithmEntry, name: str) -> Sequence[str]:
    value = getattr(entry, name)
    if not filled(entry, name):
        return ()
    return [told(item) for item in value] if isinstance(value, tuple) else told(value).split("\n")
