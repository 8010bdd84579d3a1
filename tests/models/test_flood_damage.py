"""Hazard classes, flooded streets and damage against figures worked out by hand, and the mean over return periods."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.layers.grid import Grid
from synapolis.models import load_models
from synapolis.models.stormwater.damage import (
    flood_damage,
    flood_hazard,
    flooded_streets,
    residents_flooded,
)
from synapolis.models.stormwater.yearly import expected, flood_damage_over_life, storm_of
from synapolis.scenarios.bind import bind, parse_scenario
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import Scenario
from synapolis.scenarios.plan import Planner
from synapolis.scenarios.rehearse import Rehearsal, run_both
from synapolis.scenarios.run import run
from synapolis.sources.generate import generate_city

load_models()
GRID = Grid(left=0, top=80, cell_size=4, rows=20, columns=24)


@pytest.mark.parametrize(
    ("depth", "speed", "expected_class"),
    [
        (0.005, 1.0, 0), (0.1, 0.5, 1), (0.3, 0.9, 1), (0.31, 0.5, 2), (0.2, 2.1, 5), (0.6, 0.5, 3), (0.6, 1.1, 4),
        (1.3, 0.1, 4), (1.9, 0.6, 5), (2.1, 0.1, 5), (1.0, 3.0, 5), (4.1, 0.1, 6), (1.5, 3.0, 6), (0.5, 4.1, 6),
    ],
)  # fmt: skip
def test_hazard_classes(depth, speed, expected_class):
    cell = np.full((1, 1), depth, np.float32), np.full((1, 1), speed, np.float32)
    assert flood_hazard(*cell)[0, 0] == expected_class


def streets(*lines, bridge=False):
    geometry = [shapely.LineString(line) for line in lines]
    return gpd.GeoDataFrame({"bridge": [bridge] * len(lines)}, geometry=geometry, crs="EPSG:32626")


def test_half_of_a_street_under_water_counts_as_half():
    depth = np.zeros(GRID.shape, np.float32)
    depth[:, :12] = 0.5  # x below 48 m
    found = flooded_streets(depth, streets([(8, 42), (88, 42)], [(60, 10), (60, 70)]), GRID, 0.3)
    assert found.flooded_streets.tolist() == [True, False]
    assert found.flooded_street_length == pytest.approx(0.040, abs=0.002)
    assert flooded_streets(depth, streets([(8, 42), (88, 42)], bridge=True), GRID, 0.3).flooded_street_length == 0


def test_damage_of_a_house_and_an_office_by_hand():
    houses = gpd.GeoDataFrame(
        {"use": ["residential", "office", "residential"]},
        geometry=[shapely.box(8, 60, 16, 68), shapely.box(40, 40, 48, 48), shapely.box(72, 8, 80, 16)],
        crs="EPSG:32626",
    )
    depth = np.full(GRID.shape, 0.5, np.float32)
    depth[12:] = 0.05
    found = flood_damage(depth, houses, GRID, 0.1, 1000.0, 0.36)
    home, office = 64 * 1000 * 0.36 * 0.25 * 1.5, 64 * 1000 * 1.04 * 0.36 * 0.15 * 2
    assert found.building_flood_damage.tolist() == pytest.approx([home, office, 0.0])
    assert found.flood_damage == pytest.approx(home + office)
    assert residents_flooded(np.array([True, False, True]), np.array([3.0, 4.0, 5.0])) == 8.0


def test_the_curves_are_those_of_the_shared_table(shared_data):
    import pandas as pd  # noqa: PLC0415

    from synapolis.models.stormwater.damage import CURVES, DEPTHS  # noqa: PLC0415

    table = pd.read_csv(shared_data / "parameters/depth_damage.csv")
    table = table[(table.name == "damage_fraction") & (table.region == "Europe")]
    for name, curve in CURVES.items():
        rows = table[table.subject == name]
        assert np.allclose(rows.x.astype(float), DEPTHS)
        assert np.allclose(rows.value.astype(float), curve)


def test_the_mean_over_return_periods_by_hand():
    """Damages 0, 10, 20 and 30 at 2, 10, 30 and 100 years: 5 * 0.4 + 15 / 15 + 25 * 7 / 300 + 30 / 100."""
    found = expected(np.array([2.0, 10.0, 30.0, 100.0]), np.array([0.0, 10.0, 20.0, 30.0]))
    assert found == pytest.approx(2 + 1 + 25 * 7 / 300 + 0.3)


@given(growth=st.floats(0, 1), known=st.floats(1, 100))
def test_rarer_storms_are_larger(growth, known):
    depths = [storm_of(period, known, growth) for period in (2, 10, 30, 100)]
    assert depths == sorted(depths)
    assert storm_of(known, known, growth) == 1.0


def test_damage_over_life_by_hand():
    """100 a year for two years at 10 %: 100 / 1.1 + 100 / 1.21; without discounting the plain sum."""
    assert flood_damage_over_life(100.0, 2.0, 10.0) == pytest.approx(100 / 1.1 + 100 / 1.21)
    assert flood_damage_over_life(100.0, 40.0, 0.0) == 4000.0


@pytest.fixture(scope="module")
def town():
    town = generate_city(people=600, seed=3)
    storage = "{kind: build_storage, area: {place: Highfields}, storage: green_roof, depth_mm: 60}"
    return town, bind(parse_scenario(f"edits: [{storage}]"), town)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("methods", "made_by"),
    [
        ({}, "expected_flood_damage_with_sewers"),
        ({"flood_depth": "flood", "expected_flood_damage": "expected_flood_damage"}, "expected_flood_damage"),
    ],
)
def test_a_town_has_damage_in_a_mean_year(town, methods, made_by):
    """Rarer storms never cost less, storage never costs more, and the design storm's damage is among them."""
    city, edits = town
    planner = Planner(city, edits, methods=methods)
    words = ("expected_flood_damage", "flood_damage_curve", "flood_damage", "flooded_street_length", "flood_hazard")
    refs = {(word, stage): planner.want(word, stage) for word in words for stage in (0, 1)}
    assert refs["expected_flood_damage", 1].node.name == made_by
    ran = run(list(refs.values()), Cache())
    value = {key: ran.value(ref) for key, ref in refs.items()}
    curve = value["flood_damage_curve", 0]
    assert (np.diff(curve["damage"]) >= 0).all()
    assert (np.diff(curve["rain"]) > 0).all()
    for stage in (0, 1):
        assert value["flood_damage", stage] == value["flood_damage_curve", stage]["damage"][1]
    assert value["expected_flood_damage", 1] <= value["expected_flood_damage", 0] * 1.001
    assert value["flooded_street_length", 0] >= 0
    assert set(np.unique(value["flood_hazard", 0])) <= set(range(7))


@pytest.mark.slow
def test_yearly_damage_follows_the_flow_of_the_maps(town):
    """Where a flood without sewers is asked for, the yearly damage with them is left out, and that without is taken."""
    city, edits = town
    wanted = Rehearsal(
        Scenario(city=city.name), ("expected_flood_damage",), members=0, methods={"flood_depth": "flood"}
    )
    outcome = run_both(city, edits, wanted, Cache(), pictures=False)
    assert outcome.planner.want("expected_flood_damage").node.name == "expected_flood_damage"
    assert "taken by sewers from streets" in outcome.excluded["expected_flood_damage_with_sewers"]
