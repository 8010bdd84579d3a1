"""An answer as a PDF to print and file: question, figures with intervals, gates, maps, who gains, and the pedigree."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from fpdf import FPDF, FontFace
from fpdf.enums import TableBordersLayout, TableCellFillMode, XPos, YPos
from PIL import Image

from synapolis.indicators.gates import GateResult
from synapolis.report.ground import draw_base
from synapolis.report.numbers import claim_text, number, percent, scale_of, significant, unit_label
from synapolis.report.page import OUTCOMES, STATUS, attribution_of
from synapolis.report.pedigree import by_influence
from synapolis.report.stills import draw_scenes, font_file
from synapolis.scenarios.answer import Answer, Effect, Evidence
from synapolis.scenarios.views import view_of

FAMILY = "DejaVu"
INK, QUIET, LINE, BAND, BLOCK = (29, 42, 51), (91, 103, 112), (205, 210, 214), (243, 245, 246), (155, 28, 49)
MARGIN = 16.0  # mm
WIDTH = 210 - 2 * MARGIN
GAP = 4.0
SCENE = 720  # pixels across one picture
MOST_EFFECTS = 6
MOST_ASSUMPTIONS = 40
Rows = Sequence[Sequence[str]]


def render_pdf(answer: Answer, evidence: Evidence, *, made: str = "") -> bytes:
    """Render an answer as an A4 document; its fonts are inside, and pictures have words for those who cannot see them.

    Parameters
    ----------
    made : when and by whom it was asked, in words; equal answers made so make equal pages
    """
    sheet = _Sheet(answer, evidence.city.title)
    sheet.add_page()
    _opening(sheet, answer, made)
    _claims(sheet, answer, evidence.city.currency)
    _gates(sheet, answer)
    _listed(sheet, "What it rests on in words", answer.findings)
    _missing(sheet, answer)
    if evidence.maps:
        _maps(sheet, evidence)
    _effects(sheet, answer, evidence.city.currency)
    _sites(sheet, answer)
    _pedigree(sheet, answer)
    return bytes(sheet.output())


class _Sheet(FPDF):
    """A4 pages with the answer's hash and whom to name at the foot of each."""

    def __init__(self, answer: Answer, city: str) -> None:
        super().__init__(format="A4")
        self._foot = f"{city} · answer {answer.hash[:16]} · {' · '.join(attribution_of(answer))}"
        for style, bold in (("", False), ("B", True)):
            self.add_font(FAMILY, style, font_file(bold=bold))
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN + 6)
        self.set_title(answer.question or answer.city)
        self.set_creator("Synapolis")
        self.set_lang("en")
        self.alias_nb_pages()

    def footer(self) -> None:
        """Write the hash, whom to name, and the page's number."""
        self.set_y(-MARGIN + 2)
        self.ink(QUIET, 6.5)
        self.cell(WIDTH - 20, 4, self._fitted(self._foot, WIDTH - 22))
        self.cell(20, 4, f"{self.page_no()} / {{nb}}", align="R")

    def _fitted(self, text: str, width: float) -> str:
        while len(text) > 4 and self.get_string_width(text) > width:
            text = text[:-2].rstrip(" …") + "…"
        return text

    def ink(self, colour: tuple[int, int, int], size: float, *, bold: bool = False) -> None:
        """Set colour, size [pt] and weight of what is written next."""
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def said(
        self, text: str, *, size: float = 9, colour: tuple[int, int, int] = INK, bold: bool = False, after: float = 1.5
    ) -> None:
        """Write a paragraph."""
        self.ink(colour, size, bold=bold)
        self.multi_cell(WIDTH, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(after)

    def headed(self, text: str, *, room: float = 30) -> None:
        """Begin a section, on a new page where less than `room` [mm] is left."""
        if self.will_page_break(room):
            self.add_page()
        self.ln(3)
        self.start_section(text)
        self.said(text, size=12, bold=True, after=1)

    def tabled(self, head: Sequence[str], rows: Rows, widths: Sequence[float], *, right: Iterable[int] = ()) -> None:
        """Write a table; `right` names columns of figures."""
        if not rows:
            return
        self.ink(INK, 7.5)
        self.set_draw_color(*LINE)
        self.set_fill_color(255, 255, 255)
        aligned = tuple("RIGHT" if column in set(right) else "LEFT" for column in range(len(head)))
        with self.table(
            col_widths=tuple(widths), text_align=aligned, line_height=3.9, width=WIDTH, padding=(0.7, 1.2),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES, cell_fill_color=BAND,
            cell_fill_mode=TableCellFillMode.NONE, headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=BAND),
            v_align="TOP",
        ) as table:  # fmt: skip
            for cells in (head, *rows):
                table.row(list(cells))
        self.ln(2)


def _opening(sheet: _Sheet, answer: Answer, made: str) -> None:
    sheet.said(f"{answer.city} · {STATUS[answer.status]}", size=8, colour=QUIET, after=0.5)
    sheet.said(answer.question or "Scenario", size=16, bold=True, after=1)
    told = " · ".join(filter(None, (made, f"asked by {answer.actor}" if answer.actor else "", f"for {answer.purpose}")))
    sheet.said(told, size=8, colour=QUIET, after=2)
    if answer.blocked:
        names = ", ".join(gate.name for gate in answer.gates if gate.outcome == "block" and gate.action == "block")
        sheet.set_fill_color(*BLOCK)
        sheet.ink((255, 255, 255), 9.5, bold=True)
        sheet.multi_cell(
            WIDTH, 6, f" Blocked, and not to be recommended: {names}", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        sheet.ln(2)
    sheet.said(answer.summary, size=10.5, after=2)


def _claims(sheet: _Sheet, answer: Answer, currency: str) -> None:
    if not answer.claims:
        return
    sheet.headed("Figures")
    head = ("Figure", "Today", "With the change", "Change", "5 to 95 % of runs", "Rests on")
    notes = list(dict.fromkeys(claim.note for claim in answer.claims))
    for note in notes:
        if note:
            sheet.said(note[0].upper() + note[1:] + ":", size=8.5, bold=True, after=0.5)
        rows = []
        for claim in (claim for claim in answer.claims if claim.note == note):
            text = claim_text(claim, currency)
            doubt = " (illustration)" if claim.illustrative else ""
            unit = f" [{text.unit}]" if text.unit else ""
            change = f"{text.change} ({text.relative})" if text.relative else text.change
            rows.append((f"{claim.text}{unit}{doubt}", text.before, text.after, change, text.interval, claim.origin))
        sheet.tabled(head, rows, (58, 24, 26, 28, 26, 16), right=(1, 2, 3, 4))
    members = answer.statistics.get("members", 0)
    if members:
        told = f"The interval holds 90 % of {members:.0f} runs with other values of what was assumed."
        sheet.said(
            f"{told} What it does not tell from nothing is called “no detectable difference”.", size=7.5, colour=QUIET
        )


def _gates(sheet: _Sheet, answer: Answer) -> None:
    if not answer.gates:
        return
    sheet.headed("Gates: limits that a plan must keep")
    sheet.tabled(("Gate", "Outcome", "Rule", "Because"), [_gate_row(gate) for gate in answer.gates], (38, 22, 59, 59))


def _gate_row(gate: GateResult) -> tuple[str, str, str, str]:
    agree = f" ({percent(gate.share)} of runs)" if gate.share is not None else ""
    return gate.name, f"{OUTCOMES[gate.outcome]}{agree}", gate.rule, gate.reason


def _listed(sheet: _Sheet, title: str, sentences: Sequence[str]) -> None:
    if sentences:
        sheet.headed(title)
        for sentence in sentences:
            sheet.said(f"• {sentence}", size=8.5, after=0.6)


def _missing(sheet: _Sheet, answer: Answer) -> None:
    if answer.not_computable:
        _listed(
            sheet,
            "Not computable here",
            [f"{word.replace('_', ' ')}: {why}" for word, why in answer.not_computable.items()],
        )


def _maps(sheet: _Sheet, evidence: Evidence) -> None:
    base = draw_base(evidence.city)
    sheet.headed("Maps", room=90)
    for layer in evidence.maps:
        view, scenes = draw_scenes(layer, evidence, base, width=SCENE)
        if not scenes:
            continue
        wide = min((WIDTH - GAP * (len(scenes) - 1)) / len(scenes), 74)
        tall = wide * scenes[0][2].height / scenes[0][2].width
        if sheet.will_page_break(tall + 34):
            sheet.add_page()
        sheet.said(view.title, size=10, bold=True, after=0)
        words = " ".join(filter(None, (view.summary, view.note, "An illustration." if view.illustrative else "")))
        sheet.said(words, size=8, colour=QUIET, after=1)
        top, lowest = sheet.get_y(), sheet.get_y()
        for column, (_, panel, scene) in enumerate(scenes):
            left = MARGIN + column * (wide + GAP)
            sheet.set_xy(left, top)
            sheet.ink(INK, 7.5, bold=True)
            sheet.cell(wide, 4, panel.title + (f" [{view.unit}]" if view.unit else ""))
            sheet.image(_photograph(scene), left, top + 4.5, wide, tall, alt_text=f"{panel.alt} {view.summary}")
            lowest = max(lowest, _legend(sheet, panel.legend, left, top + tall + 6, wide))
        sheet.set_y(lowest + 3)


def _legend(sheet: _Sheet, legend: Sequence[tuple[str, str]], left: float, top: float, wide: float) -> float:
    """Swatches with their meaning, in as many columns as fit; returns where they end."""
    sheet.ink(INK, 6)
    sheet.set_draw_color(*QUIET)
    x, y = left, top
    for colour, label in legend:
        step = 6.5 + sheet.get_string_width(label)
        if x + step > left + wide and x > left:
            x, y = left, y + 3.6
        if colour:
            sheet.set_fill_color(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
            sheet.rect(x, y + 0.4, 4, 2.4, style="DF")
        else:  # not painted
            sheet.rect(x, y + 0.4, 4, 2.4)
            sheet.line(x, y + 2.8, x + 4, y + 0.4)
        sheet.set_xy(x + 4.4, y - 0.1)
        sheet.cell(step, 3.4, label)
        x += step + 1
    return y + 4


def _photograph(scene: Image.Image) -> io.BytesIO:
    stream = io.BytesIO()
    scene.convert("RGB").save(stream, "JPEG", quality=84, optimize=True)
    return stream


def _effects(sheet: _Sheet, answer: Answer, currency: str) -> None:
    if not answer.effects:
        return
    sheet.headed("Who gains and who loses")
    keys = dict.fromkeys((effect.by, effect.quantity) for effect in answer.effects)
    for by, quantity in keys:
        mine = [effect for effect in answer.effects if (effect.by, effect.quantity) == (by, quantity)]
        ranked = sorted(mine, key=lambda effect: effect.change)
        shown = ranked if len(ranked) <= 2 * MOST_EFFECTS else [*ranked[:MOST_EFFECTS], *ranked[-MOST_EFFECTS:]]
        moved = [effect for effect in shown if effect.change]
        if moved:
            view = view_of(quantity, mine[0].unit)
            rows = [_effect_row(effect, mine, currency) for effect in moved]
            unit = scale_of(quantity, mine[0].unit, 2, currency).unit
            sheet.tabled((view.says + (f" [{unit}]" if unit else ""), "Today", "With the change", "Change"), rows,
                         (94, 28, 28, 28), right=(1, 2, 3))  # fmt: skip


def _effect_row(effect: Effect, all_: Sequence[Effect], currency: str) -> tuple[str, ...]:
    shown = scale_of(effect.quantity, effect.unit, 2, currency)
    largest = max(abs(other.change) for other in all_) * shown.factor
    digits = 0 if largest >= 100 else 1 if largest >= 1 else 2 if largest >= 0.1 else 3
    told = [number(value * shown.factor, digits) for value in (effect.before, effect.after)]
    return effect.name, *told, number(effect.change * shown.factor, digits, sign=True)


def _sites(sheet: _Sheet, answer: Answer) -> None:
    if not answer.sites:
        return
    sheet.headed("Places for homes, best first")
    rows = [
        (
            f"{site.rank}",
            site.name,
            number(site.homes),
            "yes" if site.on_front else "no",
            percent(site.stability),
            site.reason,
        )
        for site in answer.sites
    ]
    sheet.tabled(
        ("", "Place", "Homes", "On the front", "Stays on top", "Why"), rows, (8, 44, 16, 18, 18, 74), right=(0, 2, 4)
    )


def _pedigree(sheet: _Sheet, answer: Answer) -> None:
    sheet.headed("Data")
    data = [
        (layer.name.replace("_", " "), layer.source, layer.licence, layer.origin,
         " · ".join(filter(None, (layer.owner, layer.terms, layer.agreement))))
        for layer in answer.layers
    ]  # fmt: skip
    sheet.tabled(("Layer", "Source", "Licence", "Origin", "Owner and terms"), data, (30, 58, 28, 20, 42))
    steps = {(step.name, step.version): step for step in answer.steps if step.version}
    if steps:
        sheet.headed("Algorithms")
        rows = [(step.name.replace("_", " "), step.version, step.does, step.limits) for step in steps.values()]
        sheet.tabled(("Algorithm", "Version", "What it does", "Limits"), rows, (36, 14, 60, 68))
    uses = by_influence(answer.assumptions)
    if uses:
        sheet.headed("Assumptions, the most influential first")
        told = [
            (use.meaning, f"{significant(use.value)} {unit_label(use.unit)}".strip(),
             f"{significant(use.low)} to {significant(use.high)}" if use.low != use.high else "fixed",
             f"{use.standing}: {use.source}", percent(use.influence) if use.influence else "")
            for use in uses[:MOST_ASSUMPTIONS]
        ]  # fmt: skip
        sheet.tabled(
            ("Assumption", "Value", "Range", "Source", "Share of spread"), told, (58, 24, 26, 52, 18), right=(4,)
        )
        if len(uses) > MOST_ASSUMPTIONS:
            sheet.said(f"And {len(uses) - MOST_ASSUMPTIONS} more; the answer's JSON lists all.", size=7.5, colour=QUIET)
    sheet.headed("How to have it again")
    sheet.said(f"Equal questions on the same city by the same code have the same hash. Answer {answer.hash}; city "
               f"{answer.city_hash}.", size=7.5)  # fmt: skip
