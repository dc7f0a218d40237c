"""The types of columns, which give the same values on every database."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import seconds_text

Processor: TypeAlias = "Callable[[Any], Any]"
"""SQLAlchemy calls it for each value.  The types provide it themselves, without
`process_bind_param` and `process_result_value`: the wrapper around these runs even where there is
nothing to do."""


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


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time; on SQLite a text of fixed width, so that it sorts."""

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


def _seconds_text(value: dt.timedelta | None) -> str | None:
    return None if value is None else seconds_text(value)


def _seconds(value: str | None) -> dt.timedelta | None:
    if value is None:
        return None
    return int(Decimal(value).scaleb(6)) * dt.timedelta(microseconds=1)


class Duration(TypeDecorator[dt.timedelta]):
    """A length of time: `interval` on PostgreSQL, the text of its seconds on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(postgresql.INTERVAL())

    def bind_processor(self, dialect: Dialect) -> Processor | None:
        return _seconds_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor | None:
        return _seconds if dialect.name == "sqlite" else None


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
    """A UUID that people read: `uuid` on PostgreSQL, its usual text on SQLite."""

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
    Kind.DURATION: Duration(),
    Kind.UUID: PortableUuid(),
    Kind.BYTES: sa.LargeBinary(),
    Kind.ENUM: sa.Text(),
    Kind.JSON: JsonText(),
}


def column_type(column: Column) -> TypeEngine[Any]:
    """The SQLAlchemy type of a declared column.

    `declaration.sql_types` says which types from `Annotated` are taken as they are.  Of that of a
    decimal, only precision and scale are taken.  Times, UUIDs, enums and JSON keep the form that
    they have on every database.
    """
    if column.kind is Kind.DECIMAL:
        return ExactDecimal(column.precision, column.scale)
    if column.sql_type is None or column.kind in (Kind.DATETIME, Kind.DURATION, Kind.UUID):
        return _TYPES[column.kind]
    sql_type: TypeEngine[Any] = sa.types.to_instance(column.sql_type)
    if column.kind in (Kind.JSON, Kind.ENUM) and not _plain_text(sql_type):
        return _TYPES[column.kind]
    # SQLite would make floats of integers, and take two for one; and it would put JSON into text.
    if column.kind is Kind.INTEGER and isinstance(sql_type, sa.Numeric):
        return sql_type.with_variant(sa.BigInteger(), "sqlite")
    if column.kind is Kind.TEXT and isinstance(sql_type, sa.JSON):
        return sql_type.with_variant(sa.Text(), "sqlite")
    return sql_type


def _plain_text(sql_type: TypeEngine[Any]) -> bool:
    return isinstance(sql_type, sa.String) and not isinstance(sql_type, sa.Enum)
