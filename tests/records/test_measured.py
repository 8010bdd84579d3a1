"""Observations and outcome contracts in the records: after their journal entry, whole or not at all, never changed."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from synapolis.core.errors import RecordsError
from synapolis.indicators.contract_form import read_promise
from synapolis.indicators.observations import read_observations
from synapolis.scenarios.measured import (
    check_contracts,
    contracts_of,
    keep_contract,
    keep_observations,
    observations_of,
)

CSV = """indicator,area,period,value,numerator,denominator,unit,quality,source,lower,upper
iso37123:12.5,,2026-12-31,3.0,,,%,measured,Water authority,2.8,3.3
iso37120:11.3,Old Town,2024-Q2,,84,240000,per 100 000,estimated,Health office,,
"""
FLOODED = {
    "id": "flood-2028",
    "promised_by": "A drainage company",
    "indicator": "iso37123:12.5",
    "baseline": {"value": 4.0, "date": "2024-12-31"},
    "change": -2.0,
    "unit": "%",
    "due": "2028-12-31",
    "payment": {"full": "1000000.00", "currency": "EUR", "threshold": 0.25},
}
SEEN = read_observations(CSV)


def entries(journal, kind):
    return [dict(entry.body) for entry in journal.entries(kind=kind)]


def test_observations_are_kept_after_their_entry_and_read_back_as_they_were(journal):
    assert keep_observations(journal, "town", SEEN, actor="analyst", source="a.csv") == 2
    assert set(observations_of(journal.store, "town")) == set(SEEN)
    assert observations_of(journal.store, "another") == ()
    (told,) = entries(journal, "observations")
    assert (told["count"], told["from"], told["city"]) == (2, "a.csv", "town")
    assert journal.verify().whole


def test_the_same_figures_again_are_passed_over_without_an_entry(journal):
    keep_observations(journal, "town", SEEN, actor="analyst", source="a.csv")
    assert keep_observations(journal, "town", SEEN, actor="analyst", source="a.csv") == 0
    assert len(entries(journal, "observations")) == 1


def test_another_value_for_a_kept_figure_is_refused_and_nothing_of_the_file_is_kept(journal):
    keep_observations(journal, "town", SEEN[:1], actor="analyst", source="a.csv")
    revised = (dataclasses.replace(SEEN[0], value=2.9), SEEN[1])
    with pytest.raises(RecordsError, match=r"nothing was imported: iso37123:12.5 .* is kept as 3 .* comes as 2.9"):
        keep_observations(journal, "town", revised, actor="analyst", source="b.csv")
    assert observations_of(journal.store, "town") == SEEN[:1]
    named = dataclasses.replace(SEEN[0], value=2.9, source="Water authority, revised 2027")
    assert keep_observations(journal, "town", (named,), actor="analyst", source="b.csv") == 1


def test_a_contract_is_kept_as_it_is_and_never_changed(journal):
    promise = read_promise(FLOODED)
    assert keep_contract(journal, "town", promise, actor="analyst")
    assert not keep_contract(journal, "town", promise, actor="analyst")
    assert contracts_of(journal.store, "town") == (promise,)
    assert keep_contract(journal, "village", promise, actor="analyst")
    with pytest.raises(RecordsError, match="a contract is never changed"):
        keep_contract(journal, "town", read_promise({**FLOODED, "change": -1}), actor="analyst")
    assert [told["act"] for told in entries(journal, "contract")] == ["entered", "entered"]


def test_verdicts_follow_observations_as_they_come_and_stand_in_the_journal(journal):
    keep_contract(journal, "town", read_promise(FLOODED), actor="analyst")
    day = dt.date(2027, 2, 1)
    ((_, first),) = check_contracts(journal, "town", actor="analyst", today=day)
    assert first.verdict == "not measurable yet"
    keep_observations(journal, "town", SEEN, actor="analyst", source="a.csv")
    ((_, then),) = check_contracts(journal, "town", actor="analyst", today=day, only="flood-2028")
    assert (then.verdict, then.amount) == ("on course", Decimal("333333.33"))
    verdicts = [told["verdicts"][0] for told in entries(journal, "contract") if told["act"] == "checked"]
    assert [each["verdict"] for each in verdicts] == ["not measurable yet", "on course"]
    assert verdicts[1]["amount"] == "333333.33"
    assert journal.verify().whole


def test_a_contract_that_is_not_there_is_named_with_those_that_are(journal):
    with pytest.raises(RecordsError, match="town has no contract; there is none yet"):
        check_contracts(journal, "town", actor="analyst", today=dt.date(2027, 1, 1))
    keep_contract(journal, "town", read_promise(FLOODED), actor="analyst")
    with pytest.raises(RecordsError, match="no contract 'other'; those there are: flood-2028"):
        check_contracts(journal, "town", actor="analyst", today=dt.date(2027, 1, 1), only="other")
