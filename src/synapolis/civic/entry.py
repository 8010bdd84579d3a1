"""An entry of the public algorithm register: the union of the fields that the registers of the world ask for.

Each field states its group, whether an entry needs it, and what it holds; completeness, forms and pages read that from
here. What a foreign standard says beyond these fields is kept as it came under `extras`, by standard, so that nothing
is lost on the way in and out (civic/formats).
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

Status = Literal["in development", "in use", "out of use"]
Category = Literal["high-risk AI", "impactful algorithm", "other"]
Technique = Literal["rule-based", "self-learning", "hybrid", "generative"]
Kind = Literal["model", "edit", "indicator", "parser", "rule", "system"]
"""What is registered: a part of the twin, or (`system`) another system of the city."""

GROUPS = (
    "identity", "accountability", "purpose", "law", "data", "technique", "oversight", "metadata", "machine",
)  # fmt: skip


class Part(BaseModel):
    """A value inside an entry: frozen, and nothing it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Supplier(Part):
    """Who delivered the algorithm or a part of it."""

    name: str = ""
    identifier: str = ""
    role: str = ""
    data_access_terms: str = ""


class Auditor(Part):
    """Who examined it, and where the report is."""

    name: str = ""
    report_url: str = ""


class Reference(Part):
    """A law, regulation or page: its title and where to read it."""

    title: str = ""
    url: str = ""


class Assessment(Part):
    """An impact assessment: which, when, where, and what it found."""

    name: str = ""
    date: str = ""
    url: str = ""
    summary: str = ""


class Dataset(Part):
    """Data that the algorithm was made with or works on."""

    name: str = ""
    description: str = ""
    url: str = ""
    licence: str = ""
    owner: str = ""
    personal_data: bool | None = None
    collection: str = ""
    sharing: str = ""
    access_and_storage: str = ""


class Measure(Part):
    """How well it does: a metric, its value, when and on which data it was taken."""

    metric: str = ""
    value: str = ""
    date: str = ""
    dataset: str = ""


class Risk(Part):
    """What may go wrong, and what is done about it."""

    name: str = ""
    description: str = ""
    mitigation: str = ""


class Binding(Part):
    """The running service an entry stands for: what ties the public page to the code."""

    service: str = ""
    code_digest: str = ""
    policy: str = ""
    log: str = ""


def _field(group: str, holds: str, *, needed: bool = False, default: Any = "", **limits: Any) -> Any:
    """State a field of the register once: its group, whether an entry needs it, what it holds."""
    facts: dict[str, JsonValue] = {"group": group, "needed": needed}
    return Field(default=default, description=holds, json_schema_extra=facts, **limits)


class AlgorithmEntry(Part):
    """One version of one entry: what an algorithm does, for which decision, on what data, and who answers for it."""

    id: str = Field(
        description="Unambiguous reference, never used for anything else.", pattern=r"^\S{1,200}$",
        json_schema_extra={"group": "identity", "needed": True},
    )  # fmt: skip
    version: str = _field("identity", "Version of the entry; a version never changes.", needed=True, default="1")
    kind: Kind = _field("identity", "A part of the twin, or another system of the city.", default="system")
    name: str = Field(
        description="Name it goes by.", min_length=1, json_schema_extra={"group": "identity", "needed": True}
    )
    summary: str = _field("identity", "What it does, in two or three sentences that anyone reads.", needed=True)
    status: Status | None = _field("identity", "Whether it is in use.", needed=True, default=None)
    publication_category: Category | None = _field("identity", "How much it weighs.", needed=True, default=None)
    themes: tuple[str, ...] = _field("identity", "Fields of policy.", default=())
    area: str = _field("identity", "Area it is used in.")
    begin: str = _field("identity", "Month it came into use, YYYY-MM.")
    end: str = _field("identity", "Month it went out of use, YYYY-MM.")

    organisation: str = _field("accountability", "Organisation that uses it and answers for it.", needed=True)
    department: str = _field("accountability", "Department or team.")
    responsible_owner: str = _field("accountability", "Role that answers for it.", needed=True)
    contact: str = _field("accountability", "Mailbox or page for questions.", needed=True)
    suppliers: tuple[Supplier, ...] = _field("accountability", "Who delivered it.", default=())
    auditors: tuple[Auditor, ...] = _field("accountability", "Who examined it.", default=())

    goal_and_impact: str = _field("purpose", "What it is for and what it does to people.", needed=True)
    proportionality: str = _field("purpose", "Why its use is justified, and what else was considered.")
    decision_process: str = _field("purpose", "The decision it is part of.")
    affected_persons_and_rights: str = _field("purpose", "Who is touched, and in which rights.")

    lawful_basis: tuple[Reference, ...] = _field("law", "Law it rests on.", needed=True, default=())
    impact_assessments: tuple[Assessment, ...] = _field("law", "Assessments made.", needed=True, default=())
    processing_register_url: str = _field("law", "Entry in the register of processing of personal data.")

    datasets: tuple[Dataset, ...] = _field("data", "Data it works on.", needed=True, default=())
    data_bias: str = _field("data", "Known bias of the data, and what is done about it.")

    description: str = _field("technique", "How it works.", needed=True)
    type: Technique | None = _field("technique", "Whether rules or data made it.", needed=True, default=None)
    methods: str = _field("technique", "Methods and models.")
    performance: tuple[Measure, ...] = _field("technique", "How well it does.", default=())
    source_code_url: str = _field("technique", "Where its code can be read.")

    human_intervention: str = _field("oversight", "How people check and overrule it.", needed=True)
    risks: tuple[Risk, ...] = _field(
        "oversight", "What may go wrong and what is done about it.", needed=True, default=()
    )
    monitoring: str = _field("oversight", "How it is watched in use, and the tests that check it.")
    objection_procedure: str = _field("oversight", "How people object.", needed=True)
    rollback: str = _field("oversight", "Whether and how its effects can be undone.")

    language: str = _field("metadata", "Language of the entry, ISO 639.", needed=True, default="en")
    revision_date: str = _field("metadata", "Date by which the entry is looked at again.", needed=True)
    published: str = _field("metadata", "Date of first publication.")
    website: str = _field("metadata", "Public page.")
    registration_url: str = _field("metadata", "Where the entry is registered first.")
    keywords: tuple[str, ...] = _field("metadata", "Words to find it by.", default=())

    bindings: tuple[Binding, ...] = _field("machine", "The running code it stands for.", default=())
    consent_purposes: tuple[str, ...] = _field("machine", "Purposes people consented to.", default=())

    extras: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="What a standard says beyond these fields, as it came, by standard."
    )

    @field_validator("begin", "end")
    @classmethod
    def _month(cls, value: str) -> str:
        if value and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
            raise ValueError(f"needs a month like 2026-05, got {value!r}")
        return value


def fields_of(group: str | None = None, *, needed: bool = False) -> tuple[str, ...]:
    """Names of the fields, of one group or all; only those an entry needs, if `needed`."""
    found = []
    for name, field in AlgorithmEntry.model_fields.items():
        facts = field.json_schema_extra
        if isinstance(facts, dict) and group in {None, facts["group"]} and (facts["needed"] or not needed):
            found.append(name)
    return tuple(found)


def filled(entry: AlgorithmEntry, name: str) -> bool:
    """Whether a field of the entry says anything."""
    return getattr(entry, name) not in (None, "", ())
