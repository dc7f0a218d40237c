"""The tables of the declarations and of the plugin itself, as SQLAlchemy objects.

The same schema serves SQLite, PostgreSQL and what speaks PostgreSQL: `entity_id` leads every key
and index, so that the tables can be distributed by it; no sequence, no identity, no server clock.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.records import COUNTERS

SCHEMA_VERSION = 1
"""Of the system columns and tables; stored in `snapshot_schema`."""

_MAX_IDENTIFIER = 63  # bytes; PostgreSQL cuts longer names silently


# The types give SQLAlchemy a processor instead of `process_bind_param` and `process_result_value`:
# its wrapper around these was called 47 times for an entity with 5 children, mostly to hand a value
# through as it is.
Processor: TypeAlias = "Callable[[Any], Any]"


def _time_text(value: dt.datetime | None) -> str | None:
    return None if value is None else value.isoformat(sep=" ", timespec="microseconds")


def _time(value: dt.datetime | str | None) -> dt.datetime | None:
    if value is None:
        return None
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is dt.timezone.utc else moment.astimezone(dt.timezone.utc)


def _decimal_text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _hex_text(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _uuid_text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


_FILLFACTOR = 80  # percent; room on each page keeps a confirmation a HOT update
"""With 85, 4 % of the confirmations in a small table found their page full; with 80, 1 %."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time; on SQLite text of fixed width, so that it sorts."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        return _time_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return _time


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with all its digits; on SQLite, which has none, text."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int | None = None, scale: int | None = None) -> None:
        super().__init__(precision=precision, scale=scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(self.impl_instance)

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        return _decimal_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        if dialect.name == "sqlite":
            return _decimal
        return self.impl_instance.result_processor(dialect, coltype)


class Digest(TypeDecorator[bytes]):
    """An id of 16 bytes: `uuid` on PostgreSQL, a blob on SQLite."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BLOB(16))
        return dialect.type_descriptor(postgresql.UUID(as_uuid=False))

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        return None if dialect.name == "sqlite" else _hex_text

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None or isinstance(value, bytes):
            return value
        return uuid.UUID(str(value)).bytes


class PortableUuid(TypeDecorator[uuid.UUID]):
    """A UUID to be read by people: `uuid` on PostgreSQL, its usual text on SQLite."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(36))
        return dialect.type_descriptor(postgresql.UUID(as_uuid=False))

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        return _uuid_text

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(str(value))


class JsonText(TypeDecorator[str]):
    """Canonical JSON text: `jsonb` on PostgreSQL, text on SQLite; read and written as text."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(_RawJsonb())


class _RawJsonb(sa.types.UserDefinedType[str]):
    """`jsonb` that leaves its text alone: capture has already made it canonical."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "JSONB"


_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: sa.Text(),
    Kind.INTEGER: sa.BigInteger(),
    Kind.FLOAT: sa.Double(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.DATETIME: UtcDateTime(),
    Kind.DATE: sa.Date(),
    Kind.TIME: sa.Time(),
    Kind.UUID: PortableUuid(),
    Kind.BYTES: sa.LargeBinary(),
    Kind.ENUM: sa.Text(),
    Kind.JSON: JsonText(),
}


def column_type(column: Column) -> TypeEngine[Any]:
    """The SQLAlchemy type of a declared column.

    An `Annotated` type is taken as it is where it stores a record's value unchanged.  Of a decimal
    only the limits are, and times, UUIDs, enums and JSON have one form on every database.
    """
    if column.kind is Kind.DECIMAL:
        return ExactDecimal(column.precision, column.scale)
    if column.sql_type is None or column.kind in (Kind.DATETIME, Kind.UUID):
        return _TYPES[column.kind]
    sql_type: TypeEngine[Any] = sa.types.to_instance(column.sql_type)
    if column.kind in (Kind.JSON, Kind.ENUM) and not _plain_text(sql_type):
        return _TYPES[column.kind]
    return sql_type


def _plain_text(sql_type: TypeEngine[Any]) -> bool:
    return isinstance(sql_type, sa.String) and not isinstance(sql_type, sa.Enum)


@dataclass(frozen=True, slots=True)
class EntityTables:
    """The tables of one declaration."""

    declaration: Declaration
    versions: sa.Table
    children: tuple[sa.Table, ...]
    """In the order of the declaration's child tables."""

    @property
    def all(self) -> tuple[sa.Table, ...]:
        """Parent first, as they must be created."""
        return (self.versions, *self.children)


def storage_ddl(tables: EntityTables, dialect: Dialect) -> list[str]:
    """What to run after `tables` were created, on the dialects that know of it."""
    if dialect.name != "postgresql":
        return []
    table = dialect.identifier_preparer.format_table(tables.versions)
    return [f"ALTER TABLE {table} SET (fillfactor = {_FILLFACTOR})"]


def entity_tables(declaration: Declaration, metadata: sa.MetaData) -> EntityTables:
    """Build the tables of `declaration` into `metadata`."""
    versions = _version_table(declaration, metadata)
    children = tuple(_child_table(child, versions, metadata) for child in declaration.children)
    return EntityTables(declaration, versions, children)


def _version_table(declaration: Declaration, metadata: sa.MetaData) -> sa.Table:
    name = declaration.table
    table = sa.Table(
        name,
        metadata,
        sa.Column("entity_id", Digest(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *_own_columns(declaration.columns),
        sa.Column("content_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("last_confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.Column("run_id", PortableUuid(), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", "snapshot_id", name=object_name("pk", name)),
    )
    _current_index(table, object_name("uq", name, "current"), ["entity_id"], unique=True)
    key = [column.name for column in declaration.columns if column.role is Role.KEY]
    _current_index(table, object_name("ix", name, "key"), key, unique=False)
    # For what changed since when.  A confirmation touches neither column, and stays HOT.
    sa.Index(object_name("ix", name, "from"), table.c.valid_from)
    ended = table.c.valid_to.is_not(None)
    sa.Index(
        object_name("ix", name, "to"), table.c.valid_to, postgresql_where=ended, sqlite_where=ended
    )
    return table


def _child_table(child: ChildTable, versions: sa.Table, metadata: sa.MetaData) -> sa.Table:
    nested: list[sa.Column[Any]] = []
    if child.parent is not None:
        nested.append(sa.Column("parent_id", Digest(), nullable=False))
    table = sa.Table(
        child.name,
        metadata,
        sa.Column("entity_id", Digest(), nullable=False),
        sa.Column("child_id", Digest(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, autoincrement=False),
        *nested,
        *_own_columns(child.columns),
        sa.Column("content_hash", sa.LargeBinary(16), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint(
            "entity_id", "child_id", "snapshot_id", name=object_name("pk", child.name)
        ),
        sa.ForeignKeyConstraint(
            ["entity_id", "snapshot_id"],
            [versions.c.entity_id, versions.c.snapshot_id],
            name=object_name("fk", child.name, "version"),
        ),
    )
    ids = ["entity_id", "child_id"]
    _current_index(table, object_name("uq", child.name, "current"), ids, unique=True)
    return table


def _own_columns(columns: Iterable[Column]) -> list[sa.Column[Any]]:
    return [sa.Column(c.name, column_type(c), nullable=c.nullable) for c in columns]


def _current_index(table: sa.Table, name: str, columns: list[str], *, unique: bool) -> None:
    current = table.c.valid_to.is_(None)
    sa.Index(
        name,
        *(table.c[column] for column in columns),
        unique=unique,
        postgresql_where=current,
        sqlite_where=current,
    )


def object_name(*parts: str) -> str:
    """The parts joined, cut to what every database takes and still unique."""
    name = "_".join(parts)
    if len(name.encode()) <= _MAX_IDENTIFIER:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{name[: _MAX_IDENTIFIER - 9]}_{digest}"


SYSTEM = sa.MetaData()

RUNS = sa.Table(
    "snapshot_runs",
    SYSTEM,
    sa.Column("run_id", PortableUuid(), primary_key=True),
    sa.Column("spider", sa.Text(), nullable=False),
    sa.Column("started_at", UtcDateTime(), nullable=False),
    sa.Column("finished_at", UtcDateTime(), nullable=True),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("finish_reason", sa.Text(), nullable=True),
    *(sa.Column(name, sa.BigInteger(), nullable=False, default=0) for name in COUNTERS),
)
"""One row a crawl: `status` is running, finished or incomplete."""

SCHEMA = sa.Table(
    "snapshot_schema",
    SYSTEM,
    sa.Column("table_name", sa.Text(), primary_key=True),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("columns", sa.Text(), nullable=False),
)
"""What each table was created for, in the words of `catalog`."""
