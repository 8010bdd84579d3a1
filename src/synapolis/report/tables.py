"""Answers as tables for the terminal, for Markdown and for spreadsheets: the same figures as on the page."""

from __future__ import annotations

import csv
import io

from rich import box
from rich.markup import escape
from rich.table import Table

from synapolis.report.numbers import NOTHING, ClaimText, claim_text, number, percent, significant
from synapolis.report.page import STATUS, attribution_of
from synapolis.report.pedigree import by_influence
from synapolis.scenarios.answer import Answer, Claim

FACTS = (
    "id",
    "text",
    "quantity",
    "unit",
    "before",
    "after",
    "change",
    "low",
    "high",
    "detectable",
    "origin",
    "illustrative",
)


def answer_table(answer: Answer, currency: str = "", *, note: str = "") -> Table:
    """Headline figures of an answer for the terminal, those that share a note; plain where it has no colour."""
    table = Table(
        title=escape(note) or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("figure", overflow="fold", min_width=18)
    for name in ("today", "with the change", "difference"):
        table.add_column(name, justify="right")
    table.add_column("origin")
    for claim in (claim for claim in answer.claims if claim.note == note):
        text = claim_text(claim, currency)
        table.add_row(
            escape(claim.text),
            _with_unit(text.before, text.unit),
            _with_unit(text.after, text.unit),
            _difference(text),
            _origin(claim),
        )
    return table


def sites_table(answer: Answer, *, most: int = 8) -> Table:
    """Candidates of siting for the terminal, best first, at most so many."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, justify in (("rank", "right"), ("site", "left"), ("homes", "right"), ("among the best in", "right")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("why", overflow="fold", ratio=1)
    for site in sorted(answer.sites, key=lambda site: site.rank)[:most]:
        rank = f"{site.rank}*" if site.on_front else str(site.rank)
        table.add_row(rank, escape(site.name), number(site.homes), percent(site.stability), escape(site.reason))
    left = len(answer.sites) - most
    said = ["* on the Pareto front"] if any(site.on_front for site in answer.sites) else []
    table.caption = "; ".join(said + ([f"{left} more in the report"] if left > 0 else [])) or None
    return table


def assumptions_table(answer: Answer) -> Table:
    """Assumptions of an answer for the terminal, the most influential first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("assumption", "value", "range", "standing", "share of the spread"):
        table.add_column(name, justify="left" if name in {"assumption", "standing"} else "right", overflow="fold")
    for use in by_influence(answer.assumptions):
        span = f"{significant(use.low)} to {significant(use.high)}" if use.low < use.high else "fixed"
        value = f"{significant(use.value)} {'' if use.unit == '1' else use.unit}".strip()
        table.add_row(escape(use.meaning or use.name), escape(value), span, use.standing, percent(use.influence))
    return table


def answer_markdown(answer: Answer, currency: str = "") -> str:
    """Write an answer's question, summary, findings and figures as Markdown."""
    lines = [f"## {_line(answer.question or 'Scenario')}", "", f"**{_state(answer)}.** {_line(answer.summary)}", ""]
    lines += [f"- {_line(finding)}" for finding in (*answer.findings, *answer.options)]
    if answer.claims:
        lines += ["", "| figure | today | with the change | difference | origin |", "|---|--:|--:|--:|---|"]
    for claim in answer.claims:
        text = claim_text(claim, currency)
        cells = (claim.text, _with_unit(text.before, text.unit), _with_unit(text.after, text.unit))
        lines.append("| " + " | ".join(_cell(cell) for cell in (*cells, _difference(text), _origin(claim))) + " |")
    lines += ["", *[_line(line) for line in attribution_of(answer)], f"Hash: `{answer.hash}`" if answer.hash else ""]
    return "\n".join(lines).strip() + "\n"


def claims_csv(answer: Answer) -> str:
    """Write an answer's claims as CSV, unrounded; text that a spreadsheet would run as a formula is quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FACTS)
    for claim in answer.claims:
        writer.writerow([_safe(getattr(claim, name)) for name in FACTS])
    return stream.getvalue()


def _state(answer: Answer) -> str:
    return "Blocked" if answer.blocked else STATUS[answer.status]


def _with_unit(text: str, unit: str) -> str:
    return text if not unit or text == NOTHING else f"{text} {unit}"


def _difference(text: ClaimText) -> str:
    difference = _with_unit(text.change, text.change_unit) if text.detectable else text.change
    return f"{difference} ({text.interval})" if text.interval else difference


def _origin(claim: Claim) -> str:
    return f"{claim.origin}, illustrative" if claim.illustrative else claim.origin


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
