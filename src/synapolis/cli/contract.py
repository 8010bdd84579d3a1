"""`synapolis contract`: what somebody promised, held against observations as they come, and what is to be paid."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synapolis.cli.baseline import day_of, import_observations, read_data
from synapolis.cli.shared import CityOption, JsonOption, escaped, journalled, load_city, out, talk

if TYPE_CHECKING:
    from synapolis.indicators.contracts import Check, Promise

contract_app = typer.Typer(
    help="Outcome contracts: a promise about an indicator as data, its verdict, and the amount that follows from it.",
    no_args_is_help=True,
)
STYLES = {"kept": "green", "on course": "green", "behind": "yellow", "broken": "red", "not measurable yet": "dim"}


@contract_app.command("add")
def contract_add(
    file: Annotated[Path, typer.Argument(help="The contract, YAML, TOML or JSON: see docs/indicators.md.")],
    city: CityOption = "helsinki",
) -> None:
    """Enter a contract. It is kept as it is and never changed."""
    from rapidfuzz import process

    from synapolis.core.errors import SourceError
    from synapolis.indicators.contract_form import read_promise
    from synapolis.indicators.observations import CITY
    from synapolis.records.journal import local_actor
    from synapolis.scenarios.measured import areas_of, keep_contract

    place = load_city(city)
    promise = read_promise(read_data(file), where=str(file))
    known = areas_of(place)
    if known and promise.area not in (CITY, *known):
        near = ", ".join(found for found, *_ in process.extract(promise.area, known, limit=3))
        raise SourceError(
            f"{file}: area: {place.title} has no zone or named place {promise.area!r}; close ones are {near}"
        )
    with journalled(place, command="contract add", question=promise.id, purpose="outcome contract") as journal:
        new = keep_contract(journal, place.name, promise, actor=local_actor())
    talk.print(f"Contract {promise.id}: {'entered' if new else 'was there already, word for word'}.")


@contract_app.command("check")
def contract_check(
    contract: Annotated[str, typer.Argument(help="Id of a contract; without it, all of the city.")] = "",
    city: CityOption = "helsinki",
    observations: Annotated[Path | None, typer.Option(help="CSV of observations to import first.")] = None,
    date: Annotated[str, typer.Option(help="Day to judge on, 2026-11-22; default: today in the city.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check contracts against the observations there are; the verdicts go into the journal."""
    from synapolis.records.journal import local_actor
    from synapolis.scenarios.measured import check_contracts

    place = load_city(city)
    day = day_of(date, place)
    with journalled(place, command="contract check", question=contract or "all", purpose="outcome contract") as journal:
        import_observations(journal, place, observations, actor=local_actor(), today=day)
        checks = check_contracts(journal, place.name, actor=local_actor(), today=day, only=contract)
    if as_json:
        told = [_facts(promise, found) for promise, found in checks]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return
    for promise, found in checks:
        out.print(f"[bold]{escaped(promise.id)}[/bold] ({escaped(promise.promised_by)}): "
                  f"[{STYLES[found.verdict]}]{found.verdict}[/]")  # fmt: skip
        out.print(f"  {escaped(found.says)}", soft_wrap=True)
        for reason in found.passed_over:
            out.print(f"  [dim]passed over {escaped(reason)}[/dim]", soft_wrap=True)


@contract_app.command("list")
def contract_list(city: CityOption = "helsinki", as_json: JsonOption = False) -> None:
    """List a city's contracts."""
    from rich.table import Table

    from synapolis.indicators.contract_form import as_facts
    from synapolis.indicators.contracts import plain
    from synapolis.records.store import open_store
    from synapolis.scenarios.measured import contracts_of

    place = load_city(city)
    with open_store() as store:
        kept = contracts_of(store, place.name)
    if as_json:
        sys.stdout.write(json.dumps([as_facts(each) for each in kept], ensure_ascii=False, indent=2) + "\n")
        return
    if not kept:
        talk.print(f"{place.title} has no contracts yet; `synapolis contract add FILE --city {place.name}` enters one.")
        return
    table = Table("contract", "promised by", "indicator", "from", "to", "due", "pays")
    for each in kept:
        pays = f"{each.payment.full:,} {each.payment.currency}" if each.payment else ""
        table.add_row(each.id, each.promised_by, f"{each.indicator} ({each.area})", plain(each.baseline),
                      plain(each.goal), each.due.isoformat(), pays)  # fmt: skip
    out.print(table)


def _facts(promise: Promise, found: Check) -> dict[str, Any]:
    return {
        "contract": promise.id,
        "verdict": found.verdict,
        "says": found.says,
        "value": None if found.value is None else str(found.value),
        "share_of_promise": None if found.share is None else round(float(found.share), 6),
        "amount": None if found.amount is None else str(found.amount),
        "currency": found.currency or None,
        "final": found.final,
        "passed_over": list(found.passed_over),
    }
