"""The plan: which models make the wanted quantities, from which layers and assumptions, before and after each edit.

A stage is a number of edits applied: stage 0 is the city as it stands. A word at a stage is a layer, an edit's version
of it, or a model's output whose arguments are the same words at the same stage. Nodes are shared wherever their inputs
are the same, so whatever an edit does not touch is one node before and after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from synapolis.core.declare import REGISTRY, Assumption, Declaration, FixedPoint
from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas.census import COUNTED, NO_ANSWER
from synapolis.layers.city import City
from synapolis.layers.schemas import LAYERS
from synapolis.models.finance.costs import cost_assumptions
from synapolis.scenarios.choice import candidates


@dataclass(eq=False)
class Node:
    """One step of a plan. Equal steps are the same object."""

    kind: Literal["layer", "value", "assumption", "model", "edit", "fixed_point", "feedback"]
    name: str
    inputs: tuple[tuple[str, Ref], ...] = ()
    declaration: Declaration | None = None
    value: Any = None
    origin: str = "observed"
    stage: int = 0
    baseline: Node | None = None
    fixed_point: FixedPoint | None = None
    outputs: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Ref:
    """One output of a node."""

    node: Node
    output: str


@dataclass(frozen=True)
class Unavailable:
    """Why a word cannot be had: what it needs that the city does not have."""

    word: str
    needs: tuple[str, ...]

    def __str__(self) -> str:
        """Say so in one clause."""
        return f"needs {' or '.join(self.needs)}" if self.needs else "no model makes it"


@dataclass(frozen=True)
class BoundEdit:
    """An edit with its words resolved on one city: the model that carries it out and the values it brings."""

    id: str
    kind: str
    models: tuple[str, ...]
    values: Mapping[str, Any]
    says: str
    log: Mapping[str, Any] = field(default_factory=dict)


def _whole(methods: Mapping[str, str]) -> dict[str, str]:
    """A model chosen for one quantity makes all it can, unless another is chosen for those."""
    along = {
        word: name for name in methods.values() if name in REGISTRY.models for word in REGISTRY.models[name].outputs
    }
    return along | dict(methods)


class Planner:
    """Resolves words to nodes for one city, list of edits, choice of methods and values of assumptions."""

    def __init__(
        self,
        city: City,
        edits: Sequence[BoundEdit] = (),
        *,
        assumptions: Mapping[str, float] | None = None,
        methods: Mapping[str, str] | None = None,
        excluded: Mapping[str, str] | None = None,
    ) -> None:
        self.city = city
        self.edits = tuple(edits)
        self.overrides = dict(assumptions or {})
        self.methods = _whole(methods or {})
        self.excluded = dict(excluded or {})
        self._country = cost_assumptions(city.country)
        self._nodes: dict[Any, Node] = {}
        self._memo: dict[tuple[str, int, int, str], Ref | Unavailable] = {}
        self._open: set[tuple[str, int, int, str]] = set()
        self._touches = [self._declare_edit(edit) for edit in self.edits]

    @property
    def last(self) -> int:
        """The stage at which every edit is applied."""
        return len(self.edits)

    def want(self, word: str, stage: int | None = None) -> Ref:
        """Resolve a word at a stage (default: all edits applied).

        Raises
        ------
        NotComputableError
            Naming what the city lacks; or with edits applied, that the word is a count which no model changes.
        """
        if word not in REGISTRY.quantities:
            raise NotComputableError(f"no quantity is called {word!r}; `synapolis vocabulary` lists them")
        stage = self.last if stage is None else stage
        found = self.resolve(word, stage)
        if isinstance(found, Unavailable):
            raise NotComputableError(f"not computable: {self._lacking(found.needs, f' for {word}')}")
        if stage and found.node.name in COUNTED:
            raise NotComputableError(f"not computable: {word} {NO_ANSWER}")
        return found

    def why_not(self, word: str) -> str | None:
        """Return None when a word can be had today, else what it needs."""
        found = self.resolve(word, 0)
        return str(found) if isinstance(found, Unavailable) else None

    def lacks(self, word: str) -> str:
        """Say what the city has not that a word needs; empty where it can be had today."""
        found = self.resolve(word, 0)
        return self._lacking(found.needs) if isinstance(found, Unavailable) else ""

    def _lacking(self, needs: Sequence[str], purpose: str = "") -> str:
        """Tell layers that are not there, then what models found lacking in those that are."""
        found = set(self.excluded.values())
        absent = [need for need in needs if need not in found]
        parts = [f"{self.city.title} has no {' and no '.join(absent)}{purpose}"] if absent else []
        return "; ".join([*parts, *(need for need in needs if need in found)])

    def assumption(self, name: str) -> Assumption:
        """The assumption as this city states it, else as usual in its country, else as the project does."""
        return self.city.assumptions.get(name) or self._country.get(name) or REGISTRY.assumptions[name]

    def resolve(self, word: str, stage: int, upto: int | None = None, inside: str = "") -> Ref | Unavailable:
        """Find the node for a word at a stage, its own edits counted up to `upto`, inside a fixed point or not."""
        upto = stage if upto is None else upto
        place = (word, stage, upto, inside)
        if place in self._memo:
            return self._memo[place]
        if place in self._open:
            return Unavailable(word, (f"{word} itself, in a circle that no fixed point declares",))
        self._open.add(place)
        try:
            found = self._memo[place] = self._resolve(word, stage, upto, inside)
        finally:
            self._open.discard(place)
        return found

    def _resolve(self, word: str, stage: int, upto: int, inside: str) -> Ref | Unavailable:  # noqa: PLR0911 - one for each way
        if word == "edit_log":
            return self._value(word, self._edit_log(upto))
        for number in range(upto, 0, -1):
            if word in self._touches[number - 1].outputs:
                return self._edited(word, number, stage, inside)
        if word in ("grid", "extent"):
            return self._value(word, getattr(self.city, word))
        if word in self.city.layers:
            layer = self.city.layers[word]
            return Ref(self._node("layer", word, value=layer, origin=layer.origin, outputs=(word,)), word)
        if word in REGISTRY.assumptions:
            return self._assumption(word)
        point = REGISTRY.fixed_points.get(word)
        if point is not None and inside != point.word:
            return self._fixed_point(point, word, stage)
        if point is not None and word == point.word:
            return Ref(self._node("feedback", word, outputs=(word,), origin="derived"), word)
        return self._made(word, stage, inside)

    def _value(self, word: str, value: Any) -> Ref:
        return Ref(self._node("value", word, value=value, outputs=(word,), tag=id(value)), word)

    def _assumption(self, name: str) -> Ref:
        assumption = self.assumption(name)
        value = float(self.overrides.get(name, assumption.value))
        return Ref(
            self._node("assumption", name, value=value, origin=assumption.standing, outputs=(name,), tag=value), name
        )

    def _made(self, word: str, stage: int, inside: str) -> Ref | Unavailable:
        """Take the first model, in order of preference, whose inputs can be had."""
        needs = [word.replace("_", " ")] if word in LAYERS or word == "timetable" else []
        for model in self._candidates(word):
            if model.name in self.excluded:
                needs.append(self.excluded[model.name])
                continue
            inputs = self._inputs(model, stage, inside)
            if isinstance(inputs, Unavailable):
                needs.extend(inputs.needs or (inputs.word.replace("_", " "),))
                continue
            node = self._carried_out("model", model, inputs, stage)
            if model.update is not None and stage and not inside:
                today = self._made(word, 0, inside)
                node.baseline = today.node if isinstance(today, Ref) and today.node is not node else None
            return Ref(node, word)
        return Unavailable(word, tuple(dict.fromkeys(needs)) or (word.replace("_", " "),))

    def _candidates(self, word: str) -> list[Declaration]:
        makers = [m for m in REGISTRY.makers(word) if not m.is_edit]
        return candidates(word, makers, self.methods.get(word))

    def _inputs(self, model: Declaration, stage: int, inside: str) -> tuple[tuple[str, Ref], ...] | Unavailable:
        lacking = self._empty_column(model)
        if lacking is not None:
            return lacking
        inputs: list[tuple[str, Ref]] = []
        for name in model.inputs:
            found = self.resolve(name, stage, inside=inside)
            if isinstance(found, Ref):
                inputs.append((name, found))
            elif name not in model.optional:
                return found
        return tuple(inputs)

    def _empty_column(self, model: Declaration) -> Unavailable | None:
        """A column that looks present but holds nothing is as good as none."""
        for path in model.columns:
            table, _, column = path.partition(".")
            layer = self.city.layers.get(table)
            if layer is None or not layer.value[column].notna().any():
                return Unavailable(path, (f"{column.replace('_', ' ')} in its {table.replace('_', ' ')}",))
        return None

    def _edited(self, word: str, number: int, stage: int, inside: str) -> Ref | Unavailable:
        """The version of a word that edit `number` leaves behind, seen from a stage."""
        edit, model = self.edits[number - 1], self._touches[number - 1]
        inputs: list[tuple[str, Ref]] = []
        for name in model.inputs:
            if name in edit.values:
                inputs.append((name, self._value(name, edit.values[name])))
                continue
            touched = name in model.outputs
            found = self.resolve(name, stage if touched else number - 1, number - 1, inside if touched else "")
            if isinstance(found, Ref):
                inputs.append((name, found))
            elif name not in model.optional:
                return found
        return Ref(self._carried_out("edit", model, tuple(inputs), number), word)

    def _carried_out(self, kind: str, model: Declaration, inputs: tuple[tuple[str, Ref], ...], stage: int) -> Node:
        """Node of a model on these inputs."""
        origin = _origin(model, inputs)
        return self._node(
            kind, model.name, inputs, declaration=model, origin=origin, stage=stage, outputs=model.outputs
        )

    def _declare_edit(self, edit: BoundEdit) -> Declaration:
        """Pick the first of the edit's models whose layers this city has."""
        reasons: list[str] = []
        for name in edit.models:
            model = REGISTRY.models[name]
            words = [w for w in model.inputs if w not in edit.values and w not in model.optional]
            bare = Planner(self.city, assumptions=self.overrides, excluded=self.excluded)
            missing = [found for found in (bare.resolve(word, 0) for word in words) if isinstance(found, Unavailable)]
            if not missing:
                return model
            reasons.extend(need for found in missing for need in found.needs)
        raise NotComputableError(
            f"not computable: {self._lacking(tuple(dict.fromkeys(reasons)), f', which {edit.says} needs')}"
        )

    def _fixed_point(self, point: FixedPoint, word: str, stage: int) -> Ref | Unavailable:
        start = self.resolve(point.start, stage)
        if isinstance(start, Unavailable):
            return start
        inner = self._made(point.word, stage, point.word)
        if isinstance(inner, Unavailable):
            return inner
        inputs = [("start", start), ("next", inner)]
        for carried in point.carries:
            found = self.resolve(carried, stage, inside=point.word)
            if isinstance(found, Ref):
                inputs.append((carried, found))
        outputs = (point.word, *(name for name, _ in inputs[2:]))
        node = self._node(
            "fixed_point", point.word, tuple(inputs), fixed_point=point, origin=inner.node.origin, stage=stage,
            outputs=outputs,
        )  # fmt: skip
        if stage:
            today = self._fixed_point(point, word, 0)
            node.baseline = today.node if isinstance(today, Ref) and today.node is not node else None
        return Ref(node, word) if word in outputs else Unavailable(word, (word.replace("_", " "),))

    def _edit_log(self, upto: int) -> pd.DataFrame:
        blank = {"amount": np.nan, "unit": ""}
        rows = [{"edit": edit.id, "kind": edit.kind} | blank | dict(edit.log) for edit in self.edits[:upto]]
        return pd.DataFrame(rows, columns=["edit", "kind", "amount", "unit"]).astype({"amount": float})

    def _node(
        self, kind: Any, name: str, inputs: tuple[tuple[str, Ref], ...] = (), *, tag: Any = None, **facts: Any
    ) -> Node:
        identity = (kind, name, tag, tuple((arg, id(ref.node), ref.output) for arg, ref in inputs))
        if kind == "value" and name == "edit_log":
            identity = (kind, name, len(facts["value"]), ())
        if identity not in self._nodes:
            self._nodes[identity] = Node(kind=kind, name=name, inputs=inputs, **facts)
        return self._nodes[identity]


def _origin(model: Declaration, inputs: tuple[tuple[str, Ref], ...]) -> str:
    """Assumed when the model or any layer below it is; a cited or assumed scalar alone leaves it derived.

    Observed where the model hands on what was counted, and nothing below it was derived.
    """
    below = {ref.node.origin for _, ref in inputs if ref.node.kind not in ("assumption", "value")}
    if model.origin == "assumed" or "assumed" in below:
        return "assumed"
    return "observed" if model.origin == "observed" and below <= {"observed"} else "derived"


def ancestors(refs: Sequence[Ref]) -> list[Node]:
    """Every node below these outputs, parents first."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        for _, ref in node.inputs:
            visit(ref.node)
        if node.baseline is not None:
            visit(node.baseline)
        order.append(node)

    for ref in refs:
        visit(ref.node)
    return order
