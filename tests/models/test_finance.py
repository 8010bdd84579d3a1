"""Bills worked by hand; fleets by cycle time over headway."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import ModelError, NotComputableError
from synapolis.layers.timetable import Timetable
from synapolis.layers.timetable_edits import with_headway, with_line
from synapolis.models.finance.costs import capital_cost, cost_assumptions, cost_by_payer, total_capital_cost
from synapolis.models.finance.fleet import fleet_value, vehicles_in_service

CRS = "EPSG:32635"
UNIT_COSTS = {
    "home_build_cost": 2000,
    "roof_storey_cost_factor": 1.25,
    "soft_cost_share": 0.1,
    "tram_line_cost": 25e6,
    "bus_line_cost": 150e3,
    "lane_taking_cost": 150e3,
    "lane_building_cost": 800e3,
    "street_closure_cost": 100e3,
    "green_roof_cost": 90,
    "basin_cost": 45,
    "infiltration_strip_cost": 250,
    "rain_garden_cost": 250,
    "permeable_paving_cost": 70,
    "paving_cost": 110,
    "planting_cost": 120,
    "clearing_cost": 30,
    "tree_cost": 1800,
    "tree_ground": 50,
}
NO_WORKS = pd.DataFrame({"edit": [], "item": [], "amount": [], "unit": []})
NO_LOG = pd.DataFrame({"edit": [], "kind": [], "amount": [], "unit": []})


def programme(*rows):
    table = pd.DataFrame(rows, columns=["edit", "kind", "homes", "floor_area"]).assign(site="b:1")
    return gpd.GeoDataFrame(table, geometry=[shapely.Point(0, 0)] * len(table), crs=CRS)


def test_nothing_done_costs_nothing():
    bill = capital_cost(programme(), NO_WORKS, NO_LOG, **UNIT_COSTS)
    assert bill.empty
    assert total_capital_cost(bill) == 0


def test_homes_by_hand():
    homes = programme(("e1", "new building", 10, 800.0), ("e1", "roof storeys", 5, 400.0), ("e1", "unplaced", 100, 0.0))
    log = pd.DataFrame({"edit": ["e1"], "kind": ["add_homes"], "amount": [115.0], "unit": ["home"]})
    bill = capital_cost(homes, NO_WORKS, log, **UNIT_COSTS)
    assert bill["cost"].tolist() == pytest.approx([1.6e6, 1.0e6, 0.26e6])
    assert total_capital_cost(bill) == pytest.approx(2.86e6)
    assert cost_by_payer(bill) == pytest.approx({"developers": 2.86e6})
    assert set(bill["currency"]) == {"EUR"}


def test_ground_lines_and_lanes_by_hand_in_the_order_of_the_edits():
    works = pd.DataFrame(
        {"edit": ["e3", "e1"], "item": ["trees", "basin"], "amount": [1000.0, 200.0], "unit": ["m²", "m³"]}
    )
    log = pd.DataFrame(
        {
            "edit": ["e1", "e2", "e3", "e4", "e5"],
            "kind": ["build_storage:basin", "add_line:tram", "change_cover:trees", "change_lanes", "change_headway"],
            "amount": [4000.0, 2.0, 5000.0, -3.0, 5.0],
            "unit": ["m²", "km", "m²", "lane-km", "min"],
        }
    )
    bill = capital_cost(programme(), works, log, **UNIT_COSTS)
    assert bill["edit"].tolist() == ["e1", "e2", "e3", "e4"]
    assert bill["cost"].tolist() == pytest.approx([9_000, 50e6, 20 * 1800, 450e3])
    assert bill["unit"].tolist() == ["m³", "km", "tree", "lane-km"]


def test_a_work_without_a_price_is_not_left_out_in_silence():
    with pytest.raises(ModelError, match="fountain"):
        capital_cost(programme(), NO_WORKS.assign(item=[]).pipe(_with_fountain), NO_LOG, **UNIT_COSTS)
    log = pd.DataFrame({"edit": ["e1"], "kind": ["add_line:ferry"], "amount": [1.0], "unit": ["km"]})
    with pytest.raises(ModelError, match="ferry"):
        capital_cost(programme(), NO_WORKS, log, **UNIT_COSTS)


def _with_fountain(works):
    return pd.concat([works, pd.DataFrame([("e1", "fountain", 1.0, "m²")], columns=list(works.columns))])


def test_every_unit_cost_is_declared_with_a_range():
    for name in UNIT_COSTS:
        assumption = REGISTRY.assumptions[name]
        assert assumption.low < assumption.value < assumption.high or name == "roof_storey_cost_factor"


def test_a_country_replaces_the_building_cost_by_its_own():
    finland = cost_assumptions("fi")["home_build_cost"]
    assert (finland.value, finland.standing) == (3600, "assumed")
    assert cost_assumptions("CL")["home_build_cost"].value < REGISTRY.assumptions["home_build_cost"].value
    assert cost_assumptions("XX") == {}


def line(headway, mode="tram"):
    stops = [shapely.Point(x, 0) for x in (0, 3000, 6000)]
    return with_line(
        Timetable.empty(CRS),
        line_id="l1",
        name="7",
        mode=mode,
        stops=stops,
        headway=headway,
        speed=6,
        dwell=0,
        span=(6 * 3600, 22 * 3600),
        services=["2025-03-03"],
    )


def test_fleet_is_cycle_time_over_headway():
    # 1000 s each way; without rest 1000 / 500 = 2 vehicles in each direction
    assert vehicles_in_service(line(500), 0.0).loc["tram", "vehicles"] == 4
    assert vehicles_in_service(line(250), 0.0).loc["tram", "vehicles"] == 8
    assert vehicles_in_service(line(250), 0.2).loc["tram", "vehicles"] == 2 * np.ceil(4.8)


def test_a_shorter_headway_needs_a_dearer_fleet():
    today = vehicles_in_service(line(600), 0.1)
    then = vehicles_in_service(with_headway(line(600), "7", 300), 0.1)
    assert fleet_value(then, 0.1, 3e6, 4e5) > fleet_value(today, 0.1, 3e6, 4e5)
    assert fleet_value(today, 0.0, 3e6, 4e5) == 4 * 3e6


def test_trips_by_the_clock_count_while_they_run():
    table = line(600)
    trips = table.trips.iloc[[0, 0, 0]].set_axis(["a", "b", "c"])
    one = table.stop_times[table.stop_times["trip_id"] == table.trips.index[0]]
    times = pd.concat(
        [
            one.assign(trip_id=name, arrival=one["arrival"] + start, departure=one["departure"] + start)
            for name, start in (("a", 30_000), ("b", 30_600), ("c", 40_000))
        ]
    )
    clocked = Timetable.from_tables(
        table.tables() | {"trips": trips, "stop_times": times, "frequencies": table.frequencies.iloc[:0]}
    )
    assert vehicles_in_service(clocked, 0.0).loc["tram", "vehicles"] == 2


def test_without_trams_or_buses_there_is_no_fleet_to_price():
    with pytest.raises(NotComputableError, match="trams or buses"):
        fleet_value(vehicles_in_service(line(600, mode="ferry"), 0.1), 0.1, 3e6, 4e5)
