"""The baseline's page: severe problems first, each figure once, each with its pedigree, nothing fetched."""

import datetime as dt
import html
import re

import pytest

from synapolis.indicators.observations import CITY, Observation, Target
from synapolis.models import load_models
from synapolis.report.baseline import (
    entries_of,
    missing_by_source,
    render_baseline,
    summary_of,
    theme_of,
    write_baseline,
)
from synapolis.report.baseline_data import baseline_tables
from synapolis.scenarios.baseline import Measuring, measure
from synapolis.scenarios.cache import Cache
from synapolis.scenarios.edits import AddHomes, Area, Scenario
from synapolis.sources.generate import generate_city

load_models()
SEEN = (
    Observation("iso37120:5.1", CITY, "2025", 9.4, "%", "survey extrapolated", "Labour <force> survey", lower=8.9,
                upper=9.9),
    Observation("iso37120:8.1", CITY, "2025", 11.2, "µg/m³", "measured", "Air stations"),
    Observation("housing:HA-07", CITY, "2025", 7.4, "1", "estimated", "Sales register"),
)  # fmt: skip
WANTED = (Target("iso37120:5.1", CITY, 6, dt.date(2030, 12, 31), 9, "City plan"),)


@pytest.fixture(scope="module")
def found():
    """A scenario on a few cheap indicators of a made-up town."""
    city = generate_city(people=600, seed=3, name="town")
    scenario = Scenario(title="20 homes", edits=(AddHomes(area=Area(place="Old Town"), homes=20),))
    measuring = Measuring(frameworks=("iso37120", "housing"), observations=SEEN, targets=WANTED,
                          today=dt.date(2026, 11, 22))  # fmt: skip
    return measure(city, measuring, Cache(), scenario=scenario)


@pytest.fixture(scope="module")
def page(found):
    return render_baseline(found, command="synapolis baseline town")


@pytest.mark.slow
def test_the_page_is_whole_and_asks_nothing_of_any_server(page, found, tmp_path):
    assert write_baseline(found, tmp_path / "b.html", command="synapolis baseline town").read_text("utf-8") == page
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)
    assert "Labour <force>" not in page
    assert "Labour &lt;force&gt; survey" in page


@pytest.mark.slow
def test_severe_problems_come_first_and_say_by_which_rule(page):
    cards = re.findall(r'<li class="(severe|problem)" id="c-', page)
    assert cards[:2] == ["severe", "severe"]
    assert cards == sorted(cards, reverse=True)
    told = html.unescape(page)
    assert "The city wants at most 6 % by 2030-12-31 and calls 9 or above severe" in told
    assert "nobody here has read the source" in told  # the guideline for fine dust
    assert told.index("What stands badly") < told.index("by theme") < told.index("What is missing")


@pytest.mark.slow
def test_each_figure_stands_once_with_every_indicator_it_answers(found):
    entries = entries_of(found)
    keys = [entry.key for entry in entries]
    assert len(set(keys)) == len(keys)
    known = sum(each.value is not None for each in found.readings)
    assert sum(len(entry.readings) for entry in entries) == known
    computed = sum(each.basis == "twin" for each in found.readings)
    assert f"the twin computes {computed}, {known - computed} more come from observations" in summary_of(found)


@pytest.mark.slow
def test_each_computed_figure_opens_its_pedigree(page, found):
    opened = page.count("How this figure was made")
    assert opened == sum(entry.pedigree is not None for entry in entries_of(found))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


@pytest.mark.slow
def test_what_is_missing_names_who_could_give_it(found):
    missing = missing_by_source(found)
    assert set(missing) <= {"twin", "twin+census", "sensor", "administrative", "survey"}
    utility = next(source for source in missing["administrative"] if "utility" in source.name)
    assert len(utility.readings) > 3
    told = sum(len(source.readings) for sources in missing.values() for source in sources)
    assert told == sum(each.value is None and each.indicator.is_number for each in found.readings)


@pytest.mark.slow
def test_the_terminal_tells_the_same(found):
    tables = baseline_tables(found)
    assert [table.title for table in tables] == ["What stands badly", "What is known", "With the scenario"]
    assert tables[0].row_count >= 3


@pytest.mark.slow
def test_every_theme_is_read_under_one_of_iso_37120(found):
    themes = {each.indicator.theme for each in found.readings if each.indicator.framework == "iso37120"}
    assert {theme_of(each.indicator) for each in found.readings} <= themes
