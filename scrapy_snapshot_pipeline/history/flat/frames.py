"""Flat rows as a `pandas.DataFrame`, in which nothing is lost.

By itself pandas makes floats of integers as soon as one is None, which changes 64-bit ids.  So each
column is given its type: by its declaration, or where there is none by its values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from scrapy_snapshot_pipeline.declaration.tables import Kind
from scrapy_snapshot_pipeline.history.flat.column_types import Columns
from scrapy_snapshot_pipeline.history.results import FieldValue, FlatRow

_DTYPES = {
    Kind.TEXT: "string",
    Kind.ENUM: "string",
    Kind.INTEGER: "Int64",
    Kind.FLOAT: "float64",
    Kind.BOOLEAN: "boolean",
    Kind.DATETIME: "datetime64[us, UTC]",
}
"""All others stay Python objects: Decimal, date, time, UUID, bytes, JSON."""
_KINDS = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.FLOAT,
    bool: Kind.BOOLEAN,
    dt.datetime: Kind.DATETIME,
}
_MAX_INTEGER = 2**63 - 1


def data_frame(pandas: Any, rows: Iterable[FlatRow], columns: Columns) -> Any:
    """A frame of these rows; `pandas` is the module."""
    all_rows = list(rows)
    names = dict.fromkeys(columns.known) if columns.complete else {}
    for row in all_rows:
        names.update(dict.fromkeys(row))
    series = {name: _series(pandas, name, all_rows, columns) for name in names}
    return pandas.DataFrame(series, index=pandas.RangeIndex(len(all_rows)))


def _series(pandas: Any, name: str, rows: Sequence[FlatRow], columns: Columns) -> Any:
    values = [row.get(name) for row in rows]
    return pandas.Series(values, dtype=_dtype(name, values, columns))


def _dtype(name: str, values: Sequence[FieldValue], columns: Columns) -> str:
    column = columns.known.get(name)
    kind = _kind_of(values) if column is None else column.kind
    if kind is None and columns.likely is not None and name in columns.likely:
        kind = columns.likely[name].kind
    return "object" if kind is None else _DTYPES.get(kind, "object")


def _kind_of(values: Iterable[FieldValue]) -> Kind | None:
    """The kind that all values have; None where there are several, another one, or no values."""
    kinds = {_kind(value) for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 else None


def _kind(value: FieldValue) -> Kind | None:
    too_large = isinstance(value, int) and abs(value) > _MAX_INTEGER
    return None if too_large else _KINDS.get(type(value))
