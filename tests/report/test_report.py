"""The page: every figure with its words and pedigree, nothing fetched, nothing unescaped, nothing hidden."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from synapolis.core.errors import StorageError
from synapolis.report.basemap import round_length
from synapolis.report.console import print_answer
from synapolis.report.ground import draw_base
from synapolis.report.map_tables import map_digits
from synapolis.report.maps import map_view
from synapolis.report.numbers import amount, claim_text, number, percent, significant, span
from synapolis.report.page import render_report, write_report
from synapolis.report.pedigree import trace
from synapolis.report.ramps import diverging, sequential
from synapolis.report.tables import answer_markdown, answer_table, assumptions_table, claims_csv, sites_table
from synapolis.scenarios.answer import Answer, Claim, Evidence, MapLayer

HOSTILE = "<script>alert(1)</script> & \"quotes\" 'single' [bold]x[/bold] | {{ 7*7 }}"


class Page(HTMLParser):
    """Collects what a page links to, its ids, and its visible text."""

    def __init__(self, text):
        super().__init__()
        self.resources, self.ids, self.targets, self.words, self.tags = [], [], [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}:
                (self.targets if tag == "a" else self.resources).append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        if self.tags and self.tags[-1] not in {"style", "script"}:
            self.words.append(data)


@pytest.fixture(scope="module")
def text(items):
    return render_report(items, title="What would happen in Smalltown")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def only(answer: Answer, town, **changes) -> str:
    return render_report([(dataclasses.replace(answer, **changes), Evidence(town))], title="One answer")


def test_nothing_is_fetched(page, text):
    assert all(value.startswith(("data:", "#")) for value in page.resources)
    assert all(value.startswith("#") for value in page.targets)
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_every_link_has_its_target_and_ids_are_unique(page):
    assert len(page.ids) == len(set(page.ids))
    assert {value[1:] for value in page.targets} | {v[1:] for v in page.resources if v[0] == "#"} <= set(page.ids)


def test_every_claim_is_there_with_its_figures(items, page):
    for answer, _ in items:
        for claim in answer.claims:
            words = claim_text(claim, "EUR")
            assert claim.text in page.text
            assert all(part in page.text for part in (words.before, words.after, words.change, words.interval))


def test_an_effect_within_the_interval_says_no_detectable_difference(page):
    assert "no detectable difference \N{MINUS SIGN}0.05 to +0.08 m³/s" in page.text


def test_each_figure_opens_its_pedigree(items, text):
    claim = items[0][0].claims[0]
    pedigree = trace(items[0][0], claim)
    assert [step.id for step in pedigree.steps[:2]] == ["n6", "n5"]
    assert {layer.name for layer in pedigree.layers} == {"buildings", "terrain"}
    assert [use.name for use in pedigree.assumptions] == ["storm_depth"]
    part = text[text.index('id="p1-1"') : text.index('id="p1-2"')]
    for words in (
        "Green-Ampt infiltration",
        "One soil for the town",
        "version 1.2",
        "Synapolis maintainers",
        "abababababab",
    ):
        assert words in part


def test_a_claim_without_a_run_path_shows_all_layers_rather_than_none(items):
    answer = items[0][0]
    lost = Claim("x", "Something", "no_such_word", "1", 1.0, 2.0, 1.0, run_path="gone")
    assert trace(answer, lost).steps == ()
    assert trace(answer, lost).layers == answer.layers


def test_blocked_is_seen_in_the_list_and_above_the_answer(page):
    assert page.text.count("Blocked") >= 3
    assert "Affordable rent (33 % of income, against 27 % today)." in page.text
    assert page.text.index("This scenario breaks a limit") < page.text.index("Running tram 7 every 5 minutes would")


def test_gates_show_three_outcomes_with_their_shares(page):
    for words in ("✓ Pass", "✕ Block", "! Warning", "? Not computable", "So in 92 % of the ensemble."):
        assert words in page.text


def test_openstreetmap_is_named_wherever_its_licence_is_among_the_layers(page, items, town):
    assert page.text.count("© OpenStreetMap contributors") >= sum(len(evidence.maps) for _, evidence in items) + 4
    assert "OpenStreetMap" not in Page(only(items[2][0], town, layers=(), sites=())).text


def test_floods_name_event_and_boundary_and_illustrations_are_marked(page):
    assert "20-year return period; water leaves freely" in page.text
    assert "ILLUSTRATIVE" in page.text


def test_gains_and_losses_by_place_and_group(page):
    assert "▲ gains" in page.text
    assert "▼ loses" in page.text
    assert "lowest fifth" in page.text


def test_every_site_has_its_reason(items, page):
    assert all(site.name in page.text and site.reason in page.text for site in items[2][0].sites)


@pytest.mark.parametrize("status", ["clarify", "refused"])
def test_an_answer_with_nothing_in_it_makes_a_page(town, status):
    empty = Answer(
        status,
        "What about the moon?",
        "smalltown",
        "",
        "",
        "",
        "The moon is not in Smalltown.",
        options=("Ask about Old Town",),
    )
    page = Page(render_report([(empty, Evidence(town))], title="Nothing"))
    assert "The moon is not in Smalltown." in page.text
    assert "Ask about Old Town" in page.text
    assert "table" not in page.tags


def test_no_answers_at_all_makes_a_page():
    assert "<h1>Empty</h1>" in render_report([], title="Empty")


def test_hostile_text_stays_text(items, town):
    text = only(items[0][0], town, question=HOSTILE, summary=HOSTILE, findings=(HOSTILE,), scenario={"title": HOSTILE})
    page = Page(text)
    assert page.tags.count("script") == 1
    assert HOSTILE in page.text
    assert HOSTILE in Page(render_report([], title=HOSTILE)).text


def test_the_command_quotes_the_question(items, town):
    assert "--city smalltown" in Page(only(items[0][0], town, question="a'; rm -rf x")).text
    assert """'a'"'"'; rm -rf x'""" in Page(only(items[0][0], town, question="a'; rm -rf x")).text


def test_what_is_not_finite_is_a_dash(items, town):
    nan = float("nan")
    claims = tuple(
        dataclasses.replace(claim, before=nan, after=float("inf"), change=nan, low=nan, high=nan, detectable=None)
        for claim in items[0][0].claims
    )
    effects = tuple(dataclasses.replace(effect, before=nan) for effect in items[0][0].effects)
    maps = (
        MapLayer("Nothing known", "runoff_depth", "mm", "cells", np.full((200, 260), nan), np.full((200, 260), nan)),
        MapLayer(
            "Never arrives", "flood_arrival", "s", "cells", np.full((200, 260), np.inf), np.full((200, 260), np.inf)
        ),
        MapLayer("Nothing at all", "runoff_depth", "mm", "cells", None, None),
        MapLayer("All the same", "runoff_depth", "mm", "cells", np.ones((200, 260)), np.ones((200, 260))),
    )
    answer = dataclasses.replace(items[0][0], claims=claims, effects=effects, statistics={"seconds": nan})
    text = render_report([(answer, Evidence(town, maps, {"c1": np.array([nan] * 9), "c2": np.ones(9)}))], title="Gaps")
    assert not re.search(r"\b(nan|inf)\b", Page(text).text, re.IGNORECASE)
    assert "No change that can be told (under 0.1 mm)." in text


def test_equal_answers_make_equal_pages(items, text):
    assert render_report(items, title="What would happen in Smalltown") == text


def test_a_report_is_small_and_written_whole(items, tmp_path):
    path = write_report(items, tmp_path / "new" / "report.html", title="Small")
    assert path.stat().st_size < 6e6
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_a_storage_error(items, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="report was not written"):
        write_report([], tmp_path / "file" / "report.html", title="No")


def test_maps_zoom_to_where_things_change(town, items):
    evidence = items[0][1]
    view = map_view(evidence.maps[0], evidence, draw_base(town))
    assert view.zoomed
    assert "in Old Town" in view.summary
    assert [panel.title for panel in view.panels] == ["Today", "With the change", "Difference"]


def test_land_cover_and_flags_are_drawn_in_classes(town):
    cover = np.full((200, 260), 6, np.uint8)
    changed = cover.copy()
    changed[:50] = 2
    evidence = Evidence(town)
    view = map_view(MapLayer("Ground", "land_cover", "class", "cells", cover, changed), evidence, draw_base(town))
    assert view.summary == "The ground changes in 25 % of the area."
    assert [label for _, label in view.panels[1].legend] == ["roof", "grass"]
    flagged = map_view(MapLayer("Wet", "flooded", "1", "cells", None, changed == 2), evidence, draw_base(town))
    assert [label for _, label in flagged.panels[0].legend] == ["wet"]


def test_numbers_are_shown_no_finer_than_their_tolerance():
    assert number(18_423.4, -1) == "18,420"
    assert number(-0.004, 2) == "0.00"
    assert number(3.14159, 2, sign=True) == "+3.14"
    assert number(None) == number(float("nan")) == "\N{EN DASH}"
    assert span(-12.0, 30.0) == "\N{MINUS SIGN}12 to +30"
    assert percent(0.004) == "under 1 %"
    assert significant(41.0) == "41"


def test_money_in_millions_and_shares_in_per_cent():
    cost = Claim("c", "Cost", "total_capital_cost", "EUR", 0.0, 312_400_000.0, 312_400_000.0, 2.8e8, 3.6e8, True, -5)
    assert claim_text(cost, "EUR").after == "312.4"
    assert claim_text(cost, "EUR").unit == "million EUR"
    share = Claim("s", "Share", "affordable_share", "1", 0.61, 0.6, -0.01, -0.02, -0.004, True, 3)
    assert claim_text(share).change == "\N{MINUS SIGN}1.0"
    assert claim_text(share).change_unit == "percentage points"


def test_what_cannot_change_is_unchanged():
    still = Claim("r", "Rain", "rain_volume", "m³", 90.0, 90.0, 0.0, 0.0, 0.0, None, -1)
    assert (claim_text(still).change, claim_text(still).interval) == ("unchanged", "")


@example(values=[5e-324], quantity="runoff_depth")
@example(values=[-1e9, 5e-324, 1e9], quantity="jobs")
@given(
    st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=40), st.sampled_from(["runoff_depth", "jobs"])
)
def test_ramps_are_ordered_and_symmetric(values, quantity):
    array = np.array([*values, np.nan])
    for ramp in (sequential(array, quantity), diverging(array, quantity)):
        classes = ramp.classes(array)
        assert list(ramp.edges) == sorted(ramp.edges)
        assert classes[-1] == 0
        assert classes.max() <= len(ramp.colours)
    centred = diverging(array, quantity)
    assert list(centred.edges) == [-edge for edge in reversed(centred.edges)]
    mirrored = centred.classes(-array)
    painted = centred.classes(array)
    assert (np.where(painted > 0, len(centred.colours) + 1 - painted, 0) == mirrored).all()


@given(st.floats(1e-3, 1e6))
def test_scale_bars_are_round_and_fit(metres):
    assert metres / 2.5 <= round_length(metres) <= metres


def test_terminal_tables_show_the_same_figures(items):
    console = Console(width=150, file=io.StringIO(), record=True)
    for answer, _ in items:
        for note in dict.fromkeys(claim.note for claim in answer.claims):
            console.print(answer_table(answer, "EUR", note=note))
        console.print(assumptions_table(answer))
    console.print(sites_table(items[2][0]))
    shown = console.export_text()
    for words in (
        "+680 m³ (+460 to +910)",
        "no detectable difference",
        "derived, illustrative",
    ):
        assert words in shown


def test_hostile_text_in_the_terminal_and_in_markdown(items):
    answer = dataclasses.replace(items[0][0], question=HOSTILE, summary="a | b")
    console = Console(width=200, file=io.StringIO(), record=True)
    print_answer(dataclasses.replace(answer, summary=HOSTILE), console)
    assert "[bold]x[/bold]" in console.export_text()
    claim = dataclasses.replace(items[0][0].claims[0], text="a|b\nc")
    assert "| a\\|b c |" in answer_markdown(dataclasses.replace(answer, claims=(claim,)))


def test_markdown_and_csv_hold_every_claim(items):
    answer = items[0][0]
    markdown = answer_markdown(answer, "EUR")
    rows = list(csv.DictReader(io.StringIO(claims_csv(answer))))
    assert [row["id"] for row in rows] == [claim.id for claim in answer.claims]
    assert all(claim.text in markdown for claim in answer.claims)
    assert float(rows[0]["change"]) == 682.0
    formula = dataclasses.replace(answer.claims[0], text="=HYPERLINK()")
    assert "'=HYPERLINK()" in claims_csv(dataclasses.replace(answer, claims=(formula,)))


def test_the_strongest_change_lies_on_top_whichever_way_it_goes():
    ramp = diverging(np.array([-10.0, 10.0]), "jobs")
    strength = ramp.strength()
    assert sorted(strength.tolist()) == list(range(9))
    assert strength[0] == 0
    assert {int(strength[1]), int(strength[8])} == {7, 8}


def test_what_lies_under_the_grain_is_no_change_and_numbers_are_no_finer():
    ramp = diverging(np.array([0.0, 0.004, -0.0049]), "flood_depth", 0.01)
    assert not ramp.classes(np.array([0.004, -0.0049, 0.0099])).any()
    assert ramp.classes(np.array([0.011])).all()
    assert [amount(value, "m", 0.01) for value in (0.01, 0.129, 1.234)] == ["1 cm", "13 cm", "1.23 m"]
    assert amount(11.04, "mm", 0.1) == "11 mm"
    assert map_digits("flood_depth", np.array([0.0, 0.00487])) == 2


def test_values_in_a_few_heaps_are_told_apart():
    heaps = np.repeat([0.0, 9.16, 12.09, 20.16, 22.37, 23.1], [14, 14, 5, 18, 19, 30])
    classes = sequential(heaps, "runoff_depth").classes(heaps)
    assert np.bincount(classes).max() / heaps.size <= 0.4
    assert len(np.unique(classes)) >= 5
