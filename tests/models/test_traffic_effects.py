"""What traffic emits, sounds like and risks: closed forms, tabulated values, and laws."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import NotComputableError
from synapolis.models.traffic.crashes import MILE, REFERENCE_SPEED, at_junctions, injury_crashes
from synapolis.models.traffic.emissions import (
    CO2,
    NOX,
    WORKDAYS,
    day_speed,
    grams_per_km,
    link_speed,
    traffic_emissions,
    travel_cost_per_household,
)
from synapolis.models.traffic.noise import QUIET, _lden_over_peak, facade_noise, link_noise, source_power

KMH = 1 / 3.6


def streets(length=1000.0, y=0.0, lanes=2.0, count=1):
    lines = [shapely.LineString([(0, y - 200 * n), (length, y - 200 * n)]) for n in range(count)]
    return gpd.GeoDataFrame(
        {
            "road_class": ["residential"] * count, "lanes": [lanes] * count, "max_speed": [50 * KMH] * count,
            "one_way": [False] * count, "drive": [True] * count,
            "from_junction": [f"{n}a" for n in range(count)], "to_junction": [f"{n}b" for n in range(count)],
        },
        geometry=lines,
    )  # fmt: skip


# Emissions


@pytest.mark.parametrize(
    ("fit", "speed", "grams"),
    [  # as computed from the same fits at steady speed by an independent program
        (CO2["car"], 20, 381.8481), (CO2["car"], 50, 170.3420), (CO2["car"], 100, 179.1919),
        (CO2["lorry"], 30, 1372.6111), (CO2["van"], 50, 189.1255), (NOX["diesel"], 50, 0.4492),
        (NOX["petrol"], 30, 0.0837), (NOX["lorry"], 80, 6.4603),
    ],
)  # fmt: skip
def test_grams_of_a_kilometre_are_those_of_the_tabulated_fits(fit, speed, grams):
    assert grams_per_km(fit, np.array([speed * KMH]))[0] == pytest.approx(grams, rel=2e-3)


def test_emissions_of_one_street_by_hand():
    made = traffic_emissions(
        streets(), np.array([500.0]), np.array([0.0]), np.array([50 * KMH]), 0.0, 0.0, 0.7, 0.1, 0.35
    )
    grams = 170.342 * 500
    assert made.link_carbon_dioxide[0] == pytest.approx(grams, rel=1e-3)
    assert made.traffic_carbon_dioxide == pytest.approx(grams * WORKDAYS / 0.1 / 1e6, rel=1e-3)


def test_only_a_share_of_the_year_crawls_as_the_peak_hour_does():
    def year(share, speed):
        given = np.array([500.0]), np.array([0.0]), np.array([speed * KMH]), 0.0, 0.0, 0.7, 0.1, share
        return traffic_emissions(streets(), *given).traffic_carbon_dioxide

    assert year(0.35, 20) == pytest.approx(0.35 * year(1.0, 20) + 0.65 * year(1.0, 50))
    assert day_speed(streets(), np.array([25 * KMH]), 0.5)[0] == pytest.approx(50 * KMH / 1.5)
    assert day_speed(streets(), np.array([25 * KMH]), 1.0)[0] == pytest.approx(25 * KMH)


@given(st.floats(0, 3000), st.floats(0, 500), st.floats(0, 40), st.floats(0, 1), st.floats(0, 1))
def test_emissions_are_never_negative_grow_with_traffic_and_fall_with_electric_cars(cars, goods, speed, diesel, clean):
    def made(cars, clean):
        return traffic_emissions(
            streets(), np.array([cars]), np.array([goods]), np.array([speed]), diesel, clean, 0.7, 0.1, 0.35
        ).traffic_carbon_dioxide

    assert made(cars, clean) >= 0
    assert made(cars + 1, clean) >= made(cars, clean)
    assert made(cars, 1.0) <= made(cars, clean) * (1 + 1e-12)


def test_crawling_emits_more_than_flowing():
    slow, free = (grams_per_km(CO2["car"], np.array([speed * KMH]))[0] for speed in (10, 50))
    assert slow > 2 * free


def test_speed_is_free_speed_over_the_ratio_of_times():
    assert link_speed(streets(), np.array([2.0]))[0] == pytest.approx(25 * KMH)
    assert link_speed(streets(), np.array([0.9]))[0] == pytest.approx(50 * KMH)


def test_cost_of_driving_is_shared_over_the_homes():
    assert travel_cost_per_household(100.0, 50.0, 0.2, 0.1) == pytest.approx(100 / 0.1 * WORKDAYS * 0.2 / 50)
    with pytest.raises(NotComputableError, match="no homes"):
        travel_cost_per_household(100.0, 0.0, 0.2, 0.1)


# Noise


def test_source_power_at_70_km_an_hour_is_the_sum_of_the_tabulated_terms():
    bands = source_power("light", np.array([70 * KMH]))[0]
    at_1000 = 10 * np.log10(10 ** (100.1 / 10) + 10 ** (84.7 / 10))
    assert bands[4] == pytest.approx(at_1000)  # A-weighting is 0 dB at 1 kHz
    assert bands[0] == pytest.approx(10 * np.log10(10 ** (83.1 / 10) + 10 ** (97.9 / 10)) - 26.2)


def test_twice_the_traffic_is_three_decibels_more():
    once, twice = (sound(streets(), flow)[0] for flow in (400.0, 800.0))
    assert twice - once == pytest.approx(10 * np.log10(2))


def test_lden_of_a_steady_source_is_its_level_plus_6_4_decibels():
    # a source that is as loud at every hour: penalties alone remain; 10 log10((12 + 4·10^0.5 + 8·10)/24)
    expected = 10 * np.log10((12 + 4 * 10**0.5 + 8 * 10) / 24)
    assert _lden_over_peak(1 / 24, 4 / 24, 8 / 24) == pytest.approx(expected)


def sound(road, flow):
    count = len(road)
    return link_noise(road, np.full(count, flow), np.zeros(count), np.full(count, 50 * KMH), 0.7, 0.35)


def heard(walls, *, screening=15.0, flow=500.0, road=None, residents=None):
    road = streets() if road is None else road
    buildings = gpd.GeoDataFrame(geometry=walls)
    people, everyone = np.full(len(walls), 10.0), 10.0 * len(walls) if residents is None else residents
    return facade_noise(road, buildings, people, everyone, sound(road, flow), 1 / 24, 4 / 24, 8 / 24, screening, 55.0)


def house(y, x=500, width=10):
    return shapely.box(x - width / 2, y, x + width / 2, y + 10)


def test_a_long_straight_street_sounds_like_a_line_source():
    # by direct integration of point sources over hard ground: Lw' + 10 log10(2 atan(L/d) / d) - 8, with L the reach
    distance, reach = 10.0, np.sqrt(100.0**2 - 10.0**2)
    power = sound(streets(), 500.0)[0]
    line = power + 10 * np.log10(2 * np.arctan(reach / distance) / distance) - 8
    lden = line + 10 * np.log10((12 + 4 * 10**0.5 + 80) / 24)
    assert heard([house(distance + 0.1, width=80)]).facade_noise[0] == pytest.approx(lden, abs=0.5)


def test_a_row_of_houses_screens_the_one_behind():
    behind = house(60)
    open_, screened = heard([behind]), heard([behind, shapely.box(0, 10, 1000, 20)])
    assert open_.facade_noise[0] - screened.facade_noise[0] == pytest.approx(15.0)


def test_far_from_every_road_it_is_quiet_and_nobody_counts():
    far = heard([house(500)])
    assert far.facade_noise[0] == QUIET
    assert far.residents_in_road_noise == 0
    assert heard([house(10)]).residents_in_road_noise == 10


def test_no_street_or_no_building_is_no_noise():
    assert heard([house(10)], flow=0.0).facade_noise[0] == QUIET
    assert heard([]).residents_in_road_noise == 0


def test_noise_where_people_live_is_not_told_where_buildings_hold_few_of_them():
    with pytest.raises(NotComputableError, match="those mapped hold 10"):
        heard([house(10)], residents=100.0)


# Crashes


def test_crashes_of_a_mile_by_hand():
    road = streets(length=MILE)
    given = np.array([1000.0]), np.array([0.0]), np.array([REFERENCE_SPEED]), 0.1, 0.35, 1.0, 0.3, 2.0
    made = injury_crashes(road, *given)
    by_hand = 0.3 * (np.exp(-15.22 + 1.68 * np.log(1e4)) + np.exp(-5.47 + 0.56 * np.log(1e4)))
    assert made.injury_crashes == pytest.approx(by_hand)


@given(st.floats(0, 3000), st.floats(1, 30))
def test_more_traffic_or_speed_is_never_safer(flow, speed):
    def crashes(flow, speed):
        return injury_crashes(
            streets(), np.array([flow]), np.array([0.0]), np.array([speed]), 0.1, 0.35, 0.5, 0.3, 2.0
        ).injury_crashes

    assert crashes(flow, speed) >= 0
    assert crashes(flow + 10, speed) >= crashes(flow, speed)
    assert crashes(flow, speed * 1.1) >= crashes(flow, speed)
    assert crashes(0.0, speed) == 0


def crossing(legs):
    """Streets that meet at one junction."""
    return streets(count=legs).assign(from_junction="meet")


def test_crashes_at_a_crossing_by_hand():
    daily = np.array([8000.0, 10_000.0, 500.0, 2000.0])
    four = np.exp(-8.90 + 0.82 * np.log(10_000) + 0.25 * np.log(2000))  # the minor road's busier leg
    assert at_junctions(crossing(4), daily) == pytest.approx(four * daily / daily.sum())
    three = np.exp(-13.36 + 1.11 * np.log(10_000) + 0.41 * np.log(500))
    assert at_junctions(crossing(3), daily[:3]).sum() == pytest.approx(three)


def test_a_bend_and_a_closed_leg_are_no_junction():
    assert not at_junctions(crossing(2), np.full(2, 5000.0)).any()
    assert not at_junctions(crossing(3), np.array([5000.0, 5000.0, 0.0])).any()
    assert not at_junctions(crossing(3), np.zeros(3)).any()


@given(st.lists(st.floats(10, 30_000), min_size=3, max_size=5), st.integers(0, 2))
def test_more_traffic_on_a_leg_is_never_safer_at_the_junction(daily, leg):
    daily = np.array(daily)
    more = daily.copy()
    more[leg] *= 1.5
    assert at_junctions(crossing(len(daily)), more).sum() >= at_junctions(crossing(len(daily)), daily).sum() - 1e-9
