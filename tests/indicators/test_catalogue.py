"""The catalogue: counts, filters, and every row a whole fact."""

import math

import pytest

from synapolis.core.declare import REGISTRY
from synapolis.core.errors import NotComputableError, SourceError
from synapolis.indicators.catalogue import (
    AREAS,
    COMPUTABLE_FROM,
    PILLARS,
    bands,
    find,
    framework_key,
    frameworks,
    indicators,
    select,
)
from synapolis.indicators.observations import plain_unit
from synapolis.models import load_models

COUNTS = {"iso37120": 128, "iso37122": 80, "iso37123": 68, "u4ssc": 91, "sdg11": 15, "imd": 39, "housing": 20}
load_models()


@pytest.mark.parametrize("framework", COUNTS)
def test_every_framework_is_whole(framework):
    rows = select(framework=framework)
    assert len(rows) == COUNTS[framework] == frameworks()[framework].count
    assert len({row.code for row in rows}) == len(rows)


def test_the_iso_standards_were_not_read_and_say_so():
    for framework in ("iso37120", "iso37122", "iso37123"):
        assert not frameworks()[framework].read
        assert "not read" in frameworks()[framework].note
        assert not any(row.read for row in select(framework=framework))


@pytest.mark.parametrize("framework", COUNTS)
def test_every_row_is_a_whole_fact(framework):
    for row in select(framework=framework):
        assert all((row.name, row.unit, row.needs, row.formula, row.source, row.pillars)), row.id
        assert bool(row.definition) != bool(row.numerator), row.id
        assert bool(row.numerator) == bool(row.denominator), row.id
        assert row.better in ("higher", "lower", "neither"), row.id
        assert row.computable_from in COMPUTABLE_FROM, row.id
        assert row.area in AREAS, row.id
        assert set(row.pillars) <= set(PILLARS), row.id
        assert row.low < row.high, row.id
        assert not row.is_number or (math.isfinite(row.low) and math.isfinite(row.high)), row.id


@pytest.mark.parametrize("row", [row for row in indicators().values() if row.quantity], ids=lambda row: row.id)
def test_what_computes_an_indicator_is_a_city_wide_word_in_a_unit_that_fits(row):
    word = REGISTRY.quantities[row.quantity]
    assert word.place == "city"
    assert row.factor > 0
    assert row.is_number
    if row.factor == 1:
        plain = plain_unit(word.unit)
        assert plain_unit(row.unit) == {"ratio": "1", "0-1": "1", "personsperunit": "personsperdwelling"}.get(
            plain, plain
        )
    if (word.unit, row.unit) == ("1", "%"):
        assert row.factor == 100


def test_every_formula_computes_an_indicator_of_the_catalogue():
    computed = {row.quantity for row in indicators().values()}
    made = {word for model in REGISTRY.models.values() if model.kind == "indicator" for word in model.outputs}
    assert made <= computed


def test_the_twin_alone_computes_24_iso_indicators_and_with_a_census_or_model_20_more():
    """What the issue asks for at least."""
    found = [row for row in indicators().values() if row.framework.startswith("iso") and row.quantity]
    assert sum(row.computable_from == "twin" for row in found) >= 24
    assert sum(row.computable_from == "twin+census" for row in found) >= 20


@pytest.mark.parametrize(("unit", "multiplier"), [("%", 100), ("per 100 000", 1e5), ("per 1 000 students", 1000)])
def test_multipliers_follow_from_units(unit, multiplier):
    rows = [row for row in indicators().values() if row.unit == unit and row.denominator]
    assert rows
    assert all(row.multiplier == multiplier for row in rows), [row.id for row in rows if row.multiplier != multiplier]


def test_per_capita_is_not_multiplied_and_per_100_000_is():
    per_head = [row for row in indicators().values() if row.unit.endswith("per capita") and row.denominator]
    assert {row.multiplier for row in per_head} == {1}
    per_100_000 = [row for row in indicators().values() if "per 100 000" in row.unit and row.denominator]
    assert {row.multiplier for row in per_100_000} == {100_000}


def test_values_come_from_counts():
    assert find("iso37120:11.3").value_of(84, 240_000) == pytest.approx(35)  # physicians per 100 000
    assert find("iso37120:5.1").value_of(9, 120) == pytest.approx(7.5)  # unemployed, %
    assert find("iso37120:14.2").value_of(51_000, 3_000) == pytest.approx(17)  # m² a head
    assert find("iso37120:11.4").value_of(3, 1_500) == pytest.approx(2)  # per 1 000 live births


@pytest.mark.parametrize("counts", [(3, 0), (math.nan, 3), (3, math.nan)])
def test_a_missing_count_is_not_a_zero(counts):
    with pytest.raises(NotComputableError, match="not computable: iso37120:5.1 needs"):
        find("iso37120:5.1").value_of(*counts)


def test_an_unknown_code_gets_close_ones():
    with pytest.raises(SourceError, match="close ones are iso37120:19.6"):
        find("iso37120:19.66")
    with pytest.raises(SourceError, match="close ones are iso37120:5.1 .City unemployment rate"):
        find("unemployment rate")
    assert find("U4SSC:ec-i-t-3c").id == "u4ssc:EC-I-T-3C"
    assert framework_key("ISO 37120") == "iso37120"
    with pytest.raises(SourceError, match="no framework is called 'iso1'"):
        select(framework="iso1")


def test_filters():
    rows = select(framework=("iso37120", "sdg11"), computable_from="twin", area="mobility")
    assert {"iso37120:19.6", "sdg11:11.2.1"} <= {row.id for row in rows}
    assert all(row.computable_from == "twin" and row.area == "mobility" for row in rows)
    assert select(text="median multiple", framework="housing")


def test_bands_of_an_indicator_meet_without_gap_or_overlap():
    for indicator, rows in bands().items():
        assert find(indicator).is_number
        edges = sorted({edge for row in rows for edge in (row.low, row.high)} - {-math.inf, math.inf})
        for value in (*edges, *(edge + 0.05 for edge in edges)):
            assert sum(row.holds(value) for row in rows) == 1, (indicator, value)


@pytest.mark.parametrize(
    ("value", "label"),
    [(3.0, "affordable"), (3.05, "moderately unaffordable"), (4.0, "moderately unaffordable"),
     (5.1, "severely unaffordable"), (8.99, "severely unaffordable"), (9.0, "impossibly unaffordable")],
)  # fmt: skip
def test_median_multiple_edges(value, label):
    assert [band.label for band in bands()["housing:HA-07"] if band.holds(value)] == [label]
