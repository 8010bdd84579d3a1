"""Outcome contracts: verdicts and amounts by hand."""

import dataclasses
import datetime as dt
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import SourceError
from synapolis.indicators.contract_form import as_facts, read_promise
from synapolis.indicators.contracts import Payment, check
from synapolis.indicators.gate_file import read_gates
from synapolis.indicators.observations import Observation, read_observations, read_targets
from synapolis.models import load_models

load_models()
FACTS = {
    "id": "flood-2028",
    "promised_by": "A drainage company",
    "indicator": "iso37123:12.5",  # residential properties flooded in a year, %
    "baseline": {"value": 4.0, "date": "2024-12-31"},
    "change": -2.0,
    "unit": "%",
    "due": "2028-12-31",
    "measured_by": {"grades": ["measured", "estimated"], "sources": ["Water authority"]},
    "payment": {"full": "1000000.00", "currency": "EUR", "threshold": 0.25, "cap": "1200000.00"},
}


def promise(**changed):
    return read_promise({**FACTS, **changed})


def seen(value, period="2028", quality="measured", source="Water authority", area="city"):
    return Observation("iso37123:12.5", area, period, value, "%", quality, source)


def test_the_goal_follows_from_baseline_and_change():
    assert promise().goal == 2
    assert promise(change=-25, unit="% of baseline").goal == 3


@pytest.mark.parametrize(
    ("value", "verdict", "amount"),
    [
        (2.0, "kept", "1000000.00"),  # all of the promised 2 points
        (1.8, "kept", "1133333.33"),  # 110 %: (1.1 - 0.25) / 0.75 of a million
        (1.0, "kept", "1200000.00"),  # 150 % would earn 1.67 million: the cap
        (3.0, "broken", "333333.33"),  # half: (0.5 - 0.25) / 0.75
        (3.5, "broken", "0.00"),  # a quarter: nothing up to the threshold
        (4.4, "broken", "0.00"),  # worse than before
    ],
)
def test_when_it_is_due(value, verdict, amount):
    found = check(promise(), [seen(value)], today=dt.date(2029, 3, 1))
    assert (found.verdict, found.amount, found.currency) == (verdict, Decimal(amount), "EUR")
    assert found.final
    assert "Due: " in found.says


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(2.0, "kept"), (3.0, "on course"), (2.9, "on course"), (3.1, "behind"), (4.0, "behind")],
)
def test_half_way_through_half_of_it_is_on_course(value, verdict):
    found = check(promise(), [seen(value, "2026-12-31")], today=dt.date(2027, 2, 1))
    assert found.verdict == verdict
    assert found.expected == Fraction(730, 1461)  # days of 2025 and 2026 of those of 2025 to 2028
    assert not found.final


def test_the_last_figure_up_to_the_day_counts():
    rows = [seen(3.9, "2025"), seen(3.0, "2026"), seen(1.0, "2029")]
    assert check(promise(), rows, today=dt.date(2027, 1, 5)).value == Decimal("3.0")
    assert check(promise(), rows, today=dt.date(2026, 12, 30)).value == Decimal("3.9")  # 2026 is not over


def test_figures_that_do_not_count_are_passed_over_with_the_reason():
    rows = [seen(2.0, quality="personal estimate"), seen(2.0, source="The company itself"), seen(2.0, area="North"),
            seen(2.0, "2024")]  # fmt: skip
    found = check(promise(), rows, today=dt.date(2029, 1, 1))
    assert found.verdict == "not measurable yet"
    assert found.amount is None
    assert found.says.startswith("Not measurable yet, though it was due on 2028-12-31: needs Residential properties")
    assert [text.split(":")[0] for text in found.passed_over] == ["2028", "2028", "2024"]
    assert "personal estimate" in found.passed_over[0]


def test_a_figure_too_old_settles_nothing():
    found = check(promise(), [seen(3.0, "2026")], today=dt.date(2029, 1, 1))
    assert found.verdict == "not measurable yet"
    assert "due on 2028-12-31: needs" in found.says
    assert "on or after 2028-07-04 and by 2028-12-31" in found.says
    assert found.passed_over == ("2026: it ends on 2026-12-31, more than 180 days before the due day",)


def test_on_the_due_day_last_years_figure_does_not_settle_it():
    rows = [seen(3.9, "2027")]
    assert check(promise(), rows, today=dt.date(2028, 12, 31)).verdict == "not measurable yet"
    rows += [seen(2.5, "2028-Q3")]
    third = check(promise(), rows, today=dt.date(2028, 12, 31))
    assert (third.verdict, third.amount) == ("broken", Decimal("666666.67"))
    assert third.says.endswith("A later figure for a period that ends by 2028-12-31 would decide instead.")
    assert check(promise(), [*rows, seen(2.0)], today=dt.date(2029, 3, 1)).verdict == "kept"


def test_of_two_figures_for_one_period_the_less_favourable_decides_whatever_came_first():
    rows = [seen(2.0), seen(3.0), seen(1.0, quality="estimated")]
    for order in (rows, rows[::-1]):
        found = check(promise(measured_by={"grades": ["measured", "estimated"]}), order, today=dt.date(2029, 1, 1))
        assert (found.value, found.verdict, len(found.passed_over)) == (Decimal("3.0"), "broken", 2)
    assert "Water authority tells 2; Water authority decides" in " ".join(found.passed_over)


def test_the_sentence_never_rounds_up_nor_tells_a_share_below_nothing():
    almost = check(promise(), [seen(2.0005)], today=dt.date(2029, 1, 1))
    assert (almost.verdict, "99.9 % of the promised change was there" in almost.says) == ("broken", True)
    worse = check(promise(), [seen(5.0)], today=dt.date(2029, 1, 1))
    assert "Broken: nothing of the promised change was there" in worse.says
    assert "it went the other way" in worse.says


def test_a_sentence_tells_large_numbers_in_full():
    many = promise(indicator="iso37120:12.5", baseline={"value": 1234567, "date": "2024-12-31"}, change=1000,
                   unit="count", payment=None)  # fmt: skip
    row = Observation("iso37120:12.5", "city", "2028", 1234567.0, "count", "measured", "Water authority")
    assert (
        "went from 1,234,567 on 2024-12-31 to 1,234,567 in 2028; 1,235,567 was"
        in check(many, [row], today=dt.date(2029, 1, 1)).says
    )


def test_a_promise_to_raise_something():
    more = promise(indicator="iso37123:8.8", baseline={"value": 20, "date": "2024-12-31"}, change=10,
                   unit="% of baseline", payment=None)  # fmt: skip
    row = Observation("iso37123:8.8", "city", "2028", 22.0, "%", "measured", "Water authority")
    assert check(more, [row], today=dt.date(2029, 1, 1)).verdict == "kept"
    assert check(more, [dataclasses.replace(row, value=21.9)], today=dt.date(2029, 1, 1)).verdict == "broken"


def test_tenths_are_tenths():
    """A share of three tenths of 0.3 is one, though 0.1 + 0.2 is not 0.3 in binary."""
    tenth = promise(indicator="iso37123:8.8", baseline={"value": 0.1, "date": "2024-12-31"}, change=0.2)
    row = dataclasses.replace(seen(0.3), indicator="iso37123:8.8")
    assert check(tenth, [row], today=dt.date(2029, 1, 1)).share == 1


@given(st.decimals("-2", "3", places=4), st.decimals("-2", "3", places=4))
def test_more_result_never_earns_less(one, other):
    pay = Payment(Decimal("999999.99"), "EUR", Decimal("0.1"), Decimal("1500000.00"))
    low, high = sorted((Fraction(one), Fraction(other)))
    assert 0 <= pay.due(low) <= pay.due(high) <= Decimal("1500000.00")
    assert pay.due(Fraction(1)) == Decimal("999999.99")


def test_half_a_cent_goes_up_and_thirds_do_not_drift():
    assert Payment(Decimal("0.01"), "EUR").due(Fraction(1, 2)) == Decimal("0.01")
    assert Payment(Decimal("0.03"), "EUR").due(Fraction(1, 2)) == Decimal("0.02")
    assert Payment(Decimal("10.00"), "EUR", Decimal("0.4")).due(Fraction(7, 10)) == Decimal("5.00")
    assert Payment(Decimal("100000000000000000.01"), "EUR").due(Fraction(1)) == Decimal("100000000000000000.01")


def test_money_keeps_to_the_smallest_unit_of_its_currency():
    assert str(Payment(Decimal(1001), "CLP").due(Fraction(1, 2))) == "501"
    assert str(Payment(Decimal("1.001"), "KWD").due(Fraction(1, 2))) == "0.501"
    assert str(Payment(Decimal(1000), "JPY", Decimal("0.5")).due(Fraction(1, 4))) == "0"


def test_a_promise_is_plain_data():
    facts = json.loads(json.dumps(as_facts(promise())))
    assert read_promise(facts) == promise()
    assert read_promise(as_facts(promise(change=-25, unit="% of baseline"))).relative


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"indicator": "iso37123:12.55"}, "indicator: no indicator is called .* close ones are iso37123:12.5"),
        ({"change": 2.0}, "change: expected one for the better, and lower is better for iso37123:12.5; got 2.0"),
        ({"payment": {"full": "5.50", "currency": "CLP"}}, "payment.full: expected whole steps of 1 CLP, got 5.50"),
        ({"change": 0}, "change: expected a promised change, got 0"),
        ({"change": float("nan")}, "change: "),
        ({"change": True}, "change: "),
        ({"change": -9}, "the promised value: expected 0 to 100 %"),
        ({"unit": "km"}, "unit: expected '%', the unit of iso37123:12.5"),
        ({"due": "2024-01-01"}, "due: expected a day after the baseline"),
        ({"due": "soon"}, "due: "),
        ({"baseline": {"value": 4}}, "baseline.date: Field required"),
        ({"measured_by": {"grades": ["a feeling"]}}, "measured_by.grades: expected some of measured"),
        ({"payment": {"full": -5, "currency": "EUR"}}, "payment.full: expected an amount above 0"),
        ({"payment": {"full": 5, "currency": "euro"}}, "payment.currency: "),
        ({"payment": {"full": "5.005", "currency": "EUR"}}, "payment.full: expected whole cents"),
        ({"payment": {"full": 5, "currency": "EUR", "threshold": 1}}, "payment.threshold: expected a share"),
        ({"payment": {"full": 5, "currency": "EUR", "cap": 4}}, "payment.cap: expected at least"),
        ({"colour": "red"}, "colour: "),
        ({"id": "a b"}, "id: "),
    ],
)
def test_a_promise_that_cannot_be_kept_or_broken_is_refused(changed, says):
    with pytest.raises(SourceError, match=says):
        promise(**changed)


def test_what_is_no_form_is_refused():
    with pytest.raises(SourceError, match="expected fields such as id"):
        read_promise(["a", "list"])


def test_the_examples_of_the_guide_are_read():
    page = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text(encoding="utf-8")
    tables, forms = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("csv", "yaml"))
    assert len(read_observations(tables[0])) == 2
    assert [len(part) for part in read_targets(tables[1])] == [1, 1]
    assert len(read_gates(yaml.safe_load(forms[0]))) == 2
    assert read_promise(yaml.safe_load(forms[1])) == promise(
        measured_by={"grades": ["measured"], "sources": ["Water authority"]}
    )
