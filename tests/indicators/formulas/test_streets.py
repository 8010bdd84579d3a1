"""Street indicators on a few streets."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import streets as formulas

CRS = "EPSG:32635"


def network(*links, **columns):
    """Streets from (x, y) to (x, y) of a class, drivable unless a path; and their junctions."""
    rows = [
        {"from_junction": str(a), "to_junction": str(b), "road_class": kind, "walk": True,
         "drive": kind not in ("cycleway", "footway"), "one_way": False}
        for a, b, kind in links
    ]  # fmt: skip
    streets = gpd.GeoDataFrame(rows, geometry=[shapely.LineString([a, b]) for a, b, _ in links], crs=CRS)
    ends = dict.fromkeys(end for a, b, _ in links for end in (a, b))
    junctions = gpd.GeoDataFrame(
        {"gateway": False}, geometry=[shapely.Point(*end) for end in ends], index=[str(end) for end in ends], crs=CRS
    )
    return streets.assign(**columns), junctions


def points(*places, **columns):
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(*xy) for xy in places], crs=CRS)


def test_bicycle_paths_and_lanes():
    streets, _ = network(((0, 0), (500, 0), "cycleway"), ((0, 0), (0, 300), "primary"), ((0, 300), (0, 900), "service"))
    assert formulas.bicycle_paths_per_100000(streets, 1000.0) == pytest.approx(50)
    with_lanes = streets.assign(cycle=["path", "lane", ""])
    assert formulas.bicycle_paths_per_100000(with_lanes, 1000.0) == pytest.approx(80)
    with pytest.raises(NotComputableError, match="needs bicycle paths"):
        formulas.bicycle_paths_per_100000(streets.iloc[1:], 1000.0)


def test_pedestrian_area_counts_overlaps_once():
    streets, _ = network(((0, 50), (100, 50), "footway"), ((0, 0), (100, 0), "primary"))
    square = gpd.GeoDataFrame({"use": ["square"]}, geometry=[shapely.box(0, 0, 50, 100)], crs=CRS)
    extent = shapely.box(0, 0, 100, 100)
    assert formulas.pedestrian_area_share(streets, None, extent, 4.0) == pytest.approx(4)
    assert formulas.pedestrian_area_share(streets, square, extent, 4.0) == pytest.approx(52)
    with pytest.raises(NotComputableError, match="needs squares or ways for walkers"):
        formulas.pedestrian_area_share(streets.iloc[1:], None, extent, 4.0)


def test_evacuation_routes_are_gateways_of_the_main_network():
    streets, junctions = network(
        ((0, 0), (100, 0), "primary"), ((0, 0), (0, 100), "tertiary"), ((0, 0), (50, 50), "service"),
        ((900, 900), (950, 950), "primary"), ((0, 0), (-50, 0), "footway"),
    )  # fmt: skip
    everywhere = junctions.assign(gateway=junctions.index != "(0, 0)")
    # two of the main network by streets of rank; not the service road, not the island, not the path
    assert formulas.evacuation_routes_per_100000(streets, everywhere, 50_000.0) == pytest.approx(4)
    with pytest.raises(NotComputableError, match="lead over the border"):
        formulas.evacuation_routes_per_100000(streets, junctions, 50_000.0)


def test_emergency_response_is_along_streets():
    streets, junctions = network(((0, 0), (600, 0), "primary"), ((600, 0), (600, 800), "residential"))
    station = points((0, 0), type=["fire_station"])
    people = pd.DataFrame({"x": [600.0, 600.0], "y": [0.0, 800.0], "people": [3.0, 1.0]})
    found = formulas.emergency_response_time(streets, junctions, station, people, 10.0, 120.0)
    assert found == pytest.approx((3 * (120 + 60) + 1 * (120 + 140)) / 4 / 60)  # 600 m and 1400 m at 10 m/s
    two = points((0, 0), (600, 800), type=["fire_station", "ambulance_station"])
    nearer = formulas.emergency_response_time(streets, junctions, two, people, 10.0, 120.0)
    assert nearer == pytest.approx((3 * (120 + 60) + 1 * 120) / 4 / 60)


def test_a_closed_street_makes_help_go_round():
    links = (((0, 0), (600, 0), "primary"), ((0, 0), (0, 100), "primary"), ((0, 100), (600, 100), "primary"),
             ((600, 100), (600, 0), "primary"))  # fmt: skip
    streets, junctions = network(*links)
    station, people = points((0, 0), type=["fire_station"]), pd.DataFrame({"x": [600.0], "y": [0.0], "people": [1.0]})
    closed = streets.assign(drive=[False, True, True, True])
    before, after = (
        formulas.emergency_response_time(each, junctions, station, people, 10.0, 0.0) for each in (streets, closed)
    )
    assert (before, after) == (pytest.approx(1), pytest.approx(80 / 60))


@pytest.mark.parametrize("stations", [points((0, 0), type=["police"]), points((0, 0), kind=["public"])])
def test_help_needs_stations(stations):
    streets, junctions = network(((0, 0), (600, 0), "primary"))
    people = pd.DataFrame({"x": [0.0], "y": [0.0], "people": [1.0]})
    with pytest.raises(NotComputableError, match="needs fire or ambulance stations"):
        formulas.emergency_response_time(streets, junctions, stations, people, 10.0, 0.0)
