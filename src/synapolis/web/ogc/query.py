"""What a request for features asks, read strictly: an unknown or malformed parameter is refused with 400."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from starlette.datastructures import QueryParams

from synapolis.web.errors import Problem
from synapolis.web.ogc.collections import SOURCE_ID, Collection
from synapolis.web.ogc.crs import CRS84, Reference, box_in_city, find_reference

LIMIT, MOST = 100, 10_000
RESERVED = ("limit", "offset", "bbox", "bbox-crs", "crs", "datetime", "f")
_OPEN = {"", ".."}


@dataclass(frozen=True)
class Query:
    """One request for features, understood."""

    crs: Reference
    limit: int = LIMIT
    offset: int = 0
    box: tuple[float, ...] | None = None
    box_crs: Reference | None = None
    years: tuple[float, float] | None = None
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def selection(self) -> tuple[Any, ...]:
        """All that decides which features match, without the page."""
        return self.box, self.box_crs, self.years, self.values


def read_query(given: QueryParams, collection: Collection) -> Query:
    """Read the parameters of a request for features.

    Raises
    ------
    Problem
        400 for a parameter that is unknown, given twice, or holds what it may not.
    """
    _only(given, (*RESERVED, *collection.columns, SOURCE_ID), collection.name)
    _format(given.get("f"))
    return Query(
        crs=find_reference(given.get("crs", CRS84), collection.crs, "crs"),
        limit=min(_whole("limit", given.get("limit"), LIMIT, least=1), MOST),
        offset=_whole("offset", given.get("offset"), 0, least=0),
        box=_box(given.get("bbox")),
        box_crs=find_reference(given.get("bbox-crs", CRS84), collection.crs, "bbox-crs"),
        years=_years(given.get("datetime")),
        values=tuple((name, _value(name, given[name], collection)) for name in given if name not in RESERVED),
    )


def read_reference(given: QueryParams, collection: Collection) -> Reference:
    """Reference system asked for a single feature; a problem 400 for any other parameter."""
    _only(given, ("crs", "f"), collection.name)
    _format(given.get("f"))
    return find_reference(given.get("crs", CRS84), collection.crs, "crs")


def matching(collection: Collection, query: Query) -> NDArray[np.int32]:
    """Rows of the features that match, in the layer's order."""
    table = collection.table
    fits = np.ones(len(table), dtype=bool)
    if query.box is not None and query.box_crs is not None:
        fits &= _inside(collection, query.box, query.box_crs)
    since = collection.since
    if query.years is not None and since is not None:
        fits &= ~(since > query.years[1])  # what stands has no end; of an unknown year it may stand at any time
    for name, value in query.values:
        column = table.index if name == SOURCE_ID else table[name]
        fits &= np.asarray(column == value, dtype=bool)
    return np.flatnonzero(fits).astype(np.int32)


def _inside(collection: Collection, box: tuple[float, ...], reference: Reference) -> NDArray[np.bool_]:
    inside = np.zeros(len(collection.table), dtype=bool)
    area = box_in_city(box, reference, collection.crs, collection.bounds) if len(inside) else None
    if area is not None:
        shapely.prepare(area)
        inside[collection.table.sindex.query(area, predicate="intersects")] = True
    return inside


def _only(given: QueryParams, known: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in known:
            raise Problem(
                400,
                f"{where} has no parameter {name[:100]!r}; there are {', '.join(known)}",
                errors=[(name[:100], "unknown")],
            )
        if len(given.getlist(name)) > 1:
            raise Problem(
                400, f"{name} may be given once, came {len(given.getlist(name))} times", errors=[(name, "twice")]
            )


def _format(asked: str | None) -> None:
    if asked not in {None, "json", "geojson"}:
        raise Problem(
            400, f"f must be json: it is the only format written; got {asked[:50]!r}", errors=[("f", "unknown")]
        )


def _whole(name: str, given: str | None, default: int, *, least: int) -> int:
    if given is None:
        return default
    if not re.fullmatch(r"\+?\d{1,18}", given) or int(given) < least:
        raise Problem(
            400, f"{name} must be a whole number of at least {least}; got {given[:50]!r}", errors=[(name, given[:50])]
        )
    return int(given)


def _number(given: str) -> float:
    try:
        number = float(given)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _box(given: str | None) -> tuple[float, ...] | None:
    if given is None:
        return None
    numbers = tuple(_number(part) for part in given.split(","))
    heights = len(numbers) == 6
    if len(numbers) not in {4, 6} or any(map(math.isnan, numbers)) or numbers[1] > numbers[4 if heights else 3]:
        raise Problem(
            400,
            "bbox must be four numbers (or six with heights), least and greatest of each axis, such as "
            f"24.93,60.16,24.95,60.18; got {given[:100]!r}",
            errors=[("bbox", given[:100])],
        )
    return numbers


def _years(given: str | None) -> tuple[float, float] | None:
    """Span of years of a moment or an interval: whole years are all that layers know."""
    moments = read_moments(given)
    if moments is None:
        return None
    begin, end = moments
    return -math.inf if begin is None else begin.year, math.inf if end is None else end.year


def read_moments(given: str | None) -> tuple[datetime | None, datetime | None] | None:
    """First and last moment of a parameter `datetime`; None where an end is open, or nothing was given.

    Raises
    ------
    Problem
        400 for what is neither a moment nor an interval of RFC 3339.
    """
    if given is None:
        return None
    begin, slash, end = given.partition("/")
    parts = (begin, end) if slash else (begin, begin)
    if set(parts) == {""} or (not slash and begin == ".."):
        raise _wrong_time(given)
    first, last = (_moment(part, given) for part in parts)
    if first is not None and last is not None and first > last:
        raise _wrong_time(given)
    return first, last


def _moment(text: str, given: str) -> datetime | None:
    if text in _OPEN:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise _wrong_time(given) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wrong_time(given: str) -> Problem:
    return Problem(
        400,
        "datetime must be a moment such as 1950-01-01T00:00:00Z or an interval such as 1900-01-01T00:00:00Z/.., "
        f"start before end; got {given[:100]!r}",
        errors=[("datetime", given[:100])],
    )


def _value(name: str, given: str, collection: Collection) -> Any:
    kind = "text" if name == SOURCE_ID else collection.columns[name].kind
    if kind == "text":
        return given
    if kind == "flag":
        if given.lower() not in {"true", "false"}:
            raise Problem(400, f"{name} must be true or false; got {given[:50]!r}", errors=[(name, given[:50])])
        return given.lower() == "true"
    number = _number(given)
    if math.isnan(number):
        raise Problem(400, f"{name} must be a number; got {given[:50]!r}", errors=[(name, given[:50])])
    return number
