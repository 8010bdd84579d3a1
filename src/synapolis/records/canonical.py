"""Canonical JSON: one value, one spelling, so that equal values have equal hashes wherever they are kept.

Keys sorted by code point, no spaces, UTF-8 as it is, numbers as Python spells them (1 and 1.0 differ, -0.0 is kept).
What JSON cannot say is refused, never bent: NaN and infinities, keys that are not text, other types.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from synapolis.core.errors import RecordsError

MAX_DEPTH = 64
MAX_INTEGER = 2**63  # what other readers of JSON and both databases still hold exactly


def canonical(value: Any) -> str:
    """Spell a value of None, booleans, numbers, text, lists and mappings with text keys, in its one form.

    Raises
    ------
    RecordsError
        Naming the place of what JSON cannot say, such as `body.models.traffic`.
    """
    return json.dumps(
        _plain(value, "body", 0), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def content_hash(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _plain(value: Any, where: str, depth: int) -> Any:  # noqa: C901 - one branch a type is the clearest form
    """Copy a value into what JSON can say, or say where it cannot."""
    if depth > MAX_DEPTH:
        raise RecordsError(f"{where[:60]}… is nested deeper than {MAX_DEPTH} levels; flatten it, or keep it in a file")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain_text(value, where)
    if isinstance(value, int):
        if abs(value) >= MAX_INTEGER:
            raise RecordsError(f"{where} is an integer beyond 64 bits; write it as text")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RecordsError(f"{where} is {value}, which JSON cannot say; write null and the reason beside it")
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise RecordsError(f"{where} has the key {key!r}, a {type(key).__name__}; keys must be text")
        return {plain_text(key, where): _plain(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{k}]", depth + 1) for k, item in enumerate(value)]
    raise RecordsError(
        f"{where} is a {type(value).__name__}; records hold None, booleans, numbers, text, lists and mappings: "
        "convert it first"
    )


def plain_text(text: str, where: str) -> str:
    """Return text that can be stored and read back the same.

    Raises
    ------
    RecordsError
        For half of a surrogate pair, which no encoding holds.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RecordsError(
            f"{where} holds {text[error.start]!a}, half a character, which cannot be stored; "
            "was it read with the wrong encoding?"
        ) from None
    return str(text)
