"""Column values as Python has them, equal on every database."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.history.results import FieldValue

_EXACT_FLOAT = 1e15
"""From here on a float without a fraction may come back from JSONB as an integer."""


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
        """The key and these columns; of an untyped class all, since one has everything."""
        if self._untyped:
            return self
        return OwnColumns([c for c in self.columns if c.role is Role.KEY or c.name in names])

    def selected(self, table: FromClause) -> list[ColumnElement[Any]]:
        """The expressions to select, in order; JSON as text, whatever the driver makes of it."""
        return [
            sa.cast(table.c[c.name], sa.Text()) if c.kind is Kind.JSON else table.c[c.name]
            for c in self.columns
        ]

    def read(self, row: Sequence[Any]) -> dict[str, FieldValue]:
        """The values by name; of an untyped class its fields in place of `data`."""
        values = dict(zip(self._names, row, strict=True))
        for name, convert in self._converts:
            if values[name] is not None:
                values[name] = convert(values[name])
        if self._untyped:
            values.update(values.pop("data") or {})
        return values

    def key(self, values: dict[str, FieldValue]) -> dict[str, FieldValue]:
        """The part of `values` that is the key."""
        return {name: values[name] for name in self.key_names}


def bytes_id(value: bytes) -> uuid.UUID:
    """An id of 16 bytes, as people and PostgreSQL see it."""
    return uuid.UUID(bytes=value)


def to_number(value: FieldValue) -> Decimal | None:
    """An exact number; also of a text that is one, as decimals in JSON are; None: it is none."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _parse_json(text: str) -> FieldValue:
    return json.loads(text, parse_float=_json_float, object_pairs_hook=_sorted_object)


def _json_float(text: str) -> float | int:
    number = float(text)
    exact = abs(number) >= _EXACT_FLOAT and math.isfinite(number)
    return int(Decimal(text)) if exact and number.is_integer() else number


def _sorted_object(pairs: list[tuple[str, FieldValue]]) -> dict[str, FieldValue]:
    """JSONB sorts the names in its own way."""
    return dict(sorted(pairs))


_CONVERTS: dict[Kind, Callable[[Any], FieldValue]] = {
    Kind.JSON: _parse_json,
    # An `Annotated` SQL type may come back as another kind of number.
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.BYTES: bytes,
}
