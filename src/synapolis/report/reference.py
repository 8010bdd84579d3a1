"""Lists in `docs/` that are generated, never written by hand: models, assumptions, quantities, layers, answer schema.

`python -m synapolis.report.reference docs` writes them; a test fails when one is stale.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from synapolis.core.declare import REGISTRY, Assumption, Declaration, Quantity
from synapolis.layers.schemas import LAYERS, Schema
from synapolis.models import load_models
from synapolis.scenarios.answer import FORMAT_VERSION, Answer

WRITTEN_BY = "<!-- Written by `python -m synapolis.report.reference docs`: change the declarations, not this file. -->"
FIELDS = MappingProxyType({
    "derive": "Deriving what the data lack",
    "stormwater": "Stormwater",
    "transit": "Transit and walking",
    "traffic": "Car traffic",
    "housing": "Housing",
    "finance": "Costs",
})  # fmt: skip


def reference_files() -> dict[str, str]:
    """Text of every generated file in `docs/`, by its name."""
    load_models()
    return {
        "models.md": models_page(),
        "assumptions.md": assumptions_page(),
        "quantities.md": quantities_page(),
        "layers.md": layers_page(),
        "answer.schema.json": json.dumps(answer_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def write_reference(folder: Path) -> list[Path]:
    """Write every generated file into a folder; return those that changed."""
    changed = []
    for name, text in reference_files().items():
        path = Path(folder) / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def models_page() -> str:
    """Every declared model: what it does, what it takes and makes, how, on whose word, and where it fails."""
    models = sorted(REGISTRY.models.values(), key=_model_order)
    lines = _page(
        "Models",
        f"{len(models)} models, each a pure function whose signature is its declaration. Where several make the same",
        "quantity, the one of the lowest rank whose inputs the city has is taken.",
        "[quantities.md](quantities.md) says what each word means, [assumptions.md](assumptions.md) what is assumed.",
    )
    for field, group in groupby(models, key=lambda model: model.field):
        members = list(group)
        lines += ["", f"## {FIELDS.get(field, field)}", ""]
        lines += _table(("model", "makes", "what it does"), [_model_row(model) for model in members])
        for model in members:
            lines += ["", *_model_entry(model)]
    return "\n".join(lines) + "\n"


def _model_order(model: Declaration) -> tuple[int, str, bool, str]:
    known = list(FIELDS)
    return known.index(model.field) if model.field in known else len(known), model.field, model.is_edit, model.name


def _model_row(model: Declaration) -> tuple[str, str, str]:
    return f"[`{model.name}`](#{_anchor(model)})", _codes(model.outputs), model.does


def _anchor(model: Declaration) -> str:
    return f"{model.name}-version-{model.version}".lower().replace(".", "")


def _model_entry(model: Declaration) -> list[str]:
    assumed = [name for name in model.inputs if name in REGISTRY.assumptions]
    words = [name for name in model.inputs if name not in REGISTRY.assumptions]
    kind = "carries out an edit" if model.is_edit else f"rank {model.rank}"
    if model.origin == "assumed":
        kind += ", its result is assumed"
    if model.update is not None:
        kind += ", starts from the baseline's result"
    facts = [
        ("For", model.decision),
        ("Method", model.method),
        ("Limits", model.limits),
        ("Risks", model.risks),
        ("Takes", _codes(words, model.optional)),
        ("Needs a value in", _codes(model.columns)),
        ("Assumes", _codes(assumed)),
        ("Source", model.source),
        ("Tests", f"`{model.tests}`"),
    ]
    return [
        f"### `{model.name}`, version {model.version}",
        "",
        f"{model.does} ({kind})",
        "",
        *(f"- {label}: {_inline(text)}" for label, text in facts if text),
    ]


def assumptions_page() -> str:
    """Every assumption with its range, standing, source and the models that take it."""
    known = sorted(REGISTRY.assumptions.values(), key=lambda assumption: assumption.name)
    cited = sum(assumption.read for assumption in known)
    lines = _page(
        "Assumptions",
        f"{len(known)} named values that models take as arguments. {cited} are *cited*: someone on the project read",
        f"the figure in its source. The other {len(known) - cited} are *assumed*: the source is where the figure is",
        "said to come from, or there is none. An ensemble varies each over its range (a triangular distribution with",
        "its peak at the value, or a uniform one); a fixed one is not varied. Set one with",
        "`synapolis run CITY scenario.yaml --want … --assume NAME=VALUE`.",
    )
    head = ("assumption", "value", "range", "unit", "standing", "meaning", "source", "taken by")
    lines += ["", *_table(head, [_assumption_row(assumption) for assumption in known])]
    return "\n".join(lines) + "\n"


def _assumption_row(assumption: Assumption) -> tuple[str, ...]:
    span = f"{assumption.low:g} to {assumption.high:g}"
    fixed = assumption.distribution == "fixed" or assumption.low == assumption.high
    takers = sorted(model.name for model in REGISTRY.models.values() if assumption.name in model.inputs)
    return (
        f"`{assumption.name}`",
        f"{assumption.value:g}",
        "fixed" if fixed else span if assumption.distribution == "triangular" else f"{span}, uniform",
        assumption.unit,
        assumption.standing,
        assumption.meaning,
        assumption.source,
        _codes(takers),
    )


def quantities_page() -> str:
    """Every word that can be wanted: its place, unit, meaning and makers."""
    words = sorted(
        (word for word in REGISTRY.quantities.values() if not word.name.startswith("edit_")), key=lambda word: word.name
    )
    lines = _page(
        "Quantities",
        "The vocabulary: each quantity has one name, one place, one unit and one meaning. Those on *city* are the",
        "numbers an answer leads with; `synapolis run CITY scenario.yaml --want NAME,NAME` asks for any of them.",
        "A word that no model makes (*given*) is a layer or a fact of the city: see [layers.md](layers.md).",
    )
    lines += ["", *_table(("quantity", "on", "unit", "meaning", "made by"), [_quantity_row(word) for word in words])]
    return "\n".join(lines) + "\n"


def _quantity_row(word: Quantity) -> tuple[str, ...]:
    makers = [model.name for model in REGISTRY.makers(word.name)]
    return f"`{word.name}`", word.place, word.unit, word.meaning, _codes(makers) or "given"


def layers_page() -> str:
    """Every layer a city may have, with its columns."""
    lines = _page(
        "Layers",
        "What a city may hold. A missing layer is normal: what can be derived is derived, the rest is not computable.",
        "Every table has a unique text `id`. A missing number is NaN (never 0), a missing text is empty; *needed*",
        "columns may not be missing. Beside these, `timetable` holds stops, routes, trips, times and services as in",
        "GTFS.",
    )
    for schema in sorted(LAYERS.values(), key=lambda schema: schema.name):
        lines += ["", f"## `{schema.name}`", "", _layer_kind(schema)]
        if schema.columns:
            lines += ["", *_table(("column", "holds", "unit", "meaning"), _column_rows(schema))]
        if schema.open_columns:
            lines += ["", "Further numeric columns are kept."]
    return "\n".join(lines) + "\n"


def _layer_kind(schema: Schema) -> str:
    if schema.raster:
        return f"{schema.meaning} A raster in {schema.unit}."
    return f"{schema.meaning} " + (f"Geometry: {', '.join(schema.geometry)}." if schema.geometry else "A plain table.")


def _column_rows(schema: Schema) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, column in schema.columns.items():
        needed = "" if column.nullable or column.kind in ("text", "flag") else ", needed"
        needed = ", may be absent" if column.optional else needed
        rows.append((f"`{name}`", column.kind + needed, column.unit, column.meaning))
    return rows


def answer_schema() -> dict[str, Any]:
    """JSON schema of the answer file: what `Answer.to_json` writes, every field present, NaN as null."""
    schema: dict[str, Any] = TypeAdapter(Answer).json_schema(mode="serialization")
    for name, shape in [("Answer", schema), *schema.get("$defs", {}).items()]:
        shape["required"] = list(shape["properties"])
        shape["additionalProperties"] = False
        shape.pop("title", None)
        shape["properties"] = {key: _loosened(value) for key, value in shape["properties"].items()}
        if name == "Site":
            shape["properties"]["geometry"] = {"description": "GeoJSON geometry in the city's CRS, or null."}
    schema["properties"]["format_version"] = {"const": FORMAT_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Synapolis answer, format version {FORMAT_VERSION}",
        **schema,
    }


def _loosened(shape: Any) -> Any:
    """Drop defaults and generated titles, and let a number be null: JSON has no NaN."""
    if isinstance(shape, list):
        return [_loosened(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    kept = {key: _loosened(value) for key, value in shape.items() if key not in ("title", "default")}
    return kept | {"type": ["number", "null"]} if kept.get("type") == "number" else kept


def answer_fields() -> dict[str, tuple[str, ...]]:
    """Field names of the answer and of each shape inside it, by name."""
    shapes = answer_schema().get("$defs", {})
    return {"Answer": tuple(field.name for field in dataclasses.fields(Answer))} | {
        name: tuple(shape["properties"]) for name, shape in shapes.items()
    }


def _page(title: str, *intro: str) -> list[str]:
    return [f"# {title}", "", WRITTEN_BY, "", " ".join(intro)]


def _codes(names: Iterable[str], optional: Sequence[str] = ()) -> str:
    return ", ".join(f"`{name}`" + (" (if there is one)" if name in optional else "") for name in names)


def _inline(text: str) -> str:
    return " ".join(text.split())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [[_inline(cell).replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]


def main() -> None:
    """Write the generated files into the folder named on the command line (default: `docs`)."""
    write_reference(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))


if __name__ == "__main__":
    main()
