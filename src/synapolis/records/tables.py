"""The tables of the store, and a frozen row for each; `put` and `fetch` move rows in and out.

The migrations make the tables; `tests/records/test_migrations.py` holds both against each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy.types import TypeDecorator

from synapolis.core.errors import RecordsError
from synapolis.records.canonical import canonical

metadata = MetaData()


class Json(TypeDecorator[Any]):
    """A value kept as the text of its canonical JSON, the same bytes in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:  # noqa: ARG002
        """Value to text."""
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Any:  # noqa: ARG002
        """Text to value."""
        try:
            return None if value is None else json.loads(value)
        except ValueError as error:
            raise RecordsError(f"a row of the records no longer holds JSON ({error}); restore a backup") from error


Sequence = BigInteger().with_variant(Integer(), "sqlite")  # only INTEGER is SQLite's own row number

journal = Table(
    "journal", metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON; the hash is over these very bytes
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("journal_by_kind", "kind", "seq"),
    Index("journal_by_actor", "actor", "seq"),
)  # fmt: skip

journal_head = Table(
    "journal_head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Sequence, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("id = 1", name="one_head"),
)  # fmt: skip


def by() -> Column[int]:
    """The journal's entry by which a row came to be."""
    return Column("journal_seq", Sequence, ForeignKey("journal.seq"), nullable=False)


register_versions = Table(
    "register_versions", metadata,
    Column("entry_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("content", Json, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Text, nullable=False),
    by(),
)  # fmt: skip

observations = Table(
    "observations", metadata,
    Column("id", Text, primary_key=True),
    Column("city", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("value", Double),
    Column("numerator", Double),
    Column("denominator", Double),
    Column("unit", Text, nullable=False),
    Column("quality", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("lower", Double),
    Column("upper", Double),
    Column("at", Text, nullable=False),
    by(),
    Index("observations_by_indicator", "city", "indicator", "period"),
)  # fmt: skip

contracts = Table(
    "contracts", metadata,
    Column("id", Text, primary_key=True),
    Column("city", Text, nullable=False),
    Column("content", Json, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Text, nullable=False),
    by(),
)  # fmt: skip


@dataclass(frozen=True)
class RegisterVersion:
    """One version of an entry of the algorithm register. The database refuses to change or delete it."""

    entry_id: str
    version: str
    status: str
    content: Mapping[str, Any]
    content_hash: str
    author: str
    at: str
    journal_seq: int


@dataclass(frozen=True)
class Observation:
    """One observed value of an indicator, with the range in which such values are plausible."""

    id: str
    city: str
    indicator: str
    area: str
    period: str
    value: float | None
    numerator: float | None
    denominator: float | None
    unit: str
    quality: str
    source: str
    lower: float | None
    upper: float | None
    at: str
    journal_seq: int


@dataclass(frozen=True)
class Contract:
    """An outcome contract as it was entered."""

    id: str
    city: str
    content: Mapping[str, Any]
    content_hash: str
    author: str
    at: str
    journal_seq: int


Row = TypeVar("Row")
TABLES: dict[type[Any], Table] = {
    RegisterVersion: register_versions,
    Observation: observations,
    Contract: contracts,
}
"""Which table a row lies in; the other modules of tables add theirs."""


def put(connection: Connection, *rows: Any) -> None:
    """Insert rows; a key that is there already is refused by the database."""
    for row in rows:
        values = {item.name: getattr(row, item.name) for item in fields(row)}
        connection.execute(insert(TABLES[type(row)]).values(values))


def fetch(
    connection: Connection, kind: type[Row], *where: ColumnElement[bool], order_by: tuple[ColumnElement[Any], ...] = ()
) -> Iterator[Row]:
    """Read rows of a kind, in the order of their primary key unless told otherwise.

    Parameters
    ----------
    where : conditions on the table's columns, such as `observations.c.city == "porto"`
    """
    table = TABLES[kind]
    query = select(table).where(*where).order_by(*(order_by or table.primary_key.columns))
    for found in connection.execute(query).mappings():
        yield kind(**found)
