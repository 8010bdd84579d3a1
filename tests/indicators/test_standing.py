"""How bad a value is: by the city's target, else by a published band, else not judged."""

import datetime as dt

import pytest

from synapolis.indicators.catalogue import bands, find
from synapolis.indicators.observations import Target
from synapolis.indicators.standing import stand

UNEMPLOYED = find("iso37120:5.1")
NEAR_STOPS = find("iso37120:19.6")
TODAY = dt.date(2026, 11, 22)


def target(value, severe=None, by=None, indicator="iso37120:5.1"):
    return Target(indicator, "city", value, by, severe, "City plan 2025")


@pytest.mark.parametrize(
    ("value", "wanted", "level"),
    [
        (4, target(5), "good"),
        (5, target(5), "good"),
        (6, target(5), "problem"),
        (6, target(5, severe=8), "problem"),
        (8, target(5, severe=8), "severe"),
        (9, target(5, severe=8), "severe"),
        (6, target(5, by=dt.date(2025, 12, 31)), "severe"),
        (6, target(5, by=dt.date(2030, 12, 31)), "problem"),
    ],
)
def test_by_target_where_lower_is_better(value, wanted, level):
    found = stand(UNEMPLOYED, value, target=wanted, today=TODAY)
    assert found.level == level
    assert found.basis == "target"
    assert found.source == "City plan 2025"


def test_by_target_where_higher_is_better():
    wanted = target(80, severe=50, indicator="iso37120:19.6")
    assert [stand(NEAR_STOPS, value, target=wanted).level for value in (90, 80, 79, 50, 10)] == [
        "good", "good", "problem", "severe", "severe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "level"), [(25, "good"), (30, "good"), (31, "problem"), (50, "problem"), (51, "severe")]
)
def test_by_benchmark_of_a_source_that_was_read(value, level):
    found = stand(find("housing:HA-01"), value, bands=bands()["housing:HA-01"])
    assert (found.level, found.basis) == (level, "benchmark")
    assert "US HUD" in found.source


def test_a_benchmark_that_nobody_read_is_never_severe():
    found = stand(find("iso37120:8.1"), 60, bands=bands()["iso37120:8.1"])
    assert found.level == "problem"
    assert not found.read
    assert "nobody here has read the source" in found.rule


def test_the_target_of_the_city_comes_before_any_benchmark():
    found = stand(
        find("housing:HA-01"), 45, bands=bands()["housing:HA-01"], target=target(50, indicator="housing:HA-01")
    )
    assert (found.level, found.basis) == ("good", "target")


def test_without_target_or_benchmark_nothing_is_judged():
    assert stand(UNEMPLOYED, 60).level == "not judged"


def test_an_interval_that_reaches_another_level_is_not_sure():
    assert stand(UNEMPLOYED, 6, target=target(5), interval=(5.5, 7)).sure
    assert not stand(UNEMPLOYED, 6, target=target(5), interval=(4.5, 7)).sure


def test_the_worst_come_first():
    found = [stand(UNEMPLOYED, value, target=target(5, severe=8)) for value in (6, 12, 4, 9, 7)]
    found.append(stand(UNEMPLOYED, 60))
    assert [each.level for each in sorted(found, key=lambda each: each.order)] == [
        "severe", "severe", "problem", "problem", "good", "not judged",
    ]  # fmt: skip
    assert min(found, key=lambda each: each.order).gap == pytest.approx(1.4)  # (12 - 5) / 5
