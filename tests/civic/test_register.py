"""The register: the twin's entries from its declarations; versions of others kept, immutable, and nobody else's."""

import sqlite3

import pytest
from sqlalchemy import text

from civic.samples import scanner
from synapolis.civic.check import check
from synapolis.civic.completeness import applicable, completeness, overall
from synapolis.civic.entry import fields_of
from synapolis.civic.formats import read_entries
from synapolis.civic.register import Register, order
from synapolis.civic.twin import Profile, read_profile
from synapolis.core.declare import REGISTRY
from synapolis.core.errors import RecordsError, RegisterError
from synapolis.records.canonical import canonical, content_hash


def test_everything_declared_is_in_the_register_and_complete(register):
    entries = register.twin()
    assert {entry.id for entry in entries} == {f"synapolis:{name}" for name in REGISTRY.algorithms}
    assert {entry.kind for entry in entries} == {"model", "edit", "indicator", "parser", "rule"}
    assert [entry.id for entry in entries if not completeness(entry).complete] == []
    flood = register.entry("flood")
    declared = REGISTRY.models["flood"]
    assert (flood.summary, flood.version, flood.goal_and_impact) == (declared.does, declared.version, declared.decision)
    assert flood.bindings[0].code_digest == declared.code_digest
    assert {dataset.name for dataset in flood.datasets} == set(declared.inputs)


def test_what_the_city_has_not_said_is_missing_not_made_up(register):
    unsaid = Register(register.store, profile=Profile())
    count = completeness(unsaid.entry("flood"))
    assert set(count.needed) == {"organisation", "contact", "objection_procedure", "revision_date"}


def test_profile_is_read_from_the_workspace(tmp_path):
    path = tmp_path / "register.yaml"
    assert read_profile(path) == Profile()
    path.write_text("organisation: City of Example\ncontact: twin@example.org\n")
    assert read_profile(path).contact == "twin@example.org"
    for wrong in ("organization: City of Example", "- a list", "organisation: [", "organisation: 3"):
        path.write_text(wrong)
        with pytest.raises(RegisterError, match="must give texts for organisation"):
            read_profile(path)


def test_a_complete_entry_is_published_and_another_is_a_draft_that_says_what_it_lacks(register):
    whole, part = register.enter(
        [scanner(), scanner(id="example:chatbot", contact="", risks=())], actor="clerk", purpose="opening the register"
    )
    assert (whole.standing, whole.lacks) == ("published", ())
    assert (part.standing, part.lacks) == ("draft", ("contact", "risks"))
    assert register.require("example:parking-scanner").entry == scanner()
    with pytest.raises(RegisterError, match="is a draft: it lacks contact, risks"):
        register.require("example:chatbot")
    with pytest.raises(RegisterError, match="no entry in the register, so it may not start"):
        register.require("example:nobody")
    journal = list(register.journal.entries(kind="register"))
    assert [entry.body["entry"] for entry in journal] == ["example:parking-scanner", "example:chatbot"]
    assert register.versions("example:chatbot")[0].seq == journal[1].seq


def test_a_later_version_by_its_owner_stands_beside_the_first(register):
    register.enter([scanner()], actor="clerk")
    register.enter([scanner(version="2", summary="Reads number plates.")], actor="clerk")
    assert [version.entry.version for version in register.versions("example:parking-scanner")] == ["1", "2"]
    assert register.entry("example:parking-scanner").version == "2"
    again = register.enter([scanner(version="2", summary="Reads number plates.")], actor="clerk")
    assert not again[0].new
    assert len(register.versions("example:parking-scanner")) == 2


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {"version": "2", "organisation": "City of Elsewhere"},
            "belongs to 'City of Example'; 'City of Elsewhere' ",
        ),
        ({"version": "2", "organisation": ""}, "'nobody named' may not"),
        ({"summary": "Something else."}, "version 1 of 'example:parking-scanner' stands and never changes"),
        ({"version": "0.9"}, "version 0.9 of 'example:parking-scanner' is not later than its last, 1"),
        ({"id": "synapolis:flood"}, "is the twin's own"),
        ({"id": "example:other", "kind": "model"}, "is the twin's own"),
    ],
)
def test_an_entry_that_claims_to_be_anothers_version_is_refused_and_nothing_is_kept(register, facts, says):
    register.enter([scanner()], actor="clerk")
    before = register.journal.head()
    with pytest.raises(RegisterError, match=says):
        register.enter([scanner(id="example:chatbot"), scanner(**facts)], actor="clerk")
    assert register.versions("example:chatbot") == ()
    assert [version.entry for version in register.versions("example:parking-scanner")] == [scanner()]
    assert register.journal.head() == before


def test_an_entry_without_a_version_gets_the_next(register):
    unnumbered = scanner().model_dump(exclude={"version"})
    first = type(scanner())(**unnumbered)
    second = type(scanner())(**unnumbered | {"summary": "Reads plates."})
    for handed in (first, second, second, first):
        register.enter([handed], actor="clerk")
    assert [version.entry.version for version in register.versions(first.id)] == ["1", "2"]


def test_versions_are_never_changed_even_by_hand(register):
    register.enter([scanner()], actor="clerk")
    for act in (
        "UPDATE register_versions SET status = 'draft'",
        "DELETE FROM register_versions",
        "INSERT OR REPLACE INTO register_versions SELECT * FROM register_versions",
    ):
        with pytest.raises(RecordsError, match="never changed"), register.store.write() as connection:
            connection.execute(text(act))
    assert register.versions("example:parking-scanner")[0].standing == "published"


def without_triggers(register, *statements):
    """Do as somebody who opens the database by hand, past everything that refuses."""
    with sqlite3.connect(register.store.name) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_version_changed_around_the_database_is_refused_and_found(register):
    register.enter([scanner(), scanner(id="example:sweeper")], actor="clerk")
    assert register.altered() == ()
    without_triggers(
        register,
        "UPDATE register_versions SET content = replace(content, 'warden', 'robot') WHERE entry_id LIKE '%nner'",
    )
    with pytest.raises(RegisterError, match="version 1 of 'example:parking-scanner' was changed in the database"):
        register.entries()
    changed, says = ("example:parking-scanner", "1"), "is not what the journal says was entered; restore a backup"
    assert register.altered() == ((*changed, says),)
    assert [(one.entry, one.weight) for one in check(register, root=None)][-1] == (changed[0], "problem")


def test_a_version_changed_with_its_hash_or_taken_away_or_slipped_in_is_found_by_the_journal(register):
    register.enter([scanner(), scanner(id="example:sweeper")], actor="clerk")
    forged = scanner(objection_procedure="None.").model_dump(mode="json")
    without_triggers(
        register,
        "INSERT INTO register_versions SELECT 'example:ghost', version, status, content, content_hash, author, at, "
        "journal_seq FROM register_versions WHERE entry_id = 'example:sweeper'",
        "DELETE FROM register_versions WHERE entry_id = 'example:sweeper'",
        f"UPDATE register_versions SET content = '{canonical(forged)}', content_hash = '{content_hash(forged)}' "
        "WHERE entry_id LIKE '%scanner'",
    )
    assert [(id_, says.partition(";")[0]) for id_, _, says in register.altered()] == [
        ("example:ghost", "is there, but the journal knows nothing of it"),
        ("example:parking-scanner", "is not what the journal says was entered"),
        ("example:sweeper", "was entered, and is no longer there"),
    ]


def test_the_twins_versions_are_kept_once_and_a_new_wording_is_the_second(register):
    first = register.publish(actor="maintainer")
    assert len(first) == len(REGISTRY.algorithms)
    assert {one.standing for one in first} == {"published"}
    assert register.publish(actor="maintainer") == ()
    moved = Register(register.store, profile=register.profile.model_copy(update={"contact": "new@example.org"}))
    assert len(moved.publish(actor="maintainer")) == len(first)
    version = REGISTRY.models["flood"].version
    assert [kept.entry.version for kept in moved.versions("synapolis:flood")] == [version, f"{version}+2"]
    assert moved.publish(actor="maintainer") == ()


def test_versions_are_ordered_as_people_number_them():
    numbered = ["0.9", "1", "1+2", "1.9", "1.10", "2.0-beta", "2024-05", "2024-11"]
    assert sorted(set(numbered), key=order) == numbered


def test_completeness_counts_what_applies():
    entry = scanner()
    count = completeness(entry)
    assert count.complete
    assert set(count.missing) == set(applicable(entry)) - {name for name in fields_of() if getattr(entry, name)}
    assert count.filled + len(count.missing) == count.applicable
    assert count.share == pytest.approx(count.filled / count.applicable)
    assert "performance" in applicable(entry)
    assert "performance" not in applicable(scanner(type="rule-based"))
    assert "lawful_basis" not in applicable(scanner(datasets=({"name": "Streets", "personal_data": False},)))
    other = scanner(area="Old Town")
    assert overall([entry, other]) == pytest.approx((2 * count.filled + 1) / (2 * count.applicable))
    assert overall([]) != overall([])


def test_dutch_entries_and_templates_enter_and_enter_again_without_a_trace(register, shared_data):
    folder = shared_data / "algorithm-registers"
    for name, count in (("nl-register-entries-v0_2.json", 47), ("nl-vendor-templates.json", 18)):
        entries = read_entries(folder / name)
        assert len(entries) == count
        entered = register.enter(entries, actor="clerk")
        assert sum(one.new for one in entered) == count
        assert [register.versions(one.entry.id)[-1].entry.name for one in entered] == [entry.name for entry in entries]
    before = register.journal.head()
    for name in ("nl-register-entries-v0_2.json", "nl-vendor-templates.json"):
        register.enter(read_entries(folder / name), actor="clerk")
    assert register.journal.head() == before
