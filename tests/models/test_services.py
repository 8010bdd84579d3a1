"""Services within reach and the 15-minute city, on zones that can be worked out by hand."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError
from synapolis.models import load_models
from synapolis.models.transit.services import (
    basic_services_nearby,
    fifteen_minute_city_share,
    zone_green,
    zone_shops,
)
from synapolis.models.transit.walk import walks_from_pairs
from synapolis.models.transit.walking import Distances

CRS = "EPSG:32626"
load_models()


def zones(**columns):
    squares = [shapely.box(100 * i, 0, 100 * i + 100, 100) for i in range(3)]
    return gpd.GeoDataFrame(columns, geometry=squares, index=["a", "b", "c"], crs=CRS)


def test_shops_and_green_are_counted_where_they_lie():
    places = gpd.GeoDataFrame(
        {"kind": ["shop", "food", "office", "shop"]},
        geometry=shapely.points([(10, 10), (150, 10), (20, 20), (900, 900)]),
        index=list("wxyz"),
        crs=CRS,
    )
    assert zone_shops(zones(), places).tolist() == [1, 1, 0]
    kept = [table.rename_axis("id") for table in (zones(), places)]  # as a city that was saved gives them
    assert zone_shops(*kept).tolist() == [1, 1, 0]
    parks = gpd.GeoDataFrame(
        {"use": ["park", "wood", "railway"]},
        geometry=[shapely.box(50, 0, 150, 100), shapely.box(100, 0, 150, 100), shapely.box(200, 0, 300, 100)],
        index=list("pqr"),
        crs=CRS,
    )
    assert zone_green(zones(), parks).tolist() == [5000, 5000, 0]
    with pytest.raises(NotComputableError, match="shops"):
        zone_shops(zones(), places[places["kind"] == "office"])
    with pytest.raises(NotComputableError, match="parks"):
        zone_green(zones(), parks[parks["use"] == "railway"])


def test_a_zone_has_a_service_where_a_walk_of_fifteen_minutes_reaches_it():
    """Zones 600 m apart: at 1 m/s the neighbour is 10 minutes away, the next but one 20."""
    pairs = [(i, j, 600 * abs(i - j)) for i in range(3) for j in range(3)]
    direct = walks_from_pairs(*np.array(pairs).T, origin_count=3, target_count=3)
    walks = Distances(direct, direct, direct, direct)
    area = zones(schools=[1.0, 0.0, 0.0], health_care=[0.0, 1.0, 0.0])
    found = basic_services_nearby(walks, area, np.array([1.0, 0, 0]), np.array([0, 0, 3000.0]), 1.0, 15.0, 2500.0)
    assert found.tolist() == [3, 4, 2]  # a: no green; b: all; c: health care and its own green
    assert fifteen_minute_city_share(found, np.array([10.0, 30.0, 60.0])) == pytest.approx(0.3)


def test_each_service_and_time_has_its_word():
    times = np.array([[0.0, 20 * 60], [20 * 60, 0.0]], dtype=np.float32)
    for service in ("schools", "health_care", "shops", "green"):
        for minutes in (15, 30, 45):
            assert REGISTRY.makers(f"{service}_within_{minutes}_min")
    shops = REGISTRY.models["shops_within_30_min"].function
    assert shops(mean_travel_time=times, zone_shops=np.array([1.0, 5.0])).tolist() == [6, 6]
    near = REGISTRY.models["schools_within_15_min"].function
    table = zones(schools=[2.0, 3.0, 0.0]).iloc[:2]
    assert near(times, table).tolist() == [2, 3]
