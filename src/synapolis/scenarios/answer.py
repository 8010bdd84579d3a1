"""The answer: one documented shape, whatever was asked. Every claim points into the run that made it.

`Answer.to_json` is the file format (version 1); `Evidence` holds the arrays that pictures are drawn from and is not
part of the file: it can be had again from the cache by running the same plan.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.digest import digest
from synapolis.indicators.gates import GateResult
from synapolis.layers.city import City

FORMAT_VERSION = 1
NO_DIFFERENCE = "no detectable difference"
SCENARIO = "Scenario "
"""How the question of an answer begins that was asked by a scenario file."""


@dataclass(frozen=True)
class Claim:
    """One headline number: before, after, change, and the interval of the change over the ensemble."""

    id: str
    text: str
    quantity: str
    unit: str
    before: float | None
    after: float | None
    change: float | None
    low: float | None = None
    high: float | None = None
    detectable: bool | None = None
    digits: int = 0
    origin: str = "derived"
    run_path: str = ""
    illustrative: bool = False
    note: str = ""


@dataclass(frozen=True)
class Effect:
    """Who gains and who loses: one place or group."""

    by: Literal["place", "group"]
    quantity: str
    unit: str
    name: str
    before: float
    after: float
    people: float | None = None

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True)
class AssumptionUse:
    """An assumption as it was used, with its influence (share of the claims' spread, 0 to 1)."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    standing: Literal["cited", "assumed"]
    source: str
    meaning: str
    influence: float | None = None
    most_for: str = ""


@dataclass(frozen=True)
class LayerUse:
    """A layer that the answer rests on."""

    name: str
    source: str
    licence: str
    origin: str
    owner: str
    terms: str
    agreement: str
    digest: str


@dataclass(frozen=True)
class Step:
    """A node of the run: what was computed, by which model and version, from which steps."""

    id: str
    kind: str
    name: str
    stage: str
    version: str
    makes: tuple[str, ...]
    parents: tuple[str, ...]
    seconds: float
    cached: bool
    origin: str
    does: str = ""
    method: str = ""
    source: str = ""
    limits: str = ""
    owner: str = ""
    touches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """A candidate of siting, on or off the Pareto front."""

    name: str
    rank: int
    homes: float
    on_front: bool
    stability: float
    scores: Mapping[str, float]
    reason: str
    geometry: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Answer:
    """What was asked, what came out, and everything it rests on."""

    status: Literal["answered", "clarify", "refused"]
    question: str
    city: str
    city_hash: str
    actor: str
    purpose: str
    summary: str
    findings: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    scenario: Mapping[str, Any] = field(default_factory=dict)
    want: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    effects: tuple[Effect, ...] = ()
    gates: tuple[GateResult, ...] = ()
    assumptions: tuple[AssumptionUse, ...] = ()
    layers: tuple[LayerUse, ...] = ()
    steps: tuple[Step, ...] = ()
    sites: tuple[Site, ...] = ()
    not_computable: Mapping[str, str] = field(default_factory=dict)
    attribution: tuple[str, ...] = ()
    statistics: Mapping[str, float] = field(default_factory=dict)
    hash: str = ""
    format_version: int = FORMAT_VERSION

    @property
    def in_words(self) -> bool:
        """Whether it was asked in plain words rather than by a scenario file."""
        return bool(self.question) and not self.question.startswith(SCENARIO)

    @property
    def blocked(self) -> bool:
        """Whether a gate blocks the scenario, so that it can never be recommended."""
        return any(gate.outcome == "block" and gate.action == "block" for gate in self.gates)

    def to_json(self, indent: int | None = 2) -> str:
        """Serialise to the answer file format; numbers that are not finite become null."""
        return json.dumps(_plain(self), indent=indent, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Frames:
    """A map of cells over time: `moments` [s since the event began] of `before` and `after` (moment, row, column)."""

    moments: NDArray[np.float64]
    before: NDArray[Any]
    after: NDArray[Any]


@dataclass(frozen=True)
class MapLayer:
    """One picture: values before and after on cells, zones, links, buildings or sites.

    `before` and `after` are (row, column) for cells, else aligned with `geometry`. `note` names the event, its return
    period and the boundary where it shows a flood. `frames` show it over time.
    """

    title: str
    quantity: str
    unit: str
    kind: Literal["cells", "zones", "links", "buildings", "sites"]
    before: NDArray[Any] | None
    after: NDArray[Any] | None
    geometry: Any = None
    note: str = ""
    illustrative: bool = False
    frames: Frames | None = None


@dataclass(frozen=True)
class Evidence:
    """What pictures are drawn from: the city, the maps, and each claim's change by ensemble member."""

    city: City
    maps: tuple[MapLayer, ...] = ()
    members: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    places: Any = None


def answer_hash(*, city_hash: str, scenario: Any, want: tuple[str, ...], versions: Mapping[str, str], seed: int) -> str:
    """SHA-256 over inputs, edits, plan and versions; not over digits, so equal questions have equal hashes."""
    return digest([FORMAT_VERSION, city_hash, scenario, list(want), dict(versions), seed])


def read_answer(text: str) -> Mapping[str, Any]:
    """Read an answer file as plain data, checking its format version."""
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"not an answer file of version {FORMAT_VERSION}; make it again with `synapolis ask` or `run`")
    return data


def answer_of(data: Mapping[str, Any]) -> Answer:
    """Build an answer from the plain data of its file; what a newer or older file has besides is left out."""
    made = {
        name: tuple(_record(kind, row) for row in data.get(name) or ())
        for name, kind in (("claims", Claim), ("effects", Effect), ("gates", GateResult), ("layers", LayerUse),
                           ("assumptions", AssumptionUse), ("steps", Step), ("sites", Site))
    }  # fmt: skip
    answer: Answer = _record(Answer, {**data, **made})
    return answer


def _record(kind: type[Any], row: Mapping[str, Any]) -> Any:
    known = {item.name for item in dataclasses.fields(kind)}
    told = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items() if name in known}
    if kind is Site and told.get("geometry") is not None:
        told["geometry"] = shapely.geometry.shape(told["geometry"])
    return kind(**told)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if hasattr(value, "__geo_interface__"):
        return value.__geo_interface__
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
