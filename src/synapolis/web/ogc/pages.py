"""Features as they go out: properties and geometry written page by page, never the whole layer."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synapolis.web.ogc.collections import SOURCE_ID, Collection, feature_id
from synapolis.web.ogc.crs import Reference, written
from synapolis.web.ogc.query import Query, matching

KEPT = 16
"""Selections whose rows are remembered, so that a client that pages on does not make the server search again."""


class Selections:
    """Rows that match the selections of late, by collection and selection."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Any, NDArray[np.int32]] = OrderedDict()

    def rows(self, collection: Collection, query: Query) -> NDArray[np.int32]:
        """Rows that match a query."""
        key = (collection.etag, query.selection)
        rows = self._rows.get(key)
        if rows is None:
            rows = matching(collection, query)
        self._rows[key] = rows
        self._rows.move_to_end(key)
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)
        return rows


def properties_of(collection: Collection, rows: NDArray[np.integer[Any]]) -> list[dict[str, Any]]:
    """Properties of some features: the layer's columns and the id by which other layers name them; missing is null."""
    part = collection.table.iloc[rows]
    columns: dict[str, Sequence[Any]] = {SOURCE_ID: part.index.tolist()}
    for name in collection.columns:
        values = part[name]
        columns[name] = values.astype(object).where(values.notna(), None).tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def features_text(
    collection: Collection,
    rows: NDArray[np.integer[Any]],
    reference: Reference,
    links: Callable[[str], list[dict[str, str]]] | None = None,
) -> list[str]:
    """Each feature as GeoJSON text; `links` gives those of a feature by its id."""
    geometry = written(collection.table.geometry.array[rows], collection.crs, reference)
    texts = []
    for shape, properties in zip(geometry, properties_of(collection, rows), strict=True):
        name = feature_id(str(properties[SOURCE_ID]))
        more = f',"links":{compact(links(name))}' if links else ""
        texts.append(
            f'{{"type":"Feature","id":{json.dumps(name)},"geometry":{shape},"properties":{compact(properties)}{more}}}'
        )
    return texts


def page_text(collection: Collection, query: Query, rows: NDArray[np.int32], links: list[dict[str, str]]) -> str:
    """One page of a collection. It says no time, so that the same page is the same bytes and a client may keep it."""
    page = rows[query.offset : query.offset + query.limit]
    features = ",".join(features_text(collection, page, query.crs))
    return (
        f'{{"type":"FeatureCollection","numberMatched":{len(rows)},"numberReturned":{len(page)},'
        f'"links":{compact(links)},"features":[{features}]}}'
    )


def compact(value: Any) -> str:
    """JSON without spaces; numbers of numpy as plain ones."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return str(value)
