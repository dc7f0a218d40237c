"""Ids read as they come from the driver; the types of `schema` go by way of text each time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.expression import ColumnElement


def stored_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of ids, to be selected and read as bytes."""
    return sa.type_coerce(column, _StoredId())


def stored_uuid(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of UUIDs of which there are few, to be selected and read as they are."""
    return sa.type_coerce(column, _StoredUuid())


class _StoredId(sa.types.UserDefinedType[bytes]):
    cache_ok = True

    def result_processor(
        self, dialect: Dialect, _coltype: object
    ) -> Callable[[Any], bytes | None] | None:
        # SQLite's driver has bytes already.
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
