"""Turn restrictions of an OpenStreetMap extract, told by the streets that the network is made of."""

from __future__ import annotations

from typing import Any

import pandas as pd

from synapolis.sources.osm_elements import Elements, Relation

COLUMNS = ("from_street", "junction", "to_street", "only")


def turn_bans(elements: Elements, streets: Any, notes: dict[str, list[str]]) -> pd.DataFrame | None:
    """Read restriction relations that hold for cars at all hours.

    Parameters
    ----------
    elements : Elements
        The decoded extract.
    streets : GeoDataFrame or None
        The layer made from it: ways cut at junctions.
    notes : dict
        Gets a note on restrictions that are left out.

    Returns
    -------
    DataFrame or None
        The layer `turn_bans`; None if there is none.

    References
    ----------
    OpenStreetMap wiki, Relation:restriction.
    """
    mapped = [relation for relation in elements.relations if relation.tags.get("type") == "restriction"]
    if streets is None or not mapped:
        return None
    driven = streets[streets["drive"]]
    rows = {f"osm:relation/{relation.id}": _row(relation, driven) for relation in mapped}
    told = {key: row for key, row in rows.items() if row is not None}
    if len(told) < len(rows):
        notes.setdefault("turn_bans", []).append(
            f"{len(rows) - len(told)} of {len(rows)} turn restrictions are left out: not for cars at all hours, over "
            "several junctions, or on streets outside the extract"
        )
    return pd.DataFrame(list(told.values()), index=pd.Index(list(told), name="id"), columns=list(COLUMNS)).sort_index()


def _row(relation: Relation, streets: Any) -> tuple[str, str, str, bool] | None:
    kind = relation.tags.get("restriction", "")
    excepted = {"motorcar", "motor_vehicle", "vehicle"} & set(relation.tags.get("except", "").split(";"))
    parts = {role: [(what, key) for what, key, part in relation.members if part == role] for role in _ROLES}
    if not kind.startswith(("no_", "only_")) or excepted or any(len(found) != 1 for found in parts.values()):
        return None
    (via_kind, via), (_, before), (_, after) = (parts[role][0] for role in _ROLES)
    if via_kind != "n":
        return None
    junction = f"osm:node/{via}"
    into, out = _street(streets, before, junction, ends=True), _street(streets, after, junction, ends=False)
    return None if into is None or out is None else (into, junction, out, kind.startswith("only_"))


_ROLES = ("via", "from", "to")


def _street(streets: Any, way: int, junction: str, *, ends: bool) -> str | None:
    """Id of the piece of a way that ends (or starts) at a junction for cars; None unless it is one."""
    here = streets[(streets.index == f"osm:way/{way}") | streets.index.str.startswith(f"osm:way/{way}#")]
    first, second = ("to_junction", "from_junction") if ends else ("from_junction", "to_junction")
    meets = (here[first] == junction) | ((here[second] == junction) & ~here["one_way"])
    return str(here.index[meets][0]) if meets.sum() == 1 else None
