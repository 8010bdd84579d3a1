"""Content digests: the same value has the same SHA-256, whatever made it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest(value: Any) -> str:
    """SHA-256 of a value: scalars, text, arrays, tables, mappings, sequences and dataclasses of these.

    Raises
    ------
    TypeError
        For a type whose content is not defined here: a digest never falls back to an address or a repr.
    """
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:  # noqa: PLR0912, C901 - one branch a type is the clearest form
    if value is None or isinstance(value, bool | int | str | float | np.generic):
        scalar = value.item() if isinstance(value, np.generic) else value
        state.update(f"{type(scalar).__name__}:{scalar!r};".encode())
    elif isinstance(value, bytes):
        state.update(b"bytes:%d;" % len(value) + value)
    elif isinstance(value, np.ndarray):
        _feed_array(state, value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        state.update(f"dataclass:{type(value).__name__};".encode())
        for item in dataclasses.fields(value):
            if item.compare:
                _feed(state, item.name)
                _feed(state, getattr(value, item.name))
    elif isinstance(value, Mapping):
        state.update(b"mapping:%d;" % len(value))
        for key in sorted(value, key=str):
            _feed(state, key)
            _feed(state, value[key])
    elif isinstance(value, list | tuple):
        state.update(b"sequence:%d;" % len(value))
        for item in value:
            _feed(state, item)
    elif hasattr(value, "columns") and hasattr(value, "index"):
        _feed_table(state, value)
    elif hasattr(value, "geom_type"):
        state.update(b"geometry;" + value.wkb)
    else:
        raise TypeError(f"cannot digest a {type(value).__name__}; make it an array, a table or a dataclass of these")


def _feed_array(state: Any, array: np.ndarray[Any, Any]) -> None:
    state.update(f"array:{array.dtype.str}:{array.shape};".encode())
    if array.dtype == object or array.dtype.kind in "UT":
        state.update(json.dumps([None if item is None else str(item) for item in array.ravel().tolist()]).encode())
    else:
        state.update(np.ascontiguousarray(array).data)


def _feed_table(state: Any, table: Any) -> None:
    crs = getattr(table, "crs", None) if hasattr(table, "geometry") or "geometry" in table.columns else None
    state.update(f"table:{len(table)}:{crs.to_string() if crs is not None else ''};".encode())
    _feed_array(state, np.asarray(table.index.astype(str), dtype=object))
    for name in table.columns:
        _feed(state, str(name))
        column = table[name]
        if column.dtype == "geometry":
            _feed(state, b"".join(geometry or b"" for geometry in column.to_wkb()))
        elif column.dtype.kind in "biufM":
            _feed_array(state, column.to_numpy())
        else:
            _feed_array(state, column.astype(object).where(column.notna(), None).to_numpy())
