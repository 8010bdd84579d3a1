"""The sun against published positions, the clock of a weather file, and the choice of the hot day."""

import numpy as np
import pandas as pd
import pytest
import shapely

from synapolis.core.errors import LayerError, NotComputableError
from synapolis.layers.grid import Raster
from synapolis.models.heat.day import assumed_hot_day, hot_day, location
from synapolis.models.heat.sun import clear_sky, clearness, clock_of, sun_path
from synapolis.sources.weather import read_weather

HOT = {"hot_day_maximum": 30.0, "hot_day_range": 10.0, "hot_day_dew_point": 15.0, "hot_day_wind": 2.0}


def a_year(latitude=45.0, longitude=-27.0, clock=-2.0):
    """A year of clear sky on a known clock, hottest in hour 15 of 20 July."""
    hours = np.arange(8760.0)
    altitude = sun_path(hours + 0.5 - clock, latitude, longitude).altitude
    total = np.where(altitude > 0, clear_sky(altitude), 0.0)
    day, hour = hours // 24, hours % 24
    warm = 20 + 10 * np.cos(2 * np.pi * (day - 200) / 365) + 5 * np.cos(2 * np.pi * (hour - 15) / 24)
    names = pd.date_range("2023-01-01", periods=8760, freq="h").strftime("%m-%dT%H")
    return pd.DataFrame(
        {
            "temperature": warm,
            "humidity": 0.5,
            "global_radiation": total,
            "diffuse_radiation": np.nan,
            "direct_radiation": np.nan,
            "wind_speed": 2.0,
            "rain": np.nan,
        },
        index=names,
    )


def test_the_sun_stands_over_greenwich_at_noon_of_the_solstice_and_the_equinox():
    """At 51.48° N the noon sun is 90 - 51.48 + 23.44 = 61.96° high in June, and 38.5° at the equinox."""
    june = sun_path(np.array([171 * 24 + 12.03]), 51.48, 0.0)
    assert np.degrees(june.altitude[0]) == pytest.approx(61.96, abs=0.05)
    assert np.degrees(june.azimuth[0]) == pytest.approx(180, abs=1)
    march = sun_path(np.array([79 * 24 + 12.0]), 51.48, 0.0)
    assert np.degrees(march.altitude[0]) == pytest.approx(38.5, abs=0.3)


def test_the_sun_of_the_published_example_of_the_algorithm():
    """Reda and Andreas (2004), example: 17 October 2003, 12:30:30 at UTC-7, 39.742° N, 105.179° W: zenith 50.11°,
    azimuth 194.34°. Ours is of 2023: the same day of the year stands 0.1° away."""
    day = 289 * 24 + 19 + 30.5 / 60
    found = sun_path(np.array([day]), 39.742476, -105.1786)
    assert 90 - np.degrees(found.altitude[0]) == pytest.approx(50.11, abs=0.2)
    assert np.degrees(found.azimuth[0]) == pytest.approx(194.34, abs=0.3)


@pytest.mark.parametrize(("longitude", "clock"), [(-27.0, -2.0), (0.0, 0.0), (25.0, 2.0), (-70.0, -4.0), (140.0, 9.5)])
def test_the_clock_of_a_weather_file_is_found_from_its_radiation(longitude, clock):
    radiation = a_year(longitude=longitude, clock=clock)["global_radiation"].to_numpy()
    assert clock_of(radiation, 45.0, longitude) == pytest.approx(clock, abs=0.25)


def test_clearness_is_one_under_a_clear_sky_and_never_above():
    altitude = np.radians([-10.0, 1.0, 20.0, 60.0])
    clear = np.where(altitude > 0, clear_sky(altitude), 0)
    assert np.allclose(clearness(clear, altitude), 1)
    assert np.allclose(clearness(0.5 * clear, altitude)[2:], 0.5)
    assert clearness(2 * clear, altitude).max() == 1
    assert clearness(np.zeros(2), np.radians([-10.0, -20.0])).tolist() == [1, 1]


def test_the_hottest_day_is_taken_with_its_sun_and_split_radiation():
    day = hot_day(a_year(), (45.0, -27.0), 0.0)
    assert list(day.index) == list(range(24))
    assert abs(day["day_of_year"].iloc[0] - 200) <= 2
    assert day["altitude"].idxmax() in (11, 12)
    assert not day.isna().any(axis=None)
    flat = day["direct_radiation"] * np.sin(day["altitude"].clip(lower=0)) + day["diffuse_radiation"]
    assert np.allclose(flat[8:16], clear_sky(day["altitude"].to_numpy())[8:16], rtol=0.02)


def test_a_named_day_is_taken_and_one_with_holes_is_not():
    weather = a_year()
    assert hot_day(weather, (45.0, -27.0), 10.0)["day_of_year"].iloc[0] == 10
    weather.loc["01-10T05", "humidity"] = np.nan
    with pytest.raises(NotComputableError, match=r"day 10 of the year; the weather has 23"):
        hot_day(weather, (45.0, -27.0), 10.0)
    hottest = hot_day(weather.assign(temperature=weather["temperature"].where(weather.index != "01-10T05", 60.0)),
                      (45.0, -27.0), 0.0)  # fmt: skip
    assert hottest["day_of_year"].iloc[0] != 10, "a day with a hole is not chosen, however hot"


def test_weather_without_times_or_values_is_refused():
    with pytest.raises(LayerError, match="month, day and hour"):
        hot_day(a_year().reset_index(drop=True), (45.0, -27.0), 0.0)
    with pytest.raises(NotComputableError, match="one day with 24 hours"):
        hot_day(a_year().assign(wind_speed=np.nan), (45.0, -27.0), 0.0)


@pytest.mark.parametrize(("latitude", "day"), [(60.2, 196), (-30.0, 15), (0.0, 196), (69.6, 196)])
def test_the_assumed_day_is_high_summer_anywhere(latitude, day):
    found = assumed_hot_day((latitude, 25.0), **HOT)
    assert found["day_of_year"].iloc[0] == day
    assert found["altitude"].idxmax() in (11, 12)
    assert found["temperature"].max() == pytest.approx(30, abs=0.1)
    assert not found.isna().any(axis=None)
    assert found["humidity"].between(0, 1).all()


def test_the_place_is_read_off_the_first_layer_with_a_reference_system():
    raster = Raster(np.zeros((2, 2), np.float32), (10.0, 0, 499_990.0, 0, -10.0, 4_649_786.0), "EPSG:32630")
    middle = shapely.box(499_990, 4_649_766, 500_010, 4_649_786)
    assert location(middle, None, raster, None, None) == pytest.approx((42.0, -3.0), abs=0.01)
    with pytest.raises(NotComputableError, match="location needs"):
        location(middle, None, None, None, None)


def test_bilbao_s_file_keeps_its_radiation_three_quarters_of_an_hour_behind_its_time_zone(shared_data):
    weather = read_weather(shared_data / "bilbao" / "bilbao_2021.epw.gz").table
    day = hot_day(weather, (43.2926, -2.9728), 0.0)
    assert day["clock"].iloc[0] == pytest.approx(0.25), "the header says 1, and a radiation offset of -0.8258 h"
    assert day["temperature"].max() == pytest.approx(29.59)
    assert day["clearness"].between(0.85, 1).iloc[8:18].all()
