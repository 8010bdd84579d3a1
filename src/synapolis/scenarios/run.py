"""Run a plan: each node once, keyed by its code, and by the digests of what it was given.

An unchanged output has an unchanged digest, so recomputation stops below it. Results are kept as they are made: an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from synapolis.core.declare import REGISTRY, FixedPoint
from synapolis.core.digest import digest
from synapolis.core.errors import ModelError, NotComputableError, SynapolisError
from synapolis.scenarios.cache import Cache, Digests, Entry
from synapolis.scenarios.plan import Node, Ref, ancestors

Progress = Callable[[str, int, int], None]
"""Called with a node's name, how many are done and how many there are."""


@dataclass
class Ran:
    """What a run made: outputs by node, and what it took."""

    entries: dict[int, Entry] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    computed: list[str] = field(default_factory=list)
    cached: int = 0
    seconds: float = 0.0

    def value(self, ref: Ref) -> Any:
        """Return the value of one output."""
        return self.entries[id(ref.node)].outputs[ref.output]

    def absorb(self, other: Ran) -> None:
        """Add another run's counts."""
        self.computed.extend(other.computed)
        self.cached += other.cached
        self.seconds += other.seconds


class NodeFailedError(NotComputableError):
    """A model found at run time that the city lacks what it needs; the plan may try another method."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model}: {reason}")
        self.model, self.reason = model, reason


def run(wanted: Sequence[Ref], cache: Cache, *, progress: Progress | None = None, ran: Ran | None = None) -> Ran:
    """Make the wanted outputs, reusing every result whose key is known.

    Raises
    ------
    RegisterError
        When a model is not in the register as it stands: unknown, incomplete, or changed under a locked version.
    NodeFailedError
        When a model says that its inputs hold nothing to compute from.
    ModelError
        When a model fails; the message names it.
    """
    ran = ran or Ran()
    order = [node for node in ancestors(wanted) if id(node) not in ran.entries]
    for node in order:
        if node.declaration is not None:
            REGISTRY.admit(node.declaration)
    looping = _inside_loops(order)
    start = time.perf_counter()
    for number, node in enumerate(order):
        if id(node) in looping:
            continue
        if progress is not None and node.kind not in ("layer", "value", "assumption"):
            progress(node.name, number, len(order))
        _settle(node, ran, cache)
    ran.seconds += time.perf_counter() - start
    if progress is not None:
        progress("", len(order), len(order))
    return ran


def _settle(node: Node, ran: Ran, cache: Cache) -> None:
    """Put a node's entry into the run: given, remembered, or made now."""
    if node.kind in ("layer", "value", "assumption"):
        value = node.value.value if node.kind == "layer" else node.value
        mark = node.value.digest if node.kind == "layer" else digest(value)
        ran.entries[id(node)] = Entry({node.name: value}, {node.name: mark}, 0.0, {})
        return
    key = ran.keys[id(node)] = node_key(node, ran)
    entry = cache.get(key)
    if entry is not None:
        ran.cached += 1
    else:
        entry = _make(node, ran)
        ran.computed.append(node.name)
        cache.put(key, entry)
    ran.entries[id(node)] = entry


def node_key(node: Node, ran: Ran) -> str:
    """Hash of the code version, the parameters and the digests of the parents' outputs."""
    if node.kind == "fixed_point":
        return _loop_key(node, ran)
    assert node.declaration is not None
    parts = [node.name, node.declaration.version, node.declaration.code_digest]
    parts.extend(f"{arg}={ran.entries[id(ref.node)].digests[ref.output]}" for arg, ref in node.inputs)
    if node.baseline is not None:
        parts.append("from=" + ran.keys[id(node.baseline)])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _make(node: Node, ran: Ran) -> Entry:
    start = time.perf_counter()
    notes: dict[str, Any] = {}
    if node.fixed_point is not None:
        outputs, notes = _iterate(node, node.fixed_point, ran)
    else:
        outputs = _call(node, {arg: ran.value(ref) for arg, ref in node.inputs}, ran)
    seconds = time.perf_counter() - start
    return Entry(outputs, Digests(outputs), seconds, notes)


def _call(node: Node, arguments: dict[str, Any], ran: Ran | None = None) -> dict[str, Any]:
    """Call a model on its arguments; what is optional and not there is None."""
    before = node.baseline
    if before is None or ran is None:
        return _outputs(node, arguments)
    earlier = {arg: ran.value(ref) for arg, ref in before.inputs}
    return _outputs(node, arguments, (ran.entries[id(before)].outputs, earlier))


def _outputs(
    node: Node, arguments: dict[str, Any], earlier: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Outputs of a model by word; from earlier outputs and inputs where it offers an update and they are given."""
    declaration = node.declaration
    assert declaration is not None
    arguments |= {name: None for name in declaration.optional if name not in arguments}
    try:
        if earlier is not None and declaration.update is not None:
            result = declaration.update(*earlier, arguments)
        else:
            result = declaration.function(**arguments)
    except NotComputableError as error:
        raise NodeFailedError(declaration.name, str(error)) from error
    except SynapolisError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, ShapelyError) as error:
        raise ModelError(
            f"model {declaration.name} {declaration.version} failed: {error}; please report it with the scenario"
        ) from error
    if getattr(result, "_fields", None) != declaration.outputs:
        return {declaration.outputs[0]: result}
    return {name: getattr(result, name) for name in declaration.outputs}


def _iterate(node: Node, point: FixedPoint, ran: Ran) -> tuple[dict[str, Any], dict[str, Any]]:
    """Repeat the loop's models until the fed-back field stands still, going part of the way by Aitken's rule.

    A model that offers an update starts from its last round, and in the first round from the baseline's last. After an
    edit the loop ends once the change that is yet to come is within the tolerance (see `_yet_to_come`).
    """
    refs = dict(node.inputs)
    begin = ran.value(refs["start"])
    if node.baseline is not None:
        earlier_word = ran.entries[id(node.baseline)].outputs[point.word]
        begin = earlier_word if np.shape(earlier_word) == np.shape(begin) else begin
    value = np.asarray(begin, dtype=float)
    inner = _steps_inside(node, ran)
    last: Mapping[str, Any] | None = ran.entries[id(node.baseline)].outputs if node.baseline is not None else None
    change, share = np.inf, 1.0
    before: NDArray[np.float64] | None = None
    earlier: tuple[Mapping[str, Any], Mapping[str, Any]] | None
    rounds, moved, pace = 0, np.inf, LEAST_PACE
    usual = 1.0 if node.baseline is None else ran.entries[id(node.baseline)].notes.get("pace", 1.0)
    while rounds < point.max_iterations:
        rounds += 1
        local = Ran(entries=dict(ran.entries))
        for step in inner:
            if step.kind == "feedback":
                outputs: dict[str, Any] = {step.name: value}
            else:
                earlier = (last, {}) if last is not None else None
                outputs = _outputs(step, {arg: local.value(ref) for arg, ref in step.inputs}, earlier)
            local.entries[id(step)] = Entry(outputs, {}, 0.0, {})
        carried = {name: local.value(ref) for name, ref in node.inputs[2:]}
        last = carried
        target = np.asarray(local.value(refs["next"]), dtype=float)
        scale = float(np.nanmean(np.abs(value))) or 1.0
        earlier_move, moved = moved, float(np.nanmax(np.abs(target - value))) / scale
        if rounds > 1:
            pace = max(pace, moved / earlier_move) if share == MOST_STEP else 1.0
        change = _yet_to_come(moved, max(pace, usual))
        if change <= point.tolerance:
            value = target
            break
        residual = (target - value).ravel()
        share = _relaxation(share, residual, before)
        value, before = value + share * (target - value), residual
    notes = {
        "iterations": rounds, "residual": change, "tolerance": point.tolerance,
        "converged": bool(change <= point.tolerance), "pace": pace if rounds > 1 else 1.0,
    }  # fmt: skip
    return {point.word: value, **carried}, notes


LEAST_STEP, MOST_STEP = 0.2, 1.0
"""Part of the way to the next value that a loop goes at least and at most."""
LEAST_PACE, MOST_PACE = 0.1, 0.5
"""A round's change over the one before: never taken for less, and not relied upon above."""


def _yet_to_come(moved: float, pace: float) -> float:
    """Change that all further rounds would bring if each moves `pace` times as far as the one before.

    The geometric series behind the a-posteriori bound of Banach's fixed point theorem; where the pace is not known or
    slow, the last round's own change.
    """
    return moved * pace / (1.0 - pace) if pace <= MOST_PACE else moved


def _relaxation(share: float, residual: NDArray[np.float64], before: NDArray[np.float64] | None) -> float:
    """Part of the way to go: all of it at first, then by Aitken's delta-squared rule.

    References
    ----------
    Irons, B. M., and Tuck, R. C. (1969). A version of the Aitken accelerator for computer iteration. International
    Journal for Numerical Methods in Engineering, 1 (assumed: not read).
    """
    if before is None:
        return 1.0
    turned = residual - before
    size = float(turned @ turned)
    wanted = -share * float(before @ turned) / size if size > 0 else share
    return float(np.clip(wanted, LEAST_STEP, MOST_STEP))


def _loop_key(node: Node, ran: Ran) -> str:
    """A loop's key covers the code of its models and everything that enters it from outside."""
    assert node.fixed_point is not None
    parts = ["loop", digest(node.fixed_point)]
    if node.baseline is not None:
        parts.append("from=" + ran.keys[id(node.baseline)])
    for step in (node, *_steps_inside(node, ran)):
        if step.declaration is not None:
            parts.extend((step.name, step.declaration.version, step.declaration.code_digest))
        for arg, ref in step.inputs:
            outside = ran.entries.get(id(ref.node))
            parts.append(f"{arg}=" + (outside.digests[ref.output] if outside else f"{ref.node.name}.{ref.output}"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _steps_inside(loop: Node, ran: Ran) -> list[Node]:
    """Models of a loop, those that stand on others last; what is outside it has run."""
    return [step for step in ancestors([ref for _, ref in loop.inputs]) if id(step) not in ran.entries]


def _inside_loops(order: Sequence[Node]) -> set[int]:
    """Nodes that stand on a fed-back value, and so belong to their loop alone."""
    inside: set[int] = set()
    for node in order:
        fed = node.kind == "feedback" or any(id(ref.node) in inside for _, ref in node.inputs)
        if fed and node.kind != "fixed_point":
            inside.add(id(node))
    return inside
