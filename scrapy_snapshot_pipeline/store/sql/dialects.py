"""How values travel to a database and back, and what the database can do.

Every difference between SQLite and PostgreSQL that the statements must know is in this module;
they ask for a capability, never for a dialect's name.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy.engine import Dialect

from scrapy_snapshot_pipeline.store.connection.transaction_settings import planner_settings

T = TypeVar("T")

Row: TypeAlias = Sequence[Any]
Part: TypeAlias = tuple[str, tuple[Any, ...]]
"""A part of a statement, and its parameters."""
Converter: TypeAlias = Callable[[Any], Any]

_SQLITE_PARAMETERS = 32_766
"""Of one statement; as SQLite is built unless its builder wants another number."""
_PACKED_CHILD = struct.Struct(">32sq")  # `child_id` and `content_hash`; `snapshot_id`


@dataclass(frozen=True, slots=True)
class SystemType:
    """A type of the system columns: its name in a cast, and how a value is written and read."""

    cast: str
    write: Converter
    read: Converter
    """What `selected` gives."""
    selected: str = "{}"
    """What to ask for instead of a column."""


class DatabaseFeatures(Protocol):
    """What the statements need to know of a database."""

    placeholder: str
    """Of one parameter: `?` or `%s`."""
    exclusive: bool
    """A transaction locks the whole database at its begin, so a plain read is under lock."""
    copies: bool
    """Rows can be inserted by COPY."""
    in_order: str
    """What goes before a statement that must take its rows in the order of its one join column."""
    digest: SystemType
    """Of ids of 16 bytes."""
    hash: SystemType
    """Of content hashes."""
    bigint: SystemType
    time: SystemType

    packed_children: str
    """Columns that tell `child_id`, `content_hash` and `snapshot_id` of the rows `x`, and"""
    packed_by: str
    """the clause that goes with them."""

    def unpack_children(self, row: Row) -> Iterable[tuple[bytes, int]]:
        """One row of these: `child_id` and `content_hash` as one, and `snapshot_id`."""

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:
        """As many of `rows`, each of `width` parameters, as one statement can take, and so on."""

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """Queries that together yield `rows` of system values, each with its parameters."""

    def among(self, digests: Sequence[bytes]) -> Iterator[Part]:
        """What goes behind a column of ids to say that it has one of these, with its parameters.

        More than one where a statement cannot take all.
        """


def in_slices(rows: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """At most `most` of `rows` at a time."""
    for first in range(0, len(rows), most):
        yield rows[first : first + most]


def _same(value: Any) -> Any:
    return value


def _read_text_time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _write_text_time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(sep=" ", timespec="microseconds")


def _or_null(write: Converter) -> Converter:
    return lambda value: "NULL" if value is None else write(value)


def _array(elements: Iterable[str]) -> str:
    return "{" + ",".join(elements) + "}"


class SqliteFeatures:
    """SQLite: in process, one writer at a time."""

    placeholder = "?"
    exclusive = True
    copies = False
    in_order = ""
    digest = SystemType("BLOB", _same, _same)
    hash = SystemType("BLOB", _same, _same)
    bigint = SystemType("INTEGER", _same, _same)
    time = SystemType("TEXT", _write_text_time, _read_text_time)
    packed_children = "x.child_id, x.content_hash, x.snapshot_id"
    packed_by = ""

    def unpack_children(self, row: Row) -> Iterable[tuple[bytes, int]]:
        """One row a child: to pack them saves nothing within the process."""
        child_id, content_hash, snapshot_id = row
        return ((child_id + content_hash, snapshot_id),)

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:
        """Slices of equal length but for the last."""
        return in_slices(rows, _SQLITE_PARAMETERS // width)

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """VALUES lists with one parameter a value."""
        one = "(" + ", ".join("?" for _ in types) + ")"
        writers = [t.write for t in types]
        for some in self.slices(rows, len(types)):
            parameters = tuple(
                write(value) for row in some for write, value in zip(writers, row, strict=True)
            )
            yield "VALUES " + ", ".join([one] * len(some)), parameters

    def among(self, digests: Sequence[bytes]) -> Iterator[Part]:
        """Lists with one parameter an id."""
        for some in self.slices(digests, 1):
            yield f"IN ({', '.join('?' * len(some))})", tuple(some)


class PostgresqlFeatures:
    """PostgreSQL, or what speaks it, through psycopg2."""

    placeholder = "%s"
    exclusive = False
    copies = True
    # Only a merge join is left: it gives its rows in the order of the column, however it gets at
    # them.  The sort may be needed for that, and no plan would be a wanted one without.
    in_order = (
        planner_settings(enable_hashjoin="off", enable_nestloop="off", enable_sort="on") + ";"
    )
    # As bytes: psycopg2 makes a `uuid.UUID` of each id, in Python, in 6 microseconds.
    digest = SystemType("uuid", bytes.hex, bytes, "uuid_send({})")
    hash = SystemType("bytea", lambda digest: f'"\\\\x{digest.hex()}"', bytes)
    bigint = SystemType("bigint", str, _same)
    time = SystemType("timestamptz", dt.datetime.isoformat, _same)
    # One value an entity: reading 50 children as rows, with a Python call for each UUID, took
    # most of a change (1,690 changes a second under load, 2,800 so).
    packed_children = (
        "string_agg(uuid_send(x.child_id) || x.content_hash || int8send(x.snapshot_id), '')"
    )
    packed_by = "GROUP BY x.entity_id"

    def unpack_children(self, row: Row) -> Iterable[tuple[bytes, int]]:
        """One row an entity."""
        return _PACKED_CHILD.iter_unpack(row[0])

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:  # noqa: ARG002
        """All in one: psycopg2 puts the parameters into the text, of which 1 GB may be sent."""
        if rows:
            yield rows

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """One array a column, as text: psycopg2 would adapt every element by itself."""
        if not rows:
            return
        arrays = ", ".join(f"%s::{t.cast}[]" for t in types)
        columns = zip(*rows, strict=True)
        parameters = tuple(
            _array(map(_or_null(t.write) if None in column else t.write, column))
            for t, column in zip(types, columns, strict=True)
        )
        yield f"SELECT * FROM unnest({arrays})", parameters  # noqa: S608 - casts of our own

    def among(self, digests: Sequence[bytes]) -> Iterator[Part]:
        """One array, as text."""
        yield "= ANY(%s::uuid[])", (_array(map(bytes.hex, digests)),)


def features_of(dialect: Dialect) -> DatabaseFeatures:
    """The driver for a SQLAlchemy dialect; every server is spoken to as PostgreSQL."""
    return SqliteFeatures() if dialect.name == "sqlite" else PostgresqlFeatures()
