"""Register entries in foreign standards: read, checked and written without loss."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from synapolis.civic.entry import AlgorithmEntry, Assessment, Dataset, Reference, Risk, Supplier
from synapolis.civic.formats import STANDARDS, check, export, json_schema, read_document, read_entries
from synapolis.civic.formats.codecs import plain
from synapolis.civic.formats.standard import standard
from synapolis.core.errors import SourceError

CAMERA = AlgorithmEntry(
    id="3f2b6c1e-0000-4000-8000-00000000c0de",
    name="Parking scanner",
    summary="A car with cameras reads number plates and holds them against paid parking.",
    status="in use",
    publication_category="impactful algorithm",
    themes=("traffic",),
    area="Old Town",
    begin="2024-03",
    organisation="City of Example",
    department="Parking",
    responsible_owner="Head of parking",
    contact="parking@example.org",
    suppliers=(Supplier(name="Scanner Works", role="delivers the camera", data_access_terms="plates for a day"),),
    goal_and_impact="Finds cars that did not pay; drivers may be fined.",
    proportionality="Patrols on foot were tried and reach a tenth of the streets.",
    decision_process="A warden decides on each fine.",
    affected_persons_and_rights="Drivers; privacy.",
    lawful_basis=(Reference(title="Parking by-law", url="https://example.org/bylaw"),),
    impact_assessments=(Assessment(name="DPIA", date="2024-01-10", url="https://example.org/dpia", summary="Low."),),
    datasets=(Dataset(name="Paid plates", description="Plates with a ticket", url="https://example.org/plates"),),
    description="Plates are read by a neural network and looked up.",
    type="self-learning",
    methods="Optical character recognition",
    human_intervention="A warden looks at each picture.",
    risks=(Risk(name="Misread plate", description="A wrong car is fined", mitigation="A warden looks"),),
    monitoring="Misreads are counted monthly.",
    objection_procedure="Write within six weeks.",
    language="en",
    revision_date="2027-01-01",
    keywords=("parking", "camera"),
)


@pytest.mark.parametrize("id_", STANDARDS)
def test_an_entry_of_ours_comes_back_from_each_standard_as_far_as_it_can_say(id_):
    exported = export(CAMERA, id_)
    again = read_document(exported.document, id_)
    assert again.name == CAMERA.name
    assert export(again, id_).document == exported.document
    assert set(exported.unfilled).isdisjoint(name for name, value in exported.document.items() if value)


def test_export_to_the_dutch_standard_is_valid_but_for_the_language_it_is_not_written_in():
    exported = export(CAMERA, "nl-1.0")
    assert [finding.field for finding in exported.findings] == ["lang"]
    dutch = export(CAMERA.model_copy(update={"language": "nl"}), "nl-1.0")
    assert dutch.valid
    assert dutch.document["status"] == "In gebruik"
    assert dutch.document["category"] == ["Verkeer"]
    assert dutch.document["publication_category"] == "Impactvolle algoritmes"
    assert dutch.document["lawful_basis_grouping"] == [{"title": "Parking by-law", "link": "https://example.org/bylaw"}]
    assert dutch.document["standard_version"] == "1.0"


def test_export_to_the_uk_standard_keeps_lists_side_by_side():
    document = export(CAMERA, "uk-atrs-pilot").document
    assert document["risk_name"] == ["Misread plate"]
    assert document["risk_mitigation"] == ["A warden looks"]
    assert document["phase"] == "production"
    assert document["external_supplier"] == ["Scanner Works"]
    assert read_document(document, "uk-atrs-pilot").risks == CAMERA.risks


def test_eurocities_names_each_field_that_nobody_filled():
    exported = export(CAMERA, "eurocities-0.3.1")
    assert exported.document["domain"] == "traffic and transportation"
    assert exported.document["uuid"] == CAMERA.id
    missing = {finding.field for finding in exported.findings if finding.kind == "required"}
    assert missing == {"training_data", "connected_data_sources", "type", "publication_date", "last_change_date"}
    assert missing <= set(exported.unfilled)


def test_annex_viii_names_what_only_the_provider_knows():
    exported = export(CAMERA, "eu-ai-act-viii")
    assert (exported.document["A1_provider"], exported.document["C1_deployer"]) == ("Scanner Works", "City of Example")
    assert {
        "A1_provider_contact",
        "A10_member_states",
        "A11_declaration_of_conformity",
        "A12_instructions_for_use",
    } <= set(exported.unfilled)
    assert not exported.valid
    own = export(CAMERA.model_copy(update={"suppliers": ()}), "eu-ai-act-viii").document
    assert (own["A1_provider"], own["A1_provider_contact"]) == ("City of Example", "parking@example.org")


def test_what_rules_made_was_trained_on_nothing():
    assert "training_data" in export(CAMERA, "eurocities-0.3.1").unfilled
    rules = CAMERA.model_copy(update={"type": "rule-based"})
    assert export(rules, "eurocities-0.3.1").document["training_data"].startswith("None: it is made of rules")


def test_text_that_is_too_long_is_shortened_at_a_word_and_said():
    long = CAMERA.model_copy(update={"summary": "plates " * 40})
    exported = export(long, "eurocities-0.3.1")
    assert len(exported.document["description_short"]) <= 150
    assert exported.document["description_short"].endswith("plates…")
    assert exported.shortened == ("description_short: 280 characters shortened to 150",)


def test_markup_is_read_as_text_and_written_back_as_it_came():
    document = {
        "name": "Sluis", "organization": "Waterschap",
        "goal": "<div><p>Peil&nbsp;houden</p><p>Droog &lt; 1 m</p></div>",
        "standard_version": "1.0", "lang": "NLD", "unheard_of": [1, None], "category": None,
    }  # fmt: skip
    entry = read_document(document)
    assert entry.goal_and_impact == "Peil houden\nDroog < 1 m"
    assert entry.language == "nl"
    assert export(entry, "nl-1.0").document == document
    assert export(entry, "nl-0.4").document["goal"] == "Peil houden\nDroog < 1 m"


def test_a_day_that_a_spreadsheet_counted_is_read_as_a_date():
    entry = read_document(
        {"name": "A", "organization": "B", "schema": "Algoritmeregister 0.2", "revision_date": "44484"}
    )
    assert entry.revision_date == "2021-10-15"
    assert export(entry, "nl-0.2").document["revision_date"] == "44484"


VALUES = st.one_of(st.none(), st.text(max_size=30), st.lists(st.text(max_size=8), max_size=3))


@given(st.dictionaries(st.sampled_from([rule.name for rule in standard("nl-1.0").fields]), VALUES), st.text(min_size=1))
def test_no_document_of_the_dutch_standard_loses_anything(document, name):
    document |= {"name": "A" + name, "organization": "B", "standard_version": "1.0"}
    entry = read_document(document, "nl-1.0")
    assert export(entry, "nl-1.0").document == document
    assert AlgorithmEntry.model_validate_json(entry.model_dump_json()) == entry


@given(st.text())
def test_plain_text_has_no_tags_of_its_own(text):
    assert plain(f"<p>{text.replace('<', '').replace('&', '')}</p>") == plain(text.replace("<", "").replace("&", ""))


@pytest.mark.parametrize("id_", STANDARDS)
def test_each_standard_is_a_schema_of_its_kind(id_):
    Draft202012Validator.check_schema(json_schema(id_))


def test_findings_name_the_field_and_what_it_needs():
    document = {"name": "x" * 101, "organization": "", "status": "Actief", "standard_version": "1.0", "lang": "nld"}
    said = {finding.field: finding.says for finding in check(document, "nl-1.0")}
    assert said["name"] == "name is too long: 101 characters, at most 100"
    assert said["organization"] == "organization must be filled and is empty"
    assert said["status"].startswith("status is not one of the allowed values: 'Actief'; allowed are In ontwikkeling")
    assert said["description_short"] == "description_short must be filled and is missing"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "bad.json is no JSON or YAML: Expecting property name"),
        ("[3]", "entry 1: an entry is a mapping of fields to values, got int"),
        ('[{"name": "A", "organization": "B", "schema": "0.4"}, {"colour": "red"}]', "entry 2: no known standard"),
        ('{"organization": "B", "name": "", "standard_version": "1.0"}', "needs a name"),
        ('{"id": "a", "name": "B", "begin": "spring"}', "begin: Value error, needs a month like 2026-05, got 'spring'"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_refused_whole_with_the_place(tmp_path, text, says):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=says):
        read_entries(path)


def test_yaml_is_read_as_it_stands_not_as_numbers_and_dates(tmp_path):
    path = tmp_path / "entry.yaml"
    path.write_text(
        "id: a\nname: B\nversion: 1.10\nrevision_date: 2027-01-01\ncontact:\n"
        "datasets: [{name: no, personal_data: yes}]\n"
    )
    with pytest.raises(SourceError, match="datasets.0.name: Input should be a valid string"):
        read_entries(path)
    path.write_text(path.read_text().replace("name: no", "name: 1e3"))
    entry = read_entries(path)[0]
    assert entry.contact == ""  # left empty
    assert (entry.version, entry.revision_date) == ("1.10", "2027-01-01")
    assert (entry.datasets[0].name, entry.datasets[0].personal_data) == ("1e3", True)


def test_a_field_misspelled_is_told_with_the_one_it_is_like(tmp_path):
    path = tmp_path / "entry.yaml"
    path.write_text("id: a\nname: B\nsummary: C\ncontract: D\n")
    with pytest.raises(SourceError, match="entry.yaml, entry 1: an entry has no field 'contract'; is 'contact' meant?"):
        read_entries(path)
    with pytest.raises(SourceError, match="cannot read .*nowhere.yaml: No such file"):
        read_entries(tmp_path / "nowhere.yaml")


def test_an_unknown_standard_names_the_known_ones():
    with pytest.raises(SourceError, match=r"no standard is called 'nl-9'; known are nl-0\.1"):
        export(CAMERA, "nl-9")


# --- against the registers' own files --------------------------------------------------------------------------------
def documents(shared_data):
    for name in ("nl-register-entries-v0_2.json", "nl-vendor-templates.json"):
        path = shared_data / "algorithm-registers" / name
        yield from zip(json.loads(path.read_text(encoding="utf-8")), read_entries(path), strict=True)


def test_all_published_entries_and_templates_come_back_as_they_were(shared_data):
    seen = 0
    for document, entry in documents(shared_data):
        (own,) = entry.extras
        assert export(entry, own).document == document
        for id_ in STANDARDS:
            exported = export(entry, id_)
            filled = {name for name, value in exported.document.items() if value not in (None, "", [])}
            assert filled.isdisjoint(exported.unfilled)
            missing = {finding.field for finding in exported.findings if finding.kind == "required"}
            assert missing <= set(exported.unfilled)
        seen += 1
    assert seen == 47 + 18


def test_findings_equal_those_of_a_validator_written_from_the_dutch_configuration(shared_data):
    path = shared_data / "algorithm-registers" / "schemas" / "nl-algoritmeregister-v1_0.config.json"
    config = json.loads(path.read_text(encoding="utf-8"))["properties"]
    for _, entry in documents(shared_data):
        document = export(entry, "nl-1.0").document
        wanted = set()
        for name, facts in config.items():
            value = document.get(name)
            if facts.get("required") is True and value in (None, ""):
                wanted.add(name)
            elif isinstance(value, str) and value:
                long = facts.get("max_length") and len(value) > facts["max_length"]
                strange = facts.get("permitted_values") and value not in facts["permitted_values"]
                wanted |= {name} if long or strange else set()
        found = {finding.field for finding in check(document, "nl-1.0") if "." not in finding.field}
        assert found == wanted


def test_the_tables_of_facts_hold_every_field_of_the_configurations(shared_data):
    for version in ("0_1", "0_2_3", "0_3_1", "0_4", "1_0"):
        path = shared_data / "algorithm-registers" / "schemas" / f"nl-algoritmeregister-v{version}.config.json"
        config = json.loads(path.read_text(encoding="utf-8"))["properties"]
        ours = {rule.name: rule for rule in standard(f"nl-{version.replace('_', '.')}").fields}
        assert list(ours) == list(config)
        for name, facts in config.items():
            assert ours[name].max_length == facts.get("max_length")
            assert ours[name].required == (facts.get("required") is True)
            assert list(ours[name].allowed) == [str(value) for value in facts.get("permitted_values") or ()]
