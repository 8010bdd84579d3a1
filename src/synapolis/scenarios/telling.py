"""Answers in plain words: what would work, what changed, what was observed and what assumed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as date_type
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from synapolis.models.housing.programme import BY_ZONE, room_for_the_rest, what_gave_way
from synapolis.scenarios.answer import NO_DIFFERENCE, Answer, Claim
from synapolis.scenarios.plan import BoundEdit, ancestors

if TYPE_CHECKING:
    from synapolis.scenarios.rehearse import Outcome


CONTEXT = ("rain_volume", "population", "jobs", "homes")
"""Quantities told in the table but not in the summary: they set the scene."""


def number(value: float, digits: int) -> str:
    """A number no finer than its tolerance, with thousands separated."""
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, digits)}f}".replace("-", "−") if abs(rounded) > 0 else "0"


def sentence(claim: Claim) -> str:
    """One claim as a sentence."""
    unit = f" {claim.unit}" if claim.unit not in ("", "1") else ""
    assert claim.before is not None
    assert claim.after is not None
    assert claim.change is not None
    if claim.detectable is False:
        return f"{claim.text}: {NO_DIFFERENCE} (about {number(claim.before, claim.digits)}{unit})."
    if round(claim.change, claim.digits) == 0:
        return f"{claim.text}: unchanged at {number(claim.before, claim.digits)}{unit}."
    sign = "+" if claim.change > 0 else "−"
    points = " percentage points" if claim.unit == "%" else unit
    moved = f"{sign}{number(abs(claim.change), claim.digits)}{points}{_share(claim)}"
    span = ""
    if claim.low is not None and claim.high is not None:
        span = f", likely {number(claim.low, claim.digits)} to {number(claim.high, claim.digits)}"
    return (
        f"{claim.text}: {number(claim.before, claim.digits)} today, {number(claim.after, claim.digits)}{unit} "
        f"with the change ({moved}{span})."
    )


def _share(claim: Claim) -> str:
    if not claim.before or claim.unit in ("%", "°C", "dB"):  # a share of a share or of a scale says nothing
        return ""
    assert claim.change is not None
    if round(100 * claim.change / abs(claim.before), 1) == 0:
        return ""
    return f", {100 * claim.change / abs(claim.before):+.1f} %".replace("-", "−")


def findings_of(outcome: Outcome, edits: Sequence[BoundEdit]) -> tuple[str, ...]:
    """What the edits led to: where homes fit, how high, what gave way, and what would make room for the rest."""
    said = [f"Rehearsed: {edit.says}." for edit in edits] + _vehicles(outcome)
    said += [note for note in [hot_day_note(outcome)] if note]
    said += demand_notes(outcome)
    if not outcome.has("housing_programme"):
        return tuple(said)
    programme = outcome.value("housing_programme")
    for kind, rows in programme.groupby("kind", sort=False):
        homes = rows["homes"].sum()
        if kind == "unplaced" or homes <= 0:
            continue
        levels = rows.loc[rows["levels"] > 0, "levels"]
        where = _counted(rows["site"].nunique(), "zone" if kind == BY_ZONE else "site")
        said.append(f"{homes:,.0f} homes {HOW.get(str(kind), f'{kind} on')} {where}{_storeys(levels)}.")
    gave = ", ".join(f"{what} ({area:,.0f} m²)" for what, area in what_gave_way(programme).items() if area >= 1)
    if gave:
        said.append(f"What would give way: {gave}.")
    rules = {name: _value(outcome, name) for name in ("home_floor_area", "site_coverage", "new_building_levels")}
    if programme["kind"].eq("unplaced").any():
        said += [f"Room for the rest: {way}." for way in room_for_the_rest(programme, **rules).sentences()]
    return tuple(said)


WHOLE_TOLD = "What the whole as asked would do stands in the table."
HOW = {"new building": "in new buildings on", "roof storeys": "as added storeys on", BY_ZONE: "spread over"}


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def by_zone(outcome: Outcome) -> bool:
    """Whether new homes were spread over zones, so that nobody asked whether they fit."""
    return outcome.has("housing_programme") and bool(outcome.value("housing_programme")["kind"].eq(BY_ZONE).any())


def _storeys(levels: Any) -> str:
    if not len(levels):
        return ""
    low, high = round(levels.min()), round(levels.max())
    return f", {low} storeys" if low == high else f", {low} to {high} storeys"


def _vehicles(outcome: Outcome) -> list[str]:
    """How many more vehicles a change of service takes."""
    if not outcome.has("vehicles_in_service"):
        return []
    before, after = (table["vehicles"] for table in outcome.pair("vehicles_in_service"))
    more = after.subtract(before, fill_value=0)
    return [
        f"It takes {_counted(abs(round(number)), 'vehicle')} {'more' if number > 0 else 'fewer'} in service: {mode}."
        for mode, number in more.items()
        if round(number)
    ]


def hot_day_note(outcome: Outcome) -> str:
    """Name the day and the hour that figures and maps of heat stand for; empty where none were made."""
    if not outcome.has("hot_day"):
        return ""
    day, hour = outcome.value("hot_day"), round(_value(outcome, "heat_hour"))
    named = _value(outcome, "heat_day")
    if outcome.planner.want("hot_day").node.name == "assumed_hot_day":
        which = "an assumed clear day in high summer"
    else:
        which = f"day {named:g} of its weather" if named else "the hottest day of its weather"
    date = date_type(2023, 1, 1) + timedelta(days=int(day["day_of_year"].iloc[0]) - 1)
    return (
        f"Heat is that of {which}, {date.day} {date:%B}, {hour}:00 to {hour + 1}:00: air of "
        f"{day['temperature'][hour]:.1f} °C, wind of {day['wind_speed'][hour]:.1f} m/s at 10 m; trees in leaf and "
        "grown."
    )


def demand_notes(outcome: Outcome) -> list[str]:
    """What travel demand went without, as its report says; empty where none was made."""
    if not outcome.has("demand_report"):
        return []
    report = outcome.value("demand_report")
    notes = report.loc[report["value"].isna(), "figure"].tolist()
    unserved = report.set_index("figure")["value"].get("trips a day that no mode serves", 0.0)
    said = [f"Travel demand: {'; '.join(notes)}."] if notes else []
    said += [f"{line} Read the figures of traffic with care." for line in unsettled(outcome)]
    if round(unserved) > 0:
        said.append(f"Travel demand: no mode serves {unserved:,.0f} trips a day; they are left out.")
    assumed = [what for word, what in DRAWS.items() if outcome.has(word) and _made_up(outcome, word)]
    if assumed:
        said.append(f"Trips rest on {' and '.join(assumed)} that nobody counted: their levels are assumed.")
    return said


def unsettled(outcome: Outcome) -> list[str]:
    """Fixed points that stopped before they stood still, each in a sentence."""
    loops = [node for node in ancestors([outcome.planner.want(word) for word in outcome.words]) if node.fixed_point]
    found = {node.name: outcome.ran.entries[id(node)].notes for node in loops if id(node) in outcome.ran.entries}
    return [
        f"{name.replace('_', ' ').capitalize()} did not settle in {notes['iterations']} rounds: it still moved by "
        f"{notes['residual']:.2g} of its size, where {notes['tolerance']:g} was asked."
        for name, notes in found.items()
        if not notes.get("converged", True)
    ]


DRAWS = {"zone_population": "residents", "zone_jobs": "jobs"}


def _made_up(outcome: Outcome, word: str) -> bool:
    return outcome.planner.want(word, 0).node.origin != "observed"


def _value(outcome: Outcome, name: str) -> float:
    return float(outcome.planner.overrides.get(name, outcome.planner.assumption(name).value))


def summary_of(answer: Answer, outcome: Outcome, edits: Sequence[BoundEdit]) -> str:
    """One paragraph: what would work first, then what changes, then what it rests on."""
    parts: list[str] = []
    asked = sum(edit.values["edit_homes"] for edit in edits if "edit_homes" in edit.values)
    if asked and outcome.has("homes_placed"):
        placed, unplaced = outcome.value("homes_placed"), outcome.value("homes_unplaced")
        parts.append(
            f"The {asked:,.0f} homes are spread over zones: where they would stand and whether they fit is not asked, "
            "for want of buildings and land cover."
            if by_zone(outcome)
            else f"{'The home fits' if asked == 1 else f'All {asked:,.0f} homes fit'} under the massing rules."
            if unplaced < 1
            else f"{placed:,.0f} of the {asked:,.0f} homes fit under the massing rules; {unplaced:,.0f} do not."
        )
    if answer.blocked:
        parts.append(
            "This scenario is blocked: " + "; ".join(g.rule for g in answer.gates if g.outcome == "block") + "."
        )
    told = [c for c in answer.claims if not (c.note or c.quantity.startswith("homes_") or c.quantity in CONTEXT)]
    main = [c for c in told if not c.illustrative]
    if not any(c.quantity in answer.want for c in main):
        main = [c for c in told if c.quantity in answer.want]
    parts += [sentence(claim) for claim in sorted(main, key=lambda c: c.detectable is not True)[:3]]
    if any(c.note for c in answer.claims):
        parts.append(WHOLE_TOLD)
    small = _small_city(answer, outcome)
    return " ".join(parts + ([small] if small else []) + [_rests_on(answer)])


def _small_city(answer: Answer, outcome: Outcome) -> str:
    """In a small extract nearly everything is close; say that longer thresholds need a larger city."""
    bounds = np.array(outcome.planner.city.extent.bounds)
    diagonal = float(np.hypot(*(bounds[2:] - bounds[:2])))
    if diagonal > 4000 or not any("jobs" in word for word in answer.want):
        return ""
    return (
        f"The data covers {diagonal / 1000:.1f} km from corner to corner, nearly all within 30 minutes on foot: "
        "30 and 45 minutes need a larger city."
    )


def _rests_on(answer: Answer) -> str:
    observed = sorted({layer.name.replace("_", " ") for layer in answer.layers if layer.origin == "observed"})
    made = sorted({
        step.makes[0].replace("_", " ") for step in answer.steps
        if step.kind == "model" and step.origin == "assumed"
        and step.parents and not any(parent.startswith("model") for parent in step.parents)
    })  # fmt: skip
    influential = [use for use in answer.assumptions if (use.influence or 0) >= 0.05][:3]
    said = f"Observed: {', '.join(observed[:8])}." if observed else "Nothing here was observed: the city is made up."
    assumed = [use.meaning.lower() for use in influential]
    if assumed:
        said += f" What matters most among the assumptions: {'; '.join(assumed)}."
    if "timetable" in made:
        said += " The timetable is assumed from mapped lines."
    return said
