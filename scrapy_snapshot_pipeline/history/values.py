"""How columns are selected, and read as the same Python values on every database.

Most of what is read is ids.  They are taken as the driver returns them, because the types of the
schema would turn each of them into text and back.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.declaration.our_names import LooseFields
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.history.results import FieldValue

_EXACT_FLOAT = 1e15
"""JSONB may return a float without a fraction as an integer from this size on."""


class OwnColumns:
    """The declared columns of one table: how they are selected and read."""

    def __init__(self, columns: Sequence[Column], *, untyped: bool = False) -> None:
        self.columns = columns
        self.key_names = tuple(c.name for c in columns if c.role is Role.KEY)
        self._names = tuple(c.name for c in columns)
        converts = {c.name: _CONVERTS.get(c.kind) for c in columns}
        self._converts = [(name, convert) for name, convert in converts.items() if convert]
        self._untyped = untyped

    def only(self, names: Collection[str]) -> OwnColumns:
        """The key and these columns; all columns of an untyped class, whose fields share one."""
        if self._untyped:
            return self
        return OwnColumns([c for c in self.columns if c.role is Role.KEY or c.name in names])

    def selected(self, table: FromClause) -> list[ColumnElement[Any]]:
        """The expressions to select, in order; JSON as text, so that no driver parses it."""
        return [
            sa.cast(table.c[c.name], sa.Text()) if c.kind is Kind.JSON else table.c[c.name]
            for c in self.columns
        ]

    def read(self, row: Sequence[Any]) -> dict[str, FieldValue]:
        """The values by name; for an untyped class its fields instead of `data`."""
        values = dict(zip(self._names, row, strict=True))
        for name, convert in self._converts:
            if values[name] is not None:
                values[name] = convert(values[name])
        if self._untyped:
            data = values.pop("data") or {}
            return LooseFields({**values, **data})
        return values

    def key(self, values: dict[str, FieldValue]) -> dict[str, FieldValue]:
        """The part of `values` that is the key."""
        return {name: values[name] for name in self.key_names}


def bytes_id(value: bytes) -> uuid.UUID:
    """An id of 16 bytes as PostgreSQL and people write it."""
    return uuid.UUID(bytes=value)


def to_number(value: FieldValue) -> Decimal | None:
    """The exact number, also of a text, since decimals in JSON are texts; None: not a number."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def normal_json_text(text: str) -> str:
    """A stored JSON text in the one form that all texts of equal values have."""
    return canonical.normal_json(canonical.canonical_json(_parse_json(text)))


def _parse_json(text: str) -> FieldValue:
    return json.loads(text, parse_float=_json_float, object_pairs_hook=_sorted_object)


def _json_float(text: str) -> float | int:
    number = float(text)
    exact = abs(number) >= _EXACT_FLOAT and math.isfinite(number)
    return int(Decimal(text)) if exact and number.is_integer() else number


def _sorted_object(pairs: list[tuple[str, FieldValue]]) -> dict[str, FieldValue]:
    """The order of the names must not depend on the database: JSONB has one of its own."""
    return dict(sorted(pairs))


_CONVERTS: dict[Kind, Callable[[Any], FieldValue]] = {
    Kind.JSON: _parse_json,
    # The SQL type of an `Annotated` field may return another kind of number.
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.BYTES: bytes,
}


def stored_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of ids, to be read as bytes."""
    return sa.type_coerce(column, _StoredId())


def stored_uuid(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column with few different UUIDs, to be read as UUIDs."""
    return sa.type_coerce(column, _StoredUuid())


class _StoredId(sa.types.UserDefinedType[bytes]):
    cache_ok = True

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[Any], bytes | None] | None:
        # SQLite's driver returns bytes already.
        return None if dialect.name == "sqlite" else _read_id


class _StoredUuid(sa.types.UserDefinedType[uuid.UUID]):
    cache_ok = True

    def result_processor(
        self, _dialect: Dialect, _coltype: object
    ) -> Callable[[Any], uuid.UUID | None]:
        return _read_uuid


def _read_id(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return bytes.fromhex(str(value).replace("-", ""))


def _read_uuid(value: Any) -> uuid.UUID | None:
    return value if value is None or isinstance(value, uuid.UUID) else _parsed(value)


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> uuid.UUID:
    return uuid.UUID(text)
