"""OpenStreetMap extracts: what each layer holds, on a town made here and on Helsinki."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapolis.core.errors import SourceError, SynapolisError
from synapolis.layers.schemas import LAYERS
from synapolis.sources.osm import OsmExtract, read_osm


@pytest.fixture(scope="module")
def extract(town: Path) -> OsmExtract:
    return read_osm(town)


@pytest.fixture(scope="module")
def helsinki(shared_data: Path) -> OsmExtract:
    return read_osm(shared_data / "helsinki" / "Helsinki.osm.pbf")


def test_every_layer_keeps_its_schema(extract):
    for name, table in extract.layers.items():
        LAYERS[name].check(table)
    assert extract.crs == "EPSG:32635"
    assert extract.year == 2020


def test_streets_are_split_at_junctions_only(extract):
    streets = extract.layers["streets"]
    assert {"osm:way/100#1", "osm:way/100#2", "osm:way/101#1", "osm:way/101#2", "osm:way/102"} <= set(streets.index)
    main = streets.loc["osm:way/100#1"]
    assert (main["from_junction"], main["to_junction"]) == ("osm:node/1", "osm:node/2")
    assert main["max_speed"] == pytest.approx(50 / 3.6)
    assert main["other_names"] == "Storgatan"
    assert main["lanes"] == 2
    assert not main["lanes_mapped"]
    assert set(streets["from_junction"]) | set(streets["to_junction"]) <= set(extract.layers["junctions"].index)


def test_reversed_one_way_street_runs_in_driving_direction(extract):
    streets, junctions = extract.layers["streets"], extract.layers["junctions"]
    row = streets.loc["osm:way/101#1"]
    assert row["one_way"]
    assert (row["from_junction"], row["to_junction"]) == ("osm:node/2", "osm:node/5")
    assert shapely.Point(row.geometry.coords[0]).equals(junctions.geometry["osm:node/2"])
    assert row["max_speed"] == pytest.approx(20 * 0.44704)
    assert row["lanes_mapped"]


def test_footpath_is_no_road(extract):
    row = extract.layers["streets"].loc["osm:way/102"]
    assert (row["walk"], row["drive"], row["bridge"], row["lanes"]) == (True, False, True, 0)
    assert np.isnan(row["max_speed"])


def test_cut_street_end_is_the_only_gateway(extract):
    junctions = extract.layers["junctions"]
    assert list(junctions.index[junctions["gateway"]]) == ["osm:node/3"]


def test_buildings_are_whole_and_missing_figures_are_not_zero(extract):
    buildings = extract.layers["buildings"]
    assert set(buildings.index) == {"osm:way/110", "osm:relation/200", "osm:way/113"}  # 114 is cut at the border
    assert extract.notes["buildings"] == [
        "1 buildings cut at the extract's border are left out",
        "1 drawn inside a larger building are left out",
    ]
    house, court = buildings.loc["osm:way/110"], buildings.loc["osm:relation/200"]
    assert (house["use"], house["levels"], house["height"], house["start_year"]) == ("residential", 4, 12.5, 1890)
    assert np.isnan(court["levels"])
    assert len(court.geometry.interiors) == 1  # the courtyard of an old-style multipolygon
    assert buildings.loc["osm:way/113", "use"] == "office"


def test_a_building_cut_at_the_border_is_built_ground(extract):
    land = extract.layers["land_use"]
    cut = land[land["use"] == "building"]
    assert list(cut.index) == ["osm:way/114"]
    assert 0 < cut.area.iloc[0] < 1.1 * extract.extent.intersection(cut.geometry.iloc[0]).area
    assert "osm:way/114" not in extract.layers["buildings"].index


def test_sea_lies_on_the_right_hand_of_the_coast(extract):
    water = extract.layers["water"]
    assert list(water["kind"]) == ["sea"]
    # the coast runs west, then north: the corner in the north-east is on its right
    corner = shapely.Point(extract.extent.bounds[2] - 60, extract.extent.bounds[3] - 60)
    assert water.geometry.iloc[0].contains(corner)
    assert water.area.iloc[0] == pytest.approx(111 * 279, rel=0.1)  # 0.002 degrees by 0.0025


def test_clipped_district_is_closed_against_the_extent(extract):
    place = extract.layers["places"].loc["osm:relation/201"]
    assert (place["name"], place["other_names"], place["kind"], place["closed"]) == (
        "Corner",
        "Kulma",
        "district",
        True,
    )
    assert place.geometry.area == pytest.approx(167 * 446, rel=0.1)  # 0.003 degrees by 0.004


def test_places_by_node_stay_points_and_stops_of_one_name_are_one(extract):
    places = extract.layers["places"]
    assert places.loc["osm:node/20", "kind"] == "district"
    assert places.geometry["osm:node/20"].geom_type == "Point"
    stops = places[places["kind"] == "stop"]
    assert list(stops["name"]) == ["Market"]
    assert stops.geometry.iloc[0].geom_type == "MultiPoint"
    assert stops["other_names"].iloc[0] == "Torget"


def test_points(extract):
    assert list(extract.layers["spot_heights"]["elevation"]) == [12.5]
    assert len(extract.layers["trees"]) == 1
    school = extract.layers["points_of_interest"].loc["osm:node/23"]
    assert (school["kind"], school["type"], school["wheelchair"]) == ("school", "school", "limited")
    assert "square" in set(extract.layers["land_use"]["use"])


def test_line_stops_keep_their_place_in_the_whole_line(extract):
    line, stops = extract.layers["transit_lines"], extract.layers["transit_line_stops"]
    assert list(line["mode"]) == ["tram"]
    assert list(stops["sequence"]) == [0, 2]  # the second stop lies outside the extract
    assert set(stops["line"]) == {"osm:relation/202"}


def test_stated_crs_is_used(town):
    assert read_osm(town, "EPSG:3067").layers["streets"].crs == "EPSG:3067"
    with pytest.raises(SourceError, match="projected CRS"):
        read_osm(town, "EPSG:4326")


def test_without_bounds_the_extent_is_the_box_of_the_nodes(tmp_path, osm_writer):
    nodes = {1: (25.0, 60.0), 2: (25.01, 60.01), 3: (25.02, 60.0)}
    path = osm_writer(tmp_path / "loose.osm", nodes, {1: ([1, 2, 3], {"highway": "primary"})}, box=None)
    extract = read_osm(path)
    assert "no bounds" in extract.notes[""][0]
    assert extract.layers["streets"].within(extract.extent.buffer(1)).all()


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_truncated_file_is_refused(town, tmp_path, share):
    data = town.read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match="cut short"):
        read_osm(path)


def test_file_cut_between_nodes_and_ways_is_refused(tmp_path, osm_writer):
    path = osm_writer(tmp_path / "nodes.osm.pbf", {1: (25.0, 60.0, {"name": "x", "amenity": "pub"})})
    with pytest.raises(SourceError, match="no way; it is cut short"):
        read_osm(path)


@pytest.mark.parametrize("data", [b"hello", b"\x00" * 400, b"<osm><node"])
def test_garbage_is_refused(tmp_path, data):
    for name in ("x.osm.pbf", "x.osm"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError):
            read_osm(tmp_path / name)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match="no OSM file"):
        read_osm(tmp_path / "none.osm.pbf")


def test_helsinki_streets_and_buildings(helsinki):
    buildings, streets = helsinki.layers["buildings"], helsinki.layers["streets"]
    assert 425 <= len(buildings) <= 446  # 446 complete ones counted by hand, with a ship and with towers
    assert 140 <= buildings["levels"].notna().sum() <= 150
    assert buildings["levels"].min() > 0
    assert buildings.area.sum() == pytest.approx(0.50e6, rel=0.03)
    drive = streets[streets["drive"]]
    assert drive.length.sum() == pytest.approx(28e3, rel=0.05)
    assert not streets.index.has_duplicates
    assert (streets.length > 0).all()


def test_helsinki_sea_and_lake_are_closed(helsinki):
    water = helsinki.layers["water"]
    area = water.area.groupby(water["kind"]).sum() / 1e4
    assert area["sea"] == pytest.approx(10.4, abs=0.3)  # Kaisaniemenlahti, Kolera-allas, the market's quay
    assert water.loc["osm:way/122872049"].geometry.area / 1e4 == pytest.approx(
        1.4, abs=0.3
    )  # Töölönlahti, 14 of 217 nodes
    assert water.geometry.is_valid.all()
    kaisaniemenlahti, rail_yard = shapely.Point(386096, 6672860), shapely.Point(385700, 6672700)
    sea = shapely.union_all(water.geometry.to_numpy())
    assert sea.contains(kaisaniemenlahti)
    assert not sea.contains(rail_yard)
    drive = helsinki.layers["streets"].query("drive and not bridge")
    assert drive.intersection(sea).length.sum() < 0.005 * drive.length.sum()


def test_helsinki_districts(helsinki):
    places = helsinki.layers["places"].set_index("name")
    kamppi = places.loc["Kamppi"]
    assert kamppi.geometry.area / 1e4 == pytest.approx(22.6, abs=0.5)
    assert kamppi["closed"]
    assert kamppi["other_names"] == "Kampen"
    assert places.loc["Hakaniemi"].query("kind == 'district'").geometry.iloc[0].geom_type == "Point"
    parts = [
        places.loc[name].geometry
        for name in ("Kamppi", "Kluuvi", "Kaartinkaupunki", "Kruununhaka", "Punavuori", "Kallio")
    ]
    assert shapely.union_all(parts).area == pytest.approx(
        sum(part.area for part in parts), rel=1e-3
    )  # they do not overlap
    assert shapely.union_all(parts).area == pytest.approx(helsinki.extent.area, rel=1e-3)  # and leave nothing out
    major = places.loc["Eteläinen suurpiiri"].geometry
    assert major.covers(parts[0].representative_point())


def test_helsinki_tram_7(helsinki):
    lines, stops = helsinki.layers["transit_lines"], helsinki.layers["transit_line_stops"]
    seven = lines[(lines["mode"] == "tram") & (lines["route_name"] == "7")]
    assert len(seven) == 2
    assert sorted(stops["line"].value_counts()[seven.index]) == [7, 8]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 0.999), value=st.integers(0, 255))
def test_one_wrong_byte_gives_layers_or_a_clear_refusal(town, tmp_path, at, value):
    data = bytearray(town.read_bytes())
    data[int(at * len(data))] = value
    path = tmp_path / "wrong.osm.pbf"
    path.write_bytes(bytes(data))
    try:
        extract = read_osm(path)
    except SynapolisError:
        return
    for name, table in extract.layers.items():
        LAYERS[name].check(table)
