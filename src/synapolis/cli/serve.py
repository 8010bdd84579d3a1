"""Start the web application."""

from __future__ import annotations

from typing import Annotated

import typer

from synapolis.cli.shared import load_city, talk


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

    from synapolis.scenarios.sweep import default_workers
    from synapolis.web.app import create_app
    from synapolis.web.security.guard import guard_from_environment
    from synapolis.web.settings import Settings

    load_city(city)  # built where it is the built-in one and not there yet; its errors are told here
    settings = Settings(
        city=city, host=host, port=port, workers=workers or default_workers(), members=members,
        hosts=tuple(name or ()), secure=https, examples=examples, guard=guard_from_environment(),
    )  # fmt: skip
    config = uvicorn.Config(
        create_app(settings), host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
    )
    talk.print(f"Synapolis: http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}  (Ctrl-C stops it)")  # noqa: S104
    uvicorn.Server(config).run()
