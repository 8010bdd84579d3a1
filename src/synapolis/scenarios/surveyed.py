"""A plan's values for all places at once, today and with it, as plain arrays: kept in a file, read without a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from synapolis.core.errors import StorageError
from synapolis.layers.grid import Grid


@dataclass(frozen=True)
class Surveyed:
    """A plan's values by place at both stages, as plain arrays.

    `values` holds (before, after) by word: (zone, zone) or (zone,) or (row, column), all float32; `group` the row of
    `car_time` of each zone; `missing` why a word is not there; `notes` what stands beside it.
    """

    title: str
    currency: str
    grid: Grid
    zones: NDArray[Any]
    names: tuple[str, ...]
    group: NDArray[np.int64]
    values: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    missing: Mapping[str, str]
    notes: Mapping[str, str]
    illustrative: tuple[str, ...] = ()

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The zones, to be found by place."""
        return shapely.STRtree(self.zones)

    def zone_at(self, x: float, y: float) -> int | None:
        """Row of the zone at a place, or of the nearest within 300 m; None where there is none."""
        if not len(self.zones) or not (math.isfinite(x) and math.isfinite(y)):
            return None
        point = shapely.Point(x, y)
        inside = self.tree.query(point, predicate="intersects")
        if len(inside):
            return int(inside.min())
        near = self.tree.query_nearest(point, max_distance=300.0)
        return int(near.min()) if len(near) else None

    def name_at(self, x: float, y: float) -> str:
        """Name of the zone at a place; empty where there is none."""
        row = self.zone_at(x, y)
        return "" if row is None else self.names[row]


def save_surveyed(surveyed: Surveyed, path: Path) -> Path:
    """Write what was surveyed whole into one file, or not at all.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    arrays: dict[str, Any] = {"group": surveyed.group}
    pieces = [shapely.to_wkb(shape) for shape in surveyed.zones]
    arrays["zones"] = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    arrays["zone_ends"] = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    for word, (before, after) in surveyed.values.items():
        arrays[f"before_{word}"] = before
        if not np.array_equal(before, after, equal_nan=True):
            arrays[f"after_{word}"] = after
    facts = {
        "title": surveyed.title, "currency": surveyed.currency, "grid": vars(surveyed.grid),
        "names": surveyed.names, "missing": dict(surveyed.missing), "notes": dict(surveyed.notes),
        "illustrative": surveyed.illustrative,
    }  # fmt: skip
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    scratch = path.with_name(f".{path.name}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(scratch, **arrays)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}; free some space") from error
    return path


def load_surveyed(path: Path) -> Surveyed:
    """Read what `save_surveyed` wrote.

    Raises
    ------
    StorageError
        When there is no such file, or it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        facts = json.loads(arrays["facts"].tobytes())
        words = [name.removeprefix("before_") for name in arrays if name.startswith("before_")]
        return Surveyed(
            title=facts["title"],
            currency=facts["currency"],
            grid=Grid(**facts["grid"]),
            zones=_shapes(arrays["zones"].tobytes(), arrays["zone_ends"].tolist()),
            names=tuple(facts["names"]),
            group=arrays["group"],
            values={word: _pair(arrays, word) for word in words},
            missing=facts["missing"],
            notes=facts["notes"],
            illustrative=tuple(facts["illustrative"]),
        )  # fmt: skip
    except (OSError, KeyError, ValueError, TypeError, EOFError) as error:
        raise StorageError(
            f"{path} does not hold a surveyed plan ({error}); delete it, and it is made again"
        ) from error


def _shapes(whole: bytes, ends: Sequence[int]) -> NDArray[Any]:
    starts = [0, *ends][: len(ends)]
    pieces = [whole[start:end] for start, end in zip(starts, ends, strict=True)]
    return np.asarray(shapely.from_wkb(np.array(pieces, dtype=object))) if pieces else np.array([], dtype=object)


def _pair(arrays: Mapping[str, NDArray[Any]], word: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values today and with the plan; kept once where they are the same."""
    before = arrays[f"before_{word}"]
    return before, arrays.get(f"after_{word}", before)
