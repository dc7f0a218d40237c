"""The declared columns of stored rows, read as the values that a record has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult, Dialect

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import Value
from scrapy_snapshot_pipeline.store.sql.dialects import Converter, Row

_AS: Mapping[Kind, Callable[[Any], Value]] = {
    # The SQL type of an `Annotated` field may return another kind of number.
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.BYTES: bytes,
}


class StoredValues:
    """Those of one table, which is called `x` in the statement."""

    def __init__(self, table: sa.Table, columns: Sequence[Column], dialect: Dialect) -> None:
        preparer = dialect.identifier_preparer
        self._dialect = dialect
        self._names = [column.name for column in columns]
        self._kinds = [column.kind for column in columns]
        self._types = [table.c[name].type for name in self._names]
        selected = [f"x.{preparer.quote(name)}" for name in self._names]
        self.selected = ", ".join(
            f"CAST({name} AS TEXT)" if kind is Kind.JSON else name
            for name, kind in zip(selected, self._kinds, strict=True)
        )
        """What to select for them.  JSON is text, so that no driver parses it."""

    def rows(self, found: CursorResult[Any]) -> Iterator[tuple[Row, dict[str, Value]]]:
        """Of each row what was selected before the values, and these by their names."""
        count = len(self._names)
        codes = [each[1] for each in found.cursor.description[-count:]]
        converters = [
            self._converter(sql_type, kind, code)
            for sql_type, kind, code in zip(self._types, self._kinds, codes, strict=True)
        ]
        for row in found:
            values = {
                name: value if value is None or convert is None else convert(value)
                for name, convert, value in zip(self._names, converters, row[-count:], strict=True)
            }
            yield row[:-count], values

    def _converter(self, sql_type: Any, kind: Kind, code: object) -> Converter | None:
        """What makes a value of what the driver gives, as SQLAlchemy does it."""
        if kind is Kind.JSON:
            return None
        own = sql_type.dialect_impl(self._dialect)
        read = own.result_processor(self._dialect, code)
        then = _AS.get(kind)
        if read is None or then is None:
            return read or then
        return lambda value: then(read(value))
