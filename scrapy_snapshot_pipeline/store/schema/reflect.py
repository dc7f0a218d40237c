"""Looks at what a database has of our tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import ReflectedColumn

from scrapy_snapshot_pipeline.declaration.catalog import shape_declaration
from scrapy_snapshot_pipeline.evolution.shapes import Shape
from scrapy_snapshot_pipeline.store.schema.ddl import own_columns
from scrapy_snapshot_pipeline.store.schema.stored import CatalogueEntry, StoredSchema
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA, SHAPES, SYSTEM, EntityTables

_POSTGRESQL_COLUMNS = 1_600
_SQLITE_COLUMNS = 2_000
"""The most in a table or a view; of SQLite unless it was built with another limit."""
_LIMIT_COLUMN = 2  # sqlite3.SQLITE_LIMIT_COLUMN, which Python 3.10 lacks

_OTHER_SCHEMA = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass('snapshot_schema') AND n.nspname <> current_schema()
"""


def stored_schema(connection: Connection, declared: Sequence[EntityTables]) -> StoredSchema:
    """What the database has of the system tables and the `declared` ones.

    The catalogue is read first: another crawl may be altering tables, and what the catalogue says
    of them is there by then.
    """
    system = columns_of(connection, [SCHEMA.name, SHAPES.name])
    known = frozenset(map(_name, system.get(SCHEMA.name, ())))
    catalogue = _catalogue(connection, known)
    shapes = stored_shapes(connection) if SHAPES.name in system else {}
    inspector = sa.inspect(connection)
    tables = frozenset(inspector.get_table_names())
    ours = (*SYSTEM.sorted_tables, *(table for entity in declared for table in entity.all))
    names = {table.name for table in ours}
    roots = tuple(f"{entity.versions.name}_" for entity in declared)
    # Tables of lists that a class no longer has begin with the name of its own.
    there = [name for name in tables if name in names or name.startswith(roots)]
    found = columns_of(connection, there)
    columns = {name: frozenset(map(_name, each)) for name, each in found.items()}
    required = {name: frozenset(map(_name, filter(_is_required, c))) for name, c in found.items()}
    return StoredSchema(
        tables=tables,
        columns=columns,
        required=required,
        views=frozenset(inspector.get_view_names()),
        catalogue=catalogue,
        shapes=shapes,
        max_columns=_max_columns(connection),
        other_schema=other_schema(connection),
        own_columns=own_columns(connection.dialect),
    )


def stored_shapes(connection: Connection) -> dict[str, list[Shape]]:
    """By the entity's table, in the order of their numbers."""
    columns = (SHAPES.c.table_name, SHAPES.c.shape, SHAPES.c.declaration)
    found: dict[str, list[Shape]] = {}
    for table, number, text in connection.execute(sa.select(*columns).order_by(*columns[:2])):
        found.setdefault(table, []).append(Shape(number, shape_declaration(text)))
    return found


def columns_of(connection: Connection, tables: Sequence[str]) -> dict[str, list[ReflectedColumn]]:
    """The stored columns of those of `tables` that are there, in a few round trips."""
    if not tables:
        return {}  # SQLAlchemy takes an empty filter for none
    found = sa.inspect(connection).get_multi_columns(filter_names=tables)
    return {name: columns for (_, name), columns in found.items()}


def other_schema(connection: Connection) -> str | None:
    """The schema in which the search_path finds our catalogue; None where it is the first, or none.

    Tables are created in the first schema of the path, and looked for in all of them.
    """
    if connection.dialect.name != "postgresql":
        return None
    schema_name: str | None = connection.exec_driver_sql(_OTHER_SCHEMA).scalar()
    return schema_name


def _catalogue(connection: Connection, columns: frozenset[str]) -> dict[str, CatalogueEntry]:
    """Nothing where the table is missing, or is not one that this release can read."""
    if not columns.issuperset(column.name for column in SCHEMA.columns):
        return {}
    return {
        row.table_name: CatalogueEntry(row.version, row.columns)
        for row in connection.execute(sa.select(SCHEMA))
    }


def _max_columns(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return _POSTGRESQL_COLUMNS
    raw: Any = connection.connection.driver_connection
    if not hasattr(raw, "getlimit"):  # Python 3.10
        return _SQLITE_COLUMNS
    limit: int = raw.getlimit(_LIMIT_COLUMN)
    return limit


def _name(column: ReflectedColumn) -> str:
    return column["name"]


def _is_required(column: ReflectedColumn) -> bool:
    generated = column.get("computed") or column.get("identity")
    return not (column["nullable"] or column["default"] or generated)
