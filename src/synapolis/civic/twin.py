"""The twin's own entries of the register, made from the declarations of its models, indicators, parsers and rules.

Nobody writes them: what the code declares is what the public reads. What only the city that runs the twin can say (who
answers, where to object) it says once, in a profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from synapolis.civic.entry import AlgorithmEntry, Assessment, Binding, Dataset, Kind, Reference, Risk, Supplier
from synapolis.core.declare import REGISTRY, Algorithm, Declaration
from synapolis.core.errors import RegisterError
from synapolis.core.home import home

PREFIX = "synapolis:"
"""Ids that begin with it belong to the twin, and are entered by nobody."""
PROFILE = "register.yaml"
THEMES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "stormwater": ("nature and environment",),
    "heat": ("nature and environment",),
    "transit": ("traffic",),
    "traffic": (),
    "housing": (),
    "finance": ("public finance",),
    **dict.fromkeys(("derive", "sources", "indicators", "scenarios", "agents"), ("space and infrastructure",)),
})  # fmt: skip
"""Theme of policy of each field of the twin, where it is not called the same: what other registers sort by."""


class Profile(BaseModel):
    """What the city that runs the twin says of all its algorithms at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = ""
    department: str = ""
    responsible_owner: str = ""
    contact: str = ""
    area: str = ""
    decision_process: str = ""
    proportionality: str = ""
    affected_persons_and_rights: str = ""
    objection_procedure: str = ""
    revision_date: str = ""
    published: str = ""
    website: str = ""
    source_code_url: str = ""
    lawful_basis: tuple[Reference, ...] = ()
    impact_assessments: tuple[Assessment, ...] = ()


def read_profile(path: Path | None = None) -> Profile:
    """Read the city's profile: `register.yaml` in the workspace unless told otherwise; without a file, an empty one.

    Raises
    ------
    RegisterError
        When the file is no profile.
    """
    path = path or home() / PROFILE
    if not path.is_file():
        return Profile()
    try:
        return Profile(**(yaml.safe_load(path.read_text(encoding="utf-8")) or {}))
    except (ValidationError, TypeError, UnicodeDecodeError, yaml.YAMLError) as error:
        known = ", ".join(Profile.model_fields)
        raise RegisterError(f"{path} must give texts for {known}: {str(error).splitlines()[0]}") from error


def entry_id(name: str) -> str:
    """Id of the entry of an algorithm of the twin."""
    return PREFIX + name


def twin_entries(profile: Profile, algorithms: Iterable[Algorithm] | None = None) -> tuple[AlgorithmEntry, ...]:
    """Entries of everything declared in this process, by kind and name; call `load_algorithms` first."""
    known = REGISTRY.algorithms.values() if algorithms is None else algorithms
    entries = [twin_entry(algorithm, profile) for algorithm in known]
    return tuple(sorted(entries, key=lambda entry: (get_args(Kind).index(entry.kind), entry.id)))


def twin_entry(algorithm: Algorithm, profile: Profile) -> AlgorithmEntry:
    """Say in the register's fields what an algorithm declares."""
    declared = {name: said for name, said in profile if name != "responsible_owner"}
    return AlgorithmEntry(
        **declared,
        id=entry_id(algorithm.name),
        version=algorithm.version,
        kind=algorithm.kind,
        name=algorithm.name.replace("_", " ").capitalize(),
        summary=algorithm.does,
        status="in use",
        publication_category="other",
        themes=(algorithm.field, *THEMES.get(algorithm.field, ())),
        responsible_owner=profile.responsible_owner or algorithm.owner,
        suppliers=(Supplier(name="Synapolis maintainers", role="write and test it"),),
        goal_and_impact=algorithm.decision,
        datasets=tuple(_dataset(name, algorithm) for name in algorithm.data),
        description=f"{algorithm.method} Limits: {algorithm.limits}",
        type="rule-based",
        methods=algorithm.source,
        human_intervention=algorithm.oversight,
        risks=(Risk(name="What may go wrong", description=algorithm.risks, mitigation=algorithm.oversight),),
        monitoring=f"Checked by {algorithm.tests} at every change.",
        rollback="It computes and changes nothing in the city; an answer is set aside by its hash.",
        keywords=algorithm.outputs if isinstance(algorithm, Declaration) else (algorithm.kind, algorithm.field),
        bindings=(Binding(service=service_of(algorithm), code_digest=algorithm.code_digest),),
    )


def service_of(algorithm: Algorithm) -> str:
    """Name the function that runs: module and name."""
    return f"{algorithm.function.__module__}:{algorithm.function.__name__}"


def _dataset(name: str, algorithm: Algorithm) -> Dataset:
    """A word of the vocabulary with its meaning and unit, an assumption with its source, or what a parser reads."""
    assumption, quantity = REGISTRY.assumptions.get(name), REGISTRY.quantities.get(name)
    if not isinstance(algorithm, Declaration):
        return Dataset(name=name)
    if assumption is not None:
        value = f"{assumption.value:g} {assumption.unit}".removesuffix(" 1")
        said = f"{assumption.meaning}, taken as {value} ({assumption.standing}: {assumption.source})"
        return Dataset(name=name, description=said, personal_data=False)
    if quantity is None:
        return Dataset(name=name, personal_data=False)
    unit = f" [{quantity.unit}]" if quantity.unit not in {"", "1"} else ""
    return Dataset(
        name=name, description=f"{quantity.meaning.rstrip('.')}, by {quantity.place}{unit}", personal_data=False
    )
