"""What replies share: strong ETags with 304, pages of lists, and words that may be kept."""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, BeforeValidator

from synapolis.core.digest import digest
from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical
from synapolis.web.errors import Problem

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]


def _kept(text: Any) -> Any:
    """Text on one line that every database and page can hold; what is no text is left to be refused."""
    if not isinstance(text, str):
        return text
    joined = " ".join(text.split())
    if not readable(joined):
        raise ValueError("must be readable text, without control characters")
    return joined


def readable(text: str) -> bool:
    """Whether a text has no control characters and no halves of letters."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


KEPT = BeforeValidator(_kept)
"""After the limits of a text that people write: it is put on one line, and has no control characters."""
Words = Annotated[str, KEPT]


def entity(
    request: Request, shape: BaseModel | Mapping[str, Any] | bytes, *, mark: str = "", status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Reply with a JSON entity under its strong ETag, or with 304 where the asker has it already.

    Parameters
    ----------
    shape : the entity, or its JSON where that is kept
    mark : begins the tag, where a part of it is to be told from the rest (a version)
    """
    body = _json(shape)
    told = {"etag": f'"{mark}{digest(body)[:20]}"', "cache-control": "no-cache", **(headers or {})}
    if request.method in {"GET", "HEAD"} and told["etag"] in tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=told)
    return Response(body, status, media_type="application/json", headers=told)


def _json(shape: BaseModel | Mapping[str, Any] | bytes) -> bytes:
    if isinstance(shape, bytes):
        return shape
    return shape.model_dump_json().encode() if isinstance(shape, BaseModel) else bytes(JSONResponse(dict(shape)).body)


def tags(header: str) -> list[str]:
    """ETags in a header; weak ones lose their mark, since what they name is the same here."""
    return [tag.strip().removeprefix("W/") for tag in header.split(",") if tag.strip()]


def cursor_of(number: int) -> str:
    """Spell the place of a page's last item."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> int | None:
    """Read a place back; Problem 422 for what no page gave."""
    if cursor is None:
        return None
    try:
        number = int(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        number = -1
    if not 0 <= number < 2**62:
        raise Problem(422, f"no page begins at the cursor {cursor[:40]!r}; take it from `next` of the page before")
    return number


def storable(value: Any, where: str) -> Any:
    """Return a value that the records can hold; Problem 422 saying what of it they cannot."""
    try:
        canonical(value)
    except RecordsError as error:
        raise Problem(422, f"{where}: {error}", errors=[(where, str(error))]) from None
    return value
