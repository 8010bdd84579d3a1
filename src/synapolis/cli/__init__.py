"""The command line: the same words as Python and HTTP. Data on stdout, talk on stderr; exit 0, 1 failed, 2 misused."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any engine loads: see docs/decisions
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import sys

import typer

from synapolis.cli import baseline, demo, questions, serve
from synapolis.cli.account import account_app
from synapolis.cli.city import city_app
from synapolis.cli.contract import contract_app
from synapolis.cli.journal import journal_app
from synapolis.cli.register import register_app
from synapolis.cli.shared import escaped, talk
from synapolis.core.errors import SynapolisError

app = typer.Typer(
    help="Ask what would happen in a city, and get an answer that can be trusted.",
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown",
)  # fmt: skip
app.command()(questions.ask)
app.command()(questions.run)
app.command()(questions.compare)
app.command()(questions.explain)
app.command()(questions.vocabulary)
app.command()(baseline.baseline)
app.add_typer(account_app, name="account")
app.add_typer(contract_app, name="contract")
app.add_typer(city_app, name="city")
app.add_typer(journal_app, name="journal")
app.add_typer(register_app, name="register")
app.command()(serve.serve)
app.command()(demo.demo)
app.command(name="compile")(demo.compile_kernels)


STOPPED = 130


def main() -> None:
    """Run the command line; errors are one clear line."""
    try:
        code = app(standalone_mode=False) or 0
    except KeyboardInterrupt:
        code = STOPPED
    except SynapolisError as error:
        talk.print(f"[red]error:[/red] {escaped(str(error))}")
        sys.exit(1)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            told = error.format_message() if hasattr(error, "format_message") else str(error)
            talk.print(f"[red]usage:[/red] {escaped(told)}")
            sys.exit(getattr(error, "exit_code", 2))
        raise
    if code == STOPPED:  # typer turns Ctrl-C into this code by itself
        talk.print("\nStopped. What was computed is kept: the same call goes on where it stopped.")
    sys.exit(code)
