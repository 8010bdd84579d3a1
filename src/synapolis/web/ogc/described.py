"""What can be run through the OGC API, and how each process describes itself: its inputs are the API's own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from synapolis.web.api.jobs import AskIn, RunIn
from synapolis.web.errors import Problem
from synapolis.web.ogc.replies import link

VERSION = "1.0.0"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PROBLEMS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"


@dataclass(frozen=True)
class Process:
    """One process: the kind of job that it makes and the type that its inputs are read with."""

    name: str
    kind: str
    title: str
    description: str
    keywords: tuple[str, ...]
    body: type[BaseModel]
    needed: tuple[str, ...]


PROCESSES = {
    process.name: process
    for process in (
        Process(
            "ask",
            "ask",
            "Ask what would happen",
            "Reads a question in plain English as a scenario, runs the city as it stands and with the scenario's edits "
            "over an ensemble, and answers with figures, ranges, gates and the pedigree of each figure.",
            ("question", "what-if", "scenario"),
            AskIn,
            ("question",),
        ),
        Process(
            "rehearse",
            "run",
            "Rehearse a scenario",
            "Runs the city as it stands and with the edits of a scenario, and answers with the wanted quantities: any "
            "word of the vocabulary that the city has the layers for. Without `want`, what suits the edits.",
            ("scenario", "edits", "quantities"),
            RunIn,
            (),
        ),
    )
}
"""Every process by name. The models themselves are no processes: the plan orders them by what is wanted."""


def find_process(name: str) -> Process:
    """Process by name; the standard's problem 404 for others."""
    if name not in PROCESSES:
        told = f"no process is called {name[:100]!r}; there are {', '.join(PROCESSES)}"
        raise Problem(404, told, extra={"type": f"{_PROBLEMS}no-such-process"})
    return PROCESSES[name]


def missing_job(name: str) -> Problem:
    """No such job, as the standard names it."""
    return Problem(
        404,
        f"no job of yours has the id {name[:100]!r}; /ogc/jobs lists them",
        extra={"type": f"{_PROBLEMS}no-such-job"},
    )


def not_ready(told: str) -> Problem:
    """Results that are not there yet, as the standard names it."""
    return Problem(404, told, extra={"type": f"{_PROBLEMS}result-not-ready"})


def summary(here: str, process: Process) -> dict[str, Any]:
    """What the list of processes says of one."""
    at = f"{here}/processes/{process.name}"
    return {
        "id": process.name,
        "version": VERSION,
        "title": process.title,
        "description": process.description,
        "keywords": list(process.keywords),
        "jobControlOptions": ["async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [
            link(at, "self", title=process.title),
            link(f"{at}/execution", f"{_REL}execute", title="Run it"),
        ],
    }


def description(here: str, process: Process) -> dict[str, Any]:
    """Whole description of a process, with a JSON Schema for each input."""
    whole = process.body.model_json_schema()
    names = [name for name in whole["properties"] if name != "kind"]
    answer = {"type": "object", "description": "An answer file, as docs/answers.md tells it."}
    return summary(here, process) | {
        "inputs": {name: _input(here, process, name, whole) for name in names},
        "outputs": {"answer": {"title": "The answer", "schema": {"$schema": DRAFT, **answer}}},
    }


def _input(here: str, process: Process, name: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """One input. Its schema has an address of its own, so that its references point into itself."""
    own = dict(whole["properties"][name])
    refers = "$ref" in str(own)
    at = {"$schema": DRAFT, "$id": f"{here}/processes/{process.name}/{name}"}
    return {
        "title": name.replace("_", " ").capitalize(),
        "description": own.get("description", ""),
        "minOccurs": 1 if name in process.needed else 0,
        "maxOccurs": 1,
        "schema": {**at, **own} | ({"$defs": whole["$defs"]} if refers else {}),
    }


def read_inputs(process: Process, inputs: Mapping[str, Any]) -> BaseModel:
    """Inputs in the API's own type; a problem 400 that names what does not fit."""
    unknown = sorted(set(inputs) - set(process.body.model_fields) | set(inputs) & {"kind"})
    if unknown:
        known = ", ".join(name for name in process.body.model_fields if name != "kind")
        raise Problem(400, f"{process.name} has no input {unknown[0][:100]!r}; it has {known}")
    given = {name: _value(name, value) for name, value in inputs.items()}
    try:
        return TypeAdapter(process.body).validate_python({"kind": process.kind, **given})
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), str(fault["msg"])) for fault in error.errors()[:20]]
        told = "; ".join(f"{where}: {message}" for where, message in faults[:3])
        raise Problem(400, f"the inputs of {process.name} do not fit: {told}", errors=faults) from None


def _value(name: str, given: Any) -> Any:
    """An input as it stands, or the value of a qualified one; nothing is fetched from elsewhere."""
    if isinstance(given, dict) and "href" in given:
        raise Problem(400, f"input {name!r} must stand in the request itself; this server fetches nothing by reference")
    if (
        isinstance(given, dict)
        and "value" in given
        and set(given) <= {"value", "mediaType", "encoding", "schema", "format"}
    ):
        return given["value"]
    return given
