"""The form in which other systems are entered."""

from typing import get_args

from synapolis.civic.completeness import completeness
from synapolis.civic.entry import AlgorithmEntry, Category, fields_of
from synapolis.civic.form import form
from synapolis.civic.formats import read_entries


def test_the_form_asks_for_every_field_and_names_what_may_be_chosen():
    asked = {line.partition(":")[0] for line in form().splitlines() if line and line[0] != "#"}
    assert asked == set(fields_of()) - {"kind"}
    assert f"# One of: {', '.join(get_args(Category))}." in form()
    assert "# * Assessments made.\n# A list; of each: name, date, url, summary." in form()


def test_a_form_with_little_filled_in_is_an_entry_that_says_what_it_lacks(tmp_path):
    path = tmp_path / "scanner.yaml"
    said = {"id:": "id: example:scanner", "name:": "name: Scanner", "risks:": "risks: [{name: Misread plate}]"}
    path.write_text("\n".join(said.get(line, line) for line in form().splitlines()))
    (entry,) = read_entries(path)
    assert isinstance(entry, AlgorithmEntry)
    assert (entry.id, entry.version, entry.kind, entry.risks[0].name) == (
        "example:scanner", "1", "system", "Misread plate",
    )  # fmt: skip
    assert "summary" in completeness(entry).needed
