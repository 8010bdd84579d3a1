"""Answers, comparisons, pedigrees and cities on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from synapolis.core.errors import LayerError
from synapolis.layers.city import City
from synapolis.report.tables import answer_table, sites_table
from synapolis.scenarios.answer import Answer

SHORT = 12


def print_answer(answer: Answer, console: Console) -> None:
    """One answer: what was found, the headline table, findings, gates, sites, and the hash that reproduces it."""
    if answer.status != "answered":
        word = {"clarify": "Please clarify", "refused": "Not answered"}[answer.status]
        console.print(f"[bold]{word}:[/bold] {escape(answer.summary)}")
        for option in answer.options:
            console.print(f"  - {escape(option)}")
        return
    if answer.blocked:
        console.print("[bold red]BLOCKED by a gate[/bold red]")
    console.print(escape(answer.summary))
    for note in dict.fromkeys(claim.note for claim in answer.claims):
        console.print(answer_table(answer, note=note))
    if answer.sites:
        console.print(sites_table(answer))
    else:
        for finding in answer.findings:
            console.print(f"  - {escape(finding)}")
    for gate in answer.gates:
        share = "" if gate.share is None else f" ({gate.share:.0%} of the ensemble agree)"
        console.print(
            f"  - Gate, {escape(gate.name.lower())}: [bold]{gate.outcome}[/bold]{share}; {escape(gate.reason)}."
        )
    for reason, words in _by_reason(answer.not_computable).items():
        console.print(f"  - {escape(', '.join(words))}: {escape(reason)}")
    figures = answer.statistics
    console.print(
        f"[dim]{figures.get('computed', 0):.0f} steps computed, {figures.get('cached', 0):.0f} reused, "
        f"{figures.get('members', 0):.0f} ensemble members, {figures.get('seconds', 0):.1f} s; "
        f"hash {answer.hash[:SHORT]} (synapolis explain {answer.hash[:SHORT]})[/dim]"
    )


def _by_reason(missing: Mapping[str, str]) -> dict[str, list[str]]:
    """Quantities that could not be computed, each reason once."""
    found: dict[str, list[str]] = {}
    for word, reason in missing.items():
        found.setdefault(reason.replace(f" for {word}", ""), []).append(word.replace("_", " "))
    return found


def print_comparison(first: Answer, second: Answer, console: Console) -> None:
    """Two scenarios side by side with today; which one is blocked is said first."""
    for answer in (first, second):
        if answer.blocked:
            console.print(f"[bold red]BLOCKED:[/bold red] {escape(answer.question)}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("figure")
    for name in ("today", first.question, second.question, "difference", "unit"):
        table.add_column(escape(name), justify="right")
    others = {claim.id: claim for claim in second.claims}
    for claim in first.claims:
        other = others.get(claim.id)
        if other is None or claim.after is None or other.after is None or claim.before is None:
            continue
        shown = [
            _number(value, claim.digits)
            for value in (claim.before, claim.after, other.after, other.after - claim.after)
        ]
        table.add_row(escape(claim.text), *shown, escape(claim.unit))
    console.print(table)


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits):,.{max(0, digits)}f}"


def print_pedigree(answer: Mapping[str, Any], console: Console, *, claim: str = "") -> None:
    """Open the figures of an answer file: steps back to layers and assumptions, with who answers for each.

    Raises
    ------
    LayerError
        When the answer has no such claim.
    """
    claims = [item for item in answer["claims"] if not claim or item["id"] == claim]
    if claim and not claims:
        known = ", ".join(item["id"] for item in answer["claims"])
        raise LayerError(f"the answer has no claim {claim!r}; it has {known}")
    steps = {step["id"]: step for step in answer["steps"]}
    console.print(f"[bold]{escape(answer['question'])}[/bold]  {escape(answer['city'])}, hash {answer['hash'][:SHORT]}")
    shown: set[str] = set()
    for item in claims:
        tree = Tree(f"[bold]{escape(item['text'])}[/bold]: {item['before']} to {item['after']} {escape(item['unit'])}")
        _branch(tree, item["run_path"], steps, shown)
        console.print(tree)
    _print_layers(answer, console)
    _print_assumptions(answer, console)


def _branch(tree: Tree, step_id: str, steps: Mapping[str, Any], shown: set[str]) -> None:
    step = steps.get(step_id)
    if step is None or step["kind"] == "assumption":
        return
    if step["kind"] == "layer":
        tree.add(f"layer [cyan]{step['name']}[/cyan] ({step['origin']})")
        return
    label = f"[green]{step['name']}[/green] v{step['version']} ({step['origin']}, {step['stage']})"
    if step_id in shown:
        tree.add(f"{label} ...")
        return
    shown.add(step_id)
    touched = f" [bold]{escape('; '.join(step['touches']))}[/bold]" if step.get("touches") else ""
    branch = tree.add(f"{label}: {escape(step['does'])}{touched} [dim]{escape(step['source'])}[/dim]")
    for parent in step["parents"]:
        _branch(branch, parent, steps, shown)


def _print_layers(answer: Mapping[str, Any], console: Console) -> None:
    table = Table("layer", "origin", "source", "licence", "owner, agreement", "content",
                  box=box.SIMPLE_HEAD, title="Layers", title_justify="left")  # fmt: skip
    for layer in answer["layers"]:
        terms = ", ".join(filter(None, (layer["owner"], layer["agreement"]))) or "none stated"
        table.add_row(layer["name"], layer["origin"], escape(layer["source"]), escape(layer["licence"]), escape(terms),
                      layer["digest"][:SHORT])  # fmt: skip
    console.print(table)


def _print_assumptions(answer: Mapping[str, Any], console: Console) -> None:
    table = Table("assumption", "value", "range", "standing", "influence", "meaning and source", box=box.SIMPLE_HEAD,
                  title="Assumptions", title_justify="left")  # fmt: skip
    for use in answer["assumptions"]:
        influence = "" if use["influence"] is None else f"{use['influence']:.0%}"
        table.add_row(use["name"], f"{use['value']:g} {use['unit']}", f"{use['low']:g} to {use['high']:g}",
                      use["standing"], influence, escape(f"{use['meaning']}. {use['source']}"))  # fmt: skip
    console.print(table)


def print_city(city: City, quantities: Mapping[str, Mapping[str, str]], console: Console) -> None:
    """A city's layers, and what it can answer on which origin."""
    left, bottom, right, top = city.extent.bounds
    console.print(
        f"[bold]{escape(city.title)}[/bold]  {(right - left) / 1000:.1f} x {(top - bottom) / 1000:.1f} km, {city.crs}, "
        f"{city.timezone}, {city.reference_year}; cells of {city.grid.cell_size:g} m; hash {city.digest[:SHORT]}"
    )
    table = Table("layer", "origin", "features", "source", "licence", box=box.SIMPLE_HEAD)
    layers = sorted(city.layers.values(), key=lambda item: item.name)
    for layer in layers:
        table.add_row(layer.name, layer.origin, _size(layer.value), escape(layer.source), escape(layer.licence))
    console.print(table)
    for text in (*city.notes, *(f"{layer.name}: {layer.note}" for layer in layers if layer.note)):
        console.print(f"  - {escape(text)}")
    for stated in city.assumptions.values():
        console.print(f"  - {stated.name} is {stated.value:g} {escape(stated.unit)} here: {escape(stated.source)}")
    _print_quantities(city, quantities, console)


def _print_quantities(city: City, quantities: Mapping[str, Mapping[str, str]], console: Console) -> None:
    """What can be computed, on which origin and how; what cannot, by what it needs; and layers that are not there."""
    words = Table("quantity", "computable", "how", box=box.SIMPLE_HEAD)
    lacking: dict[str, list[str]] = {}
    absent = []
    for word, facts in quantities.items():
        plain = word.replace("_", " ")
        if word in city.layers:
            continue
        if "needs" not in facts:
            words.add_row(word, facts["origin"], escape(facts["by"]))
        elif facts["needs"] == plain:
            absent.append(plain)
        else:
            why = "; ".join(filter(None, [facts["needs"] and f"needs {facts['needs']}", facts["found"]]))
            lacking.setdefault(why, []).append(word)
    console.print(words)
    for why, unable in lacking.items():
        console.print(f"  - [yellow]not computable[/yellow]: {', '.join(unable)}\n    {escape(why)}")
    if absent:
        console.print(f"  - layers this city has not: {', '.join(absent)}")


def _size(value: Any) -> str:
    if hasattr(value, "transform"):
        return " x ".join(str(n) for n in value.values.shape)
    return f"{len(value.trips):,} trips" if hasattr(value, "trips") else f"{len(value):,}"
