"""Service indicators on a handful of places."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from synapolis.core.errors import NotComputableError
from synapolis.indicators.formulas import services

CRS = "EPSG:32635"


def places(*rows, columns=("kind", "type", "wheelchair")):
    """Points of interest: (x, y), kind, type, wheelchair."""
    facts = {name: [row[n + 1] if len(row) > n + 1 else "" for row in rows] for n, name in enumerate(columns)}
    return gpd.GeoDataFrame(facts, geometry=[shapely.Point(*row[0]) for row in rows], crs=CRS)


def land(**areas):
    rows = [(use, box) for use, boxes in areas.items() for box in boxes]
    return gpd.GeoDataFrame({"use": [u for u, _ in rows]}, geometry=[shapely.box(*b) for _, b in rows], crs=CRS)


def test_basic_services_need_each_of_them(people):
    found = places(((0, 0), "school"), ((100, 0), "health"), ((200, 0), "shop"))
    park = land(park=[(300, -10, 310, 10)])
    near = [services.residents_near_basic_services(people, found, park, float(d)) for d in (100, 200, 300)]
    assert near == [0, pytest.approx(50), pytest.approx(100)]  # within 200 m of all four: the points at 100 and 200


@pytest.mark.parametrize("lacking", ["school", "health", "shop"])
def test_a_service_that_nobody_mapped_is_named(people, lacking):
    kinds = [kind for kind in ("school", "health", "shop") if kind != lacking]
    name = {"school": "education", "health": "health care", "shop": "shops"}[lacking]
    with pytest.raises(NotComputableError, match=f"needs {name} in its points of interest; none is mapped"):
        services.residents_near_basic_services(
            people, places(*(((0, 0), kind) for kind in kinds)), land(park=[(0, 0, 1, 1)]), 500.0
        )


def test_grocery_within_one_kilometre(people):
    shops = places(((1100, 0), "shop", "supermarket"), ((0, 0), "shop", "clothes"))
    assert services.residents_near_grocery(people, shops) == pytest.approx(90)
    for without in (shops.iloc[1:], shops.drop(columns="type")):
        with pytest.raises(NotComputableError, match="needs groceries"):
            services.residents_near_grocery(people, without)


def test_culture_and_sport():
    culture = [((0, 0), "culture", what) for what in ("library", "place_of_worship", "museum")]
    found = places(*culture, ((50, 50), "other", "sports_centre"), ((500, 500), "other", "sports_hall"))
    grounds = land(pitch=[(200, 200, 250, 250)], sports_centre=[(0, 0, 100, 100)], park=[(0, 0, 9, 9)])
    assert services.cultural_institutions_per_100000(found, 1000.0) == pytest.approx(200)
    # library, museum, pitch, sports centre (its point lies on its ground), the hall
    assert services.culture_and_sport_per_100000(found, grounds, 1000.0) == pytest.approx(500)
    untold = found.drop(columns="type")
    assert services.culture_and_sport_per_100000(untold, grounds, 1000.0) == pytest.approx(
        500
    )  # 3 of culture, 2 grounds


def test_indoor_recreation_is_the_floor_of_halls():
    halls = places(
        ((5, 5), "other", "sports_hall"), ((6, 6), "culture", "community_centre"), ((99, 99), "other", "ice_rink")
    )
    buildings = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)], crs=CRS)
    floor = np.array([300.0, 700.0])
    assert services.indoor_recreation_space(buildings, floor, halls, 150.0) == pytest.approx(2)
    with pytest.raises(NotComputableError, match="inside its buildings"):
        services.indoor_recreation_space(buildings, floor, halls.iloc[2:], 150.0)


def test_accessible_public_buildings_among_those_judged():
    found = places(((0, 0), "public", "", "yes"), ((0, 0), "school", "", "no"), ((0, 0), "health", "", "limited"),
                   ((0, 0), "culture", "", "yes"), ((0, 0), "public"), ((0, 0), "shop", "", "no"))  # fmt: skip
    assert services.accessible_public_buildings(found) == pytest.approx(50)
    for untold in (found.assign(wheelchair=""), found.drop(columns="wheelchair")):
        with pytest.raises(NotComputableError, match="access for wheelchairs"):
            services.accessible_public_buildings(untold)
