"""Tasks behind the citizen's window: a plan for all places, the baseline of a city, the twin's algorithms."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import shapely

from synapolis.civic.twin import Profile, twin_entries
from synapolis.core.home import home
from synapolis.layers.city import City
from synapolis.models import load_algorithms
from synapolis.report.baseline import entries_of, missing_by_source, summary_of, theme_of, unit_of
from synapolis.report.baseline_data import baseline_csv
from synapolis.scenarios.baseline import Baseline, Measuring, Reading, measure
from synapolis.scenarios.bind import bind
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.footprint import footprint, in_degrees
from synapolis.scenarios.measured import observations_of
from synapolis.scenarios.plan import ancestors
from synapolis.scenarios.recording import failures_recorded, record_answers, record_run
from synapolis.scenarios.rehearse import Outcome
from synapolis.scenarios.surveyed import save_surveyed
from synapolis.scenarios.surveying import survey_plan
from synapolis.web.work.tasks import Context, task

COMMAND = "web"
VALUES = "values.npz"


@task("plan")
def survey(context: Context, *, city: str, scenario: dict[str, Any], folder: str, actor: str) -> dict[str, Any]:
    """Run a plan for all places, keep its values in a folder of the workspace, and say where its edits lie."""
    place, read = context.city(city), Scenario.model_validate(scenario)
    told = _told(place, actor, "what a plan does at each place")
    question = f"What does {read.title or 'a plan'} do at each place?"
    with failures_recorded(context.journal, question=question, **told):
        values, outcome = survey_plan(place, read, context.cache, progress=context.tell)
        result = {"status": "answered", "question": question, "scenario": read.model_dump(mode="json")}
        record_run(context.journal, models=_models(outcome), results=[result], **told)
    save_surveyed(values, home() / "plans" / Path(folder).name / VALUES)
    return _where(place, read)


def _told(city: City, actor: str, purpose: str) -> dict[str, str]:
    return {"command": COMMAND, "actor": actor, "purpose": purpose, "city": city.title, "city_hash": city.digest}


def _models(outcome: Outcome) -> dict[str, str]:
    refs = [outcome.planner.want(word, stage) for word in outcome.words for stage in (0, outcome.planner.last)]
    known = (node.declaration for node in ancestors(refs))
    return {declared.name: declared.version for declared in known if declared is not None}


def _where(city: City, scenario: Scenario) -> dict[str, Any]:
    """What each edit says and where it lies; centre and bounds of all of it, in degrees and in the city's metres."""
    edits = bind(scenario, city)
    shapes = [(edit, footprint(edit, city)) for edit in edits]
    whole = shapely.union_all([shape for _, shape in shapes if shape is not None])
    nowhere = whole.is_empty
    around = city.extent if nowhere else whole
    centre = in_degrees(shapely.point_on_surface(around) if nowhere else around.centroid, city.crs)
    bounds = in_degrees(shapely.box(*around.bounds), city.crs)
    assert centre is not None
    assert bounds is not None
    return {
        "says": list(dict.fromkeys(edit.says for edit in edits)),
        "edits": [
            {"kind": edit.kind, "says": edit.says, "geometry": in_degrees(shape, city.crs)} for edit, shape in shapes
        ],
        "everywhere": nowhere,
        "shape": None if nowhere else in_degrees(shapely.simplify(whole, 3.0), city.crs),
        "centre": list(centre["coordinates"]),
        "bounds": list(shapely.geometry.shape(bounds).bounds),
        "outline": None if nowhere else shapely.to_wkt(shapely.simplify(whole, 2.0), rounding_precision=1),
        "crs": city.crs,
    }  # fmt: skip


@task("baseline")
def stand_today(context: Context, *, city: str, actor: str) -> dict[str, Any]:
    """Measure where a city stands by every indicator, in plain words; its CSV is kept beside it."""
    place = context.city(city)
    today = dt.datetime.now(ZoneInfo(place.timezone)).date()
    told = _told(place, actor, "baseline")
    measuring = Measuring(
        observations=observations_of(context.journal.store, place.name), today=today, actor=actor, purpose="baseline"
    )
    with failures_recorded(context.journal, question=f"Baseline of {place.title}", **told):
        found = measure(place, measuring, context.cache, progress=context.tell)
        record_answers(context.journal, [found.answer], command=COMMAND)
    return _in_plain_words(place, found) | {"csv": baseline_csv(found)}


def _in_plain_words(city: City, found: Baseline) -> dict[str, Any]:
    entries = entries_of(found)
    keys = {each.indicator.id: entry.key for entry in entries for each in entry.readings}
    known = [_known(entry) for entry in entries]
    unknown = [_unknown(each) for each in found.readings if each.value is None]
    return {
        "city": city.name,
        "title": city.title,
        "year": city.reference_year,
        "date": found.date.isoformat() if found.date else None,
        "hash": found.answer.hash,
        "summary": summary_of(found),
        "counts": {"all": len(found.readings), "known": len(keys), "figures": len(known), "missing": len(unknown)},
        "known": known,
        "missing": unknown,
        "sources": [{"name": source.name, "count": len(source.readings)}
                    for group in missing_by_source(found).values() for source in group],
        "attribution": list(found.answer.attribution),
        "layers": [
            {"name": layer.name, "source": layer.source, "licence": layer.licence, "origin": layer.origin}
            for layer in found.answer.layers
        ],
    }  # fmt: skip


def _known(entry: Any) -> dict[str, Any]:
    first, row = entry.first, entry.indicator
    seen = first.observation
    return {
        "id": row.id,
        "name": row.name,
        "theme": entry.theme,
        "counts": row.formula,
        "value": first.value,
        "shown": entry.value,
        "unit": entry.unit,
        "span": entry.span,
        "better": {"higher": "more", "lower": "less"}.get(row.better, ""),
        "standing": first.standing.level,
        "rule": "; ".join(part for part in (first.standing.rule, first.standing.source, entry.doubt) if part),
        "basis": first.basis,
        "origin": first.origin,
        "source": seen.source if first.basis == "observation" and seen is not None else "",
        "period": seen.period if first.basis == "observation" and seen is not None else "",
        "algorithm": first.made_by,
        "note": entry.scope,
        "uneven": entry.uneven,
        "beside": entry.beside,
        "targets": list(entry.targets),
        "codes": [f"{framework} {code}" for framework, code in entry.codes],
    }


def _unknown(reading: Reading) -> dict[str, Any]:
    row = reading.indicator
    return {
        "id": row.id, "name": row.name, "theme": theme_of(row), "unit": unit_of(row), "needs": reading.missing,
        "could_come_from": row.needs if row.is_number else "", "kind": row.kind,
    }  # fmt: skip


@task("algorithms")
def declared(context: Context) -> list[dict[str, Any]]:
    """Declare all that belongs in the register, and give it as entries without what the city says of all at once."""
    _ = context
    load_algorithms()
    return [entry.model_dump(mode="json") for entry in twin_entries(Profile())]
