"""The journal: what was done with the twin, by whom and what for; shown, verified, exported."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synapolis.cli.shared import JsonOption, escaped, out, talk

if TYPE_CHECKING:
    from synapolis.records.chain import Verdict
    from synapolis.records.entry import JournalEntry
    from synapolis.records.exported import Comparison

journal_app = typer.Typer(
    help="What was done with the twin, by whom and what for. Entries are only ever added, each chained to the last by "
    "SHA-256, so that one changed byte is found. The records lie in the workspace, or where SYNAPOLIS_RECORDS says.",
    no_args_is_help=True,
)
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@journal_app.command("show")
def journal_show(
    kind: Annotated[str | None, typer.Option(help='Only this kind, for example "run" or "refusal".')] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this actor did (SYNAPOLIS_ACTOR names yours).")] = None,
    since: Annotated[str, typer.Option(help="Only since then: 2026-11-22, 2026-11-22T14:00, or 90m, 6h, 3d, 2w.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the newest; 0: all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the entries as JSON on stdout, oldest first.")] = False,
) -> None:
    """Show the newest entries, the last one at the bottom.

    Examples: `synapolis journal show --kind refusal --since 7d`, `synapolis journal show --json --limit 0`.
    """
    from synapolis.records.journal import Journal
    from synapolis.records.store import open_store

    begin = _since(since, datetime.now(UTC)) if since else None
    with open_store() as store:
        found = Journal(store).entries(kind=kind, actor=actor, since=begin, limit=limit or None, newest_first=True)
        entries = list(found)[::-1]
    if as_json:
        sys.stdout.write(json.dumps([vars(entry) for entry in entries], ensure_ascii=False, indent=2) + "\n")
    elif entries:
        _show(entries)
    else:
        talk.print(
            "No such entries. Every run of the twin makes one; `synapolis journal show` without options shows all."
        )


@journal_app.command("verify")
def journal_verify(
    file: Annotated[Path | None, typer.Option("--file", help="Verify this export instead of the records.")] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Hold it against this export: is all that it tells still there?")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the journal: exit 0 when it is whole, 1 with the first damaged entry, its field and its byte.

    Whoever can write the database can also rewrite the whole chain. So keep exports elsewhere and verify `--against`
    them: that finds even a journal rewritten from end to end, or cut short.
    """
    from synapolis.records.exported import compare, compare_with_export, read_export, require_whole, verify_export
    from synapolis.records.journal import Journal
    from synapolis.records.store import open_store

    comparison = None
    if file is not None:
        verdict = verify_export(file)
        if against is not None and verdict.damage != "unreadable":
            require_whole(against)
            comparison = compare(read_export(file), read_export(against), against.name)
    else:
        with open_store() as store:
            journal = Journal(store)
            verdict = journal.verify()
            if against is not None and verdict.damage != "unreadable":
                comparison = compare_with_export(journal, against)
    _tell(verdict, comparison, as_json=as_json)
    if not verdict.whole or (comparison is not None and not comparison.agree):
        raise typer.Exit(1)


@journal_app.command("export")
def journal_export(
    file: Annotated[Path, typer.Argument(help="Where it goes, for example journal.jsonl.")],
) -> None:
    """Write the whole journal as JSON Lines, which `verify --file` and `verify --against` read.

    The first line says how many entries there are and the last one's hash; each further line is one entry. A damaged
    journal is not exported.
    """
    from synapolis.records.exported import export_journal
    from synapolis.records.journal import Journal
    from synapolis.records.store import open_store

    with open_store() as store:
        head = export_journal(Journal(store), file)
    talk.print(f"{head.seq:,} entries in {file}; the last one's hash is {head.hash}")


def _since(text: str, now: datetime) -> datetime:
    """Read a time, local unless it says otherwise, or so long ago."""
    ago = re.fullmatch(r"(\d{1,6})\s*([mhdw])", text.strip())
    if ago:
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise typer.BadParameter(
            f"--since needs a date (2026-11-22), a time (2026-11-22T14:00) or an age (90m, 6h, 3d, 2w), got {text!r}"
        ) from None


def _show(entries: list[JournalEntry]) -> None:
    from rich.table import Table

    zone = datetime.fromisoformat(entries[-1].at).astimezone().tzname()
    table = Table("no", f"time ({zone})", "kind", "actor", "what, and what for", "hash", box=None, pad_edge=False)
    table.columns[0].justify = "right"
    for k in (0, 1, -1):
        table.columns[k].no_wrap = True
    for entry in entries:
        time = datetime.fromisoformat(entry.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        what = _what(entry.body) + (f" ({entry.purpose})" if entry.purpose else "")
        words = (time, entry.kind, entry.actor, what, entry.hash[:8])
        table.add_row(str(entry.seq), *(escaped(word) for word in words))
    out.print(table)


def _what(body: Any) -> str:
    """An entry's particulars in a line: what was asked and why it was refused, else its short facts."""
    asked = [str(result.get("question", "")) for result in body.get("results", []) if isinstance(result, dict)]
    told = [" / ".join(question for question in asked if question), str(body.get("reason", ""))]
    if any(told):
        line = "; ".join(part for part in (str(body.get("command", "")) + ": " + told[0], told[1]) if part)
    else:
        line = ", ".join(f"{key} {value}" for key, value in body.items() if isinstance(value, str | int | float))
    return line if len(line) <= 120 else line[:119] + "…"


def _tell(verdict: Verdict, comparison: Comparison | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        told = asdict(verdict) | {"against": asdict(comparison) if comparison else None}
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return
    good = verdict.whole
    out.print(f"[{'green' if good else 'red'}]{escaped(verdict.says)}[/]", soft_wrap=True)
    if comparison is not None:
        out.print(f"[{'green' if comparison.agree else 'red'}]{escaped(comparison.says)}[/]", soft_wrap=True)
