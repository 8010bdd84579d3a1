"""What each city of the development data can answer, on which origin, and what it lacks."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from cities import CITIES
from synapolis.agents.ask import ask
from synapolis.core.errors import NotComputableError
from synapolis.layers.schemas import LAYERS
from synapolis.models import load_models
from synapolis.scenarios.bind import parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.rehearse import Rehearsal, rehearse
from synapolis.scenarios.run import NodeFailedError, run
from synapolis.scenarios.survey import survey
from synapolis.sources.build import build_city
from synapolis.sources.generate import generate_city

load_models()
pytestmark = pytest.mark.slow

STORMWATER = ("runoff_volume", "peak_runoff", "flood_depth", "land_cover")
TRAFFIC = ("car_trips", "vehicle_kilometres", "mean_car_delay")
ACCESS = ("mean_jobs_within_30_min", "city_mean_time_to_jobs")


@pytest.fixture(scope="module")
def cache():
    return Cache()


@pytest.fixture(scope="module")
def built(shared_data):
    """Build each city once."""
    kept = {}

    def city(name):
        if name not in kept:
            kept[name] = build_city(CITIES[name](shared_data))
        return kept[name]

    return city


@pytest.fixture(scope="module")
def known(built, cache):
    """What each city can answer, tried once."""
    kept = {}

    def answers(name):
        if name not in kept:
            kept[name] = survey(built(name), cache)
        return kept[name]

    return answers


def values(city, cache, *words):
    """Values of words, without the models that find nothing to compute from."""
    excluded = {}
    while True:
        planner = Planner(city, excluded=excluded)
        refs = [planner.want(word) for word in words]
        try:
            ran = run(refs, cache)
        except NodeFailedError as error:
            excluded[error.model] = error.reason
        else:
            return [ran.value(ref) for ref in refs]


def origins(facts, *words):
    return {word: facts[word].get("origin", "needs") for word in words}


@pytest.mark.parametrize("name", sorted(CITIES))
def test_each_quantity_has_an_origin_or_a_plain_reason(known, name):
    facts = known(name)
    assert len(facts) > 70
    for word, fact in facts.items():
        if "origin" in fact:
            assert fact["origin"] in {"observed", "derived", "assumed"}, word
        else:
            assert fact["needs"] or fact["found"], word
            assert "edit_" not in fact["needs"], word


def test_porto_alegre_has_access_and_traffic_but_no_ground(known):
    facts = known("porto-alegre")
    assert origins(facts, "zone_population", "zone_jobs", "timetable") == dict.fromkeys(
        ("zone_population", "zone_jobs", "timetable"), "observed"
    )
    assert set(origins(facts, *ACCESS, *TRAFFIC, "zone_homes").values()) == {"derived"}
    assert "76%" in facts["ground_elevation"]["found"]
    assert (
        "1 spot heights" in facts["ground_elevation"]["found"]
        or "this city has 1" in facts["ground_elevation"]["found"]
    )
    for word in STORMWATER:
        assert "19 buildings are mapped" in facts[word]["found"]
    assert facts["rent_burden"]["needs"] == "income groups"


def test_bilbao_has_stormwater_on_assumed_paving_and_nothing_that_needs_streets(known):
    facts = known("bilbao")
    assert set(origins(facts, *STORMWATER).values()) == {"assumed"}
    assert facts["ground_elevation"] == {"origin": "derived", "by": "ground_elevation"}
    assert {facts[word]["needs"] for word in TRAFFIC} == {"streets"}
    assert {facts[word]["needs"] for word in ACCESS} == {"timetable or transit lines"}
    assert facts["flooded_building_count"]["needs"] == "buildings"


def test_san_francisco_has_counted_people_and_jobs_and_no_rents(known):
    facts = known("san-francisco")
    assert set(origins(facts, "zone_population", "zone_jobs", "zone_homes", "income_groups").values()) == {"observed"}
    assert facts["monthly_rent"]["needs"] == "monthly rent in its zones"
    assert facts["road_network"]["needs"] == "streets"


def test_coquimbo_has_no_jobs_for_the_column_is_empty(known, built):
    facts = known("coquimbo")
    assert facts["zone_population"]["origin"] == "observed"
    for word in ("zone_jobs", *TRAFFIC, *ACCESS):
        assert facts[word]["needs"] == "jobs in its zones or buildings"
    assert "empty" in built("coquimbo").layers["zones"].note
    assert facts["road_network"]["origin"] == "derived"


def test_porto_alegre_travels_as_a_brazilian_city_does(built, cache):
    """Fewer cars than transit and feet together; trips of a few kilometres, work the longest (EDOM 2003: 2.5 to 8)."""
    car, transit, walk, length, table = values(
        built("porto-alegre"), cache,
        "mode_share_car", "mode_share_transit", "mode_share_walk", "mean_trip_length", "trips_by_mode",
    )  # fmt: skip
    assert 0.25 < car < 0.6
    assert 0.2 < transit < 0.6
    assert 0.1 < walk < 0.4
    assert 2_500 < length < 8_000
    by_car = table[table["mode"] == "car"].set_index("purpose")["mean_length"]
    assert by_car.idxmax() == "work"
    assert by_car.idxmin() == "school"


def test_coquimbo_given_jobs_runs_through_the_whole_chain(built, cache):
    """Its only mapped line serves few; the rest drive, cycle and walk."""
    city = built("coquimbo")
    zones = city.layers["zones"]
    jobs = zones.value["population"] * 0.4 / zones.value.geometry.area**0.25
    given = zones.value.assign(jobs=jobs * 0.4 * zones.value["population"].sum() / jobs.sum())
    car, transit, length, trips = values(
        city.with_layers(replace(zones, value=given)), cache,
        "mode_share_car", "mode_share_transit", "mean_trip_length", "car_trips",
    )  # fmt: skip
    assert 0.3 < car < 0.7
    assert transit < 0.1
    assert 2_500 < length < 8_000
    assert np.isfinite(trips).all()


def test_baltimore_is_too_patchily_mapped_to_count_people_or_draw_the_ground(known):
    facts = known("baltimore")
    assert "one beside 20% of the streets" in facts["zone_population"]["found"]
    assert "3.1 m RMS" in facts["ground_elevation"]["found"]
    assert "with at least two stops" in facts["timetable"]["found"]
    assert facts["floor_area"]["origin"] == "derived"


def test_helsinki_answers_every_question_of_the_demo(known):
    facts = known("helsinki")
    assert all("origin" in facts[word] for word in (*STORMWATER, *TRAFFIC, *ACCESS, "housing_capacity"))
    assert facts["timetable"]["origin"] == "assumed"
    assert "needs" in facts["rent_burden"]


def test_the_generated_city_answers_everything(cache):
    facts = survey(generate_city(people=1000, seed=5), cache)
    lacking = {word for word, fact in facts.items() if "needs" in fact}
    assert lacking <= {*LAYERS, "count_fit", "count_misfit"}  # a city that is made up has no traffic counts
    assert facts["zone_population"]["origin"] == "assumed"  # counts of a city that is made up are not counts


# --- Bilbao: water on real ground ------------------------------------------------------------------------------------

TREES = """
edits:
  - kind: change_cover
    cover: trees
    area:
      geojson:
        type: Polygon
        coordinates: [[[-2.990, 43.309], [-2.982, 43.309], [-2.982, 43.315], [-2.990, 43.315], [-2.990, 43.309]]]
"""


def test_trees_in_a_drawn_polygon_of_bilbao_shed_less(built, cache):
    rehearsal = Rehearsal(parse_scenario(TREES), ("runoff_volume", "infiltrated_volume"), members=3)
    answer, evidence = rehearse(built("bilbao"), rehearsal, cache)
    runoff, soaked = answer.claims
    assert runoff.detectable
    assert runoff.change < 0 < soaked.change
    assert runoff.origin == "assumed"
    flood = next(layer for layer in evidence.maps if layer.quantity == "flood_depth")
    assert "return period 10 years" in flood.note
    assert "border open" in flood.note
    ref = Planner(built("bilbao")).want("flood_balance")
    parts = run([ref], cache).value(ref).set_index("part")["volume"]
    assert abs(parts["error"]) <= 1e-6 * parts["rain"]


# --- Porto Alegre: access on a real timetable ------------------------------------------------------------------------


def answered(question, city, cache, *, members=0):
    answer, _ = ask(question, city, cache, members=members)
    assert answer.status == "answered", answer.summary
    return answer, {claim.quantity: claim for claim in answer.claims}


def test_porto_alegre_states_the_hour_of_its_afternoon_feed(built):
    stated = built("porto-alegre").assumptions["departure_hour"]
    assert stated.value == 13
    assert "the feed's own span" in stated.source


def test_a_bus_of_porto_alegre_more_often(built, cache):
    answer, claims = answered(
        "How will access to jobs change if bus T9 runs every 3 minutes?", built("porto-alegre"), cache
    )
    assert set(claims) == {*(f"mean_jobs_within_{minutes}_min" for minutes in (15, 30, 45)), "city_mean_time_to_jobs"}
    assert claims["mean_jobs_within_45_min"].change > 0
    assert claims["city_mean_time_to_jobs"].change < 0
    assert 200_000 < claims["mean_jobs_within_45_min"].before < 300_000
    assert any("vehicles more in service: bus" in finding for finding in answer.findings)


def test_a_new_bus_line_in_porto_alegre(built, cache):
    _, claims = answered(
        "How will access to jobs change if we add a bus line along Avenida Ipiranga every 5 minutes?",
        built("porto-alegre"),
        cache,
    )
    assert claims["mean_jobs_within_30_min"].change > 0
    assert claims["city_mean_time_to_jobs"].change < 0


def test_homes_in_porto_alegre_are_spread_over_zones(built, cache):
    answer, claims = answered(
        "What happens to access if we add 2,000 homes in Praça Montevidéu?", built("porto-alegre"), cache
    )
    assert claims["mean_jobs_within_30_min"].change > 0  # of the average resident: more live in the centre
    assert "homes_placed" not in claims
    assert "whether they fit is not asked" in answer.summary


def test_stormwater_of_porto_alegre_is_refused_with_the_reason(built, cache):
    answer, _ = ask(
        "What happens to stormwater if we add 2,000 homes in Praça Montevidéu?", built("porto-alegre"), cache
    )
    assert answer.status == "refused"
    assert "19 buildings are mapped" in answer.summary


def test_every_zone_of_porto_alegre_at_thirty_departures_within_a_minute(built):
    window = {"departure_hour": 13.0, "departure_window": 120.0, "departure_count": 30.0}
    planner = Planner(built("porto-alegre"), assumptions=window)
    refs = [planner.want(word) for word in ("jobs_within", "mean_travel_time")]
    start = perf_counter()
    ran = run(refs, Cache())
    assert perf_counter() - start < 60
    jobs, times = (ran.value(ref) for ref in refs)
    assert jobs.shape == (5, 1227)
    assert times.shape == (1227, 1227)
    assert (np.diff(jobs, axis=0) >= 0).all()
    assert jobs[4].max() > 300_000


def test_traffic_of_porto_alegre_settles_and_a_closure_moves_it(built, cache):
    city = built("porto-alegre")
    scenario = parse_scenario("edits: [{kind: close_street, street: Avenida Ipiranga}]")
    answer, _ = rehearse(city, Rehearsal(scenario, ("vehicle_kilometres", "mean_car_delay"), members=0), cache)
    claims = {claim.quantity: claim for claim in answer.claims}
    assert claims["mean_car_delay"].change > 0
    assert 1e5 < claims["vehicle_kilometres"].before < 1e6


def test_a_city_without_streets_says_so(built):
    with pytest.raises(NotComputableError, match="San Francisco, 25 downtown zones has no streets"):
        Planner(built("san-francisco")).want("vehicle_kilometres")
