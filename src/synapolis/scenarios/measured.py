"""Observations and outcome contracts in the records: kept whole or not at all, each after its journal entry.

The entry is written first, in the same transaction as what it records. A figure once kept is never changed: the same
figure again is passed over, another value for it is refused.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from synapolis.core.errors import RecordsError
from synapolis.indicators.contract_form import as_facts, read_promise
from synapolis.indicators.contracts import Check, Promise, check
from synapolis.indicators.observations import Observation
from synapolis.layers.city import City
from synapolis.records.canonical import content_hash
from synapolis.records.journal import Journal
from synapolis.records.store import Store
from synapolis.records.tables import Contract, contracts, fetch, observations, put
from synapolis.records.tables import Observation as Kept
from synapolis.scenarios.names import known_names

OBSERVED, CONTRACT = "observations", "contract"


def keep_observations(journal: Journal, city: str, found: Sequence[Observation], *, actor: str, source: str) -> int:
    """Keep observations of a city, all of them or none; return how many were new.

    Parameters
    ----------
    source : where they came from, such as the name of the file

    Raises
    ------
    RecordsError
        When a figure is kept already with another value.
    """
    facts = {_key(city, each): each for each in found}
    with journal.store.write() as connection:
        known = {row.id: row for row in fetch(connection, Kept, observations.c.city == city)}
        again = [(each, known[key]) for key, each in facts.items() if key in known]
        clashes = [_clash(each, kept) for each, kept in again if differs(each, kept)]
        if clashes:
            told = "; ".join(clashes[:8])
            raise RecordsError(
                f"nothing was imported: {told}. A figure that is kept is never changed: name the revision in its source"
            )
        new = {key: each for key, each in facts.items() if key not in known}
        if new:
            body = {"act": "imported", "city": city, "from": source, "count": len(new),
                    "content_hash": content_hash([_row(each) for each in new.values()])}  # fmt: skip
            entry = journal.append(OBSERVED, actor, body, "measuring the city", within=connection)
            put(connection, *(Kept(id=key, city=city, at=entry.at, journal_seq=entry.seq, **_row(each))
                              for key, each in new.items()))  # fmt: skip
    return len(new)


def areas_of(city: City) -> tuple[str, ...]:
    """Names that an observation's area may have: the city's zones, by id and name, and its named places."""
    zones = city.layers["zones"].value if "zones" in city.layers else None
    names = [] if zones is None else [*zones.index, *zones.get("name", zones.index).dropna()]
    places = [known.name for known in known_names(city) if known.kind in ("district", "place")]
    return tuple(dict.fromkeys(name for name in map(str, [*names, *places]) if name.strip()))


def observations_of(store: Store, city: str) -> tuple[Observation, ...]:
    """Every observation kept for a city, in the order of indicator and period."""
    with store.read() as connection:
        rows = list(fetch(connection, Kept, observations.c.city == city,
                          order_by=(observations.c.indicator, observations.c.period, observations.c.id)))  # fmt: skip
    names = [item.name for item in dataclasses.fields(Observation)]
    return tuple(Observation(**{name: getattr(row, name) for name in names}) for row in rows)


def keep_contract(journal: Journal, city: str, promise: Promise, *, actor: str) -> bool:
    """Keep an outcome contract of a city; return whether it is new.

    Raises
    ------
    RecordsError
        When a contract of that id is kept already and says something else.
    """
    facts = as_facts(promise)
    hash_, key = content_hash(facts), _contract_id(city, promise.id)
    with journal.store.write() as connection:
        known = next(fetch(connection, Contract, contracts.c.id == key), None)
        if known is not None:
            if known.content_hash != hash_:
                raise RecordsError(
                    f"the contract {promise.id} of {city} is kept since {known.at} and says something else; a contract "
                    "is never changed: enter the new one under another id"
                )
            return False
        body = {"act": "entered", "city": city, "contract": promise.id, "content_hash": hash_}
        entry = journal.append(CONTRACT, actor, body, "outcome contract", within=connection)
        put(connection, Contract(key, city, facts, hash_, actor, entry.at, entry.seq))
    return True


def contracts_of(store: Store, city: str) -> tuple[Promise, ...]:
    """Every outcome contract of a city, by id."""
    with store.read() as connection:
        return _contracts(connection, city)


def check_contracts(
    journal: Journal, city: str, *, actor: str, today: dt.date, only: str = ""
) -> tuple[tuple[Promise, Check], ...]:
    """Check a city's contracts against the observations kept for it; the verdicts go into the journal first.

    Raises
    ------
    RecordsError
        When there is no contract, or none of that id.
    """
    kept = contracts_of(journal.store, city)
    chosen = [promise for promise in kept if only in ("", promise.id)]
    if not chosen:
        there = f"those there are: {', '.join(each.id for each in kept)}" if kept else "there is none yet"
        raise RecordsError(f"{city} has no contract{f' {only!r}' if only else ''}; {there}. `synapolis contract add` "
                           "enters one")  # fmt: skip
    seen = observations_of(journal.store, city)
    checks = tuple((promise, check(promise, seen, today=today)) for promise in chosen)
    verdicts = [
        {"contract": promise.id, "verdict": found.verdict, "final": found.final,
         "amount": None if found.amount is None else str(found.amount)}
        for promise, found in checks
    ]  # fmt: skip
    body = {"act": "checked", "city": city, "date": today.isoformat(), "verdicts": verdicts}
    journal.append(CONTRACT, actor, body, "outcome contract")
    return checks


def _contracts(connection: Connection, city: str) -> tuple[Promise, ...]:
    rows = list(fetch(connection, Contract, contracts.c.city == city))
    return tuple(read_promise(row.content, where=f"the kept contract {row.id}") for row in rows)


def _contract_id(city: str, name: str) -> str:
    return f"{city}/{name}"


def _key(city: str, each: Observation) -> str:
    return content_hash([city, *each.key])


def _row(each: Observation) -> dict[str, Any]:
    return dataclasses.asdict(each)


def differs(each: Observation, kept: Kept) -> bool:
    """Whether an observation says something else than the one that is kept."""
    facts: Mapping[str, Any] = _row(each)
    return any(getattr(kept, name) != value for name, value in facts.items())


def _clash(each: Observation, kept: Kept) -> str:
    return (
        f"{each.indicator} for {each.area} in {each.period} from {each.source} is kept as {kept.value:g} "
        f"({kept.quality}), and comes as {each.value:g} ({each.quality})"
    )
