"""How many new rows get into a table at once.

| where | how |
|---|---|
| a server that is near | COPY |
| a server that is far | JSON texts, which travel with other statements |
| SQLite | `executemany`, the fastest way within one process |
| anywhere, if a row may be there already | a VALUES list that skips conflicts |

A VALUES list can hold every value, so it also takes what JSON cannot; but it costs the client most.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.types import TypeEngine

from scrapy_snapshot_pipeline.store.connection.transactions import is_remote
from scrapy_snapshot_pipeline.store.schema.reflect import columns_of
from scrapy_snapshot_pipeline.store.schema.tables import SHAPE_COLUMNS
from scrapy_snapshot_pipeline.store.schema.types import JsonText
from scrapy_snapshot_pipeline.store.sql.columns import Columns, convert_column
from scrapy_snapshot_pipeline.store.sql.copy_text import copy_rows
from scrapy_snapshot_pipeline.store.sql.dialects import Converter, Part, Row, features_of
from scrapy_snapshot_pipeline.store.sql.json_rows import json_rows_text
from scrapy_snapshot_pipeline.store.sql.script import Script

_IDS_AND_TIMES = frozenset(
    {"entity_id", "child_id", "snapshot_id", "valid_from", "last_confirmed_at", "valid_to"}
)


class WritableTable:
    """A table as the statements name it, and how its rows are inserted."""

    def __init__(
        self,
        table: sa.Table,
        dialect: Dialect,
        *,
        fits_json: bool,
        others: Sequence[str] = (),
        shaped: bool = False,
    ) -> None:
        """`fits_json`: it is one of its `json_tables`; `others`: columns that it only keeps.

        `shaped`: the shape of new rows is stated, since there are several.
        """
        self._features = features_of(dialect)
        # The preparer doubles each % in a name, since the driver takes one % for a placeholder.
        preparer = dialect.identifier_preparer
        columns = [c for c in table.columns if shaped or c.name not in SHAPE_COLUMNS]
        quoted = {c.name: preparer.quote(c.name) for c in columns}
        kept = [name for name in SHAPE_COLUMNS if name in table.c and name not in quoted]
        self.name = preparer.format_table(table)
        self.columns = ", ".join(quoted.values())
        self._names = list(quoted)
        self.content = [
            *(name for column, name in quoted.items() if column not in _IDS_AND_TIMES),
            *map(preparer.quote, [*others, *kept]),
        ]
        """The columns that two pieces of one row have in common."""
        self.has_parent = "parent_id" in quoted
        self._converters = _converters(columns, dialect)
        self._json = [
            index for index, column in enumerate(columns) if isinstance(column.type, JsonText)
        ]
        self._fits_json = fits_json
        self._copy = f"COPY {self.name} ({self.columns}) FROM STDIN".replace("%%", "%")
        self._insert = f"INSERT INTO {self.name} ({self.columns})"
        self._from_json = self._insert + _select_from_json(self.name, quoted)
        self._row = "(" + ", ".join([self._features.placeholder] * len(quoted)) + ")"

    def insert(self, script: Script, pieces: Iterable[Columns]) -> None:
        """Insert rows piece by piece; a conflict raises the driver's error."""
        converted = (self._converted(columns) for columns in pieces)
        if not self._features.copies:
            sql = f"{self._insert} VALUES {self._row}"
            for columns in converted:
                script.connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))
        elif script.collects:
            for columns in converted:
                script.send(*self._plain_insert(columns))
        else:
            script.flush()
            copy_rows(script.connection, self._copy, converted)

    def insert_absent(self, script: Script, columns: Columns) -> set[bytes]:
        """Insert rows in their order, skipping conflicts; return the entities of those inserted."""
        rows = list(zip(*self._converted(columns), strict=True))
        digest = self._features.digest
        returning = digest.selected.format("entity_id")
        inserted: set[bytes] = set()
        for some in self._features.slices(rows, len(columns)):
            sql, parameters = self._values(some)
            sql += f" ON CONFLICT DO NOTHING RETURNING {returning}"
            inserted.update(map(digest.read, script.query(sql, parameters).scalars().all()))
        return inserted

    def _plain_insert(self, columns: Columns) -> Part:
        """The statement for a piece, which may travel with others."""
        json_null = any("null" in columns[index] for index in self._json)
        if json_null or not self._fits_json:
            return self._values(list(zip(*columns, strict=True)))
        return self._from_json, (json_rows_text(self._names, columns, self._json),)

    def _values(self, rows: Sequence[Row]) -> Part:
        sql = f"{self._insert} VALUES {', '.join([self._row] * len(rows))}"
        return sql, tuple(value for row in rows for value in row)

    def _converted(self, columns: Columns) -> Columns:
        converted = list(columns)
        for index, convert in self._converters:
            converted[index] = convert_column(convert, converted[index])
        return converted


def _select_from_json(table: str, quoted: Mapping[str, str]) -> str:
    """The SELECT that makes rows of `table` of one parameter; `quoted` has its columns."""
    # The alias of the row must not be the name of a column.  NULL::table would be shorter, but a
    # type may have the name of the table.
    row = next(name for name in map("row_{}".format, itertools.count()) if name not in quoted)
    return f"""
        SELECT {", ".join(quoted.values())} FROM json_populate_recordset(
            (SELECT {row} FROM {table} AS {row} WHERE false), %s)"""  # noqa: S608 - quoted names


def json_tables(connection: Connection, tables: Iterable[sa.Table]) -> frozenset[str]:
    """The names of those `tables` whose rows may travel as JSON; none where the server is near."""
    if not is_remote(connection):
        return frozenset()
    by_name = {table.name: table for table in tables}
    stored = columns_of(connection, list(by_name))
    return frozenset(name for name, found in stored.items() if _fits_json(by_name[name], found))


def _fits_json(table: sa.Table, stored: Iterable[ReflectedColumn]) -> bool:
    """Whether our JSON columns hold JSON, and no others do: `json_rows` treats only these as JSON.

    Another one may hold JSON by a type of the user's, or because somebody has altered the table.
    """
    types = {column["name"]: column["type"] for column in stored}
    if any(isinstance(each, postgresql.DOMAIN) for each in types.values()):
        return False  # a domain may be one over JSON
    return {name for name, each in types.items() if isinstance(each, sa.JSON)} == _json(table)


def _json(table: sa.Table) -> set[str]:
    return {column.name for column in table.columns if isinstance(column.type, JsonText)}


def _converters(columns: Iterable[sa.Column[Any]], dialect: Dialect) -> list[tuple[int, Converter]]:
    """The converters of the columns whose values the driver does not take as they are, by index."""
    return [
        (index, convert)
        for index, column in enumerate(columns)
        if (convert := _converter(column.type, dialect)) is not None
    ]


def _converter(sql_type: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    if isinstance(sql_type, sa.LargeBinary):
        return None  # every driver takes bytes; COPY has no use for the dialect's wrapper
    own: TypeEngine[Any] = sql_type.dialect_impl(dialect)
    convert = own.bind_processor(dialect)
    while isinstance(own, sa.types.TypeDecorator):
        own = own.impl_instance
    if convert is not None and isinstance(own, sa.LargeBinary):
        return lambda value: _bytes(convert(value))
    return convert


def _bytes(value: Any) -> Any:
    """Take bytes out of the driver's wrapper, in which a type of the user's own gives them."""
    return getattr(value, "adapted", value)
