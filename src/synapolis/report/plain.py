"""A kept answer for people who only want to know what a plan does: each effect in one plain sentence, by topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synapolis.report.numbers import number, scale_of, unit_label
from synapolis.scenarios.views import view_of

Verdict = Literal["better", "worse", "changed", "same", "unclear"]
TOPICS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("trip", ("jobs_within", "time_to_jobs", "transit", "mode_share", "vehicle_", "car_delay", "travel_", "trip",
              "access", "services", "fifteen_minute")),
    ("heat", ("utci", "heat")),
    ("flood", ("runoff", "rain", "infiltrated", "stored", "sewer", "manholes", "hazard", "high_risk")),
    ("rent", ("rent", "afford", "burden")),
    ("homes", ("homes", "housing", "population")),
    ("air", ("noise", "carbon", "nitrogen", "crash")),
    ("green", ("green", "recreation")),
    ("cost", ("cost", "fleet_value")),
)  # fmt: skip
"""Topics in the order in which they are told, each with what the words that belong to it hold."""
UNTOLD = ("rain_volume", "homes_unplaced")
MOST_TOLD = 8


@dataclass(frozen=True)
class PlainEffect:
    """One figure for the whole city, in one sentence and as what a page in any language makes its own from."""

    topic: str
    quantity: str
    name: str
    text: str
    before: float | None
    after: float | None
    unit: str
    digits: int
    verdict: Verdict
    better: Literal["more", "less", ""]
    illustrative: bool


def topic_of(quantity: str) -> str:
    """Topic under which a quantity is told; "other" where none fits."""
    if "flood" in quantity:
        return "flood"
    return next((topic for topic, parts in TOPICS if any(part in quantity for part in parts)), "other")


def plain_effects(answer: Mapping[str, Any], *, most: int = MOST_TOLD) -> tuple[PlainEffect, ...]:
    """Tell the claims of an answer file: what changes first, at most two a topic.

    Parameters
    ----------
    answer : Mapping
        An answer file as plain data (docs/answers.md).
    most : int
        Effects told, at most.

    Returns
    -------
    tuple of PlainEffect
        Nothing for claims without values, and for what homes that do not fit would do elsewhere.
    """
    found = [_effect(claim) for claim in answer.get("claims", ()) if _told(claim)]
    order = [topic for topic, _ in TOPICS] + ["other"]
    found.sort(key=lambda effect: (effect.verdict in ("same", "unclear"), order.index(effect.topic)))
    kept: list[PlainEffect] = []
    for effect in found:
        if sum(other.topic == effect.topic for other in kept) < 2:
            kept.append(effect)
    return tuple(kept[:most])


def _told(claim: Mapping[str, Any]) -> bool:
    if claim.get("note") or claim["quantity"] in UNTOLD:
        return False
    return claim.get("before") is not None and claim.get("after") is not None


def _effect(claim: Mapping[str, Any]) -> PlainEffect:
    view = view_of(claim["quantity"], claim["unit"])
    pair = float(claim["before"]), float(claim["after"])
    shown = scale_of(claim["quantity"], claim["unit"], claim["digits"], largest=max(map(abs, pair)))
    before, after = (round(value * shown.factor, shown.digits) for value in pair)
    change = after - before
    verdict = _verdict(claim, change, view.better)
    return PlainEffect(
        topic=topic_of(claim["quantity"]),
        quantity=claim["quantity"],
        name=claim["text"],
        text=_sentence(claim["text"], verdict, number(before, shown.digits), number(after, shown.digits), shown.unit),
        before=before,
        after=after,
        unit=unit_label(shown.unit),
        digits=shown.digits,
        verdict=verdict,
        better=view.better,
        illustrative=bool(claim.get("illustrative")),
    )


def _verdict(claim: Mapping[str, Any], change: float, better: str) -> Verdict:
    if claim.get("detectable") is False:
        return "unclear"
    if change == 0:
        return "same"
    if not better or topic_of(claim["quantity"]) == "cost":  # what it costs is told, not judged
        return "changed"
    return "better" if (change > 0) == (better == "more") else "worse"


def _sentence(name: str, verdict: Verdict, before: str, after: str, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if verdict == "unclear":
        return f"{name}: no difference that could be told from chance (about {before}{unit})."
    if verdict == "same":
        return f"{name}: stays at {before}{unit}."
    if before == "0":  # a cost, or homes that were not there: nothing is replaced
        return f"{name}: {after}{unit}."
    return f"{name}: {after} instead of {before}{unit}."


@dataclass(frozen=True)
class UsedAlgorithm:
    """An algorithm that an answer was computed by, and the id of its entry in the register."""

    name: str
    version: str
    does: str
    entry: str


@dataclass(frozen=True)
class UsedData:
    """A layer that an answer rests on."""

    name: str
    source: str
    licence: str
    origin: str


def algorithms_of(answer: Mapping[str, Any], prefix: str) -> tuple[UsedAlgorithm, ...]:
    """Algorithms behind an answer, each once, by name; ids of their entries begin with `prefix`."""
    steps = {step["name"]: step for step in answer.get("steps", ()) if step["kind"] in ("model", "edit")}
    return tuple(
        UsedAlgorithm(name, step["version"], step.get("does", ""), f"{prefix}{name}")
        for name, step in sorted(steps.items())
        if step["version"]
    )


def data_of(answer: Mapping[str, Any]) -> tuple[UsedData, ...]:
    """Layers behind an answer, those that were observed first."""
    layers: Sequence[Mapping[str, Any]] = answer.get("layers", ())
    used = [UsedData(x["name"], x["source"], x["licence"], x["origin"]) for x in layers]
    return tuple(sorted(used, key=lambda one: (one.origin != "observed", one.name)))
