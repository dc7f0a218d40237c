"""The file formats of an export, written as a stream."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from scrapy_snapshot_pipeline.commands.output.csv_output import CsvWriter, column_names
from scrapy_snapshot_pipeline.commands.output.json_output import json_line, plain_text
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.flat.column_types import Columns
from scrapy_snapshot_pipeline.history.results import FieldValue, FlatRow

_GROUP = 10_000
"""Rows of a group in a Parquet file."""
_MAX_DIGITS = 38
"""Digits of a decimal in Parquet."""
_ANY_SCALE = 18
"""Of them after the point, where the declaration does not say how many."""
_MAX_INTEGER = 2**63 - 1
"""The largest integer in Parquet."""


class Rows:
    """Flat rows that can be read more than once."""

    def __init__(self, read: Callable[[], Iterator[FlatRow]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[FlatRow]:
        return self._read()


def write_jsonl(results: Iterable[object], out: TextIO) -> None:
    """Write one result a line, including its lists."""
    out.writelines(f"{json_line(result)}\n" for result in results)


def write_csv(rows: Rows, out: TextIO, *, raw: bool) -> None:
    """Write rows, which may have different columns; reads them twice, first for the columns."""
    names = column_names(rows)
    if names:
        CsvWriter(out, raw=raw).write(names, rows)


class Parquet:
    """Writes Parquet through pyarrow.  Raises HistoryError where it is not installed."""

    def __init__(self) -> None:
        try:
            self._arrow = importlib.import_module("pyarrow")
            self._parquet = importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise HistoryError(
                'Parquet needs pyarrow; pip install "scrapy-snapshot-pipeline[parquet]"'
            ) from None

    def write(self, rows: Rows, file: Path, columns: Columns) -> None:
        """Write rows, with the types that are declared of `columns`.

        Of those of which nothing is declared the values decide: the rows are read once more for it.
        """
        kinds = _declared(columns) if columns.complete else _by_values(rows, columns)
        schema = self._arrow.schema([(name, self._type(kind)) for name, kind in kinds.items()])
        with self._parquet.ParquetWriter(file, schema) as writer:
            remaining = iter(rows)
            while group := list(islice(remaining, _GROUP)):
                writer.write_table(self._group(group, schema, kinds))

    def _group(self, group: list[FlatRow], schema: Any, kinds: Mapping[str, ColumnKind]) -> Any:
        return self._arrow.table(
            {name: self._column(name, kind, group, schema) for name, kind in kinds.items()},
            schema=schema,
        )

    def _column(self, name: str, kind: ColumnKind, group: list[FlatRow], schema: Any) -> Any:
        values = [kind.convert(row.get(name)) for row in group]
        try:
            return self._arrow.array(values, type=schema.field(name).type)
        except (self._arrow.ArrowException, OverflowError, TypeError, ValueError):
            raise HistoryError(_unfit(name, kind)) from None

    def _type(self, kind: ColumnKind) -> Any:
        arrow = self._arrow
        if kind.is_decimal:
            return arrow.decimal128(kind.digits + kind.scale, kind.scale)
        simple = {
            bool: arrow.bool_(),
            int: arrow.int64(),
            float: arrow.float64(),
            bytes: arrow.binary(),
            dt.datetime: arrow.timestamp("us", tz="UTC"),
            dt.date: arrow.date32(),
            dt.time: arrow.time64("us"),
            dt.timedelta: arrow.duration("us"),
        }
        return simple.get(kind.only, arrow.string())


class ColumnKind:
    """What the values of a column have in common."""

    def __init__(self, *types: type, digits: int = 1, scale: int = 0) -> None:
        self._types = set(types)
        self.digits = digits
        """The most digits before the point."""
        self.scale = scale
        """The most digits after the point."""

    def add(self, value: FieldValue) -> None:
        """Take in one more value."""
        if value is None:
            return
        too_large = isinstance(value, int) and abs(value) > _MAX_INTEGER
        self._types.add(str if too_large else type(value))
        if isinstance(value, Decimal) and value.is_finite():
            self.digits = max(self.digits, value.adjusted() + 1)
            self.scale = max(self.scale, -int(value.as_tuple().exponent))

    @property
    def only(self) -> type:
        """Their type; str if they have several types."""
        if self._types == {int, float}:
            return float
        return next(iter(self._types)) if len(self._types) == 1 else str

    @property
    def empty(self) -> bool:
        """Whether there was no value."""
        return not self._types

    @property
    def is_decimal(self) -> bool:
        """Whether all values fit a decimal of Parquet."""
        return self.only is Decimal and self.digits + self.scale <= _MAX_DIGITS

    def convert(self, value: FieldValue) -> FieldValue:
        """A value as the column takes it."""
        if value is None or self.is_decimal or self.only in _NATIVE:
            return value
        return plain_text(value)


_NATIVE = frozenset({bool, int, float, bytes, dt.datetime, dt.date, dt.time, dt.timedelta})
"""Types that Parquet takes as they are."""

_TYPES = {
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.BOOLEAN: bool,
    Kind.DECIMAL: Decimal,
    Kind.DATETIME: dt.datetime,
    Kind.DATE: dt.date,
    Kind.TIME: dt.time,
    Kind.BYTES: bytes,
}
"""Of the kinds that are not written as text."""


def _declared(columns: Columns) -> dict[str, ColumnKind]:
    return {name: _declared_kind(column) for name, column in columns.known.items()}


def _declared_kind(column: Column) -> ColumnKind:
    if column.precision is None or column.scale is None:
        digits, scale = _MAX_DIGITS - _ANY_SCALE, _ANY_SCALE
    else:
        digits, scale = max(column.precision - column.scale, 0), column.scale
    return ColumnKind(_TYPES.get(column.kind, str), digits=digits, scale=scale)


def _by_values(rows: Rows, columns: Columns) -> dict[str, ColumnKind]:
    """The kinds that are declared, and those that the values have."""
    declared, likely = _declared(columns), columns.likely or {}
    kinds = _kinds(rows)
    for name, kind in kinds.items():
        if name in declared:
            kinds[name] = declared[name]
        elif kind.empty and name in likely:
            kinds[name] = _declared_kind(likely[name])
    return kinds


def _unfit(name: str, kind: ColumnKind) -> str:
    if not kind.is_decimal:
        return "a crawl stored other values meanwhile; export again"
    return (
        f"column {name} has a number with more than {kind.digits} digits before the point, or "
        f"{kind.scale} after it; declare it as Annotated[Decimal, Numeric(precision, scale)] with "
        f"at most {_MAX_DIGITS} digits, or export CSV or JSON lines"
    )


def _kinds(rows: Rows) -> dict[str, ColumnKind]:
    kinds: dict[str, ColumnKind] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, ColumnKind()).add(value)
    return kinds
