"""Search, filters, facets, and the difference between two versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civic.samples import scanner
from synapolis.civic.difference import difference
from synapolis.civic.entry import Risk
from synapolis.civic.search import FACETS, search
from synapolis.core.errors import RegisterError

ENTRIES = (
    scanner(),
    scanner(id="example:chatbot", name="Route helper", summary="Answers visitors.", themes=("tourism", "traffic")),
    scanner(id="other:fraud", name="Fraud model", organisation="City of Elsewhere", status="out of use", themes=()),
    scanner(id="example:plates", name="Archive", summary="Keeps scanned plates.", publication_category="high-risk AI"),
)


def names(found):
    return [entry.name for entry in found.entries]


def test_every_word_must_be_somewhere_and_names_come_first():
    assert names(search(ENTRIES, "PLATES")) == ["Parking scanner", "Fraud model", "Archive", "Route helper"]
    assert names(search(ENTRIES, "parking"))[0] == "Parking scanner"
    assert names(search(ENTRIES, "model network"))[0] == "Fraud model"
    assert names(search(ENTRIES, "scanner zeppelin")) == []
    assert names(search(ENTRIES)) == [entry.name for entry in ENTRIES]


def test_filters_and_how_many_each_would_leave():
    found = search(ENTRIES, filters={"owner": "city of example", "field": "traffic", "kind": ""})
    assert names(found) == ["Parking scanner", "Route helper", "Archive"]
    assert found.facets["owner"] == {"City of Example": 3}  # within the field alone
    assert found.facets["field"] == {"traffic": 3, "tourism": 1}
    assert found.facets["category"] == {"impactful algorithm": 2, "high-risk AI": 1}
    with pytest.raises(RegisterError, match="filtered by kind, status, owner, field, category; got colour"):
        search(ENTRIES, filters={"colour": "red"})


@given(st.sampled_from(["", "plates", "fraud"]), st.sampled_from(sorted(FACETS)))
def test_a_facets_count_is_what_choosing_it_gives(text, facet):
    for value, count in search(ENTRIES, text).facets[facet].items():
        assert len(search(ENTRIES, text, {facet: value}).entries) == count


def test_a_difference_is_told_by_field_and_word():
    before = scanner()
    risks = (*before.risks, Risk(name="Wrong place"))
    after = scanner(
        version="2", summary="A car with cameras reads plates and holds them against paid parking.", risks=risks
    )
    said = [change.said() for change in difference(before, after)]
    assert said == [
        "version: [-1-] {+2+}",
        "summary: A car with cameras reads [-number-] plates and holds them against paid parking.",
        "risks: Misread plate; mitigation: A warden looks {+Wrong place+}",
    ]
    assert difference(before, before) == ()


def test_what_foreign_standards_say_counts_by_field():
    before, after = (scanner(extras={"nl-1.0": {"tags": tags, "lang": "NLD"}}) for tags in ("auto", "auto, scan"))
    assert [change.said() for change in difference(before, after)] == ["nl-1.0: tags: [-auto-] {+auto, scan+}"]


texts = st.lists(st.sampled_from(["the", "car", "reads", "plates", "twice", "\n"]), max_size=12).map(" ".join)


@given(texts, texts)
def test_both_texts_can_be_read_back_from_the_pieces(old, new):
    for change in difference(scanner(summary=old), scanner(summary=new)):
        kept = {side: [text for act, text in change.pieces if act in {"kept", side}] for side in ("gone", "new")}
        assert " ".join(kept["gone"]).split() == old.split()
        assert " ".join(kept["new"]).split() == new.split()
