"""Start the web application."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from synapolis.cli.shared import build_where_missing, talk
from synapolis.core.errors import StorageError


def serve(
    city: Annotated[str, typer.Argument(help="Name of a city in the workspace, or a city folder.")] = "helsinki",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets others in, and asks for accounts.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=0, help="Processes that run the twin; 0: one a processor.")] = 0,
    members: Annotated[int, typer.Option(min=0, max=1000, help="Runs of the ensemble over assumptions.")] = 16,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A name by which people reach the server; repeatable.")
    ] = None,
    https: Annotated[bool, typer.Option("--https", help="People reach it by https, through a proxy.")] = False,
    examples: Annotated[
        bool, typer.Option(help="Show example plans on the built-in city while there are none.")
    ] = True,
) -> None:
    """Open a planner's desk and a citizen's window on a city, in the browser."""
    import uvicorn

    from synapolis.layers.workspace import find_city
    from synapolis.scenarios.sweep import default_workers
    from synapolis.web.app import create_app
    from synapolis.web.security.guard import guard_from_environment
    from synapolis.web.settings import Settings

    build_where_missing(city)
    find_city(city)  # its error is told here
    settings = Settings(
        city=city, host=host, port=port, workers=workers or default_workers(), members=members,
        hosts=tuple(name or ()), secure=https, examples=examples, guard=guard_from_environment(),
    )  # fmt: skip
    listening = _listen(host, port)
    config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False, timeout_graceful_shutdown=3)
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - to be shown, not listened on
    talk.print(f"Synapolis: http://{shown}:{listening.getsockname()[1]}  (Ctrl-C stops it)")
    if not settings.loopback:
        talk.print("Others can reach it: they may look; who shall do more needs an account: synapolis account add NAME")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is loaded, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise StorageError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; give another by --port, or 0 for any"
        ) from error
    return listening
