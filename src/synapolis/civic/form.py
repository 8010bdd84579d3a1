"""The form in which other systems of the city are entered: every field of an entry, what it holds, what it may say."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from synapolis.civic.entry import GROUPS, AlgorithmEntry, fields_of

GIVEN = {"version": '"1"', "language": "en"}
"""What the form says already."""
LEFT_OUT = {"kind"}
"""What is entered by form is always another system of the city."""


def form() -> str:
    """Write an empty form as YAML: `synapolis register import` reads it once it is filled in."""
    lines = ["# An entry of the algorithm register. Fields marked * are needed; leave empty what does not apply.", ""]
    needed = set(fields_of(needed=True))
    for group in GROUPS:
        lines += [f"# {group.upper()}", ""]
        for name in fields_of(group):
            if name not in LEFT_OUT:
                lines += _field(name, "* " if name in needed else "")
        lines.append("")
    return "\n".join(lines)


def _field(name: str, mark: str) -> list[str]:
    field = AlgorithmEntry.model_fields[name]
    kinds = get_args(field.annotation)
    part = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    lines = [f"# {mark}{field.description}"]
    if part is not None:
        lines.append(f"# A list; of each: {', '.join(part.model_fields)}. {_example(name, part)}")
    elif choices := _choices(field.annotation):
        lines.append(f"# One of: {', '.join(choices)}.")
    elif Ellipsis in kinds:
        lines.append("# A list of texts: [one, two]")
    return [*lines, f"{name}: {GIVEN.get(name, '')}".rstrip(), ""]


def _example(name: str, part: type[BaseModel]) -> str:
    first, *others = part.model_fields
    return f"For example {name}: [{{{first}: …{f', {others[0]}: …' if others else ''}}}]"


def _choices(annotation: Any) -> tuple[str, ...]:
    """Texts that a field may hold, where only some."""
    found: list[str] = []
    for kind in get_args(annotation):
        found += [kind] if isinstance(kind, str) else [one for one in get_args(kind) if isinstance(one, str)]
    return tuple(found)
