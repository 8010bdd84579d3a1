"""The PDF says what the answer says: text that can be copied, fonts inside, pictures with words."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from synapolis.report.pdf import render_pdf
from synapolis.scenarios.answer import Evidence


def text_of(pdf: bytes, folder) -> str:
    """Text of a PDF by an independent program, on one line."""
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext (poppler-utils) to read the text back")
    path = folder / "answer.pdf"
    path.write_bytes(pdf)
    told = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True).stdout
    return " ".join(told.split())


@pytest.fixture(scope="module")
def bare(items):
    """The answer without maps, which take most of the time."""
    answer, evidence = items[0]
    return answer, Evidence(evidence.city)


def test_everything_a_reader_needs_is_in_it(bare, tmp_path):
    answer, evidence = bare
    text = text_of(render_pdf(answer, evidence, made="22 March 2026"), tmp_path)
    wanted_words = (answer.question, answer.hash, "Gates", "Not computable", "22 March 2026", "ODbL-1.0",
                    "no detectable", "OpenStreetMap", "One soil for the town.", "18,420")  # fmt: skip
    for wanted in wanted_words:
        assert wanted in text, wanted
    for use in answer.assumptions:
        assert use.meaning in text


def test_a_blocked_scenario_is_visibly_blocked(items, tmp_path):
    answer, evidence = items[1]
    assert answer.blocked
    assert "Blocked, and not to be recommended: Affordable rent" in text_of(
        render_pdf(answer, Evidence(evidence.city)), tmp_path
    )


def test_letters_of_other_languages_are_drawn(bare, tmp_path):
    answer, evidence = bare
    question = "Mitä tapahtuu Töölössä, Αθήνα, Łódź, Київ?"
    assert question in text_of(render_pdf(replace(answer, question=question), evidence), tmp_path)


def test_fonts_are_inside_and_the_language_is_told(bare):
    pdf = render_pdf(*bare)
    assert re.search(rb"/FontFile2", pdf)
    assert b"/Lang" in pdf
    assert pdf.startswith(b"%PDF-")


@pytest.mark.slow
def test_maps_are_in_it_with_words_for_those_who_cannot_see(items, tmp_path):
    answer, evidence = items[0]
    pdf = render_pdf(answer, evidence)
    assert pdf.count(b"/Subtype /Image") == 6  # two maps of three pictures
    assert pdf.count(b"/Alt") == 6
    text = text_of(pdf, tmp_path)
    assert "Design storm of 1 hour" in text
    assert "An illustration." in text
