"""Fares of a GTFS feed: fare_attributes.txt and fare_rules.txt (version 1).

Version 2 (fare_products, fare_leg_rules and kin) is left out, and so are `contains_id` rules, whose price depends on
the zones a journey passes, and `transfer_duration`.

Reference: General Transit Feed Specification, schedule reference, gtfs.org.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from synapolis.layers.timetable import COLUMNS
from synapolis.sources.gtfs_feed import number

if TYPE_CHECKING:
    from synapolis.sources.gtfs_feed import Feed

PRICES, RULES = "fare_attributes.txt", "fare_rules.txt"
MOST = 1e6  # of the fare's currency


def fare_tables(files: Feed, feed: str, stop_ids: set[str]) -> dict[str, pd.DataFrame]:
    """Read what a feed says of fares; empty tables where it says nothing.

    Parameters
    ----------
    files : Feed
    feed : str
        Its name, put before ids of fares, lines and zones.
    stop_ids : the feed's stops where riders board

    Returns
    -------
    dict
        `fares` and `fare_zones`, as `Timetable` holds them. A fare with several rules has a row for each.

    Raises
    ------
    SourceError
        A price below 0 or a rule for a fare that is not there: the message names file and line.
    """
    if not files.has(PRICES):
        return {}
    rows = files.table(PRICES, ("fare_id", "price", "currency_type"), ("transfers",))
    files.unique(PRICES, rows, "fare_id")
    price = files.parsed(PRICES, rows, "price", number(0, MOST), "a price from 0 to 1,000,000")
    fares = pd.DataFrame({
        "fare_id": rows["fare_id"].to_numpy(), "price": price, "listed": price,
        "currency": rows["currency_type"].to_numpy(),
        "transfers": files.integers(PRICES, rows, "transfers", blank=-1, high=5),
    })  # fmt: skip
    fares = fares.merge(_rules(files, set(fares["fare_id"])), on="fare_id", how="left")
    passing = fares.pop("contains_id").fillna("") != ""
    for column in ("fare_id", "route_id", "origin", "destination"):
        named = fares[column].fillna("")
        fares[column] = (f"{feed}:" + named).where(named != "", "")
    stops = files.table("stops.txt", ("stop_id",), ("zone_id",))
    stops = stops[stops["stop_id"].isin(stop_ids) & (stops["zone_id"] != "")]
    zones = pd.DataFrame({"stop_id": f"{feed}:" + stops["stop_id"], "zone": f"{feed}:" + stops["zone_id"]})
    return {"fares": fares[~passing][list(COLUMNS["fares"])], "fare_zones": zones}


def _rules(files: Feed, fares: set[str]) -> pd.DataFrame:
    columns = ["fare_id", "route_id", "origin", "destination", "contains_id"]
    if not files.has(RULES):
        return pd.DataFrame(columns=columns)
    rows = files.table(RULES, ("fare_id",), ("route_id", "origin_id", "destination_id", "contains_id"))
    files.known(RULES, rows["fare_id"], fares, PRICES, rows["line"])
    return rows.rename(columns={"origin_id": "origin", "destination_id": "destination"})[columns]
