"""Observations and targets: read whole or not at all, every fault with its row and column."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapolis.core.errors import SourceError
from synapolis.indicators.catalogue import find, indicators
from synapolis.indicators.observations import GRADES, as_csv, latest, period_of, read_observations, read_targets

HEAD = "indicator,area,period,value,numerator,denominator,unit,quality,source,lower,upper\n"
GOOD = "iso37120:5.1,,2024,7.5,,,%,measured,Labour office,7.1,7.9\n"


def test_a_value_and_a_ratio_are_read():
    rows = read_observations(
        HEAD + GOOD + "iso37120:11.3,Old Town,2024-Q2,,84,240000,per 100 000,survey extrapolated,Health office,,\n"
    )
    assert [(row.value, row.area, row.end) for row in rows] == [
        (7.5, "city", dt.date(2024, 12, 31)),
        (pytest.approx(35.0), "Old Town", dt.date(2024, 6, 30)),
    ]
    assert (rows[0].lower, rows[0].upper) == (7.1, 7.9)


def test_what_is_written_is_read_back():
    rows = read_observations(HEAD + GOOD + "u4ssc:EC-I-T-3C,,2023-05,12.25,,,km per 100 000,estimated,A survey,,\n")
    assert read_observations(as_csv(rows)) == rows


def test_columns_may_come_in_any_order_with_a_byte_order_mark():
    text = "\ufeffunit,source,quality,period,indicator,value\n%,Labour office,measured,2024,iso37120:5.1,7.5\n"
    assert read_observations(text.encode("utf-8"))[0].value == 7.5


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("iso37120:5.11x,,2024,7.5,,,%,measured,Office,,", "row 2, column indicator: no indicator is called"),
        ("iso37120:5.1,,2024,107.5,,,%,measured,Office,,", "row 2, column value: expected 0 to 100 %"),
        ("iso37120:5.1,,2024,-1,,,%,measured,Office,,", "column value: expected 0 to 100 %"),
        ("iso37120:5.1,,2024,7.5,,,per 100 000,measured,Office,,", "column unit: expected '%' for iso37120:5.1"),
        ("iso37120:5.1,,2024,nan,,,%,measured,Office,,", "column value: expected a finite number"),
        ("iso37120:5.1,,2024,inf,,,%,measured,Office,,", "column value: expected a finite number"),
        ('iso37120:5.1,,2024,"7,5",,,%,measured,Office,,', "column value: expected a finite number"),
        ("iso37120:5.1,,2024,,,,%,measured,Office,,", "column value: expected a number, or numerator"),
        ("iso37120:5.1,,2024,,9,,%,measured,Office,,", "column denominator: expected people in the labour force"),
        ("iso37120:5.1,,2024,,9,0,%,measured,Office,,", "column denominator: expected .* above 0, got 0"),
        ("iso37120:5.1,,2024,8.5,9,120,%,measured,Office,,", "column value: expected 7.5"),
        ("iso37120:7.8,,2024,,9,120,degree days,measured,Office,,", "column numerator: expected nothing"),
        ("iso37120:5.1,,2024-13,7.5,,,%,measured,Office,,", "column period: expected a period such as 2024"),
        ("iso37120:5.1,,2024-02-30,7.5,,,%,measured,Office,,", "column period: expected a period"),
        ("iso37120:5.1,,2025/2024,7.5,,,%,measured,Office,,", "ends after it begins"),
        ("iso37120:5.1,,2027,7.5,,,%,measured,Office,,", "column period: expected a period that has begun by"),
        ("iso37120:5.1,,2024,7.5,,,%,guessed,Office,,", "column quality: expected one of measured"),
        ("iso37120:5.1,,2024,7.5,,,%,measured,,,", "column source: expected a few words"),
        ("iso37120:5.1,,2024,7.5,,,%,measured,Office,8,", "column lower: expected at most the value 7.5"),
        ("iso37120:5.1,,2024,7.5,,,%,measured,Office,,7", "column upper: expected at least the value 7.5"),
        ("iso37120:13.6,,2024,7.5,,,table,measured,Office,,", "is not one number"),
        ("housing:HA-09,,2024,4.5,,,1,measured,Office,,", "is not one number"),
    ],
)
def test_each_fault_is_named_with_row_and_column(row, says):
    with pytest.raises(SourceError, match=says):
        read_observations(HEAD + row + "\n", where="a.csv", today=dt.date(2026, 11, 22))


def test_all_or_nothing_and_every_fault_at_once():
    text = HEAD + GOOD + "iso37120:5.2,,2024,200,,,%,measured,Office,,\niso37120:5.3,,soon,2,,,%,measured,Office,,\n"
    with pytest.raises(SourceError) as caught:
        read_observations(text, where="city.csv")
    assert str(caught.value).startswith("city.csv: nothing was imported; row 3, column value")
    assert "row 4, column period" in str(caught.value)


def test_a_number_that_is_none_is_told_once():
    with pytest.raises(SourceError) as caught:
        read_observations(HEAD + GOOD.replace("7.5", '"7,5"'))
    assert str(caught.value).count("column value") == 1


def test_an_area_is_one_of_the_city_where_they_are_known():
    row = GOOD.replace("5.1,,", "5.1,Old Town,")
    assert read_observations(HEAD + row, areas=("Old Town", "North"))[0].area == "Old Town"
    with pytest.raises(SourceError, match="column area: expected nothing for the whole city.* close ones are Old Town"):
        read_observations(HEAD + row.replace("Old Town", "Oldtown"), areas=("North", "Old Town"))


def test_money_is_given_in_the_currency_of_the_city():
    row = "iso37120:5.9,,2024,41000,,,{},Measured,Tax office,,\n"
    assert read_observations(HEAD + row.format("EUR"), currency="EUR")[0].quality == "measured"
    with pytest.raises(SourceError, match="column unit: expected 'EUR' for iso37120:5.9, got 'USD'"):
        read_observations(HEAD + row.format("USD"), currency="EUR")


def test_files_of_old_machines_and_many_faults():
    assert read_observations((HEAD + GOOD).replace("\n", "\r")) == read_observations(HEAD + GOOD)
    with pytest.raises(SourceError, match="and 1988 more"):
        read_observations(HEAD + "".join(f"iso37120:{n}.l,,2024,1,,,%,measured,Office,,\n" for n in range(2000)))


def test_the_same_figure_twice_is_refused():
    with pytest.raises(SourceError, match="row 3, column indicator: .* stands in row 2 already"):
        read_observations(HEAD + GOOD + GOOD.replace("7.5", "7.6"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file"),
        (b"\xff\xfe\x00", "expected a CSV file in UTF-8, byte 0"),
        (HEAD.encode(), "at least one row"),
        (b"indicator;period;value\n1;2;3\n", "divided by semicolons"),
        (b"indicator,period,unit,quality,source,value,colour\n", "got colour"),
        (b"indicator,period,unit,quality,source,value,value\n", "a column twice"),
        (HEAD.encode() + b"iso37120:5.1,,2024\n", "row 2, column value: expected 11 cells in the row, got 3"),
        (b'indicator,period,unit,quality,source\n"open', "not CSV"),
        (HEAD.encode() + b"iso37120:5.1,,2024,7,5,,,%,measured,Office,,\n", "got 12; write decimals with a point"),
        (HEAD.encode() + GOOD.encode().replace(b"Lab", b"L\0b"), "row 2, column source: expected plain text"),
        (HEAD.encode() + GOOD.encode().replace(b"Labour", 400 * b"x"), "row 2, column source: expected at most 300"),
        (HEAD.encode() + 50_000_000 * b"\n", "expected at most 50 MB"),
    ],
)
def test_malformed_files(data, says):
    with pytest.raises(SourceError, match=says):
        read_observations(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        read_observations(HEAD.encode() + data)
    except SourceError as error:
        assert str(error)


@given(st.sampled_from([each for each in indicators().values() if each.is_number]), st.floats(0, 1))
def test_every_plausible_value_is_taken_and_the_rest_refused(indicator, share):
    value = indicator.low + share * (indicator.high - indicator.low)
    row = f"{indicator.id},,2024,{value!r},,,{indicator.unit},measured,Office,,\n"
    assert read_observations(HEAD + row)[0].value == value
    beyond = indicator.high + 1
    with pytest.raises(SourceError, match="column value"):
        read_observations(HEAD + row.replace(repr(value), repr(beyond), 1))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2024", ("2024-01-01", "2024-12-31")),
        ("2024-Q1", ("2024-01-01", "2024-03-31")),
        ("2024-02", ("2024-02-01", "2024-02-29")),
        ("2024-02-03", ("2024-02-03", "2024-02-03")),
        ("2024-07-01/2025-06-30", ("2024-07-01", "2025-06-30")),
    ],
)
def test_periods(text, days):
    assert tuple(day.isoformat() for day in period_of(text)) == days


def test_the_latest_and_then_the_best_grade_counts():
    rows = read_observations(
        HEAD
        + "iso37120:5.1,,2023,9,,,%,measured,Office,,\n"
        + "iso37120:5.1,,2024,7,,,%,personal estimate,A person,,\n"
        + "iso37120:5.1,,2024,8,,,%,estimated,Office,,\n"
        + "iso37120:5.1,North,2025,8,,,%,measured,Office,,\n"
    )
    assert latest(rows, "iso37120:5.1").value == 8
    assert latest(rows, "iso37120:5.1", "North").period == "2025"
    assert latest(rows, "iso37120:5.2") is None
    assert len(GRADES) == 6


TARGETS = "kind,indicator,area,value,unit,by,severe,source\n"


def test_targets_and_benchmarks_are_kept_apart():
    targets, benchmarks = read_targets(
        TARGETS + "target,iso37120:5.1,,5,%,2030,9,City plan\nbenchmark,iso37120:5.1,,6.2,%,,,National mean 2024\n"
    )
    assert (targets[0].value, targets[0].by, targets[0].severe) == (5, dt.date(2030, 12, 31), 9)
    assert (benchmarks[0].value, benchmarks[0].source) == (6.2, "National mean 2024")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("wish,iso37120:5.1,,5,%,,,City plan", "column kind: expected target or benchmark"),
        ("benchmark,iso37120:5.1,,5,%,2030,,Source", "column by: expected nothing for a benchmark"),
        ("benchmark,iso37120:5.1,,5,%,,,", "column source: expected a few words"),
        ("target,iso37120:5.1,,5,%,,3,City plan", "column severe: expected a value above the target"),
        ("target,iso37120:5.3,,5,%,,9,City plan", "column severe: expected a value below the target"),
        ("target,iso37120:5.1,,500,%,,,City plan", "column value: expected 0 to 100"),
        ("target,iso37120:5.1,,,%,,,City plan", "column value: expected a number"),
        ("target,iso37120:5.1,,5,km,,,City plan", "column unit"),
        ("target,iso37120:5.1,,5,%,someday,,City plan", "column by: expected a period"),
        ("target,iso37120:5.2,,5,%,,,City plan", "no better direction"),
        ("target,iso37120:5.1,,5,%,,,City plan\ntarget,iso37120:5.1,,4,%,,,City plan", "row 3, column indicator"),
    ],
)
def test_faults_in_targets(row, says):
    with pytest.raises(SourceError, match=says):
        read_targets(TARGETS + row + "\n")


def test_what_is_lacking_is_said_with_where_it_could_come_from():
    assert find("iso37120:19.1").lacking.startswith("needs length [km] of public transport routes and residents")
    assert "which could come from a timetable" in find("iso37120:19.1").lacking
