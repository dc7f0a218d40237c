"""What a database can do, and how values travel to it and back.

Every difference between SQLite and PostgreSQL that matters to the statements is in this module.
They ask for a capability, never for a dialect's name.
"""

from __future__ import annotations

import datetime as dt
import struct
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy.engine import Dialect

from scrapy_snapshot_pipeline.store.connection.transaction_settings import planner_settings

T = TypeVar("T")

Row: TypeAlias = Sequence[Any]
Part: TypeAlias = tuple[str, tuple[Any, ...]]
"""A part of a statement and its parameters."""
Converter: TypeAlias = Callable[[Any], Any]
StoredChildId: TypeAlias = tuple[bytes, int, int]
"""A stored child row: `ChildRecord.id_and_hash` (32 bytes), `snapshot_id` and shape."""

_SQLITE_PARAMETERS = 32_766
"""The most that one statement may have in SQLite, unless it was built with another limit."""
_PACKED_CHILD = struct.Struct(">32sqh")  # a `StoredChildId`


@dataclass(frozen=True, slots=True)
class SystemType:
    """A type of the system columns, and how its values are written and read."""

    cast: str
    """Its name in a cast."""
    write: Converter
    read: Converter
    """Takes a value of the `selected` expression."""
    selected: str = "{}"
    """The expression to select for a column; `{}` stands for the column."""


class ChildPacking(NamedTuple):
    """How to select the current rows `x` of a child table, in few values where that is faster."""

    select: str
    """The columns to select, beside the entity's id."""
    group_by: str
    """The clause that the columns need; may be empty."""


class DatabaseFeatures(Protocol):
    """What the statements need to know about a database."""

    placeholder: str
    """For one parameter: `?` or `%s`."""
    exclusive: bool
    """A transaction locks the whole database when it begins, so a plain read is under that lock."""
    copies: bool
    """Rows can be inserted by COPY."""
    in_order: str
    """What goes before a statement that must take its rows in the order of its one join column."""
    digest: SystemType
    """For ids of 16 bytes."""
    hash: SystemType
    """For content hashes."""
    bigint: SystemType
    time: SystemType
    run: SystemType
    """For ids of runs, which are `uuid.UUID`."""
    child_packing: ChildPacking

    def unpack_children(self, row: Row) -> Iterable[StoredChildId]:
        """The children in a row of what `child_packing` selects, the entity's id left out."""

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:
        """Split `rows`, of `width` parameters each, into what one statement can take."""

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """Queries that together yield `rows`, which are values of these `types`."""

    def among(self, digests: Sequence[bytes]) -> Iterator[Part]:
        """Conditions to put after a column of ids: `IN (...)` or the like.

        There are several where one statement cannot take all `digests`.
        """


def in_slices(rows: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Split `rows` into slices of `most`; the last may be shorter."""
    for first in range(0, len(rows), most):
        yield rows[first : first + most]


def _same(value: Any) -> Any:
    return value


def _read_text_time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _write_text_time(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(sep=" ", timespec="microseconds")


def _read_uuid(value: Any) -> uuid.UUID:
    return uuid.UUID(bytes=bytes(value))


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
    run = SystemType("TEXT", str, uuid.UUID)
    child_packing = ChildPacking(
        "x.child_id, x.content_hash, x.snapshot_id, coalesce(x.snapshot_shape, 1)", group_by=""
    )

    def unpack_children(self, row: Row) -> Iterable[StoredChildId]:
        """One row a child: packing saves nothing within the process."""
        child_id, content_hash, snapshot_id, shape = row
        return ((child_id + content_hash, snapshot_id, shape),)

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:
        """By the limit on parameters."""
        return in_slices(rows, _SQLITE_PARAMETERS // width)

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """VALUES lists, one parameter a value."""
        one = "(" + ", ".join("?" for _ in types) + ")"
        writers = [t.write for t in types]
        for some in self.slices(rows, len(types)):
            parameters = tuple(
                write(value) for row in some for write, value in zip(writers, row, strict=True)
            )
            yield "VALUES " + ", ".join([one] * len(some)), parameters

    def among(self, digests: Sequence[bytes]) -> Iterator[Part]:
        """Lists, one parameter an id."""
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
    # Selected as bytes: psycopg2 would make a `uuid.UUID` of each id, in Python.
    digest = SystemType("uuid", bytes.hex, bytes, "uuid_send({})")
    hash = SystemType("bytea", lambda digest: f'"\\\\x{digest.hex()}"', bytes)
    bigint = SystemType("bigint", str, _same)
    time = SystemType("timestamptz", dt.datetime.isoformat, _same)
    run = SystemType("uuid", str, _read_uuid, "uuid_send({})")
    # One value an entity, since reading each child as a row of its own, with a Python call for each
    # UUID, would take most of the time of a change.
    child_packing = ChildPacking(
        "string_agg(uuid_send(x.child_id) || x.content_hash || int8send(x.snapshot_id)"
        " || int2send(coalesce(x.snapshot_shape, 1::int2)), '')",
        group_by="GROUP BY x.entity_id",
    )

    def unpack_children(self, row: Row) -> Iterable[StoredChildId]:
        """One row an entity."""
        return _PACKED_CHILD.iter_unpack(row[0])

    def slices(self, rows: Sequence[T], width: int) -> Iterator[Sequence[T]]:  # noqa: ARG002
        """All in one: psycopg2 puts the parameters into the text, which may be very long."""
        if rows:
            yield rows

    def sources(self, types: Sequence[SystemType], rows: Sequence[Row]) -> Iterator[Part]:
        """One array a column, as text: psycopg2 would adapt an array element by element."""
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
    """The features of a SQLAlchemy dialect; every server is taken for PostgreSQL."""
    return SqliteFeatures() if dialect.name == "sqlite" else PostgresqlFeatures()
