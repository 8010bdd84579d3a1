"""The workspace: where cities and answers are kept on this machine. `--city` takes a name in it, or a folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from synapolis.core.errors import CityError, StorageError
from synapolis.core.home import home


def city_folder(name: str) -> Path:
    """Folder of a city: the path itself where it is one, else the city of that name in the workspace."""
    path = Path(name).expanduser()
    if (path / "city.toml").is_file() or os.sep in name or name in {".", ".."}:
        return path
    return home() / "cities" / name


def find_city(name: str) -> Path:
    """Folder of a city that exists.

    Raises
    ------
    CityError
        Naming the cities there are.
    """
    folder = city_folder(name)
    if not (folder / "city.toml").is_file() and not list(folder.parent.glob(f".{folder.name}-*-old/city.toml")):
        known = ", ".join(list_cities()) or "none yet"
        raise CityError(
            f"no city {name!r} (looked at {folder}); cities here: {known}. Build one with `synapolis city build`, "
            "or make one up with `synapolis city generate`"
        )
    return folder


def list_cities() -> list[str]:
    """Names of the cities in the workspace."""
    folder = home() / "cities"
    return sorted(path.parent.name for path in folder.glob("*/city.toml")) if folder.is_dir() else []


def keep_answer(hash_: str, text: str) -> Path:
    """Write an answer whole into the workspace, under its hash."""
    return write_whole(home() / "answers" / f"{hash_[:16]}.json", text)


def find_answer(name: str) -> Path:
    """File of an answer, by path or by the first digits of its hash.

    Raises
    ------
    CityError
        When there is none, or several begin so.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    found = sorted((home() / "answers").glob(f"{name}*.json")) if name.isalnum() else []
    if len(found) == 1:
        return found[0]
    few = "several answers begin so; give more digits" if found else "ask something first: every answer shows its hash"
    raise CityError(f"no answer {name!r}: {few}")


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all; text as UTF-8.

    Raises
    ------
    StorageError
        When it cannot be written; what stood there before is left as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            Path(scratch).replace(path)
        except OSError:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another place"
        ) from error
    return path
