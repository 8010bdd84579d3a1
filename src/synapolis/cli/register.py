"""The algorithm register: which algorithms are used here, what for, on what data, and who answers for them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synapolis.cli.shared import JsonOption, escaped, out, talk

if TYPE_CHECKING:
    from synapolis.civic.entry import AlgorithmEntry
    from synapolis.civic.register import Register

register_app = typer.Typer(
    help="Which algorithms are used here, what for, on what data, and who answers for them. The twin's own entries "
    "come from its code; other systems of the city are entered by file. What the city says of all the twin's entries "
    "(organisation, contact, objection_procedure, revision_date …) stands in `register.yaml` in the workspace.",
    no_args_is_help=True,
)
Text = Annotated[str, typer.Argument(help="Words that the entry holds, anywhere in it.")]
EntryId = Annotated[str, typer.Argument(metavar="ENTRY", help="Id of an entry, or the name of a model of the twin.")]
KindOption = Annotated[str, typer.Option("--kind", help="model, edit, indicator, parser, rule or system.")]
StatusOption = Annotated[str, typer.Option("--status", help="in development, in use or out of use.")]
OwnerOption = Annotated[str, typer.Option("--owner", help="The organisation that answers for it.")]
FieldOption = Annotated[str, typer.Option("--field", help="Field of the twin, or theme of policy.")]
CategoryOption = Annotated[str, typer.Option("--category", help="high-risk AI, impactful algorithm or other.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print as CSV on stdout.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", help="Write one self-contained page here.")]


@contextmanager
def opened() -> Iterator[Register]:
    """The register of this workspace, with all of the twin's algorithms declared."""
    from synapolis.civic.register import Register
    from synapolis.models import load_algorithms
    from synapolis.records.store import open_store

    load_algorithms()
    with open_store() as store:
        yield Register(store)


@register_app.command("list")
def register_list(
    kind: KindOption = "",
    status: StatusOption = "",
    owner: OwnerOption = "",
    field: FieldOption = "",
    category: CategoryOption = "",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    html: HtmlOption = None,
) -> None:
    """List entries, with how complete each is."""
    _show_found("", _filters(kind, status, owner, field, category), as_json=as_json, as_csv=as_csv, html=html)


@register_app.command("search")
def register_search(
    text: Text,
    kind: KindOption = "",
    status: StatusOption = "",
    owner: OwnerOption = "",
    field: FieldOption = "",
    category: CategoryOption = "",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    html: HtmlOption = None,
) -> None:
    """Find entries by words and filters, the best first, and say how many each filter would leave."""
    _show_found(text, _filters(kind, status, owner, field, category), as_json=as_json, as_csv=as_csv, html=html)


def _filters(kind: str, status: str, owner: str, field: str, category: str) -> dict[str, str]:
    return {"kind": kind, "status": status, "owner": owner, "field": field, "category": category}


def _show_found(text: str, filters: dict[str, str], *, as_json: bool, as_csv: bool, html: Path | None) -> None:
    from synapolis.civic.completeness import completeness, overall
    from synapolis.civic.search import search
    from synapolis.civic.writing import register_csv, register_sheet

    with opened() as register:
        found = search(register.entries(), text, filters)
        known = register.evidence() if html is not None else {}
    if html is not None:
        from synapolis.report.entry import render_register
        from synapolis.report.page import write_whole

        title = register.profile.organisation or "Algorithm register"
        write_whole(html, render_register(register_sheet(found.entries, known, title=_title(title))))
        talk.print(f"Wrote {escaped(str(html))}.")
    if as_json:
        rows = [
            entry.model_dump(mode="json", exclude={"extras"}) | {"completeness": completeness(entry).share}
            for entry in found.entries
        ]
        sys.stdout.write(json.dumps({"entries": rows, "facets": found.facets}, indent=2, ensure_ascii=False) + "\n")
    elif as_csv:
        sys.stdout.write(register_csv(found.entries))
    elif html is None:
        _table(found.entries)
        if found.entries:
            talk.print(f"{len(found.entries)} entries, {overall(found.entries):.0%} of what applies is filled.")
        for name, counts in found.facets.items():
            shown = ", ".join(f"{value} {count}" for value, count in list(counts.items())[:12])
            talk.print(f"[dim]{name}:[/dim] {escaped(shown)}")


def _title(organisation: str) -> str:
    return organisation if organisation == "Algorithm register" else f"Algorithm register of {organisation}"


def _table(entries: Sequence[AlgorithmEntry]) -> None:
    from rich.table import Table

    from synapolis.civic.completeness import completeness

    if not entries:
        talk.print("No such entries.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("entry", "kind", "version", "filled", "what it does"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        share = f"{completeness(entry).share:.0%}"
        table.add_row(
            escaped(entry.id), entry.kind, escaped(entry.version), share, escaped(entry.summary or entry.name)
        )
    out.print(table)


@register_app.command("show")
def register_show(
    entry: EntryId,
    version: Annotated[str, typer.Option("--version", help="A version that is kept; the last one unless given.")] = "",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    html: HtmlOption = None,
) -> None:
    """Show one entry whole: what it says, what is missing, and what the journal holds on it."""
    from synapolis.civic.evidence import NONE
    from synapolis.civic.writing import entry_csv, entry_json, entry_sheet

    with opened() as register:
        shown = _version(register, entry, version) if version else register.entry(entry)
        if as_json:
            sys.stdout.write(entry_json(shown, register.evidence().get(shown.id, NONE)) + "\n")
        elif as_csv:
            sys.stdout.write(entry_csv(shown))
        elif html is not None:
            from synapolis.report.entry import render_entry
            from synapolis.report.page import write_whole

            write_whole(html, render_entry(entry_sheet(register, shown)))
            talk.print(f"Wrote {escaped(str(html))}.")
        else:
            _show(register, shown)


def _show(register: Register, entry: AlgorithmEntry) -> None:
    from synapolis.civic.writing import entry_sheet

    sheet = entry_sheet(register, entry)
    out.print(f"[bold]{escaped(sheet.title)}[/bold]  {escaped(sheet.id)}, version {escaped(sheet.version)}")
    out.print(escaped(f"{', '.join(sheet.chips)}; {sheet.filled} of {sheet.applicable} fields filled"))
    out.print(escaped(sheet.lead))
    for line in sheet.evidence:
        out.print(f"  [dim]{line.label}:[/dim] {escaped(line.said)}")
        for event in line.events:
            out.print(f"    {escaped(event)}")
    for heading, rows in sheet.groups:
        out.print(f"\n[bold]{heading}[/bold]")
        for row in rows:
            said = "; ".join(row.lines) if row.lines else "[yellow]not said[/yellow]"
            out.print(f"  [dim]{row.label}:[/dim] {escaped(said) if row.lines else said}")
    if sheet.versions:
        kept = ", ".join(f"{note.version} ({note.standing}, {note.at})" for note in sheet.versions)
        out.print(f"\n[dim]Kept versions:[/dim] {escaped(kept)}")


def _version(register: Register, id_: str, version: str) -> AlgorithmEntry:
    from synapolis.civic.twin import PREFIX
    from synapolis.core.errors import RegisterError

    kept = register.versions(id_) or register.versions(PREFIX + id_)
    for one in kept:
        if one.entry.version == version:
            return one.entry
    known = ", ".join(one.entry.version for one in kept) or "none yet; `synapolis register publish` keeps the twin's"
    raise RegisterError(f"version {version} of {id_!r} is not kept; there are: {known}")


@register_app.command("form")
def register_form(
    output: Annotated[Path | None, typer.Option("--out", help="Write here instead of stdout.")] = None,
) -> None:
    """Write an empty form for another system of the city: fill it in, then `register import` it."""
    from synapolis.civic.form import form

    _give(form(), output)


def _give(text: str, output: Path | None) -> None:
    """Write a document into a file, or to stdout."""
    from synapolis.report.page import write_whole

    if output is None:
        sys.stdout.write(text)
    else:
        write_whole(output, text)
        talk.print(f"Wrote {escaped(str(output))}.")


@register_app.command("import")
def register_import(
    files: Annotated[list[Path], typer.Argument(help="JSON or YAML: entries in our fields, or in a known standard.")],
    purpose: Annotated[str, typer.Option("--purpose", help="Why; kept in the journal.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check, and keep nothing.")] = False,
) -> None:
    """Enter other systems of the city: all entries of all files, or, where one is refused, none.

    An entry that lacks nothing it needs is published; any other is kept as a draft, and it is said what it lacks.
    """
    from synapolis.civic.completeness import completeness
    from synapolis.civic.formats import read_entries
    from synapolis.records.journal import local_actor

    entries = [entry for file in files for entry in read_entries(file)]
    if dry_run:
        for entry in entries:
            lacks = completeness(entry).needed
            out.print(escaped(f"{entry.id}  {entry.name}: {_lacking(lacks)}"))
        return
    with opened() as register:
        entered = register.enter(entries, actor=local_actor(), purpose=purpose)
    for one in entered:
        what = one.standing if one.new else "already there"
        out.print(escaped(f"{one.entry.id} {one.entry.version}  {one.entry.name}: {what}, {_lacking(one.lacks)}"))
    talk.print(f"{sum(one.new for one in entered)} of {len(entered)} entries are new.")


def _lacking(names: Sequence[str]) -> str:
    return f"lacks {', '.join(name.replace('_', ' ') for name in names)}" if names else "complete"


@register_app.command("export")
def register_export(
    entry: EntryId,
    standard: Annotated[str, typer.Option("--standard", help="nl-1.0, uk-atrs-pilot, eurocities-0.3.1 …")],
    output: Annotated[Path | None, typer.Option("--out", help="Write here instead of stdout.")] = None,
) -> None:
    """Write an entry in another standard; what could not be filled, or had to be shortened, is said on stderr."""
    from synapolis.civic.formats import export

    with opened() as register:
        exported = export(register.entry(entry), standard)
    _give(json.dumps(exported.document, indent=2, ensure_ascii=False) + "\n", output)
    talk.print("It keeps to the standard." if exported.valid else "[yellow]It does not keep to the standard:[/yellow]")
    for finding in exported.findings:
        talk.print(escaped(f"  {finding.field}: {finding.says}"))
    if exported.unfilled:
        talk.print(escaped(f"Not filled: {', '.join(exported.unfilled)}."))
    for said in exported.shortened:
        talk.print(escaped(f"Shortened: {said}."))


@register_app.command("check")
def register_check(
    tests: Annotated[
        bool, typer.Option("--tests", help="Run the declared tests too (needs a source checkout).")
    ] = False,
    only: Annotated[str, typer.Option("--entry", help="With --tests: only this entry's.")] = "",
) -> None:
    """Look the register over: exit 1 when an entry is incomplete, the lock is broken, or a declared test fails."""
    from synapolis.civic.check import check, check_tests, checkout
    from synapolis.core.errors import RegisterError
    from synapolis.records.journal import local_actor

    root, failed = checkout(), []
    with opened() as register:
        found = check(register, root=root)
        if tests and root is None:
            raise RegisterError("tests are part of the source checkout, and this is an installed package; run it there")
        if tests and root is not None:
            for name, result in check_tests(register, root=root, actor=local_actor(), only=only):
                out.print(escaped(f"{'passed' if result.passed else 'FAILED'}  {name}  {result.text}"))
                failed += [] if result.passed else [name]
        count = len(register.twin())
    for finding in found:
        tone = "red" if finding.weight == "problem" else "yellow"
        out.print(f"[{tone}]{finding.weight}[/{tone}]  {escaped(finding.entry or 'all')}: {escaped(finding.says)}")
    problems = sum(finding.weight == "problem" for finding in found) + len(failed)
    talk.print(f"{count} algorithms of the twin, {problems} problems, {len(found) - problems + len(failed)} notes.")
    if problems:
        raise typer.Exit(1)


@register_app.command("note")
def register_note(
    entry: EntryId,
    complaint: Annotated[str, typer.Option("--complaint", help="What somebody complains of.")] = "",
    override: Annotated[str, typer.Option("--override", help="What people decided against its result, and why.")] = "",
) -> None:
    """Write a complaint or an override into the journal; it then stands on the entry."""
    from synapolis.records.journal import local_actor

    if bool(complaint) == bool(override):
        raise typer.BadParameter("give either --complaint or --override, with a text")
    kind, text = ("complaint", complaint) if complaint else ("override", override)
    with opened() as register:
        written = register.note(entry, kind, text, actor=local_actor())
    out.print(escaped(f"entry {written.seq} of the journal: {kind} on {written.body['entry']}"))


@register_app.command("diff")
def register_diff(
    entry: EntryId,
    before: Annotated[str, typer.Argument(help="A kept version; the one before the last unless given.")] = "",
    after: Annotated[str, typer.Argument(help="A kept version; the entry as it is now unless given.")] = "",
) -> None:
    """Say field by field what changed between two versions: `[-gone-]`, `{+new+}`."""
    from synapolis.civic.difference import difference
    from synapolis.core.errors import RegisterError

    with opened() as register:
        new = _version(register, entry, after) if after else register.entry(entry)
        kept = [version.entry for version in register.versions(new.id)]
        earlier = [one for one in kept if one.version != new.version]
        if not before and not earlier:
            raise RegisterError(f"{new.id!r} has no earlier version; `synapolis register publish` keeps the twin's own")
        old = _version(register, entry, before) if before else earlier[-1]
    changes = difference(old, new)
    for change in changes:
        out.print(escaped(change.said()))
    talk.print(f"{len(changes)} fields differ between {escaped(old.version)} and {escaped(new.version)}.")


@register_app.command("publish")
def register_publish(
    purpose: Annotated[str, typer.Option("--purpose", help="Why; kept in the journal.")] = "",
) -> None:
    """Keep the twin's own entries as they are declared now, as versions that never change."""
    from synapolis.records.journal import local_actor

    with opened() as register:
        entered = register.publish(actor=local_actor(), purpose=purpose)
    for one in entered:
        out.print(escaped(f"{one.entry.id} {one.entry.version}: {one.standing}, {_lacking(one.lacks)}"))
    talk.print(f"{len(entered)} new versions are kept.")
