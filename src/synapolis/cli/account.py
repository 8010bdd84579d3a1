"""Accounts of the web application: who may sign in, and what they may do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from synapolis.cli.shared import JsonOption, escaped, out, talk

if TYPE_CHECKING:
    from synapolis.records.tables_accounts import Account
    from synapolis.web.security.accounts import Accounts

account_app = typer.Typer(
    help="Accounts of the web application. While there are none, a server is for this machine only and asks for "
    "nobody's name; the first account must be an administrator. Roles: citizen (comments), analyst (runs, keeps "
    "scenarios), officer (publishes too), operator (everyone's runs), admin (accounts). Passwords are asked for, or "
    "read as one line from stdin, never given on the command line.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(help="Name of the account.")]
RolesOption = Annotated[
    list[str] | None, typer.Option("--role", help="citizen, analyst, officer, operator or admin; repeatable.")
]


@account_app.command("add")
def account_add(
    name: NameArgument,
    role: RolesOption = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="For programs: signs in by tokens only.")] = False,
) -> None:
    """Add an account. The first one is an administrator and officer unless told otherwise.

    Examples: `synapolis account add ada`, `synapolis account add bo --role analyst < password.txt`.
    """
    from synapolis.records.journal import local_actor

    with _accounts() as accounts:
        roles = role or (["citizen"] if accounts.exist() else ["admin", "officer"])
        account = accounts.add(name, roles, by=local_actor(), password=None if no_password else _password())
    talk.print(f"Added {escaped(account.name)}: {', '.join(account.roles)}. They sign in at /account.")


@account_app.command("list")
def account_list(*, as_json: JsonOption = False) -> None:
    """List accounts with their roles."""
    from rich.table import Table

    with _accounts() as accounts:
        found = accounts.all()
    if as_json:
        sys.stdout.write(json.dumps([_told(account) for account in found], ensure_ascii=False, indent=2) + "\n")
    elif not found:
        talk.print("There are no accounts. `synapolis account add NAME` makes the first.")
    else:
        table = Table("name", "roles", "state", "since", box=None, pad_edge=False)
        for account in found:
            state = "disabled" if account.disabled else "may sign in"
            table.add_row(escaped(account.name), ", ".join(account.roles), state, account.created[:10])
        out.print(table)


@account_app.command("role")
def account_role(
    name: NameArgument, role: Annotated[list[str], typer.Argument(help="All the roles it shall have.")]
) -> None:
    """Give an account these roles and no other.

    Example: `synapolis account role bo analyst officer`.
    """
    from synapolis.records.journal import local_actor

    with _accounts() as accounts:
        account = accounts.change(_id(accounts, name), by=local_actor(), roles=role)
    talk.print(f"{escaped(account.name)}: {', '.join(account.roles)}")


@account_app.command("password")
def account_password(name: NameArgument) -> None:
    """Set a new password; every session of the account ends."""
    from synapolis.records.journal import local_actor

    with _accounts() as accounts:
        account_id = _id(accounts, name)
        accounts.set_password(account_id, _password(), by=local_actor())
    talk.print(f"{escaped(name)} has a new password and is signed out everywhere.")


@account_app.command("disable")
def account_disable(
    name: NameArgument, *, undo: Annotated[bool, typer.Option("--undo", help="Enable it again.")] = False
) -> None:
    """Keep an account from signing in; it is signed out everywhere, and its tokens no longer work."""
    from synapolis.records.journal import local_actor

    with _accounts() as accounts:
        account = accounts.change(_id(accounts, name), by=local_actor(), disabled=not undo)
    talk.print(f"{escaped(account.name)} {'is disabled' if account.disabled else 'may sign in'}.")


@account_app.command("remove")
def account_remove(name: NameArgument) -> None:
    """Remove an account and all that it signs in by. What it did stays in the journal."""
    from synapolis.records.journal import local_actor

    with _accounts() as accounts:
        accounts.remove(_id(accounts, name), by=local_actor())
    talk.print(f"Removed {escaped(name)}.")


@account_app.command("token")
def account_token(
    name: NameArgument,
    role: RolesOption = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="For how many days it works.")] = 90,
    title: Annotated[str, typer.Option("--for", help="What it is for, in a few words.")] = "command line",
) -> None:
    """Make a personal token for a program; it is printed once, on stdout, and kept nowhere.

    Example: `synapolis account token bo --role analyst --for "nightly runs"`, then
    `curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/api/v1/me`.
    """
    from synapolis.records.journal import local_actor
    from synapolis.web.security.sessions import Sessions

    with _accounts() as accounts:
        account = accounts.get(_id(accounts, name))
        roles = role or [one for one in account.roles if one != "admin"] or ["citizen"]
        secret, token = Sessions(accounts.journal).add_token(account, title, roles, days, by=local_actor())
    talk.print(f"A token of {escaped(account.name)} ({', '.join(token.roles)}), until {token.expires[:10]}:")
    sys.stdout.write(secret + "\n")


@contextmanager
def _accounts() -> Iterator[Accounts]:
    from synapolis.records.journal import Journal
    from synapolis.records.store import open_store
    from synapolis.web.security.accounts import Accounts

    with open_store() as store:
        yield Accounts(Journal(store))


def _id(accounts: Accounts, name: str) -> str:
    account = accounts.named(name)
    if account is None:
        raise typer.BadParameter(f"there is no account called {name!r}; `synapolis account list` shows them")
    return account.id


def _password() -> str:
    """A password, asked for twice at a terminal, else the first line of stdin."""
    if sys.stdin.isatty():
        return str(
            typer.prompt("Password (at least 12 characters)", hide_input=True, confirmation_prompt=True, err=True)
        )
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise typer.BadParameter("a password is asked for at a terminal, or read as one line from stdin; none came")
    return password


def _told(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "roles": list(account.roles),
        "disabled": account.disabled,
        "created": account.created,
    }
