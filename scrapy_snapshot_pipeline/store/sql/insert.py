"""How new rows get into a table, whichever way its database takes many of them at once.

| where | how |
|---|---|
| a server that is near | COPY |
| a server that is far | JSON texts, which travel with other statements |
| SQLite | `executemany`, which in process is the fastest |
| where a row may be there already | a VALUES list that passes over conflicts |

A VALUES list can hold everything, and costs the client most: it also takes what JSON cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.types import TypeEngine

from scrapy_snapshot_pipeline.store.connection.transactions import is_remote
from scrapy_snapshot_pipeline.store.schema.tables import JsonText
from scrapy_snapshot_pipeline.store.sql.columns import Columns, convert_column
from scrapy_snapshot_pipeline.store.sql.copy_text import copy_rows
from scrapy_snapshot_pipeline.store.sql.dialects import Converter, Part, Row, features_of
from scrapy_snapshot_pipeline.store.sql.json_rows import json_rows_text
from scrapy_snapshot_pipeline.store.sql.script import Script

_INTERVAL = frozenset({"entity_id", "child_id", "snapshot_id", "valid_from", "valid_to"})


class InsertTable:
    """A table as the statements name it, and the insertion of its rows."""

    def __init__(self, table: sa.Table, connection: Connection) -> None:
        """`table` must be there."""
        dialect = connection.dialect
        self._driver = features_of(dialect)
        # What it quotes has % doubled, where the driver sees a placeholder in a single one.
        preparer = dialect.identifier_preparer
        quoted = {c.name: preparer.quote(c.name) for c in table.columns}
        self.name = preparer.format_table(table)
        self.columns = ", ".join(quoted.values())
        self._names = list(quoted)
        json = [c.name for c in table.columns if isinstance(c.type, JsonText)]
        self.copied = [name for column, name in quoted.items() if column not in _INTERVAL]
        self.nested = "parent_id" in quoted
        self._converters = _converters(table, dialect)
        self._json = [self._names.index(name) for name in json]
        self._fits_json = is_remote(connection) and _holds_json_in(json, table, connection)
        self._copy = f"COPY {self.name} ({self.columns}) FROM STDIN".replace("%%", "%")
        self._insert = f"INSERT INTO {self.name} ({self.columns})"
        # Not NULL::table, as the table may be called like a type; nor may a column like the row.
        row = next(name for name in map("row_{}".format, itertools.count()) if name not in quoted)
        self._from_json = f"""
            {self._insert} SELECT {self.columns} FROM json_populate_recordset(
                (SELECT {row} FROM {self.name} AS {row} WHERE false), %s)"""  # noqa: S608 - quoted
        self._row = "(" + ", ".join([self._driver.placeholder] * len(quoted)) + ")"

    def insert(self, writing: Script, pieces: Iterable[Columns]) -> None:
        """Insert rows, piece by piece, or have the database raise its own error."""
        converted = (self._converted(columns) for columns in pieces)
        if not self._driver.copies:
            sql = f"{self._insert} VALUES {self._row}"
            for columns in converted:
                writing.connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))
        elif writing.together:
            for columns in converted:
                writing.send(*self._together(columns))
        else:
            writing.flush()
            copy_rows(writing.connection, self._copy, converted)

    def insert_absent(self, writing: Script, columns: Columns) -> int:
        """Insert rows in their order, passing over conflicts; return how many went in."""
        rows = list(zip(*self._converted(columns), strict=True))
        inserted = 0
        for some in self._driver.slices(rows, len(columns)):
            sql, parameters = self._values(some)
            sql += " ON CONFLICT DO NOTHING RETURNING entity_id"
            inserted += len(writing.ask(sql, parameters).all())
        return inserted

    def _together(self, columns: Columns) -> Part:
        """The statement for a piece that travels with others."""
        json_null = any("null" in columns[place] for place in self._json)
        if json_null or not self._fits_json:
            return self._values(list(zip(*columns, strict=True)))
        return self._from_json, (json_rows_text(self._names, columns, self._json),)

    def _values(self, rows: Sequence[Row]) -> Part:
        sql = f"{self._insert} VALUES {', '.join([self._row] * len(rows))}"
        return sql, tuple(value for row in rows for value in row)

    def _converted(self, columns: Columns) -> Columns:
        converted = list(columns)
        for place, convert in self._converters:
            converted[place] = convert_column(convert, converted[place])
        return converted


def _holds_json_in(names: Collection[str], table: sa.Table, connection: Connection) -> bool:
    """Whether these columns hold JSON, and no others: `recordset` writes only them as such.

    Others may by a type of the user's, or since somebody has altered the table.
    """
    stored = sa.inspect(connection).get_columns(table.name)
    if any(isinstance(column["type"], postgresql.DOMAIN) for column in stored):
        return False  # of whatever
    return {c["name"] for c in stored if isinstance(c["type"], sa.JSON)} == set(names)


def _converters(table: sa.Table, dialect: Dialect) -> list[tuple[int, Converter]]:
    """The places of a row whose values the driver does not take as they are."""
    return [
        (place, convert)
        for place, column in enumerate(table.columns)
        if (convert := _converter(column.type, dialect)) is not None
    ]


def _converter(sql_type: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    if isinstance(sql_type, sa.LargeBinary):
        return None  # every driver takes bytes; the dialect's wrapper is no use to COPY
    own: TypeEngine[Any] = sql_type.dialect_impl(dialect)
    convert = own.bind_processor(dialect)
    while isinstance(own, sa.types.TypeDecorator):
        own = own.impl_instance
    if convert is not None and isinstance(own, sa.LargeBinary):
        return lambda value: _bytes(convert(value))
    return convert


def _bytes(value: Any) -> Any:
    """Of bytes in a driver's wrapper, as a type of the user's own gives them."""
    return getattr(value, "adapted", value)
