"""Print the ratios of all cases, or of the named ones, in one table: ``python -m benchmarks [--quick] [NAME ...]``."""

from __future__ import annotations

import argparse
import os
import pkgutil
import platform
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks import Row

CASES = tuple(sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"))


def main() -> None:
    """Run the cases one after another; nothing is written but the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, says little of speed")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(CASES)}")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(CASES))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(CASES)}")
    talk, table = Console(stderr=True), empty_table()
    try:
        for name in asked.names or CASES:
            with talk.status(f"{name} ..."):
                rows = import_module(f"benchmarks.{name}").rows(quick=asked.quick)
            for row in rows:
                table.add_row(*cells(row))
            table.add_section()
    finally:  # what was measured is shown, whatever happens to a later case
        out = Console()
        (out if out.is_terminal else Console(width=180)).print(table)


def empty_table() -> Table:
    table = Table(title=f"{machine()}; CPU time on one thread unless a row says otherwise", title_justify="left")
    table.add_column("case")
    table.add_column("ours", justify="right")
    table.add_column("peer")
    table.add_column("peer's", justify="right")
    table.add_column("ratio", justify="right")
    table.add_column("note")
    return table


def cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else figure(row.ratio)
    return row.case, told(row.ours, row.unit), row.peer_name, told(row.peer, row.unit), ratio, row.note


def told(value: float | None, unit: str) -> str:
    return "" if value is None else f"{figure(value)} {unit}"


def figure(value: float) -> str:
    """Three digits, and none after the point from a hundred on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Processor, cores and Python."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
